/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/adopt.c - the first apply on a running host. Until then nothing tracked connections, so the next packet of an open one may come from the side that did not open it, and
 * would be decided in the wrong direction. Each open socket whose connection the policy allows gets its conntrack entry before the rules are there. */
#include <net/if.h>
#include <string.h>

#include "engine/internal.h"
#include "proof/decide.h"

static void interface_of(struct fw_session *session, const struct fw_socket *socket, char ret_name[IF_NAMESIZE])
{
	ret_name[0] = '\0';
	if (socket->interface && if_indextoname(socket->interface, ret_name))
		return;
	if (fw_kernel_route_interface(session->kernel, socket->family, socket->remote, ret_name) < 0)
		ret_name[0] = '\0';
}

static bool is_allowed(struct fw_session *session, const struct fw_policy *policy, const struct fw_socket *socket)
{
	char interface[IF_NAMESIZE];
	struct fw_packet packet = { .direction = socket->accepted ? FW_IN : FW_OUT,
				    .family = socket->family,
				    .proto = socket->proto,
				    .from = socket->accepted ? socket->remote : socket->local,
				    .to = socket->accepted ? socket->local : socket->remote,
				    .source_port = socket->accepted ? socket->remote_port : socket->local_port,
				    .port = socket->accepted ? socket->local_port : socket->remote_port,
				    .leaving = "",
				    .has_owner = !socket->accepted,
				    .uid = socket->uid,
				    .gid = UINT32_MAX, /* sock_diag does not tell it: `as group` does not vouch for a connection */
				    .now = session->now,
				    .utc_offset = fw_local_utc_offset(session->now) };

	interface_of(session, socket, interface);
	packet.on = interface;
	return strcmp(interface, "lo") != 0 && fw_decide(policy, &packet, NULL, NULL).verdict == FW_ALLOW;
}

size_t fw_adopt_connections(struct fw_session *session, const struct fw_policy *policy)
{
	struct fw_vec sockets;
	size_t adopted = 0;

	fw_vec_init(&sockets, session->arena, sizeof(struct fw_socket));
	if (fw_kernel_sockets(session->kernel, &sockets) < 0)
		return 0;
	for (size_t i = 0; i < sockets.len; i++) {
		const struct fw_socket *socket = fw_vec_at(&sockets, i);
		if (is_allowed(session, policy, socket) && fw_kernel_track(session->kernel, socket) == 0)
			adopted++;
	}
	return adopted;
}
