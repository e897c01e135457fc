/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/batch.h - one transaction: messages between a BEGIN and an END in one buffer, each with a sequence number of its own
 * that leads back to the change that asked for it. */
#ifndef FW_KERNEL_BATCH_H
#define FW_KERNEL_BATCH_H

#include "kernel/nf.h"
#include "ruleset/diff.h"

/* The socket's send buffer is an int of bytes, and must be larger than the batch. */
#define FW_BATCH_MAX ((size_t)1024 * 1024 * 1024 - 64 * 1024)
/* A message is at most this long; so much room is there before one is begun, for the builders of libnftnl do not look. A rule of
 * FW_NFT_RULE_MAX_EXPRS expressions, each at most 460 bytes, and an element message that is ended at FW_BATCH_ELEMENTS fit. */
#define FW_BATCH_ROOM ((size_t)72 * 1024)
#define FW_BATCH_ELEMENTS ((size_t)60 * 1024)

struct fw_batch {
	char *data;
	size_t len, cap;
	uint32_t first_seq, next_seq;
	const struct fw_change *change; /* for which messages are added now; NULL: none */
	struct fw_vec owners;           /* const struct fw_change *, one for each message from first_seq on */
	struct nlmsghdr *open;          /* the message that is being built, inside data */
};

void fw_batch_init(struct fw_batch *batch, uint32_t first_seq);
void fw_batch_done(struct fw_batch *batch); /* for FW_CLEANUP too */

/* 0, -ENOMEM, or -E2BIG past FW_BATCH_MAX. generation 0: whatever it is. */
int fw_batch_begin(struct fw_batch *batch, uint32_t generation);
int fw_batch_end(struct fw_batch *batch); /* asks for an acknowledgement (given by 6.10 and later) */
/* Opens a message of nf_tables for batch->change: 0 with batch->open. Every open is closed before the next. */
int fw_batch_open(struct fw_batch *batch, uint16_t message, uint16_t flags);
void fw_batch_close(struct fw_batch *batch);

/* The change that asked for a message; NULL: BEGIN, END, or none of this batch. */
const struct fw_change *fw_batch_owner(const struct fw_batch *batch, uint32_t seq);

#endif
