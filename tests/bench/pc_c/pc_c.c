// SPDX-License-Identifier: GPL-2.0
/*
 * pc_c: what modules/producer_consumer does, in C, as a baseline for its speed.
 *
 * The same algorithm step by step: the gate's flag, try the semaphore, wait for
 * it, the flag again, the ring under its spinlock, the counts of the thread, a
 * line in the log five times a second, the other semaphore, the delay. Threads
 * are scheduled alike (SCHED_IDLE), and start together. What the dashboard
 * controls (pause, step, tables) is left out: it costs nothing while it is not
 * used.
 *
 *	# insmod pc_c.ko prod=5 cons=3 size=10
 *	# cat /sys/module/pc_c/parameters/consumed	# items so far
 *	# rmmod pc_c
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <uapi/linux/sched/types.h>

static int prod = 1;
module_param(prod, int, 0444);
MODULE_PARM_DESC(prod, "producer threads");
static int cons = 1;
module_param(cons, int, 0444);
MODULE_PARM_DESC(cons, "consumer threads");
static int size = 10;
module_param(size, int, 0444);
MODULE_PARM_DESC(size, "slots of the ring");

struct slot {
	u64 item;
	u32 producer;
	u32 reserved;
};

struct worker {
	struct task_struct *task;
	u64 items;
	u64 waits;
	u32 index;
	u32 state;
	bool producer;
} ____cacheline_aligned;

enum { RUNNING, WAITS };
enum { OPEN, CLOSED, STOPPING };

static struct semaphore empty, full;
static DEFINE_SPINLOCK(lock);
static struct slot *slots;
static size_t head, tail;
static u64 produced, consumed;
static unsigned int gate = CLOSED;
static DECLARE_WAIT_QUEUE_HEAD(opened);
static u64 producer_delay, consumer_delay;
static unsigned long next_producer_line, next_consumer_line;
static struct worker *workers;

static int get_consumed(char *buffer, const struct kernel_param *param)
{
	u64 value;

	spin_lock(&lock);
	value = consumed;
	spin_unlock(&lock);
	return sysfs_emit(buffer, "%llu\n", value);
}
static const struct kernel_param_ops consumed_ops = { .get = get_consumed };
module_param_cb(consumed, &consumed_ops, NULL, 0444);
MODULE_PARM_DESC(consumed, "items taken out of the ring so far (read only)");

static bool put(u32 producer, struct slot *moved)
{
	struct slot *slot;

	if (!size || slots[head].item)
		return false;
	slot = &slots[head];
	slot->item = ++produced;
	slot->producer = producer;
	head = head + 1 < size ? head + 1 : 0;
	*moved = *slot;
	return true;
}

static bool take(struct slot *moved)
{
	if (!size || !slots[tail].item)
		return false;
	*moved = slots[tail];
	slots[tail] = (struct slot){};
	consumed++;
	tail = tail + 1 < size ? tail + 1 : 0;
	return true;
}

static bool line_passes(unsigned long *next)
{
	unsigned long now = jiffies, was = READ_ONCE(*next);

	return time_after_eq(now, was) &&
	       cmpxchg_relaxed(next, was, now + msecs_to_jiffies(200)) == was;
}

static void move_item(struct worker *me)
{
	struct slot moved;
	bool ok;

	spin_lock(&lock);
	ok = me->producer ? put(me->index, &moved) : take(&moved);
	spin_unlock(&lock);
	if (!ok) {
		pr_warn_once("the semaphores and the ring disagree\n");
		return;
	}
	WRITE_ONCE(me->items, me->items + 1);
	if (me->producer && line_passes(&next_producer_line))
		pr_info("Producer-%u puts item %llu\n", moved.producer, moved.item);
	else if (!me->producer && line_passes(&next_consumer_line))
		pr_info("Consumer-%u takes item %llu of Producer-%u\n",
			me->index, moved.item, moved.producer);
}

static int work(void *data)
{
	struct worker *me = data;
	struct semaphore *wanted = me->producer ? &empty : &full;
	struct semaphore *offered = me->producer ? &full : &empty;
	u64 *delay = me->producer ? &producer_delay : &consumer_delay;

	for (;;) {
		if (READ_ONCE(gate) != OPEN) {
			wait_event_interruptible(opened, READ_ONCE(gate) != CLOSED);
			if (READ_ONCE(gate) == STOPPING || kthread_should_stop())
				return 0;
		}
		if (down_trylock(wanted)) {
			int error;

			WRITE_ONCE(me->waits, me->waits + 1);
			WRITE_ONCE(me->state, WAITS);
			error = down_interruptible(wanted);
			WRITE_ONCE(me->state, RUNNING);
			if (error && kthread_should_stop())
				return 0;
			if (error)
				continue;
		}
		if (READ_ONCE(gate) != OPEN) {
			up(wanted);
			continue;
		}
		move_item(me);
		up(offered);
		if (READ_ONCE(*delay))
			schedule_timeout_interruptible(1);
	}
}

static void stop_all(void)
{
	int i;

	WRITE_ONCE(gate, STOPPING);
	wake_up_all(&opened);
	for (i = 0; i < prod + cons; i++)
		if (workers[i].task)
			kthread_stop_put(workers[i].task);
	kvfree(workers);
	kvfree(slots);
}

static int __init pc_c_init(void)
{
	static const struct sched_attr idle = {
		.size = sizeof(idle),
		.sched_policy = SCHED_IDLE,
	};
	int i;

	if (prod < 0 || prod > 1000 || cons < 0 || cons > 1000 || size < 0 || size > 1000000)
		return -EINVAL;
	sema_init(&empty, size);
	sema_init(&full, 0);
	next_producer_line = next_consumer_line = jiffies;
	slots = kvcalloc(size, sizeof(*slots), GFP_KERNEL);
	workers = kvcalloc(prod + cons, sizeof(*workers), GFP_KERNEL);
	if (!slots || !workers) {
		kvfree(slots);
		kvfree(workers);
		return -ENOMEM;
	}
	for (i = 0; i < prod + cons; i++) {
		struct worker *me = &workers[i];
		struct task_struct *task;

		me->producer = i < prod;
		me->index = me->producer ? i + 1 : i - prod + 1;
		task = kthread_create(work, me, "%s-%u", me->producer ? "Producer" : "Consumer",
				      me->index);
		if (IS_ERR(task)) {
			stop_all();
			return PTR_ERR(task);
		}
		me->task = get_task_struct(task);
		sched_setattr_nocheck(task, &idle);
		wake_up_process(task);
	}
	WRITE_ONCE(gate, OPEN);
	wake_up_all(&opened);
	return 0;
}
module_init(pc_c_init);

static void __exit pc_c_exit(void)
{
	stop_all();
}
module_exit(pc_c_exit);

MODULE_AUTHOR("The Ringside authors");
MODULE_DESCRIPTION("The baseline in C for the speed of producer_consumer");
MODULE_LICENSE("GPL");
