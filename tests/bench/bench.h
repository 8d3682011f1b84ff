/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the benchmarks in this folder share: the clock, the median of 5, and a
 * fair race of two ways to do the same. Both take turns every few milliseconds,
 * so that whatever else the machine does slows both alike.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How often everything is measured. */
#define RUNS 5

__attribute__((unused))
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

__attribute__((unused))
static int ascending(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

__attribute__((unused))
static double middle(double *figures, long count)
{
	qsort(figures, count, sizeof(*figures), ascending);
	return figures[count / 2];
}

/* Of the figures of all runs. */
__attribute__((unused))
static double median(double *figures)
{
	return middle(figures, RUNS);
}

/* How a race ended: units per second of both, and how much faster ours was. */
struct result {
	double ours;
	double theirs;
	double ratio;
};

/*
 * Lets both do `units` of work per call, in turns of `calls` calls, `turns` times
 * in each of the runs. A run's figure is that of its middle turn: a turn that
 * was interrupted for long does not count.
 */
__attribute__((unused))
static struct result race(void (*ours)(long), void (*theirs)(long), long units, long calls,
			  long turns)
{
	double us[RUNS], them[RUNS], ratios[RUNS];
	double *our_times = calloc(turns, sizeof(double));
	double *their_times = calloc(turns, sizeof(double));
	struct result result;
	long run, turn, call;

	/* One run more, before the others: caches and tables are warm then. */
	for (run = -1; run < RUNS; run++) {
		for (turn = 0; turn < turns; turn++) {
			double begin = seconds(), half;

			for (call = 0; call < calls; call++)
				ours(units);
			half = seconds();
			for (call = 0; call < calls; call++)
				theirs(units);
			their_times[turn] = seconds() - half;
			our_times[turn] = half - begin;
		}
		if (run >= 0) {
			us[run] = units * calls / middle(our_times, turns);
			them[run] = units * calls / middle(their_times, turns);
			ratios[run] = us[run] / them[run];
		}
	}
	free(our_times);
	free(their_times);
	result.ours = median(us);
	result.theirs = median(them);
	result.ratio = median(ratios);
	return result;
}

__attribute__((unused, noreturn))
static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

#endif /* BENCH_H */
