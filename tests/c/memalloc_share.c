/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* memalloc: SHAREPAGE and ACCESSPAGE, between a server (here) and its clients. */
#include "memalloc.h"

/* What a client does on command; the answer is 0 or the errno. */
enum { ACCESS, RELEASE, READ, WRITE, RESHARE, END };

struct client {
	pid_t pid;
	struct turns turns;
};

static struct client start(void)
{
	struct client client;

	turns_open(&client.turns);
	client.pid = fork();
	if (client.pid == 0) {
		open_device();
		for (;;) {
			long command = take_over(client.turns.to_child[0]);
			long argument = take_over(client.turns.to_child[0]);
			long answer = 0;

			errno = 0;
			switch (command) {
			case ACCESS:
				access_page(argument);
				answer = errno;
				break;
			case RELEASE:
				give_back(argument);
				answer = errno;
				break;
			case READ:
				answer = touch(argument, false);
				if (!answer)
					answer = 1000 + *(volatile unsigned char *)argument;
				break;
			case WRITE:
				answer = touch(argument, true);
				break;
			case RESHARE:
				share(THERE, argument, true);
				answer = errno;
				break;
			case END:
				_exit(0);
			}
			hand_over(client.turns.to_parent[1], answer);
		}
	}
	return client;
}

static long tell(struct client *client, long command, long argument)
{
	hand_over(client->turns.to_child[1], command);
	hand_over(client->turns.to_child[1], argument);
	return take_over(client->turns.to_parent[0]);
}

static void stop(struct client *client)
{
	hand_over(client->turns.to_child[1], END);
	hand_over(client->turns.to_child[1], 0);
	waitpid(client->pid, NULL, 0);
	turns_close(&client->turns);
}

static void both_see_writes(void)
{
	volatile unsigned char *page = (volatile unsigned char *)HERE + PAGE;
	struct client client = start();

	allocate(HERE, 3, true);
	*page = 7;
	check_equal(shown("offers"), 0, "nothing is on offer");
	check(share(HERE + PAGE, client.pid, true) == 0, "SHAREPAGE of the second page returns 0");
	check_equal(shown("offers"), 1, "an offer is counted");
	check_equal(shown("requests"), 1, "an offer alone is no request");
	check(tell(&client, ACCESS, THERE) == 0, "ACCESSPAGE returns 0");
	check_equal(tell(&client, READ, THERE), 1007, "the client reads what the server wrote");
	check(tell(&client, WRITE, THERE) == 0 && *page == 1,
	      "the server reads what the client wrote");
	check_equal(shown("pages_mapped"), 3, "the page is not counted twice");
	check_equal(shown("requests"), 2, "the client's mapping counts as a request");
	check_equal(shown("shared_pages"), 1, "one page is shared");
	check_equal(shown("offers"), 0, "it is on offer no more");
	check_equal(tell(&client, ACCESS, THERE + PAGE), ENOENT, "the offer is used up");
	check_equal(tell(&client, RELEASE, THERE), 0, "the client can give it back");
	check_equal(tell(&client, READ, THERE), SIGSEGV, "it is gone for the client");
	check_equal(shown("shared_pages"), 0, "nothing is shared then");
	check_equal(shown("pages_mapped"), 3, "the server still has its pages");
	*page = 9;
	give_back(HERE);
	stop(&client);
	check(is_empty(), "nothing is left behind");
}

static void who_may_write(void)
{
	struct client client = start();

	allocate(HERE, 1, true);
	allocate(HERE + PAGE, 1, false);
	share(HERE, client.pid, false);
	check(tell(&client, ACCESS, THERE) == 0, "a page is offered for reading");
	check_equal(tell(&client, READ, THERE), 1000, "the client can read it");
	check_equal(tell(&client, WRITE, THERE), SIGSEGV, "the client can't write to it");
	check(touch(HERE, true) == 0, "the server still can");
	tell(&client, RELEASE, THERE);
	share(HERE + PAGE, client.pid, true);
	check(tell(&client, ACCESS, THERE) == 0, "a read-only page is offered for writing");
	check_equal(tell(&client, WRITE, THERE), SIGSEGV, "the client has no more than the owner");
	stop(&client);
	give_back(HERE);
	give_back(HERE + PAGE);
	check(is_empty(), "nothing is left behind");
}

static void the_latest_offer_wins(void)
{
	struct client client = start();

	allocate(HERE, 2, true);
	*(char *)HERE = 11;
	*(char *)(HERE + PAGE) = 22;
	share(HERE, client.pid, true);
	share(HERE + PAGE, client.pid, true);
	check_equal(shown("offers"), 1, "a second offer to a process takes the place of the first");
	check(tell(&client, ACCESS, THERE) == 0 && tell(&client, READ, THERE) == 1022,
	      "of two offers the later is mapped");
	check_equal(tell(&client, ACCESS, THERE + PAGE), ENOENT, "the earlier is gone");
	check_equal(tell(&client, RELEASE, THERE), 0, "it is given back");

	share(HERE, client.pid, true);
	allocate(THERE, 1, true);
	check_equal(tell(&client, ACCESS, 0), EINVAL, "ACCESSPAGE at address 0 is EINVAL");
	check(tell(&client, ACCESS, THERE) == 0, "which does not use the offer up");
	share(HERE + PAGE, client.pid, true);
	check_equal(tell(&client, ACCESS, THERE), EEXIST, "where something is mapped it is EEXIST");
	check(tell(&client, ACCESS, THERE + PAGE) == 0 && tell(&client, READ, THERE + PAGE) == 1022,
	      "which does not use the offer up either");
	check_equal(shown("shared_pages"), 2, "two pages are shared");
	stop(&client);
	give_back(HERE);
	give_back(THERE);
	check(is_empty(), "nothing is left behind");
}

static void pages_outlive_their_first_owner(void)
{
	struct client client = start(), second = start();

	allocate(HERE, 4, true);
	*(char *)HERE = 33;
	share(HERE, client.pid, true);
	tell(&client, ACCESS, THERE);
	give_back(HERE);
	check_equal(tell(&client, READ, THERE), 1033, "the page outlives the owner's FREE");
	check_equal(shown("pages_mapped"), 1, "one page is left of four");
	check_equal(shown("shared_pages"), 0, "and it is shared with no one");
	check_equal(tell(&client, RESHARE, second.pid), 0, "who has it can offer it on");
	check(tell(&second, ACCESS, THERE) == 0 && tell(&second, READ, THERE) == 1033,
	      "a third process maps it");
	check_equal(shown("shared_pages"), 1, "now it is shared again");
	kill(client.pid, SIGKILL);
	waitpid(client.pid, NULL, 0);
	turns_close(&client.turns);
	check_equal(tell(&second, READ, THERE), 1033, "it outlives a SIGKILL of the second owner");
	check_equal(shown("pages_mapped"), 1, "it is counted once all the time");
	check_equal(shown("requests"), 1, "with one request");
	stop(&second);
	check(is_empty(), "the last to let go ends it");
}

static void offers_die(void)
{
	struct client client = start();
	pid_t dead;
	int i;

	allocate(HERE, 1, true);
	share(HERE, client.pid, true);
	give_back(HERE);
	check_equal(shown("offers"), 0, "an offer ends with its request");
	check_equal(tell(&client, ACCESS, THERE), ENOENT, "and can't be taken up any more");

	allocate(HERE, 1, true);
	dead = fork();
	if (dead == 0)
		_exit(0);
	waitpid(dead, NULL, 0);
	check_errno(share(HERE, dead, true), ESRCH, "a page can't be offered to the dead: ESRCH");
	for (i = 0; i < 300; i++) {
		dead = fork();
		if (dead == 0) {
			pause();
			_exit(0);
		}
		share(HERE, dead, true);
		kill(dead, SIGKILL);
		waitpid(dead, NULL, 0);
	}
	check(shown("requests") == 1 && shown("pages_mapped") == 1,
	      "300 offers to processes that died leave no request");
	check(shown("offers") <= 1, "and no offer but the last: %lu", shown("offers"));
	share(HERE, client.pid, true);
	check_equal(shown("offers"), 1, "which goes with the next");
	stop(&client);

	client = start();
	dead = fork();
	if (dead == 0) {
		open_device();
		allocate(THERE, 1, true);
		share(THERE, client.pid, true);
		_exit(0);
	}
	waitpid(dead, NULL, 0);
	check_equal(shown("offers"), 0, "an offer ends with the one who made it");
	check_equal(tell(&client, ACCESS, THERE), ENOENT, "it can't be taken up any more");
	stop(&client);
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

static void with_oneself(void)
{
	allocate(HERE, 1, true);
	check(share(HERE, getpid(), true) == 0 && access_page(THERE) == 0,
	      "a process can share a page with itself");
	*(volatile char *)HERE = 44;
	check(*(volatile char *)THERE == 44, "it has it at two addresses");
	check_equal(shown("shared_pages"), 0, "no other process has it");
	check_equal(shown("pages_mapped"), 1, "it is one page");
	give_back(HERE);
	check(*(volatile char *)THERE == 44, "each is given back by itself");
	give_back(THERE);
	check(is_empty(), "nothing is left behind");
}

static void beside_the_limits(void)
{
	struct client client = start();
	int i;

	allocate(HERE, 4096, true);
	share(HERE + 4095 * PAGE, client.pid, true);
	check_equal(tell(&client, ACCESS, THERE), 0, "sharing needs no page of the limit");
	give_back(HERE);
	check(allocate(HERE, 4096, true) == -1 && errno == ENOENT,
	      "a page that only the client has left counts");
	tell(&client, RELEASE, THERE);

	for (i = 0; i < 100; i++)
		allocate(HERE + i * PAGE, 1, true);
	share(HERE, client.pid, true);
	check_equal(tell(&client, ACCESS, THERE), MEMALLOC_ERRNO_REQUESTS_LIMIT,
		    "it needs a request of the limit");
	give_back(HERE + PAGE);
	check_equal(tell(&client, ACCESS, THERE), 0, "and the offer stands when there is one");
	stop(&client);
	for (i = 0; i < 100; i++)
		if (i != 1)
			give_back(HERE + i * PAGE);
	check(is_empty(), "nothing is left behind");
}

static void wrong_arguments(void)
{
	struct client client = start();

	allocate(HERE, 1, true);
	check_errno(share(HERE, 0, true), EINVAL, "SHAREPAGE to process 0 is EINVAL");
	check_errno(share(HERE, -1, true), EINVAL, "to process -1 as well");
	check_errno(share(HERE, 2, true), ESRCH, "to a kernel thread it is ESRCH");
	check_errno(share(HERE, INT32_MAX, true), ESRCH, "to a process that isn't there too");
	check_errno(share(HERE + 1, client.pid, true), EINVAL, "inside a page it is EINVAL");
	check_errno(share(HERE + PAGE, client.pid, true), EINVAL, "behind the request as well");
	check_errno(share((unsigned long)&client & ~(PAGE - 1), client.pid, true), EINVAL,
		    "so is a page that is the caller's own, and not memalloc's");
	check_errno(access_page(THERE), ENOENT, "ACCESSPAGE without an offer is ENOENT");
	check_equal(tell(&client, ACCESS, THERE), ENOENT, "for the client as well");
	stop(&client);
	give_back(HERE);
	check(is_empty(), "nothing is left behind");
}

int main(void)
{
	open_device();
	both_see_writes();
	who_may_write();
	the_latest_offer_wins();
	pages_outlive_their_first_owner();
	offers_die();
	with_oneself();
	beside_the_limits();
	wrong_arguments();
	close(device);
	return finish();
}
