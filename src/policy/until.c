/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/until.c - the end of a rule on the local clock, as a number. */
#include "policy/policy.h"

#define DAY_S 86400

/* Days from 1970-01-01 of a date in the proleptic Gregorian calendar (H. Hinnant's algorithm). */
static int64_t days_from_civil(int64_t year, unsigned int month, unsigned int day)
{
	year -= month <= 2;
	const int64_t era = (year >= 0 ? year : year - 399) / 400;
	const unsigned int of_era = (unsigned int)(year - era * 400);
	const unsigned int of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;

	return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

int64_t fw_until_local(const struct fw_ast_until *until)
{
	return days_from_civil(until->year, until->month, until->day) * DAY_S + until->hour * 3600 + until->minute * 60;
}
