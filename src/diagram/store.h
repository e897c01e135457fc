/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/store.h - the inside of a diagram: nodes, the unique table, scratch memory. For this module only. */
#ifndef FW_DIAGRAM_STORE_H
#define FW_DIAGRAM_STORE_H

#include <errno.h>

#include "diagram/diagram.h"

#define NO_NODE UINT32_MAX /* the end of a chain of the unique table */

struct diagram_node {
	uint32_t offset; /* in words: `count` upper ends of width[level] words each, then `count` children */
	uint32_t count, level, hash;
	uint32_t next; /* in its chain; always an older node */
};

struct diagram_edge { /* while a node is made */
	struct fw_u128 high;
	uint32_t child;
};

struct memo_entry {
	uint32_t stamp, a, b, result;
};

struct memo { /* (a, b) -> result for entries of the current stamp; others are free slots */
	struct memo_entry *slots;
	size_t cap, len;
	uint32_t stamp;
};

struct visit { /* a note on a node for one pass over a diagram; of an older pass where the stamp is another */
	uint32_t stamp, value;
};

struct region_pick { /* an edge on the way of a walk, with what it is sorted by */
	uint32_t key, edge;
};

struct fw_diagram {
	struct fw_diagram_field *fields; /* behind this struct, as the next */
	uint32_t *width; /* words of an upper end: 1, 2 or 4 */
	size_t field_count;
	struct fw_diagram_limits limits;
	size_t most_edges; /* the limit at the beginning */
	size_t bytes; /* of all that is allocated */
	bool over_budget; /* more bytes than its limit were asked for, once */
	size_t edges; /* of all nodes */
	size_t work;  /* steps of the operation under way */

	/* A child is older than its parents, and words lie in the order of nodes: so the newest nodes can be cut off. */
	struct diagram_node *nodes;
	size_t node_count, node_cap;
	uint32_t *words;
	size_t word_count, word_cap;
	uint32_t *buckets; /* heads of chains, newest node first */
	size_t bucket_count;

	/* Scratch. */
	struct diagram_edge *stack; /* edges of the nodes being made, the deepest last */
	size_t depth, stack_cap;
	struct memo over; /* of fw_diagram_over: good until nodes go */
	struct memo once; /* of one call of another operation */
	struct visit *visits; /* by node */
	size_t visit_cap;
	uint32_t visit_stamp;
	uint32_t *list; /* leaf values found */
	size_t list_len, list_cap;
	struct region_pick *picks;
	size_t pick_len, pick_cap;
	struct fw_range *ranges;
	size_t range_len, range_cap;
};

/* *(void **)items grown to hold `need` items of `size` bytes. */
int fw_diagram_reserve(struct fw_diagram *d, void *items, size_t *cap, size_t need, size_t size);
/* Makes cap items of zeroed memory; NULL past the budget. */
void *fw_diagram_calloc(struct fw_diagram *d, size_t cap, size_t size);
void fw_diagram_drop(struct fw_diagram *d, void *items, size_t cap, size_t size);

/* An edge up to `high` for the node whose edges begin at stack[base]; joins the one before where the child is the same. */
static inline int fw_diagram_push(struct fw_diagram *d, size_t base, struct fw_u128 high, uint32_t child)
{
	if (d->depth > base && d->stack[d->depth - 1].child == child) {
		d->stack[d->depth - 1].high = high;
		return 0;
	}
	if (d->depth == d->stack_cap && fw_diagram_reserve(d, &d->stack, &d->stack_cap, d->depth + 1, sizeof(*d->stack)))
		return -ENOMEM;
	d->stack[d->depth++] = (struct diagram_edge){ high, child };
	return 0;
}

/* The node of stack[base..], which are taken off: the one that is there already, or a new one. */
int fw_diagram_seal(struct fw_diagram *d, uint32_t level, size_t base, uint32_t *ret_ref);
/* Cuts off all nodes made since `mark`, and forgets what may name them. */
void fw_diagram_cut(struct fw_diagram *d, uint32_t mark);
/* Ends an operation: what `result` 0 made stays; after a failure everything since `mark` goes. Returns `result`. */
int fw_diagram_end(struct fw_diagram *d, uint32_t mark, int result);
/* A new pass over the nodes: notes on all of them are void, and there is room for one on each. */
int fw_diagram_pass(struct fw_diagram *d);

/* As fw_diagram_over_all, where few of them say something at the same place; -EAGAIN: most do. */
int fw_diagram_sweep(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref);

/* The edge that `value` lies in. */
size_t fw_diagram_find_edge(const struct fw_diagram *d, uint32_t ref, struct fw_u128 value);

bool fw_diagram_memo_get(const struct memo *memo, uint32_t a, uint32_t b, uint32_t *ret_result);
int fw_diagram_memo_put(struct fw_diagram *d, struct memo *memo, struct memo_entry entry);
void fw_diagram_memo_clear(struct memo *memo);
void fw_diagram_memo_done(struct fw_diagram *d, struct memo *memo);

static inline struct fw_u128 node_high(const struct fw_diagram *d, const struct diagram_node *node, size_t index)
{
	const uint32_t *w = d->words + node->offset;

	if (d->width[node->level] == 1)
		return (struct fw_u128){ 0, w[index] };
	if (d->width[node->level] == 2)
		return (struct fw_u128){ 0, w[2 * index] | (uint64_t)w[2 * index + 1] << 32 };
	w += 4 * index;
	return (struct fw_u128){ w[2] | (uint64_t)w[3] << 32, w[0] | (uint64_t)w[1] << 32 };
}

static inline uint32_t *node_children(const struct fw_diagram *d, const struct diagram_node *node)
{
	return d->words + node->offset + (size_t)node->count * d->width[node->level];
}

static inline size_t node_words(const struct fw_diagram *d, const struct diagram_node *node)
{
	return (size_t)node->count * (d->width[node->level] + 1);
}

static inline bool u128_less(struct fw_u128 a, struct fw_u128 b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

static inline bool u128_same(struct fw_u128 a, struct fw_u128 b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

#endif
