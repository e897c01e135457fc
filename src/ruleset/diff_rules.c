/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/diff_rules.c - which rules of a chain stay: a longest common subsequence, so that as little as possible loses its state. Equal
 * rules are paired by their occurrence (the n-th of the one with the n-th of the other), which makes every pair unique, and the longest
 * increasing run of pairs is kept (patience sorting): O(n log n). Equal ends are paired first. Memory is given back chain by chain. */
#include "ruleset/diff_rules.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

#define NONE SIZE_MAX

/* One rule as it takes part. */
struct item {
	struct fw_hash hash;
	size_t index;
};

struct side {
	const struct fw_rs_chain *chain; /* NULL: there is none */
	struct item *items;              /* in the order of the chain */
	size_t len;
};

static bool refers_to_doomed(const struct fw_doomed *doomed, const struct fw_rs_rule *rule)
{
	for (size_t i = 0; i < rule->expr_count; i++) {
		const struct fw_rs_expr *e = &rule->exprs[i];
		const char *set = e->kind == FW_RS_LOOKUP ? e->lookup.set :
				  e->kind == FW_RS_DYNSET ? e->dynset.set :
				  e->kind == FW_RS_OBJREF ? e->objref.set :
							    NULL;
		const char *chain = e->kind == FW_RS_VERDICT ? e->verdict.chain : NULL;
		const char *object = e->kind == FW_RS_OBJREF ? e->objref.name : NULL;
		if ((set && fw_map_get(&doomed->sets, fw_str_from(set))) || (chain && fw_map_get(&doomed->chains, fw_str_from(chain))) ||
		    (object && fw_map_get(&doomed->objects, fw_str_from(object))))
			return true;
	}
	return false;
}

static int load_side(const struct fw_rs_chain *chain, struct side *side)
{
	*side = (struct side){ .chain = chain };
	if (!chain || !chain->rules.len)
		return 0;
	side->len = chain->rules.len;
	side->items = calloc(side->len, sizeof(*side->items));
	if (!side->items)
		return -ENOMEM;
	for (size_t i = 0; i < side->len; i++)
		side->items[i] = (struct item){ fw_rs_rule_hash(fw_vec_at(&chain->rules, i)), i };
	return 0;
}

static bool same_item(const struct item *a, const struct item *b)
{
	return a->hash.hi == b->hash.hi && a->hash.lo == b->hash.lo;
}

static int compare_items(const void *left, const void *right)
{
	const struct item *a = left, *b = right;
	if (a->hash.hi != b->hash.hi)
		return a->hash.hi < b->hash.hi ? -1 : 1;
	if (a->hash.lo != b->hash.lo)
		return a->hash.lo < b->hash.lo ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* The chain's outcome: partner[i] is the index of the wanted rule that rule i of the old chain stays as, or NONE. */
struct match {
	struct side have, want;
	size_t *partner;
	size_t *scratch; /* 3 * have.len */
};

static void match_done(struct match *m)
{
	free(m->have.items);
	free(m->want.items);
	free(m->partner);
	free(m->scratch);
}

/* Pairs the rules between `from` and the two ends by occurrence; sorts the items there. */
static void pair_middle(struct match *m, size_t from, size_t have_end, size_t want_end)
{
	struct item *a = m->have.items, *b = m->want.items;
	if (have_end == from || want_end == from)
		return;
	qsort(a + from, have_end - from, sizeof(*a), compare_items);
	qsort(b + from, want_end - from, sizeof(*b), compare_items);
	size_t i = from, k = from;
	while (i < have_end && k < want_end) {
		if (same_item(&a[i], &b[k])) {
			m->partner[a[i].index] = b[k].index;
			i++;
			k++;
			continue;
		}
		struct item have = a[i], want = b[k];
		have.index = want.index = 0;
		if (compare_items(&have, &want) < 0)
			i++;
		else
			k++;
	}
}

/* Keeps of the pairs between `from` and `end` a longest run whose partners increase; the others lose their partner. tails[n]: the pair
 * with the lowest partner that ends a run of n + 1; before[i]: the pair before i in its run. */
static void keep_increasing(struct match *m, size_t from, size_t end)
{
	size_t *tails = m->scratch, *before = m->scratch + m->have.len, longest = 0;
	for (size_t i = from; i < end; i++) {
		if (m->partner[i] == NONE)
			continue;
		size_t low = 0, high = longest;
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (m->partner[tails[middle]] < m->partner[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? tails[low - 1] : NONE;
		tails[low] = i;
		if (low == longest)
			longest++;
	}
	bool *keep = (bool *)(m->scratch + 2 * m->have.len);
	for (size_t i = from; i < end; i++)
		keep[i] = false;
	for (size_t i = longest ? tails[longest - 1] : NONE; i != NONE; i = before[i])
		keep[i] = true;
	for (size_t i = from; i < end; i++)
		if (!keep[i])
			m->partner[i] = NONE;
}

static void pair_ends(struct match *m, size_t *ret_from, size_t *ret_have_end, size_t *ret_want_end)
{
	size_t from = 0, a = m->have.len, b = m->want.len;
	for (; from < a && from < b && same_item(&m->have.items[from], &m->want.items[from]); from++)
		m->partner[from] = from;
	for (; a > from && b > from && same_item(&m->have.items[a - 1], &m->want.items[b - 1]); a--, b--)
		m->partner[a - 1] = b - 1;
	*ret_from = from;
	*ret_have_end = a;
	*ret_want_end = b;
}

static int match_chain(const struct fw_doomed *doomed, const struct fw_rs_chain *have, const struct fw_rs_chain *want, struct match *m)
{
	*m = (struct match){ 0 };
	bool anew = !have || !want || fw_map_get(&doomed->chains, fw_str_from(have->name));
	int r = load_side(anew ? NULL : have, &m->have);
	if (r == 0)
		r = load_side(want, &m->want);
	if (r < 0 || !m->have.len)
		return r;
	m->partner = calloc(m->have.len, sizeof(*m->partner));
	m->scratch = calloc(m->have.len * 3, sizeof(*m->scratch));
	if (!m->partner || !m->scratch)
		return -ENOMEM;
	for (size_t i = 0; i < m->have.len; i++)
		m->partner[i] = NONE;
	size_t from, have_end, want_end;
	pair_ends(m, &from, &have_end, &want_end);
	pair_middle(m, from, have_end, want_end);
	keep_increasing(m, from, have_end);
	for (size_t i = 0; i < m->have.len; i++)
		if (m->partner[i] != NONE && refers_to_doomed(doomed, fw_vec_at(&have->rules, i)))
			m->partner[i] = NONE;
	return 0;
}

static int push_rule(struct fw_changes *changes, enum fw_change_kind kind, const struct fw_rs_chain *chain, const struct fw_rs_rule *rule,
		     const struct fw_rs_rule *before)
{
	struct fw_change *change = fw_vec_push(&changes->list);
	if (!change)
		return -ENOMEM;
	*change = (struct fw_change){ .kind = kind, .chain = chain, .rule = rule, .before = before, .origin = rule->origin };
	return 0;
}

int fw_diff_delete_rules(const struct fw_doomed *doomed, const struct fw_ruleset *have, const struct fw_ruleset *want,
			 struct fw_changes *changes)
{
	int r = 0;
	for (size_t c = 0; r == 0 && c < have->chains.len; c++) {
		const struct fw_rs_chain *chain = fw_vec_at(&have->chains, c);
		FW_CLEANUP(match_done) struct match m;
		r = match_chain(doomed, chain, fw_ruleset_chain(want, chain->name), &m);
		for (size_t i = 0; r == 0 && i < m.have.len; i++)
			if (m.partner[i] == NONE)
				r = push_rule(changes, FW_CHANGE_DEL_RULE, chain, fw_vec_at(&chain->rules, i), NULL);
	}
	return r;
}

/* Wanted rules that no kept rule stands for, each before the next kept one. */
static int add_chain_rules(const struct match *m, const struct fw_rs_chain *chain, struct fw_changes *changes)
{
	size_t next = 0; /* rule of the old chain */
	int r = 0;
	for (size_t k = 0; r == 0 && k < chain->rules.len; k++) {
		while (next < m->have.len && m->partner[next] == NONE)
			next++;
		if (next < m->have.len && m->partner[next] == k) {
			next++;
			continue;
		}
		const struct fw_rs_rule *before = next < m->have.len ? fw_vec_at(&m->have.chain->rules, next) : NULL;
		r = push_rule(changes, FW_CHANGE_ADD_RULE, chain, fw_vec_at(&chain->rules, k), before);
	}
	return r;
}

int fw_diff_add_rules(const struct fw_doomed *doomed, const struct fw_ruleset *have, const struct fw_ruleset *want,
		      struct fw_changes *changes)
{
	int r = 0;
	for (size_t c = 0; r == 0 && c < want->chains.len; c++) {
		const struct fw_rs_chain *chain = fw_vec_at(&want->chains, c);
		FW_CLEANUP(match_done) struct match m;
		r = match_chain(doomed, have ? fw_ruleset_chain(have, chain->name) : NULL, chain, &m);
		if (r == 0)
			r = add_chain_rules(&m, chain, changes);
	}
	return r;
}
