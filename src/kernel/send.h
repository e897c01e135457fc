/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send.h - objects of a ruleset as messages of a batch. All: 0; -ENOMEM; -E2BIG past a bound of the kernel or the batch;
 * -EINVAL for what no message can carry. */
#ifndef FW_KERNEL_SEND_H
#define FW_KERNEL_SEND_H

#include "kernel/batch.h"

int fw_send_table(struct fw_batch *batch, uint16_t message); /* NFT_MSG_NEWTABLE (not dormant), NFT_MSG_DELTABLE */
int fw_send_chain(struct fw_batch *batch, const struct fw_rs_chain *chain);
int fw_send_chain_policy(struct fw_batch *batch, const struct fw_rs_chain *chain);
int fw_send_chain_delete(struct fw_batch *batch, const char *name);
int fw_send_object(struct fw_batch *batch, const struct fw_rs_object *object);
int fw_send_object_delete(struct fw_batch *batch, const struct fw_rs_object *object);

int fw_send_rule(struct fw_batch *batch, const char *chain, const struct fw_rs_rule *rule, uint64_t before);
int fw_send_rule_delete(struct fw_batch *batch, const char *chain, uint64_t handle);

int fw_send_set(struct fw_batch *batch, const struct fw_rs_set *set);
int fw_send_set_delete(struct fw_batch *batch, const char *name);

/* NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_GETSETELEM: of `set` (its head), streamed into as many messages as it takes.
 * Keys only, but where they are new. */
int fw_send_elements(struct fw_batch *batch, uint16_t message, const struct fw_rs_set *set, const struct fw_rs_elements *elements);
/* One element of a set with timeouts; timeout 0: for good; expires 0: as the timeout says. With NLM_F_EXCL in flags it must be new. */
struct fw_send_member {
	const char *set;
	uint8_t key[16];
	size_t key_len;
	uint64_t timeout_ms, expires_ms;
};
int fw_send_member(struct fw_batch *batch, uint16_t message, uint16_t flags, const struct fw_send_member *member);

/* The key after `key`, where an exclusive end stands; false where that is the highest. */
bool fw_send_next_key(const uint8_t *key, size_t len, uint8_t *ret_next);

bool fw_send_name_ok(const char *name); /* 1 to FW_NFT_NAME_MAX bytes */

struct nftnl_expr;
/* The expression for libnftnl, the caller's to add or free. */
int fw_send_expr(const struct fw_rs_expr *expr, struct nftnl_expr **ret_expr);

#endif
