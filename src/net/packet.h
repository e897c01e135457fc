/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/packet.h - the head of a captured IP packet as values. The bytes are whatever somebody sent, cut off anywhere. */
#ifndef FW_NET_PACKET_H
#define FW_NET_PACKET_H

#include "net/addr.h"

struct fw_packet {
	enum fw_family family;
	struct fw_u128 source, destination;
	uint8_t proto;   /* of IPv6: after the extension headers that were captured */
	uint32_t length; /* bytes, as the IP header says; with its own for IPv6 */
	bool has_ports;  /* tcp, udp, sctp, dccp, udplite: first fragments with enough of the header */
	uint16_t source_port, destination_port;
	bool has_icmp;
	uint8_t icmp_type, icmp_code;
	bool is_fragment; /* a later one: there is no transport header in it */
	bool has_tcp_flags;
	uint8_t tcp_flags;
};

/* Reads RFC 791, 8200, 9293, 768, 792, 4443 headers. 0; -EBADMSG: no IPv4 or IPv6 header is there whole. What is cut off behind it is left out. */
int fw_packet_decode(struct fw_str bytes, struct fw_packet *ret_packet);

#endif
