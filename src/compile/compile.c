/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/compile.c - the stages in a row, and the manifest that tells the kernel's table from any other: which policy, which line each
 * rule stands in, and until when its times are laid out. */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "compile/plan.h"

struct lister {
	const struct fw_policy *policy;
	struct fw_vec files, lines; /* const char *; struct fw_manifest_line */
	struct fw_map numbers;      /* name -> index + 1 */
	int error;
};

static uint16_t file_number(struct lister *lister, const char *name)
{
	uintptr_t number = (uintptr_t)fw_map_get(&lister->numbers, fw_str_from(name));
	if (number)
		return (uint16_t)(number - 1);
	if (lister->files.len == UINT16_MAX)
		return UINT16_MAX - 1;
	const char **item = fw_vec_push(&lister->files);
	if (!item || fw_map_put(&lister->numbers, fw_str_from(name), (void *)(uintptr_t)lister->files.len) < 0) {
		lister->error = -ENOMEM;
		return 0;
	}
	*item = name;
	return (uint16_t)(lister->files.len - 1);
}

static void add_line(struct lister *lister, enum fw_rs_owner owner, const char *id, struct fw_span span)
{
	struct fw_place place = fw_sources_place(lister->policy->sources, span);
	struct fw_manifest_line *line = fw_vec_push(&lister->lines);
	if (!line) {
		lister->error = -ENOMEM;
		return;
	}
	line->owner = owner;
	memcpy(line->id, id, strnlen(id, FW_RS_ID_MAX - 1));
	line->file = file_number(lister, place.file ? place.file : lister->policy->path);
	line->line = place.line;
}

static int add_manifest(struct fw_arena *arena, const struct fw_policy *policy, int64_t horizon, struct fw_ruleset *rs)
{
	struct lister lister = { .policy = policy };
	fw_vec_init(&lister.files, arena, sizeof(const char *));
	fw_vec_init(&lister.lines, arena, sizeof(struct fw_manifest_line));
	fw_map_init(&lister.numbers, arena);
	file_number(&lister, policy->path);
	for (size_t i = 0; i < policy->block_count; i++)
		add_line(&lister, FW_RS_BLOCK, policy->blocks[i].id, policy->blocks[i].span);
	for (int direction = 0; direction < FW_DIRECTIONS; direction++)
		for (size_t i = 0; i < policy->rule_count[direction]; i++) {
			const struct fw_rule *rule = policy->rules[direction][i];
			add_line(&lister, FW_RS_RULE, rule->id, rule->span);
		}
	if (lister.error)
		return lister.error;
	const struct fw_manifest manifest = {
		.policy_hash = policy->hash,
		.horizon = horizon,
		.files = lister.files.items,
		.file_count = lister.files.len,
		.lines = lister.lines.items,
		.line_count = lister.lines.len,
	};
	return fw_manifest_encode(rs, &manifest);
}

int fw_compile(struct fw_arena *arena, const struct fw_policy *policy, const struct fw_compile_env *env, struct fw_diags *diags,
	       struct fw_ruleset **ret_ruleset)
{
	struct fw_plan *plan = NULL;
	struct fw_ruleset *ruleset = NULL;
	int r = fw_plan_make(arena, policy, env, &plan);
	if (r == 0)
		r = fw_plan_lower(arena, plan, diags, &ruleset);
	if (r == 0)
		r = add_manifest(arena, policy, plan->horizon, ruleset);
	if (r == 0)
		*ret_ruleset = ruleset;
	return r;
}
