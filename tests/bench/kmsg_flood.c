// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Floods the kernel log with numbered lines: `kmsg_flood LINES [PER_SECOND]`.
 * Without a rate as fast as the kernel takes them. The level is debug, which no
 * console prints: what is measured is the log and not a serial line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

/* By default the kernel takes no more than ten lines in five seconds from a process. */
static int lift_rate_limit(void)
{
	int fd = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY);

	if (fd < 0 || write(fd, "on\n", 3) != 3)
		return fail("/proc/sys/kernel/printk_devkmsg");
	return close(fd);
}

int main(int argc, char **argv)
{
	long lines = argc > 1 ? atol(argv[1]) : 0;
	double rate = argc > 2 ? atof(argv[2]) : 0;
	char line[128];
	double start;
	int fd;

	if (lines <= 0 || rate < 0) {
		fprintf(stderr, "usage: kmsg_flood LINES [PER_SECOND]\n");
		return 2;
	}
	if (lift_rate_limit())
		return 1;
	fd = open("/dev/kmsg", O_WRONLY);
	if (fd < 0)
		return fail("/dev/kmsg");
	start = now();
	for (long number = 0; number < lines; number++) {
		int length = snprintf(line, sizeof(line),
				      "<7>flood: line %08ld of a log that does not wait for its reader\n",
				      number);

		if (write(fd, line, length) != length)
			return fail("write a line");
		while (rate > 0 && number / rate > now() - start)
			usleep(1000);
	}
	printf("%ld lines in %.6f s\n", lines, now() - start);
	return 0;
}
