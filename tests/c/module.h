/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Loading and unloading a module, its files in sysfs, and what the kernel's log
 * has said since.
 */
#ifndef MODULE_H
#define MODULE_H

#include "check.h"

#include <time.h>

static int log_fd = -1;

/* From here on logged() looks at what the kernel says. */
__attribute__((unused))
static void log_from_now(void)
{
	if (log_fd < 0)
		log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		give_up("/dev/kmsg can't be opened");
	lseek(log_fd, 0, SEEK_END);
}

/* How many records since then contain this text? They are read once only. */
__attribute__((unused))
static int logged(const char *text)
{
	char record[8192];
	ssize_t length;
	int found = 0;

	while ((length = read(log_fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (length <= 0)
			continue;
		record[length] = 0;
		found += strstr(record, text) != NULL;
	}
	return found;
}

/* Loads a module; 0, or -1 and the errno. */
__attribute__((unused))
static int load(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result, error;

	if (fd < 0)
		give_up("%s can't be opened", path);
	log_from_now();
	result = syscall(SYS_finit_module, fd, parameters, 0);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

__attribute__((unused))
static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

/* What a file says, without the line's end; empty if it can't be read. */
__attribute__((unused))
static const char *text_of(const char *path)
{
	static char text[4097];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	if (length > 0 && text[length - 1] == '\n')
		length--;
	text[length < 0 ? 0 : length] = 0;
	return text;
}

/* Writes to a file; 0, or -1 and the errno. */
__attribute__((unused))
static int write_bytes(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;
	ssize_t length;

	if (fd < 0)
		return -1;
	length = write(fd, bytes, size);
	error = errno;
	close(fd);
	errno = error;
	return length == (ssize_t)size ? 0 : -1;
}

__attribute__((unused))
static int write_text(const char *path, const char *text)
{
	return write_bytes(path, text, strlen(text));
}

/* Does a check as a user who is not root, in a process of its own. */
__attribute__((unused))
static bool holds_unprivileged(bool (*holds)(void))
{
	int status;
	pid_t child = fork();

	if (child < 0)
		give_up("fork");
	if (child == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(holds() ? 0 : 1);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

__attribute__((unused))
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

__attribute__((unused))
static void milliseconds(long time)
{
	usleep(time * 1000);
}

/* Waits with a deadline that only a fault makes pass. */
#define wait_until(condition) \
	do { \
		double deadline_ = now() + 60; \
		while (!(condition) && now() < deadline_) \
			milliseconds(1); \
		check((condition), "wait until %s", #condition); \
	} while (0)

#endif /* MODULE_H */
