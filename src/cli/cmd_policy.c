/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_policy.c - commands that only read a policy: check, fmt, show. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/cli.h"

#define MAX_OUTPUT ((size_t)2 << 30)

static json_t *check_json(const struct fw_session *session, const struct fw_policy *policy)
{
	json_t *result = json_pack("{s:I, s:I}", "errors", (json_int_t)session->diags.errors, "warnings",
				   (json_int_t)session->diags.warnings);

	for (unsigned int d = 0; policy && d < FW_DIRECTIONS; d++) {
		char key[32];
		snprintf(key, sizeof(key), "rules_%s", fw_direction_name(d));
		json_object_set_new(result, key, json_integer((json_int_t)policy->rule_count[d]));
	}
	return result;
}

static void print_checked(const struct fw_cli *cli, const struct fw_session *session, const struct fw_policy *policy)
{
	fw_paint(cli, FW_GREEN, "ok");
	fw_say(stdout, "  %s: %zu rules in, %zu out, %zu forward; %zu blocks, %zu groups, %zu expectations, %zu warnings", policy->path,
	       policy->rule_count[FW_IN], policy->rule_count[FW_OUT], policy->rule_count[FW_FORWARD], policy->block_count,
	       policy->group_count, policy->expect_count, session->diags.warnings);
	putchar('\n');
}

enum fw_outcome fw_cmd_check(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_policy *policy = NULL;
	enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_check(session, fw_cli_policy(cli), &policy, NULL);
	if (outcome == FW_OUTCOME_DONE && !cli->json)
		print_checked(cli, session, policy);
	return fw_cli_finish(cli, session, outcome, cli->json ? check_json(session, policy) : NULL);
}

static int write_back(struct fw_session *session, const char *path, struct fw_str text)
{
	struct stat st;
	char *old FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;

	if (stat(path, &st) < 0)
		return -errno;
	int r = fw_file_read(path, MAX_OUTPUT, &old, &len);
	if (r == 0 && fw_str_equal((struct fw_str){ old, len }, text))
		return 0;
	if (r == 0)
		r = fw_file_write_atomic(path, text, st.st_mode & 07777);
	if (r < 0)
		snprintf(session->message, sizeof(session->message), "%s: %s", path, strerror(-r));
	return r;
}

enum fw_outcome fw_cmd_fmt(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_buf text FW_CLEANUP(fw_buf_done);
	const char *path = fw_cli_policy(cli);
	const bool write = cli->given & FW_OPT_WRITE;

	fw_buf_init(&text, MAX_OUTPUT);
	if (write && strcmp(path, "-") == 0)
		return fw_cli_usage("`fmt -w` writes a file back; standard input has no file");
	enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_format(session, path, &text);
	if (outcome == FW_OUTCOME_DONE && write)
		outcome = write_back(session, path, fw_buf_str(&text)) < 0 ? FW_OUTCOME_REFUSED : outcome;
	else if (outcome == FW_OUTCOME_DONE && !cli->json)
		fwrite(text.data, 1, text.len, stdout);
	json_t *result = cli->json && outcome == FW_OUTCOME_DONE && !write ? json_pack("{s:o}", "text", fw_json_text(text.len ? text.data : "")) : NULL;
	return fw_cli_finish(cli, session, outcome, result);
}

enum fw_outcome fw_cmd_show(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_buf text FW_CLEANUP(fw_buf_done);
	struct fw_ruleset *ruleset = NULL;
	const bool running = cli->arg_count == 0;

	fw_buf_init(&text, MAX_OUTPUT);
	if (cli->json && (cli->given & FW_OPT_NFT))
		return fw_cli_usage("`show` takes --nft or --json, not both");
	enum fw_outcome outcome = fw_cli_session(cli, running, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_show(session, running ? NULL : cli->args[0], &ruleset);
	if (outcome != FW_OUTCOME_DONE)
		return fw_cli_finish(cli, session, outcome, NULL);
	if (cli->json)
		fw_ruleset_print_json(ruleset, &text);
	else
		fw_ruleset_print_nft(ruleset, &text);
	if (text.error)
		snprintf(session->message, sizeof(session->message), "printing the ruleset: %s", strerror(-text.error));
	else
		fwrite(text.data, 1, text.len, stdout);
	if (cli->json && !text.error)
		return fw_cli_flush_stdout(outcome);
	return fw_cli_finish(cli, session, text.error ? FW_OUTCOME_REFUSED : outcome, NULL);
}
