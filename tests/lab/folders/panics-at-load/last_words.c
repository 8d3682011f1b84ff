// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init last_words_start(void)
{
	panic("the lesson is over");
}
module_init(last_words_start);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Panics");
