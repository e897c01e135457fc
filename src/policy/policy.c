/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/policy.c - fw_policy_load: runs the passes one after the other and hands out the policy that they made, or nothing. */
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"
#include "policy/what.h"

#define TEXT_MAX (64u << 20) /* no canonical text is longer than a policy */

int fw_resolver_init(struct resolver *r, struct fw_arena *arena, struct fw_diags *diags, const struct fw_policy_env *env)
{
	*r = (struct resolver){ .arena = arena, .diags = diags, .sources = diags->sources, .env = env };
	r->first_source = (uint32_t)diags->sources->list.len + 1;
	fw_vec_init(&r->paths, NULL, sizeof(const char *));
	fw_vec_init(&r->files, NULL, sizeof(struct fw_policy_file));
	fw_vec_init(&r->items, NULL, sizeof(struct item));
	fw_vec_init(&r->scopes, NULL, sizeof(struct scope *));
	fw_vec_init(&r->options, NULL, sizeof(struct fw_stmt *));
	fw_vec_init(&r->services, NULL, sizeof(struct service_def *));
	fw_vec_init(&r->groups, NULL, sizeof(struct group_def *));
	fw_vec_init(&r->zones, NULL, sizeof(struct zone_def *));
	for (size_t i = 0; i < FW_DIRECTIONS; i++)
		fw_vec_init(&r->rules[i], NULL, sizeof(struct fw_rule *));
	fw_vec_init(&r->blocks, NULL, sizeof(struct fw_block));
	fw_vec_init(&r->expects, NULL, sizeof(struct fw_expect));
	for (size_t i = 0; i < FW_FAMILIES; i++)
		fw_vec_init(&r->ranges[i], NULL, sizeof(struct fw_range));
	fw_vec_init(&r->found, NULL, sizeof(struct fw_group *));
	fw_vec_init(&r->parts, NULL, sizeof(struct what_part));
	fw_vec_init(&r->helper_parts, NULL, sizeof(struct helper_part));
	fw_vec_init(&r->ifaces, NULL, sizeof(struct fw_iface));
	fw_vec_init(&r->exposed, NULL, sizeof(struct fw_service *));
	fw_map_init(&r->texts, NULL);
	fw_map_init(&r->readings, NULL);
	fw_map_init(&r->service_names, NULL);
	fw_map_init(&r->group_names, NULL);
	fw_map_init(&r->zone_names, NULL);
	fw_map_init(&r->ids, NULL);
	fw_map_init(&r->owners, NULL);
	fw_buf_init(&r->text, TEXT_MAX);
	r->policy = fw_arena_alloc(arena, 1, sizeof(*r->policy));
	return r->policy ? 0 : -ENOMEM;
}

void fw_resolver_done(struct resolver *r)
{
	struct fw_vec *vecs[] = { &r->paths, &r->files, &r->items, &r->scopes, &r->options, &r->services, &r->groups, &r->zones,
				  &r->rules[FW_IN], &r->rules[FW_OUT], &r->rules[FW_FORWARD], &r->blocks, &r->expects,
				  &r->ranges[FW_IPV4], &r->ranges[FW_IPV6], &r->found, &r->parts, &r->helper_parts, &r->ifaces,
				  &r->exposed };
	struct fw_map *maps[] = { &r->texts, &r->readings, &r->service_names, &r->group_names, &r->zone_names, &r->ids, &r->owners };

	for (size_t i = 0; i < FW_ARRAY_SIZE(vecs); i++)
		fw_vec_done(vecs[i]);
	for (size_t i = 0; i < FW_ARRAY_SIZE(maps); i++)
		fw_map_done(maps[i]);
	fw_buf_done(&r->text);
}

bool fw_resolver_wants_help(const struct resolver *r)
{
	return r->diags->errors <= FW_DIAG_MAX_ERRORS;
}

bool fw_resolver_suggest(struct resolver *r, struct fw_diag *diag, const struct fw_misspell *m)
{
	if (m->best.len == 0)
		return false;
	fw_diag_help(r->diags, diag, "did you mean '%.*s'?", SHOW(m->best));
	return true;
}

/* The passes that need no rule; each reports what it can, whatever the one before it found. */
static int run_passes(struct resolver *r)
{
	static int (*const passes[])(struct resolver *) = {
		fw_options_resolve, fw_groups_resolve, fw_zones_resolve, fw_services_resolve,
		fw_scopes_resolve, fw_rules_resolve, fw_warn_all,
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(passes); i++) {
		int result = passes[i](r);

		if (result < 0)
			return result;
	}
	return 0;
}

/* A copy of the vector's items in the arena; NULL: no memory. */
static void *keep(struct resolver *r, const struct fw_vec *vec)
{
	void *copy = fw_arena_alloc(r->arena, vec->len ? vec->len : 1, vec->size);

	if (copy && vec->len)
		memcpy(copy, vec->items, vec->len * vec->size);
	return copy;
}

static int keep_groups(struct resolver *r)
{
	const struct fw_group **list = fw_arena_alloc(r->arena, r->groups.len + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < r->groups.len; i++)
		list[i] = &(*(struct group_def **)fw_vec_at(&r->groups, i))->out;
	r->policy->groups = list;
	r->policy->group_count = r->groups.len;
	return 0;
}

/* Of each file the path, beside the top file where it is, and the contents. */
static int hash_files(struct resolver *r)
{
	struct fw_buf *text = &r->text;
	const char *top = r->policy->path, *slash = strrchr(top, '/');
	size_t folder = slash ? (size_t)(slash - top) + 1 : 0;
	char hex[FW_HASH_HEX];

	text->len = 0;
	fw_hash_hex(fw_hash128(fw_catalogue_text()), hex);
	fw_buf_puts(text, hex);
	for (size_t i = 0; i < r->files.len; i++) {
		const struct fw_policy_file *file = fw_vec_at(&r->files, i);
		bool beside = strncmp(file->path, top, folder) == 0;

		fw_hash_hex(fw_hash128(file->text), hex);
		fw_buf_printf(text, "\n%s %s", hex, i == 0 ? "" : file->path + (beside ? folder : 0));
	}
	r->policy->hash = fw_hash128(fw_buf_str(text));
	return text->error;
}

static int finish(struct resolver *r)
{
	struct fw_policy *policy = r->policy;
	int result;

	for (size_t i = 0; i < FW_DIRECTIONS; i++) {
		policy->rules[i] = keep(r, &r->rules[i]);
		policy->rule_count[i] = r->rules[i].len;
	}
	policy->blocks = keep(r, &r->blocks);
	policy->block_count = r->blocks.len;
	policy->expects = keep(r, &r->expects);
	policy->expect_count = r->expects.len;
	policy->files = keep(r, &r->files);
	policy->file_count = r->files.len;
	if (!policy->rules[FW_IN] || !policy->rules[FW_OUT] || !policy->rules[FW_FORWARD] || !policy->blocks || !policy->expects ||
	    !policy->files)
		return -ENOMEM;
	result = keep_groups(r);
	if (!result)
		result = fw_services_sorted(r, &policy->services, &policy->service_count);
	return result ? result : hash_files(r);
}

static int load(struct resolver *r, const char *path, const struct fw_str *text)
{
	int result = fw_load_catalogue(r);

	if (!result) {
		r->policy->arena = r->arena;
		r->policy->sources = r->sources;
		r->policy->path = fw_arena_copy(r->arena, fw_str_from(path));
		result = r->policy->path ? fw_load_policy(r, r->policy->path, text) : -ENOMEM;
	}
	if (!result)
		result = run_passes(r);
	if (result)
		return result;
	if (r->diags->out_of_memory)
		return -ENOMEM;
	return r->diags->errors ? FW_REPORTED : finish(r);
}

/* Ends the resolver, whose beginning had `result`. */
static int load_source(struct resolver *r, int result, const char *path, const struct fw_str *text, struct fw_policy **ret_policy)
{
	if (!result)
		result = load(r, path, text);
	if (!result)
		*ret_policy = r->policy;
	fw_resolver_done(r);
	return result == -ENOMEM && fw_arena_over_budget(r->arena) ? -E2BIG : result;
}

int fw_policy_load(struct fw_arena *arena, struct fw_diags *diags, const struct fw_policy_env *env, const char *path, struct fw_policy **ret_policy)
{
	struct resolver r;
	const int result = fw_resolver_init(&r, arena, diags, env);

	return load_source(&r, result, path, NULL, ret_policy);
}

int fw_policy_load_text(struct fw_arena *arena, struct fw_diags *diags, const struct fw_policy_env *env, const struct fw_policy_file *file,
			struct fw_policy **ret_policy)
{
	struct resolver r;
	const int result = fw_resolver_init(&r, arena, diags, env);

	return load_source(&r, result, file->path, &file->text, ret_policy);
}
