/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is sent is what is read: batches written to memory and taken apart again, without a kernel. */
#include "test_kernel.h"

#include "kernel/foreign.h"
#include "kernel/kernel.h"

#define BYTES(...) { .bytes = { __VA_ARGS__ }, .len = sizeof((const uint8_t[]){ __VA_ARGS__ }) }

static const struct fw_rs_expr element_limit = { .kind = FW_RS_LIMIT, .limit = { .rate = 5, .unit_s = 1, .burst = 5 } };
static const struct fw_rs_expr exprs[] = {
	{ .kind = FW_RS_PAYLOAD, .payload = { .base = NFT_PAYLOAD_TRANSPORT_HEADER, .offset = 2, .len = 2, .dreg = NFT_REG_1 } },
	{ .kind = FW_RS_META, .meta = { .key = NFT_META_IIFNAME, .dreg = NFT_REG_2 } },
	{ .kind = FW_RS_CT, .ct = { .key = NFT_CT_STATUS, .dreg = NFT_REG32_05 } },
	{ .kind = FW_RS_FIB, .fib = { .flags = NFTA_FIB_F_SADDR, .result = NFT_FIB_RESULT_OIF, .dreg = NFT_REG_1 } },
	{ .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_GTE, .sreg = NFT_REG_1, .data = BYTES(1, 2, 3, 4) } },
	{ .kind = FW_RS_BITWISE, .bitwise = { .sreg = NFT_REG_1, .dreg = NFT_REG_3, .mask = BYTES(255, 0), .xor_bits = BYTES(0, 1) } },
	{ .kind = FW_RS_BYTEORDER, .byteorder = { .op = NFT_BYTEORDER_HTON, .sreg = NFT_REG_1, .dreg = NFT_REG_1, .len = 8, .size = 8 } },
	{ .kind = FW_RS_RANGE, .range = { .op = NFT_RANGE_EQ, .sreg = NFT_REG_1, .from = BYTES(0, 1), .to = BYTES(0, 9) } },
	{ .kind = FW_RS_LOOKUP, .lookup = { .set = "set-a", .sreg = NFT_REG_1, .invert = true } },
	{ .kind = FW_RS_LOOKUP, .lookup = { .set = "map-a", .sreg = NFT_REG_1, .dreg = NFT_REG_VERDICT, .has_dreg = true } },
	{ .kind = FW_RS_DYNSET, .dynset = { .set = "rate-a", .op = NFT_DYNSET_OP_UPDATE, .sreg = NFT_REG_1, .timeout_ms = 1000, .expr = &element_limit } },
	{ .kind = FW_RS_DYNSET, .dynset = { .set = "rate-a", .op = NFT_DYNSET_OP_ADD, .sreg = NFT_REG_1 } },
	{ .kind = FW_RS_COUNTER, .counter = { .packets = 3, .bytes = 4 } },
	{ .kind = FW_RS_LIMIT, .limit = { .rate = 1, .unit_s = 86400, .burst = 2, .over = true } },
	{ .kind = FW_RS_CONNLIMIT, .connlimit = { .count = 9, .over = true } },
	{ .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = "count-a" } },
	{ .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .set = "map-a", .sreg = NFT_REG_1 } },
	{ .kind = FW_RS_LOG, .log = { .group = 7, .prefix = "p", .snaplen = 96, .qthreshold = 200 } },
	{ .kind = FW_RS_REJECT, .reject = { .type = NFT_REJECT_ICMPX_UNREACH, .code = 1 } },
	{ .kind = FW_RS_VERDICT, .verdict = { .code = NFT_JUMP, .chain = "leaf" } },
	{ .kind = FW_RS_VERDICT, .verdict = { .code = NF_DROP } },
};

static void expect_same(const struct fw_rs_rule *a, const struct fw_rs_rule *b)
{
	struct fw_hash left = fw_rs_rule_hash(a), right = fw_rs_rule_hash(b);

	assert_memory_equal(&left, &right, sizeof(left));
}

static void test_every_expression(void **state)
{
	struct bench *bench = *state;
	const struct fw_rs_chain *chain;

	for (size_t i = 0; i < FW_ARRAY_SIZE(exprs); i++) {
		struct fw_rs_rule rule = { .exprs = &exprs[i], .expr_count = 1 };

		assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), 0);
	}
	assert_non_null(fw_ruleset_add_chain(&bench->ruleset, "leaf"));
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), 0);
	chain = fw_ruleset_chain(&bench->ruleset, "leaf");
	assert_int_equal(chain->rules.len, FW_ARRAY_SIZE(exprs));
	for (size_t i = 0; i < FW_ARRAY_SIZE(exprs); i++) {
		struct fw_rs_rule rule = { .exprs = &exprs[i], .expr_count = 1 };
		const struct fw_rs_rule *read = fw_vec_at(&chain->rules, i);

		assert_int_equal(read->exprs[0].kind, exprs[i].kind);
		expect_same(&rule, read);
	}
}

static void test_whole_rule(void **state)
{
	struct bench *bench = *state;
	struct fw_rs_rule rule = { .exprs = exprs, .expr_count = FW_ARRAY_SIZE(exprs), .comment = "why", .blob = FW_STR("blob") };
	const struct fw_rs_rule *read;

	rule.tag = (struct fw_rs_tag){ .owner = FW_RS_RULE, .role = FW_RS_ROLE_SHARED, .id = "abc" };
	assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), 0);
	assert_non_null(fw_ruleset_add_chain(&bench->ruleset, "leaf"));
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), 0);
	read = fw_vec_at(&fw_ruleset_chain(&bench->ruleset, "leaf")->rules, 0);
	expect_same(&rule, read);
	assert_string_equal(read->comment, "why");
	assert_int_equal(read->exprs[12].counter.packets, 3);
	assert_int_equal(read->exprs[12].counter.bytes, 4);
}

static void test_rule_without_its_chain(void **state)
{
	struct bench *bench = *state;
	struct fw_rs_rule rule = { .exprs = exprs, .expr_count = 1 };

	assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), 0);
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), 0);
	assert_true(bench->read.torn);
}

/* What our expressions have no words for. */
static void test_unknown_expressions(void **state)
{
	struct bench *bench = *state;
	struct fw_rs_expr expr = exprs[5];
	struct fw_rs_rule rule = { .exprs = &expr, .expr_count = 1 };
	const struct fw_rs_rule *read;
	char *at;

	assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), 0);
	at = memmem(bench->batch.data, bench->batch.len, "bitwise", 8);
	assert_non_null(at);
	memcpy(at, "bitwisE", 8);
	assert_non_null(fw_ruleset_add_chain(&bench->ruleset, "leaf"));
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), 0);
	read = fw_vec_at(&fw_ruleset_chain(&bench->ruleset, "leaf")->rules, 0);
	assert_int_equal(read->exprs[0].kind, FW_RS_UNKNOWN);
	assert_string_equal(read->exprs[0].unknown, "bitwisE");
	memcpy(at, "meta", 5); /* whose attributes are others */
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), 0);
	read = fw_vec_at(&fw_ruleset_chain(&bench->ruleset, "leaf")->rules, 1);
	assert_int_equal(read->exprs[0].kind, FW_RS_UNKNOWN);
	assert_string_equal(read->exprs[0].unknown, "meta");
	memcpy(at, "payload", 8); /* or of another length */
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), -EBADMSG);
}

static void test_what_cannot_be_sent(void **state)
{
	static const struct fw_rs_expr nested = { .kind = FW_RS_DYNSET, .dynset = { .set = "a", .expr = &exprs[11] } };
	static const struct fw_rs_expr bad[] = {
		{ .kind = FW_RS_UNKNOWN, .unknown = "xfrm" },
		{ .kind = FW_RS_CMP, .cmp = { .data = { .len = 65 } } },
		{ .kind = FW_RS_CMP },
		{ .kind = FW_RS_BITWISE, .bitwise = { .mask = BYTES(1), .xor_bits = BYTES(1, 2) } },
		{ .kind = FW_RS_LOOKUP, .lookup = { .set = "" } },
		{ .kind = FW_RS_VERDICT, .verdict = { .code = NFT_GOTO } },
		{ .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER } },
		{ .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = "a", .set = "b", .sreg = NFT_REG_1 } },
		{ .kind = FW_RS_OBJREF, .objref = { .set = "", .sreg = NFT_REG_1 } },
	};
	struct bench *bench = *state;
	struct fw_rs_rule rule = { .exprs = &nested, .expr_count = 1 };
	char long_name[300];

	assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), -EINVAL);
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++) {
		rule.exprs = &bad[i];
		assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), -EINVAL);
	}
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = '\0';
	rule.exprs = exprs;
	assert_int_equal(fw_send_rule(&bench->batch, long_name, &rule, 0), -EINVAL);
	rule.expr_count = 129;
	assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), -E2BIG);
	assert_int_equal(fw_send_rule_delete(&bench->batch, "leaf", 0), -EINVAL); /* it would empty the chain */
	assert_int_equal(bench->batch.len, 0);
}

/* The largest rule that there can be stays within the room that the batch keeps. */
static void test_largest_rule(void **state)
{
	static char name[256];
	struct fw_rs_expr many[FW_NFT_RULE_MAX_EXPRS];
	struct fw_rs_rule rule = { .exprs = many, .expr_count = FW_ARRAY_SIZE(many) };
	struct bench *bench = *state;

	memset(name, 'n', 255);
	for (size_t i = 0; i < FW_ARRAY_SIZE(many); i++)
		many[i] = (struct fw_rs_expr){ .kind = FW_RS_DYNSET, .dynset = { .set = name, .timeout_ms = 1, .expr = &element_limit } };
	assert_int_equal(fw_send_rule(&bench->batch, name, &rule, 0), 0);
	assert_true(bench->batch.len < FW_BATCH_ROOM);
}

static void test_chains_and_objects(void **state)
{
	struct bench *bench = *state;
	struct fw_rs_chain base = { .name = "input", .base = true, .hook = NF_INET_LOCAL_IN, .priority = -10, .policy_drop = true }, leaf = { .name = "leaf" };
	struct fw_rs_object limit = { .name = "l", .kind = FW_RS_OBJECT_LIMIT, .limit = { .rate = 2, .unit_s = 60, .burst = 3 } };
	struct fw_rs_object counter = { .name = "c", .kind = FW_RS_OBJECT_COUNTER, .counter = { 5, 6 }, .tag = { .owner = FW_RS_DEFAULT, .id = "in" }, .comment = "default in deny" };
	struct fw_rs_object helper = { .name = "h", .kind = FW_RS_OBJECT_CT_HELPER, .ct_helper = { .helper = "ftp", .l4proto = 6, .l3proto = NFPROTO_INET } };

	assert_int_equal(fw_send_chain(&bench->batch, &base), 0);
	assert_int_equal(fw_send_chain(&bench->batch, &leaf), 0);
	assert_int_equal(fw_send_object(&bench->batch, &limit), 0);
	assert_int_equal(fw_send_object(&bench->batch, &counter), 0);
	assert_int_equal(fw_send_object(&bench->batch, &helper), 0);
	assert_int_equal(bench_read(&bench->batch, fw_read_chain, &bench->read), 0);
	assert_int_equal(bench_read(&bench->batch, fw_read_object, &bench->read), 0);
	assert_true(fw_rs_chain_same_head(fw_ruleset_chain(&bench->ruleset, "input"), &base));
	assert_true(fw_ruleset_chain(&bench->ruleset, "input")->policy_drop);
	assert_true(fw_rs_chain_same_head(fw_ruleset_chain(&bench->ruleset, "leaf"), &leaf));
	assert_true(fw_rs_object_same(fw_ruleset_object(&bench->ruleset, "l"), &limit));
	assert_true(fw_rs_object_same(fw_ruleset_object(&bench->ruleset, "h"), &helper));
	assert_int_equal(fw_ruleset_object(&bench->ruleset, "c")->counter.bytes, 6);
	assert_string_equal(fw_ruleset_object(&bench->ruleset, "c")->tag.id, "in");
	assert_string_equal(fw_ruleset_object(&bench->ruleset, "c")->comment, "default in deny");
	assert_null(fw_ruleset_object(&bench->ruleset, "l")->comment);
}

/* Counters' attributes of wrong lengths, and a comment that user data cannot hold. */
static void test_hostile_objects(void **state)
{
	static const uint8_t packets[] = { 12, 0, NFTA_COUNTER_PACKETS, 0 };
	struct bench *bench = *state;
	struct fw_rs_object counter = { .name = "c", .kind = FW_RS_OBJECT_COUNTER, .counter = { 5, 6 } };
	char text[129], *at;

	assert_int_equal(fw_send_object(&bench->batch, &counter), 0);
	at = memmem(bench->batch.data, bench->batch.len, packets, sizeof(packets));
	assert_non_null(at);
	at[0] = 8; /* the rest is read as an attribute of its own, of no length */
	assert_int_equal(bench_read(&bench->batch, fw_read_object, &bench->read), -EBADMSG);
	fw_ruleset_init(&bench->ruleset, bench->arena);
	at[0] = 120; /* past its nest */
	assert_int_equal(bench_read(&bench->batch, fw_read_object, &bench->read), -EBADMSG);
	bench->batch.len = 0;
	memset(text, 'x', sizeof(text));
	text[128] = '\0';
	counter.comment = text;
	assert_int_equal(fw_send_object(&bench->batch, &counter), -E2BIG);
	assert_int_equal(bench->batch.len, 0);
}

/* Rules of other chains than the one that is asked for, where a kernel does not filter. */
static void test_only_chain(void **state)
{
	struct bench *bench = *state;
	struct fw_rs_rule rule = { .exprs = exprs, .expr_count = 1 };

	assert_int_equal(fw_send_rule(&bench->batch, "leaf", &rule, 0), 0);
	assert_int_equal(fw_send_rule(&bench->batch, FW_MANIFEST_CHAIN, &rule, 0), 0);
	assert_non_null(fw_ruleset_add_chain(&bench->ruleset, "leaf"));
	assert_non_null(fw_ruleset_add_chain(&bench->ruleset, FW_MANIFEST_CHAIN));
	bench->read.only_chain = FW_MANIFEST_CHAIN;
	assert_int_equal(bench_read(&bench->batch, fw_read_rule, &bench->read), 0);
	assert_int_equal(fw_ruleset_chain(&bench->ruleset, "leaf")->rules.len, 0);
	assert_int_equal(fw_ruleset_chain(&bench->ruleset, FW_MANIFEST_CHAIN)->rules.len, 1);
}

static void test_counts(void **state)
{
	static const uint8_t packets[] = { 12, 0, NFTA_COUNTER_PACKETS, 0 };
	const struct fw_rs_object limit = { .name = "l", .limit = { .rate = 1, .unit_s = 1 }, .tag = { FW_RS_RULE, FW_RS_ROLE_HIT, "1" } };
	struct fw_rs_object counter = { .name = "c", .kind = FW_RS_OBJECT_COUNTER, .counter = { 5, 6 } };
	struct bench *bench = *state;
	struct fw_vec counts;
	char *at;

	fw_vec_init(&counts, bench->arena, sizeof(struct fw_count));
	assert_int_equal(fw_send_object(&bench->batch, &limit), 0);
	assert_int_equal(fw_send_object(&bench->batch, &counter), 0);
	assert_int_equal(bench_read(&bench->batch, fw_read_count, &counts), 0);
	assert_int_equal(counts.len, 0); /* a limit, and a counter without a tag */
	bench->batch.len = 0;
	counter.tag = (struct fw_rs_tag){ FW_RS_BLOCK, FW_RS_ROLE_OVER, "b" };
	assert_int_equal(fw_send_object(&bench->batch, &counter), 0);
	assert_int_equal(bench_read(&bench->batch, fw_read_count, &counts), 0);
	assert_int_equal(counts.len, 1);
	assert_int_equal(((const struct fw_count *)fw_vec_at(&counts, 0))->packets, 5);
	assert_int_equal(((const struct fw_count *)fw_vec_at(&counts, 0))->bytes, 6);
	assert_int_equal(((const struct fw_count *)fw_vec_at(&counts, 0))->tag.role, FW_RS_ROLE_OVER);
	at = memmem(bench->batch.data, bench->batch.len, packets, sizeof(packets));
	assert_non_null(at);
	at[0] = 8; /* four bytes of eight */
	assert_int_equal(bench_read(&bench->batch, fw_read_count, &counts), -EBADMSG);
}

static void test_foreign_objects(void **state)
{
	struct bench *bench = *state;
	struct fw_rs_object object = { .name = "quota" };

	fw_foreign_mark_object(&object, NFT_OBJECT_QUOTA);
	assert_int_equal(fw_foreign_object_type(&object), NFT_OBJECT_QUOTA);
	assert_int_equal(fw_send_object(&bench->batch, &object), -EINVAL); /* it can only be deleted */
	assert_int_equal(fw_send_object_delete(&bench->batch, &object), 0);
}

static void test_owners(void **state)
{
	struct fw_change changes[2] = { { .kind = FW_CHANGE_ADD_CHAIN }, { .kind = FW_CHANGE_ADD_RULE } };
	struct bench *bench = *state;
	struct fw_rs_chain chain = { .name = "leaf" };

	assert_int_equal(fw_batch_begin(&bench->batch, 5), 0);
	for (size_t i = 0; i < 2; i++) {
		bench->batch.change = &changes[i];
		assert_int_equal(fw_send_chain(&bench->batch, &chain), 0);
	}
	assert_int_equal(fw_batch_end(&bench->batch), 0);
	assert_int_equal(bench_count(&bench->batch), 4);
	assert_null(fw_batch_owner(&bench->batch, 100));
	assert_ptr_equal(fw_batch_owner(&bench->batch, 101), &changes[0]);
	assert_ptr_equal(fw_batch_owner(&bench->batch, 102), &changes[1]);
	assert_null(fw_batch_owner(&bench->batch, 103));
	assert_null(fw_batch_owner(&bench->batch, 104));
	assert_null(fw_batch_owner(&bench->batch, 99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_every_expression),    BENCH_TEST(test_whole_rule),	  BENCH_TEST(test_rule_without_its_chain),
		BENCH_TEST(test_unknown_expressions), BENCH_TEST(test_what_cannot_be_sent), BENCH_TEST(test_largest_rule),
		BENCH_TEST(test_chains_and_objects),  BENCH_TEST(test_foreign_objects),	  BENCH_TEST(test_owners),
		BENCH_TEST(test_hostile_objects),     BENCH_TEST(test_only_chain),	  BENCH_TEST(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
