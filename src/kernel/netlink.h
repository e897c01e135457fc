/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/netlink.h - a netlink socket to the kernel: requests, dumps, and errors in the kernel's own words. */
#ifndef FW_KERNEL_NETLINK_H
#define FW_KERNEL_NETLINK_H

#include "kernel/nf.h"

#define FW_NL_BUFFER (64 * 1024)

struct fw_nl {
	struct mnl_socket *socket; /* NULL: closed */
	uint32_t port, seq;
	char *buffer; /* FW_NL_BUFFER bytes for what is received */
};

struct fw_nl_error {
	int error;          /* 0 (an acknowledgement) or -errno */
	uint32_t seq;       /* of the request */
	uint32_t attribute; /* offset into the request of the attribute at fault, 0: none */
	char text[96];      /* extended message, or empty */
};

typedef int fw_nl_reader(const struct nlmsghdr *message, void *data); /* 0 or -errno */

/* A bound socket of a NETLINK_* protocol. 0 or -errno; on failure the socket counts as closed. */
int fw_nl_open(struct fw_nl *nl, int protocol);
void fw_nl_close(struct fw_nl *nl);
uint32_t fw_nl_next_seq(struct fw_nl *nl);

/* Starts a request in `buffer` (the caller's, FW_NL_REQUEST bytes, aligned as a struct nlmsghdr). */
#define FW_NL_REQUEST 4096
struct nlmsghdr *fw_nl_message(struct fw_nl *nl, char *buffer, uint16_t type, uint16_t flags);
struct nlmsghdr *fw_nl_nf_message(struct fw_nl *nl, char *buffer, uint16_t type, uint16_t flags); /* with a struct nfgenmsg of NFPROTO_INET */

/* Sends a request (its flags say whether it is a dump or wants an acknowledgement) and reads to the end of the answer: `reader`,
 * if any, gets each message until it fails, the rest is drained. 0; -EINTR: the dump was interrupted by a change, what was read
 * is no picture; the reader's or the kernel's -errno. ret_error may be NULL. */
int fw_nl_talk(struct fw_nl *nl, const struct nlmsghdr *request, fw_nl_reader *reader, void *data, struct fw_nl_error *ret_error);

/* One datagram of the kernel into nl->buffer. 0; -EAGAIN with MSG_DONTWAIT and nothing there; -ENOBUFS: some were lost; -errno. */
int fw_nl_receive(struct fw_nl *nl, int flags, size_t *ret_len);
/* The next whole message in `*left` bytes at `*at`, or NULL. */
const struct nlmsghdr *fw_nl_next(const char **at, size_t *left);

/* NLMSG_ERROR with its extended attributes. 0 or -EBADMSG. */
int fw_nl_read_error(const struct nlmsghdr *message, struct fw_nl_error *ret_error);

#endif
