// SPDX-License-Identifier: GPL-2.0
/* An LED at a pin: it builds where there is no GPIO, and can do nothing there. */
#include <linux/gpio.h>
#include <linux/module.h>

#define PIN 4

static int __init blinks_init(void)
{
	int err = gpio_request(PIN, "blinks");

	if (err)
		return err;
	return gpio_direction_output(PIN, 1);
}

static void __exit blinks_exit(void)
{
	gpio_set_value(PIN, 0);
	gpio_free(PIN);
}

module_init(blinks_init);
module_exit(blinks_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An LED at a pin");
