/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generations: what is written is read again, whole or not at all; and whatever else lies there is refused, or passed over. */
#include <signal.h>
#include <sys/resource.h>

#include "test_store.h"

#define HASH "0123456789abcdef0123456789abcdef"

static struct fw_generation some_generation(uint64_t number)
{
	static const struct fw_generation_file files[] = { { "/etc/fwctl/policy.conf", { "allow ssh\ninclude x\n", 20 } },
							   { "/etc/fwctl/\xc3\xa4 \"x\"\n.conf", { "\0\n{}\xff", 5 } },
							   { "empty", { "", 0 } } };
	static const struct fw_generation_id ids[] = { { "www-data", 33, false }, { "admins", UINT32_MAX, true }, { "root", 0, false } };

	return (struct fw_generation){ number, HASH, "policy.conf", 1800000000, -5, "root", files, 3, ids, 3 };
}

static const char *path_of(struct world *world, uint64_t number)
{
	return fw_arena_printf(world->arena, "%s/generations/%llu", world->state_dir, (unsigned long long)number);
}

static void assert_same(const struct fw_generation *a, const struct fw_generation *b)
{
	assert_true(a->number == b->number && a->applied_at == b->applied_at && a->compiled_for == b->compiled_for);
	assert_string_equal(a->policy_hash, b->policy_hash);
	assert_string_equal(a->path, b->path);
	assert_string_equal(a->user, b->user);
	assert_int_equal(a->file_count, b->file_count);
	for (size_t i = 0; i < a->file_count; i++) {
		assert_string_equal(a->files[i].path, b->files[i].path);
		assert_true(fw_str_equal(a->files[i].text, b->files[i].text));
	}
	assert_int_equal(a->id_count, b->id_count);
	for (size_t i = 0; i < a->id_count; i++) {
		assert_string_equal(a->ids[i].name, b->ids[i].name);
		assert_int_equal(a->ids[i].id, b->ids[i].id);
		assert_int_equal(a->ids[i].group, b->ids[i].group);
	}
}

static int read_back(struct world *world, uint64_t number, struct fw_generation *ret_generation)
{
	return fw_store_read_generation(world->store, world->arena, number, ret_generation);
}

static void test_round_trip(void **state)
{
	static const uint64_t numbers[] = { 1, 2, UINT32_MAX, INT64_MAX };
	struct world *world = *state;
	struct fw_generation got;

	assert_int_equal(read_back(world, 1, &got), -ENOENT);
	for (size_t i = 0; i < FW_ARRAY_SIZE(numbers); i++) {
		const struct fw_generation generation = some_generation(numbers[i]);
		assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
		assert_int_equal(read_back(world, numbers[i], &got), 0);
		assert_same(&generation, &got);
		assert_mode(path_of(world, numbers[i]), S_IFREG | 0600); /* a policy may name what should not be known */
	}
	assert_mode(path_in(world, world->state_dir, "generations"), S_IFDIR | 0700);
}

static void test_replaced(void **state)
{
	struct world *world = *state;
	struct fw_generation generation = some_generation(1), got;

	assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	generation.compiled_for = 99;
	generation.file_count = 1;
	generation.id_count = 0;
	generation.user = NULL;
	assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	assert_int_equal(read_back(world, 1, &got), 0);
	generation.user = "";
	assert_same(&generation, &got);
	assert_int_equal(count_entries(path_in(world, world->state_dir, "generations")), 1);
}

/* JSON has no bytes that are no UTF-8: said when it is written, not found out when it is wanted back. */
static void test_names_that_are_no_text(void **state)
{
	struct world *world = *state;
	const struct fw_generation_file file = { "caf\xe9.conf", FW_STR("allow ssh\n") };
	const struct fw_generation_id id = { "\xff", 1, false };
	struct fw_generation generation = some_generation(1);

	generation.path = "caf\xe9.conf";
	assert_int_equal(fw_store_write_generation(world->store, &generation), -EILSEQ);
	generation = some_generation(1);
	generation.files = &file;
	generation.file_count = 1;
	assert_int_equal(fw_store_write_generation(world->store, &generation), -EILSEQ);
	generation = some_generation(1);
	generation.ids = &id;
	generation.id_count = 1;
	assert_int_equal(fw_store_write_generation(world->store, &generation), -EILSEQ);
	assert_int_equal(access(path_of(world, 1), F_OK), -1);
}

static char *written(struct world *world, size_t *ret_len)
{
	const struct fw_generation generation = some_generation(1);
	char *text = NULL;

	assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	assert_int_equal(fw_file_read(path_of(world, 1), 1u << 20, &text, ret_len), 0);
	char *copy = fw_arena_copy(world->arena, (struct fw_str){ text, *ret_len });
	free(text);
	return copy;
}

static void test_truncated(void **state)
{
	struct world *world = *state;
	struct fw_generation got = { .number = 4711 };
	size_t len = 0;
	char *text = written(world, &len);

	for (size_t cut = 0; cut < len; cut++) {
		put_bytes(path_of(world, 1), (struct fw_str){ text, cut });
		if (read_back(world, 1, &got) != -EBADMSG)
			fail_msg("the first %zu bytes of %zu were taken", cut, len);
	}
	text[len] = 'x'; /* the NUL behind the copy */
	put_bytes(path_of(world, 1), (struct fw_str){ text, len + 1 });
	assert_int_equal(read_back(world, 1, &got), -EBADMSG);
	assert_int_equal(got.number, 4711); /* outputs untouched on failure */
	put_bytes(path_of(world, 1), (struct fw_str){ text, len });
	assert_int_equal(read_back(world, 1, &got), 0);
}

/* Any byte changed: refused, or read as what it says now; never past the end (run under the sanitizers). */
static void test_changed(void **state)
{
	struct world *world = *state;
	struct fw_generation got;
	size_t len = 0, refused = 0;
	char *text = written(world, &len);

	for (size_t i = 0; i < len * 3; i++) {
		const char was = text[i / 3];
		text[i / 3] = (char)(i % 3 == 0 ? was ^ 0x55 : i % 3 == 1 ? '9' : '\n');
		put_bytes(path_of(world, 1), (struct fw_str){ text, len });
		text[i / 3] = was;
		const int r = read_back(world, 1, &got);
		assert_true(r == 0 || r == -EBADMSG);
		refused += r != 0;
		if (r == 0)
			assert_true(got.number == 1 && got.file_count == 3 && strlen(got.policy_hash) < FW_HASH_HEX);
	}
	assert_true(refused > len);
}

#define HEAD "{\"version\":1,\"generation\":1,\"policy_hash\":\"" HASH "\",\"policy\":\"p\",\"applied_at\":1,\"compiled_for\":2,\"user\":\"u\","
#define FILES "\"files\":[{\"path\":\"p\",\"length\":3}]"

static int read_text(struct world *world, const char *text)
{
	struct fw_generation got;

	put_bytes(path_of(world, 1), fw_str_from(text));
	return read_back(world, 1, &got);
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"\nabc",
		"[]\nabc",
		"null\nabc",
		"{}\nabc",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\nabc",
		HEAD FILES ",\"ids\":[],\"user\":\"twice\"}\nabc",
		HEAD FILES "}\nabc", /* no ids */
		HEAD FILES ",\"ids\":{}}\nabc",
		HEAD FILES ",\"ids\":\"x\"}\nabc",
		HEAD FILES ",\"ids\":[1]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"id\":\"33\",\"group\":false}]}\nabc", /* would be root's */
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"group\":false}]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"id\":-1,\"group\":false}]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"id\":4294967296,\"group\":false}]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"id\":1.5,\"group\":false}]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"id\":1,\"group\":1}]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":\"x\",\"id\":1}]}\nabc",
		HEAD FILES ",\"ids\":[{\"name\":7,\"id\":1,\"group\":false}]}\nabc",
		HEAD "\"files\":[],\"ids\":[]}\nabc",
		HEAD "\"files\":[],\"ids\":[]}\n",
		HEAD "\"files\":\"x\",\"ids\":[]}\nabc",
		HEAD "\"files\":{\"path\":\"p\",\"length\":3},\"ids\":[]}\nabc",
		HEAD "\"files\":[3],\"ids\":[]}\nabc",
		HEAD "\"files\":[null],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":2}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":4}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":-1}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":9223372036854775807}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":3},{\"path\":\"q\",\"length\":9223372036854775807}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":99999999999999999999999}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":\"3\"}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\",\"length\":\"0\"}],\"ids\":[]}\n",
		HEAD "\"files\":[{\"path\":\"p\"}],\"ids\":[]}\n",
		HEAD "\"files\":[{\"path\":null,\"length\":3}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\\u0000q\",\"length\":3}],\"ids\":[]}\nabc",
		HEAD "\"files\":[{\"path\":\"p\xff\",\"length\":3}],\"ids\":[]}\nabc",
	};
	struct world *world = *state;
	size_t len = 0;

	written(world, &len);
	assert_int_equal(read_text(world, HEAD FILES ",\"ids\":[]}\nabc"), 0);
	for (size_t i = 0; i < FW_ARRAY_SIZE(bad); i++)
		if (read_text(world, bad[i]) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

/* The head with one of its members changed. */
static int read_with(struct world *world, const char *member, const char *value)
{
	static const char whole[] = HEAD FILES ",\"ids\":[]}\nabc";
	const char *at = strstr(whole, fw_arena_printf(world->arena, "\"%s\":", member));

	assert_non_null(at);
	const char *end = strchr(at, ',');
	return read_text(world, fw_arena_printf(world->arena, "%.*s\"%s\":%s%s", (int)(at - whole), whole, member, value, end));
}

static void test_wrong_types(void **state)
{
	static const char *const members[] = { "version", "generation", "policy_hash", "policy", "applied_at", "compiled_for", "user" };
	static const char *const values[] = { "null", "true", "[]", "{}", "1.0", "99999999999999999999" };
	struct world *world = *state;
	size_t len = 0;

	written(world, &len);
	for (size_t i = 0; i < FW_ARRAY_SIZE(members); i++)
		for (size_t k = 0; k < FW_ARRAY_SIZE(values); k++)
			if (read_with(world, members[i], values[k]) != -EBADMSG)
				fail_msg("%s may be %s", members[i], values[k]);
	assert_int_equal(read_with(world, "version", "1"), 0);
	assert_int_equal(read_with(world, "version", "2"), -EBADMSG);
	assert_int_equal(read_with(world, "version", "\"1\""), -EBADMSG);
	assert_int_equal(read_with(world, "generation", "2"), -EBADMSG); /* another's */
	assert_int_equal(read_with(world, "generation", "-1"), -EBADMSG);
	assert_int_equal(read_with(world, "policy", "7"), -EBADMSG);
	assert_int_equal(read_with(world, "policy_hash", "\"" HASH "0\""), -EBADMSG); /* one digit too long for its place */
	assert_int_equal(read_with(world, "policy_hash", "\"" HASH HASH HASH HASH "\""), -EBADMSG);
	assert_int_equal(read_with(world, "applied_at", "-1"), 0);
}

/* Nested without end: refused, not a stack that runs over. */
static void test_deep(void **state)
{
	enum { DEEP = 1000000 };
	struct world *world = *state;
	struct fw_generation got;
	size_t len = 0;
	char *text = malloc(DEEP + 4);

	assert_non_null(text);
	written(world, &len);
	memset(text, '[', DEEP);
	memcpy(text + DEEP, "\nabc", 4);
	put_bytes(path_of(world, 1), (struct fw_str){ text, DEEP + 4 });
	free(text);
	assert_int_equal(read_back(world, 1, &got), -EBADMSG);
}

static void test_no_generation(void **state)
{
	struct world *world = *state;
	struct fw_generation got;
	size_t len = 0;

	written(world, &len);
	assert_int_equal(truncate(path_of(world, 1), (off_t)FW_STORE_MAX_GENERATION + 1), 0); /* of holes */
	assert_int_equal(read_back(world, 1, &got), -EFBIG);
	assert_int_equal(mkdir(path_of(world, 2), 0700), 0);
	assert_int_equal(read_back(world, 2, &got), -EISDIR);
	assert_int_equal(mkfifo(path_of(world, 3), 0600), 0); /* nobody writes to it */
	assert_int_equal(read_back(world, 3, &got), -EINVAL);
	assert_int_equal(symlink("4", path_of(world, 4)), 0);
	assert_int_equal(read_back(world, 4, &got), -ELOOP);
	assert_int_equal(symlink("/dev/zero", path_of(world, 5)), 0);
	assert_int_equal(read_back(world, 5, &got), -EINVAL);
	assert_int_equal(symlink("gone", path_of(world, 6)), 0);
	assert_int_equal(read_back(world, 6, &got), -ENOENT);
}

/* A link in its place is replaced; what it points to stays. Another's generation behind a link is not taken for this one. */
static void test_links(void **state)
{
	struct world *world = *state;
	const char *victim = path_in(world, world->folder, "victim");
	const struct fw_generation one = some_generation(1), two = some_generation(2);
	struct fw_generation got;

	assert_int_equal(fw_store_write_generation(world->store, &one), 0);
	assert_int_equal(symlink("1", path_of(world, 2)), 0);
	assert_int_equal(read_back(world, 2, &got), -EBADMSG);
	unlink(path_of(world, 2));
	put_bytes(victim, FW_STR("precious"));
	assert_int_equal(symlink(victim, path_of(world, 2)), 0);
	assert_int_equal(symlink(victim, fw_arena_printf(world->arena, "%s.%d.tmp", path_of(world, 2), (int)getpid())), 0);
	assert_int_equal(fw_store_write_generation(world->store, &two), 0);
	assert_mode(path_of(world, 2), S_IFREG | 0600);
	assert_int_equal(read_back(world, 2, &got), 0);
	assert_content(victim, "precious");
	unlink(path_of(world, 2));
	assert_int_equal(symlink(victim, path_of(world, 2)), 0);
	fw_store_remove_generation(world->store, 2);
	assert_content(victim, "precious");
	assert_int_equal(access(path_of(world, 2), F_OK), -1);
}

static void test_unwritable(void **state)
{
	struct world *world = *state;
	const struct fw_generation generation = some_generation(1);
	struct fw_vec numbers;

	fw_vec_init(&numbers, world->arena, sizeof(uint64_t));
	assert_int_equal(fw_store_generations(world->store, &numbers), 0); /* nothing is there yet */
	assert_int_equal(numbers.len, 0);
	assert_int_equal(fw_file_make_dirs(world->state_dir, 0700), 0);
	put_bytes(path_in(world, world->state_dir, "generations"), FW_STR("a file"));
	assert_int_equal(fw_store_write_generation(world->store, &generation), -ENOTDIR);
	assert_int_equal(fw_store_generations(world->store, &numbers), -ENOTDIR);
	fw_store_remove_generation(world->store, 1);
	fw_store_prune(world->store, 1);
	assert_content(path_in(world, world->state_dir, "generations"), "a file");
}

/* The disk is full: the one that is there stays, and nothing half written is left. */
static void test_full(void **state)
{
	struct world *world = *state;
	struct fw_generation generation = some_generation(1), got;
	const struct rlimit small = { 1024, RLIM_INFINITY };
	struct rlimit before;

	assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	const struct fw_generation_file large = { "p", { fw_arena_alloc(world->arena, 1, 100000), 100000 } };
	generation.files = &large;
	generation.file_count = 1;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	const int r = fw_store_write_generation(world->store, &generation);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(read_back(world, 1, &got), 0);
	assert_int_equal(got.file_count, 3);
	assert_int_equal(count_entries(path_in(world, world->state_dir, "generations")), 1);
}

/* However little memory: an error, and the output untouched. */
static void test_no_memory(void **state)
{
	struct world *world = *state;
	const struct fw_generation generation = some_generation(1);
	size_t failures = 0;

	assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	for (size_t budget = 0; budget < 2048; budget += 16) {
		struct fw_arena *arena = fw_arena_new(budget);
		struct fw_generation got = { .number = 4711 };
		const int r = fw_store_read_generation(world->store, arena, 1, &got);
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(got.number, r == 0 ? 1 : 4711);
		for (size_t i = 0; i < got.file_count; i++)
			assert_non_null(got.files[i].text.data);
		failures += r != 0;
		fw_arena_free(arena);
	}
	assert_true(failures > 5 && failures < 128);
}

static struct fw_vec numbers_of(struct world *world)
{
	struct fw_vec numbers;

	fw_vec_init(&numbers, world->arena, sizeof(uint64_t));
	assert_int_equal(fw_store_generations(world->store, &numbers), 0);
	return numbers;
}

static uint64_t nth(const struct fw_vec *numbers, size_t index)
{
	return *(const uint64_t *)fw_vec_at(numbers, index);
}

/* In the order of numbers, not of names; what is not named by a number is none. */
static void test_listing(void **state)
{
	static const uint64_t numbers[] = { 10, 9, 100, 1, UINT32_MAX };
	static const char *const others[] = { "generations/x", "generations/1x", "generations/-3", "generations/5.77.tmp", "generations/99999999999999999999" };
	struct world *world = *state;

	for (size_t i = 0; i < FW_ARRAY_SIZE(numbers); i++) {
		const struct fw_generation generation = some_generation(numbers[i]);
		assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	}
	for (size_t i = 0; i < FW_ARRAY_SIZE(others); i++)
		put_bytes(path_in(world, world->state_dir, others[i]), FW_STR("x"));
	const struct fw_vec got = numbers_of(world);
	assert_int_equal(got.len, 5);
	assert_int_equal(nth(&got, 0), 1);
	assert_int_equal(nth(&got, 1), 9);
	assert_int_equal(nth(&got, 2), 10);
	assert_int_equal(nth(&got, 3), 100);
	assert_int_equal(nth(&got, 4), UINT32_MAX);
	fw_store_remove_generation(world->store, 9);
	fw_store_remove_generation(world->store, 9);
	assert_int_equal(numbers_of(world).len, 4);
}

static void test_prune(void **state)
{
	struct world *world = *state;

	for (uint64_t number = 1; number <= FW_STORE_KEEP + 10; number++) {
		const struct fw_generation generation = some_generation(number);
		assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	}
	fw_store_prune(world->store, 3);
	struct fw_vec left = numbers_of(world);
	assert_int_equal(left.len, FW_STORE_KEEP + 1);
	assert_int_equal(nth(&left, 0), 3); /* runs */
	for (uint64_t i = 0; i < FW_STORE_KEEP; i++)
		assert_true(nth(&left, i + 1) == 11 + i);
	fw_store_prune(world->store, 0); /* nothing runs */
	left = numbers_of(world);
	assert_int_equal(left.len, FW_STORE_KEEP);
	assert_int_equal(nth(&left, 0), 11);
	fw_store_prune(world->store, 0);
	assert_int_equal(numbers_of(world).len, FW_STORE_KEEP);
}

/* What a killed process left half written goes; all else stays, and no link is followed. */
static void test_prune_unfinished(void **state)
{
	struct world *world = *state;
	const struct fw_generation generation = some_generation(1);
	const char *victim = path_in(world, world->folder, "victim.tmp");

	assert_int_equal(fw_store_write_generation(world->store, &generation), 0);
	assert_int_equal(fw_store_set_current(world->store, 1), 0);
	assert_int_equal(fw_store_lock(world->store, 0), 0);
	put_bytes(victim, FW_STR("precious"));
	put_bytes(path_in(world, world->state_dir, "current.123.tmp"), FW_STR("1"));
	put_bytes(path_in(world, world->state_dir, "note"), FW_STR("somebody's"));
	put_bytes(path_in(world, world->state_dir, "generations/2.123.tmp"), FW_STR("{"));
	put_bytes(path_in(world, world->run_dir, "known.9.tmp"), FW_STR("boot"));
	assert_int_equal(symlink(victim, path_in(world, world->run_dir, "link.tmp")), 0);
	fw_store_prune(world->store, 1);
	assert_int_equal(count_entries(world->state_dir), 3); /* current, generations, note */
	assert_int_equal(count_entries(path_in(world, world->state_dir, "generations")), 1);
	assert_int_equal(count_entries(world->run_dir), 1); /* the lock */
	assert_content(victim, "precious");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_round_trip), WORLD_TEST(test_replaced),	     WORLD_TEST(test_names_that_are_no_text), WORLD_TEST(test_truncated),
		WORLD_TEST(test_changed),    WORLD_TEST(test_hostile),	     WORLD_TEST(test_wrong_types),	      WORLD_TEST(test_deep),
		WORLD_TEST(test_no_generation), WORLD_TEST(test_links),	     WORLD_TEST(test_unwritable),	      WORLD_TEST(test_full),
		WORLD_TEST(test_no_memory),  WORLD_TEST(test_listing),	     WORLD_TEST(test_prune),		      WORLD_TEST(test_prune_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
