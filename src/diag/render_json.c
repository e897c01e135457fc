/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag/render_json.c - diagnostics as data (RFC 8259). */
#include "diag/diag.h"

/* A control character in ASCII, however many bytes it has. */
static void add_control(struct fw_buf *out, const char *bytes, size_t len)
{
	unsigned int c = (unsigned char)bytes[0];

	if (len > 1)
		c &= len == 2 ? 0x1f : 0x0f;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)bytes[i] & 0x3f);
	fw_buf_printf(out, "\\u%04x", c);
}

static void add_escaped(struct fw_buf *out, char c)
{
	if (c == '"' || c == '\\')
		fw_buf_putc(out, '\\');
	fw_buf_putc(out, c);
}

void fw_json_string(struct fw_buf *out, struct fw_str text)
{
	fw_buf_putc(out, '"');
	while (text.len > 0) {
		const size_t control = fw_str_control_at(text), shown = fw_str_shown_at(text), step = control ? control : shown ? shown : 1;
		if (control)
			add_control(out, text.data, control);
		else if (shown == 1)
			add_escaped(out, *text.data);
		else
			fw_buf_add(out, shown ? (struct fw_str){ text.data, shown } : FW_STR("\xef\xbf\xbd"));
		text.data += step;
		text.len -= step;
	}
	fw_buf_putc(out, '"');
}

static void add_member(struct fw_buf *out, const char *name, const char *text)
{
	fw_buf_printf(out, ",\"%s\":", name);
	if (text)
		fw_json_string(out, fw_str_from(text));
	else
		fw_buf_puts(out, "null");
}

static void add_place(struct fw_diags *diags, struct fw_span span, struct fw_buf *out)
{
	const struct fw_place place = fw_sources_place(diags->sources, span);

	add_member(out, "file", place.file);
	fw_buf_printf(out, ",\"line\":%u,\"column\":%u", place.line, place.column);
}

static void add_note(struct fw_diags *diags, const struct fw_diag *diag, struct fw_buf *out)
{
	if (!diag->note) {
		fw_buf_puts(out, ",\"note\":null");
		return;
	}
	fw_buf_puts(out, ",\"note\":{\"message\":");
	fw_json_string(out, fw_str_from(diag->note));
	if (diag->note_span.source)
		add_place(diags, diag->note_span, out);
	fw_buf_putc(out, '}');
}

static void add_included_from(struct fw_diags *diags, struct fw_span span, struct fw_buf *out)
{
	const struct fw_source *source = fw_sources_get(diags->sources, span.source);

	fw_buf_puts(out, ",\"included_from\":[");
	for (unsigned int depth = 0; source && source->included_at.source && depth < 64; depth++) {
		const struct fw_place place = fw_sources_place(diags->sources, source->included_at);
		fw_buf_puts(out, depth ? ",{\"file\":" : "{\"file\":");
		fw_json_string(out, fw_str_from(place.file));
		fw_buf_printf(out, ",\"line\":%u}", place.line);
		source = fw_sources_get(diags->sources, source->included_at.source);
	}
	fw_buf_putc(out, ']');
}

static void render(struct fw_diags *diags, const struct fw_diag *diag, struct fw_buf *out)
{
	struct fw_span end = diag->span;

	end.offset += end.len;
	fw_buf_printf(out, "{\"severity\":\"%s\"", diag->severity == FW_ERROR ? "error" : "warning");
	add_member(out, "name", diag->name);
	if (diag->span.source) {
		const struct fw_place last = fw_sources_place(diags->sources, end);
		add_place(diags, diag->span, out);
		fw_buf_printf(out, ",\"end_line\":%u,\"end_column\":%u", last.line, last.column);
	}
	add_member(out, "message", diag->message);
	add_member(out, "help", diag->help);
	add_note(diags, diag, out);
	add_included_from(diags, diag->span, out);
	fw_buf_putc(out, '}');
}

void fw_diags_render_json(struct fw_diags *diags, struct fw_buf *out)
{
	fw_buf_putc(out, '[');
	for (size_t i = 0; i < diags->list.len; i++) {
		if (i > 0)
			fw_buf_putc(out, ',');
		render(diags, fw_vec_at(&diags->list, i), out);
	}
	fw_buf_putc(out, ']');
}
