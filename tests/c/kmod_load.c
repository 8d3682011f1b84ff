/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kmod: what it is loaded for. Arguments: the module's file, and a block device
 * that nobody uses. The module must not be loaded; it is not afterwards.
 */
#include "kmod.h"

#include <limits.h>
#include <linux/blkpg.h>

static const char *module;
static int log_fd;

/* Loads the module; 0, or -1 and the errno. */
static int load(const char *parameters)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC), result, error;

	if (fd < 0)
		give_up("%s can't be opened", module);
	lseek(log_fd, 0, SEEK_END);
	result = syscall(SYS_finit_module, fd, parameters, 0);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static int load_for(const char *path)
{
	static char parameters[4096];

	snprintf(parameters, sizeof(parameters), "device=%s", path);
	return load(parameters);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "kmod", O_NONBLOCK);
}

/* Has the kernel's log said this since the last load? */
static bool logged(const char *text)
{
	char record[2048];
	bool found = false;
	ssize_t length;

	while ((length = read(log_fd, record, sizeof(record) - 1)) > 0) {
		record[length] = 0;
		found = found || strstr(record, text);
	}
	return found;
}

static void refused(const char *path, int wanted, const char *name, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "device=%s refused (%s)", path, name);
	check_errno(load_for(path), wanted, "%s is %s", what, name);
	check(logged(text), "the log says which and why");
}

static void wrong_devices(const char *path)
{
	static char longest[2000];
	int claimed;

	refused("/dev/there-is-no-such-device", ENOENT, "ENOENT", "a missing device");
	refused("/dev/null", ENOTBLK, "ENOTBLK", "a character device");
	refused("/etc/passwd", ENOTBLK, "ENOTBLK", "a file");
	refused("/etc", ENOTBLK, "ENOTBLK", "a directory");
	refused("", EINVAL, "EINVAL", "an empty path");
	if (access("/dev/sdb", F_OK) != 0) {
		check_errno(load(""), ENOENT, "the default, if it is missing, is ENOENT");
		check(logged("device=/dev/sdb refused (ENOENT)"), "the log says which and why");
	}
	/* A file is no folder, however many slashes follow. */
	memset(longest, '/', sizeof(longest));
	memcpy(longest, "/dev/null", 9);
	longest[1020] = 0;
	check_errno(load_for(longest), ENOTDIR, "a path of 1020 bytes is looked up");
	check(logged("... (1020 bytes) refused (ENOTDIR): "), "and the log still has room to say why");
	longest[1020] = '/';
	longest[1021] = 0;
	check_errno(load_for(longest), EINVAL, "a path of 1021 bytes is EINVAL");
	check(logged("device refused (EINVAL): it is 1021 bytes long, and 1020 are the most"),
	      "the log says so");
	memset(longest, 'x', 256);
	longest[256] = 0;
	check_errno(load_for(longest), ENAMETOOLONG, "a name of 256 bytes is ENAMETOOLONG");
	check(logged("... (256 bytes) refused (ENAMETOOLONG): the path is too long"), "the log says so");

	claimed = open(path, O_RDWR | O_EXCL);
	if (claimed < 0)
		give_up("%s can't be claimed", path);
	refused(path, EBUSY, "EBUSY", "a device that another has claimed");
	close(claimed);
}

static void loads(const char *path)
{
	check(load_for(path) == 0, "a device that is free is good");
	check(logged(path), "the log names it");
	check_errno(load_for(path), EEXIST, "a second time is EEXIST");
	open_device();
	check(strcmp(node, path) == 0, "the parameter is shown");
	check(position() == 0 && info().flags == 0, "the position is 0, no flag is set");
	close(device);
	close(node_fd);
	check(unload() == 0, "it can be unloaded");
	check(access(KMOD_DEVICE, F_OK) != 0 && access("/sys/module/kmod", F_OK) != 0,
	      "the node and the folder in sysfs are gone");
}

static void read_only(const char *path)
{
	int fd = open(path, O_RDONLY), on = 1, off = 0;
	char data[512];

	if (ioctl(fd, BLKROSET, &on))
		give_up("BLKROSET");
	check(load_for(path) == 0, "a read-only device is good");
	check(logged("read-only"), "the log says that it is read-only");
	open_device();
	check_equal(info().flags, KMOD_FLAG_READ_ONLY, "INFO says so too");
	check(bread_offset(data, 512, 512) == 512, "it can be read");
	check_errno(bwrite(data, 512), EROFS, "BWRITE is EROFS");
	check_errno(bwrite_offset(data, 512, 0), EROFS, "BWRITEOFFSET is EROFS");
	check_errno(write64(data, 512, 0), EROFS, "WRITE64 is EROFS");
	check_equal(position(), 1024, "the position is where it was");
	check(ioctl(device, KMOD_SYNC) == 0, "SYNC is good");
	ioctl(fd, BLKROSET, &off);
	check_equal(info().flags, 0, "when it can be written later, INFO says so");
	check(bwrite(data, 512) == 512, "and it is written");
	ioctl(fd, BLKROSET, &on);
	check_errno(bwrite(data, 512), EROFS, "until it is read-only again");
	close(device);
	close(node_fd);
	check(unload() == 0, "it can be unloaded");
	ioctl(fd, BLKROSET, &off);
	close(fd);
}

/* A partition of one block, which is the smallest device there is. */
static void tiny(const char *path)
{
	struct blkpg_partition partition = { .start = 1 << 20, .length = 512, .pno = 1 };
	struct blkpg_ioctl_arg change = { .op = BLKPG_ADD_PARTITION, .datalen = sizeof(partition),
					  .data = &partition };
	int fd = open(path, O_RDWR), claimed;
	char name[300], data[1024], node[PATH_MAX];

	/* Its partition has the name of the node, and not of a link to it. */
	if (!realpath(path, node))
		give_up("%s is nowhere", path);
	snprintf(name, sizeof(name), "%.290s1", node);
	if (ioctl(fd, BLKPG, &change))
		give_up("no partition can be made on %s", path);
	claimed = open(name, O_RDWR | O_EXCL);
	if (claimed < 0)
		give_up("%s can't be claimed", name);
	refused(path, EBUSY, "EBUSY", "a disk of which another has claimed a partition");
	close(claimed);
	check(load_for(name) == 0, "a device of one block is good");
	open_device();
	check_equal(info().size, 512, "its size is 512");
	fill((unsigned char *)data, sizeof(data), 9);
	check(bwrite(data, 1024) == 512 && bread_offset(data, 1024, 0) == 512,
	      "one block of two can be written and read");
	check_errno(bwrite(data, 1), ENOSPC, "then it is full");
	close(device);
	close(node_fd);
	check(unload() == 0, "it can be unloaded");
	change.op = BLKPG_DEL_PARTITION;
	ioctl(fd, BLKPG, &change);
	close(fd);
}

int main(int count, char **arguments)
{
	if (count != 3)
		give_up("usage: kmod_load KMOD.ko BLOCK_DEVICE");
	module = arguments[1];
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		give_up("/dev/kmsg can't be opened");
	wrong_devices(arguments[2]);
	loads(arguments[2]);
	read_only(arguments[2]);
	tiny(arguments[2]);
	return finish();
}
