/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/journal.c - events as journald entries with fields, where `journal on` is set. At most so many a second: the journal is no place for a flood. What is
 * written is copied under the board's lock and sent without it, for journald may take its time. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "daemon/front.h"
#include "net/proto.h"

#define EVENTS_A_TICK 20 /* of 100 ms */

struct entry {
	struct fw_event event;
	char key[FW_LINE_KEY_MAX], file[128], text[512];
	uint32_t line;
};

static void copy_entry(struct entry *entry, const struct fw_board_event *item)
{
	const struct fw_line *line = &item->line->line;

	entry->event = item->event;
	entry->line = line->line;
	snprintf(entry->key, sizeof(entry->key), "%s", line->key);
	snprintf(entry->file, sizeof(entry->file), "%s", line->file ? line->file : "");
	snprintf(entry->text, sizeof(entry->text), "%s", line->text ? line->text : "");
	fw_str_hide_controls(entry->event.log);
}

static void print_address(const struct fw_event *event, struct fw_u128 address, char ret_text[64])
{
	struct fw_buf buf FW_CLEANUP(fw_buf_done);

	fw_buf_init(&buf, 63);
	if (event->has_packet)
		fw_addr_print(&buf, event->packet.family, (struct fw_range){ address, address });
	snprintf(ret_text, 64, "%s", buf.data ? buf.data : "?");
}

static void send_entry(const struct entry *entry)
{
	const struct fw_event *event = &entry->event;
	const struct fw_proto *known = fw_proto_by_number(event->packet.proto);
	const char *verdict = fw_verdict_name(event->verdict), *direction = fw_direction_name(event->direction);
	char from[64], to[64], number[8];

	print_address(event, event->packet.source, from);
	print_address(event, event->packet.destination, to);
	snprintf(number, sizeof(number), "%u", (unsigned int)event->packet.proto);
	const char *proto = known ? known->name : number;
	(void)sd_journal_send("MESSAGE=%s %s %s %s -> %s port %u: %s:%" PRIu32 " %s", verdict, direction, proto, from, to,
			      (unsigned int)event->packet.destination_port, entry->file, entry->line, entry->text, "PRIORITY=%d", LOG_INFO,
			      "SYSLOG_IDENTIFIER=fwctld", "FWCTL_RULE=%s", entry->key, "FWCTL_FILE=%s", entry->file, "FWCTL_LINE=%" PRIu32, entry->line,
			      "FWCTL_VERDICT=%s", verdict, "FWCTL_DIRECTION=%s", direction, "FWCTL_PROTO=%s", proto, "FWCTL_SRC=%s", from, "FWCTL_DST=%s", to,
			      "FWCTL_SPT=%u", (unsigned int)event->packet.source_port, "FWCTL_DPT=%u", (unsigned int)event->packet.destination_port,
			      "FWCTL_IFACE=%s", event->direction == FW_OUT ? event->out : event->in, "FWCTL_TEXT=%s", event->log, NULL);
}

static size_t copy_entries(struct fw_front *front, struct entry ret_entries[EVENTS_A_TICK])
{
	struct fw_board *board = &front->board;
	size_t count = 0;

	fw_board_lock(board);
	if (board->event_count - front->journal_at > EVENTS_A_TICK) {
		const uint64_t at = board->event_count - EVENTS_A_TICK;
		front->journal_lost += at - front->journal_at;
		front->journal_at = at;
	}
	for (; front->journal_at < board->event_count; front->journal_at++)
		copy_entry(&ret_entries[count++], &board->ring[front->journal_at % FW_RING_EVENTS]);
	fw_board_unlock(board);
	return count;
}

void fw_journal_write(struct fw_front *front)
{
	struct entry entries[EVENTS_A_TICK];
	const size_t count = copy_entries(front, entries);

	for (size_t i = 0; i < count; i++)
		send_entry(&entries[i]);
	if (front->journal_lost > 0 && count < EVENTS_A_TICK) {
		(void)sd_journal_send("MESSAGE=%" PRIu64 " events were too many for the journal; `fwctl hits` has them", front->journal_lost, "PRIORITY=%d",
				      LOG_NOTICE, "SYSLOG_IDENTIFIER=fwctld", "FWCTL_LOST=%" PRIu64, front->journal_lost, NULL);
		front->journal_lost = 0;
	}
}
