/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/print.h - inside ruleset only: nft's spelling of values, rules and verdicts, shared by the two printers. */
#ifndef FW_RULESET_PRINT_H
#define FW_RULESET_PRINT_H

#include "ruleset/ruleset.h"

/* What the bytes in a register mean, and so how nft writes them. */
enum fw_rs_value {
	FW_RS_VALUE_IPV4,
	FW_RS_VALUE_IPV6,
	FW_RS_VALUE_NUMBER,  /* big-endian, any length */
	FW_RS_VALUE_HOST,    /* in the host's order, 4 bytes */
	FW_RS_VALUE_NAME,    /* padded with NUL; shorter than its field: a prefix */
	FW_RS_VALUE_TIME,    /* nanoseconds, big-endian; nft writes seconds */
	FW_RS_VALUE_FAMILY,  /* NFPROTO_* */
	FW_RS_VALUE_PORTS,   /* source and destination port side by side: nft makes one load of the two tests */
	FW_RS_VALUE_RAW,     /* hexadecimal */
};

enum fw_rs_value fw_rs_key_value(enum fw_rs_key key);
void fw_rs_print_value(struct fw_buf *out, enum fw_rs_value kind, const uint8_t *bytes, size_t len);
/* A key of a set, its parts with dots between them. */
void fw_rs_print_key(struct fw_buf *out, enum fw_rs_key key, const uint8_t *bytes);
void fw_rs_print_interval(struct fw_buf *out, enum fw_rs_value kind, const uint8_t *low, const uint8_t *high, size_t len);
/* In double quotes; what nft cannot have inside them (it knows no escapes) is replaced. */
void fw_rs_print_quoted(struct fw_buf *out, const char *text);
void fw_rs_print_verdict(struct fw_buf *out, const struct fw_rs_verdict *verdict);
void fw_rs_print_limit(struct fw_buf *out, const struct fw_rs_limit *limit);
/* One rule without its comment and without a newline. */
void fw_rs_print_rule(struct fw_buf *out, const struct fw_rs_rule *rule);

#endif
