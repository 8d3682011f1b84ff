// SPDX-License-Identifier: GPL-2.0
/* Does the work, and leaves its threads running when it is unloaded. */
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/semaphore.h>

static int prod, cons, size;
module_param(prod, int, 0444);
module_param(cons, int, 0444);
module_param(size, int, 0444);

static struct semaphore empty, full;

static int produce(void *unused)
{
	while (!kthread_should_stop()) {
		if (down_interruptible(&empty))
			break;
		up(&full);
		cond_resched();
	}
	return 0;
}

static int consume(void *unused)
{
	while (!kthread_should_stop()) {
		if (down_interruptible(&full))
			break;
		up(&empty);
		cond_resched();
	}
	return 0;
}

static int __init producer_consumer_init(void)
{
	int i;

	sema_init(&empty, size);
	sema_init(&full, 0);
	for (i = 1; i <= prod; i++)
		kthread_run(produce, NULL, "Producer-%d", i);
	for (i = 1; i <= cons; i++)
		kthread_run(consume, NULL, "Consumer-%d", i);
	return 0;
}

static void __exit producer_consumer_exit(void)
{
}

module_init(producer_consumer_init);
module_exit(producer_consumer_exit);
MODULE_DESCRIPTION("Forgets kthread_stop");
MODULE_LICENSE("GPL");
