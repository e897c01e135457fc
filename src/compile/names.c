/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/names.c - names of sets made of a group's name. nft's words may hold letters, digits and /-_. only; a group's may hold '+'
 * besides, so every other byte is written as /xx, which no group's name can contain by itself. The inverse is exact. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/plan.h"

#define GROUP_NAME_MAX 63
#define ESCAPED_MAX (3 * GROUP_NAME_MAX + 1)

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static void escape(struct fw_str name, char ret_escaped[ESCAPED_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;
	for (size_t i = 0; i < name.len && len + 4 <= ESCAPED_MAX; i++) {
		unsigned char c = (unsigned char)name.data[i];
		if (is_plain(name.data[i])) {
			ret_escaped[len++] = name.data[i];
			continue;
		}
		ret_escaped[len++] = '/';
		ret_escaped[len++] = digits[c >> 4];
		ret_escaped[len++] = digits[c & 15];
	}
	ret_escaped[len] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False where that is not what escape() writes. */
static bool unescape(struct fw_str escaped, char ret_name[64])
{
	size_t len = 0;
	for (size_t i = 0; i < escaped.len; i++) {
		if (len == GROUP_NAME_MAX)
			return false;
		char c = escaped.data[i];
		if (c == '/' && i + 2 < escaped.len) {
			int high = digit_value(escaped.data[i + 1]), low = digit_value(escaped.data[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			if (is_plain(c) || !c)
				return false;
			i += 2;
		} else if (!is_plain(c)) {
			return false;
		}
		ret_name[len++] = c;
	}
	ret_name[len] = '\0';
	return len > 0;
}

const char *fw_plan_group_set_name(struct fw_arena *arena, struct fw_str group, enum fw_family family)
{
	char escaped[ESCAPED_MAX];
	escape(group, escaped);
	return fw_arena_printf(arena, "group-%s-%d", escaped, family == FW_IPV4 ? 4 : 6);
}

void fw_compile_member_set_name(const char *group, enum fw_family family, unsigned int length, char *ret_name, size_t size)
{
	char escaped[ESCAPED_MAX];
	escape(fw_str_from(group), escaped);
	snprintf(ret_name, size, "dyn-%s-%d-%u", escaped, family == FW_IPV4 ? 4 : 6, length);
}

bool fw_compile_parse_member_set(const char *name, char ret_group[64], enum fw_family *ret_family, unsigned int *ret_length)
{
	static const char prefix[] = "dyn-";
	const char *last = strrchr(name, '-');
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || last < name + sizeof(prefix) + 2 || last[-2] != '-')
		return false;
	if (last[-1] != '4' && last[-1] != '6')
		return false;
	enum fw_family family = last[-1] == '4' ? FW_IPV4 : FW_IPV6;
	uint64_t length = 0;
	struct fw_str number = fw_str_from(last + 1);
	if (fw_str_parse_u64(number, fw_family_bits(family), &length) < 0 || (number.len > 1 && number.data[0] == '0'))
		return false;
	const char *group = name + sizeof(prefix) - 1;
	if (!unescape((struct fw_str){ group, (size_t)(last - 2 - group) }, ret_group))
		return false;
	*ret_family = family;
	*ret_length = (unsigned int)length;
	return true;
}
