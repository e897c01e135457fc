/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/hits.c - questions about the past, answered from the history as JSON (docs/daemon.md, /v1/hits). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front.h"
#include "diag/diag.h"
#include "net/proto.h"

#define LINES_BUDGET ((size_t)256 << 20)
#define QUERY_MS 4000

struct answer {
	struct fw_historian *historian;
	struct fw_job *job;
	struct fw_arena *arena;
	struct fw_vec lines;   /* struct fw_history_known: all, by number after sorting */
	struct fw_vec numbers; /* int64_t: those that are asked for */
	bool chooses;
	struct fw_history_query query;
};

static void fail(struct fw_job *job, int status, const char *message, const char *hint)
{
	job->status = status;
	job->out.len = 0;
	fw_buf_puts(&job->out, "{\"error\": {\"message\": ");
	fw_json_string(&job->out, fw_str_from(message));
	fw_buf_puts(&job->out, ", \"hint\": ");
	fw_json_string(&job->out, fw_str_from(hint));
	fw_buf_puts(&job->out, "}}\n");
}

/* --- lines --- */

static int compare_known(const void *a, const void *b)
{
	const struct fw_history_known *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static const struct fw_history_known *find_line(const struct answer *a, int64_t number)
{
	const struct fw_history_known wanted = { .number = number };

	return a->lines.len > 0 ? bsearch(&wanted, a->lines.items, a->lines.len, sizeof(wanted), compare_known) : NULL;
}

static enum fw_rs_owner owner_of(const char *key)
{
	static const struct {
		const char *prefix;
		enum fw_rs_owner owner;
	} rows[] = { { "rule/", FW_RS_RULE }, { "block/", FW_RS_BLOCK }, { "builtin/", FW_RS_BUILTIN }, { "default/", FW_RS_DEFAULT } };

	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++)
		if (strncmp(key, rows[i].prefix, strlen(rows[i].prefix)) == 0)
			return rows[i].owner;
	return FW_RS_NOBODY;
}

/* The file is as trustworthy as whoever could write it: words that are none of ours read as the first. */
static struct fw_line told_line(const struct fw_history_line *known)
{
	struct fw_line line = { .owner = owner_of(known->key), .key = known->key, .name = known->name, .file = known->file, .text = known->text,
				.label = known->label, .line = known->line };

	for (unsigned int d = 0; known->direction && d < FW_DIRECTIONS; d++)
		if (strcmp(fw_direction_name(d), known->direction) == 0)
			line.direction = d;
	for (unsigned int v = FW_ALLOW; known->verdict && v <= FW_REJECT; v++)
		if (strcmp(fw_verdict_name(v), known->verdict) == 0)
			line.verdict = v;
	return line;
}

static int choose_lines(struct answer *a)
{
	const struct fw_job *job = a->job;

	a->chooses = job->rule[0] || job->direction[0];
	for (size_t i = 0; a->chooses && i < a->lines.len; i++) {
		const struct fw_history_known *known = fw_vec_at(&a->lines, i);
		const struct fw_line line = told_line(&known->line);
		if ((job->rule[0] && !fw_line_is_named(&line, job->rule)) || (job->direction[0] && strcmp(fw_direction_name(line.direction), job->direction) != 0))
			continue;
		int64_t *number = fw_vec_push(&a->numbers);
		if (!number)
			return -ENOMEM;
		*number = known->number;
	}
	return 0;
}

static int begin(struct answer *a)
{
	int r = fw_history_lines(a->historian->history, a->arena, &a->lines);
	if (r < 0)
		return r;
	if (a->lines.len > 0)
		qsort(a->lines.items, a->lines.len, sizeof(struct fw_history_known), compare_known);
	r = choose_lines(a);
	if (r == 0 && a->chooses && a->numbers.len == 0)
		return -ENOENT;
	const int64_t now = a->historian->wall;
	a->query = (struct fw_history_query){ .since = now - (int64_t)a->job->since_s, .until = now + 1, .lines = a->chooses ? a->numbers.items : NULL,
					      .line_count = a->numbers.len, .timeout_ms = QUERY_MS };
	return r;
}

/* --- what all answers begin with --- */

static void put_head(struct answer *a, const char *by, enum fw_history_resolution resolution, int64_t from)
{
	static const char *const names[] = { [FW_BY_MINUTE] = "minute", [FW_BY_HOUR] = "hour", [FW_BY_DAY] = "day" };
	struct fw_buf *out = &a->job->out;
	struct fw_history_facts facts = { .oldest = 0 };

	(void)fw_history_facts(a->historian->history, &facts);
	fw_buf_puts(out, "{\"since\": ");
	fw_time_json(out, from);
	fw_buf_puts(out, ", \"until\": ");
	fw_time_json(out, a->query.until - 1);
	fw_buf_printf(out, ", \"by\": \"%s\", \"resolution\": \"%s\", \"complete_from\": ", by, names[resolution]);
	fw_time_json(out, facts.oldest > a->query.since ? facts.oldest : 0);
}

static void put_sum(struct fw_buf *out, uint64_t packets, uint64_t bytes, uint64_t over)
{
	fw_buf_printf(out, ", \"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"over_limit_packets\": %" PRIu64, packets, bytes, over);
}

/* --- by rule --- */

static int compare_sums(const void *a, const void *b)
{
	const struct fw_history_sum *x = a, *y = b;
	const uint64_t p = x->packets + x->over_packets, q = y->packets + y->over_packets;

	if (p != q)
		return p > q ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int answer_by_line(struct answer *a)
{
	struct fw_vec sums FW_CLEANUP(fw_vec_done);
	struct fw_buf *out = &a->job->out;
	int64_t from = a->query.since;
	size_t put = 0;

	fw_vec_init(&sums, NULL, sizeof(struct fw_history_sum));
	int r = fw_history_by_line(a->historian->history, &a->query, &sums, &from);
	if (r < 0)
		return r;
	if (sums.len > 0)
		qsort(sums.items, sums.len, sizeof(struct fw_history_sum), compare_sums);
	put_head(a, "rule", FW_BY_MINUTE, from);
	fw_buf_puts(out, ", \"lines\": [");
	for (size_t i = 0; i < sums.len && put < a->job->limit; i++) {
		const struct fw_history_sum *sum = fw_vec_at(&sums, i);
		const struct fw_history_known *known = find_line(a, sum->line);
		if (!known)
			continue;
		const struct fw_line line = told_line(&known->line);
		fw_buf_puts(out, put++ > 0 ? ",\n{" : "\n{");
		fw_line_json(out, &line);
		put_sum(out, sum->packets, sum->bytes, sum->over_packets);
		fw_buf_puts(out, ", \"last_hit\": ");
		fw_time_json(out, known->last_hit);
		fw_buf_putc(out, '}');
	}
	fw_buf_printf(out, "\n], \"total\": %zu}\n", sums.len);
	return 0;
}

/* --- by time --- */

static int answer_by_time(struct answer *a)
{
	struct fw_vec times FW_CLEANUP(fw_vec_done);
	struct fw_buf *out = &a->job->out;
	enum fw_history_resolution resolution = FW_BY_MINUTE;

	fw_vec_init(&times, NULL, sizeof(struct fw_history_time));
	int r = fw_history_by_time(a->historian->history, &a->query, &times, &resolution);
	if (r < 0)
		return r;
	put_head(a, "minute", resolution, a->query.since);
	fw_buf_puts(out, ", \"times\": [");
	for (size_t i = 0; i < times.len; i++) {
		const struct fw_history_time *time = fw_vec_at(&times, i);
		fw_buf_puts(out, i > 0 ? ",\n{\"time\": " : "\n{\"time\": ");
		fw_time_json(out, time->time);
		put_sum(out, time->packets, time->bytes, time->over_packets);
		fw_buf_putc(out, '}');
	}
	fw_buf_puts(out, "\n]}\n");
	return 0;
}

/* --- by source, by port: shares of lines, gathered by their key --- */

static int compare_keys(const struct fw_heavy_key *a, const struct fw_heavy_key *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->tag < b->tag ? -1 : a->tag > b->tag;
}

static int compare_shares(const void *a, const void *b)
{
	const struct fw_history_share *x = a, *y = b;
	const int keys = compare_keys(&x->item.key, &y->item.key);

	return keys != 0 ? keys : x->line < y->line ? -1 : x->line > y->line;
}

struct gathered { /* equal keys, one behind the other in the shares */
	size_t first, count;
	uint64_t events, error;
};

static int compare_gathered(const void *a, const void *b)
{
	const struct gathered *x = a, *y = b;

	if (x->events != y->events)
		return x->events > y->events ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static int gather(const struct fw_vec *shares, struct fw_vec *gathered)
{
	struct gathered *last = NULL;

	for (size_t i = 0; i < shares->len; i++) {
		const struct fw_history_share *share = fw_vec_at(shares, i);
		const struct fw_history_share *first = last ? fw_vec_at(shares, last->first) : NULL;
		if (!first || compare_keys(&first->item.key, &share->item.key) != 0) {
			last = fw_vec_push(gathered);
			if (!last)
				return -ENOMEM;
			*last = (struct gathered){ .first = i };
		}
		last->count++;
		last->events += share->item.count;
		last->error += share->item.error;
	}
	if (gathered->len > 0)
		qsort(gathered->items, gathered->len, sizeof(struct gathered), compare_gathered);
	return 0;
}

/* "policy.conf:7", or the key of a line that has no place. */
static void put_places(struct fw_buf *out, const struct answer *a, const struct fw_vec *shares, const struct gathered *item)
{
	struct fw_buf place FW_CLEANUP(fw_buf_done);

	fw_buf_puts(out, ", \"lines\": [");
	for (size_t i = 0; i < item->count && i < 16; i++) {
		const struct fw_history_share *share = fw_vec_at(shares, item->first + i);
		const struct fw_history_known *known = find_line(a, share->line);
		fw_buf_init(&place, 4096);
		if (known && known->line.line > 0)
			fw_buf_printf(&place, "%s:%" PRIu32, known->line.file ? known->line.file : "?", known->line.line);
		else
			fw_buf_puts(&place, known ? known->line.key : "?");
		fw_buf_puts(out, i > 0 ? ", " : "");
		fw_json_string(out, fw_buf_str(&place));
		fw_buf_done(&place);
	}
	fw_buf_putc(out, ']');
}

static void put_source(struct fw_buf *out, const struct fw_heavy_key *key)
{
	const struct fw_u128 address = { key->hi, key->lo };

	fw_buf_puts(out, "{\"source\": \"");
	fw_addr_print(out, key->tag == FW_IPV4 ? FW_IPV4 : FW_IPV6, (struct fw_range){ address, address });
	fw_buf_putc(out, '"');
}

/* The first service of the catalogue that is this port alone would need the catalogue: the name of the protocol has to do. */
static void put_port(struct fw_buf *out, const struct fw_heavy_key *key)
{
	const struct fw_proto *proto = fw_proto_by_number((uint8_t)key->tag);

	if (proto)
		fw_buf_printf(out, "{\"protocol\": \"%s\"", proto->name);
	else
		fw_buf_printf(out, "{\"protocol\": \"%u\"", (unsigned int)(key->tag & UINT8_MAX));
	if (key->hi)
		fw_buf_printf(out, ", \"port\": %u", (unsigned int)(key->lo & UINT16_MAX));
	else
		fw_buf_puts(out, ", \"port\": null");
}

static int answer_by_top(struct answer *a, enum fw_history_top_kind kind)
{
	struct fw_vec shares FW_CLEANUP(fw_vec_done), gathered FW_CLEANUP(fw_vec_done);
	struct fw_buf *out = &a->job->out;

	fw_vec_init(&shares, NULL, sizeof(struct fw_history_share));
	fw_vec_init(&gathered, NULL, sizeof(struct gathered));
	int r = fw_history_tops(a->historian->history, &a->query, kind, &shares);
	if (r == 0 && shares.len > 0)
		qsort(shares.items, shares.len, sizeof(struct fw_history_share), compare_shares);
	if (r == 0)
		r = gather(&shares, &gathered);
	if (r < 0)
		return r;
	put_head(a, kind == FW_TOP_SOURCES ? "source" : "port", FW_BY_HOUR, a->query.since - a->query.since % 3600);
	fw_buf_printf(out, ", \"%s\": [", kind == FW_TOP_SOURCES ? "sources" : "ports");
	for (size_t i = 0; i < gathered.len && i < a->job->limit; i++) {
		const struct gathered *item = fw_vec_at(&gathered, i);
		const struct fw_history_share *first = fw_vec_at(&shares, item->first);
		fw_buf_puts(out, i > 0 ? ",\n" : "\n");
		if (kind == FW_TOP_SOURCES)
			put_source(out, &first->item.key);
		else
			put_port(out, &first->item.key);
		fw_buf_printf(out, ", \"events\": %" PRIu64 ", \"error\": %" PRIu64, item->events, item->error);
		put_places(out, a, &shares, item);
		fw_buf_putc(out, '}');
	}
	fw_buf_printf(out, "\n], \"total\": %zu}\n", gathered.len);
	return 0;
}

/* --- events of former runs --- */

struct past {
	struct fw_buf *out;
	size_t count;
};

static void take_past(const char *json, void *data)
{
	struct past *past = data;

	fw_buf_puts(past->out, past->count++ > 0 ? ",\n" : "\n");
	fw_buf_puts(past->out, json);
}

/* Those before this run: of its own the board has more. */
static int answer_past(struct answer *a)
{
	struct past past = { .out = &a->job->out };

	return fw_history_events(a->historian->history, a->historian->board->started, a->job->limit, take_past, &past);
}

/* --- all --- */

static int answer_hits(struct answer *a)
{
	int r = begin(a);

	if (r < 0)
		return r;
	switch (a->job->by) {
	case FW_HITS_BY_RULE:
		return answer_by_line(a);
	case FW_HITS_BY_SOURCE:
		return answer_by_top(a, FW_TOP_SOURCES);
	case FW_HITS_BY_PORT:
		return answer_by_top(a, FW_TOP_PORTS);
	case FW_HITS_BY_TIME:
		return answer_by_time(a);
	}
	return -EINVAL;
}

void fw_hits_answer(struct fw_historian *historian, struct fw_job *job)
{
	struct answer a = { .historian = historian, .job = job, .arena = fw_arena_new(LINES_BUDGET) };
	int r = a.arena ? 0 : -ENOMEM;

	fw_vec_init(&a.lines, a.arena, sizeof(struct fw_history_known));
	fw_vec_init(&a.numbers, a.arena, sizeof(int64_t));
	job->status = 200;
	if (r == 0 && !historian->history)
		r = -ENODATA;
	if (r == 0)
		r = job->kind == FW_JOB_PAST ? answer_past(&a) : answer_hits(&a);
	fw_arena_free(a.arena);
	if (r == -ENOENT)
		fail(job, 404, "the history has no such line", "`fwctl status` lists lines; say its number, FILE:NUMBER, its label or id");
	else if (r == -ENODATA)
		fail(job, 503, "the history cannot be opened", "`fwctl status` says why");
	else if (r == -ETIMEDOUT)
		fail(job, 503, "this takes too long", "ask for a shorter time, or for one rule");
	else if (r < 0)
		fail(job, 503, "the history cannot be read", strerror(-r));
}
