// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/timer.h>
static struct timer_list beat;
static struct hrtimer tick;
static void on_beat(struct timer_list *timer)
{
	struct owner {
		struct timer_list beat;
	} *owner = from_timer(owner, timer, beat);
}
static const struct file_operations file = { .llseek = no_llseek };
static int __init ancient_start(void)
{
	hrtimer_init(&tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer_setup(&beat, on_beat, 0);
	return file.owner ? 0 : -ENOMEM;
}
static void __exit ancient_end(void)
{
	del_timer_sync(&beat);
}
module_init(ancient_start);
module_exit(ancient_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION(WHAT);
