// SPDX-License-Identifier: GPL-2.0
/* Reads and writes, but always at its position, whatever offset is asked for. */
#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static char *device = "/dev/sdb";
module_param(device, charp, 0444);

struct block_rw_ops {
	char *data;
	unsigned int size;
};

struct block_rwoffset_ops {
	char *data;
	unsigned int size;
	unsigned int offset;
};

#define BREAD _IOW('a', 'a', struct block_rw_ops)
#define BWRITE _IOW('a', 'b', struct block_rw_ops)
#define BREADOFFSET _IOW('a', 'c', struct block_rwoffset_ops)
#define BWRITEOFFSET _IOW('a', 'd', struct block_rwoffset_ops)

static struct file *disk;
static loff_t position;
static DEFINE_MUTEX(lock);

static long kmod_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	bool write = command == BWRITE || command == BWRITEOFFSET;
	struct block_rw_ops ops;
	ssize_t moved;
	void *buffer;

	if (!write && command != BREAD && command != BREADOFFSET)
		return -ENOTTY;
	if (copy_from_user(&ops, (void __user *)argument, sizeof(ops)))
		return -EFAULT;
	if (ops.size > SZ_1M)
		return -EINVAL;
	buffer = kvmalloc(ops.size, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	mutex_lock(&lock);
	if (write) {
		moved = copy_from_user(buffer, (void __user *)ops.data, ops.size) ? -EFAULT :
			kernel_write(disk, buffer, ops.size, &position);
	} else {
		moved = kernel_read(disk, buffer, ops.size, &position);
		if (moved > 0 && copy_to_user((void __user *)ops.data, buffer, moved))
			moved = -EFAULT;
	}
	mutex_unlock(&lock);
	kvfree(buffer);
	return moved;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = kmod_ioctl,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmod",
	.fops = &operations,
};

static int __init kmod_init(void)
{
	int error;

	disk = bdev_file_open_by_path(device, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	error = misc_register(&misc);
	if (error)
		bdev_fput(disk);
	return error;
}

static void __exit kmod_exit(void)
{
	misc_deregister(&misc);
	bdev_fput(disk);
}

module_init(kmod_init);
module_exit(kmod_exit);
MODULE_DESCRIPTION("Ignores the offset");
MODULE_LICENSE("GPL");
