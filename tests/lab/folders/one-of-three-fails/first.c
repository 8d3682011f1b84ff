// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init first_start(void)
{
	pr_info("first is in\n");
	return 0;
}
static void __exit first_end(void)
{
}
module_init(first_start);
module_exit(first_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Builds");
