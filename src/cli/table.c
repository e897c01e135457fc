/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/table.c - aligned columns on standard output. Widths count characters of UTF-8, as a terminal shows most of them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define TEXT_MAX ((size_t)1 << 30)

void fw_table_init(struct fw_table *table, size_t columns, unsigned int right)
{
	fw_vec_init(&table->cells, NULL, sizeof(struct fw_cell));
	fw_buf_init(&table->text, TEXT_MAX);
	table->columns = columns;
	table->right = right;
}

void fw_table_done(struct fw_table *table)
{
	fw_vec_done(&table->cells);
	fw_buf_done(&table->text);
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static struct fw_cell *begin_cell(struct fw_table *table, enum fw_colour colour)
{
	struct fw_cell *cell = fw_vec_push(&table->cells);
	if (!cell)
		fw_cli_no_memory();

	cell->colour = colour;
	cell->at = table->text.len;
	return cell;
}

static void end_cell(struct fw_table *table, struct fw_cell *cell)
{
	fw_buf_putc(&table->text, '\0');
	if (table->text.error)
		fw_cli_no_memory();
	fw_str_hide_controls(table->text.data + cell->at);
	cell->width = width_of(table->text.data + cell->at);
}

void fw_table_cell(struct fw_table *table, enum fw_colour colour, const char *format, ...)
{
	struct fw_cell *cell = begin_cell(table, colour);
	va_list args;

	va_start(args, format);
	fw_buf_vprintf(&table->text, format, args);
	va_end(args);
	end_cell(table, cell);
}

void fw_table_text(struct fw_table *table, enum fw_colour colour, const char *text)
{
	struct fw_cell *cell = begin_cell(table, colour);

	fw_buf_puts(&table->text, text);
	end_cell(table, cell);
}

static size_t column_width(const struct fw_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->cells.len; i += table->columns) {
		const struct fw_cell *cell = fw_vec_at(&table->cells, i);
		width = cell->width > width ? cell->width : width;
	}
	return width;
}

static void pad(size_t count)
{
	while (count-- > 0)
		putchar(' ');
}

static void print_cell(const struct fw_cli *cli, const struct fw_table *table, size_t index, size_t width)
{
	const struct fw_cell *cell = fw_vec_at(&table->cells, index);
	const size_t column = index % table->columns, blanks = width - cell->width;
	const bool right = table->right & (1u << column), last = column + 1 == table->columns;

	if (right)
		pad(blanks);
	fw_paint(cli, cell->colour, table->text.data + cell->at);
	if (!right && !last)
		pad(blanks);
	fputs(last ? "\n" : "  ", stdout);
}

void fw_table_print(const struct fw_cli *cli, const struct fw_table *table, const char *indent)
{
	size_t widths[16] = { 0 };

	for (size_t c = 0; c < table->columns && c < FW_ARRAY_SIZE(widths); c++)
		widths[c] = column_width(table, c);
	for (size_t i = 0; i < table->cells.len; i++) {
		if (i % table->columns == 0)
			fputs(indent, stdout);
		print_cell(cli, table, i, widths[i % table->columns]);
	}
}
