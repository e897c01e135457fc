/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/event.h - an event: a packet that a log statement reported, with the line of the policy that decided it; how it is told and chosen. */
#ifndef FW_ENGINE_EVENT_H
#define FW_ENGINE_EVENT_H

#include "base/map.h"
#include "kernel/events.h"
#include "net/packet.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

/* What has a counter, as it is told. The strings are whoever's makes it. */
struct fw_line {
	enum fw_rs_owner owner;
	const char *key;         /* "rule/ID", "block/ID", "builtin/in/loopback", "default/in" */
	const char *name;        /* of a built-in, else NULL */
	const char *file, *text, *label; /* or NULL */
	uint32_t line;
	enum fw_direction direction;
	enum fw_verdict verdict;
};
const char *fw_line_id(const struct fw_line *line); /* what is behind the first '/' of its key */
const char *fw_line_by(const struct fw_line *line); /* "rule", "block", "builtin", "default" */
/* The key of a line, and what its log statements call it ("ID", "default-in"); cut where it does not fit. */
#define FW_LINE_KEY_MAX 64
void fw_line_key(enum fw_rs_owner owner, const char *id, char ret_key[FW_LINE_KEY_MAX]);
void fw_line_log_key(enum fw_rs_owner owner, const char *id, char ret_key[FW_LINE_KEY_MAX]);

#define FW_EVENT_LOG_MAX 80
struct fw_event {
	int64_t time_us; /* Unix time */
	enum fw_verdict verdict;
	bool over_limit; /* the line allows, but this was over its limit */
	enum fw_direction direction;
	bool has_packet; /* its head could be read */
	struct fw_packet packet;
	uint8_t hook;
	char in[16], out[16]; /* interfaces, or "" */
	char log[FW_EVENT_LOG_MAX]; /* text of the log statement, or "" */
};

/* "fwctl KEY WORD TEXT", as the compiler makes it. False: it is none of ours. */
struct fw_event_prefix {
	struct fw_str key, word, text;
};
bool fw_event_parse_prefix(struct fw_str prefix, struct fw_event_prefix *ret_prefix);
/* An event of what the kernel told; interfaces are left to the caller. `now_us`: where the kernel told no time. */
void fw_event_make(const struct fw_nflog_packet *told, const struct fw_event_prefix *prefix, int64_t now_us, struct fw_event *ret_event);

/* One JSON object without a newline, docs/daemon.md, EVENT. */
void fw_event_json(struct fw_buf *out, const struct fw_event *event, const struct fw_line *line);
/* The members that tell a line, without braces: "id": .. to "verdict". */
void fw_line_json(struct fw_buf *out, const struct fw_line *line);
/* `"2026-11-24T10:00:00.123456Z"`; `"2026-11-24T10:00:00Z"`, or `null` for 0. */
void fw_time_us_json(struct fw_buf *out, int64_t time_us);
void fw_time_json(struct fw_buf *out, int64_t unix_s);

/* [in|out|forward] [allow|deny|reject] [PROTOCOL] [from ADDR] [to ADDR] [port N] [source-port N] [on IF] [line N|FILE:N] [label TEXT|id ID]: an event must be all of it. */
struct fw_event_filter {
	unsigned int given; /* bits, private */
	enum fw_direction direction;
	enum fw_verdict verdict;
	uint8_t proto;
	struct fw_event_place {
		enum fw_family family;
		struct fw_range range;
	} from, to;
	uint16_t port, source_port;
	char interface[16];
	uint32_t line;
	char file[128], name[128]; /* of the line; its label or id */
};
/* 0; -EINVAL with words in ret_error. An empty text takes all. */
int fw_event_filter_parse(struct fw_str text, struct fw_event_filter *ret_filter, char ret_error[160]);
bool fw_event_filter_takes(const struct fw_event_filter *filter, const struct fw_event *event, const struct fw_line *line);
/* Does a word such as "7", "policy.conf:7", an id or a label mean this line? */
bool fw_line_is_named(const struct fw_line *line, const char *word);

#endif
