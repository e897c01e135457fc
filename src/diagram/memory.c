/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/memory.c - the bytes of a diagram: every array it has is made, grown and freed here, so that one budget bears them all. Arrays
 * double; close to the budget they take what they need. Also the memo tables and the notes of a pass, which are only arrays with a
 * stamp: clearing one is counting its stamp up. */
#include <stdlib.h>
#include <string.h>

#include "diagram/store.h"

#define MIN_CAP 64
#define MEMO_MIN_CAP 256

static int resize(struct fw_diagram *d, void **items, size_t old_bytes, size_t new_bytes)
{
	void *grown;

	if (new_bytes > old_bytes && new_bytes - old_bytes > d->limits.bytes - d->bytes) {
		d->over_budget = true;
		return -ENOMEM;
	}
	grown = realloc(*items, new_bytes);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	d->bytes = d->bytes - old_bytes + new_bytes;
	return 0;
}

int fw_diagram_reserve(struct fw_diagram *d, void *items, size_t *cap, size_t need, size_t size)
{
	size_t wanted = *cap < MIN_CAP / 2 ? MIN_CAP : 2 * *cap;
	void *array;

	if (need <= *cap)
		return 0;
	if (need > SIZE_MAX / 4 / size)
		return -ENOMEM;
	if (wanted < need)
		wanted = need;
	memcpy(&array, items, sizeof(array));
	if (resize(d, &array, *cap * size, wanted * size)) {
		wanted = need + need / 8;
		if (resize(d, &array, *cap * size, wanted * size))
			return -ENOMEM;
	}
	memcpy(items, &array, sizeof(array));
	*cap = wanted;
	return 0;
}

void *fw_diagram_calloc(struct fw_diagram *d, size_t cap, size_t size)
{
	void *items;

	if (cap > SIZE_MAX / size || cap * size > d->limits.bytes - d->bytes) {
		d->over_budget = true;
		return NULL;
	}
	items = calloc(cap, size);
	if (items)
		d->bytes += cap * size;
	return items;
}

void fw_diagram_drop(struct fw_diagram *d, void *items, size_t cap, size_t size)
{
	if (!items)
		return;
	free(items);
	d->bytes -= cap * size;
}

int fw_diagram_pass(struct fw_diagram *d)
{
	size_t old = d->visit_cap;

	if (fw_diagram_reserve(d, &d->visits, &d->visit_cap, d->node_count, sizeof(*d->visits)))
		return -ENOMEM;
	if (d->visit_cap > old)
		memset(d->visits + old, 0, (d->visit_cap - old) * sizeof(*d->visits));
	if (++d->visit_stamp == 0) {
		if (d->visits)
			memset(d->visits, 0, d->visit_cap * sizeof(*d->visits));
		d->visit_stamp = 1;
	}
	return 0;
}

static size_t memo_slot(const struct memo *memo, uint32_t a, uint32_t b)
{
	uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;
	size_t slot;

	h ^= h >> 32;
	slot = (size_t)h & (memo->cap - 1);
	while (memo->slots[slot].stamp == memo->stamp && (memo->slots[slot].a != a || memo->slots[slot].b != b))
		slot = (slot + 1) & (memo->cap - 1);
	return slot;
}

bool fw_diagram_memo_get(const struct memo *memo, uint32_t a, uint32_t b, uint32_t *ret_result)
{
	const struct memo_entry *entry;

	if (memo->len == 0)
		return false;
	entry = &memo->slots[memo_slot(memo, a, b)];
	if (entry->stamp != memo->stamp)
		return false;
	*ret_result = entry->result;
	return true;
}

static int memo_grow(struct fw_diagram *d, struct memo *memo)
{
	struct memo grown = { NULL, memo->cap ? 2 * memo->cap : MEMO_MIN_CAP, memo->len, 1 };

	grown.slots = fw_diagram_calloc(d, grown.cap, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; memo->len > 0 && i < memo->cap; i++) {
		struct memo_entry entry = memo->slots[i];

		if (entry.stamp != memo->stamp)
			continue;
		entry.stamp = grown.stamp;
		grown.slots[memo_slot(&grown, entry.a, entry.b)] = entry;
	}
	fw_diagram_drop(d, memo->slots, memo->cap, sizeof(*memo->slots));
	*memo = grown;
	return 0;
}

int fw_diagram_memo_put(struct fw_diagram *d, struct memo *memo, struct memo_entry entry)
{
	size_t slot;

	if (memo->len >= memo->cap / 2 && memo_grow(d, memo))
		return -ENOMEM;
	entry.stamp = memo->stamp;
	slot = memo_slot(memo, entry.a, entry.b);
	memo->len += memo->slots[slot].stamp != memo->stamp;
	memo->slots[slot] = entry;
	return 0;
}

void fw_diagram_memo_clear(struct memo *memo)
{
	memo->len = 0;
	if (++memo->stamp != 0)
		return;
	if (memo->slots)
		memset(memo->slots, 0, memo->cap * sizeof(*memo->slots));
	memo->stamp = 1;
}

void fw_diagram_memo_done(struct fw_diagram *d, struct memo *memo)
{
	fw_diagram_drop(d, memo->slots, memo->cap, sizeof(*memo->slots));
	*memo = (struct memo){ .stamp = 1 };
}

void fw_diagram_forget(struct fw_diagram *d)
{
	fw_diagram_memo_done(d, &d->over);
	fw_diagram_memo_done(d, &d->once);
	fw_diagram_drop(d, d->stack, d->stack_cap, sizeof(*d->stack));
	fw_diagram_drop(d, d->visits, d->visit_cap, sizeof(*d->visits));
	fw_diagram_drop(d, d->list, d->list_cap, sizeof(*d->list));
	fw_diagram_drop(d, d->picks, d->pick_cap, sizeof(*d->picks));
	fw_diagram_drop(d, d->ranges, d->range_cap, sizeof(*d->ranges));
	d->stack = NULL;
	d->visits = NULL;
	d->list = NULL;
	d->picks = NULL;
	d->ranges = NULL;
	d->depth = d->stack_cap = d->visit_cap = d->list_len = d->list_cap = 0;
	d->pick_len = d->pick_cap = d->range_len = d->range_cap = 0;
}
