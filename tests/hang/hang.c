// SPDX-License-Identifier: GPL-2.0
/*
 * A module whose init never returns. Alone (all=0) it keeps the processor it
 * runs on, with interrupts on, so that the kernel notices and says so; with
 * all=1 it keeps every processor, with interrupts off, and nobody says anything.
 */
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/smp.h>

static bool all;
module_param(all, bool, 0);

static void spin(void *unused)
{
	for (;;)
		cpu_relax();
}

static int __init hang_init(void)
{
	if (all)
		on_each_cpu(spin, NULL, 1);
	preempt_disable();
	spin(NULL);
	return 0;
}

module_init(hang_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("keeps processors for ever");
