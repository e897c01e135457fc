/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/history_query.c - questions. Sums over long times are made of days, with hours and minutes only at their beginning; rows are added up here and not by
 * SQL, which would sort them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/history_internal.h"

#define LINE_MAX 16000000 /* the highest number of a line that has a place in an array */
#define SHARES_MAX 1000000
#define MINUTES_MAX (6 * 3600)
#define HOURS_MAX (15 * 86400)
#define CHECK_STEPS 10000 /* of SQLite's machine, between two looks at the clock */

/* --- time is up --- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int is_late(void *data)
{
	const struct fw_history *history = data;

	return now_ms() > history->deadline_ms;
}

static void begin_question(struct fw_history *history, const struct fw_history_query *query)
{
	history->deadline_ms = now_ms() + query->timeout_ms;
	sqlite3_progress_handler(history->db, query->timeout_ms ? CHECK_STEPS : 0, query->timeout_ms ? is_late : NULL, history);
}

static int end_question(struct fw_history *history, int r)
{
	sqlite3_progress_handler(history->db, 0, NULL, NULL);
	return r;
}

/* --- which lines --- */

struct chosen {
	bool all;
	uint8_t *bits; /* a byte for each number up to `max` */
	int64_t max;
};

static void chosen_done(struct chosen *chosen)
{
	free(chosen->bits);
}

static int choose(struct fw_history *history, const struct fw_history_query *query, struct chosen *ret_chosen)
{
	int r = fw_history_number(history, "SELECT max(number) FROM line", 0, &ret_chosen->max);
	if (r < 0)
		return r;
	if (ret_chosen->max < 0 || ret_chosen->max > LINE_MAX)
		return -E2BIG;

	ret_chosen->all = !query->lines;
	ret_chosen->bits = ret_chosen->all ? NULL : calloc((size_t)ret_chosen->max + 1, 1);
	if (!ret_chosen->all && !ret_chosen->bits)
		return -ENOMEM;
	for (size_t i = 0; i < query->line_count && !ret_chosen->all; i++)
		if (query->lines[i] >= 0 && query->lines[i] <= ret_chosen->max)
			ret_chosen->bits[query->lines[i]] = 1;
	return 0;
}

static bool is_chosen(const struct chosen *chosen, int64_t line)
{
	return line >= 0 && line <= chosen->max && (chosen->all || chosen->bits[line]);
}

/* --- by line --- */

struct sums {
	struct chosen chosen;
	struct fw_history_sum *by_line; /* chosen.max + 1 */
};

static void sums_done(struct sums *sums)
{
	chosen_done(&sums->chosen);
	free(sums->by_line);
}

static int prepare_range(struct fw_history *history, const char *table, int64_t from, int64_t until, sqlite3_stmt **ret_statement)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT line, packets, bytes, over_packets, time FROM %s WHERE time >= ?1 AND time < ?2", table);
	int r = fw_history_error(sqlite3_prepare_v2(history->db, sql, -1, ret_statement, NULL));
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(*ret_statement, 1, from);
	(void)sqlite3_bind_int64(*ret_statement, 2, until);
	return 0;
}

static int add_range(struct fw_history *history, struct sums *sums, const char *table, int64_t from, int64_t until)
{
	sqlite3_stmt *s FW_CLEANUP(fw_history_finalize) = NULL;
	int r = from < until ? prepare_range(history, table, from, until, &s) : 0, result = SQLITE_DONE;

	while (r == 0 && s && (result = sqlite3_step(s)) == SQLITE_ROW) {
		const int64_t line = sqlite3_column_int64(s, 0);
		if (!is_chosen(&sums->chosen, line))
			continue;
		struct fw_history_sum *sum = &sums->by_line[line];
		sum->packets += (uint64_t)sqlite3_column_int64(s, 1);
		sum->bytes += (uint64_t)sqlite3_column_int64(s, 2);
		sum->over_packets += (uint64_t)sqlite3_column_int64(s, 3);
	}
	return r < 0 ? r : fw_history_error(result);
}

static int64_t up(int64_t time, int64_t unit)
{
	return time % unit == 0 ? time : time - time % unit + unit;
}

/* Where minutes, hours and days are used: [minutes, hours) [hours, days) [days, until). */
struct cut {
	int64_t minutes, hours, days;
};

static int cut_time(struct fw_history *history, int64_t since, struct cut *ret_cut)
{
	int64_t minutes_from = 0, hours_from = 0;
	int r = fw_history_complete_from(history, "minute", &minutes_from);

	if (r == 0)
		r = fw_history_complete_from(history, "hour", &hours_from);
	if (since < 0)
		since = 0;
	if (since < hours_from) /* hours are gone there */
		*ret_cut = (struct cut){ since - since % 86400, since - since % 86400, since - since % 86400 };
	else if (since < minutes_from)
		*ret_cut = (struct cut){ since - since % 3600, since - since % 3600, up(since - since % 3600, 86400) };
	else
		*ret_cut = (struct cut){ since - since % 60, up(since - since % 60, 3600), up(since, 86400) };
	return r;
}

static int collect_sums(const struct sums *sums, struct fw_vec *ret_sums)
{
	for (int64_t i = 0; i <= sums->chosen.max; i++) {
		const struct fw_history_sum *sum = &sums->by_line[i];
		if (sum->packets == 0 && sum->over_packets == 0)
			continue;
		struct fw_history_sum *item = fw_vec_push(ret_sums);
		if (!item)
			return -ENOMEM;
		*item = *sum;
		item->line = i;
	}
	return 0;
}

static int sum_by_line(struct fw_history *history, const struct fw_history_query *query, struct sums *sums, int64_t *ret_from)
{
	struct cut cut = { 0 };
	int r = choose(history, query, &sums->chosen);

	if (r == 0)
		r = cut_time(history, query->since, &cut);
	if (r < 0)
		return r;
	sums->by_line = calloc((size_t)sums->chosen.max + 1, sizeof(*sums->by_line));
	if (!sums->by_line)
		return -ENOMEM;
	const int64_t hours = cut.hours < query->until ? cut.hours : query->until, days = cut.days < query->until ? cut.days : query->until;
	r = add_range(history, sums, "minute", cut.minutes, hours);
	if (r == 0)
		r = add_range(history, sums, "hour", hours, days);
	if (r == 0)
		r = add_range(history, sums, "day", days, query->until);
	*ret_from = cut.minutes;
	return r;
}

int fw_history_by_line(struct fw_history *history, const struct fw_history_query *query, struct fw_vec *ret_sums, int64_t *ret_from)
{
	struct sums sums FW_CLEANUP(sums_done) = { .by_line = NULL };

	begin_question(history, query);
	int r = sum_by_line(history, query, &sums, ret_from);
	if (r == 0)
		r = collect_sums(&sums, ret_sums);
	return end_question(history, r);
}

/* --- by time --- */

static int choose_resolution(struct fw_history *history, const struct fw_history_query *query, enum fw_history_resolution *ret_resolution)
{
	int64_t minutes_from = 0, hours_from = 0;
	const int64_t span = query->until - query->since;
	int r = fw_history_complete_from(history, "minute", &minutes_from);

	if (r == 0)
		r = fw_history_complete_from(history, "hour", &hours_from);
	*ret_resolution = FW_BY_DAY;
	if (query->since >= minutes_from && span <= MINUTES_MAX + 60)
		*ret_resolution = FW_BY_MINUTE;
	else if (query->since >= hours_from && span <= HOURS_MAX)
		*ret_resolution = FW_BY_HOUR;
	return r;
}

static int add_times(sqlite3_stmt *s, const struct chosen *chosen, struct fw_vec *times)
{
	struct fw_history_time *last = NULL;
	int result;

	while ((result = sqlite3_step(s)) == SQLITE_ROW) {
		const int64_t time = sqlite3_column_int64(s, 4);
		if (!is_chosen(chosen, sqlite3_column_int64(s, 0)))
			continue;
		if (!last || last->time != time) {
			last = fw_vec_push(times);
			if (!last)
				return -ENOMEM;
			*last = (struct fw_history_time){ .time = time };
		}
		last->packets += (uint64_t)sqlite3_column_int64(s, 1);
		last->bytes += (uint64_t)sqlite3_column_int64(s, 2);
		last->over_packets += (uint64_t)sqlite3_column_int64(s, 3);
	}
	return fw_history_error(result);
}

int fw_history_by_time(struct fw_history *history, const struct fw_history_query *query, struct fw_vec *ret_times, enum fw_history_resolution *ret_resolution)
{
	static const struct {
		const char *table;
		int64_t unit;
	} tables[] = { [FW_BY_MINUTE] = { "minute", 60 }, [FW_BY_HOUR] = { "hour", 3600 }, [FW_BY_DAY] = { "day", 86400 } };
	struct chosen chosen FW_CLEANUP(chosen_done) = { .bits = NULL };
	sqlite3_stmt *s FW_CLEANUP(fw_history_finalize) = NULL;

	begin_question(history, query);
	int r = choose(history, query, &chosen);
	if (r == 0)
		r = choose_resolution(history, query, ret_resolution);
	if (r == 0) {
		const int64_t unit = tables[*ret_resolution].unit, since = query->since > 0 ? query->since : 0;
		r = prepare_range(history, tables[*ret_resolution].table, since - since % unit, query->until, &s);
	}
	if (r == 0)
		r = add_times(s, &chosen, ret_times); /* the key begins with the time: rows come in its order */
	return end_question(history, r);
}

/* --- tops --- */

static uint64_t get_u64(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

struct fw_heavy_item fw_history_unpack_top(const uint8_t *bytes)
{
	return (struct fw_heavy_item){ .key = { get_u64(bytes), get_u64(bytes + 8),
						(uint32_t)bytes[32] | (uint32_t)bytes[33] << 8 | (uint32_t)bytes[34] << 16 | (uint32_t)bytes[35] << 24 },
				       .count = get_u64(bytes + 16),
				       .error = get_u64(bytes + 24) };
}

static int push_items(int64_t line, const uint8_t *bytes, size_t len, struct fw_vec *shares)
{
	if (len % FW_TOP_ITEM_BYTES != 0 || len > (size_t)FW_HEAVY_MAX * FW_TOP_ITEM_BYTES)
		return 0; /* none of ours */
	for (size_t at = 0; at < len; at += FW_TOP_ITEM_BYTES) {
		struct fw_history_share *share = shares->len < SHARES_MAX ? fw_vec_push(shares) : NULL;
		if (!share)
			return shares->len < SHARES_MAX ? -ENOMEM : -E2BIG;
		*share = (struct fw_history_share){ line, fw_history_unpack_top(bytes + at) };
	}
	return 0;
}

static int compare_shares(const void *a, const void *b)
{
	const struct fw_history_share *x = a, *y = b;
	const struct fw_heavy_key *p = &x->item.key, *q = &y->item.key;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (p->hi != q->hi)
		return p->hi < q->hi ? -1 : 1;
	if (p->lo != q->lo)
		return p->lo < q->lo ? -1 : 1;
	return p->tag < q->tag ? -1 : p->tag > q->tag;
}

/* Equal keys of a line become one. */
static void add_up(struct fw_vec *shares)
{
	size_t kept = 0;

	if (shares->len == 0)
		return;
	qsort(shares->items, shares->len, sizeof(struct fw_history_share), compare_shares);
	for (size_t i = 1; i < shares->len; i++) {
		struct fw_history_share *last = fw_vec_at(shares, kept);
		const struct fw_history_share *share = fw_vec_at(shares, i);
		if (compare_shares(last, share) == 0) {
			last->item.count += share->item.count;
			last->item.error += share->item.error;
		} else {
			kept++;
			*(struct fw_history_share *)fw_vec_at(shares, kept) = *share;
		}
	}
	shares->len = kept + 1;
}

static int read_tops(struct fw_history *history, const struct fw_history_query *query, enum fw_history_top_kind kind, struct fw_vec *shares)
{
	struct chosen chosen FW_CLEANUP(chosen_done) = { .bits = NULL };
	sqlite3_stmt *s FW_CLEANUP(fw_history_finalize) = NULL;
	int r = choose(history, query, &chosen), result = SQLITE_DONE;

	if (r == 0)
		r = fw_history_error(sqlite3_prepare_v2(history->db, "SELECT line, items FROM top WHERE hour >= ?1 AND hour < ?2 AND kind = ?3", -1, &s, NULL));
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(s, 1, query->since - query->since % 3600);
	(void)sqlite3_bind_int64(s, 2, query->until);
	(void)sqlite3_bind_int(s, 3, (int)kind);
	while (r == 0 && (result = sqlite3_step(s)) == SQLITE_ROW) {
		const int64_t line = sqlite3_column_int64(s, 0);
		if (is_chosen(&chosen, line) && sqlite3_column_type(s, 1) == SQLITE_BLOB)
			r = push_items(line, sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1), shares);
	}
	return r < 0 ? r : fw_history_error(result);
}

int fw_history_tops(struct fw_history *history, const struct fw_history_query *query, enum fw_history_top_kind kind, struct fw_vec *ret_shares)
{
	begin_question(history, query);
	const int r = read_tops(history, query, kind, ret_shares);
	if (r == 0)
		add_up(ret_shares);
	return end_question(history, r);
}

/* --- events, lines, what was seen --- */

int fw_history_events(struct fw_history *history, int64_t until, size_t count, void (*take)(const char *json, void *data), void *data)
{
	sqlite3_stmt *s FW_CLEANUP(fw_history_finalize) = NULL;
	int result = sqlite3_prepare_v2(history->db,
					"SELECT json FROM (SELECT number, json FROM event WHERE time_us < ?2 ORDER BY number DESC LIMIT ?1) ORDER BY number", -1, &s, NULL);
	if (result != SQLITE_OK)
		return fw_history_error(result);

	(void)sqlite3_bind_int64(s, 1, (int64_t)count);
	(void)sqlite3_bind_int64(s, 2, until * 1000000);
	while ((result = sqlite3_step(s)) == SQLITE_ROW) {
		const char *json = (const char *)sqlite3_column_text(s, 0);
		if (json)
			take(json, data);
	}
	return fw_history_error(result);
}

static const char *copy_column(sqlite3_stmt *s, int column, struct fw_arena *arena, int *error)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	char *copy = text ? fw_arena_copy(arena, fw_str_from(text)) : NULL;

	if (text && !copy)
		*error = -ENOMEM;
	return copy;
}

int fw_history_lines(struct fw_history *history, struct fw_arena *arena, struct fw_vec *ret_lines)
{
	sqlite3_stmt *s FW_CLEANUP(fw_history_finalize) = NULL;
	int result = sqlite3_prepare_v2(history->db, "SELECT number, key, file, place, text, label, name, direction, verdict, last_hit FROM line", -1, &s, NULL);
	int r = fw_history_error(result);

	while (r == 0 && (result = sqlite3_step(s)) == SQLITE_ROW) {
		struct fw_history_known *known = fw_vec_push(ret_lines);
		if (!known)
			return -ENOMEM;
		known->number = sqlite3_column_int64(s, 0);
		known->line = (struct fw_history_line){ copy_column(s, 1, arena, &r), copy_column(s, 2, arena, &r), copy_column(s, 4, arena, &r),
							copy_column(s, 5, arena, &r), copy_column(s, 6, arena, &r), copy_column(s, 7, arena, &r),
							copy_column(s, 8, arena, &r), (uint32_t)sqlite3_column_int64(s, 3) };
		known->last_hit = sqlite3_column_int64(s, 9);
		if (r == 0 && !known->line.key)
			r = -EBADMSG;
	}
	return r < 0 ? r : fw_history_error(result);
}

int fw_history_last_seen(struct fw_history *history, struct fw_vec *ret_seen)
{
	sqlite3_stmt *s FW_CLEANUP(fw_history_finalize) = NULL;
	int result = sqlite3_prepare_v2(history->db,
					"SELECT line, epoch, handle, packets, bytes, over_handle, over_packets, last_hit FROM seen JOIN line ON number = line", -1, &s,
					NULL);
	if (result != SQLITE_OK)
		return fw_history_error(result);

	while ((result = sqlite3_step(s)) == SQLITE_ROW) {
		struct fw_history_seen *seen = fw_vec_push(ret_seen);
		if (!seen)
			return -ENOMEM;
		*seen = (struct fw_history_seen){ sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1), (uint64_t)sqlite3_column_int64(s, 2),
						  (uint64_t)sqlite3_column_int64(s, 3), (uint64_t)sqlite3_column_int64(s, 4), (uint64_t)sqlite3_column_int64(s, 5),
						  (uint64_t)sqlite3_column_int64(s, 6), sqlite3_column_int64(s, 7) };
	}
	return fw_history_error(result);
}
