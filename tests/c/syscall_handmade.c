/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The system call as an old course program calls it: a bare syscall(NR). Only
 * the number is not written down here: the kernel tells it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	FILE *file = fopen("/sys/kernel/my_syscall/number", "r");
	long number, result;

	if (!file) {
		printf("FAILED this kernel has no my_syscall (%s)\n", strerror(errno));
		return 1;
	}
	if (fscanf(file, "%ld", &number) != 1) {
		printf("FAILED the number can't be read\n");
		return 1;
	}
	fclose(file);

	result = syscall(number);
	if (result != 0) {
		printf("FAILED syscall(%ld) returned %ld (errno %d, %s)\n", number, result, errno,
		       strerror(errno));
		return 1;
	}
	printf("ok syscall(%ld) returned 0\n", number);
	return 0;
}
