/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_table.c - tables in the making: keys as nf_tables holds them, each with its target. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/plan_dispatch.h"

void fw_key_number(struct fw_key *key, struct fw_u128 number, size_t width, bool padded)
{
	for (size_t i = 0; i < width; i++) {
		const size_t shift = 8 * (width - 1 - i);
		key->bytes[key->len++] = (uint8_t)(shift >= 64 ? number.hi >> (shift - 64) : number.lo >> shift);
	}
	while (padded && key->len % 4)
		key->bytes[key->len++] = 0;
}

void fw_key_what(struct fw_key *key, uint8_t proto, uint16_t port)
{
	*key = (struct fw_key){ .bytes = { proto, 0, 0, 0, (uint8_t)(port >> 8), (uint8_t)port, 0, 0 }, .len = 8 };
}

struct fw_table *fw_table_new(struct fw_planner *p, const char *name, enum fw_table_kind kind, enum fw_rs_key key)
{
	struct fw_table *table = p->error || !name ? NULL : fw_arena_alloc(p->arena, 1, sizeof(*table));

	if (!table) {
		p->error = p->error ? p->error : -ENOMEM;
		return NULL;
	}
	*table = (struct fw_table){ .name = name, .kind = kind, .key = key };
	fw_vec_init(&table->targets, p->arena, sizeof(struct fw_target));
	return table;
}

void fw_table_field(struct fw_table *table, enum fw_field field)
{
	if (!table)
		return;
	table->fields[table->field_count++] = field;
	table->bits = 8u * fw_field_info(field)->width;
}

void fw_table_add(struct fw_planner *p, struct fw_table *table, const struct fw_key *key, struct fw_target target)
{
	if (p->error || !table)
		return;
	if (!table->keys.size)
		fw_vec_init(&table->keys, p->arena, key->len);
	void *bytes = fw_vec_push(&table->keys);
	struct fw_target *slot = table->kind == FW_TABLE_SET ? NULL : fw_vec_push(&table->targets);
	if (!bytes || (!slot && table->kind != FW_TABLE_SET)) {
		p->error = -ENOMEM;
		return;
	}
	memcpy(bytes, key->bytes, key->len);
	if (slot)
		*slot = target;
	/* what a map leads to has a chain; counters stand in their table */
	if (slot && target.kind == FW_TARGET_LEAF && table->kind == FW_TABLE_VERDICTS)
		target.leaf->has_chain = true;
}

struct order { /* of the elements, while they are sorted */
	const uint8_t *key;
	size_t size, index;
};

static int by_key(const void *a, const void *b)
{
	const struct order *left = a, *right = b;

	return memcmp(left->key, right->key, left->size);
}

static bool is_sorted(const struct fw_table *table)
{
	const uint8_t *keys = table->keys.items;

	for (size_t i = 1; i < table->keys.len; i++)
		if (memcmp(keys + (i - 1) * table->keys.size, keys + i * table->keys.size, table->keys.size) > 0)
			return false;
	return true;
}

static int sort(struct fw_table *table)
{
	const size_t len = table->keys.len, size = table->keys.size;
	struct order *order = calloc(len, sizeof(*order));
	uint8_t *keys = malloc(len * size);
	struct fw_target *targets = table->targets.len ? malloc(len * sizeof(*targets)) : NULL;
	const bool ok = order && keys && (targets || !table->targets.len);

	for (size_t i = 0; ok && i < len; i++)
		order[i] = (struct order){ (const uint8_t *)table->keys.items + i * size, size, i };
	if (ok)
		qsort(order, len, sizeof(*order), by_key);
	for (size_t i = 0; ok && i < len; i++) {
		memcpy(keys + i * size, order[i].key, size);
		if (targets)
			targets[i] = ((struct fw_target *)table->targets.items)[order[i].index];
	}
	if (ok)
		memcpy(table->keys.items, keys, len * size);
	if (ok && targets)
		memcpy(table->targets.items, targets, len * sizeof(*targets));
	free(order);
	free(keys);
	free(targets);
	return ok ? 0 : -ENOMEM;
}

void fw_table_end(struct fw_planner *p, struct fw_table *table)
{
	if (p->error || !table || table->is_ended)
		return;
	table->is_ended = true;
	if (table->keys.len > 1 && !is_sorted(table))
		p->error = sort(table);
	table->span = p->span;
	const struct fw_table **slot = p->error ? NULL : fw_vec_push(&p->plan->tables);
	if (slot)
		*slot = table;
	else if (!p->error)
		p->error = -ENOMEM;
}

/* --- several --- */

static struct fw_table *start(struct fw_dispatcher *d, const struct fw_tables *tables, enum fw_table_kind kind, const char *suffix)
{
	struct fw_table *table = fw_table_new(d->p, fw_plan_name(d->p, "%s%s", tables->name, suffix), kind, tables->key);

	for (size_t i = 0; i < tables->field_count; i++)
		fw_table_field(table, tables->fields[i]);
	if (table && tables->bits)
		table->bits = tables->bits;
	if (table)
		table->interval = tables->interval;
	return table;
}

void fw_tables_add(struct fw_dispatcher *d, struct fw_tables *tables, const struct fw_key *key, struct fw_target target)
{
	const bool counts = d->counters && !tables->interval && target.kind == FW_TARGET_LEAF && fw_leaf_is_plain(target.leaf);
	const bool denies = counts && target.leaf->verdict == FW_DENY;
	struct fw_table **slot = counts ? &tables->counters[denies] : &tables->verdicts;

	if (!*slot && counts)
		*slot = start(d, tables, FW_TABLE_COUNTERS, denies ? "-deny" : "-allow");
	else if (!*slot)
		*slot = start(d, tables, FW_TABLE_VERDICTS, "");
	if (*slot && counts)
		(*slot)->verdict = target.leaf->verdict;
	fw_table_add(d->p, *slot, key, target);
}

static size_t keys_of(const struct fw_table *table)
{
	return table ? table->keys.len : 0;
}

void fw_tables_branch(struct fw_dispatcher *d, struct fw_node *node, const struct fw_guard *guard, struct fw_tables *tables)
{
	struct fw_table *order[] = { tables->counters[0], tables->counters[1], tables->verdicts };

	/* no key is in two of them: the biggest first, as most packets end there */
	for (size_t i = 0; i < FW_ARRAY_SIZE(order); i++)
		for (size_t k = i + 1; k < FW_ARRAY_SIZE(order); k++) {
			if (keys_of(order[k]) <= keys_of(order[i]))
				continue;
			struct fw_table *bigger = order[k];
			order[k] = order[i];
			order[i] = bigger;
		}
	for (size_t i = 0; i < FW_ARRAY_SIZE(order); i++)
		fw_node_table(d->p, node, guard, order[i]);
}
