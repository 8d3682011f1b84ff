/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls of memalloc, for the programs over the generated header. */
#ifndef MEMALLOC_H
#define MEMALLOC_H

#include "check.h"
#include "ringside.h"

/* Far from all that a program has mapped by itself, and from each other. */
#define HERE 0x100000000000ul
#define THERE 0x200000000000ul

static int device;

__attribute__((unused))
static void open_device(void)
{
	device = open(MEMALLOC_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		give_up("%s can't be opened", MEMALLOC_DEVICE);
}

__attribute__((unused))
static int allocate(unsigned long vaddr, int pages, bool write)
{
	struct alloc_info info = { .vaddr = vaddr, .num_pages = pages, .write = write };

	return ioctl(device, ALLOCATE, &info);
}

__attribute__((unused))
static int give_back(unsigned long vaddr)
{
	struct free_info info = { .vaddr = vaddr };

	return ioctl(device, FREE, &info);
}

__attribute__((unused))
static int share(unsigned long vaddr, int client, bool write)
{
	struct sharepage_info info = { .vaddr = vaddr, .client_pid = client, .write = write };

	return ioctl(device, SHAREPAGE, &info);
}

__attribute__((unused))
static int access_page(unsigned long vaddr)
{
	struct accesspage_info info = { .vaddr = vaddr };

	return ioctl(device, ACCESSPAGE, &info);
}

__attribute__((unused))
static struct walk_info walk(unsigned long vaddr)
{
	struct walk_info info = { .vaddr = vaddr };

	if (ioctl(device, MEMALLOC_WALK, &info) != 0)
		give_up("WALK to %#lx", vaddr);
	return info;
}

__attribute__((unused))
static unsigned long shown(const char *name)
{
	return counter("memalloc", name);
}

/* Nothing is mapped by anyone. */
__attribute__((unused))
static bool is_empty(void)
{
	return shown("pages_mapped") == 0 && shown("requests") == 0 && shown("shared_pages") == 0;
}

#endif /* MEMALLOC_H */
