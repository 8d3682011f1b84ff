// SPDX-License-Identifier: GPL-2.0
/* A thread that follows a list one element too far, for the kernel to oops. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

struct broken_item {
	int value;
	struct broken_item *next;
};

static struct broken_item broken_last = { .value = 2 };
static struct broken_item broken_first = { .value = 1, .next = &broken_last };

static noinline __noclone int broken_value(struct broken_item *item)
{
	/* After a call, so that the stack has a frame and the report every caller. */
	pr_info("one more item\n");
	return READ_ONCE(item->value);
}

static noinline __noclone int broken_sum(struct broken_item *first)
{
	int sum = broken_value(first);

	sum += broken_value(first->next);
	sum += broken_value(first->next->next);
	return sum;
}

static int broken_thread(void *unused)
{
	/* Whoever loads the module sees it loaded first. */
	msleep(1500);
	pr_info("the sum is %d\n", broken_sum(&broken_first));
	return 0;
}

static int __init broken_init(void)
{
	return PTR_ERR_OR_ZERO(kthread_run(broken_thread, NULL, "broken_list"));
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Follows a list too far on purpose");
