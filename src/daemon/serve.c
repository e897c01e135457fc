/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/serve.c - clients: who may connect, how many, and when a request that waits goes on. HTTP itself is libmicrohttpd's, in the loop of this thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/route.h"

#define CLIENTS_MAX 256
#define CLIENTS_UNPRIVILEGED_MAX 192 /* root always gets in */
#define CLIENT_SECONDS 20            /* without a byte either way */
#define CLIENT_BYTES (16 << 10)      /* of memory for heads and buffers */
#define ACCEPTS 64                   /* in a row */
#define WAIT_US 5000000ull           /* for an answer from within */
#define TICK_US 100000ull

/* --- who is it --- */

struct fw_peer fw_peer_of(int fd)
{
	struct fw_peer peer = { .uid = UINT32_MAX };
	struct ucred who;
	int domain = 0;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX)
		return peer;
	peer.is_unix = true;
	len = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		peer.uid = who.uid;
	return peer;
}

static bool has_group(int fd, gid_t group)
{
	gid_t groups[1024]; /* more than anybody is in */
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.gid == group)
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The modes of the socket say the same; this holds also where somebody changed them. */
static bool may_connect(int fd)
{
	return fw_peer_of(fd).uid == 0 || has_group(fd, getgid());
}

static void refuse(int fd, const char *answer)
{
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

#define REFUSAL(status) "HTTP/1.1 " status "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static bool has_room(const struct fw_server *server, int fd)
{
	if (server->clients >= CLIENTS_MAX)
		return false;
	return fw_peer_of(fd).uid == 0 || server->clients_unprivileged < CLIENTS_UNPRIVILEGED_MAX;
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct fw_server *server = data;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		const bool is_root = info && fw_peer_of(info->connect_fd).uid == 0;
		*context = is_root ? NULL : server;
		server->clients++;
		server->clients_unprivileged += is_root ? 0 : 1;
	} else {
		server->clients--;
		server->clients_unprivileged -= *context ? 1 : 0;
	}
}

/* --- the loop --- */

static int arm_http(struct fw_server *server)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = 0;
	uint64_t now = 0;

	if (MHD_get_timeout(server->http, &wait_ms) != MHD_YES)
		return sd_event_source_set_enabled(server->http_timer, SD_EVENT_OFF);
	(void)sd_event_now(server->front->loop, CLOCK_MONOTONIC, &now);
	(void)sd_event_source_set_time(server->http_timer, now + wait_ms * 1000);
	return sd_event_source_set_enabled(server->http_timer, SD_EVENT_ONESHOT);
}

static int run_http(struct fw_server *server)
{
	(void)MHD_run(server->http);
	return arm_http(server);
}

static int on_http(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	return run_http(data);
}

static int on_http_timer(sd_event_source *source, uint64_t now, void *data)
{
	(void)source;
	(void)now;
	return run_http(data);
}

static int on_accept(sd_event_source *source, int listener, uint32_t events, void *data)
{
	struct fw_server *server = data;

	(void)source;
	(void)events;
	for (unsigned int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		const int fd = accept4(listener, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		if (address.ss_family == AF_UNIX && !may_connect(fd))
			refuse(fd, REFUSAL("403 Forbidden"));
		else if (!has_room(server, fd))
			refuse(fd, REFUSAL("503 Service Unavailable"));
		else
			(void)MHD_add_connection(server->http, fd, (struct sockaddr *)&address, len); /* closes it where it fails */
	}
	return run_http(server);
}

/* --- requests that wait --- */

static uint64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void fw_request_wait(struct fw_request *request, enum fw_wait what)
{
	struct fw_server *server = request->server;

	request->waits = what;
	request->since_us = monotonic_us();
	request->next = server->waiting;
	server->waiting = request;
	MHD_suspend_connection(request->connection);
	fw_server_tick(server);
}

/* Takes it out of the list and lets it go on. */
static void resume(struct fw_server *server, struct fw_request *request)
{
	struct fw_request **link = &server->waiting;

	while (*link && *link != request)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = request->next;
	request->next = NULL;
	request->waits = FW_WAIT_NOTHING;
	MHD_resume_connection(request->connection);
}

void fw_server_counted(struct fw_server *server)
{
	struct fw_request *next;

	for (struct fw_request *request = server->waiting; request; request = next) {
		next = request->next;
		if (request->waits != FW_WAIT_COUNTS)
			continue;
		request->counted = true;
		resume(server, request);
	}
	(void)run_http(server);
}

struct fw_request *fw_server_find(struct fw_server *server, uint64_t ticket)
{
	struct fw_request *request = server->waiting;

	while (request && request->ticket != ticket)
		request = request->next;
	return request;
}

void fw_server_answers(struct fw_server *server)
{
	struct fw_job *job = fw_historian_answers(&server->front->historian), *next;

	for (; job; job = next) {
		next = job->next;
		job->next = NULL;
		struct fw_request *request = fw_server_find(server, job->ticket);
		if (!request || request->waits != FW_WAIT_HISTORY) { /* it waited too long, or its client is gone */
			fw_job_free(job);
			continue;
		}
		request->job = job;
		resume(server, request);
	}
	(void)run_http(server);
}

void fw_server_resume(struct fw_server *server, struct fw_request *request)
{
	resume(server, request);
	(void)run_http(server);
}

static void give_up_old(struct fw_server *server)
{
	const uint64_t now = monotonic_us();
	struct fw_request *next;

	for (struct fw_request *request = server->waiting; request; request = next) {
		next = request->next;
		if (now - request->since_us < WAIT_US)
			continue;
		request->counted = request->waits == FW_WAIT_COUNTS; /* it gets what was counted last */
		request->status = request->waits == FW_WAIT_COUNTS ? 0 : MHD_HTTP_SERVICE_UNAVAILABLE;
		request->out.len = 0;
		resume(server, request);
	}
}

/* --- the tick: streams, the journal, requests that wait in vain --- */

static int on_tick(sd_event_source *source, uint64_t now, void *data)
{
	struct fw_server *server = data;
	struct fw_front *front = server->front;

	(void)source;
	(void)now;
	fw_board_lock(&front->board);
	fw_streams_feed(server, &front->board);
	fw_board_unlock(&front->board);
	if (front->journal)
		fw_journal_write(front);
	give_up_old(server);
	fw_server_tick(server);
	return run_http(server);
}

void fw_server_tick(struct fw_server *server)
{
	uint64_t now = 0;

	if (!server->tick)
		return;
	if (!server->streams && !server->waiting && !server->front->journal) {
		(void)sd_event_source_set_enabled(server->tick, SD_EVENT_OFF);
		return;
	}
	if (sd_event_source_get_enabled(server->tick, NULL) > 0)
		return; /* requests that come quickly do not put it off */
	(void)sd_event_now(server->front->loop, CLOCK_MONOTONIC, &now);
	(void)sd_event_source_set_time(server->tick, now + TICK_US);
	(void)sd_event_source_set_enabled(server->tick, SD_EVENT_ONESHOT);
}

/* --- beginning --- */

void fw_server_listen_tcp(struct fw_server *server, int fd)
{
	server->tcp_source = sd_event_source_unref(server->tcp_source);
	fw_close_fd(&server->tcp_fd);
	server->tcp_fd = fd;
	if (fd >= 0 && sd_event_add_io(server->front->loop, &server->tcp_source, fd, EPOLLIN, on_accept, server) < 0)
		fw_close_fd(&server->tcp_fd);
}

static int start_http(struct fw_server *server)
{
	server->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, fw_route, server,
					MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CLIENT_SECONDS,
					MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
					MHD_OPTION_NOTIFY_COMPLETED, fw_route_completed, server, MHD_OPTION_END);
	return server->http ? 0 : -ENOMEM;
}

int fw_server_start(struct fw_server *server, struct fw_front *front)
{
	*server = (struct fw_server){ .front = front, .tcp_fd = -1 };
	int r = start_http(server);
	const union MHD_DaemonInfo *info = r == 0 ? MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;

	if (!info)
		return -ENOMEM;
	r = sd_event_add_io(front->loop, NULL, info->epoll_fd, EPOLLIN, on_http, server);
	if (r >= 0)
		r = sd_event_add_io(front->loop, NULL, front->unix_fd, EPOLLIN, on_accept, server);
	if (r >= 0)
		r = sd_event_add_time(front->loop, &server->http_timer, CLOCK_MONOTONIC, 0, 1000, on_http_timer, server);
	if (r >= 0)
		r = sd_event_add_time(front->loop, &server->tick, CLOCK_MONOTONIC, 0, 10000, on_tick, server);
	return r < 0 ? r : 0;
}
