/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/told.c - members of fwctld's answers, and the parts of an event in words. Owns nothing. */
#include "cli/told.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *fw_told_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

uint64_t fw_told_number(const json_t *object, const char *name)
{
	const json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* The part behind the seconds, or NULL where it is no time. */
static const char *parse_time(const char *text, time_t *ret_instant)
{
	struct tm parts = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

	*ret_instant = rest ? timegm(&parts) : 0;
	return rest;
}

int64_t fw_told_time(const json_t *object, const char *name)
{
	time_t instant;

	(void)parse_time(fw_told_text(object, name), &instant);
	return (int64_t)instant;
}

enum fw_verdict fw_told_verdict(const json_t *object)
{
	const char *word = fw_told_text(object, "verdict");

	for (unsigned int verdict = FW_ALLOW; verdict <= FW_REJECT; verdict++)
		if (strcmp(word, fw_verdict_name(verdict)) == 0)
			return verdict;
	return FW_ALLOW;
}

void fw_told_clock(const json_t *event, char ret_text[FW_TOLD_CLOCK_BYTES])
{
	struct tm local;
	time_t instant;
	const char *rest = parse_time(fw_told_text(event, "time"), &instant);
	unsigned int ms = 0;

	if (!rest || !localtime_r(&instant, &local)) {
		snprintf(ret_text, FW_TOLD_CLOCK_BYTES, "?");
		return;
	}
	for (int i = 1; rest[0] == '.' && i <= 3 && rest[i] >= '0' && rest[i] <= '9'; i++)
		ms = ms * 10 + (unsigned int)(rest[i] - '0');
	const size_t len = strftime(ret_text, FW_TOLD_CLOCK_BYTES, "%H:%M:%S", &local);
	snprintf(ret_text + len, FW_TOLD_CLOCK_BYTES - len, ".%03u", ms);
}

static void put_end(struct fw_buf *out, const char *address, const json_t *port)
{
	const bool in_brackets = json_is_integer(port) && strchr(address, ':');

	fw_buf_printf(out, "%s%s%s", in_brackets ? "[" : "", address[0] ? address : "?", in_brackets ? "]" : "");
	if (json_is_integer(port))
		fw_buf_printf(out, ":%" JSON_INTEGER_FORMAT, json_integer_value(port));
}

void fw_told_ends(const json_t *event, struct fw_buf *out)
{
	const json_t *type = json_object_get(event, "icmp_type");

	put_end(out, fw_told_text(event, "source"), json_object_get(event, "source_port"));
	fw_buf_puts(out, " > ");
	put_end(out, fw_told_text(event, "destination"), json_object_get(event, "destination_port"));
	if (json_is_integer(type))
		fw_buf_printf(out, " type %" JSON_INTEGER_FORMAT " code %" PRIu64, json_integer_value(type), fw_told_number(event, "icmp_code"));
	if (json_is_true(json_object_get(event, "fragment")))
		fw_buf_puts(out, " fragment");
}
