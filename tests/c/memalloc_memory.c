/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memalloc: its pages are memory like any other. Processes that share one wait
 * for each other in it, by what the kernel and the C library have for that;
 * other processes, disks and pipes read and write them.
 */
#include "memalloc.h"
#include "module.h"

#include <linux/futex.h>
#include <semaphore.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define STICK "/dev/ringside-usb"

/* A process with the page at HERE, which has been offered it, at THERE; it does `job` and ends. */
static pid_t with_page(bool write, int (*job)(void))
{
	struct turns turns;
	pid_t child;

	turns_open(&turns);
	child = fork();
	if (child < 0)
		give_up("fork");
	if (child == 0) {
		open_device();
		take_over(turns.to_child[0]);
		_exit(access_page(THERE) ? 99 : job());
	}
	if (share(HERE, child, write))
		give_up("SHAREPAGE");
	hand_over(turns.to_child[1], 0);
	turns_close(&turns);
	return child;
}

/* Is that process in a futex call? */
static bool waits(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	return atoi(text_of(path)) == SYS_futex;
}

static long futex(unsigned long address, int operation, unsigned int value)
{
	return syscall(SYS_futex, address, operation, value, NULL, NULL, 0);
}

static int futex_wait(void)
{
	return futex(THERE + 8, FUTEX_WAIT, 0) ? 1 : 0;
}

static void bare_futexes(void)
{
	pid_t reader, writer;
	double deadline;
	long woken;

	allocate(HERE, 2, true);
	writer = with_page(true, futex_wait);
	wait_until(waits(writer));
	reader = with_page(false, futex_wait);
	wait_until(waits(reader));
	check_equal(futex(HERE + PAGE + 8, FUTEX_WAKE, 9), 0,
		    "a futex in the next page is another one");
	check_equal(futex(HERE + 4, FUTEX_WAKE, 9), 0, "so is one beside it");
	check_equal(futex(HERE + 8, FUTEX_WAKE_PRIVATE, 9), 0,
		    "so is one of the process's own at the same place");
	/* Both have called it, but may not have got to sleep yet. */
	deadline = now() + 60;
	for (woken = 0; woken < 2 && now() < deadline;)
		woken += futex(HERE + 8, FUTEX_WAKE, 9);
	check_equal(woken, 2, "FUTEX_WAKE wakes who waits in a shared page, also where it is read-only");
	check_child(writer, 0, "the one who may write was woken");
	check_child(reader, 0, "the one who may only read was woken");
	give_back(HERE);

	allocate(HERE, 1, true);
	check_equal(futex(HERE + 8, FUTEX_WAKE, 9), 0,
		    "a page that is handed out later at the same address is another one");
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

struct post {
	sem_t there;
	sem_t back;
	int letter;
};

static int answer_post(void)
{
	struct post *post = (struct post *)THERE;
	int i;

	for (i = 0; i < 1000; i++) {
		if (sem_wait(&post->there) || post->letter != 2 * i)
			return 1;
		post->letter++;
		if (sem_post(&post->back))
			return 2;
	}
	return 0;
}

static void semaphores(void)
{
	struct post *post = (struct post *)HERE;
	int i, good = 0;
	pid_t child;

	allocate(HERE, 1, true);
	if (sem_init(&post->there, 1, 0) || sem_init(&post->back, 1, 0))
		give_up("sem_init");
	child = with_page(true, answer_post);
	for (i = 0; i < 1000; i++) {
		post->letter = 2 * i;
		sem_post(&post->there);
		good += sem_wait(&post->back) == 0 && post->letter == 2 * i + 1;
	}
	check_equal(good, 1000, "processes take turns by two semaphores in a shared page");
	check_child(child, 0, "the other one ends well");
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

struct shop {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	long count;
	bool open;
};

static int visit_shop(void)
{
	struct shop *shop = (struct shop *)THERE;
	int i;

	pthread_mutex_lock(&shop->mutex);
	while (!shop->open)
		if (pthread_cond_wait(&shop->changed, &shop->mutex))
			return 1;
	pthread_mutex_unlock(&shop->mutex);
	for (i = 0; i < 5000; i++) {
		if (pthread_mutex_lock(&shop->mutex))
			return 2;
		shop->count++;
		pthread_mutex_unlock(&shop->mutex);
	}
	return 0;
}

static int die_in_shop(void)
{
	struct shop *shop = (struct shop *)THERE;
	double deadline = now() + 60;

	pthread_mutex_lock(&shop->mutex);
	shop->open = true;
	/* Until someone waits for it. */
	while (!(*(volatile unsigned int *)&shop->mutex & FUTEX_WAITERS) && now() < deadline)
		milliseconds(1);
	kill(getpid(), SIGKILL);
	return 1;
}

static void set_up_shop(int protocol)
{
	struct shop *shop = (struct shop *)HERE;
	pthread_mutexattr_t mutex;
	pthread_condattr_t changed;

	memset(shop, 0, sizeof(*shop));
	pthread_mutexattr_init(&mutex);
	pthread_condattr_init(&changed);
	if (pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) ||
	    pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST) ||
	    pthread_mutexattr_setprotocol(&mutex, protocol) ||
	    pthread_condattr_setpshared(&changed, PTHREAD_PROCESS_SHARED) ||
	    pthread_mutex_init(&shop->mutex, &mutex) || pthread_cond_init(&shop->changed, &changed))
		give_up("a mutex for processes can't be had");
}

static void mutexes(int protocol, const char *name)
{
	struct shop *shop = (struct shop *)HERE;
	pid_t visitors[3];
	int i;

	allocate(HERE, 1, true);
	set_up_shop(protocol);
	for (i = 0; i < 3; i++)
		visitors[i] = with_page(true, visit_shop);
	pthread_mutex_lock(&shop->mutex);
	shop->open = true;
	pthread_cond_broadcast(&shop->changed);
	pthread_mutex_unlock(&shop->mutex);
	for (i = 0; i < 3; i++)
		check_child(visitors[i], 0, "a condition variable wakes a process");
	check_equal(shop->count, 15000, name);

	shop->open = false;
	visitors[0] = with_page(true, die_in_shop);
	wait_until(((volatile struct shop *)shop)->open);
	check_equal(pthread_mutex_lock(&shop->mutex), EOWNERDEAD,
		    "who waits for a robust mutex gets it when its owner is killed");
	check(pthread_mutex_consistent(&shop->mutex) == 0 &&
	      pthread_mutex_unlock(&shop->mutex) == 0, "and can mend it");
	check_child(visitors[0], SIGKILL, "its owner was killed");
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

/* The two who got the page of one that has freed it since. */
static void without_their_owner(void)
{
	pid_t waiter;
	double deadline = now() + 60;
	long woken = 0;

	allocate(HERE, 3, true);
	waiter = with_page(true, futex_wait);
	wait_until(waits(waiter));
	share(HERE, getpid(), true);
	check(access_page(THERE) == 0, "the owner maps its page a second time");
	give_back(HERE);
	while (woken < 1 && now() < deadline)
		woken += futex(THERE + 8, FUTEX_WAKE, 1);
	check_equal(woken, 1, "a futex works when the request that the page came from is freed");
	check_child(waiter, 0, "who waited was woken");
	check_equal(shown("pages_mapped"), 1, "one page is left of three");
	give_back(THERE);
	check(is_empty(), "nothing is left behind");
}

/* A process with a page to write, one to read, and `hello` in the first. */
static pid_t bystander(struct turns *turns)
{
	pid_t child;

	turns_open(turns);
	child = fork();
	if (child < 0)
		give_up("fork");
	if (child == 0) {
		open_device();
		if (allocate(THERE, 2, true) || allocate(THERE + 2 * PAGE, 1, false))
			_exit(1);
		strcpy((char *)THERE + PAGE - 3, "hello");
		hand_over(turns->to_parent[1], 0);
		take_over(turns->to_child[0]);
		_exit(strcmp((char *)THERE + PAGE - 3, "Howdy") ? 2 : 0);
	}
	take_over(turns->to_parent[0]);
	return child;
}

static void other_processes(void)
{
	char text[8] = "";
	struct iovec here = { text, 6 }, there = { (char *)THERE + PAGE - 3, 6 };
	struct iovec locked = { (char *)THERE + 2 * PAGE, 6 };
	struct turns turns;
	pid_t child = bystander(&turns);
	long word;
	int status;

	check(process_vm_readv(child, &here, 1, &there, 1, 0) == 6 && strcmp(text, "hello") == 0,
	      "process_vm_readv reads another process's pages");
	check(process_vm_readv(child, &here, 1, &locked, 1, 0) == 6 && text[0] == 0,
	      "also those that are read-only");
	strcpy(text, "Hallo");
	check(process_vm_writev(child, &here, 1, &there, 1, 0) == 6,
	      "process_vm_writev writes to them");
	check_errno(process_vm_writev(child, &here, 1, &locked, 1, 0), EFAULT,
		    "but not to those that are read-only: EFAULT");

	/* And into them: the pages of the caller's own side. */
	allocate(HERE, 1, true);
	here.iov_base = (char *)HERE;
	check(process_vm_readv(child, &here, 1, &there, 1, 0) == 6 &&
	      strcmp((char *)HERE, "Hallo") == 0, "it can be read into them as well");
	give_back(HERE);

	if (ptrace(PTRACE_SEIZE, child, 0, 0) || ptrace(PTRACE_INTERRUPT, child, 0, 0) ||
	    waitpid(child, &status, __WALL) != child)
		give_up("ptrace");
	word = ptrace(PTRACE_PEEKDATA, child, THERE + PAGE - 3, 0);
	check(memcmp(&word, "Hallo", 6) == 0, "a debugger reads them");
	memcpy(&word, "Howdy", 6);
	check(ptrace(PTRACE_POKEDATA, child, THERE + PAGE - 3, word) == 0, "and writes to them");
	check_errno(ptrace(PTRACE_POKEDATA, child, THERE + 2 * PAGE, word), EIO,
		    "but not to those that are read-only: EIO");
	ptrace(PTRACE_DETACH, child, 0, 0);
	hand_over(turns.to_child[1], 0);
	check_child(child, 0, "the process sees what was written, and ends well");
	turns_close(&turns);
	check(is_empty(), "nothing is left behind");
}

static void disks(void)
{
	int stick = open(STICK, O_RDWR | O_DIRECT | O_CLOEXEC);
	char *here = (char *)HERE;
	unsigned int i, wrong = 0;

	if (stick < 0)
		give_up("%s can't be opened", STICK);
	allocate(HERE, 64, true);
	for (i = 0; i < 64 * PAGE; i++)
		here[i] = i * 7 + (i >> 12);
	check(pwrite(stick, here, 64 * PAGE, 1 << 20) == 64 * PAGE, "O_DIRECT writes from them");
	allocate(THERE, 64, true);
	check(pread(stick, (char *)THERE, 64 * PAGE, 1 << 20) == 64 * PAGE, "O_DIRECT reads into them");
	for (i = 0; i < 64 * PAGE; i++)
		wrong += ((char *)THERE)[i] != (char)(i * 7 + (i >> 12));
	check_equal(wrong, 0, "what was written is what is read");
	give_back(THERE);
	allocate(THERE, 1, false);
	check_errno(pread(stick, (char *)THERE, PAGE, 1 << 20), EFAULT,
		    "it can't read into those that are read-only: EFAULT");
	check(pwrite(stick, (char *)THERE, PAGE, 1 << 20) == PAGE, "but write from them");
	give_back(THERE);
	give_back(HERE);
	close(stick);
	check(is_empty(), "nothing is left behind");
}

/* Puts a page of its own into the pipe without copying it, and dies with the page mapped. */
static void splice_and_die(int pipe)
{
	struct iovec part = { (char *)THERE, PAGE };

	open_device();
	if (allocate(THERE, 3, true))
		_exit(1);
	memset((char *)THERE, 'd', PAGE);
	if (vmsplice(pipe, &part, 1, 0) != PAGE)
		_exit(2);
	kill(getpid(), SIGKILL);
}

static void held_by_a_pipe(void)
{
	static char text[2 * PAGE];
	struct iovec part = { (char *)HERE + PAGE, PAGE };
	int pipes[2];
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC))
		give_up("pipe");
	allocate(HERE, 3, true);
	memset((char *)HERE + PAGE, 'p', PAGE);
	check(vmsplice(pipes[1], &part, 1, 0) == PAGE, "a page can be put into a pipe");
	check(give_back(HERE) == 0, "its request can be freed meanwhile");
	check_equal(shown("requests"), 0, "the request is gone");
	check_equal(shown("pages_mapped"), 1, "the page counts for as long as the pipe holds it");
	child = fork();
	if (child == 0)
		splice_and_die(pipes[1]);
	check_child(child, SIGKILL, "a process is killed that has put a page into the pipe");
	check_equal(shown("pages_mapped"), 2, "its page counts as well");

	check_errno(allocate(HERE, MEMALLOC_PAGES_LIMIT - 1, true), MEMALLOC_ERRNO_PAGES_LIMIT,
		    "they count towards the limit");
	check(allocate(HERE, MEMALLOC_PAGES_LIMIT - 2, true) == 0, "which is that, and no less");
	memset((char *)HERE, 'x', (MEMALLOC_PAGES_LIMIT - 2) * PAGE);
	check(read(pipes[0], text, PAGE) == PAGE && text[0] == 'p' && text[PAGE - 1] == 'p',
	      "what was in the page comes out of the pipe, whatever was handed out since");
	check_equal(shown("pages_mapped"), MEMALLOC_PAGES_LIMIT - 1, "and then it is free");
	check(allocate(THERE, 1, true) == 0, "and can be had again");
	check(read(pipes[0], text, PAGE) == PAGE && text[0] == 'd' && text[PAGE - 1] == 'd',
	      "so for the page of the one that was killed");
	give_back(THERE);
	give_back(HERE);
	check(is_empty(), "nothing is left behind");

	/* A shared page counts with whoever has it left. */
	allocate(HERE, 2, true);
	share(HERE + PAGE, getpid(), true);
	access_page(THERE);
	vmsplice(pipes[1], &part, 1, 0);
	give_back(HERE);
	check_equal(shown("pages_mapped"), 1, "a page that is shared and in a pipe counts once");
	give_back(THERE);
	check_equal(shown("pages_mapped"), 1, "with the pipe alone it still counts");
	close(pipes[0]);
	close(pipes[1]);
	check(is_empty(), "a pipe that ends lets go of it");
}

int main(void)
{
	alarm(300);
	open_device();
	bare_futexes();
	semaphores();
	mutexes(PTHREAD_PRIO_NONE, "a mutex in a shared page lets one in at a time");
	mutexes(PTHREAD_PRIO_INHERIT, "so does one that inherits priorities");
	without_their_owner();
	other_processes();
	disks();
	held_by_a_pipe();
	close(device);
	return finish();
}
