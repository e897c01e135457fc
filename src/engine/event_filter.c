/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/event_filter.c - which events somebody wants to see: words as in a rule, all of which must hold. The text comes from a client. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/event.h"
#include "net/proto.h"

enum given {
	DIRECTION = 1 << 0,
	VERDICT = 1 << 1,
	PROTOCOL = 1 << 2,
	FROM = 1 << 3,
	TO = 1 << 4,
	PORT = 1 << 5,
	SOURCE_PORT = 1 << 6,
	INTERFACE = 1 << 7,
	LINE = 1 << 8,
	NAME = 1 << 9,
};

struct reader {
	struct fw_str rest;
	struct fw_event_filter *filter;
	char *error; /* 160 bytes; "": none yet */
};

static void fail(struct reader *r, const char *what, struct fw_str word)
{
	if (!r->error[0])
		snprintf(r->error, 160, "%s: '%.*s'", what, (int)(word.len < 64 ? word.len : 64), word.len > 0 ? word.data : "");
}

/* A word, or what stands in double quotes. */
static struct fw_str next_word(struct reader *r)
{
	struct fw_str *rest = &r->rest;
	size_t len = 0;

	while (rest->len > 0 && rest->data[0] == ' ') {
		rest->data++;
		rest->len--;
	}
	const bool quoted = rest->len > 0 && rest->data[0] == '"';
	const char end = quoted ? '"' : ' ';
	if (quoted) {
		rest->data++;
		rest->len--;
	}
	while (len < rest->len && rest->data[len] != end)
		len++;
	const struct fw_str word = { rest->data, len };
	if (quoted && len == rest->len)
		fail(r, "a quote that does not end", word);
	const size_t step = quoted && len < rest->len ? len + 1 : len;
	rest->data += step;
	rest->len -= step;
	return word;
}

static void take_place(struct reader *r, unsigned int bit, struct fw_event_place *place)
{
	const struct fw_str word = next_word(r);

	if (fw_addr_parse(word, &place->family, &place->range) != FW_ADDR_OK)
		fail(r, "no address, prefix or range", word);
	r->filter->given |= bit;
}

static void take_port(struct reader *r, unsigned int bit, uint16_t *ret_port)
{
	const struct fw_str word = next_word(r);
	uint64_t value = 0;

	if (fw_str_parse_u64(word, UINT16_MAX, &value) < 0)
		fail(r, "no port number", word);
	*ret_port = (uint16_t)value;
	r->filter->given |= bit;
}

static void take_text(struct reader *r, unsigned int bit, char *text, size_t size)
{
	const struct fw_str word = next_word(r);

	if (word.len == 0 || word.len >= size) {
		fail(r, "a name is missing, or too long", word);
		return;
	}
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	r->filter->given |= bit;
}

/* "7" or "policy.conf:7" */
static void take_line(struct reader *r)
{
	struct fw_str word = next_word(r), number = word;
	uint64_t value = 0;
	size_t colon = word.len;

	while (colon > 0 && word.data[colon - 1] != ':')
		colon--;
	number.data += colon;
	number.len -= colon;
	if (fw_str_parse_u64(number, UINT32_MAX, &value) < 0 || colon > sizeof(r->filter->file)) {
		fail(r, "no line of a policy", word);
		return;
	}
	if (colon > 0)
		memcpy(r->filter->file, word.data, colon - 1);
	r->filter->line = (uint32_t)value;
	r->filter->given |= LINE;
}

static bool take_clause(struct reader *r, struct fw_str word)
{
	struct fw_event_filter *filter = r->filter;

	if (fw_str_equal_fold(word, FW_STR("from")))
		take_place(r, FROM, &filter->from);
	else if (fw_str_equal_fold(word, FW_STR("to")))
		take_place(r, TO, &filter->to);
	else if (fw_str_equal_fold(word, FW_STR("port")))
		take_port(r, PORT, &filter->port);
	else if (fw_str_equal_fold(word, FW_STR("source-port")))
		take_port(r, SOURCE_PORT, &filter->source_port);
	else if (fw_str_equal_fold(word, FW_STR("on")))
		take_text(r, INTERFACE, filter->interface, sizeof(filter->interface));
	else if (fw_str_equal_fold(word, FW_STR("line")))
		take_line(r);
	else if (fw_str_equal_fold(word, FW_STR("label")) || fw_str_equal_fold(word, FW_STR("id")) || fw_str_equal_fold(word, FW_STR("rule")))
		take_text(r, NAME, filter->name, sizeof(filter->name));
	else
		return false;
	return true;
}

static bool take_direction(struct reader *r, struct fw_str word)
{
	for (unsigned int d = 0; d < FW_DIRECTIONS; d++)
		if (fw_str_equal_fold(word, fw_str_from(fw_direction_name(d)))) {
			r->filter->direction = d;
			r->filter->given |= DIRECTION;
			return true;
		}
	return false;
}

static bool take_verdict(struct reader *r, struct fw_str word)
{
	for (unsigned int v = FW_ALLOW; v <= FW_REJECT; v++)
		if (fw_str_equal_fold(word, fw_str_from(fw_verdict_name(v)))) {
			r->filter->verdict = v;
			r->filter->given |= VERDICT;
			return true;
		}
	return false;
}

/* "tcp", or "22/tcp" */
static bool take_protocol(struct reader *r, struct fw_str word)
{
	const char *slash = word.len > 0 ? memchr(word.data, '/', word.len) : NULL;
	struct fw_str name = word;
	uint64_t port = 0;

	if (slash) {
		const size_t len = (size_t)(slash - word.data);
		if (fw_str_parse_u64((struct fw_str){ word.data, len }, UINT16_MAX, &port) < 0)
			return false;
		name = (struct fw_str){ slash + 1, word.len - len - 1 };
		r->filter->port = (uint16_t)port;
	}
	const struct fw_proto *proto = fw_proto_by_name(name);
	if (!proto)
		return false;
	r->filter->proto = proto->number;
	r->filter->given |= slash ? PROTOCOL | PORT : PROTOCOL;
	return true;
}

int fw_event_filter_parse(struct fw_str text, struct fw_event_filter *ret_filter, char ret_error[160])
{
	struct fw_event_filter filter = { .given = 0 };
	struct reader reader = { .rest = text.data ? text : FW_STR(""), .filter = &filter, .error = ret_error };

	ret_error[0] = '\0';
	for (struct fw_str word = next_word(&reader); word.len > 0 && !ret_error[0]; word = next_word(&reader))
		if (!take_direction(&reader, word) && !take_verdict(&reader, word) && !take_clause(&reader, word) && !take_protocol(&reader, word))
			fail(&reader, "none of in, out, forward, allow, deny, reject, a protocol, from, to, port, source-port, on, line, label", word);
	if (ret_error[0]) {
		fw_str_hide_controls(ret_error);
		return -EINVAL;
	}
	*ret_filter = filter;
	return 0;
}

static bool is_at(const struct fw_event_place *place, enum fw_family family, struct fw_u128 address)
{
	return place->family == family && fw_u128_compare(place->range.low, address) <= 0 && fw_u128_compare(address, place->range.high) <= 0;
}

static bool takes_packet(const struct fw_event_filter *filter, const struct fw_event *event)
{
	const struct fw_packet *packet = &event->packet;

	if (!(filter->given & (PROTOCOL | FROM | TO | PORT | SOURCE_PORT)))
		return true;
	if (!event->has_packet || (filter->given & (PORT | SOURCE_PORT) && !packet->has_ports))
		return false;
	return (!(filter->given & PROTOCOL) || packet->proto == filter->proto) &&
	       (!(filter->given & FROM) || is_at(&filter->from, packet->family, packet->source)) &&
	       (!(filter->given & TO) || is_at(&filter->to, packet->family, packet->destination)) &&
	       (!(filter->given & PORT) || packet->destination_port == filter->port) &&
	       (!(filter->given & SOURCE_PORT) || packet->source_port == filter->source_port);
}

static bool takes_line(const struct fw_event_filter *filter, const struct fw_line *line)
{
	if (filter->given & LINE && line->line != filter->line)
		return false;
	if (filter->given & LINE && filter->file[0] && (!line->file || strcmp(line->file, filter->file) != 0))
		return false;
	return !(filter->given & NAME) || fw_line_is_named(line, filter->name);
}

bool fw_event_filter_takes(const struct fw_event_filter *filter, const struct fw_event *event, const struct fw_line *line)
{
	if (filter->given & DIRECTION && event->direction != filter->direction)
		return false;
	if (filter->given & VERDICT && event->verdict != filter->verdict)
		return false;
	if (filter->given & INTERFACE && strcmp(event->in, filter->interface) != 0 && strcmp(event->out, filter->interface) != 0)
		return false;
	return takes_packet(filter, event) && takes_line(filter, line);
}
