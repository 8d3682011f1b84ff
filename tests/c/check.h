/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the C programs in this folder share: saying what was checked, reading
 * counters, touching memory that may not be touched.
 *
 *	cc -O1 -pthread -Iuapi/include tests/c/memalloc_contract.c -o memalloc_contract
 *
 * A program prints one line "ok ..." for each behaviour that is as it should
 * be, "FAILED ..." for each that is not, and exits with 0 only if none is.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
/* The first address that is no user address, whatever the number of levels. */
#define KERNEL_ADDRESS 0xffff888000000000ul
/* No address at all: neither with four levels nor with five. */
#define NON_CANONICAL 0x0800000000000000ul

static int failures;

/* Ends the program where nothing sensible can follow. */
__attribute__((format(printf, 1, 2), noreturn, unused))
static void give_up(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("FAILED ");
	vprintf(format, arguments);
	printf(" (errno %d, %s)\n", errno, strerror(errno));
	va_end(arguments);
	exit(1);
}

/* Tells whether a behaviour is as it should be. */
__attribute__((format(printf, 2, 3), unused))
static void check(bool good, const char *what, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, what);
	printf("%s ", good ? "ok" : "FAILED");
	vprintf(what, arguments);
	if (!good) {
		printf(" (errno %d, %s)", error, strerror(error));
		failures++;
	}
	printf("\n");
	fflush(stdout);
	va_end(arguments);
}

/* The call must have failed with this errno. */
#define check_errno(call, wanted, ...) \
	do { \
		errno = 0; \
		long result_ = (long)(call); \
		check(result_ == -1 && errno == (wanted), __VA_ARGS__); \
	} while (0)

/* Two numbers must be the same; both are shown if they are not. */
__attribute__((unused))
static void check_equal(unsigned long got, unsigned long wanted, const char *what)
{
	if (got == wanted)
		check(true, "%s", what);
	else
		check(false, "%s: got %#lx, wanted %#lx", what, got, wanted);
}

__attribute__((unused))
static int finish(void)
{
	if (failures)
		printf("%d checks FAILED\n", failures);
	return failures ? 1 : 0;
}

/* A counter of a module. */
__attribute__((unused))
static unsigned long counter(const char *module, const char *name)
{
	char path[256];
	unsigned long value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/%s/counters/%s", module, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lu", &value) != 1)
		give_up("%s can't be read", path);
	fclose(file);
	return value;
}

static sigjmp_buf fault_return;
static siginfo_t fault_info;

__attribute__((unused))
static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	fault_info = *info;
	siglongjmp(fault_return, 1);
}

/*
 * Touches a byte. Returns 0, or the signal that came of it; fault_info tells
 * more then.
 */
__attribute__((unused))
static int touch(unsigned long address, bool write)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction old_segv, old_bus;
	volatile char *byte = (volatile char *)address;
	int signal = 0;

	sigaction(SIGSEGV, &action, &old_segv);
	sigaction(SIGBUS, &action, &old_bus);
	if (sigsetjmp(fault_return, 1) == 0) {
		if (write)
			*byte = 1;
		else
			(void)*byte;
	} else {
		signal = fault_info.si_signo;
	}
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
	return signal;
}

__attribute__((unused))
static bool is_readable(unsigned long address)
{
	return touch(address, false) == 0;
}

/* Nothing is mapped there: not readable, and that for this reason. */
__attribute__((unused))
static bool is_unmapped(unsigned long address)
{
	return touch(address, false) == SIGSEGV && fault_info.si_code == SEGV_MAPERR &&
	       (unsigned long)fault_info.si_addr == address;
}

/* Two processes that take turns. */
struct turns {
	int to_child[2];
	int to_parent[2];
};

__attribute__((unused))
static void turns_open(struct turns *turns)
{
	if (pipe2(turns->to_child, O_CLOEXEC) || pipe2(turns->to_parent, O_CLOEXEC))
		give_up("pipe");
}

__attribute__((unused))
static void turns_close(struct turns *turns)
{
	close(turns->to_child[0]);
	close(turns->to_child[1]);
	close(turns->to_parent[0]);
	close(turns->to_parent[1]);
}

/* Hands a number over, and waits for one. */
__attribute__((unused))
static void hand_over(int fd, long value)
{
	if (write(fd, &value, sizeof(value)) != sizeof(value))
		give_up("write to the other process");
}

__attribute__((unused))
static long take_over(int fd)
{
	long value;

	if (read(fd, &value, sizeof(value)) != sizeof(value))
		give_up("read from the other process");
	return value;
}

/* The child's exit status must be 0, or the signal that ended it. */
__attribute__((unused))
static void check_child(pid_t child, int signal, const char *what)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		give_up("waitpid");
	if (signal)
		check(WIFSIGNALED(status) && WTERMSIG(status) == signal, "%s", what);
	else
		check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", what);
}

#endif /* CHECK_H */
