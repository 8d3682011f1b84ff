/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* memalloc: ALLOCATE, FREE and WALK as the contract has them, in one process. */
#include "memalloc.h"
#include "module.h"

static void pages_are_as_asked_for(void)
{
	unsigned long pages, requests, i, sum = 0;

	pages = shown("allocations");
	check(allocate(HERE, 3, true) == 0, "ALLOCATE returns 0");
	check_equal(shown("allocations"), pages + 1, "an allocation is counted");
	check_equal(shown("pages_mapped"), 3, "its pages are counted");
	check_equal(shown("requests"), 1, "its request is counted");
	for (i = 0; i < 3 * PAGE; i++)
		sum += ((unsigned char *)HERE)[i];
	check_equal(sum, 0, "all bytes of all pages are 0");
	memset((void *)HERE, 0x5a, 3 * PAGE);
	check(is_unmapped(HERE + 3 * PAGE), "nothing is mapped behind the last page");
	check(is_unmapped(HERE - 1), "nothing is mapped before the first page");
	check(give_back(HERE) == 0, "FREE returns 0");
	for (i = 0; i < 3; i++)
		check(is_unmapped(HERE + i * PAGE), "page %lu is a SIGSEGV after FREE", i);
	requests = shown("frees");
	check(allocate(HERE, 3, true) == 0, "the same address can be had again");
	for (i = sum = 0; i < 3 * PAGE; i++)
		sum += ((unsigned char *)HERE)[i];
	check_equal(sum, 0, "and its bytes are 0 again");
	give_back(HERE);
	check_equal(shown("frees"), requests + 1, "a FREE is counted");
	check(is_empty(), "nothing is left behind");
}

static void write_decides(void)
{
	unsigned char raw[16] = { 0 };
	unsigned long vaddr = HERE;
	int pages = 1, value;

	check(allocate(HERE, 1, false) == 0, "a read-only page can be had");
	check(touch(HERE, false) == 0, "it can be read");
	check(touch(HERE, true) == SIGSEGV && fault_info.si_code == SEGV_ACCERR,
	      "writing to it is a SIGSEGV for lack of permission");
	give_back(HERE);
	for (value = 1; value < 256; value *= 2) {
		memcpy(raw, &vaddr, 8);
		memcpy(raw + 8, &pages, 4);
		raw[12] = value;
		check(ioctl(device, ALLOCATE, raw) == 0 && touch(HERE, true) == 0,
		      "the byte %d means write", value);
		give_back(HERE);
	}
	memset(raw + 12, 0, 4);
	raw[13] = raw[14] = raw[15] = 0xff;
	check(ioctl(device, ALLOCATE, raw) == 0 && touch(HERE, true) == SIGSEGV,
	      "the bytes behind write mean nothing");
	give_back(HERE);
}

static void what_is_there_stays(void)
{
	unsigned long refused = shown("refused_exists");
	char *own;

	check(allocate(HERE + 2 * PAGE, 1, true) == 0, "a page in the middle is mapped");
	*(char *)(HERE + 2 * PAGE) = 42;
	check_errno(allocate(HERE, 5, true), EEXIST, "a request around it is EEXIST");
	check(is_unmapped(HERE) && is_unmapped(HERE + PAGE) && is_unmapped(HERE + 3 * PAGE) &&
	      is_unmapped(HERE + 4 * PAGE), "nothing of that request is mapped");
	check(*(char *)(HERE + 2 * PAGE) == 42, "what was there is as it was");
	check_errno(allocate(HERE + 2 * PAGE, 1, false), EEXIST, "the very same page is EEXIST");
	check_errno(allocate(HERE + PAGE, 2, true), EEXIST, "an overlap at the end is EEXIST");
	check_equal(shown("pages_mapped"), 1, "nothing of them is counted as mapped");
	check_equal(shown("refused_exists"), refused + 3, "each refusal is counted");
	give_back(HERE + 2 * PAGE);

	own = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check_errno(allocate((unsigned long)own, 1, true), EEXIST,
		    "a mapping of the program's own is EEXIST too");
	munmap(own, PAGE);
	check_errno(allocate((unsigned long)&own & ~(PAGE - 1), 1, true), EEXIST,
		    "so is the stack");
	check(is_empty(), "nothing is left behind");
}

static void limits(void)
{
	unsigned long pages = shown("refused_pages_limit");
	unsigned long requests = shown("refused_requests_limit");
	int i, good = 0;

	check_equal(shown("pages_limit"), MEMALLOC_PAGES_LIMIT, "the page limit is shown");
	check_equal(shown("requests_limit"), MEMALLOC_REQUESTS_LIMIT, "the request limit is shown");
	check(allocate(HERE, 4000, true) == 0 && allocate(THERE, 96, true) == 0,
	      "4096 pages can be had in two requests");
	check_errno(allocate(THERE + 96 * PAGE, 1, true), MEMALLOC_ERRNO_PAGES_LIMIT,
		    "one page more is ENOENT");
	check_errno(allocate(THERE + 96 * PAGE, INT32_MAX, true), MEMALLOC_ERRNO_PAGES_LIMIT,
		    "so are 2^31 - 1 pages more");
	check_equal(shown("pages_mapped"), 4096, "4096 pages are counted");
	memset((void *)HERE, 1, 4000 * PAGE);
	give_back(THERE);
	check(allocate(THERE, 96, true) == 0, "what is given back can be had again");
	give_back(THERE);
	give_back(HERE);
	check_equal(shown("refused_pages_limit"), pages + 2, "each refusal is counted");

	for (i = 0; i < MEMALLOC_REQUESTS_LIMIT; i++)
		good += allocate(HERE + i * 2 * PAGE, 1, true) == 0;
	check(good == MEMALLOC_REQUESTS_LIMIT, "100 requests can be had");
	check_errno(allocate(THERE, 1, true), MEMALLOC_ERRNO_REQUESTS_LIMIT,
		    "one request more is ESRCH");
	check(is_unmapped(THERE), "nothing of it is mapped");
	give_back(HERE);
	check(allocate(THERE, 1, true) == 0, "after a FREE there is room for one");
	give_back(THERE);
	for (i = 1; i < MEMALLOC_REQUESTS_LIMIT; i++)
		give_back(HERE + i * 2 * PAGE);
	check_equal(shown("refused_requests_limit"), requests + 1, "the refusal is counted");
	check(is_empty(), "nothing is left behind");
}

static void limits_are_for_all_processes(void)
{
	struct turns turns;
	pid_t child;

	turns_open(&turns);
	child = fork();
	if (child == 0) {
		hand_over(turns.to_parent[1], allocate(HERE, 4000, true));
		take_over(turns.to_child[0]);
		_exit(0);
	}
	check(take_over(turns.to_parent[0]) == 0, "another process has 4000 pages");
	check_errno(allocate(HERE, 97, true), MEMALLOC_ERRNO_PAGES_LIMIT,
		    "97 more are ENOENT in this one");
	check(allocate(HERE, 96, true) == 0, "96 can be had, at the same address");
	hand_over(turns.to_child[1], 0);
	check_child(child, 0, "the other process ends");
	check(allocate(THERE, 4000, true) == 0, "then its 4000 pages can be had");
	give_back(HERE);
	give_back(THERE);
	turns_close(&turns);
	check(is_empty(), "nothing is left behind");
}

static void walks(void)
{
	struct walk_info info, other;
	unsigned int last;
	int i;

	info = walk(HERE);
	check(info.levels == 4 || info.levels == 5, "WALK says how many levels there are: %u",
	      info.levels);
	check(info.depth < info.levels, "it stops early where nothing is mapped");
	check(!(info.entry[info.depth - 1] & 1), "the last entry read is not present");
	for (i = info.depth; i < 5; i++)
		check(info.entry[i] == 0, "entry %d, which was not read, is 0", i);

	allocate(HERE, 2, true);
	info = walk(HERE);
	last = info.levels - 1;
	check(info.depth == info.levels, "it goes to the page where one is mapped");
	check(info.vaddr == HERE, "the address is still there");
	for (i = 0; i <= (int)last; i++)
		check((info.entry[i] & 7) == 7, "entry %d is present, writable, for users", i);
	check(info.entry[last] >> 63, "the page can't be executed");
	other = walk(HERE + PAGE + 123);
	check(memcmp(info.entry, other.entry, last * 8) == 0,
	      "two neighbours share their tables");
	check(info.entry[last] != other.entry[last], "and have pages of their own");
	give_back(HERE);
	check(!(walk(HERE).entry[last] & 1), "after FREE the page is gone");

	allocate(HERE, 1, false);
	info = walk(HERE);
	check((info.entry[last] & 7) == 5, "a read-only page is not writable in the table");
	give_back(HERE);
	check(walk((unsigned long)&info).depth == info.levels, "WALK works on the stack too");
}

static void tables(void)
{
	static const char *const names[] = { "tables_p4d", "tables_pud", "tables_pmd",
					     "tables_pte" };
	unsigned long before[4];
	unsigned long base = 0x300000000000ul; /* a PGD or P4D entry that nothing uses */
	unsigned int levels = walk(HERE).levels;
	char line[200];
	int i;

	for (i = 0; i < 4; i++)
		before[i] = shown(names[i]);
	/* The log takes only so many lines each second. */
	milliseconds(1200);
	log_from_now();
	/* The last page of 2 MiB and the first of the next. */
	check(allocate(base + 0x1ff000, 2, true) == 0, "two pages across 2 MiB are allocated");
	check_equal(shown("tables_p4d") - before[0], 0, "they need no new P4D table");
	check_equal(shown("tables_pud") - before[1], 1, "one new PUD table");
	check_equal(shown("tables_pmd") - before[2], 1, "one new PMD table");
	check_equal(shown("tables_pte") - before[3], 2, "two new PTE tables");
	snprintf(line, sizeof(line), "memalloc: 2 pages at %#lx for process %d, read-write; "
		 "new tables: 0 P4D, 1 PUD, 1 PMD, 2 PTE", base + 0x1ff000, getpid());
	check(logged(line) == 1, "and the log says so");
	for (i = 0; i < 4; i++)
		before[i] = shown(names[i]);
	check(allocate(base + 0x201000, 1, true) == 0, "their neighbour is allocated");
	for (i = 0; i < 4; i++)
		check_equal(shown(names[i]) - before[i], 0, names[i]);
	give_back(base + 0x201000);
	give_back(base + 0x1ff000);
	if (levels == 5) {
		check(allocate(1ul << 50, 1, true) == 0,
		      "with five levels an address beyond 47 bits can be had");
		check_equal(shown("tables_p4d") - before[0], 1, "it needs a new P4D table");
		give_back(1ul << 50);
	} else {
		check(allocate(1ul << 50, 1, true) == -1 && errno == EINVAL,
		      "with four levels an address beyond 47 bits is EINVAL");
	}
}

int main(void)
{
	open_device();
	pages_are_as_asked_for();
	write_decides();
	what_is_there_stays();
	limits();
	limits_are_for_all_processes();
	walks();
	tables();
	close(device);
	return finish();
}
