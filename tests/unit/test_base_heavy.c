/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Space-Saving against exact counts: what the paper promises holds for even, skewed and malicious streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/heavy.h"

#define KEYS 5000
#define STEPS 200000

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static uint32_t pick(unsigned int kind, uint32_t step, uint32_t *random)
{
	if (kind == 0)
		return next_random(random) % KEYS; /* even */
	if (kind == 1)
		return next_random(random) % (next_random(random) % KEYS + 1); /* a few come often */
	return step % 3 == 0 ? 7 : step % KEYS; /* each key leaves before it comes again, but for one */
}

/* What is promised of a stream that was counted in `room`. */
static void check_promise(const struct fw_heavy *heavy, const uint64_t *exact, uint32_t room)
{
	bool listed[KEYS] = { false };

	assert_true(heavy->len <= heavy->room);
	for (uint32_t i = 0; i < heavy->len; i++) {
		const struct fw_heavy_item *item = &heavy->items[i];
		const uint64_t count = exact[item->key.lo];
		assert_false(listed[item->key.lo]);
		listed[item->key.lo] = true;
		assert_true(item->count >= count && item->count - item->error <= count);
		assert_true(item->error <= heavy->total / room);
		assert_true(item->count >= heavy->missed);
	}
	assert_true(heavy->missed <= heavy->total / room);
	for (size_t k = 0; k < KEYS; k++)
		assert_true(listed[k] || exact[k] <= heavy->missed);
}

static void count(struct fw_heavy *heavy, struct fw_heavy_budget *budget, uint64_t *exact, uint32_t key)
{
	exact[key]++;
	fw_heavy_add(heavy, budget, (struct fw_heavy_key){ 1, key, 2 });
}

static void bounds(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct fw_heavy_budget budget = { .items = 1000 };
		struct fw_heavy heavy;
		uint64_t *exact = calloc(KEYS, sizeof(*exact));
		uint32_t random = 1;
		assert_non_null(exact);
		fw_heavy_init(&heavy);
		for (uint32_t step = 0; step < STEPS; step++) {
			count(&heavy, &budget, exact, pick(kind, step, &random));
			if (step % 20011 == 0)
				check_promise(&heavy, exact, FW_HEAVY_MAX);
		}
		assert_int_equal(heavy.total, STEPS);
		assert_int_equal(heavy.room, FW_HEAVY_MAX);
		check_promise(&heavy, exact, FW_HEAVY_MAX);
		fw_heavy_sort(&heavy);
		for (uint32_t i = 1; i < heavy.len; i++)
			assert_true(heavy.items[i - 1].count >= heavy.items[i].count);
		check_promise(&heavy, exact, FW_HEAVY_MAX);
		fw_heavy_done(&heavy, &budget);
		assert_int_equal(budget.used, 0);
		free(exact);
	}
}

static void budget_ends(void **state)
{
	struct fw_heavy_budget budget = { .items = 24 };
	struct fw_heavy a, b, c;

	(void)state;
	fw_heavy_init(&a);
	fw_heavy_init(&b);
	fw_heavy_init(&c);
	for (uint64_t i = 0; i < 100; i++)
		fw_heavy_add(&a, &budget, (struct fw_heavy_key){ 0, i, 0 });
	assert_int_equal(a.room, 16);
	fw_heavy_add(&b, &budget, (struct fw_heavy_key){ 0, 1, 0 });
	assert_int_equal(b.room, 8);
	fw_heavy_add(&c, &budget, (struct fw_heavy_key){ 0, 1, 0 });
	assert_true(c.room == 0 && c.total == 1 && c.len == 0);
	fw_heavy_merge(&b, &budget, &a);
	assert_int_equal(b.total, 101);
	fw_heavy_clear(&a);
	assert_true(a.len == 0 && a.room == 16);
	fw_heavy_done(&a, &budget);
	fw_heavy_done(&b, &budget);
	fw_heavy_done(&c, &budget);
	assert_int_equal(budget.used, 0);
}

static void add_times(struct fw_heavy *heavy, struct fw_heavy_budget *budget, struct fw_heavy_key key, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++)
		fw_heavy_add(heavy, budget, key);
}

static bool is_item(const struct fw_heavy *heavy, uint32_t at, struct fw_heavy_key key, uint64_t times, uint64_t error)
{
	const struct fw_heavy_item *item = &heavy->items[at];

	return at < heavy->len && item->key.hi == key.hi && item->key.lo == key.lo && item->key.tag == key.tag && item->count == times &&
	       item->error == error;
}

static const struct fw_heavy_key alike[] = { { 1, 2, 3 }, { 1, 2, 4 }, { 1, 3, 2 }, { 1, 3, 3 }, { 2, 2, 3 } };

static void check_alike(unsigned int again)
{
	struct fw_heavy_budget budget = { .items = 16 };
	struct fw_heavy heavy, one;

	fw_heavy_init(&heavy);
	fw_heavy_init(&one);
	for (unsigned int i = 5; i-- > 0;)
		fw_heavy_add(&heavy, &budget, alike[i]);
	fw_heavy_sort(&heavy);
	for (unsigned int i = 0; i < 5; i++)
		assert_true(is_item(&heavy, i, alike[i], 1, 0));
	fw_heavy_add(&heavy, &budget, alike[again]); /* found where the sorting laid it */
	assert_true(heavy.len == 5 && is_item(&heavy, again, alike[again], 2, 0));
	fw_heavy_add(&one, &budget, alike[again]);
	fw_heavy_merge(&heavy, &budget, &one);
	assert_true(heavy.len == 5 && is_item(&heavy, 0, alike[again], 3, 0));
	for (unsigned int i = 0; i < 5; i++)
		fw_heavy_add(&heavy, &budget, alike[i]); /* found where the merge laid them */
	assert_true(heavy.len == 5 && is_item(&heavy, 0, alike[again], 4, 0));
	fw_heavy_done(&heavy, &budget);
	fw_heavy_done(&one, &budget);
	assert_int_equal(budget.used, 0);
}

/* Keys that differ in one of their parts are different keys, for a merge too; ties stand by hi, lo, tag. */
static void keys_whole(void **state)
{
	(void)state;
	for (unsigned int again = 0; again < 5; again++)
		check_alike(again);
}

static struct fw_heavy_key plain(uint64_t lo)
{
	return (struct fw_heavy_key){ 0, lo, 0 };
}

/* `a` missed up to 3 of a key, `b` up to 2: by hand. */
static void merge_missed(void **state)
{
	struct fw_heavy_budget budget_a = { .items = 8 }, budget_b = { .items = 8 };
	struct fw_heavy a, b;

	(void)state;
	fw_heavy_init(&a);
	fw_heavy_init(&b);
	for (unsigned int i = 0; i < 8; i++)
		add_times(&a, &budget_a, plain(i), i == 0 ? 3 : 10 * i);
	fw_heavy_add(&a, &budget_a, plain(100)); /* drives 0 out */
	for (unsigned int i = 0; i < 8; i++)
		add_times(&b, &budget_b, plain(i < 4 ? 100 + i : i), i == 7 ? 2 : 50);
	fw_heavy_add(&b, &budget_b, plain(200)); /* drives 7 out */
	assert_true(a.missed == 3 && b.missed == 2);
	fw_heavy_merge(&a, &budget_a, &b);
	fw_heavy_sort(&a);
	assert_true(is_item(&a, 0, plain(6), 110, 0) && is_item(&a, 1, plain(5), 100, 0) && is_item(&a, 2, plain(4), 90, 0));
	assert_true(is_item(&a, 3, plain(7), 72, 2) && is_item(&a, 4, plain(100), 54, 3));
	assert_true(is_item(&a, 5, plain(101), 53, 3) && is_item(&a, 6, plain(102), 53, 3) && is_item(&a, 7, plain(103), 53, 3));
	assert_int_equal(a.missed, 32); /* of 3: 30 times in a, and b may have missed 2 */
	fw_heavy_add(&a, &budget_a, plain(3));
	assert_true(is_item(&a, 5, plain(3), 54, 53));
	fw_heavy_done(&a, &budget_a);
	fw_heavy_done(&b, &budget_b);
}

/* A key that both list, with errors of both. */
static void merge_errors(void **state)
{
	struct fw_heavy_budget budget = { .items = 16 };
	struct fw_heavy a, b;

	(void)state;
	fw_heavy_init(&a);
	fw_heavy_init(&b);
	for (unsigned int i = 0; i < 8; i++) {
		add_times(&a, &budget, plain(i), 2);
		add_times(&b, &budget, plain(i), 5);
	}
	fw_heavy_add(&a, &budget, plain(9)); /* the rooms of both take all of the budget */
	assert_true(a.room == 8 && b.room == 8);
	fw_heavy_add(&b, &budget, plain(9));
	fw_heavy_merge(&a, &budget, &b);
	assert_int_equal(a.total, 58);
	fw_heavy_sort(&a);
	assert_true(is_item(&a, 0, plain(9), 9, 7));
	for (uint32_t i = 1; i < 8; i++)
		assert_true(is_item(&a, i, plain(i), 7, 0));
	assert_int_equal(a.missed, 7);
	fw_heavy_done(&a, &budget);
	fw_heavy_done(&b, &budget);
}

/* Somebody else gives room back after keys were missed here: they may come again, and must not be counted from one. */
static void budget_returns(void **state)
{
	static const size_t before[] = { 0, 8, 16, 32 };
	uint64_t *exact = calloc(KEYS, sizeof(*exact));

	(void)state;
	assert_non_null(exact);
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		struct fw_heavy_budget budget = { .items = before[i] };
		struct fw_heavy heavy;
		fw_heavy_init(&heavy);
		for (uint32_t step = 0; step < 1000; step++)
			count(&heavy, &budget, exact, step % 40);
		budget.items = 1000;
		for (uint32_t step = 0; step < 1000; step++)
			count(&heavy, &budget, exact, step % 41);
		assert_int_equal(heavy.room, before[i]);
		check_promise(&heavy, exact, before[i] ? (uint32_t)before[i] : 1);
		fw_heavy_clear(&heavy);
		memset(exact, 0, KEYS * sizeof(*exact));
		for (uint32_t step = 0; step < 1000; step++)
			count(&heavy, &budget, exact, step % 41);
		assert_int_equal(heavy.room, FW_HEAVY_MAX);
		check_promise(&heavy, exact, FW_HEAVY_MAX);
		assert_true(heavy.missed == 0 && heavy.len == 41);
		memset(exact, 0, KEYS * sizeof(*exact));
		fw_heavy_done(&heavy, &budget);
		assert_int_equal(budget.used, 0);
	}
	free(exact);
}

/* Two halves of a stream, counted apart in rooms of all sizes and put together; the stream goes on after that. */
static void check_merge(unsigned int kind, size_t room_a, size_t room_b)
{
	struct fw_heavy_budget budget_a = { .items = room_a }, budget_b = { .items = room_b };
	const uint32_t least = (uint32_t)(room_a < room_b ? room_a : room_b);
	uint64_t *exact = calloc(KEYS, sizeof(*exact));
	uint32_t random = (uint32_t)(room_a * 3 + room_b);
	struct fw_heavy a, b;

	assert_non_null(exact);
	fw_heavy_init(&a);
	fw_heavy_init(&b);
	for (uint32_t step = 0; step < 5000; step++)
		count(step % 3 == 0 || step % 1000 > 800 ? &a : &b, step % 3 == 0 || step % 1000 > 800 ? &budget_a : &budget_b, exact,
		      pick(kind, step, &random) % (step % 7 == 0 ? 20 : KEYS));
	fw_heavy_merge(&a, &budget_a, &b);
	assert_int_equal(a.total, 5000);
	check_promise(&a, exact, least ? least : 1);
	for (uint32_t step = 0; step < 5000; step++)
		count(&a, &budget_a, exact, pick(kind, step, &random));
	check_promise(&a, exact, least ? least : 1);
	fw_heavy_sort(&a);
	check_promise(&a, exact, least ? least : 1);
	fw_heavy_done(&a, &budget_a);
	fw_heavy_done(&b, &budget_b);
	free(exact);
}

static void merges(void **state)
{
	static const size_t rooms[] = { 0, 8, 16, 32, 64 };

	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++)
		for (size_t a = 0; a < 5; a++)
			for (size_t b = 0; b < 5; b++)
				check_merge(kind, rooms[a], rooms[b]);
}

/* What nobody missed adds up exactly, and an empty summary takes another one as it is. */
static void merge_exact(void **state)
{
	struct fw_heavy_budget budget = { .items = 200 };
	uint64_t exact[KEYS] = { 0 };
	struct fw_heavy a, b, c;

	(void)state;
	fw_heavy_init(&a);
	fw_heavy_init(&b);
	fw_heavy_init(&c);
	for (uint32_t i = 0; i < 30; i++)
		for (uint32_t times = 0; times <= i; times++)
			count(i % 3 ? &a : &b, &budget, exact, times);
	fw_heavy_merge(&c, &budget, &a);
	fw_heavy_merge(&c, &budget, &b);
	assert_true(c.len == 30 && c.room == 32 && c.missed == 0 && c.total == 465);
	for (uint32_t i = 0; i < c.len; i++)
		assert_true(c.items[i].count == exact[c.items[i].key.lo] && c.items[i].error == 0);
	fw_heavy_done(&a, &budget);
	fw_heavy_done(&b, &budget);
	fw_heavy_done(&c, &budget);
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bounds),	      cmocka_unit_test(budget_ends), cmocka_unit_test(keys_whole),
					    cmocka_unit_test(budget_returns), cmocka_unit_test(merges),	     cmocka_unit_test(merge_exact),
					    cmocka_unit_test(merge_missed),   cmocka_unit_test(merge_errors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
