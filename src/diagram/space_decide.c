/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space_decide.c - what packets are, who decides them, and deciders combined in their order. */
#include <errno.h>

#include "diagram/space_make.h"

static const struct fw_range range_one[] = { { { 0, 1 }, { 0, 1 } } };
static const struct fw_iset set_one = { range_one, 1 };

/* --- packets --- */

static const struct fw_range owned[] = { { { 0, 0 }, { 0, FW_SPACE_NO_OWNER - 1 } } };
static const struct fw_range unowned[] = { { { 0, FW_SPACE_NO_OWNER }, { 0, FW_SPACE_NO_OWNER } } };

static uint32_t make_owners(struct fw_maker *m, uint32_t inside)
{
	const struct fw_diagram_side with[] = { { FW_LEVEL_UID, { owned, 1 } }, { FW_LEVEL_GID, { owned, 1 } } };
	const struct fw_diagram_side none[] = { { FW_LEVEL_UID, { unowned, 1 } }, { FW_LEVEL_GID, { unowned, 1 } } };

	return fw_make_over(m, fw_make_box(m, with, 2, inside), fw_make_box(m, none, 2, inside));
}

#define ONE(n) { { 0, (n) }, { 0, (n) } }
#define SPAN(a, b) { { 0, (a) }, { 0, (b) } }

static uint32_t make_packets(struct fw_maker *m, enum fw_direction direction, uint32_t inside)
{
	static const struct fw_range icmp[] = { ONE(1), ONE(58) }, ported[] = { ONE(6), ONE(17), ONE(33), ONE(132), ONE(136) };
	static const struct fw_range others[] = { ONE(0), SPAN(2, 5), SPAN(7, 16), SPAN(18, 32), SPAN(34, 57), SPAN(59, 131), SPAN(133, 135),
						  SPAN(137, 255) };
	static const struct fw_range types[] = { SPAN(0, UINT8_MAX) }, zero[] = { ONE(0) };
	const uint32_t owners = direction == FW_OUT ? make_owners(m, inside) : inside;
	const uint32_t portless = fw_make_box_one(m, FW_LEVEL_SOURCE_PORT, (struct fw_iset){ zero, 1 }, owners);
	const struct fw_diagram_side of_icmp[] = { { FW_LEVEL_PROTO, { icmp, FW_ARRAY_SIZE(icmp) } }, { FW_LEVEL_PORT, { types, 1 } } };
	const struct fw_diagram_side of_others[] = { { FW_LEVEL_PROTO, { others, FW_ARRAY_SIZE(others) } }, { FW_LEVEL_PORT, { zero, 1 } } };
	const uint32_t with_ports = fw_make_box_one(m, FW_LEVEL_PROTO, (struct fw_iset){ ported, FW_ARRAY_SIZE(ported) }, owners);

	return fw_make_over(m, with_ports, fw_make_over(m, fw_make_box(m, of_icmp, 2, portless), fw_make_box(m, of_others, 2, portless)));
}

int fw_space_packets(struct fw_space *space, enum fw_direction direction, uint32_t inside, uint32_t *ret_ref)
{
	struct fw_maker m = { .space = space };
	const uint32_t ref = make_packets(&m, direction, inside);

	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

/* --- deciders --- */

/* A block takes the source of what arrives and the destination of what leaves. */
static uint32_t make_block(struct fw_maker *m, const struct fw_block *block, enum fw_direction direction, uint32_t inside)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (direction != FW_OUT)
		ref = fw_make_blocked(m, &block->addresses, FW_ATOM_OF_FROM, inside);
	if (direction != FW_IN)
		ref = fw_make_over(m, ref, fw_make_blocked(m, &block->addresses, FW_ATOM_OF_TO, inside));
	return m->space->without_loopback ? ref : fw_make_without(m, ref, fw_make_lo(m, fw_diagram_leaf(FW_MAKE_YES)));
}

static void add_side(struct fw_diagram_side *sides, size_t *count, enum fw_level level, struct fw_iset set)
{
	if (set.len > 0)
		sides[(*count)++] = (struct fw_diagram_side){ level, set };
}

static uint32_t make_builtin(struct fw_maker *m, const struct fw_builtin_case *row, uint32_t inside)
{
	struct fw_diagram_side sides[8];
	size_t count = 0;

	if (row->on_lo)
		return fw_make_lo(m, inside);
	add_side(sides, &count, FW_LEVEL_PROTO, row->protos);
	add_side(sides, &count, FW_LEVEL_PORT, row->ports);
	if (row->one_family)
		add_side(sides, &count, FW_LEVEL_FAMILY, fw_make_one_number(m, row->family));
	add_side(sides, &count, fw_level_from(row->family), row->from);
	add_side(sides, &count, fw_level_to(row->family), row->to);
	add_side(sides, &count, FW_LEVEL_SOURCE_PORT, row->source_ports);
	if (row->hop_limit_255)
		add_side(sides, &count, FW_LEVEL_HOP_LIMIT, set_one);
	return fw_make_box(m, sides, count, inside);
}

int fw_space_loopback(struct fw_space *space, enum fw_direction direction, uint32_t inside, uint32_t *ret_ref)
{
	struct fw_maker m = { .space = space };
	uint32_t ref = FW_DIAGRAM_NONE_REF;
	size_t count;
	const struct fw_builtin_case *rows = fw_builtin_cases(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].builtin == FW_BUILTIN_LOOPBACK && rows[i].directions & 1u << direction)
			ref = fw_make_over(&m, ref, make_builtin(&m, &rows[i], inside));
	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

int fw_space_only_real(struct fw_space *space, enum fw_direction direction, uint32_t ref, uint32_t *ret_real)
{
	uint32_t packets, loopback;
	int r = fw_space_packets(space, direction, fw_diagram_leaf(FW_MAKE_YES), &packets);

	if (r == 0 && space->without_loopback)
		r = fw_space_loopback(space, direction, fw_diagram_leaf(FW_MAKE_YES), &loopback);
	if (r == 0 && space->without_loopback)
		r = fw_diagram_without(space->diagram, packets, loopback, &packets);
	return r < 0 ? r : fw_diagram_restrict(space->diagram, ref, packets, ret_real);
}

struct lister {
	struct fw_maker m;
	const struct fw_policy *policy;
	enum fw_direction direction;
	struct fw_vec *list;
};

/* The next decider; its leaf is its number. NULL without memory. */
static struct fw_decider *add_decider(struct lister *l, enum fw_decider_kind kind, enum fw_verdict verdict)
{
	struct fw_decider *decider = l->m.error ? NULL : fw_vec_push(l->list);

	if (!decider && !l->m.error)
		l->m.error = -ENOMEM;
	if (decider)
		*decider = (struct fw_decider){ .kind = kind, .verdict = verdict, .box = fw_diagram_leaf((uint32_t)(l->list->len - 1) << FW_DECIDER_SHIFT) };
	return decider;
}

static void list_blocks(struct lister *l)
{
	for (size_t i = 0; i < l->policy->block_count; i++) {
		struct fw_decider *decider = add_decider(l, FW_DECIDER_BLOCK, FW_DENY);
		if (!decider)
			return;
		decider->block = &l->policy->blocks[i];
		decider->box = make_block(&l->m, decider->block, l->direction, decider->box);
	}
}

static void list_builtins(struct lister *l, bool after_rules)
{
	size_t count;
	const struct fw_builtin_case *rows = fw_builtin_cases(&count);

	for (size_t i = 0; i < count; i++) {
		const struct fw_builtin_case *row = &rows[i];
		/* a packet that opens a connection is in none of these states */
		if (row->states || !(row->directions & 1u << l->direction) || l->policy->options.builtin_off[row->builtin] ||
		    (row->builtin == FW_BUILTIN_PING) != after_rules || (l->m.space->without_loopback && row->builtin == FW_BUILTIN_LOOPBACK))
			continue;
		struct fw_decider *decider = add_decider(l, FW_DECIDER_BUILTIN, row->verdict);
		if (!decider)
			return;
		decider->builtin = row->builtin;
		decider->box = make_builtin(&l->m, row, decider->box);
	}
}

static void list_rules(struct lister *l)
{
	for (size_t i = 0; i < l->policy->rule_count[l->direction]; i++) {
		const struct fw_rule *rule = l->policy->rules[l->direction][i];
		struct fw_decider *decider = add_decider(l, FW_DECIDER_RULE, rule->verdict);
		if (!decider)
			return;
		decider->rule = rule;
		decider->box = fw_make_match(&l->m, &rule->match, decider->box);
	}
}

int fw_space_deciders(struct fw_space *space, const struct fw_policy *policy, enum fw_direction direction, struct fw_vec *ret_deciders)
{
	struct lister l = { .m.space = space, .policy = policy, .direction = direction, .list = ret_deciders };

	fw_vec_init(ret_deciders, space->arena, sizeof(struct fw_decider));
	if (!space->as_compiled)
		list_blocks(&l);
	list_builtins(&l, false);
	list_rules(&l);
	list_builtins(&l, true);
	add_decider(&l, FW_DECIDER_DEFAULT, policy->defaults[direction].verdict);
	return l.m.error;
}

int fw_space_blocks(struct fw_space *space, const struct fw_policy *policy, enum fw_atom_of of, struct fw_vec *ret_deciders)
{
	struct lister l = { .m.space = space, .policy = policy, .list = ret_deciders };

	fw_vec_init(ret_deciders, space->arena, sizeof(struct fw_decider));
	for (size_t i = 0; i < policy->block_count; i++) {
		struct fw_decider *decider = add_decider(&l, FW_DECIDER_BLOCK, FW_DENY);
		if (!decider)
			break;
		decider->block = &policy->blocks[i];
		decider->box = fw_make_blocked(&l.m, &decider->block->addresses, of, decider->box);
	}
	return l.m.error;
}

/* --- deciding --- */

static int cut(struct fw_space *space, uint32_t box, const uint32_t *region, uint32_t *ret_box)
{
	*ret_box = box;
	return region ? fw_diagram_restrict(space->diagram, box, *region, ret_box) : 0;
}

int fw_space_decide(struct fw_space *space, const struct fw_vec *deciders, const uint32_t *region, uint32_t *ret_decided)
{
	uint32_t *boxes = fw_arena_alloc(space->arena, deciders->len, sizeof(*boxes));
	if (!boxes)
		return -ENOMEM;

	for (size_t i = 0; i < deciders->len; i++) {
		int r = cut(space, ((const struct fw_decider *)fw_vec_at(deciders, i))->box, region, &boxes[i]);
		if (r < 0)
			return r;
	}
	return fw_diagram_over_all(space->diagram, boxes, deciders->len, ret_decided);
}
