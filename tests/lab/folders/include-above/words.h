// SPDX-License-Identifier: GPL-2.0
#define WORDS "found above"
