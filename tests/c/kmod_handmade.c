/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kmod as a program sees it that was written for the original module: it has
 * the structs and macros from its own old header, and knows nothing of ours.
 */
#include "check.h"

/* --- the old header, restated --- */
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
/* ----------------------------------- */

#define BLOCK 512
#define BLOCKS 64

int main(void)
{
	static char written[BLOCKS * BLOCK], read_back[BLOCKS * BLOCK];
	struct block_rw_ops ops;
	struct block_rwoffset_ops offset_ops;
	int device = open("/dev/kmod", O_RDWR);
	int i, good;

	if (device < 0)
		give_up("/dev/kmod can't be opened");
	for (i = 0; i < BLOCKS * BLOCK; i++)
		written[i] = i * 7 + i / BLOCK;

	/* Block by block, from the start. */
	offset_ops = (struct block_rwoffset_ops){ written, BLOCK, 0 };
	check(ioctl(device, BWRITEOFFSET, &offset_ops) == BLOCK, "BWRITEOFFSET writes a block at 0");
	for (i = good = 1; i < BLOCKS; i++) {
		ops = (struct block_rw_ops){ written + i * BLOCK, BLOCK };
		good += ioctl(device, BWRITE, &ops) == BLOCK;
	}
	check(good == BLOCKS, "BWRITE goes on from there, block by block");

	offset_ops = (struct block_rwoffset_ops){ read_back, BLOCK, 0 };
	check(ioctl(device, BREADOFFSET, &offset_ops) == BLOCK, "BREADOFFSET reads a block at 0");
	for (i = good = 1; i < BLOCKS; i++) {
		ops = (struct block_rw_ops){ read_back + i * BLOCK, BLOCK };
		good += ioctl(device, BREAD, &ops) == BLOCK;
	}
	check(good == BLOCKS, "BREAD goes on from there, block by block");
	check(memcmp(written, read_back, sizeof(written)) == 0, "what was written is read again");

	/* In one piece, somewhere else. */
	offset_ops = (struct block_rwoffset_ops){ written, sizeof(written), 1000 * BLOCK };
	check(ioctl(device, BWRITEOFFSET, &offset_ops) == sizeof(written), "all blocks in one call");
	memset(read_back, 0, sizeof(read_back));
	offset_ops.data = read_back;
	check(ioctl(device, BREADOFFSET, &offset_ops) == sizeof(written) &&
	      memcmp(written, read_back, sizeof(written)) == 0, "and back in one call");
	offset_ops = (struct block_rwoffset_ops){ read_back, BLOCK, 1007 * BLOCK };
	check(ioctl(device, BREADOFFSET, &offset_ops) == BLOCK &&
	      memcmp(written + 7 * BLOCK, read_back, BLOCK) == 0, "one block out of the middle");
	close(device);
	return finish();
}
