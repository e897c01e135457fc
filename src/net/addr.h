/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net/addr.h - addresses, prefixes and ranges as 128-bit numbers. An IPv4 address is its 32 bits in `lo`. */
#ifndef FW_NET_ADDR_H
#define FW_NET_ADDR_H

#include "base/base.h"
#include "base/buf.h"

struct fw_u128 {
	uint64_t hi, lo;
};

enum fw_family { FW_IPV4, FW_IPV6 };
#define FW_FAMILIES 2

struct fw_range { /* both ends belong to it; low <= high */
	struct fw_u128 low, high;
};

int fw_u128_compare(struct fw_u128 a, struct fw_u128 b);
struct fw_u128 fw_u128_next(struct fw_u128 a); /* a + 1, wraps */
struct fw_u128 fw_u128_prev(struct fw_u128 a);
unsigned int fw_family_bits(enum fw_family family);      /* 32, 128 */
struct fw_u128 fw_family_max(enum fw_family family);     /* the highest address */
struct fw_range fw_range_prefix(enum fw_family family, struct fw_u128 address, unsigned int length); /* host bits cleared */
/* True, with the length, where the range is exactly one prefix. */
bool fw_range_is_prefix(enum fw_family family, struct fw_range range, unsigned int *ret_length);

/* Cuts the first prefix off a range; false where that was all of it. A range is at most twice as many prefixes as an address has bits. */
bool fw_range_take_prefix(enum fw_family family, struct fw_range *range, struct fw_range *ret_prefix);

/* An address as fw_addr_bytes lays it in the kernel: network byte order, 4 or 16 bytes. Returns that length. */
size_t fw_addr_to_bytes(enum fw_family family, struct fw_u128 address, uint8_t ret_bytes[16]);
struct fw_u128 fw_addr_from_bytes(enum fw_family family, const uint8_t *bytes);

enum fw_addr_error {
	FW_ADDR_OK,
	FW_ADDR_BAD,        /* no address, prefix or range */
	FW_ADDR_LENGTH,     /* prefix length not a number or too long */
	FW_ADDR_HOST_BITS,  /* bits set beyond the prefix length; *ret_range holds the corrected prefix */
	FW_ADDR_ORDER,      /* low above high */
	FW_ADDR_MIXED,      /* the ends of a range are of two families */
};
/* "A", "A/len", "A-B" as RFC 4291 and dotted-quad write them (no leading zeros, no zone index). IPv4-mapped IPv6 stays IPv6. */
enum fw_addr_error fw_addr_parse(struct fw_str text, enum fw_family *ret_family, struct fw_range *ret_range);
/* Canonical text (RFC 5952): an address, a prefix, or a range where it is no prefix. */
void fw_addr_print(struct fw_buf *buf, enum fw_family family, struct fw_range range);

#endif
