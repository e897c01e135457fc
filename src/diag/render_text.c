/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag/render_text.c - diagnostics as people read them. Everything that comes from outside passes `add_clean`: no control byte reaches a terminal. */
#include <string.h>

#include "diag/diag.h"

#define LINE_MAX_SHOWN 160 /* bytes of a source line; longer ones are cut around the place */
#define CUT_BEFORE 60      /* bytes kept before the place then */

struct palette {
	const char *place, *error, *warning, *mark, *off;
};

static const struct palette plain = { "", "", "", "", "" };
static const struct palette coloured = { "\033[1m", "\033[1;31m", "\033[1;33m", "\033[32m", "\033[0m" };

/* Takes from the text what is shown in one column: a character, or what '?' stands for. */
static struct fw_str take_column(struct fw_str *text)
{
	const size_t shown = fw_str_shown_at(*text), control = fw_str_control_at(*text), step = shown ? shown : control ? control : 1;
	const struct fw_str column = shown ? (struct fw_str){ text->data, shown } : FW_STR("?");

	text->data += step;
	text->len -= step;
	return column;
}

static void add_clean(struct fw_buf *out, struct fw_str text)
{
	while (text.len > 0)
		fw_buf_add(out, take_column(&text));
}

static void add_clean_text(struct fw_buf *out, const char *text)
{
	add_clean(out, fw_str_from(text));
}

struct shown { /* the part of a source line that is shown */
	struct fw_str text;
	size_t mark_at, mark_len; /* within text */
	bool cut_left, cut_right;
};

static struct fw_str line_at(const struct fw_source *source, size_t offset)
{
	const char *text = source->text.data;
	size_t begin = offset, end = offset;

	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	while (end < source->text.len && text[end] != '\n')
		end++;
	if (end > begin && text[end - 1] == '\r')
		end--;
	return (struct fw_str){ text + begin, end - begin };
}

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* At most three bytes back: more of them continue nothing. */
static size_t start_of_character(const char *text, size_t at)
{
	for (unsigned int back = 0; back < 3 && at > 0 && continues_character(text[at]); back++)
		at--;
	return at;
}

static void cut(struct shown *shown)
{
	if (shown->text.len <= LINE_MAX_SHOWN)
		return;
	size_t skip = shown->mark_at > CUT_BEFORE ? shown->mark_at - CUT_BEFORE : 0;
	skip = start_of_character(shown->text.data, skip);
	shown->cut_left = skip > 0;
	shown->text.data += skip;
	shown->text.len -= skip;
	shown->mark_at -= skip;
	if (shown->text.len <= LINE_MAX_SHOWN)
		return;
	shown->cut_right = true;
	shown->text.len = start_of_character(shown->text.data, LINE_MAX_SHOWN);
}

static struct shown show(const struct fw_source *source, struct fw_span span)
{
	const size_t offset = span.offset < source->text.len ? span.offset : source->text.len;
	const struct fw_str line = line_at(source, offset);
	const size_t column = offset - (size_t)(line.data - source->text.data);
	struct shown shown = { .text = line, .mark_at = column < line.len ? column : line.len, .mark_len = span.len };

	cut(&shown);
	const size_t rest = shown.text.len - (shown.mark_at < shown.text.len ? shown.mark_at : shown.text.len);
	shown.mark_len = shown.mark_len < rest ? shown.mark_len : rest;
	return shown;
}

/* Blanks as wide as what stands above, tabs kept. */
static void add_indent(struct fw_buf *out, struct fw_str above)
{
	while (above.len > 0)
		fw_buf_putc(out, *take_column(&above).data == '\t' ? '\t' : ' ');
}

static void add_mark(struct fw_buf *out, const struct shown *shown, const struct palette *colours)
{
	fw_buf_puts(out, shown->cut_left ? "      |    " : "      | ");
	add_indent(out, (struct fw_str){ shown->text.data, shown->mark_at });
	struct fw_str marked = { shown->text.data + shown->mark_at, shown->mark_len };
	fw_buf_printf(out, "%s^", colours->mark);
	for (bool first = true; marked.len > 0; first = false) {
		take_column(&marked);
		fw_buf_puts(out, first ? "" : "~");
	}
	fw_buf_printf(out, "%s\n", colours->off);
}

static void add_source_line(struct fw_diags *diags, const struct fw_diag *diag, uint32_t line, struct fw_buf *out,
			    const struct palette *colours)
{
	const struct fw_source *source = fw_sources_get(diags->sources, diag->span.source);
	if (!source || !source->text.data)
		return;

	const struct shown shown = show(source, diag->span);
	fw_buf_printf(out, "%5u | %s", line, shown.cut_left ? "..." : "");
	add_clean(out, shown.text);
	fw_buf_puts(out, shown.cut_right ? "...\n" : "\n");
	add_mark(out, &shown, colours);
}

static void add_included_from(struct fw_diags *diags, struct fw_span span, struct fw_buf *out)
{
	const struct fw_source *source = fw_sources_get(diags->sources, span.source);

	for (unsigned int depth = 0; source && source->included_at.source && depth < 64; depth++) {
		const struct fw_place place = fw_sources_place(diags->sources, source->included_at);
		fw_buf_puts(out, "  included from ");
		add_clean_text(out, place.file);
		fw_buf_printf(out, ":%u\n", place.line);
		source = fw_sources_get(diags->sources, source->included_at.source);
	}
}

static void add_note(struct fw_diags *diags, const struct fw_diag *diag, struct fw_buf *out)
{
	fw_buf_puts(out, "  note: ");
	if (diag->note_span.source) {
		const struct fw_place place = fw_sources_place(diags->sources, diag->note_span);
		add_clean_text(out, place.file);
		fw_buf_printf(out, ":%u: ", place.line);
	}
	add_clean_text(out, diag->note);
	fw_buf_putc(out, '\n');
}

static void render(struct fw_diags *diags, const struct fw_diag *diag, const struct palette *colours, struct fw_buf *out)
{
	const bool is_error = diag->severity == FW_ERROR;
	const struct fw_place place = fw_sources_place(diags->sources, diag->span);

	fw_buf_puts(out, colours->place);
	add_clean_text(out, diag->span.source ? place.file : "fwctl");
	if (diag->span.source)
		fw_buf_printf(out, ":%u:%u", place.line, place.column);
	fw_buf_printf(out, ":%s %s%s:%s ", colours->off, is_error ? colours->error : colours->warning, is_error ? "error" : "warning",
		      colours->off);
	add_clean_text(out, diag->message);
	if (!is_error)
		fw_buf_printf(out, " [%s]", diag->name);
	fw_buf_putc(out, '\n');
	if (diag->span.source)
		add_source_line(diags, diag, place.line, out, colours);
	if (diag->note)
		add_note(diags, diag, out);
	if (diag->help) {
		fw_buf_printf(out, "  %shelp:%s ", colours->mark, colours->off);
		add_clean_text(out, diag->help);
		fw_buf_putc(out, '\n');
	}
	add_included_from(diags, diag->span, out);
}

static size_t count_kept(const struct fw_diags *diags, enum fw_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < diags->list.len; i++)
		count += ((const struct fw_diag *)fw_vec_at(&diags->list, i))->severity == severity;
	return count;
}

static void add_rest(struct fw_buf *out, size_t more, const char *what)
{
	if (more > 0)
		fw_buf_printf(out, "%zu more %s%s\n", more, what, more == 1 ? "" : "s");
}

void fw_diags_render_text(struct fw_diags *diags, bool colour, struct fw_buf *out)
{
	for (size_t i = 0; i < diags->list.len; i++)
		render(diags, fw_vec_at(&diags->list, i), colour ? &coloured : &plain, out);
	add_rest(out, diags->errors - count_kept(diags, FW_ERROR), "error");
	add_rest(out, diags->warnings - count_kept(diags, FW_WARNING), "warning");
}
