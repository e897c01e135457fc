/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/proof.c - a policy as decision diagrams. The deciders of a direction are combined in their order into who decides and what the next one
 * would do: one structure for expectations, for rules that are never reached and for those that change nothing. */
#include "proof/proof.h"

#include <errno.h>

#define MAX_EDGES ((size_t)1 << 23)
#define MAX_BYTES ((size_t)768 << 20)
#define NEXT_MASK ((1u << FW_DECIDER_SHIFT) - 1)

static enum fw_proof_next next_of(const struct fw_decider *decider)
{
	const struct fw_rule *rule = decider->rule;

	if (rule && (rule->rate.count || rule->connections || rule->match.what.helper_count))
		return FW_NEXT_OTHER;
	switch (decider->verdict) {
	case FW_ALLOW:
		return FW_NEXT_ALLOW;
	case FW_DENY:
		return FW_NEXT_DENY;
	case FW_REJECT:
		return FW_NEXT_REJECT;
	}
	return FW_NEXT_OTHER;
}

/* The first decides; the second says what would be without it. */
static int decide_next(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	const struct fw_vec *deciders = context;

	*ret_value = a & NEXT_MASK ? a : a | (uint32_t)next_of(fw_vec_at(deciders, b >> FW_DECIDER_SHIFT));
	return 0;
}

static bool is_complete(void *context, uint32_t value)
{
	(void)context;
	return value != FW_DIAGRAM_NONE && value & NEXT_MASK;
}

static int make_decided(struct fw_diagram *diagram, struct fw_proof_direction *direction, const uint32_t *boxes)
{
	static const struct fw_diagram_short shorts[] = {
		{ FW_DIAGRAM_A, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_B },
		{ FW_DIAGRAM_B, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_A },
	};
	const struct fw_diagram_op op = {
		.decide = decide_next, .context = &direction->deciders, .equal = FW_DIAGRAM_EQUAL_ASKS, .shorts = shorts,
		.short_count = FW_ARRAY_SIZE(shorts), .keeps = is_complete,
	};
	const size_t count = direction->deciders.len;

	direction->taken = count;
	direction->has_next = true;
	int r = fw_diagram_combine_all(diagram, boxes, count, &op, &direction->decided);
	if (r == 0 || (r == -ENOMEM && !fw_diagram_over_budget(diagram)))
		return r;
	direction->has_next = false;
	return fw_diagram_over_most(diagram, boxes, count, &direction->decided, &direction->taken);
}

static int make_direction(struct fw_proof *proof, enum fw_direction number)
{
	struct fw_proof_direction *direction = &proof->directions[number];
	int r = fw_space_deciders(&proof->space, proof->policy, number, &direction->deciders);
	if (r < 0)
		return r;

	uint32_t *boxes = fw_arena_alloc(proof->arena, direction->deciders.len, sizeof(*boxes));
	if (!boxes)
		return -ENOMEM;
	for (size_t i = 0; i < direction->deciders.len; i++)
		boxes[i] = ((const struct fw_decider *)fw_vec_at(&direction->deciders, i))->box;
	r = make_decided(proof->space.diagram, direction, boxes);
	if (r == 0)
		r = fw_space_packets(&proof->space, number, fw_diagram_leaf(0), &direction->packets);
	return r < 0 ? r : fw_diagram_restrict(proof->space.diagram, direction->decided, direction->packets, &direction->decided);
}

/* The diagram's own budget is a bound like that of its edges. */
static int past_bounds(const struct fw_proof *proof, int r)
{
	return r == -ENOMEM && proof->space.diagram && fw_diagram_over_budget(proof->space.diagram) ? -E2BIG : r;
}

int fw_proof_init(struct fw_proof *proof, struct fw_arena *arena, const struct fw_policy *policy, int64_t local_now)
{
	const struct fw_space_init init = {
		.policies = &policy, .policy_count = 1, .limits = { MAX_EDGES, MAX_BYTES }, .local_now = local_now
	};

	*proof = (struct fw_proof){ .arena = arena, .policy = policy };
	int r = fw_space_init(&proof->space, arena, &init);
	for (unsigned int d = 0; d < FW_DIRECTIONS && r == 0; d++)
		r = make_direction(proof, (enum fw_direction)d);
	return past_bounds(proof, r);
}

void fw_proof_done(struct fw_proof *proof)
{
	fw_space_done(&proof->space);
}
