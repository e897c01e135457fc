/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/explain.h - which line decides a packet, or each kind of the packets that a question describes; and what two policies decide differently.
 * Of packets that open a connection; what a limit refuses is its rule's own. */
#ifndef FW_PROOF_EXPLAIN_H
#define FW_PROOF_EXPLAIN_H

#include "base/vec.h"
#include "diagram/space.h"
#include "proof/query.h"

#define FW_EXPLAIN_REGIONS 8 /* of one answer, or one pair of lines, at most */

struct fw_regions {
	struct fw_vec words; /* const char *: boxes of packets, as fw_words_region has them */
	bool more;
};
struct fw_answer {
	const struct fw_decider *decider;
	struct fw_regions where;
};
struct fw_passed { /* a line before the one that decides, and the first of its conditions that does not hold */
	const struct fw_decider *decider;
	const char *why;
};
struct fw_explained {
	struct fw_vec answers; /* struct fw_answer, in the order in which they decide; at least one */
	struct fw_vec passed;  /* struct fw_passed; filled where there is one answer */
};
/* 0; -ENOMEM; -E2BIG. All of it is in `arena`. */
int fw_explain(struct fw_arena *arena, const struct fw_policy *policy, const struct fw_query *query, struct fw_explained *ret_explained);

struct fw_difference {
	enum fw_direction direction;
	const struct fw_decider *before, *after;
	struct fw_regions where;
};
/* What `policies[0]` and `policies[1]` decide differently (struct fw_difference); none: they are proven equal. As fw_explain. */
int fw_differences(struct fw_arena *arena, const struct fw_policy *const policies[2], int64_t local_now, struct fw_vec *ret_differences);

/* What stands between two: a limit, a helper. Two lines that do the same need not be the same line. */
bool fw_decides_same(const struct fw_decider *a, const struct fw_decider *b);
/* "6/minute per source, burst 6; at most 10 connections": what a line's limits add; empty where there are none. */
void fw_words_limits(const struct fw_decider *decider, struct fw_buf *out);

#endif
