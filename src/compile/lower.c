/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lower.c - a plan as a ruleset: a chain for each hook with its steps, leaves, nodes and tables (lower_node.c). A case whose clauses multiply to few combinations is that many rules; else it goes through chains in a row, one clause each,
 * entered by jump: what fails in one comes back to where it came from, so that rules add up and do not multiply. */
#include "compile/lower.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define COMBINATIONS_MAX 16
#define ATOMS_A_RULE 24 /* with FW_ATOM_EXPRS_MAX expressions each they fit a rule, by number and by size */
#define LEVELS_MAX 14   /* jumps within jumps: the kernel has 16 */

void fw_lower_no_memory(struct fw_lowering *l)
{
	if (!l->error)
		l->error = -ENOMEM;
}

struct fw_rs_chain *fw_lower_chain(struct fw_lowering *l, const char *name)
{
	struct fw_rs_chain *chain = l->error ? NULL : fw_ruleset_add_chain(l->rs, name);
	if (!chain) {
		fw_lower_no_memory(l);
		return NULL;
	}
	chain->origin = l->span;
	return chain;
}

struct fw_rs_rule *fw_lower_rule(struct fw_lowering *l, const char *chain, struct fw_exprs *exprs)
{
	fw_exprs_merge_ports(exprs);
	struct fw_rs_chain *target = l->error ? NULL : fw_ruleset_chain(l->rs, chain);
	struct fw_rs_rule *rule = target ? fw_ruleset_add_rule(l->rs, target, exprs->items, exprs->len) : NULL;
	if (!rule) {
		fw_lower_no_memory(l);
		return NULL;
	}
	rule->origin = l->span;
	return rule;
}

/* --- sets that the plan names --- */

static void lower_set(struct fw_lowering *l, const struct fw_plan_set *plan)
{
	struct fw_rs_set *set = l->error ? NULL : fw_ruleset_add_set(l->rs, plan->name);
	if (!set) {
		fw_lower_no_memory(l);
		return;
	}
	set->key = plan->key;
	set->origin = plan->span;
	switch (plan->kind) {
	case FW_PLAN_PREFIXES:
		fw_lower_prefixes(l, set, plan);
		return;
	case FW_PLAN_GROUP:
	case FW_PLAN_DURING:
		set->kind = FW_RS_SET_CONSTANT;
		set->interval = true;
		set->elements.keys = fw_lower_elements(l, plan->key, plan->values, true);
		set->elements.len = plan->values.len;
		return;
	case FW_PLAN_MEMBERS:
		set->kind = FW_RS_SET_MEMBERS;
		set->has_timeout = true;
		set->timeout_ms = (uint64_t)plan->timeout_s * 1000;
		set->size = plan->size;
		return;
	}
}

/* --- dispatch --- */

/* One after the other the steps of a case: a row of atoms that must all hold, or a clause one of whose terms must. */
struct level {
	struct fw_term atoms;
	const struct fw_clause *clause; /* or NULL */
};

struct dispatch {
	struct fw_lowering *l;
	const struct fw_step *step;
	const char *chain; /* where the step is tried */
	unsigned int next; /* number for the next intermediate chain */
};

static void add_term(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_term *term)
{
	for (size_t i = 0; i < term->len; i++)
		fw_lower_atom(l, exprs, &term->atoms[i]);
}

static void finish(const struct dispatch *d, struct fw_exprs *exprs, const char *chain)
{
	if (d->step->leaf)
		fw_exprs_leaf(exprs, d->step->leaf);
	else
		fw_exprs_verdict(exprs, NF_ACCEPT, NULL);
	fw_lower_rule(d->l, chain, exprs);
}

/* Every combination of one term a clause: counts through them like an odometer. */
static void lower_product(const struct dispatch *d, const struct fw_case *c)
{
	size_t at[COMBINATIONS_MAX] = { 0 };
	for (;;) {
		struct fw_exprs exprs;
		fw_exprs_init(&exprs);
		add_term(d->l, &exprs, &(struct fw_term){ c->atoms, c->atom_count });
		for (size_t i = 0; i < c->clause_count; i++)
			add_term(d->l, &exprs, &c->clauses[i].terms[at[i]]);
		finish(d, &exprs, d->chain);
		size_t digit = c->clause_count;
		while (digit > 0 && ++at[digit - 1] == c->clauses[digit - 1].len)
			at[--digit] = 0;
		if (!digit)
			return;
	}
}

static const char *next_chain(struct dispatch *d)
{
	char *name = fw_arena_printf(d->l->arena, "%s-%u", d->step->leaf->name, ++d->next);
	if (!name) {
		fw_lower_no_memory(d->l);
		return "";
	}
	fw_lower_chain(d->l, name);
	return name;
}

/* Fields that lie where the family says. */
static bool asks_family(const struct fw_term *term)
{
	for (size_t i = 0; i < term->len; i++)
		if (fw_field_info(term->atoms[i].field)->of_family)
			return true;
	return false;
}

/* One rule of a level. Each asks for the family itself where it needs it, though an earlier level has: nft would add that. */
static void lower_term(const struct dispatch *d, const struct fw_case *c, const struct fw_term *term, struct fw_exprs *exprs)
{
	bool has_family = c->atom_count && c->atoms[0].field == FW_FIELD_FAMILY;
	if (has_family && term->atoms != c->atoms && asks_family(term))
		fw_lower_atom(d->l, exprs, &c->atoms[0]);
	add_term(d->l, exprs, term);
}

/* The last level leads to the leaf, each other one to the next level's chain. */
static void lower_levels(struct dispatch *d, const struct fw_case *c, const struct level *levels, size_t count)
{
	const char *chain = d->chain;
	for (size_t i = 0; i < count && !d->l->error; i++) {
		const char *to = i + 1 < count ? next_chain(d) : NULL;
		size_t terms = levels[i].clause ? levels[i].clause->len : 1;
		for (size_t k = 0; k < terms; k++) {
			struct fw_exprs exprs;
			fw_exprs_init(&exprs);
			lower_term(d, c, levels[i].clause ? &levels[i].clause->terms[k] : &levels[i].atoms, &exprs);
			if (to) {
				fw_exprs_verdict(&exprs, NFT_JUMP, to);
				fw_lower_rule(d->l, chain, &exprs);
			} else {
				finish(d, &exprs, chain);
			}
		}
		chain = to;
	}
}

static void lower_sum(struct dispatch *d, const struct fw_case *c)
{
	struct level levels[LEVELS_MAX];
	size_t count = 0, rows = (c->atom_count + ATOMS_A_RULE - 1) / ATOMS_A_RULE;
	if (rows + c->clause_count > LEVELS_MAX) {
		fw_diag_error(d->l->diags, d->step->span, "limit", "this statement has too many exceptions for one rule of the kernel");
		d->l->error = d->l->error ? d->l->error : FW_REPORTED;
		return;
	}
	for (size_t i = 0; i < rows; i++) {
		size_t first = i * ATOMS_A_RULE, left = c->atom_count - first;
		levels[count++] = (struct level){ .atoms = { c->atoms + first, left < ATOMS_A_RULE ? left : ATOMS_A_RULE } };
	}
	for (size_t i = 0; i < c->clause_count; i++)
		levels[count++] = (struct level){ .clause = &c->clauses[i] };
	lower_levels(d, c, levels, count);
}

static size_t widest_term(const struct fw_clause *clause)
{
	size_t widest = 0;
	for (size_t i = 0; i < clause->len; i++)
		if (clause->terms[i].len > widest)
			widest = clause->terms[i].len;
	return widest;
}

static void lower_case(struct dispatch *d, const struct fw_case *c)
{
	size_t combinations = 1, atoms = c->atom_count;
	for (size_t i = 0; i < c->clause_count && combinations <= COMBINATIONS_MAX; i++) {
		combinations *= c->clauses[i].len;
		atoms += widest_term(&c->clauses[i]);
	}
	if (combinations <= COMBINATIONS_MAX && atoms <= ATOMS_A_RULE)
		lower_product(d, c);
	else
		lower_sum(d, c);
}

static void lower_steps(struct fw_lowering *l, const char *chain, const struct fw_vec *steps)
{
	for (size_t i = 0; i < steps->len && !l->error; i++) {
		const struct fw_step *step = fw_vec_at(steps, i);
		struct dispatch d = { .l = l, .step = step, .chain = chain };
		l->span = step->span;
		for (size_t k = 0; k < step->case_count && !l->error; k++)
			lower_case(&d, &step->cases[k]);
	}
}

/* What conntrack calls invalid goes to a chain of its own. */
static void lower_invalid(struct fw_lowering *l, const struct fw_hook *hook)
{
	static const struct fw_atom invalid = { .field = FW_FIELD_CT_STATE, .kind = FW_ATOM_BITS, .number = NF_CT_STATE_INVALID_BIT };
	char *name = hook->invalid.len ? fw_arena_printf(l->arena, "%s-invalid", hook->name) : NULL;
	struct fw_exprs exprs;

	if (!hook->invalid.len)
		return;
	if (!name) {
		fw_lower_no_memory(l);
		return;
	}
	fw_lower_chain(l, name);
	lower_steps(l, name, &hook->invalid);
	fw_exprs_init(&exprs);
	fw_lower_atom(l, &exprs, &invalid);
	fw_exprs_verdict(&exprs, NFT_GOTO, name);
	fw_lower_rule(l, hook->name, &exprs);
}

/* Parts are entered by jump, as what one does not decide goes on to the next; the last one needs no chain. */
static void lower_parts(struct fw_lowering *l, const struct fw_hook *hook)
{
	for (size_t i = 0; i < hook->parts.len && !l->error; i++) {
		const struct fw_node *node = *(const struct fw_node *const *)fw_vec_at(&hook->parts, i);
		struct fw_exprs exprs;
		if (i + 1 == hook->parts.len && !hook->last.len) {
			fw_lower_branches(l, hook->name, node);
			return;
		}
		fw_lower_node(l, node);
		fw_exprs_init(&exprs);
		fw_exprs_verdict(&exprs, NFT_JUMP, node->name);
		fw_lower_rule(l, hook->name, &exprs);
	}
}

static void lower_hook(struct fw_lowering *l, const struct fw_hook *hook)
{
	l->span = (struct fw_span){ 0 };
	struct fw_rs_chain *chain = fw_lower_chain(l, hook->name);
	if (!chain)
		return;
	chain->base = true;
	chain->hook = hook->hook;
	chain->priority = hook->priority;
	chain->policy_drop = hook->drop;
	lower_steps(l, hook->name, &hook->steps);
	lower_invalid(l, hook);
	lower_parts(l, hook);
	lower_steps(l, hook->name, &hook->last);
}

static void lower_all(struct fw_lowering *l)
{
	const struct fw_plan *plan = l->plan;

	for (size_t i = 0; i < plan->sets.len && !l->error; i++)
		lower_set(l, fw_vec_at(&plan->sets, i));
	for (size_t i = 0; i < plan->leaves.len && !l->error; i++)
		fw_lower_leaf(l, *(const struct fw_leaf *const *)fw_vec_at(&plan->leaves, i));
	for (size_t i = 0; i < plan->tables.len && !l->error; i++)
		fw_lower_table(l, *(const struct fw_table *const *)fw_vec_at(&plan->tables, i));
	for (size_t i = 0; i < plan->nodes.len && !l->error; i++)
		fw_lower_node(l, *(const struct fw_node *const *)fw_vec_at(&plan->nodes, i));
	for (size_t i = 0; i < FW_HOOKS && !l->error; i++)
		if (plan->hooks[i].needed)
			lower_hook(l, &plan->hooks[i]);
}

int fw_plan_lower(struct fw_arena *arena, const struct fw_plan *plan, struct fw_diags *diags, struct fw_ruleset **ret_ruleset)
{
	struct fw_ruleset *rs = fw_arena_alloc(arena, 1, sizeof(*rs));
	if (!rs)
		return -ENOMEM;
	fw_ruleset_init(rs, arena);
	struct fw_lowering l = { .arena = arena, .plan = plan, .diags = diags, .rs = rs };
	lower_all(&l);
	if (l.error)
		return l.error;
	*ret_ruleset = rs;
	return 0;
}
