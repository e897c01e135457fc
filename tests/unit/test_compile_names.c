/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of member sets: whatever a group may be called, nft can say the set's name, and the group is read back from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compile/plan.h"

static void assert_round_trip(const char *group, enum fw_family family, unsigned int length)
{
	char name[256], back[64];
	enum fw_family got_family;
	unsigned int got_length;
	fw_compile_member_set_name(group, family, length, name, sizeof(name));
	for (const char *c = name; *c; c++)
		assert_non_null(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.", *c));
	assert_true(fw_compile_parse_member_set(name, back, &got_family, &got_length));
	assert_string_equal(back, group);
	assert_int_equal(got_family, family);
	assert_int_equal(got_length, length);
}

static void test_round_trips(void **state)
{
	(void)state;
	static const char *const groups[] = { "a",     "banned",  "x+y",	 "_",	    "+",     "a-4",	"a-4-32", "dyn-b-6-128", "A.b_c-d+e",
					      "a+2bb", "a.2b-4-", "Office", "office", "++++++", "z-6-64-" };
	for (size_t i = 0; i < FW_ARRAY_SIZE(groups); i++) {
		for (unsigned int length = 0; length <= 128; length++) {
			if (length <= 32)
				assert_round_trip(groups[i], FW_IPV4, length);
			assert_round_trip(groups[i], FW_IPV6, length);
		}
	}
	char longest[64];
	memset(longest, '+', 63);
	longest[63] = '\0';
	assert_round_trip(longest, FW_IPV6, 128);
}

static void test_wording(void **state)
{
	(void)state;
	char name[256];
	fw_compile_member_set_name("ban+ned", FW_IPV4, 24, name, sizeof(name));
	assert_string_equal(name, "dyn-ban/2bned-4-24");
}

static void test_others_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {
		"",	      "dyn",	    "dyn-",	   "dyn--4-32",	 "dyn-a-5-32",	 "dyn-a-4-33",	  "dyn-a-6-129", "dyn-a-4-",	 "dyn-a-4",
		"dyn-a-4-032", "dyn-a-4-3x", "dyn-a/2g-4-32", "dyn-a/61-4-32", "dyn-a/00-4-32", "dyn-a/2B-4-32", "dyn-a/2-4-32", "group-a-4-32", "dyn-a b-4-32",
		"dyn-4-32",   "dyn-a+-4-32",
	};
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++) {
		char group[64];
		enum fw_family family;
		unsigned int length;
		if (fw_compile_parse_member_set(names[i], group, &family, &length))
			fail_msg("'%s' was read as a member set of '%s'", names[i], group);
	}
	char too_long[200] = "dyn-";
	memset(too_long + 4, 'a', 64);
	memcpy(too_long + 68, "-4-32", 6);
	char group[64];
	enum fw_family family;
	unsigned int length;
	assert_false(fw_compile_parse_member_set(too_long, group, &family, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_wording),
		cmocka_unit_test(test_others_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
