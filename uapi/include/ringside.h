/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * The binary contract of Ringside's kernel modules, for programs in C (from C99
 * on) and C++ on x86-64.
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

/* A declaration that does not compile where this header is wrong. */
#define RINGSIDE_CHECK(name, good) typedef char ringside_check_##name[(good) ? 1 : -1]

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
RINGSIDE_CHECK(size_of_alloc_info, sizeof(struct alloc_info) == 16);
RINGSIDE_CHECK(alloc_info_vaddr, offsetof(struct alloc_info, vaddr) == 0);
RINGSIDE_CHECK(alloc_info_num_pages, offsetof(struct alloc_info, num_pages) == 8);
RINGSIDE_CHECK(alloc_info_write, offsetof(struct alloc_info, write) == 12);

/* Argument of FREE. */
struct free_info {
	unsigned long vaddr; /* the first address of the request */
};
RINGSIDE_CHECK(size_of_free_info, sizeof(struct free_info) == 8);
RINGSIDE_CHECK(free_info_vaddr, offsetof(struct free_info, vaddr) == 0);

/* Argument of SHAREPAGE. */
struct sharepage_info {
	unsigned long vaddr; /* the page to offer */
	int client_pid; /* the process it is offered to */
	bool write; /* may that process write to it? */
};
RINGSIDE_CHECK(size_of_sharepage_info, sizeof(struct sharepage_info) == 16);
RINGSIDE_CHECK(sharepage_info_vaddr, offsetof(struct sharepage_info, vaddr) == 0);
RINGSIDE_CHECK(sharepage_info_client_pid, offsetof(struct sharepage_info, client_pid) == 8);
RINGSIDE_CHECK(sharepage_info_write, offsetof(struct sharepage_info, write) == 12);

/* Argument of ACCESSPAGE. */
struct accesspage_info {
	unsigned long vaddr; /* where to map the page that was offered */
};
RINGSIDE_CHECK(size_of_accesspage_info, sizeof(struct accesspage_info) == 8);
RINGSIDE_CHECK(accesspage_info_vaddr, offsetof(struct accesspage_info, vaddr) == 0);

/* Argument and result of MEMALLOC_WALK. */
struct walk_info {
	__u64 vaddr; /* in: the address to translate */
	__u32 levels; /* 5, or 4 where there is no P4D */
	__u32 depth; /* how many entries were read */
	__u64 entry[5]; /* raw; PGD, P4D, PUD, PMD, PTE, or with four levels PGD, PUD, PMD, PTE */
};
RINGSIDE_CHECK(size_of_walk_info, sizeof(struct walk_info) == 56);
RINGSIDE_CHECK(walk_info_vaddr, offsetof(struct walk_info, vaddr) == 0);
RINGSIDE_CHECK(walk_info_levels, offsetof(struct walk_info, levels) == 8);
RINGSIDE_CHECK(walk_info_depth, offsetof(struct walk_info, depth) == 12);
RINGSIDE_CHECK(walk_info_entry, offsetof(struct walk_info, entry) == 16);

/*
 * ALLOCATE and ACCESSPAGE need a descriptor that is open for reading, and for
 * writing where the pages are to be written (EACCES); MEMALLOC_WALK needs one for
 * reading (EBADF); for the others any will do.
 */
/* Maps zeroed pages. */
#define ALLOCATE _IOW('a', 'a', struct alloc_info *)
RINGSIDE_CHECK(ALLOCATE, ALLOCATE == 0x40086161u);
/* Gives back a whole request. */
#define FREE _IOW('a', 'b', struct free_info *)
RINGSIDE_CHECK(FREE, FREE == 0x40086162u);
/* Offers a page to another process. */
#define SHAREPAGE _IOW('a', 'c', struct sharepage_info *)
RINGSIDE_CHECK(SHAREPAGE, SHAREPAGE == 0x40086163u);
/* Maps the page that was offered to the caller. */
#define ACCESSPAGE _IOW('a', 'd', struct accesspage_info *)
RINGSIDE_CHECK(ACCESSPAGE, ACCESSPAGE == 0x40086164u);
/* Reads the page-table entries that translate an address. */
#define MEMALLOC_WALK _IOWR('a', 'e', struct walk_info)
RINGSIDE_CHECK(MEMALLOC_WALK, MEMALLOC_WALK == 0xc0386165u);

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
RINGSIDE_CHECK(size_of_block_rw_ops, sizeof(struct block_rw_ops) == 16);
RINGSIDE_CHECK(block_rw_ops_data, offsetof(struct block_rw_ops, data) == 0);
RINGSIDE_CHECK(block_rw_ops_size, offsetof(struct block_rw_ops, size) == 8);

/* Argument of BREADOFFSET and BWRITEOFFSET. */
struct block_rwoffset_ops {
	char *data; /* the caller's buffer */
	unsigned int size; /* bytes to move */
	unsigned int offset; /* where on the device, in bytes */
};
RINGSIDE_CHECK(size_of_block_rwoffset_ops, sizeof(struct block_rwoffset_ops) == 16);
RINGSIDE_CHECK(block_rwoffset_ops_data, offsetof(struct block_rwoffset_ops, data) == 0);
RINGSIDE_CHECK(block_rwoffset_ops_size, offsetof(struct block_rwoffset_ops, size) == 8);
RINGSIDE_CHECK(block_rwoffset_ops_offset, offsetof(struct block_rwoffset_ops, offset) == 12);

/* Result of KMOD_INFO. */
struct block_info {
	__u64 size; /* of the device, in bytes */
	__u64 position; /* where BREAD and BWRITE go on, in bytes */
	__u32 logical_block_size; /* in bytes */
	__u32 flags; /* KMOD_FLAG_... */
};
RINGSIDE_CHECK(size_of_block_info, sizeof(struct block_info) == 24);
RINGSIDE_CHECK(block_info_size, offsetof(struct block_info, size) == 0);
RINGSIDE_CHECK(block_info_position, offsetof(struct block_info, position) == 8);
RINGSIDE_CHECK(block_info_logical_block_size, offsetof(struct block_info, logical_block_size) == 16);
RINGSIDE_CHECK(block_info_flags, offsetof(struct block_info, flags) == 20);

/* Argument of KMOD_READ64 and KMOD_WRITE64. */
struct block_io {
	__u64 data; /* the address of the caller's buffer */
	__u64 offset; /* where on the device, in bytes */
	__u32 size; /* bytes to move */
	__u32 reserved; /* must be 0 */
};
RINGSIDE_CHECK(size_of_block_io, sizeof(struct block_io) == 24);
RINGSIDE_CHECK(block_io_data, offsetof(struct block_io, data) == 0);
RINGSIDE_CHECK(block_io_offset, offsetof(struct block_io, offset) == 8);
RINGSIDE_CHECK(block_io_size, offsetof(struct block_io, size) == 16);
RINGSIDE_CHECK(block_io_reserved, offsetof(struct block_io, reserved) == 20);

/*
 * Reads need a descriptor that is open for reading, writes one that is open for
 * writing (EBADF); for KMOD_INFO and KMOD_SYNC any will do.
 */
/* Reads on from the position. */
#define BREAD _IOW('a', 'a', struct block_rw_ops)
RINGSIDE_CHECK(BREAD, BREAD == 0x40106161u);
/* Writes on from the position. */
#define BWRITE _IOW('a', 'b', struct block_rw_ops)
RINGSIDE_CHECK(BWRITE, BWRITE == 0x40106162u);
/* Goes to an offset, then reads. */
#define BREADOFFSET _IOW('a', 'c', struct block_rwoffset_ops)
RINGSIDE_CHECK(BREADOFFSET, BREADOFFSET == 0x40106163u);
/* Goes to an offset, then writes. */
#define BWRITEOFFSET _IOW('a', 'd', struct block_rwoffset_ops)
RINGSIDE_CHECK(BWRITEOFFSET, BWRITEOFFSET == 0x40106164u);
/* Describes the device. */
#define KMOD_INFO _IOR('a', 'e', struct block_info)
RINGSIDE_CHECK(KMOD_INFO, KMOD_INFO == 0x80186165u);
/* Makes every write durable, or says that some were lost. */
#define KMOD_SYNC _IO('a', 'f')
RINGSIDE_CHECK(KMOD_SYNC, KMOD_SYNC == 0x00006166u);
/* Reads anywhere; the position stays. */
#define KMOD_READ64 _IOW('a', 'g', struct block_io)
RINGSIDE_CHECK(KMOD_READ64, KMOD_READ64 == 0x40186167u);
/* Writes anywhere; the position stays. */
#define KMOD_WRITE64 _IOW('a', 'h', struct block_io)
RINGSIDE_CHECK(KMOD_WRITE64, KMOD_WRITE64 == 0x40186168u);

/* --- producer_consumer: records of the files counters/threads and counters/slots --- */

/* One thread, producers first. */
struct thread_record {
	__u8 kind; /* PRODUCER_CONSUMER_KIND_... */
	__u8 state; /* PRODUCER_CONSUMER_STATE_... */
	__u16 reserved; /* 0 */
	__u32 index; /* the number in its name, from 1 */
	__u64 items; /* how many it moved */
	__u64 waits; /* how often it waited for its semaphore */
};
RINGSIDE_CHECK(size_of_thread_record, sizeof(struct thread_record) == 24);
RINGSIDE_CHECK(thread_record_kind, offsetof(struct thread_record, kind) == 0);
RINGSIDE_CHECK(thread_record_state, offsetof(struct thread_record, state) == 1);
RINGSIDE_CHECK(thread_record_reserved, offsetof(struct thread_record, reserved) == 2);
RINGSIDE_CHECK(thread_record_index, offsetof(struct thread_record, index) == 4);
RINGSIDE_CHECK(thread_record_items, offsetof(struct thread_record, items) == 8);
RINGSIDE_CHECK(thread_record_waits, offsetof(struct thread_record, waits) == 16);

/* One slot of the ring. */
struct slot_record {
	__u64 item; /* the item's number, from 1; 0: the slot is empty */
	__u32 producer; /* the index of the producer that made it; 0: the slot is empty */
	__u32 reserved; /* 0 */
};
RINGSIDE_CHECK(size_of_slot_record, sizeof(struct slot_record) == 16);
RINGSIDE_CHECK(slot_record_item, offsetof(struct slot_record, item) == 0);
RINGSIDE_CHECK(slot_record_producer, offsetof(struct slot_record, producer) == 8);
RINGSIDE_CHECK(slot_record_reserved, offsetof(struct slot_record, reserved) == 12);

#define PRODUCER_CONSUMER_KIND_PRODUCER 0
#define PRODUCER_CONSUMER_KIND_CONSUMER 1
#define PRODUCER_CONSUMER_STATE_RUNNING 0
#define PRODUCER_CONSUMER_STATE_WAITS_EMPTY 1
#define PRODUCER_CONSUMER_STATE_WAITS_FULL 2
#define PRODUCER_CONSUMER_STATE_DELAY 3
#define PRODUCER_CONSUMER_STATE_PARKED 4

/* --- producer_consumer: the file counters/snapshot, all of it of one moment --- */

/*
 * A read from offset 0 takes the moment; what is read from other offsets is of the moment
 * that was taken last, which `sequence` tells from others.
 */
/* The file's beginning; thread_records follow, then slot_records. */
struct producer_consumer_snapshot {
	__u32 size; /* bytes of this struct */
	__u32 phase; /* PRODUCER_CONSUMER_PHASE_... */
	__u64 sequence; /* how many snapshots were taken, this one included */
	__u64 capacity; /* slots of the ring */
	__u64 occupancy; /* slots that hold an item */
	__u64 empty; /* what the semaphore empty holds */
	__u64 full; /* what the semaphore full holds */
	__u64 produced; /* items ever put into the ring */
	__u64 consumed; /* items ever taken out of it */
	__u64 producer_waits; /* how often a producer waited */
	__u64 consumer_waits; /* how often a consumer waited */
	__u64 producer_delay; /* microseconds */
	__u64 consumer_delay; /* microseconds */
	__u64 paused; /* the control paused */
	__u64 step; /* the control step */
	__u32 producers; /* producer threads */
	__u32 consumers; /* consumer threads */
	__u32 producers_waiting; /* those that wait on empty */
	__u32 consumers_waiting; /* those that wait on full */
	__u64 last_item; /* the item moved last; 0: none was */
	__u64 last_slot; /* the slot it was put into or taken from */
	__u32 last_producer; /* the index of the producer that made it */
	__u32 last_kind; /* who moved it: PRODUCER_CONSUMER_KIND_... */
	__u32 last_thread; /* the index of the thread that moved it */
	__u32 slots; /* slot records that follow */
};
RINGSIDE_CHECK(size_of_producer_consumer_snapshot, sizeof(struct producer_consumer_snapshot) == 160);
RINGSIDE_CHECK(producer_consumer_snapshot_size, offsetof(struct producer_consumer_snapshot, size) == 0);
RINGSIDE_CHECK(producer_consumer_snapshot_phase, offsetof(struct producer_consumer_snapshot, phase) == 4);
RINGSIDE_CHECK(producer_consumer_snapshot_sequence, offsetof(struct producer_consumer_snapshot, sequence) == 8);
RINGSIDE_CHECK(producer_consumer_snapshot_capacity, offsetof(struct producer_consumer_snapshot, capacity) == 16);
RINGSIDE_CHECK(producer_consumer_snapshot_occupancy, offsetof(struct producer_consumer_snapshot, occupancy) == 24);
RINGSIDE_CHECK(producer_consumer_snapshot_empty, offsetof(struct producer_consumer_snapshot, empty) == 32);
RINGSIDE_CHECK(producer_consumer_snapshot_full, offsetof(struct producer_consumer_snapshot, full) == 40);
RINGSIDE_CHECK(producer_consumer_snapshot_produced, offsetof(struct producer_consumer_snapshot, produced) == 48);
RINGSIDE_CHECK(producer_consumer_snapshot_consumed, offsetof(struct producer_consumer_snapshot, consumed) == 56);
RINGSIDE_CHECK(producer_consumer_snapshot_producer_waits, offsetof(struct producer_consumer_snapshot, producer_waits) == 64);
RINGSIDE_CHECK(producer_consumer_snapshot_consumer_waits, offsetof(struct producer_consumer_snapshot, consumer_waits) == 72);
RINGSIDE_CHECK(producer_consumer_snapshot_producer_delay, offsetof(struct producer_consumer_snapshot, producer_delay) == 80);
RINGSIDE_CHECK(producer_consumer_snapshot_consumer_delay, offsetof(struct producer_consumer_snapshot, consumer_delay) == 88);
RINGSIDE_CHECK(producer_consumer_snapshot_paused, offsetof(struct producer_consumer_snapshot, paused) == 96);
RINGSIDE_CHECK(producer_consumer_snapshot_step, offsetof(struct producer_consumer_snapshot, step) == 104);
RINGSIDE_CHECK(producer_consumer_snapshot_producers, offsetof(struct producer_consumer_snapshot, producers) == 112);
RINGSIDE_CHECK(producer_consumer_snapshot_consumers, offsetof(struct producer_consumer_snapshot, consumers) == 116);
RINGSIDE_CHECK(producer_consumer_snapshot_producers_waiting, offsetof(struct producer_consumer_snapshot, producers_waiting) == 120);
RINGSIDE_CHECK(producer_consumer_snapshot_consumers_waiting, offsetof(struct producer_consumer_snapshot, consumers_waiting) == 124);
RINGSIDE_CHECK(producer_consumer_snapshot_last_item, offsetof(struct producer_consumer_snapshot, last_item) == 128);
RINGSIDE_CHECK(producer_consumer_snapshot_last_slot, offsetof(struct producer_consumer_snapshot, last_slot) == 136);
RINGSIDE_CHECK(producer_consumer_snapshot_last_producer, offsetof(struct producer_consumer_snapshot, last_producer) == 144);
RINGSIDE_CHECK(producer_consumer_snapshot_last_kind, offsetof(struct producer_consumer_snapshot, last_kind) == 148);
RINGSIDE_CHECK(producer_consumer_snapshot_last_thread, offsetof(struct producer_consumer_snapshot, last_thread) == 152);
RINGSIDE_CHECK(producer_consumer_snapshot_slots, offsetof(struct producer_consumer_snapshot, slots) == 156);

#define PRODUCER_CONSUMER_PHASE_RUNNING 0u
#define PRODUCER_CONSUMER_PHASE_PAUSING 1u
#define PRODUCER_CONSUMER_PHASE_PAUSED 2u
#define PRODUCER_CONSUMER_PHASE_STOPPING 3u
/* The most slots of a snapshot; of a larger ring it has none. */
#define PRODUCER_CONSUMER_SNAPSHOT_SLOTS_MAX 32768

/* --- my_syscall: ask this file for the number of the system call --- */

#define MY_SYSCALL_NUMBER_FILE "/sys/kernel/my_syscall/number"

#endif /* RINGSIDE_H */
