/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy says of one packet, held against the language's words, case by case: blocks, rules in order, ping, default; and at the
 * borders of every condition. */
#include "proof/decide.h"
#include "test_policy.h"

#define MONDAY INT64_C(1767571200) /* 2026-01-05 00:00 UTC */
#define HOUR 3600
#define DAY (24 * HOUR)

static struct fw_u128 address_of(const char *text, enum fw_family *ret_family)
{
	struct fw_range range;

	assert_int_equal(fw_addr_parse(fw_str_from(text), ret_family, &range), FW_ADDR_OK);
	return range.low;
}

/* TCP to port 22, in on eth0, from a high port. */
static struct fw_packet packet_of(const char *from, const char *to)
{
	struct fw_packet packet = { .direction = FW_IN, .proto = 6, .source_port = 40000, .port = 22, .on = "eth0", .leaving = "", .now = MONDAY };

	packet.from = address_of(from, &packet.family);
	packet.to = address_of(to, &packet.family);
	return packet;
}

static struct fw_packet any_packet(void)
{
	return packet_of("203.0.113.7", "192.0.2.1");
}

static struct fw_decision decide(const struct fw_policy *policy, struct fw_packet packet)
{
	return fw_decide(policy, &packet, NULL, NULL);
}

static bool allowed(const struct fw_policy *policy, struct fw_packet packet)
{
	return decide(policy, packet).verdict == FW_ALLOW;
}

static void test_default(void **state)
{
	struct world *world = *state;
	struct fw_packet packet = any_packet();
	const struct fw_policy *policy = load(world, "default in reject\ndefault out deny\ndefault forward allow\n");
	const enum fw_verdict wanted[FW_DIRECTIONS] = { [FW_IN] = FW_REJECT, [FW_OUT] = FW_DENY, [FW_FORWARD] = FW_ALLOW };

	for (unsigned int d = 0; d < FW_DIRECTIONS; d++) {
		packet.direction = (enum fw_direction)d;
		const struct fw_decision decision = decide(policy, packet);
		assert_int_equal(decision.by, FW_BY_DEFAULT);
		assert_int_equal(decision.verdict, wanted[d]);
		assert_null(decision.rule);
		assert_null(decision.block);
	}
}

static void test_first_rule(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "reject ssh from 203.0.113.7\nallow ssh from 203.0.113.0/24\ndeny ssh\nallow out ssh\n");
	struct fw_packet packet = any_packet();
	struct fw_decision decision = decide(policy, packet);

	assert_int_equal(decision.by, FW_BY_RULE);
	assert_int_equal(decision.verdict, FW_REJECT);
	assert_ptr_equal(decision.rule, policy->rules[FW_IN][0]);
	decision = decide(policy, packet_of("203.0.113.8", "192.0.2.1"));
	assert_int_equal(decision.verdict, FW_ALLOW);
	assert_ptr_equal(decision.rule, policy->rules[FW_IN][1]);
	decision = decide(policy, packet_of("198.51.100.1", "192.0.2.1"));
	assert_ptr_equal(decision.rule, policy->rules[FW_IN][2]);
	assert_int_equal(decision.verdict, FW_DENY);
	packet.direction = FW_OUT;
	assert_ptr_equal(decide(policy, packet).rule, policy->rules[FW_OUT][0]);
	packet.port = 23;
	assert_int_equal(decide(policy, packet).by, FW_BY_DEFAULT);
}

/* Limits count as not reached. */
static void test_limits(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh rate 1/day connections 1\n");

	for (int i = 0; i < 3; i++)
		assert_true(allowed(policy, any_packet()));
}

static void test_addresses(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "group friends = 198.51.100.8-198.51.100.11, 2001:db8:1::/48 except 198.51.100.10\n"
						     "allow ssh from 203.0.113.4/30, friends except 203.0.113.6, 2001:db8:1:2::/64 to any except 192.0.2.9\n");

	assert_false(allowed(policy, packet_of("203.0.113.3", "192.0.2.1")));
	assert_true(allowed(policy, packet_of("203.0.113.4", "192.0.2.1")));
	assert_false(allowed(policy, packet_of("203.0.113.6", "192.0.2.1")));
	assert_true(allowed(policy, packet_of("203.0.113.7", "192.0.2.1")));
	assert_false(allowed(policy, packet_of("203.0.113.8", "192.0.2.1")));
	assert_false(allowed(policy, packet_of("198.51.100.7", "192.0.2.1")));
	assert_true(allowed(policy, packet_of("198.51.100.11", "192.0.2.1")));
	assert_false(allowed(policy, packet_of("198.51.100.10", "192.0.2.1")));
	assert_false(allowed(policy, packet_of("198.51.100.12", "192.0.2.1")));
	assert_true(allowed(policy, packet_of("2001:db8:1::", "2001:db8::1")));
	assert_true(allowed(policy, packet_of("2001:db8:1:ffff:ffff:ffff:ffff:ffff", "2001:db8::1")));
	assert_false(allowed(policy, packet_of("2001:db8:1:2::5", "2001:db8::1")));
	assert_false(allowed(policy, packet_of("2001:db8:2::", "2001:db8::1")));
	assert_false(allowed(policy, packet_of("203.0.113.4", "192.0.2.9")));
	/* numbers are not taken for those of the other family */
	assert_false(allowed(policy, packet_of("::cb00:7104", "2001:db8::1")));
}

static void test_families(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh over ipv6\nallow out icmp\nallow out icmpv6\n");
	struct fw_packet packet = any_packet();

	assert_false(allowed(policy, packet));
	assert_true(allowed(policy, packet_of("2001:db8::7", "2001:db8::1")));
	policy = load(world, "default out deny\nallow out icmp\nallow out echo-request/icmpv6\n");
	packet.direction = FW_OUT;
	packet.proto = 1;
	assert_true(allowed(policy, packet));
	packet.proto = 58; /* of the wrong family */
	packet.port = 128;
	assert_false(allowed(policy, packet));
	packet = packet_of("2001:db8::7", "2001:db8::1");
	packet.direction = FW_OUT;
	packet.proto = 58;
	packet.port = 128;
	assert_true(allowed(policy, packet));
	packet.port = 129;
	assert_false(allowed(policy, packet));
	packet.proto = 1;
	assert_false(allowed(policy, packet));
}

static bool allowed_port(const struct fw_policy *policy, uint8_t proto, uint16_t port)
{
	struct fw_packet packet = any_packet();

	packet.proto = proto;
	packet.port = port;
	return allowed(policy, packet);
}

static void test_what(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow 80/tcp, 6660-6669/tcp+udp, gre, 89/ip, 0/udp, 65535/udp\n");

	assert_true(allowed_port(policy, 6, 80));
	assert_false(allowed_port(policy, 17, 80));
	assert_false(allowed_port(policy, 132, 80));
	assert_false(allowed_port(policy, 6, 79));
	assert_false(allowed_port(policy, 6, 81));
	for (uint16_t port = 6659; port <= 6670; port++) {
		assert_int_equal(allowed_port(policy, 6, port), port >= 6660 && port <= 6669);
		assert_int_equal(allowed_port(policy, 17, port), port >= 6660 && port <= 6669);
	}
	assert_true(allowed_port(policy, 47, 0));
	assert_true(allowed_port(policy, 47, 12345)); /* a protocol without ports: whatever stands there */
	assert_true(allowed_port(policy, 89, 0));
	assert_false(allowed_port(policy, 90, 0));
	assert_true(allowed_port(policy, 17, 0));
	assert_true(allowed_port(policy, 17, 65535));
	assert_false(allowed_port(policy, 6, 65535));
	policy = load(world, "allow tcp\n");
	assert_true(allowed_port(policy, 6, 0) && allowed_port(policy, 6, 65535));
	assert_false(allowed_port(policy, 17, 53));
	policy = load(world, "allow any\n");
	assert_true(allowed_port(policy, 253, 0));
}

static void test_source_port(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow any source-port 1024-2047\nallow out any source-port 68\ndefault out deny\n");
	struct fw_packet packet = any_packet();

	for (uint16_t port = 1020; port < 1030; port++) {
		packet.source_port = port;
		assert_int_equal(allowed(policy, packet), port >= 1024);
	}
	packet.source_port = 2047;
	assert_true(allowed(policy, packet));
	packet.proto = 136;
	assert_true(allowed(policy, packet));
	packet.proto = 47; /* has none */
	assert_false(allowed(policy, packet));
	packet.proto = 6;
	packet.source_port = 2048;
	assert_false(allowed(policy, packet));
}

static bool allowed_on(const struct fw_policy *policy, const char *on)
{
	struct fw_packet packet = any_packet();

	packet.on = on;
	return allowed(policy, packet);
}

static void test_interfaces(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "zone inside = eth1, wg*\nallow ssh on inside except wg-guest, eth1.*\n");

	assert_true(allowed_on(policy, "eth1"));
	assert_false(allowed_on(policy, "eth10"));
	assert_false(allowed_on(policy, "eth"));
	assert_true(allowed_on(policy, "wg"));
	assert_true(allowed_on(policy, "wg0"));
	assert_true(allowed_on(policy, "wg-guests"));
	assert_false(allowed_on(policy, "wg-guest"));
	assert_false(allowed_on(policy, "w"));
	assert_false(allowed_on(policy, "inside"));
	assert_false(allowed_on(policy, "")); /* unknown: matches `any` only */
	policy = load(world, "allow ssh on any except eth1\n");
	assert_true(allowed_on(policy, ""));
	assert_true(allowed_on(policy, "eth2"));
	assert_false(allowed_on(policy, "eth1"));
	policy = load(world, "allow ssh\n");
	assert_true(allowed_on(policy, ""));
}

static void test_forward(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "default forward deny\nallow forward ssh on eth1 leaving eth0\nallow ssh\n");
	struct fw_packet packet = any_packet();

	packet.direction = FW_FORWARD;
	packet.on = "eth1";
	packet.leaving = "eth0";
	assert_true(allowed(policy, packet));
	packet.leaving = "eth1";
	assert_false(allowed(policy, packet));
	packet.leaving = "";
	assert_false(allowed(policy, packet));
	packet.leaving = "eth0";
	packet.on = "eth0";
	assert_false(allowed(policy, packet)); /* nor does the rule for what comes in say anything of it */
}

static void test_owner(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "default out deny\nallow out ssh as user www, 1000\nallow out http as group 0\n");
	struct fw_packet packet = any_packet();

	packet.direction = FW_OUT;
	packet.uid = 33;
	assert_false(allowed(policy, packet)); /* no socket: never */
	packet.has_owner = true;
	assert_true(allowed(policy, packet));
	packet.uid = 1000;
	assert_true(allowed(policy, packet));
	packet.uid = 999;
	packet.gid = 33;
	assert_false(allowed(policy, packet));
	packet.port = 80;
	assert_false(allowed(policy, packet));
	packet.gid = 0;
	assert_true(allowed(policy, packet));
	packet.has_owner = false; /* uid and gid 0 are not root's then */
	assert_false(allowed(policy, packet));
}

static bool allowed_at(const struct fw_policy *policy, int64_t local, int32_t offset)
{
	struct fw_packet packet = any_packet();

	packet.now = local - offset;
	packet.utc_offset = offset;
	return allowed(policy, packet);
}

static void test_during(void **state)
{
	static const int32_t offsets[] = { 0, 5 * HOUR + 2700, -9 * HOUR - 1800, 14 * HOUR, -12 * HOUR };
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh during 08:00-17:00 mon-fri\n");

	for (size_t i = 0; i < FW_ARRAY_SIZE(offsets); i++)
		for (int day = 0; day < 7; day++) {
			const int64_t midnight = MONDAY + day * DAY;
			assert_false(allowed_at(policy, midnight + 8 * HOUR - 1, offsets[i]));
			assert_int_equal(allowed_at(policy, midnight + 8 * HOUR, offsets[i]), day < 5);
			assert_int_equal(allowed_at(policy, midnight + 17 * HOUR - 1, offsets[i]), day < 5);
			assert_false(allowed_at(policy, midnight + 17 * HOUR, offsets[i]));
		}
	/* before the epoch: the 28th of December 1969 was a Sunday */
	assert_false(allowed_at(policy, -4 * DAY + 12 * HOUR, 0));
	assert_true(allowed_at(policy, -3 * DAY + 12 * HOUR, 0));
}

/* Past midnight: the day is the one on which it starts. */
static void test_during_the_night(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh during 22:00-06:00 sun\n");

	for (int day = 0; day < 7; day++) {
		const int64_t midnight = MONDAY + day * DAY;
		assert_int_equal(allowed_at(policy, midnight, 0), day == 0);
		assert_int_equal(allowed_at(policy, midnight + 6 * HOUR - 1, 0), day == 0);
		assert_false(allowed_at(policy, midnight + 6 * HOUR, 0));
		assert_false(allowed_at(policy, midnight + 22 * HOUR - 1, 0));
		assert_int_equal(allowed_at(policy, midnight + 22 * HOUR, 0), day == 6);
		assert_int_equal(allowed_at(policy, midnight + DAY - 1, 0), day == 6);
	}
	policy = load(world, "allow ssh during 12:00-12:00 mon\n"); /* a day from there */
	assert_false(allowed_at(policy, MONDAY + 12 * HOUR - 1, 0));
	assert_true(allowed_at(policy, MONDAY + 12 * HOUR, 0) && allowed_at(policy, MONDAY + 36 * HOUR - 1, 0));
	assert_false(allowed_at(policy, MONDAY + 36 * HOUR, 0));
	policy = load(world, "allow ssh during 00:00-24:00 mon\n");
	assert_false(allowed_at(policy, MONDAY - 1, 0));
	assert_true(allowed_at(policy, MONDAY, 0) && allowed_at(policy, MONDAY + DAY - 1, 0));
	assert_false(allowed_at(policy, MONDAY + DAY, 0));
}

static void test_until(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh until \"2026-01-05 12:30\"\n");
	const int64_t end = MONDAY + 12 * HOUR + 1800;

	assert_true(allowed_at(policy, end - 1, 0));
	assert_false(allowed_at(policy, end, 0));
	assert_true(allowed_at(policy, end - 1, -5 * HOUR)); /* of the local clock */
	assert_false(allowed_at(policy, end, -5 * HOUR));
	assert_true(allowed_at(policy, end - 1, 13 * HOUR));
	assert_false(allowed_at(policy, end, 13 * HOUR));
}

static void test_block(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "block 203.0.113.0/24 except 203.0.113.9\nallow any\nallow out any\ndefault forward allow\n");
	struct fw_packet packet = packet_of("203.0.113.7", "198.51.100.1");
	const struct fw_decision decision = decide(policy, packet);

	assert_int_equal(decision.by, FW_BY_BLOCK);
	assert_int_equal(decision.verdict, FW_DENY);
	assert_ptr_equal(decision.block, &policy->blocks[0]);
	assert_null(decision.rule);
	assert_true(allowed(policy, packet_of("203.0.113.9", "198.51.100.1")));
	assert_true(allowed(policy, packet_of("198.51.100.1", "203.0.113.7"))); /* in: where it comes from */
	packet.direction = FW_OUT;
	assert_true(allowed(policy, packet)); /* out: where it goes to */
	packet = packet_of("198.51.100.1", "203.0.113.7");
	packet.direction = FW_OUT;
	assert_int_equal(decide(policy, packet).by, FW_BY_BLOCK);
	packet.direction = FW_FORWARD; /* either */
	assert_int_equal(decide(policy, packet).by, FW_BY_BLOCK);
	packet = packet_of("203.0.113.7", "198.51.100.1");
	packet.direction = FW_FORWARD;
	assert_int_equal(decide(policy, packet).by, FW_BY_BLOCK);
	packet = packet_of("198.51.100.2", "198.51.100.1");
	packet.direction = FW_FORWARD;
	assert_true(allowed(policy, packet));
}

static void test_block_spares(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "block any\nallow any\n");
	struct fw_packet packet = any_packet();

	assert_int_equal(decide(policy, packet).by, FW_BY_BLOCK);
	packet.on = "lo";
	assert_int_equal(decide(policy, packet).by, FW_BY_RULE);
	packet.on = "lo0";
	assert_int_equal(decide(policy, packet).by, FW_BY_BLOCK);
	assert_true(allowed(policy, packet_of("0.0.0.0", "255.255.255.255")));
	assert_true(allowed(policy, packet_of("169.254.1.1", "192.0.2.1")));
	assert_true(allowed(policy, packet_of("fe80::1", "2001:db8::1")));
	assert_true(allowed(policy, packet_of("::", "ff02::1")));
	assert_false(allowed(policy, packet_of("2001:db8::7", "2001:db8::1")));
}

static void test_ping(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh\n");
	struct fw_packet packet = any_packet();

	packet.proto = 1;
	packet.port = 8;
	const struct fw_decision decision = decide(policy, packet);
	assert_int_equal(decision.by, FW_BY_BUILTIN);
	assert_int_equal(decision.builtin, FW_BUILTIN_PING);
	assert_int_equal(decision.verdict, FW_ALLOW);
	packet.port = 0; /* a reply that nobody asked for */
	assert_int_equal(decide(policy, packet).by, FW_BY_DEFAULT);
	packet.port = 8;
	packet.direction = FW_FORWARD;
	assert_int_equal(decide(policy, packet).by, FW_BY_DEFAULT);
	packet = packet_of("2001:db8::7", "2001:db8::1");
	packet.proto = 58;
	packet.port = 128;
	assert_int_equal(decide(policy, packet).by, FW_BY_BUILTIN);
	packet.port = 129;
	assert_int_equal(decide(policy, packet).by, FW_BY_DEFAULT);
	packet.proto = 17;
	packet.port = 128;
	assert_int_equal(decide(policy, packet).by, FW_BY_DEFAULT);
	packet.proto = 1;
	packet.port = 8;
	assert_int_equal(decide(policy, packet).by, FW_BY_DEFAULT);
	/* the policy's rules come first, the option takes it away */
	packet = any_packet();
	packet.proto = 1;
	packet.port = 8;
	assert_int_equal(decide(load(world, "deny ping\n"), packet).by, FW_BY_RULE);
	assert_int_equal(decide(load(world, "option builtin ping off\n"), packet).by, FW_BY_DEFAULT);
}

struct banned {
	const char *group;
	struct fw_u128 address;
	size_t questions;
};

static bool is_banned(void *context, const struct fw_group *group, enum fw_family family, struct fw_u128 address)
{
	struct banned *banned = context;

	banned->questions++;
	return family == FW_IPV4 && fw_str_equal(group->name, fw_str_from(banned->group)) && fw_u128_compare(address, banned->address) == 0;
}

static void test_dynamic_groups(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "group bad = dynamic\ngroup good = dynamic\nblock bad except good\nallow ssh from any except good\n");
	const struct fw_packet packet = any_packet();
	struct banned banned = { "bad", packet.from, 0 };

	assert_int_equal(fw_decide(policy, &packet, is_banned, &banned).by, FW_BY_BLOCK);
	assert_true(banned.questions > 0);
	banned.group = "good";
	assert_int_equal(fw_decide(policy, &packet, is_banned, &banned).by, FW_BY_DEFAULT);
	banned.group = "neither";
	assert_int_equal(fw_decide(policy, &packet, is_banned, &banned).by, FW_BY_RULE);
	assert_int_equal(fw_decide(policy, &packet, NULL, NULL).by, FW_BY_RULE); /* they are all empty */
}

static void test_empty_group(void **state)
{
	struct world *world = *state;
	static const struct world_file files[] = { { "empty.txt", "# nothing\n" }, { NULL, NULL } };

	world->files = files;
	const struct fw_policy *policy = load(world, "group nobody = file \"empty.txt\"\nblock nobody\nallow ssh from nobody\nallow http from any except nobody\n");
	assert_int_equal(decide(policy, any_packet()).by, FW_BY_DEFAULT);
	assert_true(allowed_port(policy, 6, 80));
}

/* One match on its own, as expectations ask for it. */
static void test_match(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh from 203.0.113.7\n");
	const struct fw_match *match = &policy->rules[FW_IN][0]->match;
	struct fw_packet packet = any_packet();

	assert_true(fw_match_packet(match, &packet, NULL, NULL));
	packet.port = 23;
	assert_false(fw_match_packet(match, &packet, NULL, NULL));
	packet = packet_of("203.0.113.8", "192.0.2.1");
	assert_false(fw_match_packet(match, &packet, NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_default),   WORLD_TEST(test_first_rule), WORLD_TEST(test_limits),     WORLD_TEST(test_addresses),
		WORLD_TEST(test_families),  WORLD_TEST(test_what),	 WORLD_TEST(test_source_port), WORLD_TEST(test_interfaces),
		WORLD_TEST(test_forward),   WORLD_TEST(test_owner),	 WORLD_TEST(test_during),     WORLD_TEST(test_during_the_night),
		WORLD_TEST(test_until),	    WORLD_TEST(test_block),	 WORLD_TEST(test_block_spares), WORLD_TEST(test_ping),
		WORLD_TEST(test_dynamic_groups), WORLD_TEST(test_empty_group), WORLD_TEST(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
