// SPDX-License-Identifier: GPL-2.0
/* Greets, but with another line than was asked for. */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/spinlock.h>

static char *charParameter = "Spring";
module_param(charParameter, charp, 0444);
static int intParameter = 2025;
module_param(intParameter, int, 0444);

static int __init my_name_init(void)
{
	pr_info("Hi, this is a student in %s %d\n", charParameter, intParameter);
	return 0;
}

static void __exit my_name_exit(void)
{
	pr_info("Goodbye\n");
}

module_init(my_name_init);
module_exit(my_name_exit);
MODULE_DESCRIPTION("A wrong log line");
MODULE_LICENSE("GPL");
