/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan.h - the decision plan: what is tried in which order in each hook, and where that leads, as data. Made of a policy by
 * fw_plan_make, never changed afterwards, printable; lowered to a ruleset by fw_plan_lower, which knows no policy statement any more.
 *
 * A hook tries its steps in order; the first that matches sends the packet to the step's leaf, which decides. A step matches where one of
 * its cases does. A case is a conjunction of atoms and of clauses; a clause is a disjunction of terms; a term a conjunction of atoms. */
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
	FW_FIELD_SADDR6,
	FW_FIELD_DADDR6,
	FW_FIELD_HOPLIMIT6,
	FW_FIELD_DADDR_TYPE, /* RTN_*: what the routing table says of an IPv4 destination */
	FW_FIELD_IIFNAME,
	FW_FIELD_OIFNAME,
	FW_FIELD_CT_STATE,
	FW_FIELD_CT_STATUS, /* bits: IPS_* */
	FW_FIELD_CT_HELPER, /* of the connection that this one belongs to */
	FW_FIELD_SKUID,
	FW_FIELD_SKGID,
	FW_FIELD_TIME, /* ns since 1970, UTC */
};
#define FW_FIELDS 21

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
	struct fw_span span, rate_span;
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
	bool drop;           /* what happens to a packet that no step takes */
	struct fw_vec steps; /* struct fw_step; none: the hook is not needed */
};

enum fw_plan_set_kind { FW_PLAN_GROUP, FW_PLAN_MEMBERS, FW_PLAN_DURING };
struct fw_plan_set { /* the named sets that atoms speak of */
	const char *name;
	enum fw_plan_set_kind kind;
	enum fw_rs_key key;
	struct fw_iset values;        /* GROUP; DURING: ns */
	uint32_t size, timeout_s;     /* MEMBERS */
	struct fw_span span;
};

struct fw_plan {
	struct fw_hook hooks[FW_HOOKS];
	struct fw_vec leaves; /* const struct fw_leaf * */
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
