/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_build.c - how plans are put together: atoms, terms, cases, steps and leaves. Knows nothing of the policy language. */
#include "compile/plan_build.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

static void *push(struct fw_planner *p, struct fw_vec *vec)
{
	void *item = p->error ? NULL : fw_vec_push(vec);
	if (!item && !p->error)
		p->error = -ENOMEM;
	return item;
}

void fw_case_begin(struct fw_case_builder *b, struct fw_planner *p)
{
	*b = (struct fw_case_builder){ .p = p };
	fw_vec_init(&b->atoms, p->arena, sizeof(struct fw_atom));
	fw_vec_init(&b->clauses, p->arena, sizeof(struct fw_clause));
}

void fw_case_atom(struct fw_case_builder *b, struct fw_atom atom)
{
	struct fw_atom *item = push(b->p, &b->atoms);
	if (item)
		*item = atom;
}

void fw_terms_init(struct fw_planner *p, struct fw_vec *terms)
{
	fw_vec_init(terms, p->arena, sizeof(struct fw_term));
}

void fw_terms_add(struct fw_planner *p, struct fw_vec *terms, const struct fw_atom *atoms, size_t len)
{
	struct fw_term *term = push(p, terms);
	struct fw_atom *copy = term ? fw_arena_alloc(p->arena, len, sizeof(*copy)) : NULL;
	if (!copy) {
		p->error = p->error ? p->error : -ENOMEM;
		return;
	}
	memcpy(copy, atoms, len * sizeof(*copy));
	*term = (struct fw_term){ copy, len };
}

void fw_case_clause(struct fw_case_builder *b, const struct fw_vec *terms)
{
	if (b->p->error)
		return;
	if (!terms->len) {
		b->impossible = true;
		return;
	}
	if (terms->len == 1) {
		const struct fw_term *only = fw_vec_at(terms, 0);
		for (size_t i = 0; i < only->len; i++)
			fw_case_atom(b, only->atoms[i]);
		return;
	}
	struct fw_clause *clause = push(b->p, &b->clauses);
	if (clause)
		*clause = (struct fw_clause){ terms->items, terms->len };
}

void fw_cases_init(struct fw_planner *p, struct fw_vec *cases)
{
	fw_vec_init(cases, p->arena, sizeof(struct fw_case));
}

void fw_case_end(struct fw_case_builder *b, struct fw_vec *cases)
{
	if (b->impossible)
		return;
	struct fw_case *item = push(b->p, cases);
	if (item)
		*item = (struct fw_case){ b->atoms.items, b->atoms.len, b->clauses.items, b->clauses.len };
}

struct fw_atom fw_atom_in(enum fw_field field, struct fw_iset values)
{
	return (struct fw_atom){ .field = field, .kind = FW_ATOM_IN, .values = values };
}

struct fw_atom fw_atom_not(struct fw_atom atom)
{
	atom.invert = !atom.invert;
	return atom;
}

struct fw_atom fw_atom_value(struct fw_planner *p, enum fw_field field, uint64_t value)
{
	struct fw_range *range = p->error ? NULL : fw_arena_alloc(p->arena, 1, sizeof(*range));
	if (!range) {
		p->error = p->error ? p->error : -ENOMEM;
		return fw_atom_in(field, (struct fw_iset){ NULL, 0 });
	}
	*range = (struct fw_range){ { 0, value }, { 0, value } };
	return fw_atom_in(field, (struct fw_iset){ range, 1 });
}

struct fw_atom fw_atom_family(struct fw_planner *p, enum fw_family family)
{
	return fw_atom_value(p, FW_FIELD_FAMILY, family == FW_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

void fw_plan_step(struct fw_planner *p, struct fw_vec *steps, const struct fw_vec *cases, struct fw_leaf *leaf)
{
	struct fw_step *step = push(p, steps);
	if (step)
		*step = (struct fw_step){ cases->items, cases->len, leaf, p->span };
	if (leaf && !fw_leaf_is_plain(leaf))
		leaf->has_chain = true;
}

bool fw_leaf_is_plain(const struct fw_leaf *leaf)
{
	return leaf->verdict != FW_REJECT && !leaf->log.on && !leaf->rate.count && !leaf->connections && !leaf->helper_count;
}

struct fw_leaf *fw_plan_leaf_named(struct fw_planner *p, const char *name)
{
	return name ? fw_map_get(&p->leaves, fw_str_from(name)) : NULL;
}

void fw_plan_remember_leaf(struct fw_planner *p, struct fw_leaf *leaf)
{
	if (leaf && fw_map_put(&p->leaves, fw_str_from(leaf->name), leaf) == -ENOMEM)
		p->error = -ENOMEM;
}

struct fw_leaf *fw_plan_leaf(struct fw_planner *p, const char *name, const char *key)
{
	struct fw_leaf *leaf = p->error || !name || !key ? NULL : fw_arena_alloc(p->arena, 1, sizeof(*leaf));
	const struct fw_leaf **item = leaf ? push(p, &p->plan->leaves) : NULL;
	if (!item) {
		p->error = p->error ? p->error : -ENOMEM;
		return NULL;
	}
	*item = leaf;
	leaf->name = name;
	leaf->key = key;
	leaf->families = FW_FAMILY_BOTH;
	leaf->number = (uint32_t)p->plan->leaves.len;
	return leaf;
}

struct fw_hook *fw_plan_hook_of(struct fw_plan *plan, enum fw_direction direction)
{
	static const enum fw_hook_kind kinds[FW_DIRECTIONS] = {
		[FW_IN] = FW_HOOK_INPUT, [FW_OUT] = FW_HOOK_OUTPUT, [FW_FORWARD] = FW_HOOK_FORWARD
	};
	return &plan->hooks[kinds[direction]];
}
