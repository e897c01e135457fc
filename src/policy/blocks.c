/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/blocks.c - block statements: some addresses are never blocked, and are taken out of what the statement says. A group is copied for
 * that only where it holds some of them. */
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"

#define V6(hextet) ((uint64_t)(hextet) << 48)

/* Sorted, as an interval set is. */
static const struct fw_range never_v4[] = {
	{ { 0, 0 }, { 0, 0 } },                     /* 0.0.0.0: a host without an address yet */
	{ { 0, 0xa9fe0000 }, { 0, 0xa9feffff } },   /* 169.254.0.0/16 */
	{ { 0, 0xe0000000 }, { 0, 0xefffffff } },   /* 224.0.0.0/4 */
	{ { 0, 0xffffffff }, { 0, 0xffffffff } },   /* 255.255.255.255 */
};
static const struct fw_range never_v6[] = {
	{ { 0, 0 }, { 0, 0 } },                                       /* :: */
	{ { V6(0xfe80), 0 }, { V6(0xfebf) | 0xffffffffffff, UINT64_MAX } }, /* fe80::/10 */
	{ { V6(0xff00), 0 }, { UINT64_MAX, UINT64_MAX } },            /* ff00::/8 */
};
static const struct fw_iset never[FW_FAMILIES] = {
	[FW_IPV4] = { never_v4, FW_ARRAY_SIZE(never_v4) },
	[FW_IPV6] = { never_v6, FW_ARRAY_SIZE(never_v6) },
};

/* The first range of the set that ends at `low` or later. */
static size_t lower_bound(struct fw_iset set, struct fw_u128 low)
{
	size_t from = 0, to = set.len;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (fw_u128_compare(set.ranges[middle].high, low) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* The part of `range` that the set holds first. */
static bool first_common(struct fw_iset set, struct fw_range range, struct fw_range *ret_common)
{
	size_t at = lower_bound(set, range.low);

	if (at == set.len || fw_u128_compare(set.ranges[at].low, range.high) > 0)
		return false;
	*ret_common = set.ranges[at];
	if (fw_u128_compare(ret_common->low, range.low) < 0)
		ret_common->low = range.low;
	if (fw_u128_compare(ret_common->high, range.high) > 0)
		ret_common->high = range.high;
	return true;
}

static bool overlaps_never(const struct fw_iset sets[FW_FAMILIES])
{
	struct fw_range common;

	for (size_t family = 0; family < FW_FAMILIES; family++) {
		for (size_t i = 0; i < never[family].len; i++) {
			if (first_common(sets[family], never[family].ranges[i], &common))
				return true;
		}
	}
	return false;
}

/* `range` without what the statement excepts: *ret_left, which may be empty. */
static int subtract_excepts(struct resolver *r, const struct fw_addrs *addrs, enum fw_family family, struct fw_range range,
			    struct fw_iset *ret_left)
{
	struct fw_range *copy = fw_arena_alloc(r->arena, 1, sizeof(*copy));
	struct fw_iset left = { copy, 1 };

	if (!copy)
		return -ENOMEM;
	*copy = range;
	if (fw_iset_subtract(r->arena, left, addrs->except_literals[family], &left))
		return -ENOMEM;
	for (size_t i = 0; i < addrs->except_group_count; i++) {
		if (fw_iset_subtract(r->arena, left, addrs->except_groups[i]->addresses[family], &left))
			return -ENOMEM;
	}
	*ret_left = left;
	return 0;
}

enum self { SELF_NONE, SELF_OWN, SELF_NEVER };

/* One word of the list against this host and the never-blocked addresses. */
struct probe {
	struct resolver *r;
	const struct fw_addrs *addrs;
	enum fw_family family;
	struct fw_iset set;
	enum self found;
};

static bool is_own(const struct probe *probe, struct fw_range range)
{
	const struct fw_policy_env *env = probe->r->env;

	return env && env->is_own_address && env->is_own_address(env->context, probe->family, range);
}

/* Halves the part of the set that holds an address of this host, until one range is left: few questions, however long the list. */
static int probe_own(struct probe *probe, size_t from, size_t to)
{
	struct fw_range hull;
	struct fw_iset left;
	int result;

	if (from == to || probe->found)
		return 0;
	hull = (struct fw_range){ probe->set.ranges[from].low, probe->set.ranges[to - 1].high };
	if (!is_own(probe, hull))
		return 0;
	if (to - from > 1) {
		result = probe_own(probe, from, from + (to - from) / 2);
		return result ? result : probe_own(probe, from + (to - from) / 2, to);
	}
	result = subtract_excepts(probe->r, probe->addrs, probe->family, hull, &left);
	for (size_t i = 0; !result && i < left.len; i++) {
		if (is_own(probe, left.ranges[i]))
			probe->found = SELF_OWN;
	}
	return result;
}

static int probe_never(struct probe *probe)
{
	const struct fw_iset *fixed = &never[probe->family];
	struct fw_range common;
	struct fw_iset left;

	for (size_t i = 0; i < fixed->len && !probe->found; i++) {
		if (!first_common(probe->set, fixed->ranges[i], &common))
			continue;
		if (subtract_excepts(probe->r, probe->addrs, probe->family, common, &left))
			return -ENOMEM;
		if (left.len > 0)
			probe->found = SELF_NEVER;
	}
	return 0;
}

static int warn_self(struct resolver *r, const struct fw_addrs *addrs, const struct fw_iset sets[FW_FAMILIES], struct fw_span span)
{
	struct probe probe = { .r = r, .addrs = addrs };
	struct fw_diag *diag;

	for (size_t i = 0; i < FW_FAMILIES && !probe.found; i++) {
		probe.family = (enum fw_family)i;
		probe.set = sets[i];
		if (probe_own(&probe, 0, probe.set.len) || probe_never(&probe))
			return -ENOMEM;
	}
	if (probe.found == SELF_OWN) {
		diag = fw_diag_warning(r->diags, span, "self", "this blocks an address of this host");
		fw_diag_help(r->diags, diag, "leave it out with 'except'");
	} else if (probe.found == SELF_NEVER) {
		diag = fw_diag_warning(r->diags, span, "self", "this holds addresses that are never blocked");
		fw_diag_help(r->diags, diag, "0.0.0.0, ::, link-local, multicast and broadcast addresses are left alone");
	}
	return 0;
}

static int word_sets(struct resolver *r, const struct fw_ast_word *word, struct fw_iset ret_sets[FW_FAMILIES])
{
	int result;

	if (!fw_addresses_is_literal(word)) {
		memcpy(ret_sets, ((struct group_def *)fw_map_get(&r->group_names, word->text))->out.addresses,
		       sizeof(struct fw_iset) * FW_FAMILIES);
		return 0;
	}
	r->ranges[FW_IPV4].len = r->ranges[FW_IPV6].len = 0;
	result = fw_addresses_add_literal(r, word);
	return result ? result : fw_addresses_take(r, ret_sets);
}

static int check_self(struct resolver *r, const struct fw_ast_operands *operands, const struct fw_addrs *addrs)
{
	struct fw_iset sets[FW_FAMILIES];

	if (operands->any) {
		int result = fw_addresses_all(r, sets);

		return result ? result : warn_self(r, addrs, sets, operands->span);
	}
	for (size_t i = 0; i < operands->list.len; i++) {
		const struct fw_ast_word *word = &operands->list.words[i];
		int result = word_sets(r, word, sets);

		if (!result)
			result = warn_self(r, addrs, sets, word->span);
		if (result)
			return result;
	}
	return 0;
}

/* The group without the never-blocked addresses, under a name that no group of a policy can have. NULL without memory. */
static const struct fw_group *without_never(struct resolver *r, const struct fw_group *group)
{
	struct fw_group *rest = fw_arena_alloc(r->arena, 1, sizeof(*rest));
	char *name = fw_arena_printf(r->arena, "%s/blocked", group->name.data);

	if (!rest || !name)
		return NULL;
	*rest = *group;
	rest->name = fw_str_from(name);
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		if (fw_iset_subtract(r->arena, group->addresses[i], never[i], &rest->addresses[i]))
			return NULL;
	}
	return rest;
}

static int take_away(struct resolver *r, struct fw_addrs *addrs)
{
	const struct fw_group **kept = fw_arena_alloc(r->arena, addrs->group_count + 1, sizeof(*kept));
	bool open = addrs->any; /* addresses that are not known now: except the never-blocked */
	size_t count = 0;

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		if (fw_iset_subtract(r->arena, addrs->literals[i], never[i], &addrs->literals[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < addrs->group_count; i++) {
		const struct fw_group *group = addrs->groups[i];

		open |= group->kind == FW_GROUP_DYNAMIC;
		kept[count] = overlaps_never(group->addresses) ? without_never(r, group) : group;
		if (!kept[count++])
			return -ENOMEM;
	}
	addrs->groups = kept;
	addrs->group_count = count;
	for (size_t i = 0; open && i < FW_FAMILIES; i++) {
		if (fw_iset_union(r->arena, addrs->except_literals[i], never[i], &addrs->except_literals[i]))
			return -ENOMEM;
	}
	addrs->families = fw_addresses_families(addrs);
	return 0;
}

int fw_blocks_resolve(struct resolver *r, const struct item *item, struct fw_block *ret_block)
{
	const struct fw_stmt *stmt = item->stmt;
	struct fw_block block = { .log = stmt->block.log, .span = stmt->span };
	int result = fw_addresses_resolve(r, &stmt->block.addresses, &block.addresses);

	if (!result)
		result = check_self(r, &stmt->block.addresses, &block.addresses);
	if (!result)
		result = take_away(r, &block.addresses);
	if (result)
		return result;
	block.text = fw_rules_text(r, item, FW_IN);
	if (!block.text)
		return -ENOMEM;
	result = fw_rules_id(r, block.text, "block", block.id);
	if (!result)
		*ret_block = block;
	return result;
}
