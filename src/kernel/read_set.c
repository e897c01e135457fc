/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_set.c - heads of the sets and maps of our table. Their kind is told by name and flags: "dyn-" with timeouts holds
 * members of a dynamic group, "rate-" and "conn-" that packets fill are meters, all others are what the policy says. */
#include <errno.h>
#include <string.h>

#include "kernel/foreign.h"
#include "kernel/read.h"

static const struct fw_attr_policy set_policy[] = {
	{ NFTA_SET_TABLE, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_SET_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_SET_FLAGS, FW_ATTR_U32, 0 },
	{ NFTA_SET_KEY_TYPE, FW_ATTR_U32, 0 },
	{ NFTA_SET_KEY_LEN, FW_ATTR_U32, 0 },
	{ NFTA_SET_DATA_TYPE, FW_ATTR_U32, 0 },
	{ NFTA_SET_OBJ_TYPE, FW_ATTR_U32, 0 },
	{ NFTA_SET_DESC, FW_ATTR_NESTED, 0 },
	{ NFTA_SET_TIMEOUT, FW_ATTR_U64, 0 },
	{ NFTA_SET_GC_INTERVAL, FW_ATTR_U32, 0 },
	{ NFTA_SET_HANDLE, FW_ATTR_U64, 0 },
	{ NFTA_SET_EXPR, FW_ATTR_NESTED, 0 },
	{ NFTA_SET_EXPRESSIONS, FW_ATTR_NESTED, 0 },
	{ FW_NFTA_SET_COUNT, FW_ATTR_U32, 0 },
};
static const struct fw_read_sort set_sort = { NFT_MSG_NEWSET, NFTA_SET_TABLE, set_policy, FW_ARRAY_SIZE(set_policy) };

static const struct fw_attr_policy desc_policy[] = {
	{ NFTA_SET_DESC_SIZE, FW_ATTR_U32, 0 },
};

#define OUR_FLAGS ((uint32_t)(NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_EVAL | NFT_SET_OBJECT))

static bool find_key(const struct fw_attrs *attrs, enum fw_rs_key *ret_key)
{
	uint32_t type = fw_attrs_be32(attrs, NFTA_SET_KEY_TYPE, 0), len = fw_attrs_be32(attrs, NFTA_SET_KEY_LEN, 0);

	for (int key = FW_RS_KEY_IPV4; key <= FW_RS_KEY_WHAT_IPV6; key++) {
		if (fw_rs_key_nft_type((enum fw_rs_key)key) != type || fw_rs_key_len((enum fw_rs_key)key) != len)
			continue;
		*ret_key = (enum fw_rs_key)key;
		return true;
	}
	return false;
}

static bool starts_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static enum fw_rs_set_kind kind_of(const struct fw_rs_set *set)
{
	if (starts_with(set->name, "dyn-") && set->data == FW_RS_NO_DATA)
		return FW_RS_SET_MEMBERS;
	if (set->dynamic && (starts_with(set->name, "rate-") || starts_with(set->name, "conn-")))
		return FW_RS_SET_METERS;
	return FW_RS_SET_CONSTANT;
}

static int read_size(const struct fw_attrs *attrs, struct fw_rs_set *set)
{
	struct fw_attrs desc;
	int r;

	if (!attrs->at[NFTA_SET_DESC])
		return 0;
	r = fw_attrs_parse_nested(attrs->at[NFTA_SET_DESC], desc_policy, FW_ARRAY_SIZE(desc_policy), &desc);
	if (r < 0)
		return r;
	set->size = fw_attrs_be32(&desc, NFTA_SET_DESC_SIZE, 0);
	return 0;
}

static bool is_foreign(const struct fw_attrs *attrs, uint32_t flags)
{
	if (flags & ~OUR_FLAGS || attrs->at[NFTA_SET_EXPR] || attrs->at[NFTA_SET_EXPRESSIONS])
		return true;
	if (flags & NFT_SET_OBJECT && flags & NFT_SET_MAP)
		return true;
	if (flags & NFT_SET_OBJECT && fw_attrs_be32(attrs, NFTA_SET_OBJ_TYPE, 0) != NFT_OBJECT_COUNTER)
		return true;
	return flags & NFT_SET_MAP && fw_attrs_be32(attrs, NFTA_SET_DATA_TYPE, 0) != NFT_DATA_VERDICT;
}

static int read_head(const struct fw_attrs *attrs, struct fw_rs_set *set)
{
	uint32_t flags = fw_attrs_be32(attrs, NFTA_SET_FLAGS, 0);
	int r;

	set->interval = flags & NFT_SET_INTERVAL;
	set->data = flags & NFT_SET_MAP ? FW_RS_VERDICTS : flags & NFT_SET_OBJECT ? FW_RS_COUNTERS : FW_RS_NO_DATA;
	set->has_timeout = flags & NFT_SET_TIMEOUT;
	set->dynamic = flags & NFT_SET_EVAL;
	set->timeout_ms = fw_attrs_be64(attrs, NFTA_SET_TIMEOUT, 0);
	set->gc_interval_ms = fw_attrs_be32(attrs, NFTA_SET_GC_INTERVAL, 0);
	set->handle = fw_attrs_be64(attrs, NFTA_SET_HANDLE, 0);
	set->kind = kind_of(set);
	r = read_size(attrs, set);
	if (r < 0)
		return r;
	if (!find_key(attrs, &set->key) || is_foreign(attrs, flags))
		fw_foreign_mark_set(set);
	return 0;
}

int fw_read_set(const struct nlmsghdr *message, void *data)
{
	struct fw_read *read = data;
	char name[FW_NFT_NAME_MAX + 1];
	struct fw_attrs attrs;
	struct fw_rs_set *set;
	bool ours;
	int r;

	r = fw_read_attrs(message, &set_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	r = fw_read_new_name(&attrs, NFTA_SET_NAME, name);
	if (r < 0)
		return r;
	set = fw_ruleset_add_set(read->ruleset, name);
	if (!set)
		return fw_read_not_added(read);
	return read_head(&attrs, set);
}

int fw_read_set_head(const struct nlmsghdr *message, void *data)
{
	struct fw_read_set_head *head = data;
	struct fw_attrs attrs;
	bool ours;
	int r;

	r = fw_read_attrs(message, &set_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	head->counted = attrs.at[FW_NFTA_SET_COUNT];
	head->count = fw_attrs_be32(&attrs, FW_NFTA_SET_COUNT, 0);
	head->key_len = fw_attrs_be32(&attrs, NFTA_SET_KEY_LEN, 0);
	head->timeout_ms = fw_attrs_be64(&attrs, NFTA_SET_TIMEOUT, 0);
	return 0;
}
