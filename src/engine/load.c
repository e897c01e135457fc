/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/load.c - policies from files (recording what they looked up) and from generations (answering as it was then). */
#include <errno.h>
#include <fnmatch.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/internal.h"

struct recorder {
	struct fw_arena *arena;
	struct fw_vec *ids;
	struct fw_vec own; /* struct fw_member: addresses of this host, read once */
	bool own_read;
	int error; /* of reading them for want of memory: otherwise a warning is lost, no more */
};

static int look_up_user(const char *name, uint32_t *ret_id)
{
	struct passwd entry, *found = NULL;
	char text[16384];
	int r = getpwnam_r(name, &entry, text, sizeof(text), &found);

	if (r == 0 && found)
		*ret_id = found->pw_uid;
	return found ? 0 : r ? -r : -ENOENT;
}

static int look_up_group(const char *name, uint32_t *ret_id)
{
	struct group entry, *found = NULL;
	char text[16384];
	int r = getgrnam_r(name, &entry, text, sizeof(text), &found);

	if (r == 0 && found)
		*ret_id = found->gr_gid;
	return found ? 0 : r ? -r : -ENOENT;
}

static int parse_number(const char *name, uint32_t *ret_id)
{
	uint64_t value;
	int r = fw_str_parse_u64(fw_str_from(name), UINT32_MAX - 1, &value);

	if (r == 0)
		*ret_id = (uint32_t)value;
	return r;
}

static int record_id(struct recorder *recorder, const char *name, uint32_t id, bool group)
{
	struct fw_generation_id *slot = fw_vec_push(recorder->ids);
	if (!slot)
		return -ENOMEM;

	*slot = (struct fw_generation_id){ fw_arena_copy(recorder->arena, fw_str_from(name)), id, group };
	return slot->name ? 0 : -ENOMEM;
}

int fw_engine_user_id(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	(void)context;
	if (parse_number(name, ret_id) == 0)
		return 0;
	return kind == FW_OWNER_GROUP ? look_up_group(name, ret_id) : look_up_user(name, ret_id);
}

/* Names are kept: a generation needs them. */
static int resolve_id(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	uint32_t number;
	int r = fw_engine_user_id(NULL, kind, name, ret_id);

	return r < 0 || parse_number(name, &number) == 0 ? r : record_id(context, name, *ret_id, kind == FW_OWNER_GROUP);
}

static bool is_own_address(void *context, enum fw_family family, struct fw_range range)
{
	struct recorder *recorder = context;

	if (!recorder->own_read && fw_kernel_own_addresses(&recorder->own) == -ENOMEM)
		recorder->error = -ENOMEM;
	recorder->own_read = true;
	for (size_t i = 0; i < recorder->own.len; i++) {
		const struct fw_member *own = fw_vec_at(&recorder->own, i);
		if (own->family == family && fw_u128_compare(range.low, own->address) <= 0 &&
		    fw_u128_compare(own->address, range.high) <= 0)
			return true;
	}
	return false;
}

int fw_engine_load(struct fw_session *session, const char *path, struct fw_loaded *ret_loaded)
{
	struct fw_loaded loaded = { 0 };
	struct recorder recorder = { .arena = session->arena, .ids = &loaded.ids };
	const struct fw_policy_env env = { .context = &recorder, .user_id = resolve_id, .is_own_address = is_own_address };

	fw_vec_init(&loaded.ids, session->arena, sizeof(struct fw_generation_id));
	fw_vec_init(&recorder.own, session->arena, sizeof(struct fw_member));
	int r = fw_policy_load(session->arena, &session->diags, &env, path, &loaded.policy);
	if (r == 0)
		r = recorder.error;
	if (r == 0)
		*ret_loaded = loaded;
	return r;
}

static int stored_file(void *context, const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	const struct fw_generation *generation = context;

	for (size_t i = 0; i < generation->file_count; i++) {
		const struct fw_str text = generation->files[i].text;
		if (strcmp(generation->files[i].path, path) != 0)
			continue;
		if (text.len > max)
			return -EFBIG;
		*ret_text = malloc(text.len + 1);
		if (!*ret_text)
			return -ENOMEM;
		memcpy(*ret_text, text.data, text.len);
		(*ret_text)[text.len] = '\0';
		*ret_len = text.len;
		return 0;
	}
	return -ENOENT;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int stored_glob(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	const struct fw_generation *generation = context;
	char **paths = calloc(generation->file_count + 1, sizeof(*paths));
	size_t count = 0;
	if (!paths)
		return -ENOMEM;

	for (size_t i = 1; i < generation->file_count; i++) {
		if (fnmatch(pattern, generation->files[i].path, FNM_PATHNAME | FNM_PERIOD) != 0)
			continue;
		paths[count] = strdup(generation->files[i].path);
		if (!paths[count++]) {
			while (count > 0)
				free(paths[--count]);
			free(paths);
			return -ENOMEM;
		}
	}
	qsort(paths, count, sizeof(*paths), compare_paths);
	*ret_paths = paths;
	*ret_count = count;
	return 0;
}

static int stored_id(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	const struct fw_generation *generation = context;

	if (parse_number(name, ret_id) == 0)
		return 0;
	for (size_t i = 0; i < generation->id_count; i++) {
		const struct fw_generation_id *id = &generation->ids[i];
		if (id->group == (kind == FW_OWNER_GROUP) && strcmp(id->name, name) == 0) {
			*ret_id = id->id;
			return 0;
		}
	}
	return -ENOENT;
}

int fw_engine_load_generation(struct fw_session *session, const struct fw_generation *generation, struct fw_policy **ret_policy)
{
	struct fw_generation *context = fw_arena_alloc(session->arena, 1, sizeof(*context));
	struct fw_sources *sources = fw_arena_alloc(session->arena, 1, sizeof(*sources));
	if (!context || !sources)
		return -ENOMEM;

	*context = *generation;
	const struct fw_policy_env env = {
		.context = context, .read_file = stored_file, .glob = stored_glob, .user_id = stored_id
	};
	struct fw_diags diags;
	fw_sources_init(sources, session->arena);
	fw_diags_init(&diags, session->arena, sources);
	const struct fw_policy_file top = { generation->path, generation->files[0].text };
	return fw_policy_load_text(session->arena, &diags, &env, &top, ret_policy);
}
