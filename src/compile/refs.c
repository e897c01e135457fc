/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/refs.c - an open-addressed hash table, never more than half full. */
#include "compile/refs.h"

#include <errno.h>
#include <stdlib.h>

#define CAP_MIN 64

void fw_refs_done(struct fw_refs *refs)
{
	free(refs->slots);
	*refs = (struct fw_refs){ 0 };
}

static struct fw_refs_slot *slot_of(const struct fw_refs *refs, uint32_t ref)
{
	size_t at = (ref * UINT32_C(2654435761)) & (refs->cap - 1);

	while (refs->slots[at].value && refs->slots[at].ref != ref)
		at = (at + 1) & (refs->cap - 1);
	return &refs->slots[at];
}

uint32_t fw_refs_get(const struct fw_refs *refs, uint32_t ref)
{
	return refs->cap ? slot_of(refs, ref)->value : 0;
}

static int grow(struct fw_refs *refs)
{
	struct fw_refs bigger = { .cap = refs->cap ? 2 * refs->cap : CAP_MIN, .len = refs->len };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < refs->cap; i++)
		if (refs->slots[i].value)
			*slot_of(&bigger, refs->slots[i].ref) = refs->slots[i];
	free(refs->slots);
	*refs = bigger;
	return 0;
}

int fw_refs_put(struct fw_refs *refs, uint32_t ref, uint32_t value)
{
	if (2 * refs->len >= refs->cap && grow(refs) < 0)
		return -ENOMEM;
	struct fw_refs_slot *slot = slot_of(refs, ref);
	refs->len += !slot->value;
	*slot = (struct fw_refs_slot){ ref, value };
	return 0;
}
