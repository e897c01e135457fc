/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named counters and maps to them, keys of several parts: into a real kernel and back, by our netlink and by nft from what we print; and from
 * one table to another, where the kernel insists on an order and counters keep their counts. */
#include "live.h"

static const struct fw_span line_seven = { .source = 1, .offset = 70, .len = 7 };

#define PART_META(k, r) { .kind = FW_RS_META, .meta = { .key = (k), .dreg = (r) } }
#define PART(b, o, l, r) { .kind = FW_RS_PAYLOAD, .payload = { .base = (b), .offset = (o), .len = (l), .dreg = (r) } }
#define WHAT PART_META(NFT_META_L4PROTO, NFT_REG_1), PART(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG32_01)
#define WHAT_FROM4 WHAT, PART(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG32_02)
#define WHAT_FROM6 WHAT, PART(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, NFT_REG32_02)
#define WHAT_TO6 WHAT, PART(NFT_PAYLOAD_NETWORK_HEADER, 24, 16, NFT_REG32_02)
#define MASK4(r, ...) { .kind = FW_RS_BITWISE, .bitwise = { .sreg = (r), .dreg = (r), .mask = LIVE_BYTES(__VA_ARGS__), .xor_bits = { .len = 4 } } }
#define MASK6(r, ...) { .kind = FW_RS_BITWISE, .bitwise = { .sreg = (r), .dreg = (r), .mask = { { __VA_ARGS__ }, 16 }, .xor_bits = { .len = 16 } } }
#define LIVE_VMAP(name) { .kind = FW_RS_LOOKUP, .lookup = { .set = (name), .sreg = NFT_REG_1, .dreg = NFT_REG_VERDICT, .has_dreg = true } }
#define COUNT_BY(name) { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .set = (name), .sreg = NFT_REG_1 } }
#define COUNT(n) { .kind = FW_RS_OBJREF, .objref = { .type = NFT_OBJECT_COUNTER, .name = (n) } }
#define IS_IPV4 LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV4)
#define IS_IPV6 LIVE_META(NFT_META_NFPROTO), LIVE_EQ(NFPROTO_IPV6)

static struct fw_rs_object *counter(struct fw_ruleset *rs, const char *name)
{
	struct fw_rs_object *object = fw_ruleset_add_object(rs, name);

	assert_non_null(object);
	object->kind = FW_RS_OBJECT_COUNTER;
	return object;
}

static struct fw_rs_set *counters_by(struct fw_ruleset *rs, const char *name, enum fw_rs_key key, struct fw_rs_elements elements)
{
	struct fw_rs_set *set = live_set(rs, name, key);

	set->data = elements.verdicts ? FW_RS_VERDICTS : FW_RS_COUNTERS;
	set->elements = elements;
	return set;
}

static uint64_t packets_of(struct live *live, const char *name)
{
	uint32_t generation;
	const struct fw_rs_object *object = fw_ruleset_object(live_snapshot(live, &generation), name);

	assert_non_null(object);
	return object->counter.packets;
}

static const uint8_t whats[] = { 6, 0, 0, 0, 0, 22, 0, 0, 17, 0, 0, 0, 0, 53, 0, 0 };
static const uint8_t from4[] = { 6, 0, 0, 0, 0, 22, 0, 0, 10, 0, 0, 0, 6, 0, 0, 0, 0, 22, 0, 0, 192, 0, 2, 0 };
static const uint8_t from6[48] = { [0] = 6, [5] = 22, [8] = 0x20, [9] = 1, [10] = 0xd, [11] = 0xb8, [24] = 6, [29] = 80, [32] = 0x20, [33] = 1, [34] = 0xd, [35] = 0xb8 };
static const uint8_t ports[] = { 0, 22, 0, 25, 0, 80, 0, 80 };
static const char *const both[] = { "rule-a", "rule-b" };

/* All kinds of them. Tags are what nft cannot say. */
static struct fw_ruleset *everything(struct live *live, bool tagged)
{
	static const struct fw_rs_verdict verdicts[] = { { .code = NFT_GOTO, .chain = "src" }, { .code = NF_ACCEPT } };
	static const struct fw_rs_verdict leads[] = { { .code = NFT_JUMP, .chain = "leaf" }, { .code = NF_DROP } };
	struct fw_ruleset *rs = live_ruleset(live);

	counter(rs, "rule-a")->comment = "allow ssh from 10.0.0.0/24";
	counter(rs, "rule-b");
	if (tagged)
		fw_ruleset_object(rs, "rule-a")->tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_HIT, "0123456789abcdef" };
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	live_chain(rs, "src");
	live_chain(rs, "leaf");
	counters_by(rs, "what", FW_RS_KEY_WHAT, (struct fw_rs_elements){ .keys = whats, .len = 2, .verdicts = verdicts })->size = 30;
	counters_by(rs, "v6-64", FW_RS_KEY_WHAT_IPV6, (struct fw_rs_elements){ .keys = from6, .len = 2, .verdicts = leads });
	counters_by(rs, "m4-24", FW_RS_KEY_WHAT_IPV4, (struct fw_rs_elements){ .keys = from4, .len = 2, .objects = both })->size = 100;
	counters_by(rs, "m6-128", FW_RS_KEY_WHAT_IPV6, (struct fw_rs_elements){ .keys = from6, .len = 2, .objects = both });
	counters_by(rs, "m-ports", FW_RS_KEY_SERVICE, (struct fw_rs_elements){ .keys = ports, .len = 2, .objects = both })->interval = true;
	live_set(rs, "empty", FW_RS_KEY_WHAT)->data = FW_RS_COUNTERS;
	live_set(rs, "set-what", FW_RS_KEY_WHAT)->elements = (struct fw_rs_elements){ .keys = whats, .len = 2 };
	LIVE_RULE(rs, "input", WHAT, LIVE_VMAP("what"));
	LIVE_RULE(rs, "input", WHAT, LIVE_IN("set-what"), LIVE_VERDICT(NF_DROP));
	LIVE_RULE(rs, "src", IS_IPV4, WHAT_FROM4, MASK4(NFT_REG32_02, 255, 255, 255, 0), COUNT_BY("m4-24"), LIVE_VERDICT(NF_ACCEPT));
	LIVE_RULE(rs, "src", IS_IPV6, WHAT_FROM6, MASK6(NFT_REG32_02, 255, 255, 255, 255, 255, 255, 255, 255), LIVE_VMAP("v6-64"));
	LIVE_RULE(rs, "src", IS_IPV6, WHAT_TO6, COUNT_BY("m6-128"), LIVE_VERDICT(NF_ACCEPT));
	LIVE_RULE(rs, "src", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(6), LIVE_LOAD(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2), COUNT_BY("m-ports"),
		  LIVE_VERDICT(NF_DROP));
	LIVE_RULE(rs, "leaf", LIVE_META(NFT_META_IIF), LIVE_EQ(1, 0, 0, 0), COUNT("rule-a"), LIVE_VERDICT(NF_ACCEPT));
	LIVE_RULE(rs, "leaf", LIVE_META(NFT_META_IIF),
		  { .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_NEQ, .sreg = NFT_REG_1, .data = LIVE_BYTES(1, 0, 0, 0) } }, COUNT("rule-b"));
	LIVE_RULE(rs, "leaf", { .kind = FW_RS_CT, .ct = { .key = NFT_CT_STATE, .dreg = NFT_REG_1 } }, MASK4(NFT_REG_1, 2, 0, 0, 0),
		  { .kind = FW_RS_CMP, .cmp = { .op = NFT_CMP_NEQ, .sreg = NFT_REG_1, .data = LIVE_BYTES(0, 0, 0, 0) } }, COUNT("rule-b"),
		  LIVE_VERDICT(NF_ACCEPT));
	return rs;
}

static void test_everything(void **state)
{
	struct live *live = *state;
	const struct fw_rs_object *read;
	uint32_t generation;
	const char *text;

	live_round_trip(live, everything(live, true));
	read = fw_ruleset_object(live_snapshot(live, &generation), "rule-a");
	assert_string_equal(read->comment, "allow ssh from 10.0.0.0/24");
	assert_string_equal(read->tag.id, "0123456789abcdef");
	text = live_output(live, "nft list table inet fwctl");
	live_expect_line(text, "comment \"allow ssh from 10.0.0.0/24\"");
	live_expect_line(text, "type inet_proto . inet_service . ipv4_addr : counter");
	live_expect_line(text, "tcp . 22 . 10.0.0.0 : \"rule-a\"");
	live_expect_line(text, "udp . 53 : accept");
	live_expect_line(text, "tcp . 22 . 2001:db8:: : jump leaf");
	live_expect_line(text, "22-25 : \"rule-a\"");
	live_expect_line(text, "\t\tcounter name meta l4proto . th dport . ip saddr & 255.255.255.0 map @m4-24 accept");
	live_expect_line(text, "meta l4proto . th dport . ip6 saddr & ffff:ffff:ffff:ffff:: vmap @v6-64");
	live_expect_line(text, "iif \"lo\" counter name \"rule-a\" accept");
	live_expect_line(text, "ct state established counter name \"rule-b\" accept");
}

/* nft loads what is printed, and makes of it what our own netlink makes. */
static void test_printed(void **state)
{
	struct live *live = *state;
	struct fw_buf text FW_CLEANUP(fw_buf_done);
	struct fw_changes changes;
	uint32_t generation;
	FILE *nft;

	fw_buf_init(&text, 1u << 20);
	fw_ruleset_print_nft(everything(live, false), &text);
	assert_int_equal(text.error, 0);
	nft = popen("nft -f -", "w");
	assert_non_null(nft);
	assert_int_equal(fwrite(text.data, 1, text.len, nft), text.len);
	assert_int_equal(pclose(nft), 0);
	changes = live_changes(live, everything(live, false), &generation);
	for (size_t i = 0; i < changes.list.len; i++) {
		const struct fw_change *change = fw_vec_at(&changes.list, i);

		print_message("differs: kind %d chain %s set %s object %s\n", change->kind, change->chain ? change->chain->name : "-",
			      change->set ? change->set->name : "-", change->object ? change->object->name : "-");
	}
	assert_int_equal(changes.list.len, 0);
}

/* What each command needs, and no more. */
static void test_parts_of_a_snapshot(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = everything(live, true), *have = NULL;
	uint32_t generation;

	live_chain(rs, FW_MANIFEST_CHAIN);
	live_rule(rs, FW_MANIFEST_CHAIN, NULL, 0)->tag.owner = FW_RS_MANIFEST;
	live_round_trip(live, rs);
	assert_int_equal(fw_kernel_snapshot(live->kernel, live->arena, 0, &have, &generation), 0);
	assert_int_equal(have->objects.len, 0);
	assert_int_equal(have->sets.len, rs->sets.len);
	assert_int_equal(have->chains.len, rs->chains.len);
	assert_int_equal(fw_ruleset_chain(have, FW_MANIFEST_CHAIN)->rules.len, 0);
	assert_int_equal(fw_kernel_snapshot(live->kernel, live->arena, FW_SNAPSHOT_MANIFEST, &have, &generation), 0);
	assert_int_equal(have->objects.len, 0);
	assert_int_equal(fw_ruleset_chain(have, FW_MANIFEST_CHAIN)->rules.len, 1);
	assert_int_equal(fw_ruleset_chain(have, "src")->rules.len, 0);
	assert_int_equal(fw_ruleset_set(have, "m4-24")->elements.len, 0);
	assert_int_equal(fw_kernel_snapshot(live->kernel, live->arena, FW_SNAPSHOT_RULES, &have, &generation), 0);
	assert_int_equal(have->objects.len, 2);
	assert_int_equal(fw_ruleset_chain(have, FW_MANIFEST_CHAIN)->rules.len, 1);
	assert_int_equal(fw_ruleset_chain(have, "src")->rules.len, 4);
}

/* A manifest that is not there has no rules; so has a table that is not. */
static void test_no_manifest(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *have = NULL;
	uint32_t generation;

	assert_int_equal(fw_kernel_snapshot(live->kernel, live->arena, FW_SNAPSHOT_MANIFEST, &have, &generation), 0);
	assert_null(have);
	live_round_trip(live, everything(live, true));
	assert_int_equal(fw_kernel_snapshot(live->kernel, live->arena, FW_SNAPSHOT_MANIFEST, &have, &generation), 0);
	assert_null(fw_ruleset_chain(have, FW_MANIFEST_CHAIN));
	assert_int_equal(fw_ruleset_chain(have, "src")->rules.len, 0);
}

static struct fw_vec counts_of(struct live *live)
{
	struct fw_vec counts;
	uint32_t generation, now;

	fw_vec_init(&counts, live->arena, sizeof(struct fw_count));
	assert_int_equal(fw_kernel_counts(live->kernel, &counts, &generation), 0);
	assert_int_equal(fw_kernel_generation(live->kernel, &now), 0);
	assert_int_equal(generation, now);
	return counts;
}

/* Counts alone: of counters with a tag, in our table. */
static void test_counts_alone(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = everything(live, true);
	const struct fw_count *count;
	struct fw_vec counts;

	assert_int_equal(counts_of(live).len, 0); /* no table */
	fw_ruleset_object(rs, "rule-a")->counter.packets = 5;
	fw_ruleset_object(rs, "rule-a")->counter.bytes = 500;
	fw_ruleset_add_object(rs, "limit-a")->limit = (struct fw_rs_limit){ .rate = 3, .unit_s = 1, .burst = 9 };
	fw_ruleset_object(rs, "limit-a")->tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_NONE, "1" };
	live_round_trip(live, rs);
	live_must("nft 'add table inet other; add counter inet other rule-a { packets 9 bytes 9; }; add counter inet fwctl foreign { packets 8 bytes 8; }'");
	counts = counts_of(live);
	assert_int_equal(counts.len, 1);
	count = fw_vec_at(&counts, 0);
	assert_string_equal(count->tag.id, "0123456789abcdef");
	assert_int_equal(count->tag.owner, FW_RS_RULE);
	assert_int_equal(count->tag.role, FW_RS_ROLE_HIT);
	assert_int_equal(count->packets, 5);
	assert_int_equal(count->bytes, 500);
}

/* A packet is counted by the counter that its key leads to, and by no other. */
static void test_counts(void **state)
{
	static const uint8_t keys[] = { 17, 0, 0, 0, 0, 9, 0, 0, 127, 0, 0, 0, 17, 0, 0, 0, 0, 10, 0, 0, 127, 0, 0, 0 };
	struct live *live = *state;
	struct fw_ruleset *rs = live_ruleset(live);

	counter(rs, "rule-a");
	counter(rs, "rule-b");
	live_base(rs, "output", NF_INET_LOCAL_OUT, 0);
	counters_by(rs, "m4-8", FW_RS_KEY_WHAT_IPV4, (struct fw_rs_elements){ .keys = keys, .len = 2, .objects = both });
	LIVE_RULE(rs, "output", IS_IPV4, WHAT_FROM4, MASK4(NFT_REG32_02, 255, 0, 0, 0), COUNT_BY("m4-8"), LIVE_VERDICT(NF_ACCEPT));
	live_round_trip(live, rs);
	live_must("ip link set lo up");
	live_must("bash -c 'exec 3>/dev/udp/127.0.0.1/9; echo >&3; exec 4>/dev/udp/127.0.0.1/10; echo >&4; exec 5>/dev/udp/127.0.0.1/10; echo >&5; exec 6>/dev/udp/127.0.0.1/11; echo >&6'");
	assert_int_equal(packets_of(live, "rule-a"), 1);
	assert_int_equal(packets_of(live, "rule-b"), 2);
	live_round_trip(live, rs);
}

static void test_missing_counter(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = live_ruleset(live);
	struct fw_kernel_error refused;
	uint32_t generation;

	counter(rs, "rule-a");
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	counters_by(rs, "m4-24", FW_RS_KEY_WHAT_IPV4, (struct fw_rs_elements){ .keys = from4, .len = 2, .objects = both })->origin = line_seven;
	assert_int_equal(live_try(live, rs, &refused), -ENOENT);
	assert_memory_equal(&refused.origin, &line_seven, sizeof(line_seven));
	live_expect_line(refused.what, "elements of set 'm4-24': ");
	assert_null(live_snapshot(live, &generation));
}

/* --- from one table to another --- */

/* Two maps with rules that ask them; `first` of the two elements are in the one, the rest in the other. Counters begin at 5 and 7 packets. */
static struct fw_ruleset *two_maps(struct live *live, size_t first, uint8_t mask)
{
	static const uint64_t begin[] = { 5, 7 };
	struct fw_ruleset *rs = live_ruleset(live);

	for (size_t i = 0; i < 2; i++) {
		counter(rs, both[i])->counter.packets = begin[i];
		fw_ruleset_object(rs, both[i])->tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_HIT, "1" };
	}
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	counters_by(rs, "m-one", FW_RS_KEY_WHAT_IPV4, (struct fw_rs_elements){ .keys = from4, .len = first, .objects = both });
	counters_by(rs, "m-two", FW_RS_KEY_WHAT_IPV4, (struct fw_rs_elements){ .keys = from4 + 12 * first, .len = 2 - first, .objects = both + first });
	LIVE_RULE(rs, "input", IS_IPV4, WHAT_FROM4, MASK4(NFT_REG32_02, 255, 255, 255, mask), COUNT_BY("m-one"), LIVE_VERDICT(NF_ACCEPT));
	LIVE_RULE(rs, "input", IS_IPV4, WHAT_FROM4, COUNT_BY("m-two"), LIVE_VERDICT(NF_ACCEPT));
	return rs;
}

static void expect_counts(struct live *live, uint64_t a, uint64_t b)
{
	assert_int_equal(packets_of(live, "rule-a"), a);
	assert_int_equal(packets_of(live, "rule-b"), b);
}

/* Counters keep their counts while their elements move to another map, rules are made anew, and a map is made anew with another size. */
static void test_counters_outlive_edits(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs;

	live_round_trip(live, two_maps(live, 2, 0));
	expect_counts(live, 5, 7);
	for (size_t first = 0; first <= 2; first++) {
		live_round_trip(live, two_maps(live, first, (uint8_t)(first * 16)));
		expect_counts(live, 5, 7);
	}
	rs = two_maps(live, 1, 0);
	fw_ruleset_set(rs, "m-one")->size = 77;
	fw_ruleset_set(rs, "m-two")->data = FW_RS_NO_DATA; /* and a set in place of a map */
	fw_ruleset_set(rs, "m-two")->elements.objects = NULL;
	((struct fw_rs_rule *)fw_vec_at(&fw_ruleset_chain(rs, "input")->rules, 1))->expr_count = 0;
	live_round_trip(live, rs);
	expect_counts(live, 5, 7);
	live_round_trip(live, two_maps(live, 0, 0));
	expect_counts(live, 5, 7);
}

/* One whose tag is another's is made anew, below all that names it. */
static void test_counter_made_anew(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = two_maps(live, 1, 0);

	live_round_trip(live, two_maps(live, 1, 0));
	fw_ruleset_object(rs, "rule-a")->tag.owner = FW_RS_BLOCK;
	fw_ruleset_object(rs, "rule-a")->counter.packets = 100;
	fw_ruleset_object(rs, "rule-b")->counter.packets = 200; /* stays, and keeps its count */
	live_round_trip(live, rs);
	expect_counts(live, 100, 7);
}

/* Maps, their counters, what asks them and what they lead to, all at once. */
static void test_all_goes(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *bare = live_ruleset(live);

	live_base(bare, "input", NF_INET_LOCAL_IN, 0);
	live_round_trip(live, everything(live, true));
	live_round_trip(live, bare);
	live_round_trip(live, everything(live, true));
	live_round_trip(live, two_maps(live, 1, 0));
	live_round_trip(live, everything(live, false));
}

/* --- any table to any other --- */

struct random {
	uint64_t state;
};

static unsigned int draw(struct random *r, unsigned int bound)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (unsigned int)(r->state >> 33) % bound;
}

static const char *numbered(const struct fw_ruleset *rs, const char *kind, unsigned int number)
{
	const char *name = fw_arena_printf(rs->arena, "%s-%u", kind, number);

	assert_non_null(name);
	return name;
}

/* One of what `rs` has of a kind, or NULL. */
static const char *draw_counter(const struct fw_ruleset *rs, struct random *r)
{
	return rs->objects.len ? ((const struct fw_rs_object *)fw_vec_at(&rs->objects, draw(r, (unsigned int)rs->objects.len)))->name : NULL;
}

static const char *draw_leaf(const struct fw_ruleset *rs, struct random *r)
{
	const struct fw_rs_chain *chain = fw_vec_at(&rs->chains, draw(r, (unsigned int)rs->chains.len));

	return chain->base ? NULL : chain->name;
}

static void random_map(struct fw_ruleset *rs, struct random *r, unsigned int number)
{
	const bool verdicts = number % 2;
	uint8_t *keys = fw_arena_alloc(rs->arena, 12, 12);
	struct fw_rs_verdict *leads = fw_arena_alloc(rs->arena, 12, sizeof(*leads));
	const char **objects = fw_arena_alloc(rs->arena, 12, sizeof(*objects));
	struct fw_rs_set *set;
	size_t len = 0;

	for (uint8_t i = 0; i < 12; i++) {
		const char *leaf = draw_leaf(rs, r), *object = draw_counter(rs, r);

		if (draw(r, 3) == 0 || (!verdicts && !object))
			continue;
		memcpy(keys + 12 * len, (const uint8_t[]){ 6, 0, 0, 0, 0, i, 0, 0, 10, 0, 0, i }, 12);
		leads[len] = leaf ? (struct fw_rs_verdict){ NFT_GOTO, leaf } : (struct fw_rs_verdict){ NF_DROP, NULL };
		objects[len++] = object;
	}
	set = live_set(rs, numbered(rs, "m", number), FW_RS_KEY_WHAT_IPV4);
	set->data = verdicts ? FW_RS_VERDICTS : FW_RS_COUNTERS;
	set->size = draw(r, 4) ? 0 : 64;
	set->elements = (struct fw_rs_elements){ keys, len, verdicts ? leads : NULL, verdicts ? NULL : objects };
	if (verdicts)
		LIVE_RULE(rs, "input", WHAT_FROM4, LIVE_VMAP(set->name));
	else
		LIVE_RULE(rs, "input", WHAT_FROM4, COUNT_BY(set->name), LIVE_VERDICT(NF_ACCEPT));
}

static struct fw_ruleset *random_table(struct live *live, struct random *r)
{
	struct fw_ruleset *rs = live_ruleset(live);

	for (unsigned int i = 0; i < 6; i++)
		if (draw(r, 3))
			counter(rs, numbered(rs, "c", i))->tag.role = draw(r, 5) ? FW_RS_ROLE_HIT : FW_RS_ROLE_OVER;
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	for (unsigned int i = 0; i < 4; i++) {
		const char *name = numbered(rs, "leaf", i), *object = draw_counter(rs, r);

		if (draw(r, 3) == 0)
			continue;
		live_chain(rs, name);
		if (object)
			LIVE_RULE(rs, name, COUNT(object), LIVE_VERDICT(NF_ACCEPT));
	}
	for (unsigned int i = 0; i < 4; i++)
		if (draw(r, 4))
			random_map(rs, r, i);
	return rs;
}

static void test_random_tables(void **state)
{
	struct live *live = *state;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct random r = { seed * 0x9e3779b97f4a7c15u };

		for (int step = 0; step < 10; step++)
			live_round_trip(live, random_table(live, &r));
	}
}

/* As many as a big policy has. */
static void test_many_counters(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = live_ruleset(live);
	const uint32_t count = 10000;
	uint8_t *keys = fw_arena_alloc(live->arena, count, 12);
	const char **objects = fw_arena_alloc(live->arena, count, sizeof(*objects));

	for (uint32_t i = 0; i < count; i++) {
		memcpy(keys + 12 * i, (const uint8_t[]){ 6, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i, 0, 0, 10, 0, 0, 0 }, 12);
		objects[i] = numbered(rs, "rule", i);
		counter(rs, objects[i])->comment = "allow 22/tcp from 10.0.0.0/24";
		fw_ruleset_object(rs, objects[i])->tag = (struct fw_rs_tag){ FW_RS_RULE, FW_RS_ROLE_HIT, "0123456789abcdef" };
	}
	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	counters_by(rs, "m4-24", FW_RS_KEY_WHAT_IPV4, (struct fw_rs_elements){ .keys = keys, .len = count, .objects = objects })->size = 12000;
	LIVE_RULE(rs, "input", IS_IPV4, WHAT_FROM4, COUNT_BY("m4-24"), LIVE_VERDICT(NF_ACCEPT));
	live_round_trip(live, rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_everything),	    LIVE_TEST(test_printed),	       LIVE_TEST(test_parts_of_a_snapshot),
		LIVE_TEST(test_no_manifest),	    LIVE_TEST(test_counts),	       LIVE_TEST(test_counts_alone),	       LIVE_TEST(test_missing_counter),
		LIVE_TEST(test_counters_outlive_edits), LIVE_TEST(test_counter_made_anew), LIVE_TEST(test_all_goes),
		LIVE_TEST(test_random_tables),	    LIVE_TEST(test_many_counters),
	};

	live_refuse_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
