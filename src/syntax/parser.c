/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/parser.c - owns the step from token to token, and how errors are put into words. Knows no grammar. */
#include <stdio.h>
#include <string.h>

#include "syntax/parser.h"

/* The next token would start a statement of its own, were its line not the continuation of the one before. */
static bool runs_on(const struct fw_parser *p)
{
	return p->begun && p->token.first && p->token.kind == FW_TOKEN_WORD && (fw_words_roles(p->token.keyword) & FW_WORD_STATEMENT);
}

void fw_parser_advance(struct fw_parser *p)
{
	if (p->token.first)
		p->run_on |= runs_on(p);
	p->begun = true;
	if (p->token.kind == FW_TOKEN_OPEN)
		p->braces++;
	else if (p->token.kind == FW_TOKEN_CLOSE)
		p->braces--;
	p->last = p->token.span;
	fw_lexer_next(&p->lexer, &p->token);
}

bool fw_parser_take(struct fw_parser *p, enum fw_token_kind kind)
{
	if (p->token.kind != kind)
		return false;
	fw_parser_advance(p);
	return true;
}

bool fw_parser_is(const struct fw_parser *p, enum fw_keyword keyword)
{
	return p->token.kind == FW_TOKEN_WORD && p->token.keyword == keyword;
}

bool fw_parser_take_keyword(struct fw_parser *p, enum fw_keyword keyword)
{
	if (!fw_parser_is(p, keyword))
		return false;
	fw_parser_advance(p);
	return true;
}

bool fw_parser_at_end(const struct fw_parser *p)
{
	return p->token.kind == FW_TOKEN_LINE_END || p->token.kind == FW_TOKEN_TEXT_END;
}

struct fw_span fw_parser_since(const struct fw_parser *p, struct fw_span start)
{
	return fw_span_join(start, p->last);
}

struct fw_ast_word fw_parser_word(const struct fw_parser *p)
{
	return (struct fw_ast_word){ p->token.text, p->token.span, p->token.kind == FW_TOKEN_STRING };
}

struct fw_diag *fw_parser_error(struct fw_parser *p, struct fw_span span, const char *message)
{
	p->bad = true;
	return fw_diag_error(p->diags, span, "syntax", "%s", message);
}

static struct fw_diag *report_expected(struct fw_parser *p, const char *what)
{
	static const char *const found[] = {
		[FW_TOKEN_WORD] = "",
		[FW_TOKEN_STRING] = ", found a text in quotes",
		[FW_TOKEN_COMMA] = ", found ','",
		[FW_TOKEN_EQUALS] = ", found '='",
		[FW_TOKEN_OPEN] = ", found '{'",
		[FW_TOKEN_CLOSE] = ", found '}'",
		[FW_TOKEN_LINE_END] = ", but the line ends here",
		[FW_TOKEN_TEXT_END] = ", but the text ends here",
		[FW_TOKEN_BAD] = "",
	};

	if (p->token.kind == FW_TOKEN_WORD)
		return fw_diag_error(p->diags, p->token.span, "syntax", "expected %s, found '%.*s'", what, FW_SHOW(p->token.text));
	return fw_diag_error(p->diags, p->token.span, "syntax", "expected %s%s", what, found[p->token.kind]);
}

struct fw_diag *fw_parser_expected(struct fw_parser *p, const char *what)
{
	struct fw_diag *diag;

	p->bad = true;
	if (p->token.kind == FW_TOKEN_BAD)
		return NULL;
	diag = report_expected(p, what);
	p->run_on |= runs_on(p);
	if (p->run_on)
		fw_diag_help(p->diags, diag, "a line that ends in ',' or '=' goes on in the next");
	return diag;
}

void fw_parser_help(struct fw_parser *p, struct fw_diag *diag, const char *help)
{
	if (diag && !p->run_on)
		fw_diag_help(p->diags, diag, "%s", help);
}

bool fw_parser_suggest(struct fw_parser *p, struct fw_diag *diag, unsigned int roles)
{
	const char *near;

	if (!diag || p->run_on || p->token.kind != FW_TOKEN_WORD)
		return false;
	near = fw_words_nearest(p->token.text, roles);
	if (near)
		fw_diag_help(p->diags, diag, "did you mean '%s'?", near);
	return near != NULL;
}

void *fw_parser_pop(struct fw_parser *p, struct fw_vec *stack, size_t mark)
{
	size_t count = stack->len - mark;
	void *items = fw_arena_alloc(p->arena, count ? count : 1, stack->size);

	if (!items)
		p->no_memory = true;
	else if (count)
		memcpy(items, fw_vec_at(stack, mark), count * stack->size);
	stack->len = mark;
	return items;
}
