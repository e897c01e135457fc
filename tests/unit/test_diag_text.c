/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics as people read them: the layout, the mark under the place whatever stands before it, and nothing that a terminal acts upon. */
#include "test_diag.h"

static void test_layout(void **state)
{
	struct world *world = *state;
	const uint32_t source = add_source(world, "policy.conf", FW_STR("# first\nallow shs from any\nallow ssh\n")).source;
	struct fw_diag *diag = fw_diag_error(&world->diags, place_of(world, source, "shs"), "unknown-service", "unknown service '%s'", "shs");

	fw_diag_note(&world->diags, diag, place_of(world, source, "ssh"), "it is used here");
	fw_diag_help(&world->diags, diag, "did you mean '%s'?", "ssh");
	assert_string_equal(rendered(world), "policy.conf:2:7: error: unknown service 'shs'\n"
					     "    2 | allow shs from any\n"
					     "      |       ^~~\n"
					     "  note: policy.conf:3: it is used here\n"
					     "  help: did you mean 'ssh'?\n");
}

static void test_nothing(void **state)
{
	assert_string_equal(rendered(*state), "");
}

static void test_warning_and_no_place(void **state)
{
	struct world *world = *state;
	const uint32_t source = add_source(world, "p", FW_STR("allow any")).source;

	fw_diag_note(&world->diags, fw_diag_warning(&world->diags, (struct fw_span){ source, 6, 3 }, "exposed", "open"), NOWHERE, "without a place");
	fw_diag_error(&world->diags, NOWHERE, "file", "cannot read 'x'");
	assert_string_equal(rendered(world), "p:1:7: warning: open [exposed]\n"
					     "    1 | allow any\n"
					     "      |       ^~~\n"
					     "  note: without a place\n"
					     "fwctl: error: cannot read 'x'\n");
}

static void test_colour(void **state)
{
	struct world *world = *state;
	const uint32_t source = add_source(world, "p", FW_STR("x")).source;

	fw_diag_error(&world->diags, (struct fw_span){ source, 0, 1 }, "syntax", "bad");
	fw_diag_warning(&world->diags, (struct fw_span){ source, 0, 1 }, "odd", "strange");
	fw_diags_render_text(&world->diags, true, &world->text);
	assert_non_null(strstr(world->text.data, "\033[1;31merror:\033[0m bad\n"));
	assert_non_null(strstr(world->text.data, "\033[1;33mwarning:\033[0m strange [odd]\n"));
	assert_null(strchr(rendered(world), '\033'));
}

static void test_included(void **state)
{
	struct world *world = *state;
	const uint32_t top = add_source(world, "top", FW_STR("\n\ninclude a\n")).source;
	const uint32_t a = fw_sources_add(&world->sources, "a", FW_STR("\ninclude b\n"), (struct fw_span){ top, 2, 9 });
	const uint32_t b = fw_sources_add(&world->sources, "b", FW_STR("bad\n"), (struct fw_span){ a, 1, 9 });

	fw_diag_help(&world->diags, fw_diag_error(&world->diags, (struct fw_span){ b, 0, 3 }, "syntax", "bad"), "good");
	assert_string_equal(rendered(world), "b:1:1: error: bad\n"
					     "    1 | bad\n"
					     "      | ^~~\n"
					     "  help: good\n"
					     "  included from a:2\n"
					     "  included from top:3\n");
}

/* The two lines of the source and the mark. */
static const char *shown(struct world *world, struct fw_str text, struct fw_span where)
{
	where.source = add_source(world, "p", text).source;
	fw_diags_init(&world->diags, world->arena, &world->sources);
	fw_diag_error(&world->diags, where, "syntax", "m");
	return strchr(rendered(world), '\n') + 1;
}

static void test_marks(void **state)
{
	struct world *world = *state;

	assert_string_equal(shown(world, FW_STR("a\tb\tc"), (struct fw_span){ 0, 4, 1 }), "    1 | a\tb\tc\n      |  \t \t^\n");
	assert_string_equal(shown(world, FW_STR("abc"), (struct fw_span){ 0, 1, 0 }), "    1 | abc\n      |  ^\n");
	assert_string_equal(shown(world, FW_STR("abc"), (struct fw_span){ 0, 3, 0 }), "    1 | abc\n      |    ^\n"); /* the end */
	assert_string_equal(shown(world, FW_STR("abc\n"), (struct fw_span){ 0, 3, 1 }), "    1 | abc\n      |    ^\n");
	assert_string_equal(shown(world, FW_STR("abc\r\nx"), (struct fw_span){ 0, 1, 2 }), "    1 | abc\n      |  ^~\n");
	assert_string_equal(shown(world, FW_STR("abc\ndef"), (struct fw_span){ 0, 1, 5 }), "    1 | abc\n      |  ^~\n"); /* of two lines, the first */
	assert_string_equal(shown(world, FW_STR(""), (struct fw_span){ 0, 0, 0 }), "    1 | \n      | ^\n");
	assert_string_equal(shown(world, FW_STR("a\n"), (struct fw_span){ 0, 2, 0 }), "    2 | \n      | ^\n");
	assert_string_equal(shown(world, FW_STR("a\n\nb"), (struct fw_span){ 0, 2, 1 }), "    2 | \n      | ^\n");
	/* a character of two bytes is as wide as one */
	assert_string_equal(shown(world, FW_STR("\xc3\xa4 \xc3\xb6\xc3\xbc x"), (struct fw_span){ 0, 3, 4 }), "    1 | \xc3\xa4 \xc3\xb6\xc3\xbc x\n      |   ^~\n");
}

/* What a terminal would act upon, and what is no text, is a '?' of one column. */
static void test_unclean(void **state)
{
	struct world *world = *state;

	assert_string_equal(shown(world, FW_STR("\x1b[2J x"), (struct fw_span){ 0, 5, 1 }), "    1 | ?[2J x\n      |      ^\n");
	assert_string_equal(shown(world, FW_STR("\0\x7f\r x"), (struct fw_span){ 0, 4, 1 }), "    1 | ??? x\n      |     ^\n");
	assert_string_equal(shown(world, FW_STR("\xc2\x9b" "1m x"), (struct fw_span){ 0, 5, 1 }), "    1 | ?1m x\n      |     ^\n");
	assert_string_equal(shown(world, FW_STR("\xe2\x80\xae x"), (struct fw_span){ 0, 4, 1 }), "    1 | ? x\n      |   ^\n");
	assert_string_equal(shown(world, FW_STR("\xff\xfe x"), (struct fw_span){ 0, 3, 1 }), "    1 | ?? x\n      |    ^\n");
	assert_string_equal(shown(world, FW_STR("\x80\x80\x80 x"), (struct fw_span){ 0, 4, 1 }), "    1 | ??? x\n      |     ^\n");
	assert_string_equal(shown(world, FW_STR("\xe2\x82 x"), (struct fw_span){ 0, 3, 1 }), "    1 | ?? x\n      |    ^\n");
	assert_string_equal(shown(world, FW_STR("a \x80\x80\x80"), (struct fw_span){ 0, 2, 3 }), "    1 | a ???\n      |   ^~~\n");
}

static bool is_clean(const char *text)
{
	struct fw_str rest = fw_str_from(text);

	while (rest.len > 0) {
		const size_t step = *rest.data == '\n' ? 1 : fw_str_shown_at(rest);
		if (step == 0)
			return false;
		rest.data += step;
		rest.len -= step;
	}
	return true;
}

/* Names of files, messages, notes and help come from outside too. */
static void test_unclean_words(void **state)
{
	struct world *world = *state;
	const uint32_t top = add_source(world, "t\x1b[0m\n", FW_STR("include x")).source;
	const uint32_t source = fw_sources_add(&world->sources, "n\x1b]0;\x07\xff", FW_STR("x"), (struct fw_span){ top, 0, 7 });
	struct fw_diag *diag = fw_diag_error(&world->diags, (struct fw_span){ source, 0, 1 }, "syntax", "m\x1b[1m\n%s", "\xe2\x80\xae");

	fw_diag_note(&world->diags, diag, (struct fw_span){ source, 0, 1 }, "o\x9b");
	fw_diag_help(&world->diags, diag, "h\r\x08");
	assert_string_equal(rendered(world), "n?]0;??:1:1: error: m?[1m??\n"
					     "    1 | x\n"
					     "      | ^\n"
					     "  note: n?]0;??:1: o?\n"
					     "  help: h??\n"
					     "  included from t?[0m?:1\n");
	assert_true(is_clean(rendered(world)));
}

/* Wherever the place is in a long line, it is seen, the mark is under it, and the line is cut where a character begins. */
static void check_long(struct world *world, struct fw_str text, uint32_t at)
{
	const char *line = strstr(shown(world, text, (struct fw_span){ 0, at, 4 }), "| ") + 2, *mark_line = strstr(line, "\n      | ") + 9;
	const struct fw_str whole = { line, (size_t)(strchr(line, '\n') - line) };
	size_t columns = strcspn(mark_line, "^");

	assert_true(is_clean(line));
	assert_true(whole.len <= 200);
	assert_int_equal(strspn(mark_line + columns, "^~"), 4);
	const char *under = line;
	for (; columns > 0; columns--)
		under += fw_str_shown_at((struct fw_str){ under, whole.len - (size_t)(under - line) });
	assert_memory_equal(under, "HERE", 4);
	assert_int_equal(strncmp(line, "...", 3) == 0, at > 60);
}

static void test_long_lines(void **state)
{
	static const struct fw_str fills[] = { { "x", 1 }, { "\xc3\xa4", 2 }, { "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98\x80", 4 }, { "a\xe2\x82\xac", 4 } };
	struct world *world = *state;
	char text[4000];

	for (size_t i = 0; i < FW_ARRAY_SIZE(fills); i++)
		for (uint32_t before = 0; before < 500; before += before < 100 ? 1 : 37) {
			const size_t at = before * fills[i].len;
			for (size_t k = 0; k < sizeof(text); k++)
				text[k] = fills[i].data[(k < at ? k : k - at - 4) % fills[i].len];
			memcpy(text + at, "HERE", 4);
			check_long(world, (struct fw_str){ text, at + 4 + fills[i].len * 400 }, (uint32_t)at);
		}
}

/* What just fits is not cut. */
static void test_line_that_fits(void **state)
{
	struct world *world = *state;
	char text[221];

	memset(text, 'x', sizeof(text));
	assert_null(strstr(shown(world, (struct fw_str){ text, 160 }, (struct fw_span){ 0, 159, 1 }), "..."));
	const char *out = shown(world, (struct fw_str){ text, 161 }, (struct fw_span){ 0, 0, 1 });
	assert_memory_equal(strchr(out, '\n') - 4, "x...", 4);
	/* 60 bytes are left out before the place, and the rest fits, or is one byte too long */
	out = shown(world, (struct fw_str){ text, 220 }, (struct fw_span){ 0, 120, 1 });
	assert_memory_equal(out, "    1 | ...x", 12);
	assert_memory_equal(strchr(out, '\n') - 4, "xxxx", 4);
	out = shown(world, (struct fw_str){ text, 221 }, (struct fw_span){ 0, 120, 1 });
	assert_memory_equal(strchr(out, '\n') - 4, "x...", 4);
}

/* A line of nothing but bytes that continue no character is cut all the same, and the mark seen. */
static void test_long_rubbish(void **state)
{
	struct world *world = *state;
	char text[100000];

	memset(text, 0x80, sizeof(text));
	const char *out = shown(world, (struct fw_str){ text, sizeof(text) }, (struct fw_span){ 0, 50000, 10 });
	assert_true(strlen(out) < 500);
	assert_true(is_clean(out));
	assert_non_null(strstr(out, "^~~~~~~~~~\n"));
	const char *mark_line = strchr(out, '\n') + 1;
	const size_t column = (size_t)(strchr(mark_line, '^') - mark_line);
	assert_int_equal(out[column], '?');
	/* a mark as long as the line ends where the line is cut */
	out = shown(world, (struct fw_str){ text, sizeof(text) }, (struct fw_span){ 0, 0, sizeof(text) });
	assert_true(strlen(out) < 500);
}

static const char *last_line(const char *text)
{
	const char *at = text + strlen(text) - 1;

	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

static void test_more(void **state)
{
	struct world *world = *state;
	const struct fw_span span = add_source(world, "p", FW_STR("text")).source ? (struct fw_span){ 1, 0, 4 } : NOWHERE;

	for (int i = 0; i < FW_DIAG_MAX_ERRORS; i++)
		fw_diag_error(&world->diags, span, "syntax", "error %d", i);
	assert_string_equal(last_line(rendered(world)), "      | ^~~~\n");
	fw_diag_error(&world->diags, span, "syntax", "one more");
	assert_string_equal(last_line(rendered(world)), "1 more error\n");
	fw_diag_error(&world->diags, span, "syntax", "another");
	assert_string_equal(last_line(rendered(world)), "2 more errors\n");
	assert_null(strstr(rendered(world), "another"));
	fw_diags_sort(&world->diags);
	assert_string_equal(last_line(rendered(world)), "2 more errors\n");
}

/* Random bytes for text, anywhere marked: always clean, always with one mark. Under the sanitizers no byte outside is read. */
static void test_random(void **state)
{
	static const char alphabet[] = { 'a', ' ', '\t', '\n', '\r', '\0', '\x1b', '\x80', '\xbf', '\xc3', '\xe2', '\x80', '\xae', '\xf0', '\xff' };
	struct world *world = *state;
	uint32_t random = 1;

	for (unsigned int round = 0; round < 3000; round++) {
		const size_t len = round % 700;
		char *text = malloc(len + 1);
		assert_non_null(text);
		for (size_t i = 0; i < len; i++) {
			random = random * 1664525u + 1013904223u;
			text[i] = alphabet[(random >> 16) % sizeof(alphabet)];
			if (text[i] == '\n' && random >> 30) /* long lines too */
				text[i] = 'x';
		}
		random = random * 1664525u + 1013904223u;
		const struct fw_span where = { 0, (random >> 8) % (uint32_t)(len + 3), random >> 24 };
		const char *out = shown(world, (struct fw_str){ text, len }, where);
		assert_true(is_clean(out));
		assert_non_null(strchr(out, '^'));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_layout),  WORLD_TEST(test_nothing),	  WORLD_TEST(test_warning_and_no_place), WORLD_TEST(test_colour),
		WORLD_TEST(test_included), WORLD_TEST(test_marks),	  WORLD_TEST(test_unclean),		 WORLD_TEST(test_unclean_words),
		WORLD_TEST(test_long_lines), WORLD_TEST(test_line_that_fits), WORLD_TEST(test_long_rubbish), WORLD_TEST(test_more),		 WORLD_TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
