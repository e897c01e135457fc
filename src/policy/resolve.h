/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/resolve.h - inside of src/policy: the state of one fw_policy_load, and what its passes offer each other.
 *
 * Passes, in this order: load (read and collect), symbols (names), options, groups, zones, services, scopes, rules, warnings.
 * Unless said otherwise a function returns 0, FW_REPORTED (a diagnostic says why; the result is not to be used) or -errno. */
#ifndef FW_POLICY_RESOLVE_H
#define FW_POLICY_RESOLVE_H

#include "base/map.h"
#include "base/misspell.h"
#include "net/proto.h"
#include "policy/policy.h"
#include "syntax/parse.h"

#define FW_POLICY_MAX_INCLUDES 16            /* levels */
#define FW_POLICY_MAX_FILES 4096             /* reads of policy files, repeated ones counted again */
#define FW_POLICY_MAX_TEXT (64u << 20)       /* bytes of all policy files together */
#define FW_POLICY_MAX_ADDRESSES (256u << 20) /* bytes of one address file, and of all of them together twice that */
#define FW_NAME_MAX 63

/* printf arguments of a "%.*s" that shows user text, cut to a length that a message bears. */
#define SHOW(s) (int)((s).len > 80 ? 80 : (s).len), (s).data

/* Something that is defined by others of its kind: services, groups, zones. */
struct node {
	struct fw_str name;
	struct fw_span span; /* the name in its definition */
	struct node *const *deps;
	size_t dep_count;
	bool broken; /* reported: whoever uses it stays quiet */
	/* of the walk in order.c */
	enum { NODE_NEW, NODE_OPEN, NODE_DONE } mark;
	size_t next;
	struct node *parent;
};

struct service_def {
	struct node node; /* first */
	struct fw_service out;
	const struct fw_stmt *stmt; /* NULL: its statement did not parse */
	struct service_def *hidden; /* the catalogue's service of this name, which this one redefines */
	const struct fw_service *exposes; /* itself, or the first of its items, that should not face the world */
	bool used;
};

struct group_def {
	struct node node; /* first */
	struct fw_group out;
	const struct fw_stmt *stmt;
	uint64_t taken_by; /* number of the last list that took it: each group once in a list */
};

struct zone_def {
	struct node node; /* first */
	struct fw_ifaces out;
	const struct fw_stmt *stmt;
	bool used;
};

struct scope {
	const struct scope *parent;
	const struct fw_stmt *stmt;
	size_t depth; /* 1: top */
	/* Filled by the scope pass, enclosing scopes folded in: */
	bool has_direction, broken;
	enum fw_direction direction;
	struct fw_span direction_span;
	const struct fw_ast_clause *clauses[FW_CLAUSE_KINDS];
	const struct fw_ast_clauses *const *chain; /* `depth` of them, outermost first */
	struct fw_match match;                     /* families: what `over` leaves */
};

struct item { /* a statement that decides, in the order of the text */
	const struct fw_stmt *stmt;
	const struct scope *scope; /* NULL: top level */
};

struct resolver {
	struct fw_arena *arena;
	struct fw_diags *diags;
	struct fw_sources *sources;
	const struct fw_policy_env *env;
	struct fw_policy *policy;

	/* load.c */
	uint32_t first_source;
	struct fw_vec paths;    /* const char *, of source first_source + index */
	struct fw_vec files;    /* struct fw_policy_file, each path once */
	struct fw_map texts;    /* path -> struct fw_str */
	struct fw_map readings; /* path of an address file -> struct fw_iset[FW_FAMILIES], or its failure */
	size_t file_reads, text_bytes, address_bytes;
	bool stopped; /* a total bound was passed: nothing more is read */
	bool in_catalogue;

	struct fw_vec items;   /* struct item */
	struct fw_vec scopes;  /* struct scope *, outer before inner */
	struct fw_vec options; /* const struct fw_stmt * */

	/* rules.c */
	struct fw_vec rules[FW_DIRECTIONS]; /* struct fw_rule * */
	struct fw_vec blocks, expects;      /* struct fw_block, struct fw_expect */

	/* symbols.c: everything defined, in the order of the text; hidden services too */
	struct fw_vec services, groups, zones; /* struct service_def *, .. */
	size_t catalogue_services;             /* how many of them are the catalogue's: the first */
	struct fw_map service_names, group_names, zone_names;

	/* scratch, emptied by each user */
	struct fw_vec ranges[FW_FAMILIES]; /* struct fw_range */
	struct fw_vec found;               /* const struct fw_group * */
	struct fw_vec parts, helper_parts; /* what.c */
	struct fw_vec ifaces;              /* struct fw_iface */
	struct fw_buf text;
	uint64_t list_number;

	struct fw_map ids;    /* rule and block ids */
	struct fw_map owners; /* "uname", "gname" -> id */
	bool exposed_listed;
	struct fw_vec exposed; /* const struct fw_service *, those that are marked (warn.c) */
};

int fw_resolver_init(struct resolver *r, struct fw_arena *arena, struct fw_diags *diags, const struct fw_policy_env *env);
void fw_resolver_done(struct resolver *r);
/* True where another error would still be shown: only then is a costly search for help worth its time. */
bool fw_resolver_wants_help(const struct resolver *r);
/* "did you mean 'X'?" where one was near enough; false otherwise. */
bool fw_resolver_suggest(struct resolver *r, struct fw_diag *diag, const struct fw_misspell *m);

/* env.c: what the environment answers, or the real thing where it has no answer of its own. */
#define FW_SYSTEM_SERVICE_MAX 64
int fw_env_read_file(const struct fw_policy_env *env, const char *path, size_t max, char **ret_text, size_t *ret_len);
int fw_env_glob(const struct fw_policy_env *env, const char *pattern, char ***ret_paths, size_t *ret_count);
int fw_env_user_id(const struct fw_policy_env *env, enum fw_owner kind, const char *name, uint32_t *ret_id);
/* "22/tcp" into ret_item; false: unknown. */
bool fw_env_system_service(const struct fw_policy_env *env, const char *name, char ret_item[FW_SYSTEM_SERVICE_MAX]);

/* catalogue.c */
struct fw_str fw_catalogue_text(void);

/* load.c */
int fw_load_catalogue(struct resolver *r);
int fw_load_policy(struct resolver *r, const char *path, const struct fw_str *text);
/* Reads the address file that the group statement at `word` names, once for each path. */
int fw_load_addresses(struct resolver *r, const struct fw_ast_word *word, struct fw_iset ret_sets[FW_FAMILIES]);

/* order.c: calls resolve for every node, those it depends on first; cycles are reported ("'a' VERB 'b' VERB 'a'") and broken. The walk
 * starts at node `first`: that end of a cycle is named. */
int fw_order_resolve(struct resolver *r, const struct fw_vec *nodes, const char *verb,
		     int (*resolve)(struct resolver *r, struct node *node), size_t first);

/* symbols.c */
int fw_symbols_define(struct resolver *r, const struct fw_stmt *stmt);
/* NULL: unknown, nothing reported. Services fold case and '_'. `by`: who asks, for a service that names itself; may be NULL. */
struct service_def *fw_symbols_service(const struct resolver *r, struct fw_str name, const struct service_def *by);
/* Unknown is reported, and a broken one is NULL too. The group or zone counts as used. */
struct group_def *fw_symbols_group(struct resolver *r, const struct fw_ast_word *word);
struct zone_def *fw_symbols_zone(const struct resolver *r, struct fw_str name);

/* options.c */
int fw_options_resolve(struct resolver *r);

/* addresses.c */
struct address { /* what fw_addr_parse made of a text */
	enum fw_addr_error error;
	enum fw_family family;
	struct fw_range range;
};
struct address fw_addresses_parse(struct fw_str text);
/* Says what is wrong with `text`, which is at `span`. */
void fw_addresses_report(struct fw_diags *diags, struct fw_span span, struct fw_str text, struct address address);
bool fw_addresses_is_literal(const struct fw_ast_word *word);
/* One literal onto r->ranges. */
int fw_addresses_add_literal(struct resolver *r, const struct fw_ast_word *word);
/* r->ranges, sorted and merged, moved into the arena. */
int fw_addresses_take(struct resolver *r, struct fw_iset ret_sets[FW_FAMILIES]);
int fw_addresses_resolve(struct resolver *r, const struct fw_ast_operands *operands, struct fw_addrs *ret_addrs);
/* Bits of the families that the positive side has; both where it has nothing at all. */
unsigned int fw_addresses_families(const struct fw_addrs *addrs);
/* The whole of both families. -ENOMEM. */
int fw_addresses_all(struct resolver *r, struct fw_iset ret_sets[FW_FAMILIES]);

/* groups.c */
int fw_groups_resolve(struct resolver *r);

/* zones.c */
int fw_zones_resolve(struct resolver *r);
int fw_ifaces_resolve(struct resolver *r, const struct fw_ast_operands *operands, struct fw_ifaces *ret_ifaces);

/* what.c */
unsigned int fw_what_families(uint8_t proto);
/* LOW, LOW-HIGH or LOW:HIGH of ports. Reports at the span. */
int fw_what_parse_ports(struct resolver *r, struct fw_str text, struct fw_span span, struct fw_range *ret_range);
/* A list of items. `by`: the service that is defined by them, or NULL for a rule (the services then count as used). */
int fw_what_resolve(struct resolver *r, const struct fw_ast_list *list, struct service_def *by, struct fw_what *ret_what);

/* services.c */
int fw_services_resolve(struct resolver *r);
int fw_services_sorted(struct resolver *r, const struct fw_service *const **ret_services, size_t *ret_count);

/* clauses.c */
/* One clause into the conditions; those that are no condition (rate, connections, log, label) are left alone. */
int fw_clauses_resolve(struct resolver *r, const struct fw_ast_clause *clause, struct fw_match *match);
/* False, reported, where an enclosing scope (or NULL) has a clause of this kind. */
bool fw_scopes_clause_is_new(struct resolver *r, const struct scope *scope, const struct fw_ast_clause *clause);
int fw_scopes_resolve(struct resolver *r);

/* match.c: WHAT and all clauses of a rule or an expect, scopes folded in. `clauses` gets the effective clause of each kind, or NULL. */
int fw_match_resolve(struct resolver *r, const struct item *item, enum fw_direction *ret_direction,
		     const struct fw_ast_clause *ret_clauses[FW_CLAUSE_KINDS], struct fw_match *ret_match);

/* rules.c: every item, in the order of the text */
int fw_rules_resolve(struct resolver *r);
/* The canonical text of a statement, in the arena; NULL: no memory. */
const char *fw_rules_text(struct resolver *r, const struct item *item, enum fw_direction direction);
/* The id of a text: of its hash and its place among equal ones. `kind`: the direction's name, or "block". */
int fw_rules_id(struct resolver *r, const char *text, const char *kind, char ret_id[FW_ID_LEN + 1]);

/* blocks.c */
int fw_blocks_resolve(struct resolver *r, const struct item *item, struct fw_block *ret_block);

/* warn.c */
int fw_warn_exposed(struct resolver *r, const struct fw_rule *rule, const struct fw_ast_rule *ast);
int fw_warn_all(struct resolver *r);

#endif
