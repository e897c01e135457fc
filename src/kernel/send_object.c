/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send_object.c - the table, chains and named objects as messages. */
#include "kernel/send.h"

#include <endian.h>
#include <errno.h>

#include <libnftnl/chain.h>
#include <libnftnl/table.h>

#include "kernel/foreign.h"
#include "kernel/udata.h"

static void free_table(struct nftnl_table **table)
{
	if (*table)
		nftnl_table_free(*table);
}

static void free_chain(struct nftnl_chain **chain)
{
	if (*chain)
		nftnl_chain_free(*chain);
}

int fw_send_table(struct fw_batch *batch, uint16_t message)
{
	struct nftnl_table *to FW_CLEANUP(free_table) = nftnl_table_alloc();
	int r;

	if (!to)
		return -ENOMEM;
	nftnl_table_set_str(to, NFTNL_TABLE_NAME, FW_TABLE_NAME);
	if (message == NFT_MSG_NEWTABLE)
		nftnl_table_set_u32(to, NFTNL_TABLE_FLAGS, 0);
	r = fw_batch_open(batch, message, message == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	if (r < 0)
		return r;
	nftnl_table_nlmsg_build_payload(batch->open, to);
	fw_batch_close(batch);
	return 0;
}

static int named_chain(const char *name, struct nftnl_chain **ret_chain)
{
	struct nftnl_chain *chain;

	if (!fw_send_name_ok(name))
		return -EINVAL;
	chain = nftnl_chain_alloc();
	if (!chain)
		return -ENOMEM;
	*ret_chain = chain;
	if (nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, FW_TABLE_NAME) || nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name))
		return -ENOMEM;
	return 0;
}

static int put_chain(struct fw_batch *batch, uint16_t message, uint16_t flags, const struct nftnl_chain *chain)
{
	int r = fw_batch_open(batch, message, flags);

	if (r < 0)
		return r;
	nftnl_chain_nlmsg_build_payload(batch->open, chain);
	fw_batch_close(batch);
	return 0;
}

static uint32_t policy_of(const struct fw_rs_chain *chain)
{
	return chain->policy_drop ? NF_DROP : NF_ACCEPT;
}

int fw_send_chain(struct fw_batch *batch, const struct fw_rs_chain *chain)
{
	struct nftnl_chain *to FW_CLEANUP(free_chain) = NULL;
	int r = named_chain(chain->name, &to);

	if (r < 0)
		return r;
	if (chain->base) {
		if (nftnl_chain_set_str(to, NFTNL_CHAIN_TYPE, "filter"))
			return -ENOMEM;
		nftnl_chain_set_u32(to, NFTNL_CHAIN_HOOKNUM, chain->hook);
		nftnl_chain_set_s32(to, NFTNL_CHAIN_PRIO, chain->priority);
		nftnl_chain_set_u32(to, NFTNL_CHAIN_POLICY, policy_of(chain));
	}
	return put_chain(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, to);
}

int fw_send_chain_policy(struct fw_batch *batch, const struct fw_rs_chain *chain)
{
	struct nftnl_chain *to FW_CLEANUP(free_chain) = NULL;
	int r = named_chain(chain->name, &to);

	if (r < 0)
		return r;
	nftnl_chain_set_u32(to, NFTNL_CHAIN_POLICY, policy_of(chain));
	return put_chain(batch, NFT_MSG_NEWCHAIN, 0, to);
}

int fw_send_chain_delete(struct fw_batch *batch, const char *name)
{
	struct nftnl_chain *to FW_CLEANUP(free_chain) = NULL;
	int r = named_chain(name, &to);

	if (r < 0)
		return r;
	return put_chain(batch, NFT_MSG_DELCHAIN, 0, to);
}

static uint32_t object_type(const struct fw_rs_object *object)
{
	switch (object->kind) {
	case FW_RS_OBJECT_LIMIT:
		return NFT_OBJECT_LIMIT;
	case FW_RS_OBJECT_COUNTER:
		return NFT_OBJECT_COUNTER;
	case FW_RS_OBJECT_CT_HELPER:
		return fw_foreign_object_type(object) ? fw_foreign_object_type(object) : NFT_OBJECT_CT_HELPER;
	}
	return NFT_OBJECT_UNSPEC;
}

/* Objects are many, and built without libnftnl: nothing is allocated for one of them. Once a message is open nothing can fail. */
static int open_object(struct fw_batch *batch, uint16_t message, uint16_t flags, const struct fw_rs_object *object)
{
	int r;

	if (!fw_send_name_ok(object->name))
		return -EINVAL;
	r = fw_batch_open(batch, message, flags);
	if (r < 0)
		return r;
	mnl_attr_put_strz(batch->open, NFTA_OBJ_TABLE, FW_TABLE_NAME);
	mnl_attr_put_strz(batch->open, NFTA_OBJ_NAME, object->name);
	mnl_attr_put_u32(batch->open, NFTA_OBJ_TYPE, htobe32(object_type(object)));
	return 0;
}

static void put_limit(struct nlmsghdr *open, const struct fw_rs_limit *limit)
{
	mnl_attr_put_u64(open, NFTA_LIMIT_RATE, htobe64(limit->rate));
	mnl_attr_put_u64(open, NFTA_LIMIT_UNIT, htobe64(limit->unit_s));
	mnl_attr_put_u32(open, NFTA_LIMIT_BURST, htobe32(limit->burst));
	mnl_attr_put_u32(open, NFTA_LIMIT_TYPE, htobe32(NFT_LIMIT_PKTS));
	mnl_attr_put_u32(open, NFTA_LIMIT_FLAGS, htobe32(limit->over ? NFT_LIMIT_F_INV : 0));
}

static void put_contents(struct nlmsghdr *open, const struct fw_rs_object *object)
{
	struct nlattr *data = mnl_attr_nest_start(open, NFTA_OBJ_DATA);

	switch (object->kind) {
	case FW_RS_OBJECT_LIMIT:
		put_limit(open, &object->limit);
		break;
	case FW_RS_OBJECT_COUNTER:
		mnl_attr_put_u64(open, NFTA_COUNTER_BYTES, htobe64(object->counter.bytes));
		mnl_attr_put_u64(open, NFTA_COUNTER_PACKETS, htobe64(object->counter.packets));
		break;
	case FW_RS_OBJECT_CT_HELPER:
		mnl_attr_put_strz(open, NFTA_CT_HELPER_NAME, object->ct_helper.helper);
		mnl_attr_put_u16(open, NFTA_CT_HELPER_L3PROTO, htobe16(object->ct_helper.l3proto));
		mnl_attr_put_u8(open, NFTA_CT_HELPER_L4PROTO, object->ct_helper.l4proto);
		break;
	}
	mnl_attr_nest_end(open, data);
}

static bool can_be_sent(const struct fw_rs_object *object)
{
	return object->kind != FW_RS_OBJECT_CT_HELPER || (fw_send_name_ok(object->ct_helper.helper) && !fw_foreign_object_type(object));
}

int fw_send_object(struct fw_batch *batch, const struct fw_rs_object *object)
{
	struct fw_udata udata = { .tag = object->tag, .blob = FW_STR("") };
	uint8_t bytes[FW_UDATA_MAX];
	size_t len;
	int r;

	if (!can_be_sent(object))
		return -EINVAL;
	if (object->comment)
		udata.comment = fw_str_from(object->comment);
	r = fw_udata_encode(&udata, bytes, &len);
	if (!r)
		r = open_object(batch, NFT_MSG_NEWOBJ, NLM_F_CREATE, object);
	if (r < 0)
		return r;
	put_contents(batch->open, object);
	if (len)
		mnl_attr_put(batch->open, NFTA_OBJ_USERDATA, len, bytes);
	fw_batch_close(batch);
	return 0;
}

int fw_send_object_delete(struct fw_batch *batch, const struct fw_rs_object *object)
{
	int r = open_object(batch, NFT_MSG_DELOBJ, 0, object);

	if (r < 0)
		return r;
	fw_batch_close(batch);
	return 0;
}
