// SPDX-License-Identifier: GPL-2.0
/* The old contract of /dev/kmod and nothing beside: no INFO, no SYNC. */
#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

struct block_rw_ops {
	char __user *data;
	unsigned int size;
};
struct block_rwoffset_ops {
	char __user *data;
	unsigned int size;
	unsigned int offset;
};

#define BREAD _IOW('a', 'a', struct block_rw_ops)
#define BWRITE _IOW('a', 'b', struct block_rw_ops)
#define BREADOFFSET _IOW('a', 'c', struct block_rwoffset_ops)
#define BWRITEOFFSET _IOW('a', 'd', struct block_rwoffset_ops)

static char *device = "/dev/sdb";
module_param(device, charp, 0444);

static DEFINE_MUTEX(lock);
static struct file *disk;
static loff_t position;

static long transfer(char __user *data, unsigned int size, bool write)
{
	void *buffer;
	ssize_t moved;

	buffer = kvmalloc(size, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	if (write) {
		moved = -EFAULT;
		if (!copy_from_user(buffer, data, size))
			moved = kernel_write(disk, buffer, size, &position);
	} else {
		moved = kernel_read(disk, buffer, size, &position);
		if (moved > 0 && copy_to_user(data, buffer, moved))
			moved = -EFAULT;
	}
	kvfree(buffer);
	return moved;
}

static long kmod_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct block_rwoffset_ops ops = {};
	long moved;

	switch (cmd) {
	case BREAD:
	case BWRITE:
		if (copy_from_user(&ops, (void __user *)arg, sizeof(struct block_rw_ops)))
			return -EFAULT;
		break;
	case BREADOFFSET:
	case BWRITEOFFSET:
		if (copy_from_user(&ops, (void __user *)arg, sizeof(ops)))
			return -EFAULT;
		break;
	default:
		return -EINVAL;
	}
	mutex_lock(&lock);
	if (cmd == BREADOFFSET || cmd == BWRITEOFFSET)
		position = ops.offset;
	moved = transfer(ops.data, ops.size, cmd == BWRITE || cmd == BWRITEOFFSET);
	mutex_unlock(&lock);
	return moved;
}

static const struct file_operations kmod_file = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = kmod_ioctl,
};

static struct miscdevice kmod_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmod",
	.fops = &kmod_file,
};

static int __init kmod_start(void)
{
	int err;

	disk = bdev_file_open_by_path(device, BLK_OPEN_READ | BLK_OPEN_WRITE, NULL, NULL);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	err = misc_register(&kmod_device);
	if (err)
		bdev_fput(disk);
	return err;
}

static void __exit kmod_end(void)
{
	misc_deregister(&kmod_device);
	bdev_fput(disk);
}
module_init(kmod_start);
module_exit(kmod_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A student's kmod");
