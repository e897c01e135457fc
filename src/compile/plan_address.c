/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_address.c - ADDRS as atoms: literals are one term, each static group is one (its named set), each prefix length of a
 * dynamic group is one (a hash of that length). The excepts are atoms of the case. An address outside the family's part of a list
 * matches nothing; an empty group is no term, and takes nothing away after `except`. */
#include <errno.h>

#include "compile/plan_build.h"

#define RTN_BROADCAST_TYPE 3 /* linux/rtnetlink.h, RTN_BROADCAST */

struct side_fields {
	enum fw_field field[FW_FAMILIES];
};
static const struct side_fields side_fields[] = {
	[FW_SIDE_SOURCE] = { { FW_FIELD_SADDR4, FW_FIELD_SADDR6 } },
	[FW_SIDE_DESTINATION] = { { FW_FIELD_DADDR4, FW_FIELD_DADDR6 } },
};

/* 0.0.0.0, link-local, multicast, broadcast; ::, link-local, multicast: what no block touches. */
static const struct fw_range untouched4[] = {
	{ { 0, 0 }, { 0, 0 } },
	{ { 0, 0xa9fe0000 }, { 0, 0xa9feffff } },
	{ { 0, 0xe0000000 }, { 0, 0xefffffff } },
	{ { 0, 0xffffffff }, { 0, 0xffffffff } },
};
static const struct fw_range untouched6[] = {
	{ { 0, 0 }, { 0, 0 } },
	{ { 0xfe80000000000000, 0 }, { 0xfebfffffffffffff, UINT64_MAX } },
	{ { 0xff00000000000000, 0 }, { UINT64_MAX, UINT64_MAX } },
};
static const struct fw_iset untouched[FW_FAMILIES] = {
	{ untouched4, FW_ARRAY_SIZE(untouched4) },
	{ untouched6, FW_ARRAY_SIZE(untouched6) },
};

static enum fw_rs_key address_key(enum fw_family family)
{
	return family == FW_IPV4 ? FW_RS_KEY_IPV4 : FW_RS_KEY_IPV6;
}

/* The set of that name, made at first mention; NULL without memory, or where it is there already. */
static struct fw_plan_set *new_set(struct fw_planner *p, const char *name, enum fw_plan_set_kind kind, enum fw_rs_key key)
{
	static const char mark = 1;
	if (p->error || !name) {
		p->error = p->error ? p->error : -ENOMEM;
		return NULL;
	}
	int r = fw_map_put(&p->sets, fw_str_from(name), (void *)(uintptr_t)&mark);
	if (r == -EEXIST)
		return NULL;
	struct fw_plan_set *set = r < 0 ? NULL : fw_vec_push(&p->plan->sets);
	if (!set) {
		p->error = -ENOMEM;
		return NULL;
	}
	*set = (struct fw_plan_set){ .name = name, .kind = kind, .key = key };
	return set;
}

static struct fw_atom set_atom(enum fw_field field, const char *name, unsigned int bits)
{
	return (struct fw_atom){ .field = field, .kind = FW_ATOM_SET, .name = name, .bits = bits };
}

static struct fw_atom group_atom(struct fw_planner *p, const struct fw_group *group, enum fw_family family, enum fw_field field)
{
	const char *name = fw_plan_group_set_name(p->arena, group->name, family);
	struct fw_plan_set *set = new_set(p, name, FW_PLAN_GROUP, address_key(family));
	if (set) {
		set->values = group->addresses[family];
		set->span = group->span;
	}
	return set_atom(field, name, fw_family_bits(family));
}

static struct fw_atom member_atom(struct fw_planner *p, const struct fw_group *group, enum fw_family family, unsigned int length,
				  enum fw_field field)
{
	char name[256];
	fw_compile_member_set_name(group->name.data, family, length, name, sizeof(name));
	const char *copy = fw_arena_copy(p->arena, fw_str_from(name));
	struct fw_plan_set *set = new_set(p, copy, FW_PLAN_MEMBERS, address_key(family));
	if (set) {
		set->size = group->size;
		set->timeout_s = group->timeout_s;
		set->span = group->span;
	}
	return set_atom(field, copy, length);
}

/* Does `group` have members of this prefix length, or can it have them without a new compile? */
static bool length_in_use(const struct fw_planner *p, const struct fw_group *group, enum fw_family family, unsigned int length)
{
	if (length == fw_family_bits(family))
		return true;
	for (size_t i = 0; i < p->env->length_count; i++) {
		const struct fw_member_lengths *lengths = &p->env->lengths[i];
		const uint64_t *words = family == FW_IPV4 ? &lengths->ipv4 : lengths->ipv6;
		if (fw_str_equal(fw_str_from(lengths->group), group->name) && words[length / 64] >> (length % 64) & 1)
			return true;
	}
	return false;
}

static void add_member_sets(struct fw_planner *p, const struct fw_group *group, enum fw_family family)
{
	for (unsigned int length = 0; length <= fw_family_bits(family); length++)
		if (length_in_use(p, group, family, length))
			member_atom(p, group, family, length, FW_FIELD_SADDR4);
}

void fw_plan_member_sets(struct fw_planner *p)
{
	for (size_t i = 0; i < p->policy->group_count; i++) {
		const struct fw_group *group = p->policy->groups[i];
		for (int family = 0; group->kind == FW_GROUP_DYNAMIC && family < FW_FAMILIES; family++)
			add_member_sets(p, group, (enum fw_family)family);
	}
}

/* --- the positive side --- */

struct address_test {
	struct fw_planner *p;
	enum fw_family family;
	enum fw_side side;
	enum fw_field field;
	bool block; /* leave alone what blocks never touch */
	bool guard; /* ... and the excepts do not see to that already */
};

static bool touches(const struct address_test *t, struct fw_iset set)
{
	struct fw_iset both;
	int r = fw_iset_intersect(t->p->arena, set, untouched[t->family], &both);
	if (r < 0)
		t->p->error = t->p->error ? t->p->error : r;
	return r < 0 || both.len > 0;
}

static void add_term(const struct address_test *t, struct fw_vec *terms, struct fw_atom atom, bool guard)
{
	struct fw_atom atoms[3] = { atom };
	size_t len = 1;
	if (t->guard && guard)
		atoms[len++] = fw_atom_not(fw_atom_in(t->field, untouched[t->family]));
	/* Which addresses are a network's broadcast only the routing table knows. */
	if (t->block && t->side == FW_SIDE_DESTINATION && t->family == FW_IPV4)
		atoms[len++] = fw_atom_not(fw_atom_value(t->p, FW_FIELD_DADDR_TYPE, RTN_BROADCAST_TYPE));
	fw_terms_add(t->p, terms, atoms, len);
}

static void add_members(const struct address_test *t, struct fw_vec *terms, const struct fw_group *group)
{
	for (unsigned int length = fw_family_bits(t->family) + 1; length-- > 0;)
		if (length_in_use(t->p, group, t->family, length))
			add_term(t, terms, member_atom(t->p, group, t->family, length, t->field), true);
}

static void add_positive(const struct address_test *t, struct fw_case_builder *b, const struct fw_addrs *addrs)
{
	struct fw_vec terms;
	fw_terms_init(t->p, &terms);
	if (addrs->any && t->block) {
		struct fw_range *all = fw_arena_alloc(t->p->arena, 1, sizeof(*all));
		if (!all) {
			t->p->error = -ENOMEM;
			return;
		}
		*all = (struct fw_range){ { 0, 0 }, fw_family_max(t->family) };
		add_term(t, &terms, fw_atom_in(t->field, (struct fw_iset){ all, 1 }), true);
	}
	struct fw_iset literals = addrs->literals[t->family];
	if (literals.len)
		add_term(t, &terms, fw_atom_in(t->field, literals), t->guard && touches(t, literals));
	for (size_t i = 0; i < addrs->group_count; i++) {
		const struct fw_group *group = addrs->groups[i];
		struct fw_iset set = group->addresses[t->family];
		if (group->kind == FW_GROUP_DYNAMIC)
			add_members(t, &terms, group);
		else if (set.len)
			add_term(t, &terms, group_atom(t->p, group, t->family, t->field), t->guard && touches(t, set));
	}
	fw_case_clause(b, &terms);
}

/* --- the excepts --- */

static void except_members(const struct address_test *t, struct fw_case_builder *b, const struct fw_group *group)
{
	for (unsigned int length = fw_family_bits(t->family) + 1; length-- > 0;)
		if (length_in_use(t->p, group, t->family, length))
			fw_case_atom(b, fw_atom_not(member_atom(t->p, group, t->family, length, t->field)));
}

static void add_excepts(const struct address_test *t, struct fw_case_builder *b, const struct fw_addrs *addrs)
{
	struct fw_iset literals = addrs->except_literals[t->family];
	if (literals.len)
		fw_case_atom(b, fw_atom_not(fw_atom_in(t->field, literals)));
	if (fw_iset_is_all(literals, fw_family_max(t->family)))
		b->impossible = true;
	for (size_t i = 0; i < addrs->except_group_count; i++) {
		const struct fw_group *group = addrs->except_groups[i];
		if (group->kind == FW_GROUP_DYNAMIC)
			except_members(t, b, group);
		else if (group->addresses[t->family].len)
			fw_case_atom(b, fw_atom_not(group_atom(t->p, group, t->family, t->field)));
	}
}

static bool lacks_untouched(struct fw_planner *p, struct fw_iset excepts, enum fw_family family)
{
	struct fw_iset rest = { NULL, 0 };
	int r = fw_iset_subtract(p->arena, untouched[family], excepts, &rest);
	if (r < 0)
		p->error = p->error ? p->error : r;
	return rest.len > 0;
}

static void add_addresses(struct fw_case_builder *b, const struct fw_addrs *addrs, struct address_test test)
{
	test.p = b->p;
	test.field = side_fields[test.side].field[test.family];
	test.guard = test.block && lacks_untouched(b->p, addrs->except_literals[test.family], test.family);
	if (!addrs->any || test.block)
		add_positive(&test, b, addrs);
	add_excepts(&test, b, addrs);
}

void fw_plan_addresses(struct fw_case_builder *b, const struct fw_addrs *addrs, enum fw_family family, enum fw_side side)
{
	add_addresses(b, addrs, (struct address_test){ .family = family, .side = side, .block = false });
}

void fw_plan_block_addresses(struct fw_case_builder *b, const struct fw_addrs *addrs, enum fw_family family, enum fw_side side)
{
	add_addresses(b, addrs, (struct address_test){ .family = family, .side = side, .block = true });
}
