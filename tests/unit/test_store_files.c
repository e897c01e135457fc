/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folders, the lock, the pointer to the running generation, and what is known of the kernel: also where somebody else was at the files. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "test_store.h"

static void test_open_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "../x", "x/" };
	struct world *world = *state;
	struct fw_store *store = NULL;

	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++)
		assert_int_equal(fw_store_open(bad[i], &store), -EINVAL);
	assert_null(store);
	assert_int_equal(fw_store_open("..x", &store), 0);
	assert_string_equal(fw_store_state_dir(store), path_in(world, world->state_dir, "netns/..x"));
	fw_store_close(store);
	assert_string_equal(fw_store_state_dir(world->store), world->state_dir);
	assert_int_equal(access(world->state_dir, F_OK), -1); /* nothing is made by opening */
	assert_int_equal(access(world->run_dir, F_OK), -1);
	fw_store_close(NULL);
}

/* A folder that is not absolute would depend on where the command was called. */
static void test_relative_folder(void **state)
{
	struct fw_store *store = NULL;

	(void)state;
	setenv("FWCTL_STATE_DIR", "relative", 1);
	assert_int_equal(fw_store_open(NULL, &store), 0);
	assert_string_equal(fw_store_state_dir(store), FW_STORE_STATE_DIR);
	fw_store_close(store);
	setenv("FWCTL_STATE_DIR", "", 1);
	assert_int_equal(fw_store_open("x", &store), 0);
	assert_string_equal(fw_store_state_dir(store), FW_STORE_STATE_DIR "/netns/x");
	fw_store_close(store);
	unsetenv("FWCTL_STATE_DIR");
	assert_int_equal(fw_store_open(NULL, &store), 0);
	assert_string_equal(fw_store_state_dir(store), FW_STORE_STATE_DIR);
	fw_store_close(store);
}

static void test_namespaces_are_apart(void **state)
{
	struct world *world = *state;
	struct fw_store *other = NULL;
	uint64_t number = 0;

	assert_int_equal(fw_store_open("blue", &other), 0);
	assert_int_equal(fw_store_set_current(world->store, 5), 0);
	assert_int_equal(fw_store_current(other, &number), -ENOENT);
	assert_int_equal(fw_store_set_current(other, 6), 0);
	assert_int_equal(fw_store_current(world->store, &number), 0);
	assert_int_equal(number, 5);
	assert_int_equal(fw_store_lock(world->store, 0), 0);
	assert_int_equal(fw_store_lock(other, 0), 0);
	fw_store_close(other);
}

static long elapsed_ms(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void test_lock(void **state)
{
	struct world *world = *state;
	struct fw_store *other = NULL;
	struct timespec start;

	assert_int_equal(fw_store_open(NULL, &other), 0);
	assert_int_equal(fw_store_lock(world->store, 0), 0);
	assert_int_equal(fw_store_lock(world->store, 0), 0); /* held already */
	assert_int_equal(fw_store_lock(other, 0), -EBUSY);
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(fw_store_lock(other, 50), -EBUSY);
	assert_true(elapsed_ms(&start) >= 50);
	fw_store_close(world->store);
	world->store = NULL;
	assert_int_equal(fw_store_lock(other, 0), 0);
	fw_store_close(other);
}

/* A holder that is killed gives the lock back. */
static void test_lock_of_the_dead(void **state)
{
	struct world *world = *state;
	int ends[2], status;
	char byte;

	assert_int_equal(pipe(ends), 0);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct fw_store *store = NULL;
		close(ends[0]);
		if (fw_store_open(NULL, &store) < 0 || fw_store_lock(store, 0) < 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	assert_int_equal(fw_store_lock(world->store, 0), -EBUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(fw_store_lock(world->store, 10000), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
}

/* Somebody put something else in the lock's place. */
static void test_lock_is_no_lock(void **state)
{
	struct world *world = *state;
	const char *lock = path_in(world, world->run_dir, "lock"), *victim = path_in(world, world->folder, "victim");

	assert_int_equal(mkdir(world->run_dir, 0755), 0);
	put_bytes(victim, FW_STR("precious"));
	assert_int_equal(symlink(victim, lock), 0);
	assert_int_equal(fw_store_lock(world->store, 0), -ELOOP);
	unlink(lock);
	assert_int_equal(mkdir(lock, 0755), 0);
	assert_int_equal(fw_store_lock(world->store, 0), -EISDIR);
	rmdir(lock);
	assert_int_equal(fw_store_lock(world->store, 0), 0);
	assert_mode(lock, S_IFREG | 0600);
	assert_content(victim, "precious");
}

static void test_unwritable(void **state)
{
	struct world *world = *state;
	const struct fw_known known = { "boot", 1, 2, 3, 4, "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100" };
	uint64_t number = 4711;

	put_bytes(world->run_dir, FW_STR("a file in its place"));
	put_bytes(path_in(world, world->folder, "lib"), FW_STR("another"));
	assert_int_equal(fw_store_lock(world->store, 0), -ENOTDIR);
	assert_int_equal(fw_store_write_known(world->store, &known), -ENOTDIR);
	assert_int_equal(fw_store_set_current(world->store, 1), -ENOTDIR);
	assert_int_equal(fw_store_current(world->store, &number), -ENOTDIR);
	assert_int_equal(number, 4711);
	fw_store_forget(world->store);
	fw_store_prune(world->store, 1);
	assert_content(world->run_dir, "a file in its place");
}

static void test_current(void **state)
{
	static const uint64_t numbers[] = { 1, 0, UINT64_MAX, 20 };
	struct world *world = *state;
	uint64_t number = 4711;

	assert_int_equal(fw_store_current(world->store, &number), -ENOENT);
	for (size_t i = 0; i < FW_ARRAY_SIZE(numbers); i++) {
		assert_int_equal(fw_store_set_current(world->store, numbers[i]), 0);
		assert_int_equal(fw_store_current(world->store, &number), 0);
		assert_true(number == numbers[i]);
	}
	assert_int_equal(count_entries(world->state_dir), 1);
	assert_mode(path_in(world, world->state_dir, "current"), S_IFREG | 0600);
}

static void test_current_damaged(void **state)
{
	static const struct fw_str bad[] = { { "", 0 }, { "\n", 1 }, { "x", 1 }, { "-1\n", 3 }, { "12x\n", 4 }, { "1 2\n", 4 }, { "18446744073709551616\n", 21 },
					     { "\0\0\0\0", 4 }, { "1\0002\n", 4 }, { "0x10\n", 5 }, { "12\n\n", 4 } };
	struct world *world = *state;
	uint64_t number = 4711;

	assert_int_equal(fw_store_set_current(world->store, 1), 0);
	const char *path = path_in(world, world->state_dir, "current");
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++) {
		put_bytes(path, bad[i]);
		if (fw_store_current(world->store, &number) != -EBADMSG)
			fail_msg("'%s' was taken", bad[i].data);
		assert_int_equal(number, 4711);
	}
	put_bytes(path, FW_STR(""));
	assert_int_equal(truncate(path, 1 << 20), 0);
	assert_true(fw_store_current(world->store, &number) < 0);
	assert_int_equal(fw_store_set_current(world->store, 2), 0); /* and is well again */
	assert_int_equal(fw_store_current(world->store, &number), 0);
	assert_int_equal(number, 2);
}

/* A link in its place is replaced, not followed. */
static void test_current_link(void **state)
{
	struct world *world = *state;
	const char *victim = path_in(world, world->folder, "victim"), *current = path_in(world, world->state_dir, "current");

	assert_int_equal(fw_file_make_dirs(world->state_dir, 0700), 0);
	put_bytes(victim, FW_STR("precious"));
	assert_int_equal(symlink(victim, current), 0);
	assert_int_equal(fw_store_set_current(world->store, 2), 0);
	assert_mode(current, S_IFREG | 0600);
	assert_content(victim, "precious");
}

static struct fw_known some_known(void)
{
	return (struct fw_known){ "0b0e4b4c-0d5e-4a7c-9a38-6f0f7c1d2e3f", UINT64_MAX, 4026531840, UINT32_MAX, 7, "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100" };
}

static void test_known(void **state)
{
	struct world *world = *state;
	struct fw_known known = some_known(), got;

	assert_int_equal(fw_store_read_known(world->store, &got), -ENOENT);
	assert_int_equal(fw_store_write_known(world->store, &known), 0);
	assert_int_equal(fw_store_read_known(world->store, &got), 0);
	assert_string_equal(got.boot_id, known.boot_id);
	assert_true(got.netns_dev == known.netns_dev && got.netns_inode == known.netns_inode && got.generation == known.generation);
	assert_int_equal(got.kernel_generation, known.kernel_generation);
	assert_string_equal(got.ruleset_hash, known.ruleset_hash);
	known.generation = 0;
	assert_int_equal(fw_store_write_known(world->store, &known), 0);
	assert_int_equal(fw_store_read_known(world->store, &got), 0);
	assert_int_equal(got.generation, 0);
	fw_store_forget(world->store);
	assert_int_equal(fw_store_read_known(world->store, &got), -ENOENT);
	fw_store_forget(world->store);
}

/* Cut off anywhere, it is nothing; what is read of a changed one stays within its fields. */
static void test_known_damaged(void **state)
{
	struct world *world = *state;
	const struct fw_known known = some_known();
	struct fw_known got;
	char *read = NULL;
	size_t len;

	assert_int_equal(fw_store_write_known(world->store, &known), 0);
	const char *path = path_in(world, world->run_dir, "known");
	assert_int_equal(fw_file_read(path, 4096, &read, &len), 0);
	char *text = fw_arena_copy(world->arena, (struct fw_str){ read, len });
	free(read);
	for (size_t cut = 0; cut < len; cut++) {
		put_bytes(path, (struct fw_str){ text, cut });
		if (fw_store_read_known(world->store, &got) != -EBADMSG)
			fail_msg("the first %zu bytes of %zu were taken", cut, len);
	}
	for (size_t i = 0; i < len * 3; i++) {
		const char was = text[i / 3];
		text[i / 3] = (char)(i % 3 == 0 ? was ^ 0x20 : i % 3 == 1 ? '\0' : '9');
		put_bytes(path, (struct fw_str){ text, len });
		text[i / 3] = was;
		memset(&got, 0x7e, sizeof(got));
		if (fw_store_read_known(world->store, &got) < 0)
			continue;
		assert_non_null(memchr(got.boot_id, '\0', sizeof(got.boot_id)));
		assert_non_null(memchr(got.ruleset_hash, '\0', sizeof(got.ruleset_hash)));
	}
}

static void test_known_hostile(void **state)
{
	static const char *const bad[] = {
		"",
		"boot x\n",
		"boot x\nnamespace 1 2\nkernel x\ngeneration 1\nruleset 00112233445566778899aabbccddeeff\n",
		"boot x\nnamespace -1 2\nkernel 1\ngeneration 1\nruleset 00112233445566778899aabbccddeeff\n",
		"boot x\nnamespace 1 2\nkernel 4294967296\ngeneration 1\nruleset 00112233445566778899aabbccddeeff\n",
		"boot x\nnamespace 1 99999999999999999999999\nkernel 1\ngeneration 1\nruleset 00112233445566778899aabbccddeeff\n",
		"boot x\nnamespace 1 2\nkernel 1\ngeneration 1\nruleset 00112233445566778899aabbccddeeff00\n",
		"boot x\nnamespace 1 2\nkernel 1\ngeneration 1\nruleset 00112233445566778899aabbccddeeff\nmore\n",
		"boot xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nnamespace 1 2\nkernel 1\ngeneration 1\nruleset 00112233445566778899aabbccddeeff\n",
	};
	struct world *world = *state;
	const struct fw_known known = some_known();
	struct fw_known got;

	assert_int_equal(fw_store_write_known(world->store, &known), 0);
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++) {
		put_bytes(path_in(world, world->run_dir, "known"), fw_str_from(bad[i]));
		if (fw_store_read_known(world->store, &got) >= 0)
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_boot_id(void **state)
{
	char id[64], again[64];

	(void)state;
	assert_int_equal(fw_store_boot_id(id), 0);
	assert_int_equal(strlen(id), 36);
	assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
	assert_int_equal(fw_store_boot_id(again), 0);
	assert_string_equal(id, again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_open_names),	  WORLD_TEST(test_relative_folder), WORLD_TEST(test_namespaces_are_apart), WORLD_TEST(test_lock),
		WORLD_TEST(test_lock_of_the_dead), WORLD_TEST(test_lock_is_no_lock), WORLD_TEST(test_unwritable),	   WORLD_TEST(test_current),
		WORLD_TEST(test_current_damaged), WORLD_TEST(test_current_link),    WORLD_TEST(test_known),		   WORLD_TEST(test_known_damaged),
		WORLD_TEST(test_known_hostile),	  WORLD_TEST(test_boot_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
