/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/api.c - what the board says, as the bodies of answers: rules, status, events of late, metrics. All under the board's lock (docs/daemon.md, HTTP). */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "daemon/front.h"
#include "diag/diag.h"

static struct fw_board_line *line_at(const struct fw_board *board, size_t i)
{
	return *(struct fw_board_line **)fw_vec_at(&board->lines, i);
}

static void put_text(struct fw_buf *out, const char *text)
{
	if (text)
		fw_json_string(out, fw_str_from(text));
	else
		fw_buf_puts(out, "null");
}

/* --- lines --- */

static void put_top_source(struct fw_buf *out, const struct fw_board_line *line)
{
	const struct fw_heavy *heavy = &line->tops[FW_TOP_SOURCES];
	const struct fw_heavy_item *most = NULL;

	for (uint32_t i = 0; i < heavy->len; i++)
		if (!most || heavy->items[i].count > most->count)
			most = &heavy->items[i];
	if (!most) {
		fw_buf_puts(out, "null");
		return;
	}
	const struct fw_u128 address = { most->key.hi, most->key.lo };
	fw_buf_putc(out, '"');
	fw_addr_print(out, most->key.tag, (struct fw_range){ address, address });
	fw_buf_putc(out, '"');
}

static void put_counts(struct fw_buf *out, const struct fw_board_line *line)
{
	fw_buf_printf(out, ", \"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"over_limit_packets\": %" PRIu64 ", \"shared_limit_packets\": %" PRIu64,
		      line->now.packets, line->now.bytes, line->now.over_packets, line->now.shared_packets);
	fw_buf_printf(out, ", \"rate\": %.3f, \"last_hit\": ", line->rate);
	fw_time_json(out, line->last_hit);
}

static void put_line(struct fw_buf *out, const struct fw_board_line *line)
{
	fw_buf_putc(out, '{');
	fw_line_json(out, &line->line);
	put_counts(out, line);
	fw_buf_printf(out, ", \"events\": %" PRIu64 ", \"top_source\": ", line->events);
	put_top_source(out, line);
	fw_buf_putc(out, '}');
}

void fw_api_rules(struct fw_front *front, struct fw_buf *out)
{
	const struct fw_board *board = &front->board;

	fw_buf_puts(out, "{\"time\": ");
	fw_time_us_json(out, board->counted_us);
	fw_buf_puts(out, ", \"lines\": [");
	for (size_t i = 0; i < board->lines.len; i++) {
		fw_buf_puts(out, i > 0 ? ",\n" : "\n");
		put_line(out, line_at(board, i));
	}
	fw_buf_puts(out, "\n]}\n");
}

void fw_api_rates(struct fw_front *front, struct fw_buf *out)
{
	const struct fw_board *board = &front->board;
	bool first = true;

	fw_buf_puts(out, "{\"time\": ");
	fw_time_us_json(out, board->counted_us);
	fw_buf_puts(out, ", \"lines\": [");
	for (size_t i = 0; i < board->lines.len; i++) {
		const struct fw_board_line *line = line_at(board, i);
		if (line->last_hit == 0)
			continue;
		fw_buf_puts(out, first ? "\n{\"id\": " : ",\n{\"id\": ");
		first = false;
		put_text(out, line->key);
		fw_buf_printf(out, ", \"rate\": %.3f, \"last_hit\": ", line->rate);
		fw_time_json(out, line->last_hit);
		fw_buf_putc(out, '}');
	}
	fw_buf_puts(out, "\n]}\n");
}

/* --- status --- */

/* As `fwctl status --json` tells them. */
static void put_status_line(struct fw_buf *out, const struct fw_board_line *line)
{
	const bool has_id = line->line.owner == FW_RS_RULE || line->line.owner == FW_RS_BLOCK;

	fw_buf_puts(out, "{\"id\": ");
	put_text(out, has_id ? fw_line_id(&line->line) : NULL);
	fw_buf_puts(out, ", \"name\": ");
	put_text(out, line->line.name);
	fw_buf_puts(out, ", \"file\": ");
	put_text(out, line->line.file);
	fw_buf_printf(out, ", \"line\": %" PRIu32 ", \"text\": ", line->line.line);
	put_text(out, line->line.text);
	if (line->line.label) {
		fw_buf_puts(out, ", \"label\": ");
		put_text(out, line->line.label);
	}
	fw_buf_printf(out, ", \"direction\": \"%s\", \"verdict\": \"%s\"", fw_direction_name(line->line.direction), fw_verdict_name(line->line.verdict));
	put_counts(out, line);
	fw_buf_putc(out, '}');
}

static void put_list(struct fw_buf *out, const struct fw_board *board, const char *name, enum fw_rs_owner owner)
{
	bool first = true;

	fw_buf_printf(out, ",\n\"%s\": [", name);
	for (size_t i = 0; i < board->lines.len; i++) {
		const struct fw_board_line *line = line_at(board, i);
		if (line->line.owner != owner)
			continue;
		fw_buf_puts(out, first ? "\n" : ",\n");
		first = false;
		put_status_line(out, line);
	}
	fw_buf_putc(out, ']');
}

static void put_history(struct fw_buf *out, struct fw_historian *historian)
{
	(void)pthread_mutex_lock(&historian->lock);
	const struct fw_history_facts facts = historian->facts;
	const struct fw_history_limits limits = historian->limits;
	char error[sizeof(historian->error)];
	memcpy(error, historian->error, sizeof(error));
	(void)pthread_mutex_unlock(&historian->lock);

	fw_buf_printf(out, "\"history\": {\"bytes\": %" PRIu64 ", \"limit_bytes\": %" PRIu64 ", \"keep_seconds\": %" PRIu64 ", \"oldest\": ", facts.bytes,
		      limits.max_bytes, limits.keep_s);
	fw_time_json(out, facts.oldest);
	fw_buf_puts(out, ", \"error\": ");
	put_text(out, error[0] ? error : NULL);
	fw_buf_printf(out, ", \"clock_steps\": %" PRIu64 "}", facts.clock_steps);
}

static void put_change(struct fw_buf *out, const struct fw_board_change *change)
{
	fw_buf_puts(out, ", \"last_change\": ");
	if (change->time == 0) {
		fw_buf_puts(out, "null");
		return;
	}
	fw_buf_puts(out, "{\"time\": ");
	fw_time_json(out, change->time);
	fw_buf_printf(out, ", \"pid\": %" PRIu32 ", \"program\": ", change->pid);
	put_text(out, change->program);
	fw_buf_printf(out, ", \"ours\": %s}", change->ours ? "true" : "false");
}

static void put_daemon(struct fw_buf *out, struct fw_front *front)
{
	const struct fw_board *board = &front->board;

	fw_buf_puts(out, ",\n\"daemon\": {\"version\": \"" FW_VERSION "\", \"since\": ");
	fw_time_json(out, board->started);
	fw_buf_printf(out, ", \"events\": %" PRIu64 ", \"events_lost\": %" PRIu64 ", \"events_unknown\": %" PRIu64 ", \"log_group\": %" PRIu64
			   ", \"listening\": %s, ",
		      board->event_count, board->tally.lost, board->unknown + board->tally.malformed, board->nflog_group,
		      board->nflog_error == 0 ? "true" : "false");
	put_history(out, &front->historian);
	fw_buf_printf(out, ", \"clients\": %zu", front->server.clients);
	put_change(out, &board->change);
	fw_buf_putc(out, '}');
}

void fw_api_status(struct fw_front *front, struct fw_buf *out)
{
	const struct fw_board_policy *policy = &front->board.policy;

	fw_buf_printf(out, "{\"active\": %s, \"policy\": ", policy->active ? "true" : "false");
	put_text(out, policy->path);
	fw_buf_printf(out, ", \"generation\": %" PRIu64 ", \"applied_at\": ", policy->generation);
	fw_time_json(out, policy->applied_at);
	fw_buf_puts(out, ", \"applied_by\": ");
	put_text(out, policy->user);
	fw_buf_printf(out, ", \"in_sync\": %s, \"drift\": ", policy->in_sync ? "true" : "false");
	put_text(out, policy->drift);
	fw_buf_puts(out, ", \"during_horizon\": ");
	fw_time_json(out, policy->horizon);
	put_list(out, &front->board, "defaults", FW_RS_DEFAULT);
	put_list(out, &front->board, "builtin", FW_RS_BUILTIN);
	put_list(out, &front->board, "blocks", FW_RS_BLOCK);
	put_list(out, &front->board, "rules", FW_RS_RULE);
	put_daemon(out, front);
	fw_buf_puts(out, "}\n");
}

/* --- events of late --- */

void fw_api_past(const struct fw_front *front, size_t count, struct fw_buf *out)
{
	const struct fw_board *board = &front->board;
	const uint64_t kept = board->event_count < FW_RING_EVENTS ? board->event_count : FW_RING_EVENTS;
	const uint64_t first = board->event_count - (count < kept ? count : kept);

	for (uint64_t at = first; at < board->event_count; at++) {
		const struct fw_board_event *item = &board->ring[at % FW_RING_EVENTS];
		fw_buf_puts(out, out->data && out->data[out->len - 1] == '}' ? ",\n" : "\n");
		fw_event_json(out, &item->event, &item->line->line);
	}
}

/* --- metrics (Prometheus text format 0.0.4) --- */

static void put_label_value(struct fw_buf *out, const char *text)
{
	for (const char *at = text ? text : ""; *at; at++) {
		if (*at == '"' || *at == '\\')
			fw_buf_putc(out, '\\');
		if (*at == '\n')
			fw_buf_puts(out, "\\n");
		else
			fw_buf_putc(out, *at);
	}
}

static void put_label(struct fw_buf *out, const char *name, const char *value, bool first)
{
	fw_buf_printf(out, "%s%s=\"", first ? "{" : ",", name);
	put_label_value(out, value);
	fw_buf_putc(out, '"');
}

static void put_head(struct fw_buf *out, const char *name, const char *type, const char *help)
{
	fw_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_labels(struct fw_buf *out, const struct fw_line *line)
{
	put_label(out, "id", line->key, true);
	put_label(out, "file", line->file, false);
	fw_buf_printf(out, ",line=\"%" PRIu32 "\"", line->line);
	put_label(out, "label", line->label, false);
	put_label(out, "direction", fw_direction_name(line->direction), false);
	put_label(out, "verdict", fw_verdict_name(line->verdict), false);
	fw_buf_putc(out, '}');
}

static uint64_t packets_of(const struct fw_board_line *line)
{
	return line->now.packets;
}

static uint64_t bytes_of(const struct fw_board_line *line)
{
	return line->now.bytes;
}

static uint64_t over_of(const struct fw_board_line *line)
{
	return line->now.over_packets;
}

static void put_family(struct fw_buf *out, const struct fw_board *board, const char *name, uint64_t (*value)(const struct fw_board_line *line))
{
	for (size_t i = 0; i < board->lines.len; i++) {
		const struct fw_board_line *line = line_at(board, i);
		fw_buf_puts(out, name);
		put_labels(out, &line->line);
		fw_buf_printf(out, " %" PRIu64 "\n", value(line));
	}
}

static void put_number(struct fw_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	put_head(out, name, type, help);
	fw_buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void put_lines_metrics(struct fw_buf *out, const struct fw_board *board)
{
	put_head(out, "fwctl_rule_packets_total", "counter", "Packets that a line of the policy decided.");
	put_family(out, board, "fwctl_rule_packets_total", packets_of);
	put_head(out, "fwctl_rule_bytes_total", "counter", "Bytes of the packets that a line of the policy decided.");
	put_family(out, board, "fwctl_rule_bytes_total", bytes_of);
	put_head(out, "fwctl_rule_over_limit_packets_total", "counter", "Packets that a line dropped because they were over its limit.");
	put_family(out, board, "fwctl_rule_over_limit_packets_total", over_of);
}

static void put_policy_metrics(struct fw_buf *out, const struct fw_board *board)
{
	put_head(out, "fwctl_policy_info", "gauge", "The policy that runs.");
	fw_buf_puts(out, "fwctl_policy_info");
	put_label(out, "policy", board->policy.path, true);
	fw_buf_printf(out, ",generation=\"%" PRIu64 "\"} %d\n", board->policy.generation, board->policy.active ? 1 : 0);
	put_number(out, "fwctl_in_sync", "gauge", "1: the kernel holds what was compiled.", board->policy.in_sync);
	put_head(out, "fwctl_policy_applied_timestamp_seconds", "gauge", "When it was applied.");
	fw_buf_printf(out, "fwctl_policy_applied_timestamp_seconds %" PRId64 "\n", board->policy.applied_at);
}

void fw_api_metrics(struct fw_front *front, struct fw_buf *out)
{
	const struct fw_board *board = &front->board;

	put_head(out, "fwctl_build_info", "gauge", "The version of fwctld.");
	fw_buf_puts(out, "fwctl_build_info{version=\"" FW_VERSION "\"} 1\n");
	put_policy_metrics(out, board);
	put_lines_metrics(out, board);
	put_number(out, "fwctl_events_total", "counter", "Packets that the kernel reported and that were counted.", board->event_count);
	put_number(out, "fwctl_events_lost_total", "counter", "Packets that the kernel could not report: its queue was full.", board->tally.lost);
	put_number(out, "fwctl_events_unknown_total", "counter", "Reports that belong to no line, or could not be read.",
		   board->unknown + board->tally.malformed);
	(void)pthread_mutex_lock(&front->historian.lock);
	const uint64_t bytes = front->historian.facts.bytes;
	const bool failing = front->historian.error[0];
	(void)pthread_mutex_unlock(&front->historian.lock);
	put_number(out, "fwctl_history_bytes", "gauge", "Size of the history on disk.", bytes);
	put_number(out, "fwctl_history_failing", "gauge", "1: the history cannot be written.", failing);
	put_number(out, "fwctl_clients", "gauge", "Open connections of clients.", front->server.clients);
}
