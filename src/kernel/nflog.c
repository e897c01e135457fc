/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/nflog.c - one NFLOG group: a socket tuned so that a flood is queued and not lost, and a reader that counts what was lost all the same.
 * The kernel numbers the packets of a group; NETLINK_NO_ENOBUFS keeps an overrun from throwing the whole queue away. */
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/attr.h"
#include "kernel/events.h"
#include "kernel/netlink.h"

/* A message of the kernel is made of 128 KiB less what an skb has behind its data, so that its memory is 128 KiB and not twice that. */
#define MESSAGE_BYTES (128 * 1024 - 512)
#define RECEIVE_BUFFER (48 * 1024 * 1024) /* of the socket; the kernel doubles it. Taken only while a flood is behind */
#define SNAPLEN_MAX 0xffff   /* the statement's own is smaller */
#define QUEUE_PACKETS 400    /* packets in a message, and .. */
#define FLUSH_CENTISECONDS 5 /* .. time that one waits for others */
#define HEAD sizeof(struct nlattr) /* NLA_HDRLEN: aligned as it is */
#define DATAGRAMS 8          /* of one call */

static struct nlmsghdr *config_message(struct fw_nl *nl, char *buffer, uint16_t group)
{
	struct nlmsghdr *message = fw_nl_message(nl, buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK);
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(message, sizeof(*nf));

	*nf = (struct nfgenmsg){ .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htobe16(group) };
	return message;
}

/* Whether this process may configure anything. */
static int ask_generation(struct fw_nl *nl)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];

	return fw_nl_talk(nl, fw_nl_nf_message(nl, buffer, fw_nf_type(NFT_MSG_GETGEN), NLM_F_ACK), NULL, NULL, NULL);
}

static int bind_group(struct fw_nl *nl, uint16_t group)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	const struct nfulnl_msg_config_cmd command = { .command = NFULNL_CFG_CMD_BIND };
	struct nlmsghdr *message = config_message(nl, buffer, group);

	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(command), &command);
	return fw_nl_talk(nl, message, NULL, NULL, NULL);
}

static int configure(struct fw_nl *nl, uint16_t group)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	const struct nfulnl_msg_config_mode mode = { .copy_range = htobe32(SNAPLEN_MAX), .copy_mode = NFULNL_COPY_PACKET };
	struct nlmsghdr *message = config_message(nl, buffer, group);

	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_NLBUFSIZ, htobe32(MESSAGE_BYTES));
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htobe32(FLUSH_CENTISECONDS));
	mnl_attr_put_u32(message, NFULA_CFG_QTHRESH, htobe32(QUEUE_PACKETS));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htobe16(NFULNL_CFG_F_SEQ));
	return fw_nl_talk(nl, message, NULL, NULL, NULL);
}

static void tune(int fd)
{
	const int bytes = RECEIVE_BUFFER, on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
}

int fw_nflog_open(uint16_t group, int *ret_fd)
{
	struct fw_nl nl;
	int r = fw_nl_open(&nl, NETLINK_NETFILTER);
	if (r < 0)
		return r;

	/* a group that another process has answers EPERM as well (nfnetlink_log.c, nfulnl_recv_config) */
	r = ask_generation(&nl);
	if (r == 0) {
		r = bind_group(&nl, group);
		r = r == -EPERM ? -EBUSY : r;
	}
	if (r == 0)
		r = configure(&nl, group);
	if (r == 0) {
		tune(mnl_socket_get_fd(nl.socket));
		*ret_fd = dup(mnl_socket_get_fd(nl.socket));
		r = *ret_fd < 0 ? -errno : 0;
	}
	fw_nl_close(&nl);
	return r;
}

/* --- the reader --- */

struct fw_nflog {
	int fd;
	struct fw_nflog_sequence sequence;
	struct mmsghdr messages[DATAGRAMS];
	struct iovec pieces[DATAGRAMS];
	struct sockaddr_nl from[DATAGRAMS];
	char *bytes; /* DATAGRAMS times MESSAGE_BYTES */
};

int fw_nflog_reader_new(int fd, struct fw_nflog **ret_reader)
{
	struct fw_nflog *reader = calloc(1, sizeof(*reader));
	char *bytes = reader ? malloc((size_t)DATAGRAMS * MESSAGE_BYTES) : NULL;

	if (!bytes) {
		free(reader);
		fw_close_fd(&fd);
		return -ENOMEM;
	}
	reader->fd = fd;
	reader->bytes = bytes;
	for (size_t i = 0; i < DATAGRAMS; i++) {
		reader->pieces[i] = (struct iovec){ bytes + i * MESSAGE_BYTES, MESSAGE_BYTES };
		reader->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &reader->pieces[i], .msg_iovlen = 1, .msg_name = &reader->from[i] };
	}
	*ret_reader = reader;
	return 0;
}

void fw_nflog_reader_free(struct fw_nflog *reader)
{
	if (!reader)
		return;
	fw_close_fd(&reader->fd);
	free(reader->bytes);
	free(reader);
}

void fw_nflog_reader_freep(struct fw_nflog **reader)
{
	fw_nflog_reader_free(*reader);
}

int fw_nflog_fd(const struct fw_nflog *reader)
{
	return reader->fd;
}

int fw_nflog_read(struct fw_nflog *reader, fw_nflog_take *take, void *data, struct fw_nflog_tally *tally)
{
	for (size_t i = 0; i < DATAGRAMS; i++)
		reader->messages[i].msg_hdr.msg_namelen = sizeof(reader->from[i]);

	const int count = recvmmsg(reader->fd, reader->messages, DATAGRAMS, MSG_DONTWAIT, NULL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		if (reader->from[i].nl_pid != 0)
			continue; /* not of the kernel */
		if (reader->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
			tally->malformed++;
		else
			fw_nflog_parse((struct fw_str){ reader->pieces[i].iov_base, reader->messages[i].msg_len }, &reader->sequence, take, data, tally);
	}
	return count;
}

/* --- a packet's attributes --- */

struct found {
	struct fw_nflog_packet packet;
	uint32_t number;
	bool has_number;
};

static uint32_t be32_of(const char *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

static void take_timestamp(struct found *found, const char *bytes)
{
	struct nfulnl_msg_packet_timestamp stamp;

	memcpy(&stamp, bytes, sizeof(stamp));
	const uint64_t seconds = be64toh(stamp.sec), micros = be64toh(stamp.usec);
	if (seconds < (uint64_t)INT64_MAX / 2000000 && micros < 1000000)
		found->packet.time_us = (int64_t)(seconds * 1000000 + micros);
}

static void take_attribute(struct found *found, unsigned int type, struct fw_str value)
{
	struct fw_nflog_packet *packet = &found->packet;

	if (type == NFULA_PAYLOAD)
		packet->payload = value;
	else if (type == NFULA_PREFIX)
		packet->prefix = (struct fw_str){ value.data, strnlen(value.data, value.len) };
	else if (type == NFULA_PACKET_HDR && value.len >= sizeof(struct nfulnl_msg_packet_hdr))
		packet->hook = (uint8_t)value.data[2];
	else if (type == NFULA_IFINDEX_INDEV && value.len >= 4)
		packet->in = be32_of(value.data);
	else if (type == NFULA_IFINDEX_OUTDEV && value.len >= 4)
		packet->out = be32_of(value.data);
	else if (type == NFULA_TIMESTAMP && value.len >= sizeof(struct nfulnl_msg_packet_timestamp))
		take_timestamp(found, value.data);
	else if (type == NFULA_SEQ && value.len >= 4) {
		found->number = be32_of(value.data);
		found->has_number = true;
	}
}

static void count_gap(struct fw_nflog_sequence *sequence, const struct found *found, struct fw_nflog_tally *tally)
{
	if (!found->has_number)
		return;
	if (sequence->begun)
		tally->lost += (uint32_t)(found->number - sequence->next);
	*sequence = (struct fw_nflog_sequence){ found->number + 1, true };
}

static bool parse_packet(const struct nlmsghdr *message, struct found *found)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	const struct nlattr *attr;

	if (message->nlmsg_len < head)
		return false;
	struct fw_attr_iter iter = { (const char *)message + head, message->nlmsg_len - head };
	while ((attr = fw_attr_next(&iter)))
		take_attribute(found, attr->nla_type & (unsigned int)NLA_TYPE_MASK,
			       (struct fw_str){ (const char *)attr + HEAD, attr->nla_len - HEAD });
	return iter.left == 0;
}

void fw_nflog_parse(struct fw_str datagram, struct fw_nflog_sequence *sequence, fw_nflog_take *take, void *data, struct fw_nflog_tally *tally)
{
	const char *at = datagram.data;
	size_t left = datagram.len;
	const struct nlmsghdr *message;

	while ((message = fw_nl_next(&at, &left))) {
		struct found found = { .has_number = false };
		if (message->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			continue; /* the end of a message of many */
		if (!parse_packet(message, &found)) {
			tally->malformed++;
			continue;
		}
		count_gap(sequence, &found, tally);
		tally->packets++;
		take(&found.packet, data);
	}
}
