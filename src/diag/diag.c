/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag/diag.c - the list of what is wrong. Invariant: every kept message lives in the arena; what is past the limits is counted, not kept. */
#include "diag/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WARNINGS 100
#define MAX_MESSAGE 1024 /* longer ones are cut: names and paths come from outside */

/* Handed out for what is not kept. */
static struct fw_diag *scratch(struct fw_diags *diags)
{
	diags->unkept = (struct fw_diag){ .message = "" };
	return &diags->unkept;
}

void fw_diags_init(struct fw_diags *diags, struct fw_arena *arena, struct fw_sources *sources)
{
	*diags = (struct fw_diags){ .arena = arena, .sources = sources };
	fw_vec_init(&diags->list, arena, sizeof(struct fw_diag));
	/* room for all that is kept: a diagnostic that was handed out never moves */
	if (fw_vec_reserve(&diags->list, FW_DIAG_MAX_ERRORS + MAX_WARNINGS) < 0)
		diags->out_of_memory = true;
}

FW_PRINTF(2, 0)
static char *format_text(struct fw_diags *diags, const char *format, va_list args)
{
	char text[MAX_MESSAGE];

	vsnprintf(text, sizeof(text), format, args);
	char *copy = fw_arena_copy(diags->arena, fw_str_from(text));
	if (!copy)
		diags->out_of_memory = true;
	return copy;
}

static bool same_span(struct fw_span a, struct fw_span b)
{
	return a.source == b.source && a.offset == b.offset && a.len == b.len;
}

static bool is_known(const struct fw_diags *diags, const struct fw_diag *what)
{
	for (size_t i = 0; i < diags->list.len; i++) {
		const struct fw_diag *diag = fw_vec_at(&diags->list, i);
		if (diag->severity == what->severity && same_span(diag->span, what->span) && strcmp(diag->message, what->message) == 0)
			return true;
	}
	return false;
}

static struct fw_diag *keep(struct fw_diags *diags, const struct fw_diag *what)
{
	const bool is_error = what->severity == FW_ERROR;
	size_t *count = is_error ? &diags->errors : &diags->warnings;

	if (!what->message || diags->list.len == diags->list.cap) {
		(*count)++;
		return scratch(diags);
	}
	if (is_known(diags, what))
		return scratch(diags);
	if ((*count)++ >= (is_error ? FW_DIAG_MAX_ERRORS : MAX_WARNINGS))
		return scratch(diags);
	struct fw_diag *diag = fw_vec_push(&diags->list);
	*diag = *what;
	return diag;
}

struct fw_diag *fw_diag_error(struct fw_diags *diags, struct fw_span span, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const struct fw_diag diag = { .severity = FW_ERROR, .name = name, .span = span, .message = format_text(diags, format, args) };
	va_end(args);
	return keep(diags, &diag);
}

struct fw_diag *fw_diag_warning(struct fw_diags *diags, struct fw_span span, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const struct fw_diag diag = { .severity = FW_WARNING, .name = name, .span = span, .message = format_text(diags, format, args) };
	va_end(args);
	return keep(diags, &diag);
}

void fw_diag_help(struct fw_diags *diags, struct fw_diag *diag, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag->help = format_text(diags, format, args);
	va_end(args);
}

void fw_diag_note(struct fw_diags *diags, struct fw_diag *diag, struct fw_span span, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag->note = format_text(diags, format, args);
	diag->note_span = span;
	va_end(args);
}

static bool goes_before(const struct fw_diag *a, const struct fw_diag *b)
{
	return a->span.source != b->span.source ? a->span.source < b->span.source : a->span.offset < b->span.offset;
}

/* Insertion: stable, and the list is short. */
void fw_diags_sort(struct fw_diags *diags)
{
	struct fw_diag *list = diags->list.items;

	for (size_t i = 1; i < diags->list.len; i++) {
		const struct fw_diag item = list[i];
		size_t at = i;
		for (; at > 0 && goes_before(&item, &list[at - 1]); at--)
			list[at] = list[at - 1];
		list[at] = item;
	}
}
