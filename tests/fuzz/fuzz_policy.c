/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: a whole policy, read and resolved. A form feed ends the policy's text; what follows it is the file "a", which the policy can
 * include or name as an address file. Besides not crashing: what is refused is told, and what is taken keeps the promises of policy.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "policy/policy.h"

#define BUDGET ((size_t)64 << 20)

static int read_file(void *context, const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	const struct fw_str *text = context;

	if (strcmp(path, "a") != 0 || !text->data)
		return -ENOENT;
	if (text->len > max)
		return -EFBIG;
	*ret_text = malloc(text->len + 1);
	FUZZ_CHECK(*ret_text != NULL);
	memcpy(*ret_text, text->data, text->len);
	*ret_len = text->len;
	return 0;
}

static int match_paths(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	(void)context;
	(void)pattern;
	*ret_paths = calloc(1, sizeof(char *));
	FUZZ_CHECK(*ret_paths != NULL);
	(*ret_paths)[0] = strdup("a");
	*ret_count = 1;
	return 0;
}

static int user_id(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	(void)context;
	(void)kind;
	*ret_id = (uint32_t)strlen(name);
	return name[0] == 'x' ? -ENOENT : 0;
}

static bool is_own(void *context, enum fw_family family, struct fw_range range)
{
	(void)context;
	return family == FW_IPV4 && range.low.lo <= 0xc0000201 && range.high.lo >= 0xc0000201;
}

static const char *system_service(void *context, const char *name)
{
	(void)context;
	return name[0] == 'z' ? "7/tcp" : NULL;
}

static void check_set(struct fw_iset set)
{
	for (size_t i = 0; i < set.len; i++) {
		FUZZ_CHECK(fw_u128_compare(set.ranges[i].low, set.ranges[i].high) <= 0);
		if (i > 0)
			FUZZ_CHECK(fw_u128_compare(fw_u128_next(set.ranges[i - 1].high), set.ranges[i].low) < 0);
	}
}

static void check_addrs(const struct fw_addrs *addrs)
{
	FUZZ_CHECK(!addrs->any || (addrs->literals[FW_IPV4].len == 0 && addrs->literals[FW_IPV6].len == 0 && addrs->group_count == 0));
	FUZZ_CHECK(addrs->families != 0 && addrs->families <= FW_FAMILY_BOTH);
	for (size_t family = 0; family < FW_FAMILIES; family++) {
		check_set(addrs->literals[family]);
		check_set(addrs->except_literals[family]);
	}
}

static void check_match(const struct fw_match *match)
{
	FUZZ_CHECK(match->families != 0 && match->families <= FW_FAMILY_BOTH);
	FUZZ_CHECK(match->what.any == (match->what.proto_count == 0));
	for (size_t i = 0; i < match->what.proto_count; i++) {
		const struct fw_what_proto *proto = &match->what.protos[i];

		FUZZ_CHECK(i == 0 || match->what.protos[i - 1].proto < proto->proto);
		FUZZ_CHECK(proto->families != 0 && (proto->families & match->families) == proto->families);
		FUZZ_CHECK(proto->all == (proto->values.len == 0));
		check_set(proto->values);
	}
	check_addrs(&match->from);
	check_addrs(&match->to);
	check_set(match->source_ports);
	check_set(match->owners.ids);
}

static void check_policy(const struct fw_policy *policy)
{
	for (size_t direction = 0; direction < FW_DIRECTIONS; direction++) {
		for (size_t i = 0; i < policy->rule_count[direction]; i++) {
			const struct fw_rule *rule = policy->rules[direction][i];

			FUZZ_CHECK(rule->direction == (enum fw_direction)direction && rule->text[0] && strlen(rule->id) == FW_ID_LEN);
			FUZZ_CHECK(rule->rate.count == 0 || rule->rate.burst > 0);
			check_match(&rule->match);
		}
	}
	for (size_t i = 0; i < policy->block_count; i++)
		check_addrs(&policy->blocks[i].addresses);
	for (size_t i = 0; i < policy->expect_count; i++)
		check_match(&policy->expects[i].match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FW_CLEANUP(fw_arena_freep) struct fw_arena *arena = fw_arena_new(BUDGET);
	FW_CLEANUP(fw_buf_done) struct fw_buf rendered;
	struct fw_str text = { (const char *)data, size }, other = { 0 };
	const char *split = size ? memchr(data, '\f', size) : NULL;
	struct fw_policy_env env = { &other, read_file, match_paths, user_id, is_own, system_service };
	struct fw_policy *policy;
	struct fw_sources sources;
	struct fw_diags diags;
	int result;

	FUZZ_CHECK(arena != NULL);
	if (split) {
		text.len = (size_t)(split - text.data);
		other = (struct fw_str){ split + 1, size - text.len - 1 };
	}
	fw_sources_init(&sources, arena);
	fw_diags_init(&diags, arena, &sources);
	result = fw_policy_load_text(arena, &diags, &env, &(struct fw_policy_file){ "fuzz", text }, &policy);
	FUZZ_CHECK(result == 0 || result == FW_REPORTED || result == -E2BIG);
	FUZZ_CHECK(result != FW_REPORTED || diags.errors > 0);
	FUZZ_CHECK(result != 0 || diags.errors == 0);
	if (result == 0)
		check_policy(policy);
	fw_buf_init(&rendered, BUDGET);
	fw_diags_sort(&diags);
	fw_diags_render_text(&diags, false, &rendered);
	return 0;
}
