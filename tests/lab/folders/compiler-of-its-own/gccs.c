// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init gccs_start(void)
{
	pr_info("gcc is not asked\n");
	return 0;
}
static void __exit gccs_end(void)
{
}
module_init(gccs_start);
module_exit(gccs_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Wants gcc");
