/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/history.c - the database of hits: opening, its tables, what is common to writing and reading. The file may have been touched by others: it is opened
 * as untrusted, and what is damaged is moved aside. */
#include "store/history_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION 0x66776374 /* "fwct" */
#define LAYOUT 1
#define BUSY_MS 2000
#define WAL_PAGES 1000

static const char layout[] =
	"CREATE TABLE line(number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, file TEXT, place INTEGER NOT NULL, text TEXT, label TEXT,"
	" name TEXT, direction TEXT, verdict TEXT, told INTEGER NOT NULL, last_hit INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE seen(line INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, handle INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" over_handle INTEGER NOT NULL, over_packets INTEGER NOT NULL);"
	"CREATE TABLE minute(time INTEGER NOT NULL, line INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, over_packets INTEGER NOT NULL,"
	" PRIMARY KEY(time, line)) WITHOUT ROWID;"
	"CREATE TABLE hour(time INTEGER NOT NULL, line INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, over_packets INTEGER NOT NULL,"
	" PRIMARY KEY(time, line)) WITHOUT ROWID;"
	"CREATE TABLE day(time INTEGER NOT NULL, line INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, over_packets INTEGER NOT NULL,"
	" PRIMARY KEY(time, line)) WITHOUT ROWID;"
	"CREATE TABLE top(hour INTEGER NOT NULL, line INTEGER NOT NULL, kind INTEGER NOT NULL, run INTEGER NOT NULL, items BLOB NOT NULL,"
	" PRIMARY KEY(hour, line, kind, run)) WITHOUT ROWID;"
	"CREATE TABLE event(number INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, line INTEGER NOT NULL, json TEXT NOT NULL);"
	"CREATE TABLE step(number INTEGER PRIMARY KEY, time INTEGER NOT NULL, seconds INTEGER NOT NULL);"
	"CREATE TABLE run(number INTEGER PRIMARY KEY, time INTEGER NOT NULL);"
	"CREATE TABLE dropped(what TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA application_id = 1719100276;"
	"PRAGMA user_version = 1;";

static const char *const texts[FW_SQL_COUNT] = {
	[FW_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[FW_SQL_COMMIT] = "COMMIT",
	[FW_SQL_ROLLBACK] = "ROLLBACK",
	[FW_SQL_ADD_LINE] = "INSERT INTO line(key, file, place, text, label, name, direction, verdict, told) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
			    " ON CONFLICT(key) DO UPDATE SET file = ?2, place = ?3, text = ?4, label = ?5, name = ?6, direction = ?7, verdict = ?8, told = ?9"
			    " RETURNING number",
#define ADD_HITS(table)                                                                                    \
	"INSERT INTO " table " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(time, line) DO UPDATE SET packets = packets + ?3," \
	" bytes = bytes + ?4, over_packets = over_packets + ?5"
	[FW_SQL_ADD_MINUTE] = ADD_HITS("minute"),
	[FW_SQL_ADD_HOUR] = ADD_HITS("hour"),
	[FW_SQL_ADD_DAY] = ADD_HITS("day"),
	[FW_SQL_SET_SEEN] = "INSERT OR REPLACE INTO seen VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[FW_SQL_SET_LAST_HIT] = "UPDATE line SET last_hit = max(last_hit, ?2) WHERE number = ?1",
	[FW_SQL_SET_TOP] = "INSERT OR REPLACE INTO top VALUES(?1, ?2, ?3, ?4, ?5)",
	[FW_SQL_ADD_EVENT] = "INSERT INTO event(time_us, line, json) VALUES(?1, ?2, ?3)",
	[FW_SQL_TRIM_EVENTS] = "DELETE FROM event WHERE number <= (SELECT max(number) FROM event) - ?1",
};

int fw_history_error(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_INTERRUPT:
		return -ETIMEDOUT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return -EIO;
	}
}

sqlite3_stmt *fw_history_statement(struct fw_history *history, enum fw_history_sql which)
{
	sqlite3_stmt **statement = &history->statements[which];

	if (!*statement && sqlite3_prepare_v3(history->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
		return NULL;
	(void)sqlite3_reset(*statement);
	(void)sqlite3_clear_bindings(*statement);
	return *statement;
}

int fw_history_step(sqlite3_stmt *statement)
{
	if (!statement)
		return -ENOMEM;
	const int result = sqlite3_step(statement);
	(void)sqlite3_reset(statement);
	return fw_history_error(result);
}

int fw_history_exec(struct fw_history *history, const char *sql)
{
	return fw_history_error(sqlite3_exec(history->db, sql, NULL, NULL, NULL));
}

void fw_history_finalize(sqlite3_stmt **statement)
{
	(void)sqlite3_finalize(*statement);
}

int fw_history_number(struct fw_history *history, const char *sql, int64_t otherwise, int64_t *ret_value)
{
	sqlite3_stmt *statement FW_CLEANUP(fw_history_finalize) = NULL;
	int result = sqlite3_prepare_v2(history->db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	*ret_value = otherwise;
	if (result == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
		*ret_value = sqlite3_column_int64(statement, 0);
	return fw_history_error(result);
}

int fw_history_complete_from(struct fw_history *history, const char *table, int64_t *ret_from)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT until FROM dropped WHERE what = '%s'", table);
	return fw_history_number(history, sql, 0, ret_from);
}

/* --- opening --- */

static int configure(struct fw_history *history)
{
	char sql[160];

	(void)sqlite3_busy_timeout(history->db, BUSY_MS);
	(void)sqlite3_db_config(history->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(history->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(history->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(history->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	int r = fw_history_exec(history, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA cache_size = -2048; PRAGMA mmap_size = 0;"
					 "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON");
	if (r == 0)
		r = fw_history_exec(history, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
	snprintf(sql, sizeof(sql), "PRAGMA wal_autocheckpoint = %d", WAL_PAGES);
	return r < 0 ? r : fw_history_exec(history, sql);
}

static int make_layout(struct fw_history *history)
{
	int r = fw_history_exec(history, "BEGIN IMMEDIATE");

	if (r == 0)
		r = fw_history_exec(history, layout);
	if (r == 0)
		return fw_history_exec(history, "COMMIT");
	(void)fw_history_exec(history, "ROLLBACK");
	return r;
}

/* 0; -EBADMSG: damaged, or not ours. */
static int check_layout(struct fw_history *history)
{
	int64_t application = 0, version = 0, tables = 0;
	sqlite3_stmt *statement FW_CLEANUP(fw_history_finalize) = NULL;
	int r = fw_history_number(history, "PRAGMA application_id", 0, &application);

	if (r == 0)
		r = fw_history_number(history, "PRAGMA user_version", 0, &version);
	if (r == 0)
		r = fw_history_number(history, "SELECT count(*) FROM sqlite_schema", 0, &tables);
	if (r < 0)
		return r;
	if (tables == 0)
		return make_layout(history);
	if (application != APPLICATION || version != LAYOUT)
		return -EBADMSG;
	int result = sqlite3_prepare_v2(history->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result != SQLITE_ROW)
		return fw_history_error(result);
	const char *answer = (const char *)sqlite3_column_text(statement, 0);
	return answer && strcmp(answer, "ok") == 0 ? 0 : -EBADMSG;
}

static int begin_run(struct fw_history *history)
{
	char sql[128];
	const long long now = (long long)time(NULL);

	snprintf(sql, sizeof(sql), "INSERT INTO run(time) VALUES(%lld)", now);
	int r = fw_history_exec(history, sql);
	history->run = sqlite3_last_insert_rowid(history->db);
	return r;
}

static void close_database(struct fw_history *history)
{
	for (size_t i = 0; i < FW_SQL_COUNT; i++) {
		(void)sqlite3_finalize(history->statements[i]);
		history->statements[i] = NULL;
	}
	(void)sqlite3_close(history->db);
	history->db = NULL;
}

/* What was deleted must not be found in free pages by whoever gets the file; that is not worth its writes: the file is 0600. */
static int open_database(struct fw_history *history, int flags)
{
	int r = fw_history_error(sqlite3_open_v2(history->path, &history->db, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL));

	if (r == 0)
		r = configure(history);
	if (r == 0)
		r = check_layout(history);
	if (r < 0)
		close_database(history);
	return r;
}

static int move_aside(const char *path, const char *suffix)
{
	char from[4096], to[4096];

	if (snprintf(from, sizeof(from), "%s%s", path, suffix) >= (int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s.damaged%s", path, suffix) >= (int)sizeof(to))
		return -ENAMETOOLONG;
	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

static int replace_damaged(struct fw_history *history, char ret_note[256])
{
	int r = move_aside(history->path, "-wal");

	if (r == 0)
		r = move_aside(history->path, "-shm");
	if (r == 0)
		r = move_aside(history->path, "");
	snprintf(ret_note, 256, "%s is damaged or none of ours; it was moved to %s.damaged, and a new one begun", history->path, history->path);
	return r < 0 ? r : open_database(history, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

static struct fw_history *new_history(const char *path)
{
	struct fw_history *history = calloc(1, sizeof(*history));
	char *copy = history ? strdup(path) : NULL;

	if (!copy) {
		free(history);
		return NULL;
	}
	history->path = copy;
	return history;
}

int fw_history_open(const char *path, const struct fw_history_limits *limits, char ret_note[256], struct fw_history **ret_history)
{
	struct fw_history *history = new_history(path);
	ret_note[0] = '\0';
	if (!history)
		return -ENOMEM;

	int r = open_database(history, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (r == -EBADMSG)
		r = replace_damaged(history, ret_note);
	if (r == 0)
		r = fw_history_set_limits(history, limits);
	if (r == 0)
		r = begin_run(history);
	if (r < 0) {
		if (!ret_note[0])
			snprintf(ret_note, 256, "%s", path);
		fw_history_close(history);
		return r;
	}
	*ret_history = history;
	return 0;
}

int fw_history_open_reader(const char *path, struct fw_history **ret_history)
{
	struct fw_history *history = access(path, F_OK) == 0 ? new_history(path) : NULL;
	if (!history)
		return access(path, F_OK) < 0 ? -errno : -ENOMEM;

	int r = fw_history_error(sqlite3_open_v2(path, &history->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL));
	if (r == 0)
		(void)sqlite3_busy_timeout(history->db, BUSY_MS);
	if (r < 0) {
		fw_history_close(history);
		return r;
	}
	*ret_history = history;
	return 0;
}

void fw_history_close(struct fw_history *history)
{
	if (!history)
		return;
	close_database(history);
	free(history->path);
	free(history);
}

int fw_history_set_limits(struct fw_history *history, const struct fw_history_limits *limits)
{
	char sql[160];
	const uint64_t log = limits->max_bytes / 16 > 1 << 20 ? limits->max_bytes / 16 : 1 << 20;

	history->limits = *limits;
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %llu; PRAGMA journal_size_limit = %llu", (unsigned long long)(limits->max_bytes / FW_PAGE_BYTES),
		 (unsigned long long)log);
	return fw_history_exec(history, sql);
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
	char name[4096];
	struct stat st;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name) || stat(name, &st) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

int fw_history_facts(struct fw_history *history, struct fw_history_facts *ret_facts)
{
	int64_t oldest = 0, newest = 0, steps = 0;
	int r = fw_history_number(history, "SELECT min(time) FROM day", 0, &oldest);
	int64_t hour = 0, dropped = 0;

	if (r == 0)
		r = fw_history_number(history, "SELECT min(time) FROM hour", 0, &hour);
	if (r == 0)
		r = fw_history_number(history, "SELECT max(time) FROM minute", 0, &newest);
	if (r == 0)
		r = fw_history_number(history, "SELECT count(*) FROM step", 0, &steps);
	if (r == 0)
		r = fw_history_complete_from(history, "hour", &dropped);
	if (r < 0)
		return r;
	if (hour > oldest && dropped <= oldest) /* the first day began with that hour */
		oldest = hour;
	*ret_facts = (struct fw_history_facts){ file_bytes(history->path, "") + file_bytes(history->path, "-wal"), oldest, newest, (uint64_t)steps };
	return 0;
}
