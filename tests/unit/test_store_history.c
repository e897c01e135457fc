/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The history: booked once, added up alike by minute, hour and day, dropped by age and size, whole after kill -9, a full disk, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/history.h"

#define LINES 200

struct bench {
	char folder[64], path[96], note[256];
	struct fw_history *history;
	int64_t numbers[LINES];
	int64_t now;
};

static const struct fw_history_limits roomy = { FW_HISTORY_KEEP_S, FW_HISTORY_BYTES };

static void open_bench(struct bench *b, const struct fw_history_limits *limits)
{
	assert_int_equal(fw_history_open(b->path, limits, b->note, &b->history), 0);
}

static void number(struct bench *b)
{
	struct fw_history_line lines[LINES];
	char keys[LINES][32];

	for (size_t i = 0; i < LINES; i++) {
		snprintf(keys[i], sizeof(keys[i]), "rule/%zu", i);
		lines[i] = (struct fw_history_line){ .key = keys[i], .file = "policy.conf", .line = (uint32_t)i + 1, .text = "allow ssh", .direction = "in",
						     .verdict = "allow" };
	}
	assert_int_equal(fw_history_number_lines(b->history, lines, LINES, b->numbers), 0);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	snprintf(b->folder, sizeof(b->folder), "/tmp/fwhistory-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->path, sizeof(b->path), "%s/history.db", b->folder);
	b->now = (int64_t)time(NULL);
	open_bench(b, &roomy);
	number(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	static const char *const suffixes[] = { "", "-wal", "-shm", ".damaged", ".damaged-wal", ".damaged-shm" };
	char path[128];

	fw_history_close(b->history);
	for (size_t i = 0; i < FW_ARRAY_SIZE(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", b->path, suffixes[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(b->folder), 0);
	free(b);
	return 0;
}

static int write_hit(struct bench *b, size_t line, int64_t at, uint64_t packets, uint64_t total)
{
	const struct fw_history_hit hit = { .seen = { .line = b->numbers[line], .epoch = 1, .handle = 7, .packets = total, .bytes = total * 60, .last_hit = at },
					    .packets = packets, .bytes = packets * 60 };
	const struct fw_history_batch batch = { .time = at, .hits = &hit, .hit_count = 1 };

	return fw_history_write(b->history, &batch);
}

static uint64_t sum_since(struct fw_history *history, int64_t since, int64_t until, int64_t *ret_from)
{
	const struct fw_history_query query = { .since = since, .until = until };
	struct fw_vec sums;
	uint64_t sum = 0;

	fw_vec_init(&sums, NULL, sizeof(struct fw_history_sum));
	assert_int_equal(fw_history_by_line(history, &query, &sums, ret_from), 0);
	for (size_t i = 0; i < sums.len; i++)
		sum += ((const struct fw_history_sum *)fw_vec_at(&sums, i))->packets;
	fw_vec_done(&sums);
	return sum;
}

static int64_t ask(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	const int64_t value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

/* Whatever the beginning, the sum is that of the rows behind it, to the minute. */
static void sums_are_alike(void **state)
{
	struct bench *b = *state;
	const int64_t begin = b->now - 40 * 3600;
	uint64_t total = 0;
	int64_t from = 0;

	for (int64_t at = begin; at < b->now; at += 61) {
		total++;
		assert_int_equal(write_hit(b, (size_t)(at % LINES), at, 1, total), 0);
	}
	static const int64_t spans[] = { 60, 3000, 3600, 10000, 86400, 100000, 144000 };
	for (size_t i = 0; i < FW_ARRAY_SIZE(spans); i++) {
		const uint64_t sum = sum_since(b->history, b->now - spans[i], b->now + 1, &from);
		uint64_t wanted = 0;
		for (int64_t at = begin; at < b->now; at += 61)
			wanted += at >= from;
		assert_true(from <= b->now - spans[i] && from > b->now - spans[i] - 60);
		assert_int_equal(sum, wanted);
	}
	assert_int_equal(ask(b->path, "SELECT sum(packets) FROM minute"), total);
	assert_int_equal(ask(b->path, "SELECT sum(packets) FROM hour"), total);
	assert_int_equal(ask(b->path, "SELECT sum(packets) FROM day"), total);
}

/* A writer is killed in the midst of it, again and again: hits and what was seen always agree. */
static void killed_writer(void **state)
{
	struct bench *b = *state;

	fw_history_close(b->history);
	b->history = NULL;
	for (unsigned int n = 0; n < 50; n++) {
		const int64_t had = ask(b->path, "SELECT coalesce(sum(packets), 0) FROM day");
		const pid_t child = fork();
		if (child == 0) {
			if (fw_history_open(b->path, &roomy, b->note, &b->history) < 0)
				_exit(1);
			for (uint64_t total = (uint64_t)had + 1;; total++)
				if (write_hit(b, 3, b->now, 1, total) < 0)
					_exit(1);
		}
		const struct timespec pause = { .tv_nsec = (long)(n * 7919 % 40 + 5) * 1000000 };
		nanosleep(&pause, NULL);
		int status = 0;
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		const int64_t seen = ask(b->path, "SELECT coalesce(sum(packets), 0) FROM seen"), day = ask(b->path, "SELECT coalesce(sum(packets), 0) FROM day");
		assert_int_equal(seen, day);
		assert_int_equal(ask(b->path, "SELECT coalesce(sum(packets), 0) FROM minute"), day);
	}
	assert_true(ask(b->path, "SELECT sum(packets) FROM day") > 0);
	open_bench(b, &roomy);
	assert_string_equal(b->note, "");
}

static void prune_all(struct bench *b, int64_t now, bool may_age)
{
	int r = 1;

	for (unsigned int i = 0; r == 1 && i < 100000; i++)
		r = fw_history_prune(b->history, now, may_age);
	assert_int_equal(r, 0);
}

static void goes_for_its_age(void **state)
{
	struct bench *b = *state;
	int64_t from = 0;

	for (int64_t day = 0; day < 20; day++)
		assert_int_equal(write_hit(b, 1, b->now - day * 86400, 1, 20), 0);
	prune_all(b, b->now, false);
	assert_int_equal(ask(b->path, "SELECT count(*) FROM minute"), 20);
	prune_all(b, b->now, true);
	assert_true(ask(b->path, "SELECT min(time) FROM minute") >= b->now - (int64_t)FW_HISTORY_KEEP_MINUTES_S - 600);
	assert_true(ask(b->path, "SELECT min(time) FROM hour") >= b->now - (int64_t)FW_HISTORY_KEEP_S - 3600);
	/* what is asked of a time whose minutes are gone begins at the hour */
	assert_true(sum_since(b->history, b->now - 5 * 86400 - 100, b->now + 1, &from) >= 5);
	assert_int_equal(from % 3600, 0);
}

static void goes_for_room(void **state)
{
	static const struct fw_history_limits tight = { FW_HISTORY_KEEP_S, 1 << 20 };
	struct bench *b = *state;
	struct stat st;
	unsigned int full = 0;

	assert_int_equal(fw_history_set_limits(b->history, &tight), 0);
	for (int64_t at = b->now - 86400; at < b->now; at += 60) {
		struct fw_history_hit hits[LINES];
		for (size_t i = 0; i < LINES; i++)
			hits[i] = (struct fw_history_hit){ .seen = { .line = b->numbers[i], .epoch = 1 }, .packets = 1 };
		const struct fw_history_batch batch = { .time = at, .hits = hits, .hit_count = LINES };
		int r = fw_history_write(b->history, &batch);
		assert_true(r == 0 || r == -ENOSPC);
		full += r == -ENOSPC;
		if (r == -ENOSPC || at % 3600 < 60)
			prune_all(b, b->now, true);
	}
	prune_all(b, b->now, true);
	assert_int_equal(stat(b->path, &st), 0);
	assert_true(st.st_size <= 1 << 20);
	assert_true(ask(b->path, "SELECT max(time) FROM minute") > b->now - 3600 || full > 0);
}

static void damaged_file(void **state)
{
	struct bench *b = *state;
	char aside[128];

	assert_int_equal(write_hit(b, 0, b->now, 5, 5), 0);
	fw_history_close(b->history);
	FILE *file = fopen(b->path, "r+b");
	assert_non_null(file);
	for (unsigned int i = 0; i < 60000; i++)
		fputc((int)(i * 31 & 0xff), file);
	fclose(file);
	open_bench(b, &roomy);
	assert_non_null(strstr(b->note, "damaged"));
	snprintf(aside, sizeof(aside), "%s.damaged", b->path);
	assert_int_equal(access(aside, F_OK), 0);
	number(b);
	assert_int_equal(write_hit(b, 0, b->now, 5, 5), 0);
}

static struct fw_heavy heavy_of(struct fw_heavy_item *items, uint32_t len)
{
	return (struct fw_heavy){ .items = items, .len = len, .room = len };
}

static void tops_add_up(void **state)
{
	struct bench *b = *state;
	struct fw_heavy_item items[2] = { { { 0, 0xc0000207, 0 }, 10, 0 }, { { 0x20010db800000000, 7, 1 }, 4, 1 } };
	const struct fw_heavy heavy = heavy_of(items, 2);
	const int64_t hour = b->now - b->now % 3600;
	const struct fw_history_query query = { .since = hour - 7200, .until = b->now + 1, .lines = &b->numbers[2], .line_count = 1 };
	struct fw_vec shares;

	for (int64_t h = 0; h < 2; h++)
		for (unsigned int again = 0; again < 2; again++) { /* the same run replaces what it wrote */
			const struct fw_history_top top = { b->numbers[2], FW_TOP_SOURCES, hour - h * 3600, &heavy };
			const struct fw_history_batch batch = { .time = b->now, .tops = &top, .top_count = 1 };
			assert_int_equal(fw_history_write(b->history, &batch), 0);
		}
	fw_vec_init(&shares, NULL, sizeof(struct fw_history_share));
	assert_int_equal(fw_history_tops(b->history, &query, FW_TOP_SOURCES, &shares), 0);
	assert_int_equal(shares.len, 2);
	for (size_t i = 0; i < shares.len; i++) {
		const struct fw_history_share *share = fw_vec_at(&shares, i);
		assert_int_equal(share->item.count, share->item.key.tag ? 8 : 20);
		assert_int_equal(share->item.error, share->item.key.tag ? 2 : 0);
	}
	fw_vec_done(&shares);
}

static void take_event(const char *json, void *data)
{
	strncat(data, json, 63);
}

static void events_of_late(void **state)
{
	struct bench *b = *state;
	const struct fw_history_event events[] = { { b->numbers[0], b->now * 1000000, "a" }, { b->numbers[0], b->now * 1000000, "b" },
						   { b->numbers[1], b->now * 1000000, "c" } };
	const struct fw_history_batch batch = { .time = b->now, .events = events, .event_count = 3 };
	char text[256] = "";

	assert_int_equal(fw_history_write(b->history, &batch), 0);
	assert_int_equal(fw_history_events(b->history, b->now + 1, 2, take_event, text), 0);
	assert_string_equal(text, "bc");
	assert_int_equal(fw_history_events(b->history, b->now, 2, take_event, text), 0);
	assert_string_equal(text, "bc");
}

static void seen_again(void **state)
{
	struct bench *b = *state;
	struct fw_vec seen;
	int64_t before[LINES];

	assert_int_equal(write_hit(b, 4, b->now, 5, 12), 0);
	fw_history_close(b->history);
	open_bench(b, &roomy);
	fw_vec_init(&seen, NULL, sizeof(struct fw_history_seen));
	assert_int_equal(fw_history_last_seen(b->history, &seen), 0);
	assert_int_equal(seen.len, 1);
	const struct fw_history_seen *one = fw_vec_at(&seen, 0);
	assert_true(one->line == b->numbers[4] && one->packets == 12 && one->bytes == 720 && one->handle == 7 && one->last_hit == b->now);
	fw_vec_done(&seen);
	memcpy(before, b->numbers, sizeof(before));
	number(b);
	assert_memory_equal(before, b->numbers, sizeof(before));
	assert_int_equal(fw_history_note_clock(b->history, b->now, -86400), 0);
	struct fw_history_facts facts;
	assert_int_equal(fw_history_facts(b->history, &facts), 0);
	assert_int_equal(facts.clock_steps, 1);
}

/* A blob of somebody else's is none of ours. */
static void garbage_tops(void **state)
{
	struct bench *b = *state;
	const struct fw_history_query query = { .since = 0, .until = b->now + 1 };
	struct fw_vec shares;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO top VALUES(3600, 1, 0, 1, x'0102'), (3600, 2, 0, 1, zeroblob(36000)), (3600, 3, 0, 1, 'text')", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	fw_vec_init(&shares, NULL, sizeof(struct fw_history_share));
	assert_int_equal(fw_history_tops(b->history, &query, FW_TOP_SOURCES, &shares), 0);
	assert_int_equal(shares.len, 0);
	fw_vec_done(&shares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sums_are_alike, setup, teardown),  cmocka_unit_test_setup_teardown(killed_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_for_its_age, setup, teardown), cmocka_unit_test_setup_teardown(goes_for_room, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_file, setup, teardown),    cmocka_unit_test_setup_teardown(tops_add_up, setup, teardown),
		cmocka_unit_test_setup_teardown(events_of_late, setup, teardown),  cmocka_unit_test_setup_teardown(seen_again, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage_tops, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
