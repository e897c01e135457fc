/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_object.c - named objects of our table. Limits and counters have the attributes of the expressions of that name. */
#include <errno.h>

#include "kernel/foreign.h"
#include "kernel/kernel.h"
#include "kernel/read.h"
#include "kernel/udata.h"

static const struct fw_attr_policy object_policy[] = {
	{ NFTA_OBJ_TABLE, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_OBJ_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_OBJ_TYPE, FW_ATTR_U32, 0 },
	{ NFTA_OBJ_DATA, FW_ATTR_NESTED, 0 },
	{ NFTA_OBJ_HANDLE, FW_ATTR_U64, 0 },
	{ NFTA_OBJ_USERDATA, FW_ATTR_BINARY, NFT_USERDATA_MAXLEN },
};
static const struct fw_read_sort object_sort = { NFT_MSG_NEWOBJ, NFTA_OBJ_TABLE, object_policy, FW_ARRAY_SIZE(object_policy) };

static const struct fw_attr_policy helper_policy[] = {
	{ NFTA_CT_HELPER_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_CT_HELPER_L3PROTO, FW_ATTR_U16, 0 },
	{ NFTA_CT_HELPER_L4PROTO, FW_ATTR_U8, 0 },
};

static int read_helper(struct fw_ruleset *ruleset, const struct nlattr *data, struct fw_rs_object *object)
{
	struct fw_attrs attrs;
	int r;

	r = fw_attrs_parse_nested(data, helper_policy, FW_ARRAY_SIZE(helper_policy), &attrs);
	if (r < 0)
		return r;
	object->kind = FW_RS_OBJECT_CT_HELPER;
	object->ct_helper.helper = fw_arena_copy(ruleset->arena, fw_attrs_string(&attrs, NFTA_CT_HELPER_NAME));
	object->ct_helper.l3proto = fw_attrs_be16(&attrs, NFTA_CT_HELPER_L3PROTO, 0) & 0xff;
	object->ct_helper.l4proto = fw_attrs_u8(&attrs, NFTA_CT_HELPER_L4PROTO, 0);
	return object->ct_helper.helper ? 0 : -ENOMEM;
}

static int read_contents(struct fw_ruleset *ruleset, uint32_t type, const struct nlattr *data, struct fw_rs_object *object)
{
	struct fw_rs_expr expr;
	bool known = true;
	int r;

	if (type == NFT_OBJECT_CT_HELPER)
		return read_helper(ruleset, data, object);
	if (type != NFT_OBJECT_LIMIT && type != NFT_OBJECT_COUNTER) {
		fw_foreign_mark_object(object, type);
		return 0;
	}
	r = fw_read_expr_fields(ruleset, type == NFT_OBJECT_LIMIT ? FW_RS_LIMIT : FW_RS_COUNTER, data, &expr, &known);
	if (r < 0)
		return r;
	object->kind = type == NFT_OBJECT_LIMIT ? FW_RS_OBJECT_LIMIT : FW_RS_OBJECT_COUNTER;
	if (!known) {
		fw_foreign_mark_object(object, type);
	} else if (type == NFT_OBJECT_LIMIT) {
		object->limit = expr.limit;
	} else {
		object->counter.packets = expr.counter.packets;
		object->counter.bytes = expr.counter.bytes;
	}
	return 0;
}

int fw_read_object(const struct nlmsghdr *message, void *data)
{
	struct fw_read *read = data;
	char name[FW_NFT_NAME_MAX + 1];
	struct fw_rs_object *object;
	struct fw_udata udata;
	struct fw_attrs attrs;
	bool ours;
	int r;

	r = fw_read_attrs(message, &object_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	r = fw_read_new_name(&attrs, NFTA_OBJ_NAME, name);
	if (r < 0 || !attrs.at[NFTA_OBJ_TYPE] || !attrs.at[NFTA_OBJ_DATA])
		return -EBADMSG;
	object = fw_ruleset_add_object(read->ruleset, name);
	if (!object)
		return fw_read_not_added(read);
	object->handle = fw_attrs_be64(&attrs, NFTA_OBJ_HANDLE, 0);
	udata = fw_udata_decode(fw_attrs_bytes(&attrs, NFTA_OBJ_USERDATA));
	object->tag = udata.tag;
	if (udata.comment.data)
		object->comment = fw_arena_copy(read->ruleset->arena, udata.comment);
	if (udata.comment.data && !object->comment)
		return -ENOMEM;
	return read_contents(read->ruleset, fw_attrs_be32(&attrs, NFTA_OBJ_TYPE, 0), attrs.at[NFTA_OBJ_DATA], object);
}

static const struct fw_attr_policy counter_policy[] = {
	{ NFTA_COUNTER_BYTES, FW_ATTR_U64, 0 },
	{ NFTA_COUNTER_PACKETS, FW_ATTR_U64, 0 },
	{ NFTA_COUNTER_PAD, FW_ATTR_BINARY, 0 },
};

int fw_read_count(const struct nlmsghdr *message, void *counts)
{
	struct fw_attrs attrs, values;
	struct fw_udata udata;
	struct fw_count *count;
	bool ours;
	int r;

	r = fw_read_attrs(message, &object_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	if (!attrs.at[NFTA_OBJ_TYPE] || !attrs.at[NFTA_OBJ_DATA])
		return -EBADMSG;
	udata = fw_udata_decode(fw_attrs_bytes(&attrs, NFTA_OBJ_USERDATA));
	if (fw_attrs_be32(&attrs, NFTA_OBJ_TYPE, 0) != NFT_OBJECT_COUNTER || udata.tag.owner == FW_RS_NOBODY)
		return 0;
	r = fw_attrs_parse_nested(attrs.at[NFTA_OBJ_DATA], counter_policy, FW_ARRAY_SIZE(counter_policy), &values);
	if (r < 0)
		return r;
	count = fw_vec_push(counts);
	if (!count)
		return -ENOMEM;
	*count = (struct fw_count){ udata.tag, fw_attrs_be64(&values, NFTA_COUNTER_PACKETS, 0), fw_attrs_be64(&values, NFTA_COUNTER_BYTES, 0),
				    fw_attrs_be64(&attrs, NFTA_OBJ_HANDLE, 0) };
	return 0;
}
