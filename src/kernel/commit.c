/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/commit.c - sends changes as one transaction and finds out what became of it. The kernel works through the whole batch
 * inside of sendmsg, so all answers are there when it returns. Invariant: after an error nothing has changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/commit.h"
#include "kernel/internal.h"
#include "kernel/send.h"

/* What the kernel said about a batch. */
struct outcome {
	struct fw_nl_error first; /* of the lowest sequence number that failed; error 0: none */
	bool acknowledged;
	bool lost; /* not every answer could be queued or held */
};

/* BEGIN stands for what is found at the commit only: any message's own error comes before it. */
static bool is_earlier(const struct fw_batch *batch, const struct fw_nl_error *a, const struct fw_nl_error *b)
{
	uint32_t at_a = a->seq - batch->first_seq - 1, at_b = b->seq - batch->first_seq - 1; /* BEGIN wraps to the highest */

	return at_a < at_b;
}

static int take_answer(const struct fw_batch *batch, const struct nlmsghdr *message, struct outcome *outcome)
{
	struct fw_nl_error error;
	int r;

	if (message->nlmsg_type != NLMSG_ERROR || message->nlmsg_seq - batch->first_seq >= batch->next_seq - batch->first_seq)
		return 0; /* an answer to something older */
	r = fw_nl_read_error(message, &error);
	if (r < 0)
		return r;
	if (!error.error)
		outcome->acknowledged |= error.seq == batch->next_seq - 1;
	else if (!outcome->first.error || is_earlier(batch, &error, &outcome->first))
		outcome->first = error;
	return 0;
}

static int take_datagram(struct fw_nl *nl, const struct fw_batch *batch, struct outcome *outcome)
{
	const char *at = nl->buffer;
	const struct nlmsghdr *message;
	size_t left;
	int r;

	r = fw_nl_receive(nl, MSG_DONTWAIT, &left);
	if (r < 0)
		return r;
	while (!r && (message = fw_nl_next(&at, &left)))
		r = take_answer(batch, message, outcome);
	return r;
}

static int read_outcome(struct fw_nl *nl, const struct fw_batch *batch, struct outcome *outcome)
{
	for (;;) {
		int r = take_datagram(nl, batch, outcome);

		if (r == -ENOBUFS)
			outcome->lost = true;
		else if (r < 0)
			return r == -EAGAIN ? 0 : r;
	}
}

/* The whole batch must fit into the send buffer. */
static void make_send_buffer(const struct fw_nl *nl, size_t len)
{
	int fd = mnl_socket_get_fd(nl->socket), wanted = (int)len + 4096, given = 0;
	socklen_t size = sizeof(given);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &given, &size) == 0 && given > wanted)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted));
}

static int talk(struct fw_kernel *kernel, const struct fw_batch *batch, struct outcome *outcome)
{
	struct fw_nl *nl = &kernel->netfilter;

	make_send_buffer(nl, batch->len);
	nl->seq = batch->next_seq;
	if (mnl_socket_sendto(nl->socket, batch->data, batch->len) < 0)
		return -errno;
	return read_outcome(nl, batch, outcome);
}

static uint32_t after(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 1; /* the kernel leaves 0 out */
}

/* Without any error: did it happen? Kernels before 6.10 acknowledge nothing, but the generation moves with every commit that
 * changes something. Where answers were lost and none was an error, what was lost is the acknowledgement, for want of memory: errors
 * enough to overflow the socket would have left some of them in it. Then the old generation is given, so that whoever asks next reads
 * back. What was acknowledged has happened, whether or not the kernel tells its generation now. */
static int confirm(struct fw_kernel *kernel, const struct outcome *outcome, uint32_t before, uint32_t *ret_generation)
{
	uint32_t now;
	int r;

	r = fw_kernel_generation(kernel, &now);
	if (r < 0 && (outcome->lost || !outcome->acknowledged))
		return r;
	if (r < 0)
		now = after(before);
	if (now == before && outcome->lost)
		return -ENOBUFS;
	if (now == before && !outcome->acknowledged)
		return -EIO;
	*ret_generation = now == before || outcome->lost ? before : after(before);
	return 0;
}

int fw_commit_batch(struct fw_kernel *kernel, struct fw_batch *batch, uint32_t before, uint32_t *ret_generation, struct fw_nl_error *ret_error)
{
	struct outcome outcome = { .lost = false };
	int r;

	*ret_error = (struct fw_nl_error){ .error = 0 };
	r = fw_batch_end(batch);
	if (!r)
		r = talk(kernel, batch, &outcome);
	if (r < 0)
		return r;
	if (outcome.first.error) {
		*ret_error = outcome.first;
		return outcome.first.error;
	}
	return confirm(kernel, &outcome, before, ret_generation);
}

static int send_change(struct fw_batch *batch, const struct fw_change *change)
{
	switch (change->kind) {
	case FW_CHANGE_ADD_TABLE:
		return fw_send_table(batch, NFT_MSG_NEWTABLE);
	case FW_CHANGE_ADD_OBJECT:
		return fw_send_object(batch, change->object);
	case FW_CHANGE_ADD_SET:
		return fw_send_set(batch, change->set);
	case FW_CHANGE_ADD_CHAIN:
		return fw_send_chain(batch, change->chain);
	case FW_CHANGE_SET_POLICY:
		return fw_send_chain_policy(batch, change->chain);
	case FW_CHANGE_DEL_ELEMENTS:
		return fw_send_elements(batch, NFT_MSG_DELSETELEM, change->set, &change->elements);
	case FW_CHANGE_ADD_ELEMENTS:
		return fw_send_elements(batch, NFT_MSG_NEWSETELEM, change->set, &change->elements);
	case FW_CHANGE_DEL_RULE:
		return fw_send_rule_delete(batch, change->chain->name, change->rule->handle);
	case FW_CHANGE_ADD_RULE:
		return fw_send_rule(batch, change->chain->name, change->rule, change->before ? change->before->handle : 0);
	case FW_CHANGE_DEL_CHAIN:
		return fw_send_chain_delete(batch, change->chain->name);
	case FW_CHANGE_DEL_SET:
		return fw_send_set_delete(batch, change->set->name);
	case FW_CHANGE_DEL_OBJECT:
		return fw_send_object_delete(batch, change->object);
	case FW_CHANGE_DEL_TABLE:
		return fw_send_table(batch, NFT_MSG_DELTABLE);
	}
	return -EINVAL;
}

static int build(struct fw_kernel *kernel, struct fw_batch *batch, const struct fw_changes *changes, uint32_t generation)
{
	int r;

	r = fw_batch_begin(batch, generation);
	if (!r && kernel->dormant && changes->has_table)
		r = fw_send_table(batch, NFT_MSG_NEWTABLE);
	for (size_t i = 0; !r && i < changes->list.len; i++) {
		batch->change = fw_vec_at(&changes->list, i);
		r = send_change(batch, batch->change);
	}
	return r;
}

static void name_change(const struct fw_change *change, char *ret_name, size_t size)
{
	const char *what = "table", *name = FW_TABLE_NAME;

	if (change && change->set)
		what = change->kind == FW_CHANGE_ADD_SET || change->kind == FW_CHANGE_DEL_SET ? "set" : "elements of set", name = change->set->name;
	else if (change && change->rule && change->chain)
		what = "rule in chain", name = change->chain->name;
	else if (change && change->chain)
		what = "chain", name = change->chain->name;
	else if (change && change->object)
		what = "object", name = change->object->name;
	(void)snprintf(ret_name, size, "%s '%s'", what, name);
}

void fw_commit_describe(const struct fw_change *change, int error, const struct fw_nl_error *kernel_error, struct fw_kernel_error *ret_error)
{
	char name[60];

	*ret_error = (struct fw_kernel_error){ .error = error, .change = change, .attribute = kernel_error->attribute };
	if (change)
		ret_error->origin = change->origin;
	name_change(change, name, sizeof(name));
	(void)snprintf(ret_error->what, sizeof(ret_error->what), "%s: %s", name, *kernel_error->text ? kernel_error->text : strerror(-error));
}

int fw_kernel_commit(struct fw_kernel *kernel, const struct fw_changes *changes, uint32_t generation, uint32_t *ret_generation,
		     struct fw_kernel_error *ret_error)
{
	struct fw_batch batch FW_CLEANUP(fw_batch_done);
	struct fw_nl_error error = { .error = 0 };
	int r;

	*ret_generation = generation;
	fw_batch_init(&batch, kernel->netfilter.seq);
	if (!changes->list.len)
		return 0;
	r = build(kernel, &batch, changes, generation);
	if (r < 0) {
		fw_commit_describe(batch.change, r, &error, ret_error);
		return r;
	}
	batch.change = NULL;
	r = fw_commit_batch(kernel, &batch, generation, ret_generation, &error);
	if (r < 0)
		fw_commit_describe(error.error ? fw_batch_owner(&batch, error.seq) : NULL, r, &error, ret_error);
	else
		kernel->dormant = false;
	return r;
}
