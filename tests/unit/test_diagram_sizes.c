/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long lists of rules of the kinds that policies have, and lists made to hurt: every one answers as the list does, and says what it took.
 * Times are printed, not asserted, as machines differ; sizes are. */
#include "test_diagram.h"

#include <time.h>

enum { PROTO, PORT, FAMILY, SOURCE, DESTINATION, LEVELS };

static const struct fw_diagram_field fields[LEVELS] = {
	{ "proto", { 0, 255 } },
	{ "port", { 0, 65535 } },
	{ "family", { 0, 1 } },
	{ "source", { UINT64_MAX, UINT64_MAX } },
	{ "destination", { UINT64_MAX, UINT64_MAX } },
};

struct wide_rule {
	struct fw_range ranges[LEVELS];
};


static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void any(struct wide_rule *rule)
{
	for (size_t i = 0; i < LEVELS; i++)
		rule->ranges[i] = (struct fw_range){ .high = fields[i].max };
}

static struct fw_range one(uint64_t value)
{
	return (struct fw_range){ { 0, value }, { 0, value } };
}

/* Prefixes under a few roots, so that many lie within others. */
static struct fw_range random_prefix(uint64_t *random, enum fw_family family)
{
	struct fw_u128 address = { next_random(random), next_random(random) };

	if (family == FW_IPV4) {
		address = (struct fw_u128){ 0, 10u << 24 | (below(random, 1u << 24)) };
		return fw_range_prefix(family, address, 8 + below(random, 25));
	}
	address.hi = (address.hi & 0xffffffffffffu) | 0x20010db8ull << 32;
	return fw_range_prefix(family, address, 32 + below(random, 33));
}

static void set_source(uint64_t *random, struct wide_rule *rule)
{
	enum fw_family family = below(random, 3) == 0 ? FW_IPV6 : FW_IPV4;

	rule->ranges[FAMILY] = one(family);
	rule->ranges[SOURCE] = random_prefix(random, family);
}

static void port_from_cidr(uint64_t *random, struct wide_rule *rule)
{
	any(rule);
	rule->ranges[PROTO] = one(below(random, 10) ? 6 : 17);
	rule->ranges[PORT] = one(1 + below(random, 65535));
	set_source(random, rule);
}

static void one_port_from_cidr(uint64_t *random, struct wide_rule *rule)
{
	port_from_cidr(random, rule);
	rule->ranges[PROTO] = one(6);
	rule->ranges[PORT] = one(22);
}

static void few_ports_from_cidr_to_cidr(uint64_t *random, struct wide_rule *rule)
{
	port_from_cidr(random, rule);
	rule->ranges[PORT] = one(1 + below(random, 1000));
	rule->ranges[DESTINATION] = random_prefix(random, (enum fw_family)rule->ranges[FAMILY].low.lo);
}

static void one_port_from_cidr_to_cidr(uint64_t *random, struct wide_rule *rule)
{
	few_ports_from_cidr_to_cidr(random, rule);
	rule->ranges[PROTO] = one(6);
	rule->ranges[PORT] = one(22);
}

static struct fw_range random_range(uint64_t *random, struct fw_u128 max)
{
	struct fw_u128 a = { next_random(random) & max.hi, next_random(random) & max.lo };
	struct fw_u128 b = { next_random(random) & max.hi, next_random(random) & max.lo };

	return fw_u128_compare(a, b) < 0 ? (struct fw_range){ a, b } : (struct fw_range){ b, a };
}

static void ranges_in_two_fields(uint64_t *random, struct wide_rule *rule)
{
	any(rule);
	rule->ranges[PORT] = random_range(random, fields[PORT].max);
	rule->ranges[SOURCE] = random_range(random, fields[SOURCE].max);
}

static void ranges_in_all_fields(uint64_t *random, struct wide_rule *rule)
{
	for (size_t i = 0; i < LEVELS; i++)
		rule->ranges[i] = random_range(random, fields[i].max);
}

/* Ranges of a hundredth of a field's width: the list overlaps less, and covers less. */
static void narrow_ranges(uint64_t *random, struct wide_rule *rule)
{
	any(rule);
	for (size_t i = 0; i < 2; i++) {
		struct fw_range *range = &rule->ranges[i ? SOURCE : DESTINATION];

		range->low = (struct fw_u128){ next_random(random) >> 1, 0 };
		range->high = (struct fw_u128){ range->low.hi + (UINT64_MAX >> 1) / 100, 0 };
	}
	rule->ranges[PORT].low.lo = below(random, 65000);
	rule->ranges[PORT].high.lo = rule->ranges[PORT].low.lo + 500;
}

static int box(struct fw_diagram *d, const struct wide_rule *rule, uint32_t leaf, uint32_t *ret_ref)
{
	struct fw_diagram_side sides[LEVELS];

	for (uint32_t i = 0; i < LEVELS; i++)
		sides[i] = (struct fw_diagram_side){ i, { &rule->ranges[i], 1 } };
	return fw_diagram_box(d, sides, LEVELS, fw_diagram_leaf(leaf), ret_ref);
}

/* Points at the ends of rules' ranges, mixed from two rules, where mistakes would be. */
static void check_points(struct fw_diagram *d, uint32_t ref, const struct wide_rule *rules, uint32_t count)
{
	uint64_t random = 11;

	for (int round = 0; round < 500; round++) {
		const struct wide_rule *a = &rules[below(&random, count)], *b = &rules[below(&random, count)];
		struct fw_u128 point[LEVELS];
		uint32_t first = 0;

		for (size_t i = 0; i < LEVELS; i++) {
			const struct fw_range *range = below(&random, 4) ? &a->ranges[i] : &b->ranges[i];

			point[i] = below(&random, 2) ? range->low : range->high;
		}
		for (; first < count; first++) {
			size_t i = 0;

			while (i < LEVELS && fw_iset_contains((struct fw_iset){ &rules[first].ranges[i], 1 }, point[i]))
				i++;
			if (i == LEVELS)
				break;
		}
		assert_int_equal(fw_diagram_eval(d, ref, point), first == count ? FW_DIAGRAM_NONE : first);
	}
}

static uint32_t zero(void *context, uint32_t value)
{
	(void)context;
	return value == FW_DIAGRAM_NONE ? value : value % 2;
}

static int pair_a(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	(void)context;
	(void)b;
	*ret_value = a;
	return 0;
}

/* What proofs do with it: which rules are reached, and what differs from the policy without its first rule. */
static void ask(struct fw_diagram *d, const uint32_t *refs, uint32_t count, uint32_t whole)
{
	struct fw_arena *arena = fw_arena_new(1 << 26);
	struct fw_diagram_leaves leaves;
	uint32_t other, difference, actions;
	double start = now();

	assert_int_equal(fw_diagram_leaves(d, whole, arena, &leaves), 0);
	printf("     leaves %.4f s (%zu)", now() - start, leaves.len);
	start = now();
	assert_int_equal(fw_diagram_over_all(d, refs + 1, count - 1, &other), 0);
	printf(", without the first %.4f s", now() - start);
	start = now();
	assert_int_equal(fw_diagram_differ(d, whole, other, &(struct fw_diagram_pairs){ pair_a, NULL }, &difference), 0);
	assert_int_not_equal(difference, FW_DIAGRAM_NONE_REF);
	assert_int_equal(fw_diagram_map(d, whole, zero, NULL, &actions), 0);
	printf(", differ and map %.4f s\n", now() - start);
	fw_arena_free(arena);
}

static void build(const char *name, void (*make)(uint64_t *random, struct wide_rule *rule), uint32_t count,
		  struct fw_diagram_limits limits)
{
	struct wide_rule *rules = calloc(count, sizeof(*rules));
	uint32_t *refs = calloc(count, sizeof(*refs)), whole;
	struct fw_diagram *d = fw_diagram_new(fields, LEVELS, limits);
	struct fw_diagram_counts size = { 0 };
	uint64_t random = count;
	double start, boxes, merged;
	int r;

	assert_non_null(rules);
	assert_non_null(refs);
	for (uint32_t i = 0; i < count; i++)
		make(&random, &rules[i]);
	start = now();
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(box(d, &rules[i], i, &refs[i]), 0);
	boxes = now() - start;
	start = now();
	r = fw_diagram_over_all(d, refs, count, &whole);
	merged = now() - start;
	if (!r)
		assert_int_equal(fw_diagram_size(d, whole, &size), 0);
	printf("%-28s %6u rules: boxes %.4f s, merged %.4f s, %s%zu nodes, %zu edges, %.1f MB; all told %.1f MB\n", name, count, boxes, merged,
	       r == -E2BIG ? "over the bound " : "", size.nodes, size.edges, (double)size.bytes / 1e6,
	       (double)fw_diagram_counts(d).bytes / 1e6);
	if (r) {
		size_t taken = 0;

		assert_int_equal(r, -E2BIG);
		start = now();
		assert_int_equal(fw_diagram_over_most(d, refs, count, &whole, &taken), 0);
		printf("     the first %zu fit, found in %.4f s\n", taken, now() - start);
		count = (uint32_t)taken;
	}
	check_points(d, whole, rules, count);
	if (!r)
		ask(d, refs, count, whole);
	fw_diagram_free(d);
	free(refs);
	free(rules);
}

#define ROOMY ((struct fw_diagram_limits){ 1u << 25, 1u << 30 })
#define BOUND ((struct fw_diagram_limits){ 4000000, 512u << 20 })

static void ports_and_prefixes(void **state)
{
	(void)state;
	build("port from cidr", port_from_cidr, 1000, ROOMY);
	build("port from cidr", port_from_cidr, 10000, ROOMY);
	build("port from cidr", port_from_cidr, 100000, ROOMY);
	build("one port from cidr", one_port_from_cidr, 10000, ROOMY);
	build("one port from cidr", one_port_from_cidr, 100000, ROOMY);
	build("port from cidr to cidr", few_ports_from_cidr_to_cidr, 10000, ROOMY);
	build("one port, cidr to cidr", one_port_from_cidr_to_cidr, 1000, ROOMY);
	build("one port, cidr to cidr", one_port_from_cidr_to_cidr, 10000, BOUND);
}

static void made_to_hurt(void **state)
{
	static const uint32_t counts[] = { 100, 200, 500, 1000, 2000 };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(counts); i++)
		build("ranges in two fields", ranges_in_two_fields, counts[i], BOUND);
	for (size_t i = 0; i < FW_ARRAY_SIZE(counts); i++)
		build("ranges in all fields", ranges_in_all_fields, counts[i], BOUND);
	for (size_t i = 0; i < FW_ARRAY_SIZE(counts); i++)
		build("narrow ranges, three fields", narrow_ranges, counts[i], BOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_and_prefixes),
		cmocka_unit_test(made_to_hurt),
	};

	return cmocka_run_group_tests_name("diagram_sizes", tests, NULL, NULL);
}
