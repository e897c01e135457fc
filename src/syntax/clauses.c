/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/clauses.c - the clauses of rules, expectations and scope blocks: one function each, and the table of where they may stand. Whether a
 * clause suits the direction is not known here: a scope can give that. */
#include "syntax/parser.h"

#define BIT(kind) (1u << FW_CLAUSE_##kind)
#define WHERE (BIT(FROM) | BIT(TO) | BIT(ON) | BIT(LEAVING) | BIT(SOURCE_PORT) | BIT(OVER) | BIT(AS))
#define LIMITS (BIT(RATE) | BIT(CONNECTIONS))

const struct fw_clause_place fw_clauses_of_rule = { "a rule", (1u << FW_CLAUSE_KINDS) - 1 };
const struct fw_clause_place fw_clauses_of_limitless_rule = { "a rule that is no 'allow'", ((1u << FW_CLAUSE_KINDS) - 1) & ~LIMITS };
const struct fw_clause_place fw_clauses_of_expect = { "an 'expect'", WHERE };
const struct fw_clause_place fw_clauses_of_scope = { "the head of a block", WHERE | BIT(DURING) | BIT(UNTIL) };

bool fw_clauses_at(const struct fw_parser *p)
{
	return p->token.kind == FW_TOKEN_WORD && p->token.keyword >= FW_KEYWORD_FROM && p->token.keyword <= FW_KEYWORD_LABEL;
}

static bool parse_from_to(struct fw_parser *p, struct fw_ast_clause *clause)
{
	return fw_parser_operands(p, FW_LIST_ADDRS, &clause->operands);
}

static bool parse_interfaces(struct fw_parser *p, struct fw_ast_clause *clause)
{
	return fw_parser_operands(p, FW_LIST_IFACES, &clause->operands);
}

static bool parse_source_port(struct fw_parser *p, struct fw_ast_clause *clause)
{
	return fw_parser_operands(p, FW_LIST_PORTS, &clause->operands);
}

static bool parse_over(struct fw_parser *p, struct fw_ast_clause *clause)
{
	bool word = p->token.kind == FW_TOKEN_WORD;

	if (word && fw_str_equal_fold(p->token.text, FW_STR("ipv4"))) {
		clause->over = 4;
	} else if (word && fw_str_equal_fold(p->token.text, FW_STR("ipv6"))) {
		clause->over = 6;
	} else {
		fw_parser_expected(p, "ipv4 or ipv6 after 'over'");
		return false;
	}
	fw_parser_advance(p);
	if (p->token.kind != FW_TOKEN_COMMA)
		return true;
	fw_parser_help(p, fw_parser_expected(p, "one family"), "for both, leave 'over' out");
	return false;
}

static bool parse_as(struct fw_parser *p, struct fw_ast_clause *clause)
{
	if (fw_parser_take_keyword(p, FW_KEYWORD_USER)) {
		clause->owner.kind = FW_OWNER_USER;
	} else if (fw_parser_take_keyword(p, FW_KEYWORD_GROUP)) {
		clause->owner.kind = FW_OWNER_GROUP;
	} else {
		fw_parser_help(p, fw_parser_expected(p, "'user' or 'group' after 'as'"), "write as user NAME, or as group NAME");
		return false;
	}
	return fw_parser_list(p, FW_LIST_OWNERS, &clause->owner.names);
}

/* `per source`, which may be left out. */
static bool parse_per_source(struct fw_parser *p, bool *ret_per_source)
{
	*ret_per_source = fw_parser_take_keyword(p, FW_KEYWORD_PER);
	if (!*ret_per_source || fw_parser_take_keyword(p, FW_KEYWORD_SOURCE))
		return true;
	fw_parser_expected(p, "'source' after 'per'");
	return false;
}

/* N/UNIT */
static bool parse_rate_word(struct fw_parser *p, struct fw_ast_rate *ret_rate)
{
	struct fw_ast_word word = fw_parser_word(p);

	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_expected(p, "a rate such as 6/minute");
		return false;
	}
	p->bad |= fw_parse_rate(p->diags, &word, ret_rate) != 0;
	fw_parser_advance(p);
	return true;
}

static bool parse_number(struct fw_parser *p, const char *what, uint32_t *ret_number)
{
	struct fw_ast_word word = fw_parser_word(p);

	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_expected(p, "a number");
		return false;
	}
	p->bad |= fw_values_number(p->diags, &word, what, ret_number) != 0;
	fw_parser_advance(p);
	return true;
}

static bool parse_rate(struct fw_parser *p, struct fw_ast_clause *clause)
{
	struct fw_span start = p->token.span;

	if (!parse_rate_word(p, &clause->rate))
		return false;
	if (fw_parser_take_keyword(p, FW_KEYWORD_BURST) && !parse_number(p, "the burst", &clause->rate.burst))
		return false;
	if (!parse_per_source(p, &clause->rate.per_source))
		return false;
	clause->rate.span = fw_parser_since(p, start);
	return true;
}

static bool parse_connections(struct fw_parser *p, struct fw_ast_clause *clause)
{
	return parse_number(p, "the number of connections", &clause->connections.count) &&
	       parse_per_source(p, &clause->connections.per_source);
}

static bool parse_days(struct fw_parser *p, struct fw_ast_during *during)
{
	do {
		struct fw_ast_word word = fw_parser_word(p);

		if (p->token.kind != FW_TOKEN_WORD) {
			fw_parser_expected(p, "a day after ','");
			return false;
		}
		p->bad |= fw_values_days(p->diags, &word, &during->days) != 0;
		fw_parser_advance(p);
	} while (fw_parser_take(p, FW_TOKEN_COMMA));
	during->has_days = true;
	return true;
}

static bool parse_during(struct fw_parser *p, struct fw_ast_clause *clause)
{
	struct fw_ast_word word = fw_parser_word(p);

	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_expected(p, "a time of day such as 08:00-17:30");
		return false;
	}
	p->bad |= fw_values_clock(p->diags, &word, &clause->during) != 0;
	fw_parser_advance(p);
	if (p->token.kind == FW_TOKEN_WORD && fw_values_is_day(p->token.text))
		return parse_days(p, &clause->during);
	clause->during.days = 127;
	return true;
}

static bool parse_until(struct fw_parser *p, struct fw_ast_clause *clause)
{
	struct fw_ast_word word;

	if (!fw_parser_string(p, "a date in quotes, such as \"2026-12-31\"", &word))
		return false;
	p->bad |= word.text.len && fw_values_date(p->diags, &word, &clause->until) != 0;
	return true;
}

/* `log rate 6/minute per source` was meant to limit the rule. */
static bool report_log_limit(struct fw_parser *p)
{
	struct fw_diag *diag = fw_parser_error(p, p->token.span, "the rate right after 'log' is the log's and takes no more words");

	fw_parser_help(p, diag, "the rule's own rate stands before 'log'");
	return false;
}

bool fw_clauses_log(struct fw_parser *p, struct fw_ast_log *ret_log)
{
	struct fw_ast_log log = { 0 };

	log.has_text = p->token.kind == FW_TOKEN_STRING;
	if (log.has_text && !fw_parser_string(p, "a text", &log.text))
		return false;
	log.has_rate = fw_parser_take_keyword(p, FW_KEYWORD_RATE);
	if (log.has_rate && !parse_rate_word(p, &log.rate))
		return false;
	if (log.has_rate && (fw_parser_is(p, FW_KEYWORD_BURST) || fw_parser_is(p, FW_KEYWORD_PER)))
		return report_log_limit(p);
	*ret_log = log;
	return true;
}

static bool parse_log(struct fw_parser *p, struct fw_ast_clause *clause)
{
	return fw_clauses_log(p, &clause->log);
}

static bool parse_label(struct fw_parser *p, struct fw_ast_clause *clause)
{
	return fw_parser_string(p, "the label's text in quotes", &clause->label);
}

typedef bool clause_parser(struct fw_parser *p, struct fw_ast_clause *clause);

static clause_parser *const parsers[] = {
	[FW_CLAUSE_FROM] = parse_from_to,
	[FW_CLAUSE_TO] = parse_from_to,
	[FW_CLAUSE_ON] = parse_interfaces,
	[FW_CLAUSE_LEAVING] = parse_interfaces,
	[FW_CLAUSE_SOURCE_PORT] = parse_source_port,
	[FW_CLAUSE_OVER] = parse_over,
	[FW_CLAUSE_AS] = parse_as,
	[FW_CLAUSE_RATE] = parse_rate,
	[FW_CLAUSE_CONNECTIONS] = parse_connections,
	[FW_CLAUSE_DURING] = parse_during,
	[FW_CLAUSE_UNTIL] = parse_until,
	[FW_CLAUSE_LOG] = parse_log,
	[FW_CLAUSE_LABEL] = parse_label,
};

static void help_misplaced(struct fw_parser *p, struct fw_diag *diag, const struct fw_clause_place *place)
{
	struct fw_buf list;

	if (place == &fw_clauses_of_limitless_rule) {
		fw_parser_help(p, diag, "limits are for what is let in: write allow, with a deny after it where needed");
		return;
	}
	fw_buf_init(&list, 512);
	for (unsigned int kind = 0; kind < FW_CLAUSE_KINDS; kind++) {
		if (place->allowed & (1u << kind))
			fw_buf_printf(&list, "%s%s", list.len ? ", " : "", fw_clause_name((enum fw_clause_kind)kind));
	}
	if (!list.error)
		fw_diag_help(p->diags, diag, "its clauses are %s", list.data);
	fw_buf_done(&list);
}

/* Reports a clause that is not welcome. */
static bool is_welcome(struct fw_parser *p, const struct fw_clause_place *place, size_t mark, const struct fw_ast_clause *clause)
{
	struct fw_diag *diag;

	if (!(place->allowed & (1u << clause->kind))) {
		diag = fw_diag_error(p->diags, clause->keyword, "syntax", "'%s' cannot stand in %s", fw_clause_name(clause->kind),
				     place->name);
		help_misplaced(p, diag, place);
		return false;
	}
	for (size_t i = mark; i < p->clauses.len; i++) {
		const struct fw_ast_clause *first = fw_vec_at(&p->clauses, i);

		if (first->kind == clause->kind) {
			diag = fw_diag_error(p->diags, clause->keyword, "syntax", "a second '%s'", fw_clause_name(clause->kind));
			fw_diag_note(p->diags, diag, first->keyword, "the first stands here");
			return false;
		}
	}
	return true;
}

bool fw_clauses_parse_one(struct fw_parser *p, const struct fw_clause_place *place, size_t mark)
{
	struct fw_ast_clause clause = { .kind = (enum fw_clause_kind)((int)p->token.keyword - (int)FW_KEYWORD_FROM),
					.keyword = p->token.span };
	struct fw_ast_clause *kept;
	bool welcome = is_welcome(p, place, mark, &clause);

	p->bad |= !welcome;
	fw_parser_advance(p);
	if (!parsers[clause.kind](p, &clause))
		return false;
	if (!welcome)
		return true;
	clause.span = fw_parser_since(p, clause.keyword);
	kept = fw_vec_push(&p->clauses);
	if (!kept) {
		p->no_memory = true;
		return false;
	}
	*kept = clause;
	return true;
}

bool fw_clauses_parse(struct fw_parser *p, const struct fw_clause_place *place, struct fw_ast_clauses *ret_clauses)
{
	size_t mark = p->clauses.len;
	bool good = true;

	while (good && fw_clauses_at(p))
		good = fw_clauses_parse_one(p, place, mark);
	ret_clauses->len = p->clauses.len - mark;
	ret_clauses->items = fw_parser_pop(p, &p->clauses, mark);
	return good && !p->no_memory;
}
