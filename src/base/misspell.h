/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/misspell.h - "did you mean": the nearest of a list of words. */
#ifndef FW_BASE_MISSPELL_H
#define FW_BASE_MISSPELL_H

#include "base/base.h"

#define FW_MISSPELL_MAX 64 /* longer words have no neighbours */

/* Restricted Damerau-Levenshtein distance, case folded; SIZE_MAX where a word is longer than FW_MISSPELL_MAX. */
size_t fw_misspell_distance(struct fw_str a, struct fw_str b);

/* Keeps the best candidates of a walk over names: call _offer for each, read `best` (len 0: none near enough). A candidate is
 * near enough within a third of the longer word's length, at least 1, at most 3. Ties: the first offered. */
struct fw_misspell {
	struct fw_str wanted, best;
	size_t best_distance;
};
void fw_misspell_init(struct fw_misspell *m, struct fw_str wanted);
void fw_misspell_offer(struct fw_misspell *m, struct fw_str candidate);

#endif
