/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/foreign.h - things in our table that are none of ours and that a struct fw_ruleset has no words for. They come back as
 * data that equals nothing a compiler makes, so that a comparison finds them, and can be deleted again. */
#ifndef FW_KERNEL_FOREIGN_H
#define FW_KERNEL_FOREIGN_H

#include "ruleset/ruleset.h"

/* A set with other keys, data or elements than ours: an interval map that packets fill. */
void fw_foreign_mark_set(struct fw_rs_set *set);
bool fw_foreign_is_set(const struct fw_rs_set *set);
/* A base chain of another type than filter: a priority that no filter chain has. */
void fw_foreign_mark_chain(struct fw_rs_chain *chain);
/* An object of another type (NFT_OBJECT_*): a helper without a protocol, its family the type. */
void fw_foreign_mark_object(struct fw_rs_object *object, uint32_t type);
uint32_t fw_foreign_object_type(const struct fw_rs_object *object); /* 0: it is ours */

#endif
