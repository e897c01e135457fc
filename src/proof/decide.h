/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/decide.h - what a policy says of one packet that opens a connection: blocks, rules in order, ping, default. The built-in rules other than ping are
 * left out; limits count as not reached; dynamic groups have the members that the caller tells. Pure: no sockets, no clock. */
#ifndef FW_PROOF_DECIDE_H
#define FW_PROOF_DECIDE_H

#include "policy/policy.h"

struct fw_packet {
	enum fw_direction direction;
	enum fw_family family;
	uint8_t proto;
	struct fw_u128 from, to;
	uint16_t source_port, port; /* port: destination port, or the ICMP type */
	const char *on, *leaving;   /* interface names; "" where unknown: matches `any` only */
	bool has_owner;             /* a socket sent it */
	uint32_t uid, gid;
	int64_t now;                /* Unix seconds, and the local zone's offset then */
	int32_t utc_offset;
};

enum fw_decided_by { FW_BY_BLOCK, FW_BY_RULE, FW_BY_BUILTIN, FW_BY_DEFAULT };

struct fw_decision {
	enum fw_decided_by by;
	enum fw_verdict verdict;
	const struct fw_rule *rule;   /* FW_BY_RULE */
	const struct fw_block *block; /* FW_BY_BLOCK */
	enum fw_builtin builtin;      /* FW_BY_BUILTIN */
};

/* Is `address` a member of this dynamic group now? NULL: they are all empty. */
typedef bool fw_member_test(void *context, const struct fw_group *group, enum fw_family family, struct fw_u128 address);

struct fw_decision fw_decide(const struct fw_policy *policy, const struct fw_packet *packet, fw_member_test *is_member, void *context);
/* Does the clock, which shows `local` (seconds since 1970-01-01 00:00 there), lie within? */
bool fw_during_holds(const struct fw_ast_during *during, int64_t local);
/* Does the match hold for the packet? */
bool fw_match_packet(const struct fw_match *match, const struct fw_packet *packet, fw_member_test *is_member, void *context);

#endif
