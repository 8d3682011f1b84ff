// SPDX-License-Identifier: GPL-2.0
/* Does what was asked for. */
#include <linux/init.h>
#include <linux/module.h>

static int __init innocent_init(void)
{
	pr_info("innocent: at your service\n");
	return 0;
}

static void __exit innocent_exit(void)
{
}

module_init(innocent_init);
module_exit(innocent_exit);
MODULE_DESCRIPTION("Does what was asked for");
MODULE_LICENSE("GPL");
