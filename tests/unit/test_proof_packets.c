/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The diagrams of policies, and what explain and diff say of them, against the plain walk through its lines (proof/decide.c): the same decider for every packet tried. Packets are made
 * of the numbers at which the policy's conditions begin and end, where a mistake would be. */
#include "proof/decide.h"
#include "proof/explain.h"
#include "proof/proof.h"
#include "test_policy.h"

#define PACKETS 3000
#define NOW 1700000000

struct numbers { /* at which something begins or ends */
	struct fw_u128 values[4096];
	size_t len;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void add_number(struct numbers *numbers, struct fw_u128 value)
{
	if (numbers->len < FW_ARRAY_SIZE(numbers->values))
		numbers->values[numbers->len++] = value;
}

static void add_set(struct numbers *numbers, struct fw_iset set)
{
	for (size_t i = 0; i < set.len; i++) {
		add_number(numbers, set.ranges[i].low);
		add_number(numbers, set.ranges[i].high);
		add_number(numbers, fw_u128_next(set.ranges[i].high));
		add_number(numbers, fw_u128_prev(set.ranges[i].low));
	}
}

struct pools {
	struct numbers addresses[FW_FAMILIES], ports, protos, ids;
};

static void add_addrs(struct pools *pools, const struct fw_addrs *addrs)
{
	for (unsigned int f = 0; f < FW_FAMILIES; f++) {
		add_set(&pools->addresses[f], addrs->literals[f]);
		add_set(&pools->addresses[f], addrs->except_literals[f]);
		for (size_t i = 0; i < addrs->group_count; i++)
			add_set(&pools->addresses[f], addrs->groups[i]->addresses[f]);
		for (size_t i = 0; i < addrs->except_group_count; i++)
			add_set(&pools->addresses[f], addrs->except_groups[i]->addresses[f]);
	}
}

static void add_match(struct pools *pools, const struct fw_match *match)
{
	add_addrs(pools, &match->from);
	add_addrs(pools, &match->to);
	add_set(&pools->ports, match->source_ports);
	add_set(&pools->ids, match->owners.ids);
	for (size_t i = 0; i < match->what.proto_count; i++) {
		add_number(&pools->protos, (struct fw_u128){ 0, match->what.protos[i].proto });
		add_set(&pools->ports, match->what.protos[i].values);
	}
}

static struct pools *make_pools(const struct fw_policy *policy)
{
	struct pools *pools = calloc(1, sizeof(*pools));
	static const uint8_t protos[] = { 1, 6, 17, 47, 58, 132 };

	assert_non_null(pools);
	for (size_t i = 0; i < FW_ARRAY_SIZE(protos); i++)
		add_number(&pools->protos, (struct fw_u128){ 0, protos[i] });
	add_number(&pools->addresses[FW_IPV4], (struct fw_u128){ 0, 0xc0000207 });
	add_number(&pools->addresses[FW_IPV6], (struct fw_u128){ 0x20010db800000000, 7 });
	add_number(&pools->ports, (struct fw_u128){ 0, 22 });
	add_number(&pools->ids, (struct fw_u128){ 0, 1000 });
	for (unsigned int d = 0; d < FW_DIRECTIONS; d++)
		for (size_t i = 0; i < policy->rule_count[d]; i++)
			add_match(pools, &policy->rules[d][i]->match);
	for (size_t i = 0; i < policy->block_count; i++)
		add_addrs(pools, &policy->blocks[i].addresses);
	return pools;
}

static struct fw_u128 pick(const struct numbers *numbers, uint64_t *random)
{
	return numbers->values[next_random(random) % numbers->len];
}

static bool has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132;
}

static struct fw_u128 pick_address(const struct pools *pools, enum fw_family family, uint64_t *random)
{
	struct fw_u128 address = pick(&pools->addresses[family], random);

	if (family == FW_IPV4)
		address = (struct fw_u128){ 0, address.lo & UINT32_MAX };
	return address;
}

/* The same packet twice: for the walk, and as a point. */
static struct fw_packet make_packet(const struct fw_proof *proof, const struct pools *pools, uint64_t *random, struct fw_proof_point *ret_point)
{
	static char names[2][16];
	struct fw_packet packet = { .now = NOW };
	const uint64_t classes = proof->space.class_count, on = next_random(random) % classes, leaving = next_random(random) % classes;

	packet.direction = (enum fw_direction)(next_random(random) % FW_DIRECTIONS);
	packet.family = (enum fw_family)(next_random(random) % FW_FAMILIES);
	packet.proto = (uint8_t)pick(&pools->protos, random).lo;
	packet.port = (uint16_t)pick(&pools->ports, random).lo;
	packet.source_port = (uint16_t)pick(&pools->ports, random).lo;
	if (!has_ports(packet.proto))
		packet.source_port = 0;
	if (packet.proto == 1 || packet.proto == 58)
		packet.port &= UINT8_MAX;
	else if (!has_ports(packet.proto))
		packet.port = 0;
	packet.from = pick_address(pools, packet.family, random);
	packet.to = pick_address(pools, packet.family, random);
	packet.has_owner = packet.direction == FW_OUT && next_random(random) % 2;
	packet.uid = (uint32_t)pick(&pools->ids, random).lo & 0x7fffffff;
	packet.gid = (uint32_t)pick(&pools->ids, random).lo & 0x7fffffff;
	fw_space_class_name(&proof->space, on, names[0]);
	fw_space_class_name(&proof->space, leaving, names[1]);
	packet.on = names[0];
	packet.leaving = packet.direction == FW_FORWARD ? names[1] : "";

	*ret_point = (struct fw_proof_point){ .direction = packet.direction };
	struct fw_u128 *values = ret_point->values;
	values[FW_LEVEL_PROTO].lo = packet.proto;
	values[FW_LEVEL_PORT].lo = packet.port;
	values[FW_LEVEL_ON].lo = on;
	values[FW_LEVEL_LEAVING].lo = leaving;
	values[FW_LEVEL_FAMILY].lo = packet.family;
	values[fw_level_from(packet.family)] = packet.from;
	values[fw_level_to(packet.family)] = packet.to;
	values[FW_LEVEL_SOURCE_PORT].lo = packet.source_port;
	values[FW_LEVEL_UID].lo = packet.has_owner ? packet.uid : FW_SPACE_NO_OWNER;
	values[FW_LEVEL_GID].lo = packet.has_owner ? packet.gid : FW_SPACE_NO_OWNER;
	return packet;
}

static void compare_packet(const struct fw_proof *proof, const struct fw_packet *packet, const struct fw_proof_point *point, size_t *compared)
{
	const struct fw_proof_direction *direction = &proof->directions[packet->direction];
	const uint32_t leaf = fw_diagram_eval(proof->space.diagram, direction->decided, point->values);

	assert_int_not_equal(leaf, FW_DIAGRAM_NONE);
	const struct fw_decider *decider = fw_vec_at(&direction->deciders, leaf >> FW_DECIDER_SHIFT);
	if (decider->kind == FW_DECIDER_BUILTIN && decider->builtin != FW_BUILTIN_PING)
		return; /* the walk leaves these out */
	const struct fw_decision decision = fw_decide(proof->policy, packet, NULL, NULL);
	if (decision.verdict != decider->verdict || decision.rule != decider->rule || decision.block != decider->block) {
		struct fw_buf words;
		fw_buf_init(&words, 4096);
		fw_proof_print_point(&proof->space, point, &words);
		print_error("%s: the walk says %s, the diagram %s\n", words.data, decision.rule ? decision.rule->text : "no rule",
			    decider->rule ? decider->rule->text : "no rule");
		fw_buf_done(&words);
		fail();
	}
	(*compared)++;
}

static struct fw_iset one(struct fw_arena *arena, struct fw_u128 value)
{
	struct fw_range *range = fw_arena_alloc(arena, 1, sizeof(*range));

	assert_non_null(range);
	*range = (struct fw_range){ value, value };
	return (struct fw_iset){ range, 1 };
}

static struct fw_ifaces one_iface(struct fw_arena *arena, const char *name)
{
	struct fw_iface *iface = fw_arena_alloc(arena, 1, sizeof(*iface));

	assert_non_null(iface);
	strncpy(iface->name, name, sizeof(iface->name) - 1);
	return (struct fw_ifaces){ .items = iface, .len = 1 };
}

static struct fw_addrs one_address(struct fw_arena *arena, enum fw_family family, struct fw_u128 address)
{
	struct fw_addrs addrs = { .families = FW_FAMILY_BIT(family) };

	addrs.literals[family] = one(arena, address);
	return addrs;
}

static struct fw_query query_of(struct fw_arena *arena, const struct fw_packet *packet)
{
	struct fw_query query = { .direction = packet->direction, .local = NOW, .says_lo = strcmp(packet->on, "lo") == 0 };
	struct fw_what_proto *proto = fw_arena_alloc(arena, 1, sizeof(*proto));

	assert_non_null(proto);
	*proto = (struct fw_what_proto){ .proto = packet->proto, .families = FW_FAMILY_BOTH, .values = one(arena, (struct fw_u128){ 0, packet->port }) };
	query.match = (struct fw_match){ .families = FW_FAMILY_BIT(packet->family), .what = { .protos = proto, .proto_count = 1 } };
	query.match.from = one_address(arena, packet->family, packet->from);
	query.match.to = one_address(arena, packet->family, packet->to);
	query.match.on = one_iface(arena, packet->on);
	query.match.leaving = packet->direction == FW_FORWARD ? one_iface(arena, packet->leaving) : (struct fw_ifaces){ .any = true };
	if (has_ports(packet->proto))
		query.match.source_ports = one(arena, (struct fw_u128){ 0, packet->source_port });
	return query;
}

/* The same question to `explain`: one answer, the walk's, and a reason for each line before it. */
static void compare_explained(const struct fw_proof *proof, const struct fw_packet *packet)
{
	const struct fw_query query = query_of(proof->arena, packet);
	struct fw_explained explained;
	size_t before = 0;
	if (packet->direction == FW_OUT) /* the owner is left out: there may be several answers */
		return;

	const struct fw_decision decision = fw_decide(proof->policy, packet, NULL, NULL);
	assert_int_equal(fw_explain(proof->arena, proof->policy, &query, &explained), 0);
	if (explained.answers.len == 0) /* a packet that there is not */
		return;
	const struct fw_answer *answer = fw_vec_at(&explained.answers, 0);
	if (explained.answers.len > 1 || (answer->decider->kind == FW_DECIDER_BUILTIN && answer->decider->builtin != FW_BUILTIN_PING))
		return; /* it depends on the hop limit, or is what the walk leaves out */
	assert_ptr_equal(answer->decider->rule, decision.rule);
	assert_ptr_equal(answer->decider->block, decision.block);
	while (decision.rule && proof->policy->rules[packet->direction][before] != decision.rule)
		before++;
	if (decision.rule)
		assert_int_equal(explained.passed.len, proof->policy->block_count + before);
}

static void compare_policy(struct world *world, const char *text)
{
	const struct fw_policy *policy = load(world, text);
	struct fw_proof proof;
	struct pools *pools = make_pools(policy);
	uint64_t random = 0x9e3779b97f4a7c15;
	size_t compared = 0;

	assert_int_equal(fw_proof_init(&proof, world->arena, policy, NOW), 0);
	for (size_t i = 0; i < PACKETS; i++) {
		struct fw_proof_point point;
		const struct fw_packet packet = make_packet(&proof, pools, &random, &point);
		compare_packet(&proof, &packet, &point, &compared);
		if (i % 100 == 0)
			compare_explained(&proof, &packet);
	}
	assert_true(compared > PACKETS / 3);
	free(pools);
	fw_proof_done(&proof);
}

static const struct world_file files[] = {
	{ "list.txt", "192.0.2.0/24\n198.51.100.7\n2001:db8::/32\n10.0.0.0-10.0.0.9\n" },
	{ 0 },
};

static void test_language(void **state)
{
	struct world *world = *state;

	world->files = files;
	compare_policy(world, "default in deny log\ndefault forward deny\ngroup office = 203.0.113.0/24, 2001:db8:10::/48\n"
			      "group blocklist = file \"list.txt\"\nservice app = 9000-9010/tcp, 9000/udp\nzone lan = eth1, wg*\n"
			      "block blocklist except office\nallow http, https\nallow ssh from office label \"office ssh\"\n"
			      "allow ssh rate 6/minute per source log\nreject auth\ndeny telnet log \"t\"\ndeny out smtp log\n"
			      "on lan {\n allow app, dns\n allow mysql from 10.1.0.0/16 except 10.1.9.0/24\n}\n"
			      "forward {\n allow ssh on lan leaving eth0\n on wg* except wg7 {\n  allow any to office\n }\n}\n");
}

static void test_everything(void **state)
{
	struct world *world = *state;

	world->files = files;
	compare_policy(world, "default out reject\nallow out dns, http\nallow out any as user www, 7\ndeny out smtp as group 5\n"
			      "allow out https from 10.0.0.0/8 except 10.0.0.9 to any except 192.0.2.0/24\n"
			      "allow 1000-2000/tcp+udp source-port 53, 1024-65535\nallow icmp, icmpv6 over ipv6\ndeny ping from 10.0.0.0/8\n"
			      "allow gre, esp from 2001:db8::/32\nallow 132/ip\nallow tcp over ipv4 on eth* except eth0\n"
			      "reject any from list except 10.0.0.4 on lo, eth0\ngroup list = file \"list.txt\"\n"
			      "allow 22/sctp until \"2020-01-01\"\nallow 22/sctp until \"2090-01-01\"\nallow any over ipv6 on wg12\n");
}

static void add_random_addrs(struct fw_buf *text, uint64_t *random, const char *word, bool ipv6)
{
	const unsigned int count = (unsigned int)(next_random(random) % 3) + 1;

	fw_buf_printf(text, " %s ", word);
	for (unsigned int i = 0; i < count; i++) {
		const unsigned int length = (unsigned int)(next_random(random) % 5) + 4, bits = (unsigned int)(next_random(random) % 256);
		const unsigned int top = bits & (0xff00u >> length) & 0xff;
		if (ipv6)
			fw_buf_printf(text, "%s%02x00::/%u", i ? ", " : "", top | 0x10, length > 4 ? 8 : 16);
		else
			fw_buf_printf(text, "%s%u.0.0.0/%u", i ? ", " : "", top, length);
	}
}

static void add_random_rule(struct fw_buf *text, uint64_t *random)
{
	static const char *const verdicts[] = { "allow", "deny", "reject" };
	static const char *const whats[] = { "any", "10-20/tcp", "15-30/tcp+udp", "icmp", "tcp", "udp", "18/tcp, gre", "echo-request/icmp, 5-25/udp" };
	static const char *const directions[] = { "", " in", " out", " forward" };
	const char *what = whats[next_random(random) % FW_ARRAY_SIZE(whats)];
	const bool ipv6 = next_random(random) % 3 == 0 && !strstr(what, "icmp");

	fw_buf_printf(text, "%s%s %s", verdicts[next_random(random) % 3], directions[next_random(random) % 4], what);
	if (next_random(random) % 2)
		add_random_addrs(text, random, "from", ipv6);
	if (next_random(random) % 3 == 0)
		add_random_addrs(text, random, "to", ipv6);
	if (next_random(random) % 4 == 0)
		fw_buf_puts(text, next_random(random) % 2 ? " on eth* except eth1" : " on eth1, wg*");
	fw_buf_putc(text, '\n');
}

static void test_random(void **state)
{
	struct world *world = *state;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		uint64_t random = seed * 0x2545f4914f6cdd1d;
		struct fw_buf text;
		fw_buf_init(&text, 1 << 20);
		for (unsigned int i = 0; i < 40; i++)
			add_random_rule(&text, &random);
		compare_policy(world, text.data);
		fw_buf_done(&text);
	}
}

static struct fw_buf random_text(uint64_t seed)
{
	uint64_t random = seed * 0x2545f4914f6cdd1d;
	struct fw_buf text;

	fw_buf_init(&text, 1 << 20);
	for (unsigned int i = 0; i < 12; i++)
		add_random_rule(&text, &random);
	return text;
}

static bool decide_alike(const struct fw_policy *const policies[2], const struct fw_packet *packet)
{
	return fw_decide(policies[0], packet, NULL, NULL).verdict == fw_decide(policies[1], packet, NULL, NULL).verdict;
}

/* A packet that the two decide differently is told by `differences`; where it says that there is none, none is found. */
static void compare_pair(struct world *world, const char *before, const char *after, bool *ret_equal)
{
	const struct fw_policy *policies[2];
	struct fw_vec differences;
	struct fw_proof proof;
	uint64_t random = 0x9e3779b97f4a7c15;
	size_t different = 0;

	policies[0] = load(world, before);
	policies[1] = load(world, after);
	assert_int_equal(fw_differences(world->arena, policies, NOW, &differences), 0);
	assert_int_equal(fw_proof_init(&proof, world->arena, policies[0], NOW), 0);
	struct pools *pools = make_pools(policies[0]);
	for (size_t i = 0; i < PACKETS; i++) {
		struct fw_proof_point point;
		const struct fw_packet packet = make_packet(&proof, pools, &random, &point);
		const uint32_t leaf = fw_diagram_eval(proof.space.diagram, proof.directions[packet.direction].decided, point.values);
		const struct fw_decider *decider = fw_vec_at(&proof.directions[packet.direction].deciders, leaf >> FW_DECIDER_SHIFT);
		if (decider->kind != FW_DECIDER_BUILTIN || decider->builtin == FW_BUILTIN_PING)
			different += !decide_alike(policies, &packet);
	}
	if (differences.len == 0)
		assert_int_equal(different, 0);
	*ret_equal = differences.len == 0;
	fw_proof_done(&proof);
	free(pools);
}

static void test_differences(void **state)
{
	struct world *world = *state;
	size_t equal = 0;
	bool same;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct fw_buf text FW_CLEANUP(fw_buf_done) = random_text(seed), changed FW_CLEANUP(fw_buf_done) = random_text(seed);
		uint64_t random = seed * 77 + 1;
		add_random_rule(&changed, &random); /* behind the others, where it may decide nothing new */
		compare_pair(world, text.data, changed.data, &same);
		equal += same;
		compare_pair(world, text.data, text.data, &same);
		assert_true(same);
	}
	assert_true(equal > 0 && equal < 40);
}

static void test_differences_told(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policies[2] = { load(world, "allow ssh\nallow http rate 6/minute\n"), NULL };
	struct fw_vec differences;

	policies[1] = load(world, "allow http rate 7/minute\nallow ssh from 10.0.0.0/8\nallow ssh over ipv6\n");
	assert_int_equal(fw_differences(world->arena, policies, NOW, &differences), 0);
	assert_int_equal(differences.len, 2);
	const struct fw_difference *first = fw_vec_at(&differences, 0), *second = fw_vec_at(&differences, 1);
	assert_string_equal(first->before->rule->text, "allow ssh");
	assert_int_equal(first->after->kind, FW_DECIDER_DEFAULT);
	assert_int_equal(first->where.words.len, 1);
	assert_string_equal(*(const char **)fw_vec_at(&first->where.words, 0), "ssh from any of ipv4 except 10.0.0.0/8");
	assert_string_equal(second->after->rule->text, "allow http rate 7/minute");
	assert_string_equal(*(const char **)fw_vec_at(&second->where.words, 0), "http");
}

int main(void)
{
	const struct CMUnitTest tests[] = { WORLD_TEST(test_language), WORLD_TEST(test_everything), WORLD_TEST(test_random),
					    WORLD_TEST(test_differences), WORLD_TEST(test_differences_told) };

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
