// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int __init course_start(void)
{
	pr_info("the course begins\n");
	return 0;
}
static void __exit course_end(void)
{
}
module_init(course_start);
module_exit(course_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What a course hands out");
