/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/fuzz/fuzz_parse.c - any bytes as a policy. What has no error must come out of the formatter as a text that parses, says the same and
 * is laid out as itself; every rule on one line must parse to that line again. */
#include <string.h>

#include "ast_equal.h"
#include "fuzz.h"
#include "syntax/parse.h"

#define BUDGET ((size_t)256 << 20)
#define OUTPUT ((size_t)64 << 20)

struct text {
	struct fw_arena *arena;
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_ast_file *file;
	struct fw_buf formatted;
};

/* False where the text has errors, or takes too much memory. */
static bool read_text(struct text *t, struct fw_str text)
{
	uint32_t source;

	*t = (struct text){ .arena = fw_arena_new(BUDGET) };
	FUZZ_CHECK(t->arena);
	fw_buf_init(&t->formatted, OUTPUT);
	fw_sources_init(&t->sources, t->arena);
	fw_diags_init(&t->diags, t->arena, &t->sources);
	source = fw_sources_add(&t->sources, "policy.conf", text, (struct fw_span){ 0 });
	if (!source || fw_parse(t->arena, &t->diags, source, &t->file))
		return false;
	FUZZ_CHECK(t->file->has_errors == (t->diags.errors > 0));
	if (!t->file->has_errors)
		return fw_format(t->arena, &t->sources, t->file, &t->formatted) == 0;
	fw_diags_sort(&t->diags);
	fw_diags_render_text(&t->diags, true, &t->formatted);
	fw_diags_render_json(&t->diags, &t->formatted);
	return false;
}

static void done(struct text *t)
{
	fw_buf_done(&t->formatted);
	fw_arena_free(t->arena);
}

/* A statement on one line, with a newline. */
static void print_line(const struct fw_stmt *stmt, struct fw_buf *out)
{
	bool rule = stmt->kind == FW_STMT_RULE || stmt->kind == FW_STMT_EXPECT;

	fw_buf_init(out, OUTPUT);
	fw_format_rule(out, stmt, rule && stmt->rule.has_direction ? stmt->rule.direction : FW_IN, NULL, 0);
	fw_buf_putc(out, '\n');
	FUZZ_CHECK(!out->error);
}

static void check_line(const struct fw_stmt *stmt)
{
	struct fw_buf first, second;
	struct text t;

	print_line(stmt, &first);
	FUZZ_CHECK(memchr(first.data, '\n', first.len) == first.data + first.len - 1);
	FUZZ_CHECK(read_text(&t, fw_buf_str(&first)));
	FUZZ_CHECK(t.file->body.len == 1);
	print_line(t.file->body.items[0], &second);
	FUZZ_CHECK(fw_str_equal(fw_buf_str(&first), fw_buf_str(&second)));
	fw_buf_done(&first);
	fw_buf_done(&second);
	done(&t);
}

static void check_lines(const struct fw_ast_block_body *body)
{
	for (size_t i = 0; i < body->len; i++) {
		const struct fw_stmt *stmt = body->items[i];

		if (stmt->kind == FW_STMT_SCOPE)
			check_lines(&stmt->scope.body);
		else if (stmt->kind == FW_STMT_RULE || stmt->kind == FW_STMT_EXPECT || stmt->kind == FW_STMT_BLOCK ||
			 stmt->kind == FW_STMT_DEFAULT)
			check_line(stmt);
	}
}

/* No comment is lost: as many as before, in whatever order. */
static size_t comment_bytes(const struct fw_ast_file *file)
{
	size_t bytes = 0;

	for (size_t i = 0; i < file->comment_count; i++)
		bytes += file->comments[i].span.len;
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text first, second;

	if (read_text(&first, (struct fw_str){ (const char *)data, size })) {
		FUZZ_CHECK(read_text(&second, fw_buf_str(&first.formatted)));
		FUZZ_CHECK(fw_str_equal(fw_buf_str(&first.formatted), fw_buf_str(&second.formatted)));
		FUZZ_CHECK(same_body(&first.file->body, &second.file->body));
		FUZZ_CHECK(first.file->comment_count == second.file->comment_count);
		FUZZ_CHECK(comment_bytes(first.file) == comment_bytes(second.file));
		check_lines(&first.file->body);
		done(&second);
	}
	done(&first);
	return 0;
}
