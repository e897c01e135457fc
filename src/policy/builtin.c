/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/builtin.c - the table of built-in rules: names and directions. What they match is the compiler's. */
#include "policy/policy.h"

#define IN (1u << FW_IN)
#define OUT (1u << FW_OUT)
#define FORWARD (1u << FW_FORWARD)

static const struct {
	const char *name;
	unsigned int directions;
} builtins[FW_BUILTINS] = {
	[FW_BUILTIN_LOOPBACK] = { "loopback", IN | OUT },
	[FW_BUILTIN_ESTABLISHED] = { "established", IN | OUT | FORWARD },
	[FW_BUILTIN_ICMP_ERRORS] = { "icmp-errors", IN | OUT | FORWARD },
	[FW_BUILTIN_NEIGHBOUR] = { "neighbour", IN | OUT },
	[FW_BUILTIN_DHCP_CLIENT] = { "dhcp-client", IN | OUT },
	[FW_BUILTIN_RELATED] = { "related", IN | OUT | FORWARD },
	[FW_BUILTIN_INVALID] = { "invalid", IN | OUT | FORWARD },
	[FW_BUILTIN_PING] = { "ping", IN },
};

const char *fw_builtin_name(enum fw_builtin builtin)
{
	return builtins[builtin].name;
}

bool fw_builtin_applies(enum fw_builtin builtin, enum fw_direction direction)
{
	return builtins[builtin].directions & 1u << direction;
}
