/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which characters a terminal would act upon, and files that would never end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/file.h"

static void test_controls(void **state)
{
	static const struct {
		const char *text;
		size_t control, shown;
	} rows[] = {
		{ "a", 0, 1 },		  { "~", 0, 1 },	      { "\x1b[31m", 1, 0 },	{ "\n", 1, 0 },
		{ "\t", 1, 1 },		  { "\x7f", 1, 0 },	      { "\xc2\x80", 2, 0 },	{ "\xc2\x9b", 2, 0 },
		{ "\xc2\x9f", 2, 0 },	  { "\xc2\xa0", 0, 2 },	      { "\xd8\x9c", 2, 0 }, { "\xe2\x80\x8d", 0, 3 },
		{ "\xe2\x80\x8e", 3, 0 }, { "\xe2\x80\xa8", 3, 0 },   { "\xe2\x80\xae", 3, 0 }, { "\xe2\x80\xaf", 0, 3 },
		{ "\xe2\x81\xa6", 3, 0 }, { "\xe2\x81\xa9", 3, 0 },   { "\xe2\x81\xaa", 0, 3 }, { "\xf0\x9f\x98\x80", 0, 4 },
		{ "\xff", 0, 0 },	  { "\xc2", 0, 0 },	      { "\xc0\x9b", 0, 0 },	{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		assert_int_equal(fw_str_control_at(fw_str_from(rows[i].text)), rows[i].control);
		assert_int_equal(fw_str_shown_at(fw_str_from(rows[i].text)), rows[i].shown);
	}
	assert_int_equal(fw_str_control_at((struct fw_str){ "", 1 }), 1); /* NUL */
}

static void test_hide(void **state)
{
	char text[] = "caf\xc3\xa9\t\x1b[31m \xc2\x9b" "2J \xe2\x80\xae" "x \xff\xfe\n";

	(void)state;
	fw_str_hide_controls(text);
	assert_string_equal(text, "caf\xc3\xa9\t?[31m ?2J ?x ???");
}

static void test_endless_files(void **state)
{
	char folder[] = "/tmp/fwctl-base-XXXXXX", path[64];
	char *text = NULL;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fw_file_read(path, 100, &text, &len), -EINVAL);
	unlink(path);
	rmdir(folder);
	assert_int_equal(fw_file_read("/dev/zero", 100, &text, &len), -EINVAL);
	assert_int_equal(fw_file_read("/", 100, &text, &len), -EISDIR);
	assert_null(text);
	assert_int_equal(fw_file_read("/dev/null", 100, &text, &len), 0);
	assert_int_equal(len, 0);
	free(text);
}

/* As `fwctl check <(program)` has it: opened anew by its number. */
static void test_pipe_by_number(void **state)
{
	char path[32], *text = NULL;
	size_t len;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "allow ssh\n", 10), 10);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(fw_file_read(path, 100, &text, &len), 0);
	assert_int_equal(len, 10);
	assert_string_equal(text, "allow ssh\n");
	free(text);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_hide),
		cmocka_unit_test(test_endless_files),
		cmocka_unit_test(test_pipe_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
