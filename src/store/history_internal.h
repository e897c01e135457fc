/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/history_internal.h - what the files of the history share. */
#ifndef FW_STORE_HISTORY_INTERNAL_H
#define FW_STORE_HISTORY_INTERNAL_H

#include <sqlite3.h>

#include "store/history.h"

#define FW_PAGE_BYTES 4096

enum fw_history_sql { /* statements that are prepared once */
	FW_SQL_BEGIN,
	FW_SQL_COMMIT,
	FW_SQL_ROLLBACK,
	FW_SQL_ADD_LINE,
	FW_SQL_ADD_MINUTE,
	FW_SQL_ADD_HOUR,
	FW_SQL_ADD_DAY,
	FW_SQL_SET_SEEN,
	FW_SQL_SET_LAST_HIT,
	FW_SQL_SET_TOP,
	FW_SQL_ADD_EVENT,
	FW_SQL_TRIM_EVENTS,
	FW_SQL_COUNT
};

struct fw_history {
	sqlite3 *db;
	sqlite3_stmt *statements[FW_SQL_COUNT]; /* NULL: not prepared yet */
	struct fw_history_limits limits;
	int64_t run; /* a number that no earlier run had: tells its tops from those of others */
	int64_t deadline_ms; /* of the present question, 0: none */
	char *path;
};

/* An SQLite result as 0 or -errno. */
int fw_history_error(int result);
/* The statement, reset, without values. NULL: -ENOMEM, or the database is damaged. */
sqlite3_stmt *fw_history_statement(struct fw_history *history, enum fw_history_sql which);
/* Runs one that gives no rows. 0 or -errno. */
int fw_history_step(sqlite3_stmt *statement);
int fw_history_exec(struct fw_history *history, const char *sql);
/* The first column of the first row; `otherwise` where there is none, or it is NULL. */
int fw_history_number(struct fw_history *history, const char *sql, int64_t otherwise, int64_t *ret_value);
void fw_history_finalize(sqlite3_stmt **statement); /* for FW_CLEANUP */

/* Since when rows of a table are all there: "minute", "hour", "day". */
int fw_history_complete_from(struct fw_history *history, const char *table, int64_t *ret_from);

/* An item of a summary as bytes of a row, little-endian: hi, lo, count, error (8 bytes each), tag (4). */
#define FW_TOP_ITEM_BYTES 36
void fw_history_pack_top(const struct fw_heavy *heavy, uint8_t *ret_bytes);
struct fw_heavy_item fw_history_unpack_top(const uint8_t *bytes);

#endif
