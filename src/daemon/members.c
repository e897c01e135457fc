/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/members.c - members of dynamic groups: what a client sent is read here, and goes on to the keeper as numbers. */
#include "daemon/members.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "diag/diag.h"
#include "engine/engine.h"

/* --- questions --- */

static bool set_group(struct fw_message_ask *ask, const char *group)
{
	const size_t len = group ? strlen(group) : 0;

	if (len >= FW_MESSAGE_GROUP_MAX)
		return false;
	memset(ask->group, 0, sizeof(ask->group));
	if (len > 0)
		memcpy(ask->group, group, len);
	return true;
}

static enum MHD_Result ask_keeper(struct fw_request *request, enum fw_message_kind kind, const void *record, uint64_t ticket)
{
	if (fw_channel_send(&request->server->front->channel, kind, record, -1) < 0)
		return fw_route_fail(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the process that may change things does not answer", NULL);
	request->ticket = ticket;
	fw_request_wait(request, FW_WAIT_KEEPER);
	return MHD_YES;
}

enum MHD_Result fw_members_ask(struct fw_request *request, const char *group)
{
	struct fw_message_ask ask = { .ticket = ++request->server->tickets };

	if (!set_group(&ask, group))
		return fw_route_fail(request, MHD_HTTP_BAD_REQUEST, "no name of a group", NULL);
	fw_buf_puts(&request->out, "{\"bans\": [");
	return ask_keeper(request, FW_MESSAGE_ASK_MEMBERS, &ask, ask.ticket);
}

static bool parse_address(const char *text, struct fw_message_ban *ban)
{
	enum fw_family family = FW_IPV4;
	struct fw_range range;
	unsigned int length = 0;

	if (!text || fw_addr_parse(fw_str_from(text), &family, &range) != FW_ADDR_OK || !fw_range_is_prefix(family, range, &length))
		return false;
	ban->family = family;
	ban->length = length;
	ban->hi = range.low.hi;
	ban->lo = range.low.lo;
	return true;
}

/* A text or absent (NULL); anything else is wrong. */
static bool text_member(json_t *object, const char *name, const char **ret_text)
{
	json_t *value = json_object_get(object, name);

	*ret_text = value && json_is_string(value) ? json_string_value(value) : NULL;
	return !value || json_is_string(value) || json_is_null(value);
}

static bool parse_ban(json_t *object, struct fw_message_ban *ban)
{
	const char *address = NULL, *group = NULL;
	json_t *timeout = json_object_get(object, "timeout_seconds");

	if (!text_member(object, "address", &address) || !text_member(object, "group", &group) || !parse_address(address, ban))
		return false;
	ban->has_timeout = timeout && json_is_integer(timeout);
	if (timeout && !json_is_null(timeout) && (!json_is_integer(timeout) || json_integer_value(timeout) <= 0 || json_integer_value(timeout) > UINT32_MAX))
		return false;
	ban->timeout_s = ban->has_timeout ? (uint64_t)json_integer_value(timeout) : 0;
	return set_group(&ban->ask, group);
}

enum MHD_Result fw_members_change(struct fw_request *request, bool add)
{
	struct fw_message_ban ban = { .ask.ticket = ++request->server->tickets };
	json_t *object = json_loadb(request->body.data ? request->body.data : "", request->body.len, JSON_REJECT_DUPLICATES, NULL);
	const bool good = json_is_object(object) && parse_ban(object, &ban);

	json_decref(object);
	if (!good)
		return fw_route_fail(request, MHD_HTTP_BAD_REQUEST, "the body says no address, or something that cannot be",
				     "{\"address\": \"192.0.2.7\", \"group\": \"banned\", \"timeout_seconds\": 3600}");
	return ask_keeper(request, add ? FW_MESSAGE_BAN : FW_MESSAGE_UNBAN, &ban, ban.ask.ticket);
}

/* --- answers --- */

static void put_group(struct fw_buf *out, const char group[FW_MESSAGE_GROUP_MAX])
{
	fw_json_string(out, (struct fw_str){ group, strnlen(group, FW_MESSAGE_GROUP_MAX) });
}

static void put_member(struct fw_buf *out, const struct fw_message_member *member)
{
	const enum fw_family family = member->family == FW_IPV6 ? FW_IPV6 : FW_IPV4;
	const unsigned int bits = fw_family_bits(family), length = member->length < bits ? member->length : bits;

	fw_buf_puts(out, "{\"address\": \"");
	fw_addr_print(out, family, fw_range_prefix(family, (struct fw_u128){ member->hi, member->lo }, length));
	fw_buf_puts(out, "\", \"group\": ");
	put_group(out, member->group);
	if (member->timeout_ms > 0)
		fw_buf_printf(out, ", \"timeout_seconds\": %" PRIu64 ", \"expires_seconds\": %" PRIu64 "}", member->timeout_ms / 1000, member->expires_ms / 1000);
	else
		fw_buf_puts(out, ", \"timeout_seconds\": null, \"expires_seconds\": null}");
}

/* The keeper answers one question after the other: members are of the oldest that waits. */
static struct fw_request *oldest(struct fw_server *server)
{
	struct fw_request *found = NULL;

	for (struct fw_request *request = server->waiting; request; request = request->next)
		if (request->waits == FW_WAIT_KEEPER && (!found || request->ticket < found->ticket))
			found = request;
	return found;
}

void fw_server_take_members(struct fw_server *server, const struct fw_message *message)
{
	const struct fw_message_member *members = message->body;
	const struct fw_message_done *done = message->body;
	struct fw_request *request = message->kind == FW_MESSAGE_MEMBERS ? oldest(server) : fw_server_find(server, done->ticket);
	if (!request || request->waits != FW_WAIT_KEEPER)
		return;

	if (message->kind == FW_MESSAGE_MEMBERS) {
		for (uint32_t i = 0; i < message->count; i++) {
			fw_buf_puts(&request->out, request->members++ > 0 ? ",\n" : "\n");
			put_member(&request->out, &members[i]);
		}
		return;
	}
	fw_buf_printf(&request->out, "\n], \"total\": %" PRIu64 "}\n", done->total);
	request->status = MHD_HTTP_OK;
	fw_server_resume(server, request);
}

static int status_of(uint64_t outcome)
{
	if (outcome == FW_OUTCOME_DONE)
		return MHD_HTTP_OK;
	return outcome == FW_OUTCOME_USAGE || outcome == FW_OUTCOME_POLICY ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_CONFLICT;
}

static void put_done(struct fw_buf *out, const struct fw_message_done *done, char *const strings[2])
{
	out->len = 0; /* what was begun */
	if (done->outcome == FW_OUTCOME_DONE) {
		fw_buf_puts(out, "{\"group\": ");
		put_group(out, done->group);
		if (done->timeout_s > 0)
			fw_buf_printf(out, ", \"timeout_seconds\": %" PRIu64 "}\n", done->timeout_s);
		else
			fw_buf_puts(out, ", \"timeout_seconds\": null}\n");
		return;
	}
	fw_buf_puts(out, "{\"error\": {\"message\": ");
	fw_json_string(out, fw_str_from(strings[0]));
	fw_buf_puts(out, ", \"hint\": ");
	fw_json_string(out, fw_str_from(strings[1]));
	fw_buf_puts(out, "}}\n");
}

int fw_server_take_done(struct fw_server *server, const struct fw_message *message)
{
	const struct fw_message_done *done = message->body;
	struct fw_request *request = fw_server_find(server, done->ticket);
	char *strings[2];
	int r = fw_message_strings(message, strings, 2);
	if (r < 0)
		return r;

	if (request && request->waits == FW_WAIT_KEEPER) {
		put_done(&request->out, done, strings);
		request->status = status_of(done->outcome);
		fw_server_resume(server, request);
	}
	fw_free_ptr(&strings[0]);
	fw_free_ptr(&strings[1]);
	return 0;
}
