/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * my_syscall: the call, its message, its counter, and who may do what. Needs a
 * kernel that has it, and root. The message is afterwards what it was before.
 */
#include "module.h"

#include "ringside.h"

#include <sys/prctl.h>
#include <sys/stat.h>

/* The longest message; see uapi/src/my_syscall.rs. */
#define MY_SYSCALL_MESSAGE_MAX 127
#define FOLDER "/sys/kernel/my_syscall/"

static long number;

static long call(void)
{
	errno = 0;
	return syscall(number);
}

static unsigned long calls(void)
{
	return strtoul(text_of(FOLDER "calls"), NULL, 10);
}

/* The log is quiet for more than a second: the next calls will be in it. */
static void let_the_log_rest(void)
{
	milliseconds(1200);
	log_from_now();
}

static bool unprivileged_call(void)
{
	return call() == 0;
}

static bool unprivileged_message(void)
{
	return *text_of(FOLDER "message") && write_text(FOLDER "message", "mine\n") == -1 &&
	       errno == EACCES;
}

static bool unprivileged_counter(void)
{
	return *text_of(FOLDER "calls") && write_text(FOLDER "calls", "0") == -1 && errno == EACCES;
}

static void the_call(void)
{
	unsigned long before = calls();
	char line[128];

	check(call() == 0, "it returns 0");
	check_equal(calls(), before + 1, "and is counted");
	check(syscall(number, -1l, 1l, "x", (void *)1, 5l, 6l) == 0, "arguments are ignored");
	check(holds_unprivileged(unprivileged_call), "anyone may call it");

	prctl(PR_SET_NAME, "some\ncaller");
	let_the_log_rest();
	call();
	snprintf(line, sizeof(line), "(called by some\\x5cx0acaller, pid %d, uid 0)", getpid());
	check(logged(line) == 1, "the log names the caller, the pid and the user");
	prctl(PR_SET_NAME, "my_syscall");
}

static void the_message(void)
{
	char text[MY_SYSCALL_MESSAGE_MAX + 2];
	char before[256];

	snprintf(before, sizeof(before), "%s", text_of(FOLDER "message"));
	check(*before, "there is a message to begin with: %s", before);
	check(write_text(FOLDER "message", "Spring has come\n") == 0, "root may change it");
	check(!strcmp(text_of(FOLDER "message"), "Spring has come"), "then it is what was written");
	let_the_log_rest();
	call();
	check(logged("my_syscall: Spring has come (called by") == 1, "and what the log says");

	memset(text, 'x', sizeof(text));
	check(write_bytes(FOLDER "message", text, MY_SYSCALL_MESSAGE_MAX) == 0,
	      "%d bytes are not too many", MY_SYSCALL_MESSAGE_MAX);
	check_errno(write_bytes(FOLDER "message", text, MY_SYSCALL_MESSAGE_MAX + 1), EINVAL,
		    "one more is EINVAL");
	check(strlen(text_of(FOLDER "message")) == MY_SYSCALL_MESSAGE_MAX,
	      "and changes nothing");
	check_errno(write_bytes(FOLDER "message", "a\0b", 3), EINVAL, "a NUL is EINVAL");

	check(write_text(FOLDER "message", "\xff\x1b[31m\n<0>[ 0.0] forged\n") == 0,
	      "any other byte is taken");
	let_the_log_rest();
	call();
	check(logged("\\x5cxff\\x5cx1b[31m\\x5cx0a<0>[ 0.0] forged") == 1,
	      "but can't forge a line of the log");
	check(write_text(FOLDER "message", "%s%n%p\n") == 0 && call() == 0,
	      "and is no format");

	check(holds_unprivileged(unprivileged_message), "others may read it, and not write it");
	check(holds_unprivileged(unprivileged_counter), "and the same of the counter");
	check_errno(write_text(FOLDER "number", "1"), EACCES, "nobody can write the number");
	write_text(FOLDER "message", before);
}

static void a_flood(void)
{
	unsigned long before = calls();
	int lines;

	let_the_log_rest();
	for (int i = 0; i < 20000; i++)
		call();
	lines = logged("(called by my_syscall");
	check(calls() - before == 20000, "20000 calls are all counted");
	check(lines > 0 && lines < 1000, "and %d of them are in the log", lines);
}

int main(void)
{
	struct stat status;

	number = strtol(text_of(MY_SYSCALL_NUMBER_FILE), NULL, 10);
	if (number <= 0)
		give_up("this kernel has no my_syscall");
	check(number >= 473, "its number is %ld, which was free in Linux 7.3", number);
	check(stat(FOLDER "message", &status) == 0 && (status.st_mode & 0777) == 0644,
	      "the message is writable by root only");
	the_call();
	the_message();
	a_flood();
	return finish();
}
