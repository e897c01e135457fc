/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space_make.h - for the files of a space only: functions made step by step. Errors are sticky, so that a chain of steps is checked once; after
 * one, steps give anything. */
#ifndef FW_DIAGRAM_SPACE_MAKE_H
#define FW_DIAGRAM_SPACE_MAKE_H

#include "diagram/space.h"

#define FW_MAKE_YES 1u /* leaf value of a mask */

struct fw_maker {
	struct fw_space *space;
	int error; /* the first: -ENOMEM or -E2BIG */
};

/* As fw_diagram_box; without sides: `inside`. */
uint32_t fw_make_box(struct fw_maker *m, const struct fw_diagram_side *sides, size_t count, uint32_t inside);
uint32_t fw_make_box_one(struct fw_maker *m, uint32_t level, struct fw_iset set, uint32_t inside);
uint32_t fw_make_over(struct fw_maker *m, uint32_t a, uint32_t b);
uint32_t fw_make_without(struct fw_maker *m, uint32_t a, uint32_t mask);
uint32_t fw_make_restricted(struct fw_maker *m, uint32_t a, uint32_t mask);
struct fw_iset fw_make_one_number(struct fw_maker *m, uint64_t number); /* in the space's arena */

/* `inside` where the match holds; over the interface lo; from (or to) addresses of a block. */
uint32_t fw_make_match(struct fw_maker *m, const struct fw_match *match, uint32_t inside);
uint32_t fw_make_lo(struct fw_maker *m, uint32_t inside);
uint32_t fw_make_blocked(struct fw_maker *m, const struct fw_addrs *addrs, enum fw_atom_of of, uint32_t inside);

#endif
