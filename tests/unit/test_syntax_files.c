/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/test_syntax_files.c - every file of tests/golden/syntax: NAME.conf is laid out as NAME.fmt, which is laid out as itself; of
 * tests/reject/syntax: NAME.conf is refused with the words of NAME.err. FW_UPDATE=1 writes .fmt and .err anew, to be read before they are
 * committed. Runs in the top folder of the source. */
#include <glob.h>
#include <limits.h>

#include "base/file.h"
#include "test_syntax.h"

#define FILE_MAX ((size_t)64 << 20)

static struct fw_str read_file(const char *path)
{
	struct fw_str text;
	char *data;
	int result = fw_file_read(path, FILE_MAX, &data, &text.len);

	if (result)
		print_error("%s: %s\n", path, strerror(-result));
	assert_int_equal(result, 0);
	text.data = data;
	return text;
}

static void free_text(struct fw_str text)
{
	union {
		const char *data;
		char *heap;
	} owner = { .data = text.data };

	free(owner.heap);
}

static void beside(char path[PATH_MAX], const char *conf, const char *suffix)
{
	int len = snprintf(path, PATH_MAX, "%.*s%s", (int)(strlen(conf) - strlen(".conf")), conf, suffix);

	assert_in_range(len, 1, PATH_MAX - 1);
}

/* `text` is what the file beside `conf` holds. */
static void compare_with(const char *conf, const char *suffix, const char *text)
{
	char path[PATH_MAX];
	struct fw_str expected;

	beside(path, conf, suffix);
	if (getenv("FW_UPDATE"))
		assert_int_equal(fw_file_write_atomic(path, fw_str_from(text), 0644), 0);
	expected = read_file(path);
	if (!fw_str_equal(expected, fw_str_from(text)))
		print_error("%s: expected\n%.*s\nfound\n%s\n", conf, (int)expected.len, expected.data, text);
	assert_true(fw_str_equal(expected, fw_str_from(text)));
	free_text(expected);
}

static void check_format(const char *path, bool golden)
{
	struct fw_str text = read_file(path);
	char *once = format_text(path, text), *twice = format_text(path, fw_str_from(once));

	assert_string_equal(once, twice);
	if (golden)
		compare_with(path, ".fmt", once);
	free(once);
	free(twice);
	free_text(text);
}

static void check_golden(const char *path)
{
	check_format(path, true);
}

static void check_fixpoint(const char *path)
{
	check_format(path, false);
}

static void check_reject(const char *path)
{
	struct fw_str text = read_file(path);
	const char *slash = strrchr(path, '/');
	struct parsed t;
	char *messages;

	parse_text(&t, slash + 1, text);
	messages = parsed_messages(&t);
	compare_with(path, ".err", messages);
	assert_true(t.diags.errors > 0);
	assert_true(t.file->has_errors);
	free(messages);
	parsed_done(&t);
	free_text(text);
}

static size_t for_each(const char *pattern, void (*check)(const char *path))
{
	glob_t found;
	size_t count;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check(found.gl_pathv[i]);
	count = found.gl_pathc;
	globfree(&found);
	return count;
}

static void test_golden(void **state)
{
	(void)state;
	assert_true(for_each("tests/golden/syntax/*.conf", check_golden) >= 5);
}

static void test_reject(void **state)
{
	(void)state;
	assert_true(for_each("tests/reject/syntax/*.conf", check_reject) >= 10);
}

static void test_shipped_policies(void **state)
{
	(void)state;
	assert_true(for_each("policies/*.conf", check_fixpoint) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_shipped_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
