/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/map.c - open addressing over entry numbers. Invariant: slot_count is a power of two and more than 4/3 of len. */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define FIRST_SLOTS 16

void fw_map_init(struct fw_map *map, struct fw_arena *arena)
{
	*map = (struct fw_map){ .arena = arena };
}

void fw_map_done(struct fw_map *map)
{
	if (!map->arena) {
		free(map->entries);
		free(map->slots);
	}
	*map = (struct fw_map){ .arena = map->arena };
}

static uint32_t hash_of(struct fw_str key)
{
	return (uint32_t)fw_hash64(key);
}

/* The slot where `key`, of that hash, is, or the free one where it belongs. */
static struct fw_map_slot *find_slot(const struct fw_map *map, struct fw_str key, uint32_t hash)
{
	for (size_t at = hash;; at++) {
		struct fw_map_slot *slot = &map->slots[at & (map->slot_count - 1)];
		if (!slot->number || (slot->hash == hash && fw_str_equal(map->entries[slot->number - 1].key, key)))
			return slot;
	}
}

void *fw_map_get(const struct fw_map *map, struct fw_str key)
{
	if (map->len == 0)
		return NULL;
	const uint32_t number = find_slot(map, key, hash_of(key))->number;

	return number ? map->entries[number - 1].value : NULL;
}

static void *alloc_items(const struct fw_map *map, size_t count, size_t size)
{
	return map->arena ? fw_arena_alloc(map->arena, count, size) : calloc(count, size);
}

static int grow_slots(struct fw_map *map)
{
	const size_t count = map->slot_count ? map->slot_count * 2 : FIRST_SLOTS;
	const size_t had = map->slot_count;
	struct fw_map_slot *slots = alloc_items(map, count, sizeof(*slots)), *old = map->slots;
	if (!slots)
		return -ENOMEM;

	map->slots = slots;
	map->slot_count = count;
	for (size_t i = 0; i < had; i++) {
		size_t at = old[i].hash;
		if (!old[i].number)
			continue;
		while (slots[at & (count - 1)].number)
			at++;
		slots[at & (count - 1)] = old[i];
	}
	if (!map->arena)
		free(old);
	return 0;
}

static int grow_entries(struct fw_map *map)
{
	const size_t cap = map->cap ? map->cap * 2 : FIRST_SLOTS / 2;
	struct fw_map_entry *entries =
		map->arena ? fw_arena_grow(map->arena, map->entries, map->cap, cap, sizeof(*entries)) :
			     reallocarray(map->entries, cap, sizeof(*entries));
	if (!entries)
		return -ENOMEM;

	map->entries = entries;
	map->cap = cap;
	return 0;
}

static int make_room(struct fw_map *map)
{
	if (map->len >= UINT32_MAX - 1)
		return -ENOMEM;
	int r = map->len == map->cap ? grow_entries(map) : 0;
	if (r == 0 && (map->len + 1) * 4 > map->slot_count * 3)
		r = grow_slots(map);
	return r;
}

int fw_map_put(struct fw_map *map, struct fw_str key, void *value)
{
	int r = make_room(map);
	if (r < 0)
		return r;
	const uint32_t hash = hash_of(key);
	struct fw_map_slot *slot = find_slot(map, key, hash);
	if (slot->number)
		return -EEXIST;

	map->entries[map->len] = (struct fw_map_entry){ key, value };
	*slot = (struct fw_map_slot){ (uint32_t)++map->len, hash };
	return 0;
}

int fw_map_set(struct fw_map *map, struct fw_str key, void *value)
{
	int r = fw_map_put(map, key, value);

	if (r != -EEXIST)
		return r;
	map->entries[find_slot(map, key, hash_of(key))->number - 1].value = value;
	return 0;
}
