/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * producer_consumer: threads, counters, controls, tables. Argument: the
 * module's file. The module must not be loaded; it is not afterwards.
 */
#include "module.h"

#include "ringside.h"

#include <dirent.h>

#define NAME "producer_consumer"
#define SYS "/sys/module/" NAME "/"
#define THREADS_MOST 2000

static const char *module;
/* A kernel with detectors: fewer rounds, longer patience. */
static bool slow;
static double patience = 1;

static unsigned long get(const char *name)
{
	return counter(NAME, name);
}

static int set(const char *control, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), SYS "controls/%s", control);
	return write_text(path, value);
}

static void load_with(const char *parameters)
{
	if (load(module, parameters))
		give_up("%s: can't be loaded", parameters);
}

static void unload_now(void)
{
	if (unload(NAME))
		give_up("can't be unloaded");
}

/* How many threads have a name that begins like this? */
static int threads_named(const char *prefix)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while ((entry = readdir(folder))) {
		char path[300];

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			found += !strncmp(text_of(path), prefix, strlen(prefix));
	}
	closedir(folder);
	return found;
}

/* Reads a whole table in reads of so many bytes; the number of bytes. */
static ssize_t read_table(const char *name, void *to, size_t room, size_t piece)
{
	char path[128];
	size_t got = 0;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), SYS "counters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		give_up("%s can't be opened", path);
	while (got < room) {
		length = pread(fd, (char *)to + got, room - got < piece ? room - got : piece, got);
		if (length <= 0)
			break;
		got += length;
	}
	close(fd);
	return got;
}

static struct thread_record threads[THREADS_MOST];
static struct slot_record slots[10000];

static void names_and_numbers(void)
{
	load_with("prod=5 cons=3 size=10");
	check(threads_named("Producer-") == 5 && threads_named("Consumer-") == 3,
	      "prod=5 cons=3 are 5 and 3 threads");
	check(threads_named("Producer-5") == 1 && threads_named("Consumer-3") == 1 &&
	      threads_named("Producer-6") == 0, "with the names of the contract");
	check(!strcmp(text_of(SYS "parameters/prod"), "5") &&
	      !strcmp(text_of(SYS "parameters/size"), "10"), "the parameters are shown");
	check(get("capacity") == 10, "the capacity is the size");
	milliseconds(200);
	check(get("produced") > 100 && get("consumed") > 100, "items go through the ring");
	check(logged("puts item") > 0, "and the log tells of some");
	unload_now();
	check(threads_named("Producer-") + threads_named("Consumer-") == 0,
	      "after unload there is none");
}

/* While paused: the sums must be exact, and nothing may move. */
static bool is_exact(int producers, int consumers, size_t size)
{
	unsigned long produced = get("produced"), consumed = get("consumed");
	unsigned long occupancy = get("occupancy"), held = 0, made = 0, taken = 0;
	bool parked = true, sane = true;

	read_table("threads", threads, sizeof(threads), sizeof(threads));
	for (int i = 0; i < producers + consumers; i++) {
		parked = parked && threads[i].state == PRODUCER_CONSUMER_STATE_PARKED;
		*(threads[i].kind == PRODUCER_CONSUMER_KIND_PRODUCER ? &made : &taken) += threads[i].items;
	}
	if (size <= 10000) {
		read_table("slots", slots, sizeof(slots), sizeof(slots));
		for (size_t i = 0; i < size; i++) {
			held += slots[i].item != 0;
			sane = sane && (slots[i].item == 0) == (slots[i].producer == 0) &&
			       slots[i].producer <= (unsigned)producers &&
			       (!slots[i].item || (slots[i].item > consumed && slots[i].item <= produced));
		}
		sane = sane && held == occupancy;
	}
	return parked && sane && produced - consumed == occupancy && made == produced &&
	       taken == consumed && produced == get("produced") && consumed == get("consumed");
}

static void pauses(const char *parameters, int producers, int consumers, size_t size, int rounds)
{
	int exact = 0;
	double slowest = 0;

	rounds = slow ? (rounds + 9) / 10 : rounds;
	load_with(parameters);
	for (int i = 0; i < rounds; i++) {
		double start = now();

		if (set("paused", "1"))
			give_up("paused");
		slowest = now() - start > slowest ? now() - start : slowest;
		exact += is_exact(producers, consumers, size);
		if (set("paused", "0"))
			give_up("paused");
		milliseconds(i % 3);
	}
	check(exact == rounds, "%s: paused %d times, exact %d times; at most %.0f ms each", parameters,
	      rounds, exact, slowest * 1e3);
	unload_now();
}

static void steps(void)
{
	unsigned long produced, consumed;

	load_with("prod=2 cons=2 size=4");
	check_errno(set("step", "1"), EINVAL, "a step while the threads run is EINVAL");
	set("paused", "1");
	check(!strcmp(text_of(SYS "controls/paused"), "1"), "paused is 1");
	for (int i = 1; i <= 50; i++) {
		produced = get("produced");
		consumed = get("consumed");
		set("step", "1");
		if (get("produced") + get("consumed") != produced + consumed + 1) {
			check(false, "step %d moves one item", i);
			break;
		}
	}
	check(is_exact(2, 2, 4), "after 50 single steps the sums are exact");
	produced = get("produced") + get("consumed");
	set("step", "1000");
	check_equal(get("produced") + get("consumed"), produced + 1000, "1000 steps move 1000 items");
	read_table("threads", threads, sizeof(threads), sizeof(threads));
	check(threads[0].items > 200 && threads[1].items > 200 && threads[2].items > 200 &&
	      threads[3].items > 200, "and every thread has its share");
	set("paused", "0");
	milliseconds(50);
	check(get("produced") + get("consumed") > produced + 1000, "then they run again");
	unload_now();

	load_with("prod=2 cons=0 size=3");
	set("paused", "1");
	check(set("step", "10") == 0 && get("produced") == 3, "steps end where no thread can move");
	unload_now();
}

static void delays(void)
{
	unsigned long before;
	double start;

	load_with("prod=2 cons=1 size=10");
	check(set("consumer_delay", "60000000") == 0, "a consumer rests a minute");
	milliseconds(200);
	check(get("occupancy") == 10, "then the ring is full");
	read_table("threads", threads, sizeof(threads), sizeof(threads));
	check(threads[0].state == PRODUCER_CONSUMER_STATE_WAITS_EMPTY &&
	      threads[1].state == PRODUCER_CONSUMER_STATE_WAITS_EMPTY &&
	      threads[2].state == PRODUCER_CONSUMER_STATE_DELAY, "the producers wait for empty, the consumer rests");
	check(get("producer_waits") > 0, "waits are counted");
	start = now();
	check(set("paused", "1") == 0 && now() - start < patience && is_exact(2, 1, 10),
	      "a pause does not wait for that minute");
	set("paused", "0");
	set("producer_delay", "60000000");
	set("consumer_delay", "0");
	milliseconds(200);
	check(get("occupancy") < 10, "a changed delay holds at once, for threads that rest too");
	set("producer_delay", "10000");
	milliseconds(100);
	before = get("produced");
	milliseconds(1000);
	before = get("produced") - before;
	check((slow || before > 60) && before <= 220, "2 producers, 10 ms: %lu items in a second", before);
	start = now();
	set("producer_delay", "60000000");
	milliseconds(50);
	unload_now();
	check(now() - start < patience, "an unload does not wait for a delay");
}

static void refuses(void)
{
	load_with("");
	check_errno(set("paused", "2"), EINVAL, "paused=2 is EINVAL");
	check(logged("paused: 2 refused (EINVAL)") == 1, "and the log says why");
	check_errno(set("paused", "-1"), EINVAL, "paused=-1 is EINVAL");
	check_errno(set("paused", "yes"), EINVAL, "paused=yes is EINVAL");
	check_errno(set("paused", "\n"), EINVAL, "paused= is EINVAL");
	check_errno(set("producer_delay", "60000001"), EINVAL, "a delay over a minute is EINVAL");
	check_errno(set("producer_delay", "99999999999999999999"), EINVAL, "a huge one too");
	check_errno(set("step", "1000001"), EINVAL, "too many steps are EINVAL");
	check(set("producer_delay", "60000000") == 0, "a minute is good");
	check_errno(load(module, ""), EEXIST, "a second load is EEXIST");
	unload_now();

	static const char *const bad[] = {
		"prod=-1", "cons=-1", "size=-1", "prod=2147483648", "cons=2147483648",
		"size=2147483647", "prod=x", "size=", "cons=1e3", "size=99999999999999999999",
		"producer_delay=60000001", "consumer_delay=1s",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[64];

		check_errno(load(module, bad[i]), EINVAL, "%s is EINVAL", bad[i]);
		snprintf(text, sizeof(text), "%s refused (EINVAL): it takes a whole number from 0",
			 bad[i]);
		check(logged(text) == 1, "and the log says why");
	}
	check(threads_named("Producer-") == 0, "and no thread was made");
}

static bool unprivileged(void)
{
	return get("produced") > 0 && read_table("threads", threads, sizeof(threads), 4096) == 48 &&
	       open(SYS "controls/paused", O_RDONLY) == -1 && errno == EACCES &&
	       set("paused", "1") == -1 && errno == EACCES &&
	       write_text(SYS "counters/produced", "0") == -1 && errno == EACCES;
}

static void rights(void)
{
	load_with("");
	milliseconds(50);
	check(holds_unprivileged(unprivileged), "others may read counters and tables, nothing else");
	unload_now();
}

static void tables(void)
{
	static struct slot_record other[10000];
	char byte;
	double start, best = 1e9;
	int fd;

	load_with("prod=100 cons=100 size=10000");
	set("paused", "1");
	check(read_table("threads", threads, sizeof(threads), sizeof(threads)) == 200 * 24 &&
	      threads[0].index == 1 && threads[0].kind == PRODUCER_CONSUMER_KIND_PRODUCER &&
	      threads[199].index == 100 && threads[199].kind == PRODUCER_CONSUMER_KIND_CONSUMER,
	      "threads has 200 records, producers first");
	check(read_table("slots", slots, sizeof(slots), sizeof(slots)) == sizeof(slots),
	      "slots has 10000 records");
	read_table("slots", other, sizeof(other), 7);
	check(!memcmp(slots, other, sizeof(slots)), "read 7 bytes at a time it says the same");
	fd = open(SYS "counters/threads", O_RDONLY);
	check(pread(fd, threads, 100, 0) == 96, "a read ends with a whole record");
	check(pread(fd, &byte, 1, 200 * 24) == 0 && pread(fd, &byte, 1, 1l << 40) == 0,
	      "behind the end there is nothing");
	close(fd);
	set("paused", "0");

	/* The best of some: what else the computer does meanwhile is not measured. */
	for (int i = 0; i < 20; i++) {
		start = now();
		read_table("threads", threads, sizeof(threads), sizeof(threads));
		read_table("slots", slots, sizeof(slots), sizeof(slots));
		if (now() - start < best)
			best = now() - start;
	}
	check(slow || best < 0.05, "both are read in %.0f ms while all run: 20 times a second",
	      best * 1e3);
	unload_now();
}

/* Room for the snapshot of 8 threads and 10 slots, as the file has it. */
static struct {
	struct producer_consumer_snapshot head;
	struct thread_record threads[8];
	struct slot_record slots[10];
} picture;

/* What can't be so at any one moment, in words; NULL if there is nothing. */
static const char *contradiction(void)
{
	const struct producer_consumer_snapshot *now = &picture.head;
	unsigned long made = 0, taken = 0, held = 0, waits[2] = { 0, 0 };
	unsigned int waiting[2] = { 0, 0 }, running = 0;

	for (int i = 0; i < 8; i++) {
		const struct thread_record *thread = &picture.threads[i];

		*(thread->kind == PRODUCER_CONSUMER_KIND_PRODUCER ? &made : &taken) += thread->items;
		waits[thread->kind] += thread->waits;
		waiting[0] += thread->state == PRODUCER_CONSUMER_STATE_WAITS_EMPTY;
		waiting[1] += thread->state == PRODUCER_CONSUMER_STATE_WAITS_FULL;
		running += thread->state == PRODUCER_CONSUMER_STATE_RUNNING;
	}
	for (int i = 0; i < 10; i++) {
		unsigned long item = picture.slots[i].item;

		held += item != 0;
		if (item && (item <= now->consumed || item > now->produced ||
			     (item - 1) % 10 != (unsigned)i))
			return "a slot holds an item that can't be there";
	}
	if (now->produced - now->consumed != now->occupancy || held != now->occupancy)
		return "items are lost";
	if (made != now->produced || taken != now->consumed)
		return "the threads moved others than the ring saw";
	if (waits[0] != now->producer_waits || waits[1] != now->consumer_waits)
		return "the waits do not add up";
	if (waiting[0] != now->producers_waiting || waiting[1] != now->consumers_waiting)
		return "as many wait as are not shown to";
	if (now->empty > 10 - now->occupancy || now->full > now->occupancy)
		return "a semaphore holds more than the ring has";
	if ((now->empty && waiting[0]) || (now->full && waiting[1]))
		return "threads wait for a semaphore that holds something";
	if (now->phase == PRODUCER_CONSUMER_PHASE_RUNNING &&
	    10 - now->occupancy - now->empty + now->occupancy - now->full > running)
		return "what a semaphore lacks is in nobody's hands";
	if (now->last_kind == PRODUCER_CONSUMER_KIND_PRODUCER ?
		    picture.slots[now->last_slot].item != now->last_item ||
			    picture.slots[now->last_slot].producer != now->last_producer ||
			    now->last_thread != now->last_producer ||
			    now->last_item != now->produced :
		    now->last_item != now->consumed || now->last_thread > 3)
		return "the last move is another";
	return NULL;
}

static void snapshots(void)
{
	const char *wrong = NULL, *path = SYS "counters/snapshot";
	unsigned long sequence = 0, moved;
	int fd, taken;

	load_with("prod=5 cons=3 size=10");
	milliseconds(50);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (taken = 0; taken < (slow ? 500 : 5000) && !wrong; taken++) {
		if (pread(fd, &picture, sizeof(picture), 0) != sizeof(picture))
			give_up("%s can't be read", path);
		if (picture.head.sequence <= sequence || picture.head.size != sizeof(picture.head))
			wrong = "the sequence does not grow";
		sequence = picture.head.sequence;
		wrong = wrong ?: contradiction();
		/* Now and then a pause or a pace comes between. */
		if (taken % 100 == 50)
			set("paused", taken % 200 == 50 ? "1" : "0");
		if (taken % 1000 == 500)
			set(taken % 2000 == 500 ? "consumer_delay" : "producer_delay", "100");
	}
	check(!wrong, "of %d snapshots at work none contradicts itself%s%s", taken, wrong ? ": " : "",
	      wrong ?: "");
	set("paused", "1");
	moved = get("produced") + get("consumed");
	check(pread(fd, &picture, 16, 0) == 16 && pread(fd, &sequence, 8, 8) == 8 &&
	      sequence == picture.head.sequence, "other reads go on in the same snapshot");
	pread(fd, &picture, sizeof(picture), 0);
	check(picture.head.sequence == sequence + 1 &&
	      picture.head.phase == PRODUCER_CONSUMER_PHASE_PAUSED && picture.head.paused == 1 &&
	      picture.head.produced + picture.head.consumed == moved, "while paused it says so");
	set("step", "1");
	pread(fd, &picture, sizeof(picture), 0);
	check(picture.head.produced + picture.head.consumed == moved + 1 && !contradiction(),
	      "and after a step who moved which item");
	close(fd);
	unload_now();

	load_with("prod=1 cons=1 size=40000");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(pread(fd, &picture, sizeof(picture), 0) == sizeof(picture.head) + 48 &&
	      picture.head.slots == 0 && picture.head.capacity == 40000,
	      "a snapshot of a large ring has no slots");
	close(fd);
	unload_now();
}

static void unloads(const char *parameters, double most)
{
	double start, best = 1e9;

	for (int i = 0; i < 3 && best >= most; i++) {
		load_with(parameters);
		milliseconds(100);
		start = now();
		unload_now();
		best = now() - start;
	}
	check(best < most, "%s: unloaded in %.0f ms", parameters, best * 1e3);
	check(threads_named("Producer-") + threads_named("Consumer-") == 0, "no thread is left");
}

static void extremes(void)
{
	load_with("prod=0 cons=0 size=0");
	check(set("paused", "1") == 0 && set("step", "1") == 0 && get("produced") == 0,
	      "nobody and nothing can be paused and stepped");
	unload_now();
	load_with("prod=3 cons=3 size=0");
	milliseconds(100);
	check(get("produced") == 0, "without slots nothing is produced");
	unload_now();
	load_with("prod=3 cons=0 size=10");
	milliseconds(100);
	check(get("produced") == 10 && get("occupancy") == 10, "without consumers the ring fills");
	unload_now();
	load_with("prod=0 cons=3 size=10");
	milliseconds(100);
	check(get("consumed") == 0 && get("consumer_waits") == 3, "without producers all wait");
	unload_now();
}

int main(int count, char **arguments)
{
	slow = count == 3 && !strcmp(arguments[2], "slow");
	patience = slow ? 20 : 1;
	if (count < 2)
		give_up("usage: producer_consumer MODULE.ko [slow: a kernel with detectors]");
	module = arguments[1];

	names_and_numbers();
	pauses("prod=1 cons=1 size=1", 1, 1, 1, 100);
	pauses("prod=5 cons=3 size=10", 5, 3, 10, 100);
	pauses("prod=50 cons=50 size=7", 50, 50, 7, 30);
	pauses("prod=50 cons=50 size=1000000", 50, 50, 1000000, 30);
	pauses("prod=0 cons=0 size=0", 0, 0, 0, 3);
	steps();
	delays();
	refuses();
	rights();
	tables();
	snapshots();
	extremes();
	/* 100 threads that wait, and 100 that run. */
	unloads("prod=50 cons=50 size=1", 0.5 * patience);
	unloads("prod=50 cons=50 size=1000000", 0.5 * patience);
	if (!slow)
		unloads("prod=1000 cons=1000 size=1000000", 20);
	return finish();
}
