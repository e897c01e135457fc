/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/statements.c - one function a statement, from its first word to its last. Lines, blocks and what follows an error belong to parse.c;
 * definitions to definitions.c. */
#include "syntax/parser.h"

static bool at_verdict(const struct fw_parser *p)
{
	return p->token.kind == FW_TOKEN_WORD && p->token.keyword >= FW_KEYWORD_ALLOW && p->token.keyword <= FW_KEYWORD_REJECT;
}

static bool at_direction(const struct fw_parser *p)
{
	return p->token.kind == FW_TOKEN_WORD && p->token.keyword >= FW_KEYWORD_IN && p->token.keyword <= FW_KEYWORD_FORWARD;
}

static enum fw_verdict take_verdict(struct fw_parser *p)
{
	enum fw_verdict verdict = (enum fw_verdict)((int)p->token.keyword - (int)FW_KEYWORD_ALLOW);

	fw_parser_advance(p);
	return verdict;
}

static enum fw_direction take_direction(struct fw_parser *p)
{
	enum fw_direction direction = (enum fw_direction)((int)p->token.keyword - (int)FW_KEYWORD_IN);

	fw_parser_advance(p);
	return direction;
}

static bool parse_verdict(struct fw_parser *p, const char *where, enum fw_verdict *ret_verdict)
{
	if (!at_verdict(p)) {
		fw_parser_suggest(p, fw_parser_expected(p, where), FW_WORD_VERDICT);
		return false;
	}
	*ret_verdict = take_verdict(p);
	return true;
}

/* Rules and expectations */

static bool parse_rule_line(struct fw_parser *p, struct fw_ast_rule *rule, bool expect)
{
	const struct fw_clause_place *place;

	rule->verdict_span = p->token.span;
	if (!parse_verdict(p, "allow, deny or reject after 'expect'", &rule->verdict))
		return false;
	rule->has_direction = at_direction(p);
	if (rule->has_direction) {
		rule->direction_span = p->token.span;
		rule->direction = take_direction(p);
	}
	if (!fw_parser_what(p, rule))
		return false;
	place = rule->verdict == FW_ALLOW ? &fw_clauses_of_rule : &fw_clauses_of_limitless_rule;
	return fw_clauses_parse(p, expect ? &fw_clauses_of_expect : place, &rule->clauses);
}

static bool parse_rule(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_RULE;
	return parse_rule_line(p, &stmt->rule, false);
}

static bool parse_expect(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_EXPECT;
	fw_parser_advance(p);
	return parse_rule_line(p, &stmt->rule, true);
}

/* The head of a scope block */

static bool take_scope_direction(struct fw_parser *p, struct fw_stmt *stmt)
{
	struct fw_span span = p->token.span;
	enum fw_direction direction = take_direction(p);
	struct fw_diag *diag;

	if (stmt->scope.has_direction) {
		diag = fw_parser_error(p, span, "a second direction");
		fw_diag_note(p->diags, diag, stmt->scope.direction_span, "the first stands here");
		return true;
	}
	stmt->scope.has_direction = true;
	stmt->scope.direction = direction;
	stmt->scope.direction_span = span;
	return true;
}

static bool report_no_open(struct fw_parser *p)
{
	struct fw_diag *diag;

	if (p->bad)
		return false;
	diag = fw_parser_expected(p, "a clause, or '{' at the end of the line");
	if (fw_parser_at_end(p))
		fw_parser_help(p, diag, "a line that goes on with clauses needs a '\\' at the end of the line before");
	else if (at_verdict(p))
		fw_parser_help(p, diag, "in a rule the verdict stands first, its clauses last");
	else
		fw_parser_suggest(p, diag, FW_WORD_CLAUSE | FW_WORD_DIRECTION);
	return false;
}

static bool parse_scope(struct fw_parser *p, struct fw_stmt *stmt)
{
	struct fw_span start = p->token.span;
	size_t mark = p->clauses.len;
	bool good = true;

	stmt->kind = FW_STMT_SCOPE;
	while (good && (at_direction(p) || fw_clauses_at(p)))
		good = at_direction(p) ? take_scope_direction(p, stmt) : fw_clauses_parse_one(p, &fw_clauses_of_scope, mark);
	stmt->scope.clauses.len = p->clauses.len - mark;
	stmt->scope.clauses.items = fw_parser_pop(p, &p->clauses, mark);
	stmt->span = fw_parser_since(p, start);
	if (!good || p->no_memory)
		return false;
	return fw_parser_take(p, FW_TOKEN_OPEN) || report_no_open(p);
}

/* The small ones */

static bool parse_default(struct fw_parser *p, struct fw_stmt *stmt)
{
	struct fw_diag *diag;

	stmt->kind = FW_STMT_DEFAULT;
	fw_parser_advance(p);
	if (!at_direction(p)) {
		diag = fw_parser_expected(p, "in, out or forward after 'default'");
		if (at_verdict(p) && diag)
			fw_diag_help(p->diags, diag, "write default in %.*s", FW_SHOW(p->token.text));
		else
			fw_parser_suggest(p, diag, FW_WORD_DIRECTION);
		return false;
	}
	stmt->def.has_direction = true;
	stmt->def.direction = take_direction(p);
	if (!parse_verdict(p, "allow, deny or reject", &stmt->def.verdict))
		return false;
	stmt->def.has_log = fw_parser_take_keyword(p, FW_KEYWORD_LOG);
	return !stmt->def.has_log || fw_clauses_log(p, &stmt->def.log);
}

static bool parse_block(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_BLOCK;
	fw_parser_advance(p);
	if (fw_parser_is(p, FW_KEYWORD_FROM)) {
		fw_parser_help(p, fw_parser_expected(p, "an address or a group after 'block'"), "write it without 'from': block ADDRESS");
		return false;
	}
	if (!fw_parser_operands(p, FW_LIST_ADDRS, &stmt->block.addresses))
		return false;
	stmt->block.log = fw_parser_take_keyword(p, FW_KEYWORD_LOG);
	return true;
}

static bool parse_include(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_INCLUDE;
	fw_parser_advance(p);
	return fw_parser_string(p, "the path of a file in quotes", &stmt->include);
}

static bool parse_option(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_OPTION;
	fw_parser_advance(p);
	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_help(p, fw_parser_expected(p, "the name of an option"), "the options are builtin, log-group, log-rate and log-default");
		return false;
	}
	stmt->option.name = fw_parser_word(p);
	fw_parser_advance(p);
	while (p->token.kind == FW_TOKEN_WORD && stmt->option.value_count < FW_ARRAY_SIZE(stmt->option.values)) {
		stmt->option.values[stmt->option.value_count++] = fw_parser_word(p);
		fw_parser_advance(p);
	}
	if (stmt->option.value_count)
		return true;
	fw_parser_expected(p, "the option's value");
	return false;
}

/* Which statement */

typedef bool stmt_parser(struct fw_parser *p, struct fw_stmt *stmt);

static stmt_parser *const parsers[] = {
	[FW_KEYWORD_ALLOW] = parse_rule,
	[FW_KEYWORD_DENY] = parse_rule,
	[FW_KEYWORD_REJECT] = parse_rule,
	[FW_KEYWORD_BLOCK] = parse_block,
	[FW_KEYWORD_DEFAULT] = parse_default,
	[FW_KEYWORD_EXPECT] = parse_expect,
	[FW_KEYWORD_GROUP] = fw_stmt_parse_group,
	[FW_KEYWORD_INCLUDE] = parse_include,
	[FW_KEYWORD_OPTION] = parse_option,
	[FW_KEYWORD_SERVICE] = fw_stmt_parse_service,
	[FW_KEYWORD_ZONE] = fw_stmt_parse_zone,
	[FW_KEYWORD_USER] = NULL,
};

static bool report_unknown(struct fw_parser *p)
{
	struct fw_ast_word word = fw_parser_word(p);
	struct fw_diag *diag;

	if (p->token.kind != FW_TOKEN_WORD) {
		diag = fw_parser_expected(p, "a statement");
		if (p->token.kind == FW_TOKEN_OPEN)
			fw_parser_help(p, diag, "'{' ends the line of its clauses");
		return false;
	}
	p->bad = true;
	diag = fw_diag_error(p->diags, word.span, "syntax", "unknown statement '%.*s'", FW_SHOW(word.text));
	if (fw_parser_suggest(p, diag, FW_WORD_STATEMENT | FW_WORD_DIRECTION | FW_WORD_CLAUSE))
		return false;
	fw_parser_advance(p);
	if (p->token.kind == FW_TOKEN_EQUALS)
		fw_diag_help(p->diags, diag, "to define a name, write group, service or zone before it");
	else
		fw_diag_help(p->diags, diag,
			     "a line starts with allow, deny, reject, block, default, expect, group, include, option, service or zone");
	return false;
}

bool fw_stmt_parse(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_ERROR;
	if (at_direction(p) || fw_clauses_at(p))
		return parse_scope(p, stmt);
	if (p->token.kind == FW_TOKEN_WORD && parsers[p->token.keyword])
		return parsers[p->token.keyword](p, stmt);
	return report_unknown(p);
}

bool fw_stmt_may_stand_in_scope(enum fw_stmt_kind kind)
{
	switch (kind) {
	case FW_STMT_RULE:
	case FW_STMT_EXPECT:
	case FW_STMT_SCOPE:
	case FW_STMT_INCLUDE:
	case FW_STMT_ERROR:
		return true;
	case FW_STMT_DEFAULT:
	case FW_STMT_BLOCK:
	case FW_STMT_OPTION:
	case FW_STMT_SERVICE:
	case FW_STMT_GROUP:
	case FW_STMT_ZONE:
		break;
	}
	return false;
}

/* What stands behind a statement that was complete */

static bool takes_clauses(const struct fw_stmt *stmt)
{
	return stmt->kind == FW_STMT_RULE || stmt->kind == FW_STMT_EXPECT;
}

/* `allow inn ssh`: the word behind the verdict was taken for a service. */
static const char *direction_meant(const struct fw_stmt *stmt)
{
	if (!takes_clauses(stmt) || stmt->rule.has_direction || stmt->rule.what.len != 1 || stmt->rule.clauses.len)
		return NULL;
	return fw_words_nearest(stmt->rule.what.words[0].text, FW_WORD_DIRECTION);
}

/* What stands before the token at hand may have been a list, which lacks a comma. */
static bool ends_in_list(const struct fw_stmt *stmt)
{
	const struct fw_ast_clauses *clauses = &stmt->rule.clauses;
	enum fw_clause_kind last;

	if (stmt->kind == FW_STMT_BLOCK)
		return !stmt->block.log;
	if (!takes_clauses(stmt))
		return stmt->kind == FW_STMT_SERVICE || stmt->kind == FW_STMT_GROUP || stmt->kind == FW_STMT_ZONE;
	if (clauses->len == 0)
		return true;
	last = clauses->items[clauses->len - 1].kind;
	return last <= FW_CLAUSE_SOURCE_PORT || last == FW_CLAUSE_AS || last == FW_CLAUSE_DURING;
}

static void help_word(struct fw_parser *p, struct fw_diag *diag, const struct fw_stmt *stmt)
{
	const char *direction = direction_meant(stmt);

	if (takes_clauses(stmt) && at_direction(p))
		fw_parser_help(p, diag, "the direction stands behind the verdict: allow out ssh");
	else if (takes_clauses(stmt) && fw_parser_is(p, FW_KEYWORD_EXCEPT))
		fw_parser_help(p, diag, "exceptions are for addresses and interfaces; for a service, put a rule of its own before this one");
	else if (direction && diag)
		fw_diag_help(p->diags, diag, "did you mean the direction '%s'?", direction);
	else if (takes_clauses(stmt) && fw_parser_suggest(p, diag, FW_WORD_CLAUSE))
		return;
	else if (ends_in_list(stmt) && !fw_clauses_at(p))
		fw_parser_help(p, diag, "the items of a list are separated by ','");
}

void fw_stmt_report_rest(struct fw_parser *p, const struct fw_stmt *stmt)
{
	struct fw_diag *diag =
		fw_parser_expected(p, takes_clauses(stmt) ? "a clause or the end of the line" : "the end of the line");

	if (stmt->kind == FW_STMT_SCOPE)
		fw_parser_help(p, diag, "'{' ends its line");
	else if (p->token.kind == FW_TOKEN_WORD)
		help_word(p, diag, stmt);
	else if (p->token.kind == FW_TOKEN_OPEN)
		fw_parser_help(p, diag, "a block starts with a direction or clauses: on lan {");
	else if (p->token.kind == FW_TOKEN_CLOSE)
		fw_parser_help(p, diag, "'}' stands on a line of its own");
	else if (p->token.kind == FW_TOKEN_STRING && takes_clauses(stmt))
		fw_parser_help(p, diag, "a text follows 'log' or 'label'");
	else if (p->token.kind == FW_TOKEN_STRING && stmt->kind == FW_STMT_BLOCK)
		fw_parser_help(p, diag, "the 'log' of a block takes no text");
}
