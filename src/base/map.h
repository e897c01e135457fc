/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/map.h - byte strings to pointers, in insertion order. */
#ifndef FW_BASE_MAP_H
#define FW_BASE_MAP_H

#include "base/arena.h"

struct fw_map_entry {
	struct fw_str key; /* not copied: the caller keeps it alive */
	void *value;
};

struct fw_map {
	struct fw_map_entry *entries; /* len of them, in the order they were put; never removed */
	size_t len, cap;
	struct fw_map_slot {
		uint32_t number; /* of the entry, + 1; 0: free */
		uint32_t hash;   /* of its key: the table grows without reading keys */
	} *slots;
	size_t slot_count;
	struct fw_arena *arena; /* NULL: heap */
};

void fw_map_init(struct fw_map *map, struct fw_arena *arena);
void fw_map_done(struct fw_map *map);
/* The value of `key`, or NULL. */
void *fw_map_get(const struct fw_map *map, struct fw_str key);
/* Adds key -> value (value not NULL). 0; -EEXIST when the key is there already (nothing changed); -ENOMEM. */
int fw_map_put(struct fw_map *map, struct fw_str key, void *value);
/* Puts a new value under a key that is there, or adds it. 0 or -ENOMEM. */
int fw_map_set(struct fw_map *map, struct fw_str key, void *value);

#endif
