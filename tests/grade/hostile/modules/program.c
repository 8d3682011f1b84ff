// SPDX-License-Identifier: GPL-2.0
/* A program that was handed in, and what it tries in the guest that runs it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT, 0666);

	if (file < 0)
		return -1;
	int done = write(file, text, strlen(text)) == (ssize_t)strlen(text);
	close(file);
	return done ? 0 : -1;
}

/* Mounts every share that there is again, so that it may be written to. */
static void remount(void)
{
	char line[4096], from[512], place[512];
	FILE *mounts = fopen("/proc/1/mounts", "r");

	while (mounts && fgets(line, sizeof(line), mounts)) {
		char path[1200];

		if (sscanf(line, "%511s %511s", from, place) != 2)
			continue;
		snprintf(path, sizeof(path), "/proc/1/root%s", place);
		mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL);
		mount(NULL, path, NULL, MS_REMOUNT, NULL);
		strncat(path, "/ringside-was-here", sizeof(path) - strlen(path) - 1);
		put(path, "x");
	}
}

static void list(const char *what, const char *path)
{
	DIR *folder = opendir(path);

	printf("%s:", what);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		if (entry->d_name[0] != '.')
			printf(" %s", entry->d_name);
	printf("\n");
}

int main(int count, char **words)
{
	const char *how = count > 1 ? words[1] : "";

	if (!strcmp(how, "sysrq"))
		return put("/proc/sysrq-trigger", "c");
	if (!strcmp(how, "agent")) {
		for (pid_t pid = getppid(); pid > 0; pid--)
			if (pid != getpid())
				kill(pid, SIGKILL);
		pause();
	}
	if (!strcmp(how, "log"))
		return put("/dev/kmsg", "<0>innocent: at your service\n");
	if (!strcmp(how, "prints"))
		for (;;)
			puts("one line of a great many that say nothing at all, over and over again");
	if (!strcmp(how, "looks")) {
		remount();
		list("net", "/sys/class/net");
		list("home", "/home");
		list("root", "/root");
		printf("shadow: %d\n", access("/etc/shadow", F_OK));
	}
	return 0;
}
