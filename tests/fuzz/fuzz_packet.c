/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz/fuzz_packet.c - heads of packets: a shorter capture never says more than a longer one, and never anything else; what is said fits together. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net/packet.h"

#define SHORTER_MAX 256 /* longer captures are cut off to so many bytes and to each fewer */

/* Out of memory of exactly that length at an odd address, so that the sanitizers see a byte or a word too much. */
static int decode(const uint8_t *data, size_t size, struct fw_packet *ret_packet)
{
	char *copy = malloc(size + 1);

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy + 1, data, size);
	const int r = fw_packet_decode((struct fw_str){ copy + 1, size }, ret_packet);
	free(copy);
	return r;
}

static void check(const struct fw_packet *packet, size_t size)
{
	const uint8_t proto = packet->proto;
	const bool may_have_ports = proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136;

	FUZZ_CHECK(size >= (packet->family == FW_IPV4 ? 20u : 40u));
	FUZZ_CHECK(!packet->is_fragment || !(packet->has_ports || packet->has_icmp || packet->has_tcp_flags));
	FUZZ_CHECK(!packet->has_ports || may_have_ports);
	FUZZ_CHECK(!packet->has_tcp_flags || (proto == 6 && packet->has_ports));
	FUZZ_CHECK(!packet->has_icmp || proto == (packet->family == FW_IPV4 ? 1 : 58));
}

static void compare(const struct fw_packet *less, const struct fw_packet *more)
{
	FUZZ_CHECK(less->family == more->family && less->length == more->length);
	FUZZ_CHECK(fw_u128_compare(less->source, more->source) == 0 && fw_u128_compare(less->destination, more->destination) == 0);
	FUZZ_CHECK(!less->has_ports ||
		   (more->has_ports && less->destination_port == more->destination_port && less->source_port == more->source_port));
	FUZZ_CHECK(!less->has_icmp || (more->has_icmp && less->icmp_type == more->icmp_type && less->icmp_code == more->icmp_code));
	FUZZ_CHECK(!less->has_tcp_flags || (more->has_tcp_flags && less->tcp_flags == more->tcp_flags));
	FUZZ_CHECK(!less->is_fragment || more->is_fragment);
	FUZZ_CHECK(!(less->has_ports || less->has_icmp || less->is_fragment || less->family == FW_IPV4) || less->proto == more->proto);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_packet whole, part;

	const int r = decode(data, size, &whole);
	FUZZ_CHECK(r == 0 || size < 40 || (data[0] >> 4 != 6 && (data[0] >> 4 != 4 || (data[0] & 0x0f) < 5)));
	if (r == 0)
		check(&whole, size);
	for (size_t len = size < SHORTER_MAX ? size : SHORTER_MAX; len-- > 0;) {
		if (decode(data, len, &part) != 0)
			continue;
		FUZZ_CHECK(r == 0);
		check(&part, len);
		compare(&part, &whole);
	}
	return 0;
}
