/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_watch.c - watch: events as they come, a line each. From fwctld; where it does not run, from the kernel itself. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"

struct watcher {
	struct fw_cli *cli;
	struct fw_buf filter; /* its words */
	uint64_t left;        /* events still to be shown */
	int signal_fd;        /* the user has enough */
	bool ended;
};

/* --- an event as a line --- */

static void print_line(const struct fw_cli *cli, const json_t *event)
{
	char place[160];

	if (json_is_string(json_object_get(event, "file")))
		snprintf(place, sizeof(place), "%.130s:%" JSON_INTEGER_FORMAT, fw_told_text(event, "file"), json_integer_value(json_object_get(event, "line")));
	else
		snprintf(place, sizeof(place), "%s %s", fw_told_text(event, "by"), fw_told_text(event, "direction"));
	fw_str_hide_controls(place);
	fw_paint(cli, FW_CYAN, place);
	const char *what = json_is_string(json_object_get(event, "label")) ? "label" : "text";
	if (json_is_string(json_object_get(event, what)))
		fw_say(stdout, "  %s", fw_told_text(event, what));
}

static enum fw_colour colour_of(enum fw_verdict verdict)
{
	return verdict == FW_ALLOW ? FW_GREEN : verdict == FW_DENY ? FW_RED : FW_YELLOW;
}

static void print_event(const struct fw_cli *cli, const json_t *event)
{
	struct fw_buf ends FW_CLEANUP(fw_buf_done) = { .max = 65536 };
	char when[FW_TOLD_CLOCK_BYTES], word[16];

	fw_told_clock(event, when);
	fw_told_ends(event, &ends);
	snprintf(word, sizeof(word), "%-6.6s", json_is_true(json_object_get(event, "over_limit")) ? "over" : fw_told_text(event, "verdict"));
	fw_str_hide_controls(word);
	printf("%s ", when);
	fw_paint(cli, colour_of(fw_told_verdict(event)), word);
	fw_say(stdout, " %-7s %-8s %-6s %s  ", fw_told_text(event, "direction"), fw_told_text(event, "interface"), fw_told_text(event, "protocol"),
	       fw_cli_text(&ends));
	print_line(cli, event);
	putchar('\n');
}

/* One line of the stream, as it came. */
static void show(struct watcher *w, const struct fw_buf *line)
{
	json_t *event = line->len > 1 ? json_loadb(line->data, line->len, 0, NULL) : NULL;
	const json_t *lost = json_object_get(event, "lost");

	if (event && w->cli->json) {
		json_dumpf(event, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (json_is_integer(lost)) {
		char text[64];
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT " events not shown", json_integer_value(lost));
		fw_paint(w->cli, FW_DIM, text);
		putchar('\n');
	} else if (event) {
		print_event(w->cli, event);
	}
	if (event && !lost && w->left > 0)
		w->ended = --w->left == 0;
	json_decref(event);
	if (fflush(stdout) != 0)
		w->ended = true; /* nobody reads any more */
}

/* Whether the user has enough, or nobody reads any more; `timeout_ms` -1: until that, or until there is something on `fd`. */
static bool has_enough(struct watcher *w, int fd, int timeout_ms)
{
	struct pollfd fds[3] = { { .fd = w->signal_fd, .events = POLLIN }, { .fd = STDOUT_FILENO }, { .fd = fd, .events = POLLIN } };

	if (poll(fds, FW_ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		w->ended = true;
	else if (fds[0].revents || fds[1].revents & (POLLERR | POLLHUP))
		w->ended = true;
	return w->ended;
}

/* --- from fwctld --- */

/* An error is one JSON object on a line. */
static enum fw_outcome tell_refusal(const struct watcher *w, const struct fw_buf *line, int status)
{
	json_t *answer = json_loadb(line->data ? line->data : "", line->len, 0, NULL);

	if (!json_is_object(answer)) {
		json_decref(answer);
		answer = json_object();
	}
	return fw_client_finish(w->cli, answer, status);
}

static enum fw_outcome watch_daemon(struct watcher *w, struct fw_client_lines *lines)
{
	struct fw_buf line FW_CLEANUP(fw_buf_done) = { .max = 65536 };
	int r = 0;

	while (!w->ended && r >= 0) {
		r = fw_client_next_line(lines, &line);
		if (r == 1 && lines->status != 200)
			return tell_refusal(w, &line, lines->status);
		if (r == 1)
			show(w, &line);
		if (r >= 0 && has_enough(w, lines->client.fd, r == 1 ? 0 : -1)) /* also while events come without a pause */
			break;
	}
	if (w->ended)
		return FW_OUTCOME_DONE;
	fprintf(stderr, "fwctl: fwctld has ended%s%s\n", r == -EPIPE ? "" : ": ", r == -EPIPE ? "" : strerror(-r));
	return FW_OUTCOME_REFUSED;
}

/* --- from the kernel --- */

struct kernel_watch {
	struct watcher *watcher;
	struct fw_event_filter filter;
	struct fw_map lines; /* what log statements call them -> struct fw_line */
};

static void take(const struct fw_nflog_packet *packet, void *data)
{
	struct kernel_watch *k = data;
	struct fw_buf json FW_CLEANUP(fw_buf_done) = { .max = 65536 };
	struct fw_event_prefix prefix;
	struct fw_event event;
	const struct fw_line *line = fw_event_parse_prefix(packet->prefix, &prefix) ? fw_map_get(&k->lines, prefix.key) : NULL;
	if (!line || k->watcher->ended)
		return;

	fw_event_make(packet, &prefix, (int64_t)time(NULL) * 1000000, &event);
	fw_kernel_interface_name(packet->in, event.in);
	fw_kernel_interface_name(packet->out, event.out);
	if (!fw_event_filter_takes(&k->filter, &event, line))
		return;
	fw_event_json(&json, &event, line);
	if (!json.error)
		show(k->watcher, &json);
}

static int add_line(struct fw_session *session, struct kernel_watch *k, const struct fw_status_line *status)
{
	char key[FW_LINE_KEY_MAX], log_key[FW_LINE_KEY_MAX];
	struct fw_line *line = fw_arena_alloc(session->arena, 1, sizeof(*line));

	fw_line_key(status->owner, status->id, key);
	fw_line_log_key(status->owner, status->id, log_key);
	const char *copy = fw_arena_copy(session->arena, fw_str_from(key)), *log_copy = fw_arena_copy(session->arena, fw_str_from(log_key));
	if (!line || !copy || !log_copy)
		return -ENOMEM;
	*line = (struct fw_line){ status->owner, copy, status->name, status->file, status->text, status->label, status->line, status->direction,
				  status->verdict };
	return fw_map_set(&k->lines, fw_str_from(log_copy), line);
}

static int add_lines(struct fw_session *session, struct kernel_watch *k, const struct fw_status *status)
{
	const struct fw_vec *const lists[] = { &status->blocks, &status->rules, &status->defaults };
	int r = 0;

	fw_map_init(&k->lines, session->arena);
	for (size_t i = 0; i < FW_ARRAY_SIZE(lists); i++)
		for (size_t n = 0; r == 0 && status->active && n < lists[i]->len; n++)
			r = add_line(session, k, fw_vec_at(lists[i], n));
	return r;
}

static enum fw_outcome listen_to_kernel(struct kernel_watch *k, uint16_t group)
{
	struct fw_nflog *reader FW_CLEANUP(fw_nflog_reader_freep) = NULL;
	struct fw_nflog_tally tally = { 0 };
	int fd = -1;
	int r = fw_nflog_open(group, &fd);
	if (r == 0)
		r = fw_nflog_reader_new(fd, &reader);
	if (r < 0) {
		fprintf(stderr, "fwctl: NFLOG group %u: %s\n", (unsigned int)group, r == -EBUSY ? "another program listens to it" : strerror(-r));
		return FW_OUTCOME_REFUSED;
	}

	while (r >= 0 && !has_enough(k->watcher, fw_nflog_fd(reader), -1))
		r = fw_nflog_read(reader, take, k, &tally);
	if (tally.lost > 0)
		fprintf(stderr, "fwctl: %" PRIu64 " events were lost\n", tally.lost);
	return FW_OUTCOME_DONE;
}

static enum fw_outcome watch_kernel(struct watcher *w, int error)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct kernel_watch k = { .watcher = w };
	struct fw_status status = { .active = false };
	char words[160];

	if (fw_event_filter_parse(fw_buf_str(&w->filter), &k.filter, words) < 0)
		return fw_cli_usage("%s", words);
	fw_client_say_absent(w->cli, error);
	enum fw_outcome outcome = fw_cli_session(w->cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	outcome = fw_engine_status(session, &status);
	if (outcome != FW_OUTCOME_DONE && outcome != FW_OUTCOME_OUT_OF_SYNC)
		return fw_cli_finish(w->cli, session, outcome, NULL);
	if (add_lines(session, &k, &status) < 0)
		fw_cli_no_memory();
	fputs("fwctl: watching the kernel itself, for events of the policy that runs now\n", stderr);
	return listen_to_kernel(&k, status.log_group ? status.log_group : 86);
}

/* --- both --- */

static void join_words(const struct fw_cli *cli, struct fw_buf *words)
{
	for (int i = 0; i < cli->arg_count; i++) {
		const bool quoted = strchr(cli->args[i], ' ');
		fw_buf_printf(words, "%s%s%s%s", i > 0 ? " " : "", quoted ? "\"" : "", cli->args[i], quoted ? "\"" : "");
	}
}

static int open_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

static enum fw_outcome watch(struct watcher *w)
{
	struct fw_buf target FW_CLEANUP(fw_buf_done) = { .max = 8192 };
	struct fw_client_lines lines = { .client = FW_CLIENT_NONE };

	fw_buf_puts(&target, "/v1/events");
	fw_client_parameter(&target, "filter", fw_cli_text(&w->filter));
	const int r = fw_client_begin(w->cli, fw_cli_text(&target), 0, &lines.client);
	const enum fw_outcome outcome = r == 0 ? watch_daemon(w, &lines) : watch_kernel(w, r);
	fw_client_done(&lines.client);
	fw_buf_done(&lines.buf);
	return outcome;
}

enum fw_outcome fw_cmd_watch(struct fw_cli *cli)
{
	struct watcher w = { .cli = cli, .filter = { .max = 4096 }, .signal_fd = -1 };

	if (cli->count && (fw_str_parse_u64(fw_str_from(cli->count), UINT32_MAX, &w.left) < 0 || w.left == 0))
		return fw_cli_usage("--count takes a number, not '%s'", cli->count);
	join_words(cli, &w.filter);
	w.signal_fd = open_signals();
	const enum fw_outcome outcome = watch(&w);
	fw_close_fd(&w.signal_fd);
	fw_buf_done(&w.filter);
	return outcome;
}
