/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_apply.c - plan, apply, renew and flush. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/client.h"

#define APPLIED_LINES 40 /* that apply tells people; plan tells all, and programs get all */

json_t *fw_json_plan(const struct fw_plan *plan)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < plan->lines.len; i++) {
		const struct fw_plan_line *line = fw_vec_at(&plan->lines, i);
		const char sign[] = { line->sign, '\0' };
		json_array_append_new(lines, json_pack("{s:s, s:o, s:o, s:o}", "change", sign, "file", fw_json_text(line->file), "line",
						       line->line ? json_integer(line->line) : json_null(), "text",
						       fw_json_text(line->text)));
	}
	return json_pack("{s:o, s:{s:I, s:I, s:I, s:I, s:I}}", "changes", lines, "kernel", "rules_added", (json_int_t)plan->rules_added,
			 "rules_deleted", (json_int_t)plan->rules_deleted, "elements_added", (json_int_t)plan->elements_added,
			 "elements_deleted", (json_int_t)plan->elements_deleted, "objects", (json_int_t)plan->objects);
}

static enum fw_colour colour_of(char sign)
{
	return sign == '+' ? FW_GREEN : sign == '-' ? FW_RED : FW_YELLOW;
}

/* At most so many lines. */
static void print_lines(const struct fw_cli *cli, const struct fw_plan *plan, size_t most)
{
	struct fw_table table FW_CLEANUP(fw_table_done);

	fw_table_init(&table, 3, 0);
	for (size_t i = 0; i < plan->lines.len && i < most; i++) {
		const struct fw_plan_line *line = fw_vec_at(&plan->lines, i);
		fw_table_cell(&table, colour_of(line->sign), "%c", line->sign);
		if (line->file)
			fw_table_cell(&table, FW_DIM, "%s:%" PRIu32, line->file, line->line);
		else
			fw_table_cell(&table, FW_PLAIN, "%s", "");
		fw_table_cell(&table, FW_PLAIN, "%s", line->text);
	}
	fw_table_print(cli, &table, "  ");
	if (plan->lines.len > most)
		printf("  .. and %zu more lines\n", plan->lines.len - most);
}

static void print_kernel_counts(const struct fw_plan *plan)
{
	printf("in the kernel: rules +%zu -%zu, set members +%zu -%zu, chains, sets and objects %zu\n", plan->rules_added,
	       plan->rules_deleted, plan->elements_added, plan->elements_deleted, plan->objects);
}

static void print_packets(const struct fw_cli *cli, const struct fw_plan *plan)
{
	switch (plan->packets) {
	case FW_PACKETS_NOT_ASKED:
		return;
	case FW_PACKETS_FIRST:
		printf("for packets: nothing is filtered now, and all of the policy is new\n");
		return;
	case FW_PACKETS_UNKNOWN:
		printf("for packets: the text of the running policy is not in the state folder, so it cannot be told what changes\n");
		return;
	case FW_PACKETS_TOO_BIG:
		printf("for packets: these two policies are too much to be compared packet by packet\n");
		return;
	case FW_PACKETS_COMPARED:
		break;
	}
	printf(plan->diff.differences.len > 0 ? "for packets:\n" : "for packets: none would be decided differently\n");
	fw_print_diff(cli, &plan->diff);
}

/* As `diff` has it, and null where the two could not be compared. */
static json_t *planned_json(const struct fw_plan *plan)
{
	json_t *result = fw_json_plan(plan);

	json_object_set_new(result, "first", json_boolean(plan->packets == FW_PACKETS_FIRST));
	if (plan->changes.list.len == 0)
		json_object_set_new(result, "packets", json_pack("{s:b, s:[]}", "equal", 1, "differences"));
	else
		json_object_set_new(result, "packets", plan->packets == FW_PACKETS_COMPARED ? fw_json_diff(&plan->diff) : json_null());
	return result;
}

enum fw_outcome fw_cmd_plan(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_plan plan = { 0 };
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_plan(session, fw_cli_policy(cli), &plan);
	const bool compared = outcome == FW_OUTCOME_DONE || outcome == FW_OUTCOME_DIFFERS;
	if (!cli->json && outcome == FW_OUTCOME_DONE)
		printf("nothing to do: the kernel runs this policy already\n");
	if (!cli->json && outcome == FW_OUTCOME_DIFFERS) {
		print_lines(cli, &plan, SIZE_MAX);
		print_kernel_counts(&plan);
		print_packets(cli, &plan);
		fw_say(stdout, "`fwctl apply %s` makes it so", fw_cli_policy(cli));
		putchar('\n');
	}
	return fw_cli_finish(cli, session, outcome, cli->json && compared ? planned_json(&plan) : NULL);
}

static json_t *applied_json(const struct fw_applied *applied)
{
	json_t *result = fw_json_plan(&applied->plan);

	json_object_set_new(result, "changed", json_boolean(applied->changed));
	json_object_set_new(result, "generation", json_integer((json_int_t)applied->generation));
	json_object_set_new(result, "rules", json_integer((json_int_t)applied->rules));
	json_object_set_new(result, "adopted_connections", json_integer((json_int_t)applied->adopted));
	return result;
}

static void print_applied(const struct fw_cli *cli, const struct fw_applied *applied)
{
	if (!applied->changed) {
		printf("nothing to do: the kernel runs this policy already (generation %" PRIu64 ")\n", applied->generation);
		return;
	}
	print_lines(cli, &applied->plan, APPLIED_LINES);
	print_kernel_counts(&applied->plan);
	if (applied->adopted > 0)
		printf("open connections that the policy allows and that go on: %zu\n", applied->adopted);
	fw_paint(cli, FW_GREEN, "applied");
	fw_say(stdout, "  %s: %zu rules, generation %" PRIu64 "; `fwctl status` shows the hits", fw_cli_policy(cli), applied->rules,
	       applied->generation);
	putchar('\n');
}

enum fw_outcome fw_cmd_apply(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_applied applied = { 0 };
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	fw_client_count_now(cli);
	outcome = fw_engine_apply(session, fw_cli_policy(cli), &applied);
	if (outcome == FW_OUTCOME_DONE && !cli->json)
		print_applied(cli, &applied);
	return fw_cli_finish(cli, session, outcome, cli->json && outcome == FW_OUTCOME_DONE ? applied_json(&applied) : NULL);
}

enum fw_outcome fw_cmd_renew(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_applied applied = { 0 };
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_renew(session, &applied);
	if (outcome == FW_OUTCOME_DONE && !cli->json)
		printf("%s\n", applied.changed ? "renewed: times of day are compiled for the present clock" : "nothing to renew");
	return fw_cli_finish(cli, session, outcome,
			     cli->json && outcome == FW_OUTCOME_DONE ? json_pack("{s:b}", "changed", applied.changed) : NULL);
}

enum fw_outcome fw_cmd_flush(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	size_t objects = 0;
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	fw_client_count_now(cli);
	outcome = fw_engine_flush(session, &objects);
	if (outcome == FW_OUTCOME_DONE && !cli->json)
		printf("%s\n", objects > 0 ? "flushed: nothing of fwctl is in the kernel any more, every packet passes" :
					     "nothing to do: fwctl has nothing in the kernel");
	return fw_cli_finish(cli, session, outcome,
			     cli->json && outcome == FW_OUTCOME_DONE ? json_pack("{s:b}", "changed", objects > 0) : NULL);
}
