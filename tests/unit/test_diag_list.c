/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources and places, and the list: what is kept, what is one, what is only counted, and in which order it stands. */
#include "test_diag.h"

static void test_places(void **state)
{
	static const struct {
		uint32_t offset, line, column;
	} rows[] = { { 0, 1, 1 }, { 2, 1, 3 }, { 3, 1, 4 }, { 4, 2, 1 }, { 5, 3, 1 }, { 6, 3, 2 }, { 8, 3, 4 }, { 9, 4, 1 } };
	struct world *world = *state;
	const struct fw_span span = add_source(world, "a.conf", FW_STR("one\n\n\xc3\xa4x\nlast"));

	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		const struct fw_place place = fw_sources_place(&world->sources, (struct fw_span){ span.source, rows[i].offset, 1 });
		assert_string_equal(place.file, "a.conf");
		assert_int_equal(place.line, rows[i].line);
		assert_int_equal(place.column, rows[i].column); /* of bytes */
	}
}

static void test_no_place(void **state)
{
	struct world *world = *state;
	const struct fw_span span = add_source(world, "empty", FW_STR(""));
	struct fw_place place = fw_sources_place(&world->sources, NOWHERE);

	assert_non_null(place.file);
	assert_int_equal(place.line, 0);
	place = fw_sources_place(&world->sources, span);
	assert_int_equal(place.line, 1);
	assert_int_equal(place.column, 1);
	place = fw_sources_place(&world->sources, add_source(world, "none", (struct fw_str){ NULL, 0 }));
	assert_int_equal(place.line, 1);
	assert_null(fw_sources_get(&world->sources, 0));
	assert_null(fw_sources_get(&world->sources, 3));
	assert_null(fw_sources_get(&world->sources, UINT32_MAX));
	assert_string_equal(fw_sources_get(&world->sources, 1)->name, "empty");
}

/* Many lines, each asked for: the first byte, and the newline that ends it. */
static void test_many_lines(void **state)
{
	enum { LINES = 10000 };
	struct world *world = *state;
	struct fw_buf text;
	size_t at = 0;

	fw_buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < LINES; i++)
		fw_buf_printf(&text, "%0*zu\n", (int)(i % 13) + 1, i);
	const struct fw_span span = add_source(world, "long", fw_buf_str(&text));
	for (uint32_t i = 0; i < LINES; i++) {
		const char *end = strchr(text.data + at, '\n');
		const uint32_t len = (uint32_t)(end - (text.data + at));
		struct fw_place place = fw_sources_place(&world->sources, (struct fw_span){ span.source, (uint32_t)at, 1 });
		assert_int_equal(place.line, i + 1);
		assert_int_equal(place.column, 1);
		place = fw_sources_place(&world->sources, (struct fw_span){ span.source, (uint32_t)at + len, 1 });
		assert_int_equal(place.line, i + 1);
		assert_int_equal(place.column, len + 1);
		at += len + 1;
	}
	fw_buf_done(&text);
}

static void test_spans(void **state)
{
	struct world *world = *state;
	const struct fw_span span = add_source(world, "a", FW_STR("allow ssh"));
	const struct fw_span first = { span.source, 0, 5 }, last = { span.source, 6, 3 }, joined = fw_span_join(first, last);

	assert_int_equal(joined.offset, 0);
	assert_int_equal(joined.len, 9);
	assert_true(fw_str_equal(fw_span_text(&world->sources, last), FW_STR("ssh")));
	assert_true(fw_str_equal(fw_span_text(&world->sources, fw_span_join(last, last)), FW_STR("ssh")));
	/* past the end of the text: what there is */
	assert_true(fw_str_equal(fw_span_text(&world->sources, (struct fw_span){ span.source, 6, 300 }), FW_STR("ssh")));
	assert_int_equal(fw_span_text(&world->sources, (struct fw_span){ span.source, 300, 3 }).len, 0);
	assert_int_equal(fw_span_text(&world->sources, NOWHERE).len, 0);
}

static void test_name_is_copied(void **state)
{
	struct world *world = *state;
	char name[] = "first";
	const struct fw_span span = add_source(world, name, FW_STR("x"));

	memset(name, '!', sizeof(name) - 1);
	assert_string_equal(fw_sources_place(&world->sources, span).file, "first");
}

static void test_same_is_one(void **state)
{
	struct world *world = *state;
	const struct fw_span here = { add_source(world, "a", FW_STR("one two")).source, 0, 3 }, there = { here.source, 4, 3 };

	fw_diag_error(&world->diags, here, "syntax", "bad %d", 1);
	fw_diag_error(&world->diags, here, "syntax", "bad %s", "1");
	assert_int_equal(world->diags.errors, 1);
	fw_diag_error(&world->diags, here, "syntax", "bad 2");
	fw_diag_error(&world->diags, there, "syntax", "bad 1");
	assert_int_equal(world->diags.errors, 3);
	assert_int_equal(world->diags.list.len, 3);
	/* an error is not hidden by a warning that reads the same */
	fw_diag_warning(&world->diags, there, "odd", "strange");
	fw_diag_warning(&world->diags, there, "odd", "strange");
	fw_diag_error(&world->diags, there, "syntax", "strange");
	assert_int_equal(world->diags.warnings, 1);
	assert_int_equal(world->diags.errors, 4);
	assert_int_equal(world->diags.list.len, 5);
}

/* Help and note for what is not kept go nowhere, and harm nothing. */
static void test_limit_of_errors(void **state)
{
	struct world *world = *state;
	const struct fw_span span = add_source(world, "a", FW_STR("text"));

	for (int i = 0; i < 1000; i++) {
		struct fw_diag *diag = fw_diag_error(&world->diags, span, "syntax", "error %d", i);
		assert_non_null(diag);
		fw_diag_help(&world->diags, diag, "help %d", i);
		fw_diag_note(&world->diags, diag, span, "note %d", i);
	}
	assert_int_equal(world->diags.errors, 1000);
	assert_int_equal(world->diags.list.len, FW_DIAG_MAX_ERRORS);
	for (size_t i = 0; i < FW_DIAG_MAX_ERRORS; i++) {
		const struct fw_diag *diag = fw_vec_at(&world->diags.list, i);
		char text[32];
		snprintf(text, sizeof(text), "error %zu", i);
		assert_string_equal(diag->message, text);
		snprintf(text, sizeof(text), "help %zu", i);
		assert_string_equal(diag->help, text);
	}
	assert_false(world->diags.out_of_memory);
}

/* Warnings without end leave room for errors, and the other way round. A diagnostic in hand stays where it is. */
static void test_limits_are_apart(void **state)
{
	struct world *world = *state;
	const struct fw_span span = add_source(world, "a", FW_STR("text"));
	struct fw_diag *first = fw_diag_warning(&world->diags, span, "odd", "the first");

	for (int i = 0; i < 5000; i++)
		fw_diag_warning(&world->diags, span, "odd", "warning %d", i);
	for (int i = 0; i < FW_DIAG_MAX_ERRORS; i++)
		fw_diag_error(&world->diags, span, "syntax", "error %d", i);
	fw_diag_help(&world->diags, first, "late help");
	assert_int_equal(world->diags.warnings, 5001);
	assert_int_equal(world->diags.errors, FW_DIAG_MAX_ERRORS);
	size_t kept = 0;
	for (size_t i = 0; i < world->diags.list.len; i++)
		kept += ((const struct fw_diag *)fw_vec_at(&world->diags.list, i))->severity == FW_ERROR;
	assert_int_equal(kept, FW_DIAG_MAX_ERRORS);
	assert_string_equal(((const struct fw_diag *)fw_vec_at(&world->diags.list, 0))->help, "late help");
}

static void test_sort(void **state)
{
	static const char *const wanted[] = { "0", "1", "2", "3", "4", "5" };
	struct world *world = *state;
	const uint32_t a = add_source(world, "a", FW_STR("some text")).source, b = add_source(world, "b", FW_STR("some text")).source;

	fw_diag_error(&world->diags, (struct fw_span){ b, 0, 1 }, "e", "5");
	fw_diag_error(&world->diags, (struct fw_span){ a, 7, 1 }, "e", "3");
	fw_diag_warning(&world->diags, (struct fw_span){ a, 7, 2 }, "w", "4"); /* as far as 3: in the order found */
	fw_diag_error(&world->diags, (struct fw_span){ a, 2, 9 }, "e", "2");
	fw_diag_warning(&world->diags, (struct fw_span){ a, 0, 1 }, "w", "1");
	fw_diag_error(&world->diags, NOWHERE, "e", "0");
	fw_diags_sort(&world->diags);
	for (size_t i = 0; i < FW_ARRAY_SIZE(wanted); i++)
		assert_string_equal(((const struct fw_diag *)fw_vec_at(&world->diags.list, i))->message, wanted[i]);
}

/* However little memory there is: it is said, errors are counted, nothing crashes, and what is kept can be rendered. */
static void try_with(size_t budget)
{
	struct fw_arena *arena = fw_arena_new(budget);
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_buf text;

	fw_sources_init(&sources, arena);
	fw_diags_init(&diags, arena, &sources);
	const uint32_t source = fw_sources_add(&sources, "a.conf", FW_STR("one\ntwo\nthree\n"), NOWHERE);
	const struct fw_span span = { source, 4, 3 };
	struct fw_diag *diag = fw_diag_error(&diags, span, "syntax", "a message");
	assert_non_null(diag);
	fw_diag_help(&diags, diag, "a help");
	fw_diag_note(&diags, diag, span, "a note");
	assert_int_equal(diags.errors, 1);
	if (diags.list.len == 0)
		assert_true(diags.out_of_memory);
	fw_buf_init(&text, TEXT_MAX);
	fw_diags_sort(&diags);
	fw_diags_render_text(&diags, false, &text);
	assert_non_null(strstr(text.data, diags.list.len ? "a message" : "1 more error"));
	fw_diags_render_json(&diags, &text);
	assert_int_equal(text.error, 0);
	fw_buf_done(&text);
	fw_arena_free(arena);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t budget = 0; budget < 20000; budget += 16)
		try_with(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_places),	 WORLD_TEST(test_no_place),	WORLD_TEST(test_many_lines),
		WORLD_TEST(test_spans),		 WORLD_TEST(test_name_is_copied), WORLD_TEST(test_same_is_one),
		WORLD_TEST(test_limit_of_errors), WORLD_TEST(test_limits_are_apart), WORLD_TEST(test_sort),
		WORLD_TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
