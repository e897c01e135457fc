/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/test_syntax_format.c - layouts in small, and rules on one line with their scopes folded in. */
#include <errno.h>

#include "test_syntax.h"

static void assert_format(const char *text, const char *expected)
{
	char *found = format_text("test.conf", fw_str_from(text));

	assert_string_equal(found, expected);
	free(found);
	found = format_text("test.conf", fw_str_from(expected));
	assert_string_equal(found, expected);
	free(found);
}

static void test_words(void **state)
{
	(void)state;
	assert_format("", "");
	assert_format("\n\n", "");
	assert_format("ALLOW Ssh,HTTP", "allow ssh, http\n");
	assert_format("allow in ssh", "allow in ssh\n");
	assert_format("deny 1:2/TCP source-port 5:6", "deny 1-2/tcp source-port 5-6\n");
	assert_format("allow ssh from 10.0.0.0-10.0.0.255, 10.0.0.1/32", "allow ssh from 10.0.0.0/24, 10.0.0.1\n");
	assert_format("allow ssh on \"a\\\\\\\"b\"", "allow ssh on \"a\\\\\\\"b\"\n");
	assert_format("zone Lan = Eth0", "zone Lan = Eth0\n");
}

static void test_clause_order(void **state)
{
	(void)state;
	assert_format("allow ssh label \"l\" log rate 1/day rate 2/day from a", "allow ssh from a rate 2/day log rate 1/day label \"l\"\n");
	assert_format("on a from b out {\n}", "out from b on a {\n}\n");
}

static void test_blank_lines(void **state)
{
	(void)state;
	assert_format("\n\nallow a\n\n\n\nallow b\nallow c\n\n", "allow a\n\nallow b\nallow c\n");
	assert_format("in {\n\nallow a\n\n\nallow b\n\n}\n\n\nin {\n}", "in {\n    allow a\n\n    allow b\n}\n\nin {\n}\n");
	assert_format("allow a\n \t\n# c\n\n# d", "allow a\n\n# c\n\n# d\n");
}

static void test_comments(void **state)
{
	(void)state;
	assert_format("#a  \nallow x#b", "#a\nallow x #b\n");
	assert_format("allow a, # one\nb # two", "allow a, # one\n    b # two\n");
	assert_format("allow a,\n# one\n# two\nb", "allow a,\n    # one\n    # two\n    b\n");
	assert_format("group g = # one\n a", "group g = # one\n    a\n");
	assert_format("allow a \\ # one\n from b \\ # two\n to c # three", "# one\n# two\nallow a from b to c # three\n");
	assert_format("allow a to b, # one\n c from d, # two\n e", "allow a from d, # two\n    e to b, # one\n    c\n");
	assert_format("in { # a\n # b\n} # c\n# d", "in { # a\n    # b\n} # c\n# d\n");
	assert_format("allow a during 08:00-09:00 mon, # one\n tue", "# one\nallow a during 08:00-09:00 mon, tue\n");
}

static void test_errors_are_refused(void **state)
{
	struct parsed t;
	struct fw_buf out;

	(void)state;
	fw_buf_init(&out, 1000);
	parse_text(&t, "p", FW_STR("alow ssh\n"));
	assert_int_equal(fw_format(t.arena, &t.sources, t.file, &out), -EINVAL);
	parsed_done(&t);
	parse_text(&t, "p", FW_STR("allow ssh # \xff\n"));
	assert_int_equal(fw_format(t.arena, &t.sources, t.file, &out), -EINVAL);
	parsed_done(&t);
	assert_int_equal(out.len, 0);
	fw_buf_done(&out);
}

static void test_output_has_a_maximum(void **state)
{
	struct parsed t;
	struct fw_buf out;

	(void)state;
	fw_buf_init(&out, 10);
	parse_good(&t, "allow ssh, http\nallow ssh\n");
	assert_int_equal(fw_format(t.arena, &t.sources, t.file, &out), -E2BIG);
	parsed_done(&t);
	fw_buf_done(&out);
}

static void assert_rule(const char *text, enum fw_direction direction, const char *expected)
{
	struct parsed t;
	const struct fw_ast_clauses *extra[8];
	const struct fw_stmt *stmt;
	struct fw_buf out;
	size_t count = 0;

	parse_good(&t, text);
	for (stmt = t.file->body.items[0]; stmt->kind == FW_STMT_SCOPE; stmt = stmt->scope.body.items[0])
		extra[count++] = &stmt->scope.clauses;
	fw_buf_init(&out, 10000);
	fw_format_rule(&out, stmt, direction, extra, count);
	assert_true(fw_str_equal(fw_buf_str(&out), fw_str_from(expected)));
	fw_buf_done(&out);
	parsed_done(&t);
}

static void test_rules(void **state)
{
	(void)state;
	assert_rule("allow in ssh # c", FW_IN, "allow ssh");
	assert_rule("allow out SSH", FW_OUT, "allow out ssh");
	assert_rule("out {\n on lan {\n from b {\n allow ssh label \"x\" to c\n}\n}\n}", FW_OUT, "allow out ssh from b to c on lan label \"x\"");
	assert_rule("expect deny mysql from any on eth0", FW_IN, "expect deny mysql from any on eth0");
	assert_rule("block a, # x\n B except c LOG", FW_IN, "block a, B except c log");
	assert_rule("default in Deny log \"a b\" rate 05/day", FW_IN, "default in deny log \"a b\" rate 5/day");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_clause_order),
		cmocka_unit_test(test_blank_lines),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_errors_are_refused),
		cmocka_unit_test(test_output_has_a_maximum),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
