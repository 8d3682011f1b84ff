// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
static int level = 1, a, two_words;
static int set_level(const char *value, const struct kernel_param *parameter)
{
	return param_set_int(value, parameter);
}
static const struct kernel_param_ops level_ops = { .set = set_level, .get = param_get_int };
module_param_cb(level, &level_ops, &level, 0644);
static bool verbose;
module_param(verbose, bool, 0644);
module_param(a, int, 0644);
module_param(two_words, int, 0644);
static char tag[16] = "none";
module_param_string(tag, tag, sizeof(tag), 0644);
static unsigned long long big;
module_param(big, ullong, 0400);
static char *who = "?";
module_param(who, charp, 0444);
static int list[3], listed;
module_param_array(list, int, &listed, 0444);
static int __init every_start(void)
{
	pr_info("level %d verbose %d a %d tag <%s> big %llu who <%s> two_words %d list %d\n",
		level, verbose, a, tag, big, who, two_words, listed);
	return 0;
}
static void __exit every_end(void)
{
}
module_init(every_start);
module_exit(every_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Parameters of every kind");
