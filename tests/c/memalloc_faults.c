/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memalloc: every allocation that a call makes fails once, in turn, and the call
 * either does all that was asked or says ENOMEM and leaves nothing.
 *
 * Needs a kernel with fault injection, as the debug flavour is; on another it
 * says so and does nothing.
 */
#include "memalloc.h"
#include "module.h"

#include <sys/mount.h>

#define DEBUGFS "/sys/kernel/debug"

static int fail_nth;

static void set(const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "/%s", file);
	if (write_text(path, value))
		give_up("%s can't be set: no allocation would fail", path);
}

/* Lets the nth allocation from here on fail; 0: none. */
static void fail(int nth)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", nth);
	if (pwrite(fail_nth, number, strlen(number), 0) < 0)
		give_up("fail-nth");
}

/* Did no allocation fail, because there were not so many? */
static bool was_too_far(void)
{
	char number[16] = "";

	if (pread(fail_nth, number, sizeof(number) - 1, 0) < 0)
		give_up("fail-nth");
	return atoi(number) != 0;
}

static int pages;

static int do_allocate(void) { return allocate(HERE, pages, true); }
static int do_free(void) { return give_back(HERE); }
static int do_share(void) { return share(HERE, getpid(), true); }
static int do_access(void) { return access_page(THERE); }
static int do_walk(void)
{
	struct walk_info info = { .vaddr = HERE };

	return ioctl(device, MEMALLOC_WALK, &info);
}

/*
 * Tries `what` with each allocation failing, of which at least `least` are its own and not of the
 * kind that it can do without; `after` follows where it succeeded.
 */
static void each(const char *name, int least, int (*before)(void), int (*what)(void),
		 int (*after)(void))
{
	int nth, failed = 0;
	bool good = true, done = false;

	for (nth = 1; !done && nth < 1000; nth++) {
		unsigned long pages_before, requests_before;
		int result, error;

		if (before && before())
			give_up("before %s", name);
		pages_before = shown("pages_mapped");
		requests_before = shown("requests");
		fail(nth);
		result = what();
		error = errno;
		done = was_too_far();
		fail(0);
		if (result) {
			failed++;
			if (error != ENOMEM || shown("pages_mapped") != pages_before ||
			    shown("requests") != requests_before) {
				errno = error;
				check(false, "%s with failure %d", name, nth);
				good = false;
			}
			/* The same again must work now. */
			result = what();
		}
		good = good && result == 0;
		if (after && after())
			good = false;
	}
	check(good && done && failed >= least,
	      "%s: %d of %d failures reach the caller, as ENOMEM, and leave nothing", name, failed,
	      nth - 2);
}

int main(void)
{
	fail_nth = open("/proc/self/fail-nth", O_RDWR);
	if (fail_nth < 0) {
		printf("ok this kernel can't inject faults\n");
		return 0;
	}
	if (access(DEBUGFS "/failslab", F_OK) && mount("none", DEBUGFS, "debugfs", 0, NULL))
		give_up("debugfs can't be mounted");
	set("failslab/ignore-gfp-wait", "N");
	set("failslab/verbose", "0");
	set("fail_page_alloc/ignore-gfp-wait", "N");
	set("fail_page_alloc/min-order", "0");
	set("fail_page_alloc/verbose", "0");
	open_device();
	for (pages = 1; pages <= 1000; pages *= 10) {
		char name[64];

		snprintf(name, sizeof(name), "ALLOCATE of %d pages", pages);
		each(name, 3, NULL, do_allocate, do_free);
	}
	pages = 5;
	each("FREE", 0, do_allocate, do_free, NULL);
	each("WALK", 0, NULL, do_walk, NULL);
	if (do_allocate())
		give_up("ALLOCATE");
	each("SHAREPAGE", 1, NULL, do_share, NULL);
	{
		int nth, failed = 0;
		bool good = true, done = false;

		for (nth = 1; !done && nth < 1000; nth++) {
			int result;

			if (do_share())
				give_up("SHAREPAGE");
			int error;

			fail(nth);
			result = do_access();
			error = errno;
			done = was_too_far();
			fail(0);
			if (result) {
				failed++;
				good = good && error == ENOMEM;
				result = do_access();
			}
			good = good && result == 0 && shown("requests") == 2 && give_back(THERE) == 0;
		}
		check(good && done && failed >= 2, "ACCESSPAGE: after each of %d failures of %d the offer stands",
		      failed, nth - 2);
	}
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
	close(device);
	return finish();
}
