/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/sockets.c - the connections that are open, by sock_diag. Listeners are asked for first, so that a connection to a port
 * that listens counts as accepted. An IPv4 connection on an IPv6 socket comes with mapped addresses, and is IPv4 on the wire. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "kernel/internal.h"
#include "kernel/sockets.h"

/* States of TCP as inet_diag numbers them (include/net/tcp_states.h), also those of connected UDP sockets. */
enum { STATE_ESTABLISHED = 1, STATE_FIN_WAIT1 = 4, STATE_FIN_WAIT2 = 5, STATE_CLOSE_WAIT = 8, STATE_LISTEN = 10 };
/* Either side may still send in these. */
#define OPEN_STATES (1U << STATE_ESTABLISHED | 1U << STATE_FIN_WAIT1 | 1U << STATE_FIN_WAIT2 | 1U << STATE_CLOSE_WAIT)

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static bool is_mapped(const struct inet_diag_msg *diag)
{
	return memcmp(diag->id.idiag_src, mapped_prefix, sizeof(mapped_prefix)) == 0 &&
	       memcmp(diag->id.idiag_dst, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void take_addresses(const struct inet_diag_msg *diag, struct fw_socket *socket)
{
	const uint8_t *local = (const uint8_t *)diag->id.idiag_src, *remote = (const uint8_t *)diag->id.idiag_dst;
	size_t skip = 0;

	socket->family = diag->idiag_family == AF_INET6 ? FW_IPV6 : FW_IPV4;
	if (socket->family == FW_IPV6 && is_mapped(diag)) {
		socket->family = FW_IPV4;
		skip = sizeof(mapped_prefix);
	}
	socket->local = fw_addr_from_bytes(socket->family, local + skip);
	socket->remote = fw_addr_from_bytes(socket->family, remote + skip);
}

static bool port_listens(const struct fw_sockets_read *read, uint16_t port)
{
	return read->listens[port / 8] >> (port % 8) & 1;
}

static int take_connection(const struct fw_sockets_read *read, const struct inet_diag_msg *diag)
{
	struct fw_socket socket = {
		.proto = read->proto,
		.local_port = ntohs(diag->id.idiag_sport),
		.remote_port = ntohs(diag->id.idiag_dport),
		.uid = diag->idiag_uid,
		.interface = diag->id.idiag_if,
	};
	struct fw_socket *added;

	if (!socket.local_port || !socket.remote_port || !(OPEN_STATES >> (diag->idiag_state & 31) & 1))
		return 0;
	take_addresses(diag, &socket);
	socket.accepted = socket.proto == IPPROTO_TCP && port_listens(read, socket.local_port);
	added = fw_vec_push(read->sockets);
	if (!added)
		return -ENOMEM;
	*added = socket;
	return 0;
}

int fw_sockets_read_message(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = (const void *)((const char *)message + NLMSG_HDRLEN);
	struct fw_sockets_read *read = data;
	uint16_t port;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || message->nlmsg_len < NLMSG_HDRLEN + sizeof(*diag))
		return -EBADMSG;
	if (diag->idiag_family != AF_INET && diag->idiag_family != AF_INET6)
		return -EBADMSG;
	if (!read->listeners)
		return take_connection(read, diag);
	port = ntohs(diag->id.idiag_sport);
	read->listens[port / 8] = (uint8_t)(read->listens[port / 8] | 1U << (port % 8));
	return 0;
}

static int dump(struct fw_nl *nl, uint8_t family, uint32_t states, struct fw_sockets_read *read)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_nl_message(nl, buffer, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *diag = mnl_nlmsg_put_extra_header(request, sizeof(*diag));
	int r;

	*diag = (struct inet_diag_req_v2){ .sdiag_family = family, .sdiag_protocol = read->proto, .idiag_states = states };
	r = fw_nl_talk(nl, request, fw_sockets_read_message, read, NULL);
	/* No such protocol in this kernel: no such socket. An interruption tells some twice or not, which is no harm here. */
	return r == -ENOENT || r == -EINTR ? 0 : r;
}

static int dump_families(struct fw_nl *nl, uint32_t states, struct fw_sockets_read *read)
{
	int r = dump(nl, AF_INET, states, read);

	return r < 0 ? r : dump(nl, AF_INET6, states, read);
}

int fw_kernel_sockets(struct fw_kernel *kernel, struct fw_vec *ret_sockets)
{
	uint8_t *listens FW_CLEANUP(fw_free_ptr) = calloc(1, FW_SOCKETS_LISTENS);
	struct fw_sockets_read read = { .sockets = ret_sockets, .listens = listens, .proto = IPPROTO_TCP, .listeners = true };
	int r;

	if (kernel->diag_error)
		return kernel->diag_error;
	if (!listens)
		return -ENOMEM;
	r = dump_families(&kernel->diag, 1U << STATE_LISTEN, &read);
	read.listeners = false;
	if (!r)
		r = dump_families(&kernel->diag, OPEN_STATES, &read);
	read.proto = IPPROTO_UDP;
	if (!r)
		r = dump_families(&kernel->diag, 1U << STATE_ESTABLISHED, &read);
	return r;
}
