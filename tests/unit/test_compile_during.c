/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wall-clock conditions against libc, minute by minute: every zone below over years with changes of its clock, odd offsets, a skipped
 * day and a year of Ramadan rules. The C library is asked for each minute; the compiler only for offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "compile/plan.h"

#define BUDGET (256u << 20)
#define DAY 86400

static const struct {
	const char *zone;
	int first_year, years;
} spans[] = {
	{ "UTC", 2026, 1 },
	{ "Europe/Berlin", 2024, 4 },
	{ "America/New_York", 2026, 2 },
	{ "Australia/Lord_Howe", 2025, 2 }, /* half an hour of daylight saving */
	{ "Asia/Kathmandu", 2026, 1 },      /* +05:45 */
	{ "America/Sao_Paulo", 2017, 3 },   /* changed at midnight, and then no more */
	{ "Africa/Casablanca", 2025, 2 },   /* back for Ramadan */
	{ "Pacific/Apia", 2011, 2 },        /* a day that was skipped */
	{ "Asia/Tehran", 2021, 2 },
	{ "America/St_Johns", 2010, 2 }, /* changed at 00:01 */
	{ "Asia/Gaza", 2024, 2 },	 /* four changes in a year */
	/* Rules in POSIX's words, which need no table of zones. */
	{ "CET-1CEST,M3.5.0,M10.5.0/3", 2028, 1 },
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", 2026, 1 },	   /* Dublin: winter is what differs */
	{ "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", 2026, 1 },   /* Troll: two hours */
	{ "CST5CDT,M3.2.0/0,M11.1.0/1", 2026, 1 },	   /* Havana: no midnight on one day, two on another */
	{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026, 1 },	   /* Nuuk: changes on the day before */
	{ "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", 2026, 1 }, /* Chatham */
	{ "<+14>-14", 2026, 1 },
	{ "<-12>12", 2026, 1 },
};

/* Weekdays are bits from Monday. */
static const struct fw_ast_during specs[] = {
	{ 8 * 60, 17 * 60, 31, true },       { 22 * 60, 6 * 60, 127, false }, { 0, 1440, 96, true },
	{ 2 * 60, 3 * 60, 127, false },      { 2 * 60 + 30, 2 * 60 + 31, 64, true }, { 23 * 60 + 59, 1, 16, true },
	{ 12 * 60, 12 * 60, 1, true },       { 0, 1, 127, false },            { 1 * 60 + 45, 2 * 60 + 15, 64, true },
};

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* A zone that the C library does not know is UTC to it, and nothing would be tried. */
static void require_zone(const char *zone)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	if (strchr(zone, '/') && !strchr(zone, ',') && access(path, R_OK) != 0)
		fail_msg("%s is not there: the package tzdata is needed", path);
}

static int64_t year_start(int year)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = 0, .tm_mday = 1 };
	return (int64_t)timegm(&tm);
}

static bool on_day(const struct fw_ast_during *during, int weekday_from_sunday)
{
	return during->days >> ((weekday_from_sunday + 6) % 7) & 1;
}

/* What the language says, of the clock on the wall alone. */
static bool holds(const struct fw_ast_during *during, const struct tm *local)
{
	int minute = local->tm_hour * 60 + local->tm_min;
	if (during->end_minute > during->start_minute)
		return on_day(during, local->tm_wday) && minute >= during->start_minute && minute < during->end_minute;
	return (on_day(during, local->tm_wday) && minute >= during->start_minute) ||
	       (on_day(during, (local->tm_wday + 6) % 7) && minute < during->end_minute);
}

static void compare(struct fw_arena *arena, const char *zone, const struct fw_ast_during *during, int64_t from, int64_t to)
{
	const struct fw_compile_env env = { .now = from };
	struct fw_instants instants;
	assert_int_equal(fw_compile_during(arena, &env, during, (struct fw_instant_range){ from, to }, &instants), 0);
	size_t at = 0;
	for (int64_t t = from; t < to; t += 60) {
		while (at < instants.len && instants.ranges[at].end <= t)
			at++;
		bool got = at < instants.len && instants.ranges[at].begin <= t;
		time_t instant = (time_t)t;
		struct tm local;
		localtime_r(&instant, &local);
		if (got != holds(during, &local))
			fail_msg("%s: %u-%u at %lld: %d", zone, during->start_minute, during->end_minute, (long long)t, got);
	}
	for (size_t i = 0; i < instants.len; i++) {
		assert_true(instants.ranges[i].begin < instants.ranges[i].end);
		assert_true(instants.ranges[i].begin >= from && instants.ranges[i].end <= to);
		assert_true(i == 0 || instants.ranges[i - 1].end < instants.ranges[i].begin); /* sorted, apart */
		assert_int_equal(instants.ranges[i].begin % 60, 0); /* so that asking each minute sees everything */
	}
}

static void test_zones_and_years(void **state)
{
	(void)state;
	for (size_t s = 0; s < FW_ARRAY_SIZE(spans); s++) {
		require_zone(spans[s].zone);
		set_zone(spans[s].zone);
		struct fw_arena *arena = fw_arena_new(BUDGET);
		for (size_t i = 0; i < FW_ARRAY_SIZE(specs); i++)
			compare(arena, spans[s].zone, &specs[i], year_start(spans[s].first_year),
				year_start(spans[s].first_year + spans[s].years));
		fw_arena_free(arena);
	}
}

/* Not only from midnight to midnight: any first and last minute. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	set_zone("Europe/Berlin");
	struct fw_arena *arena = fw_arena_new(BUDGET);
	int64_t spring = year_start(2026) + 87 * DAY; /* 2026-03-29 */
	for (int64_t from = spring - 2 * 3600; from < spring + 4 * 3600; from += 17 * 60)
		compare(arena, "Europe/Berlin", &specs[3], from, from + 37 * 3600 + 60);
	fw_arena_free(arena);
}

static void assert_until(const char *zone, struct fw_ast_until until, int64_t wanted)
{
	const struct fw_compile_env env = { 0 };
	set_zone(zone);
	assert_int_equal(fw_compile_until(&env, &until), wanted);
}

static void test_until(void **state)
{
	(void)state;
	assert_until("UTC", (struct fw_ast_until){ 2026, 12, 31, 0, 0, false }, year_start(2027) - DAY);
	assert_until("UTC", (struct fw_ast_until){ 2026, 12, 31, 23, 30, true }, year_start(2027) - 1800);
	assert_until("Asia/Kathmandu", (struct fw_ast_until){ 2027, 1, 1, 0, 0, true }, year_start(2027) - 5 * 3600 - 45 * 60);
	/* 2026-03-29 02:30 does not exist in Berlin: the change, 01:00 UTC. */
	int64_t spring = year_start(2026) + 87 * DAY;
	assert_until("Europe/Berlin", (struct fw_ast_until){ 2026, 3, 29, 2, 30, true }, spring + 3600);
	assert_until("Europe/Berlin", (struct fw_ast_until){ 2026, 3, 29, 1, 59, true }, spring + 3540);
	assert_until("Europe/Berlin", (struct fw_ast_until){ 2026, 3, 29, 3, 0, true }, spring + 3600);
	/* 2026-10-25 02:30 comes twice: the later, 01:30 UTC. */
	int64_t autumn = year_start(2026) + 297 * DAY;
	assert_until("Europe/Berlin", (struct fw_ast_until){ 2026, 10, 25, 2, 30, true }, autumn + 3600 + 1800);
	/* 2011-12-30 was skipped in Apia: the instant of the change. */
	assert_until("Pacific/Apia", (struct fw_ast_until){ 2011, 12, 30, 12, 0, true }, year_start(2011) + 363 * DAY + 10 * 3600);
	assert_until("UTC", (struct fw_ast_until){ 9999, 12, 31, 0, 0, false }, 253402214400);
	assert_until("UTC", (struct fw_ast_until){ 1969, 12, 31, 0, 0, false }, -DAY);
}

/* The clock is an argument: nothing of the process's zone is asked then. */
static int32_t fixed_offset(void *clock, int64_t utc)
{
	(void)utc;
	return *(int32_t *)clock;
}

static void test_clock_is_an_argument(void **state)
{
	(void)state;
	set_zone("America/New_York");
	int32_t offset = 3600;
	const struct fw_compile_env env = { .now = year_start(2026), .clock = &offset, .utc_offset = fixed_offset };
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_instants instants;
	assert_int_equal(fw_compile_during(arena, &env, &specs[0], (struct fw_instant_range){ year_start(2026), year_start(2026) + DAY }, &instants), 0);
	assert_int_equal(instants.len, 1); /* a Thursday */
	assert_int_equal(instants.ranges[0].begin, year_start(2026) + 7 * 3600);
	assert_int_equal(instants.ranges[0].end, year_start(2026) + 16 * 3600);
	/* 2025-12-22 00:00 local was the Monday of the week before. */
	assert_int_equal(fw_during_begin(&env), year_start(2026) - 10 * DAY - 3600);
	fw_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones_and_years),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_clock_is_an_argument),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
