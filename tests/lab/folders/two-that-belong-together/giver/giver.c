// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
int giver_number(void)
{
	return 42;
}
EXPORT_SYMBOL_GPL(giver_number);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Exports a number");
