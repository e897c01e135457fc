/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_build.h - inside compile only: what the passes that make a plan share. Errors are kept in the planner (the first one, after
 * which additions do nothing), so that a pass reads as a list of what it adds. */
#ifndef FW_COMPILE_PLAN_BUILD_H
#define FW_COMPILE_PLAN_BUILD_H

#include "compile/plan.h"

struct fw_planner {
	struct fw_arena *arena;
	const struct fw_policy *policy;
	const struct fw_compile_env *env;
	struct fw_plan *plan;
	struct fw_map sets; /* names in plan->sets */
	struct fw_map leaves; /* by name, but those of rules */
	struct fw_leaf **rule_leaves[FW_DIRECTIONS]; /* as the policy's rules */
	struct fw_span span; /* the statement in hand */
	int error;           /* sticky */
};

/* A case in the making. */
struct fw_case_builder {
	struct fw_planner *p;
	struct fw_vec atoms, clauses;
	bool impossible; /* a clause without terms */
};

void fw_case_begin(struct fw_case_builder *b, struct fw_planner *p);
void fw_case_atom(struct fw_case_builder *b, struct fw_atom atom);
/* Terms: a vector of struct fw_term. None: the case is impossible; one: its atoms are the case's. */
void fw_terms_init(struct fw_planner *p, struct fw_vec *terms);
void fw_terms_add(struct fw_planner *p, struct fw_vec *terms, const struct fw_atom *atoms, size_t len);
void fw_case_clause(struct fw_case_builder *b, const struct fw_vec *terms);
/* Adds the case to `cases` (of struct fw_case) unless it is impossible. */
void fw_case_end(struct fw_case_builder *b, struct fw_vec *cases);
void fw_cases_init(struct fw_planner *p, struct fw_vec *cases);

struct fw_atom fw_atom_in(enum fw_field field, struct fw_iset values);
struct fw_atom fw_atom_not(struct fw_atom atom);
struct fw_atom fw_atom_value(struct fw_planner *p, enum fw_field field, uint64_t value);
struct fw_atom fw_atom_family(struct fw_planner *p, enum fw_family family);

/* Sets of dynamic groups, used or not: ban must find them. */
void fw_plan_member_sets(struct fw_planner *p);

/* What the built-in rules say of connections that are known, and of what conntrack calls invalid. */
void fw_plan_builtins(struct fw_planner *p, enum fw_direction direction);
/* The leaf of a built-in; made where there is none. */
struct fw_leaf *fw_plan_builtin_leaf(struct fw_planner *p, enum fw_builtin builtin, enum fw_direction direction);
/* Loopback addresses that arrive from outside, in raw prerouting. */
void fw_plan_martians(struct fw_planner *p, struct fw_hook *hook);

/* Adds to a list of steps. */
void fw_plan_step(struct fw_planner *p, struct fw_vec *steps, const struct fw_vec *cases, struct fw_leaf *leaf);
struct fw_leaf *fw_plan_leaf_named(struct fw_planner *p, const char *name); /* NULL: there is none */
void fw_plan_remember_leaf(struct fw_planner *p, struct fw_leaf *leaf); /* by its name */
/* A new leaf with its name, key and tag; NULL (and p->error) without memory. */
struct fw_leaf *fw_plan_leaf(struct fw_planner *p, const char *name, const char *key);
struct fw_hook *fw_plan_hook_of(struct fw_plan *plan, enum fw_direction direction);

#endif
