/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/diff.c - the changes that turn one table into another, in an order that one batch can carry out:
 *
 *   1. rules that go, elements of maps that go, then chains (those that others refer to after those others), sets, objects;
 *   2. objects, sets, chains and policies that come or change, then elements, then rules.
 *
 * Going first lets an object that must be made anew be deleted and added under the same name. Deleting a chain deletes its rules with it.
 * A thing "goes" where the wanted table lacks it or where it can only be made anew; rules that refer to such a thing go and come back. */
#include "ruleset/diff_rules.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

struct differ {
	struct fw_arena *arena;
	struct fw_changes *changes;
	struct fw_doomed doomed;
};

static struct fw_change *push(struct differ *d, enum fw_change_kind kind)
{
	struct fw_change *change = fw_vec_push(&d->changes->list);
	if (change)
		change->kind = kind;
	return change;
}

static int push_chain(struct differ *d, enum fw_change_kind kind, const struct fw_rs_chain *chain)
{
	struct fw_change *change = push(d, kind);
	if (!change)
		return -ENOMEM;
	change->chain = chain;
	change->origin = chain->origin;
	return 0;
}

static int push_set(struct differ *d, enum fw_change_kind kind, const struct fw_rs_set *set)
{
	struct fw_change *change = push(d, kind);
	if (!change)
		return -ENOMEM;
	change->set = set;
	change->origin = set->origin;
	return 0;
}

static int push_object(struct differ *d, enum fw_change_kind kind, const struct fw_rs_object *object)
{
	struct fw_change *change = push(d, kind);
	if (!change)
		return -ENOMEM;
	change->object = object;
	change->origin = object->origin;
	return 0;
}

static int push_elements(struct differ *d, enum fw_change_kind kind, const struct fw_rs_set *set, struct fw_rs_elements elements)
{
	int r = elements.len ? push_set(d, kind, set) : 0;
	if (r == 0 && elements.len)
		((struct fw_change *)fw_vec_at(&d->changes->list, d->changes->list.len - 1))->elements = elements;
	return r;
}

/* The object of that name in the other table, which mostly stands at the same place: 10,000 counters are not looked up one by one then. */
static const struct fw_rs_object *other_object(const struct fw_ruleset *rs, size_t index, const char *name)
{
	const struct fw_rs_object *there = index < rs->objects.len ? fw_vec_at(&rs->objects, index) : NULL;
	return there && strcmp(there->name, name) == 0 ? there : fw_ruleset_object(rs, name);
}

/* --- what goes --- */

static int note_doomed(struct fw_map *map, const char *name)
{
	static const char mark = 1;
	return fw_map_set(map, fw_str_from(name), (void *)(uintptr_t)&mark);
}

static int find_doomed(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < have->chains.len; i++) {
		const struct fw_rs_chain *old = fw_vec_at(&have->chains, i);
		const struct fw_rs_chain *new = fw_ruleset_chain(want, old->name);
		if (!new || !fw_rs_chain_same_head(old, new))
			r = note_doomed(&d->doomed.chains, old->name);
	}
	for (size_t i = 0; r == 0 && i < have->sets.len; i++) {
		const struct fw_rs_set *old = fw_vec_at(&have->sets, i);
		const struct fw_rs_set *new = fw_ruleset_set(want, old->name);
		if (!new || !fw_rs_set_same_head(old, new))
			r = note_doomed(&d->doomed.sets, old->name);
	}
	for (size_t i = 0; r == 0 && i < have->objects.len; i++) {
		const struct fw_rs_object *old = fw_vec_at(&have->objects, i);
		const struct fw_rs_object *new = other_object(want, i, old->name);
		if (!new || !fw_rs_object_same(old, new))
			r = note_doomed(&d->doomed.objects, old->name);
	}
	return r;
}

/* Deletes the doomed chains so that each goes before what its rules jump to: depth first along the jumps, written backwards. Loops
 * cannot be (the kernel has none). */
struct order {
	const struct fw_ruleset *have;
	const struct fw_doomed *doomed;
	bool *seen;                        /* by index of chain */
	const struct fw_rs_chain **sorted; /* in reverse: what is jumped to stands first */
	size_t count;
};

static void visit_chain(struct order *order, size_t index, unsigned int depth)
{
	const struct fw_rs_chain *chain = fw_vec_at(&order->have->chains, index);
	if (order->seen[index])
		return;
	order->seen[index] = true;
	for (size_t i = 0; depth < 64 && i < chain->rules.len; i++) {
		const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, i);
		for (size_t k = 0; k < rule->expr_count; k++) {
			const struct fw_rs_expr *e = &rule->exprs[k];
			const struct fw_rs_chain *target = NULL;
			if (e->kind == FW_RS_VERDICT && e->verdict.chain)
				target = fw_ruleset_chain(order->have, e->verdict.chain);
			if (target && fw_map_get(&order->doomed->chains, fw_str_from(target->name)))
				visit_chain(order, (size_t)(target - (const struct fw_rs_chain *)order->have->chains.items), depth + 1);
		}
	}
	order->sorted[order->count++] = chain;
}

static int delete_chains(struct differ *d, const struct fw_ruleset *have)
{
	if (!d->doomed.chains.len)
		return 0;
	struct order order = { .have = have, .doomed = &d->doomed };
	order.seen = fw_arena_alloc(d->arena, have->chains.len, sizeof(*order.seen));
	order.sorted = fw_arena_alloc(d->arena, have->chains.len, sizeof(*order.sorted));
	if (!order.seen || !order.sorted)
		return -ENOMEM;
	for (size_t i = 0; i < have->chains.len; i++) {
		const struct fw_rs_chain *chain = fw_vec_at(&have->chains, i);
		if (fw_map_get(&d->doomed.chains, fw_str_from(chain->name)))
			visit_chain(&order, i, 0);
	}
	int r = 0;
	while (r == 0 && order.count-- > 0)
		r = push_chain(d, FW_CHANGE_DEL_CHAIN, order.sorted[order.count]);
	return r;
}

static int delete_sets(struct differ *d, const struct fw_ruleset *have)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < have->sets.len; i++) {
		const struct fw_rs_set *set = fw_vec_at(&have->sets, i);
		if (fw_map_get(&d->doomed.sets, fw_str_from(set->name)))
			r = push_set(d, FW_CHANGE_DEL_SET, set);
	}
	for (size_t i = 0; r == 0 && d->doomed.objects.len && i < have->objects.len; i++) {
		const struct fw_rs_object *object = fw_vec_at(&have->objects, i);
		if (fw_map_get(&d->doomed.objects, fw_str_from(object->name)))
			r = push_object(d, FW_CHANGE_DEL_OBJECT, object);
	}
	return r;
}

/* --- what comes --- */

static int add_objects(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < want->objects.len; i++) {
		const struct fw_rs_object *new = fw_vec_at(&want->objects, i);
		const struct fw_rs_object *old = have ? other_object(have, i, new->name) : NULL;
		if (!old || !fw_rs_object_same(old, new))
			r = push_object(d, FW_CHANGE_ADD_OBJECT, new);
	}
	return r;
}

/* A kept dynamic group whose size or default timeout change: the same message as for a new set changes them in place. */
static bool set_updated(const struct fw_rs_set *old, const struct fw_rs_set *new)
{
	return new->kind == FW_RS_SET_MEMBERS &&
	       (old->size != new->size || old->timeout_ms != new->timeout_ms || old->gc_interval_ms != new->gc_interval_ms);
}

static int add_sets(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < want->sets.len; i++) {
		const struct fw_rs_set *new = fw_vec_at(&want->sets, i);
		const struct fw_rs_set *old = have ? fw_ruleset_set(have, new->name) : NULL;
		if (!old || !fw_rs_set_same_head(old, new) || set_updated(old, new))
			r = push_set(d, FW_CHANGE_ADD_SET, new);
	}
	return r;
}

static int add_chains(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < want->chains.len; i++) {
		const struct fw_rs_chain *new = fw_vec_at(&want->chains, i);
		const struct fw_rs_chain *old = have ? fw_ruleset_chain(have, new->name) : NULL;
		if (!old || !fw_rs_chain_same_head(old, new))
			r = push_chain(d, FW_CHANGE_ADD_CHAIN, new);
		else if (new->base && old->policy_drop != new->policy_drop)
			r = push_chain(d, FW_CHANGE_SET_POLICY, new);
	}
	return r;
}

/* --- elements --- */

static uint32_t element_size(const struct fw_rs_set *set)
{
	return fw_rs_key_len(set->key) * (set->interval ? 2 : 1);
}

static bool same_verdict(const struct differ *d, const struct fw_rs_verdict *a, const struct fw_rs_verdict *b)
{
	if (a->code != b->code || !a->chain != !b->chain)
		return false;
	return !a->chain || (strcmp(a->chain, b->chain) == 0 && !fw_map_get(&d->doomed.chains, fw_str_from(a->chain)));
}

static bool same_object(const struct differ *d, const char *a, const char *b)
{
	return strcmp(a, b) == 0 && !fw_map_get(&d->doomed.objects, fw_str_from(a));
}

static bool same_data(const struct differ *d, const struct fw_rs_set *old, size_t i, const struct fw_rs_set *new, size_t k)
{
	switch (new->data) {
	case FW_RS_NO_DATA:
		return true;
	case FW_RS_VERDICTS:
		return same_verdict(d, &old->elements.verdicts[i], &new->elements.verdicts[k]);
	case FW_RS_COUNTERS:
		return same_object(d, old->elements.objects[i], new->elements.objects[k]);
	}
	return false;
}

/* Elements of one side that the other lacks, copied side by side as they are found. */
struct picked {
	uint8_t *keys;
	struct fw_rs_verdict *verdicts;
	const char **objects;
	size_t len, cap;
};

static int grow_picked(struct differ *d, struct picked *picked, const struct fw_rs_set *set)
{
	size_t cap = picked->cap ? picked->cap * 2 : 64;
	picked->keys = fw_arena_grow(d->arena, picked->keys, picked->cap, cap, element_size(set));
	if (set->data == FW_RS_VERDICTS)
		picked->verdicts = fw_arena_grow(d->arena, picked->verdicts, picked->cap, cap, sizeof(*picked->verdicts));
	if (set->data == FW_RS_COUNTERS)
		picked->objects = fw_arena_grow(d->arena, picked->objects, picked->cap, cap, sizeof(*picked->objects));
	picked->cap = cap;
	return picked->keys && (picked->verdicts || set->data != FW_RS_VERDICTS) && (picked->objects || set->data != FW_RS_COUNTERS) ? 0 : -ENOMEM;
}

static int pick(struct differ *d, struct picked *picked, const struct fw_rs_set *set, size_t index)
{
	uint32_t size = element_size(set);
	if (picked->len == picked->cap && grow_picked(d, picked, set) < 0)
		return -ENOMEM;
	memcpy(picked->keys + picked->len * size, set->elements.keys + index * size, size);
	if (set->data == FW_RS_VERDICTS)
		picked->verdicts[picked->len] = set->elements.verdicts[index];
	if (set->data == FW_RS_COUNTERS)
		picked->objects[picked->len] = set->elements.objects[index];
	picked->len++;
	return 0;
}

/* Both sides are sorted: one walk over both. */
static int compare_elements(struct differ *d, const struct fw_rs_set *old, const struct fw_rs_set *new, struct picked *gone,
			    struct picked *added)
{
	uint32_t size = element_size(new);
	size_t i = 0, k = 0;
	int r = 0;
	while (r == 0 && (i < old->elements.len || k < new->elements.len)) {
		int order = i == old->elements.len ? 1 : k == new->elements.len ? -1 : 0;
		if (order == 0)
			order = memcmp(old->elements.keys + i * size, new->elements.keys + k * size, size);
		bool same = order == 0 && same_data(d, old, i, new, k);
		if (order <= 0 && !same)
			r = pick(d, gone, old, i);
		if (r == 0 && order >= 0 && !same)
			r = pick(d, added, new, k);
		i += order <= 0;
		k += order >= 0;
	}
	return r;
}

struct element_changes {
	const struct fw_rs_set *set;
	struct fw_rs_elements gone, added;
};

static int diff_set_elements(struct differ *d, const struct fw_ruleset *have, const struct fw_rs_set *new, struct element_changes *ret)
{
	const struct fw_rs_set *old = have ? fw_ruleset_set(have, new->name) : NULL;
	*ret = (struct element_changes){ .set = new };
	if (new->kind != FW_RS_SET_CONSTANT)
		return 0;
	if (!old || !fw_rs_set_same_head(old, new)) {
		ret->added = new->elements;
		return 0;
	}
	struct picked gone = { 0 }, added = { 0 };
	int r = compare_elements(d, old, new, &gone, &added);
	ret->gone = (struct fw_rs_elements){ gone.keys, gone.len, gone.verdicts, gone.objects };
	ret->added = (struct fw_rs_elements){ added.keys, added.len, added.verdicts, added.objects };
	return r;
}

static int diff_elements(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want, struct element_changes **ret)
{
	struct element_changes *all = fw_arena_alloc(d->arena, want->sets.len + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	int r = 0;
	for (size_t i = 0; r == 0 && i < want->sets.len; i++)
		r = diff_set_elements(d, have, fw_vec_at(&want->sets, i), &all[i]);
	*ret = all;
	return r;
}

/* --- all of it --- */

static int delete_all(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want, const struct element_changes *elements)
{
	int r = fw_diff_delete_rules(&d->doomed, have, want, d->changes);
	for (size_t i = 0; r == 0 && i < want->sets.len; i++)
		r = push_elements(d, FW_CHANGE_DEL_ELEMENTS, elements[i].set, elements[i].gone);
	/* Elements of doomed maps hold references to chains and objects: away with them before those. */
	for (size_t i = 0; r == 0 && i < have->sets.len; i++) {
		const struct fw_rs_set *set = fw_vec_at(&have->sets, i);
		if (set->data != FW_RS_NO_DATA && fw_map_get(&d->doomed.sets, fw_str_from(set->name)))
			r = push_elements(d, FW_CHANGE_DEL_ELEMENTS, set, set->elements);
	}
	if (r == 0)
		r = delete_chains(d, have);
	return r == 0 ? delete_sets(d, have) : r;
}

static int add_all(struct differ *d, const struct fw_ruleset *have, const struct fw_ruleset *want, const struct element_changes *elements)
{
	int r = add_objects(d, have, want);
	if (r == 0)
		r = add_sets(d, have, want);
	if (r == 0)
		r = add_chains(d, have, want);
	for (size_t i = 0; r == 0 && i < want->sets.len; i++)
		r = push_elements(d, FW_CHANGE_ADD_ELEMENTS, elements[i].set, elements[i].added);
	return r == 0 ? fw_diff_add_rules(&d->doomed, have, want, d->changes) : r;
}

static void begin(struct differ *d, struct fw_arena *arena, const struct fw_ruleset *have, struct fw_changes *changes)
{
	*changes = (struct fw_changes){ .has_table = have != NULL };
	fw_vec_init(&changes->list, arena, sizeof(struct fw_change));
	*d = (struct differ){ .arena = arena, .changes = changes };
	fw_map_init(&d->doomed.chains, arena);
	fw_map_init(&d->doomed.sets, arena);
	fw_map_init(&d->doomed.objects, arena);
}

int fw_ruleset_diff(struct fw_arena *arena, const struct fw_ruleset *have, const struct fw_ruleset *want, struct fw_changes *ret_changes)
{
	struct differ d;
	begin(&d, arena, have, ret_changes);
	struct element_changes *elements = NULL;
	int r = have ? find_doomed(&d, have, want) : 0;
	if (r == 0)
		r = diff_elements(&d, have, want, &elements);
	if (r == 0 && !have && !push(&d, FW_CHANGE_ADD_TABLE))
		r = -ENOMEM;
	if (r == 0 && have)
		r = delete_all(&d, have, want, elements);
	return r == 0 ? add_all(&d, have, want, elements) : r;
}

int fw_ruleset_flush(struct fw_arena *arena, const struct fw_ruleset *have, struct fw_changes *ret_changes)
{
	struct differ d;
	begin(&d, arena, have, ret_changes);
	if (!have)
		return 0;
	return push(&d, FW_CHANGE_DEL_TABLE) ? 0 : -ENOMEM;
}
