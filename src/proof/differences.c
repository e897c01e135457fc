/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/differences.c - two policies in one space: where their decisions differ, each pair of lines that differs somewhere. Nothing left means
 * that they are proven equal. */
#include <errno.h>

#include "proof/explain.h"
#include "proof/regions.h"

#define MAX_EDGES ((size_t)1 << 23)
#define MAX_BYTES ((size_t)768 << 20)

struct pair {
	uint32_t before, after; /* leaves */
};

struct comparing {
	struct fw_arena *arena;
	const struct fw_policy *const *policies;
	struct fw_space space;
	enum fw_direction direction;
	struct fw_vec deciders[2];
	struct fw_vec pairs; /* struct pair: the leaf of a difference is its number */
	struct fw_vec *found;
};

static const struct fw_decider *decider_of(const struct comparing *c, unsigned int side, uint32_t leaf)
{
	return fw_vec_at(&c->deciders[side], leaf >> FW_DECIDER_SHIFT);
}

static int number_pair(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	struct comparing *c = context;

	*ret_value = FW_DIAGRAM_NONE;
	if (fw_decides_same(decider_of(c, 0, a), decider_of(c, 1, b)))
		return 0;
	struct pair *pair = fw_vec_push(&c->pairs);
	if (!pair)
		return -ENOMEM;
	*pair = (struct pair){ a, b };
	*ret_value = (uint32_t)c->pairs.len - 1;
	return 0;
}

static int decide(struct comparing *c, unsigned int side, uint32_t *ret_decided)
{
	int r = fw_space_deciders(&c->space, c->policies[side], c->direction, &c->deciders[side]);
	if (r < 0)
		return r;

	return fw_space_decide(&c->space, &c->deciders[side], NULL, ret_decided);
}

static int add_difference(struct comparing *c, uint32_t difference, uint32_t number)
{
	const struct pair *pair = fw_vec_at(&c->pairs, number);
	struct fw_difference *slot = fw_vec_push(c->found);
	if (!slot)
		return -ENOMEM;

	slot->direction = c->direction;
	slot->before = decider_of(c, 0, pair->before);
	slot->after = decider_of(c, 1, pair->after);
	return fw_regions_collect(&c->space, c->policies[1], difference, number, &slot->where);
}

static int compare_direction(struct comparing *c)
{
	/* the numbers of leaves are each policy's own, so that equal diagrams may mean different things */
	const struct fw_diagram_op op = { .decide = number_pair, .context = c, .equal = FW_DIAGRAM_EQUAL_ASKS };
	struct fw_diagram_leaves leaves = { 0 };
	uint32_t decided[2], difference, real;
	int r = 0;

	fw_vec_init(&c->pairs, c->arena, sizeof(struct pair));
	for (unsigned int side = 0; side < 2 && r == 0; side++)
		r = decide(c, side, &decided[side]);
	if (r == 0)
		r = fw_diagram_combine(c->space.diagram, decided[0], decided[1], &op, &difference);
	if (r == 0)
		r = fw_space_only_real(&c->space, c->direction, difference, &real);
	if (r == 0)
		r = fw_diagram_leaves(c->space.diagram, real, c->arena, &leaves);
	for (size_t i = 0; r == 0 && i < leaves.len; i++)
		if (leaves.values[i] != FW_DIAGRAM_NONE)
			r = add_difference(c, difference, leaves.values[i]);
	return r;
}

static bool has_loopback(const struct fw_policy *policy)
{
	return !policy->options.builtin_off[FW_BUILTIN_LOOPBACK];
}

int fw_differences(struct fw_arena *arena, const struct fw_policy *const policies[2], int64_t local_now, struct fw_vec *ret_differences)
{
	struct comparing c = { .arena = arena, .policies = policies, .found = ret_differences };
	const struct fw_space_init init = { .policies = policies, .policy_count = 2, .limits = { MAX_EDGES, MAX_BYTES }, .local_now = local_now,
					    .members_in_blocks = true,
					    .without_loopback = has_loopback(policies[0]) && has_loopback(policies[1]) };

	fw_vec_init(ret_differences, arena, sizeof(struct fw_difference));
	int r = fw_space_init(&c.space, arena, &init);
	for (unsigned int d = 0; d < FW_DIRECTIONS && r == 0; d++) {
		c.direction = (enum fw_direction)d;
		r = compare_direction(&c);
	}
	fw_space_done(&c.space);
	return r;
}
