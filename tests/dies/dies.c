// SPDX-License-Identifier: GPL-2.0
/* A module whose kernel panics some time after it was loaded. */
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/timer.h>

static unsigned int after_ms = 1000;
module_param(after_ms, uint, 0);

static void die(struct timer_list *unused)
{
	panic("dies as it was told to");
}

static DEFINE_TIMER(death, die);

static int __init dies_init(void)
{
	mod_timer(&death, jiffies + msecs_to_jiffies(after_ms));
	return 0;
}

static void __exit dies_exit(void)
{
	timer_shutdown_sync(&death);
}

module_init(dies_init);
module_exit(dies_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("panics some time after it was loaded");
