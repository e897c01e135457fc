/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/event.c - what a log statement of ours reported, made into an event of a line. Prefix and packet are bytes of others until they went
 * through here. */
#include "engine/event.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

static const char *const owner_names[] = {
	[FW_RS_NOBODY] = "nobody", [FW_RS_RULE] = "rule",       [FW_RS_BLOCK] = "block",
	[FW_RS_BUILTIN] = "builtin", [FW_RS_DEFAULT] = "default", [FW_RS_MANIFEST] = "manifest",
};

const char *fw_line_by(const struct fw_line *line)
{
	return owner_names[line->owner];
}

const char *fw_line_id(const struct fw_line *line)
{
	const char *slash = strchr(line->key, '/');

	return slash ? slash + 1 : line->key;
}

void fw_line_key(enum fw_rs_owner owner, const char *id, char ret_key[FW_LINE_KEY_MAX])
{
	snprintf(ret_key, FW_LINE_KEY_MAX, "%s/%s", owner_names[owner], id);
}

/* As src/compile keys the state of leaves. */
void fw_line_log_key(enum fw_rs_owner owner, const char *id, char ret_key[FW_LINE_KEY_MAX])
{
	if (owner == FW_RS_RULE || owner == FW_RS_BLOCK)
		snprintf(ret_key, FW_LINE_KEY_MAX, "%s", id);
	else
		snprintf(ret_key, FW_LINE_KEY_MAX, "%s-%s", owner_names[owner], id);
}

bool fw_line_is_named(const struct fw_line *line, const char *word)
{
	char place[32];

	if ((line->label && strcmp(line->label, word) == 0) || strcmp(fw_line_id(line), word) == 0 || strcmp(line->key, word) == 0)
		return true;
	if (line->line == 0)
		return false;
	snprintf(place, sizeof(place), "%lu", (unsigned long)line->line);
	if (strcmp(place, word) == 0)
		return true;
	const char *colon = strrchr(word, ':');
	return colon && line->file && strcmp(colon + 1, place) == 0 && strlen(line->file) == (size_t)(colon - word) &&
	       memcmp(line->file, word, (size_t)(colon - word)) == 0;
}

static struct fw_str take_word(struct fw_str *rest)
{
	if (rest->len == 0)
		return *rest;
	const char *blank = memchr(rest->data, ' ', rest->len);
	const struct fw_str word = { rest->data, blank ? (size_t)(blank - rest->data) : rest->len };

	*rest = blank ? (struct fw_str){ blank + 1, rest->len - word.len - 1 } : (struct fw_str){ rest->data + rest->len, 0 };
	return word;
}

bool fw_event_parse_prefix(struct fw_str prefix, struct fw_event_prefix *ret_prefix)
{
	struct fw_str rest = prefix;

	if (!fw_str_equal(take_word(&rest), FW_STR("fwctl")))
		return false;
	const struct fw_str key = take_word(&rest), word = take_word(&rest);
	if (key.len == 0 || word.len == 0)
		return false;
	*ret_prefix = (struct fw_event_prefix){ key, word, rest };
	return true;
}

static enum fw_direction direction_of(uint8_t hook)
{
	if (hook == NF_INET_LOCAL_OUT || hook == NF_INET_POST_ROUTING)
		return FW_OUT;
	return hook == NF_INET_FORWARD ? FW_FORWARD : FW_IN;
}

static enum fw_verdict verdict_of(struct fw_str word)
{
	if (fw_str_equal(word, FW_STR("allow")))
		return FW_ALLOW;
	return fw_str_equal(word, FW_STR("reject")) ? FW_REJECT : FW_DENY;
}

void fw_event_make(const struct fw_nflog_packet *told, const struct fw_event_prefix *prefix, int64_t now_us, struct fw_event *ret_event)
{
	struct fw_event event = {
		.time_us = told->time_us ? told->time_us : now_us,
		.verdict = verdict_of(prefix->word),
		.over_limit = fw_str_equal(prefix->word, FW_STR("over")),
		.direction = direction_of(told->hook),
		.hook = told->hook,
	};
	const size_t len = prefix->text.len < FW_EVENT_LOG_MAX ? prefix->text.len : FW_EVENT_LOG_MAX - 1;

	event.has_packet = fw_packet_decode(told->payload, &event.packet) == 0;
	if (len > 0)
		memcpy(event.log, prefix->text.data, len);
	*ret_event = event;
}
