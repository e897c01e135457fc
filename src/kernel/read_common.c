/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_common.c - what the readers share: the head of a message, names, verdicts; and the table itself. */
#include "kernel/read.h"

#include <errno.h>
#include <string.h>

int fw_read_attrs(const struct nlmsghdr *message, const struct fw_read_sort *sort, struct fw_attrs *ret_attrs, bool *ret_ours)
{
	const struct nfgenmsg *nf = (const void *)((const char *)message + NLMSG_HDRLEN);
	size_t head = NLMSG_HDRLEN + sizeof(*nf);
	int r;

	*ret_ours = false;
	if (message->nlmsg_len < head)
		return -EBADMSG;
	if (message->nlmsg_type != fw_nf_type(sort->message) || nf->nfgen_family != NFPROTO_INET)
		return 0;
	r = fw_attrs_parse((struct fw_attr_iter){ (const char *)nf + sizeof(*nf), message->nlmsg_len - head }, sort->policy, sort->rows,
			   ret_attrs);
	*ret_ours = !r && fw_str_equal(fw_attrs_string(ret_attrs, sort->table), FW_STR(FW_TABLE_NAME));
	return r;
}

int fw_read_new_name(const struct fw_attrs *attrs, uint16_t attribute, char ret_name[FW_NFT_NAME_MAX + 1])
{
	struct fw_str name = fw_attrs_string(attrs, attribute);

	if (!name.len || name.len > FW_NFT_NAME_MAX)
		return -EBADMSG;
	memcpy(ret_name, name.data, name.len);
	ret_name[name.len] = '\0';
	return 0;
}

int fw_read_not_added(struct fw_read *read)
{
	if (errno != EEXIST)
		return -ENOMEM;
	read->torn = true; /* a dump that went on over a change tells some things twice */
	return 0;
}

static const char *known_name(const struct fw_ruleset *ruleset, const char *name)
{
	const struct fw_rs_object *object = fw_ruleset_object(ruleset, name); /* of these there are most */
	const struct fw_rs_chain *chain = object ? NULL : fw_ruleset_chain(ruleset, name);
	const struct fw_rs_set *set = object || chain ? NULL : fw_ruleset_set(ruleset, name);

	if (object)
		return object->name;
	if (chain)
		return chain->name;
	return set ? set->name : NULL;
}

const char *fw_read_name(struct fw_ruleset *ruleset, struct fw_str name)
{
	char text[FW_NFT_NAME_MAX + 1];
	const char *known;

	if (name.len >= sizeof(text)) /* the policies let none by */
		return NULL;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	known = known_name(ruleset, text);
	return known ? known : fw_arena_copy(ruleset->arena, name);
}

static const struct fw_attr_policy data_policy[] = {
	{ NFTA_DATA_VALUE, FW_ATTR_BINARY, FW_RS_DATA_MAX },
	{ NFTA_DATA_VERDICT, FW_ATTR_NESTED, 0 },
};

static const struct fw_attr_policy verdict_policy[] = {
	{ NFTA_VERDICT_CODE, FW_ATTR_U32, 0 },
	{ NFTA_VERDICT_CHAIN, FW_ATTR_STRING, FW_NFT_NAME_MAX },
};

int fw_read_verdict(struct fw_ruleset *ruleset, const struct nlattr *data, bool *ret_is_verdict, struct fw_rs_verdict *ret_verdict)
{
	struct fw_attrs attrs, parts;
	struct fw_rs_verdict verdict;
	int r;

	*ret_is_verdict = false;
	r = fw_attrs_parse_nested(data, data_policy, FW_ARRAY_SIZE(data_policy), &attrs);
	if (r < 0 || !attrs.at[NFTA_DATA_VERDICT])
		return r;
	r = fw_attrs_parse_nested(attrs.at[NFTA_DATA_VERDICT], verdict_policy, FW_ARRAY_SIZE(verdict_policy), &parts);
	if (r < 0)
		return r;
	if (!parts.at[NFTA_VERDICT_CODE])
		return -EBADMSG;
	verdict = (struct fw_rs_verdict){ .code = (int32_t)fw_attrs_be32(&parts, NFTA_VERDICT_CODE, 0) };
	if (verdict.code == NFT_JUMP || verdict.code == NFT_GOTO) {
		if (!parts.at[NFTA_VERDICT_CHAIN])
			return -EBADMSG;
		verdict.chain = fw_read_name(ruleset, fw_attrs_string(&parts, NFTA_VERDICT_CHAIN));
		if (!verdict.chain)
			return -ENOMEM;
	}
	*ret_is_verdict = true;
	*ret_verdict = verdict;
	return 0;
}

static const struct fw_attr_policy table_policy[] = {
	{ NFTA_TABLE_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_TABLE_FLAGS, FW_ATTR_U32, 0 },
	{ NFTA_TABLE_HANDLE, FW_ATTR_U64, 0 },
};
static const struct fw_read_sort table_sort = { NFT_MSG_NEWTABLE, NFTA_TABLE_NAME, table_policy, FW_ARRAY_SIZE(table_policy) };

int fw_read_table(const struct nlmsghdr *message, void *data)
{
	struct fw_read *read = data;
	struct fw_attrs attrs;
	bool ours;
	int r;

	r = fw_read_attrs(message, &table_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	read->has_table = true;
	read->dormant = fw_attrs_be32(&attrs, NFTA_TABLE_FLAGS, 0) & NFT_TABLE_F_DORMANT;
	read->ruleset->table_handle = fw_attrs_be64(&attrs, NFTA_TABLE_HANDLE, 0);
	return 0;
}
