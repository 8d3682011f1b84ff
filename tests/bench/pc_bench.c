/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Items per second of producer_consumer beside the same algorithm in C (pc_c),
 * and how long loading and unloading takes. Arguments: the files of the two
 * modules. Neither may be loaded.
 *
 * The two take turns, a short while each and many times over, so that what else
 * the machine does meanwhile hits both alike; a figure is the median of 5 runs.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How often the two take turns within a run, and how long each time. */
#define TURNS 4
#define TURN_MILLISECONDS 250
/* The threads settle down meanwhile. */
#define SETTLE_MILLISECONDS 50

struct module {
	const char *name;
	const char *path;
	const char *counter;
};

static struct module modules[2] = {
	{ "producer_consumer", NULL, "/sys/module/producer_consumer/counters/consumed" },
	{ "pc_c", NULL, "/sys/module/pc_c/parameters/consumed" },
};

static void load(const struct module *module, const char *parameters)
{
	int fd = open(module->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		give_up(module->path);
	close(fd);
}

static void unload(const struct module *module)
{
	if (syscall(SYS_delete_module, module->name, O_NONBLOCK))
		give_up(module->name);
}

static double read_counter(const struct module *module)
{
	unsigned long value;
	FILE *file = fopen(module->counter, "r");

	if (!file || fscanf(file, "%lu", &value) != 1)
		give_up(module->counter);
	fclose(file);
	return value;
}

static double items_per_second(const struct module *module, const char *parameters)
{
	double items, start;

	load(module, parameters);
	usleep(SETTLE_MILLISECONDS * 1000);
	start = seconds();
	items = read_counter(module);
	usleep(TURN_MILLISECONDS * 1000);
	items = read_counter(module) - items;
	items /= seconds() - start;
	unload(module);
	return items;
}

static void compare(const char *parameters)
{
	double figures[2][RUNS], ratios[RUNS];

	for (int run = 0; run < RUNS; run++) {
		double sum[2] = { 0, 0 };

		for (int turn = 0; turn < 2 * TURNS; turn++) {
			/* Rust, C, C, Rust: neither always has the later place. */
			int which = (turn ^ turn / 2) & 1;

			sum[which] += items_per_second(&modules[which], parameters) / TURNS;
		}
		figures[0][run] = sum[0];
		figures[1][run] = sum[1];
		ratios[run] = sum[0] / sum[1];
	}
	printf("%-30s Rust %9.0f items/s   C %9.0f items/s   ratio %.3f\n", parameters,
	       median(figures[0]), median(figures[1]), median(ratios));
	fflush(stdout);
}

static void load_and_unload(void)
{
	double loads[RUNS], unloads[RUNS];

	for (int run = 0; run < RUNS; run++) {
		double start = seconds();

		load(&modules[0], "prod=5 cons=3 size=10");
		loads[run] = (seconds() - start) * 1e3;
		start = seconds();
		unload(&modules[0]);
		unloads[run] = (seconds() - start) * 1e3;
	}
	printf("%-30s loaded in %.1f ms, unloaded in %.1f ms\n", "prod=5 cons=3 size=10",
	       median(loads), median(unloads));
}

int main(int count, char **arguments)
{
	if (count != 3) {
		fprintf(stderr, "usage: pc_bench producer_consumer.ko pc_c.ko\n");
		return 2;
	}
	modules[0].path = arguments[1];
	modules[1].path = arguments[2];
	compare("prod=1 cons=1 size=10");
	compare("prod=5 cons=3 size=10");
	compare("prod=1 cons=1 size=100000");
	compare("prod=50 cons=50 size=1000");
	load_and_unload();
	return 0;
}
