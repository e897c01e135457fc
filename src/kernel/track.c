/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/track.c - makes conntrack entries for connections that were open before it was switched on. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "base/file.h"
#include "kernel/internal.h"
#include "kernel/nf.h"

#define TCP_TIMEOUT_FILE "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established"
#define UDP_TIMEOUT_FILE "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream"
#define TCP_TIMEOUT_S (5U * 24 * 3600) /* the kernel's default */
#define UDP_TIMEOUT_S 180U

/* One end of a flow. */
struct end {
	struct fw_u128 address;
	uint16_t port;
};

static uint32_t read_timeout(const char *path, uint32_t missing)
{
	char *text FW_CLEANUP(fw_free_ptr) = NULL;
	uint64_t value;
	size_t len;

	if (fw_file_read(path, 64, &text, &len) < 0)
		return missing;
	while (len && text[len - 1] == '\n')
		len--;
	return fw_str_parse_u64((struct fw_str){ text, len }, UINT32_MAX, &value) < 0 ? missing : (uint32_t)value;
}

static void put_address(struct nlmsghdr *request, enum fw_family family, uint16_t ipv4, uint16_t ipv6, struct fw_u128 address)
{
	uint8_t bytes[16];
	size_t len = fw_addr_to_bytes(family, address, bytes);

	mnl_attr_put(request, family == FW_IPV4 ? ipv4 : ipv6, len, bytes);
}

static void put_tuple(struct nlmsghdr *request, uint16_t attribute, const struct fw_socket *socket, const struct end ends[2])
{
	struct nlattr *tuple = mnl_attr_nest_start(request, attribute), *nest;

	nest = mnl_attr_nest_start(request, CTA_TUPLE_IP);
	put_address(request, socket->family, CTA_IP_V4_SRC, CTA_IP_V6_SRC, ends[0].address);
	put_address(request, socket->family, CTA_IP_V4_DST, CTA_IP_V6_DST, ends[1].address);
	mnl_attr_nest_end(request, nest);
	nest = mnl_attr_nest_start(request, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(request, CTA_PROTO_NUM, socket->proto);
	mnl_attr_put_u16(request, CTA_PROTO_SRC_PORT, htons(ends[0].port));
	mnl_attr_put_u16(request, CTA_PROTO_DST_PORT, htons(ends[1].port));
	mnl_attr_nest_end(request, nest);
	mnl_attr_nest_end(request, tuple);
}

/* Nobody saw the handshake: windows and their scaling are not known, so packets are not to be judged by them. */
static void put_tcp(struct nlmsghdr *request)
{
	struct nf_ct_tcp_flags lenient = { .flags = IP_CT_TCP_FLAG_BE_LIBERAL, .mask = IP_CT_TCP_FLAG_BE_LIBERAL };
	struct nlattr *info = mnl_attr_nest_start(request, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(request, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(request, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_put(request, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(lenient), &lenient);
	mnl_attr_put(request, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(lenient), &lenient);
	mnl_attr_nest_end(request, tcp);
	mnl_attr_nest_end(request, info);
}

static struct nlmsghdr *start(struct fw_nl *nl, char *buffer, enum fw_family family)
{
	uint16_t type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	struct nlmsghdr *request = fw_nl_nf_message(nl, buffer, type, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	struct nfgenmsg *nf = mnl_nlmsg_get_payload(request);

	nf->nfgen_family = family == FW_IPV4 ? AF_INET : AF_INET6;
	return request;
}

int fw_kernel_track(struct fw_kernel *kernel, const struct fw_socket *socket)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = start(&kernel->netfilter, buffer, socket->family);
	struct end local = { socket->local, socket->local_port }, remote = { socket->remote, socket->remote_port };
	struct end opened[2] = { socket->accepted ? remote : local, socket->accepted ? local : remote };
	struct end answered[2] = { opened[1], opened[0] };
	bool tcp = socket->proto == IPPROTO_TCP;
	uint32_t timeout_s = tcp ? read_timeout(TCP_TIMEOUT_FILE, TCP_TIMEOUT_S) : read_timeout(UDP_TIMEOUT_FILE, UDP_TIMEOUT_S);
	int r;

	put_tuple(request, CTA_TUPLE_ORIG, socket, opened);
	put_tuple(request, CTA_TUPLE_REPLY, socket, answered);
	mnl_attr_put_u32(request, CTA_STATUS, htonl(IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED));
	mnl_attr_put_u32(request, CTA_TIMEOUT, htonl(timeout_s));
	if (tcp)
		put_tcp(request);
	r = fw_nl_talk(&kernel->netfilter, request, NULL, NULL, NULL);
	return r == -EINVAL ? -EPROTONOSUPPORT : r; /* the answer where nobody serves conntrack */
}
