/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/what.h - the loose parts that what.c and helper.c collect in r->parts and r->helper_parts. */
#ifndef FW_POLICY_WHAT_H
#define FW_POLICY_WHAT_H

#include "net/addr.h"

struct what_part { /* ports, or one ICMP type; or all of a protocol */
	uint8_t proto;
	bool all;
	struct fw_range range;
};

struct helper_part {
	size_t helper; /* row of the table of helpers */
	uint8_t proto;
	struct fw_range ports;
};

#endif
