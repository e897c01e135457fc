/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send_elements.c - elements of sets, streamed into messages with nothing allocated for one of them. Invariants: both ends
 * of a range are in one message, start first; a message is ended before its list of elements passes FW_BATCH_ELEMENTS (an
 * attribute's length has 16 bits). A range that ends at the highest key has no end element, and being the last of its set it is
 * the last of its message, which newer kernels want of an open range. */
#include "kernel/send.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* The message that is being filled. */
struct stream {
	struct fw_batch *batch;
	uint16_t message, flags;
	const char *set;
	struct nlattr *list; /* NULL: no message is open */
};

static int stream_open(struct stream *stream)
{
	struct nlmsghdr *open;
	int r;

	if (stream->list)
		return 0;
	r = fw_batch_open(stream->batch, stream->message, stream->flags);
	if (r < 0)
		return r;
	open = stream->batch->open;
	mnl_attr_put_strz(open, NFTA_SET_ELEM_LIST_TABLE, FW_TABLE_NAME);
	mnl_attr_put_strz(open, NFTA_SET_ELEM_LIST_SET, stream->set);
	stream->list = mnl_attr_nest_start(open, NFTA_SET_ELEM_LIST_ELEMENTS);
	return 0;
}

static void stream_close(struct stream *stream)
{
	if (!stream->list)
		return;
	mnl_attr_nest_end(stream->batch->open, stream->list);
	fw_batch_close(stream->batch);
	stream->list = NULL;
}

static void put_key(struct nlmsghdr *open, const uint8_t *key, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(open, NFTA_SET_ELEM_KEY);

	mnl_attr_put(open, NFTA_DATA_VALUE, len, key);
	mnl_attr_nest_end(open, nest);
}

static void put_verdict(struct nlmsghdr *open, const struct fw_rs_verdict *verdict)
{
	struct nlattr *data = mnl_attr_nest_start(open, NFTA_SET_ELEM_DATA);
	struct nlattr *nest = mnl_attr_nest_start(open, NFTA_DATA_VERDICT);

	mnl_attr_put_u32(open, NFTA_VERDICT_CODE, htobe32((uint32_t)verdict->code));
	if (verdict->chain)
		mnl_attr_put_strz(open, NFTA_VERDICT_CHAIN, verdict->chain);
	mnl_attr_nest_end(open, nest);
	mnl_attr_nest_end(open, data);
}

/* What an element leads to; both NULL in a plain set. */
struct datum {
	const struct fw_rs_verdict *verdict;
	const char *object;
};

static void put_start(struct nlmsghdr *open, const uint8_t *key, size_t len, struct datum datum)
{
	struct nlattr *element = mnl_attr_nest_start(open, NFTA_LIST_ELEM);

	put_key(open, key, len);
	if (datum.verdict)
		put_verdict(open, datum.verdict);
	if (datum.object)
		mnl_attr_put_strz(open, NFTA_SET_ELEM_OBJREF, datum.object);
	mnl_attr_nest_end(open, element);
}

bool fw_send_next_key(const uint8_t *key, size_t len, uint8_t *ret_next)
{
	memcpy(ret_next, key, len);
	while (len-- > 0)
		if (++ret_next[len])
			return true;
	return false;
}

static void put_end(struct nlmsghdr *open, const uint8_t *high, size_t len)
{
	uint8_t next[FW_RS_DATA_MAX];
	struct nlattr *element;

	if (!fw_send_next_key(high, len, next))
		return;
	element = mnl_attr_nest_start(open, NFTA_LIST_ELEM);
	mnl_attr_put_u32(open, NFTA_SET_ELEM_FLAGS, htobe32(NFT_SET_ELEM_INTERVAL_END));
	put_key(open, next, len);
	mnl_attr_nest_end(open, element);
}

static int put_element(struct stream *stream, const struct fw_rs_set *set, const uint8_t *key, struct datum datum)
{
	size_t len = fw_rs_key_len(set->key);
	int r;

	if ((datum.verdict && datum.verdict->chain && !fw_send_name_ok(datum.verdict->chain)) || (datum.object && !fw_send_name_ok(datum.object)))
		return -EINVAL;
	r = stream_open(stream);
	if (r < 0)
		return r;
	put_start(stream->batch->open, key, len, datum);
	if (set->interval)
		put_end(stream->batch->open, key + len, len);
	if (stream->batch->open->nlmsg_len > FW_BATCH_ELEMENTS)
		stream_close(stream);
	return 0;
}

int fw_send_elements(struct fw_batch *batch, uint16_t message, const struct fw_rs_set *set, const struct fw_rs_elements *elements)
{
	struct stream stream = { .batch = batch, .message = message, .set = set->name };
	size_t stride = (size_t)fw_rs_key_len(set->key) * (set->interval ? 2 : 1);
	const bool with_data = message == NFT_MSG_NEWSETELEM;

	if (!fw_send_name_ok(set->name) || stride > 2 * FW_RS_DATA_MAX)
		return -EINVAL;
	if (with_data)
		stream.flags = NLM_F_CREATE;
	for (size_t i = 0; i < elements->len; i++) {
		struct datum datum = { NULL, NULL };
		int r;

		if (with_data && elements->verdicts)
			datum.verdict = &elements->verdicts[i];
		if (with_data && elements->objects)
			datum.object = elements->objects[i];
		r = put_element(&stream, set, elements->keys + i * stride, datum);

		if (r < 0)
			return r;
	}
	stream_close(&stream);
	return 0;
}

int fw_send_member(struct fw_batch *batch, uint16_t message, uint16_t flags, const struct fw_send_member *member)
{
	struct stream stream = { .batch = batch, .message = message, .flags = flags, .set = member->set };
	struct nlattr *element;
	int r;

	if (!fw_send_name_ok(member->set))
		return -EINVAL;
	r = stream_open(&stream);
	if (r < 0)
		return r;
	element = mnl_attr_nest_start(batch->open, NFTA_LIST_ELEM);
	put_key(batch->open, member->key, member->key_len);
	if (message == NFT_MSG_NEWSETELEM) /* 0 too: without it, the set's own timeout would hold */
		mnl_attr_put_u64(batch->open, NFTA_SET_ELEM_TIMEOUT, htobe64(member->timeout_ms));
	if (member->expires_ms && member->expires_ms < member->timeout_ms)
		mnl_attr_put_u64(batch->open, NFTA_SET_ELEM_EXPIRATION, htobe64(member->expires_ms));
	mnl_attr_nest_end(batch->open, element);
	stream_close(&stream);
	return 0;
}
