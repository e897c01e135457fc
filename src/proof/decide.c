/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/decide.c - the meaning of a policy for one packet, straight from fw_policy: no plan, no ruleset, so that it can be held against them. */
#include "proof/decide.h"

#include <string.h>

#define PROTO_ICMP 1
#define PROTO_ICMPV6 58
#define DAY_S 86400

struct members {
	fw_member_test *test;
	void *context;
};

static bool in_group(const struct fw_group *group, enum fw_family family, struct fw_u128 address, const struct members *members)
{
	if (group->kind == FW_GROUP_DYNAMIC)
		return members->test && members->test(members->context, group, family, address);
	return fw_iset_contains(group->addresses[family], address);
}

static bool in_groups(const struct fw_group *const *groups, size_t count, const struct fw_packet *packet, struct fw_u128 address,
		      const struct members *members)
{
	for (size_t i = 0; i < count; i++)
		if (in_group(groups[i], packet->family, address, members))
			return true;
	return false;
}

static bool match_addrs(const struct fw_addrs *addrs, const struct fw_packet *packet, struct fw_u128 address,
			const struct members *members)
{
	if (!addrs->any && !fw_iset_contains(addrs->literals[packet->family], address) &&
	    !in_groups(addrs->groups, addrs->group_count, packet, address, members))
		return false;
	return !fw_iset_contains(addrs->except_literals[packet->family], address) &&
	       !in_groups(addrs->except_groups, addrs->except_group_count, packet, address, members);
}

static bool in_iface_list(const struct fw_iface *items, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		const size_t prefix = strlen(items[i].name);
		if (items[i].prefix ? strncmp(items[i].name, name, prefix) == 0 : strcmp(items[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool match_ifaces(const struct fw_ifaces *ifaces, const char *name)
{
	if (!ifaces->any && !(name[0] && in_iface_list(ifaces->items, ifaces->len, name)))
		return false;
	return !in_iface_list(ifaces->except, ifaces->except_len, name);
}

static bool has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132 || proto == 33 || proto == 136;
}

static bool match_what(const struct fw_what *what, const struct fw_packet *packet)
{
	if (what->any)
		return true;
	for (size_t i = 0; i < what->proto_count; i++) {
		const struct fw_what_proto *item = &what->protos[i];
		if (item->proto != packet->proto || !(item->families & FW_FAMILY_BIT(packet->family)))
			continue;
		if (item->all || fw_iset_contains(item->values, (struct fw_u128){ 0, packet->port }))
			return true;
	}
	return false;
}

static bool match_owner(const struct fw_owners *owners, const struct fw_packet *packet)
{
	if (owners->ids.len == 0)
		return true;
	const uint32_t id = owners->kind == FW_OWNER_USER ? packet->uid : packet->gid;

	return packet->has_owner && fw_iset_contains(owners->ids, (struct fw_u128){ 0, id });
}

static bool day_is_in(const struct fw_ast_during *during, int64_t day)
{
	const int64_t weekday = ((day + 3) % 7 + 7) % 7; /* the epoch was a Thursday; 0 is Monday */

	return during->days & (1u << weekday);
}

bool fw_during_holds(const struct fw_ast_during *during, int64_t local)
{
	const int64_t second = (local % DAY_S + DAY_S) % DAY_S, day = (local - second) / DAY_S;
	const int64_t start = during->start_minute * 60, end = during->end_minute * 60;

	if (start < end)
		return second >= start && second < end && day_is_in(during, day);
	return (second >= start && day_is_in(during, day)) || (second < end && day_is_in(during, day - 1));
}

static bool match_until(const struct fw_ast_until *until, const struct fw_packet *packet)
{
	return packet->now + packet->utc_offset < fw_until_local(until);
}

static bool match_source_port(const struct fw_match *match, const struct fw_packet *packet)
{
	return match->source_ports.len == 0 || (has_ports(packet->proto) &&
	       fw_iset_contains(match->source_ports, (struct fw_u128){ 0, packet->source_port }));
}

bool fw_match_packet(const struct fw_match *match, const struct fw_packet *packet, fw_member_test *is_member, void *context)
{
	const struct members members = { is_member, context };

	return (match->families & FW_FAMILY_BIT(packet->family)) && match_what(&match->what, packet) &&
	       match_source_port(match, packet) && match_addrs(&match->from, packet, packet->from, &members) &&
	       match_addrs(&match->to, packet, packet->to, &members) && match_ifaces(&match->on, packet->on) &&
	       match_ifaces(&match->leaving, packet->leaving) && match_owner(&match->owners, packet) &&
	       (!match->has_during || fw_during_holds(&match->during, packet->now + packet->utc_offset)) &&
	       (!match->has_until || match_until(&match->until, packet));
}

static const struct fw_block *blocking(const struct fw_policy *policy, const struct fw_packet *packet, const struct members *members)
{
	for (size_t i = 0; i < policy->block_count; i++) {
		const struct fw_addrs *addrs = &policy->blocks[i].addresses;
		const bool source = packet->direction != FW_OUT && match_addrs(addrs, packet, packet->from, members);
		if (source || (packet->direction != FW_IN && match_addrs(addrs, packet, packet->to, members)))
			return &policy->blocks[i];
	}
	return NULL;
}

static bool is_ping(const struct fw_policy *policy, const struct fw_packet *packet)
{
	if (packet->direction != FW_IN || policy->options.builtin_off[FW_BUILTIN_PING])
		return false;
	return packet->family == FW_IPV4 ? packet->proto == PROTO_ICMP && packet->port == 8 :
					   packet->proto == PROTO_ICMPV6 && packet->port == 128;
}

struct fw_decision fw_decide(const struct fw_policy *policy, const struct fw_packet *packet, fw_member_test *is_member, void *context)
{
	const struct members members = { is_member, context };
	const struct fw_block *block = strcmp(packet->on, "lo") != 0 ? blocking(policy, packet, &members) : NULL;
	if (block)
		return (struct fw_decision){ .by = FW_BY_BLOCK, .verdict = FW_DENY, .block = block };

	for (size_t i = 0; i < policy->rule_count[packet->direction]; i++) {
		const struct fw_rule *rule = policy->rules[packet->direction][i];
		if (fw_match_packet(&rule->match, packet, is_member, context))
			return (struct fw_decision){ .by = FW_BY_RULE, .verdict = rule->verdict, .rule = rule };
	}
	if (is_ping(policy, packet))
		return (struct fw_decision){ .by = FW_BY_BUILTIN, .verdict = FW_ALLOW, .builtin = FW_BUILTIN_PING };
	return (struct fw_decision){ .by = FW_BY_DEFAULT, .verdict = policy->defaults[packet->direction].verdict };
}
