/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kmod: what the descriptor was opened for, and whether the device can be written
 * at the moment, decide what is allowed. Overwrites the device.
 */
#include "kmod.h"
#include "module.h"

static char data[512];

static long by_bread(void)
{
	return bread(data, sizeof(data));
}

static long by_bwrite(void)
{
	return bwrite(data, sizeof(data));
}

static long by_bread_offset(void)
{
	return bread_offset(data, sizeof(data), 4096);
}

static long by_bwrite_offset(void)
{
	return bwrite_offset(data, sizeof(data), 4096);
}

static long by_read64(void)
{
	return read64(data, sizeof(data), 8192);
}

static long by_write64(void)
{
	return write64(data, sizeof(data), 8192);
}

static const struct {
	const char *name;
	long (*move)(void);
	bool writes;
} ways[] = {
	{ "BREAD", by_bread, false },
	{ "BWRITE", by_bwrite, true },
	{ "BREADOFFSET", by_bread_offset, false },
	{ "BWRITEOFFSET", by_bwrite_offset, true },
	{ "READ64", by_read64, false },
	{ "WRITE64", by_write64, true },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* All six work, or fail with these errnos and move nothing. */
static void all_six(int read_errno, int write_errno, const char *when)
{
	size_t i;

	for (i = 0; i < WAYS; i++) {
		int wanted = ways[i].writes ? write_errno : read_errno;
		unsigned long at = position(), errors = shown("errors");
		unsigned long moved = shown("bytes_read") + shown("bytes_written");

		if (wanted == 0) {
			check(ways[i].move() == sizeof(data), "%s, %s works", when, ways[i].name);
			continue;
		}
		check_errno(ways[i].move(), wanted, "%s, %s is %s", when, ways[i].name,
			    wanted == EBADF ? "EBADF" : "EROFS");
		check(position() == at && shown("bytes_read") + shown("bytes_written") == moved &&
		      shown("errors") == errors + 1, "it moves nothing, and is counted as an error");
	}
}

static void opened(int flags, int read_errno, int write_errno, const char *when)
{
	int usual = device;

	device = open(KMOD_DEVICE, flags | O_CLOEXEC);
	if (device < 0)
		give_up("%s can't be %s", KMOD_DEVICE, when);
	all_six(read_errno, write_errno, when);
	check(info().size == shown("device_size"), "%s, INFO works", when);
	check(ioctl(device, KMOD_SYNC) == 0, "%s, SYNC works", when);
	if (read_errno)
		check_errno(ioctl(device, BREAD, NULL), EBADF, "the descriptor is looked at first");
	close(device);
	device = usual;
}

static void descriptors(void)
{
	char line[200];

	opened(O_RDWR, 0, 0, "opened for both");
	opened(O_RDONLY, 0, EBADF, "opened for reading");
	opened(O_WRONLY, EBADF, 0, "opened for writing");
	/* Linux has a fourth, which is good for ioctl only. */
	opened(O_ACCMODE, EBADF, EBADF, "opened for neither");

	/* The log takes only so many lines each second. */
	milliseconds(1200);
	log_from_now();
	opened(O_RDONLY, 0, EBADF, "opened for reading");
	snprintf(line, sizeof(line),
		 "kmod: BWRITE by process %d refused (EBADF): /dev/kmod is not open for writing", getpid());
	check(logged(line) == 1, "the log says what is wrong with the descriptor");
}

static void set_read_only(int on)
{
	if (ioctl(node_fd, BLKROSET, &on))
		give_up("BLKROSET");
}

static void a_device_that_becomes_read_only(void)
{
	check_equal(info().flags, 0, "the device can be written at first");
	set_read_only(1);
	check_equal(info().flags, KMOD_FLAG_READ_ONLY, "after BLKROSET INFO says that it can't");
	all_six(0, EROFS, "on a read-only device");
	opened(O_RDONLY, 0, EBADF, "opened for reading, on a read-only device");
	check(ioctl(device, KMOD_SYNC) == 0, "SYNC works all the same");
	milliseconds(1200);
	log_from_now();
	by_write64();
	check(logged("refused (EROFS): ") == 1, "the log says why it can't be written");
	set_read_only(0);
	check_equal(info().flags, 0, "and when it can be written again, INFO says so");
	all_six(0, 0, "after that");
}

int main(void)
{
	open_device();
	descriptors();
	a_device_that_becomes_read_only();
	close(device);
	return finish();
}
