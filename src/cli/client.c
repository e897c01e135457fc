/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/client.c - a client of fwctld: HTTP/1.0, so that an answer ends with its connection. What comes back is bounded in size and time. */
#include "cli/client.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define HEAD_MAX 8192
#define SOCKET_FOLDER "/run/fwctld"
#define SOCKET_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int find_path(const struct fw_cli *cli, char *ret_path, size_t size)
{
	const char *given = secure_getenv("FWCTL_SOCKET");
	char name[256];

	if (given && given[0] == '/') {
		const int len = snprintf(ret_path, size, "%s", given);
		return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
	}
	int r = fw_engine_netns_name(cli->netns, name, sizeof(name));
	if (r < 0)
		return r;
	const int len = snprintf(ret_path, size, "%s/%s.sock", SOCKET_FOLDER, name[0] ? name : "fwctld");
	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

void fw_client_done(struct fw_client *client)
{
	fw_close_fd(&client->fd);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	const int error = errno;
	fw_close_fd(&fd);
	return error == ENOENT || error == EAGAIN ? -ECONNREFUSED : -error;
}

int fw_client_begin(const struct fw_cli *cli, const char *target, unsigned int timeout_ms, struct fw_client *ret_client)
{
	char path[SOCKET_MAX], head[HEAD_MAX];
	int r = find_path(cli, path, sizeof(path));
	if (r < 0)
		return r;
	const int len = snprintf(head, sizeof(head), "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", target);
	if (len < 0 || (size_t)len >= sizeof(head))
		return -E2BIG;

	int fd = connect_to(path);
	if (fd < 0)
		return fd;
	if (send(fd, head, (size_t)len, MSG_NOSIGNAL) != len) {
		r = -errno;
		fw_close_fd(&fd);
		return r == 0 || r == -EPIPE ? -ECONNREFUSED : r;
	}
	*ret_client = (struct fw_client){ fd, timeout_ms };
	return 0;
}

/* More of the answer, until a moment of CLOCK_MONOTONIC. 1; 0: it ended; -errno. */
static int receive(struct fw_client *client, int64_t until_ms, struct fw_buf *buf)
{
	char piece[65536];
	struct pollfd wait = { .fd = client->fd, .events = POLLIN };
	const int64_t left = until_ms - now_ms();
	const int ready = poll(&wait, 1, left > 0 ? (int)left : 0); /* what is there already is never too late */

	if (ready <= 0)
		return ready == 0 ? -ETIMEDOUT : errno == EINTR ? 1 : -errno;
	const ssize_t len = recv(client->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	if (len > 0)
		fw_buf_add(buf, (struct fw_str){ piece, (size_t)len });
	return buf->error ? buf->error : len > 0;
}

/* Where the body begins, and the status; 0: the head is not whole yet. */
static size_t find_body(const struct fw_buf *buf, int *ret_status)
{
	const char *end = buf->data ? memmem(buf->data, buf->len < HEAD_MAX ? buf->len : HEAD_MAX, "\r\n\r\n", 4) : NULL;
	uint64_t status = 0;

	if (!end || end - buf->data < 12 || memcmp(buf->data, "HTTP/1.", 7) != 0)
		return 0;
	if (fw_str_parse_u64((struct fw_str){ buf->data + 9, 3 }, 599, &status) < 0)
		return 0;
	*ret_status = (int)status;
	return (size_t)(end - buf->data) + 4;
}

int fw_client_json(struct fw_client *client, json_t **ret_json, int *ret_status)
{
	struct fw_buf buf FW_CLEANUP(fw_buf_done) = { .max = ANSWER_MAX };
	const int64_t until_ms = now_ms() + client->timeout_ms;
	int r;

	do
		r = receive(client, until_ms, &buf);
	while (r == 1);
	if (r < 0)
		return r;
	const size_t body = find_body(&buf, ret_status);
	json_t *json = body ? json_loadb(buf.data + body, buf.len - body, 0, NULL) : NULL;
	if (!json_is_object(json)) {
		json_decref(json);
		return -EBADMSG;
	}
	*ret_json = json;
	return 0;
}

void fw_client_count_now(const struct fw_cli *cli)
{
	struct fw_client client FW_CLEANUP(fw_client_done) = FW_CLIENT_NONE;
	json_t *answer = NULL;
	int status;

	if (fw_client_begin(cli, "/v1/rules?rates=1", 100, &client) == 0 && fw_client_json(&client, &answer, &status) == 0)
		json_decref(answer);
}

/* --- lines --- */

/* A line that is whole is taken out of what was received. */
static bool take_line(struct fw_client_lines *lines, struct fw_buf *ret_line)
{
	char *data = lines->buf.data;
	const char *end = data && lines->buf.len > lines->at ? memchr(data + lines->at, '\n', lines->buf.len - lines->at) : NULL;

	if (end) {
		ret_line->len = 0;
		fw_buf_add(ret_line, (struct fw_str){ data + lines->at, (size_t)(end - (data + lines->at)) });
		lines->at = (size_t)(end - data) + 1;
		return true;
	}
	if (lines->at > 0) {
		memmove(data, data + lines->at, lines->buf.len - lines->at);
		lines->buf.len -= lines->at;
		lines->at = 0;
	}
	return false;
}

static int read_head(struct fw_client_lines *lines)
{
	const size_t body = find_body(&lines->buf, &lines->status);

	if (!body)
		return lines->buf.len > HEAD_MAX ? -EBADMSG : 0;
	lines->at = body;
	lines->head_read = true;
	return 0;
}

/* What stood behind the last newline when it ended. */
static int take_rest(struct fw_client_lines *lines, struct fw_buf *ret_line)
{
	if (!lines->head_read || lines->buf.len <= lines->at)
		return -EPIPE;
	ret_line->len = 0;
	fw_buf_add(ret_line, (struct fw_str){ lines->buf.data + lines->at, lines->buf.len - lines->at });
	lines->at = lines->buf.len;
	return 1;
}

int fw_client_next_line(struct fw_client_lines *lines, struct fw_buf *ret_line)
{
	char piece[65536];

	lines->buf.max = ANSWER_MAX;
	ret_line->max = ANSWER_MAX;
	for (;;) {
		if (lines->head_read && take_line(lines, ret_line))
			return 1;
		const ssize_t len = recv(lines->client.fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (len < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (len == 0)
			return take_rest(lines, ret_line);
		fw_buf_add(&lines->buf, (struct fw_str){ piece, (size_t)len });
		int r = lines->buf.error ? lines->buf.error : lines->head_read ? 0 : read_head(lines);
		if (r < 0)
			return r;
	}
}

/* --- words --- */

void fw_client_parameter(struct fw_buf *target, const char *name, const char *value)
{
	const bool first = !target->data || !strchr(target->data, '?');

	if (!value)
		return;
	fw_buf_printf(target, "%c%s=", first ? '?' : '&', name);
	for (const unsigned char *at = (const unsigned char *)value; *at; at++)
		if (isalnum(*at) || strchr("-._~", *at))
			fw_buf_putc(target, (char)*at);
		else
			fw_buf_printf(target, "%%%02X", (unsigned int)*at);
}

static const char *help_for(const struct fw_cli *cli, int error)
{
	if (error == -EACCES)
		return "sudo, or `adduser NAME fwctl`";
	if (error == -ECONNREFUSED)
		return cli->netns ? "`fwctld --netns NAME` keeps hits and events from then on" : "`systemctl start fwctld` keeps hits and events from then on";
	return "`systemctl status fwctld` may tell more";
}

void fw_client_explain(const struct fw_cli *cli, int error, char *ret_message, size_t size)
{
	char path[SOCKET_MAX];

	const int r = find_path(cli, path, sizeof(path));

	if (error == -ENOMEM || r == -ENOMEM)
		fw_cli_no_memory();
	if (r < 0)
		snprintf(path, sizeof(path), "?");
	if (error == -EACCES)
		snprintf(ret_message, size, "fwctld may be asked by root and the group fwctl only (%s)", path);
	else if (error == -ECONNREFUSED)
		snprintf(ret_message, size, "fwctld is not running (nobody listens at %s)", path);
	else
		snprintf(ret_message, size, "fwctld does not answer: %s (%s)", error == -EBADMSG ? "what came is none of its answers" : strerror(-error), path);
}

void fw_client_say_absent(const struct fw_cli *cli, int error)
{
	char message[256];

	fw_client_explain(cli, error, message, sizeof(message));
	fw_say(stderr, "fwctl: %s", message);
	fprintf(stderr, "\n  help: %s\n", help_for(cli, error));
}

enum fw_outcome fw_client_absent(const struct fw_cli *cli, int error)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	const enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	fw_client_explain(cli, error, session->message, sizeof(session->message));
	snprintf(session->hint, sizeof(session->hint), "%s", help_for(cli, error));
	return fw_cli_finish(cli, session, FW_OUTCOME_REFUSED, cli->json ? json_pack("{s:b}", "daemon", 0) : NULL);
}

enum fw_outcome fw_client_finish(const struct fw_cli *cli, json_t *answer, int status)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	const json_t *error = json_object_get(answer, "error");
	enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE) {
		json_decref(answer);
		return outcome;
	}

	if (status != 200) {
		outcome = status == 400 || status == 404 ? FW_OUTCOME_USAGE : FW_OUTCOME_REFUSED;
		snprintf(session->message, sizeof(session->message), "%s", fw_told_text(error, "message"));
		if (!session->message[0])
			snprintf(session->message, sizeof(session->message), "fwctld answers with status %d", status);
		snprintf(session->hint, sizeof(session->hint), "%s", fw_told_text(error, "hint"));
	}
	if (cli->json)
		json_object_set_new(answer, "daemon", json_true());
	return fw_cli_finish(cli, session, outcome, answer);
}
