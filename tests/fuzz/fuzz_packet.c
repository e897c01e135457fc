/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz/fuzz_packet.c - heads of packets: a shorter capture never says more than a longer one, and never anything else. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net/packet.h"

static void compare(const struct fw_packet *less, const struct fw_packet *more)
{
	FUZZ_CHECK(less->family == more->family && less->length == more->length);
	FUZZ_CHECK(fw_u128_compare(less->source, more->source) == 0 && fw_u128_compare(less->destination, more->destination) == 0);
	FUZZ_CHECK(!less->has_ports || (more->has_ports && less->destination_port == more->destination_port && less->source_port == more->source_port));
	FUZZ_CHECK(!less->has_icmp || (more->has_icmp && less->icmp_type == more->icmp_type));
	FUZZ_CHECK(!less->has_tcp_flags || (more->has_tcp_flags && less->tcp_flags == more->tcp_flags));
	FUZZ_CHECK(!less->is_fragment || more->is_fragment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_packet whole, part;
	char *copy = malloc(size + 1);
	if (!copy)
		return 0;

	memcpy(copy, data, size);
	if (fw_packet_decode((struct fw_str){ copy, size }, &whole) == 0)
		for (size_t len = size < 128 ? size : 128; len-- > 0;)
			if (fw_packet_decode((struct fw_str){ copy, len }, &part) == 0)
				compare(&part, &whole);
	free(copy);
	return 0;
}
