/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/store.c - the nodes of a diagram and the table that makes them unique. A node is written behind the last one, looked for, and
 * taken off again where it is there already. Children are older than parents and chains run from new to old: so the newest nodes are
 * the heads of their chains and can be cut off, which is how a failed operation leaves no trace. Releasing moves survivors down. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "diagram/store.h"

#define MIN_BUCKETS 256

static uint32_t words_of(struct fw_u128 max)
{
	return max.hi ? 4 : max.lo > UINT32_MAX ? 2 : 1;
}

static bool buckets_make(struct fw_diagram *d, size_t count)
{
	uint32_t *buckets = fw_diagram_calloc(d, count, sizeof(*buckets));

	if (!buckets)
		return false;
	memset(buckets, 0xff, count * sizeof(*buckets));
	fw_diagram_drop(d, d->buckets, d->bucket_count, sizeof(*d->buckets));
	d->buckets = buckets;
	d->bucket_count = count;
	return true;
}

struct fw_diagram *fw_diagram_new(const struct fw_diagram_field *fields, size_t count, struct fw_diagram_limits limits)
{
	const size_t bytes = sizeof(struct fw_diagram) + count * (sizeof(*fields) + sizeof(uint32_t));
	struct fw_diagram *d;

	assert(count > 0 && count <= FW_DIAGRAM_FIELDS_MAX);
	if (limits.bytes < bytes)
		return NULL;
	d = calloc(1, bytes);
	if (!d)
		return NULL;
	d->fields = (struct fw_diagram_field *)(d + 1);
	d->width = (uint32_t *)(d->fields + count);
	d->limits = limits;
	d->most_edges = limits.edges;
	d->bytes = bytes;
	d->field_count = count;
	d->over.stamp = d->once.stamp = 1;
	for (size_t i = 0; i < count; i++) {
		d->fields[i] = fields[i];
		d->width[i] = words_of(fields[i].max);
	}
	if (!buckets_make(d, MIN_BUCKETS)) {
		free(d);
		return NULL;
	}
	return d;
}

void fw_diagram_limit_edges(struct fw_diagram *d, size_t edges)
{
	const size_t least = d->edges, most = d->most_edges;

	d->limits.edges = edges < least ? least : edges > most ? most : edges;
}

void fw_diagram_free(struct fw_diagram *d)
{
	if (!d)
		return;
	fw_diagram_forget(d);
	free(d->nodes);
	free(d->words);
	free(d->buckets);
	free(d);
}

void fw_diagram_freep(struct fw_diagram **d)
{
	fw_diagram_free(*d);
}

struct fw_diagram_counts fw_diagram_counts(const struct fw_diagram *d)
{
	return (struct fw_diagram_counts){ d->node_count, d->edges, d->bytes };
}

static uint32_t hash_words(uint32_t level, const uint32_t *words, size_t count)
{
	uint64_t h = level + 1, pair;

	for (; count >= 2; count -= 2, words += 2) {
		memcpy(&pair, words, sizeof(pair));
		h = (h ^ pair) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	if (count)
		h = (h ^ *words) * 0x9e3779b97f4a7c15u;
	h ^= h >> 29;
	return (uint32_t)(h * 0xbf58476d1ce4e5b9u >> 32);
}

static void link_node(struct fw_diagram *d, uint32_t index)
{
	struct diagram_node *node = &d->nodes[index];
	uint32_t *head = &d->buckets[node->hash & (d->bucket_count - 1)];

	node->next = *head;
	*head = index;
}

/* Only the newest of its chain can go. */
static void unlink_node(struct fw_diagram *d, uint32_t index)
{
	const struct diagram_node *node = &d->nodes[index];

	d->buckets[node->hash & (d->bucket_count - 1)] = node->next;
}

static int rehash(struct fw_diagram *d)
{
	if (!buckets_make(d, 2 * d->bucket_count))
		return -ENOMEM;
	for (size_t i = 0; i < d->node_count; i++)
		link_node(d, (uint32_t)i);
	return 0;
}

static uint32_t find_node(const struct fw_diagram *d, const struct diagram_node *wanted)
{
	size_t bytes = node_words(d, wanted) * sizeof(*d->words);
	uint32_t index = d->buckets[wanted->hash & (d->bucket_count - 1)];

	for (; index != NO_NODE; index = d->nodes[index].next) {
		const struct diagram_node *node = &d->nodes[index];

		if (node->hash == wanted->hash && node->level == wanted->level && node->count == wanted->count &&
		    memcmp(d->words + node->offset, d->words + wanted->offset, bytes) == 0)
			break;
	}
	return index;
}

static void write_high(uint32_t *to, uint32_t width, struct fw_u128 high)
{
	to[0] = (uint32_t)high.lo;
	if (width > 1)
		to[1] = (uint32_t)(high.lo >> 32);
	if (width > 2) {
		to[2] = (uint32_t)high.hi;
		to[3] = (uint32_t)(high.hi >> 32);
	}
}

static void write_node(struct fw_diagram *d, struct diagram_node *node, const struct diagram_edge *edges)
{
	uint32_t width = d->width[node->level];
	uint32_t *highs = d->words + node->offset, *children = node_children(d, node);

	for (size_t i = 0; i < node->count; i++) {
		write_high(highs + i * width, width, edges[i].high);
		children[i] = edges[i].child;
	}
	node->hash = hash_words(node->level, highs, node_words(d, node));
}

static int add_node(struct fw_diagram *d, const struct diagram_node *node, uint32_t *ret_ref)
{
	if (node->count > d->limits.edges - d->edges || d->node_count >= FW_DIAGRAM_NONE)
		return -E2BIG;
	if (fw_diagram_reserve(d, &d->nodes, &d->node_cap, d->node_count + 1, sizeof(*d->nodes)))
		return -ENOMEM;
	if (d->node_count >= d->bucket_count && rehash(d))
		return -ENOMEM;
	*ret_ref = (uint32_t)d->node_count;
	d->nodes[d->node_count++] = *node;
	d->word_count += node_words(d, node);
	d->edges += node->count;
	link_node(d, *ret_ref);
	return 0;
}

int fw_diagram_seal(struct fw_diagram *d, uint32_t level, size_t base, uint32_t *ret_ref)
{
	struct diagram_node node = { .offset = (uint32_t)d->word_count, .level = level };
	size_t count = d->depth - base, words = count * (d->width[level] + 1);
	uint32_t found;

	d->depth = base;
	if (count == 1) {
		*ret_ref = d->stack[base].child;
		return 0;
	}
	if (words > UINT32_MAX - d->word_count)
		return -E2BIG;
	if (fw_diagram_reserve(d, &d->words, &d->word_cap, d->word_count + words, sizeof(*d->words)))
		return -ENOMEM;
	node.count = (uint32_t)count;
	write_node(d, &node, d->stack + base);
	found = find_node(d, &node);
	if (found == NO_NODE)
		return add_node(d, &node, ret_ref);
	*ret_ref = found;
	return 0;
}

uint32_t fw_diagram_mark(const struct fw_diagram *d)
{
	return (uint32_t)d->node_count;
}

void fw_diagram_cut(struct fw_diagram *d, uint32_t mark)
{
	if (d->node_count == mark)
		return;
	while (d->node_count > mark) {
		const struct diagram_node *node = &d->nodes[--d->node_count];

		unlink_node(d, (uint32_t)d->node_count);
		d->word_count = node->offset;
		d->edges -= node->count;
	}
	fw_diagram_memo_clear(&d->over);
}

int fw_diagram_end(struct fw_diagram *d, uint32_t mark, int result)
{
	d->depth = 0;
	d->work = 0;
	if (result)
		fw_diagram_cut(d, mark);
	return result;
}

static void note(struct fw_diagram *d, uint32_t mark, uint32_t ref)
{
	if (!fw_diagram_is_leaf(ref) && ref >= mark)
		d->visits[ref] = (struct visit){ d->visit_stamp, 0 };
}

/* Parents are newer than children: one way down reaches all. */
static void note_reached(struct fw_diagram *d, uint32_t mark, const uint32_t *roots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		note(d, mark, roots[i]);
	for (size_t i = d->node_count; i > mark; i--) {
		const struct diagram_node *node = &d->nodes[i - 1];
		const uint32_t *children = node_children(d, node);

		if (d->visits[i - 1].stamp != d->visit_stamp)
			continue;
		for (size_t j = 0; j < node->count; j++)
			note(d, mark, children[j]);
	}
}

static uint32_t moved(const struct fw_diagram *d, uint32_t mark, uint32_t ref)
{
	return fw_diagram_is_leaf(ref) || ref < mark ? ref : d->visits[ref].value;
}

/* Puts a surviving node behind the last one. */
static void move_node(struct fw_diagram *d, uint32_t mark, uint32_t index)
{
	struct diagram_node *node = &d->nodes[d->node_count];
	uint32_t *children;

	*node = d->nodes[index];
	memmove(d->words + d->word_count, d->words + node->offset, node_words(d, node) * sizeof(*d->words));
	node->offset = (uint32_t)d->word_count;
	children = node_children(d, node);
	for (size_t i = 0; i < node->count; i++)
		children[i] = moved(d, mark, children[i]);
	node->hash = hash_words(node->level, d->words + node->offset, node_words(d, node));
	d->visits[index].value = (uint32_t)d->node_count;
	link_node(d, (uint32_t)d->node_count++);
	d->word_count += node_words(d, node);
	d->edges += node->count;
}

int fw_diagram_release(struct fw_diagram *d, uint32_t mark, uint32_t *roots, size_t count)
{
	uint32_t end = fw_diagram_mark(d);

	if (mark >= end)
		return 0;
	if (fw_diagram_pass(d))
		return -ENOMEM;
	note_reached(d, mark, roots, count);
	fw_diagram_cut(d, mark); /* the records above the mark stay readable until something is written over them */
	for (uint32_t i = mark; i < end; i++) {
		if (d->visits[i].stamp == d->visit_stamp)
			move_node(d, mark, i);
	}
	for (size_t i = 0; i < count; i++)
		roots[i] = moved(d, mark, roots[i]);
	return 0;
}

/* Best effort: an array that cannot be moved to a smaller place stays where it is. */
static void trim(struct fw_diagram *d, void *items, size_t *cap, size_t len, size_t size)
{
	void *array, *smaller;

	memcpy(&array, items, sizeof(array));
	if (len == 0 || len == *cap)
		return;
	smaller = realloc(array, len * size);
	if (!smaller)
		return;
	memcpy(items, &smaller, sizeof(smaller));
	d->bytes -= (*cap - len) * size;
	*cap = len;
}

int fw_diagram_compact(struct fw_diagram *d, uint32_t *roots, size_t count)
{
	if (fw_diagram_release(d, 0, roots, count))
		return -ENOMEM;
	fw_diagram_forget(d);
	trim(d, &d->nodes, &d->node_cap, d->node_count, sizeof(*d->nodes));
	trim(d, &d->words, &d->word_cap, d->word_count, sizeof(*d->words));
	return 0;
}

struct fw_u128 fw_diagram_field_max(const struct fw_diagram *d, uint32_t level)
{
	return d->fields[level].max;
}

bool fw_diagram_over_budget(const struct fw_diagram *d)
{
	return d->over_budget;
}
