/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/iset.c - algebra of sorted ranges. Invariant of every result: sorted by low, disjoint, not adjacent. */
#include "net/iset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RADIX_BITS 11
#define RADIX_SIZE (1u << RADIX_BITS)
#define RADIX_MIN 256 /* fewer are sorted by comparison */

static bool is_sorted(const struct fw_range *ranges, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (fw_u128_compare(ranges[i - 1].low, ranges[i].low) > 0)
			return false;
	return true;
}

static bool fits_32_bits(const struct fw_range *ranges, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ranges[i].low.hi || ranges[i].low.lo > UINT32_MAX)
			return false;
	return true;
}

static void radix_pass(const struct fw_range *from, struct fw_range *to, size_t len, unsigned int shift)
{
	size_t starts[RADIX_SIZE] = { 0 }, sum = 0;

	for (size_t i = 0; i < len; i++)
		starts[(from[i].low.lo >> shift) & (RADIX_SIZE - 1)]++;
	for (size_t i = 0; i < RADIX_SIZE; i++) {
		const size_t count = starts[i];
		starts[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < len; i++)
		to[starts[(from[i].low.lo >> shift) & (RADIX_SIZE - 1)]++] = from[i];
}

/* IPv4 and ports: three stable passes over 11 bits each. False where there is no memory for the second array. */
static bool sort_by_radix(struct fw_range *ranges, size_t len)
{
	struct fw_range *other = malloc(len * sizeof(*other));
	if (!other)
		return false;

	radix_pass(ranges, other, len, 0);
	radix_pass(other, ranges, len, RADIX_BITS);
	radix_pass(ranges, other, len, 2 * RADIX_BITS);
	memcpy(ranges, other, len * sizeof(*other));
	free(other);
	return true;
}

static int compare_ranges(const void *a, const void *b)
{
	return fw_u128_compare(((const struct fw_range *)a)->low, ((const struct fw_range *)b)->low);
}

static void sort(struct fw_range *ranges, size_t len)
{
	if (is_sorted(ranges, len))
		return;
	if (len >= RADIX_MIN && fits_32_bits(ranges, len) && sort_by_radix(ranges, len))
		return;
	qsort(ranges, len, sizeof(*ranges), compare_ranges);
}

static bool touches(const struct fw_range *a, const struct fw_range *b)
{
	/* b.low <= a.high + 1, where a.high + 1 may wrap */
	return fw_u128_compare(b->low, a->high) <= 0 || fw_u128_compare(b->low, fw_u128_next(a->high)) == 0;
}

/* Appends to a set under construction whose last range starts no later. */
static void append(struct fw_range *out, size_t *len, struct fw_range range)
{
	if (*len > 0 && touches(&out[*len - 1], &range)) {
		if (fw_u128_compare(out[*len - 1].high, range.high) < 0)
			out[*len - 1].high = range.high;
		return;
	}
	out[(*len)++] = range;
}

struct fw_iset fw_iset_normalise(struct fw_range *ranges, size_t len)
{
	size_t kept = 0;

	if (len == 0)
		return (struct fw_iset){ NULL, 0 };
	sort(ranges, len);
	for (size_t i = 0; i < len; i++)
		append(ranges, &kept, ranges[i]);
	return (struct fw_iset){ ranges, kept };
}

int fw_iset_union(struct fw_arena *arena, struct fw_iset a, struct fw_iset b, struct fw_iset *ret_set)
{
	struct fw_range *out = fw_arena_alloc(arena, a.len + b.len, sizeof(*out));
	size_t len = 0, i = 0, k = 0;
	if (!out)
		return -ENOMEM;

	while (i < a.len || k < b.len) {
		const bool from_a = k == b.len || (i < a.len && fw_u128_compare(a.ranges[i].low, b.ranges[k].low) <= 0);
		append(out, &len, from_a ? a.ranges[i++] : b.ranges[k++]);
	}
	*ret_set = (struct fw_iset){ out, len };
	return 0;
}

static struct fw_u128 later(struct fw_u128 a, struct fw_u128 b)
{
	return fw_u128_compare(a, b) >= 0 ? a : b;
}

static struct fw_u128 earlier(struct fw_u128 a, struct fw_u128 b)
{
	return fw_u128_compare(a, b) <= 0 ? a : b;
}

int fw_iset_intersect(struct fw_arena *arena, struct fw_iset a, struct fw_iset b, struct fw_iset *ret_set)
{
	struct fw_range *out = fw_arena_alloc(arena, a.len + b.len, sizeof(*out));
	size_t len = 0, i = 0, k = 0;
	if (!out)
		return -ENOMEM;

	while (i < a.len && k < b.len) {
		const struct fw_range common = { later(a.ranges[i].low, b.ranges[k].low), earlier(a.ranges[i].high, b.ranges[k].high) };
		if (fw_u128_compare(common.low, common.high) <= 0)
			append(out, &len, common);
		if (fw_u128_compare(a.ranges[i].high, b.ranges[k].high) <= 0)
			i++;
		else
			k++;
	}
	*ret_set = (struct fw_iset){ out, len };
	return 0;
}

/* What is left of `range` when b's ranges from *k on are taken away goes to out; *k moves past those that end within it. */
static void subtract_from(struct fw_range range, struct fw_iset b, size_t *k, struct fw_range *out, size_t *len)
{
	while (*k < b.len && fw_u128_compare(b.ranges[*k].high, range.low) < 0)
		(*k)++;
	for (; *k < b.len && fw_u128_compare(b.ranges[*k].low, range.high) <= 0; (*k)++) {
		const struct fw_range *cut = &b.ranges[*k];
		if (fw_u128_compare(cut->low, range.low) > 0)
			append(out, len, (struct fw_range){ range.low, fw_u128_prev(cut->low) });
		if (fw_u128_compare(cut->high, range.high) >= 0)
			return; /* the same cut may reach into the next range */
		range.low = fw_u128_next(cut->high);
	}
	append(out, len, range);
}

int fw_iset_subtract(struct fw_arena *arena, struct fw_iset a, struct fw_iset b, struct fw_iset *ret_set)
{
	struct fw_range *out = fw_arena_alloc(arena, a.len + b.len, sizeof(*out));
	size_t len = 0, k = 0;
	if (!out)
		return -ENOMEM;

	for (size_t i = 0; i < a.len; i++)
		subtract_from(a.ranges[i], b, &k, out, &len);
	*ret_set = (struct fw_iset){ out, len };
	return 0;
}

bool fw_iset_contains(struct fw_iset set, struct fw_u128 value)
{
	size_t low = 0, high = set.len;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (fw_u128_compare(set.ranges[middle].high, value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set.len && fw_u128_compare(set.ranges[low].low, value) <= 0;
}

bool fw_iset_equal(struct fw_iset a, struct fw_iset b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fw_u128_compare(a.ranges[i].low, b.ranges[i].low) != 0 || fw_u128_compare(a.ranges[i].high, b.ranges[i].high) != 0)
			return false;
	return true;
}

bool fw_iset_is_all(struct fw_iset set, struct fw_u128 max)
{
	const struct fw_u128 zero = { 0, 0 };

	return set.len == 1 && fw_u128_compare(set.ranges[0].low, zero) == 0 && fw_u128_compare(set.ranges[0].high, max) == 0;
}

bool fw_prefix_next(enum fw_family family, struct fw_range range, struct fw_u128 *cursor, bool *started, struct fw_range *ret_prefix)
{
	const struct fw_u128 zero = { 0, 0 };

	if (*started && (fw_u128_compare(*cursor, zero) == 0 || fw_u128_compare(*cursor, range.high) > 0))
		return false;
	*started = true;
	for (unsigned int length = 0; length <= fw_family_bits(family); length++) {
		const struct fw_range prefix = fw_range_prefix(family, *cursor, length);
		if (fw_u128_compare(prefix.low, *cursor) != 0 || fw_u128_compare(prefix.high, range.high) > 0)
			continue;
		*ret_prefix = prefix;
		*cursor = fw_u128_next(prefix.high);
		return true;
	}
	return false;
}
