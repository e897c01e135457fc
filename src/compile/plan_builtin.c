/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_builtin.c - what a host needs in order to work at all, as a table: for each built-in the cases that it takes. A row is a
 * conjunction; the rows of one built-in and direction are its cases. The table of the language's manual says the same in words. */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "compile/plan_build.h"

#define IN_BIT (1u << FW_IN)
#define OUT_BIT (1u << FW_OUT)
#define FORWARD_BIT (1u << FW_FORWARD)
#define ALL_BITS (IN_BIT | OUT_BIT | FORWARD_BIT)

#define STATE_INVALID 1u /* linux/netfilter/nf_conntrack_common.h, NF_CT_STATE_BIT */
#define STATE_ESTABLISHED 2u
#define STATE_RELATED 4u

/* Values as ranges. */
#define ONE(n) { { 0, (n) }, { 0, (n) } }
#define SPAN(a, b) { { 0, (a) }, { 0, (b) } }
static const struct fw_range v_ipv4[] = { ONE(NFPROTO_IPV4) }, v_ipv6[] = { ONE(NFPROTO_IPV6) };
static const struct fw_range v_icmp[] = { ONE(1) }, v_igmp[] = { ONE(2) }, v_udp[] = { ONE(17) }, v_icmpv6[] = { ONE(58) };
static const struct fw_range v_tcp_udp[] = { ONE(6), ONE(17) };
static const struct fw_range v_errors4[] = { ONE(3), SPAN(11, 12) }, v_errors6[] = { SPAN(1, 4) };
static const struct fw_range v_neighbour[] = { ONE(133), SPAN(135, 136), SPAN(141, 142), SPAN(148, 149) };
static const struct fw_range v_router[] = { ONE(134) };
static const struct fw_range v_multicast[] = { SPAN(130, 132), ONE(143), SPAN(151, 153) };
static const struct fw_range v_hops[] = { ONE(255) };
static const struct fw_range v_link_local[] = { { { 0xfe80000000000000, 0 }, { 0xfebfffffffffffff, UINT64_MAX } } };
static const struct fw_range v_link_local_or_none[] = { ONE(0), { { 0xfe80000000000000, 0 }, { 0xfebfffffffffffff, UINT64_MAX } } };
static const struct fw_range v_loopback4[] = { SPAN(0x7f000000, 0x7fffffff) }, v_loopback6[] = { ONE(1) };
static const struct fw_range v_67[] = { ONE(67) }, v_68[] = { ONE(68) }, v_546[] = { ONE(546) }, v_547[] = { ONE(547) };
static const struct fw_range v_echo4[] = { ONE(8) }, v_echo6[] = { ONE(128) }, v_high_ports[] = { SPAN(1024, 65535) };
static const char *const v_lo[] = { "lo" };

#define IN(f, v) { .field = (f), .kind = FW_ATOM_IN, .values = { (v), FW_ARRAY_SIZE(v) } }
#define NAME(f, v) { .field = (f), .kind = FW_ATOM_NAMES, .names = (v), .name_count = 1 }
#define BITS(f, n) { .field = (f), .kind = FW_ATOM_BITS, .number = (n) }
#define V4 IN(FW_FIELD_FAMILY, v_ipv4)
#define V6 IN(FW_FIELD_FAMILY, v_ipv6)
#define PROTO(v) IN(FW_FIELD_PROTO, v)

#define ROW_ATOMS 5
struct row {
	enum fw_builtin builtin;
	unsigned int directions;
	struct fw_atom atoms[ROW_ATOMS];
	size_t len;
};
static const struct row rows[] = {
	{ FW_BUILTIN_LOOPBACK, IN_BIT, { NAME(FW_FIELD_IIFNAME, v_lo) }, 1 },
	{ FW_BUILTIN_LOOPBACK, OUT_BIT, { NAME(FW_FIELD_OIFNAME, v_lo) }, 1 },
	{ FW_BUILTIN_ESTABLISHED, ALL_BITS, { BITS(FW_FIELD_CT_STATE, STATE_ESTABLISHED) }, 1 },
	{ FW_BUILTIN_ICMP_ERRORS, ALL_BITS, { V4, PROTO(v_icmp), IN(FW_FIELD_ICMP_TYPE, v_errors4) }, 3 },
	{ FW_BUILTIN_ICMP_ERRORS, ALL_BITS, { V6, PROTO(v_icmpv6), IN(FW_FIELD_ICMPV6_TYPE, v_errors6) }, 3 },
	{ FW_BUILTIN_NEIGHBOUR, IN_BIT | OUT_BIT,
	  { V6, PROTO(v_icmpv6), IN(FW_FIELD_ICMPV6_TYPE, v_neighbour), IN(FW_FIELD_HOPLIMIT6, v_hops) }, 4 },
	{ FW_BUILTIN_NEIGHBOUR, IN_BIT | OUT_BIT,
	  { V6, PROTO(v_icmpv6), IN(FW_FIELD_ICMPV6_TYPE, v_router), IN(FW_FIELD_HOPLIMIT6, v_hops), IN(FW_FIELD_SADDR6, v_link_local) }, 5 },
	{ FW_BUILTIN_NEIGHBOUR, IN_BIT | OUT_BIT,
	  { V6, PROTO(v_icmpv6), IN(FW_FIELD_ICMPV6_TYPE, v_multicast), IN(FW_FIELD_SADDR6, v_link_local_or_none) }, 4 },
	{ FW_BUILTIN_NEIGHBOUR, IN_BIT | OUT_BIT, { V4, PROTO(v_igmp) }, 2 },
	{ FW_BUILTIN_DHCP_CLIENT, OUT_BIT, { V4, PROTO(v_udp), IN(FW_FIELD_SPORT, v_68), IN(FW_FIELD_DPORT, v_67) }, 4 },
	{ FW_BUILTIN_DHCP_CLIENT, OUT_BIT, { V6, PROTO(v_udp), IN(FW_FIELD_SPORT, v_546), IN(FW_FIELD_DPORT, v_547) }, 4 },
	{ FW_BUILTIN_DHCP_CLIENT, IN_BIT, { V4, PROTO(v_udp), IN(FW_FIELD_SPORT, v_67), IN(FW_FIELD_DPORT, v_68) }, 4 },
	{ FW_BUILTIN_DHCP_CLIENT, IN_BIT,
	  { V6, PROTO(v_udp), IN(FW_FIELD_SPORT, v_547), IN(FW_FIELD_DPORT, v_546), IN(FW_FIELD_DADDR6, v_link_local) }, 5 },
	{ FW_BUILTIN_RELATED, ALL_BITS, { BITS(FW_FIELD_CT_STATE, STATE_RELATED), PROTO(v_tcp_udp), IN(FW_FIELD_DPORT, v_high_ports) }, 3 },
	{ FW_BUILTIN_INVALID, ALL_BITS, { BITS(FW_FIELD_CT_STATE, STATE_INVALID) }, 1 },
	{ FW_BUILTIN_PING, IN_BIT, { V4, PROTO(v_icmp), IN(FW_FIELD_ICMP_TYPE, v_echo4) }, 3 },
	{ FW_BUILTIN_PING, IN_BIT, { V6, PROTO(v_icmpv6), IN(FW_FIELD_ICMPV6_TYPE, v_echo6) }, 3 },
};

/* A loopback address as source or destination. */
static const struct fw_atom martians[][2] = {
	{ V4, IN(FW_FIELD_SADDR4, v_loopback4) },
	{ V4, IN(FW_FIELD_DADDR4, v_loopback4) },
	{ V6, IN(FW_FIELD_SADDR6, v_loopback6) },
	{ V6, IN(FW_FIELD_DADDR6, v_loopback6) },
};

static struct fw_leaf *builtin_leaf(struct fw_planner *p, enum fw_builtin builtin, enum fw_direction direction, const char *suffix)
{
	const char *name = fw_builtin_name(builtin), *where = fw_direction_name(direction);
	char *chain = fw_arena_printf(p->arena, "builtin-%s-%s", where, suffix ? suffix : name);
	struct fw_leaf *leaf = fw_plan_leaf(p, chain, chain);
	if (!leaf)
		return NULL;
	leaf->tag = (struct fw_rs_tag){ .owner = FW_RS_BUILTIN, .role = FW_RS_ROLE_HIT };
	struct fw_str id = fw_str_from(fw_arena_printf(p->arena, "%s/%s", where, name));
	memcpy(leaf->tag.id, id.data ? id.data : "", id.len < FW_RS_ID_MAX ? id.len : FW_RS_ID_MAX - 1);
	leaf->comment = fw_arena_printf(p->arena, "built-in %s %s", where, suffix ? suffix : name);
	leaf->verdict = builtin == FW_BUILTIN_INVALID || suffix ? FW_DENY : FW_ALLOW;
	leaf->word = fw_verdict_name(leaf->verdict);
	if (!id.data || !leaf->comment)
		p->error = -ENOMEM;
	return leaf;
}

/* --- related: only what a helper of this policy expects --- */

static bool names_helper(const struct fw_vec *terms, const char *helper)
{
	for (size_t i = 0; i < terms->len; i++) {
		const struct fw_term *term = fw_vec_at(terms, i);
		if (strcmp(term->atoms[0].names[0], helper) == 0)
			return true;
	}
	return false;
}

static void add_helpers(struct fw_planner *p, struct fw_vec *terms, const struct fw_rule *rule)
{
	for (size_t i = 0; rule->verdict == FW_ALLOW && i < rule->match.what.helper_count; i++) {
		const char *helper = rule->match.what.helpers[i].helper;
		if (p->error || names_helper(terms, helper))
			continue;
		const char **names = fw_arena_alloc(p->arena, 1, sizeof(*names));
		if (!names) {
			p->error = -ENOMEM;
			return;
		}
		names[0] = helper;
		struct fw_atom atom = { .field = FW_FIELD_CT_HELPER, .kind = FW_ATOM_NAMES, .names = names, .name_count = 1 };
		fw_terms_add(p, terms, &atom, 1);
	}
}

static void add_related(struct fw_case_builder *b)
{
	struct fw_vec terms;
	fw_terms_init(b->p, &terms);
	for (int direction = 0; direction < FW_DIRECTIONS; direction++)
		for (size_t i = 0; i < b->p->policy->rule_count[direction]; i++)
			add_helpers(b->p, &terms, b->p->policy->rules[direction][i]);
	fw_case_clause(b, &terms);
}

/* --- steps --- */

static void add_martians(struct fw_planner *p, struct fw_hook *hook, enum fw_direction direction)
{
	struct fw_vec cases;
	fw_cases_init(p, &cases);
	for (size_t i = 0; i < FW_ARRAY_SIZE(martians); i++) {
		struct fw_case_builder b;
		fw_case_begin(&b, p);
		for (size_t k = 0; k < FW_ARRAY_SIZE(martians[i]); k++)
			fw_case_atom(&b, martians[i][k]);
		fw_case_end(&b, &cases);
	}
	fw_plan_step(p, hook, &cases, builtin_leaf(p, FW_BUILTIN_LOOPBACK, direction, "martian"), (struct fw_span){ 0 });
}

void fw_plan_martians(struct fw_planner *p, struct fw_hook *hook)
{
	if (!p->policy->options.builtin_off[FW_BUILTIN_LOOPBACK])
		add_martians(p, hook, FW_IN);
}

static void add_builtin(struct fw_planner *p, enum fw_builtin builtin, enum fw_direction direction)
{
	struct fw_vec cases;
	fw_cases_init(p, &cases);
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		if (row->builtin != builtin || !(row->directions & 1u << direction))
			continue;
		struct fw_case_builder b;
		fw_case_begin(&b, p);
		for (size_t k = 0; k < row->len; k++)
			fw_case_atom(&b, row->atoms[k]);
		if (builtin == FW_BUILTIN_RELATED)
			add_related(&b);
		fw_case_end(&b, &cases);
	}
	struct fw_hook *hook = fw_plan_hook_of(p->plan, direction);
	fw_plan_step(p, hook, &cases, builtin_leaf(p, builtin, direction, NULL), (struct fw_span){ 0 });
	if (builtin == FW_BUILTIN_LOOPBACK && direction == FW_OUT)
		add_martians(p, hook, direction);
}

void fw_plan_builtins(struct fw_planner *p, enum fw_direction direction, bool after_rules)
{
	for (int i = 0; i < FW_BUILTINS; i++) {
		enum fw_builtin builtin = (enum fw_builtin)i;
		if ((builtin == FW_BUILTIN_PING) != after_rules || p->policy->options.builtin_off[i])
			continue;
		if (fw_builtin_applies(builtin, direction))
			add_builtin(p, builtin, direction);
	}
}
