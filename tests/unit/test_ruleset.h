/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random tables, from seeds, and a model of the kernel that carries changes out and refuses what the kernel would: a name that is taken or
 * missing, a thing deleted while something refers to it. */
#ifndef TEST_RULESET_H
#define TEST_RULESET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "ruleset/diff.h"

#define BUDGET (64u << 20)

/* --- random tables --- */

struct random {
	uint64_t state;
};

static inline unsigned int draw(struct random *r, unsigned int bound)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (unsigned int)(r->state >> 33) % bound;
}

static inline const char *name_of(struct fw_ruleset *rs, const char *kind, unsigned int number)
{
	return fw_arena_printf(rs->arena, "%s-%u", kind, number);
}

static inline void make_sets(struct fw_ruleset *rs, struct random *r)
{
	for (unsigned int i = 0; i < 5; i++) {
		if (draw(r, 3) == 0)
			continue;
		struct fw_rs_set *set = fw_ruleset_add_set(rs, name_of(rs, "s", i));
		set->kind = i == 4 ? FW_RS_SET_MEMBERS : FW_RS_SET_CONSTANT;
		set->key = draw(r, 6) ? FW_RS_KEY_SERVICE : FW_RS_KEY_WHAT_IPV4;
		set->data = i < 2 ? FW_RS_NO_DATA : i == 2 ? FW_RS_VERDICTS : i == 3 ? FW_RS_COUNTERS : FW_RS_NO_DATA;
		set->size = i == 4 ? 10 + draw(r, 2) : 0;
		if (set->kind != FW_RS_SET_CONSTANT)
			continue;
		size_t width = fw_rs_key_len(set->key), len = 0;
		uint8_t *keys = fw_arena_alloc(rs->arena, 40, width);
		for (uint8_t k = 0; k < 40; k++)
			if (draw(r, 2))
				keys[width * len++ + width - 1] = k;
		set->elements = (struct fw_rs_elements){ .keys = keys, .len = len };
	}
}

static inline void make_objects(struct fw_ruleset *rs, struct random *r)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (draw(r, 3) == 0)
			continue;
		struct fw_rs_object *object = fw_ruleset_add_object(rs, name_of(rs, "o", i));
		object->kind = i < 2 ? FW_RS_OBJECT_LIMIT : FW_RS_OBJECT_COUNTER;
		if (object->kind == FW_RS_OBJECT_LIMIT)
			object->limit = (struct fw_rs_limit){ 1 + draw(r, 2), 1, 5, false };
		else
			object->tag.role = draw(r, 4) ? FW_RS_ROLE_HIT : FW_RS_ROLE_OVER;
	}
}

/* One of the counters, or NULL. */
static inline const char *draw_counter(const struct fw_ruleset *rs, struct random *r)
{
	const struct fw_rs_object *object = rs->objects.len ? fw_vec_at(&rs->objects, draw(r, (unsigned int)rs->objects.len)) : NULL;
	return object && object->kind == FW_RS_OBJECT_COUNTER ? object->name : NULL;
}

static inline struct fw_rs_verdict draw_verdict(const struct fw_ruleset *rs, struct random *r)
{
	const struct fw_rs_chain *chain = rs->chains.len ? fw_vec_at(&rs->chains, draw(r, (unsigned int)rs->chains.len)) : NULL;
	if (!chain || chain->base || draw(r, 3) == 0)
		return (struct fw_rs_verdict){ draw(r, 2) ? NF_ACCEPT : NF_DROP, NULL };
	return (struct fw_rs_verdict){ NFT_GOTO, chain->name };
}

/* What the elements of maps lead to, once there are chains. A map to counters has none without a counter. */
static inline void fill_maps(struct fw_ruleset *rs, struct random *r)
{
	for (size_t i = 0; i < rs->sets.len; i++) {
		struct fw_rs_set *set = fw_vec_at(&rs->sets, i);
		struct fw_rs_verdict *verdicts = fw_arena_alloc(rs->arena, set->elements.len + 1, sizeof(*verdicts));
		const char **objects = fw_arena_alloc(rs->arena, set->elements.len + 1, sizeof(*objects));
		const char *last = draw_counter(rs, r);
		if (set->data == FW_RS_COUNTERS && !last)
			set->elements.len = 0;
		for (size_t k = 0; k < set->elements.len; k++) {
			const char *counter = draw_counter(rs, r);
			verdicts[k] = draw_verdict(rs, r);
			objects[k] = last = counter ? counter : last;
		}
		set->elements.verdicts = set->data == FW_RS_VERDICTS ? verdicts : NULL;
		set->elements.objects = set->data == FW_RS_COUNTERS ? objects : NULL;
	}
}

static inline void make_rule(struct fw_ruleset *rs, struct random *r, struct fw_rs_chain *chain, unsigned int chain_number)
{
	struct fw_rs_expr exprs[4] = { { .kind = FW_RS_META, .meta = { NFT_META_L4PROTO, NFT_REG_1 } } };
	size_t len = 1;
	exprs[len++] = (struct fw_rs_expr){ .kind = FW_RS_CMP, .cmp = { NFT_CMP_EQ, NFT_REG_1, { { (uint8_t)draw(r, 12) }, 1 } } };
	if (rs->sets.len && draw(r, 3) == 0) {
		const struct fw_rs_set *set = fw_vec_at(&rs->sets, draw(r, (unsigned int)rs->sets.len));
		exprs[1] = (struct fw_rs_expr){ .kind = FW_RS_LOOKUP, .lookup = { .set = set->name, .sreg = NFT_REG_1 } };
		if (set->data == FW_RS_COUNTERS)
			exprs[1] = (struct fw_rs_expr){ .kind = FW_RS_OBJREF,
							.objref = { .type = NFT_OBJECT_COUNTER, .set = set->name, .sreg = NFT_REG_1 } };
	}
	if (rs->objects.len && draw(r, 4) == 0) {
		const struct fw_rs_object *object = fw_vec_at(&rs->objects, draw(r, (unsigned int)rs->objects.len));
		exprs[len++] = (struct fw_rs_expr){ .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_LIMIT, .name = object->name } };
	}
	if (chain_number > 0 && draw(r, 3) == 0) { /* only to chains that stand before: no loops */
		const struct fw_rs_chain *target = fw_vec_at(&rs->chains, draw(r, chain_number));
		if (!target->base)
			exprs[len++] = (struct fw_rs_expr){ .kind = FW_RS_VERDICT, .verdict = { NFT_GOTO, target->name } };
	}
	fw_ruleset_add_rule(rs, chain, exprs, len);
}

static inline struct fw_ruleset *make_table(struct fw_arena *arena, struct random *r)
{
	struct fw_ruleset *rs = fw_arena_alloc(arena, 1, sizeof(*rs));
	fw_ruleset_init(rs, arena);
	make_sets(rs, r);
	make_objects(rs, r);
	unsigned int numbers[6], count = 0;
	for (unsigned int i = 0; i < 6; i++)
		if (draw(r, 4))
			numbers[count++] = i;
	for (unsigned int i = count; i-- > 1;) { /* in any order, so that jumps go any way from table to table */
		unsigned int other = draw(r, i + 1), number = numbers[i];
		numbers[i] = numbers[other];
		numbers[other] = number;
	}
	for (unsigned int i = 0; i < count; i++) {
		struct fw_rs_chain *chain = fw_ruleset_add_chain(rs, name_of(rs, "c", numbers[i]));
		chain->base = numbers[i] == 0;
		chain->hook = NF_INET_LOCAL_IN + (chain->base ? draw(r, 2) : 0);
		chain->policy_drop = chain->base && draw(r, 2);
		unsigned int rules = draw(r, 12);
		for (unsigned int k = 0; k < rules; k++)
			make_rule(rs, r, fw_vec_at(&rs->chains, i), i);
	}
	fill_maps(rs, r);
	return rs;
}

static inline void number_rules(struct fw_ruleset *rs, uint64_t *next)
{
	for (size_t i = 0; i < rs->chains.len; i++) {
		struct fw_rs_chain *chain = fw_vec_at(&rs->chains, i);
		for (size_t k = 0; k < chain->rules.len; k++)
			((struct fw_rs_rule *)fw_vec_at(&chain->rules, k))->handle = (*next)++;
	}
}

/* --- the model: flat lists, linear searches --- */

struct m_rule {
	const struct fw_rs_rule *rule;
	uint64_t handle;
};
struct m_chain {
	char name[16];
	struct fw_rs_chain head;
	struct m_rule rules[64];
	size_t len;
	bool used;
};
struct m_element {
	uint16_t key;
	struct fw_rs_verdict verdict;
	const char *object;
};
struct m_set {
	struct fw_rs_set head;
	struct m_element elements[64];
	size_t len;
	bool used;
};
struct m_object {
	struct fw_rs_object object;
	bool used;
};
struct model {
	bool table;
	struct m_chain chains[16];
	struct m_set sets[16];
	struct m_object objects[16];
	uint64_t next_handle;
};

static inline struct m_chain *m_chain(struct model *m, const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->chains); i++)
		if (m->chains[i].used && strcmp(m->chains[i].name, name) == 0)
			return &m->chains[i];
	return NULL;
}

static inline struct m_set *m_set(struct model *m, const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->sets); i++)
		if (m->sets[i].used && strcmp(m->sets[i].head.name, name) == 0)
			return &m->sets[i];
	return NULL;
}

static inline struct m_object *m_object(struct model *m, const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->objects); i++)
		if (m->objects[i].used && strcmp(m->objects[i].object.name, name) == 0)
			return &m->objects[i];
	return NULL;
}

static inline bool same_name(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static inline bool refers(const struct fw_rs_expr *e, const char *chain, const char *set, const char *object)
{
	return (e->kind == FW_RS_VERDICT && same_name(e->verdict.chain, chain)) || (e->kind == FW_RS_LOOKUP && same_name(e->lookup.set, set)) ||
	       (e->kind == FW_RS_OBJREF && (same_name(e->objref.name, object) || same_name(e->objref.set, set)));
}

static inline size_t references(const struct model *m, const char *chain, const char *set, const char *object)
{
	size_t count = 0;
	for (size_t c = 0; c < FW_ARRAY_SIZE(m->chains); c++)
		for (size_t k = 0; m->chains[c].used && k < m->chains[c].len; k++)
			for (size_t e = 0; e < m->chains[c].rules[k].rule->expr_count; e++)
				count += refers(&m->chains[c].rules[k].rule->exprs[e], chain, set, object);
	for (size_t s = 0; s < FW_ARRAY_SIZE(m->sets); s++)
		for (size_t k = 0; m->sets[s].used && k < m->sets[s].len; k++)
			count += same_name(m->sets[s].elements[k].verdict.chain, chain) || same_name(m->sets[s].elements[k].object, object);
	return count;
}

static inline struct m_element element(const struct fw_rs_set *set, struct fw_rs_elements elements, size_t index)
{
	struct m_element e = { .key = elements.keys[(index + 1) * fw_rs_key_len(set->key) - 1] };
	if (set->data == FW_RS_VERDICTS)
		e.verdict = elements.verdicts[index];
	if (set->data == FW_RS_COUNTERS)
		e.object = elements.objects[index];
	return e;
}

/* Where the set has that key; len: nowhere. */
static inline size_t m_find(const struct m_set *set, uint16_t key)
{
	size_t at = 0;
	while (at < set->len && set->elements[at].key != key)
		at++;
	return at;
}

static inline void apply_elements(struct model *m, const struct fw_change *change)
{
	struct m_set *set = m_set(m, change->set->name);
	assert_non_null(set);
	for (size_t i = 0; i < change->elements.len; i++) {
		struct m_element e = element(change->set, change->elements, i);
		size_t at = m_find(set, e.key);
		if (change->kind == FW_CHANGE_ADD_ELEMENTS) {
			assert_true(at == set->len); /* there already */
			assert_true(!e.verdict.chain || m_chain(m, e.verdict.chain));
			assert_true(!e.object || m_object(m, e.object));
			set->elements[set->len++] = e;
		} else {
			assert_true(at < set->len); /* not there */
			set->elements[at] = set->elements[--set->len];
		}
	}
}

static inline void apply_add_rule(struct model *m, const struct fw_change *change)
{
	struct m_chain *chain = m_chain(m, change->chain->name);
	assert_non_null(chain);
	for (size_t i = 0; i < change->rule->expr_count; i++) {
		const struct fw_rs_expr *e = &change->rule->exprs[i];
		assert_true(e->kind != FW_RS_LOOKUP || m_set(m, e->lookup.set));
		assert_true(e->kind != FW_RS_OBJREF || (e->objref.set ? m_set(m, e->objref.set) != NULL : m_object(m, e->objref.name) != NULL));
		assert_true(e->kind != FW_RS_VERDICT || !e->verdict.chain || m_chain(m, e->verdict.chain));
	}
	size_t at = 0;
	while (at < chain->len && (!change->before || chain->rules[at].handle != change->before->handle))
		at++;
	assert_true(!change->before || at < chain->len);
	memmove(&chain->rules[at + 1], &chain->rules[at], (chain->len - at) * sizeof(chain->rules[0]));
	chain->rules[at] = (struct m_rule){ change->rule, m->next_handle++ };
	chain->len++;
}

static inline void apply_del_rule(struct model *m, const struct fw_change *change)
{
	struct m_chain *chain = m_chain(m, change->chain->name);
	assert_non_null(chain);
	size_t at = 0;
	while (at < chain->len && chain->rules[at].handle != change->rule->handle)
		at++;
	assert_true(at < chain->len);
	memmove(&chain->rules[at], &chain->rules[at + 1], (chain->len - at - 1) * sizeof(chain->rules[0]));
	chain->len--;
}

static inline void add_m_chain(struct model *m, const struct fw_rs_chain *head)
{
	assert_null(m_chain(m, head->name));
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->chains); i++) {
		if (m->chains[i].used)
			continue;
		m->chains[i] = (struct m_chain){ .head = *head, .used = true };
		snprintf(m->chains[i].name, sizeof(m->chains[i].name), "%s", head->name);
		return;
	}
	fail();
}

static inline void add_m_set(struct model *m, const struct fw_rs_set *head)
{
	struct m_set *there = m_set(m, head->name);
	if (there) { /* only a group's size and timeout may change in place */
		assert_true(head->kind == FW_RS_SET_MEMBERS && fw_rs_set_same_head(&there->head, head));
		there->head = *head;
		return;
	}
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->sets); i++) {
		if (m->sets[i].used)
			continue;
		m->sets[i] = (struct m_set){ .head = *head, .used = true };
		return;
	}
	fail();
}

static inline void add_m_object(struct model *m, const struct fw_rs_object *object)
{
	assert_null(m_object(m, object->name));
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->objects); i++) {
		if (m->objects[i].used)
			continue;
		m->objects[i] = (struct m_object){ *object, true };
		return;
	}
	fail();
}

static inline void apply_del_chain(struct model *m, const char *name)
{
	struct m_chain *chain = m_chain(m, name);
	assert_non_null(chain);
	chain->len = 0; /* its rules go with it */
	assert_int_equal(references(m, name, NULL, NULL), 0);
	chain->used = false;
}

static inline void apply_change(struct model *m, const struct fw_change *c)
{
	assert_true(m->table || c->kind == FW_CHANGE_ADD_TABLE);
	switch (c->kind) {
	case FW_CHANGE_ADD_TABLE:
		assert_false(m->table);
		m->table = true;
		return;
	case FW_CHANGE_ADD_OBJECT:
		add_m_object(m, c->object);
		return;
	case FW_CHANGE_ADD_SET:
		add_m_set(m, c->set);
		return;
	case FW_CHANGE_ADD_CHAIN:
		add_m_chain(m, c->chain);
		return;
	case FW_CHANGE_SET_POLICY:
		assert_non_null(m_chain(m, c->chain->name));
		m_chain(m, c->chain->name)->head.policy_drop = c->chain->policy_drop;
		return;
	case FW_CHANGE_DEL_ELEMENTS:
	case FW_CHANGE_ADD_ELEMENTS:
		apply_elements(m, c);
		return;
	case FW_CHANGE_DEL_RULE:
		apply_del_rule(m, c);
		return;
	case FW_CHANGE_ADD_RULE:
		apply_add_rule(m, c);
		return;
	case FW_CHANGE_DEL_CHAIN:
		apply_del_chain(m, c->chain->name);
		return;
	case FW_CHANGE_DEL_SET:
		assert_non_null(m_set(m, c->set->name));
		/* What the elements of a map name is held until the commit on older kernels, unless they were deleted. */
		assert_true(m_set(m, c->set->name)->head.data == FW_RS_NO_DATA || m_set(m, c->set->name)->len == 0);
		assert_int_equal(references(m, NULL, c->set->name, NULL), 0);
		m_set(m, c->set->name)->used = false;
		return;
	case FW_CHANGE_DEL_OBJECT:
		assert_non_null(m_object(m, c->object->name));
		assert_int_equal(references(m, NULL, NULL, c->object->name), 0);
		m_object(m, c->object->name)->used = false;
		return;
	case FW_CHANGE_DEL_TABLE:
		*m = (struct model){ .next_handle = m->next_handle };
		return;
	}
	fail();
}

static inline void apply_changes(struct model *m, const struct fw_changes *changes)
{
	for (size_t i = 0; i < changes->list.len; i++)
		apply_change(m, fw_vec_at(&changes->list, i));
}

static inline bool same_rule(const struct fw_rs_rule *a, const struct fw_rs_rule *b)
{
	struct fw_hash x = fw_rs_rule_hash(a), y = fw_rs_rule_hash(b);
	return x.hi == y.hi && x.lo == y.lo;
}

static inline void assert_chain(struct model *m, const struct fw_rs_chain *chain)
{
	const struct m_chain *got = m_chain(m, chain->name);
	assert_non_null(got);
	assert_true(fw_rs_chain_same_head(&got->head, chain) && got->head.policy_drop == chain->policy_drop);
	assert_int_equal(got->len, chain->rules.len);
	for (size_t k = 0; k < got->len; k++)
		assert_true(same_rule(got->rules[k].rule, fw_vec_at(&chain->rules, k)));
}

static inline void assert_set(struct model *m, const struct fw_rs_set *set)
{
	const struct m_set *got = m_set(m, set->name);
	assert_non_null(got);
	assert_true(fw_rs_set_same_head(&got->head, set) && got->head.size == set->size);
	assert_int_equal(got->len, set->elements.len);
	for (size_t i = 0; i < set->elements.len; i++) {
		struct m_element wanted = element(set, set->elements, i);
		size_t at = m_find(got, wanted.key);
		assert_true(at < got->len);
		assert_int_equal(got->elements[at].verdict.code, wanted.verdict.code);
		assert_true(!wanted.verdict.chain || same_name(got->elements[at].verdict.chain, wanted.verdict.chain));
		assert_true(!wanted.object || same_name(got->elements[at].object, wanted.object));
	}
}

/* The model holds what `want` says and nothing else. */
static inline void assert_model(struct model *m, const struct fw_ruleset *want)
{
	size_t chains = 0, sets = 0, objects = 0;
	for (size_t i = 0; i < 16; i++) {
		chains += m->chains[i].used;
		sets += m->sets[i].used;
		objects += m->objects[i].used;
	}
	assert_int_equal(chains, want->chains.len);
	assert_int_equal(sets, want->sets.len);
	assert_int_equal(objects, want->objects.len);
	for (size_t i = 0; i < want->chains.len; i++)
		assert_chain(m, fw_vec_at(&want->chains, i));
	for (size_t i = 0; i < want->sets.len; i++)
		assert_set(m, fw_vec_at(&want->sets, i));
	for (size_t i = 0; i < want->objects.len; i++) {
		const struct fw_rs_object *object = fw_vec_at(&want->objects, i);
		assert_non_null(m_object(m, object->name));
		assert_true(fw_rs_object_same(&m_object(m, object->name)->object, object));
	}
}

#endif
