/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/parse.c - owns the shape of a text: lines, blocks, and how reading goes on after an error. A line that does not parse becomes
 * FW_STMT_ERROR and is skipped; its braces still count, so that one slip does not put every later line outside its block. Recursion is as
 * deep as FW_PARSE_MAX_DEPTH and no deeper. */
#include <errno.h>

#include "syntax/parser.h"

static void begin(struct fw_parser *p)
{
	p->bad = p->begun = p->run_on = false;
	p->braces = 0;
}

static void skip_line(struct fw_parser *p)
{
	while (!fw_parser_at_end(p))
		fw_parser_advance(p);
}

static void stop(struct fw_parser *p)
{
	p->token.kind = FW_TOKEN_TEXT_END;
	p->lexer.at = p->lexer.len;
	p->lexer.last = FW_TOKEN_TEXT_END;
}

static void count_bad(struct fw_parser *p, struct fw_span at)
{
	if (++p->bad_stmts < FW_PARSER_MAX_BAD || p->stopped)
		return;
	fw_diag_error(p->diags, at, "syntax", "too many errors: the rest of the text is not read");
	p->stopped = true;
	stop(p);
}

/* A statement that cannot stand inside a block does so. */
static void report_in_scope(struct fw_parser *p, struct fw_span keyword, struct fw_str name)
{
	struct fw_diag *diag;

	p->bad = true;
	diag = fw_diag_error(p->diags, keyword, "syntax", "'%.*s' cannot stand inside a block", FW_SHOW(name));
	fw_diag_note(p->diags, diag, p->block, "the block starts here");
	fw_diag_help(p->diags, diag, "a block holds rules, expect, include and other blocks");
}

/* From the first token of a line to its end. The braces that the line leaves open are in p->braces. */
static void parse_line(struct fw_parser *p, struct fw_stmt *stmt)
{
	struct fw_span start = p->token.span;
	struct fw_str first = p->token.text;
	bool good;

	begin(p);
	good = fw_stmt_parse(p, stmt);
	if (good && !fw_parser_at_end(p)) {
		if (!p->bad) /* else what follows may only be the rest of it */
			fw_stmt_report_rest(p, stmt);
		good = false;
	}
	if (good && p->depth && !fw_stmt_may_stand_in_scope(stmt->kind))
		report_in_scope(p, start, first);
	skip_line(p);
	if (!stmt->span.source)
		stmt->span = fw_parser_since(p, start);
	if (!good || p->bad) {
		stmt->kind = FW_STMT_ERROR;
		count_bad(p, start);
	}
}

static void parse_body(struct fw_parser *p);

/* Blocks too deep to be parsed: only their braces are counted. */
static void skip_block(struct fw_parser *p)
{
	for (p->braces = 1; p->braces > 0 && p->token.kind != FW_TOKEN_TEXT_END;)
		fw_parser_advance(p);
	skip_line(p);
}

static void report_unclosed(struct fw_parser *p, struct fw_span head)
{
	struct fw_diag *diag;

	if (p->stopped || p->no_memory || p->lexer.no_memory)
		return;
	diag = fw_diag_error(p->diags, head, "syntax", "this block is never closed");
	fw_diag_help(p->diags, diag, "write '}' on a line of its own behind its last statement");
	p->bad_stmts++;
}

/* The lines up to the `}`, onto p->stmts. */
static void parse_block(struct fw_parser *p, struct fw_stmt *head)
{
	struct fw_span outer = p->block;

	if (p->depth == FW_PARSE_MAX_DEPTH) {
		fw_diag_error(p->diags, head->span, "syntax", "blocks inside blocks, more than %d deep", FW_PARSE_MAX_DEPTH);
		head->kind = FW_STMT_ERROR;
		count_bad(p, head->span);
		skip_block(p);
		return;
	}
	p->depth++;
	p->block = head->span;
	p->closed = false;
	parse_body(p);
	if (!p->closed)
		report_unclosed(p, head->span);
	else if (head->kind == FW_STMT_SCOPE)
		head->scope.close = p->close;
	p->closed = false;
	p->block = outer;
	p->depth--;
}

/* The block behind a head, or behind a bad line that opened some: what those hold is read for its errors only. */
static void parse_blocks(struct fw_parser *p, struct fw_stmt *head, int opened)
{
	size_t mark = p->stmts.len;

	for (; opened > 0 && p->token.kind != FW_TOKEN_TEXT_END; opened--)
		parse_block(p, head);
	if (opened > 0 && head->kind == FW_STMT_SCOPE) /* the text ends right behind its `{` */
		report_unclosed(p, head->span);
	if (head->kind == FW_STMT_SCOPE) {
		head->scope.body.len = p->stmts.len - mark;
		head->scope.body.items = fw_parser_pop(p, &p->stmts, mark);
	}
	p->stmts.len = mark;
}

static void parse_stmt(struct fw_parser *p)
{
	struct fw_stmt *stmt = fw_arena_alloc(p->arena, 1, sizeof(*stmt));
	struct fw_stmt **slot;
	int braces;

	if (!stmt) {
		p->no_memory = true;
		return;
	}
	parse_line(p, stmt);
	braces = p->braces;
	if (braces > 0)
		parse_blocks(p, stmt, braces);
	slot = fw_vec_push(&p->stmts);
	if (!slot) {
		p->no_memory = true;
		return;
	}
	*slot = stmt;
	if (braces < 0 && p->depth) {
		p->close = p->last;
		p->closed = true;
	}
}

static void parse_close(struct fw_parser *p)
{
	struct fw_span span = p->token.span;

	begin(p);
	fw_parser_advance(p);
	if (!p->depth) {
		fw_diag_error(p->diags, span, "syntax", "this '}' closes no block");
		count_bad(p, span);
	} else if (!fw_parser_at_end(p)) {
		fw_parser_help(p, fw_parser_expected(p, "the end of the line after '}'"), "'}' stands on a line of its own");
		count_bad(p, span);
	}
	skip_line(p);
	if (p->depth && p->braces < 0) {
		p->close = span;
		p->closed = true;
	}
}

/* Lines, up to the end of the text or, inside a block, of the block. */
static void parse_body(struct fw_parser *p)
{
	while (!p->closed && !p->no_memory && p->token.kind != FW_TOKEN_TEXT_END) {
		if (p->token.kind == FW_TOKEN_CLOSE)
			parse_close(p);
		else if (p->token.kind != FW_TOKEN_LINE_END)
			parse_stmt(p);
		if (p->token.kind == FW_TOKEN_LINE_END)
			fw_parser_advance(p);
	}
}

static void init(struct fw_parser *p, struct fw_arena *arena, struct fw_diags *diags, uint32_t source)
{
	const struct fw_source *text = fw_sources_get(diags->sources, source);
	struct fw_diag *diag;

	*p = (struct fw_parser){ .arena = arena, .diags = diags };
	fw_vec_init(&p->words, NULL, sizeof(struct fw_ast_word));
	fw_vec_init(&p->clauses, NULL, sizeof(struct fw_ast_clause));
	fw_vec_init(&p->stmts, NULL, sizeof(struct fw_stmt *));
	if (text->text.len > FW_PARSE_MAX_TEXT) {
		diag = fw_diag_error(diags, (struct fw_span){ source, 0, 0 }, "too-large", "the text is larger than %u MiB",
				     FW_PARSE_MAX_TEXT >> 20);
		fw_diag_help(diags, diag, "long lists of addresses stand in files of their own: group NAME = file \"PATH\"");
		fw_lexer_init(&p->lexer, arena, diags, source, (struct fw_str){ text->text.data, 0 });
	} else {
		fw_lexer_init(&p->lexer, arena, diags, source, text->text);
	}
	fw_lexer_next(&p->lexer, &p->token);
}

static void done(struct fw_parser *p)
{
	fw_vec_done(&p->words);
	fw_vec_done(&p->clauses);
	fw_vec_done(&p->stmts);
	fw_lexer_done(&p->lexer);
}

static struct fw_ast_file *make_file(struct fw_parser *p, uint32_t source, size_t errors_before)
{
	struct fw_ast_file *file = fw_arena_alloc(p->arena, 1, sizeof(*file));

	if (!file)
		return NULL;
	file->source = source;
	file->body.len = p->stmts.len;
	file->body.items = fw_parser_pop(p, &p->stmts, 0);
	file->comment_count = p->lexer.comments.len;
	file->comments = fw_parser_pop(p, &p->lexer.comments, 0);
	file->has_errors = p->bad_stmts > 0 || p->lexer.failed || p->diags->errors > errors_before;
	return p->no_memory ? NULL : file;
}

int fw_parse(struct fw_arena *arena, struct fw_diags *diags, uint32_t source, struct fw_ast_file **ret_file)
{
	size_t errors_before = diags->errors;
	struct fw_ast_file *file = NULL;
	struct fw_parser p;

	init(&p, arena, diags, source);
	parse_body(&p);
	if (!p.no_memory && !p.lexer.no_memory)
		file = make_file(&p, source, errors_before);
	done(&p);
	if (!file)
		return -ENOMEM;
	*ret_file = file;
	return 0;
}
