/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/parser.h - inside of src/syntax: the state of one parse, and what the grammar's parts offer each other.
 *
 * A function that parses returns false where the rest of the line cannot be understood: that was reported, and the statement's parser
 * skips the line. A value that is wrong while the line goes on is reported, sets `bad`, and is no reason to return false. */
#ifndef FW_SYNTAX_PARSER_H
#define FW_SYNTAX_PARSER_H

#include "syntax/lexer.h"
#include "syntax/parse.h"

#define FW_PARSER_MAX_BAD 1000 /* statements that failed: then the rest of the text is not read */

/* printf arguments of a "%.*s" that shows user text, cut to a length that a message bears. */
#define FW_SHOW(s) (int)((s).len > 80 ? 80 : (s).len), (s).data

struct fw_parser {
	struct fw_arena *arena;
	struct fw_diags *diags;
	struct fw_lexer lexer;
	struct fw_token token; /* the next one */
	struct fw_span last;   /* of the token taken last */
	/* Stacks of what is being collected, on the heap; whoever pushed takes away. What is taken away leaves its bytes behind. */
	struct fw_vec words, clauses, stmts;
	int braces;            /* opened less closed by the tokens taken since the statement began */
	size_t depth;          /* of scope blocks */
	struct fw_span block;  /* head of the innermost one */
	size_t bad_stmts;
	bool bad;     /* the statement at hand */
	bool begun;   /* its first token was taken */
	bool run_on;  /* it took the first word of another, at the start of a line: the line before ends in ',' or '=' */
	bool closed;          /* the block at hand was, by the `}` at close */
	struct fw_span close;
	bool stopped; /* too many errors */
	bool no_memory;
};

/* parser.c */
void fw_parser_advance(struct fw_parser *p);
bool fw_parser_take(struct fw_parser *p, enum fw_token_kind kind);
bool fw_parser_take_keyword(struct fw_parser *p, enum fw_keyword keyword);
bool fw_parser_is(const struct fw_parser *p, enum fw_keyword keyword);
bool fw_parser_at_end(const struct fw_parser *p); /* of the statement's line */
struct fw_span fw_parser_since(const struct fw_parser *p, struct fw_span start); /* from `start` to the last token taken */
struct fw_ast_word fw_parser_word(const struct fw_parser *p); /* the next token as a word */
/* An error at the next token, or at a place. Marks the statement as bad. NULL where the lexer has reported that token already. Where the
 * statement ran on into the next, the error says so, and takes no other help from fw_parser_help and fw_parser_suggest. */
struct fw_diag *fw_parser_expected(struct fw_parser *p, const char *what);
struct fw_diag *fw_parser_error(struct fw_parser *p, struct fw_span span, const char *message);
void fw_parser_help(struct fw_parser *p, struct fw_diag *diag, const char *help);
/* "did you mean ..?" where the next token is near to a word of one of the `roles`. */
bool fw_parser_suggest(struct fw_parser *p, struct fw_diag *diag, unsigned int roles);
/* The items of a stack from `mark` on, copied to the arena and taken off. NULL with no_memory set. */
void *fw_parser_pop(struct fw_parser *p, struct fw_vec *stack, size_t mark);

/* list.c */
enum fw_list_kind { FW_LIST_WHAT, FW_LIST_ITEMS, FW_LIST_ADDRS, FW_LIST_IFACES, FW_LIST_PORTS, FW_LIST_OWNERS };
bool fw_parser_list(struct fw_parser *p, enum fw_list_kind kind, struct fw_ast_list *ret_list);
/* WHAT: `any`, or a list. */
bool fw_parser_what(struct fw_parser *p, struct fw_ast_rule *rule);
/* LIST [except LIST], or `any` [except LIST]. */
bool fw_parser_operands(struct fw_parser *p, enum fw_list_kind kind, struct fw_ast_operands *ret_operands);
/* A string that is not empty; `what` it is, for the message. */
bool fw_parser_string(struct fw_parser *p, const char *what, struct fw_ast_word *ret_word);

/* values.c: the text of one word or string. 0, or FW_REPORTED with a diagnostic at its span. */
int fw_values_number(struct fw_diags *diags, const struct fw_ast_word *word, const char *what, uint32_t *ret_number);
int fw_values_duration(struct fw_diags *diags, const struct fw_ast_word *word, uint32_t *ret_seconds);
int fw_values_clock(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_ast_during *during);
int fw_values_days(struct fw_diags *diags, const struct fw_ast_word *word, uint8_t *days); /* added to *days */
int fw_values_date(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_ast_until *ret_until);
bool fw_values_is_day(struct fw_str word); /* starts like the name of a day */

/* clauses.c */
struct fw_clause_place { /* where clauses stand */
	const char *name;     /* for messages: "a rule" */
	unsigned int allowed; /* bits of enum fw_clause_kind */
};
extern const struct fw_clause_place fw_clauses_of_rule, fw_clauses_of_limitless_rule, fw_clauses_of_expect, fw_clauses_of_scope;
/* The next token starts a clause. */
bool fw_clauses_at(const struct fw_parser *p);
/* One clause onto p->clauses; one that may not stand there or stands there twice (since `mark`) is reported and left out. */
bool fw_clauses_parse_one(struct fw_parser *p, const struct fw_clause_place *place, size_t mark);
bool fw_clauses_parse(struct fw_parser *p, const struct fw_clause_place *place, struct fw_ast_clauses *ret_clauses);
/* ["text"] [rate N/UNIT], behind `log`. */
bool fw_clauses_log(struct fw_parser *p, struct fw_ast_log *ret_log);

/* statements.c */
/* One statement without its line's end. False: skip the line. */
bool fw_stmt_parse(struct fw_parser *p, struct fw_stmt *stmt);
/* The line goes on behind a statement: says what may stand there. */
void fw_stmt_report_rest(struct fw_parser *p, const struct fw_stmt *stmt);
bool fw_stmt_may_stand_in_scope(enum fw_stmt_kind kind);

/* definitions.c */
bool fw_stmt_parse_service(struct fw_parser *p, struct fw_stmt *stmt);
bool fw_stmt_parse_group(struct fw_parser *p, struct fw_stmt *stmt);
bool fw_stmt_parse_zone(struct fw_parser *p, struct fw_stmt *stmt);

#endif
