/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/addr.c - 128-bit arithmetic on addresses, their texts in and out. The IPv4 reader is written by hand: address files have a million lines. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int fw_u128_compare(struct fw_u128 a, struct fw_u128 b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return (a.lo > b.lo) - (a.lo < b.lo);
}

struct fw_u128 fw_u128_next(struct fw_u128 a)
{
	a.lo++;
	a.hi += a.lo == 0;
	return a;
}

struct fw_u128 fw_u128_prev(struct fw_u128 a)
{
	a.hi -= a.lo == 0;
	a.lo--;
	return a;
}

unsigned int fw_family_bits(enum fw_family family)
{
	return family == FW_IPV4 ? 32 : 128;
}

struct fw_u128 fw_family_max(enum fw_family family)
{
	return family == FW_IPV4 ? (struct fw_u128){ 0, UINT32_MAX } : (struct fw_u128){ UINT64_MAX, UINT64_MAX };
}

/* The lowest `bits` bits set. */
static struct fw_u128 low_mask(unsigned int bits)
{
	if (bits >= 128)
		return (struct fw_u128){ UINT64_MAX, UINT64_MAX };
	if (bits >= 64)
		return (struct fw_u128){ (UINT64_C(1) << (bits - 64)) - 1, UINT64_MAX };
	return (struct fw_u128){ 0, (UINT64_C(1) << bits) - 1 };
}

struct fw_range fw_range_prefix(enum fw_family family, struct fw_u128 address, unsigned int length)
{
	const struct fw_u128 host = low_mask(fw_family_bits(family) - length);
	const struct fw_u128 low = { address.hi & ~host.hi, address.lo & ~host.lo };

	return (struct fw_range){ low, { low.hi | host.hi, low.lo | host.lo } };
}

bool fw_range_is_prefix(enum fw_family family, struct fw_range range, unsigned int *ret_length)
{
	const struct fw_u128 host = { range.low.hi ^ range.high.hi, range.low.lo ^ range.high.lo };
	unsigned int bits = host.hi ? 128 - (unsigned int)__builtin_clzll(host.hi) :
			    host.lo ? 64 - (unsigned int)__builtin_clzll(host.lo) :
				      0;
	const struct fw_u128 mask = low_mask(bits);

	if (fw_u128_compare(host, mask) != 0 || (range.low.hi & mask.hi) || (range.low.lo & mask.lo))
		return false;
	*ret_length = fw_family_bits(family) - bits;
	return true;
}

static unsigned int trailing_zeros(struct fw_u128 a)
{
	return a.lo ? (unsigned int)__builtin_ctzll(a.lo) : a.hi ? 64 + (unsigned int)__builtin_ctzll(a.hi) : 128;
}

bool fw_range_take_prefix(enum fw_family family, struct fw_range *range, struct fw_range *ret_prefix)
{
	const unsigned int bits = fw_family_bits(family), zeros = trailing_zeros(range->low);
	unsigned int length = zeros < bits ? bits - zeros : 0;

	*ret_prefix = *range;
	if (fw_range_is_prefix(family, *range, &(unsigned int){ 0 }))
		return false;
	do {
		*ret_prefix = fw_range_prefix(family, range->low, length++);
	} while (fw_u128_compare(ret_prefix->high, range->high) > 0);
	range->low = fw_u128_next(ret_prefix->high);
	return true;
}

size_t fw_addr_to_bytes(enum fw_family family, struct fw_u128 address, uint8_t ret_bytes[16])
{
	if (family == FW_IPV4) {
		for (unsigned int i = 0; i < 4; i++)
			ret_bytes[i] = (uint8_t)(address.lo >> (24 - 8 * i));
		return 4;
	}
	for (unsigned int i = 0; i < 8; i++) {
		ret_bytes[i] = (uint8_t)(address.hi >> (56 - 8 * i));
		ret_bytes[8 + i] = (uint8_t)(address.lo >> (56 - 8 * i));
	}
	return 16;
}

struct fw_u128 fw_addr_from_bytes(enum fw_family family, const uint8_t *bytes)
{
	struct fw_u128 address = { 0, 0 };

	if (family == FW_IPV4) {
		for (unsigned int i = 0; i < 4; i++)
			address.lo = address.lo << 8 | bytes[i];
		return address;
	}
	for (unsigned int i = 0; i < 8; i++) {
		address.hi = address.hi << 8 | bytes[i];
		address.lo = address.lo << 8 | bytes[8 + i];
	}
	return address;
}

/* One decimal part of a dotted quad: bytes taken, or 0. */
static size_t parse_part(struct fw_str s, uint32_t *ret_value)
{
	uint32_t value = 0;
	size_t len = 0;

	while (len < s.len && len < 3 && s.data[len] >= '0' && s.data[len] <= '9')
		value = value * 10 + (uint32_t)(s.data[len++] - '0');
	if (len == 0 || value > 255 || (len > 1 && s.data[0] == '0'))
		return 0;
	*ret_value = value;
	return len;
}

static bool parse_ipv4(struct fw_str s, struct fw_u128 *ret_address)
{
	uint64_t address = 0;

	for (unsigned int i = 0; i < 4; i++) {
		uint32_t part;
		const size_t len = parse_part(s, &part);
		const bool last = i == 3;
		if (len == 0 || (last ? len != s.len : len == s.len || s.data[len] != '.'))
			return false;
		s.data += len + !last;
		s.len -= len + !last;
		address = address << 8 | part;
	}
	*ret_address = (struct fw_u128){ 0, address };
	return true;
}

static bool parse_ipv6(struct fw_str s, struct fw_u128 *ret_address)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.data, '\0', s.len))
		return false;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return false;
	*ret_address = fw_addr_from_bytes(FW_IPV6, bytes);
	return true;
}

static bool parse_address(struct fw_str s, enum fw_family *ret_family, struct fw_u128 *ret_address)
{
	if (parse_ipv4(s, ret_address)) {
		*ret_family = FW_IPV4;
		return true;
	}
	*ret_family = FW_IPV6;
	return parse_ipv6(s, ret_address);
}

static enum fw_addr_error parse_prefix(enum fw_family family, struct fw_u128 address, struct fw_str length_text, struct fw_range *ret_range)
{
	uint64_t length;

	if (length_text.len > 3 || fw_str_parse_u64(length_text, fw_family_bits(family), &length) < 0 ||
	    (length_text.len > 1 && length_text.data[0] == '0'))
		return FW_ADDR_LENGTH;
	*ret_range = fw_range_prefix(family, address, (unsigned int)length);
	return fw_u128_compare(ret_range->low, address) == 0 ? FW_ADDR_OK : FW_ADDR_HOST_BITS;
}

static enum fw_addr_error parse_range(enum fw_family family, struct fw_u128 low, struct fw_str high_text, struct fw_range *ret_range)
{
	enum fw_family high_family;
	struct fw_u128 high;

	if (!parse_address(high_text, &high_family, &high))
		return FW_ADDR_BAD;
	if (high_family != family)
		return FW_ADDR_MIXED;
	if (fw_u128_compare(low, high) > 0)
		return FW_ADDR_ORDER;
	*ret_range = (struct fw_range){ low, high };
	return FW_ADDR_OK;
}

static size_t find_separator(struct fw_str text)
{
	size_t at = 0;

	while (at < text.len && text.data[at] != '/' && text.data[at] != '-')
		at++;
	return at;
}

enum fw_addr_error fw_addr_parse(struct fw_str text, enum fw_family *ret_family, struct fw_range *ret_range)
{
	const size_t at = find_separator(text);
	enum fw_family family;
	struct fw_u128 address;

	if (!parse_address((struct fw_str){ text.data, at }, &family, &address))
		return FW_ADDR_BAD;
	*ret_family = family;
	if (at == text.len) {
		*ret_range = (struct fw_range){ address, address };
		return FW_ADDR_OK;
	}
	const struct fw_str rest = { text.data + at + 1, text.len - at - 1 };
	return text.data[at] == '/' ? parse_prefix(family, address, rest, ret_range) : parse_range(family, address, rest, ret_range);
}

static void print_address(struct fw_buf *buf, enum fw_family family, struct fw_u128 address)
{
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t bytes[16];

	fw_addr_to_bytes(family, address, bytes);
	inet_ntop(family == FW_IPV4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	fw_buf_puts(buf, text);
}

void fw_addr_print(struct fw_buf *buf, enum fw_family family, struct fw_range range)
{
	unsigned int length;

	print_address(buf, family, range.low);
	if (fw_u128_compare(range.low, range.high) == 0)
		return;
	if (fw_range_is_prefix(family, range, &length)) {
		fw_buf_printf(buf, "/%u", length);
		return;
	}
	fw_buf_putc(buf, '-');
	print_address(buf, family, range.high);
}
