/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_sets.c - named sets: members of dynamic groups, groups that are too big to be part of a decision diagram, and times. A
 * dynamic group is a hash for each prefix length that its members have; a big one a hash for each length, or where they are many, ranges. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compile/plan_dispatch.h"

#define NS_PER_S 1000000000u

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

/* --- dynamic groups --- */

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

/* --- big groups --- */

/* Which lengths the prefixes of a set have, and of which length each is looked up: some are spelt out as longer ones. */
struct lengths {
	size_t count[129];
	uint8_t as[129];
	size_t total, different;
};

static void count_lengths(enum fw_family family, struct fw_iset set, struct lengths *lengths)
{
	for (size_t i = 0; i < set.len; i++) {
		struct fw_range rest = set.ranges[i];
		bool more = true;
		while (more) {
			struct fw_range prefix;
			more = fw_range_take_prefix(family, &rest, &prefix);
			unsigned int length = 0;
			fw_range_is_prefix(family, prefix, &length);
			lengths->count[length]++;
			lengths->total++;
		}
	}
}

/* Lengths of which there are few are looked up with the next longer one, as long as that adds little. */
static void merge_lengths(unsigned int bits, struct lengths *lengths)
{
	unsigned int longer = bits + 1;

	for (unsigned int length = bits + 1; length-- > 0;) {
		if (!lengths->count[length])
			continue;
		const unsigned int by = longer - length;
		const bool few = longer <= bits && by < 16 && lengths->count[length] << by <= lengths->total / 8;
		lengths->as[length] = (uint8_t)(few ? longer : length);
		lengths->different += !few;
		if (few)
			lengths->count[longer] += lengths->count[length] << by;
		else
			longer = length;
	}
}

static void group_branch(struct fw_dispatcher *d, struct fw_node *node, const struct fw_atom *atom, enum fw_family family, struct fw_target target)
{
	const struct fw_guard guard = fw_guard_family(d->p, family);

	fw_node_branch(d->p, node, &guard, atom, target);
}

static void big_set(struct fw_dispatcher *d, const struct fw_group *group, enum fw_family family, struct fw_plan_set *set)
{
	(void)d;
	if (!set)
		return;
	set->values = group->addresses[family];
	set->family = family;
	set->span = group->span;
}

static void ask_big_group(struct fw_dispatcher *d, struct fw_node *node, const struct fw_space_atom *atom, enum fw_family family, struct fw_target target)
{
	const struct fw_group *group = atom->group;
	const enum fw_field field = fw_level_field(atom->of == FW_ATOM_OF_FROM ? fw_level_from(family) : fw_level_to(family));
	const char *base = fw_plan_group_set_name(d->p->arena, group->name, family);
	struct lengths *lengths = fw_arena_alloc(d->p->arena, 1, sizeof(*lengths));

	if (!lengths || !base) {
		d->p->error = -ENOMEM;
		return;
	}
	count_lengths(family, group->addresses[family], lengths);
	merge_lengths(fw_family_bits(family), lengths);
	if (fw_lookup_prefers_ranges(lengths->different, lengths->total, group->addresses[family].len)) {
		big_set(d, group, family, new_set(d->p, base, FW_PLAN_GROUP, address_key(family)));
		const struct fw_atom test = set_atom(field, base, fw_family_bits(family));
		group_branch(d, node, &test, family, target);
		return;
	}
	for (unsigned int length = fw_family_bits(family) + 1; length-- > 0;) {
		if (!lengths->count[length] || lengths->as[length] != length)
			continue;
		const char *name = fw_plan_name(d->p, "%s-%u", base, length);
		struct fw_plan_set *set = new_set(d->p, name, FW_PLAN_PREFIXES, address_key(family));
		big_set(d, group, family, set);
		if (set) {
			set->length = length;
			set->count = lengths->count[length];
			set->as = lengths->as;
		}
		const struct fw_atom test = set_atom(field, name, length);
		group_branch(d, node, &test, family, target);
	}
}

/* --- any group --- */

static void ask_members(struct fw_dispatcher *d, struct fw_node *node, const struct fw_space_atom *atom, enum fw_family family, struct fw_target target)
{
	const enum fw_field field = fw_level_field(atom->of == FW_ATOM_OF_FROM ? fw_level_from(family) : fw_level_to(family));

	for (unsigned int length = fw_family_bits(family) + 1; length-- > 0;) {
		if (!length_in_use(d->p, atom->group, family, length))
			continue;
		const struct fw_atom test = member_atom(d->p, atom->group, family, length, field);
		group_branch(d, node, &test, family, target);
	}
}

void fw_dispatch_group(struct fw_dispatcher *d, struct fw_node *node, const struct fw_space_atom *atom, struct fw_target target)
{
	for (int family = 0; family < FW_FAMILIES && !d->p->error; family++) {
		if (atom->group->kind == FW_GROUP_DYNAMIC)
			ask_members(d, node, atom, (enum fw_family)family, target);
		else if (atom->group->addresses[family].len)
			ask_big_group(d, node, atom, (enum fw_family)family, target);
	}
}

/* --- times --- */

/* A set of ns for each different `during`. Its end is the second's first nanosecond, as nft (which writes seconds) would have it. */
const char *fw_plan_during_set(struct fw_planner *p, const struct fw_ast_during *during)
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
