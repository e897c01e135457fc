/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/proto.c - tables of protocol numbers (IANA protocol-numbers) and ICMP types (IANA icmp-parameters, icmpv6-parameters), by the names that nft and
 * iptables use. */
#include "net/proto.h"

static const struct fw_proto protos[] = {
	{ "tcp", 6, true },	   { "udp", 17, true },	    { "sctp", 132, true },     { "dccp", 33, true },
	{ "udplite", 136, true },  { "icmp", 1, false },    { "icmpv6", 58, false },   { "ipv6-icmp", 58, false },
	{ "igmp", 2, false },	   { "ggp", 3, false },	    { "ipip", 4, false },      { "ipencap", 4, false },
	{ "egp", 8, false },	   { "igp", 9, false },	    { "ipv6", 41, false },     { "rsvp", 46, false },
	{ "rdp", 27, false },	   { "gre", 47, false },	   { "esp", 50, false },    { "ah", 51, false },       { "skip", 57, false },
	{ "eigrp", 88, false },	   { "ospf", 89, false },   { "ax25", 93, false },     { "etherip", 97, false },
	{ "encap", 98, false },	   { "pim", 103, false },   { "ipcomp", 108, false },  { "vrrp", 112, false },
	{ "carp", 112, false },	   { "pgm", 113, false },   { "l2tp", 115, false },    { "isis", 124, false },
	{ "fc", 133, false },	   { "mobility-header", 135, false },		       { "mpls-in-ip", 137, false },
	{ "manet", 138, false },   { "hip", 139, false },   { "shim6", 140, false },   { "wesp", 141, false },
	{ "rohc", 142, false },	   { "ethernet", 143, false },
};

static const struct fw_icmp_type icmp_types[] = {
	{ "echo-reply", 1, 0 },
	{ "destination-unreachable", 1, 3 },
	{ "source-quench", 1, 4 },
	{ "redirect", 1, 5 },
	{ "echo-request", 1, 8 },
	{ "router-advertisement", 1, 9 },
	{ "router-solicitation", 1, 10 },
	{ "time-exceeded", 1, 11 },
	{ "parameter-problem", 1, 12 },
	{ "timestamp-request", 1, 13 },
	{ "timestamp-reply", 1, 14 },
	{ "info-request", 1, 15 },
	{ "info-reply", 1, 16 },
	{ "address-mask-request", 1, 17 },
	{ "address-mask-reply", 1, 18 },
	{ "destination-unreachable", 58, 1 },
	{ "packet-too-big", 58, 2 },
	{ "time-exceeded", 58, 3 },
	{ "parameter-problem", 58, 4 },
	{ "echo-request", 58, 128 },
	{ "echo-reply", 58, 129 },
	{ "mld-listener-query", 58, 130 },
	{ "mld-listener-report", 58, 131 },
	{ "mld-listener-done", 58, 132 },
	{ "mld-listener-reduction", 58, 132 },
	{ "nd-router-solicit", 58, 133 },
	{ "router-solicitation", 58, 133 },
	{ "nd-router-advert", 58, 134 },
	{ "router-advertisement", 58, 134 },
	{ "nd-neighbor-solicit", 58, 135 },
	{ "neighbour-solicitation", 58, 135 },
	{ "neighbor-solicitation", 58, 135 },
	{ "nd-neighbor-advert", 58, 136 },
	{ "neighbour-advertisement", 58, 136 },
	{ "neighbor-advertisement", 58, 136 },
	{ "nd-redirect", 58, 137 },
	{ "redirect", 58, 137 },
	{ "router-renumbering", 58, 138 },
	{ "ind-neighbor-solicit", 58, 141 },
	{ "ind-neighbor-advert", 58, 142 },
	{ "mld2-listener-report", 58, 143 },
};

const struct fw_proto *fw_proto_by_name(struct fw_str name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(protos); i++)
		if (fw_str_equal_fold(fw_str_from(protos[i].name), name))
			return &protos[i];
	return NULL;
}

const struct fw_proto *fw_proto_by_number(uint8_t number)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(protos); i++)
		if (protos[i].number == number)
			return &protos[i];
	return NULL;
}

const struct fw_proto *fw_proto_table(size_t *ret_len)
{
	*ret_len = FW_ARRAY_SIZE(protos);
	return protos;
}

const struct fw_icmp_type *fw_icmp_type_by_name(uint8_t proto, struct fw_str name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(icmp_types); i++)
		if (icmp_types[i].proto == proto && fw_str_equal_fold(fw_str_from(icmp_types[i].name), name))
			return &icmp_types[i];
	return NULL;
}

const struct fw_icmp_type *fw_icmp_type_by_number(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(icmp_types); i++)
		if (icmp_types[i].proto == proto && icmp_types[i].type == type)
			return &icmp_types[i];
	return NULL;
}

const struct fw_icmp_type *fw_icmp_type_table(size_t *ret_len)
{
	*ret_len = FW_ARRAY_SIZE(icmp_types);
	return icmp_types;
}

const char *fw_port_range_name(uint16_t port)
{
	if (port < 1024)
		return "system";
	return port < 49152 ? "user" : "dynamic";
}
