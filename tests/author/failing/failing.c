// SPDX-License-Identifier: GPL-2.0
/* Unit tests that end in every way there is. */

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <kunit/test.h>

static void passes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, 1);
}

static void expects_too_much(struct kunit *test)
{
	pr_info("failing: about to be wrong\n");
	KUNIT_EXPECT_EQ(test, 2, 3);
}

static void is_skipped(struct kunit *test)
{
	kunit_skip(test, "no such device");
}

static void uses_freed_memory(struct kunit *test)
{
	char *byte = kmalloc(8, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(byte);
	kfree(byte);
	WRITE_ONCE(*byte, 1);
}

static void hangs(struct kunit *test)
{
	for (;;)
		msleep(100);
}

static void panics(struct kunit *test)
{
	panic("a test's own");
}

static void passes_in_the_end(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(passes),
	KUNIT_CASE(expects_too_much),
	KUNIT_CASE(is_skipped),
	KUNIT_CASE(uses_freed_memory),
	KUNIT_CASE(hangs),
	KUNIT_CASE(panics),
	KUNIT_CASE(passes_in_the_end),
	{}
};
static struct kunit_suite suite = {
	.name = "failing",
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_DESCRIPTION("Unit tests that end in every way there is");
MODULE_LICENSE("GPL");
