/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/route.c - a table of paths, and what becomes of a request there. A request that needs fresh counters, the history or the keeper is suspended and comes
 * here again when that is there. Everything of a request is hostile. */
#include "daemon/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/members.h"
#include "diag/diag.h"

#define BODY_MAX 4096
#define ANSWER_MAX ((size_t)64 << 20)
#define SINCE_DEFAULT_S 86400
#define SINCE_MAX_S (10ull * 366 * 86400)
#define LIMIT_DEFAULT 1000
#define LIMIT_MAX 100000
#define PAST_MAX FW_RING_EVENTS

static const char *const json_type = "application/json; charset=utf-8";

/* --- answers --- */

static void add_headers(struct MHD_Response *response, const char *type)
{
	static const char *const headers[][2] = {
		{ "Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
					     "form-action 'none'; frame-ancestors 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cache-Control", "no-store" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(headers); i++)
		(void)MHD_add_response_header(response, headers[i][0], headers[i][1]);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response, const char *type)
{
	if (!response)
		return MHD_NO;
	add_headers(response, type);
	const enum MHD_Result r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

/* The buffer's text goes to MHD. */
static enum MHD_Result answer(struct fw_request *request, unsigned int status, struct fw_buf *out, const char *type)
{
	const size_t len = out->len;
	int error = 0;
	char *text = fw_buf_take(out, &error);
	struct MHD_Response *response = text ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE) : NULL;

	if (text && !response)
		free(text);
	return queue(request->connection, status, response, type);
}

enum MHD_Result fw_route_fail(struct fw_request *request, unsigned int status, const char *message, const char *hint)
{
	struct fw_buf out FW_CLEANUP(fw_buf_done);

	fw_buf_init(&out, 4096);
	fw_buf_puts(&out, "{\"error\": {\"message\": ");
	fw_json_string(&out, fw_str_from(message));
	fw_buf_puts(&out, ", \"hint\": ");
	if (hint && hint[0])
		fw_json_string(&out, fw_str_from(hint));
	else
		fw_buf_puts(&out, "null");
	fw_buf_puts(&out, "}}\n");
	return answer(request, status, &out, json_type);
}

/* --- parameters --- */

static const char *parameter(struct fw_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* 0: as it is, or absent; -EINVAL. */
static int number_parameter(struct fw_request *request, const char *name, uint64_t max, uint64_t *value)
{
	const char *text = parameter(request, name);

	return text ? fw_str_parse_u64(fw_str_from(text), max, value) : 0;
}

/* --- paths --- */

typedef void fw_api_body(struct fw_front *front, struct fw_buf *out);

/* Asks for fresh counters once. True: it waits. */
static bool wait_for_counts(struct fw_request *request)
{
	if (request->counted)
		return false;
	if (fw_channel_send(&request->server->front->channel, FW_MESSAGE_POLL, NULL, -1) < 0)
		return false;
	fw_request_wait(request, FW_WAIT_COUNTS);
	return true;
}

static enum MHD_Result answer_body(struct fw_request *request, fw_api_body *body, const char *type)
{
	struct fw_front *front = request->server->front;
	struct fw_buf out FW_CLEANUP(fw_buf_done) = { .max = ANSWER_MAX };

	if (wait_for_counts(request))
		return MHD_YES;
	fw_board_lock(&front->board);
	body(front, &out);
	fw_board_unlock(&front->board);
	return answer(request, MHD_HTTP_OK, &out, type);
}

static enum MHD_Result get_rules(struct fw_request *request)
{
	return answer_body(request, parameter(request, "rates") ? fw_api_rates : fw_api_rules, json_type);
}

static enum MHD_Result get_status(struct fw_request *request)
{
	return answer_body(request, fw_api_status, json_type);
}

static enum MHD_Result get_metrics(struct fw_request *request)
{
	return answer_body(request, fw_api_metrics, "text/plain; version=0.0.4; charset=utf-8");
}

static bool parse_by(const char *text, enum fw_hits_by *ret_by)
{
	static const char *const names[] = {
		[FW_HITS_BY_RULE] = "rule", [FW_HITS_BY_SOURCE] = "source", [FW_HITS_BY_PORT] = "port", [FW_HITS_BY_TIME] = "minute"
	};

	*ret_by = FW_HITS_BY_RULE;
	for (unsigned int i = 0; text && i < FW_ARRAY_SIZE(names); i++)
		if (strcmp(names[i], text) == 0) {
			*ret_by = i;
			return true;
		}
	return !text;
}

/* NULL where it was told. */
static struct fw_job *new_job(struct fw_request *request, enum fw_job_kind kind)
{
	struct fw_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->kind = kind;
	job->since_s = SINCE_DEFAULT_S;
	job->limit = LIMIT_DEFAULT;
	request->ticket = ++request->server->tickets;
	job->ticket = request->ticket;
	fw_buf_init(&job->out, ANSWER_MAX);
	return job;
}

static bool parse_hits(struct fw_request *request, struct fw_job *job)
{
	const char *rule = parameter(request, "rule"), *direction = parameter(request, "direction");
	uint64_t limit = LIMIT_DEFAULT;

	if (!parse_by(parameter(request, "by"), &job->by) || number_parameter(request, "since", SINCE_MAX_S, &job->since_s) < 0 ||
	    number_parameter(request, "limit", LIMIT_MAX, &limit) < 0)
		return false;
	if ((rule && strlen(rule) >= sizeof(job->rule)) || (direction && strlen(direction) >= sizeof(job->direction)))
		return false;
	job->limit = limit;
	snprintf(job->rule, sizeof(job->rule), "%s", rule ? rule : "");
	snprintf(job->direction, sizeof(job->direction), "%s", direction ? direction : "");
	return true;
}

static enum MHD_Result ask_historian(struct fw_request *request, struct fw_job *job)
{
	if (fw_historian_ask(&request->server->front->historian, job) < 0) {
		fw_job_free(job);
		return fw_route_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too many questions about the past at once", "try again");
	}
	fw_request_wait(request, FW_WAIT_HISTORY);
	return MHD_YES;
}

static enum MHD_Result get_hits(struct fw_request *request)
{
	if (request->job)
		return answer(request, (unsigned int)request->job->status, &request->job->out, json_type);
	if (wait_for_counts(request))
		return MHD_YES;
	struct fw_job *job = new_job(request, FW_JOB_HITS);
	if (!job)
		return MHD_NO;
	if (!parse_hits(request, job)) {
		fw_job_free(job);
		return fw_route_fail(request, MHD_HTTP_BAD_REQUEST, "a parameter is wrong",
				     "since=SECONDS, by=rule|source|port|minute, rule=ID|LINE|LABEL, direction=in|out|forward, limit=N");
	}
	return ask_historian(request, job);
}

/* --- events --- */

/* `since`, if any, are events of former runs, each with a comma behind it. */
static enum MHD_Result answer_past(struct fw_request *request, size_t count, const struct fw_buf *before)
{
	struct fw_front *front = request->server->front;
	struct fw_buf out FW_CLEANUP(fw_buf_done);

	fw_buf_init(&out, ANSWER_MAX);
	fw_buf_puts(&out, "{\"events\": [");
	if (before)
		fw_buf_add(&out, fw_buf_str(before));
	fw_board_lock(&front->board);
	fw_api_past(front, count, &out);
	fw_board_unlock(&front->board);
	fw_buf_puts(&out, "\n]}\n");
	return answer(request, MHD_HTTP_OK, &out, json_type);
}

static enum MHD_Result get_past(struct fw_request *request)
{
	struct fw_board *board = &request->server->front->board;
	uint64_t count = 0;

	if (number_parameter(request, "last", PAST_MAX, &count) < 0)
		return fw_route_fail(request, MHD_HTTP_BAD_REQUEST, "'last' is no number that can be", "last=N, at most 4096");
	if (request->job)
		return answer_past(request, count, request->job->status == MHD_HTTP_OK ? &request->job->out : NULL);
	fw_board_lock(board);
	const uint64_t have = board->event_count;
	fw_board_unlock(board);
	if (have >= count)
		return answer_past(request, count, NULL);
	struct fw_job *job = new_job(request, FW_JOB_PAST);
	if (!job)
		return MHD_NO;
	job->limit = count - have;
	return ask_historian(request, job);
}

static enum MHD_Result get_events(struct fw_request *request)
{
	const char *text = parameter(request, "filter");
	struct fw_event_filter filter;
	char error[160];

	if (parameter(request, "last"))
		return get_past(request);
	if (fw_event_filter_parse(fw_str_from(text), &filter, error) < 0)
		return fw_route_fail(request, MHD_HTTP_BAD_REQUEST, error, "as in: deny tcp from 192.0.2.0/24 port 22 on eth0");
	struct fw_stream *stream = fw_stream_new(request->server, request->connection, &filter);
	if (!stream)
		return fw_route_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too many streams of events at once", NULL);
	fw_server_tick(request->server);
	return queue(request->connection, MHD_HTTP_OK, fw_stream_response(stream), "application/x-ndjson; charset=utf-8");
}

static enum MHD_Result get_bans(struct fw_request *request)
{
	if (request->status)
		return answer(request, (unsigned int)request->status, &request->out, json_type);
	return fw_members_ask(request, parameter(request, "group"));
}

static bool is_root(struct fw_request *request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info && fw_peer_of(info->connect_fd).uid == 0;
}

static enum MHD_Result change_bans(struct fw_request *request, bool add)
{
	if (request->status)
		return answer(request, (unsigned int)request->status, &request->out, json_type);
	if (!is_root(request))
		return fw_route_fail(request, MHD_HTTP_FORBIDDEN, "changes are root's", "by the Unix socket, as root");
	return fw_members_change(request, add);
}

static enum MHD_Result post_bans(struct fw_request *request)
{
	return change_bans(request, true);
}

static enum MHD_Result delete_bans(struct fw_request *request)
{
	return change_bans(request, false);
}

static const struct route {
	const char *path, *method;
	enum MHD_Result (*answer)(struct fw_request *request);
} routes[] = {
	{ "/v1/status", "GET", get_status }, { "/v1/rules", "GET", get_rules }, { "/v1/hits", "GET", get_hits },      { "/v1/events", "GET", get_events },
	{ "/v1/bans", "GET", get_bans },     { "/v1/bans", "POST", post_bans }, { "/v1/bans", "DELETE", delete_bans }, { "/metrics", "GET", get_metrics },
};

static enum MHD_Result answer_file(struct fw_request *request, const struct fw_web_file *file)
{
	return queue(request->connection, MHD_HTTP_OK,
		     MHD_create_response_from_buffer(file->len, (void *)(uintptr_t)file->bytes, MHD_RESPMEM_PERSISTENT), file->type);
}

/* A page of another site may have a name that leads here (DNS rebinding): only names of the loopback are answered. */
static bool is_for_us(struct fw_request *request)
{
	static const char *const hosts[] = { "localhost", "127.", "[::1]" };
	const char *host = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

	for (size_t i = 0; host && i < FW_ARRAY_SIZE(hosts); i++) {
		const size_t len = strlen(hosts[i]);
		if (strncmp(host, hosts[i], len) == 0 && (i == 1 ? strspn(host, "0123456789.:") == strlen(host) : host[len] == '\0' || host[len] == ':'))
			return true;
	}
	return false;
}

static enum MHD_Result route(struct fw_request *request, const char *url, const char *method)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const bool is_unix = info && fw_peer_of(info->connect_fd).is_unix, reads = strcmp(method, "GET") == 0;
	bool has_path = false;

	if (request->status == MHD_HTTP_SERVICE_UNAVAILABLE && request->out.len == 0)
		return fw_route_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, "no answer in time", "try again");
	if (!is_unix && (!is_for_us(request) || !reads))
		return fw_route_fail(request, MHD_HTTP_FORBIDDEN, "this address is for reading, by a name of the loopback", NULL);
	for (size_t i = 0; i < FW_ARRAY_SIZE(routes); i++) {
		if (strcmp(routes[i].path, url) != 0)
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return routes[i].answer(request);
		has_path = true;
	}
	const struct fw_web_file *file = is_unix ? NULL : fw_web_find(url);
	if (file && reads)
		return answer_file(request, file);
	if (has_path || file)
		return fw_route_fail(request, MHD_HTTP_METHOD_NOT_ALLOWED, "this path does not take that method", NULL);
	return fw_route_fail(request, MHD_HTTP_NOT_FOUND, "there is no such path", "/v1/status, /v1/rules, /v1/hits, /v1/events, /v1/bans, /metrics");
}

/* --- MHD's callbacks --- */

static struct fw_request *new_request(struct fw_server *server, struct MHD_Connection *connection)
{
	struct fw_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->server = server;
	request->connection = connection;
	fw_buf_init(&request->body, BODY_MAX);
	fw_buf_init(&request->out, ANSWER_MAX);
	return request;
}

enum MHD_Result fw_route(void *server, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *data,
			 size_t *size, void **context)
{
	struct fw_request *request = *context;

	(void)version;
	if (!request) {
		*context = new_request(server, connection);
		return *context ? MHD_YES : MHD_NO;
	}
	if (*size > 0) {
		fw_buf_add(&request->body, (struct fw_str){ data, *size });
		*size = 0;
		return MHD_YES;
	}
	if (request->body.error)
		return fw_route_fail(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too big", NULL);
	return route(request, url, method);
}

void fw_route_completed(void *server, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
	struct fw_request *request = *context, **link = &((struct fw_server *)server)->waiting;

	(void)connection;
	(void)code;
	if (!request)
		return;
	while (*link && *link != request)
		link = &(*link)->next;
	if (*link)
		*link = request->next;
	if (request->job)
		fw_job_free(request->job);
	fw_buf_done(&request->body);
	fw_buf_done(&request->out);
	free(request);
	*context = NULL;
}
