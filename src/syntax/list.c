/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/list.c - lists of words: WHAT, ADDRS, IFACES, PORTS, NAMES. What a word means is not asked here; only that a word of the language is
 * not taken for a name where none may be called so. */
#include "syntax/parser.h"

struct list_kind {
	const char *first, *next; /* what is expected */
	bool quoted;              /* names that are no words may stand in quotes */
	bool any;                 /* `any` may stand in place of the list */
	bool except;              /* `except LIST` may follow */
	bool free_names;          /* words of the language can be names here */
};

static const struct list_kind kinds[] = {
	[FW_LIST_WHAT] = { .first = "'any', a service or a port", .next = "a service or a port after ','", .any = true, .free_names = true },
	[FW_LIST_ITEMS] = { .first = "a port, such as 8080/tcp, or a service", .next = "a port or a service after ','", .free_names = true },
	[FW_LIST_ADDRS] = { .first = "'any', an address or a group", .next = "an address or a group after ','", .any = true,
			    .except = true },
	[FW_LIST_IFACES] = { .first = "'any', an interface or a zone", .next = "an interface or a zone after ','", .quoted = true,
			     .any = true, .except = true },
	[FW_LIST_PORTS] = { .first = "a port or a range of ports", .next = "a port or a range of ports after ','" },
	[FW_LIST_OWNERS] = { .first = "a name or a number", .next = "a name or a number after ','", .quoted = true },
};

static bool is_reserved(const struct fw_parser *p)
{
	return p->token.kind == FW_TOKEN_WORD && p->token.keyword != FW_KEYWORD_NONE &&
	       !(fw_words_roles(p->token.keyword) & FW_WORD_DETAIL);
}

static void help_any(struct fw_parser *p, struct fw_diag *diag, size_t count)
{
	fw_parser_help(p, diag, count ? "'any' is all there is: leave out the others, or 'any'" : "write 'any' alone");
}

/* The item that was expected is not there. */
static bool report_item(struct fw_parser *p, const struct list_kind *kind, size_t count)
{
	bool any = fw_parser_is(p, FW_KEYWORD_ANY), reserved = is_reserved(p);
	struct fw_diag *diag = fw_parser_expected(p, count ? kind->next : kind->first);

	if (any && kind->any)
		help_any(p, diag, count);
	else if (any)
		fw_parser_help(p, diag, kind->free_names ? "a service is its ports" : "to mean all of them, leave the clause out");
	else if (p->token.kind == FW_TOKEN_STRING)
		fw_parser_help(p, diag, "write it without quotes");
	else if (reserved && kind->quoted)
		fw_parser_help(p, diag, "a word of the language stands in quotes where it is a name");
	return false;
}

static bool parse_item(struct fw_parser *p, const struct list_kind *kind, size_t count)
{
	struct fw_ast_word *word;
	bool fits = p->token.kind == FW_TOKEN_WORD || (p->token.kind == FW_TOKEN_STRING && kind->quoted);

	if (!fits || fw_parser_is(p, FW_KEYWORD_ANY) || (!kind->free_names && is_reserved(p)))
		return report_item(p, kind, count);
	if (p->token.kind == FW_TOKEN_STRING && p->token.text.len == 0) {
		fw_parser_error(p, p->token.span, "an empty name");
		return false;
	}
	word = fw_vec_push(&p->words);
	if (!word) {
		p->no_memory = true;
		return false;
	}
	*word = fw_parser_word(p);
	fw_parser_advance(p);
	return true;
}

bool fw_parser_list(struct fw_parser *p, enum fw_list_kind kind, struct fw_ast_list *ret_list)
{
	size_t mark = p->words.len, count = 0;
	struct fw_span start = p->token.span;
	struct fw_ast_list list = { 0 };
	bool good;

	do
		good = parse_item(p, &kinds[kind], count++);
	while (good && fw_parser_take(p, FW_TOKEN_COMMA));
	list.len = p->words.len - mark;
	list.words = fw_parser_pop(p, &p->words, mark);
	list.span = fw_parser_since(p, start);
	*ret_list = list;
	return good && !p->no_memory;
}

/* `any`, which stands alone. */
static bool take_any(struct fw_parser *p)
{
	struct fw_span span = p->token.span;

	if (!fw_parser_take_keyword(p, FW_KEYWORD_ANY))
		return false;
	if (p->token.kind == FW_TOKEN_COMMA)
		help_any(p, fw_parser_error(p, span, "'any' cannot stand in a list"), 1);
	return true;
}

/* `allow from office`: the service was forgotten, and `from` taken for it. `allow log` may well mean a service of that name. */
static bool lacks_what(const struct fw_parser *p, const struct fw_ast_list *what)
{
	const struct fw_ast_word *first = &what->words[0];
	bool clause = fw_words_roles(fw_words_find(first->text)) & FW_WORD_CLAUSE;

	return clause && what->len == 1 && !fw_clauses_at(p) && (p->token.kind == FW_TOKEN_WORD || p->token.kind == FW_TOKEN_STRING);
}

bool fw_parser_what(struct fw_parser *p, struct fw_ast_rule *rule)
{
	rule->any = take_any(p);
	if (rule->any)
		return p->token.kind != FW_TOKEN_COMMA;
	if (!fw_parser_list(p, FW_LIST_WHAT, &rule->what))
		return false;
	if (lacks_what(p, &rule->what)) {
		p->bad = true;
		fw_diag_help(p->diags,
			     fw_diag_error(p->diags, rule->what.span, "syntax", "expected %s before '%.*s'", kinds[FW_LIST_WHAT].first,
					   FW_SHOW(rule->what.words[0].text)),
			     "what it is about stands before the clauses: allow ssh from ADDRESS, or allow any from ADDRESS");
		return false;
	}
	return true;
}

static bool parse_except(struct fw_parser *p, enum fw_list_kind kind, struct fw_ast_operands *operands)
{
	struct fw_diag *diag;

	if (!fw_parser_take_keyword(p, FW_KEYWORD_EXCEPT))
		return true;
	if (!fw_parser_is(p, FW_KEYWORD_ANY) && (p->token.kind == FW_TOKEN_WORD || p->token.kind == FW_TOKEN_STRING))
		return fw_parser_list(p, kind, &operands->except);
	diag = fw_parser_expected(p, kind == FW_LIST_IFACES ? "interfaces after 'except'" : "addresses after 'except'");
	if (fw_parser_is(p, FW_KEYWORD_ANY))
		fw_parser_help(p, diag, "an exception of everything leaves nothing");
	return false;
}

bool fw_parser_operands(struct fw_parser *p, enum fw_list_kind kind, struct fw_ast_operands *ret_operands)
{
	struct fw_ast_operands operands = { 0 };
	struct fw_span start = p->token.span;
	bool good = true;

	operands.any = kinds[kind].any && take_any(p);
	if (!operands.any)
		good = fw_parser_list(p, kind, &operands.list);
	else if (p->token.kind == FW_TOKEN_COMMA)
		good = false;
	if (good && kinds[kind].except)
		good = parse_except(p, kind, &operands);
	operands.span = fw_parser_since(p, start);
	*ret_operands = operands;
	return good;
}

bool fw_parser_string(struct fw_parser *p, const char *what, struct fw_ast_word *ret_word)
{
	if (p->token.kind != FW_TOKEN_STRING) {
		struct fw_diag *diag = fw_parser_expected(p, what);

		if (p->token.kind == FW_TOKEN_WORD && diag)
			fw_diag_help(p->diags, diag, "put it in quotes: \"%.*s\"", FW_SHOW(p->token.text));
		return false;
	}
	if (p->token.text.len == 0)
		fw_parser_error(p, p->token.span, "an empty text");
	*ret_word = fw_parser_word(p);
	fw_parser_advance(p);
	return true;
}
