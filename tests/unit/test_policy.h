/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of src/policy share: a policy from a text, in a world of a few made-up files, users and addresses. */
#ifndef TEST_POLICY_H
#define TEST_POLICY_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

struct world_file {
	const char *path, *text;
};

struct world {
	struct fw_arena *arena;
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_policy_env env;
	const struct world_file *files; /* up to one without a path */
	size_t reads, user_questions;
	struct fw_policy *policy;
};

static inline int world_read(void *context, const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	struct world *world = context;

	world->reads++;
	for (const struct world_file *file = world->files; file && file->path; file++) {
		if (strcmp(file->path, path) != 0)
			continue;
		*ret_len = strlen(file->text);
		if (*ret_len > max)
			return -EFBIG;
		*ret_text = strdup(file->text);
		return *ret_text ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* Knows patterns that end in a star: all files that start so. */
static inline int world_glob(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	struct world *world = context;
	size_t prefix = strcspn(pattern, "*");

	*ret_paths = calloc(16, sizeof(char *));
	*ret_count = 0;
	for (const struct world_file *file = world->files; file && file->path; file++) {
		if (strncmp(file->path, pattern, prefix) == 0)
			(*ret_paths)[(*ret_count)++] = strdup(file->path);
	}
	return 0;
}

static inline int world_user(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	struct world *world = context;

	world->user_questions++;
	if (strcmp(name, "www") != 0)
		return -ENOENT;
	*ret_id = kind == FW_OWNER_USER ? 33 : 34;
	return 0;
}

static inline bool world_own(void *context, enum fw_family family, struct fw_range range)
{
	const struct fw_u128 own[FW_FAMILIES] = { { 0, 0xc0000201 }, { 0x20010db800000000, 1 } }; /* 192.0.2.1, 2001:db8::1 */

	(void)context;
	return fw_u128_compare(range.low, own[family]) <= 0 && fw_u128_compare(own[family], range.high) <= 0;
}

static inline const char *world_service(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "wonderful") == 0 ? "4711/tcp" : NULL;
}

static inline int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	world->arena = fw_arena_new((size_t)256 << 20);
	fw_sources_init(&world->sources, world->arena);
	fw_diags_init(&world->diags, world->arena, &world->sources);
	world->env = (struct fw_policy_env){ world, world_read, world_glob, world_user, world_own, world_service };
	*state = world;
	return world->arena ? 0 : -1;
}

static inline int world_teardown(void **state)
{
	struct world *world = *state;

	fw_arena_free(world->arena);
	free(world);
	return 0;
}

static inline int try_load(struct world *world, const char *text)
{
	const struct fw_policy_file file = { "policy.conf", fw_str_from(text) };

	return fw_policy_load_text(world->arena, &world->diags, &world->env, &file, &world->policy);
}

/* The policy of a text without errors. */
static inline const struct fw_policy *load(struct world *world, const char *text)
{
	int result = try_load(world, text);

	if (result) {
		struct fw_buf out;

		fw_buf_init(&out, 1u << 20);
		fw_diags_render_text(&world->diags, false, &out);
		print_error("%s\n", out.data ? out.data : "(nothing reported)");
		fw_buf_done(&out);
	}
	assert_int_equal(result, 0);
	return world->policy;
}

static inline const struct fw_rule *only_rule(struct world *world, const char *text, enum fw_direction direction)
{
	const struct fw_policy *policy = load(world, text);

	assert_int_equal(policy->rule_count[direction], 1);
	return policy->rules[direction][0];
}

/* The sets as text: "10.0.0.0/8 2001:db8::/32". */
static inline const char *addresses_text(struct world *world, const struct fw_iset sets[FW_FAMILIES])
{
	struct fw_buf out;
	const char *copy;

	fw_buf_init(&out, 1u << 20);
	fw_buf_puts(&out, "");
	for (size_t family = 0; family < FW_FAMILIES; family++) {
		for (size_t i = 0; i < sets[family].len; i++) {
			if (out.len)
				fw_buf_putc(&out, ' ');
			fw_addr_print(&out, (enum fw_family)family, sets[family].ranges[i]);
		}
	}
	copy = fw_arena_copy(world->arena, fw_buf_str(&out));
	fw_buf_done(&out);
	return copy;
}

/* "6:22 17:all" */
static inline const char *what_text(struct world *world, const struct fw_what *what)
{
	struct fw_buf out;
	const char *copy;

	fw_buf_init(&out, 1u << 20);
	if (what->any)
		fw_buf_puts(&out, "any");
	for (size_t i = 0; i < what->proto_count; i++) {
		const struct fw_what_proto *proto = &what->protos[i];

		fw_buf_printf(&out, "%s%u:", i ? " " : "", proto->proto);
		if (proto->all)
			fw_buf_puts(&out, "all");
		for (size_t j = 0; j < proto->values.len; j++) {
			unsigned int low = (unsigned int)proto->values.ranges[j].low.lo;
			unsigned int high = (unsigned int)proto->values.ranges[j].high.lo;

			fw_buf_printf(&out, "%s%u", j ? "," : "", low);
			if (low != high)
				fw_buf_printf(&out, "-%u", high);
		}
	}
	copy = fw_arena_copy(world->arena, fw_buf_str(&out));
	fw_buf_done(&out);
	return copy;
}

static inline size_t warnings_named(const struct world *world, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < world->diags.list.len; i++) {
		const struct fw_diag *diag = fw_vec_at(&world->diags.list, i);

		count += diag->severity == FW_WARNING && strcmp(diag->name, name) == 0;
	}
	return count;
}

#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

#endif
