// SPDX-License-Identifier: GPL-2.0
/*
 * A module whose kernel panics some time after its clock was set, as that of each
 * guest is that was resumed; or at once when `now` is written. With hang=1 the
 * kernel keeps every processor instead, with interrupts off.
 */
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/processor.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#define LOOK_EVERY msecs_to_jiffies(20)
#define WAS_SET (20 * NSEC_PER_MSEC)

static unsigned int after_ms = 1000;
module_param(after_ms, uint, 0);

static bool hang;
module_param(hang, bool, 0);

/* How far the clock is ahead of the time since the boot. */
static s64 ahead;

static void spin(void *unused)
{
	for (;;)
		cpu_relax();
}

static void die(struct work_struct *unused)
{
	if (hang)
		on_each_cpu(spin, NULL, 1);
	panic("dies as it was told to");
}

static DECLARE_DELAYED_WORK(death, die);

static s64 ahead_now(void)
{
	return ktime_get_real_ns() - ktime_get_ns();
}

static void look(struct work_struct *work)
{
	if (abs(ahead_now() - ahead) < WAS_SET)
		schedule_delayed_work(to_delayed_work(work), LOOK_EVERY);
	else
		schedule_delayed_work(&death, msecs_to_jiffies(after_ms));
}

static DECLARE_DELAYED_WORK(watch, look);

static int set_now(const char *unused, const struct kernel_param *parameter)
{
	schedule_delayed_work(&death, 0);
	return 0;
}

static const struct kernel_param_ops now = { .set = set_now };
module_param_cb(now, &now, NULL, 0200);

static int __init dies_init(void)
{
	ahead = ahead_now();
	schedule_delayed_work(&watch, LOOK_EVERY);
	return 0;
}

static void __exit dies_exit(void)
{
	cancel_delayed_work_sync(&watch);
	cancel_delayed_work_sync(&death);
}

module_init(dies_init);
module_exit(dies_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("panics or hangs soon after it was resumed");
