// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init dash_start(void)
{
	pr_info("a dash is in\n");
	return 0;
}
static void __exit dash_end(void)
{
}
module_init(dash_start);
module_exit(dash_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A dash in the name");
