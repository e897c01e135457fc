/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The algebra of diagrams agrees with tables, point by point, on random lists of boxes; equal functions have equal references. */
#include "test_diagram.h"

#define SEEDS 150

static uint64_t shuffle_seed = 99;

/* The function of a table, put together from its single points in random order. */
static uint32_t build_points(struct fw_diagram *d, const struct table *table)
{
	static uint32_t refs[POINTS];
	uint32_t ref;

	for (unsigned int p = 0; p < POINTS; p++) {
		struct rule rule = { .leaf = table->leaf[p] };

		for (size_t i = 0; i < FIELDS; i++)
			rule.cells[i] = (uint8_t)(1u << point_cell(p, i));
		assert_int_equal(rule_box(d, &rule, &refs[p]), 0);
	}
	for (unsigned int p = POINTS - 1; p > 0; p--) {
		uint32_t other = below(&shuffle_seed, p + 1), kept = refs[p];

		refs[p] = refs[other];
		refs[other] = kept;
	}
	assert_int_equal(fw_diagram_over_all(d, refs, POINTS, &ref), 0);
	return ref;
}

static void lists(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t random = seed;
		struct fw_diagram *d = world_new(NO_LIMITS);
		struct rule rules[RULES_MAX];
		struct table table;
		size_t count = random_list(&random, rules);
		uint32_t all = list_build(d, rules, count), one = FW_DIAGRAM_NONE_REF, back = FW_DIAGRAM_NONE_REF, box;

		list_table(rules, count, &table);
		check_table(d, all, &table);
		for (size_t i = 0; i < count; i++) { /* one after another, from the front and from the back */
			assert_int_equal(rule_box(d, &rules[i], &box), 0);
			assert_int_equal(fw_diagram_over(d, one, box, &one), 0);
			assert_int_equal(rule_box(d, &rules[count - 1 - i], &box), 0);
			assert_int_equal(fw_diagram_over(d, box, back, &back), 0);
		}
		assert_int_equal(one, all);
		assert_int_equal(back, all);
		if (seed % 10 == 0)
			assert_int_equal(build_points(d, &table), all);
		fw_diagram_free(d);
	}
}

static void equal_only_if_equal(void **state)
{
	uint64_t random = 7;
	size_t equal = 0, unequal = 0;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct fw_diagram *d = world_new(NO_LIMITS);
		struct rule rules[RULES_MAX], kept;
		struct table before, after;
		size_t count = random_list(&random, rules), at;
		uint32_t a = list_build(d, rules, count), b;

		list_table(rules, count, &before);
		at = below(&random, (uint32_t)count);
		kept = rules[at];
		rules[at] = rules[count - 1];
		rules[count - 1] = kept;
		list_table(rules, count, &after);
		b = list_build(d, rules, count);
		assert_int_equal(a == b, memcmp(&before, &after, sizeof(before)) == 0);
		equal += a == b;
		unequal += a != b;
		fw_diagram_free(d);
	}
	assert_true(equal > 10 && unequal > 10);
}

static int any_function(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	uint32_t *salt = context;
	uint64_t mix = (uint64_t)a * 31 + (uint64_t)b * 17 + *salt;

	*ret_value = (uint32_t)(next_random(&mix) % 3);
	if (*ret_value == 2)
		*ret_value = FW_DIAGRAM_NONE;
	return 0;
}

static int refuse(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	(void)context;
	(void)a;
	(void)b;
	(void)ret_value;
	return -EDOM;
}

struct two { /* two random functions and their tables */
	struct fw_diagram *d;
	uint32_t a, b;
	struct table ta, tb;
};

static void two_init(struct two *t, uint64_t seed)
{
	struct rule rules[RULES_MAX];
	size_t count = random_list(&seed, rules);

	t->d = world_new(NO_LIMITS);
	t->a = list_build(t->d, rules, count);
	list_table(rules, count, &t->ta);
	if (below(&seed, 2)) {
		rules[below(&seed, (uint32_t)count)] = random_rule(&seed, 3); /* nearly the same */
	} else {
		count = random_list(&seed, rules);
	}
	t->b = list_build(t->d, rules, count);
	list_table(rules, count, &t->tb);
}

static void combine(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		struct fw_diagram_op op = { .decide = any_function, .context = &seed };
		struct two t;
		struct table expected;
		uint32_t ref = 77;

		two_init(&t, seed);
		for (unsigned int p = 0; p < POINTS; p++)
			assert_int_equal(any_function(&seed, t.ta.leaf[p], t.tb.leaf[p], &expected.leaf[p]), 0);
		assert_int_equal(fw_diagram_combine(t.d, t.a, t.b, &op, &ref), 0);
		check_table(t.d, ref, &expected);
		op.decide = refuse;
		assert_int_equal(fw_diagram_combine(t.d, t.a, t.b, &op, &ref), -EDOM);
		check_table(t.d, ref, &expected);
		fw_diagram_free(t.d);
	}
}

static void restrict_and_without(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct two t;
		struct table in, out;
		uint32_t inside, outside, whole;

		two_init(&t, seed);
		for (unsigned int p = 0; p < POINTS; p++) {
			bool decided = t.tb.leaf[p] != FW_DIAGRAM_NONE;

			in.leaf[p] = decided ? t.ta.leaf[p] : FW_DIAGRAM_NONE;
			out.leaf[p] = decided ? FW_DIAGRAM_NONE : t.ta.leaf[p];
		}
		assert_int_equal(fw_diagram_restrict(t.d, t.a, t.b, &inside), 0);
		check_table(t.d, inside, &in);
		assert_int_equal(fw_diagram_without(t.d, t.a, t.b, &outside), 0);
		check_table(t.d, outside, &out);
		assert_int_equal(fw_diagram_over(t.d, outside, inside, &whole), 0);
		assert_int_equal(whole, t.a);
		assert_int_equal(fw_diagram_restrict(t.d, t.a, t.a, &whole), 0);
		assert_int_equal(whole, t.a);
		assert_int_equal(fw_diagram_without(t.d, t.a, t.a, &whole), 0);
		assert_int_equal(whole, FW_DIAGRAM_NONE_REF);
		fw_diagram_free(t.d);
	}
}

struct pairs {
	uint32_t a[RULES_MAX * RULES_MAX], b[RULES_MAX * RULES_MAX];
	uint32_t len;
};

static int number_pair(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	struct pairs *pairs = context;

	assert_int_not_equal(a, b);
	for (uint32_t i = 0; i < pairs->len; i++)
		assert_false(pairs->a[i] == a && pairs->b[i] == b);
	pairs->a[pairs->len] = a;
	pairs->b[pairs->len] = b;
	*ret_value = pairs->len++;
	return 0;
}

static void differ(void **state)
{
	static struct pairs pairs;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct two t;
		struct table expected;
		uint32_t ref;

		two_init(&t, seed);
		pairs.len = 0;
		assert_int_equal(fw_diagram_differ(t.d, t.a, t.b, &(struct fw_diagram_pairs){ number_pair, &pairs }, &ref), 0);
		for (unsigned int p = 0; p < POINTS; p++) {
			uint32_t id = 0;

			while (id < pairs.len && (pairs.a[id] != t.ta.leaf[p] || pairs.b[id] != t.tb.leaf[p]))
				id++;
			assert_int_equal(id == pairs.len, t.ta.leaf[p] == t.tb.leaf[p]);
			expected.leaf[p] = id == pairs.len ? FW_DIAGRAM_NONE : id;
		}
		check_table(t.d, ref, &expected);
		assert_int_equal(ref == FW_DIAGRAM_NONE_REF, t.a == t.b);
		fw_diagram_free(t.d);
	}
}

static uint32_t to_action(void *context, uint32_t value)
{
	const uint32_t *count = context;

	return value == FW_DIAGRAM_NONE ? *count : value % *count;
}

static void map_and_leaves(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct fw_arena *arena = fw_arena_new(1 << 20);
		struct fw_diagram_leaves leaves;
		struct two t;
		struct table expected;
		uint32_t ref, actions = 1 + (uint32_t)(seed % 3), next = 0;

		two_init(&t, seed);
		for (unsigned int p = 0; p < POINTS; p++)
			expected.leaf[p] = to_action(&actions, t.ta.leaf[p]);
		assert_int_equal(fw_diagram_map(t.d, t.a, to_action, &actions, &ref), 0);
		check_table(t.d, ref, &expected);
		assert_int_equal(fw_diagram_leaves(t.d, t.a, arena, &leaves), 0);
		for (uint64_t value = 0; value <= FW_DIAGRAM_NONE; value += value == RULES_MAX ? FW_DIAGRAM_NONE - RULES_MAX : 1) {
			bool there = false;

			for (unsigned int p = 0; p < POINTS; p++)
				there |= t.ta.leaf[p] == value;
			assert_int_equal(there, next < leaves.len && leaves.values[next] == value);
			next += there;
		}
		assert_int_equal(next, leaves.len);
		fw_arena_free(arena);
		fw_diagram_free(t.d);
	}
}

static void corners(void **state)
{
	struct fw_diagram *d = world_new(NO_LIMITS);
	struct fw_arena *arena = fw_arena_new(4096);
	struct fw_diagram_leaves leaves;
	struct fw_range all = { .high = cell(2, CELLS - 1).high };
	struct fw_diagram_side side = { 2, { &all, 1 } }, none = { 1, { NULL, 0 } };
	struct fw_diagram_side sides[] = { { 0, { NULL, 0 } }, side };
	struct fw_diagram_counts counts;
	uint32_t ref;

	(void)state;
	assert_int_equal(fw_diagram_box(d, &side, 1, fw_diagram_leaf(5), &ref), 0);
	assert_int_equal(ref, fw_diagram_leaf(5)); /* all of a field is no condition */
	assert_int_equal(fw_diagram_box(d, &none, 1, fw_diagram_leaf(5), &ref), 0);
	assert_int_equal(ref, FW_DIAGRAM_NONE_REF);
	assert_int_equal(fw_diagram_box(d, sides, 2, fw_diagram_leaf(5), &ref), 0);
	assert_int_equal(ref, FW_DIAGRAM_NONE_REF);
	assert_int_equal(fw_diagram_box(d, NULL, 0, fw_diagram_leaf(5), &ref), 0);
	assert_int_equal(ref, fw_diagram_leaf(5));
	assert_int_equal(fw_diagram_over_all(d, NULL, 0, &ref), 0);
	assert_int_equal(ref, FW_DIAGRAM_NONE_REF);
	assert_int_equal(fw_diagram_leaves(d, fw_diagram_leaf(9), arena, &leaves), 0);
	assert_int_equal(leaves.len, 1);
	assert_int_equal(leaves.values[0], 9);
	assert_int_equal(fw_diagram_size(d, ref, &counts), 0);
	assert_int_equal(counts.nodes, 0);
	assert_int_equal(fw_diagram_counts(d).nodes, 0);
	fw_arena_free(arena);
	fw_diagram_free(d);
	fw_diagram_free(NULL);
}

/* A box may end in a function of later fields. */
static void box_over_function(void **state)
{
	struct fw_diagram *d = world_new(NO_LIMITS);
	struct rule early = { { 0x0c, 0xff, 0xff, 0xff }, 1 }, late = { { 0xff, 0xff, 0x31, 0xf0 }, 2 }, both = { { 0x0c, 0xff, 0x31, 0xf0 }, 2 };
	struct fw_range range = { cell(0, 2).low, cell(0, 3).high };
	struct fw_diagram_side side = { 0, { &range, 1 } };
	uint32_t inside, ref, expected, child;

	(void)state;
	assert_int_equal(rule_box(d, &late, &inside), 0);
	assert_int_equal(rule_box(d, &both, &expected), 0);
	assert_int_equal(fw_diagram_box(d, &side, 1, inside, &ref), 0);
	assert_int_equal(ref, expected);
	assert_int_equal(fw_diagram_level(d, ref), 0);
	assert_int_equal(fw_diagram_edge_count(d, ref), 3);
	range = fw_diagram_edge(d, ref, 1, &child);
	assert_int_equal(range.low.lo, 2);
	assert_int_equal(range.high.lo, 3);
	assert_int_equal(child, inside);
	assert_int_equal(rule_box(d, &early, &ref), 0);
	range = fw_diagram_edge(d, ref, 2, &child);
	assert_int_equal(range.low.lo, 4);
	assert_int_equal(range.high.lo, 7);
	assert_int_equal(child, FW_DIAGRAM_NONE_REF);
	fw_diagram_free(d);
}

static void same_calls_same_references(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct two t, u;

		two_init(&t, seed);
		two_init(&u, seed);
		assert_int_equal(t.a, u.a);
		assert_int_equal(t.b, u.b);
		assert_int_equal(fw_diagram_counts(t.d).bytes, fw_diagram_counts(u.d).bytes);
		fw_diagram_free(t.d);
		fw_diagram_free(u.d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(equal_only_if_equal),
		cmocka_unit_test(combine),
		cmocka_unit_test(restrict_and_without),
		cmocka_unit_test(differ),
		cmocka_unit_test(map_and_leaves),
		cmocka_unit_test(corners),
		cmocka_unit_test(box_over_function),
		cmocka_unit_test(same_calls_same_references),
	};

	return cmocka_run_group_tests_name("diagram_algebra", tests, NULL, NULL);
}
