/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/sweep.c - an ordered list of functions as one, where few of them meet: one pass over the first field in the order of its values, that
 * merges at each stretch only those that say something there. Linear in what is said, where merging by halves goes over all of it for each
 * halving; but where most functions say something everywhere it would be quadratic, and gives up. */
#include <stdlib.h>
#include <string.h>

#include "diagram/store.h"

#define FEW 6        /* are merged one by one */
#define MEETINGS 8   /* functions at all stretches together, for each edge .. */
#define SWEEP_FREE 256 /* .. and besides */

struct piece { /* an edge of an operand */
	struct fw_u128 low, high;
	uint32_t operand, child;
};

struct sweep { /* over one field; all on the heap */
	struct piece *pieces; /* by low */
	const struct piece **ends; /* by high */
	size_t len;
	struct piece *active; /* by operand */
	size_t active_len;
	uint32_t *refs;       /* the children of a stretch */
	struct diagram_edge *edges; /* of the result */
	size_t edge_len, met;
};

static void sweep_done(struct sweep *s)
{
	free(s->pieces);
	free(s->ends);
	free(s->active);
	free(s->refs);
	free(s->edges);
}

static uint32_t level_of(const struct fw_diagram *d, uint32_t ref)
{
	return fw_diagram_is_leaf(ref) ? FW_DIAGRAM_FIELDS_MAX : d->nodes[ref].level;
}

static uint32_t first_level(const struct fw_diagram *d, const uint32_t *refs, size_t count)
{
	uint32_t level = FW_DIAGRAM_FIELDS_MAX;

	for (size_t i = 0; i < count; i++)
		if (level_of(d, refs[i]) < level)
			level = level_of(d, refs[i]);
	return level;
}

static int by_low(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;
	const int order = fw_u128_compare(left->low, right->low);

	return order ? order : left->operand < right->operand ? -1 : left->operand > right->operand;
}

static int by_high(const void *a, const void *b)
{
	const struct piece *left = *(const struct piece *const *)a, *right = *(const struct piece *const *)b;
	const int order = fw_u128_compare(left->high, right->high);

	return order ? order : left->operand > right->operand ? -1 : left->operand < right->operand; /* the last goes first: nothing moves up */
}

static size_t count_pieces(const struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t level)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += level_of(d, refs[i]) == level ? d->nodes[refs[i]].count : 1;
	return len;
}

static void add_piece(struct sweep *s, struct fw_range range, size_t operand, uint32_t child)
{
	if (child != FW_DIAGRAM_NONE_REF)
		s->pieces[s->len++] = (struct piece){ range.low, range.high, (uint32_t)operand, child };
}

static void cut_up(const struct fw_diagram *d, struct sweep *s, const uint32_t *refs, size_t count, uint32_t level)
{
	for (size_t i = 0; i < count; i++) {
		const size_t edges = level_of(d, refs[i]) == level ? d->nodes[refs[i]].count : 0;
		if (!edges)
			add_piece(s, (struct fw_range){ { 0, 0 }, d->fields[level].max }, i, refs[i]);
		for (size_t k = 0; k < edges; k++) {
			uint32_t child;
			const struct fw_range range = fw_diagram_edge(d, refs[i], k, &child);
			add_piece(s, range, i, child);
		}
	}
}

static int prepare(const struct fw_diagram *d, struct sweep *s, const uint32_t *refs, size_t count, uint32_t level)
{
	const size_t most = count_pieces(d, refs, count, level);

	s->pieces = malloc((most + 1) * sizeof(*s->pieces));
	s->ends = malloc((most + 1) * sizeof(*s->ends));
	s->active = malloc((count + 1) * sizeof(*s->active));
	s->refs = malloc((count + 1) * sizeof(*s->refs));
	s->edges = malloc((2 * most + 2) * sizeof(*s->edges));
	if (!s->pieces || !s->ends || !s->active || !s->refs || !s->edges)
		return -ENOMEM;
	cut_up(d, s, refs, count, level);
	qsort(s->pieces, s->len, sizeof(*s->pieces), by_low);
	for (size_t i = 0; i < s->len; i++)
		s->ends[i] = &s->pieces[i];
	qsort(s->ends, s->len, sizeof(*s->ends), by_high);
	return 0;
}

/* Where the operand stands, or would stand, among the active ones. */
static size_t place_of(const struct sweep *s, uint32_t operand)
{
	size_t low = 0, high = s->active_len;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		if (s->active[middle].operand < operand)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void enter(struct sweep *s, const struct piece *piece)
{
	const size_t at = place_of(s, piece->operand);

	memmove(s->active + at + 1, s->active + at, (s->active_len++ - at) * sizeof(*s->active));
	s->active[at] = *piece;
}

static void leave(struct sweep *s, const struct piece *piece)
{
	const size_t at = place_of(s, piece->operand);

	memmove(s->active + at, s->active + at + 1, (--s->active_len - at) * sizeof(*s->active));
}

static int merge_list(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref);

/* What is decided where the active pieces are. */
static int merge_stretch(struct fw_diagram *d, struct sweep *s, uint32_t *ret_ref)
{
	size_t count = 0;
	bool decided = false;

	for (size_t i = 0; i < s->active_len && !decided; i++) {
		s->refs[count++] = s->active[i].child;
		decided = fw_diagram_is_leaf(s->active[i].child);
	}
	s->met += count;
	if (s->met > MEETINGS * s->len + SWEEP_FREE)
		return -EAGAIN;
	return merge_list(d, s->refs, count, ret_ref);
}

static int go_over(struct fw_diagram *d, struct sweep *s, uint32_t level)
{
	const struct fw_u128 max = d->fields[level].max;
	struct fw_u128 at = { 0, 0 };
	size_t entered = 0, left = 0;

	for (;;) {
		uint32_t child = FW_DIAGRAM_NONE_REF;
		struct fw_u128 high = max;
		while (entered < s->len && fw_u128_compare(s->pieces[entered].low, at) == 0)
			enter(s, &s->pieces[entered++]);
		if (left < s->len && u128_less(s->ends[left]->high, high))
			high = s->ends[left]->high;
		if (entered < s->len && !u128_less(high, s->pieces[entered].low))
			high = fw_u128_prev(s->pieces[entered].low);
		int r = merge_stretch(d, s, &child);
		if (r)
			return r;
		s->edges[s->edge_len++] = (struct diagram_edge){ high, child };
		if (u128_same(high, max))
			return 0;
		while (left < s->len && fw_u128_compare(s->ends[left]->high, high) == 0)
			leave(s, s->ends[left++]);
		at = fw_u128_next(high);
	}
}

static int seal(struct fw_diagram *d, const struct sweep *s, uint32_t level, uint32_t *ret_ref)
{
	const size_t base = d->depth;
	int r = 0;

	for (size_t i = 0; i < s->edge_len && !r; i++)
		r = fw_diagram_push(d, base, s->edges[i].high, s->edges[i].child);
	return r ? r : fw_diagram_seal(d, level, base, ret_ref);
}

static int sweep_level(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref)
{
	const uint32_t level = first_level(d, refs, count);
	struct sweep s FW_CLEANUP(sweep_done) = { 0 };
	int r;

	if (level == FW_DIAGRAM_FIELDS_MAX) {
		*ret_ref = refs[0];
		return 0;
	}
	r = prepare(d, &s, refs, count, level);
	if (!r)
		r = go_over(d, &s, level);
	return r ? r : seal(d, &s, level, ret_ref);
}

static int merge_list(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref)
{
	uint32_t ref = count ? refs[count - 1] : FW_DIAGRAM_NONE_REF;

	if (count > FEW)
		return sweep_level(d, refs, count, ret_ref);
	for (size_t i = count; i-- > 1;) {
		int r = fw_diagram_over(d, refs[i - 1], ref, &ref);
		if (r)
			return r;
	}
	*ret_ref = ref;
	return 0;
}

int fw_diagram_sweep(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref)
{
	const uint32_t mark = fw_diagram_mark(d);
	uint32_t ref;
	int r = merge_list(d, refs, count, &ref);

	if (!r)
		r = fw_diagram_release(d, mark, &ref, 1);
	if (r)
		fw_diagram_cut(d, mark);
	else
		*ret_ref = ref;
	return r;
}
