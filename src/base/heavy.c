/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/heavy.c - Space-Saving with few keys: all of a summary fits into some cache lines, so that it is searched from end to end. Invariant: hashes[i] is
 * the hash of items[i]; no count is below `missed`, which a key that comes in anew may have come before; without room `missed` is `total`. */
#include "base/heavy.h"

#include <stdlib.h>

#define ROOM_FIRST 8

static uint32_t hash_of(struct fw_heavy_key key)
{
	uint64_t h = key.hi * 0x9e3779b97f4a7c15u ^
		     (key.lo + key.tag) * 0xc2b2ae3d27d4eb4fu; /* to compare quickly; keys themselves decide */

	h ^= h >> 29;
	return (uint32_t)(h ^ h >> 32);
}

static bool is_same(struct fw_heavy_key a, struct fw_heavy_key b)
{
	return a.hi == b.hi && a.lo == b.lo && a.tag == b.tag;
}

void fw_heavy_init(struct fw_heavy *heavy)
{
	*heavy = (struct fw_heavy){ .items = NULL };
}

void fw_heavy_done(struct fw_heavy *heavy, struct fw_heavy_budget *budget)
{
	budget->used -= heavy->room;
	free(heavy->items);
	free(heavy->hashes);
	fw_heavy_init(heavy);
}

void fw_heavy_clear(struct fw_heavy *heavy)
{
	heavy->len = 0;
	heavy->total = 0;
	heavy->missed = 0;
}

/* What does not fit is no failure: the summary stays as small as it is. So does one that missed a key: for more room it would promise too much. */
static void grow(struct fw_heavy *heavy, struct fw_heavy_budget *budget)
{
	const uint32_t room = heavy->room ? heavy->room * 2 : ROOM_FIRST;

	if (heavy->missed > 0 || room > FW_HEAVY_MAX || budget->used + room - heavy->room > budget->items)
		return;
	struct fw_heavy_item *items = realloc(heavy->items, room * sizeof(*items));
	if (items)
		heavy->items = items;
	uint32_t *hashes = items ? realloc(heavy->hashes, room * sizeof(*hashes)) : NULL;
	if (!hashes)
		return;
	heavy->hashes = hashes;
	budget->used += room - heavy->room;
	heavy->room = room;
}

static struct fw_heavy_item *find(struct fw_heavy *heavy, struct fw_heavy_key key, uint32_t hash)
{
	for (uint32_t i = 0; i < heavy->len; i++)
		if (heavy->hashes[i] == hash && is_same(heavy->items[i].key, key))
			return &heavy->items[i];
	return NULL;
}

static uint32_t find_least(const struct fw_heavy *heavy)
{
	uint32_t least = 0;

	for (uint32_t i = 1; i < heavy->len; i++)
		if (heavy->items[i].count < heavy->items[least].count)
			least = i;
	return least;
}

void fw_heavy_add(struct fw_heavy *heavy, struct fw_heavy_budget *budget, struct fw_heavy_key key)
{
	const uint32_t hash = hash_of(key);
	struct fw_heavy_item *found = find(heavy, key, hash);
	uint32_t at;

	heavy->total++;
	if (found) {
		found->count++;
		return;
	}
	if (heavy->len == heavy->room)
		grow(heavy, budget);
	if (heavy->room == 0) {
		heavy->missed = heavy->total;
		return;
	}
	if (heavy->len < heavy->room) {
		at = heavy->len++;
	} else {
		at = find_least(heavy);
		heavy->missed = heavy->items[at].count; /* whoever leaves; no other one that is not listed came more often */
	}
	heavy->items[at] = (struct fw_heavy_item){ key, heavy->missed + 1, heavy->missed };
	heavy->hashes[at] = hash;
}

static int compare(const void *a, const void *b)
{
	const struct fw_heavy_item *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->key.hi != y->key.hi)
		return x->key.hi < y->key.hi ? -1 : 1;
	if (x->key.lo != y->key.lo)
		return x->key.lo < y->key.lo ? -1 : 1;
	return x->key.tag < y->key.tag ? -1 : x->key.tag > y->key.tag;
}

static void add_missed(struct fw_heavy_item *item, uint64_t missed)
{
	item->count += missed;
	item->error += missed;
}

/* All keys of both, each as often as it came at most; at most twice FW_HEAVY_MAX. */
static uint32_t join(const struct fw_heavy *a, const struct fw_heavy *b, struct fw_heavy_item *ret_items)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < a->len; i++) {
		ret_items[len] = a->items[i];
		add_missed(&ret_items[len++], b->missed);
	}
	for (uint32_t i = 0; i < b->len; i++) {
		uint32_t at = 0;
		while (at < a->len && !is_same(ret_items[at].key, b->items[i].key))
			at++;
		if (at < a->len) { /* b did not miss it */
			ret_items[at].count = a->items[at].count + b->items[i].count;
			ret_items[at].error = a->items[at].error + b->items[i].error;
		} else {
			ret_items[len] = b->items[i];
			add_missed(&ret_items[len++], a->missed);
		}
	}
	return len;
}

void fw_heavy_merge(struct fw_heavy *heavy, struct fw_heavy_budget *budget, const struct fw_heavy *other)
{
	struct fw_heavy_item items[2 * FW_HEAVY_MAX];
	const uint32_t len = join(heavy, other, items);
	uint32_t room;

	do {
		room = heavy->room;
		if (len > room)
			grow(heavy, budget);
	} while (heavy->room > room);
	heavy->total += other->total;
	heavy->missed += other->missed;
	heavy->len = len < room ? len : room;
	qsort(items, len, sizeof(*items), compare);
	if (len > room && items[room].count > heavy->missed)
		heavy->missed = items[room].count;
	for (uint32_t i = 0; i < heavy->len; i++) {
		heavy->items[i] = items[i];
		heavy->hashes[i] = hash_of(items[i].key);
	}
}

void fw_heavy_sort(struct fw_heavy *heavy)
{
	if (heavy->len < 2)
		return;
	qsort(heavy->items, heavy->len, sizeof(*heavy->items), compare);
	for (uint32_t i = 0; i < heavy->len; i++)
		heavy->hashes[i] = hash_of(heavy->items[i].key);
}
