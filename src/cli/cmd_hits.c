/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_hits.c - hits: what fwctld kept of the past, with bars; without it, what the kernel's counters say. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"

#define TIMEOUT_MS 10000
#define BAR 16

/* --- the question --- */

static enum fw_outcome check_options(const struct fw_cli *cli, uint64_t *ret_since)
{
	uint64_t limit;

	*ret_since = 86400;
	if (cli->arg_count > 0)
		return fw_cli_usage("`fwctl hits` takes options only, not '%s'", cli->args[0]);
	if (cli->since && fw_cli_parse_duration(cli->since, ret_since) < 0)
		return fw_cli_usage("--since takes a time such as 15m, 24h or 14d, not '%s'", cli->since);
	if (cli->by && strcmp(cli->by, "rule") != 0 && strcmp(cli->by, "source") != 0 && strcmp(cli->by, "port") != 0 && strcmp(cli->by, "minute") != 0)
		return fw_cli_usage("--by takes rule, source, port or minute, not '%s'", cli->by);
	if (cli->direction && strcmp(cli->direction, "in") != 0 && strcmp(cli->direction, "out") != 0 && strcmp(cli->direction, "forward") != 0)
		return fw_cli_usage("--direction takes in, out or forward, not '%s'", cli->direction);
	if (cli->limit && (fw_str_parse_u64(fw_str_from(cli->limit), 100000, &limit) < 0 || limit == 0))
		return fw_cli_usage("--limit takes a number from 1 to 100000, not '%s'", cli->limit);
	return FW_OUTCOME_DONE;
}

static void build_target(const struct fw_cli *cli, uint64_t since, struct fw_buf *target)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%" PRIu64, since);
	fw_buf_puts(target, "/v1/hits");
	fw_client_parameter(target, "since", seconds);
	fw_client_parameter(target, "by", cli->by);
	fw_client_parameter(target, "rule", cli->rule);
	fw_client_parameter(target, "direction", cli->direction);
	fw_client_parameter(target, "limit", cli->limit ? cli->limit : cli->json ? NULL : "100");
}

/* --- the answer --- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static uint64_t largest(const json_t *list, const char *name)
{
	uint64_t most = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		most = number_of(item, name) > most ? number_of(item, name) : most;
	return most;
}

static void bar_cell(struct fw_table *table, enum fw_colour colour, uint64_t part, uint64_t whole)
{
	char bar[FW_BAR_BYTES];

	fw_format_bar(part, whole, BAR, bar);
	fw_table_text(table, colour, bar);
}

static void heading(struct fw_table *table, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fw_table_text(table, FW_DIM, names[i]);
}

static enum fw_colour colour_of(const char *verdict)
{
	return strcmp(verdict, "allow") == 0 ? FW_GREEN : strcmp(verdict, "deny") == 0 ? FW_RED : FW_YELLOW;
}

/* "policy.conf:7", or the direction of what has no place. */
static void place_cell(struct fw_table *table, const json_t *line)
{
	if (json_is_string(json_object_get(line, "file")))
		fw_table_cell(table, FW_CYAN, "%s:%" PRIu64, text_of(line, "file"), number_of(line, "line"));
	else
		fw_table_text(table, FW_CYAN, text_of(line, "direction"));
}

static void words_cell(struct fw_table *table, const json_t *line)
{
	const char *by = text_of(line, "by"), *verdict = text_of(line, "verdict");

	if (json_is_string(json_object_get(line, "text")))
		fw_table_text(table, colour_of(verdict), text_of(line, "text"));
	else if (strcmp(by, "default") == 0)
		fw_table_cell(table, colour_of(verdict), "default %s %s", text_of(line, "direction"), verdict);
	else
		fw_table_text(table, FW_PLAIN, text_of(line, "name"));
}

static int64_t time_of(const json_t *object, const char *name)
{
	struct tm parts = { 0 };

	return strptime(text_of(object, name), "%Y-%m-%dT%H:%M:%S", &parts) ? (int64_t)timegm(&parts) : 0;
}

static void print_lines(const struct fw_cli *cli, const json_t *lines)
{
	static const char *const names[] = { "packets", "bytes", "", "last", "where", "line" };
	struct fw_table table FW_CLEANUP(fw_table_done);
	const uint64_t most = largest(lines, "packets");
	const json_t *line;
	char bytes[16], ago[16];
	size_t i;

	fw_table_init(&table, FW_ARRAY_SIZE(names), 1 | 2 | 8);
	heading(&table, names, FW_ARRAY_SIZE(names));
	json_array_foreach(lines, i, line) {
		fw_format_bytes(number_of(line, "bytes"), bytes);
		fw_format_ago(time_of(line, "last_hit"), time(NULL), ago);
		fw_table_cell(&table, FW_BOLD, "%" PRIu64, number_of(line, "packets"));
		fw_table_text(&table, FW_DIM, bytes);
		bar_cell(&table, colour_of(text_of(line, "verdict")), number_of(line, "packets"), most);
		fw_table_text(&table, FW_PLAIN, ago);
		place_cell(&table, line);
		words_cell(&table, line);
	}
	fw_table_print(cli, &table, "");
}

static void print_times(const struct fw_cli *cli, const json_t *times)
{
	static const char *const names[] = { "time", "packets", "bytes", "" };
	struct fw_table table FW_CLEANUP(fw_table_done);
	const uint64_t most = largest(times, "packets");
	const json_t *item;
	char bytes[16], when[32];
	size_t i;

	fw_table_init(&table, FW_ARRAY_SIZE(names), 2 | 4);
	heading(&table, names, FW_ARRAY_SIZE(names));
	json_array_foreach(times, i, item) {
		fw_format_bytes(number_of(item, "bytes"), bytes);
		fw_format_time_local(time_of(item, "time"), when);
		when[16] = '\0'; /* to the minute */
		fw_table_text(&table, FW_CYAN, when);
		fw_table_cell(&table, FW_BOLD, "%" PRIu64, number_of(item, "packets"));
		fw_table_text(&table, FW_DIM, bytes);
		bar_cell(&table, FW_GREEN, number_of(item, "packets"), most);
	}
	fw_table_print(cli, &table, "");
}

static void subject_cell(struct fw_table *table, const json_t *item)
{
	if (json_is_string(json_object_get(item, "source")))
		fw_table_text(table, FW_PLAIN, text_of(item, "source"));
	else if (json_is_integer(json_object_get(item, "port")))
		fw_table_cell(table, FW_PLAIN, "%" PRIu64 "/%s", number_of(item, "port"), text_of(item, "protocol"));
	else
		fw_table_text(table, FW_PLAIN, text_of(item, "protocol"));
}

static void places_cell(struct fw_table *table, const json_t *places)
{
	struct fw_buf text FW_CLEANUP(fw_buf_done);
	const json_t *place;
	size_t i;

	fw_buf_init(&text, 4096);
	json_array_foreach(places, i, place) {
		if (i == 4) {
			fw_buf_puts(&text, ", ...");
			break;
		}
		fw_buf_puts(&text, i > 0 ? ", " : "");
		fw_buf_puts(&text, json_string_value(place) ? json_string_value(place) : "");
	}
	fw_table_text(table, FW_CYAN, fw_cli_text(&text));
}

static void print_tops(const struct fw_cli *cli, const json_t *items, const char *subject)
{
	const char *const names[] = { "events", "+-", "", subject, "lines" };
	struct fw_table table FW_CLEANUP(fw_table_done);
	const uint64_t most = largest(items, "events");
	const json_t *item;
	size_t i;

	fw_table_init(&table, FW_ARRAY_SIZE(names), 3);
	heading(&table, names, FW_ARRAY_SIZE(names));
	json_array_foreach(items, i, item) {
		fw_table_cell(&table, FW_BOLD, "%" PRIu64, number_of(item, "events"));
		if (number_of(item, "error") > 0)
			fw_table_cell(&table, FW_DIM, "-%" PRIu64, number_of(item, "error"));
		else
			fw_table_text(&table, FW_DIM, "");
		bar_cell(&table, FW_YELLOW, number_of(item, "events"), most);
		subject_cell(&table, item);
		places_cell(&table, json_object_get(item, "lines"));
	}
	fw_table_print(cli, &table, "");
}

static void print_foot(const json_t *answer, bool of_events)
{
	char since[32], complete[32];
	const int64_t from = time_of(answer, "complete_from");

	fw_format_time_local(time_of(answer, "since"), since);
	fw_format_time_local(from, complete);
	printf("\nsince %s", since);
	if (from > time_of(answer, "since"))
		printf("; the history begins %s", complete);
	puts(of_events ? ". Counted are events: of lines with `log` and of defaults, and so many a second at most" : "");
}

static void print_answer(const struct fw_cli *cli, const json_t *answer)
{
	const json_t *lines = json_object_get(answer, "lines"), *times = json_object_get(answer, "times");
	const json_t *sources = json_object_get(answer, "sources"), *ports = json_object_get(answer, "ports");
	const json_t *list = lines ? lines : times ? times : sources ? sources : ports;
	const size_t shown = json_array_size(list);

	if (shown == 0)
		printf("no hits\n");
	else if (lines)
		print_lines(cli, lines);
	else if (times)
		print_times(cli, times);
	else
		print_tops(cli, list, sources ? "source" : "port");
	print_foot(answer, sources || ports);
	if (number_of(answer, "total") > shown)
		printf("%" PRIu64 " more; --limit shows them\n", number_of(answer, "total") - shown);
	if (lines && shown > 0)
		printf("`fwctl hits --by source --rule LINE` tells who\n");
}

static enum fw_outcome print_json(const struct fw_cli *cli, json_t *answer)
{
	(void)cli;
	json_object_set_new(answer, "daemon", json_true());
	json_object_set_new(answer, "ok", json_true());
	json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	return fw_cli_flush_stdout(FW_OUTCOME_DONE);
}

/* --- without the daemon --- */

static json_t *line_json(const struct fw_status_line *line)
{
	static const char *const owners[] = { [FW_RS_RULE] = "rule", [FW_RS_BLOCK] = "block", [FW_RS_BUILTIN] = "builtin", [FW_RS_DEFAULT] = "default" };
	const char *by = line->owner < FW_ARRAY_SIZE(owners) ? owners[line->owner] : "";
	char id[FW_LINE_KEY_MAX];

	fw_line_key(line->owner, line->id, id);
	json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "id", id, "by", by, "name", fw_json_text(line->name), "file",
				   fw_json_text(line->file), "text", fw_json_text(line->text), "label", fw_json_text(line->label), "direction",
				   fw_direction_name(line->direction), "verdict", fw_verdict_name(line->verdict));
	json_object_set_new(object, "line", line->line ? json_integer(line->line) : json_null());
	json_object_set_new(object, "packets", json_integer((json_int_t)line->hits.packets));
	json_object_set_new(object, "bytes", json_integer((json_int_t)line->hits.bytes));
	json_object_set_new(object, "over_limit_packets", json_integer((json_int_t)line->hits.over_packets));
	return object;
}

static bool is_wanted(const struct fw_cli *cli, const struct fw_status_line *line)
{
	char key[FW_LINE_KEY_MAX];
	fw_line_key(line->owner, line->id, key);
	const struct fw_line told = { .owner = line->owner, .key = key, .file = line->file, .label = line->label, .line = line->line };

	if (line->hits.packets + line->hits.over_packets == 0)
		return false;
	if (cli->direction && strcmp(fw_direction_name(line->direction), cli->direction) != 0)
		return false;
	return !cli->rule || fw_line_is_named(&told, cli->rule);
}

static int compare_hits(const void *a, const void *b)
{
	const struct fw_status_line *const *x = a, *const *y = b;

	if ((*x)->hits.packets != (*y)->hits.packets)
		return (*x)->hits.packets > (*y)->hits.packets ? -1 : 1;
	return (*x)->line < (*y)->line ? -1 : (*x)->line > (*y)->line;
}

static json_t *kernel_json(const struct fw_cli *cli, struct fw_session *session, const struct fw_status *status)
{
	const struct fw_vec *const lists[] = { &status->blocks, &status->rules, &status->builtins, &status->defaults };
	uint64_t limit = cli->json ? 100000 : 100;
	struct fw_vec lines;
	json_t *array = json_array();

	if (cli->limit)
		(void)fw_str_parse_u64(fw_str_from(cli->limit), 100000, &limit);
	fw_vec_init(&lines, session->arena, sizeof(const struct fw_status_line *));
	for (size_t i = 0; i < FW_ARRAY_SIZE(lists); i++)
		for (size_t k = 0; k < lists[i]->len; k++) {
			const struct fw_status_line *line = fw_vec_at(lists[i], k), **item = is_wanted(cli, line) ? fw_vec_push(&lines) : NULL;
			if (item)
				*item = line;
		}
	if (lines.len > 0)
		qsort(lines.items, lines.len, sizeof(const struct fw_status_line *), compare_hits);
	for (size_t i = 0; i < lines.len && i < limit; i++)
		json_array_append_new(array, line_json(*(const struct fw_status_line **)fw_vec_at(&lines, i)));
	return json_pack("{s:b, s:n, s:s, s:o, s:I}", "daemon", 0, "since", "by", "rule", "lines", array, "total", (json_int_t)lines.len);
}

static enum fw_outcome from_kernel(struct fw_cli *cli, int error)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_status status;

	fw_client_say_absent(error);
	if (cli->by && strcmp(cli->by, "rule") != 0) {
		fprintf(stderr, "fwctl: only fwctld knows hits by %s\n", cli->by);
		return FW_OUTCOME_REFUSED;
	}
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	outcome = fw_engine_status(session, &status);
	if (outcome == FW_OUTCOME_OUT_OF_SYNC)
		outcome = FW_OUTCOME_DONE; /* counters are counters */
	json_t *result = outcome == FW_OUTCOME_DONE && status.active ? kernel_json(cli, session, &status) : NULL;
	if (result && !cli->json) {
		print_lines(cli, json_object_get(result, "lines"));
		printf("\nThe kernel's totals, since each line was first applied; fwctld would know when, and who\n");
	}
	return fw_cli_finish(cli, session, outcome, result);
}

enum fw_outcome fw_cmd_hits(struct fw_cli *cli)
{
	struct fw_client client FW_CLEANUP(fw_client_done) = FW_CLIENT_NONE;
	struct fw_buf target FW_CLEANUP(fw_buf_done) = { .max = 8192 };
	json_t *answer = NULL;
	uint64_t since;
	int status = 0;
	enum fw_outcome outcome = check_options(cli, &since);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	build_target(cli, since, &target);
	int r = fw_client_begin(cli, fw_cli_text(&target), TIMEOUT_MS, &client);
	if (r == 0)
		r = fw_client_json(&client, &answer, &status);
	if (r < 0)
		return from_kernel(cli, r);
	if (status != 200)
		outcome = fw_client_refused(cli, answer, status);
	else if (cli->json)
		outcome = print_json(cli, answer);
	else
		print_answer(cli, answer);
	json_decref(answer);
	return fw_cli_flush_stdout(outcome);
}
