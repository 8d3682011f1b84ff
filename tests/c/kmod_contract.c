/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* kmod: its operations as the contract has them. Overwrites the device. */
#include "kmod.h"

#include <libgen.h>
#include <limits.h>

static unsigned char written[4 << 20], got[4 << 20];

static void describes_the_device(void)
{
	struct block_info described = info();
	unsigned long size;
	int block;

	ioctl(node_fd, BLKGETSIZE64, &size);
	ioctl(node_fd, BLKSSZGET, &block);
	check_equal(described.size, size, "INFO tells the size");
	check_equal(described.logical_block_size, block, "and that of a block");
	check_equal(described.flags, 0, "no flag is set");
	check_equal(shown("device_size"), size, "the size is shown as a counter");
	check_equal(shown("position"), described.position, "so is the position");
}

static void one_position(void)
{
	static const unsigned int sizes[] = { 512, 1, 511, 4096, 4097, 300 << 10, (3 << 20) + 5 };
	unsigned long at = 0;
	size_t i;

	fill(written, sizeof(written), 1);
	check(bwrite_offset(written, 0, 0) == 0 && position() == 0, "BWRITEOFFSET of nothing at 0 goes there");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check(bwrite(written + i, sizes[i]) == sizes[i], "BWRITE of %u bytes", sizes[i]);
		at += sizes[i];
		check_equal(position(), at, "leaves the position behind them");
	}
	check(bread_offset(got, 0, 0) == 0 && position() == 0, "BREADOFFSET of nothing at 0 goes back");
	for (i = at = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(got, 0, sizes[i]);
		check(bread(got, sizes[i]) == sizes[i] && memcmp(got, written + i, sizes[i]) == 0,
		      "BREAD of %u bytes reads them again", sizes[i]);
		at += sizes[i];
		check_equal(position(), at, "leaves the position behind them");
	}
	check(bwrite_offset("abc", 3, 777) == 3 && position() == 780,
	      "BWRITEOFFSET leaves the position behind what it wrote");
	check(bread_offset(got, 2, 778) == 2 && memcmp(got, "bc", 2) == 0 && position() == 780,
	      "BREADOFFSET behind what it read");
	check(bwrite("d", 1) == 1 && bread_offset(got, 4, 777) == 4 && memcmp(got, "abcd", 4) == 0,
	      "reads and writes share one position");
	{
		int first = device;

		device = open(KMOD_DEVICE, O_RDWR);
		check_equal(position(), 781, "so do all who have the device open");
		close(device);
		device = first;
	}
}

static void anywhere(void)
{
	unsigned long at = position();

	fill(written, 100000, 2);
	check(write64(written, 100000, 123457) == 100000, "WRITE64 writes at any offset");
	memset(got, 0, 100000);
	check(read64(got, 100000, 123457) == 100000 && memcmp(got, written, 100000) == 0,
	      "READ64 reads it again");
	check_equal(position(), at, "the position stays");
	check(read64(got, 512, 1ul << 40) == 0, "READ64 behind the end of the device reads nothing");
	check_errno(write64(got, 512, 1ul << 40), ENOSPC, "WRITE64 there is ENOSPC");
}

static void at_the_end(void)
{
	unsigned long size = info().size;

	if (size > UINT32_MAX)
		give_up("this test needs a device smaller than 4 GiB");
	check(bwrite_offset(written, 4096, size - 1000) == 1000, "a write across the end is short");
	check_equal(position(), size, "the position is at the end");
	check_errno(bwrite(written, 1), ENOSPC, "a write at the end is ENOSPC");
	check_equal(position(), size, "and leaves the position there");
	check(bread(got, 4096) == 0, "a read at the end is 0");
	check(bread_offset(got, 4096, size - 1000) == 1000 && memcmp(got, written, 1000) == 0,
	      "a read across the end is short");
	check(bread_offset(got, UINT32_MAX, size - 4096) == 4096,
	      "a read of 2^32 - 1 bytes reads what there is");
	check(bread_offset(got, 1, UINT32_MAX) == 0, "a read behind the end is 0");
	check_errno(bwrite_offset(got, 1, UINT32_MAX), ENOSPC, "a write behind the end is ENOSPC");
}

/* What the block layer has done for the device so far. */
struct done {
	unsigned long sectors_written;
	unsigned long flushes;
};

static struct done done(void)
{
	char path[512], resolved[PATH_MAX];
	unsigned long field[17] = { 0 };
	FILE *file;
	int i;

	if (!realpath(node, resolved))
		give_up("%s is nowhere", node);
	snprintf(path, sizeof(path), "/sys/class/block/%s/stat", basename(resolved));
	file = fopen(path, "r");
	for (i = 0; file && i < 17; i++)
		if (fscanf(file, "%lu", &field[i]) != 1)
			give_up("%s holds too little", path);
	if (!file)
		give_up("%s can't be read", path);
	fclose(file);
	return (struct done){ .sectors_written = field[6], .flushes = field[15] };
}

/* Does the device keep what is written in a cache of its own, until it is flushed? */
static bool has_a_cache(void)
{
	char path[512], resolved[PATH_MAX], text[64] = "";
	FILE *file;

	if (!realpath(node, resolved))
		give_up("%s is nowhere", node);
	snprintf(path, sizeof(path), "/sys/class/block/%s/queue/write_cache", basename(resolved));
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		give_up("%s can't be read", path);
	fclose(file);
	return strcmp(text, "write back\n") == 0;
}

/*
 * Looked at from behind the page cache, by what the block layer counts: a read
 * with O_DIRECT would write it out by itself first.
 */
static void syncs(void)
{
	const unsigned int size = 256 << 10;
	struct done before, written_to, after;
	int round;

	/* The kernel may write it out by itself at any time; then that round shows nothing. */
	for (round = 0; round < 20; round++) {
		fill(written, size, 100 + round);
		if (ioctl(device, KMOD_SYNC) != 0)
			give_up("SYNC");
		before = done();
		if (bwrite_offset(written, size, 1 << 20) != size)
			give_up("BWRITEOFFSET");
		written_to = done();
		if (ioctl(device, KMOD_SYNC) != 0)
			give_up("SYNC");
		after = done();
		if (written_to.sectors_written == before.sectors_written)
			break;
	}
	check(round < 20, "what is written stays in the page cache at first");
	check_equal((after.sectors_written - before.sectors_written) * 512, size,
		    "SYNC writes all of it to the device");
	if (has_a_cache())
		check(after.flushes > written_to.flushes, "and has it flush its cache");
}

static void agrees_with_the_node(void)
{
	unsigned char *aligned = aligned_alloc(4096, 65536);
	int direct = open(node, O_RDONLY | O_DIRECT);

	fill(written, 65536, 3);
	check(bwrite_offset(written, 65536, 8192) == 65536, "64 KiB are written");
	check(pread(node_fd, got, 65536, 8192) == 65536 && memcmp(got, written, 65536) == 0,
	      "pread on the node sees them at once");
	fill(written, 65536, 4);
	check(pwrite(node_fd, written, 65536, 8191) == 65536, "pwrite on the node writes others");
	check(bread_offset(got, 65536, 8191) == 65536 && memcmp(got, written, 65536) == 0,
	      "BREADOFFSET sees them at once");
	fill(written, 65536, 5);
	bwrite_offset(written, 65536, 65536);
	check(ioctl(device, KMOD_SYNC) == 0, "SYNC returns 0");
	check(pread(direct, aligned, 65536, 65536) == 65536 && memcmp(aligned, written, 65536) == 0,
	      "what was written is on the device itself then");
	free(aligned);
	close(direct);
}

static void counts_what_was_moved(void)
{
	unsigned long read = shown("bytes_read"), wrote = shown("bytes_written");

	bread_offset(got, 4096, info().size - 1000);
	bwrite_offset(written, 4096, info().size - 500);
	check_equal(shown("bytes_read") - read, 1000, "of a short read, what was moved is counted");
	check_equal(shown("bytes_written") - wrote, 500, "and of a short write");
}

static void counts(void)
{
	unsigned long read = shown("bytes_read"), wrote = shown("bytes_written");
	unsigned long operations = shown("operations"), errors = shown("errors");

	bread_offset(got, 1000, 0);
	bwrite_offset(written, 2000, 4096);
	ioctl(device, KMOD_SYNC);
	check_equal(shown("bytes_read") - read, 1000, "bytes read are counted");
	check_equal(shown("bytes_written") - wrote, 2000, "bytes written are counted");
	check_equal(shown("operations") - operations, 3, "operations are counted");
	check_equal(shown("position"), 6096, "the position is shown");
	info();
	check_equal(shown("operations") - operations, 3, "INFO is none");
	check_equal(shown("errors") - errors, 0, "no error is counted");
	bread(NULL, 512);
	write64("x", 1, 1ul << 40);
	check_equal(shown("errors") - errors, 2, "what fails is counted as an error");
	check_equal(shown("operations") - operations, 3, "and not as an operation");
}

#define WRITERS 4
#define RECORDS 64

static void *write_records(void *argument)
{
	static unsigned int records[WRITERS][1024];
	unsigned int *record = records[(long)argument];
	long i;
	int j;

	for (i = 0; i < RECORDS; i++) {
		for (j = 0; j < 1024; j++)
			record[j] = (long)argument * RECORDS + i;
		if (bwrite(record, 4096) != 4096)
			return (void *)1;
	}
	return NULL;
}

static unsigned char seen[WRITERS * RECORDS];
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static void *read_records(void *argument)
{
	unsigned int record[1024];
	int i, j;

	(void)argument;
	for (i = 0; i < RECORDS; i++) {
		if (bread(record, 4096) != 4096)
			return (void *)1;
		for (j = 1; j < 1024; j++)
			if (record[j] != record[0])
				return (void *)2;
		if (record[0] >= WRITERS * RECORDS)
			return (void *)3;
		pthread_mutex_lock(&seen_lock);
		seen[record[0]]++;
		pthread_mutex_unlock(&seen_lock);
	}
	return NULL;
}

static bool all(void *(*job)(void *))
{
	pthread_t threads[WRITERS];
	bool good = true;
	void *result;
	long i;

	for (i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, job, (void *)i))
			give_up("pthread_create");
	for (i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &result);
		good = good && !result;
	}
	return good;
}

static void several_at_once(void)
{
	int i, once = 0;

	bwrite_offset(written, 0, 1 << 20);
	check(all(write_records), "four threads write 64 records each, from one position on");
	check_equal(position(), (1 << 20) + WRITERS * RECORDS * 4096, "the position is behind all");
	bread_offset(got, 0, 1 << 20);
	check(all(read_records), "four threads read them again, each record whole");
	for (i = 0; i < WRITERS * RECORDS; i++)
		once += seen[i] == 1;
	check_equal(once, WRITERS * RECORDS, "each record was written once and read once");
}

int main(void)
{
	open_device();
	describes_the_device();
	one_position();
	anywhere();
	at_the_end();
	agrees_with_the_node();
	syncs();
	counts();
	counts_what_was_moved();
	several_at_once();
	close(device);
	return finish();
}
