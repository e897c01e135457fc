/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of src/diag share: sources, a list of diagnostics, and what they look like. */
#ifndef TEST_DIAG_H
#define TEST_DIAG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diag/diag.h"

#define BUDGET ((size_t)64 << 20)
#define TEXT_MAX ((size_t)16 << 20)
#define NOWHERE ((struct fw_span){ 0, 0, 0 })

struct world {
	struct fw_arena *arena;
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_buf text;
};

static inline int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	world->arena = fw_arena_new(BUDGET);
	fw_sources_init(&world->sources, world->arena);
	fw_diags_init(&world->diags, world->arena, &world->sources);
	fw_buf_init(&world->text, TEXT_MAX);
	*state = world;
	return world->arena ? 0 : -1;
}

static inline int world_teardown(void **state)
{
	struct world *world = *state;

	fw_buf_done(&world->text);
	fw_arena_free(world->arena);
	free(world);
	return 0;
}

static inline struct fw_span add_source(struct world *world, const char *name, struct fw_str text)
{
	const uint32_t source = fw_sources_add(&world->sources, name, text, NOWHERE);

	assert_true(source > 0);
	return (struct fw_span){ source, 0, 0 };
}

/* The place of a word in the text of one source. */
static inline struct fw_span place_of(const struct world *world, uint32_t source, const char *word)
{
	const struct fw_str text = fw_sources_get(&world->sources, source)->text;
	const char *at = memmem(text.data, text.len, word, strlen(word));

	assert_non_null(at);
	return (struct fw_span){ source, (uint32_t)(at - text.data), (uint32_t)strlen(word) };
}

static inline const char *rendered(struct world *world)
{
	fw_buf_done(&world->text);
	fw_diags_render_text(&world->diags, false, &world->text);
	assert_int_equal(world->text.error, 0);
	return world->text.data ? world->text.data : "";
}

#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

#endif
