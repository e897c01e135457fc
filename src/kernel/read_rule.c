/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_rule.c - rules of our table, put behind those of their chain that came before. */
#include <errno.h>
#include <string.h>

#include "kernel/read.h"
#include "kernel/udata.h"

static const struct fw_attr_policy rule_policy[] = {
	{ NFTA_RULE_TABLE, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_RULE_CHAIN, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_RULE_HANDLE, FW_ATTR_U64, 0 },
	{ NFTA_RULE_EXPRESSIONS, FW_ATTR_NESTED, 0 },
	{ NFTA_RULE_USERDATA, FW_ATTR_BINARY, NFT_USERDATA_MAXLEN },
};
static const struct fw_read_sort rule_sort = { NFT_MSG_NEWRULE, NFTA_RULE_TABLE, rule_policy, FW_ARRAY_SIZE(rule_policy) };

static int read_exprs(struct fw_ruleset *ruleset, const struct nlattr *list, struct fw_rs_expr exprs[FW_NFT_RULE_MAX_EXPRS], size_t *ret_count)
{
	struct fw_attr_iter iter = fw_attr_iter_nested(list);
	const struct nlattr *element;
	size_t count = 0;

	while ((element = fw_attr_next(&iter))) {
		int r;

		if (count == FW_NFT_RULE_MAX_EXPRS)
			return -EBADMSG;
		r = fw_read_expr(ruleset, element, &exprs[count++]);
		if (r < 0)
			return r;
	}
	*ret_count = count;
	return iter.left ? -EBADMSG : 0;
}

static int read_udata(struct fw_ruleset *ruleset, const struct fw_attrs *attrs, struct fw_rs_rule *rule)
{
	struct fw_udata udata = fw_udata_decode(fw_attrs_bytes(attrs, NFTA_RULE_USERDATA));

	rule->tag = udata.tag;
	rule->blob = FW_STR("");
	if (udata.blob.len)
		rule->blob = (struct fw_str){ fw_arena_copy(ruleset->arena, udata.blob), udata.blob.len };
	if (udata.comment.data)
		rule->comment = fw_arena_copy(ruleset->arena, udata.comment);
	return !rule->blob.data || (udata.comment.data && !rule->comment) ? -ENOMEM : 0;
}

static struct fw_rs_chain *chain_of(const struct fw_ruleset *ruleset, const struct fw_attrs *attrs)
{
	char name[FW_NFT_NAME_MAX + 1];

	return fw_read_new_name(attrs, NFTA_RULE_CHAIN, name) < 0 ? NULL : fw_ruleset_chain(ruleset, name);
}

static int add_rule(struct fw_ruleset *ruleset, const struct fw_attrs *attrs, struct fw_rs_chain *chain)
{
	struct fw_rs_expr exprs[FW_NFT_RULE_MAX_EXPRS];
	struct fw_rs_rule *rule;
	size_t count = 0;
	int r = 0;

	if (attrs->at[NFTA_RULE_EXPRESSIONS])
		r = read_exprs(ruleset, attrs->at[NFTA_RULE_EXPRESSIONS], exprs, &count);
	if (r < 0)
		return r;
	rule = fw_ruleset_add_rule(ruleset, chain, exprs, count);
	if (!rule)
		return -ENOMEM;
	rule->handle = fw_attrs_be64(attrs, NFTA_RULE_HANDLE, 0);
	return read_udata(ruleset, attrs, rule);
}

int fw_read_rule(const struct nlmsghdr *message, void *data)
{
	struct fw_read *read = data;
	struct fw_rs_chain *chain;
	struct fw_attrs attrs;
	bool ours;
	int r;

	r = fw_read_attrs(message, &rule_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	if (read->only_chain && !fw_str_equal(fw_attrs_string(&attrs, NFTA_RULE_CHAIN), fw_str_from(read->only_chain)))
		return 0;
	chain = chain_of(read->ruleset, &attrs);
	if (!chain) { /* made since the chains were read */
		read->torn = true;
		return 0;
	}
	return add_rule(read->ruleset, &attrs, chain);
}
