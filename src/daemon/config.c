/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/config.c - fwctld.conf: a setting a line. A file with an error changes nothing. */
#include "daemon/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/misspell.h"

#define CONFIG_MAX ((size_t)64 << 10)
#define KEEP_MAX_S (10ull * 366 * 86400)
#define SIZE_MIN ((uint64_t)1 << 20)
#define SIZE_MAX_BYTES ((uint64_t)1 << 40)
#define PORT_MIN 1024 /* below that a process needs a capability that fwctld does not have */

struct line {
	const char *file;
	unsigned int number;
	struct fw_str text, name, value;
	char *error; /* 512 bytes */
};

FW_PRINTF(3, 4)
static int fail(const struct line *line, struct fw_str at, const char *format, ...)
{
	char what[256];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(line->error, 512, "%s:%u:%zu: error: %s", line->file, line->number, (size_t)(at.data - line->text.data) + 1, what);
	fw_str_hide_controls(line->error);
	return -EINVAL;
}

/* A number and a letter that says how much one of it is. */
struct unit {
	char letter;
	uint64_t factor;
};

static int parse_amount(struct fw_str text, const struct unit *units, size_t count, uint64_t *ret_value)
{
	uint64_t value, factor = 1;

	for (size_t i = 0; text.len > 0 && i < count; i++)
		if (text.data[text.len - 1] == units[i].letter) {
			factor = units[i].factor;
			text.len--;
			break;
		}
	if (fw_str_parse_u64(text, UINT32_MAX, &value) < 0)
		return -EINVAL;
	*ret_value = value * factor;
	return 0;
}

static int take_keep(const struct line *line, struct fw_config *config)
{
	static const struct unit units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	uint64_t value = 0;

	if (parse_amount(line->value, units, FW_ARRAY_SIZE(units), &value) < 0 || value < 3600 || value > KEEP_MAX_S)
		return fail(line, line->value, "'keep' takes a time from 1h to 10 years such as 14d or 8w");
	config->limits.keep_s = value;
	return 0;
}

static int take_size(const struct line *line, struct fw_config *config)
{
	static const struct unit units[] = { { 'K', 1u << 10 }, { 'M', 1u << 20 }, { 'G', 1u << 30 } };
	uint64_t value = 0;

	if (parse_amount(line->value, units, FW_ARRAY_SIZE(units), &value) < 0 || value < SIZE_MIN || value > SIZE_MAX_BYTES)
		return fail(line, line->value, "'size' takes a size from 1M to 1024G such as 256M");
	config->limits.max_bytes = value;
	return 0;
}

static int take_journal(const struct line *line, struct fw_config *config)
{
	const bool on = fw_str_equal(line->value, FW_STR("on"));

	if (!on && !fw_str_equal(line->value, FW_STR("off")))
		return fail(line, line->value, "'journal' takes on or off");
	config->journal = on;
	return 0;
}

static bool is_loopback(const struct fw_config *config)
{
	if (config->listen.any.sa_family == AF_INET)
		return ntohl(config->listen.ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&config->listen.ipv6.sin6_addr);
}

/* "127.0.0.1:9380", "[::1]:9380" */
static bool parse_address(struct fw_str text, struct fw_config *config)
{
	char host[64] = "";
	uint64_t port = 0;
	size_t colon = text.len;

	while (colon > 0 && text.data[colon - 1] != ':')
		colon--;
	if (colon < 2 || colon > sizeof(host) ||
	    fw_str_parse_u64((struct fw_str){ text.data + colon, text.len - colon }, UINT16_MAX, &port) < 0 || port < PORT_MIN)
		return false;
	const bool ipv6 = text.data[0] == '[' && text.data[colon - 2] == ']';
	const size_t skip = ipv6 ? 1 : 0;
	if (colon - 1 < 2 * skip)
		return false;
	memcpy(host, text.data + skip, colon - 1 - 2 * skip);
	config->listen.any.sa_family = ipv6 ? AF_INET6 : AF_INET;
	if (ipv6)
		config->listen.ipv6.sin6_port = htons((uint16_t)port);
	else
		config->listen.ipv4.sin_port = htons((uint16_t)port);
	return inet_pton(ipv6 ? AF_INET6 : AF_INET, host, ipv6 ? (void *)&config->listen.ipv6.sin6_addr : (void *)&config->listen.ipv4.sin_addr) == 1;
}

static int take_listen(const struct line *line, struct fw_config *config)
{
	memset(&config->listen, 0, sizeof(config->listen));
	config->has_listen = !fw_str_equal(line->value, FW_STR("off"));
	if (!config->has_listen)
		return 0;
	if (!parse_address(line->value, config))
		return fail(line, line->value, "'listen' takes an address and a port from %d up such as 127.0.0.1:9380 or [::1]:9380, or off", PORT_MIN);
	if (!is_loopback(config))
		return fail(line, line->value, "'listen' takes a loopback address only; a proxy can offer it elsewhere, with a password");
	return 0;
}

static int take_name(const struct line *line, char name[64])
{
	if (line->value.len >= 64)
		return fail(line, line->value, "a name of at most 63 bytes");
	memset(name, 0, 64);
	memcpy(name, line->value.data, line->value.len);
	return 0;
}

static int take_user(const struct line *line, struct fw_config *config)
{
	return take_name(line, config->user);
}

static int take_group(const struct line *line, struct fw_config *config)
{
	return take_name(line, config->group);
}

static const struct {
	const char *name;
	int (*take)(const struct line *line, struct fw_config *config);
} settings[] = {
	{ "keep", take_keep },     { "size", take_size }, { "listen", take_listen },
	{ "journal", take_journal }, { "user", take_user }, { "group", take_group },
};

static struct fw_str take_word(struct fw_str *rest)
{
	while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
		rest->data++;
		rest->len--;
	}
	struct fw_str word = { rest->data, 0 };
	while (word.len < rest->len && !strchr(" \t#", word.data[word.len]))
		word.len++;
	rest->data += word.len;
	rest->len -= word.len;
	return word;
}

static int unknown_setting(const struct line *line)
{
	struct fw_misspell near;

	fw_misspell_init(&near, line->name);
	for (size_t i = 0; i < FW_ARRAY_SIZE(settings); i++)
		fw_misspell_offer(&near, fw_str_from(settings[i].name));
	if (near.best.len > 0)
		return fail(line, line->name, "unknown setting '%.*s'; did you mean '%s'?", (int)(line->name.len & 63), line->name.data, near.best.data);
	return fail(line, line->name, "unknown setting; there are keep, size, listen, journal, user and group");
}

static int take_line(struct line *line, struct fw_config *config, unsigned int *seen)
{
	struct fw_str rest = line->text;

	line->name = take_word(&rest);
	line->value = take_word(&rest);
	const struct fw_str more = take_word(&rest);
	if (line->name.len == 0)
		return 0;
	if (more.len > 0)
		return fail(line, more, "one value a line");
	for (size_t i = 0; i < FW_ARRAY_SIZE(settings); i++) {
		if (!fw_str_equal(line->name, fw_str_from(settings[i].name)))
			continue;
		if (line->value.len == 0)
			return fail(line, line->name, "'%s' needs a value", settings[i].name);
		if (*seen & 1u << i)
			return fail(line, line->name, "'%s' stands here twice", settings[i].name);
		*seen |= 1u << i;
		return settings[i].take(line, config);
	}
	return unknown_setting(line);
}

void fw_config_defaults(struct fw_config *config)
{
	*config = (struct fw_config){ .limits = { FW_HISTORY_KEEP_S, FW_HISTORY_BYTES }, .user = "fwctl", .group = "fwctl" };
}

int fw_config_parse(const char *file, struct fw_str text, struct fw_config *config, char ret_error[512])
{
	struct fw_config wanted = *config;
	struct line line = { .file = file, .error = ret_error };
	unsigned int seen = 0;

	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		line.text = (struct fw_str){ text.data, end ? (size_t)(end - text.data) : text.len };
		line.number++;
		if (memchr(line.text.data, '\0', line.text.len))
			return fail(&line, line.text, "a zero byte: this is no text");
		int r = take_line(&line, &wanted, &seen);
		if (r < 0)
			return r;
		const size_t step = line.text.len + (end ? 1 : 0);
		text = (struct fw_str){ text.data + step, text.len - step };
	}
	*config = wanted;
	return 0;
}

int fw_config_read(const char *path, bool may_miss, struct fw_config *config, char ret_error[512])
{
	char *text FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;
	int r = fw_file_read(path, CONFIG_MAX, &text, &len);

	if (r == -ENOENT && may_miss)
		return 0;
	if (r < 0) {
		snprintf(ret_error, 512, "%s: %s", path, strerror(-r));
		return r;
	}
	return fw_config_parse(path, (struct fw_str){ text, len }, config, ret_error);
}
