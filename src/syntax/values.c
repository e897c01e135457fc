/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/values.c - words that hold more than a name: numbers, rates, durations, times of day, days, dates. Each function reads the whole of
 * one word, or says what to write instead. */
#include <errno.h>
#include <string.h>

#include "base/misspell.h"
#include "syntax/parser.h"

#define MINUTES_OF_DAY 1440
#define FIRST_YEAR 1970
#define LAST_YEAR 9999

static const struct fw_str day_names[] = {
	{ "mon", 3 }, { "tue", 3 }, { "wed", 3 }, { "thu", 3 }, { "fri", 3 }, { "sat", 3 }, { "sun", 3 },
};
#define DAYS FW_ARRAY_SIZE(day_names)

/* Splits at the first `mark`; false where there is none. */
static bool split(struct fw_str s, char mark, struct fw_str *ret_left, struct fw_str *ret_right)
{
	const char *at = s.len ? memchr(s.data, mark, s.len) : NULL;

	if (!at)
		return false;
	*ret_left = (struct fw_str){ s.data, (size_t)(at - s.data) };
	*ret_right = (struct fw_str){ at + 1, s.len - ret_left->len - 1 };
	return true;
}

static struct fw_str cut(struct fw_str s, size_t start, size_t len)
{
	return (struct fw_str){ s.data + start, len };
}

static int report(struct fw_diags *diags, const struct fw_ast_word *word, const char *expected, const char *help)
{
	struct fw_diag *diag =
		fw_diag_error(diags, word->span, "syntax", "expected %s, found '%.*s'", expected, FW_SHOW(word->text));

	if (help)
		fw_diag_help(diags, diag, "%s", help);
	return FW_REPORTED;
}

int fw_values_number(struct fw_diags *diags, const struct fw_ast_word *word, const char *what, uint32_t *ret_number)
{
	uint64_t number;
	int result = fw_str_parse_u64(word->text, UINT32_MAX, &number);

	if (result == 0 && number > 0) {
		*ret_number = (uint32_t)number;
		return 0;
	}
	if (result == 0)
		fw_diag_error(diags, word->span, "syntax", "%s is at least 1", what);
	else if (result == -ERANGE)
		fw_diag_error(diags, word->span, "syntax", "%s is at most %u", what, UINT32_MAX);
	else
		return report(diags, word, "a number", NULL);
	return FW_REPORTED;
}

/* Rates */

static bool find_unit(struct fw_str text, enum fw_unit *ret_unit)
{
	for (enum fw_unit unit = FW_SECOND; unit <= FW_DAY; unit++) {
		if (fw_str_equal_fold(text, fw_str_from(fw_unit_name(unit)))) {
			*ret_unit = unit;
			return true;
		}
	}
	return false;
}

/* `min`, `sec` and `s` are the start of the word that is meant, `minutes` is near to it. */
static const char *nearest_unit(struct fw_str text)
{
	struct fw_misspell near;

	fw_misspell_init(&near, text);
	for (enum fw_unit unit = FW_SECOND; unit <= FW_DAY; unit++) {
		struct fw_str name = fw_str_from(fw_unit_name(unit));

		if (text.len && text.len < name.len && fw_str_equal_fold(text, cut(name, 0, text.len)))
			return name.data;
		fw_misspell_offer(&near, name);
	}
	return near.best.len ? near.best.data : NULL;
}

static int report_unit(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_str unit)
{
	struct fw_span span = word->span;
	const char *near = nearest_unit(unit);
	struct fw_diag *diag;

	span.offset += (uint32_t)(unit.data - word->text.data);
	span.len = (uint32_t)unit.len;
	diag = fw_diag_error(diags, span, "syntax", "unknown unit '%.*s'", FW_SHOW(unit));
	if (near)
		fw_diag_help(diags, diag, "did you mean '%s'?", near);
	else
		fw_diag_help(diags, diag, "the units are second, minute, hour and day");
	return FW_REPORTED;
}

int fw_parse_rate(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_ast_rate *ret_rate)
{
	struct fw_ast_word count = *word;
	struct fw_str unit_text;
	struct fw_ast_rate rate = { .span = word->span };

	if (!split(word->text, '/', &count.text, &unit_text) || count.text.len == 0)
		return report(diags, word, "a rate", "a rate is a number, '/' and a unit, without blanks: 6/minute");
	count.span.len = (uint32_t)count.text.len;
	if (fw_values_number(diags, &count, "the rate", &rate.count))
		return FW_REPORTED;
	if (!find_unit(unit_text, &rate.unit))
		return report_unit(diags, word, unit_text);
	*ret_rate = rate;
	return 0;
}

/* Durations */

static uint32_t duration_unit(char c)
{
	static const char letters[] = "smhdw";
	static const uint32_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? seconds[at - letters] : 0;
}

int fw_values_duration(struct fw_diags *diags, const struct fw_ast_word *word, uint32_t *ret_seconds)
{
	static const char help[] = "a number and one of s, m, h, d, w: 45s, 30m, 1h, 7d, 2w";
	uint32_t unit = duration_unit(word->text.data[word->text.len - 1]);
	uint64_t count;
	int result = fw_str_parse_u64(cut(word->text, 0, word->text.len - 1), UINT32_MAX, &count);

	if (unit == 0 || result == -EINVAL)
		return report(diags, word, "a duration", help);
	if (result || count > UINT32_MAX / unit)
		return report(diags, word, "a shorter duration", "at most 7101w");
	if (count == 0)
		return report(diags, word, "a duration longer than nothing", NULL);
	*ret_seconds = (uint32_t)count * unit;
	return 0;
}

/* Times and dates */

static bool two_digits(struct fw_str s, size_t at, unsigned int max, unsigned int *ret_number)
{
	uint64_t number;

	if (at + 2 > s.len || fw_str_parse_u64(cut(s, at, 2), max, &number))
		return false;
	*ret_number = (unsigned int)number;
	return true;
}

/* HH:MM of at most `max` minutes. */
static bool clock_time(struct fw_str s, unsigned int max, uint16_t *ret_minute)
{
	unsigned int hour, minute;

	if (s.len != 5 || s.data[2] != ':' || !two_digits(s, 0, 24, &hour) || !two_digits(s, 3, 59, &minute) ||
	    hour * 60 + minute > max)
		return false;
	*ret_minute = (uint16_t)(hour * 60 + minute);
	return true;
}

int fw_values_clock(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_ast_during *during)
{
	struct fw_str start, end;

	if (split(word->text, '-', &start, &end) && clock_time(start, MINUTES_OF_DAY - 1, &during->start_minute) &&
	    clock_time(end, MINUTES_OF_DAY, &during->end_minute))
		return 0;
	return report(diags, word, "a time of day", "two times from 00:00 to 24:00, without blanks: 08:00-17:30");
}

static bool find_day(struct fw_str text, size_t *ret_day)
{
	for (size_t day = 0; day < DAYS; day++) {
		if (fw_str_equal_fold(text, day_names[day])) {
			*ret_day = day;
			return true;
		}
	}
	return false;
}

bool fw_values_is_day(struct fw_str word)
{
	size_t day;

	return word.len >= 3 && find_day(cut(word, 0, 3), &day);
}

static int report_day(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_str text)
{
	struct fw_diag *diag = fw_diag_error(diags, word->span, "syntax", "unknown day '%.*s'", FW_SHOW(text));
	struct fw_misspell near;
	size_t day;

	fw_misspell_init(&near, text);
	for (size_t i = 0; i < DAYS; i++)
		fw_misspell_offer(&near, day_names[i]);
	if (text.len > 3 && find_day(cut(text, 0, 3), &day))
		near.best = day_names[day];
	if (near.best.len)
		fw_diag_help(diags, diag, "did you mean '%s'?", near.best.data);
	else
		fw_diag_help(diags, diag, "the days are mon, tue, wed, thu, fri, sat and sun");
	return FW_REPORTED;
}

int fw_values_days(struct fw_diags *diags, const struct fw_ast_word *word, uint8_t *days)
{
	struct fw_str first_text = word->text, last_text = word->text;
	size_t first, last;

	split(word->text, '-', &first_text, &last_text);
	if (!find_day(first_text, &first))
		return report_day(diags, word, first_text);
	if (!find_day(last_text, &last))
		return report_day(diags, word, last_text);
	for (; first != last; first = (first + 1) % DAYS)
		*days |= (uint8_t)(1u << first);
	*days |= (uint8_t)(1u << last);
	return 0;
}

static unsigned int days_in_month(unsigned int year, unsigned int month)
{
	static const unsigned int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool calendar_date(struct fw_str s, struct fw_ast_until *until)
{
	unsigned int month, day;
	uint64_t year;

	if (s.len < 10 || s.data[4] != '-' || s.data[7] != '-' || fw_str_parse_u64(cut(s, 0, 4), LAST_YEAR, &year) ||
	    year < FIRST_YEAR || !two_digits(s, 5, 12, &month) || month == 0 || !two_digits(s, 8, 31, &day) || day == 0 ||
	    day > days_in_month((unsigned int)year, month))
		return false;
	until->year = (int16_t)year;
	until->month = (uint8_t)month;
	until->day = (uint8_t)day;
	return true;
}

int fw_values_date(struct fw_diags *diags, const struct fw_ast_word *word, struct fw_ast_until *ret_until)
{
	struct fw_str s = word->text;
	struct fw_ast_until until = { 0 };
	uint16_t minute = 0;
	bool good = calendar_date(s, &until);

	if (good && s.len > 10) {
		until.has_time = true;
		good = s.data[10] == ' ' && clock_time(cut(s, 11, s.len - 11), MINUTES_OF_DAY - 1, &minute);
	}
	if (!good)
		return report(diags, word, "a date", "write \"YYYY-MM-DD\" or \"YYYY-MM-DD HH:MM\", such as \"2026-12-31 18:00\"");
	until.hour = (uint8_t)(minute / 60);
	until.minute = (uint8_t)(minute % 60);
	*ret_until = until;
	return 0;
}
