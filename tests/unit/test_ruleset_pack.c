/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets as bytes: what comes back is the same to the difference of two tables, and bytes that are not whole are refused. */
#include "test_ruleset.h"

#include <errno.h>

#include "base/buf.h"
#include "ruleset/pack.h"

static struct fw_rs_data three_bytes(void)
{
	return (struct fw_rs_data){ { 1, 2, 255 }, 3 };
}

/* One rule with an expression of each kind. */
static struct fw_ruleset *every_expression(struct fw_arena *arena)
{
	struct fw_ruleset *rs = fw_arena_alloc(arena, 1, sizeof(*rs));
	static const struct fw_rs_expr inner = { .kind = FW_RS_LIMIT, .limit = { 7, 60, 9, true } };
	const struct fw_rs_expr all[] = {
		{ .kind = FW_RS_PAYLOAD, .payload = { 1, 12, 4, 2 } },
		{ .kind = FW_RS_META, .meta = { 15, 3 } },
		{ .kind = FW_RS_CT, .ct = { 2, 4 } },
		{ .kind = FW_RS_FIB, .fib = { 1, 2, 5 } },
		{ .kind = FW_RS_CMP, .cmp = { NFT_CMP_NEQ, 6, three_bytes() } },
		{ .kind = FW_RS_BITWISE, .bitwise = { 7, 8, three_bytes(), three_bytes() } },
		{ .kind = FW_RS_BYTEORDER, .byteorder = { 1, 2, 3, 4, 2 } },
		{ .kind = FW_RS_RANGE, .range = { 1, 9, three_bytes(), three_bytes() } },
		{ .kind = FW_RS_LOOKUP, .lookup = { "s", 1, 2, true, true } },
		{ .kind = FW_RS_DYNSET, .dynset = { "m", 1, 2, UINT64_MAX, &inner } },
		{ .kind = FW_RS_DYNSET, .dynset = { "m", 1, 2, 5, NULL } },
		{ .kind = FW_RS_VERDICT, .verdict = { NFT_JUMP, "c" } },
		{ .kind = FW_RS_COUNTER },
		{ .kind = FW_RS_LIMIT, .limit = { 1, 2, 3, false } },
		{ .kind = FW_RS_CONNLIMIT, .connlimit = { 5, true } },
		{ .kind = FW_RS_OBJREF, .objref = { 1, "o", NULL, 0 } },
		{ .kind = FW_RS_OBJREF, .objref = { 1, NULL, "map", 3 } },
		{ .kind = FW_RS_LOG, .log = { 86, "p", 128, 1 } },
		{ .kind = FW_RS_REJECT, .reject = { 1, 3 } },
		{ .kind = FW_RS_UNKNOWN, .unknown = "masq" },
	};

	fw_ruleset_init(rs, arena);
	struct fw_rs_chain *chain = fw_ruleset_add_chain(rs, "c");
	chain->base = chain->policy_drop = true;
	chain->hook = 1;
	chain->priority = -300;
	struct fw_rs_rule *rule = fw_ruleset_add_rule(rs, chain, all, FW_ARRAY_SIZE(all));
	rule->tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_OVER, "0123456789abcdef" };
	rule->comment = "words";
	rule->blob = (struct fw_str){ "\0\1\2", 3 };
	struct fw_rs_object *helper = fw_ruleset_add_object(rs, "ftp");
	helper->kind = FW_RS_OBJECT_CT_HELPER;
	helper->ct_helper.helper = "ftp";
	helper->ct_helper.l4proto = 6;
	helper->ct_helper.l3proto = 1;
	return rs;
}

static char *packed(const struct fw_ruleset *rs, size_t *ret_len)
{
	struct fw_buf out;
	int error;

	fw_buf_init(&out, 1u << 20);
	fw_ruleset_pack(rs, &out);
	*ret_len = out.len;
	char *bytes = fw_buf_take(&out, &error);
	assert_non_null(bytes);
	return bytes;
}

static void assert_comes_back(struct fw_arena *arena, const struct fw_ruleset *rs)
{
	size_t len, again_len;
	char *bytes = packed(rs, &len);
	struct fw_ruleset *back = NULL;
	struct fw_changes changes;

	assert_int_equal(fw_ruleset_unpack(arena, (struct fw_str){ bytes, len }, &back), 0);
	assert_int_equal(fw_ruleset_diff(arena, rs, back, &changes), 0);
	assert_int_equal(changes.list.len, 0);
	assert_int_equal(fw_ruleset_diff(arena, back, rs, &changes), 0);
	assert_int_equal(changes.list.len, 0);
	char *again = packed(back, &again_len);
	assert_int_equal(len, again_len);
	assert_memory_equal(bytes, again, len);
	free(bytes);
	free(again);
}

static void test_random_tables_come_back(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct fw_arena *arena = fw_arena_new(BUDGET);
		struct random r = { seed * 0x9e3779b97f4a7c15u };
		assert_comes_back(arena, make_table(arena, &r));
		fw_arena_free(arena);
	}
}

static void test_every_expression_comes_back(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	assert_comes_back(arena, every_expression(arena));
	fw_arena_free(arena);
}

/* No part of it is a whole ruleset, and nothing may follow one. */
static void test_parts_are_refused(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	size_t len;
	char *bytes = packed(every_expression(arena), &len);
	struct fw_ruleset *back = NULL;

	for (size_t part = 0; part < len; part++) {
		char *copy = malloc(part + 1); /* of that very length, for AddressSanitizer */
		memcpy(copy, bytes, part);
		char *exact = realloc(copy, part ? part : 1);
		assert_int_equal(fw_ruleset_unpack(arena, (struct fw_str){ exact, part }, &back), -EBADMSG);
		free(exact);
	}
	char *longer = calloc(len + 1, 1);
	memcpy(longer, bytes, len);
	assert_int_equal(fw_ruleset_unpack(arena, (struct fw_str){ longer, len + 1 }, &back), -EBADMSG);
	free(longer);
	free(bytes);
	fw_arena_free(arena);
}

/* Any byte may be another: what is read is whole, or refused. */
static void test_changed_bytes(void **state)
{
	(void)state;
	struct fw_arena *first = fw_arena_new(BUDGET);
	size_t len, refused = 0;
	char *bytes = packed(every_expression(first), &len);

	for (size_t at = 0; at < len; at++)
		for (int bit = 0; bit < 8; bit++) {
			struct fw_arena *arena = fw_arena_new(BUDGET);
			struct fw_ruleset *back = NULL;
			bytes[at] = (char)(bytes[at] ^ 1 << bit);
			int r = fw_ruleset_unpack(arena, (struct fw_str){ bytes, len }, &back);
			assert_true(r == 0 || r == -EBADMSG || r == -ENOMEM);
			refused += r != 0;
			if (r == 0) {
				size_t again;
				free(packed(back, &again));
			}
			bytes[at] = (char)(bytes[at] ^ 1 << bit);
			fw_arena_free(arena);
		}
	assert_true(refused > len);
	free(bytes);
	fw_arena_free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_tables_come_back),
		cmocka_unit_test(test_every_expression_comes_back),
		cmocka_unit_test(test_parts_are_refused),
		cmocka_unit_test(test_changed_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
