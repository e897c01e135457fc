/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the unit tests of src/kernel share: a batch to write messages into, a ruleset to read them into. No sockets. */
#ifndef TEST_KERNEL_H
#define TEST_KERNEL_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/batch.h"
#include "kernel/netlink.h"
#include "kernel/read.h"
#include "kernel/send.h"

struct bench {
	struct fw_arena *arena;
	struct fw_batch batch;
	struct fw_ruleset ruleset;
	struct fw_read read;
};

static inline int bench_setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->arena = fw_arena_new((size_t)256 << 20);
	assert_non_null(bench->arena);
	fw_batch_init(&bench->batch, 100);
	fw_ruleset_init(&bench->ruleset, bench->arena);
	bench->read.ruleset = &bench->ruleset;
	*state = bench;
	return 0;
}

static inline int bench_teardown(void **state)
{
	struct bench *bench = *state;

	fw_batch_done(&bench->batch);
	fw_arena_free(bench->arena);
	free(bench);
	return 0;
}
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

/* All messages of the batch, to one reader. */
static inline int bench_read(const struct fw_batch *batch, fw_nl_reader *reader, void *data)
{
	const char *at = batch->data;
	const struct nlmsghdr *message;
	size_t left = batch->len;
	int r = 0;

	while (!r && (message = fw_nl_next(&at, &left)))
		r = reader(message, data);
	return r;
}

static inline size_t bench_count(const struct fw_batch *batch)
{
	const char *at = batch->data;
	size_t left = batch->len, count = 0;

	while (fw_nl_next(&at, &left))
		count++;
	assert_int_equal(left, 0);
	return count;
}

#endif
