/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/base.h - small things every module uses: slices, cleanup, sizes. */
#ifndef FW_BASE_BASE_H
#define FW_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FW_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define FW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
/* The one extension: FW_CLEANUP(fn) calls fn(&variable) when the variable leaves its scope. */
#define FW_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Besides 0 and -errno: the failure was already reported as a diagnostic. */
#define FW_REPORTED 1

/* A slice of bytes that somebody else owns; not NUL-terminated. */
struct fw_str {
	const char *data;
	size_t len;
};

#define FW_STR(literal) ((struct fw_str){ (literal), sizeof(literal) - 1 })

struct fw_str fw_str_from(const char *cstring); /* NULL gives the empty slice */
bool fw_str_equal(struct fw_str a, struct fw_str b);
bool fw_str_equal_fold(struct fw_str a, struct fw_str b); /* ASCII case folded */
int fw_str_compare(struct fw_str a, struct fw_str b);     /* memcmp order, shorter first */
/* The whole of `s` as a decimal number up to `max`: 0, -EINVAL (no digits, other bytes) or -ERANGE. */
int fw_str_parse_u64(struct fw_str s, uint64_t max, uint64_t *ret_value);
/* Offset of the first byte that is not well-formed UTF-8 (RFC 3629), or s.len. */
size_t fw_str_utf8_valid(struct fw_str s);
/* Length of the character that s starts with, where a terminal would act upon it: C0 (tabs and newlines too), DEL, C1, and what turns the
 * direction of writing, so that a line reads as another. 0: any other. */
size_t fw_str_control_at(struct fw_str s);
/* Length of the character that s starts with, where a terminal only shows it, tabs among them; else 0. */
size_t fw_str_shown_at(struct fw_str s);
/* Puts '?' in place of each character, or byte that is no UTF-8, that is not only shown. */
void fw_str_hide_controls(char *text);

void fw_close_fd(int *fd);      /* for FW_CLEANUP: closes fd >= 0, keeps errno */
void fw_free_ptr(void *pointer); /* for FW_CLEANUP: free(*(void **)pointer) */

#endif
