/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/base.c - slices of bytes, numbers, UTF-8. Owns nothing. */
#include "base/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fw_str fw_str_from(const char *cstring)
{
	return (struct fw_str){ cstring, cstring ? strlen(cstring) : 0 };
}

bool fw_str_equal(struct fw_str a, struct fw_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool fw_str_equal_fold(struct fw_str a, struct fw_str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.data[i]) != fold(b.data[i]))
			return false;
	return true;
}

int fw_str_compare(struct fw_str a, struct fw_str b)
{
	const size_t common = a.len < b.len ? a.len : b.len;
	const int order = common ? memcmp(a.data, b.data, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int fw_str_parse_u64(struct fw_str s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		const uint64_t digit = (uint64_t)(s.data[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* Length of the well-formed sequence at s[0..len), or 0 (table 3-7 of the Unicode standard). */
static size_t sequence_length(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need = 0;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		need = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4;
	if (need == 0 || need > len)
		return 0;
	low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : low;
	high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : high;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

size_t fw_str_utf8_valid(struct fw_str s)
{
	size_t at = 0;

	while (at < s.len) {
		const size_t step = sequence_length((const unsigned char *)s.data + at, s.len - at);
		if (step == 0)
			return at;
		at += step;
	}
	return s.len;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

size_t fw_str_control_at(struct fw_str s)
{
	const unsigned char *bytes = (const unsigned char *)s.data;
	const size_t len = s.len > 0 ? sequence_length(bytes, s.len) : 0;

	if (len == 0 || len > 3) /* all of them are encoded in three bytes or less */
		return 0;
	uint32_t c = len == 1 ? bytes[0] : len == 2 ? bytes[0] & 0x1fU : bytes[0] & 0x0fU;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (bytes[i] & 0x3fU);
	return is_control(c) ? len : 0;
}

size_t fw_str_shown_at(struct fw_str s)
{
	if (s.len == 0 || (*s.data != '\t' && fw_str_control_at(s)))
		return 0;
	return sequence_length((const unsigned char *)s.data, s.len);
}

void fw_str_hide_controls(char *text)
{
	char *out = text;

	while (*out >= ' ' && *out <= '~') /* most texts are no more than this */
		out++;
	struct fw_str rest = fw_str_from(out);
	while (rest.len > 0) {
		const size_t shown = fw_str_shown_at(rest), control = fw_str_control_at(rest), step = shown ? shown : control ? control : 1;
		if (shown > 0)
			memmove(out, rest.data, shown);
		else
			*out = '?';
		out += shown ? shown : 1;
		rest.data += step;
		rest.len -= step;
	}
	*out = '\0';
}

void fw_close_fd(int *fd)
{
	const int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void fw_free_ptr(void *pointer)
{
	void *memory;

	memcpy(&memory, pointer, sizeof(memory));
	free(memory);
}
