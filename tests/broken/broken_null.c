// SPDX-License-Identifier: GPL-2.0
/* Writes through a NULL pointer two calls deep, for the kernel to oops. */
#include <linux/module.h>

struct broken_ring {
	long head;
	long slots[8];
};

static struct broken_ring *broken_ring;

static noinline void broken_put(struct broken_ring *ring, long item)
{
	WRITE_ONCE(ring->slots[3], item);
}

static noinline int broken_fill(void)
{
	broken_put(READ_ONCE(broken_ring), 42);
	/* Not a tail call: the function stays in the call trace. */
	return READ_ONCE(broken_ring) ? 0 : -ENOMEM;
}

static int __init broken_init(void)
{
	return broken_fill();
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Writes through a NULL pointer on purpose");
