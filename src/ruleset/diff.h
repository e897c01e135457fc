/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/diff.h - the least that turns one ruleset into another, in an order that one batch can carry out. */
#ifndef FW_RULESET_DIFF_H
#define FW_RULESET_DIFF_H

#include "ruleset/ruleset.h"

enum fw_change_kind {
	FW_CHANGE_ADD_TABLE,
	FW_CHANGE_ADD_OBJECT,
	FW_CHANGE_ADD_SET,        /* also for a MEMBERS set that is there (have and want differ in size or timeout): changes them in place, members stay */
	FW_CHANGE_ADD_CHAIN,
	FW_CHANGE_SET_POLICY,     /* of a base chain */
	FW_CHANGE_DEL_ELEMENTS,
	FW_CHANGE_ADD_ELEMENTS,
	FW_CHANGE_DEL_RULE,       /* by handle */
	FW_CHANGE_ADD_RULE,       /* before the rule `before`, or at the end (NULL) */
	FW_CHANGE_DEL_CHAIN,      /* with all its rules (no NLM_F_NONREC): none are deleted one by one before */
	FW_CHANGE_DEL_SET,
	FW_CHANGE_DEL_OBJECT,
	FW_CHANGE_DEL_TABLE,
};

struct fw_change {
	enum fw_change_kind kind;
	const struct fw_rs_chain *chain;   /* the chain, or that of the rule */
	const struct fw_rs_rule *rule;
	const struct fw_rs_set *set;
	const struct fw_rs_object *object;
	struct fw_rs_elements elements;    /* ADD_ELEMENTS, DEL_ELEMENTS, of `set` */
	const struct fw_rs_rule *before;   /* ADD_RULE: a rule that stays, of the old chain; NULL: to the end */
	struct fw_span origin;             /* where an error of the kernel is to be shown; source 0: nowhere */
};

struct fw_changes {
	struct fw_vec list; /* struct fw_change, in the order to be sent */
	bool has_table;     /* the table is there before */
};

/* What goes is deleted before anything is added, so that a name can be used anew in the same batch.
 * `have` NULL: no table. Rules that are equal and in order are kept (their state lives on); sets of kind MEMBERS and METERS keep their contents;
 * elements differ one by one. Both rulesets must outlive the changes. O(n log n). 0 or -ENOMEM. */
int fw_ruleset_diff(struct fw_arena *arena, const struct fw_ruleset *have, const struct fw_ruleset *want, struct fw_changes *ret_changes);
/* Everything that `have` holds, away. */
int fw_ruleset_flush(struct fw_arena *arena, const struct fw_ruleset *have, struct fw_changes *ret_changes);

#endif
