/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/table.c - aligned columns on standard output. Widths count characters of UTF-8, as a terminal shows most of them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

void fw_table_init(struct fw_table *table, size_t columns, unsigned int right)
{
	fw_vec_init(&table->cells, NULL, sizeof(struct fw_cell));
	table->columns = columns;
	table->right = right;
}

void fw_table_done(struct fw_table *table)
{
	for (size_t i = 0; i < table->cells.len; i++)
		free(((struct fw_cell *)fw_vec_at(&table->cells, i))->text);
	fw_vec_done(&table->cells);
}

void fw_table_cell(struct fw_table *table, enum fw_colour colour, const char *format, ...)
{
	struct fw_cell *cell = fw_vec_push(&table->cells);
	va_list args;
	if (!cell)
		fw_cli_no_memory();

	cell->colour = colour;
	va_start(args, format);
	if (vasprintf(&cell->text, format, args) < 0)
		fw_cli_no_memory();
	va_end(args);
	fw_str_hide_controls(cell->text);
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct fw_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->cells.len; i += table->columns) {
		const struct fw_cell *cell = fw_vec_at(&table->cells, i);
		const size_t own = cell->text ? width_of(cell->text) : 0;
		width = own > width ? own : width;
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
	const size_t column = index % table->columns;
	const char *text = cell->text ? cell->text : "";
	const size_t blanks = width - width_of(text);
	const bool right = table->right & (1u << column), last = column + 1 == table->columns;

	if (right)
		pad(blanks);
	fw_paint(cli, cell->colour, text);
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
