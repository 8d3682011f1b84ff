// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust can't call: inline functions and macros of the kernel's headers,
 * one function for each, and nothing besides.
 */
#include <linux/blkdev.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/shmem_fs.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <uapi/linux/sched/types.h>

unsigned long ringside_task_size_max(void);
unsigned long ringside_task_size_max(void)
{
	return TASK_SIZE_MAX;
}

size_t ringside_alloc_pages(size_t count, struct page **pages);
size_t ringside_alloc_pages(size_t count, struct page **pages)
{
	return alloc_pages_bulk(GFP_HIGHUSER | __GFP_ZERO | __GFP_ACCOUNT, count, pages);
}

void ringside_get_page(struct page *page);
void ringside_get_page(struct page *page)
{
	get_page(page);
}

void ringside_put_pages(struct page **pages, int count);
void ringside_put_pages(struct page **pages, int count)
{
	/* Not inline, but its argument is a transparent union. */
	release_pages(pages, count);
}

/* Not inline, but the bindings lack it. */
struct file *ringside_tmpfs_file(const char *name);
struct file *ringside_tmpfs_file(const char *name)
{
	return shmem_kernel_file_setup(name, 0, mk_vma_flags(VMA_NORESERVE_BIT));
}

/* Gives new pages a mapping, and counts the one who has each in its `private`. */
void ringside_pages_enter(struct page *const *pages, size_t count, struct address_space *mapping,
			  pgoff_t index);
void ringside_pages_enter(struct page *const *pages, size_t count, struct address_space *mapping,
			  pgoff_t index)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct folio *folio = page_folio(pages[i]);

		folio->mapping = mapping;
		folio->index = index + i;
		set_page_private(pages[i], 1);
	}
}

/* One more has the page. */
void ringside_page_share(struct page *page);
void ringside_page_share(struct page *page)
{
	get_page(page);
	set_page_private(page, page_private(page) + 1);
}

/*
 * One fewer has each of the pages. Those whose last it was leave their mapping; those of them that
 * something else has a reference to go to the end of the array. Returns how many stay at its start,
 * and in `last` how many of these nobody has any more.
 */
size_t ringside_pages_leave(struct page **pages, size_t count, size_t *last);
size_t ringside_pages_leave(struct page **pages, size_t count, size_t *last)
{
	size_t i = 0;

	*last = 0;
	while (i < count) {
		struct page *page = pages[i];
		struct folio *folio = page_folio(page);
		unsigned long others = page_private(page) - 1;

		set_page_private(page, others);
		if (others) {
			i++;
		} else if (folio_ref_count(folio) == 1) {
			folio->mapping = NULL;
			(*last)++;
			i++;
		} else {
			/* Whoever has a reference looks at the mapping with the lock held. */
			folio_lock(folio);
			folio->mapping = NULL;
			folio_unlock(folio);
			count--;
			swap(pages[i], pages[count]);
		}
	}
	return count;
}

/* Does anyone have a reference to the page besides the caller? */
bool ringside_page_is_held(struct page *page);
bool ringside_page_is_held(struct page *page)
{
	return page_ref_count(page) > 1;
}

bool ringside_five_levels(void);
bool ringside_five_levels(void)
{
	return pgtable_l5_enabled();
}

/* unsafe_get_user() leaves by a label when the address is bad. */
bool ringside_get_words(u64 *to, const u64 __user *from, size_t count);
bool ringside_get_words(u64 *to, const u64 __user *from, size_t count)
{
	size_t i;

	might_fault();
	if (!user_read_access_begin(from, count * sizeof(*from)))
		return false;
	for (i = 0; i < count; i++)
		unsafe_get_user(to[i], from + i, fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

/* The page table that an entry leads to. */
const u64 *ringside_table(u64 entry);
const u64 *ringside_table(u64 entry)
{
	return __va(entry & PTE_PFN_MASK);
}

/*
 * Reads or writes an open block device through its page cache, to or from memory
 * of the caller's, unless it is gone; counts bytes and transfers.
 */
ssize_t ringside_bdev_transfer(struct file *file, bool write, char __user *buffer, size_t size,
			       loff_t position, atomic64_t *bytes, atomic64_t *transfers);
ssize_t ringside_bdev_transfer(struct file *file, bool write, char __user *buffer, size_t size,
			       loff_t position, atomic64_t *bytes, atomic64_t *transfers)
{
	struct kiocb kiocb;
	struct iov_iter iterator;
	ssize_t moved;

	/* What disk_live() looks at. */
	if (inode_unhashed(file->f_mapping->host))
		return -ENODEV;
	if (!access_ok(buffer, size))
		return -EFAULT;
	init_sync_kiocb(&kiocb, file);
	kiocb.ki_pos = position;
	iov_iter_ubuf(&iterator, write ? ITER_SOURCE : ITER_DEST, buffer, size);
	if (write)
		moved = file->f_op->write_iter(&kiocb, &iterator);
	else
		moved = file->f_op->read_iter(&kiocb, &iterator);
	if (moved >= 0) {
		atomic64_add(moved, bytes);
		atomic64_inc(transfers);
	}
	return moved;
}

u64 ringside_bdev_size(struct block_device *bdev);
u64 ringside_bdev_size(struct block_device *bdev)
{
	return bdev_nr_bytes(bdev);
}

unsigned int ringside_bdev_logical_block_size(struct block_device *bdev);
unsigned int ringside_bdev_logical_block_size(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}

bool ringside_bdev_read_only(struct block_device *bdev);
bool ringside_bdev_read_only(struct block_device *bdev)
{
	return bdev_read_only(bdev);
}

/* With lockdep these two are macros. */
int ringside_mutex_lock_killable(struct mutex *mutex);
int ringside_mutex_lock_killable(struct mutex *mutex)
{
	return mutex_lock_killable(mutex);
}

int ringside_mutex_lock_interruptible(struct mutex *mutex);
int ringside_mutex_lock_interruptible(struct mutex *mutex)
{
	return mutex_lock_interruptible(mutex);
}

void ringside_ratelimit_init(struct ratelimit_state *state, int lines);
void ringside_ratelimit_init(struct ratelimit_state *state, int lines)
{
	ratelimit_state_init(state, HZ, lines);
}

void ringside_sema_init(struct semaphore *semaphore, int value);
void ringside_sema_init(struct semaphore *semaphore, int value)
{
	sema_init(semaphore, value);
}

int ringside_sched_idle(struct task_struct *task);
int ringside_sched_idle(struct task_struct *task)
{
	/* The attributes are a struct of the kernel's that Rust does not know. */
	static const struct sched_attr idle = {
		.size = sizeof(idle),
		.sched_policy = SCHED_IDLE,
	};

	return sched_setattr_nocheck(task, &idle);
}

/* With the full barrier that pairs with the one in wake_up_process(). */
void ringside_set_interruptible(void);
void ringside_set_interruptible(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
}

void ringside_set_running(void);
void ringside_set_running(void)
{
	__set_current_state(TASK_RUNNING);
}
