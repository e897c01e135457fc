/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_match.c - the conditions of a rule as cases. Where addresses are asked for, each family is a case of its own, as their
 * fields lie elsewhere; where none are, one case serves both, and only a protocol of one family (ICMP) asks for it. */
#include "compile/plan_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ICMP 1
#define ICMPV6 58
#define NS_PER_S 1000000000u

static const struct fw_range port_protocols[] = {
	{ { 0, 6 }, { 0, 6 } },	    { { 0, 17 }, { 0, 17 } },	{ { 0, 33 }, { 0, 33 } },
	{ { 0, 132 }, { 0, 132 } }, { { 0, 136 }, { 0, 136 } },
};

static bool has_ports(uint8_t proto)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(port_protocols); i++)
		if (port_protocols[i].low.lo == proto)
			return true;
	return false;
}

/* --- WHAT --- */

static bool same_values(const struct fw_what_proto *a, const struct fw_what_proto *b)
{
	/* ICMP's types are no ports: only protocols with ports share a test. */
	if (a->all || b->all)
		return a->all && b->all && a->families == b->families;
	return a->families == b->families && has_ports(a->proto) && has_ports(b->proto) && fw_iset_equal(a->values, b->values);
}

/* The protocols from `first` on that are tested alike, as one atom. */
static struct fw_atom protocols_atom(struct fw_planner *p, const struct fw_what *what, size_t first, bool *done)
{
	struct fw_range *ranges = p->error ? NULL : fw_arena_alloc(p->arena, what->proto_count, sizeof(*ranges));
	if (!ranges) {
		p->error = p->error ? p->error : -ENOMEM;
		return fw_atom_in(FW_FIELD_PROTO, (struct fw_iset){ NULL, 0 });
	}
	size_t len = 0;
	for (size_t i = first; i < what->proto_count; i++) {
		if (done[i] || (i != first && !same_values(&what->protos[first], &what->protos[i])))
			continue;
		done[i] = true;
		uint64_t proto = what->protos[i].proto;
		ranges[len++] = (struct fw_range){ { 0, proto }, { 0, proto } };
	}
	return fw_atom_in(FW_FIELD_PROTO, fw_iset_normalise(ranges, len));
}

struct what_terms {
	struct fw_planner *p;
	const struct fw_what *what;
	unsigned int families; /* that the case is for */
	bool *done;            /* of each protocol */
	struct fw_vec terms;
};

/* One term for protocols that are tested alike. */
static void add_what_term(struct what_terms *t, size_t first)
{
	struct fw_planner *p = t->p;
	const struct fw_what_proto *proto = &t->what->protos[first];
	struct fw_atom atoms[3];
	size_t len = 0;
	unsigned int both = proto->families & t->families;
	if (both != t->families)
		atoms[len++] = fw_atom_family(p, both == FW_FAMILY_BIT(FW_IPV4) ? FW_IPV4 : FW_IPV6);
	atoms[len++] = protocols_atom(p, t->what, first, t->done);
	if (!proto->all) {
		enum fw_field field = proto->proto == ICMP ? FW_FIELD_ICMP_TYPE : proto->proto == ICMPV6 ? FW_FIELD_ICMPV6_TYPE : FW_FIELD_DPORT;
		atoms[len++] = fw_atom_in(field, proto->values);
	}
	fw_terms_add(p, &t->terms, atoms, len);
}

static void add_what(struct fw_case_builder *b, const struct fw_match *match, unsigned int families)
{
	struct fw_planner *p = b->p;
	const struct fw_what *what = &match->what;
	bool wants_ports = match->source_ports.len > 0;
	if (what->any) {
		if (wants_ports)
			fw_case_atom(b, fw_atom_in(FW_FIELD_PROTO, (struct fw_iset){ port_protocols, FW_ARRAY_SIZE(port_protocols) }));
		return;
	}
	bool done[256] = { false };
	struct what_terms terms = { .p = p, .what = what, .families = families, .done = done };
	fw_terms_init(p, &terms.terms);
	for (size_t i = 0; i < what->proto_count && i < FW_ARRAY_SIZE(done); i++) {
		const struct fw_what_proto *proto = &what->protos[i];
		bool fits = (proto->families & families) && (!wants_ports || has_ports(proto->proto));
		if (fits && !done[i] && (proto->all || proto->values.len))
			add_what_term(&terms, i);
	}
	fw_case_clause(b, &terms.terms);
}

/* --- interfaces --- */

static struct fw_atom names_atom(struct fw_planner *p, const struct fw_iface *items, size_t len, enum fw_field field)
{
	struct fw_atom atom = { .field = field, .kind = FW_ATOM_NAMES };
	const char **names = p->error ? NULL : fw_arena_alloc(p->arena, len + 1, sizeof(*names));
	if (!names) {
		p->error = p->error ? p->error : -ENOMEM;
		return atom;
	}
	for (size_t i = 0; i < len; i++)
		if (!items[i].prefix)
			names[atom.name_count++] = items[i].name;
	atom.names = names;
	return atom;
}

static struct fw_atom prefix_atom(const struct fw_iface *item, enum fw_field field)
{
	return (struct fw_atom){ .field = field, .kind = FW_ATOM_PREFIX, .name = item->name };
}

static bool has_all(const struct fw_iface *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (items[i].prefix && !items[i].name[0])
			return true;
	return false;
}

static void add_positive_ifaces(struct fw_case_builder *b, const struct fw_ifaces *ifaces, enum fw_field field)
{
	struct fw_vec terms;
	fw_terms_init(b->p, &terms);
	struct fw_atom exact = names_atom(b->p, ifaces->items, ifaces->len, field);
	if (exact.name_count)
		fw_terms_add(b->p, &terms, &exact, 1);
	for (size_t i = 0; i < ifaces->len; i++) {
		struct fw_atom atom = prefix_atom(&ifaces->items[i], field);
		if (ifaces->items[i].prefix)
			fw_terms_add(b->p, &terms, &atom, 1);
	}
	fw_case_clause(b, &terms);
}

static void add_ifaces(struct fw_case_builder *b, const struct fw_ifaces *ifaces, enum fw_field field)
{
	if (!ifaces->any && !has_all(ifaces->items, ifaces->len))
		add_positive_ifaces(b, ifaces, field);
	if (!ifaces->except_len)
		return;
	if (has_all(ifaces->except, ifaces->except_len))
		b->impossible = true;
	struct fw_atom exact = names_atom(b->p, ifaces->except, ifaces->except_len, field);
	if (exact.name_count)
		fw_case_atom(b, fw_atom_not(exact));
	for (size_t i = 0; i < ifaces->except_len; i++)
		if (ifaces->except[i].prefix)
			fw_case_atom(b, fw_atom_not(prefix_atom(&ifaces->except[i], field)));
}

/* --- time --- */

/* A set of ns for each different `during`. Its end is the second's first nanosecond, as nft (which writes seconds) would have it. */
static const char *during_set(struct fw_planner *p, const struct fw_ast_during *during)
{
	unsigned int days = during->days;
	char *spec = fw_arena_printf(p->arena, "%u-%u-%u", during->start_minute, during->end_minute, days);
	char hex[FW_HASH_HEX] = "";
	if (spec)
		fw_hash_hex(fw_hash128(fw_str_from(spec)), hex);
	const char *name = fw_arena_printf(p->arena, "during-%.16s", hex);
	if (!spec || !name) {
		p->error = -ENOMEM;
		return "";
	}
	if (fw_map_get(&p->sets, fw_str_from(name)))
		return name;
	int64_t from = fw_during_begin(p->env), to = from + (int64_t)FW_DURING_WEEKS * 7 * 86400;
	p->plan->horizon = to;
	struct fw_instants instants;
	int r = fw_compile_during(p->arena, p->env, during, (struct fw_instant_range){ from > 0 ? from : 0, to }, &instants);
	struct fw_plan_set *set = r < 0 ? NULL : fw_vec_push(&p->plan->sets);
	struct fw_range *ranges = set ? fw_arena_alloc(p->arena, instants.len + 1, sizeof(*ranges)) : NULL;
	if (!ranges || fw_map_put(&p->sets, fw_str_from(name), set) < 0) {
		p->error = -ENOMEM;
		return "";
	}
	for (size_t i = 0; i < instants.len; i++) {
		ranges[i].low = (struct fw_u128){ 0, (uint64_t)instants.ranges[i].begin * NS_PER_S };
		ranges[i].high = (struct fw_u128){ 0, (uint64_t)instants.ranges[i].end * NS_PER_S };
	}
	*set = (struct fw_plan_set){ .name = name, .kind = FW_PLAN_DURING, .key = FW_RS_KEY_TIME, .values = { ranges, instants.len }, .span = p->span };
	return name;
}

static void add_times(struct fw_case_builder *b, const struct fw_match *match)
{
	if (match->has_during) {
		const char *name = during_set(b->p, &match->during);
		fw_case_atom(b, (struct fw_atom){ .field = FW_FIELD_TIME, .kind = FW_ATOM_SET, .name = name, .bits = 64 });
	}
	if (!match->has_until)
		return;
	int64_t end = fw_compile_until(b->p->env, &match->until);
	if (end <= 0)
		b->impossible = true;
	else if ((uint64_t)end < UINT64_MAX / NS_PER_S)
		fw_case_atom(b, (struct fw_atom){ .field = FW_FIELD_TIME, .kind = FW_ATOM_BELOW, .number = (uint64_t)end * NS_PER_S });
}

/* --- all of it --- */

static bool asks_addresses(const struct fw_addrs *addrs)
{
	return !addrs->any || addrs->except_literals[FW_IPV4].len || addrs->except_literals[FW_IPV6].len || addrs->except_group_count;
}

/* A case for `families`: one of them, or both where no field of a family is asked for. */
static void add_case(struct fw_planner *p, const struct fw_match *match, enum fw_direction direction, unsigned int families,
		     struct fw_vec *cases)
{
	struct fw_case_builder b;
	fw_case_begin(&b, p);
	enum fw_family family = families == FW_FAMILY_BIT(FW_IPV6) ? FW_IPV6 : FW_IPV4;
	if (families != FW_FAMILY_BOTH)
		fw_case_atom(&b, fw_atom_family(p, family));
	add_what(&b, match, families);
	if (match->source_ports.len)
		fw_case_atom(&b, fw_atom_in(FW_FIELD_SPORT, match->source_ports));
	add_ifaces(&b, &match->on, direction == FW_OUT ? FW_FIELD_OIFNAME : FW_FIELD_IIFNAME);
	if (direction == FW_FORWARD)
		add_ifaces(&b, &match->leaving, FW_FIELD_OIFNAME);
	if (families != FW_FAMILY_BOTH) {
		fw_plan_addresses(&b, &match->from, family, FW_SIDE_SOURCE);
		fw_plan_addresses(&b, &match->to, family, FW_SIDE_DESTINATION);
	}
	if (match->owners.ids.len)
		fw_case_atom(&b, fw_atom_in(match->owners.kind == FW_OWNER_USER ? FW_FIELD_SKUID : FW_FIELD_SKGID, match->owners.ids));
	add_times(&b, match);
	fw_case_end(&b, cases);
}

void fw_plan_match(struct fw_planner *p, const struct fw_match *match, enum fw_direction direction, struct fw_vec *cases)
{
	fw_cases_init(p, cases);
	if (!asks_addresses(&match->from) && !asks_addresses(&match->to)) {
		add_case(p, match, direction, match->families, cases);
		return;
	}
	for (int family = 0; family < FW_FAMILIES; family++)
		if (match->families & FW_FAMILY_BIT(family))
			add_case(p, match, direction, FW_FAMILY_BIT(family), cases);
}
