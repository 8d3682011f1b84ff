/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * my_name: the greeting, the parameters, what they may not be. Argument: the
 * module's file. The module must not be loaded; it is not afterwards.
 */
#include "module.h"

#define SYS "/sys/module/my_name/"

static const char *module;

static bool unprivileged(void)
{
	return !strcmp(text_of(SYS "parameters/charParameter"), "Summer") &&
	       !strcmp(text_of(SYS "counters/greetings"), "1") &&
	       write_text(SYS "parameters/charParameter", "mine") == -1 && errno == EACCES;
}

static void greets(void)
{
	check(load(module, "charParameter=\"Summer\" intParameter=2025") == 0, "it loads");
	check(logged("my_name: Hello, I am Ringside, a student of CSE330 Summer 2025") == 1,
	      "and says hello with its parameters");
	check(!strcmp(text_of(SYS "parameters/intParameter"), "2025"), "intParameter is shown");
	check(!strcmp(text_of(SYS "parameters/name"), "Ringside"), "name is shown");
	check(counter("my_name", "greetings") == 1, "one greeting is counted");
	check(holds_unprivileged(unprivileged), "others may read all that, and change nothing");
	log_from_now();
	check(unload("my_name") == 0, "it unloads");
	check(logged("my_name: Goodbye") == 1, "and says goodbye");
	check(access(SYS, F_OK) != 0, "and its folder is gone");
}

static void good(const char *parameters, const char *greeting)
{
	check(load(module, parameters) == 0, "%s is taken", parameters);
	check(logged(greeting) == 1, "and the log says: %s", greeting);
	check(unload("my_name") == 0, "it unloads");
}

static void refused(const char *parameters, const char *reason)
{
	check_errno(load(module, parameters), EINVAL, "%.60s is EINVAL", parameters);
	check(logged(reason) == 1, "and the log says why: %s", reason);
	check(access(SYS, F_OK) != 0, "and nothing is left");
}

/* `parameter` with so many bytes, and the whole greeting that it makes. */
static void long_text(const char *parameter, const char *before, int length, const char *after)
{
	static char given[2000], greeting[2000];

	snprintf(given, sizeof(given), "%s=%0*d", parameter, length, 7);
	snprintf(greeting, sizeof(greeting), "my_name: Hello, I am %s%0*d%s", before, length, 7, after);
	check(load(module, given) == 0, "%s with %d bytes is taken", parameter, length);
	check(logged(greeting) == 1, "and is in the log from its first byte to its last");
	snprintf(greeting, sizeof(greeting), SYS "parameters/%s", parameter);
	check(!strcmp(text_of(greeting), given + strlen(parameter) + 1), "and is shown as it was given");
	check(unload("my_name") == 0, "it unloads");
}

/* A line of the log holds 1020 bytes, with all that stands before and behind the text. */
static void texts(void)
{
	static const char *before = "Ringside, a student of CSE330 ", *after = ", a student of CSE330 Spring 2025";
	static char given[4000];
	int i;

	long_text("charParameter", before, 80, " 2025");
	long_text("charParameter", before, 964, " 2025");
	long_text("name", "", 64, after);
	long_text("name", "", 966, after);

	snprintf(given, sizeof(given), "charParameter=%0965d", 7);
	refused(given, "my_name: refused (EINVAL): a greeting of 1021 bytes, and 1020 are the most");
	snprintf(given, sizeof(given), "charParameter=%0600d name=%0600d", 7, 7);
	refused(given, "my_name: refused (EINVAL): a greeting of 1248 bytes, and 1020 are the most");
	snprintf(given, sizeof(given), "charParameter=%01021d", 7);
	refused(given, "charParameter refused (EINVAL): it is 1021 bytes long, and 1020 are the most");
	/* What the log shows as four characters takes the room of four. */
	strcpy(given, "charParameter=");
	for (i = 0; i < 300; i++)
		strcat(given, "\001");
	refused(given, "are the most");
	snprintf(given, sizeof(given), "intParameter=x%0900d", 7);
	refused(given, "... (901 bytes) refused (EINVAL): it takes a whole number");
}

int main(int count, char **arguments)
{
	if (count != 2)
		give_up("usage: my_name MODULE.ko");
	module = arguments[1];

	greets();
	good("", "Hello, I am Ringside, a student of CSE330 Spring 2025");
	good("name=Ada", "Hello, I am Ada, a student of CSE330 Spring 2025");
	good("name=", "Hello, I am , a student of CSE330 Spring 2025");
	good("intParameter=-2147483648", "Spring -2147483648");
	good("intParameter=0x7fffffff", "Spring 2147483647");
	/* The log escapes a backslash: \x5c. */
	good("name=\"a\n<0>b\"", "Hello, I am a\\x5cn<0>b, a student");
	good("charParameter=\"a\n<0>b\"", "a student of CSE330 a\\x5cn<0>b 2025");

	refused("intParameter=2147483648", "intParameter=2147483648 refused (EINVAL)");
	refused("intParameter=-2147483649", "intParameter=-2147483649 refused (EINVAL)");
	refused("intParameter=99999999999999999999", "it takes a whole number from -2147483648");
	refused("intParameter=Spring", "intParameter=Spring refused (EINVAL)");
	refused("intParameter=", "intParameter= refused (EINVAL)");
	refused("intParameter=1.5", "intParameter=1.5 refused (EINVAL)");
	texts();
	return finish();
}
