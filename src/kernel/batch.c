/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/batch.c - builds one transaction. Owns the buffer and the list of owners. Invariants: len is a multiple of 4; while a
 * message is open, FW_BATCH_ROOM bytes from its start are there; owners has one entry for each sequence number given out. */
#include "kernel/batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <libnftnl/common.h>

void fw_batch_init(struct fw_batch *batch, uint32_t first_seq)
{
	*batch = (struct fw_batch){ .first_seq = first_seq, .next_seq = first_seq };
	fw_vec_init(&batch->owners, NULL, sizeof(const struct fw_change *));
}

void fw_batch_done(struct fw_batch *batch)
{
	free(batch->data);
	fw_vec_done(&batch->owners);
	batch->data = NULL;
}

static int make_room(struct fw_batch *batch)
{
	size_t needed = batch->len + FW_BATCH_ROOM, cap = batch->cap ? batch->cap : FW_BATCH_ROOM;
	char *data;

	if (needed <= batch->cap)
		return 0;
	if (needed > FW_BATCH_MAX)
		return -E2BIG;
	while (cap < needed)
		cap *= 2;
	if (cap > FW_BATCH_MAX)
		cap = FW_BATCH_MAX;
	data = realloc(batch->data, cap);
	if (!data)
		return -ENOMEM;
	batch->data = data;
	batch->cap = cap;
	return 0;
}

static int take_seq(struct fw_batch *batch, const struct fw_change *change, uint32_t *ret_seq)
{
	const struct fw_change **owner;
	int r;

	r = make_room(batch);
	if (r < 0)
		return r;
	owner = fw_vec_push(&batch->owners);
	if (!owner)
		return -ENOMEM;
	*owner = change;
	*ret_seq = batch->next_seq++;
	return 0;
}

int fw_batch_begin(struct fw_batch *batch, uint32_t generation)
{
	uint32_t seq;
	int r;

	r = take_seq(batch, NULL, &seq);
	if (r < 0)
		return r;
	batch->open = nftnl_batch_begin(batch->data + batch->len, seq);
	if (generation)
		mnl_attr_put_u32(batch->open, NFNL_BATCH_GENID, htonl(generation));
	fw_batch_close(batch);
	return 0;
}

int fw_batch_end(struct fw_batch *batch)
{
	uint32_t seq;
	int r;

	r = take_seq(batch, NULL, &seq);
	if (r < 0)
		return r;
	batch->open = nftnl_batch_end(batch->data + batch->len, seq);
	batch->open->nlmsg_flags |= NLM_F_ACK;
	fw_batch_close(batch);
	return 0;
}

int fw_batch_open(struct fw_batch *batch, uint16_t message, uint16_t flags)
{
	uint32_t seq;
	int r;

	r = take_seq(batch, batch->change, &seq);
	if (r < 0)
		return r;
	batch->open = nftnl_nlmsg_build_hdr(batch->data + batch->len, message, NFPROTO_INET, flags, seq);
	return 0;
}

void fw_batch_close(struct fw_batch *batch)
{
	batch->len += ((size_t)batch->open->nlmsg_len + 3) & ~(size_t)3;
	batch->open = NULL;
}

const struct fw_change *fw_batch_owner(const struct fw_batch *batch, uint32_t seq)
{
	uint32_t index = seq - batch->first_seq;

	if (index >= batch->owners.len)
		return NULL;
	return *(const struct fw_change **)fw_vec_at(&batch->owners, index);
}
