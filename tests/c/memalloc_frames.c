/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * memalloc: the page frames that WALK reports are those that /proc/self/pagemap
 * reports, and hidden from those it hides them from.
 */
#include "memalloc.h"
#include "module.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PRESENT 1ul
#define NO_ACCESS 0x100ul
/* Where the number of a page frame stands in an entry. */
#define FRAME 0x000ffffffffff000ul

static unsigned long last_entry(unsigned long vaddr)
{
	struct walk_info info = walk(vaddr);

	return info.depth == info.levels ? info.entry[info.levels - 1] : 0;
}

static unsigned long frame_by_walk(unsigned long vaddr)
{
	return (last_entry(vaddr) & FRAME) / PAGE;
}

static unsigned long frame_by_pagemap(unsigned long vaddr)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long entry = 0;

	if (pagemap < 0 || pread(pagemap, &entry, 8, vaddr / PAGE * 8) != 8)
		give_up("/proc/self/pagemap can't be read");
	close(pagemap);
	if (!(entry >> 63))
		give_up("pagemap says that nothing is at %#lx", vaddr);
	return entry & ((1ul << 55) - 1);
}

static void frames_are_those_of_pagemap(void)
{
	static char data[2 * PAGE];
	unsigned long vaddr, stack = (unsigned long)&vaddr;
	unsigned int wrong = 0, same = 0;

	/* Across two tables. */
	allocate(HERE + 0x1f0000, 32, true);
	for (vaddr = HERE + 0x1f0000; vaddr < HERE + 0x210000; vaddr += PAGE) {
		unsigned long frame = frame_by_walk(vaddr + 0x123);

		wrong += frame == 0 || frame != frame_by_pagemap(vaddr);
		same += vaddr > HERE + 0x1f0000 && frame == frame_by_walk(vaddr - PAGE);
	}
	check_equal(wrong, 0, "the frame of each page is the one that pagemap says");
	check_equal(same, 0, "each page has one of its own");
	give_back(HERE + 0x1f0000);
	data[PAGE] = 1;
	vaddr = (unsigned long)(data + PAGE);
	check_equal(frame_by_walk(vaddr), frame_by_pagemap(vaddr), "so for the program's data");
	check_equal(frame_by_walk(stack), frame_by_pagemap(stack), "for its stack");
	vaddr = (unsigned long)&frames_are_those_of_pagemap;
	check_equal(frame_by_walk(vaddr), frame_by_pagemap(vaddr), "and for its code");

	allocate(HERE, 1, true);
	share(HERE, getpid(), false);
	access_page(THERE);
	check_equal(frame_by_walk(THERE), frame_by_walk(HERE), "a shared page is one frame");
	give_back(THERE);
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

/* Does `hiding` show all that `device` shows, but the frames? */
static bool hides(int hiding, unsigned long vaddr)
{
	struct walk_info full = walk(vaddr), hidden = { .vaddr = vaddr };
	unsigned int i;

	if (ioctl(hiding, MEMALLOC_WALK, &hidden) || hidden.levels != full.levels ||
	    hidden.depth != full.depth)
		return false;
	for (i = 0; i < full.depth; i++)
		if ((full.entry[i] & FRAME) == 0 || hidden.entry[i] != (full.entry[i] & ~FRAME))
			return false;
	return full.depth == full.levels;
}

static void send_file(int socket, int file)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &file, sizeof(int));
	if (sendmsg(socket, &message, 0) != 1)
		give_up("a descriptor can't be sent");
}

static int receive_file(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int file;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		give_up("no descriptor came");
	memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return file;
}

/* What another user gets, with the descriptor that root opened and with one of its own. */
static void as_another_user(int socket)
{
	unsigned long entry;
	int own;

	if (setgid(65534) || setuid(65534))
		_exit(2);
	if (allocate(HERE, 1, true))
		_exit(3);
	entry = last_entry(HERE);
	if (!(entry & PRESENT) || !(entry & FRAME))
		_exit(4);
	own = open(MEMALLOC_DEVICE, O_RDWR | O_CLOEXEC);
	if (own < 0)
		_exit(5);
	if (!hides(own, HERE) || !hides(own, (unsigned long)&own))
		_exit(6);
	send_file(socket, own);
	_exit(0);
}

/* Root, but of a user namespace of its own, which can't be had in a chroot as the guest's shell is in. */
static void in_a_namespace(void)
{
	int own;

	if (chroot("/proc/1/root") || unshare(CLONE_NEWUSER) || allocate(HERE, 1, true))
		_exit(2);
	own = open(MEMALLOC_DEVICE, O_RDWR | O_CLOEXEC);
	_exit(own < 0 ? 3 : hides(own, HERE) ? 0 : 4);
}

static void who_opened_it_decides(void)
{
	struct walk_info info = { .vaddr = HERE };
	int sockets[2], theirs, reading;
	unsigned long entry;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		give_up("socketpair");
	/* Only root may open it, unless root says otherwise. */
	if (chmod(MEMALLOC_DEVICE, 0666))
		give_up("chmod");
	child = fork();
	if (child == 0)
		as_another_user(sockets[1]);
	check_child(child, 0, "another user sees the frames by root's descriptor, by its own none");
	theirs = receive_file(sockets[0]);
	child = fork();
	if (child == 0)
		in_a_namespace();
	check_child(child, 0, "root of a namespace of its own sees none");
	chmod(MEMALLOC_DEVICE, 0600);

	allocate(HERE, 1, true);
	check(hides(theirs, HERE), "by another user's descriptor root sees all but the frames");
	check(hides(theirs, (unsigned long)&info), "so for its stack");
	reading = open(MEMALLOC_DEVICE, O_RDONLY | O_CLOEXEC);
	check(ioctl(reading, MEMALLOC_WALK, &info) == 0 && info.entry[info.levels - 1] == last_entry(HERE),
	      "a descriptor that can only read is good for WALK");
	close(reading);

	/* The kernel keeps the frame of a page that may not be accessed in its entry. */
	mprotect((void *)HERE, PAGE, PROT_NONE);
	entry = last_entry(HERE);
	check((entry & (PRESENT | NO_ACCESS)) == NO_ACCESS && (entry & FRAME),
	      "a page that may not be accessed has an entry that is not present");
	check(hides(theirs, HERE), "its frame is hidden as well");
	close(theirs);
	close(sockets[0]);
	close(sockets[1]);
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

int main(void)
{
	open_device();
	frames_are_those_of_pagemap();
	who_opened_it_decides();
	close(device);
	return finish();
}
