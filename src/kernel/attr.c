/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/attr.c - takes netlink attributes apart. Owns nothing: what it gives out points into the caller's bytes. Reads no byte
 * outside of them, whatever the lengths inside say. Knows no message type. */
#include "kernel/attr.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* NLA_HDRLEN, NLA_ALIGN and NLA_TYPE_MASK of linux/netlink.h are ints that do not go with sizes. */
#define HEADER sizeof(struct nlattr)
#define TYPE_MASK 0x3fffU

static size_t payload_len(const struct nlattr *attr)
{
	return attr->nla_len - HEADER;
}

static const char *payload(const struct nlattr *attr)
{
	return (const char *)attr + HEADER;
}

struct fw_attr_iter fw_attr_iter_nested(const struct nlattr *attr)
{
	return (struct fw_attr_iter){ payload(attr), payload_len(attr) };
}

const struct nlattr *fw_attr_next(struct fw_attr_iter *iter)
{
	const struct nlattr *attr = (const void *)iter->at;
	size_t step;

	if (iter->left < sizeof(*attr))
		return NULL;
	if (attr->nla_len < sizeof(*attr) || attr->nla_len > iter->left)
		return NULL;
	step = ((size_t)attr->nla_len + 3) & ~(size_t)3;
	if (step > iter->left) /* the last may lack its padding */
		step = iter->left;
	iter->at += step;
	iter->left -= step;
	return attr;
}

static bool fits(const struct nlattr *attr, const struct fw_attr_policy *row)
{
	size_t len = payload_len(attr);

	switch (row->type) {
	case FW_ATTR_U8:
		return len == sizeof(uint8_t);
	case FW_ATTR_U16:
		return len == sizeof(uint16_t);
	case FW_ATTR_U32:
		return len == sizeof(uint32_t);
	case FW_ATTR_U64:
		return len == sizeof(uint64_t);
	case FW_ATTR_STRING:
		return strnlen(payload(attr), len) <= row->max;
	case FW_ATTR_BINARY:
		return len <= row->max;
	case FW_ATTR_NESTED:
		return true;
	}
	return false;
}

static const struct fw_attr_policy *find_row(const struct fw_attr_policy *policy, size_t rows, uint16_t attribute)
{
	for (size_t i = 0; i < rows; i++)
		if (policy[i].attribute == attribute)
			return &policy[i];
	return NULL;
}

int fw_attrs_parse(struct fw_attr_iter iter, const struct fw_attr_policy *policy, size_t rows, struct fw_attrs *ret_attrs)
{
	const struct nlattr *attr;

	*ret_attrs = (struct fw_attrs){ .unknown = false };
	while ((attr = fw_attr_next(&iter))) {
		uint16_t type = (uint16_t)(attr->nla_type & TYPE_MASK);
		const struct fw_attr_policy *row = find_row(policy, rows, type);

		if (!row || type >= FW_ATTR_COUNT) {
			ret_attrs->unknown = true;
			continue;
		}
		if (!fits(attr, row))
			return -EBADMSG;
		ret_attrs->at[type] = attr;
	}
	return iter.left ? -EBADMSG : 0;
}

int fw_attrs_parse_nested(const struct nlattr *attr, const struct fw_attr_policy *policy, size_t rows, struct fw_attrs *ret_attrs)
{
	return fw_attrs_parse(fw_attr_iter_nested(attr), policy, rows, ret_attrs);
}

uint8_t fw_attrs_u8(const struct fw_attrs *attrs, uint16_t attribute, uint8_t missing)
{
	const struct nlattr *attr = attrs->at[attribute];

	return attr ? (uint8_t)*payload(attr) : missing;
}

uint16_t fw_attrs_be16(const struct fw_attrs *attrs, uint16_t attribute, uint16_t missing)
{
	uint16_t value;

	if (!attrs->at[attribute])
		return missing;
	memcpy(&value, payload(attrs->at[attribute]), sizeof(value));
	return be16toh(value);
}

uint32_t fw_attrs_host32(const struct fw_attrs *attrs, uint16_t attribute, uint32_t missing)
{
	uint32_t value;

	if (!attrs->at[attribute])
		return missing;
	memcpy(&value, payload(attrs->at[attribute]), sizeof(value));
	return value;
}

uint32_t fw_attrs_be32(const struct fw_attrs *attrs, uint16_t attribute, uint32_t missing)
{
	return be32toh(fw_attrs_host32(attrs, attribute, htobe32(missing)));
}

uint64_t fw_attrs_be64(const struct fw_attrs *attrs, uint16_t attribute, uint64_t missing)
{
	uint64_t value;

	if (!attrs->at[attribute])
		return missing;
	memcpy(&value, payload(attrs->at[attribute]), sizeof(value));
	return be64toh(value);
}

struct fw_str fw_attrs_bytes(const struct fw_attrs *attrs, uint16_t attribute)
{
	const struct nlattr *attr = attrs->at[attribute];

	return attr ? (struct fw_str){ payload(attr), payload_len(attr) } : FW_STR("");
}

struct fw_str fw_attrs_string(const struct fw_attrs *attrs, uint16_t attribute)
{
	struct fw_str bytes = fw_attrs_bytes(attrs, attribute);

	bytes.len = strnlen(bytes.data, bytes.len);
	return bytes;
}
