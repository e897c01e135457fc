/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/board.h - what the front knows: the lines of the policy that runs with their counters, the events of late, the top sources and ports of the hour. Shared by
 * three threads under one lock: main puts policies and counts in and tells clients, the reader puts events in, the historian books what is new.
 * Lines are made by main and freed by the historian only, which also frees replaced strings: between two of its turns pointers to them stay good. */
#ifndef FW_DAEMON_BOARD_H
#define FW_DAEMON_BOARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/message.h"
#include "engine/event.h"
#include "store/history.h"

#define FW_RING_EVENTS 4096 /* a power of two */
#define FW_BOARD_HEAVY_ITEMS ((size_t)128 << 10) /* of all summaries: 5.5 MiB */

struct fw_board_line {
	struct fw_line line;
	char *strings[5];    /* what `line` points to, besides its key */
	char key[FW_LINE_KEY_MAX];
	bool is_current;     /* of the policy that runs */
	bool is_numbered;    /* booked.line is its number in the history */
	bool must_book;      /* also without hits: where its counting begins is to be remembered */
	uint64_t epoch;      /* of `now` */
	struct fw_message_count now;  /* as the kernel counted */
	struct fw_history_seen booked; /* as the history has it */
	double rate;         /* packets a second */
	uint64_t rate_packets;
	int64_t rate_us, last_hit; /* Unix time */
	uint64_t events;
	struct fw_heavy tops[2]; /* by enum fw_history_top_kind, of the hour */
	bool tops_changed;
};
struct fw_board_event {
	struct fw_event event;
	struct fw_board_line *line;
};
struct fw_board_change {
	int64_t time; /* 0: none yet */
	uint32_t pid;
	char program[32];
	bool ours;
};
struct fw_board_policy {
	bool active, in_sync;
	uint64_t serial, generation, epoch;
	int64_t applied_at, horizon;
	char *path, *user, *drift; /* heap, or NULL */
};
struct fw_board {
	pthread_mutex_t lock;
	atomic_int waiting; /* for the lock, besides the reader: it lets them go first */
	struct fw_board_policy policy;
	struct fw_vec lines; /* struct fw_board_line *, in the order of the policy */
	struct fw_vec gone;  /* of former policies: until they are booked and no event needs them */
	struct fw_vec trash; /* char *: replaced strings */
	struct fw_map by_key, by_log_key; /* of `lines` and `gone` */
	struct fw_arena *arena; /* of the maps */
	struct fw_board_event *ring; /* event n lies at n % FW_RING_EVENTS */
	uint64_t event_count;   /* ever */
	struct fw_nflog_tally tally;
	uint64_t unknown; /* events of no line that is known */
	struct fw_heavy_budget budget;
	int64_t hour;       /* of the summaries */
	int64_t counted_us; /* Unix time of the last reading, 0: none yet */
	int64_t counted_before_us;
	struct fw_board_change change;
	uint64_t nflog_group;
	int64_t nflog_error;
	int64_t started;
};

int fw_board_init(struct fw_board *board, int64_t now); /* 0 or -ENOMEM */
void fw_board_lock(struct fw_board *board);
void fw_board_lock_politely(struct fw_board *board); /* behind those that wait: for the reader, who comes again and again */
void fw_board_unlock(struct fw_board *board);

/* A policy while it is told. */
struct fw_board_next {
	struct fw_board_policy policy;
	struct fw_vec lines; /* struct fw_board_line *: new ones; matched with those that are known at the end */
	uint32_t due;
	bool is_open;
};
int fw_board_next_begin(struct fw_board_next *next, const struct fw_message *message); /* 0, -EBADMSG, -ENOMEM */
int fw_board_next_line(struct fw_board_next *next, const struct fw_message *message);
/* Takes the lock. 0; -EBADMSG: lines are missing; -ENOMEM. */
int fw_board_next_end(struct fw_board *board, struct fw_board_next *next);
void fw_board_next_done(struct fw_board_next *next);

/* Under the lock. */
int fw_board_take_counts(struct fw_board *board, const struct fw_message *message); /* 0, -EBADMSG */
void fw_board_counted(struct fw_board *board, int64_t time_us);
struct fw_board_line *fw_board_find_log(struct fw_board *board, struct fw_str log_key); /* or NULL */
void fw_board_add_event(struct fw_board *board, const struct fw_event *event, struct fw_board_line *line);
/* Begins a new hour: summaries are emptied. */
void fw_board_begin_hour(struct fw_board *board, int64_t hour);
/* Frees what nobody needs any more. The historian's, in no other thread. 0 or -ENOMEM. */
int fw_board_sweep(struct fw_board *board);
struct fw_heavy_key fw_board_source_key(const struct fw_packet *packet);
struct fw_heavy_key fw_board_port_key(const struct fw_packet *packet);

#endif
