/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/front.h - the process without rights: what its files share. Three threads: main (loop, channel, clients), reader (NFLOG), historian (the
 * database). */
#ifndef FW_DAEMON_FRONT_H
#define FW_DAEMON_FRONT_H

#include <microhttpd.h>
#include <systemd/sd-event.h>

#include "daemon/board.h"

#define FW_FRONT_OPTION "--front" /* how the keeper calls itself as the front; not for people */

/* --- reader --- */
struct fw_reader {
	struct fw_board *board;
	pthread_t thread;
	int wake_fd; /* eventfd: there is a new socket in `next_fd` */
	pthread_mutex_t lock;
	int next_fd; /* -1: none */
	bool has_next;
};
int fw_reader_start(struct fw_reader *reader, struct fw_board *board);
void fw_reader_listen(struct fw_reader *reader, int fd); /* takes the NFLOG socket over; -1: none any more */

/* --- historian --- */
enum fw_job_kind { FW_JOB_HITS, FW_JOB_PAST };
enum fw_hits_by { FW_HITS_BY_RULE, FW_HITS_BY_SOURCE, FW_HITS_BY_PORT, FW_HITS_BY_TIME };
struct fw_job { /* a question of a client about the past */
	enum fw_job_kind kind;
	enum fw_hits_by by;
	uint64_t since_s;
	char rule[256], direction[16]; /* "": all */
	size_t limit;
	struct fw_buf out; /* the answer's body */
	int status;        /* of HTTP */
	uint64_t ticket;   /* of the request that asked */
	struct fw_job *next;
};
struct fw_historian {
	struct fw_board *board;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const char *path;
	struct fw_history *history; /* the historian's; NULL: it could not be opened yet */
	/* under the lock: */
	struct fw_history_limits limits;
	bool limits_changed, counted, ends;
	struct fw_job *jobs, *done; /* lists */
	size_t job_count;
	int done_fd; /* eventfd: something is done */
	struct fw_history_facts facts;
	char error[256]; /* what it cannot do now, or "" */
	/* the historian's own: */
	uint64_t booked_events; /* of board->event_count */
	int64_t wall, boot;     /* clocks at the last turn, seconds */
	int64_t distrust_until; /* of the boot clock: until then nothing goes for its age */
	bool is_first; /* the history has just begun */
	bool forgot;   /* lines of long ago */
	struct fw_vec seen; /* struct fw_history_seen, of the start, sorted by line */
};
int fw_historian_start(struct fw_historian *historian, struct fw_board *board, const char *path);
void fw_historian_counted(struct fw_historian *historian); /* there are new counts */
void fw_historian_set_limits(struct fw_historian *historian, const struct fw_history_limits *limits);
int fw_historian_ask(struct fw_historian *historian, struct fw_job *job); /* takes it over; -EBUSY: too many wait */
struct fw_job *fw_historian_answers(struct fw_historian *historian); /* a list of those that are done, the caller's */
void fw_job_free(struct fw_job *job);
void fw_historian_stop(struct fw_historian *historian); /* books what is new and ends */
/* Answers one job with the database that is open. */
void fw_hits_answer(struct fw_historian *historian, struct fw_job *job);

/* --- the server --- */
struct fw_front;
struct fw_server {
	struct fw_front *front;
	struct MHD_Daemon *http;
	sd_event_source *http_timer;
	int tcp_fd; /* listener, -1: none */
	sd_event_source *tcp_source;
	struct fw_request *waiting; /* for counts, or for an answer of keeper or historian */
	struct fw_stream *streams;
	size_t stream_count, clients, clients_unprivileged;
	sd_event_source *tick; /* while there are streams, or the journal is written */
	uint64_t tickets;
};
struct fw_front {
	sd_event *loop;
	struct fw_channel channel;
	int unix_fd;
	struct fw_board board;
	struct fw_board_next next;
	struct fw_reader reader;
	struct fw_historian historian;
	struct fw_server server;
	bool journal;
	uint64_t journal_at; /* of board.event_count */
	uint64_t journal_lost;
	bool ready, is_unit;
	int exit_status;
};
int fw_front_run(const char *fds, const char *history_path); /* the whole life; the exit status */
/* The same as a unit of its own: sockets of systemd's, and the keeper's at FW_KEEPER_SOCKET. */
#define FW_KEEPER_SOCKET "/run/fwctld/keeper.sock"
int fw_front_run_unit(const char *history_path);
int fw_socket_of_systemd(int type); /* one that listens, of that type, or -ENOENT */
/* Forbids this process everything but what it does: files outside of `folder` (landlock: this thread and those that it starts from now on); and system calls that it
 * does not need (seccomp: all threads). 0 or -errno. */
int fw_sandbox_files(const char *folder);
int fw_sandbox_calls(void);

int fw_server_start(struct fw_server *server, struct fw_front *front);
void fw_server_listen_tcp(struct fw_server *server, int fd); /* -1: not any more */
void fw_server_counted(struct fw_server *server);            /* an answer to POLL came */
void fw_server_answers(struct fw_server *server);            /* the historian has answers */
void fw_server_take_members(struct fw_server *server, const struct fw_message *message);
int fw_server_take_done(struct fw_server *server, const struct fw_message *message); /* 0, -EBADMSG, -ENOMEM */
void fw_server_tick(struct fw_server *server);

/* --- requests --- */
enum fw_wait { FW_WAIT_NOTHING, FW_WAIT_COUNTS, FW_WAIT_HISTORY, FW_WAIT_KEEPER };
struct fw_request {
	struct fw_server *server;
	struct MHD_Connection *connection;
	enum fw_wait waits;
	uint64_t ticket; /* of its question to keeper or historian: no other request has it */
	uint64_t since_us;
	bool counted;  /* the counters were read for it */
	struct fw_job *job;  /* answered */
	struct fw_buf body;  /* of a POST or DELETE */
	struct fw_buf out;   /* members, or the answer */
	size_t members;
	int status; /* of the answer in `out`; 0: none yet */
	struct fw_request *next; /* of those that wait */
};
/* What a connection is. */
struct fw_peer {
	bool is_unix;
	uint32_t uid;
};

/* Bodies of answers, from the board under its lock. */
void fw_api_rules(struct fw_front *front, struct fw_buf *out);
void fw_api_rates(struct fw_front *front, struct fw_buf *out); /* of lines that were ever hit, in short */
void fw_api_status(struct fw_front *front, struct fw_buf *out);
void fw_api_past(const struct fw_front *front, size_t count, struct fw_buf *out);
void fw_api_metrics(struct fw_front *front, struct fw_buf *out);

/* A stream of events: a response of MHD that never ends by itself. */
struct fw_stream;
struct fw_stream *fw_stream_new(struct fw_server *server, struct MHD_Connection *connection, const struct fw_event_filter *filter); /* or NULL */
struct MHD_Response *fw_stream_response(struct fw_stream *stream); /* takes it over */
void fw_stream_feed(struct fw_stream *stream, const struct fw_board *board); /* under the lock */

/* New events into the journal. Takes the board's lock. */
void fw_journal_write(struct fw_front *front);

#endif
