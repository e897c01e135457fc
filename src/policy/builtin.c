/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/builtin.c - what a host needs in order to work at all, as tables: the names of the built-in rules, and the cases that they take. The
 * manual of the language says the same in words. */
#include <linux/netfilter/nf_conntrack_common.h>

#include "policy/policy.h"

#define IN (1u << FW_IN)
#define OUT (1u << FW_OUT)
#define FORWARD (1u << FW_FORWARD)

static const struct {
	const char *name;
	unsigned int directions;
} builtins[FW_BUILTINS] = {
	[FW_BUILTIN_LOOPBACK] = { "loopback", IN | OUT },
	[FW_BUILTIN_ESTABLISHED] = { "established", IN | OUT | FORWARD },
	[FW_BUILTIN_ICMP_ERRORS] = { "icmp-errors", IN | OUT | FORWARD },
	[FW_BUILTIN_NEIGHBOUR] = { "neighbour", IN | OUT },
	[FW_BUILTIN_DHCP_CLIENT] = { "dhcp-client", IN | OUT },
	[FW_BUILTIN_RELATED] = { "related", IN | OUT | FORWARD },
	[FW_BUILTIN_INVALID] = { "invalid", IN | OUT | FORWARD },
	[FW_BUILTIN_PING] = { "ping", IN },
};

const char *fw_builtin_name(enum fw_builtin builtin)
{
	return builtins[builtin].name;
}

bool fw_builtin_applies(enum fw_builtin builtin, enum fw_direction direction)
{
	return builtins[builtin].directions & 1u << direction;
}

/* Values as ranges. */
#define ONE(n) { { 0, (n) }, { 0, (n) } }
#define SPAN(a, b) { { 0, (a) }, { 0, (b) } }
#define LINK_LOCAL { { 0xfe80000000000000, 0 }, { 0xfebfffffffffffff, UINT64_MAX } }
static const struct fw_range icmp[] = { ONE(1) }, igmp[] = { ONE(2) }, udp[] = { ONE(17) }, icmpv6[] = { ONE(58) };
static const struct fw_range tcp_udp[] = { ONE(6), ONE(17) };
static const struct fw_range errors4[] = { ONE(3), SPAN(11, 12) }, errors6[] = { SPAN(1, 4) };
static const struct fw_range neighbour[] = { ONE(133), SPAN(135, 136), SPAN(141, 142), SPAN(148, 149) };
static const struct fw_range router[] = { ONE(134) };
static const struct fw_range multicast[] = { SPAN(130, 132), ONE(143), SPAN(151, 153) };
static const struct fw_range link_local[] = { LINK_LOCAL }, link_local_or_none[] = { ONE(0), LINK_LOCAL };
static const struct fw_range loopback4[] = { SPAN(0x7f000000, 0x7fffffff) }, loopback6[] = { ONE(1) };
static const struct fw_range port_67[] = { ONE(67) }, port_68[] = { ONE(68) }, port_546[] = { ONE(546) }, port_547[] = { ONE(547) };
static const struct fw_range echo4[] = { ONE(8) }, echo6[] = { ONE(128) }, high_ports[] = { SPAN(1024, 65535) };

#define SET(v) { (v), FW_ARRAY_SIZE(v) }
#define STATE(s) .states = NF_CT_STATE_BIT(s)
#define INVALID .states = NF_CT_STATE_INVALID_BIT
#define V4 .one_family = true, .family = FW_IPV4
#define V6 .one_family = true, .family = FW_IPV6
#define BOTH (IN | OUT)
#define ALL (IN | OUT | FORWARD)

static const struct fw_builtin_case cases[] = {
	{ FW_BUILTIN_LOOPBACK, BOTH, FW_ALLOW, .on_lo = true },
	{ FW_BUILTIN_LOOPBACK, BOTH, FW_DENY, V4, .from = SET(loopback4) },
	{ FW_BUILTIN_LOOPBACK, BOTH, FW_DENY, V4, .to = SET(loopback4) },
	{ FW_BUILTIN_LOOPBACK, BOTH, FW_DENY, V6, .from = SET(loopback6) },
	{ FW_BUILTIN_LOOPBACK, BOTH, FW_DENY, V6, .to = SET(loopback6) },
	{ FW_BUILTIN_ESTABLISHED, ALL, FW_ALLOW, STATE(IP_CT_ESTABLISHED) },
	{ FW_BUILTIN_ICMP_ERRORS, ALL, FW_ALLOW, V4, .protos = SET(icmp), .ports = SET(errors4) },
	{ FW_BUILTIN_ICMP_ERRORS, ALL, FW_ALLOW, V6, .protos = SET(icmpv6), .ports = SET(errors6) },
	{ FW_BUILTIN_NEIGHBOUR, BOTH, FW_ALLOW, V6, .protos = SET(icmpv6), .ports = SET(neighbour), .hop_limit_255 = true },
	{ FW_BUILTIN_NEIGHBOUR, BOTH, FW_ALLOW, V6, .protos = SET(icmpv6), .ports = SET(router), .hop_limit_255 = true, .from = SET(link_local) },
	{ FW_BUILTIN_NEIGHBOUR, BOTH, FW_ALLOW, V6, .protos = SET(icmpv6), .ports = SET(multicast), .from = SET(link_local_or_none) },
	{ FW_BUILTIN_NEIGHBOUR, BOTH, FW_ALLOW, V4, .protos = SET(igmp) },
	{ FW_BUILTIN_DHCP_CLIENT, OUT, FW_ALLOW, V4, .protos = SET(udp), .source_ports = SET(port_68), .ports = SET(port_67) },
	{ FW_BUILTIN_DHCP_CLIENT, OUT, FW_ALLOW, V6, .protos = SET(udp), .source_ports = SET(port_546), .ports = SET(port_547) },
	{ FW_BUILTIN_DHCP_CLIENT, IN, FW_ALLOW, V4, .protos = SET(udp), .source_ports = SET(port_67), .ports = SET(port_68) },
	{ FW_BUILTIN_DHCP_CLIENT, IN, FW_ALLOW, V6, .protos = SET(udp), .source_ports = SET(port_547), .ports = SET(port_546), .to = SET(link_local) },
	{ FW_BUILTIN_RELATED, ALL, FW_ALLOW, STATE(IP_CT_RELATED), .protos = SET(tcp_udp), .ports = SET(high_ports), .by_helper = true },
	{ FW_BUILTIN_INVALID, ALL, FW_DENY, INVALID },
	{ FW_BUILTIN_PING, IN, FW_ALLOW, V4, .protos = SET(icmp), .ports = SET(echo4) },
	{ FW_BUILTIN_PING, IN, FW_ALLOW, V6, .protos = SET(icmpv6), .ports = SET(echo6) },
};

const struct fw_builtin_case *fw_builtin_cases(size_t *ret_count)
{
	*ret_count = FW_ARRAY_SIZE(cases);
	return cases;
}
