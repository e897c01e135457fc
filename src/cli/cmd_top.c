/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_top.c - top: the live table on a terminal; elsewhere one reading, plain or as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "cli/top.h"

static void print_row(struct fw_table *table, const struct fw_top *top, const struct fw_top_row *row)
{
	char ago[16];

	fw_format_ago(row->last_hit, time(NULL), ago);
	fw_table_cell(table, FW_BOLD, "%.1f", fw_top_rate(top, row));
	fw_table_cell(table, FW_PLAIN, "%" PRIu64, row->packets);
	fw_table_text(table, FW_PLAIN, ago);
	fw_table_text(table, FW_PLAIN, row->source[0] ? row->source : "-");
	fw_table_text(table, FW_CYAN, row->place);
	fw_table_text(table, FW_PLAIN, row->text);
}

static void print_plain(const struct fw_top *top)
{
	static const char *const names[] = { "rate", "packets", "last", "top source", "where", "line" };
	struct fw_table table FW_CLEANUP(fw_table_done);

	fw_table_init(&table, FW_ARRAY_SIZE(names), 7);
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++)
		fw_table_text(&table, FW_DIM, names[i]);
	for (size_t i = 0; i < top->shown.len; i++)
		print_row(&table, top, *(struct fw_top_row **)fw_vec_at(&top->shown, i));
	fw_table_print(top->cli, &table, "");
}

static json_t *to_json(const struct fw_top *top)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < top->shown.len; i++) {
		const struct fw_top_row *row = *(struct fw_top_row **)fw_vec_at(&top->shown, i);
		char when[32];
		fw_format_time_utc(row->last_hit, when);
		json_array_append_new(lines, json_pack("{s:s, s:f, s:I, s:o, s:o, s:o, s:o, s:s}", "id", row->key, "rate", fw_top_rate(top, row), "packets",
						       (json_int_t)row->packets, "last_hit", row->last_hit ? json_string(when) : json_null(), "top_source",
						       row->source[0] ? fw_json_text(row->source) : json_null(), "where", fw_json_text(row->place), "text",
						       fw_json_text(row->text), "verdict", fw_verdict_name(row->verdict)));
	}
	return json_pack("{s:b, s:o}", "daemon", top->daemon, "lines", lines);
}

/* Two readings, for a rate. */
static enum fw_outcome print_once(struct fw_top *top)
{
	fw_top_read(top);
	if (!top->error[0]) {
		(void)poll(NULL, 0, 1000);
		fw_top_read(top);
	}
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	const enum fw_outcome outcome = fw_cli_session(top->cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	snprintf(session->message, sizeof(session->message), "%s", top->error);
	if (!top->daemon && !top->error[0])
		fw_client_say_absent(top->cli, -ECONNREFUSED);
	if (!top->cli->json && !top->error[0])
		print_plain(top);
	return fw_cli_finish(top->cli, session, top->error[0] ? FW_OUTCOME_REFUSED : FW_OUTCOME_DONE, top->cli->json ? to_json(top) : NULL);
}

enum fw_outcome fw_cmd_top(struct fw_cli *cli)
{
	struct fw_top top;
	const bool on_screen = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !cli->json;

	fw_top_init(&top, cli);
	const enum fw_outcome outcome = on_screen ? fw_top_screen(&top) : print_once(&top);
	fw_top_done(&top);
	return outcome;
}
