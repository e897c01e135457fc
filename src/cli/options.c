/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/options.c - the options of all commands, in one table that the command line's reader, help and the completions share. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const struct fw_option_row fw_option_rows[] = {
	{ FW_OPT_NETNS, 'N', "netns", "NAME", "work in this network namespace: a name of `ip netns`, or a path" },
	{ FW_OPT_JSON, 'j', "json", NULL, "print the result as JSON" },
	{ FW_OPT_COLOR, 'c', "color", "auto|always|never", "colours in the output" },
	{ FW_OPT_COLOR, 'c', "colour", "auto|always|never", NULL },
	{ FW_OPT_HELP, 'h', "help", NULL, "how a command is used" },
	{ FW_OPT_VERSION, 'v', "version", NULL, "the version of fwctl" },
	{ FW_OPT_WRITE, 'w', "write", NULL, "write the file back" },
	{ FW_OPT_NFT, 'n', "nft", NULL, "as `nft -f` reads it" },
	{ FW_OPT_FOR, 'f', "for", "TIME", "when the membership ends: 45s, 30m, 1h, 7d, 2w" },
	{ FW_OPT_GROUP, 'g', "group", "GROUP", "which dynamic group" },
	{ FW_OPT_SINCE, 's', "since", "TIME", "how far back: 15m, 24h, 14d" },
	{ FW_OPT_BY, 'b', "by", "rule|source|port|minute", "what is added up" },
	{ FW_OPT_RULE, 'r', "rule", "LINE|LABEL", "only this line of the policy: 7, policy.conf:7, its label or id" },
	{ FW_OPT_DIRECTION, 'd', "direction", "in|out|forward", "only this direction" },
	{ FW_OPT_LIMIT, 'l', "limit", "N", "at most so many rows" },
	{ FW_OPT_COUNT, 'C', "count", "N", "end after so many" },
	{ FW_OPT_NO_VERIFY, 'V', "no-verify", NULL, NULL }, /* nothing is read back after a commit: taken, so that scripts may say it */
	{ 0 },
};

#define MAX_OPTIONS 32

static bool wants_colour(const char *mode, int fd)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (strcmp(mode, "always") == 0)
		return true;
	if (strcmp(mode, "never") == 0 || (no_colour && *no_colour))
		return false;
	return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static void fill_long_options(struct option ret_options[MAX_OPTIONS])
{
	_Static_assert(FW_ARRAY_SIZE(fw_option_rows) <= MAX_OPTIONS, "the table fits");
	for (size_t i = 0; i < FW_ARRAY_SIZE(fw_option_rows); i++)
		ret_options[i] = (struct option){ .name = fw_option_rows[i].name,
						  .has_arg = fw_option_rows[i].argument ? required_argument : no_argument,
						  .val = fw_option_rows[i].letter };
}

static const struct fw_option_row *find_row(int letter)
{
	for (const struct fw_option_row *row = fw_option_rows; row->name; row++)
		if (row->letter == letter)
			return row;
	return NULL; /* getopt_long said what is wrong */
}

static void take_option(struct fw_cli *cli, const struct fw_option_row *row, const char **colour)
{
	cli->given |= row->bit;
	cli->json = cli->json || row->bit == FW_OPT_JSON;
	const struct {
		enum fw_option bit;
		const char **value;
	} values[] = {
		{ FW_OPT_NETNS, &cli->netns },	 { FW_OPT_COLOR, colour },	  { FW_OPT_FOR, &cli->duration },	   { FW_OPT_GROUP, &cli->group },
		{ FW_OPT_SINCE, &cli->since },	 { FW_OPT_BY, &cli->by },	  { FW_OPT_RULE, &cli->rule },	   { FW_OPT_DIRECTION, &cli->direction },
		{ FW_OPT_LIMIT, &cli->limit }, { FW_OPT_COUNT, &cli->count },
	};
	for (size_t i = 0; i < FW_ARRAY_SIZE(values); i++)
		if (values[i].bit == row->bit)
			*values[i].value = optarg;
}

enum fw_outcome fw_cli_parse_options(struct fw_cli *cli, int argc, char **argv)
{
	struct option long_options[MAX_OPTIONS];
	const char *colour = "auto";
	int letter;

	fill_long_options(long_options);
	while ((letter = getopt_long(argc, argv, "whv", long_options, NULL)) != -1) {
		const struct fw_option_row *row = find_row(letter);
		if (!row)
			return fw_cli_usage("the options are wrong");
		take_option(cli, row, &colour);
	}
	if (strcmp(colour, "auto") != 0 && strcmp(colour, "always") != 0 && strcmp(colour, "never") != 0)
		return fw_cli_usage("--color takes auto, always or never, not '%s'", colour);
	cli->colour_out = wants_colour(colour, STDOUT_FILENO);
	cli->colour_err = wants_colour(colour, STDERR_FILENO);
	cli->args = argv + optind;
	cli->arg_count = argc - optind;
	return FW_OUTCOME_DONE;
}
