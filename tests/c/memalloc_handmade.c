/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memalloc as a program sees it that was written for the original module: it
 * has the structs and macros from its own old header, and knows nothing of ours.
 */
#include "check.h"

/* --- the old header, restated --- */
struct alloc_info {
	unsigned long vaddr;
	int num_pages;
	bool write;
};

struct free_info {
	unsigned long vaddr;
};

struct sharepage_info {
	unsigned long vaddr;
	int client_pid;
	bool write;
};

struct accesspage_info {
	unsigned long vaddr;
};

#define ALLOCATE _IOW('a', 'a', struct alloc_info *)
#define FREE _IOW('a', 'b', struct free_info *)
#define SHAREPAGE _IOW('a', 'c', struct sharepage_info *)
#define ACCESSPAGE _IOW('a', 'd', struct accesspage_info *)
/* ----------------------------------- */

#define ADDRESS 0x100000000000ul

static int device;

static int allocate(unsigned long vaddr, int pages, bool write)
{
	struct alloc_info info = { .vaddr = vaddr, .num_pages = pages, .write = write };

	return ioctl(device, ALLOCATE, &info);
}

static int give_back(unsigned long vaddr)
{
	struct free_info info = { .vaddr = vaddr };

	return ioctl(device, FREE, &info);
}

static void single_process(void)
{
	char *text = (char *)ADDRESS;

	check(allocate(ADDRESS, 1, true) == 0, "one page can be allocated");
	check(text[0] == 0 && text[4095] == 0, "it is full of zeroes");
	strcpy(text, "Hello, memalloc");
	check(strcmp(text, "Hello, memalloc") == 0, "what is written to it can be read again");
	check_errno(allocate(ADDRESS, 1, true), EEXIST, "the same address again is EEXIST");
	check(give_back(ADDRESS) == 0, "it can be given back");
	check(touch(ADDRESS, false) == SIGSEGV, "touching it then is a SIGSEGV");
	check(allocate(ADDRESS, 1, false) == 0, "a read-only page can be allocated");
	check(touch(ADDRESS, false) == 0, "it can be read");
	check(touch(ADDRESS, true) == SIGSEGV, "writing to it is a SIGSEGV");
	check(give_back(ADDRESS) == 0, "it can be given back");
}

static void limits(void)
{
	int i, good = 0;

	check(allocate(ADDRESS, 4096, true) == 0, "4096 pages can be allocated");
	check_errno(allocate(0x200000000000ul, 1, true), 2, "one page more is errno 2");
	check(give_back(ADDRESS) == 0, "all of them are given back at once");
	check_errno(allocate(ADDRESS, 4097, true), 2, "4097 pages at once are errno 2");

	for (i = 0; i < 100; i++)
		good += allocate(ADDRESS + i * 0x10000ul, 1, true) == 0;
	check(good == 100, "100 requests can live at a time");
	check_errno(allocate(ADDRESS + 100 * 0x10000ul, 1, true), 3, "one request more is errno 3");
	for (i = 0; i < 100; i++)
		good -= give_back(ADDRESS + i * 0x10000ul) == 0;
	check(good == 0, "each of them can be given back");
}

static void two_processes(void)
{
	struct sharepage_info share = { .vaddr = ADDRESS, .write = true };
	struct turns turns;
	pid_t child;

	turns_open(&turns);
	child = fork();
	if (child == 0) {
		struct accesspage_info access = { .vaddr = 0x300000000000ul };
		char *shared = (char *)access.vaddr;

		device = open("/dev/memalloc", O_RDWR);
		take_over(turns.to_child[0]);
		if (ioctl(device, ACCESSPAGE, &access) != 0)
			_exit(2);
		if (strcmp(shared, "from the server") != 0)
			_exit(3);
		strcpy(shared, "from the client");
		hand_over(turns.to_parent[1], 0);
		take_over(turns.to_child[0]);
		_exit(0);
	}
	share.client_pid = child;
	check(allocate(ADDRESS, 1, true) == 0, "the server allocates a page");
	strcpy((char *)ADDRESS, "from the server");
	check(ioctl(device, SHAREPAGE, &share) == 0, "it shares the page with a client");
	hand_over(turns.to_child[1], 0);
	take_over(turns.to_parent[0]);
	check(strcmp((char *)ADDRESS, "from the client") == 0, "each reads what the other wrote");
	check(give_back(ADDRESS) == 0, "the server gives its page back");
	hand_over(turns.to_child[1], 0);
	check_child(child, 0, "the client mapped the page and ended well");
	turns_close(&turns);
}

int main(void)
{
	device = open("/dev/memalloc", O_RDWR);
	if (device < 0)
		give_up("/dev/memalloc can't be opened");
	single_process();
	limits();
	two_processes();
	close(device);
	return finish();
}
