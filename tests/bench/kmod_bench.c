/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How fast kmod moves bytes, beside pread and pwrite on the very same node. Both
 * go through the same page cache, so what is measured is what each adds to the
 * copy. The range is read once before, so that the stick itself does not count;
 * writes stay in the cache for both. Runs of both take turns. Each line: size of
 * a call, MB per second of both, and the ratio, which is to be at least 0.95.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "ringside.h"

/* The range that is read and written over and over. */
#define RANGE (2u << 20)

static int device, node;
static char *buffer;

static long kmod_read(unsigned int size, unsigned int offset)
{
	struct block_rwoffset_ops ops = { .data = buffer, .size = size, .offset = offset };

	return ioctl(device, BREADOFFSET, &ops);
}

static long kmod_write(unsigned int size, unsigned int offset)
{
	struct block_rwoffset_ops ops = { .data = buffer, .size = size, .offset = offset };

	return ioctl(device, BWRITEOFFSET, &ops);
}

static long node_read(unsigned int size, unsigned int offset)
{
	return pread(node, buffer, size, offset);
}

static long node_write(unsigned int size, unsigned int offset)
{
	return pwrite(node, buffer, size, offset);
}

static double megabytes_per_second(long (*how)(unsigned int, unsigned int), unsigned int size)
{
	unsigned int calls = (24u << 20) / size, i;
	unsigned int limit = size >= 4096 ? 20000 : 4000;
	double begin;

	if (calls > limit)
		calls = limit;
	begin = seconds();
	for (i = 0; i < calls; i++)
		if (how(size, (unsigned long)i * size % RANGE) != size)
			give_up("a transfer");
	return calls / 1e6 * size / (seconds() - begin);
}

static void compare(const char *what, unsigned int size,
		    long (*ours)(unsigned int, unsigned int),
		    long (*theirs)(unsigned int, unsigned int))
{
	double us[RUNS], them[RUNS];
	int run;

	megabytes_per_second(ours, size);
	megabytes_per_second(theirs, size);
	for (run = 0; run < RUNS; run++) {
		us[run] = megabytes_per_second(ours, size);
		them[run] = megabytes_per_second(theirs, size);
	}
	printf("%-6s %9u %12.1f %12.1f %7.2f\n", what, size, median(us), median(them),
	       median(us) / median(them));
	fflush(stdout);
}

int main(void)
{
	static const unsigned int sizes[] = { 512, 4096, 16384, 65536, 1u << 18, 1u << 20, 2u << 20 };
	char path[256];
	FILE *parameter = fopen("/sys/module/kmod/parameters/device", "r");
	size_t i;

	if (!parameter || fscanf(parameter, "%255s", path) != 1)
		give_up("/sys/module/kmod/parameters/device");
	fclose(parameter);
	device = open(KMOD_DEVICE, O_RDWR);
	node = open(path, O_RDWR);
	buffer = aligned_alloc(4096, RANGE);
	if (device < 0 || node < 0 || !buffer)
		give_up(path);
	memset(buffer, 0x5a, RANGE);
	if (pread(node, buffer, RANGE, 0) != RANGE)
		give_up(path);
	printf("%-6s %9s %12s %12s %7s\n", "", "bytes", "kmod MB/s", "node MB/s", "ratio");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		compare("read", sizes[i], kmod_read, node_read);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		compare("write", sizes[i], kmod_write, node_write);
	return 0;
}
