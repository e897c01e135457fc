/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read.h - messages of the kernel into a ruleset. No sockets: whatever bytes come, they are checked first, and a struct
 * nlmsghdr need only be whole (nlmsg_len bytes there). What others put into our table comes as data: unknown expressions by their
 * name, the rest as kernel/foreign.h says. All: 0; -EBADMSG: no kernel should send this; -ENOMEM. Messages of other tables are
 * passed over. */
#ifndef FW_KERNEL_READ_H
#define FW_KERNEL_READ_H

#include "kernel/attr.h"
#include "kernel/nf.h"
#include "ruleset/ruleset.h"

struct fw_read {
	struct fw_ruleset *ruleset;
	bool has_table, dormant; /* set by fw_read_table; a dormant table decides nothing, so its chains' policies read as accept */
	bool torn;               /* a message named something that was not there: the picture is of two moments */
	const char *only_chain;  /* rules of others are passed over; NULL: of none */
};

int fw_read_table(const struct nlmsghdr *message, void *read);
int fw_read_chain(const struct nlmsghdr *message, void *read);
int fw_read_set(const struct nlmsghdr *message, void *read);
int fw_read_object(const struct nlmsghdr *message, void *read);
int fw_read_rule(const struct nlmsghdr *message, void *read); /* chains, sets and objects first */
/* Of NEWOBJ messages, the named counters that have a tag: a struct fw_count of kernel.h is pushed to `counts`, a struct fw_vec. */
int fw_read_count(const struct nlmsghdr *message, void *counts);

/* Of a NEWSET message, what no struct fw_rs_set holds. */
struct fw_read_set_head {
	bool counted; /* by the kernel; those that expired and are not yet collected are among them */
	uint32_t count;
	uint32_t key_len;
	uint64_t timeout_ms; /* of its elements, where they have none of their own; 0: none */
};
int fw_read_set_head(const struct nlmsghdr *message, void *head); /* a struct fw_read_set_head */

/* Elements, one by one. */
struct fw_read_element {
	struct fw_str key;         /* key_len bytes; empty where foreign */
	bool end;                  /* the end of a range, exclusive */
	bool foreign;              /* catch-all, a range in itself: not of our making */
	const struct nlattr *data; /* of a map to verdicts, or NULL */
	struct fw_str object;      /* of a map to objects: a name; else empty */
	uint64_t timeout_ms, expires_ms;
};
typedef int fw_read_element_fn(const struct fw_read_element *element, void *data);
/* Those of `set` whose keys are key_len bytes long. */
int fw_read_elements(const struct nlmsghdr *message, const char *set, size_t key_len, fw_read_element_fn *each, void *data);

struct fw_read_datum {
	struct fw_rs_verdict verdict;
	const char *object; /* FW_RS_COUNTERS */
};

/* Gathers the elements of one set over many messages, on the heap. */
struct fw_read_gather {
	struct fw_ruleset *ruleset;
	const char *name;
	size_t key_len, stride, len, cap;
	enum fw_rs_data_kind data;
	bool interval, foreign;
	uint8_t *items; /* key, a byte that is 0 for an end, and in maps a struct fw_read_datum */
};
void fw_read_gather_init(struct fw_read_gather *gather, struct fw_ruleset *ruleset, const struct fw_rs_set *set);
void fw_read_gather_done(struct fw_read_gather *gather); /* for FW_CLEANUP too */
void fw_read_gather_empty(struct fw_read_gather *gather); /* to begin again */
int fw_read_gather_message(const struct nlmsghdr *message, void *gather);
/* Puts them into the set, sorted, in the ruleset's arena. -EAGAIN: some came twice, the dump is no picture. */
int fw_read_gather_finish(struct fw_read_gather *gather, struct fw_rs_set *set);

/* Shared by these readers. */
/* What messages of one sort look like. */
struct fw_read_sort {
	uint16_t message; /* NFT_MSG_NEW* */
	uint16_t table;   /* the attribute with the table's name */
	const struct fw_attr_policy *policy;
	size_t rows;
};
/* The attributes of a message. *ret_ours is false where it is of another sort, family or table. */
int fw_read_attrs(const struct nlmsghdr *message, const struct fw_read_sort *sort, struct fw_attrs *ret_attrs, bool *ret_ours);
/* The name of something new, as a C string; -EBADMSG: none. */
int fw_read_new_name(const struct fw_attrs *attrs, uint16_t attribute, char ret_name[FW_NFT_NAME_MAX + 1]);
/* After fw_ruleset_add_* gave NULL: 0 where the name was there (read->torn), else -ENOMEM. */
int fw_read_not_added(struct fw_read *read);
/* A name in the arena; one that chains, sets or objects have already is shared. NULL: no memory. */
const char *fw_read_name(struct fw_ruleset *ruleset, struct fw_str name);
int fw_read_verdict(struct fw_ruleset *ruleset, const struct nlattr *data, bool *ret_is_verdict, struct fw_rs_verdict *ret_verdict);
/* NFTA_LIST_ELEM of NFTA_RULE_EXPRESSIONS, or NFTA_DYNSET_EXPR. */
int fw_read_expr(struct fw_ruleset *ruleset, const struct nlattr *element, struct fw_rs_expr *ret_expr);
/* The attributes of one kind alone (the data of an object, too). *ret_known is false where they say what our expression cannot. */
int fw_read_expr_fields(struct fw_ruleset *ruleset, enum fw_rs_expr_kind kind, const struct nlattr *fields, struct fw_rs_expr *ret_expr, bool *ret_known);

#endif
