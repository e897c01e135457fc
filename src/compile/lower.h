/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lower.h - inside compile only: what the passes from plan to ruleset share. */
#ifndef FW_COMPILE_LOWER_H
#define FW_COMPILE_LOWER_H

#include "compile/plan.h"

#define FW_RULE_EXPRS_MAX 128 /* of the kernel (NFT_RULE_MAXEXPRS) */

struct fw_lowering {
	struct fw_arena *arena;
	const struct fw_plan *plan;
	struct fw_diags *diags;
	struct fw_ruleset *rs;
	struct fw_span span; /* the policy text in hand */
	int error;           /* sticky: -ENOMEM or FW_REPORTED */
};

/* A rule in the making. */
struct fw_exprs {
	struct fw_rs_expr items[FW_RULE_EXPRS_MAX];
	size_t len;
	bool full; /* more were asked for */
};

void fw_exprs_init(struct fw_exprs *exprs);
/* The next expression, zeroed; a scratch one once the rule is full. */
struct fw_rs_expr *fw_exprs_add(struct fw_exprs *exprs, enum fw_rs_expr_kind kind);
void fw_exprs_load(struct fw_exprs *exprs, enum fw_field field);
void fw_exprs_mask(struct fw_exprs *exprs, uint32_t reg, unsigned int width, unsigned int bits); /* keeps the first `bits` bits */
void fw_exprs_hton(struct fw_exprs *exprs, unsigned int width); /* of register 1 */
void fw_exprs_lookup(struct fw_exprs *exprs, const char *set, bool invert);
/* One source and one destination port become one load and comparison, as nft would have it. */
void fw_exprs_merge_ports(struct fw_exprs *exprs);
void fw_exprs_verdict(struct fw_exprs *exprs, int32_t code, const char *chain);

/* Loads a field into a register of its own. */
void fw_exprs_load_to(struct fw_exprs *exprs, enum fw_field field, uint32_t dreg);
/* Counts for the leaf with the key, and decides, or goes to its chain. */
void fw_exprs_leaf(struct fw_exprs *exprs, const struct fw_leaf *leaf);
void fw_exprs_counter(struct fw_exprs *exprs, const char *name);

/* An atom as expressions, and how many it takes at most. Constant sets are made as they are needed. */
void fw_lower_atom(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_atom *atom);
#define FW_ATOM_EXPRS_MAX 4
/* Ranges of numbers as the elements of a set of `key`, and whether they need an interval set. NULL without memory. */
uint8_t *fw_lower_elements(struct fw_lowering *l, enum fw_rs_key key, struct fw_iset values, bool interval);

/* Adds a rule; NULL (and l->error) without memory. */
struct fw_rs_rule *fw_lower_rule(struct fw_lowering *l, const char *chain, struct fw_exprs *exprs);
struct fw_rs_chain *fw_lower_chain(struct fw_lowering *l, const char *name);
void fw_lower_no_memory(struct fw_lowering *l);

/* Nodes and tables. */
void fw_lower_node(struct fw_lowering *l, const struct fw_node *node); /* with its chain */
void fw_lower_branches(struct fw_lowering *l, const char *chain, const struct fw_node *node);
void fw_lower_table(struct fw_lowering *l, const struct fw_table *table);
void fw_lower_prefixes(struct fw_lowering *l, struct fw_rs_set *set, const struct fw_plan_set *plan);

struct fw_rs_object *fw_lower_counter(struct fw_lowering *l, const char *name, const struct fw_leaf *leaf, enum fw_rs_role role);
void fw_lower_leaf(struct fw_lowering *l, const struct fw_leaf *leaf);
/* The gates of a leaf: connections and rate. They send what is over to the chain `over`. */
void fw_lower_gates(struct fw_lowering *l, const struct fw_leaf *leaf, const char *over);

#endif
