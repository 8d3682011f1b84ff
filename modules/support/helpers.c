// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust can't call: inline functions and macros of the kernel's headers,
 * one function for each, and nothing besides.
 */
#include <linux/blkdev.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/uaccess.h>
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

bool ringside_five_levels(void);
bool ringside_five_levels(void)
{
	return pgtable_l5_enabled();
}

unsigned long ringside_irq_save(void);
unsigned long ringside_irq_save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

void ringside_irq_restore(unsigned long flags);
void ringside_irq_restore(unsigned long flags)
{
	local_irq_restore(flags);
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

/*
 * Where the next table's entry for an address lies: given the entry that points
 * to that table as it was read, never reading it again.
 */
u64 *ringside_pgd_offset(struct mm_struct *mm, unsigned long address);
u64 *ringside_pgd_offset(struct mm_struct *mm, unsigned long address)
{
	return (u64 *)pgd_offset(mm, address);
}

u64 *ringside_p4d_offset(u64 *from, u64 entry, unsigned long address);
u64 *ringside_p4d_offset(u64 *from, u64 entry, unsigned long address)
{
	/* Folded: the PGD's entry is the P4D's. p4d_offset() would read it again. */
	if (!pgtable_l5_enabled())
		return from;
	return (u64 *)pgd_page_vaddr(__pgd(entry)) + p4d_index(address);
}

u64 *ringside_pud_offset(u64 entry, unsigned long address);
u64 *ringside_pud_offset(u64 entry, unsigned long address)
{
	p4d_t p4d = __p4d(entry);

	return (u64 *)pud_offset(&p4d, address);
}

u64 *ringside_pmd_offset(u64 entry, unsigned long address);
u64 *ringside_pmd_offset(u64 entry, unsigned long address)
{
	pud_t pud = __pud(entry);

	return (u64 *)pmd_offset(&pud, address);
}

u64 *ringside_pte_offset(u64 entry, unsigned long address);
u64 *ringside_pte_offset(u64 entry, unsigned long address)
{
	pmd_t pmd = __pmd(entry);

	return (u64 *)pte_offset_kernel(&pmd, address);
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

int ringside_mutex_lock_killable(struct mutex *mutex);
int ringside_mutex_lock_killable(struct mutex *mutex)
{
	/* With lockdep it is a macro. */
	return mutex_lock_killable(mutex);
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
