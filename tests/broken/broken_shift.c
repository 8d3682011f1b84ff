// SPDX-License-Identifier: GPL-2.0
/* Shifts by more than a type has bits, for UBSAN to report. */
#include <linux/module.h>

static int __init broken_init(void)
{
	int distance = 40;

	OPTIMIZER_HIDE_VAR(distance);
	pr_info("broken_shift: %d\n", 1 << distance);
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shifts too far on purpose");
