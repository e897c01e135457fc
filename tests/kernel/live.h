/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests against a real kernel share: a kernel in this namespace, rulesets put together by hand, and a round trip. */
#ifndef TEST_LIVE_H
#define TEST_LIVE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/kernel.h"
#include "kernel/nf.h"

struct live {
	struct fw_kernel *kernel;
	struct fw_arena *arena;
};

/* These tests fill and empty the table of their namespace: never the first one's. */
static inline void live_refuse_root(void)
{
	if (fw_netns_is_root() == 0)
		return;
	(void)fprintf(stderr, "run this in a network namespace of its own: unshare -n\n");
	exit(1);
}

static inline void live_must(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static inline int live_setup(void **state)
{
	struct live *live = calloc(1, sizeof(*live));

	assert_non_null(live);
	live->arena = fw_arena_new((size_t)512 << 20);
	assert_non_null(live->arena);
	assert_int_equal(fw_kernel_open(&live->kernel), 0);
	live_must("nft flush ruleset");
	*state = live;
	return 0;
}

static inline int live_teardown(void **state)
{
	struct live *live = *state;

	fw_kernel_close(live->kernel);
	fw_arena_free(live->arena);
	free(live);
	return 0;
}
#define LIVE_TEST(name) cmocka_unit_test_setup_teardown(name, live_setup, live_teardown)

static inline struct fw_ruleset *live_ruleset(struct live *live)
{
	struct fw_ruleset *rs = fw_arena_alloc(live->arena, 1, sizeof(*rs));

	assert_non_null(rs);
	fw_ruleset_init(rs, live->arena);
	return rs;
}

static inline struct fw_ruleset *live_snapshot(struct live *live, uint32_t *ret_generation)
{
	struct fw_ruleset *have = NULL;

	assert_int_equal(fw_kernel_snapshot(live->kernel, live->arena, FW_SNAPSHOT_ALL, &have, ret_generation), 0);
	return have;
}

/* The changes from what the kernel holds to `want`, and the generation for which they are valid. */
static inline struct fw_changes live_changes(struct live *live, const struct fw_ruleset *want, uint32_t *ret_generation)
{
	struct fw_changes changes;

	assert_int_equal(fw_ruleset_diff(live->arena, live_snapshot(live, ret_generation), want, &changes), 0);
	return changes;
}

static inline int live_try(struct live *live, const struct fw_ruleset *want, struct fw_kernel_error *error)
{
	uint32_t generation, after;
	struct fw_changes changes = live_changes(live, want, &generation);

	*error = (struct fw_kernel_error){ .error = 0 };
	return fw_kernel_commit(live->kernel, &changes, generation, &after, error);
}

static inline void live_apply(struct live *live, const struct fw_ruleset *want)
{
	struct fw_kernel_error error;
	int r = live_try(live, want, &error);

	if (r)
		fail_msg("commit: %d %s", r, error.what);
}

/* Puts it into the kernel, reads it back: nothing must differ. */
static inline void live_round_trip(struct live *live, const struct fw_ruleset *want)
{
	struct fw_changes changes;
	uint32_t generation;

	live_apply(live, want);
	changes = live_changes(live, want, &generation);
	if (!changes.list.len)
		return;
	for (size_t i = 0; i < changes.list.len; i++) {
		const struct fw_change *change = fw_vec_at(&changes.list, i);

		print_message("differs: kind %d chain %s set %s object %s\n", change->kind, change->chain ? change->chain->name : "-",
			      change->set ? change->set->name : "-", change->object ? change->object->name : "-");
	}
	live_must("nft list ruleset >&2");
	fail_msg("read back, the ruleset differs");
}

/* What a command prints. */
static inline char *live_output(struct live *live, const char *command)
{
	char *text = fw_arena_alloc(live->arena, 1, 1 << 20);
	FILE *pipe = popen(command, "r");

	assert_non_null(text);
	assert_non_null(pipe);
	text[fread(text, 1, (1 << 20) - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
	return text;
}

static inline void live_expect_line(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("'%s' is not in:\n%s", line, text);
}

static inline struct fw_rs_chain *live_chain(struct fw_ruleset *rs, const char *name)
{
	struct fw_rs_chain *chain = fw_ruleset_add_chain(rs, name);

	assert_non_null(chain);
	return chain;
}

static inline struct fw_rs_chain *live_base(struct fw_ruleset *rs, const char *name, uint32_t hook, int32_t priority)
{
	struct fw_rs_chain *chain = live_chain(rs, name);

	chain->base = true;
	chain->hook = hook;
	chain->priority = priority;
	return chain;
}

static inline struct fw_rs_set *live_set(struct fw_ruleset *rs, const char *name, enum fw_rs_key key)
{
	struct fw_rs_set *set = fw_ruleset_add_set(rs, name);

	assert_non_null(set);
	set->key = key;
	return set;
}

static inline struct fw_rs_rule *live_rule(struct fw_ruleset *rs, const char *chain, const struct fw_rs_expr *exprs, size_t count)
{
	struct fw_rs_rule *rule = fw_ruleset_add_rule(rs, fw_ruleset_chain(rs, chain), exprs, count);

	assert_non_null(rule);
	rule->blob = FW_STR("");
	return rule;
}
#define LIVE_RULE(rs, chain, ...) \
	live_rule(rs, chain, (const struct fw_rs_expr[]){ __VA_ARGS__ }, sizeof((const struct fw_rs_expr[]){ __VA_ARGS__ }) / sizeof(struct fw_rs_expr))

#define LIVE_BYTES(...) { .bytes = { __VA_ARGS__ }, .len = sizeof((const uint8_t[]){ __VA_ARGS__ }) }
#define LIVE_META(k) { .kind = FW_RS_META, .meta = { .key = (k), .dreg = NFT_REG_1 } }
#define LIVE_LOAD(b, o, l) { .kind = FW_RS_PAYLOAD, .payload = { .base = (b), .offset = (o), .len = (l), .dreg = NFT_REG_1 } }
#define LIVE_EQ(...) { .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_EQ, .sreg = NFT_REG_1, .data = LIVE_BYTES(__VA_ARGS__) } }
#define LIVE_IN(name) { .kind = FW_RS_LOOKUP, .lookup = { .set = (name), .sreg = NFT_REG_1 } }
#define LIVE_VERDICT(c) { .kind = FW_RS_VERDICT, .verdict = { .code = (c) } }
#define LIVE_GOTO(c, name) { .kind = FW_RS_VERDICT, .verdict = { .code = (c), .chain = (name) } }
#define LIVE_COUNTER { .kind = FW_RS_COUNTER }

#endif
