/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/env.c - how a policy asks the outside: files, patterns, user names, the services database. Each question goes to the
 * environment that the caller gave, or to the system where that has no answer of its own. Nothing here knows the language. */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/resolve.h"

#define SERVICES_MAX ((size_t)4 << 20)

#define RECORD_MAX (1u << 20) /* a passwd or group entry */

int fw_env_read_file(const struct fw_policy_env *env, const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	if (env && env->read_file)
		return env->read_file(env->context, path, max, ret_text, ret_len);
	if (strcmp(path, "-") == 0)
		return fw_file_read_fd(STDIN_FILENO, max, ret_text, ret_len);
	return fw_file_read(path, max, ret_text, ret_len);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Moves the paths out of a glob_t, so that the caller frees plain heap memory. */
static int take_paths(glob_t *found, char ***ret_paths, size_t *ret_count)
{
	char **paths = calloc(found->gl_pathc + 1, sizeof(*paths));
	size_t i;

	if (!paths)
		return -ENOMEM;
	for (i = 0; i < found->gl_pathc; i++) {
		paths[i] = strdup(found->gl_pathv[i]);
		if (!paths[i])
			break;
	}
	if (i < found->gl_pathc) {
		while (i > 0)
			free(paths[--i]);
		free(paths);
		return -ENOMEM;
	}
	/* glob sorts by the locale: a policy means the same in every one. */
	qsort(paths, found->gl_pathc, sizeof(*paths), compare_paths);
	*ret_paths = paths;
	*ret_count = found->gl_pathc;
	return 0;
}

static int real_glob(const char *pattern, char ***ret_paths, size_t *ret_count)
{
	FW_CLEANUP(globfree) glob_t found = { 0 };
	int result;

	*ret_paths = NULL;
	*ret_count = 0;
	errno = 0;
	result = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found);
	if (result == GLOB_NOSPACE)
		return -ENOMEM;
	/* A folder that may not be read is told, one that does not exist holds nothing. */
	if (result == GLOB_ABORTED)
		return errno == 0 ? -EIO : errno == ENOENT ? 0 : -errno;
	if (result == GLOB_NOMATCH)
		return 0;
	return take_paths(&found, ret_paths, ret_count);
}

int fw_env_glob(const struct fw_policy_env *env, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	if (env && env->glob)
		return env->glob(env->context, pattern, ret_paths, ret_count);
	return real_glob(pattern, ret_paths, ret_count);
}

static int ask_user(const char *name, char *buffer, size_t size, uint32_t *ret_id)
{
	struct passwd entry, *found;
	int error = getpwnam_r(name, &entry, buffer, size, &found);

	if (!error && found)
		*ret_id = entry.pw_uid;
	return error ? -error : found ? 0 : -ENOENT;
}

static int ask_group(const char *name, char *buffer, size_t size, uint32_t *ret_id)
{
	struct group entry, *found;
	int error = getgrnam_r(name, &entry, buffer, size, &found);

	if (!error && found)
		*ret_id = entry.gr_gid;
	return error ? -error : found ? 0 : -ENOENT;
}

static int real_user_id(enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	for (size_t size = 4096; size <= RECORD_MAX; size *= 4) {
		FW_CLEANUP(fw_free_ptr) char *buffer = malloc(size);
		int result;

		if (!buffer)
			return -ENOMEM;
		result = kind == FW_OWNER_USER ? ask_user(name, buffer, size, ret_id) : ask_group(name, buffer, size, ret_id);
		if (result != -ERANGE)
			return result;
	}
	return -ERANGE;
}

int fw_env_user_id(const struct fw_policy_env *env, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	if (env && env->user_id)
		return env->user_id(env->context, kind, name, ret_id);
	return real_user_id(kind, name, ret_id);
}

static struct fw_str next_word(struct fw_str *line)
{
	size_t begin = 0, end;

	while (begin < line->len && (line->data[begin] == ' ' || line->data[begin] == '\t'))
		begin++;
	for (end = begin; end < line->len && line->data[end] != ' ' && line->data[end] != '\t' && line->data[end] != '#'; end++)
		;
	const struct fw_str word = { line->data + begin, end - begin };
	*line = (struct fw_str){ line->data + end, line->len - end };
	return word;
}

/* A line of services(5): NAME PORT/PROTOCOL [ALIAS ...] [# ...]. Is one of its names `name`? */
static bool names_service(struct fw_str line, struct fw_str name, struct fw_str *ret_item)
{
	struct fw_str word = next_word(&line);
	bool found = word.len > 0 && fw_str_equal(word, name);

	*ret_item = next_word(&line);
	for (word = next_word(&line); word.len > 0 && !found; word = next_word(&line))
		found = fw_str_equal(word, name);
	return found && ret_item->len > 0;
}

/* The file alone, not getservbyname(3): whatever else is configured there would run inside a program that has privileges. */
static bool real_system_service(const char *name, char *ret_item, size_t size)
{
	char *text FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;
	if (fw_file_read("/etc/services", SERVICES_MAX, &text, &len) < 0)
		return false;

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		const size_t end = newline ? (size_t)(newline - text) : len;
		struct fw_str item;
		if (names_service((struct fw_str){ text + at, end - at }, fw_str_from(name), &item) && item.len < size) {
			memcpy(ret_item, item.data, item.len);
			ret_item[item.len] = '\0';
			return true;
		}
		at = end + 1;
	}
	return false;
}

bool fw_env_system_service(const struct fw_policy_env *env, const char *name, char ret_item[FW_SYSTEM_SERVICE_MAX])
{
	const char *answer;
	size_t len;

	if (!env || !env->system_service)
		return real_system_service(name, ret_item, FW_SYSTEM_SERVICE_MAX);
	answer = env->system_service(env->context, name);
	len = answer ? strlen(answer) : 0;
	if (len == 0 || len >= FW_SYSTEM_SERVICE_MAX)
		return false;
	memcpy(ret_item, answer, len + 1);
	return true;
}
