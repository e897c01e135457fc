/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/policy.h - what a policy means: symbols resolved, addresses as interval sets, scopes folded in, an ordered list of rules for each
 * direction. Never changed after fw_policy_load. Everything that reasons about meaning starts here. */
#ifndef FW_POLICY_POLICY_H
#define FW_POLICY_POLICY_H

#include "base/hash.h"
#include "net/iset.h"
#include "syntax/ast.h"

#define FW_ID_LEN 16 /* hexadecimal digits of a rule id */

#define FW_FAMILY_BIT(family) (1u << (family))
#define FW_FAMILY_BOTH 3u

enum fw_builtin { /* in the order in which they decide; ping after the policy's rules */
	FW_BUILTIN_LOOPBACK,
	FW_BUILTIN_ESTABLISHED,
	FW_BUILTIN_ICMP_ERRORS,
	FW_BUILTIN_NEIGHBOUR,
	FW_BUILTIN_DHCP_CLIENT,
	FW_BUILTIN_RELATED,
	FW_BUILTIN_INVALID,
	FW_BUILTIN_PING,
};
#define FW_BUILTINS 8
const char *fw_builtin_name(enum fw_builtin builtin);
/* True where this built-in exists in this direction at all (options aside). */
bool fw_builtin_applies(enum fw_builtin builtin, enum fw_direction direction);

/* One case of a built-in: a conjunction of what is said; len 0 or 0: nothing is said. Sets are ranges of numbers. */
struct fw_builtin_case {
	enum fw_builtin builtin;
	unsigned int directions; /* bits */
	enum fw_verdict verdict;
	bool on_lo;              /* `verdict` deny: on any other interface */
	unsigned int states;     /* of conntrack: bits of NF_CT_STATE_BIT */
	bool by_helper;          /* of a connection that a helper of the policy expects */
	bool one_family;
	enum fw_family family;
	struct fw_iset protos, ports, source_ports; /* ports: destination ports, or ICMP types */
	struct fw_iset from, to;                    /* of `family` */
	bool hop_limit_255;
};
const struct fw_builtin_case *fw_builtin_cases(size_t *ret_count);

struct fw_group {
	struct fw_str name; /* as defined; also NUL-terminated */
	enum fw_group_kind kind;
	struct fw_iset addresses[FW_FAMILIES]; /* LIST, FILE: flattened, excepts taken away; DYNAMIC: empty */
	uint32_t timeout_s, size;              /* DYNAMIC: default timeout (0: none); size (default FW_GROUP_SIZE) */
	struct fw_span span;                   /* the name in its definition */
	bool used; /* named in a rule, an expect, a block or another group */
};
#define FW_GROUP_SIZE 65536u

/* ADDRS [except ADDRS], as a set: (literals or any group of `groups`) and not (except_literals or any group of `except_groups`). */
struct fw_addrs {
	bool any; /* no clause, or `any`: then literals and groups are empty, the excepts may not be */
	struct fw_iset literals[FW_FAMILIES];
	const struct fw_group *const *groups; /* static and dynamic, each once */
	size_t group_count;
	struct fw_iset except_literals[FW_FAMILIES];
	const struct fw_group *const *except_groups;
	size_t except_group_count;
	/* Bits of the families that the positive side has (dynamic: both). Nothing but empty groups, which match nothing: both. */
	unsigned int families;
};

struct fw_iface { /* NUL-terminated name; prefix: it was NAME* and `name` is without the star ("" matches all) */
	char name[16];
	bool prefix;
};

struct fw_ifaces {
	bool any; /* the positive side is everything */
	const struct fw_iface *items;
	size_t len; /* sorted, none covered by another */
	const struct fw_iface *except;
	size_t except_len;
};

/* One protocol of WHAT. Sorted by proto, then family; each (proto, families) once. */
struct fw_what_proto {
	uint8_t proto;
	unsigned int families;  /* icmp: IPv4; icmpv6: IPv6; else both, cut down by the rule's families */
	bool all;               /* whole protocol; else `values` */
	struct fw_iset values;  /* destination ports, or ICMP types: numbers in .lo */
};

/* A conntrack helper to attach where the rule allows and the packet is `proto` to one of `ports`. */
struct fw_what_helper {
	const char *helper; /* as the kernel names it: "ftp" */
	uint8_t proto;
	struct fw_iset ports;
};

struct fw_what {
	bool any;
	const struct fw_what_proto *protos;
	size_t proto_count;
	const struct fw_what_helper *helpers;
	size_t helper_count;
};

struct fw_owners { /* `as`; uids or gids, as ranges in .lo; len 0: no clause */
	enum fw_owner kind;
	struct fw_iset ids;
};

/* All conditions of a rule, an expect or (addresses only) a block. */
struct fw_match {
	unsigned int families; /* bits; what addresses, over and WHAT leave together, never 0 */
	struct fw_what what;
	struct fw_addrs from, to;
	struct fw_ifaces on, leaving; /* `on`: incoming for in and forward, outgoing for out */
	struct fw_iset source_ports;  /* len 0: no clause; else `what` holds protocols with ports only (`any` is spelt out) */
	struct fw_owners owners;
	bool has_during, has_until;
	struct fw_ast_during during;
	struct fw_ast_until until;
};

/* `until` as the local clock shows it: seconds since 1970-01-01 00:00 there. */
int64_t fw_until_local(const struct fw_ast_until *until);

struct fw_rate {
	uint32_t count; /* 0: no clause */
	enum fw_unit unit;
	uint32_t burst; /* never 0 where count is not */
	bool per_source;
};

struct fw_log {
	bool on;
	const char *text; /* or NULL */
	struct fw_rate rate;
};

struct fw_rule {
	char id[FW_ID_LEN + 1]; /* of the canonical text and the place among equals */
	enum fw_verdict verdict;
	enum fw_direction direction;
	struct fw_match match;
	struct fw_rate rate;
	uint32_t connections; /* 0: no clause */
	bool connections_per_source;
	struct fw_log log;
	const char *label; /* or NULL */
	const char *text;  /* canonical, scopes folded in */
	struct fw_span span; /* the statement as written */
	/* spans of the clauses that a kernel feature may be missing for; source 0 where there is none */
	struct fw_span rate_span, connections_span, log_span, during_span, owner_span, what_span;
};

struct fw_block {
	char id[FW_ID_LEN + 1];
	/* Never-blocked addresses are taken away already: from the literals; instead of a group that holds some stands one without them, "NAME/blocked";
	 * and where the list is `any` or has a dynamic group, they stand among the except_literals. */
	struct fw_addrs addresses;
	bool log;
	const char *text;
	struct fw_span span;
};

struct fw_default {
	bool present; /* the statement was written; else verdict is the language's own */
	enum fw_verdict verdict;
	struct fw_log log;  /* what is to be logged, option log-default taken into account; an allow logs only if it says so */
	bool log_said;      /* the statement itself says log: broadcast and multicast are then reported too */
	struct fw_span span;
};

struct fw_expect {
	enum fw_verdict verdict;
	enum fw_direction direction;
	struct fw_match match;
	const char *text;
	struct fw_span span;
};

struct fw_options {
	bool builtin_off[FW_BUILTINS];
	uint16_t log_group; /* NFLOG group, default 86 */
	struct fw_rate log_rate; /* default 10/second */
	bool log_default; /* default true */
};

struct fw_service { /* as the catalogue or the policy defines it, flattened */
	struct fw_str name;
	struct fw_what what;
	const char *helper; /* its own, or NULL */
	const char *description; /* or NULL */
	bool exposed, from_catalogue;
	struct fw_span span;
};

struct fw_policy {
	struct fw_arena *arena;
	struct fw_sources *sources;
	const char *path;   /* of the top file, as given */
	struct fw_hash hash; /* of the text of all files read (paths as written, and contents), the catalogue included */
	struct fw_rule *const *rules[FW_DIRECTIONS]; /* in the order of the text */
	size_t rule_count[FW_DIRECTIONS];
	const struct fw_block *blocks;
	size_t block_count;
	struct fw_default defaults[FW_DIRECTIONS];
	bool has_forward; /* a default, a rule or a forward scope's rule speaks of forward: a forward chain is needed */
	const struct fw_expect *expects;
	size_t expect_count;
	struct fw_options options;
	const struct fw_group *const *groups; /* all defined, in order of definition */
	size_t group_count;
	const struct fw_service *const *services; /* all known, catalogue included, sorted by name */
	size_t service_count;
	const struct fw_policy_file *files; /* every file read, top first: what a generation keeps */
	size_t file_count;
};

struct fw_policy_file {
	const char *path; /* as opened: absolute, or relative to the working folder; "<stdin>" */
	struct fw_str text;
};

/* How the outside is asked: a policy is a pure function of what these answer. NULL members take the real thing (files, getpwnam, ..). */
struct fw_policy_env {
	void *context;
	/* 0 with heap text, or -errno (-EFBIG past max). */
	int (*read_file)(void *context, const char *path, size_t max, char **ret_text, size_t *ret_len);
	/* Sorted paths that match, as one heap array of heap strings. 0 (count may be 0), or -errno. */
	int (*glob)(void *context, const char *pattern, char ***ret_paths, size_t *ret_count);
	int (*user_id)(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id); /* -ENOENT: unknown */
	/* Addresses of this host, for warning [self]; may be NULL: then only fixed ranges are checked. */
	bool (*is_own_address)(void *context, enum fw_family family, struct fw_range range);
	/* A name of the system's services database, "22/tcp", for the help of an unknown service; may be NULL. */
	const char *(*system_service)(void *context, const char *name);
};

/* Reads, parses, resolves and checks. `path` "-" reads standard input.
 * 0 with *ret_policy (warnings may be in diags); FW_REPORTED where diags->errors; -ENOMEM, -E2BIG (budget). */
int fw_policy_load(struct fw_arena *arena, struct fw_diags *diags, const struct fw_policy_env *env, const char *path, struct fw_policy **ret_policy);
/* The same of a text in hand, under the name of `file`, which is not read. */
int fw_policy_load_text(struct fw_arena *arena, struct fw_diags *diags, const struct fw_policy_env *env, const struct fw_policy_file *file,
			struct fw_policy **ret_policy);

/* The catalogue without a policy, sorted by name, in `arena`. 0; FW_REPORTED where the catalogue itself has an error (a bug); -ENOMEM. */
int fw_policy_services(struct fw_arena *arena, struct fw_diags *diags, const struct fw_service *const **ret_services,
		       size_t *ret_count);

#endif
