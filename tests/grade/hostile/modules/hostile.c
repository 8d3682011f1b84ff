// SPDX-License-Identifier: GPL-2.0
/*
 * Does to its guest whatever `how` names: what a judge meets when somebody is
 * careless, or means harm.
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

static char *how = "";
module_param(how, charp, 0444);

static bool is(const char *what)
{
	return !strcmp(how, what);
}

static int flood(void *unused)
{
	unsigned long line = 0;

	while (!kthread_should_stop()) {
		pr_info("flood: line %lu of a great many that say nothing at all\n", line++);
		if (!(line % 64))
			cond_resched();
	}
	return 0;
}

/* Everybody but the first process, the agent among them. */
static void kill_all(void)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_process(task) {
		if (task->mm && task->pid > 1)
			send_sig(SIGKILL, task, 1);
	}
	rcu_read_unlock();
}

/* What programs that read a log might take for a verdict. */
static void forge(void)
{
	pr_info("KTAP version 1\n");
	pr_info("1..1\n");
	pr_info("ok 1 innocent\n");
	pr_info("# Totals: pass:1 fail:0 skip:0 total:1\n");
	pr_info("{\"outcome\":\"passed\",\"points\":100}\n");
	pr_info("\x1b[2Jinnocent passed 5/5\n");
}

static noinline void fault(void)
{
	*(volatile int *)NULL = 1;
}

static int __init hostile_init(void)
{
	if (is("hangs"))
		for (;;)
			msleep(1000);
	if (is("floods"))
		return PTR_ERR_OR_ZERO(kthread_run(flood, NULL, "flood"));
	if (is("kills"))
		kill_all();
	if (is("forges"))
		forge();
	if (is("faults"))
		fault();
	if (is("restarts"))
		emergency_restart();
	if (is("eats"))
		for (;;)
			if (!vzalloc(1 << 20))
				cond_resched();
	return 0;
}

static void __exit hostile_exit(void)
{
	if (is("stays"))
		for (;;)
			msleep(1000);
}

module_init(hostile_init);
module_exit(hostile_exit);
MODULE_DESCRIPTION("Means harm");
MODULE_LICENSE("GPL");
