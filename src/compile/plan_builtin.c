/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_builtin.c - the built-in rules as steps: the cases of policy/builtin.c, each condition as an atom. */
#include <errno.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <string.h>

#include "compile/plan_build.h"

#define HOP_LIMIT 255
#define ICMPV6 58
#define LOOPBACK_NET 127
#define LOOPBACK 1 /* the number of lo (net/flow.h of the kernel, LOOPBACK_IFINDEX) */

static struct fw_leaf *builtin_leaf(struct fw_planner *p, enum fw_builtin builtin, enum fw_direction direction, const char *suffix)
{
	const char *name = fw_builtin_name(builtin), *where = fw_direction_name(direction);
	char *chain = fw_arena_printf(p->arena, "builtin-%s-%s", where, suffix ? suffix : name);
	struct fw_leaf *leaf = fw_plan_leaf_named(p, chain);
	if (leaf)
		return leaf;
	leaf = fw_plan_leaf(p, chain, chain);
	if (!leaf)
		return NULL;
	fw_plan_remember_leaf(p, leaf);
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

struct fw_leaf *fw_plan_builtin_leaf(struct fw_planner *p, enum fw_builtin builtin, enum fw_direction direction)
{
	return builtin_leaf(p, builtin, direction, NULL);
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

/* --- cases --- */

static void add_number(struct fw_case_builder *b, enum fw_field field, uint64_t number)
{
	struct fw_range *range = fw_arena_alloc(b->p->arena, 1, sizeof(*range));
	if (!range) {
		b->p->error = -ENOMEM;
		return;
	}
	range->low.lo = range->high.lo = number;
	fw_case_atom(b, (struct fw_atom){ .field = field, .kind = FW_ATOM_IN, .values = { range, 1 } });
}

static void add_set(struct fw_case_builder *b, enum fw_field field, struct fw_iset values)
{
	if (values.len > 0)
		fw_case_atom(b, (struct fw_atom){ .field = field, .kind = FW_ATOM_IN, .values = values });
}

/* What of the protocol's header `ports` are. */
static enum fw_field port_field(const struct fw_builtin_case *row)
{
	const uint64_t proto = row->protos.len ? row->protos.ranges[0].low.lo : 0;

	return proto == IPPROTO_ICMP ? FW_FIELD_ICMP_TYPE : proto == ICMPV6 ? FW_FIELD_ICMPV6_TYPE : FW_FIELD_DPORT;
}

static void add_case(struct fw_planner *p, const struct fw_builtin_case *row, enum fw_direction direction, struct fw_vec *cases)
{
	const bool ipv4 = row->family == FW_IPV4;
	struct fw_case_builder b;

	fw_case_begin(&b, p);
	if (row->on_lo)
		fw_case_atom(&b, fw_atom_value(p, direction == FW_OUT ? FW_FIELD_OIF : FW_FIELD_IIF, LOOPBACK));
	if (row->states)
		fw_case_atom(&b, (struct fw_atom){ .field = FW_FIELD_CT_STATE, .kind = FW_ATOM_BITS, .number = row->states });
	if (row->one_family)
		add_number(&b, FW_FIELD_FAMILY, ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	add_set(&b, FW_FIELD_PROTO, row->protos);
	add_set(&b, FW_FIELD_SPORT, row->source_ports);
	add_set(&b, port_field(row), row->ports);
	if (row->hop_limit_255)
		add_number(&b, FW_FIELD_HOPLIMIT6, HOP_LIMIT);
	add_set(&b, ipv4 ? FW_FIELD_SADDR4 : FW_FIELD_SADDR6, row->from);
	add_set(&b, ipv4 ? FW_FIELD_DADDR4 : FW_FIELD_DADDR6, row->to);
	if (row->by_helper)
		add_related(&b);
	fw_case_end(&b, cases);
}

/* --- steps --- */

/* All cases of the built-in with that verdict as one step. */
static void add_step(struct fw_planner *p, struct fw_vec *steps, const struct fw_builtin_case *like, enum fw_direction direction)
{
	const bool martian = like->builtin == FW_BUILTIN_LOOPBACK && like->verdict == FW_DENY;
	struct fw_vec cases;
	size_t count;
	const struct fw_builtin_case *rows = fw_builtin_cases(&count);

	fw_cases_init(p, &cases);
	for (size_t i = 0; i < count; i++)
		if (rows[i].builtin == like->builtin && rows[i].verdict == like->verdict && rows[i].directions & 1u << direction)
			add_case(p, &rows[i], direction, &cases);
	fw_plan_step(p, steps, &cases, builtin_leaf(p, like->builtin, direction, martian ? "martian" : NULL));
}

static const struct fw_builtin_case martian_row = { .builtin = FW_BUILTIN_LOOPBACK, .verdict = FW_DENY };

/* Every packet that arrives goes by here, and nearly none is one: the first byte of an address tells, before anything else is asked. (IPv6
 * packets with a loopback address the kernel drops before any hook sees them.) */
void fw_plan_martians(struct fw_planner *p, struct fw_hook *hook)
{
	static const enum fw_field heads[] = { FW_FIELD_SADDR4_HEAD, FW_FIELD_DADDR4_HEAD };
	struct fw_vec cases;

	if (p->policy->options.builtin_off[FW_BUILTIN_LOOPBACK])
		return;
	fw_cases_init(p, &cases);
	for (size_t i = 0; i < FW_ARRAY_SIZE(heads); i++) {
		struct fw_case_builder b;
		fw_case_begin(&b, p);
		fw_case_atom(&b, fw_atom_value(p, heads[i], LOOPBACK_NET));
		fw_case_atom(&b, fw_atom_family(p, FW_IPV4));
		fw_case_atom(&b, fw_atom_not(fw_atom_value(p, FW_FIELD_IIF, LOOPBACK)));
		fw_case_end(&b, &cases);
	}
	fw_plan_step(p, &hook->last, &cases, builtin_leaf(p, FW_BUILTIN_LOOPBACK, FW_IN, "martian"));
	hook->needed = true;
}

static void add_builtin(struct fw_planner *p, struct fw_vec *steps, enum fw_builtin builtin, enum fw_direction direction)
{
	const struct fw_builtin_case like = { .builtin = builtin, .verdict = builtin == FW_BUILTIN_INVALID ? FW_DENY : FW_ALLOW };

	if (p->policy->options.builtin_off[builtin] || !fw_builtin_applies(builtin, direction))
		return;
	add_step(p, steps, &like, direction);
	if (builtin == FW_BUILTIN_LOOPBACK && direction == FW_OUT)
		add_step(p, steps, &martian_row, direction);
}

void fw_plan_builtins(struct fw_planner *p, enum fw_direction direction)
{
	static const enum fw_builtin known[] = { FW_BUILTIN_LOOPBACK, FW_BUILTIN_ESTABLISHED, FW_BUILTIN_RELATED };
	static const enum fw_builtin first[] = { FW_BUILTIN_ICMP_ERRORS, FW_BUILTIN_NEIGHBOUR, FW_BUILTIN_DHCP_CLIENT };
	struct fw_hook *hook = fw_plan_hook_of(p->plan, direction);

	for (size_t i = 0; i < FW_ARRAY_SIZE(known); i++)
		add_builtin(p, &hook->steps, known[i], direction);
	if (p->policy->options.builtin_off[FW_BUILTIN_INVALID])
		return;
	/* what comes before `invalid` passes whatever conntrack calls it */
	for (size_t i = 0; i < FW_ARRAY_SIZE(first); i++)
		add_builtin(p, &hook->invalid, first[i], direction);
	add_builtin(p, &hook->invalid, FW_BUILTIN_INVALID, direction);
}
