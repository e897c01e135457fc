/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/told.h - what fwctld tells, out of its JSON (docs/daemon.md). Members may be missing or of another kind: they come from outside. */
#ifndef FW_CLI_TOLD_H
#define FW_CLI_TOLD_H

#include <jansson.h>

#include "base/base.h"
#include "base/buf.h"
#include "policy/policy.h"

const char *fw_told_text(const json_t *object, const char *name); /* "": none; as it came, control characters too */
uint64_t fw_told_number(const json_t *object, const char *name);  /* 0: none, or negative */
int64_t fw_told_time(const json_t *object, const char *name);     /* Unix seconds of an RFC 3339 time in UTC; 0: none */
enum fw_verdict fw_told_verdict(const json_t *object);            /* allow: none */

/* Of an event: its local time of day, "10:00:00.123", or "?". */
#define FW_TOLD_CLOCK_BYTES 16
void fw_told_clock(const json_t *event, char ret_text[FW_TOLD_CLOCK_BYTES]);
/* "192.0.2.7:40000 > [2001:db8::1]:22", ICMP's type and "fragment" behind them. Control characters are in there still. */
void fw_told_ends(const json_t *event, struct fw_buf *out);

#endif
