// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
int giver_number(void);
static int __init taker_start(void)
{
	pr_info("the number is %d\n", giver_number());
	return 0;
}
static void __exit taker_end(void)
{
}
module_init(taker_start);
module_exit(taker_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Uses a number of another module");
