/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_lookup.c - addresses as look-ups: of the ways to ask for them the one that costs a packet least. Costs are in nanoseconds,
 * measured on one machine (docs/performance.md); only what they are beside each other matters. */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "compile/bounds.h"
#include "compile/plan_dispatch.h"

#define TEST_COST 12 /* load, mask and compare */

static unsigned int hash_cost(size_t len)
{
	return len <= 4096 ? 50 : len <= 65536 ? 75 : 105;
}

static unsigned int interval_cost(size_t len)
{
	return FW_BOUND_RANGES_COST * (len <= 16 ? 60 : len <= 256 ? 120 : len <= 4096 ? 400 : len <= 65536 ? 1200 : 3000);
}


bool fw_lookup_prefers_ranges(size_t hashes, size_t prefixes, size_t ranges)
{
	return hashes * hash_cost(prefixes) > interval_cost(ranges);
}

enum way { WAY_TESTS, WAY_RANGE_TESTS, WAY_HASH, WAY_INTERVAL };

/* Edges that do not lead to `rest`. */
static size_t count_edges(const struct fw_dispatcher *d, uint32_t ref, uint32_t rest)
{
	const size_t count = fw_diagram_edge_count(d->space->diagram, ref);
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t child;
		fw_diagram_edge(d->space->diagram, ref, i, &child);
		len += child != rest;
	}
	return len;
}

static enum way choose(const struct fw_lpm *lpm, size_t ranges)
{
	const size_t prefixes = lpm->entries.len;
	const size_t tests = prefixes <= ranges ? prefixes : ranges;
	const size_t by_hash = fw_lpm_length_count(lpm) * hash_cost(prefixes), by_interval = interval_cost(ranges);

	if (tests <= FW_BOUND_ADDRESS_TESTS && tests * TEST_COST <= by_hash && tests * TEST_COST <= by_interval)
		return prefixes <= ranges ? WAY_TESTS : WAY_RANGE_TESTS;
	return by_hash <= by_interval ? WAY_HASH : WAY_INTERVAL;
}

struct asking { /* for an address */
	struct fw_dispatcher *d;
	struct fw_node *node;
	uint32_t ref, level;
	enum fw_family family;
	enum fw_field field;
	struct fw_guard guard;
	struct fw_lpm_entry *entries; /* copied: the scratch is used by what they lead to */
	size_t len;
	uint32_t rest;
};

static struct fw_target entry_target(const struct asking *a, size_t index)
{
	return fw_dispatch_target(a->d, a->entries[index].ref, "%s-%s-%zu", a->node->name, fw_field_info(a->field)->name, index);
}

static void test_range(const struct asking *a, struct fw_range range, struct fw_target target)
{
	struct fw_planner *p = a->d->p;
	struct fw_range *copy = p->error ? NULL : fw_arena_alloc(p->arena, 1, sizeof(*copy));

	if (!copy) {
		p->error = p->error ? p->error : -ENOMEM;
		return;
	}
	*copy = range;
	const struct fw_atom atom = fw_atom_in(a->field, (struct fw_iset){ copy, 1 });
	fw_node_branch(p, a->node, &a->guard, &atom, target);
}

static void test_prefixes(const struct asking *a)
{
	for (size_t i = 0; i < a->len; i++)
		test_range(a, fw_range_prefix(a->family, a->entries[i].address, a->entries[i].length), entry_target(a, i));
}

static void test_ranges(const struct asking *a)
{
	const size_t count = fw_diagram_edge_count(a->d->space->diagram, a->ref);

	for (size_t i = 0; i < count; i++) {
		uint32_t child;
		const struct fw_range range = fw_diagram_edge(a->d->space->diagram, a->ref, i, &child);
		if (child != a->rest)
			test_range(a, range, fw_dispatch_target(a->d, child, "%s-%s-%zu", a->node->name, fw_field_info(a->field)->name, i));
	}
}

static enum fw_rs_key address_key(enum fw_family family)
{
	return family == FW_IPV4 ? FW_RS_KEY_IPV4 : FW_RS_KEY_IPV6;
}

/* A hash for each length, longest first. */
static void look_up_prefixes(const struct asking *a)
{
	const size_t width = fw_field_info(a->field)->width;
	size_t i = 0;

	while (i < a->len && !a->d->p->error) {
		const uint32_t length = a->entries[i].length;
		struct fw_tables tables = { .key = address_key(a->family), .fields = { a->field }, .field_count = 1, .bits = length };
		tables.name = fw_plan_name(a->d->p, "%s-%s-%u", a->node->name, fw_field_info(a->field)->name, length);
		for (; i < a->len && a->entries[i].length == length; i++) {
			struct fw_key key = { .len = 0 };
			fw_key_number(&key, a->entries[i].address, width, false);
			fw_tables_add(a->d, &tables, &key, entry_target(a, i));
		}
		fw_tables_branch(a->d, a->node, &a->guard, &tables);
	}
}

static void look_up_ranges(const struct asking *a)
{
	const size_t width = fw_field_info(a->field)->width, count = fw_diagram_edge_count(a->d->space->diagram, a->ref);
	struct fw_tables tables = { .key = address_key(a->family), .fields = { a->field }, .field_count = 1, .interval = true };

	tables.name = fw_plan_name(a->d->p, "%s-%s", a->node->name, fw_field_info(a->field)->name);
	for (size_t i = 0; i < count && !a->d->p->error; i++) {
		uint32_t child;
		const struct fw_range range = fw_diagram_edge(a->d->space->diagram, a->ref, i, &child);
		struct fw_key key = { .len = 0 };
		if (child == a->rest)
			continue;
		fw_key_number(&key, range.low, width, false);
		fw_key_number(&key, range.high, width, false);
		fw_tables_add(a->d, &tables, &key, fw_dispatch_target(a->d, child, "%s-%s-%zu", a->node->name, fw_field_info(a->field)->name, i));
	}
	fw_tables_branch(a->d, a->node, &a->guard, &tables);
}

/* The entries of the scratch, as an array of their own. */
static bool take_entries(struct asking *a)
{
	const struct fw_vec *entries = &a->d->lpm.entries;

	a->len = entries->len;
	a->rest = a->d->lpm.rest;
	if (!a->len)
		return false;
	a->entries = fw_arena_alloc(a->d->p->arena, a->len, sizeof(*a->entries));
	if (!a->entries) {
		a->d->p->error = -ENOMEM;
		return false;
	}
	memcpy(a->entries, entries->items, a->len * sizeof(*a->entries));
	return true;
}

uint32_t fw_dispatch_addresses(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref, uint32_t level)
{
	struct asking a = { .d = d, .node = node, .ref = ref, .level = level, .family = fw_level_family(level), .field = fw_level_field(level) };
	const struct fw_lpm_source source = { d->space->diagram, ref, level, a.family, d->prefer };

	if (d->p->error)
		return ref;
	a.guard = fw_guard_family(d->p, a.family);
	d->p->error = fw_lpm_make(&d->lpm, &source);
	const size_t ranges = d->p->error ? 0 : count_edges(d, ref, d->lpm.rest);
	enum way way = choose(&d->lpm, ranges);
	if (!d->p->error && way != WAY_TESTS && way != WAY_RANGE_TESTS)
		d->p->error = fw_lpm_merge_lengths(&d->lpm, a.family);
	if (way == WAY_INTERVAL)
		way = choose(&d->lpm, ranges);
	if (d->p->error || !take_entries(&a))
		return d->lpm.rest;
	switch (way) {
	case WAY_TESTS:
		test_prefixes(&a);
		break;
	case WAY_RANGE_TESTS:
		test_ranges(&a);
		break;
	case WAY_HASH:
		look_up_prefixes(&a);
		break;
	case WAY_INTERVAL:
		look_up_ranges(&a);
		break;
	}
	return a.rest;
}
