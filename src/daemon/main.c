/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/main.c - fwctld(8): the command line. The same program is the keeper and, called by it, the front. */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/front.h"
#include "daemon/keeper.h"

static const char usage[] =
	"usage: fwctld [--netns NAME] [--config FILE] [--socket PATH] [--history FILE]\n"
	"\n"
	"  --netns NAME     work in this network namespace: a name of `ip netns`, or a path\n"
	"  --config FILE    settings (" FW_DAEMON_CONFIG ")\n"
	"  --socket PATH    the Unix socket that it serves (" FW_DAEMON_SOCKET_DIR "/fwctld.sock, or NAME.sock)\n"
	"  --history FILE   the database of hits (" FW_DAEMON_HISTORY_DIR "/history.db, or NAME/history.db)\n"
	"  --part PART      keeper or front: one of the two processes, for the units of systemd\n"
	"  --version, --help\n"
	"\n"
	"It reports what the firewall decided and never decides a packet: fwctl(8) sets the rules.\n";

static int parse(int argc, char **argv, struct fw_keeper_options *options)
{
	static const struct option rows[] = {
		{ "netns", required_argument, NULL, 'N' },  { "config", required_argument, NULL, 'c' }, { "socket", required_argument, NULL, 's' },
		{ "history", required_argument, NULL, 'H' }, { "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, 'v' },
		{ "part", required_argument, NULL, 'p' }, { NULL, 0, NULL, 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "hv", rows, NULL)) != -1) {
		if (letter == 'N')
			options->netns = optarg;
		else if (letter == 'c')
			options->config = optarg;
		else if (letter == 's')
			options->socket = optarg;
		else if (letter == 'H')
			options->history = optarg;
		else if (letter == 'p' && strcmp(optarg, "keeper") == 0)
			options->is_unit = true;
		else if (letter == 'p' && strcmp(optarg, "front") == 0)
			options->is_front = true;
		else
			return letter;
	}
	return optind < argc ? '?' : 0;
}

int main(int argc, char **argv)
{
	struct fw_keeper_options options = { .config = NULL };

	setlocale(LC_CTYPE, "C.UTF-8");
	umask(022);
	tzset();
	if (argc == 4 && strcmp(argv[1], FW_FRONT_OPTION) == 0)
		return fw_front_run(argv[2], argv[3]);
	const int letter = parse(argc, argv, &options);
	if (letter == 'v')
		printf("fwctld %s\n", FW_VERSION);
	else if (letter == 'h')
		fputs(usage, stdout);
	else if (letter != 0)
		fputs(usage, stderr);
	if (letter != 0)
		return letter == 'v' || letter == 'h' ? 0 : FW_OUTCOME_USAGE;
	if (options.is_front)
		return fw_front_run_unit(options.history ? options.history : FW_DAEMON_HISTORY_DIR "/history.db");
	return fw_keeper_run(&options);
}
