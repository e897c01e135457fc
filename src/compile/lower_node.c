/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lower_node.c - nodes as chains, a rule for each branch, and tables as maps. The parts of a concatenated key go to registers side by
 * side, as nft lays them out. */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "compile/lower.h"

/* --- tables --- */

static struct fw_rs_verdict verdict_of(const struct fw_target *target)
{
	switch (target->kind) {
	case FW_TARGET_BACK:
		break;
	case FW_TARGET_LEAF:
		return (struct fw_rs_verdict){ NFT_GOTO, target->leaf->name };
	case FW_TARGET_NODE:
		return (struct fw_rs_verdict){ NFT_GOTO, target->node->name };
	}
	return (struct fw_rs_verdict){ NFT_RETURN, NULL };
}

static int lower_verdicts(struct fw_lowering *l, const struct fw_table *table, struct fw_rs_set *set)
{
	struct fw_rs_verdict *verdicts = fw_arena_alloc(l->arena, table->targets.len, sizeof(*verdicts));

	if (!verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < table->targets.len; i++)
		verdicts[i] = verdict_of(fw_vec_at(&table->targets, i));
	set->data = FW_RS_VERDICTS;
	set->elements.verdicts = verdicts;
	return 0;
}

static int lower_counters(struct fw_lowering *l, const struct fw_table *table, struct fw_rs_set *set)
{
	const char **names = fw_arena_alloc(l->arena, table->targets.len, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < table->targets.len; i++)
		names[i] = ((const struct fw_target *)fw_vec_at(&table->targets, i))->leaf->name;
	set->data = FW_RS_COUNTERS;
	set->elements.objects = names;
	return 0;
}

/* A hash that is given its size is faster, and full when it is reached: a size with room for some edits, which most edits leave as it is. */
static uint32_t hash_size(size_t len)
{
	size_t size = 64;

	while (size < len + len / 16)
		size += size / 4;
	return (uint32_t)size;
}

void fw_lower_table(struct fw_lowering *l, const struct fw_table *table)
{
	struct fw_rs_set *set = l->error ? NULL : fw_ruleset_add_set(l->rs, table->name);
	int r = 0;

	if (!set) {
		fw_lower_no_memory(l);
		return;
	}
	set->kind = FW_RS_SET_CONSTANT;
	set->key = table->key;
	set->interval = table->interval;
	set->size = table->interval ? 0 : hash_size(table->keys.len);
	set->origin = table->span;
	set->elements.keys = table->keys.items;
	set->elements.len = table->keys.len;
	if (table->kind == FW_TABLE_VERDICTS)
		r = lower_verdicts(l, table, set);
	else if (table->kind == FW_TABLE_COUNTERS)
		r = lower_counters(l, table, set);
	if (r < 0)
		fw_lower_no_memory(l);
}

/* --- prefixes of big groups --- */

struct spelling { /* prefixes of a group as keys of one length */
	const struct fw_plan_set *plan;
	uint8_t *keys;
	size_t len;
};

static void spell_out(struct spelling *s, struct fw_range prefix)
{
	const size_t width = s->plan->family == FW_IPV4 ? 4 : 16;

	while (s->len < s->plan->count) {
		const struct fw_range part = fw_range_prefix(s->plan->family, prefix.low, s->plan->length);
		uint8_t bytes[16];
		fw_addr_to_bytes(s->plan->family, part.low, bytes);
		memcpy(s->keys + s->len++ * width, bytes, width);
		if (fw_u128_compare(part.high, prefix.high) >= 0)
			return;
		prefix.low = fw_u128_next(part.high);
	}
}

void fw_lower_prefixes(struct fw_lowering *l, struct fw_rs_set *set, const struct fw_plan_set *plan)
{
	struct spelling s = { .plan = plan };

	s.keys = fw_arena_alloc(l->arena, plan->count, plan->family == FW_IPV4 ? 4 : 16);
	if (!s.keys) {
		fw_lower_no_memory(l);
		return;
	}
	for (size_t i = 0; i < plan->values.len; i++) {
		struct fw_range rest = plan->values.ranges[i], prefix;
		bool more = true;
		while (more) {
			unsigned int length = 0;
			more = fw_range_take_prefix(plan->family, &rest, &prefix);
			fw_range_is_prefix(plan->family, prefix, &length);
			if (plan->as[length] == plan->length)
				spell_out(&s, prefix);
		}
	}
	set->kind = FW_RS_SET_CONSTANT;
	set->size = hash_size(s.len);
	set->elements.keys = s.keys;
	set->elements.len = s.len;
}

/* --- branches --- */

static void load_key(struct fw_exprs *exprs, const struct fw_table *table)
{
	static const uint32_t registers[FW_TABLE_FIELDS_MAX] = { NFT_REG_1, NFT_REG32_01, NFT_REG32_02 };

	for (size_t i = 0; i < table->field_count; i++) {
		const struct fw_field_info *info = fw_field_info(table->fields[i]);
		fw_exprs_load_to(exprs, table->fields[i], registers[i]);
		if (i + 1 == table->field_count && table->bits < 8u * info->width)
			fw_exprs_mask(exprs, registers[i], info->width, table->bits);
		if (info->host_order)
			fw_exprs_hton(exprs, info->width);
	}
}

static void add_table(struct fw_exprs *exprs, const struct fw_table *table)
{
	load_key(exprs, table);
	if (table->kind == FW_TABLE_COUNTERS) {
		struct fw_rs_expr *counter = fw_exprs_add(exprs, FW_RS_OBJREF);
		counter->objref.type = NFT_OBJECT_COUNTER;
		counter->objref.set = table->name;
		counter->objref.sreg = NFT_REG_1;
		fw_exprs_verdict(exprs, table->verdict == FW_ALLOW ? NF_ACCEPT : NF_DROP, NULL);
		return;
	}
	fw_exprs_lookup(exprs, table->name, false);
	if (table->kind == FW_TABLE_VERDICTS) {
		exprs->items[exprs->len - 1].lookup.has_dreg = true;
		exprs->items[exprs->len - 1].lookup.dreg = NFT_REG_VERDICT;
	}
}

static void add_target(struct fw_exprs *exprs, const struct fw_target *target)
{
	switch (target->kind) {
	case FW_TARGET_BACK:
		fw_exprs_verdict(exprs, NFT_RETURN, NULL);
		return;
	case FW_TARGET_LEAF:
		fw_exprs_leaf(exprs, target->leaf);
		return;
	case FW_TARGET_NODE:
		fw_exprs_verdict(exprs, NFT_GOTO, target->node->name);
		return;
	}
}

void fw_lower_branches(struct fw_lowering *l, const char *chain, const struct fw_node *node)
{
	for (size_t i = 0; i < node->branches.len && !l->error; i++) {
		const struct fw_branch *branch = fw_vec_at(&node->branches, i);
		struct fw_exprs exprs;
		fw_exprs_init(&exprs);
		for (size_t k = 0; k < branch->atom_count; k++)
			fw_lower_atom(l, &exprs, &branch->atoms[k]);
		if (branch->table)
			add_table(&exprs, branch->table);
		if (!branch->table || branch->table->kind == FW_TABLE_SET)
			add_target(&exprs, &branch->target);
		fw_lower_rule(l, chain, &exprs);
	}
}

void fw_lower_node(struct fw_lowering *l, const struct fw_node *node)
{
	l->span = node->span;
	if (fw_lower_chain(l, node->name))
		fw_lower_branches(l, node->name, node);
}
