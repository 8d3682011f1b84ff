/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memalloc: no call leaves memory behind. Each is made ten thousand times, and a
 * page lost with one in twenty of them shows, or a small object with each.
 *
 * A kernel that keeps freed objects back to see who uses them (KASAN) says
 * nothing about small objects; kmemleak does so there, for which a few calls do:
 * their number is an argument.
 */
#include "memalloc.h"
#include "module.h"

#include <sched.h>

static int calls = 10000;
/* What may be lost in all, in KiB. */
#define PAGES_LOST 2048l
#define OBJECTS_LOST 512l

static long meminfo(const char *name)
{
	char line[128];
	long value = -1;
	FILE *file = fopen("/proc/meminfo", "r");

	if (!file)
		give_up("/proc/meminfo can't be read");
	while (value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			value = atol(line + strlen(name));
	fclose(file);
	if (value < 0)
		give_up("/proc/meminfo has no %s", name);
	return value;
}

/* Memory that is free or known to be used for something, in KiB. A page lost is neither. */
static long known(void)
{
	static const char *const names[] = {
		"MemFree:", "Buffers:", "Cached:", "AnonPages:", "Slab:", "KernelStack:", "PageTables:",
	};
	long sum = 0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sum += meminfo(names[i]);
	return sum;
}

static bool allocate_and_free(int i)
{
	return allocate(HERE, 1 + i % 3, i % 2) == 0 && give_back(HERE) == 0;
}

static bool allocate_where_something_is(int i)
{
	return allocate(HERE, 1 + i % 3, true) == -1 && errno == EEXIST;
}

static bool share_again(int i)
{
	return share(HERE, getpid(), i % 2) == 0;
}

static bool share_and_access(int i)
{
	return share(HERE, getpid(), i % 2) == 0 && access_page(THERE) == 0 && give_back(THERE) == 0;
}

/* Each time another page, which is given back by the one who allocated it first, or last. */
static bool share_a_new_page(int i)
{
	unsigned long first = i % 2 ? HERE + PAGE : THERE, last = i % 2 ? THERE : HERE + PAGE;

	return allocate(HERE + PAGE, 1, true) == 0 && share(HERE + PAGE, getpid(), true) == 0 &&
	       access_page(THERE) == 0 && give_back(first) == 0 && give_back(last) == 0;
}

static bool access_where_something_is(int i)
{
	(void)i;
	return access_page(HERE) == -1 && errno == EEXIST;
}

static bool access_without_an_offer(int i)
{
	(void)i;
	return access_page(THERE) == -1 && errno == ENOENT;
}

static bool walk_to_it(int i)
{
	return walk(HERE + i % 2 * PAGE).depth != 0;
}

/* A leak shows each time; what the rest of the kernel keeps for itself shows once. */
#define TIMES 3

static void each(const char *name, bool (*call)(int))
{
	long memory = PAGES_LOST, objects = OBJECTS_LOST;
	int i, time, good = 0;

	for (i = 0; i < calls / 10; i++)
		call(i);
	for (time = 0; time < TIMES && (memory >= PAGES_LOST || objects >= OBJECTS_LOST); time++) {
		memory = known();
		objects = meminfo("SUnreclaim:");
		for (i = 0; i < calls; i++)
			good += call(i);
		memory -= known();
		objects = meminfo("SUnreclaim:") - objects;
		/* KASAN keeps freed objects back. */
		if (access("/proc/self/fail-nth", F_OK) == 0)
			objects = 0;
	}
	check_equal(good, time * calls, name);
	check(memory < PAGES_LOST, "loses no page: %ld KiB", memory);
	check(objects < OBJECTS_LOST, "and no object: %ld KiB", objects);
}

int main(int count, char **arguments)
{
	cpu_set_t one;

	if (count > 1)
		calls = atoi(arguments[1]);

	/* Processors keep pages ready for themselves: let it be one, and few pages. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	write_text("/proc/sys/vm/percpu_pagelist_high_fraction", "1000000");

	open_device();
	each("ALLOCATE and FREE, over and over,", allocate_and_free);
	if (allocate(HERE, 1, true))
		give_up("ALLOCATE");
	each("ALLOCATE where something is", allocate_where_something_is);
	each("SHAREPAGE that replaces an offer", share_again);
	each("ACCESSPAGE where something is", access_where_something_is);
	each("SHAREPAGE, ACCESSPAGE and FREE", share_and_access);
	each("ALLOCATE, SHAREPAGE, ACCESSPAGE and both FREE", share_a_new_page);
	each("ACCESSPAGE without an offer", access_without_an_offer);
	each("WALK", walk_to_it);
	give_back(HERE);
	check(is_empty() && shown("offers") == 0, "and nothing is left behind");
	close(device);
	return finish();
}
