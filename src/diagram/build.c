/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/build.c - boxes, and ordered lists of functions as one. A list is merged by halves, like the runs of a merge sort: the pending
 * runs are a stack of at most one for each power of two. What merged runs leave behind is released from time to time, in proportion to
 * what is kept, so that a long list needs little more memory than its result. */
#include <assert.h>

#include "diagram/store.h"

#define RUNS_MAX 64
#define SCRATCH_MIN 65536 /* edges that may lie about before they are worth a release */

static int push_side(struct fw_diagram *d, const struct fw_diagram_side *side, uint32_t inside)
{
	struct fw_u128 max = d->fields[side->level].max, done;
	size_t base = d->depth;
	int r = 0;

	for (size_t i = 0; i < side->set.len && !r; i++) {
		struct fw_range range = side->set.ranges[i];

		assert(!u128_less(max, range.high));
		if (range.low.hi || range.low.lo)
			r = fw_diagram_push(d, base, fw_u128_prev(range.low), FW_DIAGRAM_NONE_REF);
		if (!r)
			r = fw_diagram_push(d, base, range.high, inside);
	}
	if (r)
		return r;
	done = d->stack[d->depth - 1].high;
	return u128_same(done, max) ? 0 : fw_diagram_push(d, base, max, FW_DIAGRAM_NONE_REF);
}

static int make_box(struct fw_diagram *d, const struct fw_diagram_side *sides, size_t count, uint32_t *ref)
{
	for (size_t i = count; i > 0; i--) {
		const struct fw_diagram_side *side = &sides[i - 1];
		int r;

		assert(side->level < d->field_count && (i == count || side->level < sides[i].level));
		assert(fw_diagram_is_leaf(*ref) || side->level < d->nodes[*ref].level);
		r = push_side(d, side, *ref);
		if (!r)
			r = fw_diagram_seal(d, side->level, 0, ref);
		if (r)
			return r;
	}
	return 0;
}

static bool is_empty(const struct fw_diagram_side *sides, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sides[i].set.len == 0)
			return true;
	}
	return false;
}

int fw_diagram_box(struct fw_diagram *d, const struct fw_diagram_side *sides, size_t count, uint32_t inside, uint32_t *ret_ref)
{
	uint32_t mark = fw_diagram_mark(d), ref = inside;
	int r;

	if (is_empty(sides, count)) {
		*ret_ref = FW_DIAGRAM_NONE_REF;
		return 0;
	}
	r = fw_diagram_end(d, mark, make_box(d, sides, count, &ref));
	if (!r)
		*ret_ref = ref;
	return r;
}

struct runs {
	struct fw_diagram *d;
	const struct fw_diagram_op *op; /* NULL: over */
	uint32_t mark;
	size_t kept;  /* edges after the last release */
	size_t len;
	uint32_t refs[RUNS_MAX];
	size_t sizes[RUNS_MAX]; /* functions in each */
};

static int release(struct runs *runs)
{
	int r = fw_diagram_release(runs->d, runs->mark, runs->refs, runs->len);

	runs->kept = runs->d->edges;
	return r;
}

static int merge_last(struct runs *runs, uint32_t *ret_ref)
{
	const uint32_t *last = &runs->refs[runs->len - 2];

	return runs->op ? fw_diagram_combine(runs->d, last[0], last[1], runs->op, ret_ref) :
			  fw_diagram_over(runs->d, last[0], last[1], ret_ref);
}

/* The two last runs become one. */
static int join(struct runs *runs)
{
	uint32_t *last = &runs->refs[runs->len - 2];
	uint32_t joined = FW_DIAGRAM_NONE_REF;
	int r = merge_last(runs, &joined);

	if (r) { /* once more with all room that can be had */
		if (release(runs))
			return r;
		r = merge_last(runs, &joined);
	}
	if (r)
		return r;
	last[0] = joined;
	runs->sizes[runs->len - 2] += runs->sizes[runs->len - 1];
	runs->len--;
	return runs->d->edges - runs->kept > runs->kept + SCRATCH_MIN ? release(runs) : 0;
}

static int add_run(struct runs *runs, uint32_t ref)
{
	int r = 0;

	runs->refs[runs->len] = ref;
	runs->sizes[runs->len++] = 1;
	while (!r && runs->len > 1 && runs->sizes[runs->len - 2] == runs->sizes[runs->len - 1])
		r = join(runs);
	return r;
}

static int merge_runs(struct runs *runs, const uint32_t *refs, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = add_run(runs, refs[i]);
	while (!r && runs->len > 1)
		r = join(runs);
	return r ? r : release(runs);
}

int fw_diagram_combine_all(struct fw_diagram *d, const uint32_t *refs, size_t count, const struct fw_diagram_op *op, uint32_t *ret_ref)
{
	struct runs runs = { .d = d, .op = op, .mark = fw_diagram_mark(d), .kept = d->edges };
	int r = merge_runs(&runs, refs, count);

	if (r)
		fw_diagram_cut(d, runs.mark);
	else
		*ret_ref = runs.refs[0];
	return r;
}

int fw_diagram_over_all(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref)
{
	if (count == 0) {
		*ret_ref = FW_DIAGRAM_NONE_REF;
		return 0;
	}
	int r = fw_diagram_sweep(d, refs, count, ret_ref);
	return r == -EAGAIN ? fw_diagram_combine_all(d, refs, count, NULL, ret_ref) : r;
}

/* Over `acc`, which lies above `mark`: on success the new *acc is all that is left there. */
static int append(struct fw_diagram *d, uint32_t mark, const uint32_t *refs, size_t count, uint32_t *acc)
{
	uint32_t before = fw_diagram_mark(d), block, ref;
	int r = fw_diagram_over_all(d, refs, count, &block);

	if (!r)
		r = fw_diagram_over(d, *acc, block, &ref);
	if (!r)
		r = fw_diagram_release(d, mark, &ref, 1);
	if (r)
		fw_diagram_cut(d, before);
	else
		*acc = ref;
	return r;
}

int fw_diagram_over_most(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref, size_t *ret_taken)
{
	uint32_t mark = fw_diagram_mark(d), acc = FW_DIAGRAM_NONE_REF;
	size_t taken = 0, step = count;
	int r = 0;

	while (taken < count && step > 0) {
		if (step > count - taken)
			step = count - taken;
		r = append(d, mark, refs + taken, step, &acc);
		if (!r)
			taken += step;
		else
			step /= 2;
	}
	if (taken == 0 && count > 0)
		return r;
	*ret_ref = acc;
	*ret_taken = taken;
	return 0;
}
