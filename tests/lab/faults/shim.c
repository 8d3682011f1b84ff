// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the C library does, with faults: loaded before it (LD_PRELOAD) into the
 * processes of Ringside, and into no other that inherits the variable.
 *
 * RINGSIDE_FAULTS is one of
 *   interrupted:SEED  reads and writes end early, or with EINTR
 *   eio:N             the Nth write to a file, and all after it, end with EIO
 *   enospc:N          the same with ENOSPC
 *   clock:SEED        the wall clock jumps by days, forth and back
 * and ends with a + where processes that this one starts get no faults.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

extern char *program_invocation_short_name;

static enum { NONE, INTERRUPTED, FAILING, CLOCK } mode;
static int error;
static long failing_from;
static atomic_ulong state;
static atomic_long writes;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("RINGSIDE_FAULTS");
	const char *number = text ? strchr(text, ':') : NULL;

	if (!number || strncmp(program_invocation_short_name, "ringside", 8))
		return;
	state = strtoul(number + 1, NULL, 10) * 2 + 1;
	failing_from = strtol(number + 1, NULL, 10);
	if (!strncmp(text, "interrupted", 11))
		mode = INTERRUPTED;
	else if (!strncmp(text, "clock", 5))
		mode = CLOCK;
	else if (!strncmp(text, "eio", 3))
		mode = FAILING, error = EIO;
	else if (!strncmp(text, "enospc", 6))
		mode = FAILING, error = ENOSPC;
	if (text[strlen(text) - 1] == '+') {
		unsetenv("LD_PRELOAD");
		unsetenv("RINGSIDE_FAULTS");
	}
}

/* A linear congruential generator: the high bits are good enough. */
static unsigned long chance(unsigned long below)
{
	unsigned long now = atomic_fetch_add(&state, 1);

	now = now * 6364136223846793005UL + 1442695040888963407UL;
	now ^= now >> 29;
	now *= 0xbf58476d1ce4e5b9UL;
	return (now >> 33) % below;
}

/* May what is read from it, or written to it, come in parts? */
static int is_stream(int fd)
{
	struct stat stat;
	int type;
	socklen_t size = sizeof(type);

	if (fstat(fd, &stat))
		return 0;
	if (S_ISSOCK(stat.st_mode))
		return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
		       type == SOCK_STREAM;
	return S_ISREG(stat.st_mode) || S_ISFIFO(stat.st_mode);
}

static int is_file(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && S_ISREG(stat.st_mode);
}

/* How much of it is done; -1: nothing, and errno says why. */
static ssize_t allowed(int fd, size_t size, int writing)
{
	int before = errno;

	if (mode == INTERRUPTED && size > 1 && is_stream(fd)) {
		switch (chance(4)) {
		case 0:
			errno = EINTR;
			return -1;
		case 1:
			size = 1 + chance(size);
		}
	}
	if (mode == FAILING && writing && is_file(fd) &&
	    atomic_fetch_add(&writes, 1) + 1 >= failing_from) {
		errno = error;
		return -1;
	}
	errno = before;
	return size;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t part = allowed(fd, size, 0);

	return part < 0 ? -1 : REAL(read)(fd, buffer, part);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	ssize_t part = allowed(fd, size, 1);

	return part < 0 ? -1 : REAL(write)(fd, buffer, part);
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t at)
{
	ssize_t part = allowed(fd, size, 0);

	return part < 0 ? -1 : REAL(pread64)(fd, buffer, part, at);
}

ssize_t pwrite64(int fd, const void *buffer, size_t size, off64_t at)
{
	ssize_t part = allowed(fd, size, 1);

	return part < 0 ? -1 : REAL(pwrite64)(fd, buffer, part, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	/* As if only the first part with anything in it had fitted. */
	for (int at = 0; mode != NONE && at < count; at++)
		if (parts[at].iov_len)
			return write(fd, parts[at].iov_base, parts[at].iov_len);
	return REAL(writev)(fd, parts, count);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	ssize_t part = flags ? (ssize_t)size : allowed(fd, size, 0);

	return part < 0 ? -1 : REAL(recv)(fd, buffer, part, flags);
}

ssize_t send(int fd, const void *buffer, size_t size, int flags)
{
	ssize_t part = allowed(fd, size, 1);

	return part < 0 ? -1 : REAL(send)(fd, buffer, part, flags);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int failed = REAL(clock_gettime)(clock, time);

	if (!failed && mode == CLOCK && clock == CLOCK_REALTIME)
		time->tv_sec += ((long)chance(21) - 10) * 86400;
	return failed;
}
