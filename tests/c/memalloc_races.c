/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* memalloc: threads of one process, and several processes, at the same time. */
#include "memalloc.h"

#define THREADS 6
#define ROUNDS 60

static pthread_barrier_t barrier;
static long results[THREADS];
static int errors[THREADS];
static long (*job)(long number);

static void *thread(void *argument)
{
	long number = (long)argument;

	pthread_barrier_wait(&barrier);
	errno = 0;
	results[number] = job(number);
	errors[number] = errno;
	return NULL;
}

/* Lets all threads do the job at once; returns how many of them got 0. */
static int together(long (*what)(long number))
{
	pthread_t threads[THREADS];
	long i;
	int good = 0;

	job = what;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread, (void *)i))
			give_up("pthread_create");
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (i = 0; i < THREADS; i++)
		good += results[i] == 0;
	return good;
}

/* Did all that did not get 0 get this errno? */
static bool others_got(int wanted)
{
	int i;

	for (i = 0; i < THREADS; i++)
		if (results[i] != 0 && errors[i] != wanted)
			return false;
	return true;
}

static long allocate_same(long number)
{
	(void)number;
	return allocate(HERE, 3, true);
}

static long allocate_overlapping(long number)
{
	return allocate(HERE + number * PAGE, THREADS, true);
}

static long free_same(long number)
{
	(void)number;
	return give_back(HERE);
}

static long access_own(long number)
{
	return access_page(THERE + number * PAGE);
}

static long churn(long number)
{
	unsigned long mine = HERE + number * 0x400000ul;
	int i;

	for (i = 0; i < 3 * ROUNDS; i++) {
		if (allocate(mine, 1 + i % 9, true))
			return 1;
		memset((void *)mine, i, (1 + i % 9) * PAGE);
		if (*(volatile unsigned char *)mine != (unsigned char)i)
			return 2;
		if (i % 3 == 0 ? munmap((void *)mine, (1 + i % 9) * PAGE) : give_back(mine))
			return 3;
	}
	return 0;
}

/* Half of them map, the others unmap; whatever they do, the books must stay right. */
static long fight(long number)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (number % 3 == 0)
			allocate(HERE, 2, true);
		else if (number % 3 == 1)
			give_back(HERE);
		else
			munmap((void *)HERE, 2 * PAGE);
		walk(HERE);
		if (i % 16 == 0)
			share(HERE, getpid(), true);
		if (i % 16 == 8 && access_page(THERE + number * PAGE) == 0)
			give_back(THERE + number * PAGE);
	}
	return 0;
}

/* Neighbours whose pages come and go in the same tables. */
static long fault_beside(long number)
{
	unsigned long mine = HERE + number * 4 * PAGE;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (number % 2) {
			if (allocate(mine, 4, true) || touch(mine, true) || give_back(mine))
				return 1;
		} else {
			char *page = mmap((void *)mine, PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

			if (page != (char *)mine)
				return 2;
			*page = 1;
			munmap(page, PAGE);
		}
	}
	return 0;
}

static void limit_between_processes(void)
{
	pid_t children[6];
	int i, j, bad = 0;

	for (i = 0; i < 6; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			for (j = 0; j < ROUNDS; j++) {
				if (allocate(HERE, 1500, true) == 0) {
					if (shown("pages_mapped") > MEMALLOC_PAGES_LIMIT)
						_exit(2);
					give_back(HERE);
				} else if (errno != MEMALLOC_ERRNO_PAGES_LIMIT) {
					_exit(3);
				}
			}
			_exit(0);
		}
	}
	for (i = 0; i < 6; i++) {
		int status;

		waitpid(children[i], &status, 0);
		bad += status != 0;
	}
	check(bad == 0, "six processes never have more than the limit between them");
}

int main(void)
{
	int i, wins = 0, orderly = 0;

	open_device();
	for (i = 0; i < ROUNDS; i++) {
		wins += together(allocate_same) == 1 && others_got(EEXIST);
		orderly += together(free_same) == 1 && others_got(EINVAL);
	}
	check(wins == ROUNDS, "of threads that allocate the same address one wins, "
			      "the others get EEXIST: %d", wins);
	check(orderly == ROUNDS, "of threads that free it one wins, the others get EINVAL: %d",
	      orderly);
	check(is_empty(), "nothing is left behind");

	for (i = wins = 0; i < ROUNDS; i++) {
		int j;

		wins += together(allocate_overlapping) == 1 && others_got(EEXIST);
		for (j = 0; j < THREADS; j++)
			if (results[j] == 0)
				give_back(HERE + j * PAGE);
	}
	check(wins == ROUNDS, "of requests that overlap one wins: %d", wins);
	check(is_empty(), "nothing is left behind");

	allocate(HERE, 1, true);
	for (i = wins = 0; i < ROUNDS; i++) {
		int j;

		share(HERE, getpid(), true);
		wins += together(access_own) == 1 && others_got(ENOENT);
		for (j = 0; j < THREADS; j++)
			if (results[j] == 0)
				give_back(THERE + j * PAGE);
	}
	check(wins == ROUNDS, "of threads that take up one offer one wins, "
			      "the others get ENOENT: %d", wins);
	give_back(HERE);
	check(is_empty(), "nothing is left behind");

	check(together(churn) == THREADS, "threads that keep apart are not in each other's way");
	check(together(fault_beside) == THREADS, "nor are faults in the same tables");
	check(is_empty(), "nothing is left behind");
	check(together(fight) == THREADS, "threads that do fight end");
	munmap((void *)HERE, 2 * PAGE);
	check(is_empty(), "and the books are right");
	limit_between_processes();
	check(is_empty(), "nothing is left behind");
	close(device);
	return finish();
}
