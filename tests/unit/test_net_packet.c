/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heads of packets, made by hand from RFC 791, 8200, 9293, 768, 792, 4443, 4302. Each is read whole and cut off behind each of its bytes, out of memory
 * of exactly that length at an odd address: with sanitizers, a byte or a word too much is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/packet.h"

/* Hexadecimal digits and blanks. From 192.0.2.7 to 198.51.100.1, 2001:db8::7 to 2001:db8::1; from port 40000 to 443. */
#define V4(length, fragment, proto) "45b8 " length "0001 " fragment "40 " proto "0000 c0000207 c6336401 "
#define V6(payload, next) "6b800005 " payload next "40 20010db8000000000000000000000007 20010db8000000000000000000000001 "
#define PORTS "9c40 01bb "
#define TCP PORTS "00000001 00000002 5012 2000 00000000 "
#define UDP PORTS "0008 0000 "
#define ICMP "0d05 0000 9c40 0001 "
#define EXT(next) next "00 0104 00000000 "
#define EXT24(next) next "02 0114 00000000 0000000000000000 0000000000000000 "
#define FRAG(next, offset) next "00 " offset "00000005 "
#define AH(next) next "04 0000 00000100 00000001 000000000000000000000000 "
#define FOUR(x) x x x x

struct sort {
	const char *name, *hex;
	uint32_t length;
	uint8_t proto;
	size_t transport; /* where the transport header begins that is to be told of; 0 for none */
	size_t fragment_end; /* from so many bytes on it is a later fragment; 0 for never */
};

static const struct sort sorts[] = {
	{ "tcp", V4("0028", "4000", "06") TCP, 40, 6, 20, 0 },
	{ "udp", V4("001c", "0000", "11") UDP, 28, 17, 20, 0 },
	{ "udplite", V4("001c", "0000", "88") UDP, 28, 136, 20, 0 },
	{ "sctp", V4("0020", "0000", "84") PORTS "00000001 00000000 ", 32, 132, 20, 0 },
	{ "dccp", V4("0020", "0000", "21") PORTS "03000000 00000001 ", 32, 33, 20, 0 },
	{ "icmp", V4("001c", "0000", "01") ICMP, 28, 1, 20, 0 },
	{ "gre", V4("001c", "0000", "2f") UDP, 28, 47, 0, 0 },
	{ "icmpv6 in IPv4", V4("001c", "0000", "3a") ICMP, 28, 58, 0, 0 },
	{ "ah in IPv4", V4("0040", "0000", "33") AH("06") TCP, 64, 51, 0, 0 },
	{ "hop-by-hop in IPv4", V4("001c", "0000", "00") EXT("06"), 28, 0, 0, 0 },
	{ "nothing behind the header", V4("0014", "0000", "06"), 20, 6, 0, 0 },
	{ "length of 0", V4("0000", "0000", "06") TCP, 0, 6, 20, 0 },
	{ "options", "46b8002c 00010000 40060000 c0000207 c6336401 94040000 " TCP, 44, 6, 24, 0 },
	{ "most options", "4fb80044 00010000 40110000 c0000207 c6336401 " FOUR("0101010101010101 ") "0101010101010100 " UDP, 68, 17, 60,
	  0 },
	{ "first fragment", V4("001c", "2000", "11") UDP, 28, 17, 20, 0 },
	{ "middle fragment", V4("001c", "2003", "11") UDP, 28, 17, 0, 20 },
	{ "last fragment", V4("0028", "0003", "06") TCP, 40, 6, 0, 20 },
	{ "far fragment", V4("001c", "2100", "11") UDP, 28, 17, 0, 20 },
	{ "icmp fragment", V4("001c", "1fff", "01") ICMP, 28, 1, 0, 20 },
	{ "tcp6", V6("0014", "06") TCP, 60, 6, 40, 0 },
	{ "udp6", V6("0008", "11") UDP, 48, 17, 40, 0 },
	{ "udplite6", V6("0008", "88") UDP, 48, 136, 40, 0 },
	{ "sctp6", V6("000c", "84") PORTS "00000001 00000000 ", 52, 132, 40, 0 },
	{ "dccp6", V6("000c", "21") PORTS "03000000 00000001 ", 52, 33, 40, 0 },
	{ "icmpv6", V6("0008", "3a") ICMP, 48, 58, 40, 0 },
	{ "icmp in IPv6", V6("0008", "01") ICMP, 48, 1, 0, 0 },
	{ "no next header", V6("0008", "3b") UDP, 48, 59, 0, 0 },
	{ "esp", V6("0008", "32") "00000100 00000001 ", 48, 50, 0, 0 },
	{ "longest payload", V6("ffff", "11") UDP, 65575, 17, 40, 0 },
	{ "hop-by-hop", V6("001c", "00") EXT("06") TCP, 68, 6, 48, 0 },
	{ "routing", V6("0020", "2b") EXT24("11") UDP, 72, 17, 64, 0 },
	{ "destination options", V6("0010", "3c") EXT("3a") ICMP, 56, 58, 48, 0 },
	{ "mobility, alone", V6("0008", "87") EXT("3b"), 48, 59, 0, 0 },
	{ "mobility, with something behind it", V6("0010", "87") EXT("11") UDP, 56, 17, 48, 0 },
	{ "authentication", V6("002c", "33") AH("06") TCP, 84, 6, 64, 0 },
	{ "shortest authentication", V6("0010", "33") EXT("11") UDP, 56, 17, 48, 0 },
	{ "authentication of 12 bytes", V6("0014", "33") "1101 0000 00000100 00000001 " UDP, 60, 17, 52, 0 },
	{ "one of each", V6("006c", "00") EXT("3c") EXT24("2b") EXT("2c") FRAG("33", "0000") AH("3c") EXT("87") EXT("06") TCP, 148, 6, 128,
	  0 },
	{ "atomic fragment", V6("0010", "2c") FRAG("11", "0000") UDP, 56, 17, 48, 0 },
	{ "first fragment6", V6("0010", "2c") FRAG("11", "0001") UDP, 56, 17, 48, 0 },
	{ "reserved bits of a fragment", V6("0010", "2c") "11ff 0006 00000005 " UDP, 56, 17, 48, 0 },
	{ "middle fragment6", V6("0010", "2c") FRAG("11", "0009") UDP, 56, 17, 0, 48 },
	{ "last fragment6", V6("001c", "2c") FRAG("06", "fff8") TCP, 68, 6, 0, 48 },
	{ "icmpv6 fragment", V6("0018", "00") EXT("2c") FRAG("3a", "0008") ICMP, 64, 58, 0, 56 },
	{ "middle that looks like options", V6("0018", "2c") FRAG("3c", "0009") EXT("06") UDP, 64, 60, 0, 48 },
	{ "options in the first fragment", V6("0018", "2c") FRAG("3c", "0001") EXT("11") UDP, 64, 17, 56, 0 },
	{ "longest options, cut off", V6("0808", "00") "11ff 0104 00000000 " UDP, 2096, 17, 0, 0 },
	{ "longest authentication, cut off", V6("0404", "33") "06ff 0000 00000000 " TCP, 1068, 6, 0, 0 },
	{ "16 headers", V6("0088", "3c") FOUR(EXT("3c")) FOUR(EXT("3c")) FOUR(EXT("3c")) EXT("3c") EXT("3c") EXT("3c") EXT("11") UDP, 176,
	  17, 168, 0 },
	{ "17 headers", V6("0090", "3c") FOUR(EXT("3c")) FOUR(EXT("3c")) FOUR(EXT("3c")) FOUR(EXT("3c")) EXT("11") UDP, 184, 60, 0, 0 },
};
#define SORTS (sizeof(sorts) / sizeof(*sorts))

static unsigned int digit(char c)
{
	return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)(c - 'a' + 10);
}

static size_t read_hex(const char *hex, char ret_bytes[256])
{
	size_t digits = 0;

	memset(ret_bytes, 0, 256);
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		assert_true(digits < 512);
		ret_bytes[digits / 2] = (char)(digits % 2 ? ((unsigned int)ret_bytes[digits / 2] | digit(*hex)) : digit(*hex) << 4);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

static int decode(const char *bytes, size_t len, struct fw_packet *ret_packet)
{
	char *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy + 1, bytes, len);
	memset(ret_packet, 0xee, sizeof(*ret_packet)); /* what is left from before must not be taken for an answer */
	const int r = fw_packet_decode((struct fw_str){ copy + 1, len }, ret_packet);
	free(copy);
	return r;
}

static bool is_extension(uint8_t proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60 || proto == 135;
}

static void check_addresses(const struct fw_packet *packet, bool is_v6)
{
	const struct fw_u128 source = is_v6 ? (struct fw_u128){ 0x20010db800000000, 7 } : (struct fw_u128){ 0, 0xc0000207 };
	const struct fw_u128 destination = is_v6 ? (struct fw_u128){ 0x20010db800000000, 1 } : (struct fw_u128){ 0, 0xc6336401 };

	assert_int_equal(packet->family, is_v6 ? FW_IPV6 : FW_IPV4);
	assert_int_equal(fw_u128_compare(packet->source, source), 0);
	assert_int_equal(fw_u128_compare(packet->destination, destination), 0);
}

/* What has to be said of the first `len` bytes: nothing less, nothing more. */
static void check_told(const struct sort *sort, const struct fw_packet *packet, size_t len)
{
	const bool is_v6 = sort->hex[0] == '6', is_icmp = sort->proto == (is_v6 ? 58 : 1);
	const size_t there = sort->transport != 0 && len > sort->transport ? len - sort->transport : 0;

	check_addresses(packet, is_v6);
	assert_int_equal(packet->length, sort->length);
	assert_int_equal(packet->is_fragment, sort->fragment_end != 0 && len >= sort->fragment_end);
	assert_int_equal(packet->has_ports, !is_icmp && there >= 4);
	assert_int_equal(packet->has_tcp_flags, sort->proto == 6 && there >= 14);
	assert_int_equal(packet->has_icmp, is_icmp && there >= 2);
	if (packet->has_ports)
		assert_true(packet->source_port == 40000 && packet->destination_port == 443);
	if (packet->has_tcp_flags)
		assert_int_equal(packet->tcp_flags, 0x12);
	if (packet->has_icmp)
		assert_true(packet->icmp_type == 13 && packet->icmp_code == 5);
	if (!packet->has_ports && !packet->has_icmp && !packet->has_tcp_flags)
		assert_true(packet->proto == sort->proto || (is_v6 && is_extension(packet->proto)));
	else
		assert_int_equal(packet->proto, sort->proto);
}

static void one_sort(void **state)
{
	const struct sort *sort = &sorts[*(const size_t *)*state];
	const size_t head = sort->hex[0] == '6' ? 40 : 20;
	struct fw_packet packet;
	char bytes[256];
	const size_t whole = read_hex(sort->hex, bytes);

	assert_true(whole >= head && whole >= sort->transport && whole >= sort->fragment_end);
	for (size_t len = 0; len <= whole; len++) {
		assert_int_equal(decode(bytes, len, &packet), len < head ? -EBADMSG : 0);
		if (len >= head)
			check_told(sort, &packet, len);
	}
	assert_int_equal(packet.proto, sort->proto);
}

/* The protocol is the one behind the last extension header whose first eight bytes are there. */
static void proto_cut_off(void **state)
{
	static const uint8_t protos[] = { 0, 60, 43, 17 };
	struct fw_packet packet;
	char bytes[256];
	const size_t len = read_hex(V6("0020", "00") EXT("3c") EXT("2b") EXT("11") UDP, bytes);

	(void)state;
	for (size_t at = 40; at <= len; at++) {
		assert_int_equal(decode(bytes, at, &packet), 0);
		assert_int_equal(packet.proto, protos[at >= 64 ? 3 : (at - 40) / 8]);
	}
}

static void no_packet(void **state)
{
	struct fw_packet packet;
	char bytes[256];

	(void)state;
	assert_int_equal(fw_packet_decode((struct fw_str){ NULL, 0 }, &packet), -EBADMSG);
	for (unsigned int first = 0; first < 256; first++) {
		const unsigned int version = first >> 4, words = first & 0x0f;
		const size_t len = read_hex(V6("0014", "06") TCP, bytes);
		bytes[0] = (char)first;
		const bool is_packet = version == 6 || (version == 4 && words >= 5);
		assert_int_equal(decode(bytes, len, &packet), is_packet ? 0 : -EBADMSG);
	}
}

int main(void)
{
	struct CMUnitTest tests[SORTS + 2] = { cmocka_unit_test(proto_cut_off), cmocka_unit_test(no_packet) };
	size_t index[SORTS];

	for (size_t i = 0; i < SORTS; i++) {
		index[i] = i;
		tests[i + 2] = (struct CMUnitTest){ sorts[i].name, one_sort, NULL, NULL, &index[i] };
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
