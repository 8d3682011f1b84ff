/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How fast memalloc hands pages out, beside what the kernel does by itself:
 * ALLOCATE + touch every page + FREE, and mmap(MAP_SHARED | MAP_ANONYMOUS |
 * MAP_POPULATE) + touch every page + munmap, at the same address. Each line:
 * pages, pages per second of both, and the ratio, which is to be at least 1.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "ringside.h"

#define ADDRESS 0x100000000000ul
#define PAGE 4096ul
/* How many pages are moved in one run. */
#define WORK 10000

static int device;

static void touch(long pages)
{
	long i;

	for (i = 0; i < pages; i++)
		*(volatile char *)(ADDRESS + i * PAGE) = 1;
}

static void ours(long pages)
{
	struct alloc_info allocate = { .vaddr = ADDRESS, .num_pages = pages, .write = true };
	struct free_info give_back = { .vaddr = ADDRESS };

	if (ioctl(device, ALLOCATE, &allocate))
		give_up("ALLOCATE");
	touch(pages);
	if (ioctl(device, FREE, &give_back))
		give_up("FREE");
}

static void kernels(long pages)
{
	if (mmap((void *)ADDRESS, pages * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED_NOREPLACE, -1, 0) ==
	    MAP_FAILED)
		give_up("mmap");
	touch(pages);
	munmap((void *)ADDRESS, pages * PAGE);
}

int main(void)
{
	long pages;

	device = open(MEMALLOC_DEVICE, O_RDWR);
	if (device < 0)
		give_up(MEMALLOC_DEVICE);
	printf("%6s %16s %16s %7s\n", "pages", "memalloc pages/s", "mmap pages/s", "ratio");
	for (pages = 1; pages <= 4096; pages *= 4) {
		long calls = pages < 64 ? 64 / pages : 1;
		long turns = WORK / (calls * pages) < 5 ? 5 : WORK / (calls * pages);
		struct result result = race(ours, kernels, pages, calls, turns);

		printf("%6ld %16.0f %16.0f %7.2f\n", pages, result.ours, result.theirs, result.ratio);
		fflush(stdout);
	}
	return 0;
}
