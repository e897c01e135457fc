/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/hash.c - SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit output as their reference code
 * defines it). The key is fixed: 00 01 .. 0f, that of the published test vectors. */
#include "base/hash.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define KEY_0 UINT64_C(0x0706050403020100)
#define KEY_1 UINT64_C(0x0f0e0d0c0b0a0908)

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static void round_of(struct state *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void rounds(struct state *s, unsigned int count)
{
	while (count-- > 0)
		round_of(s);
}

/* The last bytes are fewer than eight: the rest is 0. */
static uint64_t load_le(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, bytes, len);
	return le64toh(word);
}

static struct state absorb(struct fw_str s, bool wide)
{
	struct state state = { KEY_0 ^ UINT64_C(0x736f6d6570736575), KEY_1 ^ UINT64_C(0x646f72616e646f6d),
			       KEY_0 ^ UINT64_C(0x6c7967656e657261), KEY_1 ^ UINT64_C(0x7465646279746573) };
	const unsigned char *at = (const unsigned char *)s.data;
	size_t left = s.len;

	state.v1 ^= wide ? 0xee : 0;
	for (; left >= 8; left -= 8, at += 8) {
		const uint64_t word = load_le(at, 8);
		state.v3 ^= word;
		rounds(&state, 2);
		state.v0 ^= word;
	}
	const uint64_t last = (uint64_t)s.len << 56 | (left ? load_le(at, left) : 0);
	state.v3 ^= last;
	rounds(&state, 2);
	state.v0 ^= last;
	state.v2 ^= wide ? 0xee : 0xff;
	rounds(&state, 4);
	return state;
}

static uint64_t fold(const struct state *state)
{
	return state->v0 ^ state->v1 ^ state->v2 ^ state->v3;
}

uint64_t fw_hash64(struct fw_str s)
{
	const struct state state = absorb(s, false);

	return fold(&state);
}

struct fw_hash fw_hash128(struct fw_str s)
{
	struct state state = absorb(s, true);
	struct fw_hash hash = { .lo = fold(&state) };

	state.v1 ^= 0xdd;
	rounds(&state, 4);
	hash.hi = fold(&state);
	return hash;
}

void fw_digest_init(struct fw_digest *digest)
{
	digest->len = 0;
}

void fw_digest_bytes(struct fw_digest *digest, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len > 0) {
		if (digest->len == sizeof(digest->bytes)) {
			const struct fw_hash so_far = fw_digest_end(digest);
			memcpy(digest->bytes, &so_far, sizeof(so_far));
			digest->len = sizeof(so_far);
		}
		const size_t room = sizeof(digest->bytes) - digest->len, part = len < room ? len : room;
		memcpy(digest->bytes + digest->len, from, part);
		digest->len += part;
		from += part;
		len -= part;
	}
}

void fw_digest_number(struct fw_digest *digest, uint64_t number)
{
	fw_digest_bytes(digest, &number, sizeof(number));
}

void fw_digest_string(struct fw_digest *digest, struct fw_str string)
{
	fw_digest_number(digest, string.len);
	fw_digest_bytes(digest, string.data, string.len);
}

struct fw_hash fw_digest_end(const struct fw_digest *digest)
{
	return fw_hash128((struct fw_str){ digest->bytes, digest->len });
}

void fw_hash_hex(struct fw_hash hash, char ret_hex[FW_HASH_HEX])
{
	snprintf(ret_hex, FW_HASH_HEX, "%016llx%016llx", (unsigned long long)hash.hi, (unsigned long long)hash.lo);
}
