/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls of kmod, for the programs over the generated header. */
#ifndef KMOD_H
#define KMOD_H

#include "check.h"
#include "ringside.h"

#include <linux/fs.h>
#include <time.h>

static int device;
/* The node of the block device that the module works on. */
static char node[256];
static int node_fd = -1;

__attribute__((unused))
static void open_device(void)
{
	FILE *file = fopen("/sys/module/kmod/parameters/device", "r");

	if (!file || fscanf(file, "%255s", node) != 1)
		give_up("the parameter device can't be read");
	fclose(file);
	device = open(KMOD_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		give_up("%s can't be opened", KMOD_DEVICE);
	node_fd = open(node, O_RDWR | O_CLOEXEC);
	if (node_fd < 0)
		node_fd = open(node, O_RDONLY | O_CLOEXEC);
	if (node_fd < 0)
		give_up("%s can't be opened", node);
}

__attribute__((unused))
static long bread(void *data, unsigned int size)
{
	struct block_rw_ops ops = { .data = data, .size = size };

	return ioctl(device, BREAD, &ops);
}

__attribute__((unused))
static long bwrite(const void *data, unsigned int size)
{
	struct block_rw_ops ops = { .data = (char *)data, .size = size };

	return ioctl(device, BWRITE, &ops);
}

__attribute__((unused))
static long bread_offset(void *data, unsigned int size, unsigned int offset)
{
	struct block_rwoffset_ops ops = { .data = data, .size = size, .offset = offset };

	return ioctl(device, BREADOFFSET, &ops);
}

__attribute__((unused))
static long bwrite_offset(const void *data, unsigned int size, unsigned int offset)
{
	struct block_rwoffset_ops ops = { .data = (char *)data, .size = size, .offset = offset };

	return ioctl(device, BWRITEOFFSET, &ops);
}

__attribute__((unused))
static long read64(void *data, unsigned int size, unsigned long offset)
{
	struct block_io io = { .data = (unsigned long)data, .size = size, .offset = offset };

	return ioctl(device, KMOD_READ64, &io);
}

__attribute__((unused))
static long write64(const void *data, unsigned int size, unsigned long offset)
{
	struct block_io io = { .data = (unsigned long)data, .size = size, .offset = offset };

	return ioctl(device, KMOD_WRITE64, &io);
}

__attribute__((unused))
static struct block_info info(void)
{
	struct block_info result;

	if (ioctl(device, KMOD_INFO, &result) != 0)
		give_up("INFO");
	return result;
}

__attribute__((unused))
static unsigned long position(void)
{
	return info().position;
}

__attribute__((unused))
static unsigned long shown(const char *name)
{
	return counter("kmod", name);
}

/* Bytes that are different everywhere. */
__attribute__((unused))
static void fill(unsigned char *data, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = seed >> 24;
	}
}

#endif /* KMOD_H */
