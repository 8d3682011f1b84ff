// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include "../words.h"
static int __init up_start(void)
{
	pr_info("" WORDS "\n");
	return 0;
}
static void __exit up_end(void)
{
}
module_init(up_start);
module_exit(up_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Finds its header above");
