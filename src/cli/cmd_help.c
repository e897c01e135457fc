/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_help.c - help: the tables of commands and options, for people and (--json) for the generator of the completions. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static json_t *options_json(unsigned int bits)
{
	json_t *list = json_array();

	for (const struct fw_option_row *row = fw_option_rows; row->name; row++)
		if ((bits & row->bit) && row->summary)
			json_array_append_new(list, json_pack("{s:s, s:s?, s:s}", "name", row->name, "argument", row->argument, "summary",
							      row->summary));
	return list;
}

static enum fw_outcome help_json(void)
{
	json_t *commands = json_array();

	for (const struct fw_command *command = fw_commands; command->name; command++)
		json_array_append_new(commands, json_pack("{s:s, s:s, s:s, s:o}", "name", command->name, "arguments", command->arguments,
							  "summary", command->summary, "options", options_json(command->options)));
	json_t *help = json_pack("{s:s, s:o, s:o}", "version", FW_VERSION, "options", options_json(FW_OPT_ANYWHERE | FW_OPT_VERSION), "commands",
				 commands);
	json_dumpf(help, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(help);
	return fw_cli_flush_stdout(FW_OUTCOME_DONE);
}

/* Columns of the longest option with what it takes. */
static int width_of_options(unsigned int bits)
{
	size_t width = 12;

	for (const struct fw_option_row *row = fw_option_rows; row->name; row++) {
		const size_t own = strlen(row->name) + 1 + (row->argument ? strlen(row->argument) : 0);
		if ((bits & row->bit) && row->summary && own > width)
			width = own;
	}
	return (int)width;
}

enum fw_outcome fw_cli_help_command(const struct fw_command *command)
{
	printf("usage: fwctl %s%s%s\n\n  %s\n", command->name, *command->arguments ? " " : "", command->arguments, command->summary);
	const int width = width_of_options(command->options);
	const char *gap = "\n";
	for (const struct fw_option_row *row = fw_option_rows; row->name; row++) {
		if (!(command->options & row->bit) || !row->summary)
			continue;
		printf("%s  --%s %-*s %s\n", gap, row->name, width - 1 - (int)strlen(row->name), row->argument ? row->argument : "", row->summary);
		gap = "";
	}
	printf("\nfwctl(8) tells the rest.\n");
	return fw_cli_flush_stdout(FW_OUTCOME_DONE);
}

enum fw_outcome fw_cmd_help(struct fw_cli *cli)
{
	if (cli->arg_count == 1) {
		const struct fw_command *command = fw_cli_find_command(cli->args[0]);
		return command ? fw_cli_help_command(command) : fw_cli_unknown_command(cli->args[0]);
	}
	if (cli->json)
		return help_json();
	printf("fwctl %s, a host firewall that can say what it does\n\n"
	       "usage: fwctl [--netns NAME] [--json] [--color auto|always|never] COMMAND [ARG ...]\n\n",
	       FW_VERSION);
	for (const struct fw_command *command = fw_commands; command->name; command++)
		printf("  %-9s %-33s %s\n", command->name, command->arguments, command->summary);
	printf("\nPOLICY is a file, - for standard input, and where left out " FW_DEFAULT_POLICY ".\n"
	       "fwctl(8), fwctl-policy(5) and fwctl-services(5) tell the rest.\n");
	return fw_cli_flush_stdout(FW_OUTCOME_DONE);
}
