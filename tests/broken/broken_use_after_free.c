// SPDX-License-Identifier: GPL-2.0
/* Reads memory after it was freed, for KASAN to report. */
#include <linux/module.h>
#include <linux/slab.h>

static int __init broken_init(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	pr_info("broken_use_after_free: read %d\n", READ_ONCE(memory[8]));
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Reads freed memory on purpose");
