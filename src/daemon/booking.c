/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/booking.c - what the history does not have yet: a counter's value less the value that was booked last, where it is the same counter of the same
 * table and boot; else all of it. The booked value is in the database, in one transaction with the hits, so that each packet is booked once. */
#include "daemon/booking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_A_TURN 200
#define NUMBER_LOST (-1) /* of a line whose database is gone: what was booked there is not booked again */
#define EVENTS_A_LINE 20
#define LINES_A_TIME 1024   /* numbered in one transaction */
#define FRESH_SECONDS 3600  /* the first history takes over what was counted by a policy that is no older */
#define EVENT_BYTES ((size_t)4 << 20)

static struct fw_board_line *line_at(const struct fw_vec *lines, size_t i)
{
	return *(struct fw_board_line **)fw_vec_at(lines, i);
}

/* --- what was booked by former runs --- */

static int compare_seen(const void *a, const void *b)
{
	const struct fw_history_seen *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

int fw_booking_read_seen(struct fw_historian *historian)
{
	struct fw_history_facts facts = { .oldest = 0 };

	historian->seen.len = 0;
	int r = fw_history_last_seen(historian->history, &historian->seen);
	if (r == 0)
		r = fw_history_facts(historian->history, &facts);
	if (r < 0)
		return r;
	if (historian->seen.len > 0)
		qsort(historian->seen.items, historian->seen.len, sizeof(struct fw_history_seen), compare_seen);
	historian->is_first = facts.oldest == 0 && historian->seen.len == 0;
	return 0;
}

/* What is known of a line that has just got its number. A history that has just begun does not book what an old policy counted long ago: nobody knows when. */
static void begin_line(struct fw_historian *historian, struct fw_board_line *line, int64_t number)
{
	const struct fw_history_seen wanted = { .line = number };
	const struct fw_history_seen *seen = historian->seen.len > 0 ? bsearch(&wanted, historian->seen.items, historian->seen.len, sizeof(wanted), compare_seen) : NULL;
	const struct fw_board *board = historian->board;

	const bool is_known = line->booked.line == number || line->booked.line == NUMBER_LOST;

	line->is_numbered = true;
	line->booked.line = is_known ? number : line->booked.line;
	if (is_known)
		return; /* it only got another place, or another number */
	line->booked = seen ? *seen : (struct fw_history_seen){ .line = number };
	if (line->last_hit < line->booked.last_hit)
		line->last_hit = line->booked.last_hit;
	line->must_book = !seen && historian->is_first && board->policy.applied_at < board->started - FRESH_SECONDS;
	if (line->must_book)
		line->booked = (struct fw_history_seen){ number, line->epoch, line->now.handle, line->now.packets, line->now.bytes, line->now.over_handle,
							 line->now.over_packets, 0 };
}

/* --- numbers --- */

static void lose_numbers_of(const struct fw_vec *lines)
{
	for (size_t i = 0; i < lines->len; i++) {
		struct fw_board_line *line = line_at(lines, i);
		if (line->is_numbered)
			line->booked.line = NUMBER_LOST;
		line->must_book = line->must_book || line->is_numbered;
		line->is_numbered = false;
	}
}

void fw_booking_lose_numbers(struct fw_historian *historian)
{
	fw_board_lock(historian->board);
	lose_numbers_of(&historian->board->lines);
	lose_numbers_of(&historian->board->gone);
	fw_board_unlock(historian->board);
}

struct numbering {
	size_t count;
	struct fw_board_line *lines[LINES_A_TIME];
	struct fw_history_line told[LINES_A_TIME];
	int64_t numbers[LINES_A_TIME];
};

/* Lines without a number, at most LINES_A_TIME; their strings stay until the next sweep, which is ours. */
static void collect_unnumbered(const struct fw_vec *lines, struct numbering *n)
{
	for (size_t i = 0; i < lines->len && n->count < LINES_A_TIME; i++) {
		struct fw_board_line *line = line_at(lines, i);
		if (line->is_numbered)
			continue;
		n->lines[n->count] = line;
		n->told[n->count++] = (struct fw_history_line){ line->key, line->line.file, line->line.text, line->line.label, line->line.name,
								fw_direction_name(line->line.direction), fw_verdict_name(line->line.verdict),
								line->line.line };
	}
}

static int number_lines(struct fw_historian *historian, struct numbering *n)
{
	struct fw_board *board = historian->board;
	size_t all = 0;
	int r = 0;

	do {
		n->count = 0;
		fw_board_lock(board);
		if (board->counted_us > 0) {
			collect_unnumbered(&board->lines, n);
			collect_unnumbered(&board->gone, n);
		}
		fw_board_unlock(board);
		r = n->count > 0 ? fw_history_number_lines(historian->history, n->told, n->count, n->numbers) : 0;
		fw_board_lock(board);
		for (size_t i = 0; r == 0 && i < n->count; i++)
			begin_line(historian, n->lines[i], n->numbers[i]);
		fw_board_unlock(board);
		all += n->count;
	} while (r == 0 && n->count == LINES_A_TIME);
	historian->is_first = historian->is_first && all == 0;
	if (r == 0 && all > 0 && !historian->forgot) {
		historian->forgot = true;
		r = fw_history_forget_lines(historian->history, historian->wall);
	}
	return r;
}

/* --- what is new --- */

struct load { /* one transaction */
	struct fw_vec hits;   /* struct fw_history_hit */
	struct fw_vec lines;  /* struct fw_board_line *, of the hits */
	struct fw_vec tops;   /* struct fw_history_top */
	struct fw_vec heavy;  /* struct fw_heavy: copies, of the tops */
	struct fw_vec topped; /* struct fw_board_line * */
	struct fw_vec events; /* struct fw_history_event */
	struct fw_buf texts;  /* of the events, a NUL behind each */
	uint64_t event_count; /* of the board, that this books up to */
	int64_t time;
};

static void load_init(struct load *load)
{
	*load = (struct load){ .time = 0 };
	fw_vec_init(&load->hits, NULL, sizeof(struct fw_history_hit));
	fw_vec_init(&load->lines, NULL, sizeof(struct fw_board_line *));
	fw_vec_init(&load->tops, NULL, sizeof(struct fw_history_top));
	fw_vec_init(&load->heavy, NULL, sizeof(struct fw_heavy));
	fw_vec_init(&load->topped, NULL, sizeof(struct fw_board_line *));
	fw_vec_init(&load->events, NULL, sizeof(struct fw_history_event));
	fw_buf_init(&load->texts, EVENT_BYTES);
}

static void load_done(struct load *load)
{
	for (size_t i = 0; i < load->heavy.len; i++)
		free(((struct fw_heavy *)fw_vec_at(&load->heavy, i))->items);
	fw_vec_done(&load->hits);
	fw_vec_done(&load->lines);
	fw_vec_done(&load->tops);
	fw_vec_done(&load->heavy);
	fw_vec_done(&load->topped);
	fw_vec_done(&load->events);
	fw_buf_done(&load->texts);
}

/* Since it was booked; a counter that was made anew since, or one that went back, counts whole. */
static uint64_t difference(bool same, uint64_t now, uint64_t booked)
{
	return same && now >= booked ? now - booked : now;
}

static int add_hit(struct load *load, struct fw_board_line *line)
{
	const struct fw_message_count *now = &line->now;
	const struct fw_history_seen *booked = &line->booked;
	const bool same = booked->epoch == line->epoch && booked->handle == now->handle;
	const bool same_over = booked->epoch == line->epoch && booked->over_handle == now->over_handle;
	const struct fw_history_hit hit = {
		.seen = { booked->line, line->epoch, now->handle, now->packets, now->bytes, now->over_handle, now->over_packets, line->last_hit },
		.packets = difference(same, now->packets, booked->packets),
		.bytes = difference(same, now->bytes, booked->bytes),
		.over_packets = difference(same_over, now->over_packets, booked->over_packets),
	};
	if (!line->is_numbered || (!line->must_book && hit.packets == 0 && hit.over_packets == 0))
		return 0;

	struct fw_history_hit *item = fw_vec_push(&load->hits);
	struct fw_board_line **whose = item ? fw_vec_push(&load->lines) : NULL;
	if (!whose)
		return -ENOMEM;
	*item = hit;
	*whose = line;
	return 0;
}

static int add_top(struct load *load, struct fw_board_line *line, enum fw_history_top_kind kind, int64_t hour)
{
	const struct fw_heavy *heavy = &line->tops[kind];
	struct fw_heavy *copy = heavy->total > 0 ? fw_vec_push(&load->heavy) : NULL;
	struct fw_history_top *top = copy ? fw_vec_push(&load->tops) : NULL;
	if (!top)
		return heavy->total > 0 ? -ENOMEM : 0;

	*copy = (struct fw_heavy){ .items = malloc((heavy->len + 1) * sizeof(*copy->items)), .len = heavy->len, .room = heavy->len, .total = heavy->total };
	if (!copy->items)
		return -ENOMEM;
	if (heavy->len > 0)
		memcpy(copy->items, heavy->items, heavy->len * sizeof(*copy->items));
	*top = (struct fw_history_top){ .line = line->booked.line, .kind = kind, .hour = hour };
	return 0;
}

static int add_tops(struct load *load, struct fw_board_line *line, int64_t hour)
{
	if (!line->tops_changed || !line->is_numbered)
		return 0;
	struct fw_board_line **whose = fw_vec_push(&load->topped);
	if (!whose)
		return -ENOMEM;

	*whose = line;
	line->tops_changed = false;
	int r = add_top(load, line, FW_TOP_SOURCES, hour);
	return r < 0 ? r : add_top(load, line, FW_TOP_PORTS, hour);
}

static int collect_lines(struct load *load, const struct fw_vec *lines, int64_t hour)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < lines->len; i++) {
		r = add_hit(load, line_at(lines, i));
		if (r == 0)
			r = add_tops(load, line_at(lines, i), hour);
	}
	return r;
}

static size_t count_of_line(const struct load *load, int64_t line)
{
	size_t count = 0;

	for (size_t i = 0; i < load->events.len; i++)
		count += ((const struct fw_history_event *)fw_vec_at(&load->events, i))->line == line;
	return count;
}

/* The newest ones, but no line takes all the room. They are gathered newest first. */
static int collect_events(struct load *load, const struct fw_board *board, uint64_t from)
{
	const uint64_t oldest = board->event_count > FW_RING_EVENTS ? board->event_count - FW_RING_EVENTS : 0;

	load->event_count = board->event_count;
	for (uint64_t at = board->event_count; at > from && at > oldest && load->events.len < EVENTS_A_TURN; at--) {
		const struct fw_board_event *item = &board->ring[(at - 1) % FW_RING_EVENTS];
		if (!item->line->is_numbered || count_of_line(load, item->line->booked.line) >= EVENTS_A_LINE)
			continue;
		struct fw_history_event *event = fw_vec_push(&load->events);
		if (!event)
			return -ENOMEM;
		*event = (struct fw_history_event){ .line = item->line->booked.line, .time_us = item->event.time_us };
		event->json = (const char *)(uintptr_t)load->texts.len; /* until the text has its place */
		fw_event_json(&load->texts, &item->event, &item->line->line);
		fw_buf_putc(&load->texts, '\0');
	}
	return load->texts.error;
}

static void place_texts(struct load *load)
{
	for (size_t i = 0; i < load->heavy.len; i++)
		((struct fw_history_top *)fw_vec_at(&load->tops, i))->heavy = fw_vec_at(&load->heavy, i);
	for (size_t i = 0; i < load->events.len; i++) {
		struct fw_history_event *event = fw_vec_at(&load->events, i);
		event->json = load->texts.data + (uintptr_t)event->json;
	}
	for (size_t i = 0, n = load->events.len; i < n / 2; i++) { /* oldest first */
		struct fw_history_event *a = fw_vec_at(&load->events, i), *b = fw_vec_at(&load->events, n - 1 - i), swap = *a;
		*a = *b;
		*b = swap;
	}
}

/* Between two readings, where the packets were. */
static int64_t booking_time(const struct fw_board *board, int64_t wall)
{
	const int64_t now = board->counted_us > 0 ? board->counted_us : wall * 1000000, before = board->counted_before_us;
	const int64_t passed = before > 0 && now > before ? now - before : 0;

	return (now - (passed > 60000000 ? 30000000 : passed / 2)) / 1000000;
}

static int collect(struct fw_historian *historian, struct load *load)
{
	struct fw_board *board = historian->board;

	fw_board_lock(board);
	load->time = booking_time(board, historian->wall);
	int r = collect_lines(load, &board->lines, board->hour);
	if (r == 0)
		r = collect_lines(load, &board->gone, board->hour);
	if (r == 0)
		r = collect_events(load, board, historian->booked_events);
	fw_board_unlock(board);
	place_texts(load);
	return r;
}

/* Lines live on: only the sweep frees them. */
static void settle(struct fw_historian *historian, const struct load *load)
{
	struct fw_board *board = historian->board;
	const int64_t hour = historian->wall - historian->wall % 3600;

	fw_board_lock(board);
	for (size_t i = 0; i < load->lines.len; i++) {
		line_at(&load->lines, i)->booked = ((const struct fw_history_hit *)fw_vec_at(&load->hits, i))->seen;
		line_at(&load->lines, i)->must_book = false;
	}
	if (board->hour != hour)
		fw_board_begin_hour(board, hour);
	fw_board_unlock(board);
	historian->booked_events = load->event_count;
}

/* Not written: the same is gathered again the next time. */
static void unsettle(struct fw_historian *historian, const struct load *load)
{
	fw_board_lock(historian->board);
	for (size_t i = 0; i < load->topped.len; i++)
		line_at(&load->topped, i)->tops_changed = true;
	fw_board_unlock(historian->board);
}

int fw_booking_book(struct fw_historian *historian)
{
	struct load load FW_CLEANUP(load_done);
	struct numbering *n = malloc(sizeof(*n));
	load_init(&load);
	if (!n)
		return -ENOMEM;

	int r = number_lines(historian, n);
	free(n);
	if (r == 0)
		r = collect(historian, &load);
	const struct fw_history_batch batch = { load.time, load.hits.items, load.hits.len, load.tops.items, load.tops.len, load.events.items, load.events.len };
	if (r == 0 && load.hits.len + load.tops.len + load.events.len > 0)
		r = fw_history_write(historian->history, &batch);
	if (r == 0)
		settle(historian, &load);
	else
		unsettle(historian, &load);
	return r;
}

/* A line that went is kept until it was booked, as long as there is a history to book it in. */
void fw_booking_sweep(struct fw_historian *historian)
{
	fw_board_lock(historian->board);
	(void)fw_board_sweep(historian->board);
	fw_board_unlock(historian->board);
}
