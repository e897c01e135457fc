/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/combine.c - functions of two diagrams. One step merges the edges of two nodes from the lowest to the highest, which is linear in
 * both, and goes down only where no short-cut says the result as a whole; a pair of nodes is merged once (memo). Recursion is as deep
 * as there are fields. */
#include <assert.h>

#include "diagram/store.h"

struct combining {
	struct fw_diagram *d;
	const struct fw_diagram_op *op;
	struct memo *memo;
	size_t max_work;
};

struct cursor { /* an edge of one operand; one edge for the whole field where the operand does not ask it */
	uint32_t ref, index, count, child;
	struct fw_u128 high;
};

static uint32_t level_of(const struct fw_diagram *d, uint32_t ref)
{
	return fw_diagram_is_leaf(ref) ? FW_DIAGRAM_FIELDS_MAX : d->nodes[ref].level;
}

static void cursor_load(const struct fw_diagram *d, struct cursor *c)
{
	const struct diagram_node *node = &d->nodes[c->ref];

	c->high = node_high(d, node, c->index);
	c->child = node_children(d, node)[c->index];
}

static struct cursor cursor_at(const struct fw_diagram *d, uint32_t ref, uint32_t level)
{
	struct cursor c = { .ref = ref, .count = 1, .child = ref, .high = d->fields[level].max };

	if (level_of(d, ref) != level)
		return c;
	c.count = d->nodes[ref].count;
	cursor_load(d, &c);
	return c;
}

static void cursor_next(const struct fw_diagram *d, struct cursor *c)
{
	if (++c->index < c->count)
		cursor_load(d, c);
}

static bool is_value(uint32_t ref, uint32_t value)
{
	if (!fw_diagram_is_leaf(ref))
		return false;
	return value == FW_DIAGRAM_DECIDED ? ref != FW_DIAGRAM_NONE_REF : fw_diagram_value(ref) == value;
}

static bool short_cut(const struct fw_diagram_op *op, uint32_t a, uint32_t b, uint32_t *ret_ref)
{
	const uint32_t gives[] = {
		[FW_DIAGRAM_GIVES_A] = a, [FW_DIAGRAM_GIVES_B] = b, [FW_DIAGRAM_GIVES_NONE] = FW_DIAGRAM_NONE_REF,
	};

	if (a == b && op->equal != FW_DIAGRAM_EQUAL_ASKS) {
		*ret_ref = op->equal == FW_DIAGRAM_EQUAL_SAME ? a : FW_DIAGRAM_NONE_REF;
		return true;
	}
	if (!fw_diagram_is_leaf(a | b))
		return false;
	if (op->keeps && fw_diagram_is_leaf(a) && op->keeps(op->context, fw_diagram_value(a))) {
		*ret_ref = a;
		return true;
	}
	for (size_t i = 0; i < op->short_count; i++) {
		const struct fw_diagram_short *s = &op->shorts[i];

		if (is_value(s->operand == FW_DIAGRAM_A ? a : b, s->value)) {
			*ret_ref = gives[s->gives];
			return true;
		}
	}
	return false;
}

static int combine_leaves(const struct fw_diagram_op *op, uint32_t a, uint32_t b, uint32_t *ret_ref)
{
	uint32_t value;
	int r;

	assert(op->decide);
	r = op->decide(op->context, fw_diagram_value(a), fw_diagram_value(b), &value);
	if (r)
		return r;
	*ret_ref = fw_diagram_leaf(value);
	return 0;
}

static int combine(struct combining *c, uint32_t a, uint32_t b, uint32_t *ret_ref);

static int merge(struct combining *c, uint32_t a, uint32_t b, uint32_t *ret_ref)
{
	struct fw_diagram *d = c->d;
	uint32_t level = level_of(d, a) < level_of(d, b) ? level_of(d, a) : level_of(d, b), child;
	struct cursor x = cursor_at(d, a, level), y = cursor_at(d, b, level);
	size_t base = d->depth;

	while (x.index < x.count) { /* both end together, at the field's maximum */
		bool x_ends = !u128_less(y.high, x.high), y_ends = !u128_less(x.high, y.high);
		int r = combine(c, x.child, y.child, &child);

		if (!r)
			r = fw_diagram_push(d, base, x_ends ? x.high : y.high, child);
		if (!r && ++d->work > c->max_work)
			r = -E2BIG;
		if (r)
			return r;
		if (x_ends)
			cursor_next(d, &x);
		if (y_ends)
			cursor_next(d, &y);
	}
	return fw_diagram_seal(d, level, base, ret_ref);
}

static int combine(struct combining *c, uint32_t a, uint32_t b, uint32_t *ret_ref)
{
	int r;

	if (short_cut(c->op, a, b, ret_ref) || fw_diagram_memo_get(c->memo, a, b, ret_ref))
		return 0;
	if (fw_diagram_is_leaf(a & b))
		r = combine_leaves(c->op, a, b, ret_ref);
	else
		r = merge(c, a, b, ret_ref);
	if (r)
		return r;
	return fw_diagram_memo_put(c->d, c->memo, (struct memo_entry){ .a = a, .b = b, .result = *ret_ref });
}

static int run(struct fw_diagram *d, struct memo *memo, const struct fw_diagram_op *op, const uint32_t operands[2], uint32_t *ret_ref)
{
	struct combining c = { d, op, memo, SIZE_MAX };
	uint32_t mark = fw_diagram_mark(d), ref;
	int r;

	if (d->limits.edges < SIZE_MAX / FW_DIAGRAM_WORK)
		c.max_work = d->limits.edges * FW_DIAGRAM_WORK;
	r = fw_diagram_end(d, mark, combine(&c, operands[0], operands[1], &ref));
	if (!r)
		*ret_ref = ref;
	return r;
}

int fw_diagram_combine(struct fw_diagram *d, uint32_t a, uint32_t b, const struct fw_diagram_op *op, uint32_t *ret_ref)
{
	fw_diagram_memo_clear(&d->once);
	return run(d, &d->once, op, (const uint32_t[]){ a, b }, ret_ref);
}

int fw_diagram_over(struct fw_diagram *d, uint32_t a, uint32_t b, uint32_t *ret_ref)
{
	static const struct fw_diagram_short shorts[] = {
		{ FW_DIAGRAM_A, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_B },
		{ FW_DIAGRAM_B, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_A },
		{ FW_DIAGRAM_A, FW_DIAGRAM_DECIDED, FW_DIAGRAM_GIVES_A },
	};
	static const struct fw_diagram_op op = {
		.equal = FW_DIAGRAM_EQUAL_SAME, .shorts = shorts, .short_count = FW_ARRAY_SIZE(shorts),
	};

	return run(d, &d->over, &op, (const uint32_t[]){ a, b }, ret_ref);
}

int fw_diagram_restrict(struct fw_diagram *d, uint32_t a, uint32_t mask, uint32_t *ret_ref)
{
	static const struct fw_diagram_short shorts[] = {
		{ FW_DIAGRAM_A, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_NONE },
		{ FW_DIAGRAM_B, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_NONE },
		{ FW_DIAGRAM_B, FW_DIAGRAM_DECIDED, FW_DIAGRAM_GIVES_A },
	};
	static const struct fw_diagram_op op = {
		.equal = FW_DIAGRAM_EQUAL_SAME, .shorts = shorts, .short_count = FW_ARRAY_SIZE(shorts),
	};

	return fw_diagram_combine(d, a, mask, &op, ret_ref);
}

int fw_diagram_without(struct fw_diagram *d, uint32_t a, uint32_t mask, uint32_t *ret_ref)
{
	static const struct fw_diagram_short shorts[] = {
		{ FW_DIAGRAM_A, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_NONE },
		{ FW_DIAGRAM_B, FW_DIAGRAM_NONE, FW_DIAGRAM_GIVES_A },
		{ FW_DIAGRAM_B, FW_DIAGRAM_DECIDED, FW_DIAGRAM_GIVES_NONE },
	};
	static const struct fw_diagram_op op = {
		.equal = FW_DIAGRAM_EQUAL_NONE, .shorts = shorts, .short_count = FW_ARRAY_SIZE(shorts),
	};

	return fw_diagram_combine(d, a, mask, &op, ret_ref);
}

int fw_diagram_differ(struct fw_diagram *d, uint32_t a, uint32_t b, const struct fw_diagram_pairs *pairs, uint32_t *ret_ref)
{
	struct fw_diagram_op op = { .decide = pairs->number, .context = pairs->context, .equal = FW_DIAGRAM_EQUAL_NONE };

	return fw_diagram_combine(d, a, b, &op, ret_ref);
}
