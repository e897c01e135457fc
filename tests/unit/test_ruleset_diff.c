/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two tables: carried out on a model of the kernel, as small as can be, and what makes things equal. */
#include "test_ruleset.h"

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
	assert_int_equal(change->before->handle, 3);
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

static void test_hash_sees_objects_of_maps(void **state)
{
	(void)state;
	struct fw_rs_expr by_name = { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = "m" } };
	struct fw_rs_expr by_map = { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .set = "m", .sreg = NFT_REG_1 } }, other = by_map;
	struct fw_rs_rule a = { .exprs = &by_name, .expr_count = 1 }, b = { .exprs = &by_map, .expr_count = 1 };
	assert_false(same_rule(&a, &b));
	a.exprs = &other;
	assert_true(same_rule(&a, &b));
	other.objref.sreg = NFT_REG_2;
	assert_false(same_rule(&a, &b));
	other = by_map;
	other.objref.set = "n";
	assert_false(same_rule(&a, &b));
}

/* What a counter counted and says is no difference; what it counts for is. */
static void test_same_objects(void **state)
{
	(void)state;
	const struct fw_rs_object a = { .kind = FW_RS_OBJECT_COUNTER, .tag = { FW_RS_RULE, FW_RS_ROLE_HIT, "1" } };
	struct fw_rs_object b = a;
	b.comment = "allow ssh";
	b.counter.packets = 5;
	b.handle = 7;
	assert_true(fw_rs_object_same(&a, &b));
	b.tag.role = FW_RS_ROLE_OVER;
	assert_false(fw_rs_object_same(&a, &b));
	b.tag = (struct fw_rs_tag){ FW_RS_BLOCK, FW_RS_ROLE_HIT, "1" };
	assert_false(fw_rs_object_same(&a, &b));
	b.tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_HIT, "2" };
	assert_false(fw_rs_object_same(&a, &b));
}

static void test_same_heads(void **state)
{
	(void)state;
	const struct fw_rs_set a = { .key = FW_RS_KEY_WHAT, .data = FW_RS_COUNTERS, .size = 64 };
	struct fw_rs_set b = a;
	assert_true(fw_rs_set_same_head(&a, &b));
	b.data = FW_RS_VERDICTS;
	assert_false(fw_rs_set_same_head(&a, &b));
	b = a;
	b.key = FW_RS_KEY_TIME; /* as long */
	assert_false(fw_rs_set_same_head(&a, &b));
	b = a;
	b.size = 80;
	assert_false(fw_rs_set_same_head(&a, &b));
}

/* A map from ports to the counters "c-0" and "c-1". */
static struct fw_ruleset *counter_map(struct fw_arena *arena, const uint8_t *keys, const char *const *objects, size_t len)
{
	struct fw_ruleset *rs = fw_arena_alloc(arena, 1, sizeof(*rs));
	fw_ruleset_init(rs, arena);
	for (unsigned int i = 0; i < 2; i++)
		fw_ruleset_add_object(rs, name_of(rs, "c", i))->kind = FW_RS_OBJECT_COUNTER;
	struct fw_rs_set *map = fw_ruleset_add_set(rs, "m");
	map->key = FW_RS_KEY_SERVICE;
	map->data = FW_RS_COUNTERS;
	map->elements = (struct fw_rs_elements){ .keys = keys, .len = len, .objects = objects };
	return rs;
}

/* Another counter under a key of a map: that key alone goes and comes. */
static void test_datum_is_one_key(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	const uint8_t keys[] = { 0, 22, 0, 25, 0, 80 };
	const char *const old[] = { "c-0", "c-0", "c-1" }, *const new[] = { "c-0", "c-1", "c-1" };
	struct fw_changes changes;
	assert_int_equal(fw_ruleset_diff(arena, counter_map(arena, keys, old, 3), counter_map(arena, keys, new, 3), &changes), 0);
	assert_int_equal(changes.list.len, 2);
	const struct fw_change *gone = fw_vec_at(&changes.list, 0), *added = fw_vec_at(&changes.list, 1);
	assert_int_equal(gone->kind, FW_CHANGE_DEL_ELEMENTS);
	assert_int_equal(gone->elements.len, 1);
	assert_memory_equal(gone->elements.keys, keys + 2, 2);
	assert_int_equal(added->kind, FW_CHANGE_ADD_ELEMENTS);
	assert_int_equal(added->elements.len, 1);
	assert_memory_equal(added->elements.keys, keys + 2, 2);
	assert_string_equal(added->elements.objects[0], "c-1");
	fw_arena_free(arena);
}

/* A counter that is made anew under its name: elements that name it go before it and come back after it, and no others. */
static void test_counter_made_anew(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	const uint8_t keys[] = { 0, 22, 0, 25, 0, 80 };
	const char *const objects[] = { "c-0", "c-1", "c-0" };
	struct fw_ruleset *have = counter_map(arena, keys, objects, 3), *want = counter_map(arena, keys, objects, 3);
	static const enum fw_change_kind kinds[] = { FW_CHANGE_DEL_ELEMENTS, FW_CHANGE_DEL_OBJECT, FW_CHANGE_ADD_OBJECT, FW_CHANGE_ADD_ELEMENTS };
	struct fw_changes changes;
	fw_ruleset_object(have, "c-0")->tag.owner = FW_RS_BLOCK;
	assert_int_equal(fw_ruleset_diff(arena, have, want, &changes), 0);
	assert_int_equal(changes.list.len, FW_ARRAY_SIZE(kinds));
	for (size_t i = 0; i < FW_ARRAY_SIZE(kinds); i++)
		assert_int_equal(((const struct fw_change *)fw_vec_at(&changes.list, i))->kind, kinds[i]);
	assert_int_equal(((const struct fw_change *)fw_vec_at(&changes.list, 0))->elements.len, 2);
	assert_int_equal(((const struct fw_change *)fw_vec_at(&changes.list, 3))->elements.len, 2);
	fw_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_tables),
		cmocka_unit_test(test_keeps_the_most),
		cmocka_unit_test(test_insert_is_one_change),
		cmocka_unit_test(test_hash_sees_everything_but_values),
		cmocka_unit_test(test_hash_sees_objects_of_maps),
		cmocka_unit_test(test_same_objects),
		cmocka_unit_test(test_same_heads),
		cmocka_unit_test(test_datum_is_one_key),
		cmocka_unit_test(test_counter_made_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
