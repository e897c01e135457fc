/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag/source.c - source texts by number, and offsets to lines and columns. */
#include <string.h>

#include "diag/diag.h"

void fw_sources_init(struct fw_sources *sources, struct fw_arena *arena)
{
	sources->arena = arena;
	fw_vec_init(&sources->list, arena, sizeof(struct fw_source));
}

uint32_t fw_sources_add(struct fw_sources *sources, const char *name, struct fw_str text, struct fw_span included_at)
{
	char *copy = fw_arena_copy(sources->arena, fw_str_from(name));
	struct fw_source *source = copy && sources->list.len < UINT32_MAX - 1 ? fw_vec_push(&sources->list) : NULL;
	if (!source)
		return 0;

	source->name = copy;
	source->text = text;
	source->included_at = included_at;
	return (uint32_t)sources->list.len;
}

const struct fw_source *fw_sources_get(const struct fw_sources *sources, uint32_t number)
{
	return number == 0 || number > sources->list.len ? NULL : fw_vec_at(&sources->list, number - 1);
}

struct fw_str fw_span_text(const struct fw_sources *sources, struct fw_span span)
{
	const struct fw_source *source = fw_sources_get(sources, span.source);

	if (!source || span.offset > source->text.len)
		return (struct fw_str){ "", 0 };
	const size_t rest = source->text.len - span.offset;
	return (struct fw_str){ source->text.data + span.offset, span.len < rest ? span.len : rest };
}

struct fw_span fw_span_join(struct fw_span first, struct fw_span last)
{
	first.len = last.offset + last.len - first.offset;
	return first;
}

static bool index_lines(struct fw_sources *sources, struct fw_source *source)
{
	struct fw_vec starts;
	uint32_t *start;

	fw_vec_init(&starts, sources->arena, sizeof(uint32_t));
	start = fw_vec_push(&starts);
	if (!start)
		return false;
	*start = 0;
	const char *at = source->text.data, *end = at ? at + source->text.len : NULL;
	while (at && at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		start = fw_vec_push(&starts);
		if (!start)
			return false;
		*start = (uint32_t)(++at - source->text.data);
	}
	source->line_starts = starts.items;
	source->line_count = starts.len;
	return true;
}

struct fw_place fw_sources_place(struct fw_sources *sources, struct fw_span span)
{
	if (span.source == 0 || span.source > sources->list.len)
		return (struct fw_place){ "", 0, 0 };
	struct fw_source *source = fw_vec_at(&sources->list, span.source - 1);
	if (!source->line_starts && !index_lines(sources, source))
		return (struct fw_place){ source->name, 0, 0 };

	size_t low = 0, high = source->line_count;
	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;
		if (source->line_starts[middle] <= span.offset)
			low = middle;
		else
			high = middle;
	}
	return (struct fw_place){ source->name, (uint32_t)low + 1, span.offset - source->line_starts[low] + 1 };
}
