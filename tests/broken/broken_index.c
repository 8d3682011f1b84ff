// SPDX-License-Identifier: GPL-2.0
/* Indexes past the end of an array, for UBSAN to report. */
#include <linux/module.h>

static int numbers[4];
static unsigned int beyond = 4;

static int __init broken_init(void)
{
	OPTIMIZER_HIDE_VAR(beyond);
	numbers[beyond] = 1;
	pr_info("broken_index: wrote %d\n", READ_ONCE(numbers[0]));
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Writes past an array on purpose");
