/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz/fuzz_nflog.c - datagrams of NFLOG, the packets in them, and what is made of both: whatever bytes come, nothing is read beyond them. */
#include <stdlib.h>
#include <string.h>

#include "diag/diag.h"
#include "engine/event.h"
#include "fuzz.h"

static void take(const struct fw_nflog_packet *packet, void *data)
{
	static const struct fw_line line = { .owner = FW_RS_RULE, .key = "rule/0", .file = "policy.conf", .line = 7, .text = "deny any log" };
	struct fw_event_filter *filter = data;
	struct fw_event_prefix prefix = { { "", 0 }, { "", 0 }, { "", 0 } };
	struct fw_event event;
	struct fw_buf json FW_CLEANUP(fw_buf_done);

	fw_buf_init(&json, 1 << 16);
	(void)fw_event_parse_prefix(packet->prefix, &prefix);
	fw_event_make(packet, &prefix, 1, &event);
	(void)fw_event_filter_takes(filter, &event, &line);
	fw_event_json(&json, &event, &line);
	FUZZ_CHECK(json.error == 0 && json.data[json.len - 1] == '}');
	FUZZ_CHECK(!memchr(json.data, '\n', json.len));
}

/* The first byte is how long a filter is; the rest of the input are datagrams, each a netlink message or more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_nflog_tally tally = { 0 };
	struct fw_nflog_sequence sequence = { 0 };
	struct fw_event_filter filter = { .given = 0 };
	char error[160];
	if (size < 1)
		return 0;

	const size_t len = data[0] < size ? data[0] : size - 1;
	if (fw_event_filter_parse((struct fw_str){ (const char *)data + 1, len }, &filter, error) < 0)
		FUZZ_CHECK(error[0]);
	char *copy = malloc(size - len); /* aligned, and so long that the sanitizer sees its end */
	if (!copy)
		return 0;
	memcpy(copy, data + 1 + len, size - 1 - len);
	fw_nflog_parse((struct fw_str){ copy, size - 1 - len }, &sequence, take, &filter, &tally);
	free(copy);
	return 0;
}
