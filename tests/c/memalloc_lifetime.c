/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memalloc: what a process may do with its pages besides using them, and that
 * they are gone when it is gone, however it ends.
 */
#include "memalloc.h"
#include "module.h"

#include <sys/prctl.h>

static void forks(void)
{
	pid_t child;

	allocate(HERE, 2, true);
	child = fork();
	if (child == 0) {
		if (!is_unmapped(HERE) || !is_unmapped(HERE + PAGE))
			_exit(2);
		/* The device was inherited, the request was not. */
		if (give_back(HERE) != -1 || errno != EINVAL)
			_exit(3);
		if (allocate(HERE, 1, true) != 0)
			_exit(4);
		*(char *)HERE = 2;
		_exit(0);
	}
	*(char *)HERE = 1;
	check_child(child, 0, "a child inherits no pages, and has its own at the same address");
	check(*(char *)HERE == 1, "the parent's are as they were");
	check_errno(madvise((void *)HERE, 2 * PAGE, MADV_DOFORK), EINVAL,
		    "madvise(MADV_DOFORK) can't change that: EINVAL");
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

static void unmapping(void)
{
	unsigned long frees = shown("frees");

	allocate(HERE, 4, true);
	check_errno(munmap((void *)HERE, PAGE), EINVAL, "munmap of the first page is EINVAL");
	check_errno(munmap((void *)(HERE + PAGE), PAGE), EINVAL, "of a page in the middle too");
	check_errno(munmap((void *)(HERE + 3 * PAGE), PAGE), EINVAL, "and of the last");
	check(touch(HERE, true) == 0 && touch(HERE + PAGE, true) == 0 &&
	      touch(HERE + 3 * PAGE, true) == 0, "the pages are still there");
	check(munmap((void *)HERE, 4 * PAGE) == 0, "munmap of all of it is good");
	check(is_unmapped(HERE) && is_empty(), "that ends the request");
	check_errno(give_back(HERE), EINVAL, "FREE is EINVAL then");
	allocate(HERE, 2, true);
	check(munmap((void *)(HERE - PAGE), 4 * PAGE) == 0 && is_empty(),
	      "munmap of more than all of it ends it as well");
	allocate(HERE, 2, true);
	check(mmap((void *)HERE, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)HERE && is_empty(),
	      "so does another mapping on top");
	munmap((void *)HERE, 2 * PAGE);
	allocate(HERE, 2, true);
	check(mmap((void *)HERE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      MAP_FAILED && errno == EINVAL, "but not one on top of a part: EINVAL");
	check(touch(HERE, true) == 0 && touch(HERE + PAGE, true) == 0, "the pages are still there");
	give_back(HERE);
	check_equal(shown("frees"), frees + 4, "each end is counted once");
	check(is_empty(), "nothing is left behind");
}

static void moving(void)
{
	void *here = (void *)HERE, *there = (void *)THERE;

	allocate(HERE, 4, true);
	*(char *)HERE = 5;
	check(mremap(here, 4 * PAGE, 8 * PAGE, 0) == MAP_FAILED && errno == EFAULT,
	      "mremap to grow it is EFAULT");
	check(mremap(here, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT,
	      "to grow and move it too");
	check(mremap(here, 4 * PAGE, 2 * PAGE, 0) == MAP_FAILED && errno == EINVAL,
	      "mremap to shrink it is EINVAL");
	check(mremap(here, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there) == MAP_FAILED &&
	      errno == EINVAL, "mremap to move it is EINVAL");
	check(mremap(here, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there) == MAP_FAILED &&
	      errno == EINVAL, "to move a part of it as well");
	check(mremap(here, 0, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT,
	      "mremap to have it twice is EFAULT");
	check(mremap(here, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED &&
	      errno == EINVAL, "to move its pages only is EINVAL");
	check(syscall(SYS_remap_file_pages, HERE, PAGE, 0, 1, 0) == -1,
	      "remap_file_pages is refused");
	check(*(char *)HERE == 5 && touch(HERE + 3 * PAGE, true) == 0 && is_unmapped(THERE),
	      "it is where it was, with what was in it");
	check(shown("requests") == 1 && shown("pages_mapped") == 4, "it is still one request");
	check(give_back(HERE) == 0 && is_empty(), "it can be given back");
}

static void protecting(void)
{
	char *here = (char *)HERE;

	allocate(HERE, 2, true);
	*here = 6;
	check(mprotect(here, 2 * PAGE, PROT_READ) == 0 && touch(HERE, true) == SIGSEGV,
	      "writable pages can be made read-only");
	check(mprotect(here, 2 * PAGE, PROT_NONE) == 0 && touch(HERE, false) == SIGSEGV,
	      "or out of bounds");
	check(mprotect(here, 2 * PAGE, PROT_READ | PROT_WRITE) == 0 && touch(HERE + PAGE, true) == 0 &&
	      *here == 6, "and writable again, with what was in them");
	check_errno(mprotect(here, 2 * PAGE, PROT_READ | PROT_EXEC), EACCES,
		    "but never executable: EACCES");
	check_errno(mprotect(here, PAGE, PROT_READ), EINVAL, "mprotect of a part is EINVAL");
	check(touch(HERE, true) == 0, "it is as it was");
	give_back(HERE);

	allocate(HERE, 2, false);
	check_errno(mprotect(here, 2 * PAGE, PROT_READ | PROT_WRITE), EACCES,
		    "read-only pages can't be made writable: EACCES");
	{
		/* Root's way around page protections, as debuggers use it. */
		int memory = open("/proc/self/mem", O_RDWR);
		char byte = 1;

		check(pread(memory, &byte, 1, HERE) == 1 && byte == 0, "/proc/self/mem can read them");
		byte = 1;
		check(pwrite(memory, &byte, 1, HERE) == -1, "but not write to them");
		check(*here == 0, "they are full of zeroes all the time");
		close(memory);
	}
	check(read(open("/dev/zero", O_RDONLY), here, PAGE) == -1 && errno == EFAULT,
	      "the kernel can't write to them for the process either: EFAULT");
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

static void advising(void)
{
	char *here = (char *)HERE;

	allocate(HERE, 8, true);
	memset(here, 7, 8 * PAGE);
	check(madvise(here, 8 * PAGE, MADV_DONTNEED) == 0, "madvise(MADV_DONTNEED) is good");
	check(!(walk(HERE).entry[walk(HERE).levels - 1] & 1), "the page-table entries are gone");
	check(shown("pages_mapped") == 8 && shown("requests") == 1, "the pages still count");
	check(here[0] == 7 && here[8 * PAGE - 1] == 7,
	      "the next touch finds them, with what was in them");
	check(walk(HERE).entry[walk(HERE).levels - 1] & 1, "the entry is there again");
	check(madvise(here + PAGE, PAGE, MADV_DONTNEED) == 0 && here[PAGE] == 7,
	      "so for a part of them");
	here[PAGE] = 8;
	check(here[PAGE] == 8 && here[2 * PAGE] == 7, "each can be written to again");
	check(madvise(here, 8 * PAGE, MADV_DONTNEED) == 0 &&
	      madvise(here, 8 * PAGE, MADV_POPULATE_WRITE) == 0 && here[PAGE] == 8,
	      "MADV_POPULATE_WRITE finds them as well");
	check(madvise(here, 8 * PAGE, MADV_PAGEOUT) == 0 && here[3 * PAGE] == 7,
	      "MADV_PAGEOUT loses nothing");
	check(madvise(here, 8 * PAGE, MADV_COLD) == 0 && here[3 * PAGE] == 7, "nor does MADV_COLD");
	check(madvise(here, 8 * PAGE, MADV_REMOVE) == -1 && here[3 * PAGE] == 7,
	      "MADV_REMOVE is refused");
	check(madvise(here, 8 * PAGE, MADV_FREE) == -1 && here[3 * PAGE] == 7,
	      "MADV_FREE is refused");
	check(mlock(here, 8 * PAGE) == 0 && munlock(here, 8 * PAGE) == 0, "mlock changes nothing");
	check(shown("pages_mapped") == 8 && shown("requests") == 1, "all is counted as before");
	check(give_back(HERE) == 0 && is_empty(), "it can be given back");

	allocate(HERE, 1, false);
	check(madvise(here, PAGE, MADV_DONTNEED) == 0 && touch(HERE, true) == SIGSEGV && *here == 0,
	      "after MADV_DONTNEED read-only pages are still read-only");
	give_back(HERE);
}

static void the_kernel_uses_them(void)
{
	int pipes[2];
	char *here = (char *)HERE, copy[6];

	allocate(HERE, 2, true);
	if (pipe(pipes))
		give_up("pipe");
	check(write(pipes[1], "hello", 6) == 6 && read(pipes[0], here + PAGE - 3, 6) == 6 &&
	      strcmp(here + PAGE - 3, "hello") == 0, "read() can read into them");
	check(write(pipes[1], here + PAGE - 3, 6) == 6 && read(pipes[0], copy, 6) == 6 &&
	      strcmp(copy, "hello") == 0, "write() can write from them");
	{
		struct free_info *info = (struct free_info *)(here + 64);

		info->vaddr = HERE;
		check(ioctl(device, FREE, info) == 0 && is_empty(),
		      "a request can be freed by a struct that lies in it");
	}
	close(pipes[0]);
	close(pipes[1]);
}

static void the_file_can_be_closed(void)
{
	int other = open(MEMALLOC_DEVICE, O_RDWR);

	allocate(HERE, 1, true);
	*(char *)HERE = 9;
	close(device);
	check(*(char *)HERE == 9, "closing the device changes nothing");
	check(shown("requests") == 1, "the request lives");
	close(other);
	errno = 0;
	check(syscall(SYS_delete_module, "memalloc", O_NONBLOCK) == -1 &&
	      (errno == EWOULDBLOCK || errno == EBUSY),
	      "the module can't be unloaded while pages are mapped");
	open_device();
	check(give_back(HERE) == 0 && is_empty(), "another open file can give it back");
}

/* Runs `end` in a child that has pages, and sees that they go with it. */
static void ends(const char *how, int signal, void (*end)(void))
{
	struct turns turns;
	pid_t child;

	turns_open(&turns);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		if (allocate(HERE, 1000, true) || allocate(THERE, 10, false))
			_exit(2);
		memset((void *)HERE, 1, 1000 * PAGE);
		hand_over(turns.to_parent[1], 0);
		take_over(turns.to_child[0]);
		end();
		_exit(3);
	}
	take_over(turns.to_parent[0]);
	check(shown("pages_mapped") == 1010 && shown("requests") == 2, "a process has 1010 pages");
	hand_over(turns.to_child[1], 0);
	check_child(child, signal, how);
	check(is_empty(), "its pages are gone with it");
	turns_close(&turns);
}

static void end_by_exit(void) { exit(0); }
static void end_by_kill(void) { kill(getpid(), SIGKILL); }
static void end_by_fault(void) { *(volatile char *)THERE = 1; }
static void end_by_abort(void) { abort(); }
static void *kill_all(void *arg)
{
	(void)arg;
	kill(getpid(), SIGKILL);
	return NULL;
}
static void end_by_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, kill_all, NULL);
	for (;;)
		*(volatile char *)HERE += 1;
}

/* Another program in the same process, which goes on: it is exec that ends them, and not exit. */
static void becoming_another(void)
{
	struct turns turns;
	char path[64];
	pid_t child;

	turns_open(&turns);
	child = fork();
	if (child == 0) {
		if (allocate(HERE, 1000, true) || allocate(THERE, 10, false))
			_exit(2);
		hand_over(turns.to_parent[1], 0);
		take_over(turns.to_child[0]);
		dup2(turns.to_child[0], 0);
		execlp("cat", "cat", NULL);
		_exit(3);
	}
	take_over(turns.to_parent[0]);
	check(shown("pages_mapped") == 1010 && shown("requests") == 2, "a process has 1010 pages");
	hand_over(turns.to_child[1], 0);
	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	wait_until(strcmp(text_of(path), "cat") == 0);
	/* The kernel lets go of what was there before at its leisure. */
	wait_until(is_empty());
	check(waitpid(child, NULL, WNOHANG) == 0 && is_empty(),
	      "when it becomes another program they are gone, and that program runs");
	turns_close(&turns);
	check_child(child, 0, "it ends with its input");
}

static void sudden_death(void)
{
	unsigned long allocations = shown("allocations");
	int i, clean = 0;

	for (i = 0; i < 40; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (;;) {
				allocate(HERE, 1500, true);
				allocate(THERE, 3, i & 1);
				give_back(HERE);
				give_back(THERE);
			}
		}
		usleep(200 + 997 * i % 7000);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		clean += is_empty();
	}
	check(clean == 40, "40 times killed within ALLOCATE or FREE, nothing is left: %d", clean);
	check(shown("allocations") > allocations, "they had allocated: %lu times",
	      shown("allocations") - allocations);
}

int main(void)
{
	open_device();
	forks();
	unmapping();
	moving();
	protecting();
	advising();
	the_kernel_uses_them();
	the_file_can_be_closed();
	ends("it calls exit", 0, end_by_exit);
	ends("it is killed by SIGKILL", SIGKILL, end_by_kill);
	ends("it writes to a read-only page", SIGSEGV, end_by_fault);
	ends("it aborts", SIGABRT, end_by_abort);
	becoming_another();
	ends("it is killed with several threads", SIGKILL, end_by_thread);
	sudden_death();
	close(device);
	return finish();
}
