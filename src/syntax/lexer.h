/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/lexer.h - inside of src/syntax: bytes to tokens. Lines that go on are joined here, so that the parser sees one statement a line. */
#ifndef FW_SYNTAX_LEXER_H
#define FW_SYNTAX_LEXER_H

#include "syntax/words.h"

enum fw_token_kind {
	FW_TOKEN_WORD,
	FW_TOKEN_STRING,
	FW_TOKEN_COMMA,
	FW_TOKEN_EQUALS,
	FW_TOKEN_OPEN,
	FW_TOKEN_CLOSE,
	FW_TOKEN_LINE_END, /* its span is empty and stands behind the last token */
	FW_TOKEN_TEXT_END, /* for ever after */
	FW_TOKEN_BAD,      /* was reported */
};

struct fw_token {
	enum fw_token_kind kind;
	enum fw_keyword keyword; /* of a word */
	bool first;              /* of its line of text */
	struct fw_str text;      /* a word as written; a string without quotes and escapes */
	struct fw_span span;
};

struct fw_lexer {
	struct fw_arena *arena;
	struct fw_diags *diags;
	struct fw_vec comments; /* struct fw_ast_comment, on the heap */
	uint32_t source;
	const char *text;
	size_t len, at;
	size_t last_end;         /* of the last token */
	enum fw_token_kind last; /* kind of the last token */
	bool fresh;              /* no token yet on this line of text */
	bool failed;             /* something was reported */
	bool quiet;              /* a token of this line was: the line is lost, one error is enough */
	bool no_memory;
};

/* Skips a BOM and reports what is no UTF-8, once a line of text. The text must be shorter than 4 GiB. */
void fw_lexer_init(struct fw_lexer *lexer, struct fw_arena *arena, struct fw_diags *diags, uint32_t source, struct fw_str text);
void fw_lexer_done(struct fw_lexer *lexer);
/* The next token. Memory that runs out sets no_memory and ends the text. */
void fw_lexer_next(struct fw_lexer *lexer, struct fw_token *ret_token);

#endif
