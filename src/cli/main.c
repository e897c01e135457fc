/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/main.c - fwctl(8): a table of commands, and one pass over the command line. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/misspell.h"
#include "cli/cli.h"

const struct fw_command fw_commands[] = {
	{ "check", "[POLICY]", "read, resolve and compile a policy; print errors and warnings", 0, 1, fw_cmd_check },
	{ "fmt", "[-w] [POLICY]", "print the canonical layout of a policy (-w: write it back)", FW_OPT_WRITE, 1, fw_cmd_fmt },
	{ "plan", "[POLICY]", "what apply would change (exit 0: nothing, 2: changes)", 0, 1, fw_cmd_plan },
	{ "apply", "[POLICY]", "make the kernel run a policy: one transaction, only what differs", FW_OPT_NO_VERIFY, 1, fw_cmd_apply },
	{ "status", "", "what runs, and the hits of every line", 0, 0, fw_cmd_status },
	{ "show", "[--nft|--json] [POLICY]", "the compiled ruleset of a policy, or what the kernel holds", FW_OPT_NFT, 1, fw_cmd_show },
	{ "services", "[WORD]", "the catalogue: names, ports, ranges, descriptions", 0, 1, fw_cmd_services },
	{ "ban", "ADDR [--for 1h] [--group GROUP]", "add a member to a dynamic group", FW_OPT_FOR | FW_OPT_GROUP, 1, fw_cmd_ban },
	{ "unban", "ADDR [--group GROUP]", "take a member out of a dynamic group", FW_OPT_GROUP, 1, fw_cmd_unban },
	{ "bans", "[--group GROUP]", "members of the dynamic groups", FW_OPT_GROUP, 0, fw_cmd_bans },
	{ "renew", "", "compile the running policy for the present clock (by fwctl-renew.timer)", 0, 0, fw_cmd_renew },
	{ "flush", "", "take all that fwctl put into the kernel out again", 0, 0, fw_cmd_flush },
	{ "help", "[COMMAND]", "this list", 0, 1, fw_cmd_help },
	{ 0 },
};

static const struct option long_options[] = {
	{ "netns", required_argument, NULL, 'N' },  { "json", no_argument, NULL, 'j' },
	{ "color", required_argument, NULL, 'c' },  { "colour", required_argument, NULL, 'c' },
	{ "write", no_argument, NULL, 'w' },	    { "nft", no_argument, NULL, 'n' },
	{ "for", required_argument, NULL, 'f' },    { "group", required_argument, NULL, 'g' },
	{ "no-verify", no_argument, NULL, 'V' },    { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },	    { 0 },
};

static bool wants_colour(const char *mode, int fd)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (strcmp(mode, "always") == 0)
		return true;
	if (strcmp(mode, "never") == 0 || (no_colour && *no_colour))
		return false;
	return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static int take_option(struct fw_cli *cli, int letter, const char **colour)
{
	switch (letter) {
	case 'N':
		cli->netns = optarg;
		return FW_OPT_NETNS;
	case 'j':
		cli->json = true;
		return FW_OPT_JSON;
	case 'c':
		*colour = optarg;
		return FW_OPT_COLOR;
	case 'f':
		cli->duration = optarg;
		return FW_OPT_FOR;
	case 'g':
		cli->group = optarg;
		return FW_OPT_GROUP;
	case 'w':
		return FW_OPT_WRITE;
	case 'n':
		return FW_OPT_NFT;
	case 'V':
		return FW_OPT_NO_VERIFY;
	case 'h':
		return FW_OPT_HELP;
	case 'v':
		return FW_OPT_VERSION;
	default: /* getopt_long said what is wrong */
		return -1;
	}
}

static enum fw_outcome parse_options(struct fw_cli *cli, int argc, char **argv)
{
	const char *colour = "auto";
	int letter;

	while ((letter = getopt_long(argc, argv, "whv", long_options, NULL)) != -1) {
		int option = take_option(cli, letter, &colour);
		if (option < 0)
			return fw_cli_usage("the options are wrong");
		cli->given |= (unsigned int)option;
	}
	if (strcmp(colour, "auto") != 0 && strcmp(colour, "always") != 0 && strcmp(colour, "never") != 0)
		return fw_cli_usage("--color takes auto, always or never, not '%s'", colour);
	cli->colour_out = wants_colour(colour, STDOUT_FILENO);
	cli->colour_err = wants_colour(colour, STDERR_FILENO);
	cli->args = argv + optind;
	cli->arg_count = argc - optind;
	return FW_OUTCOME_DONE;
}

static const struct fw_command *find_command(const char *name)
{
	for (const struct fw_command *command = fw_commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

static enum fw_outcome unknown_command(const char *name)
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
	const struct fw_command *command = find_command(cli->args[0]);
	if (!command)
		return unknown_command(cli->args[0]);

	const unsigned int always = FW_OPT_NETNS | FW_OPT_JSON | FW_OPT_COLOR | FW_OPT_HELP;
	cli->args++;
	cli->arg_count--;
	if (cli->given & FW_OPT_HELP) {
		printf("usage: fwctl %s %s\n\n  %s\n\nfwctl(8) tells the rest.\n", command->name, command->arguments, command->summary);
		return fw_cli_flush_stdout(FW_OUTCOME_DONE);
	}
	if (cli->given & ~(always | command->options))
		return fw_cli_usage("`fwctl %s` does not take one of these options; usage: fwctl %s %s", command->name, command->name,
				    command->arguments);
	if (cli->arg_count > command->max_args)
		return fw_cli_usage("`fwctl %s` does not take '%s'; usage: fwctl %s %s", command->name, cli->args[command->max_args],
				    command->name, command->arguments);
	return command->run(cli);
}

enum fw_outcome fw_cmd_help(struct fw_cli *cli)
{
	if (cli->arg_count == 1) {
		const struct fw_command *command = find_command(cli->args[0]);
		if (!command)
			return unknown_command(cli->args[0]);
		printf("usage: fwctl %s %s\n\n  %s\n", command->name, command->arguments, command->summary);
		return fw_cli_flush_stdout(FW_OUTCOME_DONE);
	}
	printf("fwctl %s, a host firewall that can say what it does\n\n"
	       "usage: fwctl [--netns NAME] [--json] [--color auto|always|never] COMMAND [ARG ...]\n\n",
	       FW_VERSION);
	for (const struct fw_command *command = fw_commands; command->name; command++)
		printf("  %-9s %-33s %s\n", command->name, command->arguments, command->summary);
	printf("\nPOLICY is a file, - for standard input, and where left out " FW_DEFAULT_POLICY ".\n"
	       "fwctl(8), fwctl-policy(5) and fwctl-services(5) tell the rest.\n");
	return fw_cli_flush_stdout(FW_OUTCOME_DONE);
}

static enum fw_outcome run(struct fw_cli *cli, int argc, char **argv)
{
	enum fw_outcome outcome = parse_options(cli, argc, argv);
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
	tzset();
	return (int)run(&cli, argc, argv);
}
