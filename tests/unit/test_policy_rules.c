/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, scopes, defaults, expects, blocks: what a text means. */
#include "test_policy.h"

static void test_one_line(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ftp, ssh\n");
	const struct fw_rule *rule = policy->rules[FW_IN][0];

	assert_int_equal(policy->rule_count[FW_IN], 1);
	assert_int_equal(policy->rule_count[FW_OUT] + policy->rule_count[FW_FORWARD], 0);
	assert_string_equal(what_text(world, &rule->match.what), "6:21-22");
	assert_int_equal(rule->match.families, FW_FAMILY_BOTH);
	assert_true(rule->match.from.any && rule->match.to.any && rule->match.on.any);
	assert_int_equal(rule->match.what.helper_count, 1);
	assert_string_equal(rule->match.what.helpers[0].helper, "ftp");
	assert_int_equal(rule->match.what.helpers[0].ports.ranges[0].low.lo, 21);
	assert_string_equal(rule->text, "allow ftp, ssh");
	assert_int_equal(strlen(rule->id), FW_ID_LEN);
	assert_false(policy->has_forward);
	assert_int_equal(policy->file_count, 1);
	assert_string_equal(policy->path, "policy.conf");
	assert_int_equal(world->diags.warnings, 0);
}

static void test_own_defaults(void **state)
{
	const struct fw_policy *policy = load(*state, "allow ssh\n");

	assert_int_equal(policy->defaults[FW_IN].verdict, FW_DENY);
	assert_true(policy->defaults[FW_IN].log.on);
	assert_int_equal(policy->defaults[FW_IN].log.rate.count, 10);
	assert_int_equal(policy->defaults[FW_IN].log.rate.burst, 10);
	assert_int_equal(policy->defaults[FW_IN].log.rate.unit, FW_SECOND);
	assert_false(policy->defaults[FW_IN].present || policy->defaults[FW_IN].log_said);
	assert_int_equal(policy->defaults[FW_OUT].verdict, FW_ALLOW);
	assert_false(policy->defaults[FW_OUT].log.on);
	assert_int_equal(policy->defaults[FW_FORWARD].verdict, FW_ALLOW);
	assert_false(policy->defaults[FW_FORWARD].log.on);
}

static void test_said_defaults(void **state)
{
	const struct fw_policy *policy = load(*state, "option log-default off\noption log-rate 3/minute\n"
						      "default in reject\ndefault out deny log \"gone\" rate 5/hour\n"
						      "default forward allow log\n");

	assert_true(policy->defaults[FW_IN].present);
	assert_int_equal(policy->defaults[FW_IN].verdict, FW_REJECT);
	assert_false(policy->defaults[FW_IN].log.on);
	assert_true(policy->defaults[FW_OUT].log.on && policy->defaults[FW_OUT].log_said);
	assert_string_equal(policy->defaults[FW_OUT].log.text, "gone");
	assert_int_equal(policy->defaults[FW_OUT].log.rate.count, 5);
	assert_int_equal(policy->defaults[FW_OUT].log.rate.unit, FW_HOUR);
	assert_true(policy->defaults[FW_FORWARD].log.on);
	assert_int_equal(policy->defaults[FW_FORWARD].log.rate.count, 3);
	assert_int_equal(policy->defaults[FW_FORWARD].log.rate.unit, FW_MINUTE);
	assert_true(policy->has_forward);
}

static void test_forward_rules_close_forward(void **state)
{
	const struct fw_policy *policy = load(*state, "forward {\n allow http leaving eth1\n}\n");

	assert_true(policy->has_forward);
	assert_int_equal(policy->rule_count[FW_FORWARD], 1);
	assert_int_equal(policy->defaults[FW_FORWARD].verdict, FW_DENY);
	assert_true(policy->defaults[FW_FORWARD].log.on);
}

static void test_clauses(void **state)
{
	struct world *world = *state;
	const struct fw_rule *rule = only_rule(world,
					       "allow out http from 10.0.0.0/8 except 10.1.0.0/16 to 192.0.2.1 on eth0, wg* except wg9 "
					       "source-port 1024-65535 over ipv4 as user www, 7, 8 rate 6/minute burst 9 per source "
					       "connections 5 per source during 22:00-06:00 mon-fri until \"2030-01-02 03:04\" "
					       "log \"x\" rate 2/hour label \"y\"\n",
					       FW_OUT);
	const struct fw_match *match = &rule->match;

	assert_int_equal(match->families, FW_FAMILY_BIT(FW_IPV4));
	assert_string_equal(addresses_text(world, match->from.literals), "10.0.0.0/8");
	assert_string_equal(addresses_text(world, match->from.except_literals), "10.1.0.0/16");
	assert_string_equal(addresses_text(world, match->to.literals), "192.0.2.1");
	assert_int_equal(match->on.len, 2);
	assert_string_equal(match->on.items[0].name, "eth0");
	assert_false(match->on.items[0].prefix);
	assert_string_equal(match->on.items[1].name, "wg");
	assert_true(match->on.items[1].prefix);
	assert_string_equal(match->on.except[0].name, "wg9");
	assert_int_equal(match->source_ports.len, 1);
	assert_int_equal(match->source_ports.ranges[0].low.lo, 1024);
	assert_int_equal(match->owners.kind, FW_OWNER_USER);
	assert_int_equal(match->owners.ids.len, 2); /* 7-8, 33 */
	assert_int_equal(match->owners.ids.ranges[0].high.lo, 8);
	assert_int_equal(match->owners.ids.ranges[1].low.lo, 33);
	assert_int_equal(rule->rate.count, 6);
	assert_int_equal(rule->rate.burst, 9);
	assert_true(rule->rate.per_source);
	assert_int_equal(rule->connections, 5);
	assert_true(rule->connections_per_source);
	assert_true(match->has_during && match->has_until);
	assert_int_equal(match->during.start_minute, 22 * 60);
	assert_int_equal(match->until.year, 2030);
	assert_true(rule->log.on);
	assert_string_equal(rule->log.text, "x");
	assert_int_equal(rule->log.rate.count, 2);
	assert_string_equal(rule->label, "y");
	assert_int_not_equal(rule->rate_span.source, 0);
	assert_int_not_equal(rule->owner_span.source, 0);
}

static void test_burst_is_count(void **state)
{
	assert_int_equal(only_rule(*state, "allow ssh rate 6/minute\n", FW_IN)->rate.burst, 6);
}

static void test_owners_asked_once(void **state)
{
	struct world *world = *state;

	load(world, "allow out http as user www\nallow out https as user www\nallow out dns as group www\n");
	assert_int_equal(world->user_questions, 2);
	assert_int_equal(world->policy->rules[FW_OUT][2]->match.owners.ids.ranges[0].low.lo, 34);
}

static void test_scopes_fold(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "zone lan = eth1, wg*\n"
						     "on lan {\n"
						     "  allow ssh\n"
						     "  from 10.0.0.0/8 {\n"
						     "    allow http over ipv4\n"
						     "    expect allow http\n"
						     "  }\n"
						     "  out {\n"
						     "    allow dns\n"
						     "  }\n"
						     "}\n"
						     "allow https\n");
	const struct fw_rule *inner = policy->rules[FW_IN][1];

	assert_int_equal(policy->rule_count[FW_IN], 3);
	assert_int_equal(policy->rule_count[FW_OUT], 1);
	assert_string_equal(policy->rules[FW_IN][0]->text, "allow ssh on lan");
	assert_string_equal(inner->text, "allow http from 10.0.0.0/8 on lan over ipv4");
	assert_int_equal(inner->match.families, FW_FAMILY_BIT(FW_IPV4));
	assert_int_equal(inner->match.on.len, 2);
	assert_string_equal(policy->rules[FW_OUT][0]->text, "allow out dns on lan");
	assert_true(policy->rules[FW_IN][2]->match.on.any);
	assert_int_equal(policy->expect_count, 1);
	assert_int_equal(policy->expects[0].match.on.len, 2);
	assert_string_equal(policy->expects[0].text, "expect allow http from 10.0.0.0/8 on lan");
}

static void test_families(void **state)
{
	const struct fw_policy *policy = load(*state, "allow icmp, ssh\nallow icmp, icmpv6, ssh over ipv6\nallow icmp\n"
						      "allow http from 10.0.0.0/8, 2001:db8::/32\nallow http from 2001:db8::/32\n");

	assert_int_equal(policy->rules[FW_IN][0]->match.families, FW_FAMILY_BOTH);
	assert_int_equal(policy->rules[FW_IN][0]->match.what.protos[0].families, FW_FAMILY_BIT(FW_IPV4));
	assert_int_equal(policy->rules[FW_IN][1]->match.what.proto_count, 2); /* tcp, icmpv6 */
	assert_int_equal(policy->rules[FW_IN][1]->match.what.protos[0].families, FW_FAMILY_BIT(FW_IPV6));
	assert_int_equal(policy->rules[FW_IN][2]->match.families, FW_FAMILY_BIT(FW_IPV4));
	assert_int_equal(policy->rules[FW_IN][3]->match.families, FW_FAMILY_BOTH);
	assert_int_equal(policy->rules[FW_IN][4]->match.families, FW_FAMILY_BIT(FW_IPV6));
}

static void test_source_port_needs_ports(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow any source-port 53\nallow ssh, gre source-port 1024-65535\n");

	assert_string_equal(what_text(world, &policy->rules[FW_IN][0]->match.what), "6:all 17:all 33:all 132:all 136:all");
	assert_string_equal(what_text(world, &policy->rules[FW_IN][1]->match.what), "6:22");
	assert_int_equal(policy->rules[FW_IN][1]->match.source_ports.ranges[0].low.lo, 1024);
}

/* What an id is made of is a promise: status, history and the kernel's state hang on it. */
static void test_id_is_the_hash(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "deny out telnet\nallow out ssh\ndeny out telnet\n");
	char hex[FW_HASH_HEX];

	fw_hash_hex(fw_hash128(FW_STR("deny out telnet\nout 0")), hex);
	assert_memory_equal(policy->rules[FW_OUT][0]->id, hex, FW_ID_LEN);
	fw_hash_hex(fw_hash128(FW_STR("deny out telnet\nout 1")), hex);
	assert_memory_equal(policy->rules[FW_OUT][2]->id, hex, FW_ID_LEN);
}

static void test_ids(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow ssh\nallow http\nallow ssh\nallow out ssh\nallow   SSH\nblock 203.0.113.7\n");
	struct fw_rule *const *rules = policy->rules[FW_IN];
	char first[FW_ID_LEN + 1], third[FW_ID_LEN + 1];

	for (size_t i = 0; i < 4; i++) {
		for (size_t j = i + 1; j < 4; j++)
			assert_string_not_equal(rules[i]->id, rules[j]->id);
		assert_string_not_equal(rules[i]->id, policy->rules[FW_OUT][0]->id);
	}
	assert_int_equal(strlen(policy->blocks[0].id), FW_ID_LEN);
	memcpy(first, rules[0]->id, sizeof(first));
	memcpy(third, rules[2]->id, sizeof(third));
	/* What moves around a rule does not change its id. */
	policy = load(world, "allow smtp\nallow ssh # again\nallow dns\nallow ssh\n");
	assert_string_equal(policy->rules[FW_IN][1]->id, first);
	assert_string_equal(policy->rules[FW_IN][3]->id, third);
}

static void test_expect_takes_clauses(void **state)
{
	const struct fw_policy *policy = load(*state, "expect deny out mysql from any on eth0\n"
						      "during 08:00-18:00 {\n expect allow ssh\n}\n");

	assert_int_equal(policy->expect_count, 2);
	assert_int_equal(policy->expects[0].verdict, FW_DENY);
	assert_int_equal(policy->expects[0].direction, FW_OUT);
	assert_true(policy->expects[0].match.from.any);
	assert_int_equal(policy->expects[0].match.on.len, 1);
	assert_true(policy->expects[1].match.has_during);
}

static void test_block(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "group clean = 203.0.113.0/24\n"
						     "group mixed = 198.51.100.0/24, 239.1.0.0/16\n"
						     "group banned = dynamic\n"
						     "block 10.0.0.0/8, 169.254.0.0/15, clean, mixed except 10.1.0.0/16 log\n"
						     "block banned\nblock any except clean\n");
	const struct fw_addrs *list = &policy->blocks[0].addresses;

	assert_true(policy->blocks[0].log);
	assert_string_equal(addresses_text(world, list->literals), "10.0.0.0/8 169.255.0.0/16");
	assert_int_equal(list->group_count, 2);
	assert_string_equal(list->groups[0]->name.data, "clean");
	assert_string_equal(list->groups[1]->name.data, "mixed/blocked");
	assert_string_equal(addresses_text(world, list->groups[1]->addresses), "198.51.100.0/24");
	assert_string_equal(addresses_text(world, list->except_literals), "10.1.0.0/16");
	assert_int_equal(policy->blocks[1].addresses.group_count, 1);
	assert_string_equal(addresses_text(world, policy->blocks[1].addresses.except_literals),
			    "0.0.0.0 169.254.0.0/16 224.0.0.0/4 255.255.255.255 :: fe80::/10 ff00::/8");
	assert_true(policy->blocks[2].addresses.any);
	assert_int_equal(policy->blocks[2].addresses.except_literals[FW_IPV4].len, 4);
	assert_int_equal(policy->blocks[2].addresses.except_group_count, 1);
	assert_string_equal(policy->blocks[1].text, "block banned");
}

static void test_loopback_can_be_blocked(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "block 127.0.0.0/8\n");

	assert_string_equal(addresses_text(world, policy->blocks[0].addresses.literals), "127.0.0.0/8");
	assert_int_equal(world->diags.warnings, 0);
}

static void test_options(void **state)
{
	const struct fw_policy *policy = load(*state, "option builtin ping off\nOPTION Builtin Dhcp-Client OFF\noption log-group 0\n"
						      "option log-rate 7/day\n");

	assert_true(policy->options.builtin_off[FW_BUILTIN_PING]);
	assert_true(policy->options.builtin_off[FW_BUILTIN_DHCP_CLIENT]);
	assert_false(policy->options.builtin_off[FW_BUILTIN_LOOPBACK]);
	assert_int_equal(policy->options.log_group, 0);
	assert_int_equal(policy->options.log_rate.count, 7);
	assert_int_equal(policy->options.log_rate.unit, FW_DAY);
	assert_true(policy->options.log_default);
}

static void test_builtins(void **state)
{
	(void)state;
	assert_string_equal(fw_builtin_name(FW_BUILTIN_ICMP_ERRORS), "icmp-errors");
	assert_true(fw_builtin_applies(FW_BUILTIN_INVALID, FW_FORWARD));
	assert_false(fw_builtin_applies(FW_BUILTIN_LOOPBACK, FW_FORWARD));
	assert_false(fw_builtin_applies(FW_BUILTIN_PING, FW_OUT));
	assert_true(fw_builtin_applies(FW_BUILTIN_PING, FW_IN));
}

static void test_nothing(void **state)
{
	const struct fw_policy *policy = load(*state, "");

	assert_int_equal(policy->rule_count[FW_IN], 0);
	assert_int_equal(policy->group_count, 0);
	assert_true(policy->service_count >= 300);
	assert_int_equal(policy->options.log_group, 86);
}

/* Many equal lines, each with an id of its own, in no more time than different ones. */
static void test_equal_lines(void **state)
{
	enum { LINES = 20000 };
	struct world *world = *state;
	char *text = calloc(LINES, 10);

	assert_non_null(text);
	for (size_t i = 0; i < LINES; i++)
		memcpy(text + i * 10, "allow ssh\n", 10);
	assert_int_equal(fw_policy_load_text(world->arena, &world->diags, &world->env, &(struct fw_policy_file){ "p", { text, LINES * 10 } }, &world->policy), 0);
	assert_int_equal(world->policy->rule_count[FW_IN], LINES);
	assert_string_not_equal(world->policy->rules[FW_IN][LINES - 1]->id, world->policy->rules[FW_IN][LINES - 2]->id);
	free(text);
}

static void test_budget(void **state)
{
	struct world *world = *state;

	fw_arena_free(world->arena);
	world->arena = fw_arena_new(4u << 10);
	fw_sources_init(&world->sources, world->arena);
	fw_diags_init(&world->diags, world->arena, &world->sources);
	assert_int_equal(try_load(world, "allow ssh\n"), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_one_line),	     WORLD_TEST(test_own_defaults),
		WORLD_TEST(test_said_defaults),	     WORLD_TEST(test_forward_rules_close_forward),
		WORLD_TEST(test_clauses),	     WORLD_TEST(test_burst_is_count),
		WORLD_TEST(test_owners_asked_once),  WORLD_TEST(test_scopes_fold),
		WORLD_TEST(test_families),	     WORLD_TEST(test_source_port_needs_ports),
		WORLD_TEST(test_id_is_the_hash), WORLD_TEST(test_ids),		     WORLD_TEST(test_expect_takes_clauses),
		WORLD_TEST(test_block),		     WORLD_TEST(test_loopback_can_be_blocked),
		WORLD_TEST(test_options),	     WORLD_TEST(test_builtins),
		WORLD_TEST(test_nothing),	     WORLD_TEST(test_equal_lines),
		WORLD_TEST(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
