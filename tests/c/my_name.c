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

int main(int count, char **arguments)
{
	char longest[80] = "name=";

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
	good("charParameter=\"a\n<0>b\"", "a student of CSE330 a\\x5cn<0>b 2025");

	refused("intParameter=2147483648", "intParameter=2147483648 refused (EINVAL)");
	refused("intParameter=-2147483649", "intParameter=-2147483649 refused (EINVAL)");
	refused("intParameter=99999999999999999999", "it takes a whole number from -2147483648");
	refused("intParameter=Spring", "intParameter=Spring refused (EINVAL)");
	refused("intParameter=", "intParameter= refused (EINVAL)");
	refused("intParameter=1.5", "intParameter=1.5 refused (EINVAL)");

	memset(longest + 5, 'x', 64);
	refused(longest, "name refused (EINVAL): it is 64 bytes long, and 63 are the most");
	longest[5 + 63] = 0;
	check(load(module, longest) == 0, "63 bytes are not too many");
	check(unload("my_name") == 0, "it unloads");
	return finish();
}
