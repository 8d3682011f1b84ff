// SPDX-License-Identifier: GPL-2.0
/* The old contract of /dev/memalloc and nothing beside: no counters, no WALK. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

struct alloc_info {
	unsigned long vaddr;
	int num_pages;
	bool write;
};
struct free_info {
	unsigned long vaddr;
};
struct sharepage_info {
	unsigned long vaddr;
	int client_pid;
	bool write;
};
struct accesspage_info {
	unsigned long vaddr;
};

#define ALLOCATE _IOW('a', 'a', struct alloc_info *)
#define FREE _IOW('a', 'b', struct free_info *)
#define SHAREPAGE _IOW('a', 'c', struct sharepage_info *)
#define ACCESSPAGE _IOW('a', 'd', struct accesspage_info *)

static DEFINE_MUTEX(lock);
static struct page *offered;
static int offered_to;
static bool offered_write;

static int memalloc_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

/* Maps the page that is offered to this file, else new ones. */
static int memalloc_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long addr;
	struct page *page;
	int err;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTCOPY);
	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		page = file->private_data;
		if (page)
			get_page(page);
		else
			page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!page)
			return -ENOMEM;
		err = vm_insert_page(vma, addr, page);
		put_page(page);
		if (err)
			return err;
	}
	return 0;
}

static long map(struct file *file, unsigned long vaddr, int pages, bool write)
{
	unsigned long prot = PROT_READ | (write ? PROT_WRITE : 0);
	unsigned long at;

	at = vm_mmap(file, vaddr, pages * PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, 0);
	return IS_ERR_VALUE(at) ? (long)at : 0;
}

static long unmap(struct file *file, unsigned long vaddr)
{
	struct vm_area_struct *vma;
	unsigned long size = 0;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, vaddr);
	if (vma && vma->vm_file && vma->vm_file->f_op == file->f_op && vma->vm_start == vaddr)
		size = vma->vm_end - vma->vm_start;
	mmap_read_unlock(current->mm);
	return size ? vm_munmap(vaddr, size) : -EINVAL;
}

static long offer(const struct sharepage_info *info)
{
	struct page *page;

	if (get_user_pages_fast(info->vaddr, 1, 0, &page) != 1)
		return -EINVAL;
	mutex_lock(&lock);
	if (offered)
		put_page(offered);
	offered = page;
	offered_to = info->client_pid;
	offered_write = info->write;
	mutex_unlock(&lock);
	return 0;
}

static long take(struct file *file, unsigned long vaddr)
{
	struct page *page = NULL;
	bool write = false;
	long err;

	mutex_lock(&lock);
	if (offered && offered_to == task_tgid_nr(current)) {
		page = offered;
		write = offered_write;
		offered = NULL;
	}
	mutex_unlock(&lock);
	if (!page)
		return -ENOENT;
	file->private_data = page;
	err = map(file, vaddr, 1, write);
	file->private_data = NULL;
	put_page(page);
	return err;
}

static long memalloc_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *from = (void __user *)arg;
	struct sharepage_info share;
	struct alloc_info alloc;
	struct free_info at;

	switch (cmd) {
	case ALLOCATE:
		if (copy_from_user(&alloc, from, sizeof(alloc)))
			return -EFAULT;
		return map(file, alloc.vaddr, alloc.num_pages, alloc.write);
	case FREE:
		if (copy_from_user(&at, from, sizeof(at)))
			return -EFAULT;
		return unmap(file, at.vaddr);
	case SHAREPAGE:
		if (copy_from_user(&share, from, sizeof(share)))
			return -EFAULT;
		return offer(&share);
	case ACCESSPAGE:
		if (copy_from_user(&at, from, sizeof(at)))
			return -EFAULT;
		return take(file, at.vaddr);
	default:
		return -EINVAL;
	}
}

static const struct file_operations memalloc_file = {
	.owner = THIS_MODULE,
	.open = memalloc_open,
	.mmap = memalloc_mmap,
	.unlocked_ioctl = memalloc_ioctl,
};

static struct miscdevice memalloc_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memalloc",
	.fops = &memalloc_file,
};

static int __init memalloc_start(void)
{
	return misc_register(&memalloc_device);
}

static void __exit memalloc_end(void)
{
	misc_deregister(&memalloc_device);
	if (offered)
		put_page(offered);
}
module_init(memalloc_start);
module_exit(memalloc_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A student's memalloc");
