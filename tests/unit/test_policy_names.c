/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services, groups and zones: definitions in any order, and what their names come to. */
#include "test_policy.h"

static const struct fw_service *service(const struct fw_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->service_count; i++) {
		if (strcmp(policy->services[i]->name.data, name) == 0)
			return policy->services[i];
	}
	return NULL;
}

static const char *what_of(struct world *world, const char *items)
{
	char line[256];

	snprintf(line, sizeof(line), "deny %s\n", items);
	return what_text(world, &only_rule(world, line, FW_IN)->match.what);
}

static void test_items(void **state)
{
	struct world *world = *state;

	assert_string_equal(what_of(world, "8080/tcp"), "6:8080");
	assert_string_equal(what_of(world, "6660-6669/tcp, 6665:6700/TCP, 6701/tcp"), "6:6660-6701");
	assert_string_equal(what_of(world, "5000/tcp+udp"), "6:5000 17:5000");
	assert_string_equal(what_of(world, "gre, esp"), "47:all 50:all");
	assert_string_equal(what_of(world, "tcp, ssh"), "6:all");
	assert_string_equal(what_of(world, "0-65535/udp"), "17:all");
	assert_string_equal(what_of(world, "47/ip, rdp/ip"), "27:all 47:all");
	assert_string_equal(what_of(world, "icmp"), "1:all");
	assert_string_equal(what_of(world, "echo-request/icmp, 0/icmp"), "1:0,8");
	assert_string_equal(what_of(world, "echo-request/icmpv6"), "58:128");
	assert_string_equal(what_of(world, "1/sctp, 2/dccp, 3/udplite"), "33:2 132:1 136:3");
	assert_string_equal(what_of(world, "any"), "any");
}

static void test_service_before_protocol(void **state)
{
	struct world *world = *state;

	assert_string_equal(what_of(world, "rdp"), "6:3389 17:3389");
	assert_string_equal(what_of(world, "SSH, Ftp_Data"), "6:20,22");
}

static void test_definitions(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "allow all from 10.0.0.0/8\n"
						     "service all = part_one, part-two, 7/udp \"both\"\n"
						     "service Part-One = 1/tcp\nservice part-two = 2/tcp\n");

	assert_string_equal(what_text(world, &policy->rules[FW_IN][0]->match.what), "6:1-2 17:7");
	assert_string_equal(service(policy, "all")->description, "both");
	assert_false(service(policy, "all")->from_catalogue);
	assert_true(service(policy, "ssh")->from_catalogue);
	assert_int_equal(world->diags.warnings, 0);
}

/* The policy's own definition wins in the catalogue's bundles too; in itself the name is the catalogue's. */
static void test_redefinition(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "service SSH = ssh, 2222/tcp\nservice imap = 1/tcp\nallow ssh, mail\n");

	assert_string_equal(what_text(world, &service(policy, "SSH")->what), "6:22,2222");
	assert_string_equal(what_text(world, &service(policy, "mail")->what), "6:1,25,110,465,587,993,995");
	assert_null(service(policy, "ssh"));
	assert_int_equal(warnings_named(world, "overrides"), 2);
	assert_int_equal(warnings_named(world, "unused"), 0);
}

static void test_use_through_unused_bundle(void **state)
{
	struct world *world = *state;

	load(world, "service imap = 1/tcp\nallow ssh\n");
	assert_int_equal(warnings_named(world, "unused"), 1);
}

static void test_helpers(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "service myftp = 2121/tcp, 2121/udp helper FTP\n"
						     "service phone = 5060/tcp+udp helper sip\n"
						     "service both = myftp, ftp\n"
						     "allow both, phone from 10.0.0.0/8\nallow 21/tcp\nallow tftp\n");
	const struct fw_what *what = &policy->rules[FW_IN][0]->match.what;

	assert_int_equal(what->helper_count, 3);
	assert_string_equal(what->helpers[0].helper, "ftp");
	assert_int_equal(what->helpers[0].proto, 6);
	assert_int_equal(what->helpers[0].ports.len, 2);
	assert_string_equal(what->helpers[1].helper, "sip");
	assert_string_equal(what->helpers[2].helper, "sip");
	assert_int_equal(what->helpers[2].proto, 17);
	assert_string_equal(service(policy, "myftp")->helper, "ftp");
	assert_null(service(policy, "both")->helper);
	assert_int_equal(policy->rules[FW_IN][1]->match.what.helper_count, 0);
	assert_string_equal(policy->rules[FW_IN][2]->match.what.helpers[0].helper, "tftp");
}

/* A port has one helper: the definition that names one wins over what it is made of. */
static void test_one_helper_for_a_port(void **state)
{
	struct world *world = *state;
	const struct fw_what *what = &only_rule(world,
						"service odd = ftp helper irc\nservice other = 21/tcp, 22/tcp helper irc\n"
						"allow ftp, other, odd from 10.0.0.0/8\n",
						FW_IN)->match.what;

	assert_int_equal(what->helper_count, 2);
	assert_string_equal(what->helpers[0].helper, "ftp");
	assert_string_equal(what->helpers[1].helper, "irc");
	assert_int_equal(what->helpers[1].ports.len, 1);
	assert_int_equal(what->helpers[1].ports.ranges[0].low.lo, 22);
}

static void test_groups(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "group all = branch, 10.0.0.1-10.0.0.9, home except 10.0.0.4, home6\n"
						     "group branch = 192.0.2.0/25, 192.0.2.128/25, 2001:db8::/32\n"
						     "group home = 10.0.0.5, 10.0.0.10\n"
						     "group home6 = 2001:db8:1::/48\n"
						     "group everyone = any except home\n"
						     "group banned = dynamic timeout 1h size 5\n"
						     "group plain = dynamic\n"
						     "allow ssh from all, all, banned except home, plain\nallow http from everyone\n");
	const struct fw_addrs *from = &policy->rules[FW_IN][0]->match.from;

	assert_int_equal(policy->group_count, 7);
	assert_string_equal(policy->groups[0]->name.data, "all");
	assert_string_equal(addresses_text(world, policy->groups[0]->addresses),
			    "10.0.0.1-10.0.0.3 10.0.0.5-10.0.0.10 192.0.2.0/24 2001:db8::/48 "
			    "2001:db8:2::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_int_equal(policy->groups[4]->addresses[FW_IPV4].len, 3);
	assert_int_equal(from->group_count, 2);
	assert_ptr_equal(from->groups[0], policy->groups[0]);
	assert_int_equal(from->except_group_count, 2);
	assert_int_equal(from->families, FW_FAMILY_BOTH);
	assert_int_equal(policy->groups[5]->timeout_s, 3600);
	assert_int_equal(policy->groups[5]->size, 5);
	assert_int_equal(policy->groups[6]->size, FW_GROUP_SIZE);
	assert_int_equal(world->diags.warnings, 0);
}

/* Matches nothing, never everything, and takes nothing away. */
static void test_empty_groups(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy;

	world->files = (const struct world_file[]){ { "none.txt", "# nothing\n" }, { 0 } };
	policy = load(world, "group none = file \"none.txt\"\nallow ssh from none\nallow http from 10.0.0.0/8 except none\n"
			     "allow https from none, 10.0.0.0/8\n");
	assert_false(policy->rules[FW_IN][0]->match.from.any);
	assert_int_equal(policy->rules[FW_IN][0]->match.families, FW_FAMILY_BOTH);
	assert_int_equal(policy->rules[FW_IN][2]->match.families, FW_FAMILY_BIT(FW_IPV4));
	assert_int_equal(warnings_named(world, "empty"), 1);
}

/* Ten thousand groups, each made of the next: no recursion, no quadratic walk. */
static void test_deep_groups(void **state)
{
	enum { DEPTH = 10000 };
	struct world *world = *state;
	struct fw_buf text;

	fw_buf_init(&text, 1u << 20);
	for (int i = 0; i < DEPTH; i++)
		fw_buf_printf(&text, "group g%d = g%d\n", i, i + 1);
	fw_buf_printf(&text, "group g%d = 192.0.2.7\nallow ssh from g0\n", DEPTH);
	load(world, text.data);
	assert_string_equal(addresses_text(world, world->policy->groups[0]->addresses), "192.0.2.7");
	fw_buf_done(&text);
}

static void test_zones(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy = load(world, "zone lan = eth*, eth1, inner, lan\nzone inner = \"wg+0\", eth\nzone all = any\n"
						     "allow ssh on lan, br0 except inner\nallow http on all\nallow https on *\n");
	const struct fw_ifaces *on = &policy->rules[FW_IN][0]->match.on;

	assert_int_equal(on->len, 4);
	assert_string_equal(on->items[0].name, "br0");
	assert_string_equal(on->items[1].name, "eth");
	assert_true(on->items[1].prefix);
	assert_string_equal(on->items[2].name, "lan"); /* in its own definition the interface */
	assert_string_equal(on->items[3].name, "wg+0");
	assert_int_equal(on->except_len, 2);
	assert_true(policy->rules[FW_IN][1]->match.on.any);
	assert_true(policy->rules[FW_IN][2]->match.on.any);
}

static void test_catalogue_alone(void **state)
{
	struct world *world = *state;
	const struct fw_service *const *services;
	size_t count;

	assert_int_equal(fw_policy_services(world->arena, &world->diags, &services, &count), 0);
	assert_true(count >= 300);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(services[i]->description);
		assert_true(services[i]->what.proto_count > 0);
		if (i > 0)
			assert_true(fw_str_compare(services[i - 1]->name, services[i]->name) < 0);
	}
	assert_int_equal(world->diags.errors + world->diags.warnings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_items),	       WORLD_TEST(test_service_before_protocol),
		WORLD_TEST(test_definitions),  WORLD_TEST(test_redefinition),
		WORLD_TEST(test_use_through_unused_bundle), WORLD_TEST(test_helpers),
		WORLD_TEST(test_one_helper_for_a_port),	    WORLD_TEST(test_groups),
		WORLD_TEST(test_empty_groups), WORLD_TEST(test_deep_groups),
		WORLD_TEST(test_zones),	       WORLD_TEST(test_catalogue_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
