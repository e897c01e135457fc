/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/packet.c - the heads of a captured packet. Every byte is looked at only where it is there; a length that a packet tells of itself moves the reader
 * and never lets it read. */
#include "net/packet.h"

#include <errno.h>

#define HEADERS_MAX 16 /* extension headers in a row; more are nobody's honest packet */

enum {
	HOP_BY_HOP = 0,
	ICMP = 1,
	TCP = 6,
	UDP = 17,
	DCCP = 33,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	ICMPV6 = 58,
	DESTINATION = 60,
	SCTP = 132,
	MOBILITY = 135,
	UDPLITE = 136,
};

static uint8_t byte_at(struct fw_str bytes, size_t at)
{
	return (uint8_t)bytes.data[at];
}

static uint16_t be16_at(struct fw_str bytes, size_t at)
{
	return (uint16_t)(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

static struct fw_str behind(struct fw_str bytes, size_t count)
{
	if (count > bytes.len)
		count = bytes.len;
	return (struct fw_str){ bytes.data + count, bytes.len - count };
}

static bool has_ports(uint8_t proto)
{
	return proto == TCP || proto == UDP || proto == DCCP || proto == SCTP || proto == UDPLITE;
}

static void read_transport(struct fw_str bytes, struct fw_packet *packet)
{
	const uint8_t proto = packet->proto;

	if (packet->is_fragment)
		return;
	if (has_ports(proto) && bytes.len >= 4) {
		packet->has_ports = true;
		packet->source_port = be16_at(bytes, 0);
		packet->destination_port = be16_at(bytes, 2);
	}
	if (proto == TCP && bytes.len >= 14) {
		packet->has_tcp_flags = true;
		packet->tcp_flags = byte_at(bytes, 13);
	}
	if (bytes.len >= 2 && proto == (packet->family == FW_IPV4 ? ICMP : ICMPV6)) {
		packet->has_icmp = true;
		packet->icmp_type = byte_at(bytes, 0);
		packet->icmp_code = byte_at(bytes, 1);
	}
}

/* RFC 791, 3.1 */
static int read_ipv4(struct fw_str bytes, struct fw_packet *packet)
{
	if (bytes.len < 20)
		return -EBADMSG;
	const size_t head = (size_t)(byte_at(bytes, 0) & 0x0f) * 4;
	if (head < 20)
		return -EBADMSG;

	packet->family = FW_IPV4;
	packet->length = be16_at(bytes, 2);
	packet->is_fragment = (be16_at(bytes, 6) & 0x1fff) != 0;
	packet->proto = byte_at(bytes, 9);
	packet->source = fw_addr_from_bytes(FW_IPV4, (const uint8_t *)bytes.data + 12);
	packet->destination = fw_addr_from_bytes(FW_IPV4, (const uint8_t *)bytes.data + 16);
	read_transport(behind(bytes, head), packet);
	return 0;
}

static bool is_extension(uint8_t proto)
{
	return proto == HOP_BY_HOP || proto == ROUTING || proto == FRAGMENT || proto == AUTHENTICATION || proto == DESTINATION || proto == MOBILITY;
}

/* Bytes of an extension header of eight bytes at least (RFC 8200, 4; RFC 4302, 2.2 counts in words of four bytes). */
static size_t extension_length(uint8_t proto, struct fw_str bytes)
{
	if (proto == FRAGMENT)
		return 8;
	if (proto == AUTHENTICATION)
		return ((size_t)byte_at(bytes, 1) + 2) * 4;
	return ((size_t)byte_at(bytes, 1) + 1) * 8;
}

/* The protocol behind the extension headers; where one was cut off it is what stands before. Whether a transport header may follow. */
static bool skip_extensions(struct fw_str *bytes, struct fw_packet *packet)
{
	for (unsigned int i = 0; is_extension(packet->proto); i++) {
		if (i == HEADERS_MAX || bytes->len < 8)
			return false;
		const size_t len = extension_length(packet->proto, *bytes);
		if (packet->proto == FRAGMENT && (be16_at(*bytes, 2) & 0xfff8) != 0)
			packet->is_fragment = true;
		packet->proto = byte_at(*bytes, 0);
		if (packet->is_fragment)
			return false; /* what follows is the middle of something */
		if (len > bytes->len)
			return false;
		*bytes = behind(*bytes, len);
	}
	return true;
}

/* RFC 8200, 3 */
static int read_ipv6(struct fw_str bytes, struct fw_packet *packet)
{
	if (bytes.len < 40)
		return -EBADMSG;

	packet->family = FW_IPV6;
	packet->length = be16_at(bytes, 4) + 40u;
	packet->proto = byte_at(bytes, 6);
	packet->source = fw_addr_from_bytes(FW_IPV6, (const uint8_t *)bytes.data + 8);
	packet->destination = fw_addr_from_bytes(FW_IPV6, (const uint8_t *)bytes.data + 24);
	struct fw_str rest = behind(bytes, 40);
	if (skip_extensions(&rest, packet))
		read_transport(rest, packet);
	return 0;
}

int fw_packet_decode(struct fw_str bytes, struct fw_packet *ret_packet)
{
	struct fw_packet packet = { .proto = 0 };
	int r = -EBADMSG;

	if (bytes.len > 0 && byte_at(bytes, 0) >> 4 == 4)
		r = read_ipv4(bytes, &packet);
	else if (bytes.len > 0 && byte_at(bytes, 0) >> 4 == 6)
		r = read_ipv6(bytes, &packet);
	if (r == 0)
		*ret_packet = packet;
	return r;
}
