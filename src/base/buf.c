/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/buf.c - text that grows. Invariant: data is NULL or ends in NUL at data[len]; after an error nothing changes any more. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fw_buf_init(struct fw_buf *buf, size_t max)
{
	*buf = (struct fw_buf){ .max = max };
}

void fw_buf_done(struct fw_buf *buf)
{
	free(buf->data);
	*buf = (struct fw_buf){ .max = buf->max };
}

/* Room for `more` bytes and the NUL. */
static bool make_room(struct fw_buf *buf, size_t more)
{
	if (buf->error)
		return false;
	if (more > buf->max - buf->len) {
		buf->error = -E2BIG;
		return false;
	}
	if (buf->len + more < buf->cap)
		return true;

	size_t cap = buf->cap ? buf->cap : 128;
	while (cap <= buf->len + more)
		cap *= 2;
	char *data = realloc(buf->data, cap);
	if (!data) {
		buf->error = -ENOMEM;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	buf->data[buf->len] = '\0';
	return true;
}

void fw_buf_add(struct fw_buf *buf, struct fw_str s)
{
	if (!make_room(buf, s.len))
		return;
	if (s.len)
		memcpy(buf->data + buf->len, s.data, s.len);
	buf->len += s.len;
	buf->data[buf->len] = '\0';
}

void fw_buf_puts(struct fw_buf *buf, const char *cstring)
{
	fw_buf_add(buf, fw_str_from(cstring));
}

void fw_buf_putc(struct fw_buf *buf, char c)
{
	fw_buf_add(buf, (struct fw_str){ &c, 1 });
}

/* Most texts fit into the room that is there, and are written once. */
void fw_buf_vprintf(struct fw_buf *buf, const char *format, va_list args)
{
	const size_t left = buf->max - buf->len, spare = buf->data ? buf->cap - buf->len : 0, room = spare <= left ? spare : left;
	va_list again;
	if (buf->error)
		return;

	va_copy(again, args);
	const int length = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
	if (room && (length < 0 || (size_t)length >= room))
		buf->data[buf->len] = '\0'; /* as if nothing had been tried */
	if (length < 0)
		buf->error = -EINVAL;
	else if ((size_t)length < room || (make_room(buf, (size_t)length) && vsnprintf(buf->data + buf->len, (size_t)length + 1, format, again) >= 0))
		buf->len += (size_t)length;
	va_end(again);
}

void fw_buf_printf(struct fw_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fw_buf_vprintf(buf, format, args);
	va_end(args);
}

struct fw_str fw_buf_str(const struct fw_buf *buf)
{
	return (struct fw_str){ buf->data, buf->len };
}

char *fw_buf_take(struct fw_buf *buf, int *ret_error)
{
	make_room(buf, 0);
	*ret_error = buf->error;
	if (buf->error)
		return NULL;

	char *data = buf->data;
	*buf = (struct fw_buf){ .max = buf->max };
	return data;
}
