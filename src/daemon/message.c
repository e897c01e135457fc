/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/message.c - messages between keeper and front. What is received was made by a process that may have been taken over: a table says what is due of each kind. */
#include "daemon/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NO_STRING UINT16_MAX

struct head {
	uint32_t kind, count;
};

static const struct {
	enum fw_side from;
	size_t record;
	bool many, strings, may_have_fd;
} kinds[FW_MESSAGE_KINDS] = {
	[FW_MESSAGE_SETTINGS] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_settings), .may_have_fd = true },
	[FW_MESSAGE_POLICY] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_policy), .strings = true },
	[FW_MESSAGE_LINE] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_line), .strings = true },
	[FW_MESSAGE_POLICY_END] = { .from = FW_KEEPER, .record = 0 },
	[FW_MESSAGE_COUNTS] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_count), .many = true },
	[FW_MESSAGE_COUNTS_END] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_counts_end) },
	[FW_MESSAGE_CHANGE] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_change) },
	[FW_MESSAGE_NFLOG] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_nflog), .may_have_fd = true },
	[FW_MESSAGE_MEMBERS] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_member), .many = true },
	[FW_MESSAGE_MEMBERS_END] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_done) },
	[FW_MESSAGE_DONE] = { .from = FW_KEEPER, .record = sizeof(struct fw_message_done), .strings = true },
	[FW_MESSAGE_READY] = { .from = FW_FRONT, .record = 0 },
	[FW_MESSAGE_ALIVE] = { .from = FW_FRONT, .record = 0 },
	[FW_MESSAGE_POLL] = { .from = FW_FRONT, .record = 0 },
	[FW_MESSAGE_ASK_MEMBERS] = { .from = FW_FRONT, .record = sizeof(struct fw_message_ask) },
	[FW_MESSAGE_BAN] = { .from = FW_FRONT, .record = sizeof(struct fw_message_ban) },
	[FW_MESSAGE_UNBAN] = { .from = FW_FRONT, .record = sizeof(struct fw_message_ban) },
};

int fw_channel_init(struct fw_channel *channel, int fd, enum fw_side side)
{
	*channel = (struct fw_channel){ .fd = fd, .side = side, .in = malloc(FW_MESSAGE_MAX), .out = malloc(FW_MESSAGE_MAX) };
	if (channel->in && channel->out)
		return 0;
	fw_channel_done(channel);
	return -ENOMEM;
}

void fw_channel_done(struct fw_channel *channel)
{
	fw_close_fd(&channel->fd);
	free(channel->in);
	free(channel->out);
	*channel = (struct fw_channel){ .fd = -1 };
}

/* --- receiving --- */

static bool is_due(const struct fw_channel *channel, const struct head *head, size_t len, bool has_fd)
{
	if (head->kind == FW_MESSAGE_NONE || head->kind >= FW_MESSAGE_KINDS || kinds[head->kind].from == channel->side)
		return false;
	const size_t record = kinds[head->kind].record;
	if (has_fd && !kinds[head->kind].may_have_fd)
		return false;
	if (kinds[head->kind].strings)
		return head->count == 1 && len >= record;
	if (!kinds[head->kind].many && head->count != 1)
		return false;
	return head->count <= FW_MESSAGE_MAX && len == head->count * record;
}

static int fd_of(struct msghdr *datagram)
{
	int fd = -1;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(datagram); part; part = CMSG_NXTHDR(datagram, part))
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS && part->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(part), sizeof(fd));
	return fd;
}

int fw_channel_receive(struct fw_channel *channel, struct fw_message *ret_message)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec piece = { channel->in, FW_MESSAGE_MAX };
	struct msghdr datagram = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct head head = { .kind = FW_MESSAGE_NONE };
	const ssize_t len = recvmsg(channel->fd, &datagram, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (len == 0)
		return -ECONNRESET;
	int fd FW_CLEANUP(fw_close_fd) = fd_of(&datagram);
	if ((size_t)len < sizeof(head) || datagram.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	memcpy(&head, channel->in, sizeof(head));
	if (!is_due(channel, &head, (size_t)len - sizeof(head), fd >= 0))
		return -EBADMSG;
	*ret_message = (struct fw_message){ head.kind, head.count, channel->in + sizeof(head), (size_t)len - sizeof(head), fd };
	fd = -1;
	return 1;
}

static int take_string(struct fw_str *rest, char **ret_string)
{
	uint16_t len;

	if (rest->len < sizeof(len))
		return -EBADMSG;
	memcpy(&len, rest->data, sizeof(len));
	*rest = (struct fw_str){ rest->data + sizeof(len), rest->len - sizeof(len) };
	*ret_string = NULL;
	if (len == NO_STRING)
		return 0;
	if (len > FW_MESSAGE_STRING_MAX || len > rest->len || memchr(rest->data, '\0', len))
		return -EBADMSG;
	*ret_string = strndup(rest->data, len);
	*rest = (struct fw_str){ rest->data + len, rest->len - len };
	return *ret_string ? 0 : -ENOMEM;
}

int fw_message_strings(const struct fw_message *message, char **ret_strings, size_t count)
{
	const size_t record = kinds[message->kind].record;
	struct fw_str rest = { (const char *)message->body + record, message->len - record };
	size_t taken = 0;
	int r = 0;

	for (; r == 0 && taken < count; taken++)
		r = take_string(&rest, &ret_strings[taken]);
	if (r == 0 && rest.len > 0)
		r = -EBADMSG;
	for (size_t i = 0; r < 0 && i < taken; i++) {
		free(ret_strings[i]);
		ret_strings[i] = NULL;
	}
	return r;
}

/* --- sending --- */

static int send_out(struct fw_channel *channel, enum fw_message_kind kind, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	const struct head head = { kind, channel->out_count };
	struct iovec piece = { channel->out, channel->out_len };
	struct msghdr datagram = { .msg_iov = &piece, .msg_iovlen = 1 };

	memcpy(channel->out, &head, sizeof(head));
	if (fd >= 0) {
		datagram.msg_control = control;
		datagram.msg_controllen = sizeof(control);
		struct cmsghdr *part = CMSG_FIRSTHDR(&datagram);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	}
	const int flags = MSG_NOSIGNAL | (channel->side == FW_FRONT ? MSG_DONTWAIT : 0);
	ssize_t len;
	do
		len = sendmsg(channel->fd, &datagram, flags);
	while (len < 0 && errno == EINTR);
	channel->out_len = 0;
	channel->out_count = 0;
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

static void append(struct fw_channel *channel, const void *bytes, size_t len)
{
	if (channel->out_len == 0)
		channel->out_len = sizeof(struct head);
	if (len > 0)
		memcpy(channel->out + channel->out_len, bytes, len);
	channel->out_len += len;
}

int fw_channel_send(struct fw_channel *channel, enum fw_message_kind kind, const void *record, int fd)
{
	append(channel, record, kinds[kind].record);
	channel->out_count = 1;
	return send_out(channel, kind, fd);
}

int fw_channel_add(struct fw_channel *channel, enum fw_message_kind kind, const void *record)
{
	append(channel, record, kinds[kind].record);
	channel->out_count++;
	return channel->out_len + kinds[kind].record > FW_MESSAGE_MAX ? send_out(channel, kind, -1) : 0;
}

int fw_channel_flush(struct fw_channel *channel, enum fw_message_kind kind)
{
	return channel->out_count > 0 ? send_out(channel, kind, -1) : 0;
}

/* A character of UTF-8 is not cut in two. */
static uint16_t cut_length(const char *string)
{
	size_t len = strnlen(string, FW_MESSAGE_STRING_MAX + 1);

	if (len > FW_MESSAGE_STRING_MAX)
		for (len = FW_MESSAGE_STRING_MAX; len > 0 && ((unsigned char)string[len] & 0xc0) == 0x80;)
			len--;
	return (uint16_t)len;
}

int fw_channel_send_strings(struct fw_channel *channel, enum fw_message_kind kind, const void *record, const char *const *strings, size_t count)
{
	append(channel, record, kinds[kind].record);
	for (size_t i = 0; i < count; i++) {
		const uint16_t len = strings[i] ? cut_length(strings[i]) : NO_STRING;
		append(channel, &len, sizeof(len));
		if (strings[i])
			append(channel, strings[i], len);
	}
	channel->out_count = 1;
	return send_out(channel, kind, -1);
}
