/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space_make.c - one step of a function in the making each. */
#include <errno.h>

#include "diagram/space_make.h"

uint32_t fw_make_box(struct fw_maker *m, const struct fw_diagram_side *sides, size_t count, uint32_t inside)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (!m->error && count == 0)
		return inside;
	if (!m->error)
		m->error = fw_diagram_box(m->space->diagram, sides, count, inside, &ref);
	return ref;
}

uint32_t fw_make_box_one(struct fw_maker *m, uint32_t level, struct fw_iset set, uint32_t inside)
{
	const struct fw_diagram_side side = { level, set };

	return fw_make_box(m, &side, 1, inside);
}

uint32_t fw_make_over(struct fw_maker *m, uint32_t a, uint32_t b)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (a == FW_DIAGRAM_NONE_REF || b == FW_DIAGRAM_NONE_REF)
		return a == FW_DIAGRAM_NONE_REF ? b : a;
	if (!m->error)
		m->error = fw_diagram_over(m->space->diagram, a, b, &ref);
	return ref;
}

uint32_t fw_make_without(struct fw_maker *m, uint32_t a, uint32_t mask)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (!m->error)
		m->error = fw_diagram_without(m->space->diagram, a, mask, &ref);
	return ref;
}

uint32_t fw_make_restricted(struct fw_maker *m, uint32_t a, uint32_t mask)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (!m->error)
		m->error = fw_diagram_restrict(m->space->diagram, a, mask, &ref);
	return ref;
}

struct fw_iset fw_make_one_number(struct fw_maker *m, uint64_t number)
{
	struct fw_range *range = fw_arena_alloc(m->space->arena, 1, sizeof(*range));

	if (!range) {
		m->error = -ENOMEM;
		return (struct fw_iset){ 0 };
	}
	range->low.lo = range->high.lo = number;
	return (struct fw_iset){ range, 1 };
}
