/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/format.c - owns the layout of a text: indentation, blank lines, where a long list is broken, and the place of every comment. The
 * words come from write.c. Comments keep their place before, behind or inside a list; those between other words of a statement move before
 * it, since its clauses may change places. What is laid out here comes out the same when it is read and laid out again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "syntax/parse.h"
#include "syntax/write.h"

#define WIDTH 100
#define INDENT 4

struct mark { /* a piece by its place in the source */
	uint32_t source_end;
	uint32_t piece;
};

struct layout {
	struct fw_buf *out;
	struct fw_str source;
	const struct fw_ast_comment *comments;
	size_t comment_count, next; /* next: the first comment not printed yet */
	struct fw_buf words;        /* of the statement at hand, on one line */
	struct fw_vec pieces;       /* struct fw_piece, of words */
	struct fw_vec marks;        /* struct mark */
	size_t indent;
	bool started; /* something stands in this block */
};

static void put_indent(struct layout *l, size_t indent)
{
	for (size_t i = 0; i < indent; i++)
		fw_buf_putc(l->out, ' ');
}

static void put_comment(struct layout *l, const struct fw_ast_comment *comment)
{
	fw_buf_add(l->out, (struct fw_str){ l->source.data + comment->span.offset, comment->span.len });
}

/* Blank lines */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* True where the line before that of `offset` is blank. */
static bool blank_before(const struct layout *l, size_t offset)
{
	const char *text = l->source.data;

	while (offset > 0 && text[offset - 1] != '\n')
		offset--;
	if (offset == 0)
		return false;
	for (offset--; offset > 0 && is_blank(text[offset - 1]); offset--)
		;
	return offset == 0 || text[offset - 1] == '\n';
}

/* A blank line stays one where it stands between two things. */
static void put_blank(struct layout *l, size_t offset)
{
	if (l->started && blank_before(l, offset))
		fw_buf_putc(l->out, '\n');
	l->started = true;
}

/* Comments around statements */

static bool comment_before(const struct layout *l, size_t offset)
{
	return l->next < l->comment_count && l->comments[l->next].span.offset < offset;
}

static void put_comments_before(struct layout *l, size_t offset)
{
	for (; comment_before(l, offset); l->next++) {
		put_blank(l, l->comments[l->next].span.offset);
		put_indent(l, l->indent);
		put_comment(l, &l->comments[l->next]);
		fw_buf_putc(l->out, '\n');
	}
}

/* The comment on the line of what ends here, up to the next thing at `limit`; and the line's end. */
static void end_line(struct layout *l, size_t limit)
{
	if (comment_before(l, limit) && !l->comments[l->next].own_line) {
		fw_buf_putc(l->out, ' ');
		put_comment(l, &l->comments[l->next++]);
	}
	fw_buf_putc(l->out, '\n');
}

/* Comments inside a statement */

static int compare_marks(const void *a, const void *b)
{
	const struct mark *left = a, *right = b;

	return (left->source_end > right->source_end) - (left->source_end < right->source_end);
}

static bool sort_marks(struct layout *l)
{
	l->marks.len = 0;
	for (size_t i = 0; i < l->pieces.len; i++) {
		const struct fw_piece *piece = fw_vec_at(&l->pieces, i);
		struct mark *mark;

		if (!piece->source_end)
			continue;
		mark = fw_vec_push(&l->marks);
		if (!mark)
			return false;
		*mark = (struct mark){ piece->source_end, (uint32_t)i };
	}
	if (l->marks.len)
		qsort(l->marks.items, l->marks.len, sizeof(struct mark), compare_marks);
	return true;
}

/* The piece that a comment at `offset` follows in the source, if a line may end there. *at only goes forward. */
static struct fw_piece *piece_before(const struct layout *l, size_t offset, size_t *at)
{
	const struct mark *marks = l->marks.items;
	struct fw_piece *piece;

	while (*at < l->marks.len && marks[*at].source_end <= offset)
		(*at)++;
	if (*at == 0)
		return NULL;
	piece = fw_vec_at(&l->pieces, marks[*at - 1].piece);
	return piece->goes_on ? piece : NULL;
}

/* Gives the comments before `end` to the pieces that they follow; the others are printed here, before the statement. */
static void place_comments(struct layout *l, size_t end)
{
	size_t at = 0;

	if (!comment_before(l, end))
		return;
	if (!sort_marks(l)) {
		l->out->error = -ENOMEM;
		return;
	}
	for (; comment_before(l, end); l->next++) {
		struct fw_piece *piece = piece_before(l, l->comments[l->next].span.offset, &at);

		if (piece) {
			if (piece->comment_count++ == 0)
				piece->first_comment = l->next;
			continue;
		}
		put_indent(l, l->indent);
		put_comment(l, &l->comments[l->next]);
		fw_buf_putc(l->out, '\n');
	}
}

/* The comments behind a piece; the next piece then starts a line. */
static void put_piece_comments(struct layout *l, const struct fw_piece *piece)
{
	for (size_t i = 0; i < piece->comment_count; i++) {
		const struct fw_ast_comment *comment = &l->comments[piece->first_comment + i];

		if (i == 0 && !comment->own_line) {
			fw_buf_putc(l->out, ' ');
		} else {
			if (i == 0)
				fw_buf_putc(l->out, '\n');
			put_indent(l, l->indent + INDENT);
		}
		put_comment(l, comment);
		fw_buf_putc(l->out, '\n');
	}
	put_indent(l, l->indent + INDENT);
}

/* Lines of a statement */

static size_t piece_end(const struct layout *l, size_t index)
{
	const struct fw_piece *next;

	if (index + 1 == l->pieces.len)
		return l->words.len;
	next = fw_vec_at(&l->pieces, index + 1);
	return next->start - 1;
}

/* A line may end before this piece, which is not the first. */
static bool may_break(const struct layout *l, size_t index)
{
	const struct fw_piece *before = fw_vec_at(&l->pieces, index - 1), *piece = fw_vec_at(&l->pieces, index);

	return before->goes_on || piece->part;
}

/* Bytes from this piece to the next place where a line may end, with the backslash that it may need there. */
static size_t run_length(const struct layout *l, size_t index)
{
	const struct fw_piece *first = fw_vec_at(&l->pieces, index), *last;

	while (index + 1 < l->pieces.len && !may_break(l, index + 1))
		index++;
	last = fw_vec_at(&l->pieces, index);
	return piece_end(l, index) - first->start + (index + 1 < l->pieces.len && !last->goes_on ? strlen(" \\") : 0);
}

/* Between two pieces: a blank, or a new line where the next run would be too long. Returns the column. */
static size_t put_space(struct layout *l, size_t index, size_t column)
{
	const struct fw_piece *before = fw_vec_at(&l->pieces, index - 1);

	if (before->comment_count) {
		put_piece_comments(l, before);
		return l->indent + INDENT;
	}
	if (may_break(l, index) && column + 1 + run_length(l, index) > WIDTH) {
		fw_buf_puts(l->out, before->goes_on ? "\n" : " \\\n");
		put_indent(l, l->indent + INDENT);
		return l->indent + INDENT;
	}
	fw_buf_putc(l->out, ' ');
	return column + 1;
}

static void put_pieces(struct layout *l)
{
	size_t column = l->indent;

	put_indent(l, l->indent);
	for (size_t i = 0; i < l->pieces.len; i++) {
		const struct fw_piece *piece = fw_vec_at(&l->pieces, i);
		struct fw_str text = { l->words.data + piece->start, piece_end(l, i) - piece->start };

		if (i > 0)
			column = put_space(l, i, column);
		fw_buf_add(l->out, text);
		column += text.len;
	}
}

/* Statements */

static void lay_out_body(struct layout *l, const struct fw_ast_block_body *body, size_t end);

static size_t start_of(const struct fw_ast_block_body *body, size_t index, size_t end)
{
	return index < body->len ? body->items[index]->span.offset : end;
}

static void lay_out_block(struct layout *l, const struct fw_stmt *stmt, size_t limit)
{
	size_t close = stmt->scope.close.offset;

	end_line(l, start_of(&stmt->scope.body, 0, close));
	l->indent += INDENT;
	l->started = false;
	lay_out_body(l, &stmt->scope.body, close);
	l->indent -= INDENT;
	l->started = true;
	put_indent(l, l->indent);
	fw_buf_putc(l->out, '}');
	end_line(l, limit);
}

/* `limit`: where the next statement starts, or the block ends. */
static void lay_out_stmt(struct layout *l, const struct fw_stmt *stmt, size_t limit)
{
	struct fw_writer writer = { .out = &l->words, .pieces = &l->pieces };

	put_comments_before(l, stmt->span.offset);
	put_blank(l, stmt->span.offset);
	l->words.len = 0;
	l->pieces.len = 0;
	fw_write_stmt(&writer, stmt);
	if (l->words.error)
		l->out->error = l->words.error;
	if (l->out->error)
		return;
	place_comments(l, stmt->span.offset + stmt->span.len);
	put_pieces(l);
	if (stmt->kind == FW_STMT_SCOPE)
		lay_out_block(l, stmt, limit);
	else
		end_line(l, limit);
}

static void lay_out_body(struct layout *l, const struct fw_ast_block_body *body, size_t end)
{
	for (size_t i = 0; i < body->len && !l->out->error; i++)
		lay_out_stmt(l, body->items[i], start_of(body, i + 1, end));
	put_comments_before(l, end);
}

int fw_format(struct fw_arena *arena, const struct fw_sources *sources, const struct fw_ast_file *file, struct fw_buf *out)
{
	struct layout l = { .out = out, .comments = file->comments, .comment_count = file->comment_count };

	(void)arena; /* what is collected here dies with each statement */
	if (file->has_errors)
		return -EINVAL;
	l.source = fw_sources_get(sources, file->source)->text;
	fw_buf_init(&l.words, out->max);
	fw_vec_init(&l.pieces, NULL, sizeof(struct fw_piece));
	fw_vec_init(&l.marks, NULL, sizeof(struct mark));
	lay_out_body(&l, &file->body, l.source.len);
	fw_buf_done(&l.words);
	fw_vec_done(&l.pieces);
	fw_vec_done(&l.marks);
	return out->error;
}
