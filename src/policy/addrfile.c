/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/addrfile.c - address files, a million lines of them at once. IPv4 lines, nearly all of the files in use, are read by a scanner of their
 * own into 64-bit numbers (low, then high); whatever that does not take goes to fw_addr_parse, which also says what is wrong with a bad line.
 * Both families are sorted by radix. Knows nothing of groups. */
#include "policy/addrfile.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "policy/resolve.h"

struct reader {
	struct fw_diags *diags;
	uint32_t source;
	struct fw_str text;
	size_t bad;
	struct fw_vec v4; /* uint64_t: low << 32 | high */
	struct fw_vec v6; /* struct fw_range */
};

/* A number up to `max` without leading zeros. NULL: none. */
static const char *scan_number(const char *p, const char *end, uint32_t max, uint32_t *ret_value)
{
	const char *start = p;
	uint32_t value = 0;

	while (p < end && p - start < 3 && *p >= '0' && *p <= '9')
		value = value * 10 + (uint32_t)(*p++ - '0');
	if (p == start || value > max || (*start == '0' && p - start > 1))
		return NULL;
	*ret_value = value;
	return p;
}

static const char *scan_v4(const char *p, const char *end, uint32_t *ret_address)
{
	uint32_t address = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t octet = 0;

		if (i > 0 && (p == end || *p++ != '.'))
			return NULL;
		p = scan_number(p, end, 255, &octet);
		if (!p)
			return NULL;
		address = address << 8 | octet;
	}
	*ret_address = address;
	return p;
}

/* True with low << 32 | high where the entry is plainly a good one of IPv4. */
static bool scan_entry_v4(struct fw_str entry, uint64_t *ret_range)
{
	const char *end = entry.data + entry.len, *p;
	uint32_t low, high, length;

	p = scan_v4(entry.data, end, &low);
	if (!p)
		return false;
	high = low;
	if (p < end && *p == '/') {
		p = scan_number(p + 1, end, 32, &length);
		if (!p || (length < 32 && low & UINT32_MAX >> length))
			return false;
		high = length < 32 ? low | UINT32_MAX >> length : low;
	} else if (p < end && *p == '-') {
		p = scan_v4(p + 1, end, &high);
		if (!p || high < low)
			return false;
	}
	*ret_range = (uint64_t)low << 32 | high;
	return p == end;
}

static int add_v4(struct reader *reader, uint64_t range)
{
	uint64_t *added = fw_vec_push(&reader->v4);

	if (!added)
		return -ENOMEM;
	*added = range;
	return 0;
}

static void report(struct reader *reader, struct fw_str entry, struct address address)
{
	struct fw_span span = { reader->source, (uint32_t)(entry.data - reader->text.data), (uint32_t)entry.len };

	reader->bad++;
	fw_addresses_report(reader->diags, span, entry, address);
}

static void report_too_many(struct reader *reader, struct fw_str entry)
{
	struct fw_span span = { reader->source, (uint32_t)(entry.data - reader->text.data), (uint32_t)entry.len };

	reader->bad = FW_ADDRFILE_MAX_BAD;
	fw_diag_error(reader->diags, span, "too-large", "the file holds more than %d addresses", FW_ADDRFILE_MAX_ENTRIES);
}

static int read_entry(struct reader *reader, struct fw_str entry)
{
	struct address address;
	struct fw_range *added;
	uint64_t packed;

	if (reader->v4.len + reader->v6.len == FW_ADDRFILE_MAX_ENTRIES) {
		report_too_many(reader, entry);
		return 0;
	}
	if (scan_entry_v4(entry, &packed))
		return add_v4(reader, packed);
	address = fw_addresses_parse(entry);
	if (address.error != FW_ADDR_OK) {
		report(reader, entry, address);
		return 0;
	}
	if (address.family == FW_IPV4)
		return add_v4(reader, address.range.low.lo << 32 | address.range.high.lo);
	added = fw_vec_push(&reader->v6);
	if (!added)
		return -ENOMEM;
	*added = address.range;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The line without its comment and the blanks around. */
static struct fw_str trim(const char *start, const char *end)
{
	const char *p;

	while (start < end && is_blank(*start))
		start++;
	for (p = start; p < end && *p != '#' && *p != ';'; p++)
		;
	while (p > start && is_blank(p[-1]))
		p--;
	return (struct fw_str){ start, (size_t)(p - start) };
}

static int read_lines(struct reader *reader)
{
	if (reader->text.len == 0) /* an empty slice may point nowhere */
		return 0;

	const char *p = reader->text.data, *end = p + reader->text.len;

	if (reader->text.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end && reader->bad < FW_ADDRFILE_MAX_BAD) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline ? newline : end;
		struct fw_str entry = trim(p, stop);
		int result = entry.len ? read_entry(reader, entry) : 0;

		if (result)
			return result;
		p = newline ? newline + 1 : end;
	}
	return 0;
}

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

/* One stable pass of a radix sort over the low addresses. */
static void sort_pass(const uint64_t *from, uint64_t *to, size_t len, unsigned int shift)
{
	uint32_t start[DIGITS] = { 0 };
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		start[from[i] >> shift & (DIGITS - 1)]++;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		uint32_t count = start[digit];

		start[digit] = sum;
		sum += count;
	}
	for (size_t i = 0; i < len; i++)
		to[start[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

static int sort_v4(struct fw_vec *vec)
{
	uint64_t *items = vec->items, *at[2];
	struct fw_vec other;
	size_t i;

	for (i = 1; i < vec->len && items[i - 1] <= items[i]; i++)
		;
	if (i >= vec->len)
		return 0;
	fw_vec_init(&other, NULL, sizeof(uint64_t));
	if (fw_vec_reserve(&other, vec->len))
		return -ENOMEM;
	at[0] = items;
	at[1] = other.items;
	/* Three digits of 11 bits hold the 32 bits of `low`; an odd number of passes ends in the other array. */
	for (unsigned int pass = 0; pass < 3; pass++)
		sort_pass(at[pass % 2], at[(pass + 1) % 2], vec->len, 32 + pass * DIGIT_BITS);
	memcpy(items, other.items, vec->len * sizeof(*items));
	fw_vec_done(&other);
	return 0;
}

/* Merges in place: overlapping and adjacent ranges become one. Returns how many are left. */
static size_t merge_v4(uint64_t *items, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		uint64_t low = items[i] >> 32, high = items[i] & UINT32_MAX;
		uint64_t last_high = kept ? items[kept - 1] & UINT32_MAX : 0;

		if (kept == 0 || low > last_high + 1)
			items[kept++] = items[i];
		else if (high > last_high)
			items[kept - 1] = (items[kept - 1] & ~(uint64_t)UINT32_MAX) | high;
	}
	return kept;
}

static int take_v4(struct fw_arena *arena, struct fw_vec *vec, struct fw_iset *ret_set)
{
	const uint64_t *items = vec->items;
	struct fw_range *ranges;
	size_t len;

	*ret_set = (struct fw_iset){ 0 };
	if (vec->len == 0)
		return 0;
	if (sort_v4(vec))
		return -ENOMEM;
	len = merge_v4(vec->items, vec->len);
	ranges = fw_arena_alloc(arena, len, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		ranges[i].low.lo = items[i] >> 32;
		ranges[i].high.lo = items[i] & UINT32_MAX;
	}
	*ret_set = (struct fw_iset){ ranges, len };
	return 0;
}

static uint64_t digit_of(const struct fw_range *range, unsigned int shift)
{
	return (shift < 64 ? range->low.lo >> shift : range->low.hi >> (shift - 64)) & (DIGITS - 1);
}

/* As sort_pass, over ranges. Digits do not cross the middle of the 128 bits: shift counts from 64 again there. */
static void sort_pass_v6(const struct fw_range *from, struct fw_range *to, size_t len, unsigned int shift)
{
	uint32_t start[DIGITS] = { 0 };
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		start[digit_of(&from[i], shift)]++;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		uint32_t count = start[digit];

		start[digit] = sum;
		sum += count;
	}
	for (size_t i = 0; i < len; i++)
		to[start[digit_of(&from[i], shift)]++] = from[i];
}

/* Bits in which the low addresses differ at all; false where they are sorted already. */
static bool differing_bits(const struct fw_range *items, size_t len, struct fw_u128 *ret_bits)
{
	bool sorted = true;

	*ret_bits = (struct fw_u128){ 0 };
	for (size_t i = 1; i < len; i++) {
		ret_bits->hi |= items[i].low.hi ^ items[0].low.hi;
		ret_bits->lo |= items[i].low.lo ^ items[0].low.lo;
		sorted = sorted && fw_u128_compare(items[i - 1].low, items[i].low) <= 0;
	}
	return !sorted;
}

/* Only digits that differ are sorted by: lists of /48s or /64s need few passes of the twelve. */
static int sort_v6(struct fw_vec *vec)
{
	struct fw_range *at[2] = { vec->items, NULL };
	struct fw_u128 bits;
	struct fw_vec other;
	unsigned int passes = 0;

	if (!differing_bits(vec->items, vec->len, &bits))
		return 0;
	fw_vec_init(&other, NULL, sizeof(struct fw_range));
	if (fw_vec_reserve(&other, vec->len))
		return -ENOMEM;
	at[1] = other.items;
	for (unsigned int digit = 0; digit < 2 * 64; digit += digit % 64 + DIGIT_BITS < 64 ? DIGIT_BITS : 64 - digit % 64) {
		uint64_t half = digit < 64 ? bits.lo : bits.hi;

		if ((half >> digit % 64 & (DIGITS - 1)) == 0)
			continue;
		sort_pass_v6(at[passes % 2], at[(passes + 1) % 2], vec->len, digit);
		passes++;
	}
	if (passes % 2)
		memcpy(vec->items, other.items, vec->len * sizeof(struct fw_range));
	fw_vec_done(&other);
	return 0;
}

static int take_v6(struct fw_arena *arena, struct fw_vec *vec, struct fw_iset *ret_set)
{
	struct fw_iset merged;
	struct fw_range *ranges;

	*ret_set = (struct fw_iset){ 0 };
	if (vec->len == 0)
		return 0;
	if (sort_v6(vec))
		return -ENOMEM;
	merged = fw_iset_normalise(vec->items, vec->len);
	ranges = fw_arena_alloc(arena, merged.len, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	memcpy(ranges, merged.ranges, merged.len * sizeof(*ranges));
	*ret_set = (struct fw_iset){ ranges, merged.len };
	return 0;
}

/* False, reported, where the text holds a NUL: it is no text, or one in UTF-16. */
static bool check_nul(struct reader *reader)
{
	const char *nul = reader->text.len ? memchr(reader->text.data, '\0', reader->text.len) : NULL;
	struct fw_diag *diag;

	if (!nul)
		return true;
	diag = fw_diag_error(reader->diags, (struct fw_span){ reader->source, (uint32_t)(nul - reader->text.data), 1 }, "nul",
			     "a NUL byte: this is no text file");
	fw_diag_help(reader->diags, diag, "an address file is plain ASCII or UTF-8");
	return false;
}

int fw_addrfile_parse(struct fw_arena *arena, struct fw_diags *diags, uint32_t source, struct fw_str text,
		      struct fw_iset ret_sets[FW_FAMILIES])
{
	struct reader reader = { .diags = diags, .source = source, .text = text };
	struct fw_iset sets[FW_FAMILIES];
	int result;

	if (!check_nul(&reader))
		return FW_REPORTED;
	fw_vec_init(&reader.v4, NULL, sizeof(uint64_t));
	fw_vec_init(&reader.v6, NULL, sizeof(struct fw_range));
	result = read_lines(&reader);
	if (!result && reader.bad)
		result = FW_REPORTED;
	if (!result)
		result = take_v4(arena, &reader.v4, &sets[FW_IPV4]);
	if (!result)
		result = take_v6(arena, &reader.v6, &sets[FW_IPV6]);
	if (!result)
		memcpy(ret_sets, sets, sizeof(sets));
	fw_vec_done(&reader.v4);
	fw_vec_done(&reader.v6);
	return result;
}
