/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lpm.h - a node over addresses as prefixes of which the longest match decides: few prefixes of few lengths, so that a hash for each
 * length can be asked. */
#ifndef FW_COMPILE_LPM_H
#define FW_COMPILE_LPM_H

#include "base/vec.h"
#include "diagram/diagram.h"

struct fw_lpm_entry {
	struct fw_u128 address;
	uint32_t length;
	uint32_t ref; /* of the diagram */
};

struct fw_lpm {
	struct fw_vec entries; /* struct fw_lpm_entry, longest first, then by address; each prefix once */
	struct fw_vec nodes;   /* the trie in the making */
	uint32_t rest;         /* where no prefix matches */
};

void fw_lpm_init(struct fw_lpm *lpm); /* heap memory, used again by each fw_lpm_make */
void fw_lpm_done(struct fw_lpm *lpm); /* for FW_CLEANUP */

struct fw_lpm_source {
	const struct fw_diagram *diagram;
	uint32_t ref;      /* a node over addresses, or what does not ask for them: then there are no entries */
	uint32_t level;    /* of the address */
	enum fw_family family;
	uint32_t prefer;   /* for what is left over, where there is a choice */
};
/* The least number of prefixes that say the same as the node (but where more than four values compete for one). 0 or -ENOMEM. */
int fw_lpm_make(struct fw_lpm *lpm, const struct fw_lpm_source *source);
/* Lengths of which there are few are spelt out as prefixes of the next longer one: a look-up less for each packet. 0 or -ENOMEM. */
int fw_lpm_merge_lengths(struct fw_lpm *lpm, enum fw_family family);
/* How many different lengths there are. */
size_t fw_lpm_length_count(const struct fw_lpm *lpm);

#endif
