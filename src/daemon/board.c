/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/board.c - the front's picture of the policy and its hits. */
#include "daemon/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RATE_MIN_US 500000 /* readings closer together say little of a rate */
#define GONE_MAX 50000 /* lines of former policies */
#define MAP_BUDGET ((size_t)256 << 20)

int fw_board_init(struct fw_board *board, int64_t now)
{
	*board = (struct fw_board){ .started = now, .budget = { .items = FW_BOARD_HEAVY_ITEMS }, .hour = now - now % 3600 };
	fw_vec_init(&board->lines, NULL, sizeof(struct fw_board_line *));
	fw_vec_init(&board->gone, NULL, sizeof(struct fw_board_line *));
	fw_vec_init(&board->trash, NULL, sizeof(char *));
	board->ring = calloc(FW_RING_EVENTS, sizeof(*board->ring));
	board->arena = fw_arena_new(MAP_BUDGET);
	if (!board->ring || !board->arena)
		return -ENOMEM;
	fw_map_init(&board->by_key, board->arena);
	fw_map_init(&board->by_log_key, board->arena);
	return pthread_mutex_init(&board->lock, NULL) == 0 ? 0 : -ENOMEM;
}

void fw_board_lock(struct fw_board *board)
{
	(void)atomic_fetch_add(&board->waiting, 1);
	(void)pthread_mutex_lock(&board->lock);
	(void)atomic_fetch_sub(&board->waiting, 1);
}

/* Mutexes are not fair: whoever gives one back and takes it at once keeps the others out for as long as a flood lasts. */
void fw_board_lock_politely(struct fw_board *board)
{
	const struct timespec pause = { .tv_nsec = 50000 };

	for (unsigned int i = 0; i < 20 && atomic_load(&board->waiting) > 0; i++)
		(void)nanosleep(&pause, NULL);
	(void)pthread_mutex_lock(&board->lock);
}

void fw_board_unlock(struct fw_board *board)
{
	(void)pthread_mutex_unlock(&board->lock);
}

/* --- a policy while it is told --- */

static void free_line(struct fw_board_line *line)
{
	if (!line)
		return;
	for (size_t i = 0; i < FW_ARRAY_SIZE(line->strings); i++)
		free(line->strings[i]);
	free(line);
}

static void free_policy(struct fw_board_policy *policy)
{
	free(policy->path);
	free(policy->user);
	free(policy->drift);
	*policy = (struct fw_board_policy){ .active = false };
}

void fw_board_next_done(struct fw_board_next *next)
{
	for (size_t i = 0; i < next->lines.len; i++)
		free_line(*(struct fw_board_line **)fw_vec_at(&next->lines, i));
	fw_vec_done(&next->lines);
	free_policy(&next->policy);
	*next = (struct fw_board_next){ .is_open = false };
}

int fw_board_next_begin(struct fw_board_next *next, const struct fw_message *message)
{
	const struct fw_message_policy *told = message->body;
	char *strings[3];

	fw_board_next_done(next);
	int r = fw_message_strings(message, strings, FW_ARRAY_SIZE(strings));
	if (r < 0)
		return r;
	next->policy = (struct fw_board_policy){ told->active, told->in_sync, told->serial, told->generation, told->epoch, told->applied_at, told->horizon,
						 strings[0], strings[1], strings[2] };
	fw_vec_init(&next->lines, NULL, sizeof(struct fw_board_line *));
	next->due = told->lines;
	next->is_open = true;
	return 0;
}

enum { ID, NAME, FILE_NAME, TEXT, LABEL };

static void point(struct fw_board_line *line)
{
	line->line.key = line->key;
	line->line.name = line->strings[NAME];
	line->line.file = line->strings[FILE_NAME];
	line->line.text = line->strings[TEXT];
	line->line.label = line->strings[LABEL];
}

static bool is_line(const struct fw_message_line *told)
{
	return told->owner > FW_RS_NOBODY && told->owner < FW_RS_MANIFEST && told->direction < FW_DIRECTIONS && told->verdict <= FW_REJECT;
}

int fw_board_next_line(struct fw_board_next *next, const struct fw_message *message)
{
	const struct fw_message_line *told = message->body;
	if (!next->is_open || next->lines.len >= next->due || !is_line(told))
		return -EBADMSG;

	struct fw_board_line *line = calloc(1, sizeof(*line));
	struct fw_board_line **item = line ? fw_vec_push(&next->lines) : NULL;
	if (!item) {
		free(line);
		return -ENOMEM;
	}
	*item = line;
	int r = fw_message_strings(message, line->strings, FW_ARRAY_SIZE(line->strings));
	if (r < 0)
		return r;
	if (!line->strings[ID])
		return -EBADMSG;
	fw_line_key(told->owner, line->strings[ID], line->key);
	line->line = (struct fw_line){ .owner = told->owner, .line = told->line, .direction = told->direction, .verdict = told->verdict };
	line->epoch = next->policy.epoch;
	point(line);
	return 0;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Keeps what is known of a line and takes the words of the new one. What is replaced may still be read by the historian. */
static int renew(struct fw_board *board, struct fw_board_line *known, struct fw_board_line *fresh)
{
	int r = fw_vec_reserve(&board->trash, board->trash.len + FW_ARRAY_SIZE(known->strings));
	if (r < 0)
		return r;

	if (known->line.line != fresh->line.line || !is_same_text(known->line.label, fresh->line.label))
		known->is_numbered = false; /* the history is to learn of its place */
	for (size_t i = 0; i < FW_ARRAY_SIZE(known->strings); i++) {
		char **old = known->strings[i] ? fw_vec_push(&board->trash) : NULL;
		if (old)
			*old = known->strings[i];
		known->strings[i] = fresh->strings[i];
		fresh->strings[i] = NULL;
	}
	known->line = fresh->line;
	known->epoch = fresh->epoch;
	point(known);
	return 0;
}

/* Each line of the next policy is one that is known, where there is one of that key. */
static int match(struct fw_board *board, struct fw_board_next *next)
{
	for (size_t i = 0; i < next->lines.len; i++) {
		struct fw_board_line **item = fw_vec_at(&next->lines, i), *fresh = *item;
		struct fw_board_line *known = fw_map_get(&board->by_key, fw_str_from(fresh->key));
		if (known && !known->is_current) {
			int r = renew(board, known, fresh);
			if (r < 0)
				return r;
			*item = known;
			free_line(fresh);
		}
		(*item)->is_current = true;
	}
	return 0;
}

static void set_current(const struct fw_vec *lines, bool current)
{
	for (size_t i = 0; i < lines->len; i++)
		(*(struct fw_board_line **)fw_vec_at(lines, i))->is_current = current;
}

static int index_line(struct fw_board *board, struct fw_board_line *line)
{
	char log_key[FW_LINE_KEY_MAX];

	fw_line_log_key(line->line.owner, fw_line_id(&line->line), log_key);
	const char *copy = fw_arena_copy(board->arena, fw_str_from(log_key));
	int r = copy ? fw_map_put(&board->by_log_key, fw_str_from(copy), line) : -ENOMEM;
	if (r == 0 || r == -EEXIST)
		r = fw_map_put(&board->by_key, fw_str_from(line->key), line);
	return r == -EEXIST ? 0 : r;
}

/* Those of the policy first: where a former one has the same key, it is the one that runs. */
static int index_lines(struct fw_board *board)
{
	struct fw_arena *arena = fw_arena_new(MAP_BUDGET);
	int r = arena ? 0 : -ENOMEM;

	fw_arena_free(board->arena);
	board->arena = arena;
	fw_map_init(&board->by_key, arena);
	fw_map_init(&board->by_log_key, arena);
	for (size_t i = 0; r == 0 && i < board->lines.len; i++)
		r = index_line(board, *(struct fw_board_line **)fw_vec_at(&board->lines, i));
	for (size_t i = 0; r == 0 && i < board->gone.len; i++)
		r = index_line(board, *(struct fw_board_line **)fw_vec_at(&board->gone, i));
	return r;
}

static void move_gone(struct fw_board *board)
{
	for (size_t i = 0; i < board->lines.len; i++) {
		struct fw_board_line *line = *(struct fw_board_line **)fw_vec_at(&board->lines, i);
		struct fw_board_line **item = line->is_current ? NULL : fw_vec_push(&board->gone);
		if (item)
			*item = line;
	}
}

/* Those that were gone and are back. */
static void forget_returned(struct fw_board *board)
{
	size_t kept = 0;

	for (size_t i = 0; i < board->gone.len; i++) {
		struct fw_board_line **item = fw_vec_at(&board->gone, i);
		if (!(*item)->is_current)
			*(struct fw_board_line **)fw_vec_at(&board->gone, kept++) = *item;
	}
	board->gone.len = kept;
}

static int swap(struct fw_board *board, struct fw_board_next *next)
{
	int r = fw_vec_reserve(&board->gone, board->gone.len + board->lines.len);
	if (r < 0)
		return r;

	set_current(&board->lines, false);
	r = match(board, next);
	if (r < 0) {
		next->lines.len = 0; /* some of them are the board's */
		return r;
	}
	move_gone(board);
	forget_returned(board);
	fw_vec_done(&board->lines);
	board->lines = next->lines;
	fw_vec_init(&next->lines, NULL, sizeof(struct fw_board_line *));
	free_policy(&board->policy);
	board->policy = next->policy;
	next->policy = (struct fw_board_policy){ .active = false };
	return index_lines(board);
}

int fw_board_next_end(struct fw_board *board, struct fw_board_next *next)
{
	if (!next->is_open || next->lines.len != next->due)
		return -EBADMSG;

	fw_board_lock(board);
	const int r = swap(board, next);
	fw_board_unlock(board);
	fw_board_next_done(next);
	return r;
}

/* --- counts --- */

static void take_count(struct fw_board_line *line, const struct fw_message_count *count)
{
	line->now = *count;
}

int fw_board_take_counts(struct fw_board *board, const struct fw_message *message)
{
	const struct fw_message_count *counts = message->body;

	for (uint32_t i = 0; i < message->count; i++) {
		if (counts[i].index >= board->lines.len)
			return -EBADMSG;
		take_count(*(struct fw_board_line **)fw_vec_at(&board->lines, counts[i].index), &counts[i]);
	}
	return 0;
}

static void update_rate(struct fw_board_line *line, int64_t time_us)
{
	const uint64_t packets = line->now.packets + line->now.over_packets;
	const int64_t passed = time_us - line->rate_us;

	if (packets != line->rate_packets && line->rate_us > 0 && line->last_hit < time_us / 1000000)
		line->last_hit = time_us / 1000000;
	if (line->rate_us > 0 && passed >= 0 && passed < RATE_MIN_US)
		return;
	line->rate = line->rate_us > 0 && packets >= line->rate_packets && passed > 0 ?
			     (double)(packets - line->rate_packets) * 1000000 / (double)passed :
			     0;
	line->rate_packets = packets;
	line->rate_us = time_us;
}

void fw_board_counted(struct fw_board *board, int64_t time_us)
{
	board->counted_before_us = board->counted_us;
	board->counted_us = time_us;
	for (size_t i = 0; i < board->lines.len; i++)
		update_rate(*(struct fw_board_line **)fw_vec_at(&board->lines, i), time_us);
}

/* --- events --- */

struct fw_board_line *fw_board_find_log(struct fw_board *board, struct fw_str log_key)
{
	return fw_map_get(&board->by_log_key, log_key);
}

struct fw_heavy_key fw_board_source_key(const struct fw_packet *packet)
{
	return (struct fw_heavy_key){ packet->source.hi, packet->source.lo, packet->family };
}

/* Protocol and destination port; of what has none, the protocol alone. */
struct fw_heavy_key fw_board_port_key(const struct fw_packet *packet)
{
	return (struct fw_heavy_key){ packet->has_ports, packet->has_ports ? packet->destination_port : 0, packet->proto };
}

void fw_board_add_event(struct fw_board *board, const struct fw_event *event, struct fw_board_line *line)
{
	struct fw_board_event *item = &board->ring[board->event_count++ % FW_RING_EVENTS];

	*item = (struct fw_board_event){ *event, line };
	line->events++;
	if (line->last_hit < event->time_us / 1000000)
		line->last_hit = event->time_us / 1000000;
	if (!event->has_packet)
		return;
	fw_heavy_add(&line->tops[FW_TOP_SOURCES], &board->budget, fw_board_source_key(&event->packet));
	fw_heavy_add(&line->tops[FW_TOP_PORTS], &board->budget, fw_board_port_key(&event->packet));
	line->tops_changed = true;
}

static void empty_tops(const struct fw_vec *lines, struct fw_heavy_budget *budget)
{
	for (size_t i = 0; i < lines->len; i++) {
		struct fw_board_line *line = *(struct fw_board_line **)fw_vec_at(lines, i);
		fw_heavy_done(&line->tops[FW_TOP_SOURCES], budget);
		fw_heavy_done(&line->tops[FW_TOP_PORTS], budget);
		line->tops_changed = false;
	}
}

void fw_board_begin_hour(struct fw_board *board, int64_t hour)
{
	empty_tops(&board->lines, &board->budget);
	empty_tops(&board->gone, &board->budget);
	board->hour = hour;
}

/* --- what nobody needs any more --- */

static bool is_in_ring(const struct fw_board *board, const struct fw_board_line *line)
{
	const uint64_t count = board->event_count < FW_RING_EVENTS ? board->event_count : FW_RING_EVENTS;

	for (uint64_t i = 0; i < count; i++)
		if (board->ring[i].line == line)
			return true;
	return false;
}

/* As long as the history cannot be written, lines that went wait for it, but not without end. */
static bool is_unbooked(const struct fw_board_line *line, size_t gone)
{
	if (gone > GONE_MAX)
		return false;
	return line->tops_changed || line->booked.packets != line->now.packets || line->booked.over_packets != line->now.over_packets;
}

int fw_board_sweep(struct fw_board *board)
{
	const size_t had = board->gone.len;
	size_t kept = 0;

	for (size_t i = 0; i < board->trash.len; i++)
		free(*(char **)fw_vec_at(&board->trash, i));
	board->trash.len = 0;
	for (size_t i = 0; i < board->gone.len; i++) {
		struct fw_board_line **item = fw_vec_at(&board->gone, i), *line = *item;
		if (is_unbooked(line, had) || (line->events > 0 && is_in_ring(board, line))) {
			*(struct fw_board_line **)fw_vec_at(&board->gone, kept++) = line;
			continue;
		}
		fw_heavy_done(&line->tops[FW_TOP_SOURCES], &board->budget);
		fw_heavy_done(&line->tops[FW_TOP_PORTS], &board->budget);
		free_line(line);
	}
	board->gone.len = kept;
	return kept < had ? index_lines(board) : 0;
}
