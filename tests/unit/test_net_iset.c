/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interval sets against a bitmap of 64 numbers, which is tried at the low end, around the 64-bit border and at the very top of 128 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "net/iset.h"

#define BUDGET ((size_t)64 << 20)
#define ROUNDS 20000
#define RANGES_MAX 12

/* Where the bitmap's bit 0 lies; the last base has bit 63 at the highest number. */
static const struct fw_u128 bases[] = { { 0, 0 }, { 0, UINT64_MAX - 31 }, { 0, UINT32_MAX - 20 }, { UINT64_MAX, UINT64_MAX - 63 } };

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static struct fw_u128 number(struct fw_u128 base, unsigned int bit)
{
	for (; bit > 0; bit--)
		base = fw_u128_next(base);
	return base;
}

static uint64_t bits_from(unsigned int low, unsigned int high)
{
	return (high == 63 ? UINT64_MAX : (UINT64_C(1) << (high + 1)) - 1) & ~((UINT64_C(1) << low) - 1);
}

static void assert_invariant(struct fw_iset set)
{
	for (size_t i = 0; i < set.len; i++) {
		assert_true(fw_u128_compare(set.ranges[i].low, set.ranges[i].high) <= 0);
		if (i > 0) /* neither overlapping nor adjacent */
			assert_true(fw_u128_compare(set.ranges[i].low, fw_u128_next(set.ranges[i - 1].high)) > 0);
	}
}

static void assert_bits(struct fw_iset set, struct fw_u128 base, uint64_t bits)
{
	assert_invariant(set);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(fw_iset_contains(set, number(base, i)), bits >> i & 1);
	if (base.hi || base.lo) /* and nothing outside */
		assert_false(fw_iset_contains(set, fw_u128_prev(base)));
	assert_int_equal(set.len == 0, bits == 0);
	if (set.len > 0) {
		assert_true(fw_u128_compare(set.ranges[0].low, base) >= 0);
		assert_true(fw_u128_compare(set.ranges[set.len - 1].high, number(base, 63)) <= 0);
	}
}

struct sample {
	struct fw_range ranges[RANGES_MAX];
	struct fw_iset set;
	uint64_t bits;
};

static void make_sample(uint64_t *random, struct fw_u128 base, struct sample *sample)
{
	const size_t count = next_random(random) % (RANGES_MAX + 1);
	const unsigned int widest = next_random(random) % 3 ? 6 : 40;

	sample->bits = 0;
	for (size_t i = 0; i < count; i++) {
		const unsigned int low = (unsigned int)(next_random(random) % 64);
		const unsigned int far = low + (unsigned int)(next_random(random) % widest), high = far > 63 ? 63 : far;
		sample->ranges[i] = (struct fw_range){ number(base, low), number(base, high) };
		sample->bits |= bits_from(low, high);
	}
	sample->set = fw_iset_normalise(sample->ranges, count);
	assert_bits(sample->set, base, sample->bits);
}

static void check_algebra(struct fw_u128 base, uint64_t *random)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_iset both, common, rest, back;
	struct sample a, b;

	make_sample(random, base, &a);
	make_sample(random, base, &b);
	assert_int_equal(fw_iset_union(arena, a.set, b.set, &both), 0);
	assert_int_equal(fw_iset_intersect(arena, a.set, b.set, &common), 0);
	assert_int_equal(fw_iset_subtract(arena, a.set, b.set, &rest), 0);
	assert_bits(both, base, a.bits | b.bits);
	assert_bits(common, base, a.bits & b.bits);
	assert_bits(rest, base, a.bits & ~b.bits);
	assert_int_equal(fw_iset_union(arena, rest, common, &back), 0);
	assert_true(fw_iset_equal(back, a.set));
	assert_int_equal(fw_iset_equal(a.set, b.set), a.bits == b.bits);
	assert_bits(a.set, base, a.bits); /* values: not changed by any of this */
	fw_arena_free(arena);
}

static void test_algebra(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++)
		check_algebra(bases[i % FW_ARRAY_SIZE(bases)], &random);
}

static struct fw_range range_of(uint64_t low, uint64_t high)
{
	return (struct fw_range){ { 0, low }, { 0, high } };
}

static void test_edges(void **state)
{
	const struct fw_u128 top = { UINT64_MAX, UINT64_MAX }, zero = { 0, 0 };
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_range all = { zero, top }, first = { zero, zero }, last = { top, top };
	const struct fw_iset none = { NULL, 0 }, whole = { &all, 1 }, ends[2] = { { &first, 1 }, { &last, 1 } };
	struct fw_iset set;

	(void)state;
	assert_int_equal(fw_iset_normalise(NULL, 0).len, 0);
	assert_int_equal(fw_iset_subtract(arena, whole, ends[0], &set), 0);
	assert_int_equal(fw_iset_subtract(arena, set, ends[1], &set), 0);
	assert_int_equal(set.len, 1);
	assert_int_equal(set.ranges[0].low.lo, 1);
	assert_int_equal(fw_iset_union(arena, set, ends[1], &set), 0);
	assert_false(fw_iset_is_all(set, top));
	assert_int_equal(fw_iset_union(arena, set, ends[0], &set), 0);
	assert_true(fw_iset_is_all(set, top));
	assert_false(fw_iset_is_all(set, fw_u128_prev(top)));
	assert_int_equal(fw_iset_subtract(arena, set, whole, &set), 0);
	assert_int_equal(set.len, 0);
	assert_false(fw_iset_is_all(none, zero));
	assert_true(fw_iset_is_all(ends[0], zero));
	assert_int_equal(fw_iset_union(arena, none, none, &set), 0);
	assert_int_equal(set.len, 0);
	assert_false(fw_iset_contains(none, zero));
	assert_true(fw_iset_equal(none, set));
	assert_int_equal(fw_iset_union(arena, ends[0], ends[1], &set), 0); /* the top and the bottom are no neighbours */
	assert_int_equal(set.len, 2);
	fw_arena_free(arena);
}

/* Enough of them for the sort by digits, at its borders, in every starting order; equal ones, and ones that hold others. */
static void check_many(size_t count, unsigned int order, uint64_t *random)
{
	struct fw_range *ranges = calloc(count, sizeof(*ranges));

	assert_non_null(ranges);
	for (size_t i = 0; i < count; i++) {
		const uint64_t at = order == 2 ? next_random(random) % count : order == 1 ? count - 1 - i : i;
		ranges[i] = range_of(at * 0x10003 % UINT32_MAX, at * 0x10003 % UINT32_MAX + (at % 7 == 0 ? 5 : 0));
	}
	const struct fw_iset set = fw_iset_normalise(ranges, count);
	assert_invariant(set);
	assert_true(set.len > 0 && (order == 2 || set.len == count));
	for (uint64_t at = 0; at < count && order < 2; at++) {
		const uint64_t low = at * 0x10003 % UINT32_MAX;
		assert_true(fw_iset_contains(set, (struct fw_u128){ 0, low }));
		assert_int_equal(fw_iset_contains(set, (struct fw_u128){ 0, low + 5 }), at % 7 == 0);
		assert_false(fw_iset_contains(set, (struct fw_u128){ 0, low + 6 }));
	}
	free(ranges);
}

static void test_many(void **state)
{
	static const size_t counts[] = { 1, 2, 255, 256, 257, 5000 };
	uint64_t random = 7;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(counts); i++)
		for (unsigned int order = 0; order < 3; order++)
			check_many(counts[i], order, &random);
}

/* Numbers above 32 bits, among many below: not to be sorted by their lower half. */
static void check_wide(size_t first, size_t second)
{
	enum { COUNT = 1000 };
	struct fw_range ranges[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		ranges[i] = range_of((COUNT - i) * 2, (COUNT - i) * 2);
	ranges[first] = (struct fw_range){ { 1, 0 }, { 1, 0 } };
	ranges[second] = range_of((uint64_t)UINT32_MAX + 1, (uint64_t)UINT32_MAX + 1);
	const struct fw_iset set = fw_iset_normalise(ranges, COUNT);
	assert_invariant(set);
	assert_int_equal(set.len, COUNT);
	assert_int_equal(set.ranges[COUNT - 1].low.hi, 1);
	assert_true(set.ranges[COUNT - 2].low.lo == (uint64_t)UINT32_MAX + 1);
}

static void test_wide_among_many(void **state)
{
	(void)state;
	check_wide(500, 501);
	check_wide(0, 999);
	check_wide(999, 0);
}

static void test_one_wide(void **state)
{
	enum { COUNT = 300 };
	struct fw_range ranges[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		ranges[i] = range_of((COUNT - i) * 2, (COUNT - i) * 2);
	ranges[0] = (struct fw_range){ { 1, 0 }, { 1, 0 } };
	const struct fw_iset set = fw_iset_normalise(ranges, COUNT);
	assert_invariant(set);
	assert_int_equal(set.ranges[COUNT - 1].low.hi, 1);
}

/* The budget's end is an error, and the output is left alone. */
static void test_no_memory(void **state)
{
	struct fw_arena *arena = fw_arena_new(100);
	struct fw_range ranges[8];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(ranges); i++)
		ranges[i] = range_of(i * 2, i * 2);
	const struct fw_iset set = fw_iset_normalise(ranges, FW_ARRAY_SIZE(ranges));
	struct fw_iset got = { ranges, 4711 };
	assert_int_equal(fw_iset_union(arena, set, set, &got), -ENOMEM);
	assert_int_equal(fw_iset_intersect(arena, set, set, &got), -ENOMEM);
	assert_int_equal(fw_iset_subtract(arena, set, set, &got), -ENOMEM);
	assert_int_equal(got.len, 4711);
	fw_arena_free(arena);
}

/* The prefixes are in order, without a gap, within the range; and no fewer would do (two neighbours never make one). */
static size_t check_cut(enum fw_family family, struct fw_range range)
{
	struct fw_range prefix, before = range;
	struct fw_u128 cursor = range.low;
	unsigned int length, length_before = 0, joined;
	bool started = false;
	size_t count = 0;

	for (; fw_prefix_next(family, range, &cursor, &started, &prefix); count++) {
		assert_true(count < 256);
		assert_true(fw_range_is_prefix(family, prefix, &length));
		assert_int_equal(fw_u128_compare(prefix.low, count ? fw_u128_next(before.high) : range.low), 0);
		if (count > 0 && length == length_before)
			assert_false(fw_range_is_prefix(family, (struct fw_range){ before.low, prefix.high }, &joined));
		before = prefix;
		length_before = length;
	}
	assert_true(count > 0);
	assert_int_equal(fw_u128_compare(before.high, range.high), 0);
	return count;
}

static void test_cut(void **state)
{
	const struct fw_u128 top = { UINT64_MAX, UINT64_MAX }, zero = { 0, 0 };

	(void)state;
	assert_int_equal(check_cut(FW_IPV4, range_of(0, UINT32_MAX)), 1);
	assert_int_equal(check_cut(FW_IPV4, range_of(1, UINT32_MAX)), 32);
	assert_int_equal(check_cut(FW_IPV4, range_of(0, UINT32_MAX - 1)), 32);
	assert_int_equal(check_cut(FW_IPV4, range_of(1, UINT32_MAX - 1)), 62); /* the most there can be */
	assert_int_equal(check_cut(FW_IPV4, range_of(UINT32_MAX, UINT32_MAX)), 1);
	assert_int_equal(check_cut(FW_IPV6, (struct fw_range){ zero, top }), 1);
	assert_int_equal(check_cut(FW_IPV6, (struct fw_range){ zero, zero }), 1);
	assert_int_equal(check_cut(FW_IPV6, (struct fw_range){ top, top }), 1);
	assert_int_equal(check_cut(FW_IPV6, (struct fw_range){ fw_u128_next(zero), fw_u128_prev(top) }), 254);
	assert_int_equal(check_cut(FW_IPV6, (struct fw_range){ { 0, UINT64_MAX }, { 1, 0 } }), 2);
	for (unsigned int low = 0; low < 70; low++)
		for (unsigned int high = low; high < 70; high++) {
			check_cut(FW_IPV4, range_of(low, high));
			check_cut(FW_IPV4, range_of(UINT32_MAX - high, UINT32_MAX - low));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algebra),		cmocka_unit_test(test_edges),	  cmocka_unit_test(test_many),
		cmocka_unit_test(test_wide_among_many), cmocka_unit_test(test_one_wide), cmocka_unit_test(test_no_memory), cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
