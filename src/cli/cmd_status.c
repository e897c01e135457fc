/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_status.c - status: what runs and who was hit, as tables or as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/client.h"

#define DAEMON_MS 2000

/* What fwctld adds to the kernel's counts. */
struct rate {
	double rate;
	int64_t last_hit;
};
struct rates {
	bool known; /* fwctld answered */
	struct fw_arena *arena;
	struct fw_map by_key;
};

static const struct rate *rate_of(const struct rates *rates, const struct fw_status_line *line)
{
	static const struct rate none;
	char key[FW_LINE_KEY_MAX];
	const struct rate *rate;

	if (!rates->known)
		return NULL;
	fw_line_key(line->owner, line->id, key);
	rate = fw_map_get(&rates->by_key, fw_str_from(key));
	return rate ? rate : &none;
}

static void take_rate(struct rates *rates, const json_t *line)
{
	const char *id = json_string_value(json_object_get(line, "id"));
	struct rate *rate = id ? fw_arena_alloc(rates->arena, 1, sizeof(*rate)) : NULL;
	const char *key = rate ? fw_arena_copy(rates->arena, fw_str_from(id)) : NULL;

	if (!key)
		return;
	rate->rate = json_number_value(json_object_get(line, "rate"));
	rate->last_hit = fw_told_time(line, "last_hit");
	(void)fw_map_set(&rates->by_key, fw_str_from(key), rate);
}

/* The question was put before the kernel was read, so that both took place at once. Without an answer there are no rates, and that is all. */
static void read_rates(struct fw_client *client, struct fw_arena *arena, struct rates *rates)
{
	json_t *answer = NULL;
	const json_t *line;
	int status = 0;
	size_t i;

	*rates = (struct rates){ .arena = arena };
	fw_map_init(&rates->by_key, arena);
	if (client->fd < 0 || fw_client_json(client, &answer, &status) < 0)
		return;
	rates->known = status == 200;
	json_array_foreach(json_object_get(answer, "lines"), i, line)
		take_rate(rates, line);
	json_decref(answer);
}

static void set_rate(json_t *object, const struct rate *rate)
{
	char when[32];

	if (!rate)
		return;
	fw_format_time_utc(rate->last_hit, when);
	json_object_set_new(object, "rate", json_real(rate->rate));
	json_object_set_new(object, "last_hit", rate->last_hit ? json_string(when) : json_null());
}

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

static json_t *list_json(const struct fw_vec *list, const struct rates *rates, json_t *(*to_json)(const struct fw_status_line *line))
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->len; i++) {
		json_t *object = to_json(fw_vec_at(list, i));
		set_rate(object, rate_of(rates, fw_vec_at(list, i)));
		json_array_append_new(array, object);
	}
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

static json_t *status_json(const struct fw_status *status, const struct rates *rates)
{
	return json_pack("{s:b, s:b, s:o, s:I, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "active", status->active, "daemon", rates->known, "policy",
			 fw_json_text(status->policy), "generation", (json_int_t)status->generation, "applied_at",
			 time_json(status->applied_at), "applied_by", fw_json_text(status->user), "in_sync", status->in_sync, "drift",
			 fw_json_text(status->drift), "during_horizon", time_json(status->horizon), "defaults",
			 list_json(&status->defaults, rates, default_json), "builtin", list_json(&status->builtins, rates, builtin_json), "blocks",
			 list_json(&status->blocks, rates, block_json), "rules", list_json(&status->rules, rates, rule_json));
}

/* The columns of fwctld are there where it is. */
struct printer {
	struct fw_table table;
	const struct rates *rates;
	int64_t now;
};

static void rate_cells(struct printer *p, const struct fw_status_line *line)
{
	const struct rate *rate = rate_of(p->rates, line);
	char ago[16];

	if (!rate)
		return;
	fw_format_ago(rate->last_hit, p->now, ago);
	if (rate->rate > 0)
		fw_table_cell(&p->table, FW_PLAIN, rate->rate < 10 ? "%.1f" : "%.0f", rate->rate);
	else
		fw_table_text(&p->table, FW_DIM, "-");
	fw_table_text(&p->table, rate->last_hit ? FW_PLAIN : FW_DIM, ago);
}

static void hit_cells(struct printer *p, const struct fw_status_line *line)
{
	const struct fw_hits *hits = &line->hits;
	struct fw_table *table = &p->table;
	const enum fw_colour colour = hits->packets + hits->over_packets > 0 ? FW_BOLD : FW_DIM;
	char bytes[16];

	fw_format_bytes(hits->bytes, bytes);
	fw_table_cell(table, colour, "%" PRIu64, hits->packets);
	fw_table_text(table, FW_DIM, bytes);
	rate_cells(p, line);
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

static void line_rows(struct printer *p, const struct fw_vec *list)
{
	struct fw_table *table = &p->table;

	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		hit_cells(p, line);
		over_cell(table, &line->hits);
		fw_table_cell(table, FW_CYAN, "%s:%" PRIu32, line->file ? line->file : "?", line->line);
		fw_table_text(table, verdict_colour(line->verdict), line->text ? line->text : "(text not known)");
	}
}

static void heading_row(struct printer *p, const char *what)
{
	struct fw_table *table = &p->table;

	fw_table_text(table, FW_DIM, "packets");
	fw_table_text(table, FW_DIM, "bytes");
	if (p->rates->known) {
		fw_table_text(table, FW_DIM, "rate/s");
		fw_table_text(table, FW_DIM, "last");
	}
	fw_table_text(table, FW_DIM, "");
	fw_table_text(table, FW_DIM, "where");
	fw_table_text(table, FW_DIM, what);
}

static void builtin_rows(struct printer *p, const struct fw_vec *list)
{
	struct fw_table *table = &p->table;

	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		hit_cells(p, line);
		fw_table_text(table, FW_PLAIN, "");
		fw_table_text(table, FW_CYAN, fw_direction_name(line->direction));
		fw_table_text(table, FW_PLAIN, line->name);
	}
}

static void default_rows(struct printer *p, const struct fw_vec *list)
{
	struct fw_table *table = &p->table;

	for (size_t i = 0; i < list->len; i++) {
		const struct fw_status_line *line = fw_vec_at(list, i);
		hit_cells(p, line);
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

static void print_tables(const struct fw_cli *cli, const struct fw_status *status, const struct rates *rates)
{
	struct printer p = { .rates = rates, .now = (int64_t)time(NULL) };

	fw_table_init(&p.table, rates->known ? 7 : 5, rates->known ? 15 : 3);
	if (status->blocks.len > 0) {
		heading_row(&p, "blocks");
		line_rows(&p, &status->blocks);
	}
	heading_row(&p, "rules");
	line_rows(&p, &status->rules);
	heading_row(&p, "built-in");
	builtin_rows(&p, &status->builtins);
	heading_row(&p, "defaults");
	default_rows(&p, &status->defaults);
	putchar('\n');
	fw_table_print(cli, &p.table, "");
	fw_table_done(&p.table);
	if (!rates->known)
		fw_paint(cli, FW_DIM, "\nfwctld is not running: no rates, no times (`systemctl start fwctld`)\n");
}

static void print_status(const struct fw_cli *cli, const struct fw_status *status, const struct rates *rates)
{
	if (!status->active) {
		printf("fwctl has nothing in the kernel: every packet passes\n");
		if (status->drift)
			printf("in sync  NO: %s\n", status->drift);
		printf("`fwctl apply POLICY` changes that\n");
		return;
	}
	print_head(cli, status);
	print_tables(cli, status, rates);
	if (!status->in_sync)
		printf("\n`fwctl plan` shows what `fwctl apply` would repair\n");
}

enum fw_outcome fw_cmd_status(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_client client FW_CLEANUP(fw_client_done) = FW_CLIENT_NONE;
	struct fw_status status;
	struct rates rates = { .known = false };
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	(void)fw_client_begin(cli, "/v1/rules?rates=1", DAEMON_MS, &client);
	outcome = fw_engine_status(session, &status);
	const bool told = outcome == FW_OUTCOME_DONE || outcome == FW_OUTCOME_OUT_OF_SYNC;
	if (told)
		read_rates(&client, session->arena, &rates);
	if (told && !cli->json)
		print_status(cli, &status, &rates);
	return fw_cli_finish(cli, session, outcome, told && cli->json ? status_json(&status, &rates) : NULL);
}
