/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/history.h - what was hit when: a SQLite database with one writer and any number of readers (WAL). Hits by minute, hour and day, the top sources and ports
 * of each line and hour, the last events, what was last read of each counter. Times are Unix seconds, as the clock of the host said. A line is what
 * has a counter: a rule, a block, a built-in of a direction, a default; its key ("rule/ID", "block/ID", "builtin/in/loopback", "default/in") stays
 * the same as long as its text does. */
#ifndef FW_STORE_HISTORY_H
#define FW_STORE_HISTORY_H

#include "base/heavy.h"
#include "base/vec.h"

#define FW_HISTORY_KEEP_S (14u * 86400)
#define FW_HISTORY_BYTES ((uint64_t)256 << 20)
#define FW_HISTORY_KEEP_MINUTES_S (2u * 86400) /* rows by minute */
#define FW_HISTORY_EVENTS 20000                /* kept at most */

struct fw_history; /* an open database: the writer, or a reader. Each is used by one thread at a time. */

struct fw_history_limits {
	uint64_t keep_s;    /* rows that are older go */
	uint64_t max_bytes; /* of the database file; its log beside it (WAL) takes at most a sixteenth more, 1 MiB at least */
};

/* Makes the file (by the caller's umask), repairs what a killed process left (by the log), brings an older layout up to date. A file that is no database, or is damaged, is moved aside to PATH.damaged and
 * a new one begun (*ret_note says so, else ""). 0; -errno with words in ret_note. */
int fw_history_open(const char *path, const struct fw_history_limits *limits, char ret_note[256], struct fw_history **ret_history);
/* A reader beside it: queries only. 0; -ENOENT; -errno. */
int fw_history_open_reader(const char *path, struct fw_history **ret_history);
void fw_history_close(struct fw_history *history); /* NULL is fine */
int fw_history_set_limits(struct fw_history *history, const struct fw_history_limits *limits);

struct fw_history_line { /* strings may be NULL but for key; what is told last of a key is what is shown */
	const char *key, *file, *text, *label, *name, *direction, *verdict;
	uint32_t line;
};
/* The numbers of these lines, made where they are new; place and label are brought up to date. One transaction. 0 or -errno (-ENOSPC: disk full). */
int fw_history_number_lines(struct fw_history *history, const struct fw_history_line *lines, size_t count, int64_t *ret_numbers);

/* Lines that nobody told of, and that had no hits, for as long as anything is kept. For once after the lines of the present policy were numbered: nobody may hold a
 * number of another one. 0 or -errno. */
int fw_history_forget_lines(struct fw_history *history, int64_t now);

/* A counter as it was last read. `epoch`: boot, namespace and table in one number; `handle`: the counter in it. */
struct fw_history_seen {
	int64_t line;
	uint64_t epoch, handle;
	uint64_t packets, bytes;           /* of packets that the line decided */
	uint64_t over_handle, over_packets; /* over its limit */
	int64_t last_hit;                  /* 0: never, as far as is known */
};
int fw_history_last_seen(struct fw_history *history, struct fw_vec *ret_seen); /* struct fw_history_seen */

struct fw_history_hit { /* since the last write */
	struct fw_history_seen seen; /* what is to be found there at the next start */
	uint64_t packets, bytes, over_packets;
};
enum fw_history_top_kind { FW_TOP_SOURCES, FW_TOP_PORTS };
struct fw_history_top { /* all of a line's hour so far; replaces what this run of the daemon wrote for that hour before */
	int64_t line;
	enum fw_history_top_kind kind;
	int64_t hour; /* its first second */
	const struct fw_heavy *heavy;
};
struct fw_history_event {
	int64_t line, time_us;
	const char *json; /* as it is told: an object */
};
struct fw_history_batch {
	int64_t time; /* Unix seconds that the hits are booked under */
	const struct fw_history_hit *hits;
	size_t hit_count;
	const struct fw_history_top *tops;
	size_t top_count;
	const struct fw_history_event *events;
	size_t event_count;
};
/* All of it or nothing. 0; -ENOSPC: disk full, or its own limit and nothing could be dropped; -EIO; -ENOMEM; -errno. After a failure the same may be written again. */
int fw_history_write(struct fw_history *history, const struct fw_history_batch *batch);
/* Drops what is too old, and the oldest where the file is too big (minutes, then hours, then days; events before them); gives the space back, in steps of at most some 50 ms: 1 where
 * there is more to do, 0, -errno. `may_age` false: only by size (the clock has just jumped, and may jump back). */
int fw_history_prune(struct fw_history *history, int64_t now, bool may_age);
/* Remembers a step of the clock (seconds, signed), for those who read the history. */
int fw_history_note_clock(struct fw_history *history, int64_t now, int64_t step_s);

struct fw_history_facts {
	uint64_t bytes;   /* file and log */
	int64_t oldest;   /* first second of the oldest row; 0: none */
	int64_t newest;   /* of the newest, as the writer wrote it */
	uint64_t clock_steps;
};
int fw_history_facts(struct fw_history *history, struct fw_history_facts *ret_facts);

/* --- questions, for readers and the writer --- */
enum fw_history_resolution { FW_BY_MINUTE, FW_BY_HOUR, FW_BY_DAY };
struct fw_history_query {
	int64_t since, until;        /* since is taken down to the resolution of what is kept */
	const int64_t *lines;        /* only these; NULL: all */
	size_t line_count;
	uint32_t timeout_ms;         /* 0: none; after it -ETIMEDOUT */
};
struct fw_history_sum { /* by line */
	int64_t line;
	uint64_t packets, bytes, over_packets;
};
/* Sums by line over the time; from days, and hours (or minutes, as far as they are kept) at the beginning. 0 or -errno; *ret_from: where it begins really. */
int fw_history_by_line(struct fw_history *history, const struct fw_history_query *query, struct fw_vec *ret_sums, int64_t *ret_from);
struct fw_history_time {
	int64_t time;
	uint64_t packets, bytes, over_packets;
};
/* By minute of at most six hours, where all of it is kept; by hour of at most fifteen days; else by day. Only times with hits, oldest first. */
int fw_history_by_time(struct fw_history *history, const struct fw_history_query *query, struct fw_vec *ret_times, enum fw_history_resolution *ret_resolution);
struct fw_history_share { /* of one line: an item of its summaries, added up */
	int64_t line;
	struct fw_heavy_item item;
};
/* Hours are whole. Merged over all hours and runs; in no order. At most 1,000,000 shares are added up: -E2BIG past that. */
int fw_history_tops(struct fw_history *history, const struct fw_history_query *query, enum fw_history_top_kind kind, struct fw_vec *ret_shares);
/* The newest `count` events of before `until` (Unix seconds), oldest first: each is called with its JSON text. */
int fw_history_events(struct fw_history *history, int64_t until, size_t count, void (*take)(const char *json, void *data), void *data);
/* All lines that the history knows (with number), also those of former policies. Strings live in `arena`. */
struct fw_history_known {
	int64_t number;
	struct fw_history_line line;
	int64_t last_hit;
};
int fw_history_lines(struct fw_history *history, struct fw_arena *arena, struct fw_vec *ret_lines);

#endif
