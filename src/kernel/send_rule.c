/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send_rule.c - rules as messages: where they go, their expressions and user data. */
#include "kernel/send.h"

#include <errno.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "kernel/udata.h"

static void free_rule(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

static int add_exprs(const struct fw_rs_rule *rule, struct nftnl_rule *to)
{
	if (rule->expr_count > FW_NFT_RULE_MAX_EXPRS)
		return -E2BIG;
	for (size_t i = 0; i < rule->expr_count; i++) {
		struct nftnl_expr *expr = NULL;
		int r = fw_send_expr(&rule->exprs[i], &expr);

		if (r < 0)
			return r;
		nftnl_rule_add_expr(to, expr);
	}
	return 0;
}

static int add_udata(const struct fw_rs_rule *rule, struct nftnl_rule *to)
{
	struct fw_udata udata = { .tag = rule->tag, .blob = rule->blob };
	uint8_t bytes[FW_UDATA_MAX];
	size_t len;
	int r;

	if (rule->comment)
		udata.comment = fw_str_from(rule->comment);
	r = fw_udata_encode(&udata, bytes, &len);
	if (r < 0 || !len)
		return r;
	return nftnl_rule_set_data(to, NFTNL_RULE_USERDATA, bytes, (uint32_t)len) ? -ENOMEM : 0;
}

static int name_rule(const char *chain, struct nftnl_rule *to)
{
	if (!fw_send_name_ok(chain))
		return -EINVAL;
	if (nftnl_rule_set_str(to, NFTNL_RULE_TABLE, FW_TABLE_NAME) || nftnl_rule_set_str(to, NFTNL_RULE_CHAIN, chain))
		return -ENOMEM;
	return 0;
}

static int put_message(struct fw_batch *batch, uint16_t message, uint16_t flags, struct nftnl_rule *rule)
{
	int r = fw_batch_open(batch, message, flags);

	if (r < 0)
		return r;
	nftnl_rule_nlmsg_build_payload(batch->open, rule);
	fw_batch_close(batch);
	return 0;
}

int fw_send_rule(struct fw_batch *batch, const char *chain, const struct fw_rs_rule *rule, uint64_t before)
{
	struct nftnl_rule *to FW_CLEANUP(free_rule) = nftnl_rule_alloc();
	int r;

	if (!to)
		return -ENOMEM;
	r = name_rule(chain, to);
	if (!r)
		r = add_exprs(rule, to);
	if (!r)
		r = add_udata(rule, to);
	if (r < 0)
		return r;
	if (before)
		nftnl_rule_set_u64(to, NFTNL_RULE_POSITION, before);
	/* A position means "behind it" with NLM_F_APPEND, "before it" without. */
	return put_message(batch, NFT_MSG_NEWRULE, before ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_APPEND, to);
}

int fw_send_rule_delete(struct fw_batch *batch, const char *chain, uint64_t handle)
{
	struct nftnl_rule *to FW_CLEANUP(free_rule) = nftnl_rule_alloc();
	int r;

	if (!to)
		return -ENOMEM;
	if (!handle) /* without one, the kernel would delete all of the chain */
		return -EINVAL;
	r = name_rule(chain, to);
	if (r < 0)
		return r;
	nftnl_rule_set_u64(to, NFTNL_RULE_HANDLE, handle);
	return put_message(batch, NFT_MSG_DELRULE, 0, to);
}
