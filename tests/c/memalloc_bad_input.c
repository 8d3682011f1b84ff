/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* memalloc: arguments that can't be right. None of them changes anything. */
#include "memalloc.h"
#include "module.h"

static const struct {
	const char *name;
	unsigned long number;
	size_t size;
} commands[] = {
	{ "ALLOCATE", ALLOCATE, sizeof(struct alloc_info) },
	{ "FREE", FREE, sizeof(struct free_info) },
	{ "SHAREPAGE", SHAREPAGE, sizeof(struct sharepage_info) },
	{ "ACCESSPAGE", ACCESSPAGE, sizeof(struct accesspage_info) },
	{ "WALK", MEMALLOC_WALK, sizeof(struct walk_info) },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void pointers(void)
{
	/* Where nothing else will be put into the gap behind it. */
	char *map = mmap((void *)0x500000000000ul, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	unsigned long invalid = shown("refused_invalid");
	size_t i;

	munmap(map + PAGE, PAGE);
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
		check_errno(ioctl(device, number, 0xffffffff81000000ul), EFAULT,
			    "%s with a pointer to the kernel's text is EFAULT", name);
		check_errno(ioctl(device, number, NON_CANONICAL), EFAULT,
			    "%s with a pointer to nowhere is EFAULT", name);
		check_errno(ioctl(device, number, ~0ul), EFAULT,
			    "%s with the last address is EFAULT", name);
	}
	check_equal(shown("refused_invalid"), invalid + 7 * COMMANDS, "each is counted");

	/* Copying does not care for alignment, and a program can't tell that it should. */
	{
		struct alloc_info info = { .vaddr = HERE, .num_pages = 1, .write = true };
		struct free_info back = { .vaddr = HERE };

		memcpy(map + 1, &info, sizeof(info));
		check(ioctl(device, ALLOCATE, map + 1) == 0, "a misaligned pointer is good enough");
		memcpy(map + PAGE - sizeof(back), &back, sizeof(back));
		check(ioctl(device, FREE, map + PAGE - sizeof(back)) == 0,
		      "so is a struct at the end of a mapping");
	}
	{
		struct walk_info info = { .vaddr = HERE };

		memcpy(map, &info, sizeof(info));
		mprotect(map, PAGE, PROT_READ);
		check_errno(ioctl(device, MEMALLOC_WALK, map), EFAULT,
			    "WALK with a struct that can't be written is EFAULT");
	}
	munmap(map, PAGE);
}

static void counts(void)
{
	static const int wrong[] = { 0, -1, -4096, INT32_MIN };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_errno(allocate(HERE, wrong[i], true), EINVAL, "%d pages are EINVAL", wrong[i]);
	check_errno(allocate(HERE, INT32_MAX, true), MEMALLOC_ERRNO_PAGES_LIMIT,
		    "2^31 - 1 pages are over the limit");
	check_errno(allocate(HERE, 4097, true), MEMALLOC_ERRNO_PAGES_LIMIT,
		    "4097 pages are over the limit");
}

static void addresses(void)
{
	unsigned long top = walk(HERE).levels == 5 ? 1ul << 56 : 1ul << 47;
	const unsigned long wrong[] = {
		0, 1, 0x800, HERE + 1, HERE + 0xfff, top - PAGE, top, NON_CANONICAL,
		KERNEL_ADDRESS, 0xffffffff81000000ul, 0xfffffffffffff000ul, ~0ul,
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		check_errno(allocate(wrong[i], 1, true), EINVAL, "ALLOCATE at %#lx is EINVAL", wrong[i]);
		check_errno(give_back(wrong[i]), EINVAL, "FREE at %#lx is EINVAL", wrong[i]);
		check_errno(share(wrong[i], getpid(), true), EINVAL, "SHAREPAGE at %#lx is EINVAL",
			    wrong[i]);
		check_errno(access_page(wrong[i]), EINVAL, "ACCESSPAGE at %#lx is EINVAL", wrong[i]);
	}
	check(allocate(top - 2 * PAGE, 1, true) == 0, "the last page of user space can be had");
	*(char *)(top - 2 * PAGE) = 1;
	check(give_back(top - 2 * PAGE) == 0, "and be given back");
	check_errno(allocate(top - 2 * PAGE, 2, true), EINVAL, "one page beyond it is EINVAL");
	check_errno(allocate(0xfffffffffffff000ul, 2, true), EINVAL, "a range that wraps is EINVAL");
	check_errno(allocate(0xfffffffffffff000ul, INT32_MAX, true), EINVAL,
		    "so is a long one that wraps");
	check(is_unmapped(PAGE), "nothing is mapped at a low address");

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct walk_info info = { .vaddr = wrong[i], .levels = 99 };
		bool user = wrong[i] < top - PAGE;
		int result = ioctl(device, MEMALLOC_WALK, &info);

		if (user)
			check(result == 0 && info.depth >= 1, "WALK to %#lx works", wrong[i]);
		else
			check(result == -1 && errno == EINVAL && info.levels == 99,
			      "WALK to %#lx is EINVAL", wrong[i]);
	}
}

static void unknown_commands(void)
{
	struct alloc_info info = { .vaddr = HERE, .num_pages = 1 };
	const unsigned long wrong[] = {
		_IOW('a', 'f', void *), _IOW('b', 'a', void *), _IOR('a', 'a', void *),
		_IO('a', 'a'), _IOW('a', 'a', struct alloc_info), _IOWR('a', 'e', void *),
		_IOW('a', 0, void *), 0xffffffff,
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_errno(ioctl(device, wrong[i], &info), ENOTTY, "command %#lx is ENOTTY", wrong[i]);
}

static void frees(void)
{
	char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check_errno(give_back(HERE), EINVAL, "FREE of nothing is EINVAL");
	allocate(HERE, 3, true);
	check_errno(give_back(HERE + PAGE), EINVAL, "FREE of the middle of a request is EINVAL");
	check(is_readable(HERE) && is_readable(HERE + 2 * PAGE), "the request is as it was");
	check_errno(give_back((unsigned long)own), EINVAL,
		    "FREE of a mapping of the program's own is EINVAL");
	check(is_readable((unsigned long)own), "and the mapping stays");
	check(give_back(HERE) == 0, "FREE of the start is good");
	check_errno(give_back(HERE), EINVAL, "FREE a second time is EINVAL");
	munmap(own, PAGE);
}

static void the_file(void)
{
	struct walk_info info = { .vaddr = HERE };
	char buffer[8];
	int other;

	check_errno(read(device, buffer, 8), EINVAL, "read of the device is EINVAL");
	check_errno(write(device, buffer, 8), EINVAL, "write to it as well");
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0) == MAP_FAILED && errno == ENODEV,
	      "a direct mmap of the device is ENODEV");
	check(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, device, 0) == MAP_FAILED &&
	      errno == ENODEV, "a private one too");

	other = device;
	device = open(MEMALLOC_DEVICE, O_RDONLY);
	check(allocate(HERE, 1, false) == 0, "read-only pages need a device open for reading");
	give_back(HERE);
	check_errno(allocate(HERE, 1, true), EACCES, "pages to write need one open for writing");
	check(allocate(HERE, 1, false) == 0 && share(HERE, getpid(), true) == 0 &&
	      access_page(THERE) == 0 && walk(HERE).depth > 0 && give_back(HERE) == 0 &&
	      give_back(THERE) == 0, "all commands work on one that is open for reading");
	close(device);
	device = open(MEMALLOC_DEVICE, O_WRONLY);
	check_errno(allocate(HERE, 1, true), EACCES, "no pages come from one that is open for writing only");
	check_errno(ioctl(device, MEMALLOC_WALK, &info), EBADF, "nor does a walk");
	close(device);
	device = other;
}

/* The log must name the command, the caller, the errno, the reason and the value. */
static void the_log(void)
{
	char line[200];

	/* It takes only so many lines each second. */
	milliseconds(1200);
	log_from_now();
	allocate(HERE + 1, 1, true);
	snprintf(line, sizeof(line), "memalloc: ALLOCATE by process %d refused (EINVAL): ", getpid());
	check(logged(line) == 1, "the log says who was refused what, and which errno it was");
	log_from_now();
	allocate(HERE + 1, 1, true);
	snprintf(line, sizeof(line), "(%#lx)", HERE + 1);
	check(logged(line) == 1, "and which value was wrong: %s", line);
	log_from_now();
	share(HERE, -5, true);
	check(logged("SHAREPAGE by process") == 1, "so it does of a process that can't be");
	log_from_now();
	allocate(HERE, 4097, true);
	check(logged("refused (ENOENT): 4096 pages are the limit") == 1, "and of the limit");
}

static void not_root(void)
{
	pid_t child = fork();

	if (child == 0) {
		FILE *file;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		if (open(MEMALLOC_DEVICE, O_RDWR) != -1 || errno != EACCES)
			_exit(3);
		file = fopen("/sys/module/memalloc/counters/pages_mapped", "r");
		_exit(file ? 0 : 4);
	}
	check_child(child, 0, "who is not root can't open the device, but can read the counters");
}

int main(void)
{
	open_device();
	pointers();
	counts();
	addresses();
	unknown_commands();
	frees();
	the_file();
	the_log();
	not_root();
	check(is_empty(), "nothing was changed by all this");
	close(device);
	return finish();
}
