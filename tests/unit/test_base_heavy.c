/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Space-Saving against exact counts: what the paper promises holds for even, skewed and malicious streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

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

static void check_promise(const struct fw_heavy *heavy, const uint64_t *exact)
{
	bool listed[KEYS] = { false };

	for (uint32_t i = 0; i < heavy->len; i++) {
		const struct fw_heavy_item *item = &heavy->items[i];
		const uint64_t count = exact[item->key.lo];
		listed[item->key.lo] = true;
		assert_true(item->count >= count && item->count - item->error <= count);
		assert_true(item->error <= heavy->total / heavy->room);
	}
	for (size_t k = 0; k < KEYS; k++)
		assert_true(listed[k] || exact[k] <= heavy->total / heavy->room);
}

static void bounds(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct fw_heavy_budget budget = { .items = 1000 };
		struct fw_heavy heavy;
		uint64_t *exact = calloc(KEYS, sizeof(*exact));
		uint32_t random = 1;
		fw_heavy_init(&heavy);
		for (uint32_t step = 0; step < STEPS; step++) {
			const uint32_t key = pick(kind, step, &random);
			exact[key]++;
			fw_heavy_add(&heavy, &budget, (struct fw_heavy_key){ 1, key, 2 });
		}
		assert_int_equal(heavy.total, STEPS);
		assert_int_equal(heavy.room, FW_HEAVY_MAX);
		check_promise(&heavy, exact);
		fw_heavy_sort(&heavy);
		for (uint32_t i = 1; i < heavy.len; i++)
			assert_true(heavy.items[i - 1].count >= heavy.items[i].count);
		check_promise(&heavy, exact);
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bounds), cmocka_unit_test(budget_ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
