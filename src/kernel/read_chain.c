/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_chain.c - chains of our table. */
#include <errno.h>

#include "kernel/foreign.h"
#include "kernel/read.h"

static const struct fw_attr_policy chain_policy[] = {
	{ NFTA_CHAIN_TABLE, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_CHAIN_HANDLE, FW_ATTR_U64, 0 },
	{ NFTA_CHAIN_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_CHAIN_HOOK, FW_ATTR_NESTED, 0 },
	{ NFTA_CHAIN_POLICY, FW_ATTR_U32, 0 },
	{ NFTA_CHAIN_TYPE, FW_ATTR_STRING, FW_NFT_NAME_MAX },
};
static const struct fw_read_sort chain_sort = { NFT_MSG_NEWCHAIN, NFTA_CHAIN_TABLE, chain_policy, FW_ARRAY_SIZE(chain_policy) };

static const struct fw_attr_policy hook_policy[] = {
	{ NFTA_HOOK_HOOKNUM, FW_ATTR_U32, 0 },
	{ NFTA_HOOK_PRIORITY, FW_ATTR_U32, 0 },
};

static int read_base(const struct fw_attrs *attrs, bool dormant, struct fw_rs_chain *chain)
{
	struct fw_attrs hook;
	int r;

	r = fw_attrs_parse_nested(attrs->at[NFTA_CHAIN_HOOK], hook_policy, FW_ARRAY_SIZE(hook_policy), &hook);
	if (r < 0)
		return r;
	if (!hook.at[NFTA_HOOK_HOOKNUM] || !hook.at[NFTA_HOOK_PRIORITY])
		return -EBADMSG;
	chain->base = true;
	chain->hook = fw_attrs_be32(&hook, NFTA_HOOK_HOOKNUM, 0);
	chain->priority = (int32_t)fw_attrs_be32(&hook, NFTA_HOOK_PRIORITY, 0);
	chain->policy_drop = !dormant && fw_attrs_be32(attrs, NFTA_CHAIN_POLICY, NF_ACCEPT) == NF_DROP;
	if (chain->hook > NF_INET_INGRESS)
		return -EBADMSG;
	if (!fw_str_equal(fw_attrs_string(attrs, NFTA_CHAIN_TYPE), FW_STR("filter")))
		fw_foreign_mark_chain(chain);
	return 0;
}

int fw_read_chain(const struct nlmsghdr *message, void *data)
{
	struct fw_read *read = data;
	char name[FW_NFT_NAME_MAX + 1];
	struct fw_rs_chain *chain;
	struct fw_attrs attrs;
	bool ours;
	int r;

	r = fw_read_attrs(message, &chain_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	r = fw_read_new_name(&attrs, NFTA_CHAIN_NAME, name);
	if (r < 0)
		return r;
	chain = fw_ruleset_add_chain(read->ruleset, name);
	if (!chain)
		return fw_read_not_added(read);
	chain->handle = fw_attrs_be64(&attrs, NFTA_CHAIN_HANDLE, 0);
	return attrs.at[NFTA_CHAIN_HOOK] ? read_base(&attrs, read->dormant, chain) : 0;
}
