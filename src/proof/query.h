/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/query.h - a packet, or a kind of packet, that is asked about: what is left out is anything. */
#ifndef FW_PROOF_QUERY_H
#define FW_PROOF_QUERY_H

#include "policy/policy.h"

struct fw_query {
	enum fw_direction direction;
	struct fw_match match;
	bool has_time;
	int64_t local; /* seconds since 1970 by the local clock: that time, or the present */
	bool says_lo;
};

struct fw_query_error {
	char message[200]; /* what is wrong, with the word */
	const char *help;
};

/* Reads [DIRECTION] PROTO [from A] [to A] [port N] [source-port N] [on IF] [leaving IF] [as user U] [as group G] [at TIME]; `to port N` works too.
 * PROTO: a protocol, TYPE/icmp, TYPE/icmpv6, PORT/tcp, or `any`. TIME: HH:MM of the day of `local_now`, or YYYY-MM-DDTHH:MM. The first word that is
 * none of these ends it: *ret_used words were read. 0; -EINVAL with *ret_error; -ENOMEM. What it holds is in `arena`. */
struct fw_query_words {
	char *const *words;
	size_t count;
	int64_t local_now;
	/* As in struct fw_policy_env. */
	int (*user_id)(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id);
	void *context;
};
int fw_query_parse(struct fw_arena *arena, const struct fw_query_words *words, struct fw_query *ret_query, size_t *ret_used,
		   struct fw_query_error *ret_error);

#endif
