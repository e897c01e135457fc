/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/netlink.c - sockets, requests and their answers. Owns the socket and its buffer. Invariant: when a talk ends, nothing of
 * its answer is left in the socket. Takes messages from the kernel only (port 0). Knows no subsystem. */
#include "kernel/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kernel/attr.h"

/* Errors of a batch are queued all at once: room for many. */
#define RECEIVE_BUFFER (8 * 1024 * 1024)

static void set_option(const struct fw_nl *nl, int level, int option, int value)
{
	/* Wishes, all of them: without one, less is told or buffered. */
	(void)setsockopt(mnl_socket_get_fd(nl->socket), level, option, &value, sizeof(value));
}

static void tune(const struct fw_nl *nl)
{
	struct timeval patience = { .tv_sec = 60 }; /* the kernel answers in the call; never hang for good */

	set_option(nl, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	set_option(nl, SOL_NETLINK, NETLINK_CAP_ACK, 1);
	set_option(nl, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	set_option(nl, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER);
	(void)setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

int fw_nl_open(struct fw_nl *nl, int protocol)
{
	int error;

	*nl = (struct fw_nl){ .seq = 1 };
	nl->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!nl->socket)
		return -errno;
	nl->buffer = malloc(FW_NL_BUFFER);
	if (!nl->buffer || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error = nl->buffer ? -errno : -ENOMEM;
		fw_nl_close(nl);
		return error;
	}
	nl->port = mnl_socket_get_portid(nl->socket);
	tune(nl);
	return 0;
}

void fw_nl_close(struct fw_nl *nl)
{
	if (nl->socket)
		(void)mnl_socket_close(nl->socket);
	free(nl->buffer);
	*nl = (struct fw_nl){ .socket = NULL };
}

uint32_t fw_nl_next_seq(struct fw_nl *nl)
{
	return nl->seq++;
}

struct nlmsghdr *fw_nl_message(struct fw_nl *nl, char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = fw_nl_next_seq(nl);
	return message;
}

struct nlmsghdr *fw_nl_nf_message(struct fw_nl *nl, char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = fw_nl_message(nl, buffer, type, flags);
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(message, sizeof(*nf));

	*nf = (struct nfgenmsg){ .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	return message;
}

int fw_nl_receive(struct fw_nl *nl, int flags, size_t *ret_len)
{
	struct sockaddr_nl from;
	struct iovec piece = { nl->buffer, FW_NL_BUFFER };
	struct msghdr datagram;
	ssize_t len;

	do {
		from = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
		datagram = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &piece, .msg_iovlen = 1 };
		len = recvmsg(mnl_socket_get_fd(nl->socket), &datagram, flags);
	} while ((len < 0 && errno == EINTR) || (len >= 0 && from.nl_pid != 0));
	if (len < 0)
		return -errno;
	if (datagram.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	*ret_len = (size_t)len;
	return 0;
}

const struct nlmsghdr *fw_nl_next(const char **at, size_t *left)
{
	const struct nlmsghdr *message = (const void *)*at;
	size_t step;

	if (*left < sizeof(*message) || message->nlmsg_len < sizeof(*message) || message->nlmsg_len > *left)
		return NULL;
	step = NLMSG_ALIGN((size_t)message->nlmsg_len);
	if (step > *left)
		step = *left;
	*at += step;
	*left -= step;
	return message;
}

static const struct fw_attr_policy ext_ack_policy[] = {
	{ NLMSGERR_ATTR_MSG, FW_ATTR_STRING, UINT16_MAX },
	{ NLMSGERR_ATTR_OFFS, FW_ATTR_U32, 0 },
};

static int read_ext_ack(const char *tail, size_t len, struct fw_nl_error *error)
{
	struct fw_attrs attrs;
	struct fw_str text;
	int r;

	r = fw_attrs_parse((struct fw_attr_iter){ tail, len }, ext_ack_policy, FW_ARRAY_SIZE(ext_ack_policy), &attrs);
	if (r < 0)
		return r;
	text = fw_attrs_string(&attrs, NLMSGERR_ATTR_MSG);
	if (text.len >= sizeof(error->text))
		text.len = sizeof(error->text) - 1;
	memcpy(error->text, text.data, text.len);
	error->text[text.len] = '\0';
	error->attribute = fw_attrs_host32(&attrs, NLMSGERR_ATTR_OFFS, 0);
	return 0;
}

int fw_nl_read_error(const struct nlmsghdr *message, struct fw_nl_error *ret_error)
{
	const struct nlmsgerr *body = (const void *)((const char *)message + NLMSG_HDRLEN);
	size_t len = message->nlmsg_len, head = NLMSG_HDRLEN + sizeof(*body);
	struct fw_nl_error error = { .seq = message->nlmsg_seq };

	if (len < head || body->error > 0 || body->error < -4095)
		return -EBADMSG;
	error.error = body->error;
	if (message->nlmsg_flags & NLM_F_ACK_TLVS) {
		if (!(message->nlmsg_flags & NLM_F_CAPPED)) /* the whole request is quoted */
			head = NLMSG_HDRLEN + sizeof(body->error) + NLMSG_ALIGN((size_t)body->msg.nlmsg_len);
		if (head > len || read_ext_ack((const char *)message + head, len - head, &error) < 0)
			return -EBADMSG;
	}
	*ret_error = error;
	return 0;
}

/* An answer while it is read. */
struct talk {
	fw_nl_reader *reader;
	void *data;
	struct fw_nl_error *error;
	bool done, interrupted;
	int result; /* first failure */
};

static void fail(struct talk *talk, int error)
{
	if (!talk->result)
		talk->result = error;
}

static void take_error(struct talk *talk, const struct nlmsghdr *message)
{
	talk->done = true;
	if (fw_nl_read_error(message, talk->error) < 0)
		fail(talk, -EBADMSG);
	else if (talk->error->error)
		fail(talk, talk->error->error);
}

static void take_done(struct talk *talk, const struct nlmsghdr *message)
{
	int error = 0;

	talk->done = true;
	if (message->nlmsg_len >= NLMSG_HDRLEN + sizeof(error))
		memcpy(&error, (const char *)message + NLMSG_HDRLEN, sizeof(error));
	if (error < 0)
		fail(talk, error);
}

static void take_message(struct talk *talk, const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		talk->interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR)
		take_error(talk, message);
	else if (message->nlmsg_type == NLMSG_DONE)
		take_done(talk, message);
	else if (message->nlmsg_type == NLMSG_OVERRUN)
		fail(talk, -ENOBUFS);
	else if (message->nlmsg_type >= NLMSG_MIN_TYPE && talk->reader && !talk->result)
		fail(talk, talk->reader(message, talk->data));
}

static int read_answer(struct fw_nl *nl, uint32_t seq, struct talk *talk)
{
	while (!talk->done) {
		const char *at = nl->buffer;
		const struct nlmsghdr *message;
		size_t left;
		int r = fw_nl_receive(nl, 0, &left);

		if (r == -ENOBUFS) {
			fail(talk, r);
			continue;
		}
		if (r < 0)
			return r;
		while (!talk->done && (message = fw_nl_next(&at, &left)))
			if (message->nlmsg_seq == seq && message->nlmsg_pid == nl->port)
				take_message(talk, message);
	}
	/* An interruption explains any oddity that the reader met. */
	return talk->interrupted ? -EINTR : talk->result;
}

int fw_nl_talk(struct fw_nl *nl, const struct nlmsghdr *request, fw_nl_reader *reader, void *data, struct fw_nl_error *ret_error)
{
	struct fw_nl_error error = { .error = 0 };
	struct talk talk = { .reader = reader, .data = data, .error = ret_error ? ret_error : &error };

	*talk.error = error;
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	return read_answer(nl, request->nlmsg_seq, &talk);
}
