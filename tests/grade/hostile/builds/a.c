// SPDX-License-Identifier: GPL-2.0
/* There is nothing wrong with it. */
#include <linux/init.h>
#include <linux/module.h>

static int __init a_init(void)
{
	return 0;
}

static void __exit a_exit(void)
{
}

module_init(a_init);
module_exit(a_exit);
MODULE_DESCRIPTION("Nothing is wrong with it");
MODULE_LICENSE("GPL");
