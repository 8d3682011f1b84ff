/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * The binary contract of Ringside's kernel modules, for programs in C on x86-64.
 *
 * Generated from uapi/src; do not edit. To renew it:
 *
 *	cargo run -p ringside-uapi --example header > uapi/include/ringside.h
 */
#ifndef RINGSIDE_H
#define RINGSIDE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* --- memalloc: pages mapped into the calling process --- */

#define MEMALLOC_DEVICE "/dev/memalloc"
/* Pages that may be mapped at one time, by all processes together. */
#define MEMALLOC_PAGES_LIMIT 4096
/* Requests that may live at one time, of all processes together. */
#define MEMALLOC_REQUESTS_LIMIT 100
/* errno over the page limit (ENOENT) and over the request limit (ESRCH). */
#define MEMALLOC_ERRNO_PAGES_LIMIT 2
#define MEMALLOC_ERRNO_REQUESTS_LIMIT 3

/* Argument of ALLOCATE. */
struct alloc_info {
	unsigned long vaddr; /* where the first page goes; a multiple of 4096 */
	int num_pages; /* at least 1 */
	bool write; /* may the pages be written? */
};
_Static_assert(sizeof(struct alloc_info) == 16, "size of alloc_info");
_Static_assert(offsetof(struct alloc_info, vaddr) == 0, "alloc_info.vaddr");
_Static_assert(offsetof(struct alloc_info, num_pages) == 8, "alloc_info.num_pages");
_Static_assert(offsetof(struct alloc_info, write) == 12, "alloc_info.write");

/* Argument of FREE. */
struct free_info {
	unsigned long vaddr; /* the first address of the request */
};
_Static_assert(sizeof(struct free_info) == 8, "size of free_info");
_Static_assert(offsetof(struct free_info, vaddr) == 0, "free_info.vaddr");

/* Argument of SHAREPAGE. */
struct sharepage_info {
	unsigned long vaddr; /* the page to offer */
	int client_pid; /* the process it is offered to */
	bool write; /* may that process write to it? */
};
_Static_assert(sizeof(struct sharepage_info) == 16, "size of sharepage_info");
_Static_assert(offsetof(struct sharepage_info, vaddr) == 0, "sharepage_info.vaddr");
_Static_assert(offsetof(struct sharepage_info, client_pid) == 8, "sharepage_info.client_pid");
_Static_assert(offsetof(struct sharepage_info, write) == 12, "sharepage_info.write");

/* Argument of ACCESSPAGE. */
struct accesspage_info {
	unsigned long vaddr; /* where to map the page that was offered */
};
_Static_assert(sizeof(struct accesspage_info) == 8, "size of accesspage_info");
_Static_assert(offsetof(struct accesspage_info, vaddr) == 0, "accesspage_info.vaddr");

/* Argument and result of WALK. */
struct walk_info {
	__u64 vaddr; /* in: the address to translate */
	__u32 levels; /* 5, or 4 where there is no P4D */
	__u32 depth; /* how many entries were read */
	__u64 entry[5]; /* raw; PGD, P4D, PUD, PMD, PTE, or with four levels PGD, PUD, PMD, PTE */
};
_Static_assert(sizeof(struct walk_info) == 56, "size of walk_info");
_Static_assert(offsetof(struct walk_info, vaddr) == 0, "walk_info.vaddr");
_Static_assert(offsetof(struct walk_info, levels) == 8, "walk_info.levels");
_Static_assert(offsetof(struct walk_info, depth) == 12, "walk_info.depth");
_Static_assert(offsetof(struct walk_info, entry) == 16, "walk_info.entry");

/* Maps zeroed pages. */
#define ALLOCATE _IOW('a', 'a', struct alloc_info *)
_Static_assert(ALLOCATE == 0x40086161u, "number of ALLOCATE");
/* Gives back a whole request. */
#define FREE _IOW('a', 'b', struct free_info *)
_Static_assert(FREE == 0x40086162u, "number of FREE");
/* Offers a page to another process. */
#define SHAREPAGE _IOW('a', 'c', struct sharepage_info *)
_Static_assert(SHAREPAGE == 0x40086163u, "number of SHAREPAGE");
/* Maps the page that was offered to the caller. */
#define ACCESSPAGE _IOW('a', 'd', struct accesspage_info *)
_Static_assert(ACCESSPAGE == 0x40086164u, "number of ACCESSPAGE");
/* Reads the page-table entries that translate an address. */
#define WALK _IOWR('a', 'e', struct walk_info)
_Static_assert(WALK == 0xc0386165u, "number of WALK");

/* --- kmod: reads and writes of a block device --- */

#define KMOD_DEVICE "/dev/kmod"
/* The most bytes that one call moves. */
#define KMOD_MAX_TRANSFER 0x7ffff000
/* Flags of block_info: it can't be written; it was taken away. */
#define KMOD_FLAG_READ_ONLY 1u
#define KMOD_FLAG_GONE 2u

/* Argument of BREAD and BWRITE. */
struct block_rw_ops {
	char *data; /* the caller's buffer */
	unsigned int size; /* bytes to move */
};
_Static_assert(sizeof(struct block_rw_ops) == 16, "size of block_rw_ops");
_Static_assert(offsetof(struct block_rw_ops, data) == 0, "block_rw_ops.data");
_Static_assert(offsetof(struct block_rw_ops, size) == 8, "block_rw_ops.size");

/* Argument of BREADOFFSET and BWRITEOFFSET. */
struct block_rwoffset_ops {
	char *data; /* the caller's buffer */
	unsigned int size; /* bytes to move */
	unsigned int offset; /* where on the device, in bytes */
};
_Static_assert(sizeof(struct block_rwoffset_ops) == 16, "size of block_rwoffset_ops");
_Static_assert(offsetof(struct block_rwoffset_ops, data) == 0, "block_rwoffset_ops.data");
_Static_assert(offsetof(struct block_rwoffset_ops, size) == 8, "block_rwoffset_ops.size");
_Static_assert(offsetof(struct block_rwoffset_ops, offset) == 12, "block_rwoffset_ops.offset");

/* Result of INFO. */
struct block_info {
	__u64 size; /* of the device, in bytes */
	__u64 position; /* where BREAD and BWRITE go on, in bytes */
	__u32 logical_block_size; /* in bytes */
	__u32 flags; /* KMOD_FLAG_... */
};
_Static_assert(sizeof(struct block_info) == 24, "size of block_info");
_Static_assert(offsetof(struct block_info, size) == 0, "block_info.size");
_Static_assert(offsetof(struct block_info, position) == 8, "block_info.position");
_Static_assert(offsetof(struct block_info, logical_block_size) == 16, "block_info.logical_block_size");
_Static_assert(offsetof(struct block_info, flags) == 20, "block_info.flags");

/* Argument of READ64 and WRITE64. */
struct block_io {
	__u64 data; /* the address of the caller's buffer */
	__u64 offset; /* where on the device, in bytes */
	__u32 size; /* bytes to move */
	__u32 reserved; /* must be 0 */
};
_Static_assert(sizeof(struct block_io) == 24, "size of block_io");
_Static_assert(offsetof(struct block_io, data) == 0, "block_io.data");
_Static_assert(offsetof(struct block_io, offset) == 8, "block_io.offset");
_Static_assert(offsetof(struct block_io, size) == 16, "block_io.size");
_Static_assert(offsetof(struct block_io, reserved) == 20, "block_io.reserved");

/* Reads on from the position. */
#define BREAD _IOW('a', 'a', struct block_rw_ops)
_Static_assert(BREAD == 0x40106161u, "number of BREAD");
/* Writes on from the position. */
#define BWRITE _IOW('a', 'b', struct block_rw_ops)
_Static_assert(BWRITE == 0x40106162u, "number of BWRITE");
/* Goes to an offset, then reads. */
#define BREADOFFSET _IOW('a', 'c', struct block_rwoffset_ops)
_Static_assert(BREADOFFSET == 0x40106163u, "number of BREADOFFSET");
/* Goes to an offset, then writes. */
#define BWRITEOFFSET _IOW('a', 'd', struct block_rwoffset_ops)
_Static_assert(BWRITEOFFSET == 0x40106164u, "number of BWRITEOFFSET");
/* Describes the device. */
#define INFO _IOR('a', 'e', struct block_info)
_Static_assert(INFO == 0x80186165u, "number of INFO");
/* Makes every write durable, or says that some were lost. */
#define SYNC _IO('a', 'f')
_Static_assert(SYNC == 0x00006166u, "number of SYNC");
/* Reads anywhere; the position stays. */
#define READ64 _IOW('a', 'g', struct block_io)
_Static_assert(READ64 == 0x40186167u, "number of READ64");
/* Writes anywhere; the position stays. */
#define WRITE64 _IOW('a', 'h', struct block_io)
_Static_assert(WRITE64 == 0x40186168u, "number of WRITE64");

/* --- producer_consumer: records of the files counters/threads and counters/slots --- */

/* One thread, producers first. */
struct thread_record {
	__u8 kind; /* THREAD_PRODUCER or THREAD_CONSUMER */
	__u8 state; /* THREAD_RUNNING ... */
	__u16 reserved; /* 0 */
	__u32 index; /* the number in its name, from 1 */
	__u64 items; /* how many it moved */
	__u64 waits; /* how often it waited for its semaphore */
};
_Static_assert(sizeof(struct thread_record) == 24, "size of thread_record");
_Static_assert(offsetof(struct thread_record, kind) == 0, "thread_record.kind");
_Static_assert(offsetof(struct thread_record, state) == 1, "thread_record.state");
_Static_assert(offsetof(struct thread_record, reserved) == 2, "thread_record.reserved");
_Static_assert(offsetof(struct thread_record, index) == 4, "thread_record.index");
_Static_assert(offsetof(struct thread_record, items) == 8, "thread_record.items");
_Static_assert(offsetof(struct thread_record, waits) == 16, "thread_record.waits");

/* One slot of the ring. */
struct slot_record {
	__u64 item; /* the item's number, from 1; 0: the slot is empty */
	__u32 producer; /* the index of the producer that made it; 0: the slot is empty */
	__u32 reserved; /* 0 */
};
_Static_assert(sizeof(struct slot_record) == 16, "size of slot_record");
_Static_assert(offsetof(struct slot_record, item) == 0, "slot_record.item");
_Static_assert(offsetof(struct slot_record, producer) == 8, "slot_record.producer");
_Static_assert(offsetof(struct slot_record, reserved) == 12, "slot_record.reserved");

#define THREAD_PRODUCER 0
#define THREAD_CONSUMER 1
#define THREAD_RUNNING 0
#define THREAD_WAITS_EMPTY 1
#define THREAD_WAITS_FULL 2
#define THREAD_DELAY 3
#define THREAD_PARKED 4

/* --- my_syscall: ask this file for the number of the system call --- */

#define MY_SYSCALL_NUMBER_FILE "/sys/kernel/my_syscall/number"

#endif /* RINGSIDE_H */
