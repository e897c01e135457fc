/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/path.c - ways through a diagram that end at wanted leaves: one as a point (a witness), all as boxes (regions). Both first ask
 * whether a reference leads to a wanted leaf at all, which is found once for each node of a pass. */
#include <stdlib.h>

#include "diagram/store.h"

struct search {
	struct fw_diagram *d;
	const struct fw_diagram_want *want;
};

static bool leads(const struct search *s, uint32_t ref)
{
	const struct fw_diagram *d = s->d;
	const struct diagram_node *node;
	bool found = false;

	if (fw_diagram_is_leaf(ref))
		return s->want->wanted(s->want->context, fw_diagram_value(ref));
	if (d->visits[ref].stamp == d->visit_stamp)
		return d->visits[ref].value;
	node = &d->nodes[ref];
	for (size_t i = 0; i < node->count && !found; i++)
		found = leads(s, node_children(d, node)[i]);
	d->visits[ref] = (struct visit){ d->visit_stamp, found };
	return found;
}

static bool is_value(void *context, uint32_t value)
{
	const uint32_t *wanted = context;

	return *wanted == value;
}

struct fw_diagram_want fw_diagram_want_value(uint32_t *value)
{
	return (struct fw_diagram_want){ is_value, value };
}

/* One step down from a node that leads to a wanted leaf. */
static uint32_t step(const struct search *s, uint32_t ref, struct fw_u128 nice, struct fw_u128 *ret_value)
{
	size_t index = fw_diagram_find_edge(s->d, ref, nice);
	uint32_t child;

	(void)fw_diagram_edge(s->d, ref, index, &child);
	if (leads(s, child)) {
		*ret_value = nice;
		return child;
	}
	for (index = 0;; index++) {
		struct fw_range range = fw_diagram_edge(s->d, ref, index, &child);

		if (leads(s, child)) {
			*ret_value = range.low;
			return child;
		}
	}
}

int fw_diagram_witness(struct fw_diagram *d, uint32_t ref, const struct fw_diagram_want *want, const struct fw_u128 *nice,
		       struct fw_u128 *ret_values)
{
	struct search s = { d, want };

	if (fw_diagram_pass(d))
		return -ENOMEM;
	if (!leads(&s, ref))
		return -ENOENT;
	for (size_t i = 0; i < d->field_count; i++)
		ret_values[i] = nice ? nice[i] : (struct fw_u128){ 0, 0 };
	while (!fw_diagram_is_leaf(ref)) {
		uint32_t level = d->nodes[ref].level;

		ref = step(&s, ref, ret_values[level], &ret_values[level]);
	}
	return 0;
}

struct walk {
	struct search search;
	const struct fw_diagram_walker *walker;
	size_t left;
	struct { /* where the ranges of a level begin and how many there are, as the array of them moves */
		size_t from, len;
	} sets[FW_DIAGRAM_FIELDS_MAX];
};

static int by_key(const void *a, const void *b)
{
	const struct region_pick *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->edge > y->edge) - (x->edge < y->edge);
}

static int show(struct walk *w, uint32_t value)
{
	struct fw_diagram *d = w->search.d;
	struct fw_iset sets[FW_DIAGRAM_FIELDS_MAX];

	if (w->left == 0)
		return -E2BIG;
	w->left--;
	for (size_t i = 0; i < d->field_count; i++)
		sets[i] = (struct fw_iset){ d->ranges + w->sets[i].from, w->sets[i].len };
	return w->walker->region(w->walker->context, sets, value);
}

static int push_range(struct fw_diagram *d, struct fw_range range)
{
	if (fw_diagram_reserve(d, &d->ranges, &d->range_cap, d->range_len + 1, sizeof(*d->ranges)))
		return -ENOMEM;
	d->ranges[d->range_len++] = range;
	return 0;
}

/* The edges of a node that lead on, those to one child together, in the order of the first of them: key = the group's first edge. */
static int pick_edges(struct walk *w, uint32_t ref)
{
	struct fw_diagram *d = w->search.d;
	size_t base = d->pick_len, count = d->nodes[ref].count;
	uint32_t child, first = 0;

	if (fw_diagram_reserve(d, &d->picks, &d->pick_cap, base + count, sizeof(*d->picks)))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		(void)fw_diagram_edge(d, ref, i, &child);
		if (leads(&w->search, child))
			d->picks[d->pick_len++] = (struct region_pick){ child, (uint32_t)i };
	}
	qsort(d->picks + base, d->pick_len - base, sizeof(*d->picks), by_key);
	child = 0;
	for (size_t i = base; i < d->pick_len; i++) {
		if (i == base || d->picks[i].key != child)
			first = d->picks[i].edge;
		child = d->picks[i].key;
		d->picks[i].key = first;
	}
	qsort(d->picks + base, d->pick_len - base, sizeof(*d->picks), by_key);
	return 0;
}

static int walk_ref(struct walk *w, uint32_t ref);

/* One group, from picks[from]; *ret_next is where the next begins. */
static int walk_group(struct walk *w, uint32_t ref, size_t from, size_t *ret_next)
{
	struct fw_diagram *d = w->search.d;
	uint32_t level = d->nodes[ref].level, child = 0;
	size_t base = d->range_len, i = from;
	int r = 0;

	for (; i < d->pick_len && d->picks[i].key == d->picks[from].key && !r; i++)
		r = push_range(d, fw_diagram_edge(d, ref, d->picks[i].edge, &child));
	if (r)
		return r;
	w->sets[level].from = base;
	w->sets[level].len = d->range_len - base;
	r = walk_ref(w, child);
	d->range_len = base;
	w->sets[level].from = level;
	w->sets[level].len = 1;
	*ret_next = i;
	return r;
}

static int walk_ref(struct walk *w, uint32_t ref)
{
	struct fw_diagram *d = w->search.d;
	size_t base = d->pick_len, next = base, end;
	int r;

	if (fw_diagram_is_leaf(ref))
		return show(w, fw_diagram_value(ref));
	r = pick_edges(w, ref);
	for (end = d->pick_len; !r && next < end;)
		r = walk_group(w, ref, next, &next);
	d->pick_len = base;
	return r;
}

int fw_diagram_regions(struct fw_diagram *d, uint32_t ref, const struct fw_diagram_want *want, size_t limit,
		       const struct fw_diagram_walker *walker)
{
	struct walk w = { { d, want }, walker, limit, { { 0 } } };
	int r = fw_diagram_pass(d);

	d->range_len = d->pick_len = 0;
	for (size_t i = 0; i < d->field_count && !r; i++) { /* the first ranges are those of fields that do not matter */
		r = push_range(d, (struct fw_range){ .high = d->fields[i].max });
		w.sets[i].from = i;
		w.sets[i].len = 1;
	}
	if (r || !leads(&w.search, ref))
		return r;
	return walk_ref(&w, ref);
}
