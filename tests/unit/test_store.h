/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of src/store share: a store in a folder of its own, and files put into it behind its back. */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store.h"

#define BUDGET ((size_t)64 << 20)

struct world {
	char folder[32], state_dir[64], run_dir[64];
	struct fw_arena *arena;
	struct fw_store *store;
};

static inline int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	*state = world;
	snprintf(world->folder, sizeof(world->folder), "/tmp/fwctl-unit-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	snprintf(world->state_dir, sizeof(world->state_dir), "%s/lib/state", world->folder);
	snprintf(world->run_dir, sizeof(world->run_dir), "%s/run", world->folder);
	setenv("FWCTL_STATE_DIR", world->state_dir, 1);
	setenv("FWCTL_RUN_DIR", world->run_dir, 1);
	world->arena = fw_arena_new(BUDGET);
	return world->arena ? fw_store_open(NULL, &world->store) : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path);
}

static inline int world_teardown(void **state)
{
	struct world *world = *state;

	fw_store_close(world->store);
	fw_arena_free(world->arena);
	int r = nftw(world->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(world);
	return r;
}

/* The path of a file of the store; `folder` is one of the two. */
static inline const char *path_in(struct world *world, const char *folder, const char *name)
{
	return fw_arena_printf(world->arena, "%s/%s", folder, name);
}

static inline void put_bytes(const char *path, struct fw_str bytes)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

static inline void assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & (S_IFMT | 07777), mode);
}

static inline void assert_content(const char *path, const char *text)
{
	char *got = NULL;
	size_t len;

	assert_int_equal(fw_file_read(path, 1u << 20, &got, &len), 0);
	assert_string_equal(got, text);
	free(got);
}

static inline size_t count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

#endif
