/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* kmod: arguments that can't be right. None of them changes anything. */
#include "kmod.h"
#include "module.h"

static const struct {
	const char *name;
	unsigned long number;
	size_t size;
} commands[] = {
	{ "BREAD", BREAD, sizeof(struct block_rw_ops) },
	{ "BWRITE", BWRITE, sizeof(struct block_rw_ops) },
	{ "BREADOFFSET", BREADOFFSET, sizeof(struct block_rwoffset_ops) },
	{ "BWRITEOFFSET", BWRITEOFFSET, sizeof(struct block_rwoffset_ops) },
	{ "INFO", KMOD_INFO, sizeof(struct block_info) },
	{ "READ64", KMOD_READ64, sizeof(struct block_io) },
	{ "WRITE64", KMOD_WRITE64, sizeof(struct block_io) },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static char *map;

static void arguments(void)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		const char *name = commands[i].name;
		unsigned long number = commands[i].number;

		check_errno(ioctl(device, number, NULL), EFAULT, "%s with NULL is EFAULT", name);
		check_errno(ioctl(device, number, map + PAGE), EFAULT,
			    "%s with an unmapped pointer is EFAULT", name);
		check_errno(ioctl(device, number, map + PAGE - commands[i].size + 1), EFAULT,
			    "%s with a struct that is cut off is EFAULT", name);
		check_errno(ioctl(device, number, KERNEL_ADDRESS), EFAULT,
			    "%s with a kernel pointer is EFAULT", name);
		check_errno(ioctl(device, number, NON_CANONICAL), EFAULT,
			    "%s with a pointer to nowhere is EFAULT", name);
		check_errno(ioctl(device, number, ~0ul), EFAULT,
			    "%s with the last address is EFAULT", name);
	}
	check(ioctl(device, KMOD_INFO, map + 1) == 0, "a misaligned pointer is good enough");
	check(ioctl(device, KMOD_SYNC, ~0ul) == 0, "SYNC does not look at its argument");
}

/* All six ways to move `size` bytes between a buffer and the device. */
static void transfers(void *data, unsigned int size, int wanted, const char *what)
{
	check_errno(bread(data, size), wanted, "BREAD %s", what);
	check_errno(bwrite(data, size), wanted, "BWRITE %s", what);
	check_errno(bread_offset(data, size, 512), wanted, "BREADOFFSET %s", what);
	check_errno(bwrite_offset(data, size, 512), wanted, "BWRITEOFFSET %s", what);
	check_errno(read64(data, size, 512), wanted, "READ64 %s", what);
	check_errno(write64(data, size, 512), wanted, "WRITE64 %s", what);
}

static void buffers(void)
{
	char *constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	transfers(NULL, 512, EFAULT, "with a NULL buffer is EFAULT");
	transfers(map + PAGE, 512, EFAULT, "with an unmapped buffer is EFAULT");
	transfers((void *)KERNEL_ADDRESS, 512, EFAULT, "with a buffer in the kernel is EFAULT");
	transfers((void *)NON_CANONICAL, 512, EFAULT, "with a buffer nowhere is EFAULT");
	transfers((void *)~0ul, 1, EFAULT, "with a buffer at the last address is EFAULT");
	transfers((void *)(~0ul - 4095), 8192, EFAULT, "with a buffer that wraps is EFAULT");
	check_errno(bread(constant, 512), EFAULT, "BREAD into a read-only buffer is EFAULT");
	munmap(constant, PAGE);
}

static void buffers_that_end(void)
{
	long ours, nodes;

	/* The first page of the buffer is there, the second is not: as pread and pwrite do. */
	ours = read64(map, 2 * PAGE, 0);
	nodes = pread(node_fd, map, 2 * PAGE, 0);
	check(ours == nodes, "a read into a buffer that ends early moves what pread moves: %ld", ours);
	ours = write64(map, 2 * PAGE, 0);
	nodes = pwrite(node_fd, map, 2 * PAGE, 0);
	check(ours == nodes, "a write moves what pwrite moves: %ld", ours);
	check(read64(map + 1, 511, 3) == 511, "a misaligned buffer is good enough");
}

static void sizes_and_offsets(void)
{
	struct block_io io = { .data = (unsigned long)map, .size = 512, .reserved = 1 };
	static const unsigned long large[] = { 1ul << 63, ~0ul, ~0ul - 511, (1ul << 63) + 512 };
	size_t i;

	check(bread(map, 0) == 0 && bwrite(map, 0) == 0, "nothing can be moved");
	check(bread(NULL, 0) == 0, "to nowhere as well");
	check_errno(ioctl(device, KMOD_READ64, &io), EINVAL, "READ64 with reserved not 0 is EINVAL");
	check_errno(ioctl(device, KMOD_WRITE64, &io), EINVAL, "WRITE64 too");
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		check_errno(read64(map, 512, large[i]), EINVAL, "READ64 at %#lx is EINVAL", large[i]);
		check_errno(write64(map, 512, large[i]), EINVAL, "WRITE64 at %#lx is EINVAL", large[i]);
	}
	check_errno(read64(map, 512, INT64_MAX), EINVAL, "READ64 across 2^63 is EINVAL, as pread says");
	check(pread(node_fd, map, 512, INT64_MAX) == -1 && errno == EINVAL, "pread says so");
}

static void unknown_commands(void)
{
	const unsigned long wrong[] = {
		_IOW('a', 'i', struct block_rw_ops), _IOW('b', 'a', struct block_rw_ops),
		_IOR('a', 'a', struct block_rw_ops), _IOW('a', 'a', void *), _IOR('a', 'e', void *),
		_IO('a', 'a'), 0xffffffff, BLKGETSIZE64,
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_errno(ioctl(device, wrong[i], map), ENOTTY, "command %#lx is ENOTTY", wrong[i]);
}

static void the_file(void)
{
	check_errno(read(device, map, 8), EINVAL, "read of /dev/kmod is EINVAL");
	check_errno(write(device, map, 8), EINVAL, "write to it as well");
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0) == MAP_FAILED && errno == ENODEV,
	      "mmap of it is ENODEV");
	errno = 0;
	check(syscall(SYS_delete_module, "kmod", O_NONBLOCK) == -1 &&
	      (errno == EWOULDBLOCK || errno == EBUSY), "the module can't be unloaded while it is open");
	check(open(node, O_RDWR | O_EXCL) == -1 && errno == EBUSY,
	      "nobody else can claim the block device: EBUSY");
}

/* The log must name the command, the caller, the errno, the reason and the value. */
static void the_log(void)
{
	struct block_io io = { .data = (unsigned long)map, .size = 512, .reserved = 0x77 };
	char line[200];

	/* It takes only so many lines each second. */
	milliseconds(1200);
	log_from_now();
	ioctl(device, KMOD_READ64, &io);
	snprintf(line, sizeof(line), "kmod: READ64 by process %d refused (EINVAL): ", getpid());
	check(logged(line) == 1, "the log says who was refused what, and which errno it was");
	log_from_now();
	ioctl(device, KMOD_READ64, &io);
	check(logged("(0x77)") == 1, "and which value was wrong");
	log_from_now();
	ioctl(device, BREAD, KERNEL_ADDRESS);
	snprintf(line, sizeof(line), "(%#lx)", KERNEL_ADDRESS);
	check(logged(line) == 1, "so it does of a pointer");
}

/* However often a program calls, it can't flood the log. */
static void the_log_is_bounded(void)
{
	struct block_io io = { .data = (unsigned long)map, .size = 512, .reserved = 1 };
	double begin;
	int i, lines, most;

	milliseconds(1200);
	log_from_now();
	begin = now();
	for (i = 0; i < 2000; i++)
		ioctl(device, KMOD_READ64, &io);
	/* 20 in each second that was touched. */
	most = ((int)(now() - begin) + 2) * 20;
	lines = logged("kmod: READ64 by process");
	check(lines > 0 && lines <= most, "2000 refusals make %d lines, at most %d", lines, most);
	milliseconds(1200);
	log_from_now();
	ioctl(device, KMOD_READ64, &io);
	check(logged(" callbacks suppressed") == 1, "the log says that others were left out");
}

static void not_root(void)
{
	pid_t child = fork();

	if (child == 0) {
		FILE *file;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		if (open(KMOD_DEVICE, O_RDWR) != -1 || errno != EACCES)
			_exit(3);
		file = fopen("/sys/module/kmod/counters/bytes_read", "r");
		_exit(file ? 0 : 4);
	}
	check_child(child, 0, "who is not root can't open the device, but can read the counters");
}

int main(void)
{
	unsigned long at, wrote;

	open_device();
	/* Where nothing else will be put into the gap behind it. */
	map = mmap((void *)0x500000000000ul, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	munmap(map + PAGE, PAGE);
	if (pread(node_fd, map, PAGE, 0) != (long)PAGE || bread_offset(map, 100, 4096) != 100)
		give_up("the device can't be read");
	at = position();
	wrote = shown("bytes_written");
	arguments();
	buffers();
	sizes_and_offsets();
	unknown_commands();
	the_file();
	the_log();
	the_log_is_bounded();
	not_root();
	check_equal(position(), at, "the position is where it was");
	check_equal(shown("bytes_written"), wrote, "nothing was written");
	buffers_that_end();
	close(device);
	return finish();
}
