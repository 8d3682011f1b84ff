// SPDX-License-Identifier: GPL-2.0
/* Takes memory and forgets where it is, for kmemleak to report. */
#include <linux/module.h>
#include <linux/slab.h>

/* Several, since what looks like an address of one may be left on a stack. */
#define PIECES 16

static int __init broken_init(void)
{
	int piece;

	for (piece = 0; piece < PIECES; piece++) {
		char *memory = kmalloc(64, GFP_KERNEL);

		if (!memory)
			return -ENOMEM;
		WRITE_ONCE(memory[8], piece);
	}
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Forgets memory on purpose");
