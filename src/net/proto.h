/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/proto.h - names of IP protocols (IANA protocol-numbers) and of ICMP types (IANA icmp-parameters, icmpv6-parameters). */
#ifndef FW_NET_PROTO_H
#define FW_NET_PROTO_H

#include "base/base.h"

struct fw_proto {
	const char *name;
	uint8_t number;
	bool has_ports; /* tcp, udp, sctp, dccp, udplite */
};

/* Case is folded. NULL: unknown. icmp, icmpv6 (alias ipv6-icmp), gre, esp, ah, ospf, vrrp, igmp, pim, ipip, ipv6 (41), ... */
const struct fw_proto *fw_proto_by_name(struct fw_str name);
const struct fw_proto *fw_proto_by_number(uint8_t number);
/* All known protocols, *ret_len of them, for "did you mean". */
const struct fw_proto *fw_proto_table(size_t *ret_len);

struct fw_icmp_type {
	const char *name;
	uint8_t proto; /* 1 or 58 */
	uint8_t type;
};
/* The names nft and iptables use: echo-request, destination-unreachable, packet-too-big, nd-router-advert ... Case folded. */
const struct fw_icmp_type *fw_icmp_type_by_name(uint8_t proto, struct fw_str name);
const struct fw_icmp_type *fw_icmp_type_by_number(uint8_t proto, uint8_t type);
const struct fw_icmp_type *fw_icmp_type_table(size_t *ret_len);

/* "system" 0-1023, "user" 1024-49151, "dynamic" 49152-65535 (RFC 6335, section 6). */
const char *fw_port_range_name(uint16_t port);

#endif
