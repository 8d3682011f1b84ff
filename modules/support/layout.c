// SPDX-License-Identifier: GPL-2.0
/*
 * Where fields lie as the C compiler sees it, for support/layout.rs to compare
 * with what bindgen made of the same headers. Never linked: Kbuild reads the
 * numbers from the assembly.
 */
#include <linux/fs.h>
#include <linux/kbuild.h>
#include <linux/mm_types.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/semaphore.h>

int main(void)
{
	DEFINE(TASK_PID, offsetof(struct task_struct, pid));
	DEFINE(TASK_TGID, offsetof(struct task_struct, tgid));
	DEFINE(TASK_MM, offsetof(struct task_struct, mm));
	DEFINE(TASK_COMM, offsetof(struct task_struct, comm));
	DEFINE(TASK_SIZE, sizeof(struct task_struct));
	DEFINE(MM_PGD, offsetof(struct mm_struct, pgd));
	DEFINE(MM_MMAP_LOCK, offsetof(struct mm_struct, mmap_lock));
	DEFINE(VMA_FILE, offsetof(struct vm_area_struct, vm_file));
	DEFINE(VMA_PRIVATE, offsetof(struct vm_area_struct, vm_private_data));
	DEFINE(FILE_INODE, offsetof(struct file, f_inode));
	DEFINE(FILE_PRIVATE, offsetof(struct file, private_data));
	DEFINE(FILE_MAPPING, offsetof(struct file, f_mapping));
	DEFINE(MODULE_KOBJECT, offsetof(struct module, mkobj));
	DEFINE(SEMAPHORE_SIZE, sizeof(struct semaphore));
	return 0;
}
