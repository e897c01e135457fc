/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_hits.c - hits: what fwctld kept of the past, with bars; without it, what the kernel's counters say. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"

#define TIMEOUT_MS 10000
#define BAR 16
#define LIMIT_MAX 100000
#define LIMIT_SHOWN 100 /* where nobody says */

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
	if (cli->limit && (fw_str_parse_u64(fw_str_from(cli->limit), LIMIT_MAX, &limit) < 0 || limit == 0))
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

static uint64_t limit_of(const struct fw_cli *cli)
{
	uint64_t limit = cli->json ? LIMIT_MAX : LIMIT_SHOWN;

	if (cli->limit)
		(void)fw_str_parse_u64(fw_str_from(cli->limit), LIMIT_MAX, &limit);
	return limit;
}

/* --- the answer --- */

static uint64_t largest(const json_t *list, const char *name)
{
	uint64_t most = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		most = fw_told_number(item, name) > most ? fw_told_number(item, name) : most;
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
		fw_table_cell(table, FW_CYAN, "%s:%" PRIu64, fw_told_text(line, "file"), fw_told_number(line, "line"));
	else
		fw_table_text(table, FW_CYAN, fw_told_text(line, "direction"));
}

static void words_cell(struct fw_table *table, const json_t *line)
{
	const char *by = fw_told_text(line, "by"), *verdict = fw_told_text(line, "verdict");

	if (json_is_string(json_object_get(line, "text")))
		fw_table_text(table, colour_of(verdict), fw_told_text(line, "text"));
	else if (strcmp(by, "default") == 0)
		fw_table_cell(table, colour_of(verdict), "default %s %s", fw_told_text(line, "direction"), verdict);
	else
		fw_table_text(table, FW_PLAIN, fw_told_text(line, "name"));
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
		fw_format_bytes(fw_told_number(line, "bytes"), bytes);
		fw_format_ago(fw_told_time(line, "last_hit"), time(NULL), ago);
		fw_table_cell(&table, FW_BOLD, "%" PRIu64, fw_told_number(line, "packets"));
		fw_table_text(&table, FW_DIM, bytes);
		bar_cell(&table, colour_of(fw_told_text(line, "verdict")), fw_told_number(line, "packets"), most);
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
		fw_format_bytes(fw_told_number(item, "bytes"), bytes);
		fw_format_time_local(fw_told_time(item, "time"), when);
		when[16] = '\0'; /* to the minute */
		fw_table_text(&table, FW_CYAN, when);
		fw_table_cell(&table, FW_BOLD, "%" PRIu64, fw_told_number(item, "packets"));
		fw_table_text(&table, FW_DIM, bytes);
		bar_cell(&table, FW_GREEN, fw_told_number(item, "packets"), most);
	}
	fw_table_print(cli, &table, "");
}

static void subject_cell(struct fw_table *table, const json_t *item)
{
	if (json_is_string(json_object_get(item, "source")))
		fw_table_text(table, FW_PLAIN, fw_told_text(item, "source"));
	else if (json_is_integer(json_object_get(item, "port")))
		fw_table_cell(table, FW_PLAIN, "%" PRIu64 "/%s%s%s", fw_told_number(item, "port"), fw_told_text(item, "protocol"),
			      json_is_string(json_object_get(item, "service")) ? " " : "", fw_told_text(item, "service"));
	else
		fw_table_text(table, FW_PLAIN, fw_told_text(item, "protocol"));
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
	const char *const names[] = { "events", "", "", subject, "lines" };
	struct fw_table table FW_CLEANUP(fw_table_done);
	const uint64_t most = largest(items, "events");
	const json_t *item;
	size_t i;

	fw_table_init(&table, FW_ARRAY_SIZE(names), 3);
	heading(&table, names, FW_ARRAY_SIZE(names));
	json_array_foreach(items, i, item) {
		fw_table_cell(&table, FW_BOLD, "%" PRIu64, fw_told_number(item, "events"));
		if (fw_told_number(item, "error") > 0)
			fw_table_cell(&table, FW_DIM, "-%" PRIu64, fw_told_number(item, "error"));
		else
			fw_table_text(&table, FW_DIM, "");
		bar_cell(&table, FW_YELLOW, fw_told_number(item, "events"), most);
		subject_cell(&table, item);
		places_cell(&table, json_object_get(item, "lines"));
	}
	fw_table_print(cli, &table, "");
}

static void print_sources(const struct fw_cli *cli, const json_t *sources)
{
	print_tops(cli, sources, "source");
}

static void print_ports(const struct fw_cli *cli, const json_t *ports)
{
	print_tops(cli, ports, "port");
}

static uint64_t sum_of(const json_t *list, const char *name)
{
	uint64_t sum = 0;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		sum += fw_told_number(item, name);
	return sum;
}

/* What an answer lists, by the name of its list. */
static const struct kind {
	const char *list, *subject, *counted, *next; /* no subject: what the history kept of that time */
	void (*print)(const struct fw_cli *cli, const json_t *list);
} kinds[] = {
	{ "lines", "line", "packets", "`fwctl hits --by source --rule LINE` tells who it was", print_lines },
	{ "times", NULL, "packets", "`fwctl hits` tells which lines, --since and --rule less of it", print_times },
	{ "sources", "source", "events", "`fwctl ban ADDRESS` keeps one out, `fwctl watch from ADDRESS` shows what it does", print_sources },
	{ "ports", "port", "events", "`fwctl watch port N` shows who", print_ports },
};

/* Since when, and of how much. */
static void print_sum(const json_t *answer, const struct kind *kind, const json_t *list)
{
	const int64_t since = fw_told_time(answer, "since"), from = fw_told_time(answer, "complete_from");
	const size_t count = json_array_size(list);
	const char *subject = kind->subject ? kind->subject : fw_told_text(answer, "resolution");
	char when[32];

	fw_format_time_local(since, when);
	fputs(count > 0 ? "\n" : "", stdout);
	if (count == 0)
		printf("no hits since %s", when);
	else
		fw_say(stdout, "since %s: %" PRIu64 " %s of %zu %s%s", when, sum_of(list, kind->counted), kind->counted, count, subject, count > 1 ? "s" : "");
	fw_format_time_local(from, when);
	if (from > since)
		printf(" (the history begins %s)", when);
	putchar('\n');
	if (strcmp(kind->counted, "events") == 0)
		printf("events come of lines with `log` and of defaults, so many a second at most; packets are counted of every line\n");
	if (sum_of(list, "error") > 0)
		printf("-N: the number may be too high by N at most, and is never too low\n");
}

static void print_answer(const struct fw_cli *cli, const json_t *answer)
{
	const struct kind *kind = kinds;

	while (!json_object_get(answer, kind->list) && kind + 1 < kinds + FW_ARRAY_SIZE(kinds))
		kind++;
	const json_t *list = json_object_get(answer, kind->list);
	if (json_array_size(list) > 0)
		kind->print(cli, list);
	print_sum(answer, kind, list);
	if (json_array_size(list) >= limit_of(cli))
		printf("--limit N shows more than the first %" PRIu64 "\n", limit_of(cli));
	if (json_array_size(list) > 0)
		printf("%s\n", kind->next);
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
	const uint64_t limit = limit_of(cli);
	struct fw_vec lines;
	json_t *array = json_array();

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

static void print_kernel(const struct fw_cli *cli, const json_t *result, bool active)
{
	const json_t *lines = json_object_get(result, "lines");
	const size_t shown = json_array_size(lines);

	if (!active) {
		printf("fwctl has nothing in the kernel\n");
		return;
	}
	if (shown > 0)
		print_lines(cli, lines);
	printf("%s%" PRIu64 " packets of %zu line%s: the kernel's totals, since each was first applied; fwctld would know when, and who\n",
	       shown > 0 ? "\n" : "", sum_of(lines, "packets"), shown, shown == 1 ? "" : "s");
	if (fw_told_number(result, "total") > shown)
		printf("--limit N shows more than the first %zu\n", shown);
}

/* Only lines, and since each was first applied: that is all that a counter tells. */
static enum fw_outcome from_kernel(struct fw_cli *cli, int error)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_status status;

	if (cli->by && strcmp(cli->by, "rule") != 0)
		return fw_client_absent(cli, error);
	fw_client_say_absent(cli, error);
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	outcome = fw_engine_status(session, &status);
	if (outcome == FW_OUTCOME_OUT_OF_SYNC)
		outcome = FW_OUTCOME_DONE; /* counters are counters */
	json_t *result = outcome == FW_OUTCOME_DONE ? kernel_json(cli, session, &status) : NULL;
	if (result && !cli->json)
		print_kernel(cli, result, status.active);
	return fw_cli_finish(cli, session, outcome, result);
}

enum fw_outcome fw_cmd_hits(struct fw_cli *cli)
{
	struct fw_client client FW_CLEANUP(fw_client_done) = FW_CLIENT_NONE;
	struct fw_buf target FW_CLEANUP(fw_buf_done) = { .max = 8192 };
	json_t *answer = NULL;
	uint64_t since;
	int status = 0;
	const enum fw_outcome outcome = check_options(cli, &since);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	build_target(cli, since, &target);
	int r = fw_client_begin(cli, fw_cli_text(&target), TIMEOUT_MS, &client);
	if (r == 0)
		r = fw_client_json(&client, &answer, &status);
	if (r < 0)
		return from_kernel(cli, r);
	if (status == 200 && !cli->json)
		print_answer(cli, answer);
	return fw_client_finish(cli, answer, status);
}
