/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second engine: random ordered lists of boxes as interval diagrams and, bit by bit, as binary decision diagrams of BuDDy (Debian:
 * libbdd-dev). The two must agree on which rules are reached, on what each of them decides (every region, as a function), on whether two
 * lists are equal and where they differ, and witnesses must lie in the other engine's function. BuDDy shares no code or method with ours:
 * boxes are made from comparisons of bits, lists by set algebra.
 *
 *   bdd_check [SEEDS [FIRST]] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bdd.h>

#include "diagram/diagram.h"

#define LEVELS 4
#define RULES_MAX 60

#define CHECK(what) \
	do { \
		if (!(what)) \
			fail(#what, __LINE__); \
	} while (0)

static const struct fw_diagram_field fields[LEVELS] = {
	{ "proto", { 0, 255 } },
	{ "port", { 0, 65535 } },
	{ "family", { 0, 1 } },
	{ "source", { UINT64_MAX, UINT64_MAX } },
};
static const unsigned int bits[LEVELS] = { 8, 16, 1, 128 };
static const unsigned int first_bit[LEVELS] = { 0, 8, 24, 25 };
#define BITS 153

struct rule {
	struct fw_range ranges[LEVELS][2];
	size_t len[LEVELS];
	uint32_t action;
};

struct list {
	struct rule rules[RULES_MAX];
	uint32_t count;
	uint32_t ref;          /* rule ids */
	uint32_t actions;      /* what they do */
	BDD decides[RULES_MAX]; /* the points of each rule that no earlier one has */
	BDD allowed, decided;
};

struct run {
	uint64_t seed;
	size_t reached, shadowed, equal, unequal, regions;
};

static struct fw_diagram *d; /* one for a seed; here so that a failed check needs no way out */
static uint64_t seed_now;

static void fail(const char *what, int line)
{
	fprintf(stderr, "bdd_check: seed %llu, line %d: %s\n", (unsigned long long)seed_now, line, what);
	exit(1);
}

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint32_t below(uint64_t *state, uint32_t end)
{
	return (uint32_t)(next_random(state) % end);
}

static struct fw_range between(struct fw_u128 a, struct fw_u128 b)
{
	return fw_u128_compare(a, b) < 0 ? (struct fw_range){ a, b } : (struct fw_range){ b, a };
}

static struct fw_range random_source(uint64_t *random)
{
	struct fw_u128 a = { 0x20010db8ull << 32 | below(random, 4), next_random(random) & 0xff };
	struct fw_u128 b = { 0x20010db8ull << 32 | below(random, 4), next_random(random) };

	if (below(random, 3) == 0)
		return between(a, b);
	if (below(random, 2))
		return fw_range_prefix(FW_IPV6, a, 30 + below(random, 99));
	return fw_range_prefix(FW_IPV4, (struct fw_u128){ 0, 0xc0000200u | below(random, 256) }, 20 + below(random, 13));
}

static struct fw_range random_range(uint64_t *random, size_t level)
{
	uint32_t max = (uint32_t)fields[level].max.lo, few = level == 1 ? 30 : max + 1;

	if (level == 3)
		return random_source(random);
	if (below(random, 2)) {
		struct fw_u128 value = { 0, below(random, few) };

		return (struct fw_range){ value, value };
	}
	return between((struct fw_u128){ 0, below(random, few) }, (struct fw_u128){ 0, below(random, max + 1) });
}

static struct rule random_rule(uint64_t *random)
{
	struct rule rule = { .action = below(random, 2) };

	for (size_t i = 0; i < LEVELS; i++) {
		rule.len[i] = below(random, 3);
		for (size_t j = 0; j < rule.len[i]; j++)
			rule.ranges[i][j] = random_range(random, i);
		rule.len[i] = fw_iset_normalise(rule.ranges[i], rule.len[i]).len;
	}
	return rule;
}

static bool bit_of(struct fw_u128 value, unsigned int bit)
{
	return (bit < 64 ? value.lo >> bit : value.hi >> (bit - 64)) & 1;
}

/* Keeps `keep` and lets go of `old`. */
static BDD take(BDD old, BDD keep)
{
	bdd_addref(keep);
	bdd_delref(old);
	return keep;
}

/* value <= limit (or >= limit), from the lowest bit up. */
static BDD compare(size_t level, struct fw_u128 limit, bool at_most)
{
	BDD sum = bdd_addref(bddtrue);

	for (unsigned int i = 0; i < bits[level]; i++) {
		int variable = (int)(first_bit[level] + bits[level] - 1 - i);
		BDD beyond = at_most ? bdd_nithvar(variable) : bdd_ithvar(variable);

		sum = take(sum, bit_of(limit, i) == at_most ? bdd_or(beyond, sum) : bdd_and(beyond, sum));
	}
	return sum;
}

static BDD range_bdd(size_t level, struct fw_range range)
{
	BDD low = compare(level, range.low, false), high = compare(level, range.high, true);

	low = take(low, bdd_and(low, high));
	bdd_delref(high);
	return low;
}

static BDD set_bdd(size_t level, const struct fw_range *ranges, size_t len)
{
	BDD set = bdd_addref(bddfalse);

	for (size_t i = 0; i < len; i++) {
		BDD range = range_bdd(level, ranges[i]);

		set = take(set, bdd_or(set, range));
		bdd_delref(range);
	}
	return set;
}

static BDD rule_bdd(const struct rule *rule)
{
	BDD box = bdd_addref(bddtrue);

	for (size_t i = 0; i < LEVELS; i++) {
		BDD set = rule->len[i] ? set_bdd(i, rule->ranges[i], rule->len[i]) : bdd_addref(bddtrue);

		box = take(box, bdd_and(box, set));
		bdd_delref(set);
	}
	return box;
}

static void list_bdds(struct list *list)
{
	list->decided = bdd_addref(bddfalse);
	list->allowed = bdd_addref(bddfalse);
	for (uint32_t i = 0; i < list->count; i++) {
		BDD box = rule_bdd(&list->rules[i]);

		list->decides[i] = bdd_addref(bdd_apply(box, list->decided, bddop_diff));
		list->decided = take(list->decided, bdd_or(list->decided, box));
		if (list->rules[i].action)
			list->allowed = take(list->allowed, bdd_or(list->allowed, list->decides[i]));
		bdd_delref(box);
	}
}

static void list_bdds_done(struct list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		bdd_delref(list->decides[i]);
	bdd_delref(list->decided);
	bdd_delref(list->allowed);
}

static uint32_t action_of(void *context, uint32_t value)
{
	const struct list *list = context;

	return value == FW_DIAGRAM_NONE ? value : list->rules[value].action;
}

static void list_diagram(struct list *list)
{
	uint32_t refs[RULES_MAX];

	for (uint32_t i = 0; i < list->count; i++) {
		const struct rule *rule = &list->rules[i];
		struct fw_diagram_side sides[LEVELS];
		size_t count = 0;

		for (uint32_t level = 0; level < LEVELS; level++) {
			if (rule->len[level])
				sides[count++] = (struct fw_diagram_side){ level, { rule->ranges[level], rule->len[level] } };
		}
		CHECK(fw_diagram_box(d, sides, count, fw_diagram_leaf(i), &refs[i]) == 0);
	}
	CHECK(fw_diagram_over_all(d, refs, list->count, &list->ref) == 0);
	CHECK(fw_diagram_map(d, list->ref, action_of, list, &list->actions) == 0);
}

static BDD point_bdd(const struct fw_u128 *values)
{
	BDD point = bdd_addref(bddtrue);

	for (size_t i = 0; i < LEVELS; i++) {
		BDD range = range_bdd(i, (struct fw_range){ values[i], values[i] });

		point = take(point, bdd_and(point, range));
		bdd_delref(range);
	}
	return point;
}

/* Rule i is reached in both engines or in neither; a witness of ours lies in what BuDDy says it decides. */
static void check_reached(struct run *run, struct list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct fw_diagram_want want = fw_diagram_want_value(&i);
		struct fw_u128 values[LEVELS];
		int r = fw_diagram_witness(d, list->ref, &want, NULL, values);
		BDD point;

		CHECK(r == 0 || r == -ENOENT);
		CHECK((r == 0) == (list->decides[i] != bddfalse));
		run->reached += r == 0;
		run->shadowed += r != 0;
		if (r)
			continue;
		point = point_bdd(values);
		CHECK(bdd_apply(point, list->decides[i], bddop_diff) == bddfalse);
		bdd_delref(point);
	}
}

struct sum { /* the union of regions, for each leaf */
	BDD of[RULES_MAX];
	struct run *run;
};

static int add_region(void *context, const struct fw_iset *sets, uint32_t value)
{
	struct sum *sum = context;
	BDD box = bdd_addref(bddtrue), both;

	for (size_t i = 0; i < LEVELS; i++) {
		BDD set = set_bdd(i, sets[i].ranges, sets[i].len);

		box = take(box, bdd_and(box, set));
		bdd_delref(set);
	}
	both = bdd_addref(bdd_and(box, sum->of[value]));
	CHECK(both == bddfalse);
	bdd_delref(both);
	sum->of[value] = take(sum->of[value], bdd_or(sum->of[value], box));
	bdd_delref(box);
	sum->run->regions++;
	return 0;
}

static bool decided(void *context, uint32_t value)
{
	(void)context;
	return value != FW_DIAGRAM_NONE;
}

/* The regions of each rule, put together by BuDDy, are what the rule decides there. */
static void check_regions(struct run *run, struct list *list)
{
	const struct fw_diagram_want want = { .wanted = decided };
	struct sum sum = { .run = run };
	const struct fw_diagram_walker walker = { add_region, &sum };

	for (uint32_t i = 0; i < list->count; i++)
		sum.of[i] = bdd_addref(bddfalse);
	CHECK(fw_diagram_regions(d, list->ref, &want, SIZE_MAX, &walker) == 0);
	for (uint32_t i = 0; i < list->count; i++) {
		CHECK(sum.of[i] == list->decides[i]);
		bdd_delref(sum.of[i]);
	}
}

static int number(void *context, uint32_t a, uint32_t b, uint32_t *ret_value)
{
	(void)context;
	*ret_value = (a == FW_DIAGRAM_NONE ? 2 : a) * 3 + (b == FW_DIAGRAM_NONE ? 2 : b);
	return 0;
}

static void check_equality(struct run *run, const struct list *a, const struct list *b)
{
	const bool same = a->decided == b->decided && a->allowed == b->allowed;
	const struct fw_diagram_want want = { .wanted = decided };
	struct fw_u128 values[LEVELS];
	uint32_t difference;
	BDD point;

	CHECK((a->actions == b->actions) == same);
	CHECK(fw_diagram_differ(d, a->actions, b->actions, &(struct fw_diagram_pairs){ number, NULL }, &difference) == 0);
	CHECK((difference == FW_DIAGRAM_NONE_REF) == same);
	run->equal += same;
	run->unequal += !same;
	if (same)
		return;
	CHECK(fw_diagram_witness(d, difference, &want, NULL, values) == 0);
	point = point_bdd(values);
	CHECK((bdd_and(point, a->allowed) != bddfalse) != (bdd_and(point, b->allowed) != bddfalse) ||
	      (bdd_and(point, a->decided) != bddfalse) != (bdd_and(point, b->decided) != bddfalse));
	bdd_delref(point);
}

static void random_list(uint64_t *random, struct list *list)
{
	list->count = 2 + below(random, RULES_MAX - 2);
	for (uint32_t i = 0; i < list->count; i++)
		list->rules[i] = random_rule(random);
}

/* Two neighbours change places, or one rule changes its action: sometimes that matters. */
static void change(uint64_t *random, struct list *list)
{
	uint32_t at = below(random, list->count - 1);
	struct rule kept = list->rules[at];

	if (below(random, 2)) {
		list->rules[at] = list->rules[at + 1];
		list->rules[at + 1] = kept;
	} else {
		list->rules[at].action ^= 1;
	}
}

static void check_seed(struct run *run)
{
	static struct list a, b;
	uint64_t random = run->seed;

	seed_now = run->seed;
	d = fw_diagram_new(fields, LEVELS, (struct fw_diagram_limits){ 1u << 24, 1u << 30 });
	CHECK(d);
	random_list(&random, &a);
	b = a;
	change(&random, &b);
	list_bdds(&a);
	list_bdds(&b);
	list_diagram(&a);
	list_diagram(&b);
	check_reached(run, &a);
	check_reached(run, &b);
	if (run->seed % 4 == 0)
		check_regions(run, &a);
	check_equality(run, &a, &b);
	list_bdds_done(&a);
	list_bdds_done(&b);
	fw_diagram_free(d);
}

int main(int argc, char **argv)
{
	const unsigned long seeds = argc > 1 ? strtoul(argv[1], NULL, 10) : 200, first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	struct run run = { 0 };

	if (bdd_init(1000000, 100000) < 0 || bdd_setvarnum(BITS) < 0)
		return 2;
	bdd_gbc_hook(NULL);
	for (run.seed = first; run.seed < first + seeds; run.seed++)
		check_seed(&run);
	bdd_done();
	printf("bdd_check: %lu seeds: %zu rules reached, %zu not; %zu lists equal, %zu not; %zu regions\n", seeds, run.reached, run.shadowed,
	       run.equal, run.unequal, run.regions);
	return run.reached && run.shadowed && run.equal && run.unequal && run.regions ? 0 : 1;
}
