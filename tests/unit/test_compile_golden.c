/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies and what becomes of them: tests/golden/compile/NAME.conf with the plan (NAME.plan) and the ruleset as nft text (NAME.nft) that
 * are expected. Run from the top folder; with --update the expected files are written anew, to be read before they are committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <glob.h>

#include "base/file.h"
#include "compile/plan.h"
#include "ruleset/diff.h"

#define BUDGET (256u << 20)
#define TEXT_MAX (16u << 20)
#define FOLDER "tests/golden/compile/"
#define NOW 1795000000 /* 2026-11-18 11:06:40 UTC */

static bool update;

static int32_t an_hour(void *clock, int64_t utc)
{
	(void)clock;
	(void)utc;
	return 3600;
}

struct outcome {
	struct fw_arena *arena;
	struct fw_plan *plan;
	struct fw_ruleset *ruleset;
};

static const struct fw_policy *load(struct fw_arena *arena, struct fw_diags *diags, const char *path)
{
	const struct fw_policy_env env = { 0 };
	struct fw_policy *policy = NULL;
	int r = fw_policy_load(arena, diags, &env, path, &policy);
	if (r != 0) {
		struct fw_buf text;
		fw_buf_init(&text, TEXT_MAX);
		fw_diags_render_text(diags, false, &text);
		fail_msg("%s: %d\n%s", path, r, text.data ? text.data : "");
	}
	return policy;
}

static struct outcome compile(const char *path)
{
	struct outcome o = { .arena = fw_arena_new(BUDGET) };
	struct fw_sources sources;
	struct fw_diags diags;
	fw_sources_init(&sources, o.arena);
	fw_diags_init(&diags, o.arena, &sources);
	const struct fw_policy *policy = load(o.arena, &diags, path);
	const struct fw_member_lengths lengths = { "banned", 1u << 16 | 1u << 24, { 0, 1, 0 } };
	const struct fw_compile_env env = { .now = NOW, .utc_offset = an_hour, .lengths = &lengths, .length_count = 1 };
	assert_int_equal(fw_plan_make(o.arena, policy, &env, &o.plan), 0);
	assert_int_equal(fw_compile(o.arena, policy, &env, &diags, &o.ruleset), 0);
	return o;
}

static char *with_suffix(struct fw_arena *arena, const char *path, const char *suffix)
{
	size_t stem = strlen(path) - strlen(".conf");
	return fw_arena_printf(arena, "%.*s%s", (int)stem, path, suffix);
}

static void compare(struct fw_arena *arena, const char *path, const char *suffix, struct fw_buf *got)
{
	char *name = with_suffix(arena, path, suffix), *text = NULL;
	size_t len = 0;
	assert_int_equal(got->error, 0);
	if (update) {
		assert_int_equal(fw_file_write_atomic(name, fw_buf_str(got), 0644), 0);
		return;
	}
	if (fw_file_read(name, TEXT_MAX, &text, &len) < 0)
		fail_msg("%s is missing: run with --update", name);
	size_t at = 0, line = 1;
	while (at < len && at < got->len && text[at] == got->data[at])
		line += text[at++] == '\n';
	bool same = at == len && at == got->len;
	free(text);
	if (!same)
		fail_msg("%s:%zu: differs; the new text there is: %.200s", name, line, got->data + at);
}

static void check_policy(const char *path)
{
	struct outcome o = compile(path);
	FW_CLEANUP(fw_buf_done) struct fw_buf plan, nft;
	fw_buf_init(&plan, TEXT_MAX);
	fw_buf_init(&nft, TEXT_MAX);
	fw_plan_print(o.plan, &plan);
	fw_ruleset_print_nft(o.ruleset, &nft);
	compare(o.arena, path, ".plan", &plan);
	compare(o.arena, path, ".nft", &nft);
	fw_arena_free(o.arena);
}

static void test_golden(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(FOLDER "*.conf", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 10);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_policy(found.gl_pathv[i]);
	globfree(&found);
}

/* Twice the same, byte for byte: nothing to send. */
static void test_same_twice(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(FOLDER "*.conf", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct outcome a = compile(found.gl_pathv[i]), b = compile(found.gl_pathv[i]);
		struct fw_changes changes;
		assert_int_equal(fw_ruleset_diff(a.arena, a.ruleset, b.ruleset, &changes), 0);
		assert_int_equal(changes.list.len, 0);
		fw_arena_free(a.arena);
		fw_arena_free(b.arena);
	}
	globfree(&found);
}

static bool is_dispatch(const struct fw_rs_rule *rule)
{
	for (size_t i = 0; i < rule->expr_count; i++) {
		enum fw_rs_expr_kind kind = rule->exprs[i].kind;
		if (kind == FW_RS_COUNTER || kind == FW_RS_LIMIT || kind == FW_RS_CONNLIMIT || kind == FW_RS_DYNSET || kind == FW_RS_LOG)
			return false;
	}
	return true;
}

/* Where a packet is decided there is a counter with an owner; where it is only sent on there is no state; names fit the kernel. */
static void assert_shape(const struct fw_ruleset *rs)
{
	for (size_t c = 0; c < rs->chains.len; c++) {
		const struct fw_rs_chain *chain = fw_vec_at(&rs->chains, c);
		assert_true(strlen(chain->name) < 128);
		for (size_t i = 0; i < chain->rules.len; i++) {
			const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, i);
			bool counts = false;
			for (size_t k = 0; k < rule->expr_count; k++)
				counts |= rule->exprs[k].kind == FW_RS_COUNTER;
			if (strcmp(chain->name, FW_MANIFEST_CHAIN) != 0)
				assert_int_equal(counts, rule->tag.owner != FW_RS_NOBODY);
			if (chain->base)
				assert_true(is_dispatch(rule));
			assert_true(!rule->comment || strlen(rule->comment) <= 127);
		}
	}
}

static void test_shape(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob(FOLDER "*.conf", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct outcome o = compile(found.gl_pathv[i]);
		assert_shape(o.ruleset);
		fw_arena_free(o.arena);
	}
	globfree(&found);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_same_twice),
		cmocka_unit_test(test_shape),
	};
	update = argc > 1 && strcmp(argv[1], "--update") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
