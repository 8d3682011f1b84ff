// SPDX-License-Identifier: GPL-2.0
/*
 * Maps an anonymous-looking page into the loading process by its page frame
 * and frees it while it is mapped, for PAGE_TABLE_CHECK to report.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>

static int set_entry(pte_t *pte, unsigned long address, void *data)
{
	struct page *page = data;

	set_pte_at(current->mm, address, pte, mk_pte(page, PAGE_SHARED));
	return 0;
}

static int __init broken_init(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	unsigned long address;

	if (!page)
		return -ENOMEM;
	address = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(address)) {
		__free_page(page);
		return (int)address;
	}
	mmap_write_lock(current->mm);
	apply_to_page_range(current->mm, address, PAGE_SIZE, set_entry, page);
	mmap_write_unlock(current->mm);
	__free_page(page);
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Frees a page that is mapped on purpose");
