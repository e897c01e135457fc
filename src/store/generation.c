/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/generation.c - one file a generation: a line of JSON that says what it is and how long each text is, then the texts. Whole or not at all:
 * written by a rename, and read only where all lengths add up. Mode 0600: a policy may name what should not be known. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "store/paths.h"

#define FORMAT_VERSION 1

static void json_done(json_t **json)
{
	json_decref(*json);
}

#define NAME_SIZE 64

static void generation_name(uint64_t number, char ret_name[NAME_SIZE])
{
	snprintf(ret_name, NAME_SIZE, "generations/%" PRIu64, number);
}

static char *generation_path(const struct fw_store *store, uint64_t number)
{
	char name[NAME_SIZE];

	generation_name(number, name);
	return fw_store_path(store->state_dir, name);
}

static json_t *files_to_json(const struct fw_generation *generation)
{
	json_t *files = json_array();

	for (size_t i = 0; i < generation->file_count; i++)
		json_array_append_new(files, json_pack("{s:s, s:I}", "path", generation->files[i].path, "length",
						       (json_int_t)generation->files[i].text.len));
	return files;
}

static json_t *ids_to_json(const struct fw_generation *generation)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < generation->id_count; i++)
		json_array_append_new(ids, json_pack("{s:s, s:I, s:b}", "name", generation->ids[i].name, "id",
						     (json_int_t)generation->ids[i].id, "group", generation->ids[i].group));
	return ids;
}

static json_t *header_to_json(const struct fw_generation *generation)
{
	return json_pack("{s:i, s:I, s:s, s:s, s:I, s:I, s:s, s:o, s:o}", "version", FORMAT_VERSION, "generation",
			 (json_int_t)generation->number, "policy_hash", generation->policy_hash, "policy", generation->path,
			 "applied_at", (json_int_t)generation->applied_at, "compiled_for",
			 (json_int_t)generation->compiled_for, "user", generation->user ? generation->user : "", "files",
			 files_to_json(generation), "ids", ids_to_json(generation));
}

static bool is_text(const char *name)
{
	const struct fw_str bytes = fw_str_from(name);

	return fw_str_utf8_valid(bytes) == bytes.len;
}

/* JSON has no place for other bytes. */
static bool names_are_text(const struct fw_generation *generation)
{
	bool all = is_text(generation->path) && is_text(generation->user);

	for (size_t i = 0; i < generation->file_count; i++)
		all = all && is_text(generation->files[i].path);
	for (size_t i = 0; i < generation->id_count; i++)
		all = all && is_text(generation->ids[i].name);
	return all;
}

int fw_store_write_generation(struct fw_store *store, const struct fw_generation *generation)
{
	if (!names_are_text(generation))
		return -EILSEQ;

	json_t *header FW_CLEANUP(json_done) = header_to_json(generation);
	char *line FW_CLEANUP(fw_free_ptr) = header ? json_dumps(header, JSON_COMPACT) : NULL;
	char *folder FW_CLEANUP(fw_free_ptr) = fw_store_path(store->state_dir, "generations");
	char *path FW_CLEANUP(fw_free_ptr) = generation_path(store, generation->number);
	if (!line || !folder || !path)
		return -ENOMEM;

	struct fw_buf text FW_CLEANUP(fw_buf_done);
	fw_buf_init(&text, FW_STORE_MAX_GENERATION);
	fw_buf_puts(&text, line);
	fw_buf_putc(&text, '\n');
	for (size_t i = 0; i < generation->file_count; i++)
		fw_buf_add(&text, generation->files[i].text);
	if (text.error)
		return text.error;

	int r = fw_file_make_dirs(folder, 0700);
	return r < 0 ? r : fw_file_write_atomic(path, fw_buf_str(&text), 0600);
}

static int files_from_json(const json_t *header, struct fw_arena *arena, struct fw_str rest, struct fw_generation *generation)
{
	const json_t *list = json_object_get(header, "files");
	const size_t count = json_array_size(list);
	struct fw_generation_file *files = fw_arena_alloc(arena, count, sizeof(*files));
	if (!files)
		return -ENOMEM;

	for (size_t i = 0; i < count; i++) {
		const char *path;
		json_int_t length;
		if (json_unpack(json_array_get(list, i), "{s:s, s:I}", "path", &path, "length", &length) < 0 || length < 0 ||
		    (uint64_t)length > rest.len)
			return -EBADMSG;
		const struct fw_str text = { rest.data, (size_t)length };
		files[i].path = fw_arena_copy(arena, fw_str_from(path));
		files[i].text = (struct fw_str){ fw_arena_copy(arena, text), text.len };
		if (!files[i].path || !files[i].text.data)
			return -ENOMEM;
		rest.data += length;
		rest.len -= (size_t)length;
	}
	generation->files = files;
	generation->file_count = count;
	return rest.len == 0 && count > 0 ? 0 : -EBADMSG;
}

static int ids_from_json(const json_t *header, struct fw_arena *arena, struct fw_generation *generation)
{
	const json_t *list = json_object_get(header, "ids");
	const size_t count = json_array_size(list);
	struct fw_generation_id *ids = fw_arena_alloc(arena, count + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	if (!json_is_array(list))
		return -EBADMSG;

	for (size_t i = 0; i < count; i++) {
		const char *name;
		json_int_t id;
		int group;
		if (json_unpack(json_array_get(list, i), "{s:s, s:I, s:b}", "name", &name, "id", &id, "group", &group) < 0 || id < 0 ||
		    id > UINT32_MAX)
			return -EBADMSG;
		ids[i] = (struct fw_generation_id){ fw_arena_copy(arena, fw_str_from(name)), (uint32_t)id, group };
		if (!ids[i].name)
			return -ENOMEM;
	}
	generation->ids = ids;
	generation->id_count = count;
	return 0;
}

static int header_from_json(const json_t *header, struct fw_arena *arena, struct fw_generation *generation)
{
	const char *hash, *path, *user;
	json_int_t version, number, applied_at, compiled_for;

	/* jansson unpacks through a pointer that it does not write through */
	if (json_unpack((json_t *)(uintptr_t)header, "{s:I, s:I, s:s, s:s, s:I, s:I, s:s}", "version", &version, "generation",
			&number, "policy_hash", &hash, "policy", &path, "applied_at", &applied_at, "compiled_for",
			&compiled_for, "user", &user) < 0 ||
	    version != FORMAT_VERSION || strlen(hash) >= FW_HASH_HEX)
		return -EBADMSG;
	generation->number = (uint64_t)number;
	memcpy(generation->policy_hash, hash, strlen(hash) + 1);
	generation->applied_at = applied_at;
	generation->compiled_for = compiled_for;
	generation->path = fw_arena_copy(arena, fw_str_from(path));
	generation->user = fw_arena_copy(arena, fw_str_from(user));
	return generation->path && generation->user ? 0 : -ENOMEM;
}

static int parse_generation(struct fw_arena *arena, struct fw_str text, struct fw_generation *generation)
{
	const char *newline = memchr(text.data, '\n', text.len);
	if (!newline)
		return -EBADMSG;

	const size_t head = (size_t)(newline - text.data);
	json_t *header FW_CLEANUP(json_done) = json_loadb(text.data, head, JSON_REJECT_DUPLICATES, NULL);
	if (!header)
		return -EBADMSG;

	int r = header_from_json(header, arena, generation);
	if (r < 0)
		return r;
	r = ids_from_json(header, arena, generation);
	if (r < 0)
		return r;
	return files_from_json(header, arena, (struct fw_str){ newline + 1, text.len - head - 1 }, generation);
}

int fw_store_read_generation(struct fw_store *store, struct fw_arena *arena, uint64_t number, struct fw_generation *ret_generation)
{
	char *path FW_CLEANUP(fw_free_ptr) = generation_path(store, number);
	char *text FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;
	if (!path)
		return -ENOMEM;

	int r = fw_file_read(path, FW_STORE_MAX_GENERATION, &text, &len);
	if (r < 0)
		return r;

	struct fw_generation generation = { 0 };
	r = parse_generation(arena, (struct fw_str){ text, len }, &generation);
	if (r < 0)
		return r;
	if (generation.number != number)
		return -EBADMSG;
	*ret_generation = generation;
	return 0;
}

void fw_store_remove_generation(struct fw_store *store, uint64_t number)
{
	char name[NAME_SIZE];

	generation_name(number, name);
	fw_store_unlink(store->state_dir, name);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int fw_store_generations(struct fw_store *store, struct fw_vec *ret_numbers)
{
	char *path FW_CLEANUP(fw_free_ptr) = fw_store_path(store->state_dir, "generations");
	if (!path)
		return -ENOMEM;
	DIR *folder FW_CLEANUP(close_folder) = opendir(path);
	if (!folder)
		return errno == ENOENT ? 0 : -errno;

	for (struct dirent *entry; (entry = readdir(folder));) {
		uint64_t number;
		if (fw_str_parse_u64(fw_str_from(entry->d_name), UINT64_MAX, &number) < 0)
			continue;
		uint64_t *slot = fw_vec_push(ret_numbers);
		if (!slot)
			return -ENOMEM;
		*slot = number;
	}
	if (ret_numbers->len > 0)
		qsort(ret_numbers->items, ret_numbers->len, sizeof(uint64_t), compare_numbers);
	return 0;
}

/* What a killed process had begun to write. */
static void remove_unfinished(const char *path)
{
	DIR *folder FW_CLEANUP(close_folder) = opendir(path);

	if (!folder)
		return;
	for (struct dirent *entry; (entry = readdir(folder));) {
		const size_t len = strlen(entry->d_name), ending = strlen(".tmp");
		if (len > ending && strcmp(entry->d_name + len - ending, ".tmp") == 0)
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
	}
}

/* Nobody else writes: the caller holds the lock. */
static void remove_all_unfinished(const struct fw_store *store)
{
	char *generations FW_CLEANUP(fw_free_ptr) = fw_store_path(store->state_dir, "generations");

	if (generations)
		remove_unfinished(generations);
	remove_unfinished(store->state_dir);
	remove_unfinished(store->run_dir);
}

void fw_store_prune(struct fw_store *store, uint64_t current)
{
	struct fw_vec numbers FW_CLEANUP(fw_vec_done);

	remove_all_unfinished(store);
	fw_vec_init(&numbers, NULL, sizeof(uint64_t));
	if (fw_store_generations(store, &numbers) < 0 || numbers.len <= FW_STORE_KEEP)
		return;
	for (size_t i = 0; i < numbers.len - FW_STORE_KEEP; i++) {
		const uint64_t number = *(const uint64_t *)fw_vec_at(&numbers, i);
		if (number != current)
			fw_store_remove_generation(store, number);
	}
}
