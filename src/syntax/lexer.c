/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/lexer.c - owns the bytes of the text: encoding, blanks, comments, joined lines, words and strings. Each byte is looked at a bounded
 * number of times and nothing is allocated for a token, but for strings that hold escapes. A token that is wrong was reported when it comes
 * out. Must not know what a statement is. */
#include <string.h>

#include "syntax/lexer.h"

static struct fw_span span_of(const struct fw_lexer *lexer, size_t start, size_t end)
{
	return (struct fw_span){ lexer->source, (uint32_t)start, (uint32_t)(end - start) };
}

/* A set of the 128 bytes of ASCII: every byte of the text is looked up here. */
#define BYTE(c) ((uint64_t)1 << ((c) % 64))
#define BYTES(low, high) ((BYTE(high) - BYTE(low)) | BYTE(high))

static const uint64_t word_bytes[2] = {
	BYTES('0', '9') | BYTE('.') | BYTE(':') | BYTE('+') | BYTE('/') | BYTE('*') | BYTE('%') | BYTE('-'),
	BYTES('A', 'Z') | BYTES('a', 'z') | BYTE('_') | BYTE('@'),
};

static bool is_word_byte(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 128 && (word_bytes[byte / 64] >> (byte % 64)) & 1;
}

/* Encoding */

static void report_line(struct fw_lexer *lexer, size_t start, size_t end)
{
	size_t bad = start + fw_str_utf8_valid((struct fw_str){ lexer->text + start, end - start });
	const char *nul = memchr(lexer->text + start, '\0', end - start);

	if (nul && (size_t)(nul - lexer->text) <= bad)
		fw_diag_error(lexer->diags, span_of(lexer, (size_t)(nul - lexer->text), (size_t)(nul - lexer->text) + 1), "encoding",
			      "a NUL byte in the text");
	else if (bad < end)
		fw_diag_error(lexer->diags, span_of(lexer, bad, bad + 1), "encoding", "a byte that is no UTF-8");
	else
		return;
	lexer->failed = true;
}

static void check_lines(struct fw_lexer *lexer)
{
	struct fw_str text = { lexer->text, lexer->len };

	if (fw_str_utf8_valid(text) == text.len && (text.len == 0 || !memchr(text.data, '\0', text.len)))
		return;
	for (size_t start = 0; start < lexer->len;) {
		const char *newline = memchr(lexer->text + start, '\n', lexer->len - start);
		size_t end = newline ? (size_t)(newline - lexer->text) : lexer->len;

		report_line(lexer, start, end);
		start = end + 1;
	}
}

static bool starts_with(const struct fw_lexer *lexer, struct fw_str prefix)
{
	return lexer->len - lexer->at >= prefix.len && memcmp(lexer->text + lexer->at, prefix.data, prefix.len) == 0;
}

static void check_encoding(struct fw_lexer *lexer)
{
	if (starts_with(lexer, FW_STR("\xff\xfe")) || starts_with(lexer, FW_STR("\xfe\xff"))) {
		struct fw_diag *diag = fw_diag_error(lexer->diags, span_of(lexer, 0, 2), "encoding", "the text is UTF-16");

		fw_diag_help(lexer->diags, diag, "save it as UTF-8");
		lexer->failed = true;
		lexer->at = lexer->len;
		return;
	}
	if (starts_with(lexer, FW_STR("\xef\xbb\xbf")))
		lexer->at += 3;
	check_lines(lexer);
}

void fw_lexer_init(struct fw_lexer *lexer, struct fw_arena *arena, struct fw_diags *diags, uint32_t source, struct fw_str text)
{
	*lexer = (struct fw_lexer){ .arena = arena, .diags = diags, .source = source, .text = text.data, .len = text.len };
	lexer->last = FW_TOKEN_LINE_END;
	lexer->fresh = true;
	fw_vec_init(&lexer->comments, NULL, sizeof(struct fw_ast_comment));
	check_encoding(lexer);
	lexer->last_end = lexer->at;
}

/* Blanks */

static bool at_byte(const struct fw_lexer *lexer, char c)
{
	return lexer->at < lexer->len && lexer->text[lexer->at] == c;
}

/* A carriage return that ends a line, or the text, is a blank. Any other would hide what an editor shows as a line of its own. */
static bool at_line_return(const struct fw_lexer *lexer)
{
	return at_byte(lexer, '\r') && (lexer->at + 1 == lexer->len || lexer->text[lexer->at + 1] == '\n');
}

static void skip_blanks(struct fw_lexer *lexer)
{
	while (at_byte(lexer, ' ') || at_byte(lexer, '\t') || at_line_return(lexer))
		lexer->at++;
}

static void report_return(struct fw_lexer *lexer, size_t at)
{
	struct fw_diag *diag =
		fw_diag_error(lexer->diags, span_of(lexer, at, at + 1), "syntax", "a carriage return inside a line");

	fw_diag_help(lexer->diags, diag, "end lines with a newline, or with a carriage return and a newline");
	lexer->failed = true;
}

static struct fw_str rest_of(const struct fw_lexer *lexer)
{
	return (struct fw_str){ lexer->text + lexer->at, lexer->len - lexer->at };
}

/* What formats a policy shows its comments too. */
static void check_comment(struct fw_lexer *lexer, size_t end)
{
	struct fw_str rest = { lexer->text + lexer->at, end - lexer->at };
	size_t len;

	for (; rest.len > 0; rest.data += len, rest.len -= len) {
		size_t control = strchr("\t\r", *rest.data) ? 0 : fw_str_control_at(rest); /* NUL and returns are told elsewhere */

		len = control ? control : 1;
		if (!control)
			continue;
		fw_diag_error(lexer->diags, span_of(lexer, (size_t)(rest.data - lexer->text), (size_t)(rest.data - lexer->text) + control), "syntax",
			      "a control character in a comment");
		lexer->failed = true;
		return;
	}
}

static void keep_comment(struct fw_lexer *lexer, size_t end)
{
	struct fw_ast_comment *comment = fw_vec_push(&lexer->comments);

	if (!comment) {
		lexer->no_memory = true;
		return;
	}
	while (end > lexer->at && strchr(" \t\r", lexer->text[end - 1]) && lexer->text[end - 1])
		end--;
	*comment = (struct fw_ast_comment){ .span = span_of(lexer, lexer->at, end), .own_line = lexer->fresh };
}

static void skip_comment(struct fw_lexer *lexer)
{
	const char *start = lexer->text + lexer->at;
	const char *newline = memchr(start, '\n', lexer->len - lexer->at);
	size_t end = newline ? (size_t)(newline - lexer->text) : lexer->len;
	const char *back = memchr(start, '\r', end - lexer->at);

	if (back && (size_t)(back - lexer->text) + 1 < end)
		report_return(lexer, (size_t)(back - lexer->text));
	check_comment(lexer, end);
	keep_comment(lexer, end);
	lexer->at = end;
}

static void skip_newline(struct fw_lexer *lexer)
{
	lexer->at++;
	lexer->fresh = true;
}

/* At a backslash: the next line belongs to this one. False where something else follows it. */
static bool join_line(struct fw_lexer *lexer)
{
	size_t start = lexer->at++;

	skip_blanks(lexer);
	if (at_byte(lexer, '#'))
		skip_comment(lexer);
	if (at_byte(lexer, '\n')) {
		skip_newline(lexer);
		return true;
	}
	lexer->at = start;
	return false;
}

/* Everything up to the next token, the end of the statement's line or the end of the text. False at a stray backslash. */
static bool skip_between(struct fw_lexer *lexer)
{
	while (!lexer->no_memory) {
		skip_blanks(lexer);
		if (at_byte(lexer, '#')) {
			skip_comment(lexer);
		} else if (at_byte(lexer, '\\')) {
			if (!join_line(lexer))
				return false;
		} else if (at_byte(lexer, '\n') && (lexer->last == FW_TOKEN_COMMA || lexer->last == FW_TOKEN_EQUALS)) {
			skip_newline(lexer);
		} else {
			break;
		}
	}
	return true;
}

/* Tokens */

struct stranger {
	struct fw_str bytes;
	const char *name, *help;
};

/* Characters that people and word processors put into policies. */
static const struct stranger strangers[] = {
	{ { "'", 1 }, "'", "texts stand in double quotes" },
	{ { "\xe2\x80\x9c", 3 }, "curly quote", "texts stand in straight double quotes" },
	{ { "\xe2\x80\x9d", 3 }, "curly quote", "texts stand in straight double quotes" },
	{ { "\xe2\x80\x9e", 3 }, "curly quote", "texts stand in straight double quotes" },
	{ { "\xe2\x80\x93", 3 }, "dash", "ranges have a plain '-'" },
	{ { "\xe2\x80\x94", 3 }, "dash", "ranges have a plain '-'" },
	{ { "\xc2\xa0", 2 }, "no-break space", "write a plain blank" },
	{ { "\xef\xbb\xbf", 3 }, "byte order mark", "it may only stand at the start of the text" },
	{ { ";", 1 }, ";", "one statement a line, and comments start with '#'" },
	{ { "!", 1 }, "!", "exceptions are written with 'except', as in from any except ADDRESS" },
	{ { "\\", 1 }, "backslash", "it joins the next line to this one: only blanks and a comment may follow it" },
};

static void report_stranger(struct fw_lexer *lexer, const struct stranger *stranger)
{
	const char *quote = stranger->bytes.len == 1 && stranger->name[1] == '\0' ? "'" : "";
	struct fw_diag *diag = fw_diag_error(lexer->diags, span_of(lexer, lexer->at, lexer->at + stranger->bytes.len), "syntax",
					     "unexpected %s%s%s", quote, stranger->name, quote);

	fw_diag_help(lexer->diags, diag, "%s", stranger->help);
}

static size_t character_length(const struct fw_lexer *lexer)
{
	size_t len = 1;

	while (lexer->at + len < lexer->len && ((unsigned char)lexer->text[lexer->at + len] & 0xc0) == 0x80)
		len++;
	return len;
}

static void report_unexpected(struct fw_lexer *lexer, struct fw_str character)
{
	struct fw_span span = span_of(lexer, lexer->at, lexer->at + character.len);
	unsigned char first = (unsigned char)character.data[0];

	lexer->failed = true;
	if (lexer->quiet || first == '\0' || fw_str_utf8_valid(character) < character.len)
		return; /* that was said, of this line or of its encoding */
	for (size_t i = 0; i < FW_ARRAY_SIZE(strangers); i++) {
		if (fw_str_equal(character, strangers[i].bytes)) {
			report_stranger(lexer, &strangers[i]);
			return;
		}
	}
	if (first == '\r')
		report_return(lexer, lexer->at);
	else if (first < ' ' || first == 0x7f)
		fw_diag_error(lexer->diags, span, "syntax", "unexpected control character 0x%02x", first);
	else
		fw_diag_error(lexer->diags, span, "syntax", "unexpected character '%.*s'", (int)character.len, character.data);
}

static void lex_unexpected(struct fw_lexer *lexer, struct fw_token *token)
{
	size_t len = character_length(lexer);

	token->kind = FW_TOKEN_BAD;
	report_unexpected(lexer, (struct fw_str){ lexer->text + lexer->at, len });
	lexer->at += len;
}

static void lex_word(struct fw_lexer *lexer, struct fw_token *token)
{
	size_t start = lexer->at;

	while (lexer->at < lexer->len && is_word_byte(lexer->text[lexer->at]))
		lexer->at++;
	token->kind = FW_TOKEN_WORD;
	token->text = (struct fw_str){ lexer->text + start, lexer->at - start };
	token->keyword = fw_words_find(token->text);
}

static void report_string(struct fw_lexer *lexer, struct fw_token *token, size_t start, size_t end, const char *message)
{
	if (token->kind != FW_TOKEN_BAD && !lexer->quiet)
		fw_diag_error(lexer->diags, span_of(lexer, start, end), "syntax", "%s", message);
	token->kind = FW_TOKEN_BAD;
	lexer->failed = true;
}

/* The bytes between the quotes, checked. Leaves lexer->at on the closing quote, or on what stands in its place. */
static void scan_string(struct fw_lexer *lexer, struct fw_token *token, size_t *ret_escapes)
{
	size_t escapes = 0;

	for (; lexer->at < lexer->len && lexer->text[lexer->at] != '"' && lexer->text[lexer->at] != '\n'; lexer->at++) {
		unsigned char c = (unsigned char)lexer->text[lexer->at];
		char next = lexer->at + 1 < lexer->len ? lexer->text[lexer->at + 1] : '\0';

		if (c == '\\' && (next == '"' || next == '\\')) {
			escapes++;
			lexer->at++;
		} else if (c == '\\') {
			report_string(lexer, token, lexer->at, lexer->at + 1, "a backslash in a text is written \\\\");
		} else if (c != '\t' && c != '\0' && !at_line_return(lexer) && fw_str_control_at(rest_of(lexer))) {
			report_string(lexer, token, lexer->at, lexer->at + 1, "a control character in a text");
		}
	}
	*ret_escapes = escapes;
}

static struct fw_str unescape(struct fw_lexer *lexer, struct fw_str raw, size_t escapes)
{
	char *copy = fw_arena_alloc(lexer->arena, raw.len - escapes + 1, 1);
	size_t len = 0;

	if (!copy) {
		lexer->no_memory = true;
		return (struct fw_str){ 0 };
	}
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.data[i] == '\\')
			i++;
		copy[len++] = raw.data[i];
	}
	return (struct fw_str){ copy, len };
}

static void lex_string(struct fw_lexer *lexer, struct fw_token *token)
{
	size_t start = lexer->at++, escapes;

	token->kind = FW_TOKEN_STRING;
	scan_string(lexer, token, &escapes);
	if (!at_byte(lexer, '"')) {
		report_string(lexer, token, start, start + 1, "this text has no closing '\"' on its line");
		return;
	}
	lexer->at++;
	token->text = (struct fw_str){ lexer->text + start + 1, lexer->at - start - 2 };
	if (escapes && token->kind == FW_TOKEN_STRING)
		token->text = unescape(lexer, token->text, escapes);
}

static void lex_mark(struct fw_lexer *lexer, struct fw_token *token, enum fw_token_kind kind)
{
	token->kind = kind;
	lexer->at++;
}

static void lex_token(struct fw_lexer *lexer, struct fw_token *token)
{
	char c = lexer->text[lexer->at];

	if (is_word_byte(c))
		lex_word(lexer, token);
	else if (c == '"')
		lex_string(lexer, token);
	else if (c == ',')
		lex_mark(lexer, token, FW_TOKEN_COMMA);
	else if (c == '=')
		lex_mark(lexer, token, FW_TOKEN_EQUALS);
	else if (c == '{')
		lex_mark(lexer, token, FW_TOKEN_OPEN);
	else if (c == '}')
		lex_mark(lexer, token, FW_TOKEN_CLOSE);
	else
		lex_unexpected(lexer, token);
}

void fw_lexer_next(struct fw_lexer *lexer, struct fw_token *ret_token)
{
	struct fw_token token = { .kind = FW_TOKEN_LINE_END };
	bool clean = skip_between(lexer);
	size_t start = lexer->at;

	token.first = lexer->fresh;
	token.span = span_of(lexer, lexer->last_end, lexer->last_end);
	if (lexer->no_memory || lexer->at == lexer->len) {
		token.kind = FW_TOKEN_TEXT_END;
	} else if (clean && lexer->text[lexer->at] == '\n') {
		skip_newline(lexer);
	} else {
		lexer->fresh = false;
		lex_token(lexer, &token);
		token.span = span_of(lexer, start, lexer->at);
		lexer->last_end = lexer->at;
	}
	lexer->quiet = token.kind == FW_TOKEN_BAD || (lexer->quiet && token.kind != FW_TOKEN_LINE_END);
	lexer->last = token.kind;
	*ret_token = token;
}

void fw_lexer_done(struct fw_lexer *lexer)
{
	fw_vec_done(&lexer->comments);
}
