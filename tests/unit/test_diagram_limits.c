/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits: whatever bound on edges or bytes a call runs into, it says so, leaves no trace, and earlier references keep their meaning. And
 * the ways to give memory back: forget, release, compact. */
#include "test_diagram.h"

static int differ_by_first(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	(void)context;
	(void)b;
	*ret_value = a;
	return 0;
}

static uint32_t halve(void *context, uint32_t value)
{
	(void)context;
	return value == FW_DIAGRAM_NONE ? value : value / 2;
}

struct script { /* two lists and what is done with them */
	struct rule rules[RULES_MAX];
	struct table first, second, whole;
	size_t regions;
};

#define HALF (RULES_MAX / 2)

static void script_init(struct script *s, uint64_t seed)
{
	for (uint32_t i = 0; i < RULES_MAX; i++)
		s->rules[i] = random_rule(&seed, i);
	list_table(s->rules, HALF, &s->first);
	list_table(s->rules + HALF, HALF, &s->second);
	list_table(s->rules, RULES_MAX, &s->whole);
}

static int boxes(struct fw_diagram *d, const struct rule *rules, uint32_t refs[HALF])
{
	for (size_t i = 0; i < HALF; i++) {
		int r = rule_box(d, &rules[i], &refs[i]);

		if (r)
			return r;
	}
	return 0;
}

/* `r` is the result of a call that began with `before` stored: if it failed, nothing is left of it. */
static int checked(struct fw_diagram *d, struct fw_diagram_counts before, int r)
{
	if (r) {
		assert_true(r == -ENOMEM || r == -E2BIG);
		assert_int_equal(fw_diagram_counts(d).nodes, before.nodes);
		assert_int_equal(fw_diagram_counts(d).edges, before.edges);
	}
	return r;
}

static int count_region(void *context, const struct fw_iset *sets, uint32_t value)
{
	(void)value;
	assert_non_null(sets[FIELDS - 1].ranges);
	++*(size_t *)context;
	return 0;
}

static int ask(struct fw_diagram *d, uint32_t ref, struct script *s)
{
	struct fw_arena *arena = fw_arena_new(1 << 16);
	struct fw_diagram_leaves leaves;
	struct fw_diagram_counts counts;
	struct fw_u128 values[FIELDS];
	uint32_t wanted = s->whole.leaf[1234];
	const struct fw_diagram_want want = fw_diagram_want_value(&wanted);
	size_t regions = 0;
	const struct fw_diagram_walker walker = { count_region, &regions };
	int r = fw_diagram_leaves(d, ref, arena, &leaves);

	fw_arena_free(arena);
	if (!r)
		r = fw_diagram_size(d, ref, &counts);
	if (!r)
		r = fw_diagram_witness(d, ref, &want, NULL, values);
	if (!r)
		r = fw_diagram_regions(d, ref, &want, SIZE_MAX, &walker);
	if (!r)
		assert_true(regions > 0);
	return r;
}

/* Returns the first failure; the meaning of all that was made before is checked then. */
static int change(struct fw_diagram *d, uint32_t first, uint32_t second, struct script *s)
{
	struct fw_diagram_counts before = fw_diagram_counts(d);
	uint32_t whole, part, mapped;
	int r = checked(d, before, fw_diagram_over(d, first, second, &whole));

	before = fw_diagram_counts(d);
	if (!r)
		r = checked(d, before, fw_diagram_restrict(d, second, first, &part));
	before = fw_diagram_counts(d);
	if (!r)
		r = checked(d, before, fw_diagram_differ(d, first, second, &(struct fw_diagram_pairs){ differ_by_first, NULL }, &part));
	before = fw_diagram_counts(d);
	if (!r)
		r = checked(d, before, fw_diagram_map(d, whole, halve, NULL, &mapped));
	if (!r)
		r = ask(d, whole, s);
	if (!r)
		check_table(d, whole, &s->whole);
	check_table(d, first, &s->first);
	check_table(d, second, &s->second);
	return r;
}

static int play(struct script *s, struct fw_diagram_limits limits)
{
	struct fw_diagram *d = world_new(limits);
	struct fw_diagram_counts before;
	uint32_t refs[HALF], first, second;
	int r;

	if (!d)
		return -ENOMEM;
	r = boxes(d, s->rules, refs);
	before = fw_diagram_counts(d);
	if (!r)
		r = checked(d, before, fw_diagram_over_all(d, refs, HALF, &first));
	if (!r)
		r = boxes(d, s->rules + HALF, refs);
	before = fw_diagram_counts(d);
	if (!r)
		r = checked(d, before, fw_diagram_over_all(d, refs, HALF, &second));
	if (!r)
		r = change(d, first, second, s);
	assert_true(fw_diagram_counts(d).edges <= limits.edges);
	assert_true(fw_diagram_counts(d).bytes <= limits.bytes);
	fw_diagram_free(d);
	return r;
}

static void every_budget_of_bytes(void **state)
{
	static struct script s;
	size_t bytes = 0, failed = 0;
	int r;

	(void)state;
	script_init(&s, 5);
	for (;; bytes += 96 + bytes / 64) {
		r = play(&s, (struct fw_diagram_limits){ 1 << 20, bytes });
		if (!r)
			break;
		assert_int_equal(r, -ENOMEM);
		failed++;
	}
	assert_true(failed > 100);
}

static void every_bound_on_edges(void **state)
{
	static struct script s;
	size_t edges = 0;
	int r;

	(void)state;
	script_init(&s, 6);
	for (;; edges += 1 + edges / 32) {
		r = play(&s, (struct fw_diagram_limits){ edges, 1 << 30 });
		if (!r)
			break;
		assert_int_equal(r, -E2BIG);
	}
	assert_true(edges > 100);
}

/* As many rules as the bound bears; what was taken is the list up to there, and the next does not fit. */
static void over_most(void **state)
{
	static struct script s;
	size_t last = 0;

	(void)state;
	script_init(&s, 8);
	for (size_t edges = 0; last < RULES_MAX; edges += 20) {
		struct fw_diagram *d = world_new((struct fw_diagram_limits){ edges, 1 << 30 });
		uint32_t refs[RULES_MAX], ref, count = 0;
		struct table table;
		size_t taken = 0;
		int r;

		while (count < RULES_MAX && rule_box(d, &s.rules[count], &refs[count]) == 0)
			count++;
		r = fw_diagram_over_most(d, refs, count, &ref, &taken);
		assert_true(r == 0 || (r == -E2BIG && taken == 0));
		if (!r) {
			list_table(s.rules, taken, &table);
			check_table(d, ref, &table);
		}
		if (count == RULES_MAX && taken < RULES_MAX)
			assert_int_equal(fw_diagram_over_all(d, refs, taken + 1, &ref), -E2BIG);
		last = taken;
		fw_diagram_free(d);
	}
}

/* Cells of 64 x 64 with crossing functions below them: each pair of them must be merged, though the result is one leaf. */
static int five(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	(void)context;
	(void)a;
	(void)b;
	*ret_value = 5;
	return 0;
}

/* `refs` in 64 places of a field as one, and nothing else left of it. */
static uint32_t row(struct fw_diagram *d, uint32_t level, const struct fw_u128 *places, uint32_t refs[64])
{
	uint32_t boxed[64], mark = fw_diagram_mark(d), ref;

	for (uint32_t i = 0; i < 64; i++) {
		struct fw_range range = { places[i], places[i] };
		struct fw_diagram_side side = { level, { &range, 1 } };

		assert_int_equal(fw_diagram_box(d, &side, 1, refs[i], &boxed[i]), 0);
	}
	assert_int_equal(fw_diagram_over_all(d, boxed, 64, &ref), 0);
	assert_int_equal(fw_diagram_release(d, mark, &ref, 1), 0);
	return ref;
}

static uint32_t crossing(struct fw_diagram *d, uint32_t stride, uint32_t offset)
{
	struct fw_u128 spread[64], dense[64];
	uint32_t refs[64], rows[64], lower[64];

	for (uint32_t i = 0; i < 64; i++) {
		spread[i] = (struct fw_u128){ 0, 2 * i + offset };
		dense[i] = (struct fw_u128){ 0, i };
	}
	for (uint32_t k = 0; k < 64; k++) {
		for (uint32_t i = 0; i < 64; i++)
			refs[i] = fw_diagram_leaf(i * (k + 1) % 67);
		lower[k] = row(d, 2, spread, refs);
	}
	for (uint32_t i = 0; i < 64; i++) {
		for (uint32_t j = 0; j < 64; j++)
			refs[j] = lower[(i + stride * j) % 64];
		rows[i] = row(d, 1, dense, refs);
	}
	return row(d, 0, dense, rows);
}

static void work_is_bounded(void **state)
{
	const struct fw_diagram_field fields[] = { { "x", { 0, 63 } }, { "y", { 0, 63 } }, { "z", { 0, 127 } } };
	const struct fw_diagram_op op = { .decide = five };
	const struct fw_u128 point[] = { { 0, 3 }, { 0, 4 }, { 0, 10 } };
	struct fw_diagram_limits limits = { 30000, 1 << 30 };
	uint32_t ref, refs[2];

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct fw_diagram *d = fw_diagram_new(fields, 3, limits);
		struct fw_diagram_counts before;

		refs[0] = crossing(d, 1, 0);
		assert_int_equal(fw_diagram_compact(d, refs, 1), 0);
		refs[1] = crossing(d, 2, 1);
		assert_int_equal(fw_diagram_compact(d, refs, 2), 0);
		before = fw_diagram_counts(d);
		assert_true(before.edges < 30000);
		assert_int_equal(fw_diagram_combine(d, refs[0], refs[1], &op, &ref), round ? 0 : -E2BIG);
		if (round)
			assert_int_equal(ref, fw_diagram_leaf(5));
		assert_int_equal(fw_diagram_counts(d).edges, before.edges);
		assert_int_equal(fw_diagram_eval(d, refs[0], point), 5 * 8 % 67);
		fw_diagram_free(d);
		limits.edges *= 4;
	}
}

static void release_keeps_what_is_asked_for(void **state)
{
	static struct script s;

	(void)state;
	for (uint64_t seed = 1; seed < 60; seed++) {
		struct fw_diagram *d = world_new(NO_LIMITS);
		struct fw_diagram_counts before;
		uint32_t first, keep[3], mark, again;

		script_init(&s, seed);
		first = list_build(d, s.rules, HALF);
		mark = fw_diagram_mark(d);
		keep[0] = list_build(d, s.rules + HALF, HALF);
		assert_int_equal(fw_diagram_over(d, first, keep[0], &keep[1]), 0);
		keep[2] = first;
		before = fw_diagram_counts(d);
		assert_int_equal(fw_diagram_release(d, mark, keep, 3), 0);
		assert_true(fw_diagram_counts(d).edges < before.edges);
		assert_int_equal(keep[2], first);
		check_table(d, first, &s.first);
		check_table(d, keep[0], &s.second);
		check_table(d, keep[1], &s.whole);
		assert_int_equal(list_build(d, s.rules, RULES_MAX), keep[1]); /* still unique */
		assert_int_equal(fw_diagram_over(d, first, keep[0], &again), 0);
		assert_int_equal(again, keep[1]);
		fw_diagram_free(d);
	}
}

static void compact_gives_memory_back(void **state)
{
	static struct script s;
	struct fw_diagram *d = world_new(NO_LIMITS);
	struct fw_diagram_counts before, after, size;
	uint32_t ref;

	(void)state;
	script_init(&s, 3);
	for (uint64_t seed = 100; seed < 160; seed++) {
		struct rule rules[RULES_MAX];

		(void)random_list(&seed, rules);
		for (uint32_t i = 0; i < RULES_MAX; i++)
			rules[i] = random_rule(&seed, i);
		(void)list_build(d, rules, RULES_MAX);
	}
	ref = list_build(d, s.rules, RULES_MAX);
	before = fw_diagram_counts(d);
	assert_int_equal(fw_diagram_compact(d, &ref, 1), 0);
	after = fw_diagram_counts(d);
	assert_int_equal(fw_diagram_size(d, ref, &size), 0);
	assert_int_equal(after.nodes, size.nodes);
	assert_int_equal(after.edges, size.edges);
	assert_true(after.bytes < before.bytes / 2);
	check_table(d, ref, &s.whole);
	assert_int_equal(list_build(d, s.rules, RULES_MAX), ref);
	before = fw_diagram_counts(d);
	fw_diagram_forget(d);
	assert_true(fw_diagram_counts(d).bytes < before.bytes);
	check_table(d, ref, &s.whole);
	assert_int_equal(list_build(d, s.rules, RULES_MAX), ref);
	assert_int_equal(fw_diagram_compact(d, NULL, 0), 0);
	assert_int_equal(fw_diagram_counts(d).nodes, 0);
	ref = list_build(d, s.rules, RULES_MAX);
	check_table(d, ref, &s.whole);
	fw_diagram_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_budget_of_bytes),
		cmocka_unit_test(every_bound_on_edges),
		cmocka_unit_test(over_most),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(release_keeps_what_is_asked_for),
		cmocka_unit_test(compact_gives_memory_back),
	};

	return cmocka_run_group_tests_name("diagram_limits", tests, NULL, NULL);
}
