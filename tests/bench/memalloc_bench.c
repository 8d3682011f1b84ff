/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How fast memalloc hands pages out, beside what the kernel does by itself:
 * ALLOCATE + touch every page + FREE, and mmap(MAP_SHARED | MAP_ANONYMOUS |
 * MAP_POPULATE) + touch every page + munmap, at the same address. Runs of both
 * take turns. Each line: pages, pages per second of both, and the ratio, which
 * is to be at least 1.
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
#define WORK 40000

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

static double pages_per_second(void (*how)(long pages), long pages)
{
	long rounds = WORK / pages < 10 ? 10 : WORK / pages > 4000 ? 4000 : WORK / pages, i;
	double begin = seconds();

	for (i = 0; i < rounds; i++)
		how(pages);
	return rounds * pages / (seconds() - begin);
}

int main(void)
{
	long pages;

	device = open(MEMALLOC_DEVICE, O_RDWR);
	if (device < 0)
		give_up(MEMALLOC_DEVICE);
	printf("%6s %16s %16s %7s\n", "pages", "memalloc pages/s", "mmap pages/s", "ratio");
	for (pages = 1; pages <= 4096; pages *= 4) {
		double us[RUNS], them[RUNS];
		int run;

		pages_per_second(ours, pages);
		pages_per_second(kernels, pages);
		for (run = 0; run < RUNS; run++) {
			us[run] = pages_per_second(ours, pages);
			them[run] = pages_per_second(kernels, pages);
		}
		printf("%6ld %16.0f %16.0f %7.2f\n", pages, median(us), median(them),
		       median(us) / median(them));
		fflush(stdout);
	}
	return 0;
}
