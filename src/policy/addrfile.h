/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/addrfile.h - address files: one address, prefix or range a line. */
#ifndef FW_POLICY_ADDRFILE_H
#define FW_POLICY_ADDRFILE_H

#include "diag/diag.h"
#include "net/iset.h"

/* Bad lines of one file after which the rest of it is not read. */
#define FW_ADDRFILE_MAX_BAD 1000
/* Entries of one file, before merging; more are an error: memory stays bounded however short the lines are. */
#define FW_ADDRFILE_MAX_ENTRIES 10000000

/* Parses `text`, which is the text of `source` (for the places of errors). '#' and ';' start comments; blank lines, CRLF and a BOM are fine; a NUL
 * byte is an error. 0 with the sets, sorted and merged, in `arena`; FW_REPORTED where a line is bad; -ENOMEM. Linear but for sorting;
 * 16 bytes of heap for each IPv4 line, 64 for each IPv6 line, at most. */
int fw_addrfile_parse(struct fw_arena *arena, struct fw_diags *diags, uint32_t source, struct fw_str text,
		      struct fw_iset ret_sets[FW_FAMILIES]);

#endif
