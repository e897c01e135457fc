/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_explain.c - explain and diff: who decides packets, and what two policies decide differently. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "proof/words.h"

#define TEXT_MAX 8192
#define MAX_PASSED 12 /* lines that people are shown; programs get them all */

/* A line of a policy that decides, as text and with its place. */
struct line {
	struct fw_buf text;
	struct fw_place place; /* file NULL: nowhere */
};

static void line_done(struct line *line)
{
	fw_buf_done(&line->text);
}

static void line_init(struct line *line, const struct fw_policy *policy, const struct fw_decider *decider, enum fw_direction direction)
{
	const struct fw_span span = fw_words_span(policy, decider, direction);

	*line = (struct line){ 0 };
	fw_buf_init(&line->text, TEXT_MAX);
	fw_words_decider(decider, direction, &line->text);
	if (span.source)
		line->place = fw_sources_place(policy->sources, span);
}

static enum fw_colour verdict_colour(enum fw_verdict verdict)
{
	return verdict == FW_ALLOW ? FW_GREEN : verdict == FW_DENY ? FW_RED : FW_YELLOW;
}

static json_t *where_json(const struct fw_regions *where)
{
	json_t *list = json_array();

	for (size_t i = 0; i < where->words.len; i++)
		json_array_append_new(list, fw_json_text(*(const char *const *)fw_vec_at(&where->words, i)));
	return list;
}

static json_t *decider_json(const struct fw_policy *policy, const struct fw_decider *decider, enum fw_direction direction)
{
	struct line line FW_CLEANUP(line_done);
	json_t *object = json_pack("{s:s, s:s}", "verdict", fw_verdict_name(decider->verdict), "by", fw_words_kind(decider->kind));

	line_init(&line, policy, decider, direction);
	json_object_set_new(object, "file", fw_json_text(line.place.file));
	json_object_set_new(object, "line", line.place.file ? json_integer(line.place.line) : json_null());
	json_object_set_new(object, "text", fw_json_text(fw_cli_text(&line.text)));
	if (decider->rule)
		json_object_set_new(object, "rule_id", json_string(decider->rule->id));
	if (decider->kind == FW_DECIDER_BUILTIN)
		json_object_set_new(object, "name", json_string(fw_builtin_name(decider->builtin)));
	return object;
}

/* --- explain --- */

static json_t *passed_json(const struct fw_engine_answer *answer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < answer->explained.passed.len; i++) {
		const struct fw_passed *passed = fw_vec_at(&answer->explained.passed, i);
		json_t *object = decider_json(answer->policy, passed->decider, answer->direction);
		json_object_set_new(object, "why_not", json_string(passed->why));
		json_array_append_new(list, object);
	}
	return list;
}

static void set_limits(json_t *object, const struct fw_decider *decider)
{
	struct fw_buf limits FW_CLEANUP(fw_buf_done);

	fw_buf_init(&limits, TEXT_MAX);
	fw_words_limits(decider, &limits);
	if (fw_cli_text(&limits)[0])
		json_object_set_new(object, "limit", fw_json_text(fw_cli_text(&limits)));
}

/* One answer stands at the top, as it is; several have no common one. */
static json_t *explained_json(const struct fw_engine_answer *answer)
{
	const struct fw_vec *answers = &answer->explained.answers;
	json_t *list = json_array(), *result = NULL;

	for (size_t i = 0; i < answers->len; i++) {
		const struct fw_answer *item = fw_vec_at(answers, i);
		json_t *object = decider_json(answer->policy, item->decider, answer->direction);
		set_limits(object, item->decider);
		if (answers->len == 1)
			result = json_copy(object);
		json_object_set_new(object, "where", where_json(&item->where));
		json_object_set_new(object, "more", json_boolean(item->where.more));
		json_array_append_new(list, object);
	}
	if (!result)
		result = json_object();
	json_object_set_new(result, "answers", list);
	json_object_set_new(result, "passed", passed_json(answer));
	return result;
}

static void line_row(struct fw_table *table, const struct fw_engine_answer *answer, const struct fw_decider *decider, const char *more)
{
	struct line line FW_CLEANUP(line_done);

	line_init(&line, answer->policy, decider, answer->direction);
	fw_table_cell(table, verdict_colour(decider->verdict), "%s", fw_verdict_name(decider->verdict));
	if (line.place.file)
		fw_table_cell(table, FW_CYAN, "%s:%" PRIu32, line.place.file, line.place.line);
	else
		fw_table_cell(table, FW_CYAN, "%s", fw_words_kind(decider->kind));
	fw_table_cell(table, FW_PLAIN, "%s", fw_cli_text(&line.text));
	fw_table_cell(table, FW_DIM, "%s", more);
}

static void print_limits(const struct fw_decider *decider)
{
	struct fw_buf limits FW_CLEANUP(fw_buf_done);

	fw_buf_init(&limits, TEXT_MAX);
	fw_words_limits(decider, &limits);
	if (fw_cli_text(&limits)[0])
		printf("within its limit (%s); what is over is dropped by this line\n", fw_cli_text(&limits));
}

static void print_one(const struct fw_cli *cli, const struct fw_engine_answer *answer)
{
	const struct fw_answer *item = fw_vec_at(&answer->explained.answers, 0);
	const struct fw_vec *passed = &answer->explained.passed;
	const size_t skipped = passed->len > MAX_PASSED ? passed->len - MAX_PASSED : 0;
	struct fw_table table FW_CLEANUP(fw_table_done);

	fw_table_init(&table, 4, 0);
	for (size_t i = skipped; i < passed->len; i++) {
		const struct fw_passed *line = fw_vec_at(passed, i);
		line_row(&table, answer, line->decider, line->why);
	}
	if (passed->len > 0)
		printf("passed by:\n");
	if (skipped > 0)
		printf("  (%zu lines before these)\n", skipped);
	fw_table_print(cli, &table, "  ");
	printf("decided by:\n");
	struct fw_table last FW_CLEANUP(fw_table_done);
	fw_table_init(&last, 4, 0);
	line_row(&last, answer, item->decider, "");
	fw_table_print(cli, &last, "  ");
	print_limits(item->decider);
}

static void print_where(const struct fw_regions *where)
{
	for (size_t i = 0; i < where->words.len; i++) {
		fw_say(stdout, "      %s", *(const char *const *)fw_vec_at(&where->words, i));
		putchar('\n');
	}
	if (where->more)
		printf("      ..\n");
}

static void print_several(const struct fw_cli *cli, const struct fw_engine_answer *answer)
{
	printf("that depends: %zu answers\n", answer->explained.answers.len);
	for (size_t i = 0; i < answer->explained.answers.len; i++) {
		const struct fw_answer *item = fw_vec_at(&answer->explained.answers, i);
		struct fw_table table FW_CLEANUP(fw_table_done);
		fw_table_init(&table, 4, 0);
		line_row(&table, answer, item->decider, "");
		fw_table_print(cli, &table, "  ");
		print_where(&item->where);
	}
}

enum fw_outcome fw_cmd_explain(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	const struct fw_engine_question question = { cli->args, (size_t)cli->arg_count };
	struct fw_engine_answer answer;
	enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	if (!fw_engine_names_policy(session, &question))
		outcome = fw_session_attach(session, cli->netns);
	if (outcome == FW_OUTCOME_DONE)
		outcome = fw_engine_explain(session, &question, &answer);
	if (outcome == FW_OUTCOME_DONE && !cli->json && answer.explained.answers.len == 1)
		print_one(cli, &answer);
	else if (outcome == FW_OUTCOME_DONE && !cli->json)
		print_several(cli, &answer);
	return fw_cli_finish(cli, session, outcome, cli->json && outcome == FW_OUTCOME_DONE ? explained_json(&answer) : NULL);
}

/* --- diff --- */

json_t *fw_json_diff(const struct fw_engine_diff *diff)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diff->differences.len; i++) {
		const struct fw_difference *item = fw_vec_at(&diff->differences, i);
		json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:o, s:o}", "direction", fw_direction_name(item->direction), "where",
						      where_json(&item->where), "more", item->where.more, "old",
						      decider_json(diff->policies[0], item->before, item->direction), "new",
						      decider_json(diff->policies[1], item->after, item->direction)));
	}
	return json_pack("{s:b, s:o}", "equal", diff->differences.len == 0, "differences", list);
}

static void print_side(const struct fw_cli *cli, const struct fw_policy *policy, const struct fw_difference *item, const struct fw_decider *decider)
{
	struct line line FW_CLEANUP(line_done);
	struct fw_buf limits FW_CLEANUP(fw_buf_done);

	line_init(&line, policy, decider, item->direction);
	fw_buf_init(&limits, TEXT_MAX);
	fw_words_limits(decider, &limits);
	fw_paint(cli, verdict_colour(decider->verdict), fw_verdict_name(decider->verdict));
	if (fw_cli_text(&limits)[0])
		printf(" (%s)", fw_cli_text(&limits));
	if (line.place.file)
		printf(" at line %" PRIu32, line.place.line);
	else
		fw_say(stdout, " by %s", fw_cli_text(&line.text));
}

static void print_difference(const struct fw_cli *cli, const struct fw_engine_diff *diff, const struct fw_difference *item)
{
	printf("%s  ", fw_direction_name(item->direction));
	print_side(cli, diff->policies[0], item, item->before);
	printf(" -> ");
	print_side(cli, diff->policies[1], item, item->after);
	putchar('\n');
	print_where(&item->where);
}

void fw_print_diff(const struct fw_cli *cli, const struct fw_engine_diff *diff)
{
	for (size_t i = 0; i < diff->differences.len; i++)
		print_difference(cli, diff, fw_vec_at(&diff->differences, i));
}

enum fw_outcome fw_cmd_diff(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_engine_diff diff;
	if (cli->arg_count != 2)
		return fw_cli_usage("`diff` takes two policies: fwctl diff OLD NEW");
	enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_diff(session, (const char *const[]){ cli->args[0], cli->args[1] }, &diff);
	const bool compared = outcome == FW_OUTCOME_DONE || outcome == FW_OUTCOME_DIFFERS;
	if (!cli->json && outcome == FW_OUTCOME_DONE)
		printf("equal: proven for every packet that opens a connection\n");
	if (!cli->json && outcome == FW_OUTCOME_DIFFERS)
		fw_print_diff(cli, &diff);
	return fw_cli_finish(cli, session, outcome, cli->json && compared ? fw_json_diff(&diff) : NULL);
}
