/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/vec.h - a growing array of equal items, in an arena or on the heap. */
#ifndef FW_BASE_VEC_H
#define FW_BASE_VEC_H

#include "base/arena.h"

struct fw_vec {
	void *items; /* len items of `size` bytes; moves when it grows */
	size_t len, cap, size;
	struct fw_arena *arena; /* NULL: heap */
};

void fw_vec_init(struct fw_vec *vec, struct fw_arena *arena, size_t item_size);
void fw_vec_done(struct fw_vec *vec); /* frees heap memory; for FW_CLEANUP too */
/* A zeroed new last item, or NULL when there is no memory. Pointers got before may be stale. */
void *fw_vec_push(struct fw_vec *vec);
int fw_vec_reserve(struct fw_vec *vec, size_t cap); /* 0 or -ENOMEM */
void *fw_vec_at(const struct fw_vec *vec, size_t index); /* index < len */

#endif
