/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files: limits, what is no file, and writes that leave the old or the new. Places that cannot be written are made so that the
 * superuser cannot write there either: a path through a file, a folder that is gone, and a limit on the size of files in place of a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct place {
	char folder[64], path[128], other[128];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	*state = place;
	snprintf(place->folder, sizeof(place->folder), "/tmp/fwctl-unit-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/file", place->folder);
	snprintf(place->other, sizeof(place->other), "%s/other", place->folder);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	struct place *place = *state;
	int r = nftw(place->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(place);
	return r;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *text)
{
	char *got = NULL;
	size_t len = 0;

	assert_int_equal(fw_file_read(path, 1u << 20, &got, &len), 0);
	assert_int_equal(len, strlen(text));
	assert_string_equal(got, text);
	free(got);
}

static size_t count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

static void test_read_limits(void **state)
{
	struct place *place = *state;
	char *text = NULL;
	size_t len = 4711;

	put(place->path, "12345");
	assert_int_equal(fw_file_read(place->path, 4, &text, &len), -EFBIG);
	assert_int_equal(fw_file_read(place->path, 0, &text, &len), -EFBIG);
	assert_null(text);
	assert_int_equal(len, 4711); /* outputs untouched on failure */
	assert_int_equal(fw_file_read(place->path, 5, &text, &len), 0);
	assert_int_equal(len, 5);
	assert_string_equal(text, "12345");
	free(text);
	put(place->path, "");
	assert_int_equal(fw_file_read(place->path, 0, &text, &len), 0);
	assert_int_equal(len, 0);
	assert_string_equal(text, "");
	free(text);
}

/* Enormous, and all of it holes: refused without being read. */
static void test_read_sparse(void **state)
{
	struct place *place = *state;
	char *text = NULL;
	size_t len;

	put(place->path, "");
	assert_int_equal(truncate(place->path, (off_t)1 << 40), 0);
	assert_int_equal(fw_file_read(place->path, 1u << 20, &text, &len), -EFBIG);
	assert_null(text);
}

static void test_read_failures(void **state)
{
	struct place *place = *state;
	char *text = NULL, below[192];
	size_t len;

	assert_int_equal(fw_file_read(place->path, 10, &text, &len), -ENOENT);
	assert_int_equal(fw_file_read("", 10, &text, &len), -ENOENT);
	put(place->path, "x");
	snprintf(below, sizeof(below), "%s/y", place->path);
	assert_int_equal(fw_file_read(below, 10, &text, &len), -ENOTDIR);
	assert_int_equal(symlink(place->other, place->other), 0);
	assert_int_equal(fw_file_read(place->other, 10, &text, &len), -ELOOP);
	assert_int_equal(fw_file_read_fd(-1, 10, &text, &len), -EBADF);
	int fd = open(place->path, O_WRONLY | O_CLOEXEC); /* reading itself fails */
	assert_int_equal(fw_file_read_fd(fd, 10, &text, &len), -EBADF);
	close(fd);
	assert_null(text);
}

/* Files of /proc say that they are empty, and are read all the same, up to the limit. */
static void test_read_proc(void **state)
{
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(fw_file_read("/proc/self/status", 1u << 20, &text, &len), 0);
	assert_true(len > 100 && strlen(text) == len);
	free(text);
	text = NULL;
	assert_int_equal(fw_file_read("/proc/self/status", 100, &text, &len), -EFBIG);
	assert_null(text);
}

/* More than a pipe holds, written by a child; and one byte less than it writes. */
static int read_pipe(size_t size, size_t max, char **ret_text, size_t *ret_len)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	const pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		signal(SIGPIPE, SIG_DFL);
		while (size-- > 0)
			if (write(ends[1], size % 2 ? "a" : "b", 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	int r = fw_file_read_fd(ends[0], max, ret_text, ret_len);
	assert_true(fcntl(ends[0], F_GETFD) >= 0); /* not closed */
	close(ends[0]);
	return r;
}

static void test_read_pipe(void **state)
{
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(read_pipe(200000, 200000, &text, &len), 0);
	assert_int_equal(len, 200000);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(text[i], i % 2 ? 'b' : 'a');
	assert_int_equal(text[len], '\0');
	free(text);
	text = NULL;
	assert_int_equal(read_pipe(200000, 199999, &text, &len), -EFBIG);
	assert_null(text);
}

static void test_write(void **state)
{
	struct place *place = *state;
	struct stat st;

	assert_int_equal(fw_file_write_atomic(place->path, FW_STR("one"), 0600), 0);
	assert_file(place->path, "one");
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	const mode_t mask = umask(077); /* the mode is what was asked for, whatever the umask */
	assert_int_equal(fw_file_write_atomic(place->path, FW_STR(""), 0644), 0);
	umask(mask);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_file(place->path, "");
	assert_int_equal(count_entries(place->folder), 1);
}

/* A reader that has the old one open goes on reading the old one: it was replaced, not written over. */
static void test_write_replaces(void **state)
{
	struct place *place = *state;
	char *text = NULL;
	size_t len;

	put(place->path, "old");
	int fd = open(place->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fw_file_write_atomic(place->path, FW_STR("new"), 0600), 0);
	assert_int_equal(fw_file_read_fd(fd, 10, &text, &len), 0);
	assert_string_equal(text, "old");
	free(text);
	close(fd);
	assert_file(place->path, "new");
}

/* A link is replaced; what it points to is left alone. So is what a planted temporary file points to. */
static void test_write_links(void **state)
{
	struct place *place = *state;
	char temporary[192];
	struct stat st;

	put(place->other, "precious");
	assert_int_equal(symlink(place->other, place->path), 0);
	snprintf(temporary, sizeof(temporary), "%s.%d.tmp", place->path, (int)getpid());
	assert_int_equal(symlink(place->other, temporary), 0);
	assert_int_equal(fw_file_write_atomic(place->path, FW_STR("new"), 0600), 0);
	assert_file(place->other, "precious");
	assert_int_equal(lstat(place->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_file(place->path, "new");
	assert_int_equal(count_entries(place->folder), 2);
}

static void test_write_nowhere(void **state)
{
	struct place *place = *state;
	char path[256];

	put(place->path, "file");
	snprintf(path, sizeof(path), "%s/below", place->path);
	assert_int_equal(fw_file_write_atomic(path, FW_STR("x"), 0600), -ENOTDIR);
	assert_file(place->path, "file");
	snprintf(path, sizeof(path), "%s/gone/file", place->folder);
	assert_int_equal(fw_file_write_atomic(path, FW_STR("x"), 0600), -ENOENT);
	assert_int_equal(mkdir(place->other, 0700), 0); /* a folder in its place */
	assert_int_equal(fw_file_write_atomic(place->other, FW_STR("x"), 0600), -EISDIR);
	assert_int_equal(count_entries(place->folder), 2);
	assert_int_equal(count_entries(place->other), 0);
	assert_true(fw_file_write_atomic("/proc/fwctl-unit", FW_STR("x"), 0600) < 0);
}

/* The disk is full half way. */
static void test_write_full(void **state)
{
	struct place *place = *state;
	struct rlimit before, small;
	char *text = malloc(100000);

	assert_non_null(text);
	memset(text, 'x', 100000);
	put(place->path, "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ 50000, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = fw_file_write_atomic(place->path, (struct fw_str){ text, 100000 }, 0600);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	free(text);
	assert_int_equal(r, -EFBIG);
	assert_file(place->path, "old");
	assert_int_equal(count_entries(place->folder), 1);
}

static void make_below(const struct place *place, const char *rest, int result)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", place->folder, rest);
	errno = 0;
	assert_int_equal(fw_file_make_dirs(path, 0750), result);
	if (result == 0) {
		assert_int_equal(stat(path, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
	}
}

static void test_make_dirs(void **state)
{
	struct place *place = *state;
	char path[256];
	struct stat st;

	make_below(place, "a", 0);
	make_below(place, "a", 0);
	make_below(place, "a/b/c/d", 0);
	make_below(place, "x//y/z/", 0);
	make_below(place, "a/./b/../b/e", 0);
	snprintf(path, sizeof(path), "%s/a/b", place->folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(fw_file_make_dirs("/", 0700), 0);
	assert_int_equal(fw_file_make_dirs(".", 0700), 0);
}

/* A folder that is not there must not be reported as made. */
static void test_make_dirs_fails(void **state)
{
	struct place *place = *state;
	char name[300];

	put(place->path, "file");
	make_below(place, "file/a", -ENOTDIR);
	make_below(place, "file/a/b", -ENOTDIR);
	make_below(place, "file", -ENOTDIR);
	assert_int_equal(symlink("nowhere", place->other), 0);
	make_below(place, "other", -ENOENT);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(fw_file_make_dirs(name, 0700), -ENAMETOOLONG);
	assert_int_equal(fw_file_make_dirs("", 0700), -ENOENT);
	assert_true(fw_file_make_dirs("/proc/fwctl-unit/a", 0700) < 0);
	assert_file(place->path, "file");
}

/* A link to a folder is as good as a folder. */
static void test_make_dirs_links(void **state)
{
	struct place *place = *state;

	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_int_equal(symlink("file", place->other), 0);
	make_below(place, "other", 0);
	make_below(place, "other/a/b", 0);
	make_below(place, "file/a/b", 0);
	assert_int_equal(count_entries(place->path), 1);
}

#define PLACE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(test_read_limits), PLACE_TEST(test_read_sparse),	PLACE_TEST(test_read_failures),	  PLACE_TEST(test_read_proc),
		PLACE_TEST(test_read_pipe),   PLACE_TEST(test_write),		PLACE_TEST(test_write_replaces),  PLACE_TEST(test_write_links),
		PLACE_TEST(test_write_nowhere), PLACE_TEST(test_write_full),	PLACE_TEST(test_make_dirs),	  PLACE_TEST(test_make_dirs_fails),
		PLACE_TEST(test_make_dirs_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
