/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/during.c - wall-clock conditions as instants. The kernel compares only UTC, so the local days of a stated span are laid out
 * here: the span is cut where the offset from Greenwich changes, and within a piece local time is UTC plus a constant. That is exact on
 * both sides of every change of the clock: what counts is what the clock on the wall shows at that instant. */
#include <errno.h>
#include <time.h>

#include "compile/plan.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400
/* No zone has had two changes within an hour that undo each other. */
#define OFFSET_STEP HOUR
/* Local midnight is at most this far from UTC's. */
#define OFFSET_MAX (16 * HOUR)

static int32_t offset_at(const struct fw_compile_env *env, int64_t utc)
{
	if (env->utc_offset)
		return env->utc_offset(env->clock, utc);
	time_t instant = (time_t)utc;
	struct tm local;
	return localtime_r(&instant, &local) ? (int32_t)local.tm_gmtoff : 0;
}

/* The first instant after `begin` and not after `end` at which the offset is no longer that of `begin`; `end` where it stays. */
static int64_t segment_end(const struct fw_compile_env *env, int64_t begin, int64_t end, int32_t offset)
{
	int64_t same = begin;
	while (same < end) {
		int64_t next = end - same > OFFSET_STEP ? same + OFFSET_STEP : end;
		if (offset_at(env, next) == offset) {
			same = next;
			continue;
		}
		while (next - same > 1) {
			int64_t middle = same + (next - same) / 2;
			if (offset_at(env, middle) == offset)
				same = middle;
			else
				next = middle;
		}
		return next;
	}
	return end;
}

static int64_t floor_day(int64_t seconds)
{
	int64_t day = seconds / DAY;
	return seconds % DAY < 0 ? day - 1 : day;
}

/* 0 Monday .. 6 Sunday; day 0 (1970-01-01) was a Thursday. */
static unsigned int weekday(int64_t day)
{
	return (unsigned int)(((day + 3) % 7 + 7) % 7);
}

static int add_range(struct fw_vec *ranges, int64_t begin, int64_t end)
{
	if (begin >= end)
		return 0;
	struct fw_instant_range *last = ranges->len ? fw_vec_at(ranges, ranges->len - 1) : NULL;
	if (last && last->end >= begin) {
		if (last->end < end)
			last->end = end;
		return 0;
	}
	struct fw_instant_range *range = fw_vec_push(ranges);
	if (!range)
		return -ENOMEM;
	*range = (struct fw_instant_range){ begin, end };
	return 0;
}

/* The days of one piece [begin, end) with one offset. */
static int add_segment(struct fw_vec *ranges, const struct fw_ast_during *during, struct fw_instant_range piece, int32_t offset)
{
	int64_t first = floor_day(piece.begin + offset) - 1; /* a range that began the day before may still last */
	int64_t last = floor_day(piece.end - 1 + offset);
	int64_t start = during->start_minute * MINUTE, stop = during->end_minute * MINUTE;
	if (during->end_minute <= during->start_minute)
		stop += DAY;
	for (int64_t day = first; day <= last; day++) {
		if (!(during->days >> weekday(day) & 1))
			continue;
		int64_t begin = day * DAY + start - offset, end = day * DAY + stop - offset;
		int r = add_range(ranges, begin > piece.begin ? begin : piece.begin, end < piece.end ? end : piece.end);
		if (r < 0)
			return r;
	}
	return 0;
}

int fw_compile_during(struct fw_arena *arena, const struct fw_compile_env *env, const struct fw_ast_during *during,
		      struct fw_instant_range window, struct fw_instants *ret_instants)
{
	struct fw_vec ranges;
	fw_vec_init(&ranges, arena, sizeof(struct fw_instant_range));
	for (int64_t begin = window.begin; begin < window.end;) {
		int32_t offset = offset_at(env, begin);
		int64_t end = segment_end(env, begin, window.end, offset);
		int r = add_segment(&ranges, during, (struct fw_instant_range){ begin, end }, offset);
		if (r < 0)
			return r;
		begin = end;
	}
	*ret_instants = (struct fw_instants){ ranges.items, ranges.len };
	return 0;
}

int64_t fw_compile_until(const struct fw_compile_env *env, const struct fw_ast_until *until)
{
	int64_t local = fw_until_local(until);
	int64_t end = local + OFFSET_MAX, found = 0;
	bool is_found = false, is_skipped = false;
	for (int64_t begin = local - OFFSET_MAX; begin < end;) {
		int32_t offset = offset_at(env, begin);
		int64_t next = segment_end(env, begin, end, offset);
		int64_t instant = local - offset;
		if (instant >= begin && instant < next) { /* the last piece that shows this time wins */
			found = instant;
			is_found = true;
		} else if (!is_found && !is_skipped && instant >= next && local - offset_at(env, next) < next) {
			found = next; /* shown by neither side of this change */
			is_skipped = true;
		}
		begin = next;
	}
	return found;
}

int64_t fw_during_begin(const struct fw_compile_env *env)
{
	int32_t offset = offset_at(env, env->now);
	int64_t day = floor_day(env->now + offset);
	return (day - weekday(day) - 7) * DAY - offset;
}
