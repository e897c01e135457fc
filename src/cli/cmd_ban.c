/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_ban.c - ban, unban and bans: members of dynamic groups. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static enum fw_outcome parse_ban(const struct fw_cli *cli, struct fw_ban *ret_ban)
{
	struct fw_ban ban = { .group = cli->group };

	if (cli->arg_count != 1)
		return fw_cli_usage("say which address or prefix: fwctl ban 192.0.2.7");
	ban.address = cli->args[0];
	ban.has_timeout = cli->duration;
	if (cli->duration && fw_cli_parse_duration(cli->duration, &ban.timeout_s) < 0)
		return fw_cli_usage("--for takes a time such as 45s, 30m, 1h, 7d or 2w, not '%s'", cli->duration);
	*ret_ban = ban;
	return 0;
}

static json_t *banned_json(const char *address, const char *group, uint64_t timeout_s)
{
	return json_pack("{s:o, s:o, s:o}", "address", fw_json_text(address), "group", fw_json_text(group), "timeout_seconds",
			 timeout_s ? json_integer((json_int_t)timeout_s) : json_null());
}

enum fw_outcome fw_cmd_ban(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_ban ban;
	const char *group = NULL;
	uint64_t timeout_s = 0;
	enum fw_outcome status = parse_ban(cli, &ban);
	if (status != 0)
		return status;
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_ban(session, &ban, &group, &timeout_s);
	if (outcome == FW_OUTCOME_DONE && !cli->json) {
		char duration[32];
		fw_format_duration(timeout_s, duration);
		printf("banned %s in '%s' %s%s\n", ban.address, group, timeout_s ? "for " : "until `fwctl unban`", timeout_s ? duration : "");
	}
	return fw_cli_finish(cli, session, outcome,
			     cli->json && outcome == FW_OUTCOME_DONE ? banned_json(ban.address, group, timeout_s) : NULL);
}

enum fw_outcome fw_cmd_unban(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_ban ban;
	const char *group = NULL;
	enum fw_outcome status = parse_ban(cli, &ban);
	if (status != 0)
		return status;
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_unban(session, &ban, &group);
	if (outcome == FW_OUTCOME_DONE && !cli->json)
		printf("%s is no member of '%s' any more\n", ban.address, group);
	return fw_cli_finish(cli, session, outcome, cli->json && outcome == FW_OUTCOME_DONE ? banned_json(ban.address, group, 0) : NULL);
}

static void member_text(const struct fw_member *member, char *ret_text, size_t size)
{
	struct fw_buf buf FW_CLEANUP(fw_buf_done);

	fw_buf_init(&buf, 256);
	fw_addr_print(&buf, member->family, fw_range_prefix(member->family, member->address, member->length));
	snprintf(ret_text, size, "%s", fw_cli_text(&buf));
}

static json_t *bans_json(const struct fw_vec *banned)
{
	json_t *list = json_array();

	for (size_t i = 0; i < banned->len; i++) {
		const struct fw_banned *item = fw_vec_at(banned, i);
		char address[64];
		member_text(&item->member, address, sizeof(address));
		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "address", address, "group", fw_json_text(item->group),
						      "timeout_seconds",
						      item->member.timeout_ms ? json_integer((json_int_t)(item->member.timeout_ms / 1000)) : json_null(),
						      "expires_seconds",
						      item->member.timeout_ms ? json_integer((json_int_t)(item->member.expires_ms / 1000)) : json_null()));
	}
	return json_pack("{s:o}", "bans", list);
}

static void print_bans(const struct fw_cli *cli, const struct fw_vec *banned)
{
	struct fw_table table FW_CLEANUP(fw_table_done);

	fw_table_init(&table, 3, 0);
	if (banned->len == 0)
		printf("no members\n");
	for (size_t i = 0; i < banned->len; i++) {
		const struct fw_banned *item = fw_vec_at(banned, i);
		char address[64], left[32];
		member_text(&item->member, address, sizeof(address));
		fw_format_duration(item->member.expires_ms / 1000, left);
		fw_table_cell(&table, FW_CYAN, "%s", item->group);
		fw_table_cell(&table, FW_PLAIN, "%s", address);
		fw_table_cell(&table, FW_DIM, "%s", item->member.timeout_ms ? left : "until unban");
	}
	fw_table_print(cli, &table, "");
}

enum fw_outcome fw_cmd_bans(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_vec banned = { 0 };
	enum fw_outcome outcome = fw_cli_session(cli, true, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = fw_engine_bans(session, cli->group, &banned);
	if (outcome == FW_OUTCOME_DONE && !cli->json)
		print_bans(cli, &banned);
	return fw_cli_finish(cli, session, outcome, cli->json && outcome == FW_OUTCOME_DONE ? bans_json(&banned) : NULL);
}
