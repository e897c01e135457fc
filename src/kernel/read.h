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
};

int fw_read_table(const struct nlmsghdr *message, void *read);
int fw_read_chain(const struct nlmsghdr *message, void *read);
int fw_read_set(const struct nlmsghdr *message, void *read);
int fw_read_object(const struct nlmsghdr *message, void *read);
int fw_read_rule(const struct nlmsghdr *message, void *read); /* chains, sets and objects first */

/* NFTA_SET_COUNT of a NEWSET message, if it is there. */
int fw_read_set_count(const struct nlmsghdr *message, bool *ret_known, uint32_t *ret_count);

/* Elements, one by one. */
struct fw_read_element {
	struct fw_str key;         /* key_len bytes; empty where foreign */
	bool end;                  /* the end of a range, exclusive */
	bool foreign;              /* catch-all, a range in itself, an object: not of our making */
	const struct nlattr *data; /* of a map, or NULL */
	uint64_t timeout_ms, expires_ms;
};
typedef int fw_read_element_fn(const struct fw_read_element *element, void *data);
/* Those of `set` whose keys are key_len bytes long. */
int fw_read_elements(const struct nlmsghdr *message, const char *set, size_t key_len, fw_read_element_fn *each, void *data);

/* Gathers the elements of one set over many messages, on the heap. */
struct fw_read_gather {
	struct fw_ruleset *ruleset;
	const char *name;
	size_t key_len, stride, len, cap;
	bool interval, map, foreign;
	uint8_t *items; /* key, a byte that is 0 for an end, and in maps the verdict */
};
void fw_read_gather_init(struct fw_read_gather *gather, struct fw_ruleset *ruleset, const struct fw_rs_set *set);
void fw_read_gather_done(struct fw_read_gather *gather); /* for FW_CLEANUP too */
void fw_read_gather_empty(struct fw_read_gather *gather); /* to begin again */
int fw_read_gather_message(const struct nlmsghdr *message, void *gather);
/* Puts them into the set, sorted, in the ruleset's arena. -EAGAIN: some came twice, the dump is no picture. */
int fw_read_gather_finish(struct fw_read_gather *gather, struct fw_rs_set *set);

/* Shared by these readers. */
/* The attributes behind a struct nfgenmsg of NFPROTO_INET. *ret_ours is false for another family or type. */
int fw_read_nf(const struct nlmsghdr *message, uint16_t type, struct fw_attr_iter *ret_iter, bool *ret_ours);
bool fw_read_is_table(const struct fw_attrs *attrs, uint16_t attribute); /* the name of our table? */
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
