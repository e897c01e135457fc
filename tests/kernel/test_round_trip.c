/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets with every expression, set and object, into a real kernel and back: nothing differs, and nft says what was meant. */
#include "live.h"

#include "kernel/internal.h"

static void test_no_table(void **state)
{
	uint32_t generation = 0;

	assert_null(live_snapshot(*state, &generation));
	assert_int_not_equal(generation, 0);
}

static void test_chains(void **state)
{
	struct fw_ruleset *rs = live_ruleset(*state);
	struct fw_rs_chain *in = live_base(rs, "input", NF_INET_LOCAL_IN, -5);

	in->policy_drop = true;
	live_base(rs, "raw", NF_INET_PRE_ROUTING, -300);
	live_chain(rs, "leaf");
	live_round_trip(*state, rs);
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "type filter hook input priority filter - 5; policy drop;");
}

static void test_loads_and_tests(void **state)
{
	struct fw_ruleset *rs = live_ruleset(*state);

	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV4), LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4),
		  { .kind = FW_RS_BITWISE,
		    .bitwise = { .sreg = NFT_REG_1, .dreg = NFT_REG_1, .mask = LIVE_BYTES(255, 255, 240, 0), .xor_bits = LIVE_BYTES(0, 0, 0, 0) } },
		  LIVE_EQ(192, 0, 0, 0), LIVE_COUNTER, LIVE_VERDICT(NF_ACCEPT));
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(6), LIVE_LOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
		  { .kind = FW_RS_RANGE,
		    .range = { .op = NFT_RANGE_NEQ, .sreg = NFT_REG_1, .from = LIVE_BYTES(0, 22), .to = LIVE_BYTES(0, 80) } },
		  LIVE_VERDICT(NF_DROP));
	LIVE_RULE(rs, "input", { .kind = FW_RS_CT, .ct = { .key = NFT_CT_STATE, .dreg = NFT_REG_1 } },
		  { .kind = FW_RS_BITWISE,
		    .bitwise = { .sreg = NFT_REG_1, .dreg = NFT_REG_1, .mask = LIVE_BYTES(6, 0, 0, 0), .xor_bits = LIVE_BYTES(0, 0, 0, 0) } },
		  { .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_NEQ, .sreg = NFT_REG_1, .data = LIVE_BYTES(0, 0, 0, 0) } }, LIVE_VERDICT(NFT_RETURN));
	LIVE_RULE(rs, "input",
		  { .kind = FW_RS_FIB,
		    .fib = { .flags = NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF, .result = NFT_FIB_RESULT_ADDRTYPE, .dreg = NFT_REG32_01 } },
		  { .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_EQ, .sreg = NFT_REG32_01, .data = LIVE_BYTES(2, 0, 0, 0) } });
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_TIME_NS),
		  { .kind = FW_RS_BYTEORDER,
		    .byteorder = { .op = NFT_BYTEORDER_HTON, .sreg = NFT_REG_1, .dreg = NFT_REG_1, .len = 8, .size = 8 } },
		  { .kind = FW_RS_RANGE,
		    .range = { .op = NFT_RANGE_EQ, .sreg = NFT_REG_1, .from = LIVE_BYTES(1, 0, 0, 0, 0, 0, 0, 0), .to = LIVE_BYTES(2, 0, 0, 0, 0, 0, 0, 0) } });
	live_round_trip(*state, rs);
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "ip saddr 192.0.0.0/20 counter packets 0 bytes 0 accept");
}

static void test_actions(void **state)
{
	struct fw_ruleset *rs = live_ruleset(*state);

	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	live_chain(rs, "leaf");
	LIVE_RULE(rs, "leaf", { .kind = FW_RS_LIMIT, .limit = { .rate = 10, .unit_s = 60, .burst = 7, .over = true } }, LIVE_VERDICT(NF_DROP));
	LIVE_RULE(rs, "leaf", { .kind = FW_RS_CONNLIMIT, .connlimit = { .count = 12, .over = true } }, LIVE_VERDICT(NF_DROP));
	LIVE_RULE(rs, "leaf", { .kind = FW_RS_LOG, .log = { .group = 0, .prefix = "fwctl 0123 " } });
	LIVE_RULE(rs, "leaf", { .kind = FW_RS_LOG, .log = { .group = 5, .snaplen = 96, .qthreshold = 200 } });
	LIVE_RULE(rs, "leaf", { .kind = FW_RS_REJECT, .reject = { .type = NFT_REJECT_ICMPX_UNREACH, .code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED } });
	LIVE_RULE(rs, "leaf", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(6), { .kind = FW_RS_REJECT, .reject = { .type = NFT_REJECT_TCP_RST } });
	LIVE_RULE(rs, "input", LIVE_GOTO(NFT_JUMP, "leaf"));
	LIVE_RULE(rs, "input", LIVE_GOTO(NFT_GOTO, "leaf"));
	live_round_trip(*state, rs);
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "limit rate over 10/minute burst 7 packets drop");
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "log prefix \"fwctl 0123 \" group 0");
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "reject with tcp reset");
}

static void test_user_data(void **state)
{
	static char bytes[246];
	struct fw_ruleset *rs = live_ruleset(*state), *have;
	struct fw_rs_rule *rule;
	uint32_t generation;

	memset(bytes, 0xa5, sizeof(bytes));
	live_chain(rs, "leaf");
	rule = LIVE_RULE(rs, "leaf", LIVE_COUNTER, LIVE_VERDICT(NF_ACCEPT));
	rule->comment = "allow ssh from office";
	rule->tag = (struct fw_rs_tag){ .owner = FW_RS_RULE, .role = FW_RS_ROLE_OVER, .id = "0123456789abcdef" };
	rule = live_rule(rs, "leaf", NULL, 0);
	rule->tag.owner = FW_RS_MANIFEST;
	rule->blob = (struct fw_str){ bytes, sizeof(bytes) };
	live_round_trip(*state, rs);
	have = live_snapshot(*state, &generation);
	rule = fw_vec_at(&fw_ruleset_chain(have, "leaf")->rules, 0);
	assert_string_equal(rule->comment, "allow ssh from office");
	assert_string_equal(rule->tag.id, "0123456789abcdef");
	assert_int_equal(rule->tag.role, FW_RS_ROLE_OVER);
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "accept comment \"allow ssh from office\"");
}

static void test_objects(void **state)
{
	struct fw_ruleset *rs = live_ruleset(*state);
	struct fw_rs_object *object;

	object = fw_ruleset_add_object(rs, "limit-a");
	object->limit = (struct fw_rs_limit){ .rate = 3, .unit_s = 3600, .burst = 9 };
	object = fw_ruleset_add_object(rs, "count-a");
	object->kind = FW_RS_OBJECT_COUNTER;
	object->tag = (struct fw_rs_tag){ .owner = FW_RS_DEFAULT, .role = FW_RS_ROLE_HIT, .id = "in" };
	object = fw_ruleset_add_object(rs, "helper-ftp");
	object->kind = FW_RS_OBJECT_CT_HELPER;
	object->ct_helper.helper = "ftp";
	object->ct_helper.l4proto = 6;
	object->ct_helper.l3proto = NFPROTO_INET;
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	LIVE_RULE(rs, "input", { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_LIMIT, .name = "limit-a" } },
		  { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = "count-a" } },
		  { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_CT_HELPER, .name = "helper-ftp" } });
	live_round_trip(*state, rs);
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "rate 3/hour burst 9 packets");
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "ct helper set \"helper-ftp\"");
}

static void fill(struct fw_rs_set *set, const uint8_t *keys, size_t len)
{
	set->elements = (struct fw_rs_elements){ .keys = keys, .len = len };
}

static void test_sets(void **state)
{
	static const uint8_t hosts[] = { 192, 0, 2, 1, 192, 0, 2, 9 }, ports[] = { 0, 22, 0, 25, 0, 80, 0, 80, 255, 0, 255, 255 };
	static const uint8_t all[] = { 0, 0, 0, 0, 255, 255, 255, 255 }, times[] = { 0x17, 0, 0, 0, 0, 0, 0, 0, 0x18, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t nets6[32] = { [0] = 0x20, [1] = 1, [2] = 0xd, [3] = 0xb8, [16] = 0x20, [17] = 1, [18] = 0xd, [19] = 0xb8, [31] = 0xff };
	static const uint8_t name[16] = "eth0", word[] = { 0xe8, 3, 0, 0 }, users[] = { 0, 0, 3, 0xea, 0, 0, 3, 0xed }, proto[] = { 17 }, type[] = { 8 }, type6[] = { 128 };
	struct fw_ruleset *rs = live_ruleset(*state);
	const char *text;

	fill(live_set(rs, "set-hosts", FW_RS_KEY_IPV4), hosts, 2);
	fw_ruleset_set(rs, "set-hosts")->size = 100;
	fill(live_set(rs, "set-ports", FW_RS_KEY_SERVICE), ports, 3);
	fw_ruleset_set(rs, "set-ports")->interval = true;
	fill(live_set(rs, "set-all", FW_RS_KEY_IPV4), all, 1);
	fw_ruleset_set(rs, "set-all")->interval = true;
	fill(live_set(rs, "set-nets6", FW_RS_KEY_IPV6), nets6, 1);
	fw_ruleset_set(rs, "set-nets6")->interval = true;
	fill(live_set(rs, "set-times", FW_RS_KEY_TIME), times, 1);
	fw_ruleset_set(rs, "set-times")->interval = true;
	fill(live_set(rs, "set-names", FW_RS_KEY_IFNAME), name, 1);
	fill(live_set(rs, "set-users", FW_RS_KEY_UID), word, 1);
	fill(live_set(rs, "set-user-range", FW_RS_KEY_UID), users, 1);
	fw_ruleset_set(rs, "set-user-range")->interval = true;
	fill(live_set(rs, "set-groups", FW_RS_KEY_GID), word, 1);
	fill(live_set(rs, "set-marks", FW_RS_KEY_MARK), word, 1);
	fill(live_set(rs, "set-protos", FW_RS_KEY_PROTO), proto, 1);
	fill(live_set(rs, "set-types", FW_RS_KEY_ICMP_TYPE), type, 1);
	fill(live_set(rs, "set-types6", FW_RS_KEY_ICMPV6_TYPE), type6, 1);
	live_set(rs, "set-empty", FW_RS_KEY_IPV6);
	live_round_trip(*state, rs);
	text = live_output(*state, "nft -n list table inet fwctl");
	live_expect_line(text, "elements = { 192.0.2.1, 192.0.2.9 }");
	live_expect_line(text, "elements = { 22-25, 80, 65280-65535 }");
	live_expect_line(text, "elements = { 2001:db8::/120 }");
	live_expect_line(text, "elements = { \"eth0\" }");
	live_expect_line(text, "elements = { 1000 }");
	live_expect_line(text, "elements = { 1002-1005 }");
	live_expect_line(text, "elements = { 0x000003e8 }");
}

static void test_verdict_maps(void **state)
{
	static const uint8_t ports[] = { 0, 22, 0, 22, 0, 80, 0, 90, 1, 0, 255, 255 }, hosts[] = { 192, 0, 2, 1, 192, 0, 2, 2 };
	static const struct fw_rs_verdict verdicts[] = { { .code = NFT_JUMP, .chain = "leaf" }, { .code = NFT_GOTO, .chain = "leaf" }, { .code = NF_DROP } };
	struct fw_ruleset *rs = live_ruleset(*state);
	struct fw_rs_set *set;

	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	live_chain(rs, "leaf");
	set = live_set(rs, "map-ports", FW_RS_KEY_SERVICE);
	set->interval = true;
	set->data = FW_RS_VERDICTS;
	set->elements = (struct fw_rs_elements){ .keys = ports, .len = 3, .verdicts = verdicts };
	set = live_set(rs, "map-hosts", FW_RS_KEY_IPV4);
	set->data = FW_RS_VERDICTS;
	set->elements = (struct fw_rs_elements){ .keys = hosts, .len = 2, .verdicts = verdicts };
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(6), LIVE_LOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
		  { .kind = FW_RS_LOOKUP, .lookup = { .set = "map-ports", .sreg = NFT_REG_1, .dreg = NFT_REG_VERDICT, .has_dreg = true } });
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV4), LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4),
		  { .kind = FW_RS_LOOKUP, .lookup = { .set = "map-hosts", .sreg = NFT_REG_1, .dreg = NFT_REG_VERDICT, .has_dreg = true } });
	live_round_trip(*state, rs);
	live_expect_line(live_output(*state, "nft -n list table inet fwctl"), "22 : jump leaf");
	live_expect_line(live_output(*state, "nft -n list table inet fwctl"), "80-90 : goto leaf");
	live_expect_line(live_output(*state, "nft -n list table inet fwctl"), "ip saddr vmap @map-hosts");
}

static const struct fw_rs_expr element_limit = { .kind = FW_RS_LIMIT, .limit = { .rate = 5, .unit_s = 1, .burst = 5 } };
static const struct fw_rs_expr element_connlimit = { .kind = FW_RS_CONNLIMIT, .connlimit = { .count = 3, .over = true } };

static void test_dynamic_sets(void **state)
{
	struct fw_ruleset *rs = live_ruleset(*state);
	struct fw_rs_set *set;

	set = live_set(rs, "dyn-bad-4-32", FW_RS_KEY_IPV4);
	set->kind = FW_RS_SET_MEMBERS;
	set->has_timeout = true;
	set->size = 1000;
	set = live_set(rs, "rate-a", FW_RS_KEY_IPV4);
	set->kind = FW_RS_SET_METERS;
	set->dynamic = set->has_timeout = true;
	set->timeout_ms = 60000;
	set->gc_interval_ms = 10000;
	set->size = 65535;
	set = live_set(rs, "conn-a", FW_RS_KEY_IPV6);
	set->kind = FW_RS_SET_METERS;
	set->dynamic = true;
	set->size = 5000;
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV4), LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4),
		  { .kind = FW_RS_DYNSET,
		    .dynset = { .set = "rate-a", .op = NFT_DYNSET_OP_UPDATE, .sreg = NFT_REG_1, .timeout_ms = 90000, .expr = &element_limit } },
		  LIVE_VERDICT(NF_ACCEPT));
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV6), LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 8, 16),
		  { .kind = FW_RS_DYNSET, .dynset = { .set = "conn-a", .op = NFT_DYNSET_OP_ADD, .sreg = NFT_REG_1, .expr = &element_connlimit } },
		  LIVE_VERDICT(NF_DROP));
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV4), LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4),
		  { .kind = FW_RS_LOOKUP, .lookup = { .set = "dyn-bad-4-32", .sreg = NFT_REG_1, .invert = true } }, LIVE_VERDICT(NF_ACCEPT));
	live_round_trip(*state, rs);
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "update @rate-a { ip saddr timeout 1m30s limit rate 5/second }");
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "add @conn-a { ip6 saddr ct count over 3 }");
	live_expect_line(live_output(*state, "nft list table inet fwctl"), "ip saddr != @dyn-bad-4-32 accept");
}

/* From one ruleset to another and back: only what differs, and what stays keeps its handle. */
static void test_changes(void **state)
{
	static const uint8_t before[] = { 192, 0, 2, 1, 192, 0, 2, 5, 192, 0, 2, 10, 192, 0, 2, 20 };
	static const uint8_t after[] = { 192, 0, 2, 1, 192, 0, 2, 15, 192, 0, 2, 17, 255, 255, 255, 255 };
	struct fw_ruleset *old = live_ruleset(*state), *new = live_ruleset(*state), *have;
	uint32_t generation;
	uint64_t handle;

	for (int i = 0; i < 2; i++) {
		struct fw_ruleset *rs = i ? new : old;

		fill(live_set(rs, "set-a", FW_RS_KEY_IPV4), i ? after : before, 2);
		fw_ruleset_set(rs, "set-a")->interval = true;
		live_base(rs, "input", NF_INET_LOCAL_IN, 0)->policy_drop = i;
		if (i)
			LIVE_RULE(rs, "input", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(17), LIVE_VERDICT(NF_DROP));
		LIVE_RULE(rs, "input", LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV4), LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4),
			  LIVE_IN("set-a"), LIVE_COUNTER, LIVE_VERDICT(NF_ACCEPT));
		if (i)
			live_chain(rs, "more");
		else
			live_chain(rs, "less");
	}
	live_round_trip(*state, old);
	have = live_snapshot(*state, &generation);
	handle = ((struct fw_rs_rule *)fw_vec_at(&fw_ruleset_chain(have, "input")->rules, 0))->handle;
	live_round_trip(*state, new);
	have = live_snapshot(*state, &generation);
	assert_int_equal(fw_ruleset_chain(have, "input")->rules.len, 2);
	assert_int_equal(((struct fw_rs_rule *)fw_vec_at(&fw_ruleset_chain(have, "input")->rules, 1))->handle, handle);
	live_round_trip(*state, old);
}

static void test_flush(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = live_ruleset(live);
	struct fw_kernel_error error;
	struct fw_changes changes;
	uint32_t generation, after;

	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	live_round_trip(live, rs);
	live_must("nft add table inet other");
	assert_int_equal(fw_ruleset_flush(live->arena, live_snapshot(live, &generation), &changes), 0);
	assert_int_equal(fw_kernel_commit(live->kernel, &changes, generation, &after, &error), 0);
	assert_null(live_snapshot(live, &generation));
	assert_int_equal(generation, after);
	live_expect_line(live_output(live, "nft list tables"), "table inet other");
}

static void test_counter_values(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = live_ruleset(live), *have;
	const struct fw_rs_rule *rule;
	uint32_t generation;

	fw_ruleset_add_object(rs, "count-a")->kind = FW_RS_OBJECT_COUNTER;
	live_base(rs, "output", NF_INET_LOCAL_OUT, 0);
	LIVE_RULE(rs, "output", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(1), LIVE_COUNTER,
		  { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = "count-a" } });
	live_round_trip(live, rs);
	live_must("ip link set lo up");
	live_must("ping -q -c 3 -i 0.01 -s 56 127.0.0.1 >/dev/null");
	have = live_snapshot(live, &generation);
	rule = fw_vec_at(&fw_ruleset_chain(have, "output")->rules, 0);
	assert_int_equal(rule->exprs[2].counter.packets, 6); /* and the answers */
	assert_int_equal(rule->exprs[2].counter.bytes, 6 * 84);
	assert_int_equal(fw_ruleset_object(have, "count-a")->counter.packets, 6);
	live_round_trip(live, rs); /* values are no difference */
}

static void number_key(uint8_t *key, uint32_t number)
{
	number += 10U << 24;
	for (int i = 0; i < 4; i++)
		key[i] = (uint8_t)(number >> (24 - 8 * i));
}

static void big_set(struct live *live, bool interval)
{
	size_t count = 100000, ends = interval ? 2 : 1;
	uint8_t *keys = fw_arena_alloc(live->arena, count * ends, 4);
	struct fw_ruleset *rs = live_ruleset(live), *have;
	struct fw_rs_set *set = live_set(rs, "set-big", FW_RS_KEY_IPV4);
	uint32_t generation;

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t end = 0; end < ends; end++)
			number_key(keys + (i * ends + end) * 4, i * 4 + end);
	fill(set, keys, count);
	set->interval = interval;
	live_round_trip(live, rs);
	have = live_snapshot(live, &generation);
	assert_int_equal(fw_ruleset_set(have, "set-big")->elements.len, count);
	assert_memory_equal(fw_ruleset_set(have, "set-big")->elements.keys, keys, count * ends * 4);
}

static void test_big_hash(void **state)
{
	big_set(*state, false);
}

static void test_big_interval(void **state)
{
	big_set(*state, true);
}

/* What differs by one element from what is known is told apart from it, wherever the element is. */
static void expect_likeness(struct live *live, const struct fw_ruleset *like, bool same)
{
	const struct fw_rs_set *wanted = fw_ruleset_set(like, "set-big"), *read;
	struct fw_picture picture;
	struct fw_changes changes;

	assert_int_equal(fw_kernel_snapshot_like(live->kernel, live->arena, FW_SNAPSHOT_ALL, like, &picture), 0);
	read = fw_ruleset_set(picture.ruleset, "set-big");
	assert_int_equal(read->elements.keys == wanted->elements.keys, same); /* shared, and not read */
	assert_int_equal(fw_ruleset_diff(live->arena, picture.ruleset, like, &changes), 0);
	assert_int_equal(changes.list.len == 0, same);
}

static struct fw_ruleset *big_ruleset(struct live *live, bool interval, bool open)
{
	size_t count = 3000, ends = interval ? 2 : 1;
	uint8_t *keys = fw_arena_alloc(live->arena, count * ends, 4);
	struct fw_ruleset *rs = live_ruleset(live);
	struct fw_rs_set *set = live_set(rs, "set-big", FW_RS_KEY_IPV4);

	live->kernel->ask_ranges_from = live->kernel->ask_keys_from = count;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t end = 0; end < ends; end++)
			number_key(keys + (i * ends + end) * 4, i * 4 + end);
	if (open)
		memset(keys + count * ends * 4 - 4, 0xff, 4);
	fill(set, keys, count);
	set->interval = interval;
	return rs;
}

static void test_likeness_of_hashes(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = big_ruleset(live, false, false);

	live_apply(live, rs);
	expect_likeness(live, rs, true);
	live_must("nft add element inet fwctl set-big { 192.0.2.1 }");
	expect_likeness(live, rs, false);
	live_must("nft delete element inet fwctl set-big { 10.0.0.4 }"); /* as many, but others */
	expect_likeness(live, rs, false);
}

static void test_likeness_of_ranges(void **state)
{
	static const char *const others[] = {
		"delete element inet fwctl set-big { 10.0.0.4-10.0.0.5 }; add element inet fwctl set-big { 192.0.2.1 }",
		"delete element inet fwctl set-big { 10.0.0.4-10.0.0.5 }; add element inet fwctl set-big { 10.0.0.4-10.0.0.6 }",
		"delete element inet fwctl set-big { 10.0.0.4-10.0.0.5 }; add element inet fwctl set-big { 10.0.0.3-10.0.0.5 }",
		"add element inet fwctl set-big { 255.0.0.0/8 }",
		"delete element inet fwctl set-big { 10.0.0.4-10.0.0.5 }",
	};
	struct live *live = *state;
	char command[200];

	for (size_t i = 0; i < FW_ARRAY_SIZE(others); i++) {
		struct fw_ruleset *rs = big_ruleset(live, true, false);

		live_must("nft flush ruleset");
		live_apply(live, rs);
		expect_likeness(live, rs, true);
		(void)snprintf(command, sizeof(command), "nft '%s'", others[i]);
		live_must(command);
		expect_likeness(live, rs, false);
	}
}

static void test_likeness_of_an_open_range(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *open = big_ruleset(live, true, true), *closed = big_ruleset(live, true, false);

	live_apply(live, open);
	expect_likeness(live, open, true);
	expect_likeness(live, closed, false);
	live_round_trip(live, closed);
	expect_likeness(live, closed, true);
	expect_likeness(live, open, false);
}

static void test_many_rules(void **state)
{
	struct fw_ruleset *rs = live_ruleset(*state);
	char name[32];

	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "leaf-%d", i);
		live_chain(rs, name);
		LIVE_RULE(rs, name, LIVE_COUNTER, LIVE_VERDICT(NF_ACCEPT))->tag.owner = FW_RS_RULE;
		LIVE_RULE(rs, "input", LIVE_META(NFT_META_L4PROTO), LIVE_EQ((uint8_t)i), LIVE_GOTO(NFT_JUMP, name));
	}
	live_round_trip(*state, rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_no_table),     LIVE_TEST(test_chains),        LIVE_TEST(test_loads_and_tests), LIVE_TEST(test_actions),
		LIVE_TEST(test_user_data),    LIVE_TEST(test_objects),       LIVE_TEST(test_sets),	      LIVE_TEST(test_verdict_maps),
		LIVE_TEST(test_dynamic_sets), LIVE_TEST(test_changes),       LIVE_TEST(test_flush),	      LIVE_TEST(test_counter_values),
		LIVE_TEST(test_big_hash),     LIVE_TEST(test_big_interval), LIVE_TEST(test_many_rules),
		LIVE_TEST(test_likeness_of_hashes), LIVE_TEST(test_likeness_of_ranges), LIVE_TEST(test_likeness_of_an_open_range),
	};

	live_refuse_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
