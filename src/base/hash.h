/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/hash.h - SipHash-2-4 (Aumasson, Bernstein 2012) with 64 and 128 bits of output, fixed key: same input, same hash on
 * every host. For names and identities, not against a forger. */
#ifndef FW_BASE_HASH_H
#define FW_BASE_HASH_H

#include "base/base.h"

#define FW_HASH_HEX 33 /* 32 hexadecimal digits and NUL */

struct fw_hash {
	uint64_t hi, lo;
};

uint64_t fw_hash64(struct fw_str s);
struct fw_hash fw_hash128(struct fw_str s);
/* A running hash that needs no memory: what does not fit any more is replaced by its hash. */
struct fw_digest {
	char bytes[4096];
	size_t len;
};
void fw_digest_init(struct fw_digest *digest);
void fw_digest_bytes(struct fw_digest *digest, const void *bytes, size_t len); /* without their length: of things of one size */
void fw_digest_number(struct fw_digest *digest, uint64_t number);
void fw_digest_string(struct fw_digest *digest, struct fw_str string);
struct fw_hash fw_digest_end(const struct fw_digest *digest);

void fw_hash_hex(struct fw_hash hash, char ret_hex[FW_HASH_HEX]);

#endif
