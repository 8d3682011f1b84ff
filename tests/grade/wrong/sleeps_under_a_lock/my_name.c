// SPDX-License-Identifier: GPL-2.0
/* Works, but sleeps while it holds a spinlock. */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/spinlock.h>

static char *charParameter = "Spring";
module_param(charParameter, charp, 0444);
static int intParameter = 2025;
module_param(intParameter, int, 0444);

static DEFINE_SPINLOCK(lock);

static int __init my_name_init(void)
{
	spin_lock(&lock);
	msleep(1);
	pr_info("Hello, I am Somebody, a student of CSE330 %s %d\n", charParameter, intParameter);
	spin_unlock(&lock);
	return 0;
}

static void __exit my_name_exit(void)
{
	pr_info("Goodbye\n");
}

module_init(my_name_init);
module_exit(my_name_exit);
MODULE_DESCRIPTION("Sleeps under a lock");
MODULE_LICENSE("GPL");
