/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/iset.h - sets of numbers (addresses, ports) as sorted, disjoint, non-adjacent ranges. Values: made once, then read. */
#ifndef FW_NET_ISET_H
#define FW_NET_ISET_H

#include "base/arena.h"
#include "net/addr.h"

struct fw_iset {
	const struct fw_range *ranges; /* sorted by low; next.low > this.high + 1 */
	size_t len;
};

/* Sorts and merges `ranges` in place (they stay owned by whoever made them) and gives the set over them. O(n log n), O(n) where sorted. */
struct fw_iset fw_iset_normalise(struct fw_range *ranges, size_t len);
/* Algebra; results in `arena`. 0 or -ENOMEM. Linear in both. */
int fw_iset_union(struct fw_arena *arena, struct fw_iset a, struct fw_iset b, struct fw_iset *ret_set);
int fw_iset_intersect(struct fw_arena *arena, struct fw_iset a, struct fw_iset b, struct fw_iset *ret_set);
int fw_iset_subtract(struct fw_arena *arena, struct fw_iset a, struct fw_iset b, struct fw_iset *ret_set);
bool fw_iset_contains(struct fw_iset set, struct fw_u128 value); /* O(log n) */
bool fw_iset_equal(struct fw_iset a, struct fw_iset b);
bool fw_iset_is_all(struct fw_iset set, struct fw_u128 max); /* exactly 0..max */

/* Cuts a range into prefixes, lowest first: call with *cursor = range.low, until it returns false. */
bool fw_prefix_next(enum fw_family family, struct fw_range range, struct fw_u128 *cursor, bool *started,
		    struct fw_range *ret_prefix);

#endif
