/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/proof.h - what holds for every packet that opens a connection, not for samples: a policy as one decision diagram for each direction.
 * Pure: no sockets, no clock. Limits count as not reached, a block's dynamic groups have no members, any other's unknown ones. */
#ifndef FW_PROOF_PROOF_H
#define FW_PROOF_PROOF_H

#include "base/buf.h"
#include "diag/diag.h"
#include "diagram/space.h"

struct fw_proof_direction {
	struct fw_vec deciders; /* struct fw_decider */
	uint32_t packets; /* those there can be: leaf 0 */
	/* Who decides each packet and, in the low bits of the leaf, an enum fw_proof_next of who would without. Undecided: no packet. */
	uint32_t decided;
	/* Deciders from this one on are not in `decided`, which would be too big; all of them are where it is deciders.len. */
	size_t taken;
	bool has_next;
};

enum fw_proof_next { /* who would decide, were the first not there */
	FW_NEXT_NOBODY,
	FW_NEXT_ALLOW,
	FW_NEXT_DENY,
	FW_NEXT_REJECT,
	FW_NEXT_OTHER, /* does more than that: limits, attaches a helper */
};

struct fw_proof {
	struct fw_arena *arena;
	const struct fw_policy *policy;
	struct fw_space space;
	struct fw_proof_direction directions[FW_DIRECTIONS];
};

/* `local_now`: of struct fw_space. 0; -ENOMEM; -E2BIG: not even one line of a direction fits the bounds. To be ended with fw_proof_done; the arena must outlive it. */
int fw_proof_init(struct fw_proof *proof, struct fw_arena *arena, const struct fw_policy *policy, int64_t local_now);
void fw_proof_done(struct fw_proof *proof); /* for FW_CLEANUP too; a zeroed one is fine */

/* Each expectation that does not hold becomes an error with a packet and the line that decided it. 0 or -ENOMEM. */
int fw_proof_expects(struct fw_proof *proof, struct fw_diags *diags);
/* Instead of the two, where fw_proof_init answered -E2BIG: each expectation is an error, for it is not proven. */
void fw_proof_give_up(const struct fw_policy *policy, struct fw_diags *diags);
/* The warnings shadowed, redundant and empty. 0 or -ENOMEM. */
int fw_proof_warnings(struct fw_proof *proof, struct fw_diags *diags);

/* A point of the space as `fwctl explain` reads it: "in tcp from 192.0.2.7 to 192.0.2.1 port 22 on eth0". */
struct fw_proof_point {
	enum fw_direction direction;
	struct fw_u128 values[FW_DIAGRAM_FIELDS_MAX];
};
void fw_proof_print_point(const struct fw_space *space, const struct fw_proof_point *point, struct fw_buf *out);
/* A point of `ref` with a wanted leaf, of plain numbers where there is a choice. As fw_diagram_witness. */
int fw_proof_witness(struct fw_space *space, uint32_t ref, const struct fw_diagram_want *want, struct fw_proof_point *ret_point);

#endif
