/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/vec.c - growing arrays. An item is zeroed when it is pushed: a caller may have used the room before. */
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

int fw_vec_reserve(struct fw_vec *vec, size_t cap)
{
	if (cap <= vec->cap)
		return 0;

	void *items = vec->arena ? fw_arena_grow(vec->arena, vec->items, vec->cap, cap, vec->size) : reallocarray(vec->items, cap, vec->size);
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
	return memset((char *)vec->items + vec->size * vec->len++, 0, vec->size);
}

void *fw_vec_at(const struct fw_vec *vec, size_t index)
{
	return (char *)vec->items + vec->size * index;
}
