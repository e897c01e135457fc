/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arenas, arrays and maps: what they promise of memory, and what is left after the budget's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/map.h"
#include "base/vec.h"

#define BUDGET ((size_t)16 << 20)
#define MANY 20000

static bool is_zero(const unsigned char *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

/* Of all sizes around those that get a chunk of their own: zeroed, aligned, and no two share a byte. */
static void test_arena_memory(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 15, 16, 17, 1000, 16383, 16384, 16385, 65535, 65536, 65537, 200000 };
	struct fw_arena *arena = fw_arena_new(BUDGET);
	unsigned char *got[FW_ARRAY_SIZE(sizes) * 3];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(got); i++) {
		const size_t size = sizes[i % FW_ARRAY_SIZE(sizes)];
		got[i] = fw_arena_alloc(arena, 1, size);
		assert_non_null(got[i]);
		assert_int_equal((uintptr_t)got[i] % _Alignof(max_align_t), 0);
		assert_true(is_zero(got[i], size));
		memset(got[i], (int)i + 1, size);
	}
	for (size_t i = 0; i < FW_ARRAY_SIZE(got); i++)
		for (size_t k = 0; k < sizes[i % FW_ARRAY_SIZE(sizes)]; k++)
			assert_int_equal(got[i][k], i + 1);
	assert_false(fw_arena_over_budget(arena));
	fw_arena_free(arena);
}

static void test_arena_budget(void **state)
{
	struct fw_arena *arena = fw_arena_new(4096);
	size_t got = 0;

	(void)state;
	assert_int_equal(fw_arena_used(arena), 0);
	assert_null(fw_arena_alloc(arena, 1, 4097));
	assert_true(fw_arena_over_budget(arena));
	assert_int_equal(fw_arena_used(arena), 0); /* what failed costs nothing */
	while (fw_arena_alloc(arena, 1, 100))
		got += 100;
	assert_true(got > 2048 && got <= 4096);
	assert_true(fw_arena_used(arena) >= got && fw_arena_used(arena) <= 4096);
	fw_arena_free(arena);
}

static void test_arena_whole_budget(void **state)
{
	struct fw_arena *arena = fw_arena_new(4096);

	(void)state;
	assert_non_null(fw_arena_alloc(arena, 1, 4096));
	assert_false(fw_arena_over_budget(arena));
	assert_int_equal(fw_arena_used(arena), 4096);
	assert_null(fw_arena_alloc(arena, 1, 1));
	assert_true(fw_arena_over_budget(arena));
	fw_arena_free(arena);
	arena = fw_arena_new(0);
	assert_null(fw_arena_copy(arena, FW_STR("")));
	assert_null(fw_arena_printf(arena, "%d", 1));
	fw_arena_freep(&arena);
	assert_null(arena);
	fw_arena_freep(&arena);
	fw_arena_free(NULL);
}

static void test_arena_overflow(void **state)
{
	struct fw_arena *arena = fw_arena_new(SIZE_MAX);
	char *old = fw_arena_alloc(arena, 1, 1);

	(void)state;
	assert_null(fw_arena_alloc(arena, SIZE_MAX / 2, 3));
	assert_null(fw_arena_alloc(arena, SIZE_MAX, 1));
	assert_null(fw_arena_alloc(arena, (size_t)1 << 32, (size_t)1 << 32));
	assert_null(fw_arena_grow(arena, old, 1, (size_t)1 << 33, (size_t)1 << 32));
	assert_null(fw_arena_grow(arena, old, 1, SIZE_MAX - 7, 1));
	fw_arena_free(arena);
}

/* In place and with something in between, small and large. */
static void grow_to(struct fw_arena *arena, bool between, size_t end)
{
	uint32_t *items = NULL;
	size_t count = 0;

	while (count < end) {
		const size_t more = count + count / 2 + 1;
		items = fw_arena_grow(arena, items, count, more, sizeof(*items));
		assert_non_null(items);
		assert_true(is_zero((unsigned char *)(items + count), (more - count) * sizeof(*items)));
		for (size_t i = count; i < more; i++)
			items[i] = (uint32_t)i * 7 + 1;
		count = more;
		if (between)
			memset(fw_arena_alloc(arena, 1, 24), 0xff, 24);
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(items[i], i * 7 + 1);
}

static void test_arena_grow(void **state)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);

	(void)state;
	for (size_t end = 1; end <= 100000; end *= 10) {
		grow_to(arena, false, end);
		grow_to(arena, true, end);
	}
	/* a newest allocation grows where it is */
	char *one = fw_arena_alloc(arena, 1, 16);
	assert_ptr_equal(fw_arena_grow(arena, one, 16, 32, 1), one);
	fw_arena_free(arena);
}

static void test_arena_grow_over_budget(void **state)
{
	struct fw_arena *arena = fw_arena_new(1024);
	char *items = fw_arena_alloc(arena, 512, 1);

	(void)state;
	memset(items, 'x', 512);
	assert_null(fw_arena_grow(arena, items, 512, 2000, 1));
	assert_true(fw_arena_over_budget(arena));
	for (size_t i = 0; i < 512; i++)
		assert_int_equal(items[i], 'x'); /* what was there stays usable */
	fw_arena_free(arena);
}

static void test_arena_texts(void **state)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	static const char bytes[] = { 'a', '\0', 'b', 'x' };
	const char *copy = fw_arena_copy(arena, (struct fw_str){ bytes, 3 });

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	assert_string_equal(fw_arena_copy(arena, (struct fw_str){ NULL, 0 }), "");
	assert_string_equal(fw_arena_printf(arena, "%s-%05d", "n", 42), "n-00042");
	assert_string_equal(fw_arena_printf(arena, "%s", ""), "");
	const char *wide = fw_arena_printf(arena, "%70000d", 7);
	assert_int_equal(strlen(wide), 70000);
	assert_int_equal(wide[69999], '7');
	fw_arena_free(arena);
}

static void fill(struct fw_vec *vec, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t *item = fw_vec_push(vec);
		assert_non_null(item);
		assert_true(*item == 0);
		*item = i * i;
	}
	assert_int_equal(vec->len, count);
	for (size_t i = 0; i < count; i++)
		assert_true(*(uint64_t *)fw_vec_at(vec, i) == (uint64_t)i * i);
}

static void test_vec(void **state)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_vec heap, ours;

	(void)state;
	fw_vec_init(&heap, NULL, sizeof(uint64_t));
	fw_vec_init(&ours, arena, sizeof(uint64_t));
	fill(&heap, MANY);
	fill(&ours, MANY);
	heap.len = 0; /* emptied by its owner: what is pushed is zeroed again */
	fill(&heap, 100);
	fw_vec_done(&heap);
	assert_int_equal(heap.len, 0);
	assert_null(heap.items);
	fill(&heap, 9);
	fw_vec_done(&heap);
	fw_vec_done(&heap);
	fw_vec_done(&ours);
	fw_arena_free(arena);
}

static void test_vec_reserve(void **state)
{
	struct fw_vec vec;

	(void)state;
	fw_vec_init(&vec, NULL, sizeof(uint64_t));
	assert_int_equal(fw_vec_reserve(&vec, 100), 0);
	const void *items = vec.items;
	fill(&vec, 100);
	assert_ptr_equal(vec.items, items);
	assert_int_equal(fw_vec_reserve(&vec, 10), 0);
	assert_int_equal(vec.len, 100);
	fw_vec_done(&vec);
}

static void test_vec_over_budget(void **state)
{
	struct fw_arena *arena = fw_arena_new(4096);
	struct fw_vec vec;
	uint64_t *item;

	(void)state;
	fw_vec_init(&vec, arena, sizeof(uint64_t));
	while ((item = fw_vec_push(&vec)))
		*item = vec.len;
	assert_true(vec.len >= 64 && vec.len <= 512);
	for (size_t i = 0; i < vec.len; i++)
		assert_int_equal(*(uint64_t *)fw_vec_at(&vec, i), i + 1);
	assert_true(fw_arena_over_budget(arena));
	assert_int_equal(fw_vec_reserve(&vec, vec.cap + 1000), -ENOMEM);
	assert_int_equal(fw_vec_reserve(&vec, SIZE_MAX), -ENOMEM);
	assert_int_equal(*(uint64_t *)fw_vec_at(&vec, vec.len - 1), vec.len);
	fw_arena_free(arena);
}

static struct fw_str key_of(struct fw_arena *arena, size_t number)
{
	return fw_str_from(fw_arena_printf(arena, "key %zu", number));
}

static void use_map(struct fw_map *map, struct fw_arena *arena)
{
	static int values[MANY], other;

	for (size_t i = 0; i < MANY; i++) {
		assert_null(fw_map_get(map, key_of(arena, i)));
		assert_int_equal(fw_map_put(map, key_of(arena, i), &values[i]), 0);
	}
	assert_int_equal(map->len, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_ptr_equal(fw_map_get(map, key_of(arena, i)), &values[i]);
		assert_ptr_equal(map->entries[i].value, &values[i]); /* in the order they were put */
		assert_true(fw_str_equal(map->entries[i].key, key_of(arena, i)));
	}
	assert_int_equal(fw_map_put(map, key_of(arena, 3), &other), -EEXIST);
	assert_ptr_equal(fw_map_get(map, key_of(arena, 3)), &values[3]);
	assert_int_equal(fw_map_set(map, key_of(arena, 3), &other), 0);
	assert_int_equal(fw_map_set(map, key_of(arena, MANY), &other), 0);
	assert_ptr_equal(fw_map_get(map, key_of(arena, 3)), &other);
	assert_ptr_equal(fw_map_get(map, key_of(arena, MANY)), &other);
	assert_ptr_equal(map->entries[3].value, &other);
	assert_int_equal(map->len, MANY + 1);
}

static void test_map(void **state)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_map map;

	(void)state;
	fw_map_init(&map, NULL);
	use_map(&map, arena);
	fw_map_done(&map);
	assert_null(fw_map_get(&map, FW_STR("key 1")));
	fw_map_done(&map);
	fw_map_init(&map, arena);
	use_map(&map, arena);
	fw_map_done(&map);
	fw_arena_free(arena);
}

/* Keys are bytes: the empty one, one with a NUL, and cases, are keys of their own. */
static void test_map_keys(void **state)
{
	static const struct fw_str keys[] = { { NULL, 0 }, { "\0", 1 }, { "\0\0", 2 }, { "a", 1 }, { "A", 1 }, { "ab", 2 } };
	struct fw_map map;

	(void)state;
	fw_map_init(&map, NULL);
	for (size_t i = 0; i < FW_ARRAY_SIZE(keys); i++)
		assert_int_equal(fw_map_put(&map, keys[i], (void *)(uintptr_t)&keys[i]), 0);
	for (size_t i = 0; i < FW_ARRAY_SIZE(keys); i++)
		assert_ptr_equal(fw_map_get(&map, keys[i]), &keys[i]);
	assert_int_equal(fw_map_put(&map, FW_STR(""), &map), -EEXIST);
	fw_map_done(&map);
}

/* Whatever the budget, what was put before its end is still there, and only that. */
static void put_until_full(size_t budget)
{
	struct fw_arena *arena = fw_arena_new(budget), *names = fw_arena_new(BUDGET);
	struct fw_map map;
	size_t count = 0;
	int r;

	fw_map_init(&map, arena);
	while ((r = fw_map_put(&map, key_of(names, count), &map)) == 0)
		count++;
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(map.len, count);
	assert_null(fw_map_get(&map, key_of(names, count)));
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(fw_map_get(&map, key_of(names, i)), &map);
	fw_arena_free(names);
	fw_arena_free(arena);
}

static void test_map_over_budget(void **state)
{
	(void)state;
	for (size_t budget = 0; budget < 8192; budget += 64)
		put_until_full(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_memory),	 cmocka_unit_test(test_arena_budget), cmocka_unit_test(test_arena_whole_budget),
		cmocka_unit_test(test_arena_overflow),	 cmocka_unit_test(test_arena_grow),   cmocka_unit_test(test_arena_grow_over_budget),
		cmocka_unit_test(test_arena_texts),	 cmocka_unit_test(test_vec),	      cmocka_unit_test(test_vec_reserve),
		cmocka_unit_test(test_vec_over_budget),	 cmocka_unit_test(test_map),	      cmocka_unit_test(test_map_keys),
		cmocka_unit_test(test_map_over_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
