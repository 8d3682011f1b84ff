/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kmod: signals. As with pread and pwrite, one that the program survives neither
 * ends a transfer early nor the wait for the position; one that it does not
 * survive ends both at once. Overwrites the device.
 */
#include "kmod.h"

#include <sys/time.h>

/* More than any piece in which a transfer might be made. */
#define LARGE (8u << 20)
#define ROUNDS 30

static unsigned char written[LARGE], got[LARGE];
static volatile sig_atomic_t ticks;

static void tick(int signal)
{
	(void)signal;
	ticks++;
}

/* A signal every so many microseconds, whose handler interrupts system calls; 0: none. */
static void every(long microseconds)
{
	/* Without SA_RESTART: what can be interrupted says EINTR. */
	struct sigaction action = { .sa_handler = tick };
	struct itimerval interval = { { 0, microseconds }, { 0, microseconds } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
}

static long go_back(void)
{
	return bread_offset(got, 0, 0);
}

static long by_bread(void)
{
	return go_back() == 0 ? bread(got, LARGE) : -1;
}

static long by_bwrite(void)
{
	return go_back() == 0 ? bwrite(written, LARGE) : -1;
}

static long by_bread_offset(void)
{
	return bread_offset(got, LARGE, 0);
}

static long by_bwrite_offset(void)
{
	return bwrite_offset(written, LARGE, 0);
}

static long by_read64(void)
{
	return read64(got, LARGE, 0);
}

static long by_write64(void)
{
	return write64(written, LARGE, 0);
}

static long by_pread(void)
{
	return pread(node_fd, got, LARGE, 0);
}

static const struct {
	const char *name;
	long (*move)(void);
	bool reads;
} ways[] = {
	{ "pread", by_pread, true },
	{ "BREAD", by_bread, true },
	{ "BWRITE", by_bwrite, false },
	{ "BREADOFFSET", by_bread_offset, true },
	{ "BWRITEOFFSET", by_bwrite_offset, false },
	{ "READ64", by_read64, true },
	{ "WRITE64", by_write64, false },
};

static void signals_that_are_handled(void)
{
	size_t i;

	fill(written, LARGE, 6);
	if (bwrite_offset(written, LARGE, 0) != LARGE)
		give_up("the device can't be written");
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int round, whole = 0, intact = 0, before = ticks;

		every(700);
		/* A fast computer may need more rounds before a signal comes in each kind. */
		for (round = 0; round < ROUNDS || (ticks - before < ROUNDS && round < 100 * ROUNDS); round++) {
			if (ways[i].reads)
				memset(got, 0, LARGE);
			whole += ways[i].move() == LARGE;
			intact += !ways[i].reads || memcmp(got, written, LARGE) == 0;
		}
		every(0);
		check(whole == round, "%s of 8 MiB is whole though %d signals came: %d of %d",
		      ways[i].name, ticks - before, whole, round);
		check(intact == round, "and no byte is lost");
		check(ticks - before >= ROUNDS, "signals did come");
	}
	memset(got, 0, LARGE);
	check(read64(got, LARGE, 0) == LARGE && memcmp(got, written, LARGE) == 0,
	      "what was written meanwhile is there");
}

/* Starts a process that has the position nearly all the time. */
static pid_t hog(void)
{
	pid_t child = fork();

	if (child < 0)
		give_up("fork");
	if (child == 0)
		for (;;)
			bread_offset(got, LARGE, 0);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	if (waitpid(child, NULL, 0) != child)
		give_up("waitpid");
}

static void waiting_for_the_position(void)
{
	pid_t hogs[] = { hog(), hog(), hog() };
	long i, served = 0;
	int before;

	usleep(50000);
	for (i = 0; i < 20; i++)
		served += bread_offset(got, 512, 0) == 512;
	check(served == 20, "those who ask for the position all the time can't keep it from others");
	before = ticks;
	every(700);
	for (i = served = 0; i < 50 || (ticks - before < 50 && i < 10000000); i++)
		served += bread_offset(got, 512, 0) == 512;
	every(0);
	check(served == i && ticks - before >= 50,
	      "who waits for it gets it, whatever signals come: %ld of %ld, %d signals",
	      served, i, ticks - before);
	for (i = 0; i < 3; i++)
		end(hogs[i]);
	check(bread_offset(got, 512, 0) == 512 && position() == 512, "afterwards it is there for the next");
}

#define CROWD 8

static void signals_that_kill(void)
{
	pid_t crowd[CROWD];
	int i;

	for (i = 0; i < CROWD; i++)
		crowd[i] = hog();
	usleep(200000);
	for (i = 0; i < CROWD; i++)
		end(crowd[i]);
	check(true, "processes that move and processes that wait for the position can be killed");
	check(bread_offset(got, 512, 0) == 512 && position() == 512, "and do not keep the position");
}

int main(void)
{
	open_device();
	signals_that_are_handled();
	waiting_for_the_position();
	signals_that_kill();
	close(device);
	return finish();
}
