/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cli.h - what the commands of fwctl share: the parsed command line, output, tables. Only this folder prints. */
#ifndef FW_CLI_CLI_H
#define FW_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "engine/engine.h"
#include "engine/event.h"

/* Bytes that a policy and all that is made of it may take: enough for 100,000 rules or for millions of addresses. */
#define FW_CLI_BUDGET ((size_t)1280 << 20)

enum fw_option { /* as bits: which were given, which a command takes */
	FW_OPT_NETNS = 1 << 0,
	FW_OPT_JSON = 1 << 1,
	FW_OPT_COLOR = 1 << 2,
	FW_OPT_WRITE = 1 << 3,
	FW_OPT_NFT = 1 << 4,
	FW_OPT_FOR = 1 << 5,
	FW_OPT_GROUP = 1 << 6,
	FW_OPT_NO_VERIFY = 1 << 7,
	FW_OPT_HELP = 1 << 8,
	FW_OPT_VERSION = 1 << 9,
	FW_OPT_QUIET = 1 << 10,
	FW_OPT_SINCE = 1 << 11,
	FW_OPT_BY = 1 << 12,
	FW_OPT_RULE = 1 << 13,
	FW_OPT_DIRECTION = 1 << 14,
	FW_OPT_LIMIT = 1 << 15,
	FW_OPT_COUNT = 1 << 16,
};

#define FW_CLI_WORDS 64 /* of a command that takes a sentence */

/* What every command takes. */
#define FW_OPT_ANYWHERE ((unsigned int)(FW_OPT_NETNS | FW_OPT_JSON | FW_OPT_COLOR | FW_OPT_HELP))

struct fw_option_row {
	enum fw_option bit;
	char letter; /* for getopt_long */
	const char *name, *argument; /* argument: NULL where it takes none */
	const char *summary; /* NULL: not shown */
};
extern const struct fw_option_row fw_option_rows[]; /* ends with a NULL name */

struct fw_cli {
	unsigned int given; /* enum fw_option bits */
	const char *netns;
	bool json, colour_out, colour_err;
	const char *duration, *group; /* --for, --group */
	const char *since, *by, *rule, *direction, *limit, *count;
	char **args; /* after the command */
	int arg_count;
};

struct fw_command {
	const char *name, *arguments, *summary;
	unsigned int options; /* besides netns, json, color, help */
	int max_args;
	enum fw_outcome (*run)(struct fw_cli *cli);
};
extern const struct fw_command fw_commands[]; /* ends with a NULL name */

enum fw_outcome fw_cmd_check(struct fw_cli *cli);
enum fw_outcome fw_cmd_fmt(struct fw_cli *cli);
enum fw_outcome fw_cmd_plan(struct fw_cli *cli);
enum fw_outcome fw_cmd_apply(struct fw_cli *cli);
enum fw_outcome fw_cmd_renew(struct fw_cli *cli);
enum fw_outcome fw_cmd_status(struct fw_cli *cli);
enum fw_outcome fw_cmd_show(struct fw_cli *cli);
enum fw_outcome fw_cmd_explain(struct fw_cli *cli);
enum fw_outcome fw_cmd_diff(struct fw_cli *cli);
enum fw_outcome fw_cmd_services(struct fw_cli *cli);
enum fw_outcome fw_cmd_ban(struct fw_cli *cli);
enum fw_outcome fw_cmd_unban(struct fw_cli *cli);
enum fw_outcome fw_cmd_bans(struct fw_cli *cli);
enum fw_outcome fw_cmd_flush(struct fw_cli *cli);
enum fw_outcome fw_cmd_hits(struct fw_cli *cli);
enum fw_outcome fw_cmd_top(struct fw_cli *cli);
enum fw_outcome fw_cmd_watch(struct fw_cli *cli);
enum fw_outcome fw_cmd_help(struct fw_cli *cli);

/* Takes the options out of the command line; what is left is in args. DONE or USAGE (told). */
enum fw_outcome fw_cli_parse_options(struct fw_cli *cli, int argc, char **argv);
const struct fw_command *fw_cli_find_command(const char *name); /* or NULL */
enum fw_outcome fw_cli_unknown_command(const char *name); /* tells it, with the nearest name: USAGE */
enum fw_outcome fw_cli_help_command(const struct fw_command *command);

/* The POLICY argument, or /etc/fwctl/policy.conf. */
const char *fw_cli_policy(const struct fw_cli *cli);
/* A session for the present clock; attached to the kernel where `attach`. On failure the outcome is told and *ret_session is NULL. */
enum fw_outcome fw_cli_session(const struct fw_cli *cli, bool attach, struct fw_session **ret_session);

/* Tells diagnostics and the session's message: to standard error, or with --json as {"ok":..,"diagnostics":[..],"error":..} to standard output
 * where `result` is given it is that object, extended (the reference is taken). Returns the exit status. */
enum fw_outcome fw_cli_finish(const struct fw_cli *cli, struct fw_session *session, enum fw_outcome outcome, json_t *result);
/* A usage error: message and a pointer to help on standard error; 64. */
enum fw_outcome fw_cli_usage(const char *format, ...) FW_PRINTF(1, 2);
/* Standard output could be written to its end: `status`, else 3 and a message. */
enum fw_outcome fw_cli_flush_stdout(enum fw_outcome status);

/* "1h", "30m", "45s", "7d", "2w", "90" (seconds): 0 or -EINVAL. */
int fw_cli_parse_duration(const char *text, uint64_t *ret_seconds);

enum fw_colour { FW_PLAIN, FW_BOLD, FW_DIM, FW_RED, FW_GREEN, FW_YELLOW, FW_CYAN };
void fw_paint(const struct fw_cli *cli, enum fw_colour colour, const char *text);
/* printf for what holds names and paths from outside: no control character of them reaches the terminal, nor one of the format. */
/* Half a result is worse than none: where there is no memory to print with, the program says so and ends. What it was to do is done or not by
 * then; printing is the last thing that a command does. */
_Noreturn void fw_cli_no_memory(void);
/* What a buffer holds; without memory for it the program ends. */
const char *fw_cli_text(const struct fw_buf *buf);
/* For jansson, which has no other way to tell. */
void *fw_cli_alloc(size_t size);
FW_PRINTF(2, 3) void fw_say(FILE *stream, const char *format, ...);

/* A table on standard output: cells are copied, columns padded to their widest cell; control bytes are shown as '?'. */
struct fw_table {
	struct fw_vec cells; /* struct fw_cell */
	struct fw_buf text;  /* of all cells, a NUL behind each */
	size_t columns;
	unsigned int right; /* bit n: column n is aligned right */
};
struct fw_cell {
	size_t at, width; /* in the table's text; in characters */
	enum fw_colour colour;
};
void fw_table_init(struct fw_table *table, size_t columns, unsigned int right);
void fw_table_done(struct fw_table *table);
void fw_table_cell(struct fw_table *table, enum fw_colour colour, const char *format, ...) FW_PRINTF(3, 4);
void fw_table_text(struct fw_table *table, enum fw_colour colour, const char *text); /* the same of a text as it is */
void fw_table_print(const struct fw_cli *cli, const struct fw_table *table, const char *indent);

/* How long ago, in a word: "3s", "12m", "2h", "5d"; "-" for 0. */
void fw_format_ago(int64_t unix_s, int64_t now, char ret_text[16]);
/* A bar of `width` cells for `part` of `whole`, in eighths of a cell. */
#define FW_BAR_BYTES (3 * 40 + 1)
void fw_format_bar(uint64_t part, uint64_t whole, unsigned int width, char ret_text[FW_BAR_BYTES]);
void fw_format_bytes(uint64_t bytes, char ret_text[16]); /* "720 B", "1.2 MiB" */
void fw_format_duration(uint64_t seconds, char ret_text[32]); /* "59m 12s" */
void fw_format_time_utc(int64_t unix_s, char ret_text[32]); /* "2026-11-23T08:00:03Z" */
void fw_format_time_local(int64_t unix_s, char ret_text[32]); /* "2026-11-23 08:00:03" */

json_t *fw_json_text(const char *text); /* a string, invalid UTF-8 replaced; NULL gives null */
json_t *fw_json_plan(const struct fw_plan *plan);
json_t *fw_json_diff(const struct fw_engine_diff *diff);
void fw_print_diff(const struct fw_cli *cli, const struct fw_engine_diff *diff);

#endif
