/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_status.c - status: what runs and who was hit, as tables or as JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"

static void set_hits(json_t *object, const struct fw_hits *hits)
{
	json_object_set_new(object, "packets", json_integer((json_int_t)hits->packets));
	json_object_set_new(object, "bytes", json_integer((json_int_t)hits->bytes));
}

static void set_place(json_t *object, const struct fw_status_line *line)
{
	json_object_set_new(object, "id", fw_json_text(line->id));
	json_object_set_new(object, "file", fw_json_text(line->file));
	json_object_set_new(object, "line", json_integer(line->line));
	json_object_set_new(object, "text", fw_json_text(line->text));
}

static json_t *default_json(const struct fw_status_line *line)
{
	json_t *object = json_pack("{s:s, s:s}", "direction", fw_direction_name(line->direction), "verdict", fw_verdict_name(line->verdict));

	set_hits(object, &line->hits);
	return object;
}

static json_t *builtin_json(const struct fw_status_line *line)
{
	json_t *object = json_pack("{s:s, s:s}", "name", line->name, "direction", fw_direction_name(line->direction));

	set_hits(object, &line->hits);
	return object;
}

static json_t *block_json(const struct fw_status_line *line)
{
	json_t *object = json_object();

	set_place(object, line);
	set_hits(object, &line->hits);
	return object;
}

static json_t *rule_json(const struct fw_status_line *line)
{
	json_t *object = json_object();

	set_place(object, line);
	if (line->label)
		json_object_set_new(object, "label", fw_json_text(line->label));
	json_object_set_new(object, "direction", json_string(fw_direction_name(line->direction)));
	json_object_set_new(object, "verdict", json_string(fw_verdict_name(line->verdict)));
	set_hits(object, &line->hits);
	json_object_set_new(object, "over_limit_packets", json_integer((json_int_t)line->hits.over_packets));
	json_object_set_new(object, "over_limit_bytes", json_integer((json_int_t)line->hits.over_bytes));
	json_object_set_new(object, "shared_limit_packets", json_integer((json_int_t)line->hits.shared_packets));
	return object;
}

static json_t *list_json(const struct fw_vec *list, json_t *(*to_json)(const struct fw_status_line *line))
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->len; i++)
		json_array_append_new(array, to_json(fw_vec_at(list, i)));
	return array;
}

static json_t *time_json(int64_t unix_s)
{
	char text[32];

	if (unix_s == 0)
		return json_null();
	fw_format_time_utc(unix_s, text);
	return json_string(text);
}

static json_t *status_json(const struct fw_status *status)
{
	return json_pack("{s:b, s:o, s:I, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "active", status->active, "policy",
			 fw_json_text(status->policy), "generation", (json_int_t)status->generation, "applied_at",
			 time_json(status->applied_at), "applied_by", fw_json_text(status->user), "in_sync", status->in_sync, "drift",
			 fw_json_text(status->drift), "during_horizon", time_json(status->horizon), "defaults",
			 list_json(&status->defaults, default_json), "builtin", list_json(&status->builtins, builtin_json), "blocks",
			 list_json(&status->blocks, block_json), "rules", list_json(&status->rules, rule_json));
}

static void hit_cells(struct fw_table *table, const struct fw_hits *hits)
{
	const enum fw_colour colour = hits->packets + hits->over_packets > 0 ? FW_BOLD : FW_DIM;
	char bytes[16];

	fw_format_bytes(hits->bytes, bytes);
	fw_table_cell(table, colour, "%" PRIu64, hits->packets);
	fw_table_text(table, FW_DIM, bytes);
}

static enum fw_colour verdict_colour(enum fw_verdict verdict)
{
	return verdict == FW_ALLOW ? FW_GREEN : verdict == FW_DENY ? FW_RED : FW_YELLOW;
}

static void over_cell(struct fw_table *table, const struct fw_hits *hits)
{
	if (hits->shared_packets > 0)
		fw_table_cell(table, FW_YELLOW, "%" PRIu64 " over, %" PRIu64 " shared (table of sources full)", hits->over_packets,
			      hits->shared_packets);
	else if (hits->over_packets > 0)
		fw_table_cell(table, FW_YELLOW, "%" PRIu64 " over", hits->over_packets);
	else
		fw_table_text(table, FW_PLAIN, "");
}

static void line_rows(struct fw_table *table, const struct fw_vec *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		hit_cells(table, &line->hits);
		over_cell(table, &line->hits);
		fw_table_cell(table, FW_CYAN, "%s:%" PRIu32, line->file ? line->file : "?", line->line);
		fw_table_text(table, verdict_colour(line->verdict), line->text ? line->text : "(text not known)");
	}
}

static void heading_row(struct fw_table *table, const char *what)
{
	fw_table_text(table, FW_DIM, "packets");
	fw_table_text(table, FW_DIM, "bytes");
	fw_table_text(table, FW_DIM, "");
	fw_table_text(table, FW_DIM, "where");
	fw_table_text(table, FW_DIM, what);
}

static void builtin_rows(struct fw_table *table, const struct fw_vec *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		hit_cells(table, &line->hits);
		fw_table_text(table, FW_PLAIN, "");
		fw_table_text(table, FW_CYAN, fw_direction_name(line->direction));
		fw_table_text(table, FW_PLAIN, line->name);
	}
}

static void default_rows(struct fw_table *table, const struct fw_vec *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		hit_cells(table, &line->hits);
		fw_table_text(table, FW_PLAIN, "");
		fw_table_text(table, FW_CYAN, fw_direction_name(line->direction));
		fw_table_cell(table, verdict_colour(line->verdict), "default %s %s", fw_direction_name(line->direction),
			      fw_verdict_name(line->verdict));
	}
}

static void print_head(const struct fw_cli *cli, const struct fw_status *status)
{
	char when[32];

	fw_say(stdout, "policy   %s", status->policy[0] ? status->policy : "(not known)");
	if (status->generation)
		printf(", generation %" PRIu64, status->generation);
	if (status->applied_at) {
		fw_format_time_local(status->applied_at, when);
		fw_say(stdout, ", applied %s by %s", when, status->user);
	}
	printf("\nin sync  ");
	if (status->in_sync)
		fw_paint(cli, FW_GREEN, "yes");
	else
		fw_paint(cli, FW_RED, "NO");
	fw_say(stdout, "%s%s", status->drift ? ": " : "", status->drift ? status->drift : "");
	putchar('\n');
	if (status->horizon) {
		fw_format_time_local(status->horizon, when);
		printf("during   times of day are compiled until %s (fwctl-renew.timer moves that on)\n", when);
	}
}

static void print_tables(const struct fw_cli *cli, const struct fw_status *status)
{
	struct fw_table table FW_CLEANUP(fw_table_done);

	fw_table_init(&table, 5, 3);
	if (status->blocks.len > 0) {
		heading_row(&table, "blocks");
		line_rows(&table, &status->blocks);
	}
	heading_row(&table, "rules");
	line_rows(&table, &status->rules);
	heading_row(&table, "built-in");
	builtin_rows(&table, &status->builtins);
	heading_row(&table, "defaults");
	default_rows(&table, &status->defaults);
	putchar('\n');
	fw_table_print(cli, &table, "");
}

static void print_status(const struct fw_cli *cli, const struct fw_status *status)
{
	if (!status->active) {
		printf("fwctl has nothing in the kernel: every packet passes\n");
		if (status->drift)
			printf("in sync  NO: %s\n", status->drift);
		printf("`fwctl apply POLICY` changes that\n");
		return;
	}
	print_head(cli, status);
	print_tables(cli, status);
	if (!status->in_sync)
		printf("\n`fwctl plan` shows what `fwctl apply` would repair\n");
}

enum fw_outcome fw_cmd_status(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_status status;
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_status(session, &status);
	const bool told = outcome == FW_OUTCOME_DONE || outcome == FW_OUTCOME_OUT_OF_SYNC;
	if (told && !cli->json)
		print_status(cli, &status);
	return fw_cli_finish(cli, session, outcome, told && cli->json ? status_json(&status) : NULL);
}
