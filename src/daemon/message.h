/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/message.h - what keeper and front tell each other over a SOCK_SEQPACKET pair. A message is a head and a body of records of one size, or one record
 * followed by strings. Whoever gets one whose kind is not for it, or whose length does not fit, ends the connection. */
#ifndef FW_DAEMON_MESSAGE_H
#define FW_DAEMON_MESSAGE_H

#include "base/base.h"

#define FW_MESSAGE_MAX ((size_t)48 << 10) /* bytes of a whole message */
#define FW_MESSAGE_STRING_MAX 4096        /* bytes of a string; longer ones are cut */

enum fw_message_kind {
	FW_MESSAGE_NONE,
	/* keeper to front */
	FW_MESSAGE_SETTINGS,    /* struct fw_message_settings; with the descriptor of the TCP listener, where there is one */
	FW_MESSAGE_POLICY,      /* struct fw_message_policy and its path, user, drift */
	FW_MESSAGE_LINE,        /* struct fw_message_line and its id, name, file, text, label */
	FW_MESSAGE_POLICY_END,
	FW_MESSAGE_COUNTS,      /* struct fw_message_count[] */
	FW_MESSAGE_COUNTS_END,  /* struct fw_message_counts_end */
	FW_MESSAGE_CHANGE,      /* struct fw_message_change */
	FW_MESSAGE_NFLOG,       /* struct fw_message_nflog, with a descriptor where error is 0 */
	FW_MESSAGE_MEMBERS,     /* struct fw_message_member[] */
	FW_MESSAGE_MEMBERS_END, /* struct fw_message_done */
	FW_MESSAGE_DONE,        /* struct fw_message_done and words */
	/* front to keeper */
	FW_MESSAGE_READY,
	FW_MESSAGE_ALIVE,
	FW_MESSAGE_POLL,
	FW_MESSAGE_ASK_MEMBERS, /* struct fw_message_ask */
	FW_MESSAGE_BAN,         /* struct fw_message_ban */
	FW_MESSAGE_UNBAN,       /* struct fw_message_ban */
	FW_MESSAGE_KINDS
};
enum fw_side { FW_KEEPER, FW_FRONT };

struct fw_message_settings {
	uint64_t keep_s, max_bytes;
	uint32_t journal, has_listen;
};
struct fw_message_policy {
	uint64_t serial; /* of this run: grows with every message of this kind */
	uint64_t generation, epoch;
	int64_t applied_at, horizon;
	uint32_t active, in_sync, lines, log_group;
};
struct fw_message_line {
	uint32_t owner, direction, verdict, line;
};
struct fw_message_count {
	uint64_t index; /* of the line */
	uint64_t handle, packets, bytes;
	uint64_t over_handle, over_packets, shared_packets;
};
struct fw_message_counts_end {
	uint64_t serial;
	int64_t time_us;
	int64_t error; /* 0, or -errno: nothing was read */
};
struct fw_message_change {
	int64_t time;
	uint32_t pid, ours;
	char program[32];
};
struct fw_message_nflog {
	int64_t error;
	uint64_t group;
};
#define FW_MESSAGE_GROUP_MAX 64
struct fw_message_member {
	char group[FW_MESSAGE_GROUP_MAX];
	uint64_t hi, lo, timeout_ms, expires_ms;
	uint32_t family, length;
};
struct fw_message_ask { /* what a client wants; `ticket` comes back with the answer */
	uint64_t ticket;
	char group[FW_MESSAGE_GROUP_MAX]; /* "": all, or the only one */
};
struct fw_message_ban {
	struct fw_message_ask ask;
	uint64_t hi, lo, timeout_s;
	uint32_t family, length, has_timeout, unused;
};
struct fw_message_done {
	uint64_t ticket;
	uint64_t outcome; /* enum fw_outcome */
	uint64_t total, timeout_s;
	char group[FW_MESSAGE_GROUP_MAX];
};

/* One end. The keeper's sending waits until the front has room, at most its time-out; the front's does not wait, so that the two never wait for each other; receiving
 * does not either. */
struct fw_channel {
	int fd;
	enum fw_side side; /* ours */
	char *in, *out; /* FW_MESSAGE_MAX bytes each */
	size_t out_len;
	uint32_t out_count;
};
struct fw_message {
	enum fw_message_kind kind;
	uint32_t count;  /* records */
	const void *body; /* of the channel; until the next is received. Aligned for any record */
	size_t len;
	int fd; /* that came with it, or -1; the receiver's to close */
};

int fw_channel_init(struct fw_channel *channel, int fd, enum fw_side side); /* takes fd over; 0 or -ENOMEM */
void fw_channel_done(struct fw_channel *channel);

/* 1 with a message; 0: none is there; -ECONNRESET: the other side is gone; -EBADMSG: it broke the rules; -errno. */
int fw_channel_receive(struct fw_channel *channel, struct fw_message *ret_message);

/* One record, or none. `fd` -1: none goes with it. 0; -ETIMEDOUT; -errno. */
int fw_channel_send(struct fw_channel *channel, enum fw_message_kind kind, const void *record, int fd);
/* Records of one size by and by: sent when the message is full, and by _flush. */
int fw_channel_add(struct fw_channel *channel, enum fw_message_kind kind, const void *record);
int fw_channel_flush(struct fw_channel *channel, enum fw_message_kind kind);
/* A record with strings (NULL is one too). */
int fw_channel_send_strings(struct fw_channel *channel, enum fw_message_kind kind, const void *record, const char *const *strings, size_t count);
/* The strings behind the record of such a message, copied to the heap each (NULL where NULL was sent): 0; -EBADMSG; -ENOMEM. On failure none is kept. */
int fw_message_strings(const struct fw_message *message, char **ret_strings, size_t count);

#endif
