/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/monitor.c - transactions of nf_tables as they happen: who made them, and whether they touched our table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attr.h"
#include "kernel/events.h"
#include "kernel/netlink.h"
#include "ruleset/ruleset.h"

#define RECEIVE_BUFFER (16 * 1024 * 1024) /* 10,000 rules in one transaction are told one by one */

struct fw_monitor {
	struct fw_nl nl;
	bool touched; /* our table, since the last end of a transaction */
};

int fw_monitor_open(struct fw_monitor **ret_monitor)
{
	struct fw_monitor *monitor = calloc(1, sizeof(*monitor));
	const int group = NFNLGRP_NFTABLES, bytes = RECEIVE_BUFFER;
	if (!monitor)
		return -ENOMEM;

	int r = fw_nl_open(&monitor->nl, NETLINK_NETFILTER);
	if (r == 0) {
		const int fd = mnl_socket_get_fd(monitor->nl.socket);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
		r = setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ? -errno : 0;
	}
	if (r < 0) {
		fw_monitor_close(monitor);
		return r;
	}
	*ret_monitor = monitor;
	return 0;
}

void fw_monitor_close(struct fw_monitor *monitor)
{
	if (!monitor)
		return;
	fw_nl_close(&monitor->nl);
	free(monitor);
}

int fw_monitor_fd(const struct fw_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->nl.socket);
}

static const struct fw_attr_policy generation_policy[] = {
	{ NFTA_GEN_ID, FW_ATTR_U32, 0 },
	{ NFTA_GEN_PROC_PID, FW_ATTR_U32, 0 },
	{ NFTA_GEN_PROC_NAME, FW_ATTR_STRING, 16 },
};
/* The first attribute of tables, chains, sets, objects, rules and element lists is the name of their table (linux/netfilter/nf_tables.h). */
static const struct fw_attr_policy table_policy[] = {
	{ NFTA_TABLE_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
};

static struct fw_attr_iter attributes_of(const struct nlmsghdr *message)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct nfgenmsg);

	if (message->nlmsg_len < head)
		return (struct fw_attr_iter){ NULL, 0 };
	return (struct fw_attr_iter){ (const char *)message + head, message->nlmsg_len - head };
}

static bool is_ours(const struct nlmsghdr *message)
{
	const struct nfgenmsg *nf = (const void *)((const char *)message + NLMSG_HDRLEN);
	struct fw_attrs attrs;

	if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(*nf) || nf->nfgen_family != NFPROTO_INET)
		return false;
	if (fw_attrs_parse(attributes_of(message), table_policy, FW_ARRAY_SIZE(table_policy), &attrs) < 0)
		return false;
	return fw_str_equal(fw_attrs_string(&attrs, NFTA_TABLE_NAME), fw_str_from(FW_TABLE_NAME));
}

static bool end_transaction(struct fw_monitor *monitor, const struct nlmsghdr *message, struct fw_transaction *transaction)
{
	struct fw_attrs attrs;

	if (fw_attrs_parse(attributes_of(message), generation_policy, FW_ARRAY_SIZE(generation_policy), &attrs) < 0)
		return false;
	const bool ours = monitor->touched;
	monitor->touched = false;
	if (transaction->ours && !ours)
		return true;
	const struct fw_str name = fw_attrs_string(&attrs, NFTA_GEN_PROC_NAME);
	*transaction = (struct fw_transaction){ .generation = fw_attrs_be32(&attrs, NFTA_GEN_ID, 0),
						.pid = fw_attrs_be32(&attrs, NFTA_GEN_PROC_PID, 0),
						.ours = ours };
	memcpy(transaction->program, name.data, name.len < sizeof(transaction->program) ? name.len : sizeof(transaction->program) - 1);
	return true;
}

static bool take_datagram(struct fw_monitor *monitor, size_t len, struct fw_transaction *transaction)
{
	const char *at = monitor->nl.buffer;
	const struct nlmsghdr *message;
	bool ended = false;

	while ((message = fw_nl_next(&at, &len))) {
		if (message->nlmsg_type == fw_nf_type(NFT_MSG_NEWGEN))
			ended |= end_transaction(monitor, message, transaction);
		else if (message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && !monitor->touched)
			monitor->touched = is_ours(message);
	}
	return ended;
}

int fw_monitor_read(struct fw_monitor *monitor, struct fw_transaction *ret_transaction)
{
	struct fw_transaction transaction = { .generation = 0 };
	bool ended = false;
	size_t len;
	int r;

	while ((r = fw_nl_receive(&monitor->nl, MSG_DONTWAIT, &len)) == 0)
		ended |= take_datagram(monitor, len, &transaction);
	if (r != -EAGAIN)
		return r;
	*ret_transaction = transaction;
	return ended ? 1 : 0;
}
