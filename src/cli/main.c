/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/main.c - fwctl(8): the table of commands. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/misspell.h"
#include "cli/cli.h"

const struct fw_command fw_commands[] = {
	{ "check", "[POLICY]", "read, resolve and compile a policy; print errors and warnings", 0, 1, fw_cmd_check },
	{ "fmt", "[-w] [POLICY]", "print the canonical layout of a policy (-w: write it back)", FW_OPT_WRITE, 1, fw_cmd_fmt },
	{ "plan", "[POLICY]", "what apply would change (exit 0: nothing, 2: changes)", 0, 1, fw_cmd_plan },
	{ "apply", "[POLICY]", "make the kernel run a policy: one transaction, only what differs", FW_OPT_NO_VERIFY, 1, fw_cmd_apply },
	{ "status", "", "what runs, and the hits of every line", 0, 0, fw_cmd_status },
	{ "hits", "[--by rule|source|port|minute]", "who hit what, now and last week (by fwctld)",
	  FW_OPT_SINCE | FW_OPT_BY | FW_OPT_RULE | FW_OPT_DIRECTION | FW_OPT_LIMIT, 0, fw_cmd_hits },
	{ "top", "", "a live table of the lines and their rates", 0, 0, fw_cmd_top },
	{ "watch", "[--count N] [FILTER]", "events as they come, e.g. watch deny tcp from 192.0.2.0/24", FW_OPT_COUNT, FW_CLI_WORDS, fw_cmd_watch },
	{ "show", "[--nft|--json] [POLICY]", "the compiled ruleset of a policy, or what the kernel holds", FW_OPT_NFT, 1, fw_cmd_show },
	{ "explain", "PACKET [POLICY]", "which line decides a packet, and why", 0, FW_CLI_WORDS, fw_cmd_explain },
	{ "diff", "OLD NEW", "packets that two policies decide differently (exit 2)", 0, 2, fw_cmd_diff },
	{ "services", "[WORD]", "the catalogue: names, ports, ranges, descriptions", 0, 1, fw_cmd_services },
	{ "ban", "ADDR [--for 1h] [--group GROUP]", "add a member to a dynamic group", FW_OPT_FOR | FW_OPT_GROUP, 1, fw_cmd_ban },
	{ "unban", "ADDR [--group GROUP]", "take a member out of a dynamic group", FW_OPT_GROUP, 1, fw_cmd_unban },
	{ "bans", "[--group GROUP]", "members of the dynamic groups", FW_OPT_GROUP, 0, fw_cmd_bans },
	{ "renew", "", "compile the running policy for the present clock (by fwctl-renew.timer)", 0, 0, fw_cmd_renew },
	{ "flush", "", "take all that fwctl put into the kernel out again", 0, 0, fw_cmd_flush },
	{ "help", "[COMMAND]", "this list", 0, 1, fw_cmd_help },
	{ 0 },
};

const struct fw_command *fw_cli_find_command(const char *name)
{
	for (const struct fw_command *command = fw_commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

enum fw_outcome fw_cli_unknown_command(const char *name)
{
	struct fw_misspell near;

	fw_misspell_init(&near, fw_str_from(name));
	for (const struct fw_command *command = fw_commands; command->name; command++)
		fw_misspell_offer(&near, fw_str_from(command->name));
	if (near.best.len > 0)
		return fw_cli_usage("unknown command '%s'; did you mean '%s'?", name, near.best.data);
	return fw_cli_usage("unknown command '%s'", name);
}

static enum fw_outcome run_command(struct fw_cli *cli)
{
	const struct fw_command *command = fw_cli_find_command(cli->args[0]);
	if (!command)
		return fw_cli_unknown_command(cli->args[0]);

	cli->args++;
	cli->arg_count--;
	if (cli->given & FW_OPT_HELP)
		return fw_cli_help_command(command);
	if (cli->given & ~(FW_OPT_ANYWHERE | command->options))
		return fw_cli_usage("`fwctl %s` does not take one of these options; usage: fwctl %s %s", command->name, command->name,
				    command->arguments);
	if (cli->arg_count > command->max_args)
		return fw_cli_usage("`fwctl %s` does not take '%s'; usage: fwctl %s %s", command->name, cli->args[command->max_args],
				    command->name, command->arguments);
	return command->run(cli);
}

static enum fw_outcome run(struct fw_cli *cli, int argc, char **argv)
{
	enum fw_outcome outcome = fw_cli_parse_options(cli, argc, argv);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	if (cli->given & FW_OPT_VERSION) {
		printf("fwctl %s\n", FW_VERSION);
		return fw_cli_flush_stdout(FW_OUTCOME_DONE);
	}
	if (cli->arg_count == 0) {
		outcome = fw_cmd_help(cli);
		return cli->given & FW_OPT_HELP ? outcome : FW_OUTCOME_USAGE;
	}
	return run_command(cli);
}

int main(int argc, char **argv)
{
	struct fw_cli cli = { 0 };

	setlocale(LC_CTYPE, "C.UTF-8");
	umask(022);
	json_set_alloc_funcs(fw_cli_alloc, free);
	tzset();
	return (int)run(&cli, argc, argv);
}
