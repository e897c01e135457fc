/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/print_value.c - nft's spelling of single values. Prints numbers, not names that /etc could change, so that the text
 * means the same on every host. */
#include "ruleset/print.h"

#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "net/addr.h"

#define NS_PER_S 1000000000u

enum fw_rs_value fw_rs_key_value(enum fw_rs_key key)
{
	switch (key) {
	case FW_RS_KEY_IPV4:
		return FW_RS_VALUE_IPV4;
	case FW_RS_KEY_IPV6:
		return FW_RS_VALUE_IPV6;
	case FW_RS_KEY_IFNAME:
		return FW_RS_VALUE_NAME;
	case FW_RS_KEY_TIME:
		return FW_RS_VALUE_TIME;
	case FW_RS_KEY_SERVICE:
	case FW_RS_KEY_PROTO:
	case FW_RS_KEY_ICMP_TYPE:
	case FW_RS_KEY_ICMPV6_TYPE:
	case FW_RS_KEY_UID:
	case FW_RS_KEY_GID:
	case FW_RS_KEY_MARK:
		return FW_RS_VALUE_NUMBER;
	case FW_RS_KEY_WHAT:
	case FW_RS_KEY_WHAT_IPV4:
	case FW_RS_KEY_WHAT_IPV6:
		break;
	}
	return FW_RS_VALUE_RAW;
}

static uint64_t big_endian(const uint8_t *bytes, size_t len)
{
	uint64_t number = 0;
	for (size_t i = 0; i < len && i < sizeof(number); i++)
		number = number << 8 | bytes[i];
	return number;
}

static void print_address(struct fw_buf *out, enum fw_family family, const uint8_t *low, const uint8_t *high)
{
	struct fw_range range = { fw_addr_from_bytes(family, low), fw_addr_from_bytes(family, high) };
	fw_addr_print(out, family, range);
}

void fw_rs_print_quoted(struct fw_buf *out, const char *text)
{
	fw_buf_putc(out, '"');
	for (const char *c = text; *c; c++)
		fw_buf_putc(out, *c == '"' ? '\'' : (unsigned char)*c < ' ' ? '?' : *c);
	fw_buf_putc(out, '"');
}

static void print_name(struct fw_buf *out, const uint8_t *bytes, size_t len)
{
	char name[FW_RS_DATA_MAX + 2] = { 0 };
	memcpy(name, bytes, len < FW_RS_DATA_MAX ? len : FW_RS_DATA_MAX);
	size_t used = strlen(name);
	if (used == len) /* no NUL: only a prefix is compared */
		name[used] = '*';
	fw_rs_print_quoted(out, name);
}

static void print_family(struct fw_buf *out, uint8_t family)
{
	if (family == NFPROTO_IPV4 || family == NFPROTO_IPV6)
		fw_buf_puts(out, family == NFPROTO_IPV4 ? "ipv4" : "ipv6");
	else
		fw_buf_printf(out, "%u", family);
}

static void print_raw(struct fw_buf *out, const uint8_t *bytes, size_t len)
{
	fw_buf_puts(out, "0x");
	for (size_t i = 0; i < len; i++)
		fw_buf_printf(out, "%02x", bytes[i]);
}

static void print_host(struct fw_buf *out, const uint8_t *bytes, size_t len)
{
	uint32_t number = 0;
	memcpy(&number, bytes, len < sizeof(number) ? len : sizeof(number));
	fw_buf_printf(out, "%" PRIu32, number);
}

void fw_rs_print_value(struct fw_buf *out, enum fw_rs_value kind, const uint8_t *bytes, size_t len)
{
	switch (kind) {
	case FW_RS_VALUE_IPV4:
	case FW_RS_VALUE_IPV6:
		print_address(out, kind == FW_RS_VALUE_IPV4 ? FW_IPV4 : FW_IPV6, bytes, bytes);
		return;
	case FW_RS_VALUE_NUMBER:
		fw_buf_printf(out, "%" PRIu64, big_endian(bytes, len));
		return;
	case FW_RS_VALUE_HOST:
		print_host(out, bytes, len);
		return;
	case FW_RS_VALUE_NAME:
		print_name(out, bytes, len);
		return;
	case FW_RS_VALUE_TIME:
		fw_buf_printf(out, "%" PRIu64, big_endian(bytes, len) / NS_PER_S);
		return;
	case FW_RS_VALUE_FAMILY:
		print_family(out, bytes[0]);
		return;
	case FW_RS_VALUE_PORTS:
		fw_buf_printf(out, "%" PRIu64 " th dport %" PRIu64, big_endian(bytes, 2), big_endian(bytes + 2, 2));
		return;
	case FW_RS_VALUE_RAW:
		print_raw(out, bytes, len);
		return;
	}
}

void fw_rs_print_key(struct fw_buf *out, enum fw_rs_key key, const uint8_t *bytes)
{
	enum fw_rs_key parts[FW_RS_PARTS_MAX];
	const size_t count = fw_rs_key_parts(key, parts);

	for (size_t i = 0; i < count; i++) {
		const uint32_t len = fw_rs_key_len(parts[i]);
		fw_buf_puts(out, i ? " . " : "");
		fw_rs_print_value(out, fw_rs_key_value(parts[i]), bytes, len);
		bytes += (len + 3) / 4 * 4;
	}
}

void fw_rs_print_interval(struct fw_buf *out, enum fw_rs_value kind, const uint8_t *low, const uint8_t *high, size_t len)
{
	if (kind == FW_RS_VALUE_IPV4 || kind == FW_RS_VALUE_IPV6) {
		print_address(out, kind == FW_RS_VALUE_IPV4 ? FW_IPV4 : FW_IPV6, low, high);
		return;
	}
	fw_rs_print_value(out, kind, low, len);
	if (memcmp(low, high, len) == 0)
		return;
	fw_buf_putc(out, '-');
	fw_rs_print_value(out, kind, high, len);
}

void fw_rs_print_verdict(struct fw_buf *out, const struct fw_rs_verdict *verdict)
{
	static const struct {
		int32_t code;
		const char *name;
	} names[] = {
		{ NF_ACCEPT, "accept" },     { NF_DROP, "drop" },	  { NFT_CONTINUE, "continue" },
		{ NFT_RETURN, "return" },    { NFT_JUMP, "jump " }, { NFT_GOTO, "goto " },
	};
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++)
		if (names[i].code == verdict->code)
			fw_buf_puts(out, names[i].name);
	if (verdict->chain)
		fw_buf_puts(out, verdict->chain);
}

static const char *unit_name(uint64_t unit_s)
{
	return unit_s == 1 ? "second" : unit_s == 60 ? "minute" : unit_s == 3600 ? "hour" : unit_s == 86400 ? "day" : "week";
}

void fw_rs_print_limit(struct fw_buf *out, const struct fw_rs_limit *limit)
{
	fw_buf_printf(out, "rate %s%" PRIu64 "/%s burst %" PRIu32 " packets", limit->over ? "over " : "", limit->rate,
		      unit_name(limit->unit_s), limit->burst);
}
