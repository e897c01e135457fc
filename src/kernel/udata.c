/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/udata.c - user data of rules and objects, written and read. Pure; the reader takes any bytes. */
#include "kernel/udata.h"

#include <errno.h>
#include <string.h>

#define TYPE_COMMENT 0x00 /* NFTNL_UDATA_RULE_COMMENT, _OBJ_COMMENT */
#define TYPE_TAG 0x80
#define TYPE_BLOB 0x81
#define RECORD_HEAD 2
#define TAG_HEAD 2

static int put(uint8_t *bytes, size_t *len, uint8_t type, struct fw_str value)
{
	if (value.len > UINT8_MAX || *len + RECORD_HEAD + value.len > FW_UDATA_MAX)
		return -E2BIG;
	bytes[(*len)++] = type;
	bytes[(*len)++] = (uint8_t)value.len;
	memcpy(bytes + *len, value.data, value.len);
	*len += value.len;
	return 0;
}

static int put_comment(uint8_t *bytes, size_t *len, struct fw_str comment)
{
	char text[128]; /* NFTNL_UDATA_COMMENT_MAXLEN */

	if (comment.len >= sizeof(text))
		return -E2BIG;
	memcpy(text, comment.data, comment.len);
	text[comment.len] = '\0';
	return put(bytes, len, TYPE_COMMENT, (struct fw_str){ text, comment.len + 1 });
}

static bool is_empty_tag(const struct fw_rs_tag *tag)
{
	return tag->owner == FW_RS_NOBODY && tag->role == FW_RS_ROLE_NONE && !tag->id[0];
}

static int put_tag(uint8_t *bytes, size_t *len, const struct fw_rs_tag *tag)
{
	char text[TAG_HEAD + FW_RS_ID_MAX];
	size_t id_len = strnlen(tag->id, FW_RS_ID_MAX - 1);

	text[0] = (char)tag->owner;
	text[1] = (char)tag->role;
	memcpy(text + TAG_HEAD, tag->id, id_len);
	return put(bytes, len, TYPE_TAG, (struct fw_str){ text, TAG_HEAD + id_len });
}

int fw_udata_encode(const struct fw_udata *udata, uint8_t ret_bytes[FW_UDATA_MAX], size_t *ret_len)
{
	size_t len = 0;
	int r = 0;

	if (udata->comment.data)
		r = put_comment(ret_bytes, &len, udata->comment);
	if (!r && !is_empty_tag(&udata->tag))
		r = put_tag(ret_bytes, &len, &udata->tag);
	if (!r && udata->blob.len)
		r = put(ret_bytes, &len, TYPE_BLOB, udata->blob);
	if (r < 0)
		return r;
	*ret_len = len;
	return 0;
}

static bool take_comment(struct fw_str value, struct fw_udata *udata)
{
	if (!value.len || memchr(value.data, '\0', value.len) != value.data + value.len - 1)
		return false;
	udata->comment = (struct fw_str){ value.data, value.len - 1 };
	return true;
}

static bool take_tag(struct fw_str value, struct fw_udata *udata)
{
	struct fw_rs_tag tag = { .owner = FW_RS_NOBODY };
	size_t id_len;

	if (value.len < TAG_HEAD || (uint8_t)value.data[0] > FW_RS_MANIFEST || (uint8_t)value.data[1] > FW_RS_ROLE_SHARED)
		return false;
	id_len = value.len - TAG_HEAD;
	if (id_len >= FW_RS_ID_MAX || memchr(value.data + TAG_HEAD, '\0', id_len))
		return false;
	tag.owner = (enum fw_rs_owner)value.data[0];
	tag.role = (enum fw_rs_role)value.data[1];
	memcpy(tag.id, value.data + TAG_HEAD, id_len);
	udata->tag = tag;
	return true;
}

static bool take(uint8_t type, struct fw_str value, struct fw_udata *udata)
{
	if (type == TYPE_COMMENT)
		return take_comment(value, udata);
	if (type == TYPE_TAG)
		return take_tag(value, udata);
	udata->blob = value;
	return type == TYPE_BLOB;
}

struct fw_udata fw_udata_decode(struct fw_str bytes)
{
	struct fw_udata udata = { .blob = FW_STR("") }, foreign = { .blob = bytes };
	size_t at = 0;

	while (at < bytes.len) {
		size_t len;

		if (bytes.len - at < RECORD_HEAD)
			return foreign;
		len = (uint8_t)bytes.data[at + 1];
		if (len > bytes.len - at - RECORD_HEAD)
			return foreign;
		if (!take((uint8_t)bytes.data[at], (struct fw_str){ bytes.data + at + RECORD_HEAD, len }, &udata))
			return foreign;
		at += RECORD_HEAD + len;
	}
	return udata;
}
