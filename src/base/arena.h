/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/arena.h - memory that lives and dies together, under a byte budget. */
#ifndef FW_BASE_ARENA_H
#define FW_BASE_ARENA_H

#include "base/base.h"

struct fw_arena;

/* A new arena that hands out at most `budget` bytes; NULL when there is no memory. */
struct fw_arena *fw_arena_new(size_t budget);
void fw_arena_free(struct fw_arena *arena); /* NULL is fine */
void fw_arena_freep(struct fw_arena **arena); /* for FW_CLEANUP */

/* Zeroed memory, aligned for any type; NULL when memory or the budget is at its end. count*size is checked
 * for overflow. Small allocations come from chunks, large ones get a chunk of their own. */
void *fw_arena_alloc(struct fw_arena *arena, size_t count, size_t size);
/* `old` (old_count items) grown to new_count items, contents kept, the rest zeroed; `old` must not be used any more.
 * Grows in place where `old` is the newest allocation. */
void *fw_arena_grow(struct fw_arena *arena, void *old, size_t old_count, size_t new_count, size_t size);
/* Copies; a NUL is put behind the bytes, so that .data can be used as a C string. */
char *fw_arena_copy(struct fw_arena *arena, struct fw_str s);
char *fw_arena_printf(struct fw_arena *arena, const char *format, ...) FW_PRINTF(2, 3);

size_t fw_arena_used(const struct fw_arena *arena);
/* True once an allocation failed because of the budget (and not for want of memory). */
bool fw_arena_over_budget(const struct fw_arena *arena);

#endif
