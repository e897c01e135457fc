/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/history_write.c - what is new, in one transaction each; and what goes because it is old, or because room is needed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/history_internal.h"

/* --- transactions --- */

static int begin(struct fw_history *history)
{
	return fw_history_step(fw_history_statement(history, FW_SQL_BEGIN));
}

/* A failure anywhere undoes all of it. */
static int end(struct fw_history *history, int r)
{
	if (r == 0)
		r = fw_history_step(fw_history_statement(history, FW_SQL_COMMIT));
	if (r < 0 && !sqlite3_get_autocommit(history->db))
		(void)fw_history_step(fw_history_statement(history, FW_SQL_ROLLBACK));
	return r;
}

/* --- lines --- */

static int add_line(struct fw_history *history, const struct fw_history_line *line, int64_t now, int64_t *ret_number)
{
	sqlite3_stmt *s = fw_history_statement(history, FW_SQL_ADD_LINE);
	const char *const strings[] = { line->text, line->label, line->name, line->direction, line->verdict };
	if (!s)
		return -ENOMEM;

	(void)sqlite3_bind_text(s, 1, line->key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 2, line->file, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 3, line->line);
	for (int i = 0; i < (int)FW_ARRAY_SIZE(strings); i++)
		(void)sqlite3_bind_text(s, 4 + i, strings[i], -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 9, now);
	const int result = sqlite3_step(s);
	if (result == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(s, 0);
	const int end_result = sqlite3_step(s); /* RETURNING gives its row before it is done */
	(void)sqlite3_reset(s);
	return result == SQLITE_ROW ? fw_history_error(end_result) : result == SQLITE_DONE ? -EBADMSG : fw_history_error(result);
}

int fw_history_number_lines(struct fw_history *history, const struct fw_history_line *lines, size_t count, int64_t *ret_numbers)
{
	const int64_t now = (int64_t)time(NULL);
	int r = begin(history);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_line(history, &lines[i], now, &ret_numbers[i]);
	return end(history, r);
}

/* --- hits --- */

static int add_hits(struct fw_history *history, enum fw_history_sql where, int64_t time, const struct fw_history_hit *hit)
{
	sqlite3_stmt *s = fw_history_statement(history, where);
	if (!s)
		return -ENOMEM;

	(void)sqlite3_bind_int64(s, 1, time);
	(void)sqlite3_bind_int64(s, 2, hit->seen.line);
	(void)sqlite3_bind_int64(s, 3, (int64_t)hit->packets);
	(void)sqlite3_bind_int64(s, 4, (int64_t)hit->bytes);
	(void)sqlite3_bind_int64(s, 5, (int64_t)hit->over_packets);
	return fw_history_step(s);
}

static int set_seen(struct fw_history *history, const struct fw_history_seen *seen)
{
	sqlite3_stmt *s = fw_history_statement(history, FW_SQL_SET_SEEN);
	const uint64_t values[] = { seen->epoch, seen->handle, seen->packets, seen->bytes, seen->over_handle, seen->over_packets };
	if (!s)
		return -ENOMEM;

	(void)sqlite3_bind_int64(s, 1, seen->line);
	for (int i = 0; i < (int)FW_ARRAY_SIZE(values); i++)
		(void)sqlite3_bind_int64(s, 2 + i, (int64_t)values[i]);
	int r = fw_history_step(s);
	s = r == 0 && seen->last_hit > 0 ? fw_history_statement(history, FW_SQL_SET_LAST_HIT) : NULL;
	if (!s)
		return r;
	(void)sqlite3_bind_int64(s, 1, seen->line);
	(void)sqlite3_bind_int64(s, 2, seen->last_hit);
	return fw_history_step(s);
}

static int write_hit(struct fw_history *history, int64_t time, const struct fw_history_hit *hit)
{
	int r = set_seen(history, &hit->seen);

	if (r < 0 || (hit->packets == 0 && hit->over_packets == 0))
		return r;
	r = add_hits(history, FW_SQL_ADD_MINUTE, time - time % 60, hit);
	if (r == 0)
		r = add_hits(history, FW_SQL_ADD_HOUR, time - time % 3600, hit);
	return r < 0 ? r : add_hits(history, FW_SQL_ADD_DAY, time - time % 86400, hit);
}

/* --- tops and events --- */

static void put_u64(uint8_t *bytes, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

void fw_history_pack_top(const struct fw_heavy *heavy, uint8_t *ret_bytes)
{
	for (uint32_t i = 0; i < heavy->len; i++) {
		const struct fw_heavy_item *item = &heavy->items[i];
		uint8_t *at = ret_bytes + (size_t)i * FW_TOP_ITEM_BYTES;
		put_u64(at, item->key.hi);
		put_u64(at + 8, item->key.lo);
		put_u64(at + 16, item->count);
		put_u64(at + 24, item->error);
		for (unsigned int b = 0; b < 4; b++)
			at[32 + b] = (uint8_t)(item->key.tag >> (8 * b));
	}
}

static int write_top(struct fw_history *history, const struct fw_history_top *top)
{
	uint8_t bytes[FW_HEAVY_MAX * FW_TOP_ITEM_BYTES];
	sqlite3_stmt *s = fw_history_statement(history, FW_SQL_SET_TOP);
	if (!s)
		return -ENOMEM;
	if (top->heavy->len > FW_HEAVY_MAX)
		return -EINVAL;

	fw_history_pack_top(top->heavy, bytes);
	(void)sqlite3_bind_int64(s, 1, top->hour);
	(void)sqlite3_bind_int64(s, 2, top->line);
	(void)sqlite3_bind_int(s, 3, (int)top->kind);
	(void)sqlite3_bind_int64(s, 4, history->run);
	(void)sqlite3_bind_blob(s, 5, bytes, (int)(top->heavy->len * FW_TOP_ITEM_BYTES), SQLITE_STATIC);
	return fw_history_step(s);
}

static int write_event(struct fw_history *history, const struct fw_history_event *event)
{
	sqlite3_stmt *s = fw_history_statement(history, FW_SQL_ADD_EVENT);
	if (!s)
		return -ENOMEM;

	(void)sqlite3_bind_int64(s, 1, event->time_us);
	(void)sqlite3_bind_int64(s, 2, event->line);
	(void)sqlite3_bind_text(s, 3, event->json, -1, SQLITE_STATIC);
	return fw_history_step(s);
}

static int trim_events(struct fw_history *history)
{
	sqlite3_stmt *s = fw_history_statement(history, FW_SQL_TRIM_EVENTS);

	if (!s)
		return -ENOMEM;
	(void)sqlite3_bind_int64(s, 1, FW_HISTORY_EVENTS);
	return fw_history_step(s);
}

int fw_history_write(struct fw_history *history, const struct fw_history_batch *batch)
{
	int r = begin(history);

	for (size_t i = 0; r == 0 && i < batch->hit_count; i++)
		r = write_hit(history, batch->time, &batch->hits[i]);
	for (size_t i = 0; r == 0 && i < batch->top_count; i++)
		r = write_top(history, &batch->tops[i]);
	for (size_t i = 0; r == 0 && i < batch->event_count; i++)
		r = write_event(history, &batch->events[i]);
	if (r == 0 && batch->event_count > 0)
		r = trim_events(history);
	return end(history, r);
}

int fw_history_note_clock(struct fw_history *history, int64_t now, int64_t step_s)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "INSERT INTO step(time, seconds) VALUES(%lld, %lld); DELETE FROM step WHERE number <= (SELECT max(number) FROM step) - 1000",
		 (long long)now, (long long)step_s);
	return fw_history_exec(history, sql);
}

/* --- what goes --- */

/* Rows of one table, a piece of time each step. */
static const struct piece {
	const char *table, *time;
	int64_t unit;  /* of the column, a second in it */
	int64_t span;  /* seconds dropped in one step */
	bool minutes;  /* kept only so long */
} pieces[] = {
	{ "event", "time_us", 1000000, 3600, false },
	{ "minute", "time", 1, 600, true },
	{ "top", "hour", 1, 3600, false },
	{ "hour", "time", 1, 3600, false },
	{ "day", "time", 1, 86400, false },
};

static int oldest_of(struct fw_history *history, const struct piece *piece, int64_t *ret_time)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT min(%s) FROM %s", piece->time, piece->table);
	int r = fw_history_number(history, sql, INT64_MAX, ret_time);
	if (r == 0 && *ret_time != INT64_MAX)
		*ret_time /= piece->unit;
	return r;
}

static int drop_before(struct fw_history *history, const struct piece *piece, int64_t until)
{
	char sql[320];

	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE; DELETE FROM %s WHERE %s < %lld; INSERT INTO dropped VALUES('%s', %lld) ON CONFLICT(what) DO UPDATE SET until = max(until, %lld);"
		 "COMMIT",
		 piece->table, piece->time, (long long)(until * piece->unit), piece->table, (long long)until, (long long)until);
	int r = fw_history_exec(history, sql);
	if (r < 0 && !sqlite3_get_autocommit(history->db))
		(void)fw_history_exec(history, "ROLLBACK");
	return r;
}

/* The oldest piece of a table, if it is older than `limit`. 1: it was dropped; 0: there is none; -errno. */
static int drop_oldest(struct fw_history *history, const struct piece *piece, int64_t limit)
{
	int64_t oldest = INT64_MAX;
	int r = oldest_of(history, piece, &oldest);

	if (r < 0 || oldest >= limit)
		return r;
	int64_t until = oldest - oldest % piece->span + piece->span;
	if (until > limit)
		until = limit;
	r = drop_before(history, piece, until);
	return r < 0 ? r : 1;
}

static int drop_aged(struct fw_history *history, int64_t now)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(pieces); i++) {
		const uint64_t kept = pieces[i].minutes && history->limits.keep_s > FW_HISTORY_KEEP_MINUTES_S ? FW_HISTORY_KEEP_MINUTES_S : history->limits.keep_s;
		const int64_t limit = now - (int64_t)kept;
		int r = drop_oldest(history, &pieces[i], limit - limit % pieces[i].span);
		if (r != 0)
			return r;
	}
	return 0;
}

static int used_bytes(struct fw_history *history, uint64_t *ret_bytes)
{
	int64_t pages = 0, unused = 0;
	int r = fw_history_number(history, "PRAGMA page_count", 0, &pages);

	if (r == 0)
		r = fw_history_number(history, "PRAGMA freelist_count", 0, &unused);
	*ret_bytes = (uint64_t)(pages - unused) * FW_PAGE_BYTES;
	return r;
}

/* A tenth is left for what comes until the next time. */
static int drop_for_room(struct fw_history *history)
{
	uint64_t used = 0;
	int r = used_bytes(history, &used);

	if (r < 0 || used <= history->limits.max_bytes / 10 * 9)
		return r;
	for (size_t i = 0; i < FW_ARRAY_SIZE(pieces); i++) {
		r = drop_oldest(history, &pieces[i], INT64_MAX);
		if (r != 0)
			return r;
	}
	return 0;
}

int fw_history_prune(struct fw_history *history, int64_t now, bool may_age)
{
	int64_t unused = 0;
	int r = may_age ? drop_aged(history, now) : 0;

	if (r == 0)
		r = drop_for_room(history);
	if (r != 0)
		return r;
	r = fw_history_number(history, "PRAGMA freelist_count", 0, &unused);
	if (r < 0 || unused < 256)
		return r;
	r = fw_history_exec(history, "PRAGMA incremental_vacuum(1000)");
	return r < 0 ? r : unused > 1256;
}

int fw_history_forget_lines(struct fw_history *history, int64_t now)
{
	char sql[320];
	const long long limit = (long long)now - (long long)history->limits.keep_s - 86400;

	snprintf(sql, sizeof(sql),
		 "DELETE FROM seen WHERE line IN (SELECT number FROM line WHERE told < %lld AND last_hit < %lld);"
		 "DELETE FROM line WHERE told < %lld AND last_hit < %lld AND number NOT IN (SELECT line FROM day)",
		 limit, limit, limit, limit);
	return fw_history_exec(history, sql);
}
