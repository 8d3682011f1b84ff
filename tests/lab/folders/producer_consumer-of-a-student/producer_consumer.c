// SPDX-License-Identifier: GPL-2.0
/* Threads and two semaphores, and nothing to be seen in sysfs. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/semaphore.h>
#include <linux/slab.h>

static int prod = 1, cons = 1, size = 1;
module_param(prod, int, 0444);
module_param(cons, int, 0444);
module_param(size, int, 0444);

static struct semaphore empty, full;
static struct task_struct **threads;
static int started;

static int produce(void *unused)
{
	while (!kthread_should_stop())
		if (!down_interruptible(&empty))
			up(&full);
	return 0;
}

static int consume(void *unused)
{
	while (!kthread_should_stop())
		if (!down_interruptible(&full)) {
			msleep_interruptible(200);
			up(&empty);
		}
	return 0;
}

static void stop(void)
{
	while (started)
		kthread_stop(threads[--started]);
	kfree(threads);
}

static int __init producer_consumer_start(void)
{
	struct task_struct *thread;
	int i;

	sema_init(&empty, size);
	sema_init(&full, 0);
	threads = kcalloc(prod + cons, sizeof(*threads), GFP_KERNEL);
	if (!threads)
		return -ENOMEM;
	for (i = 0; i < prod + cons; i++) {
		thread = i < prod ? kthread_run(produce, NULL, "Producer-%d", i + 1)
				  : kthread_run(consume, NULL, "Consumer-%d", i - prod + 1);
		if (IS_ERR(thread)) {
			stop();
			return PTR_ERR(thread);
		}
		threads[started++] = thread;
	}
	return 0;
}

static void __exit producer_consumer_end(void)
{
	stop();
}
module_init(producer_consumer_start);
module_exit(producer_consumer_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A student's producers and consumers");
