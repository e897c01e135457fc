/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/read.c - questions to a diagram and mapping of its leaves. Each node is visited once: a pass keeps its note in d->visits. */
#include <stdlib.h>
#include <string.h>

#include "diagram/store.h"

uint32_t fw_diagram_level(const struct fw_diagram *d, uint32_t ref)
{
	return d->nodes[ref].level;
}

size_t fw_diagram_edge_count(const struct fw_diagram *d, uint32_t ref)
{
	return d->nodes[ref].count;
}

struct fw_range fw_diagram_edge(const struct fw_diagram *d, uint32_t ref, size_t index, uint32_t *ret_child)
{
	const struct diagram_node *node = &d->nodes[ref];
	struct fw_range range = { .high = node_high(d, node, index) };

	if (index > 0)
		range.low = fw_u128_next(node_high(d, node, index - 1));
	*ret_child = node_children(d, node)[index];
	return range;
}

/* The first whose upper end is not below it. */
size_t fw_diagram_find_edge(const struct fw_diagram *d, uint32_t ref, struct fw_u128 value)
{
	const struct diagram_node *node = &d->nodes[ref];
	size_t low = 0, high = node->count - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (u128_less(node_high(d, node, middle), value))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t fw_diagram_eval(const struct fw_diagram *d, uint32_t ref, const struct fw_u128 *values)
{
	while (!fw_diagram_is_leaf(ref)) {
		const struct diagram_node *node = &d->nodes[ref];

		ref = node_children(d, node)[fw_diagram_find_edge(d, ref, values[node->level])];
	}
	return fw_diagram_value(ref);
}

/* True the first time that this pass comes to the node. */
static bool first_visit(struct fw_diagram *d, uint32_t ref)
{
	if (d->visits[ref].stamp == d->visit_stamp)
		return false;
	d->visits[ref].stamp = d->visit_stamp;
	return true;
}

static void add_size(struct fw_diagram *d, uint32_t ref, struct fw_diagram_counts *counts)
{
	const struct diagram_node *node = &d->nodes[ref];
	const uint32_t *children = node_children(d, node);

	counts->nodes++;
	counts->edges += node->count;
	counts->bytes += sizeof(*node) + node_words(d, node) * sizeof(*d->words);
	for (size_t i = 0; i < node->count; i++) {
		if (!fw_diagram_is_leaf(children[i]) && first_visit(d, children[i]))
			add_size(d, children[i], counts);
	}
}

int fw_diagram_size(struct fw_diagram *d, uint32_t ref, struct fw_diagram_counts *ret_counts)
{
	struct fw_diagram_counts counts = { 0 };

	if (fw_diagram_pass(d))
		return -ENOMEM;
	if (!fw_diagram_is_leaf(ref))
		add_size(d, ref, &counts);
	*ret_counts = counts;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void list_unique(struct fw_diagram *d)
{
	size_t len = 0;

	if (d->list_len == 0)
		return;
	qsort(d->list, d->list_len, sizeof(*d->list), by_value);
	for (size_t i = 0; i < d->list_len; i++) {
		if (len == 0 || d->list[len - 1] != d->list[i])
			d->list[len++] = d->list[i];
	}
	d->list_len = len;
}

/* Grows only where less than half of the list was said twice: so it stays in proportion to the different values. */
static int list_add(struct fw_diagram *d, uint32_t value)
{
	if (d->list_len > 0 && d->list[d->list_len - 1] == value)
		return 0;
	if (d->list_len == d->list_cap) {
		list_unique(d);
		if (d->list_len >= d->list_cap / 2 && fw_diagram_reserve(d, &d->list, &d->list_cap, d->list_cap + 1, sizeof(*d->list)))
			return -ENOMEM;
	}
	d->list[d->list_len++] = value;
	return 0;
}

static int add_leaves(struct fw_diagram *d, uint32_t ref)
{
	const struct diagram_node *node = &d->nodes[ref];
	const uint32_t *children = node_children(d, node);
	int r = 0;

	for (size_t i = 0; i < node->count && !r; i++) {
		if (fw_diagram_is_leaf(children[i]))
			r = list_add(d, fw_diagram_value(children[i]));
		else if (first_visit(d, children[i]))
			r = add_leaves(d, children[i]);
	}
	return r;
}

int fw_diagram_leaves(struct fw_diagram *d, uint32_t ref, struct fw_arena *arena, struct fw_diagram_leaves *ret_leaves)
{
	uint32_t *values;

	d->list_len = 0;
	if (fw_diagram_pass(d))
		return -ENOMEM;
	if (fw_diagram_is_leaf(ref) ? list_add(d, fw_diagram_value(ref)) : add_leaves(d, ref))
		return -ENOMEM;
	list_unique(d);
	values = fw_arena_alloc(arena, d->list_len, sizeof(*values));
	if (!values)
		return -ENOMEM;
	memcpy(values, d->list, d->list_len * sizeof(*values));
	*ret_leaves = (struct fw_diagram_leaves){ values, d->list_len };
	return 0;
}

struct mapping {
	struct fw_diagram *d;
	uint32_t (*fn)(void *context, uint32_t value);
	void *context;
};

static int map_ref(struct mapping *m, uint32_t ref, uint32_t *ret_ref);

static int map_node(struct mapping *m, uint32_t ref, uint32_t *ret_ref)
{
	struct fw_diagram *d = m->d;
	uint32_t level = d->nodes[ref].level, count = d->nodes[ref].count;
	size_t base = d->depth;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t child;
		int r = map_ref(m, node_children(d, &d->nodes[ref])[i], &child);

		if (!r)
			r = fw_diagram_push(d, base, node_high(d, &d->nodes[ref], i), child);
		if (r)
			return r;
	}
	return fw_diagram_seal(d, level, base, ret_ref);
}

static int map_ref(struct mapping *m, uint32_t ref, uint32_t *ret_ref)
{
	struct visit *visit;
	int r;

	if (fw_diagram_is_leaf(ref)) {
		*ret_ref = fw_diagram_leaf(m->fn(m->context, fw_diagram_value(ref)));
		return 0;
	}
	visit = &m->d->visits[ref];
	if (visit->stamp == m->d->visit_stamp) {
		*ret_ref = visit->value;
		return 0;
	}
	r = map_node(m, ref, ret_ref);
	if (!r)
		*visit = (struct visit){ m->d->visit_stamp, *ret_ref };
	return r;
}

int fw_diagram_map(struct fw_diagram *d, uint32_t ref, uint32_t (*fn)(void *context, uint32_t value), void *context, uint32_t *ret_ref)
{
	struct mapping m = { d, fn, context };
	uint32_t mark = fw_diagram_mark(d), result;
	int r = fw_diagram_pass(d);

	if (!r)
		r = fw_diagram_end(d, mark, map_ref(&m, ref, &result));
	if (!r)
		*ret_ref = result;
	return r;
}
