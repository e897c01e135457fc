/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/event_json.c - events and lines as JSON (docs/daemon.md). Written by hand into a buffer: thousands of them in an answer. */
#include <inttypes.h>
#include <time.h>

#include "diag/diag.h"
#include "engine/event.h"
#include "net/proto.h"

static void text_member(struct fw_buf *out, const char *name, const char *text)
{
	fw_buf_printf(out, "\"%s\": ", name);
	if (text)
		fw_json_string(out, fw_str_from(text));
	else
		fw_buf_puts(out, "null");
}

void fw_line_json(struct fw_buf *out, const struct fw_line *line)
{
	const bool has_place = line->line > 0;

	text_member(out, "id", line->key);
	fw_buf_puts(out, ", ");
	text_member(out, "rule_id", line->owner == FW_RS_RULE || line->owner == FW_RS_BLOCK ? fw_line_id(line) : NULL);
	fw_buf_printf(out, ", \"by\": \"%s\", ", fw_line_by(line));
	text_member(out, "name", line->name);
	fw_buf_puts(out, ", ");
	text_member(out, "file", line->file);
	if (has_place)
		fw_buf_printf(out, ", \"line\": %" PRIu32 ", ", line->line);
	else
		fw_buf_puts(out, ", \"line\": null, ");
	text_member(out, "text", line->text);
	fw_buf_puts(out, ", ");
	text_member(out, "label", line->label);
	fw_buf_printf(out, ", \"direction\": \"%s\", \"verdict\": \"%s\"", fw_direction_name(line->direction), fw_verdict_name(line->verdict));
}

/* Without the quotes and what is behind the seconds. */
static void put_time(struct fw_buf *out, int64_t unix_s)
{
	const time_t instant = unix_s;
	struct tm parts;
	char text[32];

	if (!gmtime_r(&instant, &parts) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
		fw_buf_puts(out, "1970-01-01T00:00:00");
	else
		fw_buf_puts(out, text);
}

void fw_time_json(struct fw_buf *out, int64_t unix_s)
{
	if (unix_s == 0) {
		fw_buf_puts(out, "null");
		return;
	}
	fw_buf_putc(out, '"');
	put_time(out, unix_s);
	fw_buf_puts(out, "Z\"");
}

void fw_time_us_json(struct fw_buf *out, int64_t time_us)
{
	fw_buf_putc(out, '"');
	put_time(out, time_us / 1000000);
	fw_buf_printf(out, ".%06" PRId64 "Z\"", time_us % 1000000);
}

static void address_member(struct fw_buf *out, const char *name, const struct fw_event *event, struct fw_u128 address)
{
	fw_buf_printf(out, ", \"%s\": ", name);
	if (!event->has_packet) {
		fw_buf_puts(out, "null");
		return;
	}
	fw_buf_putc(out, '"');
	fw_addr_print(out, event->packet.family, (struct fw_range){ address, address });
	fw_buf_putc(out, '"');
}

static void port_member(struct fw_buf *out, const char *name, const struct fw_event *event, uint16_t port)
{
	if (event->has_packet && event->packet.has_ports)
		fw_buf_printf(out, ", \"%s\": %u", name, (unsigned int)port);
	else
		fw_buf_printf(out, ", \"%s\": null", name);
}

static void protocol_member(struct fw_buf *out, const struct fw_event *event)
{
	const struct fw_proto *proto = event->has_packet ? fw_proto_by_number(event->packet.proto) : NULL;

	if (proto)
		fw_buf_printf(out, ", \"protocol\": \"%s\"", proto->name);
	else if (event->has_packet)
		fw_buf_printf(out, ", \"protocol\": \"%u\"", (unsigned int)event->packet.proto);
	else
		fw_buf_puts(out, ", \"protocol\": null");
}

static void packet_members(struct fw_buf *out, const struct fw_event *event)
{
	const struct fw_packet *packet = &event->packet;

	protocol_member(out, event);
	address_member(out, "source", event, packet->source);
	port_member(out, "source_port", event, packet->source_port);
	address_member(out, "destination", event, packet->destination);
	port_member(out, "destination_port", event, packet->destination_port);
	if (packet->has_icmp)
		fw_buf_printf(out, ", \"icmp_type\": %u, \"icmp_code\": %u", (unsigned int)packet->icmp_type, (unsigned int)packet->icmp_code);
	if (packet->is_fragment)
		fw_buf_puts(out, ", \"fragment\": true");
	fw_buf_printf(out, ", \"length\": %" PRIu32, packet->length);
}

void fw_event_json(struct fw_buf *out, const struct fw_event *event, const struct fw_line *line)
{
	const char *interface = event->direction == FW_OUT ? event->out : event->in;

	fw_buf_puts(out, "{\"time\": ");
	fw_time_us_json(out, event->time_us);
	fw_buf_printf(out, ", \"verdict\": \"%s\", \"direction\": \"%s\", ", fw_verdict_name(event->verdict), fw_direction_name(event->direction));
	text_member(out, "interface", interface[0] ? interface : NULL);
	if (event->direction == FW_FORWARD) {
		fw_buf_puts(out, ", ");
		text_member(out, "leaving", event->out[0] ? event->out : NULL);
	}
	packet_members(out, event);
	if (event->over_limit)
		fw_buf_puts(out, ", \"over_limit\": true");
	fw_buf_puts(out, ", ");
	text_member(out, "id", line->key);
	fw_buf_printf(out, ", \"by\": \"%s\", ", fw_line_by(line));
	text_member(out, "file", line->file);
	if (line->line > 0)
		fw_buf_printf(out, ", \"line\": %" PRIu32 ", ", line->line);
	else
		fw_buf_puts(out, ", \"line\": null, ");
	text_member(out, "text", line->text);
	fw_buf_puts(out, ", ");
	text_member(out, "label", line->label);
	fw_buf_puts(out, ", ");
	text_member(out, "log", event->log[0] ? event->log : NULL);
	fw_buf_putc(out, '}');
}
