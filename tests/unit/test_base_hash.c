/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-2-4: the vectors that its authors published, for the key 00 01 .. 0f and the inputs 00 01 .. n-1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void test_vectors_64(void **state)
{
	(void)state;
	assert_true(fw_hash64(FW_STR("")) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(fw_hash64((struct fw_str){ NULL, 0 }) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(fw_hash64(FW_STR("\0")) == UINT64_C(0x74f839c593dc67fd));
	/* the example of the paper's appendix A */
	assert_true(fw_hash64(FW_STR("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16")) == UINT64_C(0xa129ca6149be45e5));
}

static void test_vector_128(void **state)
{
	static const unsigned char wanted[16] = { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 };
	const struct fw_hash hash = fw_hash128(FW_STR(""));
	uint64_t lo = 0, hi = 0;

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		lo |= (uint64_t)wanted[i] << 8 * i;
		hi |= (uint64_t)wanted[8 + i] << 8 * i;
	}
	assert_true(hash.lo == lo && hash.hi == hi);
}

static void test_hex(void **state)
{
	char hex[FW_HASH_HEX];

	(void)state;
	fw_hash_hex((struct fw_hash){ 0, 1 }, hex);
	assert_string_equal(hex, "00000000000000000000000000000001");
	fw_hash_hex((struct fw_hash){ UINT64_C(0x0123456789abcdef), UINT64_MAX }, hex);
	assert_string_equal(hex, "0123456789abcdefffffffffffffffff");
}

/* Every byte counts, at every length around the blocks of eight, and so does the length. */
static void test_every_byte_counts(void **state)
{
	char bytes[41] = { 0 };

	(void)state;
	for (size_t len = 0; len < sizeof(bytes); len++) {
		const uint64_t plain = fw_hash64((struct fw_str){ bytes, len });
		const struct fw_hash wide = fw_hash128((struct fw_str){ bytes, len });
		if (len > 0)
			assert_true(plain != fw_hash64((struct fw_str){ bytes, len - 1 }));
		for (size_t i = 0; i < len; i++) {
			bytes[i] = (char)0x80;
			const struct fw_hash other = fw_hash128((struct fw_str){ bytes, len });
			assert_true(fw_hash64((struct fw_str){ bytes, len }) != plain);
			assert_true(other.lo != wide.lo && other.hi != wide.hi);
			bytes[i] = 0;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_64),
		cmocka_unit_test(test_vector_128),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_every_byte_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
