/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan.h - the decision plan: what is asked of a packet in each hook, and where that leads, as data. Made of a policy by
 * fw_plan_make, never changed afterwards, printable; lowered to a ruleset by fw_plan_lower, which knows no policy statement any more.
 *
 * A hook begins with a few steps: what the state of a connection decides. The first that matches sends the packet to the step's leaf. A step
 * matches where one of its cases does. A case is a conjunction of atoms and of clauses; a clause is a disjunction of terms; a term a
 * conjunction of atoms. What the steps leave goes through the parts of the policy, one after the other: each is a decision diagram,
 * as nodes that are asked by few look-ups, however many rules they were made of. */
#ifndef FW_COMPILE_PLAN_H
#define FW_COMPILE_PLAN_H

#include "compile/compile.h"

enum fw_field { /* what of a packet can be tested; the table of compile/field.c has a row for each */
	FW_FIELD_FAMILY, /* NFPROTO_IPV4, NFPROTO_IPV6 */
	FW_FIELD_PROTO,
	FW_FIELD_SPORT,
	FW_FIELD_DPORT,
	FW_FIELD_TCP_FLAGS,
	FW_FIELD_ICMP_TYPE,
	FW_FIELD_ICMPV6_TYPE,
	FW_FIELD_SADDR4,
	FW_FIELD_DADDR4,
	FW_FIELD_SADDR4_HEAD, /* their first bytes, loaded without a look at the family */
	FW_FIELD_DADDR4_HEAD,
	FW_FIELD_SADDR6,
	FW_FIELD_DADDR6,
	FW_FIELD_HOPLIMIT6,
	FW_FIELD_DADDR_TYPE, /* RTN_*: what the routing table says of an IPv4 destination */
	FW_FIELD_IIFNAME,
	FW_FIELD_OIFNAME,
	FW_FIELD_IIF, /* their numbers */
	FW_FIELD_OIF,
	FW_FIELD_CT_STATE,
	FW_FIELD_CT_STATUS, /* bits: IPS_* */
	FW_FIELD_CT_HELPER, /* of the connection that this one belongs to */
	FW_FIELD_SKUID,
	FW_FIELD_SKGID,
	FW_FIELD_TIME, /* ns since 1970, UTC */
};
#define FW_FIELDS 25

struct fw_field_info {
	const char *name;      /* in printed plans */
	enum fw_rs_key key;    /* of a set of its values */
	uint8_t width;         /* bytes */
	enum fw_rs_expr_kind load;
	uint32_t arg[2];       /* PAYLOAD: base, offset; META, CT: key; FIB: flags, result */
	bool host_order;       /* loaded in the host's byte order */
	bool text;             /* a name, padded with NUL */
	bool of_family;        /* lies where the family says: that is to be tested before */
};
const struct fw_field_info *fw_field_info(enum fw_field field);

enum fw_atom_kind {
	FW_ATOM_IN,     /* the value is in `values` */
	FW_ATOM_NAMES,  /* it is one of `names` */
	FW_ATOM_PREFIX, /* it begins with `name` */
	FW_ATOM_SET,    /* it, cut to its first `bits` bits, is in the set called `name` */
	FW_ATOM_BITS,   /* it has one of the bits of `number` */
	FW_ATOM_BELOW,  /* it is below `number` */
};

struct fw_atom {
	enum fw_field field;
	enum fw_atom_kind kind;
	bool invert; /* not BELOW */
	struct fw_iset values;
	const char *const *names;
	size_t name_count;
	const char *name;
	unsigned int bits;
	uint64_t number;
};

struct fw_term {
	const struct fw_atom *atoms;
	size_t len;
};

struct fw_clause {
	const struct fw_term *terms; /* two and more */
	size_t len;
};

struct fw_case {
	const struct fw_atom *atoms;
	size_t atom_count;
	const struct fw_clause *clauses;
	size_t clause_count;
};

struct fw_leaf { /* where packets are decided, counted, limited and logged; says nothing of lines */
	const char *name; /* of its chain */
	const char *key;  /* what the names of its state begin with after "log-", "over-", ..: a rule's id, "default-in" */
	struct fw_rs_tag tag;
	const char *comment;
	enum fw_direction direction;
	enum fw_verdict verdict;
	const char *word; /* of the verdict, in log prefixes */
	struct fw_log log;
	bool log_unicast_only; /* packets to broadcast and multicast addresses are not logged */
	struct fw_rate rate;
	uint32_t connections;
	bool connections_per_source;
	unsigned int families;
	bool takes_tcp, takes_other; /* what can get here (reject answers them apart) */
	const struct fw_what_helper *helpers;
	size_t helper_count;
	uint32_t number; /* from 1 */
	bool has_chain; /* it is gone to; else it stands where it is decided, as a counter and a verdict */
	struct fw_span span, rate_span;
};
/* Nothing but a counter and a verdict. */
bool fw_leaf_is_plain(const struct fw_leaf *leaf);

enum fw_target_kind {
	FW_TARGET_BACK, /* not decided here: back to where the part was entered */
	FW_TARGET_LEAF,
	FW_TARGET_NODE,
};
struct fw_target {
	enum fw_target_kind kind;
	struct fw_leaf *leaf;
	const struct fw_node *node;
};

enum fw_table_kind {
	FW_TABLE_SET,      /* one target for all that it knows */
	FW_TABLE_VERDICTS, /* a target for each key */
	FW_TABLE_COUNTERS, /* plain leaves of one verdict: no chain for each */
};
#define FW_TABLE_FIELDS_MAX 3
struct fw_table { /* a hash or interval map */
	const char *name;
	enum fw_table_kind kind;
	enum fw_rs_key key;
	enum fw_field fields[FW_TABLE_FIELDS_MAX]; /* the parts of its key, in their order */
	size_t field_count;
	unsigned int bits; /* that count of the last one */
	bool interval;     /* keys are low and high, of the one field */
	struct fw_vec keys;    /* bytes, as a set's elements; sorted */
	struct fw_vec targets; /* struct fw_target: one for each key, but in a set */
	enum fw_verdict verdict; /* COUNTERS: of all of them */
	bool is_ended;
	struct fw_span span;
};

struct fw_branch { /* where all atoms hold .. */
	const struct fw_atom *atoms;
	size_t atom_count;
	struct fw_table *table;  /* .. and this knows the packet (or NULL) .. */
	struct fw_target target; /* .. it goes here, or where the table says */
};

struct fw_node { /* a chain; branches are tried in their order; what none takes goes back */
	const char *name;
	struct fw_vec branches; /* struct fw_branch */
	struct fw_span span;
};

struct fw_step {
	const struct fw_case *cases; /* none: never matches */
	size_t case_count;
	const struct fw_leaf *leaf; /* NULL: the packet passes this hook, undecided */
	struct fw_span span;
};

enum fw_hook_kind { /* in the order in which they are printed */
	FW_HOOK_RAW_PREROUTING,
	FW_HOOK_RAW_FORWARD,
	FW_HOOK_RAW_OUTPUT,
	FW_HOOK_INPUT,
	FW_HOOK_FORWARD,
	FW_HOOK_OUTPUT,
};
#define FW_HOOKS 6

struct fw_hook {
	const char *name; /* of its chain */
	uint32_t hook;    /* NF_INET_* */
	int32_t priority;
	bool drop;           /* what happens to a packet that nothing here takes */
	struct fw_vec steps; /* struct fw_step */
	struct fw_vec invalid; /* struct fw_step: for packets that conntrack calls invalid, which go no further; none: they are as others */
	struct fw_vec parts;   /* const struct fw_node *: the last decides what all others left, in the hook's own chain */
	struct fw_vec last;    /* struct fw_step: for what the parts left */
	bool needed;           /* something of it may decide */
};

enum fw_plan_set_kind {
	FW_PLAN_GROUP,    /* ranges of addresses */
	FW_PLAN_PREFIXES, /* those of its prefixes that are looked up by one length */
	FW_PLAN_MEMBERS,
	FW_PLAN_DURING,
};
struct fw_plan_set { /* the named sets that atoms speak of */
	const char *name;
	enum fw_plan_set_kind kind;
	enum fw_rs_key key;
	struct fw_iset values;        /* GROUP, PREFIXES: all of the group; DURING: ns */
	enum fw_family family;        /* GROUP, PREFIXES */
	unsigned int length;          /* PREFIXES: that they are looked up by */
	size_t count;                 /* PREFIXES: how many there are */
	const uint8_t *as;            /* PREFIXES: the length by which each length is looked up, 129 of them */
	uint32_t size, timeout_s;     /* MEMBERS */
	struct fw_span span;
};

struct fw_plan {
	struct fw_hook hooks[FW_HOOKS];
	struct fw_vec leaves; /* const struct fw_leaf * */
	struct fw_vec nodes;  /* const struct fw_node *, but the last parts of hooks */
	struct fw_vec tables; /* const struct fw_table * */
	struct fw_vec sets;   /* struct fw_plan_set */
	uint16_t log_group;
	int64_t horizon; /* 0: nothing depends on the clock's zone */
};

/* Names: any byte outside [A-Za-z0-9_.-] of a group's name is written /xx. */
const char *fw_plan_group_set_name(struct fw_arena *arena, struct fw_str group, enum fw_family family);

/* 0 or -ENOMEM. The plan points into the policy. */
int fw_plan_make(struct fw_arena *arena, const struct fw_policy *policy, const struct fw_compile_env *env, struct fw_plan **ret_plan);
void fw_plan_print(const struct fw_plan *plan, struct fw_buf *out);
/* 0; -ENOMEM; FW_REPORTED (in diags: past a bound of the kernel). */
int fw_plan_lower(struct fw_arena *arena, const struct fw_plan *plan, struct fw_diags *diags, struct fw_ruleset **ret_ruleset);

/* The first instant for which `during` is compiled: local midnight of the Monday of the week before `now`, so that what is compiled
 * stays the same for a week. */
int64_t fw_during_begin(const struct fw_compile_env *env);

#endif
