/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/stream.c - events as they come, to clients that stay. Each has a buffer of bounded size; what does not fit is counted and told, and who
 * takes nothing for long is cut off by the server's time-out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/route.h"

#define BUFFER_MAX ((size_t)256 << 10)
#define EVENT_ROOM 4096    /* an event's JSON, at most about so long */
#define STREAMS_MAX 32
#define BLOCK 8192
#define IDLE_TICKS 50 /* without an event: an empty line tells whether somebody is there still */

struct fw_stream {
	struct fw_server *server;
	struct MHD_Connection *connection;
	struct fw_event_filter filter;
	struct fw_buf buf;
	size_t sent;          /* of buf */
	uint64_t at;          /* of board->event_count: the next to look at */
	uint64_t lost;        /* not told yet */
	uint64_t kernel_lost; /* of board->tally.lost, that was told */
	bool sleeps;          /* suspended: it has nothing to send */
	unsigned int ticks;   /* of sleep */
	struct fw_stream *next;
};

struct fw_stream *fw_stream_new(struct fw_server *server, struct MHD_Connection *connection, const struct fw_event_filter *filter)
{
	struct fw_stream *stream = server->stream_count < STREAMS_MAX ? calloc(1, sizeof(*stream)) : NULL;
	struct fw_board *board = &server->front->board;
	if (!stream)
		return NULL;

	stream->server = server;
	stream->connection = connection;
	stream->filter = *filter;
	fw_buf_init(&stream->buf, BUFFER_MAX + EVENT_ROOM);
	fw_buf_putc(&stream->buf, '\n'); /* so that the client sees the head of the answer at once */
	fw_board_lock(board);
	stream->at = board->event_count;
	stream->kernel_lost = board->tally.lost;
	fw_board_unlock(board);
	stream->next = server->streams;
	server->streams = stream;
	server->stream_count++;
	return stream;
}

static void free_stream(void *data)
{
	struct fw_stream *stream = data, **link = &stream->server->streams;

	while (*link && *link != stream)
		link = &(*link)->next;
	if (*link)
		*link = stream->next;
	stream->server->stream_count--;
	fw_buf_done(&stream->buf);
	free(stream);
}

static ssize_t give(void *data, uint64_t pos, char *bytes, size_t max)
{
	struct fw_stream *stream = data;
	size_t left = stream->buf.len - stream->sent;

	(void)pos;
	if (left == 0) {
		stream->sleeps = true;
		MHD_suspend_connection(stream->connection);
		return 0;
	}
	if (left > max)
		left = max;
	memcpy(bytes, stream->buf.data + stream->sent, left);
	stream->sent += left;
	if (stream->sent == stream->buf.len) {
		stream->buf.len = 0;
		stream->sent = 0;
	}
	return (ssize_t)left;
}

struct MHD_Response *fw_stream_response(struct fw_stream *stream)
{
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, stream, free_stream);

	if (!response)
		free_stream(stream);
	return response;
}

static void tell_lost(struct fw_stream *stream, const struct fw_board *board)
{
	stream->lost += board->tally.lost - stream->kernel_lost;
	stream->kernel_lost = board->tally.lost;
	if (stream->lost == 0 || stream->buf.len > BUFFER_MAX)
		return;
	fw_buf_printf(&stream->buf, "{\"lost\": %" PRIu64 "}\n", stream->lost);
	stream->lost = 0;
}

void fw_stream_feed(struct fw_stream *stream, const struct fw_board *board)
{
	if (board->event_count - stream->at > FW_RING_EVENTS) {
		stream->lost += board->event_count - FW_RING_EVENTS - stream->at;
		stream->at = board->event_count - FW_RING_EVENTS;
	}
	for (; stream->at < board->event_count; stream->at++) {
		const struct fw_board_event *item = &board->ring[stream->at % FW_RING_EVENTS];
		if (!fw_event_filter_takes(&stream->filter, &item->event, &item->line->line))
			continue;
		if (stream->buf.len > BUFFER_MAX) {
			stream->lost++;
			continue;
		}
		fw_event_json(&stream->buf, &item->event, &item->line->line);
		fw_buf_putc(&stream->buf, '\n');
	}
	tell_lost(stream, board);
	stream->ticks = stream->buf.len > 0 ? 0 : stream->ticks + 1;
	if (stream->ticks >= IDLE_TICKS)
		fw_buf_putc(&stream->buf, '\n');
	if (stream->sleeps && stream->buf.len > 0) {
		stream->sleeps = false;
		MHD_resume_connection(stream->connection);
	}
}

void fw_streams_feed(struct fw_server *server, const struct fw_board *board)
{
	for (struct fw_stream *stream = server->streams; stream; stream = stream->next)
		fw_stream_feed(stream, board);
}
