/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/heavy.h - the most frequent keys of a stream in bounded memory: Space-Saving, after Metwally, Agrawal and El Abbadi, "Efficient Computation of
 * Frequent and Top-k Elements in Data Streams", ICDT 2005. With room for k keys and n additions: a count is never too low and too high by at most
 * n/k (its own `error`); every key that came more than n/k times is there. Two summaries are made one after Cafaro, Pulimeno and Tempesta, "A parallel
 * space saving algorithm for frequent items and the Hurwitz zeta distribution", Information Sciences 329, 2016; then k is the smaller room. */
#ifndef FW_BASE_HEAVY_H
#define FW_BASE_HEAVY_H

#include "base/base.h"

#define FW_HEAVY_MAX 64 /* keys of a summary */

struct fw_heavy_key {
	uint64_t hi, lo;
	uint32_t tag;
};
struct fw_heavy_item {
	struct fw_heavy_key key;
	uint64_t count, error; /* the true count lies in count - error .. count */
};
struct fw_heavy {
	struct fw_heavy_item *items; /* room for `room`, `len` in use, in no order */
	uint32_t *hashes; /* of the items, as many */
	uint32_t len, room;
	uint64_t total; /* additions */
	uint64_t missed; /* a key that is not listed came so often at most; no count is lower */
};
/* What all summaries of a process together may have. */
struct fw_heavy_budget {
	size_t items, used;
};

void fw_heavy_init(struct fw_heavy *heavy);
void fw_heavy_done(struct fw_heavy *heavy, struct fw_heavy_budget *budget); /* gives its room back */
/* Grows to FW_HEAVY_MAX keys as long as the budget and memory last; without any, only `total` is counted. Once a key was missed, the room stays as it
 * is until the summary is cleared: n/k holds for the room that the stream had from its first miss on. */
void fw_heavy_add(struct fw_heavy *heavy, struct fw_heavy_budget *budget, struct fw_heavy_key key);
/* Additions of another summary (its items, total and missed; not its hashes): counts and errors add up, and what one of them does not list may have
 * been missed there. The most frequent stay. */
void fw_heavy_merge(struct fw_heavy *heavy, struct fw_heavy_budget *budget, const struct fw_heavy *other);
/* Forgets the keys and keeps the room. */
void fw_heavy_clear(struct fw_heavy *heavy);
/* Most frequent first; ties by key. */
void fw_heavy_sort(struct fw_heavy *heavy);

#endif
