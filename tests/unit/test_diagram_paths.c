/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Witnesses and regions: a point or a box is right wherever one is given, and one is given wherever a table has a point. */
#include "test_diagram.h"

#define SEEDS 120

struct random_function {
	struct fw_diagram *d;
	uint32_t ref;
	struct table table;
};

static void random_function(struct random_function *f, uint64_t seed)
{
	struct rule rules[RULES_MAX];
	size_t count = random_list(&seed, rules);

	f->d = world_new(NO_LIMITS);
	f->ref = list_build(f->d, rules, count);
	list_table(rules, count, &f->table);
}

static unsigned int point_of(const struct fw_u128 *values)
{
	unsigned int point = 0;

	for (size_t i = 0; i < FIELDS; i++)
		point |= cell_of(i, values[i]) << (3 * i);
	return point;
}

static void random_point(uint64_t *random, struct fw_u128 *ret_values)
{
	for (size_t i = 0; i < FIELDS; i++) {
		struct fw_range range = cell(i, below(random, CELLS));

		ret_values[i] = below(random, 2) ? range.low : range.high;
	}
}

static void witness(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct random_function f;
		struct fw_u128 nice[FIELDS], got[FIELDS];
		uint64_t random = seed * 1000;

		random_function(&f, seed);
		random_point(&random, nice);
		for (uint32_t i = 0; i <= RULES_MAX; i++) {
			uint32_t wanted = i == RULES_MAX ? FW_DIAGRAM_NONE : i;
			struct fw_diagram_want want = fw_diagram_want_value(&wanted);
			bool there = false;

			for (unsigned int p = 0; p < POINTS; p++)
				there |= f.table.leaf[p] == wanted;
			assert_int_equal(fw_diagram_witness(f.d, f.ref, &want, i % 2 ? nice : NULL, got), there ? 0 : -ENOENT);
			if (there)
				assert_int_equal(f.table.leaf[point_of(got)], wanted);
		}
		fw_diagram_free(f.d);
	}
}

/* Field by field, the nice number stays where some point with it is wanted; else it is the lowest that leads on. */
static void witness_is_nice(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct random_function f;
		struct fw_u128 nice[FIELDS], got[FIELDS];
		uint64_t random = seed * 77;
		uint32_t wanted;
		struct fw_diagram_want want = fw_diagram_want_value(&wanted);
		unsigned int fixed = 0, mask = 0;

		random_function(&f, seed);
		random_point(&random, nice);
		wanted = f.table.leaf[below(&random, POINTS)];
		assert_int_equal(fw_diagram_witness(f.d, f.ref, &want, nice, got), 0);
		for (size_t i = 0; i < FIELDS; i++) {
			unsigned int lowest = CELLS;
			bool nice_leads = false;

			for (unsigned int p = 0; p < POINTS; p++) {
				if ((p & mask) != fixed || f.table.leaf[p] != wanted)
					continue;
				nice_leads |= point_cell(p, i) == cell_of(i, nice[i]);
				if (point_cell(p, i) < lowest)
					lowest = point_cell(p, i);
			}
			if (nice_leads)
				assert_memory_equal(&got[i], &nice[i], sizeof(nice[i]));
			else
				assert_int_equal(fw_u128_compare(got[i], cell(i, lowest).low), 0);
			fixed |= cell_of(i, got[i]) << (3 * i);
			mask |= 7u << (3 * i);
		}
		fw_diagram_free(f.d);
	}
}

static bool any_rule(void *context, uint32_t value)
{
	(void)context;
	return value != FW_DIAGRAM_NONE;
}

struct seen {
	struct table table; /* the leaf of the region that has the point */
	size_t regions, stop_after;
};

static int see_region(void *context, const struct fw_iset *sets, uint32_t value)
{
	struct seen *seen = context;
	size_t points = 0;

	for (unsigned int p = 0; p < POINTS; p++) {
		bool low = true, high = true;

		for (size_t i = 0; i < FIELDS; i++) {
			low = low && fw_iset_contains(sets[i], cell(i, point_cell(p, i)).low);
			high = high && fw_iset_contains(sets[i], cell(i, point_cell(p, i)).high);
		}
		assert_int_equal(low, high);
		if (!low)
			continue;
		assert_int_equal(seen->table.leaf[p], FW_DIAGRAM_NONE); /* in one region only */
		seen->table.leaf[p] = value;
		points++;
	}
	assert_true(points > 0);
	for (size_t i = 0; i < FIELDS; i++) {
		for (size_t j = 1; j < sets[i].len; j++) /* sorted, disjoint, not adjacent */
			assert_true(fw_u128_compare(fw_u128_next(sets[i].ranges[j - 1].high), sets[i].ranges[j].low) < 0);
	}
	return ++seen->regions == seen->stop_after ? -ECANCELED : 0;
}

static void regions_begin(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	for (unsigned int p = 0; p < POINTS; p++)
		seen->table.leaf[p] = FW_DIAGRAM_NONE;
}

static void regions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS / 2; seed++) {
		static struct seen seen;
		const struct fw_diagram_want decided = { .wanted = any_rule };
		const struct fw_diagram_walker walker = { see_region, &seen };
		struct random_function f;
		struct fw_diagram_want one;
		uint32_t wanted;
		size_t all;

		random_function(&f, seed);
		regions_begin(&seen);
		assert_int_equal(fw_diagram_regions(f.d, f.ref, &decided, SIZE_MAX, &walker), 0);
		assert_memory_equal(&seen.table, &f.table, sizeof(f.table));
		all = seen.regions;
		regions_begin(&seen);
		assert_int_equal(fw_diagram_regions(f.d, f.ref, &decided, all, &walker), 0);
		if (all > 1) {
			regions_begin(&seen);
			assert_int_equal(fw_diagram_regions(f.d, f.ref, &decided, all - 1, &walker), -E2BIG);
			assert_int_equal(seen.regions, all - 1);
			regions_begin(&seen);
			seen.stop_after = 2;
			assert_int_equal(fw_diagram_regions(f.d, f.ref, &decided, all, &walker), -ECANCELED);
			assert_int_equal(seen.regions, 2);
		}
		wanted = f.table.leaf[17];
		one = fw_diagram_want_value(&wanted);
		regions_begin(&seen);
		assert_int_equal(fw_diagram_regions(f.d, f.ref, &one, SIZE_MAX, &walker), 0);
		for (unsigned int p = 0; p < POINTS; p++)
			assert_int_equal(seen.table.leaf[p], f.table.leaf[p] == wanted ? wanted : FW_DIAGRAM_NONE);
		fw_diagram_free(f.d);
	}
}

/* Edges to one child are one set: a box is one region, however many ranges its sets have. */
static void region_of_a_box(void **state)
{
	static struct seen seen;
	const struct fw_diagram_walker walker = { see_region, &seen };
	const struct rule rule = { { 0x55, 0xff, 0xa5, 0x81 }, 9 };
	uint32_t wanted = 9, ref;
	const struct fw_diagram_want want = fw_diagram_want_value(&wanted);
	struct fw_diagram *d = world_new(NO_LIMITS);

	(void)state;
	regions_begin(&seen);
	assert_int_equal(rule_box(d, &rule, &ref), 0);
	assert_int_equal(fw_diagram_regions(d, ref, &want, 1, &walker), 0);
	assert_int_equal(seen.regions, 1);
	regions_begin(&seen);
	assert_int_equal(fw_diagram_regions(d, fw_diagram_leaf(9), &want, 1, &walker), 0);
	assert_int_equal(seen.regions, 1);
	assert_int_equal(seen.table.leaf[POINTS - 1], 9);
	assert_int_equal(fw_diagram_regions(d, FW_DIAGRAM_NONE_REF, &want, 0, &walker), 0);
	fw_diagram_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(witness),
		cmocka_unit_test(witness_is_nice),
		cmocka_unit_test(regions),
		cmocka_unit_test(region_of_a_box),
	};

	return cmocka_run_group_tests_name("diagram_paths", tests, NULL, NULL);
}
