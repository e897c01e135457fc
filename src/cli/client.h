/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/client.h - asking fwctld: HTTP over its Unix socket (docs/daemon.md, HTTP). */
#ifndef FW_CLI_CLIENT_H
#define FW_CLI_CLIENT_H

#include "cli/cli.h"
#include "cli/told.h"

/* A question that is under way. */
struct fw_client {
	int fd; /* -1: none */
	unsigned int timeout_ms; /* patience, from when the answer is asked for; 0: for ever */
};
#define FW_CLIENT_NONE ((struct fw_client){ .fd = -1 })
void fw_client_done(struct fw_client *client); /* for FW_CLEANUP too */

/* Sends `GET target`. 0; -ECONNREFUSED: fwctld does not run here; -EACCES: it may not be asked by this user; -errno. */
int fw_client_begin(const struct fw_cli *cli, const char *target, unsigned int timeout_ms, struct fw_client *ret_client);
/* Lets fwctld, if it runs, read the counters now: those of lines that go with the next change are lost with them. Waits a tenth of a second at most. */
void fw_client_count_now(const struct fw_cli *cli);
/* The answer's JSON object (the caller's reference) and status: 0; -ETIMEDOUT; -EBADMSG: no answer of fwctld; -E2BIG; -errno. */
int fw_client_json(struct fw_client *client, json_t **ret_json, int *ret_status);
/* The next line of an answer that goes on, without its newline; a last one may have had none. 1; 0: nothing there yet; -EPIPE: it ended; -errno. */
struct fw_client_lines {
	struct fw_client client;
	struct fw_buf buf;
	size_t at;
	bool head_read;
	int status;
};
int fw_client_next_line(struct fw_client_lines *lines, struct fw_buf *ret_line);

/* Adds "name=value" to a target, percent-encoded; '?' or '&' before it. Nothing where value is NULL. */
void fw_client_parameter(struct fw_buf *target, const char *name, const char *value);

/* What to say when it cannot be asked (an error of _begin or _json), without a newline. */
void fw_client_explain(const struct fw_cli *cli, int error, char *ret_message, size_t size);
/* That, and what helps, to standard error. */
void fw_client_say_absent(const struct fw_cli *cli, int error);
/* The same as the end of a command that can do nothing without fwctld: with --json as an object. Exit status 3. */
enum fw_outcome fw_client_absent(const struct fw_cli *cli, int error);
/* Ends a command with an answer (the reference is taken), an error or not: told as fw_cli_finish does. Exit status. */
enum fw_outcome fw_client_finish(const struct fw_cli *cli, json_t *answer, int status);

#endif
