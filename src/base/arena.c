/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/arena.c - chunks from calloc, or where they are big from the kernel in huge pages, handed out in order and freed together. Invariant: `used`
 * never passes `budget`; memory handed out is zero. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_SIZE ((size_t)64 << 10) /* of the first; an arena that has much takes more at once */
#define CHUNK_MAX ((size_t)8 << 20)
#define HUGE_PAGE ((size_t)2 << 20) /* a page fault for each 4 KiB took an eighth of the time of big policies */
#define ALIGNMENT _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t size, used; /* of data */
	size_t mapped;     /* bytes of its mapping, this head included; 0: it is from calloc */
	_Alignas(max_align_t) unsigned char data[];
};

struct fw_arena {
	struct chunk *chunks; /* the newest first: small allocations come from it */
	size_t budget, used;
	unsigned char *last; /* the newest allocation of the newest chunk, or NULL */
	bool over_budget;
};

struct fw_arena *fw_arena_new(size_t budget)
{
	struct fw_arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->budget = budget;
	return arena;
}

void fw_arena_free(struct fw_arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		if (chunk->mapped)
			munmap(chunk, chunk->mapped);
		else
			free(chunk);
	}
	free(arena);
}

void fw_arena_freep(struct fw_arena **arena)
{
	fw_arena_free(*arena);
	*arena = NULL;
}

static size_t rounded(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static bool take_budget(struct fw_arena *arena, size_t bytes)
{
	if (bytes > arena->budget - arena->used) {
		arena->over_budget = true;
		return false;
	}
	arena->used += bytes;
	return true;
}

/* So many bytes, a multiple of a huge page, that begin at one. NULL: no memory. */
static void *map_huge(size_t bytes)
{
	unsigned char *all = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return NULL;

	const size_t before = (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
	if (before)
		munmap(all, before);
	munmap(all + before + bytes, HUGE_PAGE - before);
	(void)madvise(all + before, bytes, MADV_HUGEPAGE); /* a wish */
	return all + before;
}

static struct chunk *new_chunk(size_t size)
{
	const size_t bytes = sizeof(struct chunk) + size, mapped = bytes < HUGE_PAGE ? 0 : (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	struct chunk *chunk = mapped ? map_huge(mapped) : calloc(1, bytes);

	if (!chunk)
		return NULL;
	chunk->size = mapped ? mapped - sizeof(*chunk) : size;
	chunk->mapped = mapped;
	return chunk;
}

/* Half of what the arena has already: few chunks, and no more than half of them for nothing. */
static size_t next_size(const struct fw_arena *arena)
{
	const size_t half = arena->used / 2;

	return half < CHUNK_SIZE ? CHUNK_SIZE : half > CHUNK_MAX ? CHUNK_MAX : half;
}

/* A chunk of its own goes behind the newest one, so that that one goes on serving small allocations. */
static void *alloc_large(struct fw_arena *arena, size_t bytes)
{
	struct chunk *chunk = new_chunk(bytes);
	if (!chunk)
		return NULL;

	chunk->used = bytes;
	if (arena->chunks) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		arena->chunks = chunk;
	}
	return chunk->data;
}

static void *alloc_small(struct fw_arena *arena, size_t bytes)
{
	struct chunk *chunk = arena->chunks;

	if (!chunk || chunk->size - chunk->used < bytes) {
		chunk = new_chunk(next_size(arena));
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	arena->last = chunk->data + chunk->used;
	chunk->used += bytes;
	return arena->last;
}

void *fw_arena_alloc(struct fw_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
		arena->over_budget = true;
		return NULL;
	}
	bytes = rounded(bytes ? bytes : 1);
	if (!take_budget(arena, bytes))
		return NULL;
	void *memory = bytes > CHUNK_SIZE / 4 ? alloc_large(arena, bytes) : alloc_small(arena, bytes);
	if (!memory)
		arena->used -= bytes;
	return memory;
}

static bool grow_in_place(struct fw_arena *arena, const void *old, size_t old_bytes, size_t new_bytes)
{
	struct chunk *chunk = arena->chunks;

	if (!old || old != arena->last || !chunk || arena->last + old_bytes != chunk->data + chunk->used ||
	    new_bytes - old_bytes > chunk->size - chunk->used || !take_budget(arena, new_bytes - old_bytes))
		return false;
	chunk->used += new_bytes - old_bytes;
	return true;
}

void *fw_arena_grow(struct fw_arena *arena, void *old, size_t old_count, size_t new_count, size_t size)
{
	size_t new_bytes;

	if (__builtin_mul_overflow(new_count, size, &new_bytes) || new_bytes > SIZE_MAX / 2)
		return NULL;
	const size_t old_bytes = old_count * size;
	if (grow_in_place(arena, old, rounded(old_bytes ? old_bytes : 1), rounded(new_bytes ? new_bytes : 1)))
		return old;
	void *memory = fw_arena_alloc(arena, new_count, size);
	if (memory && old && old_count)
		memcpy(memory, old, old_bytes);
	return memory;
}

char *fw_arena_copy(struct fw_arena *arena, struct fw_str s)
{
	char *copy = fw_arena_alloc(arena, s.len + 1, 1);

	if (copy && s.len)
		memcpy(copy, s.data, s.len);
	return copy;
}

char *fw_arena_printf(struct fw_arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return NULL;

	char *text = fw_arena_alloc(arena, (size_t)length + 1, 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

size_t fw_arena_used(const struct fw_arena *arena)
{
	return arena->used;
}

bool fw_arena_over_budget(const struct fw_arena *arena)
{
	return arena->over_budget;
}
