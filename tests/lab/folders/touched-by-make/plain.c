// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init plain_start(void)
{
	pr_info("plain is in\n");
	return 0;
}
static void __exit plain_end(void)
{
}
module_init(plain_start);
module_exit(plain_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("As small as they come");
