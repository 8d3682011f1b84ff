/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kmod: the device is taken away while it is read and written. The module is
 * loaded for a SCSI disk (a USB stick is one); it is not afterwards.
 *
 * Without an argument the program itself removes the disk from the kernel, and
 * it does not come back before it is plugged in again. With the argument "wait"
 * it says "ready" and waits until someone unplugs it.
 */
#include "kmod.h"

#include <libgen.h>

static volatile bool stop;
static volatile long moved_last;
static volatile int ended_with;

static void *use(void *argument)
{
	static unsigned char data[1 << 20];
	unsigned long offset = 0;

	(void)argument;
	while (!stop) {
		moved_last = write64(data, sizeof(data), offset);
		if (moved_last < 0) {
			ended_with = errno;
			break;
		}
		moved_last = read64(data, sizeof(data), offset);
		if (moved_last < 0) {
			ended_with = errno;
			break;
		}
		offset = (offset + sizeof(data)) % (8 << 20);
	}
	return NULL;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up("%s can't be written to", path);
	close(fd);
}

static void *take_away(void *path)
{
	put(path, "1");
	return NULL;
}

int main(int count, char **arguments)
{
	bool wait = count > 1 && strcmp(arguments[1], "wait") == 0;
	char path[512], data[512], resolved[256];
	unsigned long errors;
	pthread_t thread, taker;
	time_t begin;
	long from_cache;
	int i, error;

	open_device();
	if (!realpath(node, resolved))
		give_up("%s", node);
	snprintf(path, sizeof(path), "/sys/block/%s/device", basename(resolved));
	if (access(path, F_OK) != 0 && !wait)
		give_up("%s is no SCSI disk", node);
	errors = shown("errors");
	check(bwrite_offset("0123456789abcdef", 16, 4096) == 16, "the device can be written");
	pthread_create(&thread, NULL, use, NULL);
	usleep(300000);
	if (wait) {
		printf("ready\n");
		fflush(stdout);
	} else {
		snprintf(path, sizeof(path), "/sys/block/%s/device/delete", basename(resolved));
		pthread_create(&taker, NULL, take_away, path);
	}
	/*
	 * Without a pause, so that the page cache still holds what was written when
	 * it is read again. Two minutes: a busy guest with detectors lets go of a
	 * stick only slowly.
	 */
	begin = time(NULL);
	while (!(info().flags & KMOD_FLAG_GONE) && time(NULL) - begin < 120)
		sched_yield();
	from_cache = read64(data, 16, 4096);
	error = errno;
	check(from_cache == -1 && error == ENODEV,
	      "from then on nothing is read, from the page cache neither: %ld, errno %d", from_cache, error);
	if (!wait)
		pthread_join(taker, NULL);
	check(info().flags & KMOD_FLAG_GONE, "INFO says that the device is gone");
	usleep(200000);
	stop = true;
	pthread_join(thread, NULL);
	check(moved_last == -1 && ended_with == ENODEV,
	      "who read and wrote all the time gets ENODEV: %ld, errno %d", moved_last, ended_with);
	check_errno(bread_offset(data, 512, 0), ENODEV, "a read is ENODEV");
	check_errno(bwrite(data, 512), ENODEV, "a write is ENODEV");
	check_errno(read64(data, 512, 0), ENODEV, "READ64 is ENODEV");
	check_errno(write64(data, 512, 0), ENODEV, "WRITE64 is ENODEV");
	check_errno(ioctl(device, KMOD_SYNC), ENODEV, "SYNC is ENODEV");
	check_errno(ioctl(device, KMOD_SYNC), ENODEV, "and again");
	check(shown("errors") >= errors + 7, "each is counted as an error");
	check_equal(position(), 4112, "the position is where it was");
	check_equal(shown("device_size"), 0, "nothing is left of its size");
	close(device);
	close(node_fd);
	for (i = 0; i < 50 && syscall(SYS_delete_module, "kmod", O_NONBLOCK); i++)
		usleep(20000);
	check(access("/sys/module/kmod", F_OK) != 0, "the module can be unloaded");
	return finish();
}
