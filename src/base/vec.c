/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/vec.c - growing arrays. Invariant: items past len are zero. */
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 8

void fw_vec_init(struct fw_vec *vec, struct fw_arena *arena, size_t item_size)
{
	*vec = (struct fw_vec){ .size = item_size, .arena = arena };
}

void fw_vec_done(struct fw_vec *vec)
{
	if (!vec->arena)
		free(vec->items);
	*vec = (struct fw_vec){ .size = vec->size, .arena = vec->arena };
}

static void *grow_on_heap(struct fw_vec *vec, size_t cap)
{
	char *items = reallocarray(vec->items, cap, vec->size);

	if (items)
		memset(items + vec->cap * vec->size, 0, (cap - vec->cap) * vec->size);
	return items;
}

int fw_vec_reserve(struct fw_vec *vec, size_t cap)
{
	if (cap <= vec->cap)
		return 0;

	void *items = vec->arena ? fw_arena_grow(vec->arena, vec->items, vec->cap, cap, vec->size) : grow_on_heap(vec, cap);
	if (!items)
		return -ENOMEM;
	vec->items = items;
	vec->cap = cap;
	return 0;
}

void *fw_vec_push(struct fw_vec *vec)
{
	if (vec->len == vec->cap && fw_vec_reserve(vec, vec->cap ? vec->cap * 2 : FIRST_CAP) < 0)
		return NULL;
	return (char *)vec->items + vec->size * vec->len++;
}

void *fw_vec_at(const struct fw_vec *vec, size_t index)
{
	return (char *)vec->items + vec->size * index;
}
