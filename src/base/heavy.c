/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/heavy.c - Space-Saving with few keys: all of a summary fits into some cache lines, so that it is searched from end to end. Invariant: hashes[i] is
 * the hash of items[i]; the counts of all items add up to `total` as soon as the room is used up. */
#include "base/heavy.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 8

static uint32_t hash_of(struct fw_heavy_key key)
{
	uint64_t h = key.hi * 0x9e3779b97f4a7c15u ^ (key.lo + key.tag) * 0xc2b2ae3d27d4eb4fu; /* to compare quickly; keys themselves decide */

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
}

/* What does not fit is no failure: the summary stays as small as it is. */
static void grow(struct fw_heavy *heavy, struct fw_heavy_budget *budget)
{
	const uint32_t room = heavy->room ? heavy->room * 2 : ROOM_FIRST;

	if (room > FW_HEAVY_MAX || budget->used + room - heavy->room > budget->items)
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

/* `item` comes `item->count` times; it was over-counted by `item->error` before. */
static void add_item(struct fw_heavy *heavy, struct fw_heavy_budget *budget, const struct fw_heavy_item *item)
{
	const uint32_t hash = hash_of(item->key);
	struct fw_heavy_item *found = find(heavy, item->key, hash);

	if (found) {
		found->count += item->count;
		found->error += item->error;
		return;
	}
	if (heavy->len == heavy->room)
		grow(heavy, budget);
	if (heavy->room == 0)
		return;
	const bool is_new = heavy->len < heavy->room;
	const uint32_t at = is_new ? heavy->len++ : find_least(heavy);
	const uint64_t before = is_new ? 0 : heavy->items[at].count; /* of whoever leaves: as often this one may have been counted there */
	heavy->items[at] = (struct fw_heavy_item){ item->key, before + item->count, before + item->error };
	heavy->hashes[at] = hash;
}

void fw_heavy_add(struct fw_heavy *heavy, struct fw_heavy_budget *budget, struct fw_heavy_key key)
{
	const struct fw_heavy_item item = { key, 1, 0 };

	heavy->total++;
	add_item(heavy, budget, &item);
}

void fw_heavy_merge(struct fw_heavy *heavy, struct fw_heavy_budget *budget, const struct fw_heavy *other)
{
	heavy->total += other->total;
	for (uint32_t i = 0; i < other->len; i++)
		add_item(heavy, budget, &other->items[i]);
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

void fw_heavy_sort(struct fw_heavy *heavy)
{
	if (heavy->len < 2)
		return;
	qsort(heavy->items, heavy->len, sizeof(*heavy->items), compare);
	for (uint32_t i = 0; i < heavy->len; i++)
		heavy->hashes[i] = hash_of(heavy->items[i].key);
}
