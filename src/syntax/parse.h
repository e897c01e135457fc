/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/parse.h - text to AST, and AST to the canonical text. */
#ifndef FW_SYNTAX_PARSE_H
#define FW_SYNTAX_PARSE_H

#include "syntax/ast.h"

#define FW_PARSE_MAX_TEXT (32u << 20) /* bytes of one policy file */
#define FW_PARSE_MAX_DEPTH 64         /* nested scope blocks */

/* Parses a whole source. Errors go to diags, parsing recovers at the next line. 0, also where there were errors (the bad statements are
 * FW_STMT_ERROR); -ENOMEM. A BOM at the start is skipped; CRLF ends a line; NUL bytes and invalid UTF-8 are errors at their place. */
int fw_parse(struct fw_arena *arena, struct fw_diags *diags, uint32_t source, struct fw_ast_file **ret_file);

/* "6/minute" (option log-rate). 0, or FW_REPORTED with a diagnostic at word->span. */
int fw_parse_rate(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_ast_rate *ret_rate);

/* The canonical layout of a whole source, comments kept; meaning the same, and the same text when run again. The source must have parsed
 * without errors (-EINVAL otherwise). */
int fw_format(struct fw_arena *arena, const struct fw_sources *sources, const struct fw_ast_file *file, struct fw_buf *out);

/* One rule, expect, block or default in canonical form on one line: keywords in lower case, clauses in canonical order, direction `in` left out,
 * numbers and addresses normalised as fw_format does. `extra` are clauses of the enclosing scopes, outermost first, and `direction` the effective one:
 * scopes folded in. No comment, no newline. */
void fw_format_rule(struct fw_buf *out, const struct fw_stmt *stmt, enum fw_direction direction,
		    const struct fw_ast_clauses *const *extra, size_t extra_count);

#endif
