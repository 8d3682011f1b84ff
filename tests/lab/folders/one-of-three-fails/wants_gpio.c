// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/gpio/driver.h>
static struct gpio_chip chip = {
	.label = "wants_gpio", .base = -1, .ngpio = 1, .owner = THIS_MODULE,
};
static int __init wants_gpio_start(void)
{
	return gpiochip_add_data(&chip, NULL);
}
static void __exit wants_gpio_end(void)
{
	gpiochip_remove(&chip);
}
module_init(wants_gpio_start);
module_exit(wants_gpio_end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Needs CONFIG_GPIOLIB");
