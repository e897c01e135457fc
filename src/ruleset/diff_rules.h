/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/diff_rules.h - inside ruleset only: which rules of a chain stay. */
#ifndef FW_RULESET_DIFF_RULES_H
#define FW_RULESET_DIFF_RULES_H

#include "ruleset/diff.h"

/* Names of what is deleted, whether it is made anew or not. Values: any pointer. */
struct fw_doomed {
	struct fw_map chains, sets, objects;
};

/* Adds DEL_RULE for the rules of kept chains that do not stay; ADD_RULE for those that come, in all wanted chains. Both decide alike. 0 or -ENOMEM. */
int fw_diff_delete_rules(const struct fw_doomed *doomed, const struct fw_ruleset *have, const struct fw_ruleset *want,
			 struct fw_changes *changes);
int fw_diff_add_rules(const struct fw_doomed *doomed, const struct fw_ruleset *have, const struct fw_ruleset *want,
		      struct fw_changes *changes);

#endif
