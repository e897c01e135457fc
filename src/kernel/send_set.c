/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send_set.c - sets and maps as messages (their heads; elements are in send_elements.c). */
#include "kernel/send.h"

#include <errno.h>

#include <libnftnl/set.h>
#include <libnftnl/udata.h>

static void free_set(struct nftnl_set **set)
{
	if (*set)
		nftnl_set_free(*set);
}

static void free_udata(struct nftnl_udata_buf **udata)
{
	if (*udata)
		nftnl_udata_buf_free(*udata);
}

/* enum byteorder of libnftables, which `nft list` reads in the set's user data. */
enum { NFT_BYTEORDER_INVALID = 0, NFT_BYTEORDER_HOST = 1, NFT_BYTEORDER_BIG = 2 };

static uint32_t byteorder(enum fw_rs_key key)
{
	switch (key) {
	case FW_RS_KEY_IPV4:
	case FW_RS_KEY_IPV6:
	case FW_RS_KEY_SERVICE:
	case FW_RS_KEY_PROTO:
	case FW_RS_KEY_ICMP_TYPE:
	case FW_RS_KEY_ICMPV6_TYPE:
		return NFT_BYTEORDER_BIG;
	case FW_RS_KEY_WHAT:
	case FW_RS_KEY_WHAT_IPV4:
	case FW_RS_KEY_WHAT_IPV6:
		return NFT_BYTEORDER_INVALID; /* each part has its own */
	case FW_RS_KEY_IFNAME:
	case FW_RS_KEY_UID:
	case FW_RS_KEY_GID:
	case FW_RS_KEY_TIME:
	case FW_RS_KEY_MARK:
		return NFT_BYTEORDER_HOST;
	}
	return NFT_BYTEORDER_BIG;
}

static uint32_t set_flags(const struct fw_rs_set *set)
{
	static const uint32_t data[] = { [FW_RS_NO_DATA] = 0, [FW_RS_VERDICTS] = NFT_SET_MAP, [FW_RS_COUNTERS] = NFT_SET_OBJECT };

	/* NFT_SET_CONCAT (and with it a description of the parts) is for ranges in concatenations; a hash takes the key as a whole, and nft
	 * sends neither then. */
	return (set->interval ? NFT_SET_INTERVAL : 0U) | data[set->data] | (set->has_timeout ? NFT_SET_TIMEOUT : 0U) |
	       (set->dynamic ? NFT_SET_EVAL : 0U);
}

static int add_udata(const struct fw_rs_set *set, struct nftnl_set *to)
{
	struct nftnl_udata_buf *udata FW_CLEANUP(free_udata) = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!udata)
		return -ENOMEM;
	if (!nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_KEYBYTEORDER, byteorder(set->key)))
		return -E2BIG;
	return nftnl_set_set_data(to, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata), nftnl_udata_buf_len(udata)) ? -ENOMEM : 0;
}

static int named_set(const char *name, struct nftnl_set **ret_set)
{
	struct nftnl_set *to;

	if (!fw_send_name_ok(name))
		return -EINVAL;
	to = nftnl_set_alloc();
	if (!to)
		return -ENOMEM;
	*ret_set = to;
	if (nftnl_set_set_str(to, NFTNL_SET_TABLE, FW_TABLE_NAME) || nftnl_set_set_str(to, NFTNL_SET_NAME, name))
		return -ENOMEM;
	return 0;
}

static void set_head(const struct fw_rs_set *set, struct nftnl_set *to)
{
	nftnl_set_set_u32(to, NFTNL_SET_FLAGS, set_flags(set));
	nftnl_set_set_u32(to, NFTNL_SET_KEY_TYPE, fw_rs_key_nft_type(set->key));
	nftnl_set_set_u32(to, NFTNL_SET_KEY_LEN, fw_rs_key_len(set->key));
	if (set->data == FW_RS_COUNTERS)
		nftnl_set_set_u32(to, NFTNL_SET_OBJ_TYPE, NFT_OBJECT_COUNTER);
	if (set->data == FW_RS_VERDICTS) {
		nftnl_set_set_u32(to, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
		nftnl_set_set_u32(to, NFTNL_SET_DATA_LEN, 0);
	}
	if (set->size)
		nftnl_set_set_u32(to, NFTNL_SET_DESC_SIZE, set->size);
	if (set->timeout_ms)
		nftnl_set_set_u64(to, NFTNL_SET_TIMEOUT, set->timeout_ms);
	if (set->gc_interval_ms)
		nftnl_set_set_u32(to, NFTNL_SET_GC_INTERVAL, set->gc_interval_ms);
}

static int put_message(struct fw_batch *batch, uint16_t message, uint16_t flags, struct nftnl_set *set)
{
	int r = fw_batch_open(batch, message, flags);

	if (r < 0)
		return r;
	if (message == NFT_MSG_NEWSET) /* an id within the transaction, which the kernel insists on */
		nftnl_set_set_u32(set, NFTNL_SET_ID, batch->open->nlmsg_seq);
	nftnl_set_nlmsg_build_payload(batch->open, set);
	fw_batch_close(batch);
	return 0;
}

int fw_send_set(struct fw_batch *batch, const struct fw_rs_set *set)
{
	struct nftnl_set *to FW_CLEANUP(free_set) = NULL;
	int r;

	r = named_set(set->name, &to);
	if (r < 0)
		return r;
	set_head(set, to);
	r = add_udata(set, to);
	if (r < 0)
		return r;
	return put_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE, to);
}

int fw_send_set_delete(struct fw_batch *batch, const char *name)
{
	struct nftnl_set *to FW_CLEANUP(free_set) = NULL;
	int r = named_set(name, &to);

	if (r < 0)
		return r;
	return put_message(batch, NFT_MSG_DELSET, 0, to);
}
