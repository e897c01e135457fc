/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slices, numbers, UTF-8, text buffers, and the nearest of a list of words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/misspell.h"

#define BYTES(literal) { (literal), sizeof(literal) - 1 }

static void test_slices(void **state)
{
	const struct fw_str none = fw_str_from(NULL);

	(void)state;
	assert_int_equal(none.len, 0);
	assert_true(fw_str_equal(none, FW_STR("")));
	assert_int_equal(fw_str_compare(none, FW_STR("")), 0);
	assert_true(fw_str_equal(FW_STR("a\0b"), (struct fw_str){ "a\0b", 3 }));
	assert_false(fw_str_equal(FW_STR("a\0b"), FW_STR("a\0c")));
	assert_false(fw_str_equal(FW_STR("a"), FW_STR("ab")));
	assert_false(fw_str_equal(FW_STR("a"), FW_STR("A")));
	assert_true(fw_str_equal_fold(FW_STR("AZaz09"), FW_STR("azAZ09")));
	assert_false(fw_str_equal_fold(FW_STR("@"), FW_STR("`"))); /* just outside of A..Z */
	assert_false(fw_str_equal_fold(FW_STR("["), FW_STR("{")));
	assert_false(fw_str_equal_fold(FW_STR("\xc3\x84"), FW_STR("\xc3\xa4"))); /* ASCII only */
}

static void test_compare(void **state)
{
	static const struct fw_str sorted[] = { { "", 0 },  { "\0", 1 }, { "A", 1 }, { "a", 1 }, { "aa", 2 },
						{ "b", 1 }, { "\x7f", 1 }, { "\x80", 1 }, { "\xff", 1 } };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(sorted); i++)
		for (size_t k = 0; k < FW_ARRAY_SIZE(sorted); k++) {
			const int order = fw_str_compare(sorted[i], sorted[k]);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
}

static void test_numbers(void **state)
{
	static const struct {
		struct fw_str text;
		uint64_t max;
		int result;
		uint64_t value;
	} rows[] = {
		{ BYTES("0"), 0, 0, 0 },
		{ BYTES("65535"), 65535, 0, 65535 },
		{ BYTES("65536"), 65535, -ERANGE, 0 },
		{ BYTES("007"), 10, 0, 7 },
		{ BYTES("18446744073709551615"), UINT64_MAX, 0, UINT64_MAX },
		{ BYTES("18446744073709551616"), UINT64_MAX, -ERANGE, 0 },
		{ BYTES("18446744073709551620"), UINT64_MAX, -ERANGE, 0 },
		{ BYTES("99999999999999999999999999"), UINT64_MAX, -ERANGE, 0 },
		{ BYTES(""), 9, -EINVAL, 0 },
		{ BYTES("-1"), 9, -EINVAL, 0 },
		{ BYTES("+1"), 9, -EINVAL, 0 },
		{ BYTES(" 1"), 9, -EINVAL, 0 },
		{ BYTES("1 "), 9, -EINVAL, 0 },
		{ BYTES("1\0"), 9, -EINVAL, 0 },
		{ BYTES("0x1"), 9, -EINVAL, 0 },
		{ BYTES("1.0"), 9, -EINVAL, 0 },
		{ BYTES("\xd9\xa1"), 9, -EINVAL, 0 }, /* a digit, but not a decimal one of ASCII */
		{ BYTES("99999999999999999999999999x"), 9, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		uint64_t value = 4711;
		if (fw_str_parse_u64(rows[i].text, rows[i].max, &value) != rows[i].result)
			fail_msg("'%s'", rows[i].text.data);
		assert_true(value == (rows[i].result ? 4711 : rows[i].value)); /* outputs untouched on failure */
	}
	/* only the slice is read, not what is behind */
	uint64_t value;
	assert_int_equal(fw_str_parse_u64((struct fw_str){ "12345", 2 }, 99, &value), 0);
	assert_int_equal(value, 12);
}

static void test_utf8(void **state)
{
	static const struct {
		struct fw_str text;
		size_t bad;
	} rows[] = {
		{ BYTES(""), 0 },
		{ BYTES("abc"), 3 },
		{ BYTES("\0x\x7f"), 3 },
		{ BYTES("\xc2\x80 \xdf\xbf"), 5 },
		{ BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), 12 },
		{ BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8 },
		{ BYTES("ab\x80"), 2 },
		{ BYTES("ab\xbf"), 2 },
		{ BYTES("\xc0\x80"), 0 },	       /* NUL in two bytes */
		{ BYTES("a\xc1\xbf"), 1 },	       /* ASCII in two bytes */
		{ BYTES("\xe0\x9f\xbf"), 0 },	       /* two bytes' worth in three */
		{ BYTES("\xf0\x8f\xbf\xbf"), 0 },     /* three bytes' worth in four */
		{ BYTES("\xed\xa0\x80"), 0 },	       /* a surrogate */
		{ BYTES("\xed\xbf\xbf"), 0 },
		{ BYTES("\xf4\x90\x80\x80"), 0 },     /* above U+10FFFF */
		{ BYTES("\xf5\x80\x80\x80"), 0 },
		{ BYTES("\xf8\x88\x80\x80\x80"), 0 },
		{ BYTES("\xff"), 0 },
		{ BYTES("a\xc3"), 1 },		       /* cut off */
		{ BYTES("a\xe2\x82"), 1 },
		{ BYTES("a\xf0\x9f\x98"), 1 },
		{ BYTES("\xc3\x28"), 0 },
		{ BYTES("\xe2\x28\xa1"), 0 },
		{ BYTES("\xe2\x82\x28"), 0 },
		{ BYTES("\xf0\x9f\x98\x28"), 0 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++)
		assert_int_equal(fw_str_utf8_valid(rows[i].text), rows[i].bad);
}

/* All code points, written by the rule, are well-formed; surrogates are not. */
static void test_utf8_all(void **state)
{
	(void)state;
	for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
		char text[4];
		size_t len = 0;
		if (c >= 0x10000)
			text[len++] = (char)(0xf0 | c >> 18);
		if (c >= 0x800)
			text[len++] = (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12);
		text[len] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
		text[++len] = (char)(0x80 | (c & 0x3f));
		const size_t valid = c >= 0xd800 && c <= 0xdfff ? 0 : ++len;
		if (fw_str_utf8_valid((struct fw_str){ text, valid ? len : 3 }) != valid)
			fail_msg("U+%04X", c);
	}
}

static void test_buf(void **state)
{
	struct fw_buf buf;
	int error = 1;

	(void)state;
	fw_buf_init(&buf, 1u << 20);
	fw_buf_puts(&buf, "one");
	fw_buf_putc(&buf, ' ');
	fw_buf_printf(&buf, "%d %s", 2, "three");
	fw_buf_add(&buf, (struct fw_str){ "\0x", 2 });
	fw_buf_add(&buf, (struct fw_str){ NULL, 0 });
	assert_int_equal(buf.len, 13);
	assert_memory_equal(buf.data, "one 2 three\0x", 14);
	for (int i = 0; i < 10000; i++)
		fw_buf_printf(&buf, "%08d", i);
	assert_int_equal(buf.error, 0);
	assert_int_equal(buf.len, 13 + 80000);
	assert_int_equal(strlen(buf.data + 13), 80000);
	assert_memory_equal(buf.data + 13 + 8 * 9999, "00009999", 9);
	char *text = fw_buf_take(&buf, &error);
	assert_int_equal(error, 0);
	assert_int_equal(buf.len, 0);
	assert_memory_equal(text, "one 2", 5);
	free(text);
	fw_buf_puts(&buf, "again");
	assert_string_equal(buf.data, "again");
	fw_buf_done(&buf);
	fw_buf_done(&buf);
}

/* Nothing was written: there is a text all the same. */
static void test_buf_take_empty(void **state)
{
	struct fw_buf buf;
	int error = 1;

	(void)state;
	fw_buf_init(&buf, 10);
	assert_int_equal(fw_buf_str(&buf).len, 0);
	char *text = fw_buf_take(&buf, &error);
	assert_int_equal(error, 0);
	assert_string_equal(text, "");
	free(text);
	fw_buf_puts(&buf, "1234567890"); /* full to the brim */
	fw_buf_printf(&buf, "%s", "");
	text = fw_buf_take(&buf, &error);
	assert_int_equal(error, 0);
	assert_string_equal(text, "1234567890");
	free(text);
}

static void test_buf_max(void **state)
{
	struct fw_buf buf;
	int error = 0;

	(void)state;
	fw_buf_init(&buf, 5);
	fw_buf_puts(&buf, "12345");
	assert_int_equal(buf.error, 0);
	fw_buf_puts(&buf, "");
	assert_int_equal(buf.error, 0);
	fw_buf_putc(&buf, '6');
	assert_int_equal(buf.error, -E2BIG);
	fw_buf_puts(&buf, "");
	assert_string_equal(buf.data, "12345");
	assert_int_equal(buf.error, -E2BIG);
	assert_null(fw_buf_take(&buf, &error));
	assert_int_equal(error, -E2BIG);
	fw_buf_done(&buf);

	/* what fits is not added after what did not: a cut text would look whole */
	fw_buf_init(&buf, 5);
	fw_buf_puts(&buf, "1");
	fw_buf_printf(&buf, "%s", "23456");
	fw_buf_putc(&buf, '2');
	assert_string_equal(buf.data, "1");
	assert_int_equal(buf.error, -E2BIG);
	fw_buf_done(&buf);
	fw_buf_init(&buf, 0);
	fw_buf_putc(&buf, 'x');
	assert_int_equal(buf.error, -E2BIG);
	fw_buf_done(&buf);
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{ "", "", 0 },	       { "", "abc", 3 },      { "ssh", "ssh", 0 },   { "SSH", "ssh", 0 },    { "ssh", "shs", 1 },
		{ "htpps", "https", 1 }, { "kitten", "sitting", 3 }, { "ca", "abc", 3 }, /* restricted: no second edit of a swapped pair */
		{ "abcd", "badc", 2 }, { "dns", "dnss", 1 },  { "dns", "ns", 1 },    { "flaw", "lawn", 2 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		assert_int_equal(fw_misspell_distance(fw_str_from(rows[i].a), fw_str_from(rows[i].b)), rows[i].distance);
		assert_int_equal(fw_misspell_distance(fw_str_from(rows[i].b), fw_str_from(rows[i].a)), rows[i].distance);
	}
}

static void test_long_words(void **state)
{
	char word[FW_MISSPELL_MAX + 1];
	const struct fw_str longest = { word, FW_MISSPELL_MAX }, too_long = { word, FW_MISSPELL_MAX + 1 };
	struct fw_misspell near;

	(void)state;
	memset(word, 'x', sizeof(word));
	assert_int_equal(fw_misspell_distance(longest, longest), 0);
	assert_int_equal(fw_misspell_distance(longest, FW_STR("")), FW_MISSPELL_MAX);
	assert_true(fw_misspell_distance(too_long, longest) == SIZE_MAX);
	assert_true(fw_misspell_distance(longest, too_long) == SIZE_MAX);
	assert_true(fw_misspell_distance(too_long, FW_STR("")) == SIZE_MAX);
	fw_misspell_init(&near, too_long);
	fw_misspell_offer(&near, too_long);
	assert_int_equal(near.best.len, 0);
}

static struct fw_str nearest(const char *wanted, const char *const *offers)
{
	struct fw_misspell near;

	fw_misspell_init(&near, fw_str_from(wanted));
	for (; *offers; offers++)
		fw_misspell_offer(&near, fw_str_from(*offers));
	return near.best;
}

static void expect_nearest(const char *wanted, const char *const *offers, const char *best)
{
	const struct fw_str got = nearest(wanted, offers);

	if (!fw_str_equal(got, fw_str_from(best)))
		fail_msg("for '%s': '%.*s', not '%s'", wanted, (int)got.len, got.data ? got.data : "", best);
}

static void test_nearest(void **state)
{
	(void)state;
	expect_nearest("htpp", (const char *const[]){ "https", "http", "ntp", NULL }, "http");
	expect_nearest("tcq", (const char *const[]){ "tcp", "tcr", NULL }, "tcp"); /* a tie: the first offered */
	expect_nearest("tcq", (const char *const[]){ "tcr", "tcp", NULL }, "tcr");
	expect_nearest("tc", (const char *const[]){ "tcp", NULL }, "tcp"); /* at least 1 */
	expect_nearest("ac", (const char *const[]){ "bd", NULL }, "");	   /* 2 of 2 */
	expect_nearest("abcdef", (const char *const[]){ "abxxef", NULL }, "abxxef");
	expect_nearest("abcdef", (const char *const[]){ "abxxxf", NULL }, ""); /* 3 of 6: a third is 2 */
	expect_nearest("abcdefghi", (const char *const[]){ "abcdefxxx", NULL }, "abcdefxxx");
	expect_nearest("abcdefghijklmno", (const char *const[]){ "abcdefghijkxxxx", NULL }, ""); /* never more than 3 */
	expect_nearest("abcdefghijklmno", (const char *const[]){ "abcdefghijklxxx", NULL }, "abcdefghijklxxx");
	expect_nearest("anything", (const char *const[]){ NULL }, "");
}

static void test_cleanup(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	(void)state;
	assert_true(fd >= 0);
	errno = EPIPE;
	fw_close_fd(&fd);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	errno = EPIPE;
	fw_close_fd(&fd);
	assert_int_equal(errno, EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),	   cmocka_unit_test(test_compare),	  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_utf8),	   cmocka_unit_test(test_utf8_all),	  cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_take_empty), cmocka_unit_test(test_buf_max),	  cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long_words), cmocka_unit_test(test_nearest),	  cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
