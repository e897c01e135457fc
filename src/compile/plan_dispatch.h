/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_dispatch.h - inside compile only: decision diagrams as nodes and tables. Errors are kept in the planner, as everywhere in the
 * making of a plan. */
#ifndef FW_COMPILE_PLAN_DISPATCH_H
#define FW_COMPILE_PLAN_DISPATCH_H

#include "compile/lpm.h"
#include "compile/plan_build.h"
#include "compile/refs.h"
#include "diagram/space.h"

/* One part of what a hook decides, in the making. */
struct fw_dispatcher {
	struct fw_planner *p;
	struct fw_space *space;
	enum fw_direction direction;
	bool by_destination;    /* blocks, by where packets go */
	const char *name;       /* "in": begins the names of its nodes and tables */
	struct fw_vec deciders; /* struct fw_decider */
	struct fw_leaf **leaves; /* of the deciders */
	struct fw_target *targets; /* ... as they are gone to; BACK: not yet */
	uint32_t prefer;        /* what is best left over: the default's */
	bool counters;          /* plain leaves are many: tables of counters for them */
	struct fw_refs nodes;   /* ref -> number of its node + 1 in `made` */
	struct fw_vec made;     /* struct fw_node *; heap */
	struct fw_lpm lpm;      /* scratch */
};

/* Names in the plan's arena; NULL (and the planner's error) without memory. */
const char *fw_plan_name(struct fw_planner *p, const char *format, ...) FW_PRINTF(2, 3);

/* --- nodes: plan_node.c --- */

struct fw_node *fw_node_new(struct fw_planner *p, const char *name);
/* What is asked before something else: family, protocol. */
struct fw_guard {
	struct fw_atom atoms[2];
	size_t len;
};
struct fw_guard fw_guard_family(struct fw_planner *p, enum fw_family family);
/* A branch; `atom` (or NULL) after the guard (or NULL). */
void fw_node_branch(struct fw_planner *p, struct fw_node *node, const struct fw_guard *guard, const struct fw_atom *atom, struct fw_target target);
/* A table's; a table that knows nothing makes none. */
void fw_node_table(struct fw_planner *p, struct fw_node *node, const struct fw_guard *guard, struct fw_table *table);
/* Moves the last branch before number `at`. */
void fw_node_move_last(struct fw_node *node, size_t at);
void fw_node_rest(struct fw_planner *p, struct fw_node *node, struct fw_target target);

/* Where a function leads: its leaf, or a node, which is made under that name where it has none yet. */
struct fw_target fw_dispatch_target(struct fw_dispatcher *d, uint32_t ref, const char *format, ...) FW_PRINTF(3, 4);
/* The leaf of a decider, as a target. */
struct fw_target fw_dispatch_leaf(struct fw_dispatcher *d, uint32_t decider);
/* The child of `ref` where its field is `value`, or `ref` where it does not ask `level`. */
uint32_t fw_dispatch_child(const struct fw_dispatcher *d, uint32_t ref, uint32_t level, uint64_t value);
bool fw_dispatch_asks(const struct fw_dispatcher *d, uint32_t ref, uint32_t level);

/* Branches for the edges of a node over numbers, but those that lead to `rest`. */
struct fw_number_branches {
	uint32_t ref, level, rest;
	enum fw_field field;
	const struct fw_guard *guard;
	bool one_family; /* children are asked in that family's part */
	enum fw_family family;
	uint64_t max;    /* higher values do not occur */
};
void fw_dispatch_numbers(struct fw_dispatcher *d, struct fw_node *node, const struct fw_number_branches *numbers);

/* Branches for a node over addresses; returns what is left over. */
uint32_t fw_dispatch_addresses(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref, uint32_t level);
/* The fields of an address level. */
enum fw_family fw_level_family(uint32_t level);
enum fw_field fw_level_field(uint32_t level);

/* --- protocols and ports: plan_what.c --- */

/* Fills the first node of a part. */
void fw_dispatch_what(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref);

/* A destination port (or what lies there) of a protocol, and what is decided below it. */
struct fw_what_port {
	uint8_t proto;
	uint16_t port;
	bool shared; /* asked in common tables .. */
	bool marked; /* .. that are made just now */
	const struct fw_node *node; /* .. beginning here; NULL: behind a branch of their own */
	uint32_t ref;
};
/* --- tables that ports share: plan_share.c --- */
/* Marks those of `ports` (struct fw_what_port) whose addresses are best asked for in common tables, and says where those begin, or adds a branch
 * for all of them. */
void fw_dispatch_share(struct fw_dispatcher *d, struct fw_node *node, struct fw_vec *ports, uint32_t from_level);

/* --- tables: plan_table.c --- */

struct fw_key { /* of an element */
	uint8_t bytes[FW_RS_DATA_MAX];
	size_t len;
};
void fw_key_number(struct fw_key *key, struct fw_u128 number, size_t width, bool padded);
void fw_key_what(struct fw_key *key, uint8_t proto, uint16_t port);

struct fw_table *fw_table_new(struct fw_planner *p, const char *name, enum fw_table_kind kind, enum fw_rs_key key);
void fw_table_field(struct fw_table *table, enum fw_field field);
void fw_table_add(struct fw_planner *p, struct fw_table *table, const struct fw_key *key, struct fw_target target);
/* Sorts and enters it in the plan. */
void fw_table_end(struct fw_planner *p, struct fw_table *table);

/* A table and the tables of counters that stand before it: plain leaves go there where they are many. */
struct fw_tables {
	struct fw_table *counters[2]; /* allow, deny; or NULL */
	struct fw_table *verdicts;    /* or NULL */
	const char *name;
	enum fw_rs_key key;
	enum fw_field fields[FW_TABLE_FIELDS_MAX];
	size_t field_count;
	unsigned int bits;
	bool interval;
};
void fw_tables_add(struct fw_dispatcher *d, struct fw_tables *tables, const struct fw_key *key, struct fw_target target);
void fw_tables_branch(struct fw_dispatcher *d, struct fw_node *node, const struct fw_guard *guard, struct fw_tables *tables);

/* Is one set of so many ranges asked sooner than so many hashes with all prefixes in them? */
bool fw_lookup_prefers_ranges(size_t hashes, size_t prefixes, size_t ranges);

/* --- groups as sets: plan_sets.c --- */
/* Branches to `target` for the members of a group of one family: dynamic, or big. */
void fw_dispatch_group(struct fw_dispatcher *d, struct fw_node *node, const struct fw_space_atom *atom, struct fw_target target);
/* The set of times of a `during`. */
const char *fw_plan_during_set(struct fw_planner *p, const struct fw_ast_during *during);

/* --- parts: plan_dispatch.c --- */
/* What the rules of a direction decide, as parts of its hook. */
void fw_plan_dispatch(struct fw_planner *p, struct fw_space *space, enum fw_direction direction);
/* What blocks decide, by source or destination. */
void fw_plan_dispatch_blocks(struct fw_planner *p, struct fw_space *space, struct fw_hook *hook, enum fw_atom_of of);

#endif
