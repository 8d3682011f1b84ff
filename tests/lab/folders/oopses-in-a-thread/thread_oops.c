// SPDX-License-Identifier: GPL-2.0
/* A thread writes through a NULL pointer and is gone; the module can be unloaded. */
#include <linux/kthread.h>
#include <linux/module.h>

static bool quiet;
module_param(quiet, bool, 0444);

static int *nowhere;

static int work(void *unused)
{
	WRITE_ONCE(*READ_ONCE(nowhere), 1);
	return 0;
}

static int __init thread_oops_start(void)
{
	return quiet ? 0 : PTR_ERR_OR_ZERO(kthread_run(work, NULL, "thread_oops"));
}

static void __exit thread_oops_end(void)
{
}
module_init(thread_oops_start);
module_exit(thread_oops_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Oopses in a thread");
