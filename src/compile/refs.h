/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/refs.h - references of a diagram to numbers. */
#ifndef FW_COMPILE_REFS_H
#define FW_COMPILE_REFS_H

#include <stddef.h>
#include <stdint.h>

struct fw_refs_slot {
	uint32_t ref, value;
};
struct fw_refs { /* all zero: empty */
	struct fw_refs_slot *slots; /* heap; value 0: a free one */
	size_t cap, len;
};

void fw_refs_done(struct fw_refs *refs); /* for FW_CLEANUP; empty afterwards */
/* 0: there is none. */
uint32_t fw_refs_get(const struct fw_refs *refs, uint32_t ref);
/* `value` is not 0; replaces what was there. 0 or -ENOMEM. */
int fw_refs_put(struct fw_refs *refs, uint32_t ref, uint32_t value);

#endif
