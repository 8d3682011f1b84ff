/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How fast kmod moves bytes, beside pread and pwrite on the very same node. Both
 * go through the same page cache, so what is measured is what each adds to the
 * copy. The range is read once before, so that the stick itself does not count;
 * writes stay in the cache for both. Each line: size of a call, MB per second of
 * both, and the ratio, which is to be at least 0.95 from 4096 bytes on.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"
#include "ringside.h"

/* The range that is read and written over and over. */
#define RANGE (2u << 20)

/* What is moved before it is the other's turn. */
#define TURN (1l << 20)

static int device, node;
static char *buffer;

/* Each goes through the whole range, over and over, so that both touch the same pages. */
static unsigned int ours_at, theirs_at;

static unsigned int next(unsigned int *at, long size)
{
	unsigned int offset = *at;

	*at = (*at + size) % RANGE;
	return offset;
}

static void moved(long got, long size)
{
	if (got != size)
		give_up("a transfer");
}

static void kmod_read(long size)
{
	struct block_rwoffset_ops ops = { .data = buffer, .size = size, .offset = next(&ours_at, size) };

	moved(ioctl(device, BREADOFFSET, &ops), size);
}

static void kmod_write(long size)
{
	struct block_rwoffset_ops ops = { .data = buffer, .size = size, .offset = next(&ours_at, size) };

	moved(ioctl(device, BWRITEOFFSET, &ops), size);
}

static void node_read(long size)
{
	moved(pread(node, buffer, size, next(&theirs_at, size)), size);
}

static void node_write(long size)
{
	moved(pwrite(node, buffer, size, next(&theirs_at, size)), size);
}

static void compare(const char *what, long size, void (*ours)(long), void (*theirs)(long))
{
	/* Turns of a few milliseconds: what one leaves in the caches is no longer felt then. */
	long calls = size < TURN ? TURN / size : 1;
	long turns = 24l * TURN / (calls * size) < 5 ? 5 : 24l * TURN / (calls * size);
	struct result result = race(ours, theirs, size, calls, turns);

	printf("%-6s %9ld %12.1f %12.1f %7.2f\n", what, size, result.ours / 1e6,
	       result.theirs / 1e6, result.ratio);
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
