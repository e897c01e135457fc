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
void fw_hash_hex(struct fw_hash hash, char ret_hex[FW_HASH_HEX]);

#endif
