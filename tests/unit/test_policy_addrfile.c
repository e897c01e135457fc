/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address files: what a line may be, what is merged, what is refused, and that a million lines are no matter. */
#include <time.h>

#include "test_policy.h"

#include "policy/addrfile.h"

static int parse(struct world *world, struct fw_str text, struct fw_iset ret_sets[FW_FAMILIES])
{
	uint32_t source = fw_sources_add(&world->sources, "list.txt", text, (struct fw_span){ 0 });

	return fw_addrfile_parse(world->arena, &world->diags, source, text, ret_sets);
}

static const char *sets_of(struct world *world, const char *text)
{
	struct fw_iset sets[FW_FAMILIES];

	assert_int_equal(parse(world, fw_str_from(text), sets), 0);
	return addresses_text(world, sets);
}

static void test_lines(void **state)
{
	struct world *world = *state;

	assert_string_equal(sets_of(world, ""), "");
	assert_string_equal(sets_of(world, "# a\n;b\n\n \t\r\n"), "");
	assert_string_equal(sets_of(world, "192.0.2.1"), "192.0.2.1");
	assert_string_equal(sets_of(world, "\xef\xbb\xbf 192.0.2.1 # x\r\n\t192.0.2.3;y\n"), "192.0.2.1 192.0.2.3");
	assert_string_equal(sets_of(world, "10.0.0.0/8\n0.0.0.0/0\n"), "0.0.0.0/0");
	assert_string_equal(sets_of(world, "192.0.2.7/32\n192.0.2.9-192.0.2.12\n"), "192.0.2.7 192.0.2.9-192.0.2.12");
	assert_string_equal(sets_of(world, "255.255.255.255\n0.0.0.0\n"), "0.0.0.0 255.255.255.255");
	assert_string_equal(sets_of(world, "2001:DB8::/33\n2001:db8:8000::/33\n::1\n192.0.2.0/24\n"), "192.0.2.0/24 ::1 2001:db8::/32");
}

static void test_merging(void **state)
{
	struct world *world = *state;

	assert_string_equal(sets_of(world, "10.0.0.2\n10.0.0.0\n10.0.0.1\n10.0.0.3\n"), "10.0.0.0/30");
	assert_string_equal(sets_of(world, "10.0.0.0/24\n10.0.0.7\n10.0.0.0/25\n10.0.1.0/24\n"), "10.0.0.0/23");
	assert_string_equal(sets_of(world, "10.0.0.5-10.0.0.9\n10.0.0.1-10.0.0.20\n10.0.0.22\n"), "10.0.0.1-10.0.0.20 10.0.0.22");
}

static void expect_bad(struct world *world, const char *line)
{
	struct fw_iset sets[FW_FAMILIES];
	size_t before = world->diags.errors;

	if (parse(world, fw_str_from(line), sets) != FW_REPORTED)
		fail_msg("'%s' was taken", line);
	assert_int_equal(world->diags.errors, before + 1);
}

static void test_bad_lines(void **state)
{
	static const char *const lines[] = { "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/08", "1.2.3.4-",
					     "1.2.3.4-1.2.3.3", "1.2.3.4/24", "1.2.3.4 1.2.3.5", "1.2.3.4,1.2.3.5", "host", "fe80::1%eth0",
					     "::1/0", "1::2::3", "-", "1.2.3.4-::1", "\xff" };

	for (size_t i = 0; i < FW_ARRAY_SIZE(lines); i++)
		expect_bad(*state, lines[i]);
}

static void test_nul(void **state)
{
	struct world *world = *state;
	struct fw_iset sets[FW_FAMILIES];

	assert_int_equal(parse(world, (struct fw_str){ "# \0\n1.2.3.4\n", 11 }, sets), FW_REPORTED);
	assert_int_equal(world->diags.errors, 1);
}

/* Every line of a file of nothing but bad ones is not worth reading. */
static void test_gives_up(void **state)
{
	enum { LINES = 100000 };
	struct world *world = *state;
	struct fw_iset sets[FW_FAMILIES];
	char *text = malloc(LINES * 2);

	assert_non_null(text);
	for (size_t i = 0; i < LINES; i++)
		memcpy(text + i * 2, "x\n", 2);
	assert_int_equal(parse(world, (struct fw_str){ text, LINES * 2 }, sets), FW_REPORTED);
	assert_int_equal(world->diags.errors, FW_ADDRFILE_MAX_BAD);
	assert_int_equal(world->diags.list.len, FW_DIAG_MAX_ERRORS);
	free(text);
}

static void test_too_many(void **state)
{
	size_t size = ((size_t)FW_ADDRFILE_MAX_ENTRIES + 1) * 8;
	struct world *world = *state;
	struct fw_iset sets[FW_FAMILIES];
	char *text = malloc(size);

	assert_non_null(text);
	for (size_t i = 0; i < size; i += 8)
		memcpy(text + i, "1.2.3.4\n", 8);
	assert_int_equal(parse(world, (struct fw_str){ text, size }, sets), FW_REPORTED);
	assert_int_equal(world->diags.errors, 1);
	assert_int_equal(parse(world, (struct fw_str){ text, size - 8 }, sets), 0);
	assert_int_equal(sets[FW_IPV4].len, 1);
	free(text);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state;
}

/* The radix sort and the in-place merge against the plain way. */
static void test_against_the_plain_way(void **state)
{
	enum { LINES = 5000 };
	struct world *world = *state;
	struct fw_range *plain = calloc(LINES, sizeof(*plain));
	struct fw_iset sets[FW_FAMILIES];
	struct fw_buf text;
	uint32_t seed = 7;

	assert_non_null(plain);
	fw_buf_init(&text, 1u << 20);
	for (size_t i = 0; i < LINES; i++) {
		uint32_t low = next_random(&seed) & 0xff0ffff0, high = low + (next_random(&seed) >> 24);

		plain[i] = (struct fw_range){ { 0, low }, { 0, high } };
		fw_addr_print(&text, FW_IPV4, plain[i]);
		fw_buf_putc(&text, '\n');
	}
	assert_int_equal(parse(world, fw_buf_str(&text), sets), 0);
	assert_true(fw_iset_equal(sets[FW_IPV4], fw_iset_normalise(plain, LINES)));
	fw_buf_done(&text);
	free(plain);
}

/* The same for IPv6, with bits all over the address, and with equal, overlapping and adjacent ranges. */
static void test_v6_against_the_plain_way(void **state)
{
	enum { LINES = 5000 };
	struct world *world = *state;
	struct fw_range *plain = calloc(LINES, sizeof(*plain));
	struct fw_iset sets[FW_FAMILIES];
	struct fw_buf text;
	uint32_t seed = 9;

	assert_non_null(plain);
	fw_buf_init(&text, 1u << 20);
	for (size_t i = 0; i < LINES; i++) {
		struct fw_u128 low = { (uint64_t)next_random(&seed) << (next_random(&seed) >> 27), next_random(&seed) >> 20 };
		struct fw_u128 high = { low.hi, low.lo + (next_random(&seed) >> 20) };

		plain[i] = (struct fw_range){ low, high };
		fw_addr_print(&text, FW_IPV6, plain[i]);
		fw_buf_putc(&text, '\n');
	}
	assert_int_equal(parse(world, fw_buf_str(&text), sets), 0);
	assert_true(fw_iset_equal(sets[FW_IPV6], fw_iset_normalise(plain, LINES)));
	assert_true(sets[FW_IPV6].len > LINES / 2);
	fw_buf_done(&text);
	free(plain);
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The bound is ten times what it takes, so that only another order of growth breaks it. */
static void million(struct world *world, bool v6)
{
	enum { LINES = 1000000 };
	struct fw_iset sets[FW_FAMILIES];
	struct fw_buf text;
	uint32_t seed = 11;
	double start;

	fw_buf_init(&text, (size_t)64 << 20);
	for (size_t i = 0; i < LINES; i++) {
		uint32_t a = next_random(&seed), b = next_random(&seed);

		if (v6)
			fw_buf_printf(&text, "2001:db8:%x:%x::/64\n", a >> 16, b >> 16);
		else
			fw_buf_printf(&text, "%u.%u.%u.%u\n", a >> 24, a >> 16 & 255, b >> 24, b >> 16 & 255);
	}
	start = milliseconds();
	assert_int_equal(parse(world, fw_buf_str(&text), sets), 0);
	print_message("a million %s lines: %.0f ms\n", v6 ? "IPv6" : "IPv4", milliseconds() - start);
	assert_true(milliseconds() - start < 3000);
	assert_true(sets[v6 ? FW_IPV6 : FW_IPV4].len > LINES / 2);
	fw_buf_done(&text);
}

static void test_million_v4(void **state)
{
	million(*state, false);
}

static void test_million_v6(void **state)
{
	million(*state, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_lines),	     WORLD_TEST(test_merging),
		WORLD_TEST(test_bad_lines),  WORLD_TEST(test_nul),
		WORLD_TEST(test_gives_up), WORLD_TEST(test_too_many),   WORLD_TEST(test_against_the_plain_way), WORLD_TEST(test_v6_against_the_plain_way),
		WORLD_TEST(test_million_v4), WORLD_TEST(test_million_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
