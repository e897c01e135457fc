/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/attr.h - netlink attributes, taken apart under a policy: every attribute that is given out has the type and length that
 * its row asks for. Bytes from a socket are hostile until they went through here. */
#ifndef FW_KERNEL_ATTR_H
#define FW_KERNEL_ATTR_H

#include <linux/netlink.h>

#include "base/base.h"

enum fw_attr_type {
	FW_ATTR_U8,
	FW_ATTR_U16,
	FW_ATTR_U32,
	FW_ATTR_U64,
	FW_ATTR_STRING, /* at most `max` bytes before its NUL or end */
	FW_ATTR_BINARY, /* at most `max` bytes */
	FW_ATTR_NESTED,
};

struct fw_attr_policy {
	uint16_t attribute; /* below FW_ATTR_COUNT */
	enum fw_attr_type type;
	uint16_t max;
};

#define FW_ATTR_COUNT 64
struct fw_attrs {
	const struct nlattr *at[FW_ATTR_COUNT]; /* NULL: absent */
	bool unknown;                           /* there were others than the policy's */
};

/* Attributes one after another. */
struct fw_attr_iter {
	const char *at;
	size_t left;
};
struct fw_attr_iter fw_attr_iter_nested(const struct nlattr *attr); /* over its payload */
/* The next one, whole within the bytes; NULL at the end or where the rest is none. */
const struct nlattr *fw_attr_next(struct fw_attr_iter *iter);

/* 0 or -EBADMSG. The last of equal attributes counts. */
int fw_attrs_parse(struct fw_attr_iter iter, const struct fw_attr_policy *policy, size_t rows, struct fw_attrs *ret_attrs);
int fw_attrs_parse_nested(const struct nlattr *attr, const struct fw_attr_policy *policy, size_t rows, struct fw_attrs *ret_attrs);

/* Values of attributes that were parsed as that type; `missing` where absent. nf_tables sends big-endian, routing and sock_diag
 * host order. */
uint8_t fw_attrs_u8(const struct fw_attrs *attrs, uint16_t attribute, uint8_t missing);
uint16_t fw_attrs_be16(const struct fw_attrs *attrs, uint16_t attribute, uint16_t missing);
uint32_t fw_attrs_be32(const struct fw_attrs *attrs, uint16_t attribute, uint32_t missing);
uint64_t fw_attrs_be64(const struct fw_attrs *attrs, uint16_t attribute, uint64_t missing);
uint32_t fw_attrs_host32(const struct fw_attrs *attrs, uint16_t attribute, uint32_t missing);
struct fw_str fw_attrs_string(const struct fw_attrs *attrs, uint16_t attribute); /* without a NUL; empty where absent */
struct fw_str fw_attrs_bytes(const struct fw_attrs *attrs, uint16_t attribute);  /* the payload */

#endif
