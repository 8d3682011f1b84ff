/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the benchmarks in this folder share: the clock, and the median of 5. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
static double median(double *figures)
{
	qsort(figures, RUNS, sizeof(*figures), ascending);
	return figures[RUNS / 2];
}

__attribute__((unused, noreturn))
static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

#endif /* BENCH_H */
