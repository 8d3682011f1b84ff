// SPDX-License-Identifier: GPL-2.0
/* May sleep while it holds a spinlock, for DEBUG_ATOMIC_SLEEP to report. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(lock);

static int __init broken_init(void)
{
	void *memory;

	spin_lock(&lock);
	memory = kmalloc(64, GFP_KERNEL);
	spin_unlock(&lock);
	kfree(memory);
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Sleeps in atomic context on purpose");
