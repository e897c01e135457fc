/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two tables, carried out on a model that refuses what the kernel would: a name that is taken or missing, a thing
 * deleted while something refers to it. Random tables, from seeds. */
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

static unsigned int draw(struct random *r, unsigned int bound)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (unsigned int)(r->state >> 33) % bound;
}

static const char *name_of(struct fw_ruleset *rs, const char *kind, unsigned int number)
{
	return fw_arena_printf(rs->arena, "%s-%u", kind, number);
}

static void make_sets(struct fw_ruleset *rs, struct random *r)
{
	for (unsigned int i = 0; i < 5; i++) {
		if (draw(r, 3) == 0)
			continue;
		struct fw_rs_set *set = fw_ruleset_add_set(rs, name_of(rs, "s", i));
		set->kind = i == 4 ? FW_RS_SET_MEMBERS : FW_RS_SET_CONSTANT;
		set->key = draw(r, 6) ? FW_RS_KEY_SERVICE : FW_RS_KEY_IPV4;
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

static void make_objects(struct fw_ruleset *rs, struct random *r)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (draw(r, 3) == 0)
			continue;
		struct fw_rs_object *object = fw_ruleset_add_object(rs, name_of(rs, "o", i));
		object->kind = FW_RS_OBJECT_LIMIT;
		object->limit = (struct fw_rs_limit){ 1 + draw(r, 2), 1, 5, false };
	}
}

static void make_rule(struct fw_ruleset *rs, struct random *r, struct fw_rs_chain *chain, unsigned int chain_number)
{
	struct fw_rs_expr exprs[4] = { { .kind = FW_RS_META, .meta = { NFT_META_L4PROTO, NFT_REG_1 } } };
	size_t len = 1;
	exprs[len++] = (struct fw_rs_expr){ .kind = FW_RS_CMP, .cmp = { NFT_CMP_EQ, NFT_REG_1, { { (uint8_t)draw(r, 12) }, 1 } } };
	if (rs->sets.len && draw(r, 3) == 0) {
		const struct fw_rs_set *set = fw_vec_at(&rs->sets, draw(r, (unsigned int)rs->sets.len));
		exprs[1] = (struct fw_rs_expr){ .kind = FW_RS_LOOKUP, .lookup = { .set = set->name, .sreg = NFT_REG_1 } };
	}
	if (rs->objects.len && draw(r, 4) == 0) {
		const struct fw_rs_object *object = fw_vec_at(&rs->objects, draw(r, (unsigned int)rs->objects.len));
		exprs[len++] = (struct fw_rs_expr){ .kind = FW_RS_OBJREF, .objref = { NFT_OBJECT_LIMIT, object->name } };
	}
	if (chain_number > 0 && draw(r, 3) == 0) { /* only to chains that stand before: no loops */
		const struct fw_rs_chain *target = fw_vec_at(&rs->chains, draw(r, chain_number));
		if (!target->base)
			exprs[len++] = (struct fw_rs_expr){ .kind = FW_RS_VERDICT, .verdict = { NFT_GOTO, target->name } };
	}
	fw_ruleset_add_rule(rs, chain, exprs, len);
}

static struct fw_ruleset *make_table(struct fw_arena *arena, struct random *r)
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
	return rs;
}

static void number_rules(struct fw_ruleset *rs, uint64_t *next)
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
struct m_set {
	struct fw_rs_set head;
	uint16_t elements[64];
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

static struct m_chain *m_chain(struct model *m, const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->chains); i++)
		if (m->chains[i].used && strcmp(m->chains[i].name, name) == 0)
			return &m->chains[i];
	return NULL;
}

static struct m_set *m_set(struct model *m, const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->sets); i++)
		if (m->sets[i].used && strcmp(m->sets[i].head.name, name) == 0)
			return &m->sets[i];
	return NULL;
}

static struct m_object *m_object(struct model *m, const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(m->objects); i++)
		if (m->objects[i].used && strcmp(m->objects[i].object.name, name) == 0)
			return &m->objects[i];
	return NULL;
}

static bool refers(const struct fw_rs_expr *e, const char *chain, const char *set, const char *object)
{
	return (chain && e->kind == FW_RS_VERDICT && e->verdict.chain && strcmp(e->verdict.chain, chain) == 0) ||
	       (set && e->kind == FW_RS_LOOKUP && strcmp(e->lookup.set, set) == 0) ||
	       (object && e->kind == FW_RS_OBJREF && strcmp(e->objref.name, object) == 0);
}

static size_t references(const struct model *m, const char *chain, const char *set, const char *object)
{
	size_t count = 0;
	for (size_t c = 0; c < FW_ARRAY_SIZE(m->chains); c++)
		for (size_t k = 0; m->chains[c].used && k < m->chains[c].len; k++)
			for (size_t e = 0; e < m->chains[c].rules[k].rule->expr_count; e++)
				count += refers(&m->chains[c].rules[k].rule->exprs[e], chain, set, object);
	return count;
}

static uint16_t element(const struct fw_rs_set *set, struct fw_rs_elements elements, size_t index)
{
	return elements.keys[(index + 1) * fw_rs_key_len(set->key) - 1];
}

static void apply_elements(struct model *m, const struct fw_change *change)
{
	struct m_set *set = m_set(m, change->set->name);
	assert_non_null(set);
	for (size_t i = 0; i < change->elements.len; i++) {
		uint16_t value = element(change->set, change->elements, i);
		size_t at = 0;
		while (at < set->len && set->elements[at] != value)
			at++;
		if (change->kind == FW_CHANGE_ADD_ELEMENTS) {
			assert_true(at == set->len); /* there already */
			set->elements[set->len++] = value;
		} else {
			assert_true(at < set->len); /* not there */
			set->elements[at] = set->elements[--set->len];
		}
	}
}

static void apply_add_rule(struct model *m, const struct fw_change *change)
{
	struct m_chain *chain = m_chain(m, change->chain->name);
	assert_non_null(chain);
	for (size_t i = 0; i < change->rule->expr_count; i++) {
		const struct fw_rs_expr *e = &change->rule->exprs[i];
		assert_true(e->kind != FW_RS_LOOKUP || m_set(m, e->lookup.set));
		assert_true(e->kind != FW_RS_OBJREF || m_object(m, e->objref.name));
		assert_true(e->kind != FW_RS_VERDICT || !e->verdict.chain || m_chain(m, e->verdict.chain));
	}
	size_t at = 0;
	while (at < chain->len && (!change->before || chain->rules[at].handle != change->before))
		at++;
	assert_true(!change->before || at < chain->len);
	memmove(&chain->rules[at + 1], &chain->rules[at], (chain->len - at) * sizeof(chain->rules[0]));
	chain->rules[at] = (struct m_rule){ change->rule, m->next_handle++ };
	chain->len++;
}

static void apply_del_rule(struct model *m, const struct fw_change *change)
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

static void add_m_chain(struct model *m, const struct fw_rs_chain *head)
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

static void add_m_set(struct model *m, const struct fw_rs_set *head)
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

static void add_m_object(struct model *m, const struct fw_rs_object *object)
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

static void apply_del_chain(struct model *m, const char *name)
{
	struct m_chain *chain = m_chain(m, name);
	assert_non_null(chain);
	chain->len = 0; /* its rules go with it */
	assert_int_equal(references(m, name, NULL, NULL), 0);
	chain->used = false;
}

static void apply_change(struct model *m, const struct fw_change *c)
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

static void apply_changes(struct model *m, const struct fw_changes *changes)
{
	for (size_t i = 0; i < changes->list.len; i++)
		apply_change(m, fw_vec_at(&changes->list, i));
}

static bool same_rule(const struct fw_rs_rule *a, const struct fw_rs_rule *b)
{
	struct fw_hash x = fw_rs_rule_hash(a), y = fw_rs_rule_hash(b);
	return x.hi == y.hi && x.lo == y.lo;
}

static void assert_chain(struct model *m, const struct fw_rs_chain *chain)
{
	const struct m_chain *got = m_chain(m, chain->name);
	assert_non_null(got);
	assert_true(fw_rs_chain_same_head(&got->head, chain) && got->head.policy_drop == chain->policy_drop);
	assert_int_equal(got->len, chain->rules.len);
	for (size_t k = 0; k < got->len; k++)
		assert_true(same_rule(got->rules[k].rule, fw_vec_at(&chain->rules, k)));
}

static void assert_set(struct model *m, const struct fw_rs_set *set)
{
	const struct m_set *got = m_set(m, set->name);
	assert_non_null(got);
	assert_true(fw_rs_set_same_head(&got->head, set) && got->head.size == set->size);
	assert_int_equal(got->len, set->elements.len);
	for (size_t i = 0; i < set->elements.len; i++) {
		size_t at = 0;
		while (at < got->len && got->elements[at] != element(set, set->elements, i))
			at++;
		assert_true(at < got->len);
	}
}

/* The model holds what `want` says and nothing else. */
static void assert_model(struct model *m, const struct fw_ruleset *want)
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

/* --- tests --- */

static void test_random_tables(void **state)
{
	(void)state;
	struct model *m = calloc(1, sizeof(*m));
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct fw_arena *arena = fw_arena_new(BUDGET);
		struct random r = { seed * 0x9e3779b97f4a7c15u };
		*m = (struct model){ .next_handle = 1 };
		struct fw_ruleset *have = make_table(arena, &r), *want = make_table(arena, &r);
		uint64_t next = 1;
		number_rules(have, &next);
		struct fw_changes changes;
		assert_int_equal(fw_ruleset_diff(arena, NULL, have, &changes), 0);
		assert_false(changes.has_table);
		apply_changes(m, &changes);
		assert_model(m, have);
		/* The model numbers rules in the order of addition, as number_rules does. */
		assert_int_equal(fw_ruleset_diff(arena, have, want, &changes), 0);
		assert_true(changes.has_table);
		apply_changes(m, &changes);
		assert_model(m, want);
		assert_int_equal(fw_ruleset_diff(arena, want, want, &changes), 0);
		assert_int_equal(changes.list.len, 0);
		assert_int_equal(fw_ruleset_flush(arena, want, &changes), 0);
		apply_changes(m, &changes);
		assert_false(m->table);
		fw_arena_free(arena);
	}
	free(m);
}

/* A chain of rules that differ only in one byte each. */
static struct fw_ruleset *byte_rules(struct fw_arena *arena, const uint8_t *bytes, size_t len)
{
	struct fw_ruleset *rs = fw_arena_alloc(arena, 1, sizeof(*rs));
	fw_ruleset_init(rs, arena);
	struct fw_rs_chain *chain = fw_ruleset_add_chain(rs, "c");
	for (size_t i = 0; i < len; i++) {
		struct fw_rs_expr e = { .kind = FW_RS_CMP, .cmp = { NFT_CMP_EQ, NFT_REG_1, { { bytes[i] }, 1 } } };
		fw_ruleset_add_rule(rs, chain, &e, 1)->handle = i + 1;
	}
	return rs;
}

static size_t lcs(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	size_t table[33][33] = { { 0 } };
	for (size_t i = 1; i <= n; i++)
		for (size_t k = 1; k <= m; k++) {
			size_t best = table[i - 1][k] > table[i][k - 1] ? table[i - 1][k] : table[i][k - 1];
			table[i][k] = a[i - 1] == b[k - 1] ? table[i - 1][k - 1] + 1 : best;
		}
	return table[n][m];
}

/* Where every rule is different, as few as possible are touched. */
static void test_keeps_the_most(void **state)
{
	(void)state;
	struct random r = { 88172645463325252u };
	for (int round = 0; round < 2000; round++) {
		uint8_t all[40], a[32], b[32];
		size_t n = 0, m = 0;
		for (uint8_t i = 0; i < 40; i++)
			all[i] = i;
		for (int side = 0; side < 2; side++) {
			for (unsigned int i = 39; i > 0 && (side == 0 || draw(&r, 2)); i--) {
				unsigned int other = draw(&r, i + 1);
				uint8_t byte = all[i];
				all[i] = all[other];
				all[other] = byte;
			}
			for (size_t i = 0; i < 40; i++) {
				if (side == 0 && n < 32 && draw(&r, 4))
					a[n++] = all[i];
				else if (side == 1 && m < 32 && draw(&r, 4))
					b[m++] = all[i];
			}
		}
		struct fw_arena *arena = fw_arena_new(BUDGET);
		struct fw_changes changes;
		assert_int_equal(fw_ruleset_diff(arena, byte_rules(arena, a, n), byte_rules(arena, b, m), &changes), 0);
		assert_int_equal(changes.list.len, n + m - 2 * lcs(a, n, b, m));
		fw_arena_free(arena);
	}
}

/* Inserting one rule sends one, before its follower. */
static void test_insert_is_one_change(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	const uint8_t a[] = { 1, 2, 3, 4 }, b[] = { 1, 2, 9, 3, 4 };
	struct fw_changes changes;
	assert_int_equal(fw_ruleset_diff(arena, byte_rules(arena, a, 4), byte_rules(arena, b, 5), &changes), 0);
	assert_int_equal(changes.list.len, 1);
	const struct fw_change *change = fw_vec_at(&changes.list, 0);
	assert_int_equal(change->kind, FW_CHANGE_ADD_RULE);
	assert_int_equal(change->before, 3);
	fw_arena_free(arena);
}

static void test_hash_sees_everything_but_values(void **state)
{
	(void)state;
	struct fw_rs_expr counter = { .kind = FW_RS_COUNTER }, other = { .kind = FW_RS_COUNTER, .counter = { 7, 700 } };
	struct fw_rs_rule a = { .exprs = &counter, .expr_count = 1 }, b = { .exprs = &other, .expr_count = 1, .handle = 9 };
	assert_true(same_rule(&a, &b));
	b.comment = "x";
	assert_false(same_rule(&a, &b));
	b.comment = NULL;
	b.tag.owner = FW_RS_RULE;
	assert_false(same_rule(&a, &b));
	b.tag.owner = FW_RS_NOBODY;
	b.blob = FW_STR("x");
	assert_false(same_rule(&a, &b));
	struct fw_rs_expr log = { .kind = FW_RS_LOG, .log = { 86, "fwctl x", 128, 0 } }, log2 = log;
	a = (struct fw_rs_rule){ .exprs = &log, .expr_count = 1 };
	b = (struct fw_rs_rule){ .exprs = &log2, .expr_count = 1 };
	assert_true(same_rule(&a, &b));
	log2.log.prefix = "fwctl y";
	assert_false(same_rule(&a, &b));
	struct fw_rs_expr many[100];
	for (size_t i = 0; i < FW_ARRAY_SIZE(many); i++)
		many[i] = (struct fw_rs_expr){ .kind = FW_RS_CMP, .cmp = { NFT_CMP_EQ, 1, { { 1 }, FW_RS_DATA_MAX } } };
	struct fw_rs_expr more[100];
	memcpy(more, many, sizeof(many));
	more[0].cmp.data.bytes[0] = 2; /* early in what is longer than the buffer */
	a = (struct fw_rs_rule){ .exprs = many, .expr_count = 100 };
	b = (struct fw_rs_rule){ .exprs = more, .expr_count = 100 };
	assert_false(same_rule(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_tables),
		cmocka_unit_test(test_keeps_the_most),
		cmocka_unit_test(test_insert_is_one_change),
		cmocka_unit_test(test_hash_sees_everything_but_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
