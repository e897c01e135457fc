/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and ranges: numbers, texts in and out, and the bytes of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "net/addr.h"

#define ALL UINT64_MAX

static bool same(struct fw_u128 a, struct fw_u128 b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static void test_numbers(void **state)
{
	static const struct fw_u128 sorted[] = { { 0, 0 }, { 0, 1 }, { 0, ALL - 1 }, { 0, ALL }, { 1, 0 }, { 1, 1 }, { ALL, 0 }, { ALL, ALL } };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < FW_ARRAY_SIZE(sorted); k++) {
			const int order = fw_u128_compare(sorted[i], sorted[k]);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
	assert_true(same(fw_u128_next((struct fw_u128){ 0, ALL }), (struct fw_u128){ 1, 0 }));
	assert_true(same(fw_u128_next((struct fw_u128){ ALL, ALL }), (struct fw_u128){ 0, 0 }));
	assert_true(same(fw_u128_prev((struct fw_u128){ 1, 0 }), (struct fw_u128){ 0, ALL }));
	assert_true(same(fw_u128_prev((struct fw_u128){ 0, 0 }), (struct fw_u128){ ALL, ALL }));
	for (size_t i = 0; i < FW_ARRAY_SIZE(sorted); i++)
		assert_true(same(fw_u128_prev(fw_u128_next(sorted[i])), sorted[i]));
	assert_int_equal(fw_family_bits(FW_IPV4), 32);
	assert_int_equal(fw_family_bits(FW_IPV6), 128);
	assert_true(same(fw_family_max(FW_IPV4), (struct fw_u128){ 0, 0xffffffff }));
	assert_true(same(fw_family_max(FW_IPV6), (struct fw_u128){ ALL, ALL }));
}

static void check_prefix(enum fw_family family, struct fw_u128 address, unsigned int length)
{
	const struct fw_range range = fw_range_prefix(family, address, length);
	unsigned int got = 999;

	assert_true(fw_range_is_prefix(family, range, &got));
	assert_int_equal(got, length);
	assert_true(fw_u128_compare(range.low, address) <= 0 && fw_u128_compare(address, range.high) <= 0);
	assert_true(same(fw_range_prefix(family, range.high, length).low, range.low));
	if (length == 0) {
		assert_true(same(range.low, (struct fw_u128){ 0, 0 }) && same(range.high, fw_family_max(family)));
		return;
	}
	if (length == fw_family_bits(family))
		assert_true(same(range.low, address) && same(range.high, address));
	/* the one that is a bit shorter is this one and its neighbour */
	const struct fw_range twice = fw_range_prefix(family, address, length - 1);
	const struct fw_range next = fw_range_prefix(family, fw_u128_next(range.high), length), before = fw_range_prefix(family, fw_u128_prev(range.low), length);
	assert_true((same(twice.low, range.low) && same(twice.high, next.high)) || (same(twice.high, range.high) && same(twice.low, before.low)));
}

static void test_prefixes(void **state)
{
	static const struct fw_u128 v6[] = { { 0, 0 }, { ALL, ALL }, { 0x20010db8aaaa5555, 0x123456789abcdef0 }, { 0xaaaaaaaaaaaaaaaa, 0x5555555555555555 } };
	static const uint32_t v4[] = { 0, 0xffffffff, 0xc0000207, 0x55555555 };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(v6); i++) {
		for (unsigned int length = 0; length <= 32; length++)
			check_prefix(FW_IPV4, (struct fw_u128){ 0, v4[i] }, length);
		for (unsigned int length = 0; length <= 128; length++)
			check_prefix(FW_IPV6, v6[i], length);
	}
}

static bool is_prefix(uint64_t low, uint64_t high)
{
	unsigned int length = 999;
	const bool is = fw_range_is_prefix(FW_IPV4, (struct fw_range){ { 0, low }, { 0, high } }, &length);

	assert_true(is || length == 999); /* outputs untouched */
	return is;
}

static void test_no_prefixes(void **state)
{
	(void)state;
	assert_false(is_prefix(1, 2));
	assert_false(is_prefix(0, 2));
	assert_false(is_prefix(1, 3));
	assert_false(is_prefix(2, 5)); /* as many as a /30, not where one begins */
	assert_false(is_prefix(0, 0xfffffffe));
	assert_false(is_prefix(1, 0xffffffff));
	assert_false(is_prefix(0x7fffffff, 0x80000000));
	assert_true(is_prefix(4, 7));
	/* every pair of 0..63, against what a prefix is: a power of two numbers, from a multiple of it */
	for (uint64_t low = 0; low < 64; low++)
		for (uint64_t high = low; high < 64; high++) {
			const uint64_t size = high - low + 1;
			assert_int_equal(is_prefix(low, high), (size & (size - 1)) == 0 && low % size == 0);
		}
}

static void test_bytes(void **state)
{
	uint8_t bytes[16];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	assert_int_equal(fw_addr_to_bytes(FW_IPV4, (struct fw_u128){ 0, 0xc0000207 }, bytes), 4);
	assert_memory_equal(bytes, ((const uint8_t[]){ 192, 0, 2, 7, 0xee }), 5);
	assert_true(same(fw_addr_from_bytes(FW_IPV4, bytes), (struct fw_u128){ 0, 0xc0000207 }));
	assert_int_equal(fw_addr_to_bytes(FW_IPV6, (struct fw_u128){ 0x20010db800010203, 0x0405060708090a0b }, bytes), 16);
	assert_memory_equal(bytes, ((const uint8_t[]){ 0x20, 1, 0xd, 0xb8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }), 16);
	assert_true(same(fw_addr_from_bytes(FW_IPV6, bytes), (struct fw_u128){ 0x20010db800010203, 0x0405060708090a0b }));
}

static const char *printed(char text[128], enum fw_family family, struct fw_range range)
{
	struct fw_buf buf;

	fw_buf_init(&buf, 127);
	fw_addr_print(&buf, family, range);
	assert_int_equal(buf.error, 0);
	snprintf(text, 128, "%s", buf.data);
	fw_buf_done(&buf);
	return text;
}

static void test_parse_and_print(void **state)
{
	static const struct {
		const char *text, *canonical; /* NULL: the same */
		enum fw_family family;
	} rows[] = {
		{ "0.0.0.0", NULL, FW_IPV4 },
		{ "255.255.255.255", NULL, FW_IPV4 },
		{ "192.0.2.1/32", "192.0.2.1", FW_IPV4 },
		{ "192.0.2.0/24", NULL, FW_IPV4 },
		{ "0.0.0.0/0", NULL, FW_IPV4 },
		{ "0.0.0.0-255.255.255.255", "0.0.0.0/0", FW_IPV4 },
		{ "192.0.2.4-192.0.2.7", "192.0.2.4/30", FW_IPV4 },
		{ "192.0.2.4-192.0.2.8", NULL, FW_IPV4 },
		{ "192.0.2.4-192.0.2.4", "192.0.2.4", FW_IPV4 },
		{ "::", NULL, FW_IPV6 },
		{ "::/0", NULL, FW_IPV6 },
		{ "::1", NULL, FW_IPV6 },
		{ "::1/128", "::1", FW_IPV6 },
		{ "2001:DB8::A", "2001:db8::a", FW_IPV6 },
		{ "2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1", FW_IPV6 }, /* the first of two runs */
		{ "2001:db8:0:1:1:1:1:1", NULL, FW_IPV6 },				     /* a run of one is not shortened */
		{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1", FW_IPV6 },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", FW_IPV6 }, /* the longest run */
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", FW_IPV6 },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", FW_IPV6 },
		{ "2001:db8::/32", NULL, FW_IPV6 },
		{ "2001:db8::-2001:db8::ffff", "2001:db8::/112", FW_IPV6 },
		{ "2001:db8::1-2001:db8::ffff", NULL, FW_IPV6 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, FW_IPV6 },
		{ "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0", FW_IPV6 },
		{ "::ffff:192.0.2.1", NULL, FW_IPV6 }, /* IPv4-mapped stays IPv6 */
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", FW_IPV6 },
		{ "2001:db8:8000::/33", NULL, FW_IPV6 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		enum fw_family family;
		struct fw_range range;
		char text[128];

		if (fw_addr_parse(fw_str_from(rows[i].text), &family, &range) != FW_ADDR_OK || family != rows[i].family)
			fail_msg("'%s' was not read", rows[i].text);
		assert_string_equal(printed(text, family, range), rows[i].canonical ? rows[i].canonical : rows[i].text);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		enum fw_addr_error error;
	} rows[] = {
		{ "", FW_ADDR_BAD },		{ "1", FW_ADDR_BAD },		  { "1.2.3", FW_ADDR_BAD },	   { "1.2.3.4.5", FW_ADDR_BAD },
		{ "1.2.3.256", FW_ADDR_BAD },	{ "1.2.3.1000", FW_ADDR_BAD },	  { "01.2.3.4", FW_ADDR_BAD },	   { "1.2.3.00", FW_ADDR_BAD },
		{ "1.2.3.", FW_ADDR_BAD },	{ ".1.2.3", FW_ADDR_BAD },	  { "1..2.3", FW_ADDR_BAD },	   { " 1.2.3.4", FW_ADDR_BAD },
		{ "1.2.3.4 ", FW_ADDR_BAD },	{ "0x1.2.3.4", FW_ADDR_BAD },	  { "+1.2.3.4", FW_ADDR_BAD },	   { ":", FW_ADDR_BAD },
		{ ":::", FW_ADDR_BAD },		{ "1::2::3", FW_ADDR_BAD },	  { "12345::", FW_ADDR_BAD },	   { "00001::", FW_ADDR_BAD },
		{ "1:2:3:4:5:6:7", FW_ADDR_BAD }, { "1:2:3:4:5:6:7:8:9", FW_ADDR_BAD }, { "1:2:3:4:5:6:7:8::", FW_ADDR_BAD }, { "::g", FW_ADDR_BAD },
		{ "fe80::1%lo", FW_ADDR_BAD },	{ "[::1]", FW_ADDR_BAD },	  { "::1.2.3.256", FW_ADDR_BAD },  { "::01.2.3.4", FW_ADDR_BAD },
		{ "::1.2.3.4:1", FW_ADDR_BAD }, { "/24", FW_ADDR_BAD },		  { "-1.2.3.4", FW_ADDR_BAD },	   { "1.2.3.4-", FW_ADDR_BAD },
		{ "1.2.3.4-x", FW_ADDR_BAD },	{ "1.2.3.4-1.2.3.5/32", FW_ADDR_BAD }, { "1.2.3.4-1.2.3.5-1.2.3.6", FW_ADDR_BAD },
		{ "1.2.3.4/", FW_ADDR_LENGTH }, { "1.2.3.4/33", FW_ADDR_LENGTH }, { "1.2.3.4/032", FW_ADDR_LENGTH }, { "1.2.3.4/-1", FW_ADDR_LENGTH },
		{ "1.2.3.4/x", FW_ADDR_LENGTH }, { "1.2.3.4/255.255.255.0", FW_ADDR_LENGTH }, { "1.2.3.4/4294967296", FW_ADDR_LENGTH },
		{ "0.0.0.0/00", FW_ADDR_LENGTH }, { "::1/129", FW_ADDR_LENGTH },  { "1.2.3.4/24/24", FW_ADDR_LENGTH },
		{ "1.2.3.5-1.2.3.4", FW_ADDR_ORDER }, { "::2-::1", FW_ADDR_ORDER }, { "1.2.3.4-::1", FW_ADDR_MIXED }, { "::1-1.2.3.4", FW_ADDR_MIXED },
		{ "::ffff:1.2.3.4-1.2.3.5", FW_ADDR_MIXED },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		enum fw_family family;
		struct fw_range range;
		const enum fw_addr_error error = fw_addr_parse(fw_str_from(rows[i].text), &family, &range);
		if (error != rows[i].error)
			fail_msg("'%s': %d, not %d", rows[i].text, (int)error, (int)rows[i].error);
	}
}

static void test_host_bits(void **state)
{
	static const char *const rows[][2] = { { "192.0.2.1/24", "192.0.2.0/24" }, { "255.255.255.255/0", "0.0.0.0/0" }, { "1.2.3.5/31", "1.2.3.4/31" },
					       { "2001:db8::1/32", "2001:db8::/32" }, { "::1/127", "::/127" } };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		enum fw_family family;
		struct fw_range range;
		char text[128];
		assert_int_equal(fw_addr_parse(fw_str_from(rows[i][0]), &family, &range), FW_ADDR_HOST_BITS);
		assert_string_equal(printed(text, family, range), rows[i][1]);
	}
}

/* A slice in the middle of other text, and a NUL inside it. */
static void test_only_the_slice(void **state)
{
	enum fw_family family;
	struct fw_range range;

	(void)state;
	assert_int_equal(fw_addr_parse((struct fw_str){ "10.0.0.12345", 9 }, &family, &range), FW_ADDR_OK);
	assert_int_equal(range.low.lo, 0x0a00000c);
	assert_int_equal(fw_addr_parse((struct fw_str){ "::12", 3 }, &family, &range), FW_ADDR_OK);
	assert_int_equal(range.low.lo, 1);
	assert_int_equal(fw_addr_parse((struct fw_str){ "::1\0", 4 }, &family, &range), FW_ADDR_BAD);
	assert_int_equal(fw_addr_parse((struct fw_str){ "1.2.3.4\0", 8 }, &family, &range), FW_ADDR_BAD);
	assert_int_equal(fw_addr_parse((struct fw_str){ NULL, 0 }, &family, &range), FW_ADDR_BAD);
}

/* The hand-written reader against libc's: every mutation of one byte of an address, and random ones. */
static void compare_with_libc(const char *text)
{
	enum fw_family family = FW_IPV6;
	struct fw_range range;
	struct in_addr wanted;
	const bool taken = inet_pton(AF_INET, text, &wanted) == 1;
	const bool got = fw_addr_parse(fw_str_from(text), &family, &range) == FW_ADDR_OK && family == FW_IPV4;

	if (got != taken || (got && range.low.lo != ntohl(wanted.s_addr)))
		fail_msg("'%s'", text);
}

static void test_against_libc(void **state)
{
	static const char bytes[] = "0123456789. :xa";
	uint32_t random = 20260101;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[] = "100.20.3.255";
		for (unsigned int changes = 0; changes < 2; changes++) {
			random = random * 1664525u + 1013904223u;
			text[(random >> 16) % (sizeof(text) - 1)] = bytes[(random >> 8) % (sizeof(bytes) - 1)];
		}
		compare_with_libc(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_prefixes),	cmocka_unit_test(test_no_prefixes),
		cmocka_unit_test(test_bytes),	cmocka_unit_test(test_parse_and_print), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_host_bits), cmocka_unit_test(test_only_the_slice), cmocka_unit_test(test_against_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
