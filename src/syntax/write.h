/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/write.h - inside of src/syntax: statements in canonical words. Where lines end is not decided here. */
#ifndef FW_SYNTAX_WRITE_H
#define FW_SYNTAX_WRITE_H

#include "syntax/ast.h"

struct fw_piece { /* words that stay together; one blank lies between two pieces */
	size_t start;        /* in the writer's text */
	uint32_t source_end; /* offset behind the word it was written from; 0: none of its own */
	bool goes_on;        /* ends in ',' or '=': a line may end behind it */
	bool part;           /* starts a clause, or its like: a line may end before it, with a backslash */
	size_t first_comment, comment_count; /* the formatter's: behind this piece */
};

struct fw_writer {
	struct fw_buf *out;
	struct fw_vec *pieces; /* struct fw_piece; NULL: nobody asks for them */
	bool started;
};

/* The statement as it stands: its own direction and clauses, a scope's head with its `{`. */
void fw_write_stmt(struct fw_writer *writer, const struct fw_stmt *stmt);
/* The statement with clauses from elsewhere added, `direction` left out where it is `in`. */
void fw_write_folded(struct fw_writer *writer, const struct fw_stmt *stmt, enum fw_direction direction,
		     const struct fw_ast_clauses *const *extra, size_t extra_count);

#endif
