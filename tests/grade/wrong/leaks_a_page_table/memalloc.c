// SPDX-License-Identifier: GPL-2.0
/*
 * Maps pages for whoever asks, and beside them makes a page table that belongs
 * to no mapping: nobody gives it back when the process ends.
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#define ALLOCATE _IOW('a', 'a', struct alloc_info *)
#define STRAY 0x600000000000UL

struct alloc_info {
	unsigned long vaddr;
	int num_pages;
	bool write;
};

static int leave(pte_t *pte, unsigned long address, void *unused)
{
	return 0;
}

static long memalloc_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct alloc_info info;
	unsigned long protection = PROT_READ;
	unsigned long at;

	if (command != ALLOCATE)
		return -ENOTTY;
	if (copy_from_user(&info, (void __user *)argument, sizeof(info)))
		return -EFAULT;
	if (info.num_pages > 4096)
		return -ENOENT;
	if (info.write)
		protection |= PROT_WRITE;
	at = vm_mmap(NULL, info.vaddr, (unsigned long)info.num_pages << PAGE_SHIFT, protection,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, 0);
	if (IS_ERR_VALUE(at))
		return at;
	mmap_write_lock(current->mm);
	apply_to_page_range(current->mm, STRAY, PAGE_SIZE, leave, NULL);
	mmap_write_unlock(current->mm);
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = memalloc_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memalloc",
	.fops = &operations,
	.mode = 0666,
};

module_misc_device(device);
MODULE_DESCRIPTION("Leaks a page table");
MODULE_LICENSE("GPL");
