/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/output.c - diagnostics, JSON results, colours and tables: how commands speak. Results go to standard output, messages to standard error. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define MAX_OUTPUT ((size_t)1 << 30)

static const char *const colour_codes[] = {
	[FW_PLAIN] = "", [FW_BOLD] = "\033[1m", [FW_DIM] = "\033[2m", [FW_RED] = "\033[31m",
	[FW_GREEN] = "\033[32m", [FW_YELLOW] = "\033[33m", [FW_CYAN] = "\033[36m",
};

void fw_paint(const struct fw_cli *cli, enum fw_colour colour, const char *text)
{
	if (cli->colour_out && colour != FW_PLAIN)
		printf("%s%s\033[0m", colour_codes[colour], text);
	else
		fputs(text, stdout);
}

void fw_cli_no_memory(void)
{
	fputs("fwctl: out of memory\n", stderr);
	_exit(FW_OUTCOME_REFUSED);
}

const char *fw_cli_text(const struct fw_buf *buf)
{
	if (buf->error)
		fw_cli_no_memory();
	return buf->data ? buf->data : "";
}

void *fw_cli_alloc(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		fw_cli_no_memory();
	return memory;
}

/* Short texts need no memory. */
FW_PRINTF(2, 0)
static void say(FILE *stream, const char *format, va_list args)
{
	char brief[1024], *text = brief, *whole FW_CLEANUP(fw_free_ptr) = NULL;
	va_list again;

	va_copy(again, args);
	const int len = vsnprintf(brief, sizeof(brief), format, args);
	if (len >= (int)sizeof(brief) && vasprintf(&whole, format, again) < 0) {
		whole = NULL;
		va_end(again);
		fw_cli_no_memory();
	}
	va_end(again);
	if (whole)
		text = whole;
	fw_str_hide_controls(text);
	fputs(text, stream);
}

void fw_say(FILE *stream, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(stream, format, args);
	va_end(args);
}

enum fw_outcome fw_cli_usage(const char *format, ...)
{
	va_list args;

	fputs("fwctl: ", stderr);
	va_start(args, format);
	say(stderr, format, args);
	va_end(args);
	fputs("\n`fwctl help` lists the commands.\n", stderr);
	return FW_OUTCOME_USAGE;
}

enum fw_outcome fw_cli_flush_stdout(enum fw_outcome status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "fwctl: standard output: %s\n", strerror(errno));
	return FW_OUTCOME_REFUSED;
}

json_t *fw_json_text(const char *text)
{
	struct fw_buf quoted FW_CLEANUP(fw_buf_done) = { .max = MAX_OUTPUT };
	if (!text)
		return json_null();

	fw_json_string(&quoted, fw_str_from(text));
	if (quoted.error)
		fw_cli_no_memory();
	return json_loads(quoted.data, JSON_DECODE_ANY, NULL);
}

static json_t *diagnostics_json(struct fw_session *session)
{
	struct fw_buf text FW_CLEANUP(fw_buf_done);

	fw_buf_init(&text, MAX_OUTPUT);
	fw_diags_render_json(&session->diags, &text);
	if (text.error)
		fw_cli_no_memory();
	return json_loads(text.data, 0, NULL);
}

static void finish_json(struct fw_session *session, enum fw_outcome outcome, json_t *result)
{
	json_t *object = result ? result : json_object();

	json_object_set_new(object, "ok", json_boolean(outcome == FW_OUTCOME_DONE || outcome == FW_OUTCOME_DIFFERS));
	if (session->message[0])
		json_object_set_new(object, "error", json_pack("{s:o, s:o}", "message", fw_json_text(session->message), "hint",
							       session->hint[0] ? fw_json_text(session->hint) : json_null()));
	json_object_set_new(object, "diagnostics", diagnostics_json(session));
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII); /* no control character reaches a terminal */
	putchar('\n');
	json_decref(object);
}

static void finish_text(const struct fw_cli *cli, struct fw_session *session)
{
	struct fw_buf text FW_CLEANUP(fw_buf_done);

	fw_buf_init(&text, MAX_OUTPUT);
	fw_diags_render_text(&session->diags, cli->colour_err, &text);
	fflush(stdout);
	if (text.error || session->diags.out_of_memory)
		fw_cli_no_memory();
	if (text.len > 0)
		fwrite(text.data, 1, text.len, stderr);
	if (session->message[0]) {
		fw_say(stderr, "fwctl: %s", session->message);
		fputc('\n', stderr);
	}
	if (session->hint[0]) {
		fw_say(stderr, "  help: %s", session->hint);
		fputc('\n', stderr);
	}
}

enum fw_outcome fw_cli_finish(const struct fw_cli *cli, struct fw_session *session, enum fw_outcome outcome, json_t *result)
{
	fw_diags_sort(&session->diags);
	if (cli->json) {
		finish_json(session, outcome, result);
	} else {
		json_decref(result);
		finish_text(cli, session);
	}
	return fw_cli_flush_stdout(outcome);
}

const char *fw_cli_policy(const struct fw_cli *cli)
{
	return cli->arg_count > 0 ? cli->args[0] : FW_DEFAULT_POLICY;
}

enum fw_outcome fw_cli_session(const struct fw_cli *cli, bool attach, struct fw_session **ret_session)
{
	struct fw_session *session = fw_session_new(FW_CLI_BUDGET, time(NULL));
	if (!session) {
		fputs("fwctl: out of memory\n", stderr);
		return FW_OUTCOME_REFUSED;
	}

	enum fw_outcome outcome = attach ? fw_session_attach(session, cli->netns) : FW_OUTCOME_DONE;
	if (outcome != FW_OUTCOME_DONE) {
		fw_cli_finish(cli, session, outcome, NULL);
		fw_session_free(session);
		session = NULL;
	}
	*ret_session = session;
	return outcome;
}

int fw_cli_parse_duration(const char *text, uint64_t *ret_seconds)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	struct fw_str digits = fw_str_from(text);
	uint64_t factor = 1, value;

	for (size_t i = 0; digits.len > 0 && i < FW_ARRAY_SIZE(units); i++)
		if (text[digits.len - 1] == units[i].letter) {
			factor = units[i].seconds;
			digits.len--;
			break;
		}
	if (fw_str_parse_u64(digits, UINT32_MAX, &value) < 0 || value == 0)
		return -EINVAL;
	*ret_seconds = value * factor;
	return 0;
}

void fw_format_bytes(uint64_t bytes, char ret_text[16])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(ret_text, 16, "%" PRIu64 " B", bytes);
		return;
	}
	while (value >= 1024 && unit + 1 < FW_ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(ret_text, 16, "%.1f %s", value, units[unit]);
}

void fw_format_duration(uint64_t seconds, char ret_text[32])
{
	if (seconds >= 86400)
		snprintf(ret_text, 32, "%" PRIu64 "d %" PRIu64 "h", seconds / 86400, seconds % 86400 / 3600);
	else if (seconds >= 3600)
		snprintf(ret_text, 32, "%" PRIu64 "h %" PRIu64 "m", seconds / 3600, seconds % 3600 / 60);
	else if (seconds >= 60)
		snprintf(ret_text, 32, "%" PRIu64 "m %" PRIu64 "s", seconds / 60, seconds % 60);
	else
		snprintf(ret_text, 32, "%" PRIu64 "s", seconds);
}

void fw_format_ago(int64_t unix_s, int64_t now, char ret_text[16])
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	const int64_t ago = now > unix_s ? now - unix_s : 0;

	if (unix_s == 0) {
		snprintf(ret_text, 16, "-");
		return;
	}
	size_t i = 0;
	while (i + 1 < FW_ARRAY_SIZE(units) && ago < units[i].seconds)
		i++;
	snprintf(ret_text, 16, "%lld%c", (long long)(ago / units[i].seconds % 100000), units[i].letter);
}

void fw_format_bar(uint64_t part, uint64_t whole, unsigned int width, char ret_text[FW_BAR_BYTES])
{
	static const char *const eighths[] = { "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589" };
	const unsigned int most = width < 40 ? width : 39;
	unsigned int cells = whole ? (unsigned int)((double)part / (double)whole * most * 8 + 0.5) : 0;
	size_t at = 0;

	if (cells == 0 && part > 0)
		cells = 1;
	for (; cells >= 8 && at + 3 < FW_BAR_BYTES; cells -= 8, at += 3)
		memcpy(ret_text + at, "\u2588", 3);
	snprintf(ret_text + at, FW_BAR_BYTES - at, "%s", eighths[cells & 7]);
}

void fw_format_time_utc(int64_t unix_s, char ret_text[32])
{
	const time_t instant = unix_s;
	struct tm parts;

	if (!gmtime_r(&instant, &parts) || strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		snprintf(ret_text, 32, "%s", "?");
}

void fw_format_time_local(int64_t unix_s, char ret_text[32])
{
	const time_t instant = unix_s;
	struct tm parts;

	if (!localtime_r(&instant, &parts) || strftime(ret_text, 32, "%Y-%m-%d %H:%M:%S", &parts) == 0)
		snprintf(ret_text, 32, "%s", "?");
}
