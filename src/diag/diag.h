/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag/diag.h - source texts, places in them, and what is wrong there. Renders to text or JSON into a buffer; prints nothing. */
#ifndef FW_DIAG_DIAG_H
#define FW_DIAG_DIAG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

#define FW_DIAG_MAX_ERRORS 20

/* A place in a source text. source 0 is "no place". Offsets count bytes from 0. */
struct fw_span {
	uint32_t source; /* index + 1 into fw_sources */
	uint32_t offset;
	uint32_t len;
};

struct fw_source {
	const char *name;     /* as the user wrote it, or "<stdin>" */
	struct fw_str text;   /* kept alive by whoever added it */
	struct fw_span included_at; /* the include statement, or source 0 */
	const uint32_t *line_starts; /* built at first use */
	size_t line_count;
};

struct fw_sources {
	struct fw_arena *arena;
	struct fw_vec list; /* struct fw_source */
};

void fw_sources_init(struct fw_sources *sources, struct fw_arena *arena);
/* Returns the new source's number (1 and up), or 0 when there is no memory. `name` is copied, `text` is not. */
uint32_t fw_sources_add(struct fw_sources *sources, const char *name, struct fw_str text, struct fw_span included_at);
const struct fw_source *fw_sources_get(const struct fw_sources *sources, uint32_t number);
struct fw_str fw_span_text(const struct fw_sources *sources, struct fw_span span);
/* From the start of the first to the end of the last (same source). */
struct fw_span fw_span_join(struct fw_span first, struct fw_span last);

struct fw_place { /* all count from 1; columns count bytes */
	const char *file;
	uint32_t line, column;
};
struct fw_place fw_sources_place(struct fw_sources *sources, struct fw_span span);

enum fw_severity { FW_ERROR, FW_WARNING };

struct fw_diag {
	enum fw_severity severity;
	const char *name; /* warnings: "shadowed", "exposed", ...; errors: a stable word such as "unknown-service", or "syntax" */
	struct fw_span span;
	const char *message;
	const char *help;   /* what to write instead; NULL: unknown */
	struct fw_span note_span; /* a second place ("first defined here"), or source 0 */
	const char *note;
};

struct fw_diags {
	struct fw_arena *arena;
	struct fw_sources *sources;
	struct fw_vec list;    /* struct fw_diag, in the order found */
	size_t errors, warnings; /* all that were found, also those past FW_DIAG_MAX_ERRORS, which are not kept */
	bool out_of_memory;
	struct fw_diag unkept; /* the scratch one; nothing reads it */
};

void fw_diags_init(struct fw_diags *diags, struct fw_arena *arena, struct fw_sources *sources);
/* Adds one; the returned diagnostic (never NULL: a scratch one when it is not kept) can be given help and note by the two below. Two errors
 * at the same span with the same message are one. */
struct fw_diag *fw_diag_error(struct fw_diags *diags, struct fw_span span, const char *name, const char *format, ...)
	FW_PRINTF(4, 5);
struct fw_diag *fw_diag_warning(struct fw_diags *diags, struct fw_span span, const char *name, const char *format, ...)
	FW_PRINTF(4, 5);
void fw_diag_help(struct fw_diags *diags, struct fw_diag *diag, const char *format, ...) FW_PRINTF(3, 4);
void fw_diag_note(struct fw_diags *diags, struct fw_diag *diag, struct fw_span span, const char *format, ...) FW_PRINTF(4, 5);
/* Sorts by source (order of reading), then offset, then order found. Call once before rendering. */
void fw_diags_sort(struct fw_diags *diags);

/* The layout of shared/language.md: "FILE:LINE:COL: error: TEXT", the line with a gutter, ^~~~ under the place (tabs kept, long lines cut
 * around the place, control bytes and invalid UTF-8 shown as '?', never sent raw to a terminal), "  note: FILE:LINE: ..", "  help: ..",
 * "  included from FILE:LINE". Warnings carry " [name]". A last line "N more errors" where some were not kept. */
void fw_diags_render_text(struct fw_diags *diags, bool colour, struct fw_buf *out);
/* An array of {"severity","name","file","line","column","end_line","end_column","message","help","note":{..},"included_from":[..]}. */
void fw_diags_render_json(struct fw_diags *diags, struct fw_buf *out);
/* `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void fw_json_string(struct fw_buf *out, struct fw_str text);

#endif
