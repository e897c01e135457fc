/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lpm.c - the fewest prefixes for a node over addresses, after Draves, King, Venkatachary and Zill, "Constructing Optimal IP Routing
 * Tables" (ORTC, INFOCOM 1999): a binary trie, from its leaves up the values that each subtree could inherit at the least cost, and from the
 * root down an entry wherever what is inherited is none of them. Long stretches of the trie with one value beside the way are one step, so
 * that the work grows with the edges of the node and not with the bits of an address. */
#include "compile/lpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 4
#define MERGE_SHARE 8 /* spelling out a length may add an eighth of all entries */
#define MERGE_FREE 16 /* ... or so many */

struct lpm_node {
	uint32_t values[VALUES_MAX]; /* ascending: what it could inherit */
	uint32_t count;
	uint32_t left, right;  /* halves; of a step: left is the node that it leads to */
	uint32_t beside;       /* of a step: the value of all that lies beside the way */
	uint8_t length;        /* of its prefix */
	uint8_t step_to;       /* of a step: the length of the node that it leads to; else 0 */
	bool is_leaf;
	struct fw_u128 base;
};

struct builder {
	struct fw_lpm *lpm;
	const struct fw_lpm_source *source;
	unsigned int bits;
	int error;
};

struct slice { /* edges of the node that overlap a prefix */
	size_t first, last;
	struct fw_u128 base;
	unsigned int length;
};

void fw_lpm_init(struct fw_lpm *lpm)
{
	fw_vec_init(&lpm->entries, NULL, sizeof(struct fw_lpm_entry));
	fw_vec_init(&lpm->nodes, NULL, sizeof(struct lpm_node));
	lpm->rest = 0;
}

void fw_lpm_done(struct fw_lpm *lpm)
{
	fw_vec_done(&lpm->entries);
	fw_vec_done(&lpm->nodes);
}

/* --- 128 bits --- */

static struct fw_u128 bit_at(unsigned int bits, unsigned int length) /* the bit behind a prefix of this length */
{
	const unsigned int shift = bits - 1 - length;

	return shift >= 64 ? (struct fw_u128){ UINT64_C(1) << (shift - 64), 0 } : (struct fw_u128){ 0, UINT64_C(1) << shift };
}

static struct fw_u128 with_bit(struct fw_u128 a, struct fw_u128 bit)
{
	return (struct fw_u128){ a.hi | bit.hi, a.lo | bit.lo };
}

/* How many first bits two addresses share. */
static unsigned int shared_bits(unsigned int bits, struct fw_u128 a, struct fw_u128 b)
{
	const uint64_t hi = a.hi ^ b.hi, lo = a.lo ^ b.lo;
	const unsigned int zeros = hi ? (unsigned int)__builtin_clzll(hi) : lo ? 64 + (unsigned int)__builtin_clzll(lo) : 128;

	return zeros - (128 - bits);
}

/* --- edges --- */

static struct fw_range edge(const struct builder *b, size_t index, uint32_t *ret_child)
{
	return fw_diagram_edge(b->source->diagram, b->source->ref, index, ret_child);
}

static uint32_t child(const struct builder *b, size_t index)
{
	uint32_t ref;

	edge(b, index, &ref);
	return ref;
}

static struct fw_u128 low(const struct builder *b, size_t index)
{
	uint32_t ref;

	return edge(b, index, &ref).low;
}

/* The edge among first..last that `address` lies in. */
static size_t find(const struct builder *b, size_t first, size_t last, struct fw_u128 address)
{
	while (first < last) {
		const size_t middle = (first + last + 1) / 2;
		if (fw_u128_compare(low(b, middle), address) <= 0)
			first = middle;
		else
			last = middle - 1;
	}
	return first;
}

/* --- values --- */

static bool has(const struct lpm_node *node, uint32_t value)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (node->values[i] == value)
			return true;
	return false;
}

static void add_value(struct lpm_node *node, uint32_t value)
{
	uint32_t at = node->count;

	if (has(node, value) || node->count == VALUES_MAX)
		return;
	for (; at > 0 && node->values[at - 1] > value; at--)
		node->values[at] = node->values[at - 1];
	node->values[at] = value;
	node->count++;
}

/* What both could inherit, or where that is nothing, what either could. */
static void join_values(struct lpm_node *node, const struct lpm_node *left, const struct lpm_node *right)
{
	for (uint32_t i = 0; i < left->count; i++)
		if (has(right, left->values[i]))
			add_value(node, left->values[i]);
	if (node->count)
		return;
	for (uint32_t i = 0; i < left->count; i++)
		add_value(node, left->values[i]);
	for (uint32_t i = 0; i < right->count; i++)
		add_value(node, right->values[i]);
}

/* --- the trie --- */

static const struct lpm_node *at(const struct builder *b, uint32_t index)
{
	return fw_vec_at(&b->lpm->nodes, index);
}

static uint32_t add_node(struct builder *b, const struct lpm_node *node)
{
	struct lpm_node *slot = b->error ? NULL : fw_vec_push(&b->lpm->nodes);

	if (!slot) {
		b->error = -ENOMEM;
		return 0;
	}
	*slot = *node;
	return (uint32_t)(b->lpm->nodes.len - 1);
}

static uint32_t build(struct builder *b, struct slice s);

/* Where both ends have one value: the smallest prefix that holds all that is different. False where that is the slice itself. */
static bool find_step(const struct builder *b, const struct slice *s, struct slice *ret_inner)
{
	const struct fw_u128 from = low(b, s->first + 1), behind = low(b, s->last);
	const unsigned int length = shared_bits(b->bits, from, fw_u128_prev(behind));
	struct slice inner = { .length = length };

	if (length <= s->length)
		return false;
	const struct fw_range prefix = fw_range_prefix(b->source->family, from, length);
	inner.base = prefix.low;
	inner.first = fw_u128_compare(prefix.low, from) == 0 ? s->first + 1 : s->first;
	inner.last = fw_u128_compare(prefix.high, behind) >= 0 ? s->last : s->last - 1;
	*ret_inner = inner;
	return true;
}

static uint32_t build_step(struct builder *b, const struct slice *s, const struct slice *inner)
{
	struct lpm_node node = { .length = (uint8_t)s->length, .step_to = (uint8_t)inner->length, .base = s->base };

	node.beside = child(b, s->first);
	node.left = build(b, *inner);
	if (b->error)
		return 0;
	const struct lpm_node *to = at(b, node.left);
	add_value(&node, node.beside);
	for (uint32_t i = 0; inner->length == s->length + 1 && !has(to, node.beside) && i < to->count; i++)
		add_value(&node, to->values[i]);
	return add_node(b, &node);
}

static uint32_t build_halves(struct builder *b, const struct slice *s)
{
	struct lpm_node node = { .length = (uint8_t)s->length, .base = s->base };
	struct slice left = *s, right = *s;

	left.length = right.length = s->length + 1;
	right.base = with_bit(s->base, bit_at(b->bits, s->length));
	right.first = find(b, s->first, s->last, right.base);
	left.last = fw_u128_compare(low(b, right.first), right.base) == 0 ? right.first - 1 : right.first;
	node.left = build(b, left);
	node.right = build(b, right);
	if (b->error)
		return 0;
	join_values(&node, at(b, node.left), at(b, node.right));
	return add_node(b, &node);
}

static uint32_t build(struct builder *b, struct slice s)
{
	struct slice inner;

	if (b->error)
		return 0;
	if (s.first == s.last) {
		struct lpm_node leaf = { .length = (uint8_t)s.length, .is_leaf = true, .base = s.base };
		add_value(&leaf, child(b, s.first));
		return add_node(b, &leaf);
	}
	if (child(b, s.first) == child(b, s.last) && find_step(b, &s, &inner))
		return build_step(b, &s, &inner);
	return build_halves(b, &s);
}

/* --- entries --- */

static uint32_t pick(const struct builder *b, const struct lpm_node *node)
{
	return has(node, b->source->prefer) ? b->source->prefer : node->values[0];
}

static void add_entry(struct builder *b, struct fw_u128 base, unsigned int length, uint32_t ref)
{
	struct fw_lpm_entry *entry = b->error ? NULL : fw_vec_push(&b->lpm->entries);

	if (entry)
		*entry = (struct fw_lpm_entry){ base, length, ref };
	else
		b->error = -ENOMEM;
}

static void emit(struct builder *b, uint32_t index, uint32_t inherited);

/* A step whose sides have another value than what comes from above; by construction it is one bit long. */
static void emit_beside(struct builder *b, const struct lpm_node *node, const struct lpm_node *to)
{
	for (unsigned int length = node->length; length < node->step_to; length++) {
		const struct fw_u128 bit = bit_at(b->bits, length);
		struct fw_u128 base = fw_range_prefix(b->source->family, to->base, length + 1).low;
		base.hi ^= bit.hi;
		base.lo ^= bit.lo;
		add_entry(b, base, length + 1, node->beside);
	}
}

static void emit(struct builder *b, uint32_t index, uint32_t inherited)
{
	const struct lpm_node node = *at(b, index);
	uint32_t value = inherited;

	if (!has(&node, inherited)) {
		value = pick(b, &node);
		add_entry(b, node.base, node.length, value);
	}
	if (node.is_leaf)
		return;
	if (node.step_to && value != node.beside)
		emit_beside(b, &node, at(b, node.left));
	emit(b, node.left, value);
	if (!node.step_to)
		emit(b, node.right, value);
}

static int longest_first(const void *a, const void *b)
{
	const struct fw_lpm_entry *left = a, *right = b;

	if (left->length != right->length)
		return left->length > right->length ? -1 : 1;
	return fw_u128_compare(left->address, right->address);
}

static void sort(struct fw_lpm *lpm)
{
	if (lpm->entries.len > 1)
		qsort(lpm->entries.items, lpm->entries.len, sizeof(struct fw_lpm_entry), longest_first);
}

int fw_lpm_make(struct fw_lpm *lpm, const struct fw_lpm_source *source)
{
	struct builder b = { .lpm = lpm, .source = source, .bits = fw_family_bits(source->family) };

	lpm->entries.len = lpm->nodes.len = 0;
	lpm->rest = source->ref;
	if (fw_diagram_is_leaf(source->ref) || fw_diagram_level(source->diagram, source->ref) != source->level)
		return 0;
	const uint32_t root = build(&b, (struct slice){ .last = fw_diagram_edge_count(source->diagram, source->ref) - 1 });
	if (b.error)
		return b.error;
	lpm->rest = pick(&b, at(&b, root));
	emit(&b, root, lpm->rest);
	sort(lpm);
	return b.error;
}

/* --- lengths --- */

static size_t run_end(const struct fw_lpm *lpm, size_t from)
{
	const struct fw_lpm_entry *entries = lpm->entries.items;
	size_t end = from;

	while (end < lpm->entries.len && entries[end].length == entries[from].length)
		end++;
	return end;
}

size_t fw_lpm_length_count(const struct fw_lpm *lpm)
{
	size_t count = 0;

	for (size_t i = 0; i < lpm->entries.len; i = run_end(lpm, i))
		count++;
	return count;
}

static bool contains(const struct fw_lpm *lpm, size_t from, size_t end, struct fw_u128 address)
{
	const struct fw_lpm_entry *entries = lpm->entries.items;

	while (from < end) {
		const size_t middle = (from + end) / 2;
		const int order = fw_u128_compare(entries[middle].address, address);
		if (order == 0)
			return true;
		if (order < 0)
			from = middle + 1;
		else
			end = middle;
	}
	return false;
}

/* Entry `index` as prefixes of `length`, but those that entries from..end have already. */
static int spell_out(struct fw_lpm *lpm, size_t index, unsigned int bits, const size_t run[2])
{
	struct fw_lpm_entry entry = *(const struct fw_lpm_entry *)fw_vec_at(&lpm->entries, index);
	const uint32_t length = ((const struct fw_lpm_entry *)fw_vec_at(&lpm->entries, run[0]))->length;
	const uint64_t count = UINT64_C(1) << (length - entry.length);
	const struct fw_u128 step = bit_at(bits, length - 1);

	for (uint64_t i = 0; i < count; i++) {
		if (!contains(lpm, run[0], run[1], entry.address)) {
			struct fw_lpm_entry *slot = fw_vec_push(&lpm->entries);
			if (!slot)
				return -ENOMEM;
			*slot = (struct fw_lpm_entry){ entry.address, length, entry.ref };
		}
		const uint64_t sum = entry.address.lo + step.lo;
		entry.address.hi += step.hi + (sum < step.lo);
		entry.address.lo = sum;
	}
	return 0;
}

static bool worth_merging(const struct fw_lpm *lpm, size_t shorter, size_t longer)
{
	const struct fw_lpm_entry *entries = lpm->entries.items;
	const uint32_t bits = entries[longer].length - entries[shorter].length;
	const size_t count = run_end(lpm, shorter) - shorter, room = lpm->entries.len / MERGE_SHARE;

	return bits < 16 && count << bits <= (room > MERGE_FREE ? room : MERGE_FREE);
}

/* Puts the run `shorter` into the run `longer`, which stands before it. */
static int merge_runs(struct fw_lpm *lpm, unsigned int bits, size_t longer, size_t shorter)
{
	const size_t run[2] = { longer, shorter }, end = run_end(lpm, shorter);

	for (size_t i = shorter; i < end; i++)
		if (spell_out(lpm, i, bits, run) < 0)
			return -ENOMEM;
	struct fw_lpm_entry *entries = lpm->entries.items;
	memmove(entries + shorter, entries + end, (lpm->entries.len - end) * sizeof(*entries));
	lpm->entries.len -= end - shorter;
	sort(lpm);
	return 0;
}

int fw_lpm_merge_lengths(struct fw_lpm *lpm, enum fw_family family)
{
	const unsigned int bits = fw_family_bits(family);
	size_t longer = 0;

	while (longer < lpm->entries.len) {
		const size_t shorter = run_end(lpm, longer);
		if (shorter == lpm->entries.len)
			break;
		if (!worth_merging(lpm, shorter, longer)) {
			longer = shorter;
			continue;
		}
		if (merge_runs(lpm, bits, longer, shorter) < 0)
			return -ENOMEM;
	}
	return 0;
}
