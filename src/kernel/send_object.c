/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send_object.c - the table, chains and named objects as messages. */
#include "kernel/send.h"

#include <errno.h>

#include <libnftnl/chain.h>
#include <libnftnl/object.h>
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

static void free_object(struct nftnl_obj **object)
{
	if (*object)
		nftnl_obj_free(*object);
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

static int named_object(const struct fw_rs_object *object, struct nftnl_obj **ret_object)
{
	struct nftnl_obj *to;

	if (!fw_send_name_ok(object->name))
		return -EINVAL;
	to = nftnl_obj_alloc();
	if (!to)
		return -ENOMEM;
	*ret_object = to;
	nftnl_obj_set_str(to, NFTNL_OBJ_TABLE, FW_TABLE_NAME);
	nftnl_obj_set_str(to, NFTNL_OBJ_NAME, object->name);
	nftnl_obj_set_u32(to, NFTNL_OBJ_TYPE, object_type(object));
	/* setting copies, does not tell where there is no memory, and building reads what is not there (libnftnl 1.2.4) */
	return nftnl_obj_get_str(to, NFTNL_OBJ_TABLE) && nftnl_obj_get_str(to, NFTNL_OBJ_NAME) ? 0 : -ENOMEM;
}

static int put_object(struct fw_batch *batch, uint16_t message, uint16_t flags, const struct nftnl_obj *object)
{
	int r = fw_batch_open(batch, message, flags);

	if (r < 0)
		return r;
	nftnl_obj_nlmsg_build_payload(batch->open, object);
	fw_batch_close(batch);
	return 0;
}

static void set_limit(const struct fw_rs_limit *limit, struct nftnl_obj *to)
{
	nftnl_obj_set_u64(to, NFTNL_OBJ_LIMIT_RATE, limit->rate);
	nftnl_obj_set_u64(to, NFTNL_OBJ_LIMIT_UNIT, limit->unit_s);
	nftnl_obj_set_u32(to, NFTNL_OBJ_LIMIT_BURST, limit->burst);
	nftnl_obj_set_u32(to, NFTNL_OBJ_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_obj_set_u32(to, NFTNL_OBJ_LIMIT_FLAGS, limit->over ? NFT_LIMIT_F_INV : 0);
}

static int set_contents(const struct fw_rs_object *object, struct nftnl_obj *to)
{
	switch (object->kind) {
	case FW_RS_OBJECT_LIMIT:
		set_limit(&object->limit, to);
		return 0;
	case FW_RS_OBJECT_COUNTER:
		nftnl_obj_set_u64(to, NFTNL_OBJ_CTR_PKTS, object->counter.packets);
		nftnl_obj_set_u64(to, NFTNL_OBJ_CTR_BYTES, object->counter.bytes);
		return 0;
	case FW_RS_OBJECT_CT_HELPER:
		if (!fw_send_name_ok(object->ct_helper.helper) || fw_foreign_object_type(object))
			return -EINVAL;
		nftnl_obj_set_str(to, NFTNL_OBJ_CT_HELPER_NAME, object->ct_helper.helper);
		nftnl_obj_set_u16(to, NFTNL_OBJ_CT_HELPER_L3PROTO, object->ct_helper.l3proto);
		nftnl_obj_set_u8(to, NFTNL_OBJ_CT_HELPER_L4PROTO, object->ct_helper.l4proto);
		return 0;
	}
	return -EINVAL;
}

int fw_send_object(struct fw_batch *batch, const struct fw_rs_object *object)
{
	struct nftnl_obj *to FW_CLEANUP(free_object) = NULL;
	struct fw_udata udata = { .tag = object->tag, .blob = FW_STR("") };
	uint8_t bytes[FW_UDATA_MAX];
	size_t len;
	int r;

	if (object->comment)
		udata.comment = fw_str_from(object->comment);
	r = named_object(object, &to);
	if (!r)
		r = set_contents(object, to);
	if (!r)
		r = fw_udata_encode(&udata, bytes, &len);
	if (r < 0)
		return r;
	if (len)
		nftnl_obj_set_data(to, NFTNL_OBJ_USERDATA, bytes, (uint32_t)len);
	return put_object(batch, NFT_MSG_NEWOBJ, NLM_F_CREATE, to);
}

int fw_send_object_delete(struct fw_batch *batch, const struct fw_rs_object *object)
{
	struct nftnl_obj *to FW_CLEANUP(free_object) = NULL;
	int r = named_object(object, &to);

	if (r < 0)
		return r;
	return put_object(batch, NFT_MSG_DELOBJ, 0, to);
}
