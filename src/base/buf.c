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

void fw_buf_printf(struct fw_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0) {
		buf->error = buf->error ? buf->error : -EINVAL;
		return;
	}
	if (!make_room(buf, (size_t)length))
		return;
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)length + 1, format, args);
	va_end(args);
	buf->len += (size_t)length;
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
