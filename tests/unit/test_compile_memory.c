/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every allocation of a compile, a difference and a manifest fails once: the answer is -ENOMEM, and nothing is read or written that is not
 * there (run under the sanitizers). The policy is one that uses every part of the language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

#include "compile/plan.h"
#include "ruleset/diff.h"

#define BUDGET (64u << 20)
#define STEP 200

static const char text[] = "default in reject log\n"
			   "default forward deny\n"
			   "group a = 192.0.2.0/24, 192.0.2.1-192.0.3.9, 2001:db8::/32\n"
			   "group b = dynamic timeout 1h\n"
			   "zone lan = eth0, eth1, wg*\n"
			   "block b, a except 192.0.2.7 log\n"
			   "allow 21/tcp, 22/tcp, 1000-2000/udp, icmp from a, b, 203.0.113.1 except 192.0.2.9, b on lan except eth1 log \"x\"\n"
			   "allow ftp rate 6/minute per source connections 3 per source\n"
			   "allow 25/tcp rate 6/minute connections 100 source-port 1-3, 7\n"
			   "reject 113/tcp+udp during 08:00-17:00 mon-fri until \"2030-01-01\"\n"
			   "allow out any as user 5, 7, 8\n"
			   "allow forward ftp to a on eth0 leaving ppp*\n";

static int32_t utc(void *clock, int64_t instant)
{
	(void)clock;
	(void)instant;
	return 0;
}

static const struct fw_compile_env env = { .now = 1795000000, .utc_offset = utc };

static int no_user(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	(void)context;
	(void)kind;
	(void)name;
	(void)ret_id;
	return -ENOENT;
}

struct loaded {
	struct fw_arena *arena;
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_policy *policy;
};

static void load(struct loaded *l)
{
	const struct fw_policy_env policy_env = { .user_id = no_user };
	const struct fw_str policy_text = { text, sizeof(text) - 1 };
	l->arena = fw_arena_new(BUDGET);
	fw_sources_init(&l->sources, l->arena);
	fw_diags_init(&l->diags, l->arena, &l->sources);
	if (fw_policy_load_text(l->arena, &l->diags, &policy_env, &(struct fw_policy_file){ "policy.conf", policy_text }, &l->policy) != 0) {
		FW_CLEANUP(fw_buf_done) struct fw_buf told;
		fw_buf_init(&told, BUDGET);
		fw_diags_render_text(&l->diags, false, &told);
		fail_msg("%s", told.data ? told.data : "");
	}
}

static void test_compile(void **state)
{
	(void)state;
	struct loaded l;
	load(&l);
	size_t failed = 0;
	int r = -ENOMEM;
	for (size_t budget = 0; r != 0; budget += STEP) {
		struct fw_arena *arena = fw_arena_new(budget);
		struct fw_ruleset *ruleset = NULL;
		assert_non_null(arena);
		r = fw_compile(arena, l.policy, &env, &l.diags, &ruleset);
		assert_true(r == 0 || r == -ENOMEM);
		assert_true((r == 0) == (ruleset != NULL));
		failed += r != 0;
		fw_arena_free(arena);
	}
	assert_true(failed > 100);
	fw_arena_free(l.arena);
}

static void test_difference(void **state)
{
	(void)state;
	struct loaded l;
	load(&l);
	struct fw_ruleset *want = NULL, have;
	assert_int_equal(fw_compile(l.arena, l.policy, &env, &l.diags, &want), 0);
	fw_ruleset_init(&have, l.arena);
	const struct fw_ruleset *sides[3][2] = { { NULL, want }, { &have, want }, { want, &have } };
	for (size_t i = 0; i < FW_ARRAY_SIZE(sides); i++) {
		int r = -ENOMEM;
		size_t failed = 0;
		for (size_t budget = 0; r != 0; budget += STEP) {
			struct fw_arena *arena = fw_arena_new(budget);
			struct fw_changes changes;
			r = fw_ruleset_diff(arena, sides[i][0], sides[i][1], &changes);
			assert_true(r == 0 || r == -ENOMEM);
			failed += r != 0;
			fw_arena_free(arena);
		}
		assert_true(failed > 0);
	}
	fw_arena_free(l.arena);
}

static void test_manifest(void **state)
{
	(void)state;
	struct loaded l;
	load(&l);
	struct fw_ruleset *ruleset = NULL;
	assert_int_equal(fw_compile(l.arena, l.policy, &env, &l.diags, &ruleset), 0);
	int r = -ENOMEM;
	for (size_t budget = 0; r != 0; budget += 16) {
		struct fw_arena *arena = fw_arena_new(budget);
		struct fw_manifest manifest = { 0 };
		r = fw_manifest_decode(ruleset, arena, &manifest);
		assert_true(r == 0 || r == -ENOMEM);
		assert_true(r == 0 || !manifest.lines);
		fw_arena_free(arena);
	}
	fw_arena_free(l.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compile),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_manifest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
