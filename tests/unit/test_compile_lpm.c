/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes made of nodes over addresses: the longest match says what the node says, at both ends of every edge of random ones; simple ones need
 * as few prefixes as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "compile/lpm.h"

#define LEVELS 2 /* IPv4, IPv6 */

struct world {
	struct fw_arena *arena;
	struct fw_diagram *diagram;
	struct fw_lpm lpm;
	uint64_t seed;
};

static uint64_t draw(struct world *world, uint64_t below)
{
	world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
	return (world->seed >> 33) % below;
}

static int setup(void **state)
{
	const struct fw_diagram_field fields[LEVELS] = { { "ipv4", { 0, UINT32_MAX } }, { "ipv6", { UINT64_MAX, UINT64_MAX } } };
	struct world *world = calloc(1, sizeof(*world));

	world->arena = fw_arena_new(64u << 20);
	world->diagram = fw_diagram_new(fields, LEVELS, (struct fw_diagram_limits){ 1u << 20, 64u << 20 });
	fw_lpm_init(&world->lpm);
	*state = world;
	return world->arena && world->diagram ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *world = *state;

	fw_lpm_done(&world->lpm);
	fw_diagram_free(world->diagram);
	fw_arena_free(world->arena);
	free(world);
	return 0;
}

static struct fw_u128 plus(struct fw_u128 a, uint64_t b)
{
	return (struct fw_u128){ a.hi + (a.lo + b < a.lo), a.lo + b };
}

/* `values` different values over ranges that begin where `base` is, some of them large, so that they cross many prefixes. */
static uint32_t random_node(struct world *world, uint32_t level, struct fw_u128 base, uint32_t values)
{
	uint32_t node = fw_diagram_leaf(0);
	size_t boxes = 1 + draw(world, 12);

	for (size_t i = 0; i < boxes; i++) {
		struct fw_range range = { plus(base, draw(world, 64) << draw(world, 6)), { 0, 0 } };
		const struct fw_diagram_side side = { level, { &range, 1 } };
		uint32_t box;
		range.high = plus(range.low, draw(world, 40) << draw(world, 8));
		assert_int_equal(fw_diagram_box(world->diagram, &side, 1, fw_diagram_leaf((uint32_t)draw(world, values)), &box), 0);
		assert_int_equal(fw_diagram_over(world->diagram, box, node, &node), 0);
	}
	return node;
}

/* What the longest prefix that holds the address leads to. */
static uint32_t look_up(const struct world *world, enum fw_family family, struct fw_u128 address)
{
	for (size_t i = 0; i < world->lpm.entries.len; i++) {
		const struct fw_lpm_entry *entry = fw_vec_at(&world->lpm.entries, i);
		const struct fw_range range = fw_range_prefix(family, entry->address, entry->length);
		if (fw_u128_compare(range.low, address) <= 0 && fw_u128_compare(address, range.high) <= 0)
			return entry->ref;
	}
	return world->lpm.rest;
}

static void check_at(const struct world *world, const struct fw_lpm_source *source, struct fw_u128 address)
{
	struct fw_u128 values[LEVELS] = { { 0, 0 } };

	values[source->level] = address;
	assert_int_equal(look_up(world, source->family, address), fw_diagram_leaf(fw_diagram_eval(world->diagram, source->ref, values)));
}

static void check_edges(const struct world *world, const struct fw_lpm_source *source)
{
	if (fw_diagram_is_leaf(source->ref))
		return;
	for (size_t i = 0; i < fw_diagram_edge_count(world->diagram, source->ref); i++) {
		uint32_t child;
		const struct fw_range range = fw_diagram_edge(world->diagram, source->ref, i, &child);
		check_at(world, source, range.low);
		check_at(world, source, range.high);
	}
}

static void check_order(const struct world *world)
{
	for (size_t i = 1; i < world->lpm.entries.len; i++) {
		const struct fw_lpm_entry *a = fw_vec_at(&world->lpm.entries, i - 1), *b = fw_vec_at(&world->lpm.entries, i);
		assert_true(a->length > b->length || (a->length == b->length && fw_u128_compare(a->address, b->address) < 0));
	}
}

static void test_random(void **state)
{
	static const struct fw_u128 bases[2][3] = { { { 0, 0 }, { 0, 0xcb007100 }, { 0, 0xffff0000 } },
						    { { 0, 0 }, { 0x20010db800010009, 0 }, { UINT64_MAX, UINT64_MAX - 0xffff } } };
	struct world *world = *state;

	for (int i = 0; i < 30000; i++) {
		const uint32_t level = (uint32_t)draw(world, LEVELS), mark = fw_diagram_mark(world->diagram);
		const enum fw_family family = level ? FW_IPV6 : FW_IPV4;
		const uint32_t node = random_node(world, level, bases[level][draw(world, 3)], 2 + (uint32_t)draw(world, 7));
		const struct fw_lpm_source source = { world->diagram, node, level, family, fw_diagram_leaf((uint32_t)draw(world, 2)) };
		assert_int_equal(fw_lpm_make(&world->lpm, &source), 0);
		check_order(world);
		check_edges(world, &source);
		assert_int_equal(fw_lpm_merge_lengths(&world->lpm, family), 0);
		check_order(world);
		check_edges(world, &source);
		assert_int_equal(fw_diagram_release(world->diagram, mark, NULL, 0), 0);
	}
}

static uint32_t one_box(struct world *world, uint64_t low, uint64_t high, uint32_t inside, uint32_t below)
{
	const struct fw_range range = { { 0, low }, { 0, high } };
	const struct fw_diagram_side side = { 0, { &range, 1 } };
	uint32_t ref;

	assert_int_equal(fw_diagram_box(world->diagram, &side, 1, inside, &ref), 0);
	assert_int_equal(fw_diagram_over(world->diagram, ref, below, &ref), 0);
	return ref;
}

/* 10.0.0.0/8 but 10.1.2.0/24: two prefixes, and not the sixteen that lie around the hole. */
static void test_hole(void **state)
{
	struct world *world = *state;
	const uint32_t outer = one_box(world, 0x0a000000, 0x0affffff, fw_diagram_leaf(1), fw_diagram_leaf(0));
	const struct fw_lpm_source source = { world->diagram, one_box(world, 0x0a010200, 0x0a0102ff, fw_diagram_leaf(0), outer), 0, FW_IPV4,
					      fw_diagram_leaf(0) };

	assert_int_equal(fw_lpm_make(&world->lpm, &source), 0);
	assert_int_equal(world->lpm.entries.len, 2);
	assert_int_equal(fw_lpm_length_count(&world->lpm), 2);
	assert_int_equal(world->lpm.rest, fw_diagram_leaf(0));
	check_edges(world, &source);
}

/* What does not ask for addresses is all rest. */
static void test_leaf(void **state)
{
	struct world *world = *state;
	const struct fw_lpm_source source = { world->diagram, fw_diagram_leaf(5), 0, FW_IPV4, fw_diagram_leaf(0) };

	assert_int_equal(fw_lpm_make(&world->lpm, &source), 0);
	assert_int_equal(world->lpm.entries.len, 0);
	assert_int_equal(world->lpm.rest, fw_diagram_leaf(5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaf, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
