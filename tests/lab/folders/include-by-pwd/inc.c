// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <words.h>
static int __init inc_start(void)
{
	pr_info("" WORDS "\n");
	return 0;
}
static void __exit inc_end(void)
{
}
module_init(inc_start);
module_exit(inc_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Finds its header by PWD");
