/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/front.c - the life of the process without rights: threads, then the sandbox, then whatever comes. It ends when the keeper does. */
#include "daemon/front.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define ALIVE_EVERY_US (5 * 1000000ull)

static int give_up(struct fw_front *front, const char *what, int error)
{
	fprintf(stderr, "fwctld: front: %s: %s\n", what, strerror(-error));
	front->exit_status = 3;
	return sd_event_exit(front->loop, 0);
}

/* --- what the keeper says --- */

static void take_settings(struct fw_front *front, const struct fw_message *message)
{
	const struct fw_message_settings *settings = message->body;
	const struct fw_history_limits limits = { settings->keep_s, settings->max_bytes };

	fw_historian_set_limits(&front->historian, &limits);
	fw_server_listen_tcp(&front->server, message->fd);
	if (settings->journal && !front->journal)
		front->journal_at = front->board.event_count;
	front->journal = settings->journal;
	fw_server_tick(&front->server);
}

static void take_nflog(struct fw_front *front, const struct fw_message *message)
{
	const struct fw_message_nflog *told = message->body;

	fw_board_lock(&front->board);
	front->board.nflog_group = told->group;
	front->board.nflog_error = told->error;
	fw_board_unlock(&front->board);
	fw_reader_listen(&front->reader, message->fd);
}

static void take_change(struct fw_front *front, const struct fw_message *message)
{
	const struct fw_message_change *told = message->body;
	struct fw_board_change change = { told->time, told->pid, "", told->ours };

	memcpy(change.program, told->program, sizeof(change.program));
	change.program[sizeof(change.program) - 1] = '\0';
	fw_str_hide_controls(change.program);
	fw_board_lock(&front->board);
	if (change.ours || !front->board.change.ours)
		front->board.change = change;
	fw_board_unlock(&front->board);
}

static int take_counts(struct fw_front *front, const struct fw_message *message)
{
	fw_board_lock(&front->board);
	const int r = fw_board_take_counts(&front->board, message);
	fw_board_unlock(&front->board);
	return r;
}

static void be_ready(struct fw_front *front)
{
	if (front->ready)
		return;
	front->ready = true;
	if (front->is_unit)
		(void)sd_notify(0, "READY=1\nSTATUS=Counting");
	(void)fw_channel_send(&front->channel, FW_MESSAGE_READY, NULL, -1);
}

static void take_counted(struct fw_front *front, const struct fw_message *message)
{
	const struct fw_message_counts_end *end = message->body;

	if (end->error == 0) {
		fw_board_lock(&front->board);
		fw_board_counted(&front->board, end->time_us);
		fw_board_unlock(&front->board);
		fw_historian_counted(&front->historian);
	}
	fw_server_counted(&front->server);
	be_ready(front);
}

static int take(struct fw_front *front, struct fw_message *message)
{
	switch (message->kind) {
	case FW_MESSAGE_SETTINGS:
		take_settings(front, message);
		message->fd = -1;
		return 0;
	case FW_MESSAGE_POLICY:
		return fw_board_next_begin(&front->next, message);
	case FW_MESSAGE_LINE:
		return fw_board_next_line(&front->next, message);
	case FW_MESSAGE_POLICY_END:
		return fw_board_next_end(&front->board, &front->next);
	case FW_MESSAGE_COUNTS:
		return take_counts(front, message);
	case FW_MESSAGE_COUNTS_END:
		take_counted(front, message);
		return 0;
	case FW_MESSAGE_CHANGE:
		take_change(front, message);
		return 0;
	case FW_MESSAGE_NFLOG:
		take_nflog(front, message);
		message->fd = -1;
		return 0;
	case FW_MESSAGE_MEMBERS:
	case FW_MESSAGE_MEMBERS_END:
		fw_server_take_members(&front->server, message);
		return 0;
	case FW_MESSAGE_DONE:
		return fw_server_take_done(&front->server, message);
	case FW_MESSAGE_NONE:
	case FW_MESSAGE_READY:
	case FW_MESSAGE_ALIVE:
	case FW_MESSAGE_POLL:
	case FW_MESSAGE_ASK_MEMBERS:
	case FW_MESSAGE_BAN:
	case FW_MESSAGE_UNBAN:
	case FW_MESSAGE_KINDS:
		break;
	}
	return -EBADMSG;
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct fw_front *front = data;
	int r;

	(void)source;
	(void)fd;
	(void)events;
	for (unsigned int i = 0; i < 1000; i++) {
		struct fw_message message = { .fd = -1 };
		r = fw_channel_receive(&front->channel, &message);
		if (r == -ECONNRESET)
			return sd_event_exit(front->loop, 0);
		if (r == 0)
			return 0;
		if (r > 0)
			r = take(front, &message);
		fw_close_fd(&message.fd);
		if (r < 0)
			return give_up(front, "a message of the keeper", r);
	}
	return 0;
}

static int on_alive(sd_event_source *source, uint64_t now, void *data)
{
	struct fw_front *front = data;

	(void)now; /* when it was due */
	(void)fw_channel_send(&front->channel, FW_MESSAGE_ALIVE, NULL, -1);
	(void)sd_event_source_set_time_relative(source, ALIVE_EVERY_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_answers(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct fw_front *front = data;
	uint64_t wakes;

	(void)source;
	(void)events;
	(void)!read(fd, &wakes, sizeof(wakes));
	fw_server_answers(&front->server);
	return 0;
}

/* --- beginning and end --- */

static int add_sources(struct fw_front *front)
{
	int r = sd_event_add_io(front->loop, NULL, front->channel.fd, EPOLLIN, on_channel, front);

	if (r >= 0)
		r = sd_event_add_io(front->loop, NULL, front->historian.done_fd, EPOLLIN, on_answers, front);
	if (r >= 0)
		r = sd_event_add_time(front->loop, NULL, CLOCK_MONOTONIC, 0, 1000000, on_alive, front);
	if (r >= 0 && front->is_unit)
		r = sd_event_set_watchdog(front->loop, 1);
	return r;
}

/* The folder that a path is in, as text of its own. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? strndup(path, (size_t)(slash - path)) : strdup("/");
}

static int start(struct fw_front *front, const char *history_path)
{
	char *folder FW_CLEANUP(fw_free_ptr) = folder_of(history_path);
	int r = folder ? fw_board_init(&front->board, time(NULL)) : -ENOMEM;

	if (r >= 0)
		r = fw_sandbox_files(folder);
	if (r >= 0)
		r = sd_event_new(&front->loop);
	if (r >= 0)
		r = fw_reader_start(&front->reader, &front->board);
	if (r >= 0)
		r = fw_historian_start(&front->historian, &front->board, history_path);
	if (r >= 0)
		r = fw_server_start(&front->server, front);
	if (r >= 0)
		r = add_sources(front);
	return r >= 0 ? fw_sandbox_calls() : r;
}

/* "3,4": the channel and the Unix socket. */
static bool parse_fds(const char *fds, int *ret_channel, int *ret_unix)
{
	const char *comma = strchr(fds, ',');
	uint64_t first = 0, second = 0;

	if (!comma || fw_str_parse_u64((struct fw_str){ fds, (size_t)(comma - fds) }, 1023, &first) < 0 ||
	    fw_str_parse_u64(fw_str_from(comma + 1), 1023, &second) < 0)
		return false;
	*ret_channel = (int)first;
	*ret_unix = (int)second;
	return true;
}

static int live(struct fw_front *front, int channel_fd, const char *history_path)
{
	umask(0077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* the keeper's, who then closes the channel */
	(void)signal(SIGHUP, SIG_IGN);
	int r = fw_channel_init(&front->channel, channel_fd, FW_FRONT);
	if (r == 0)
		r = start(front, history_path);
	if (r >= 0)
		r = sd_event_loop(front->loop);
	if (r < 0) {
		fprintf(stderr, "fwctld: front: starting: %s\n", strerror(-r));
		_exit(3);
	}
	fw_historian_stop(&front->historian);
	_exit(front->exit_status); /* threads and what they share end together */
}

int fw_front_run(const char *fds, const char *history_path)
{
	struct fw_front *front = calloc(1, sizeof(*front)); /* as long as the process */
	int channel_fd = -1;

	if (!front || !parse_fds(fds, &channel_fd, &front->unix_fd)) {
		fputs("fwctld: this is not to be called by hand\n", stderr);
		free(front);
		return 64;
	}
	return live(front, channel_fd, history_path);
}

static int connect_to_keeper(void)
{
	const char *given = secure_getenv("FWCTL_KEEPER_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", given ? given : FW_KEEPER_SOCKET);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	const int r = -errno;
	fw_close_fd(&fd);
	return r;
}

int fw_front_run_unit(const char *history_path)
{
	struct fw_front *front = calloc(1, sizeof(*front));
	const int unix_fd = fw_socket_of_systemd(SOCK_STREAM), channel_fd = unix_fd < 0 ? unix_fd : connect_to_keeper();

	if (!front || channel_fd < 0) {
		fprintf(stderr, "fwctld: front: %s: %s\n", unix_fd < 0 ? "the socket for clients" : FW_KEEPER_SOCKET, front ? strerror(-channel_fd) : "out of memory");
		free(front);
		return 3;
	}
	front->unix_fd = unix_fd;
	front->is_unit = true;
	return live(front, channel_fd, history_path);
}
