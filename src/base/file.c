/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/file.c - whole files in and out. Reading is bounded, writing is all or nothing. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define READ_STEP ((size_t)64 << 10)

static int check_kind(int fd, size_t max, size_t *ret_hint)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISBLK(st.st_mode) || (S_ISCHR(st.st_mode) && !isatty(fd) && st.st_rdev != 0x103))
		return -EINVAL; /* an endless /dev/zero; 1:3 is /dev/null */
	if (S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size > max)
		return -EFBIG;
	*ret_hint = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : READ_STEP;
	return 0;
}

static int grow_text(char **text, size_t *cap)
{
	char *bigger = realloc(*text, *cap * 2 + 1);
	if (!bigger)
		return -ENOMEM;

	*text = bigger;
	*cap *= 2;
	return 0;
}

int fw_file_read_fd(int fd, size_t max, char **ret_data, size_t *ret_len)
{
	size_t cap = 0, len = 0;
	int r = check_kind(fd, max, &cap);
	if (r < 0)
		return r;

	char *text FW_CLEANUP(fw_free_ptr) = malloc(++cap + 1);
	if (!text)
		return -ENOMEM;
	for (;;) {
		const ssize_t got = read(fd, text + len, cap - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
		if (len > max)
			return -EFBIG;
		if (len == cap && (r = grow_text(&text, &cap)) < 0)
			return r;
	}
	text[len] = '\0';
	*ret_data = text;
	*ret_len = len;
	text = NULL;
	return 0;
}

/* Opened without waiting, since a FIFO that nobody writes to and /proc/kmsg would have it wait for ever. Pipes that have no name
 * (/dev/stdin, /dev/fd/63) and terminals are waited for. */
static int wait_where_it_ends(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return 0;
	if (S_ISFIFO(st.st_mode) && (fstatfs(fd, &fs) < 0 || fs.f_type != PIPEFS_MAGIC))
		return -EINVAL;
	return fcntl(fd, F_SETFL, 0) < 0 ? -errno : 0;
}

int fw_file_read(const char *path, size_t max, char **ret_data, size_t *ret_len)
{
	int fd FW_CLEANUP(fw_close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;

	int r = wait_where_it_ends(fd);
	return r < 0 ? r : fw_file_read_fd(fd, max, ret_data, ret_len);
}

static int write_all(int fd, struct fw_str text)
{
	while (text.len > 0) {
		const ssize_t put = write(fd, text.data, text.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		text.data += put;
		text.len -= (size_t)put;
	}
	return 0;
}

static int write_temporary(const char *path, struct fw_str text, mode_t mode, bool sync)
{
	int fd FW_CLEANUP(fw_close_fd) = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;

	int r = write_all(fd, text);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int open_folder_of(const char *path)
{
	char *copy FW_CLEANUP(fw_free_ptr) = strdup(path);
	if (!copy)
		return -ENOMEM;

	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int sync_folder(int fd)
{
	return fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? -errno : 0;
}

static int replace(const char *path, struct fw_str text, mode_t mode, bool sync)
{
	char *temporary FW_CLEANUP(fw_free_ptr) = NULL;
	if (asprintf(&temporary, "%s.%d.tmp", path, (int)getpid()) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}

	unlink(temporary); /* left by a killed process that had this number */
	int r = write_temporary(temporary, text, mode, sync);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

int fw_file_write_atomic(const char *path, struct fw_str text, mode_t mode)
{
	int folder FW_CLEANUP(fw_close_fd) = open_folder_of(path); /* before anything changes: it may fail */
	if (folder < 0)
		return folder;

	int r = replace(path, text, mode, true);
	return r < 0 ? r : sync_folder(folder);
}

int fw_file_write_volatile(const char *path, struct fw_str text, mode_t mode)
{
	return replace(path, text, mode, false);
}

static int make_folder(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fw_file_make_dirs(const char *path, mode_t mode)
{
	char *copy FW_CLEANUP(fw_free_ptr) = strdup(path);
	if (!copy)
		return -ENOMEM;

	for (char *slash = copy + (*copy == '/'); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		int r = make_folder(copy, mode);
		if (r < 0)
			return r;
		*slash = '/';
	}
	return make_folder(copy, mode);
}
