// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init second_start(void)
{
	pr_info("second is in\n");
	return 0;
}
static void __exit second_end(void)
{
}
module_init(second_start);
module_exit(second_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Builds");
