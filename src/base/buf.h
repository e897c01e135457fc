/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/buf.h - a growing text buffer with a stated maximum. */
#ifndef FW_BASE_BUF_H
#define FW_BASE_BUF_H

#include <stdarg.h>

#include "base/base.h"

struct fw_buf {
	char *data; /* NUL-terminated when not NULL; len bytes before it */
	size_t len, cap, max;
	int error; /* first failure: -ENOMEM, or -E2BIG past max; sticky, later additions do nothing */
};

void fw_buf_init(struct fw_buf *buf, size_t max);
void fw_buf_done(struct fw_buf *buf); /* for FW_CLEANUP too */
/* Additions report through buf->error only, so that a printer is checked once, at its end. */
void fw_buf_add(struct fw_buf *buf, struct fw_str s);
void fw_buf_puts(struct fw_buf *buf, const char *cstring);
void fw_buf_putc(struct fw_buf *buf, char c);
void fw_buf_printf(struct fw_buf *buf, const char *format, ...) FW_PRINTF(2, 3);
void fw_buf_vprintf(struct fw_buf *buf, const char *format, va_list args) FW_PRINTF(2, 0);
struct fw_str fw_buf_str(const struct fw_buf *buf);
/* Takes the text away (caller frees); NULL with *ret_error set where buf->error is. The buffer is empty again. */
char *fw_buf_take(struct fw_buf *buf, int *ret_error);

#endif
