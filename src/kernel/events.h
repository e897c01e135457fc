/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/events.h - what the kernel tells unasked: packets that a log statement sends to an NFLOG group, and transactions of nf_tables. */
#ifndef FW_KERNEL_EVENTS_H
#define FW_KERNEL_EVENTS_H

#include "base/base.h"

/* --- NFLOG (linux/netfilter/nfnetlink_log.h) --- */

/* A socket that listens to a group of the calling thread's namespace, tuned for floods. It needs CAP_NET_ADMIN; reading from it does not. 0; -EBUSY: somebody
 * listens to that group already; -EPERM; -errno. The group is given up when the last copy of the descriptor is closed. */
int fw_nflog_open(uint16_t group, int *ret_fd);

struct fw_nflog_packet {
	int64_t time_us;       /* Unix time of its arrival; 0: the kernel does not know */
	uint32_t in, out;      /* interface indices, 0: none */
	uint8_t hook;          /* NF_INET_* */
	struct fw_str prefix;  /* of the log statement */
	struct fw_str payload; /* from the network header on, cut off at the statement's snaplen */
};
typedef void fw_nflog_take(const struct fw_nflog_packet *packet, void *data);

struct fw_nflog; /* a reader with its buffers */
/* Takes the descriptor over. */
int fw_nflog_reader_new(int fd, struct fw_nflog **ret_reader);
void fw_nflog_reader_free(struct fw_nflog *reader); /* NULL is fine */
void fw_nflog_reader_freep(struct fw_nflog **reader);
int fw_nflog_fd(const struct fw_nflog *reader);
/* Calls `take` for each packet of the datagrams that are there, of at most some MiB, without waiting. How many datagrams; 0: none; -errno. *lost grows by the packets that the
 * kernel could not queue, told by gaps in their numbers, and *malformed by messages that make no sense. */
struct fw_nflog_tally {
	uint64_t packets, lost, malformed;
};
int fw_nflog_read(struct fw_nflog *reader, fw_nflog_take *take, void *data, struct fw_nflog_tally *tally);
/* One datagram's bytes, for _read and for tests. `next` is the number that the next packet should have, `begun` whether there was one. */
struct fw_nflog_sequence {
	uint32_t next;
	bool begun;
};
void fw_nflog_parse(struct fw_str datagram, struct fw_nflog_sequence *sequence, fw_nflog_take *take, void *data, struct fw_nflog_tally *tally);

/* --- changes of nf_tables (group NFNLGRP_NFTABLES) --- */

struct fw_transaction {
	uint32_t generation; /* after it */
	uint32_t pid;        /* of the process that made it, as the kernel's first PID namespace counts; 0: not told */
	char program[17];    /* its name, or "" */
	bool ours;           /* it touched the table inet fwctl */
};
struct fw_monitor;
int fw_monitor_open(struct fw_monitor **ret_monitor); /* of the calling thread's namespace; 0, -EPERM, -errno */
void fw_monitor_close(struct fw_monitor *monitor);    /* NULL is fine */
int fw_monitor_fd(const struct fw_monitor *monitor);
/* Transactions that are there, without waiting: the last that touched our table, or else the last. 1: there was one; 0: none; -ENOBUFS: some were lost, so anything may have
 * changed; -errno. */
int fw_monitor_read(struct fw_monitor *monitor, struct fw_transaction *ret_transaction);

#endif
