// SPDX-License-Identifier: GPL-2.0
/* A character device as courses hand it out: a major of its own, mknod by hand. */
#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#define DEVICE "chardrv"
#define ROOM 256

static int major;
static char text[ROOM];
static size_t used;
static DEFINE_MUTEX(lock);

static ssize_t chardrv_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	ssize_t moved;

	mutex_lock(&lock);
	moved = simple_read_from_buffer(to, size, at, text, used);
	mutex_unlock(&lock);
	return moved;
}

static ssize_t chardrv_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	ssize_t moved;

	mutex_lock(&lock);
	moved = simple_write_to_buffer(text, ROOM, at, from, size);
	if (moved > 0)
		used = *at;
	mutex_unlock(&lock);
	pr_info(DEVICE ": %zd bytes written\n", moved);
	return moved;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.read = chardrv_read,
	.write = chardrv_write,
};

static int __init chardrv_init(void)
{
	major = register_chrdev(0, DEVICE, &operations);
	if (major < 0)
		return major;
	pr_info(DEVICE ": loaded with major %d\n", major);
	return 0;
}

static void __exit chardrv_exit(void)
{
	unregister_chrdev(major, DEVICE);
	pr_info(DEVICE ": unloaded\n");
}

module_init(chardrv_init);
module_exit(chardrv_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A character device of a course");
