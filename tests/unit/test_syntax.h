/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/test_syntax.h - a text, parsed and laid out, for the tests of src/syntax. */
#ifndef FW_TEST_SYNTAX_H
#define FW_TEST_SYNTAX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syntax/parse.h"

struct parsed {
	struct fw_arena *arena;
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_ast_file *file;
};

static inline void parse_text(struct parsed *t, const char *name, struct fw_str text)
{
	uint32_t source;

	t->file = NULL;
	t->arena = fw_arena_new((size_t)2 << 30);
	assert_non_null(t->arena);
	fw_sources_init(&t->sources, t->arena);
	fw_diags_init(&t->diags, t->arena, &t->sources);
	source = fw_sources_add(&t->sources, name, text, (struct fw_span){ 0 });
	assert_int_not_equal(source, 0);
	assert_int_equal(fw_parse(t->arena, &t->diags, source, &t->file), 0);
	assert_non_null(t->file);
}

static inline void parsed_done(struct parsed *t)
{
	fw_arena_free(t->arena);
}

/* The diagnostics as text; the caller frees. */
static inline char *parsed_messages(struct parsed *t)
{
	struct fw_buf out;
	char *text;
	int error;

	fw_buf_init(&out, (size_t)1 << 24);
	fw_diags_sort(&t->diags);
	fw_diags_render_text(&t->diags, false, &out);
	fw_buf_putc(&out, '\0');
	text = fw_buf_take(&out, &error);
	assert_non_null(text);
	return text;
}

/* Fails the test, with the diagnostics, where there are any. */
static inline void assert_parsed(struct parsed *t)
{
	char *messages;

	if (!t->diags.errors && !t->file->has_errors)
		return;
	messages = parsed_messages(t);
	print_error("%s", messages);
	free(messages);
	fail();
}

static inline void parse_good(struct parsed *t, const char *text)
{
	parse_text(t, "test.conf", fw_str_from(text));
	assert_parsed(t);
}

/* The canonical layout of a text that must parse; the caller frees. */
static inline char *format_text(const char *name, struct fw_str text)
{
	struct parsed t;
	struct fw_buf out;
	char *result;
	int error;

	parse_text(&t, name, text);
	assert_parsed(&t);
	fw_buf_init(&out, (size_t)1 << 28);
	assert_int_equal(fw_format(t.arena, &t.sources, t.file, &out), 0);
	fw_buf_putc(&out, '\0');
	result = fw_buf_take(&out, &error);
	assert_non_null(result);
	parsed_done(&t);
	return result;
}

#endif
