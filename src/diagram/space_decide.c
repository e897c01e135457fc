/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space_decide.c - deciders combined in their order. */
#include <errno.h>

#include "diagram/space.h"

static int cut(struct fw_space *space, uint32_t box, const uint32_t *region, uint32_t *ret_box)
{
	*ret_box = box;
	return region ? fw_diagram_restrict(space->diagram, box, *region, ret_box) : 0;
}

int fw_space_decide(struct fw_space *space, const struct fw_vec *deciders, const uint32_t *region, uint32_t *ret_decided)
{
	uint32_t *boxes = fw_arena_alloc(space->arena, deciders->len, sizeof(*boxes));
	if (!boxes)
		return -ENOMEM;

	for (size_t i = 0; i < deciders->len; i++) {
		int r = cut(space, ((const struct fw_decider *)fw_vec_at(deciders, i))->box, region, &boxes[i]);
		if (r < 0)
			return r;
	}
	return fw_diagram_over_all(space->diagram, boxes, deciders->len, ret_decided);
}
