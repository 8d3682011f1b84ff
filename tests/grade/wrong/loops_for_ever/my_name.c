// SPDX-License-Identifier: GPL-2.0
/* Greets, and never comes back. */
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
	for (;;)
		cpu_relax();
	return 0;
}

module_init(my_name_init);
MODULE_DESCRIPTION("Loops for ever");
MODULE_LICENSE("GPL");
