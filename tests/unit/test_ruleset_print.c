/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables in nft's words and as JSON: keys of several parts, maps to verdicts and counters, rules that load several registers. That nft takes
 * these words and makes the same of them is tests/kernel/test_maps.c's part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "ruleset/print.h"

struct page {
	struct fw_arena *arena;
	struct fw_ruleset rs;
	struct fw_buf text;
};

static int setup(void **state)
{
	static struct page page;
	page.arena = fw_arena_new(1u << 20);
	assert_non_null(page.arena);
	fw_ruleset_init(&page.rs, page.arena);
	fw_buf_init(&page.text, 1u << 20);
	*state = &page;
	return 0;
}

static int teardown(void **state)
{
	struct page *page = *state;
	fw_buf_done(&page->text);
	fw_arena_free(page->arena);
	return 0;
}

static void expect_rule(struct page *page, const struct fw_rs_expr *exprs, size_t count, const char *wanted)
{
	const struct fw_rs_rule rule = { .exprs = exprs, .expr_count = count };
	fw_buf_done(&page->text);
	fw_buf_init(&page->text, 4096);
	fw_rs_print_rule(&page->text, &rule);
	assert_string_equal(page->text.data, wanted);
}
#define EXPECT_RULE(page, wanted, ...) \
	expect_rule(page, (const struct fw_rs_expr[]){ __VA_ARGS__ }, sizeof((const struct fw_rs_expr[]){ __VA_ARGS__ }) / sizeof(struct fw_rs_expr), wanted)

#define BYTES(...) { .bytes = { __VA_ARGS__ }, .len = sizeof((const uint8_t[]){ __VA_ARGS__ }) }
#define META(k, r) { .kind = FW_RS_META, .meta = { .key = (k), .dreg = (r) } }
#define LOAD(b, o, l, r) { .kind = FW_RS_PAYLOAD, .payload = { .base = (b), .offset = (o), .len = (l), .dreg = (r) } }
#define DPORT(r) LOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, r)
#define MASK(r, ...) { .kind = FW_RS_BITWISE, .bitwise = { .sreg = (r), .dreg = (r), .mask = BYTES(__VA_ARGS__) } }
#define CMP(o, ...) { .kind = FW_RS_CMP, .cmp = { .op = (o), .sreg = NFT_REG_1, .data = BYTES(__VA_ARGS__) } }
#define VMAP(name) { .kind = FW_RS_LOOKUP, .lookup = { .set = (name), .sreg = NFT_REG_1, .dreg = NFT_REG_VERDICT, .has_dreg = true } }
#define IN(name) { .kind = FW_RS_LOOKUP, .lookup = { .set = (name), .sreg = NFT_REG_1 } }
#define COUNT_BY(name) { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .set = (name), .sreg = NFT_REG_1 } }
#define COUNT(n) { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = (n) } }
#define VERDICT(c) { .kind = FW_RS_VERDICT, .verdict = { .code = (c) } }

static void test_rules_of_several_parts(void **state)
{
	EXPECT_RULE(*state, "meta l4proto . th dport vmap @v", META(NFT_META_L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01), VMAP("v"));
	EXPECT_RULE(*state, "meta nfproto ipv4 counter name meta l4proto . th dport . (ip saddr & 255.255.255.0) map @m accept",
		    META(NFT_META_NFPROTO, NFT_REG_1), CMP(NFT_CMP_EQ, NFPROTO_IPV4), META(NFT_META_L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01),
		    LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG32_02), MASK(NFT_REG32_02, 255, 255, 255, 0), COUNT_BY("m"), VERDICT(NF_ACCEPT));
	EXPECT_RULE(*state, "meta l4proto . th dport . ip6 daddr @s drop", META(NFT_META_L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01),
		    LOAD(NFT_PAYLOAD_NETWORK_HEADER, 24, 16, NFT_REG32_02), IN("s"), VERDICT(NF_DROP));
	EXPECT_RULE(*state, "meta l4proto . th dport . (ip6 saddr & ffff::) vmap @v", META(NFT_META_L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01),
		    LOAD(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, NFT_REG32_02),
		    MASK(NFT_REG32_02, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), VMAP("v"));
}

/* A load into the first register begins anew: what stood before is no part of it. */
static void test_one_part_after_several(void **state)
{
	EXPECT_RULE(*state, "meta l4proto . th dport @a ip saddr & 255.0.0.0 @b", META(NFT_META_L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01), IN("a"),
		    LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG_1), MASK(NFT_REG_1, 255, 0, 0, 0), IN("b"));
}

static void test_plain_rules(void **state)
{
	EXPECT_RULE(*state, "counter name \"rule-a\" accept", COUNT("rule-a"), VERDICT(NF_ACCEPT));
	EXPECT_RULE(*state, "meta iif 1 accept", META(NFT_META_IIF, NFT_REG_1), CMP(NFT_CMP_EQ, 1, 0, 0, 0), VERDICT(NF_ACCEPT));
	EXPECT_RULE(*state, "meta oif != 258", META(NFT_META_OIF, NFT_REG_1), CMP(NFT_CMP_NEQ, 2, 1, 0, 0));
	EXPECT_RULE(*state, "ct state established counter name \"e\"", { .kind = FW_RS_CT, .ct = { .key = NFT_CT_STATE, .dreg = NFT_REG_1 } },
		    MASK(NFT_REG_1, 2, 0, 0, 0), CMP(NFT_CMP_NEQ, 0, 0, 0, 0), COUNT("e"));
	EXPECT_RULE(*state, "@nh,96,8 0x7f drop", LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 1, NFT_REG_1), CMP(NFT_CMP_EQ, 127), VERDICT(NF_DROP));
	EXPECT_RULE(*state, "counter name ip saddr map @m", LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG_1), COUNT_BY("m"));
}

static void test_keys(void **state)
{
	static const uint8_t v4[12] = { 6, 0, 0, 0, 0, 22, 0, 0, 192, 0, 2, 0 };
	static const uint8_t v6[24] = { 17, 0, 0, 0, 0, 53, 0, 0, 0x20, 1, 0x0d, 0xb8 };
	enum fw_rs_key parts[FW_RS_PARTS_MAX];
	struct page *page = *state;
	fw_rs_print_key(&page->text, FW_RS_KEY_WHAT, v4);
	fw_buf_putc(&page->text, '|');
	fw_rs_print_key(&page->text, FW_RS_KEY_WHAT_IPV4, v4);
	fw_buf_putc(&page->text, '|');
	fw_rs_print_key(&page->text, FW_RS_KEY_WHAT_IPV6, v6);
	assert_string_equal(page->text.data, "6 . 22|6 . 22 . 192.0.2.0|17 . 53 . 2001:db8::");
	assert_int_equal(fw_rs_key_parts(FW_RS_KEY_IPV6, parts), 1);
	assert_int_equal(parts[0], FW_RS_KEY_IPV6);
	assert_int_equal(fw_rs_key_parts(FW_RS_KEY_WHAT, parts), 2);
	assert_int_equal(fw_rs_key_parts(FW_RS_KEY_WHAT_IPV6, parts), 3);
	assert_int_equal(parts[2], FW_RS_KEY_IPV6);
}

/* A concatenation is as long as its padded parts, and its number and name are made of theirs. */
static void test_key_table(void **state)
{
	struct page *page = *state;
	for (int key = FW_RS_KEY_WHAT; key <= FW_RS_KEY_WHAT_IPV6; key++) {
		enum fw_rs_key parts[FW_RS_PARTS_MAX];
		uint32_t len = 0, type = 0;
		fw_buf_done(&page->text);
		fw_buf_init(&page->text, 256);
		for (size_t i = 0; i < fw_rs_key_parts((enum fw_rs_key)key, parts); i++) {
			len += (fw_rs_key_len(parts[i]) + 3) / 4 * 4;
			type = type << 6 | fw_rs_key_nft_type(parts[i]);
			fw_buf_printf(&page->text, "%s%s", i ? " . " : "", fw_rs_key_nft_name(parts[i]));
		}
		assert_int_equal(len, fw_rs_key_len((enum fw_rs_key)key));
		assert_int_equal(type, fw_rs_key_nft_type((enum fw_rs_key)key));
		assert_string_equal(page->text.data, fw_rs_key_nft_name((enum fw_rs_key)key));
	}
}

static void make_table(struct fw_ruleset *rs)
{
	static const uint8_t keys[] = { 6, 0, 0, 0, 0, 22, 0, 0, 10, 0, 0, 0, 17, 0, 0, 0, 0, 53, 0, 0, 192, 0, 2, 0 }, whats[] = { 6, 0, 0, 0, 0, 22, 0, 0 };
	static const char *const counters[] = { "rule-a", "rule-b" };
	static const struct fw_rs_verdict verdict = { NFT_GOTO, "src" };
	for (size_t i = 0; i < 2; i++) {
		struct fw_rs_object *object = fw_ruleset_add_object(rs, counters[i]);
		object->kind = FW_RS_OBJECT_COUNTER;
		object->comment = i ? NULL : "allow \"x\"";
		object->tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_OVER, "a" };
	}
	struct fw_rs_set *map = fw_ruleset_add_set(rs, "m4-24");
	map->key = FW_RS_KEY_WHAT_IPV4;
	map->data = FW_RS_COUNTERS;
	map->size = 100;
	map->elements = (struct fw_rs_elements){ .keys = keys, .len = 2, .objects = counters };
	struct fw_rs_set *vmap = fw_ruleset_add_set(rs, "v");
	vmap->key = FW_RS_KEY_WHAT;
	vmap->data = FW_RS_VERDICTS;
	vmap->elements = (struct fw_rs_elements){ .keys = whats, .len = 1, .verdicts = &verdict };
	fw_ruleset_add_chain(rs, "src");
}

static void test_nft(void **state)
{
	struct page *page = *state;
	make_table(&page->rs);
	fw_ruleset_print_nft(&page->rs, &page->text);
	assert_string_equal(page->text.data, "table inet fwctl {\n"
					     "\tcounter rule-a {\n\t\tcomment \"allow 'x'\"\n\t}\n"
					     "\tcounter rule-b {\n\t}\n"
					     "\tmap m4-24 {\n\t\ttype inet_proto . inet_service . ipv4_addr : counter\n\t\tsize 100\n"
					     "\t\telements = { 6 . 22 . 10.0.0.0 : \"rule-a\", 17 . 53 . 192.0.2.0 : \"rule-b\" }\n\t}\n"
					     "\tmap v {\n\t\ttype inet_proto . inet_service : verdict\n\t\telements = { 6 . 22 : goto src }\n\t}\n"
					     "\tchain src {\n\t}\n}\n");
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void test_json(void **state)
{
	struct page *page = *state;
	make_table(&page->rs);
	fw_ruleset_print_json(&page->rs, &page->text);
	expect(page->text.data, "{\"name\":\"rule-a\",\"kind\":\"counter\",\"owner\":\"rule\",\"id\":\"a\",\"role\":\"over\",\"comment\":\"allow \\\"x\\\"\"}");
	expect(page->text.data, "\"key\":\"inet_proto . inet_service . ipv4_addr\"");
	expect(page->text.data, "\"elements\":[\"6 . 22 . 10.0.0.0\",\"17 . 53 . 192.0.2.0\"],\"counters\":[\"rule-a\",\"rule-b\"]");
	expect(page->text.data, "\"elements\":[\"6 . 22\"],\"verdicts\":[\"goto src\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rules_of_several_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_part_after_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nft, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
