/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/top.c - readings of fwctld, or of the kernel where it does not run, as rows with rates. Rates are computed here, from one reading to the next. */
#include "cli/top.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 2000

void fw_top_init(struct fw_top *top, struct fw_cli *cli)
{
	*top = (struct fw_top){ .cli = cli, .sort = FW_TOP_BY_RATE };
	fw_map_init(&top->rows, NULL);
	fw_vec_init(&top->shown, NULL, sizeof(struct fw_top_row *));
}

void fw_top_done(struct fw_top *top)
{
	for (size_t i = 0; i < top->rows.len; i++)
		free(top->rows.entries[i].value);
	fw_map_done(&top->rows);
	fw_vec_done(&top->shown);
}

static int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What a reading says of a line. */
struct told {
	const char *key, *file, *text, *label, *name, *source, *direction;
	uint32_t line;
	enum fw_verdict verdict;
	uint64_t packets;
	int64_t last_hit;
};

static struct fw_top_row *row_of(struct fw_top *top, const char *key)
{
	struct fw_top_row *row = fw_map_get(&top->rows, fw_str_from(key));
	if (row)
		return row;

	row = calloc(1, sizeof(*row));
	if (!row)
		fw_cli_no_memory();
	snprintf(row->key, sizeof(row->key), "%s", key);
	if (fw_map_put(&top->rows, fw_str_from(row->key), row) < 0) {
		free(row);
		fw_cli_no_memory();
	}
	return row;
}

static void describe(struct fw_top_row *row, const struct told *told)
{
	if (told->file)
		snprintf(row->place, sizeof(row->place), "%.80s:%lu", told->file, (unsigned long)told->line);
	else
		snprintf(row->place, sizeof(row->place), "%s", told->direction);
	if (told->text)
		snprintf(row->text, sizeof(row->text), "%s", told->text);
	else if (told->name)
		snprintf(row->text, sizeof(row->text), "built-in %s", told->name);
	else
		snprintf(row->text, sizeof(row->text), "default %s %s", told->direction, fw_verdict_name(told->verdict));
	snprintf(row->source, sizeof(row->source), "%s", told->source ? told->source : "");
	fw_str_hide_controls(row->place);
	fw_str_hide_controls(row->text);
	fw_str_hide_controls(row->source);
}

static void take(struct fw_top *top, const struct told *told, size_t order)
{
	struct fw_top_row *row = row_of(top, told->key);
	const bool followed = row->reading + 1 == top->reading && row->reading > 0;
	const uint64_t more = told->packets >= row->packets ? told->packets - row->packets : told->packets;

	if (!followed)
		memset(row->rates, 0, sizeof(row->rates));
	row->rates[top->reading % FW_TOP_READINGS] = followed && top->passed > 0 ? (double)more / top->passed : 0;
	if (followed && more > 0)
		row->last_hit = (int64_t)time(NULL);
	if (told->last_hit > row->last_hit)
		row->last_hit = told->last_hit;
	row->packets = told->packets;
	row->verdict = told->verdict;
	row->reading = top->reading;
	row->order = order;
	describe(row, told);
}

static void begin_reading(struct fw_top *top)
{
	const int64_t now = monotonic_us();

	top->passed = top->read_us > 0 ? (double)(now - top->read_us) / 1000000 : 0;
	top->read_us = now;
	top->reading++;
}

/* --- from fwctld --- */

/* NULL where there is none. */
static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void take_json(struct fw_top *top, const json_t *line, size_t order)
{
	const char *key = text_of(line, "id"), *direction = text_of(line, "direction");

	if (!key || strlen(key) >= FW_LINE_KEY_MAX)
		return;
	const struct told told = { .key = key, .file = text_of(line, "file"), .text = text_of(line, "text"), .label = text_of(line, "label"),
				   .name = text_of(line, "name"), .source = text_of(line, "top_source"), .direction = direction ? direction : "",
				   .line = (uint32_t)fw_told_number(line, "line"), .verdict = fw_told_verdict(line),
				   .packets = fw_told_number(line, "packets"), .last_hit = fw_told_time(line, "last_hit") };
	take(top, &told, order);
}

static int read_daemon(struct fw_top *top)
{
	struct fw_client client FW_CLEANUP(fw_client_done) = FW_CLIENT_NONE;
	json_t *answer = NULL;
	const json_t *line;
	int status = 0;
	size_t i;
	int r = fw_client_begin(top->cli, "/v1/rules", TIMEOUT_MS, &client);

	if (r == 0)
		r = fw_client_json(&client, &answer, &status);
	if (r < 0 || status != 200) {
		json_decref(answer);
		return r < 0 ? r : -EBADMSG;
	}
	begin_reading(top);
	json_array_foreach(json_object_get(answer, "lines"), i, line)
		take_json(top, line, i);
	json_decref(answer);
	return 0;
}

/* --- from the kernel --- */

static size_t take_list(struct fw_top *top, const struct fw_vec *list, size_t order)
{
	char key[FW_LINE_KEY_MAX];

	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		fw_line_key(line->owner, line->id, key);
		const struct told told = { .key = key, .file = line->file, .text = line->text, .label = line->label, .name = line->name,
					   .direction = fw_direction_name(line->direction), .line = line->line, .verdict = line->verdict,
					   .packets = line->hits.packets };
		take(top, &told, order++);
	}
	return order;
}

static void read_kernel(struct fw_top *top)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = fw_session_new(FW_CLI_BUDGET, time(NULL));
	struct fw_status status = { .active = false };
	enum fw_outcome outcome = FW_OUTCOME_REFUSED;
	if (!session)
		fw_cli_no_memory();

	outcome = fw_session_attach(session, top->cli->netns);
	if (outcome == FW_OUTCOME_DONE)
		outcome = fw_engine_status(session, &status);
	if (outcome != FW_OUTCOME_DONE && outcome != FW_OUTCOME_OUT_OF_SYNC) {
		snprintf(top->error, sizeof(top->error), "%.150s", session->message);
		return;
	}
	begin_reading(top);
	if (!status.active) {
		snprintf(top->error, sizeof(top->error), "fwctl has nothing in the kernel");
		return;
	}
	size_t order = take_list(top, &status.blocks, 0);
	order = take_list(top, &status.rules, order);
	order = take_list(top, &status.builtins, order);
	take_list(top, &status.defaults, order);
}

void fw_top_read(struct fw_top *top)
{
	const int r = read_daemon(top);

	top->error[0] = '\0';
	top->daemon = r == 0;
	if (r == -ECONNREFUSED)
		read_kernel(top);
	else if (r < 0)
		fw_client_explain(top->cli, r, top->error, sizeof(top->error));
	fw_top_arrange(top);
}

/* --- order --- */

double fw_top_rate(const struct fw_top *top, const struct fw_top_row *row)
{
	return row->rates[top->reading % FW_TOP_READINGS];
}

static int compare(const void *a, const void *b, void *data)
{
	const struct fw_top_row *x = *(struct fw_top_row *const *)a, *y = *(struct fw_top_row *const *)b;
	const struct fw_top *top = data;
	const double p = fw_top_rate(top, x), q = fw_top_rate(top, y);

	if (top->sort == FW_TOP_BY_RATE && (p > q || p < q))
		return p > q ? -1 : 1;
	if ((top->sort == FW_TOP_BY_PACKETS || top->sort == FW_TOP_BY_RATE) && x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	if (top->sort == FW_TOP_BY_LAST && x->last_hit != y->last_hit)
		return x->last_hit > y->last_hit ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_wanted(const struct fw_top *top, const struct fw_top_row *row)
{
	if (row->reading != top->reading)
		return false; /* of a former policy */
	return !top->filter[0] || strcasestr(row->text, top->filter) || strcasestr(row->place, top->filter) || strcasestr(row->source, top->filter);
}

void fw_top_arrange(struct fw_top *top)
{
	top->shown.len = 0;
	for (size_t i = 0; i < top->rows.len; i++) {
		struct fw_top_row *row = top->rows.entries[i].value, **item = is_wanted(top, row) ? fw_vec_push(&top->shown) : NULL;
		if (item)
			*item = row;
	}
	if (top->shown.len > 1)
		qsort_r(top->shown.items, top->shown.len, sizeof(struct fw_top_row *), compare, top);
}

void fw_top_spark(const struct fw_top *top, const struct fw_top_row *row, unsigned int width, char ret_text[FW_TOP_SPARK_BYTES])
{
	static const char *const heights[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	const unsigned int count = width < FW_TOP_READINGS ? width : FW_TOP_READINGS;
	double most = 0;
	size_t at = 0;

	for (unsigned int i = 0; i < FW_TOP_READINGS; i++)
		most = row->rates[i] > most ? row->rates[i] : most;
	for (unsigned int i = count; i-- > 0; at += strlen(ret_text + at)) {
		const double rate = row->rates[(top->reading + FW_TOP_READINGS - i) % FW_TOP_READINGS];
		const size_t height = most > 0 ? (size_t)(rate / most * 7 + 0.5) : 0;
		snprintf(ret_text + at, FW_TOP_SPARK_BYTES - at, "%s", rate > 0 ? heights[height > 7 ? 7 : height] : " ");
	}
	ret_text[at] = '\0';
}
