/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/sockets.h - answers of sock_diag and of routing netlink, read without a socket. */
#ifndef FW_KERNEL_SOCKETS_H
#define FW_KERNEL_SOCKETS_H

#include "kernel/kernel.h"
#include "kernel/nf.h"

/* One sort of socket while its dump is read. */
struct fw_sockets_read {
	struct fw_vec *sockets;  /* struct fw_socket */
	uint8_t *listens;        /* 65536 bits: TCP ports with a listener */
	uint8_t proto;
	bool listeners;          /* note their ports only */
};
#define FW_SOCKETS_LISTENS (65536 / 8)
int fw_sockets_read_message(const struct nlmsghdr *message, void *read); /* 0, -EBADMSG, -ENOMEM */

int fw_address_read_message(const struct nlmsghdr *message, void *members); /* RTM_NEWADDR into a vector of struct fw_member */
int fw_route_read_message(const struct nlmsghdr *message, void *index);     /* RTM_NEWROUTE: the interface's index into an uint32_t */
int fw_link_read_message(const struct nlmsghdr *message, void *name);       /* RTM_NEWLINK: its name into a char[16] */

#endif
