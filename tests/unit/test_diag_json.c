/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics as data, read again by another JSON library, which refuses what is no JSON and no UTF-8. */
#include <jansson.h>

#include "test_diag.h"

static json_t *parsed(struct world *world)
{
	json_error_t error;

	fw_buf_done(&world->text);
	fw_diags_render_json(&world->diags, &world->text);
	assert_int_equal(world->text.error, 0);
	json_t *json = json_loadb(world->text.data, world->text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json)
		fail_msg("%s at byte %d of %s", error.text, error.position, world->text.data);
	assert_true(json_is_array(json));
	return json;
}

static const json_t *member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		fail_msg("no member '%s'", name);
	return value;
}

static void assert_text(const json_t *object, const char *name, const char *wanted)
{
	const json_t *value = member(object, name);

	if (!wanted) {
		assert_true(json_is_null(value));
		return;
	}
	assert_true(json_is_string(value));
	assert_string_equal(json_string_value(value), wanted);
}

static void assert_number(const json_t *object, const char *name, json_int_t wanted)
{
	const json_t *value = member(object, name);

	assert_true(json_is_integer(value));
	assert_int_equal(json_integer_value(value), wanted);
}

static void test_nothing(void **state)
{
	json_t *json = parsed(*state);

	assert_int_equal(json_array_size(json), 0);
	json_decref(json);
}

static void test_members(void **state)
{
	struct world *world = *state;
	const uint32_t source = add_source(world, "policy.conf", FW_STR("# first\nallow shs from any\nallow ssh\n")).source;
	struct fw_diag *diag = fw_diag_error(&world->diags, place_of(world, source, "shs"), "unknown-service", "unknown service 'shs'");

	fw_diag_note(&world->diags, diag, place_of(world, source, "ssh"), "it is used here");
	fw_diag_help(&world->diags, diag, "did you mean 'ssh'?");
	fw_diag_warning(&world->diags, place_of(world, source, "any\nallow"), "exposed", "open");
	json_t *json = parsed(world);
	const json_t *first = json_array_get(json, 0), *second = json_array_get(json, 1), *note = member(first, "note");
	assert_int_equal(json_array_size(json), 2);
	assert_text(first, "severity", "error");
	assert_text(first, "name", "unknown-service");
	assert_text(first, "file", "policy.conf");
	assert_number(first, "line", 2);
	assert_number(first, "column", 7);
	assert_number(first, "end_line", 2);
	assert_number(first, "end_column", 10);
	assert_text(first, "message", "unknown service 'shs'");
	assert_text(first, "help", "did you mean 'ssh'?");
	assert_text(note, "message", "it is used here");
	assert_text(note, "file", "policy.conf");
	assert_number(note, "line", 3);
	assert_number(note, "column", 7);
	assert_int_equal(json_array_size(member(first, "included_from")), 0);
	assert_text(second, "severity", "warning");
	assert_text(second, "name", "exposed");
	assert_text(second, "help", NULL);
	assert_true(json_is_null(member(second, "note")));
	assert_number(second, "line", 2); /* over two lines */
	assert_number(second, "column", 16);
	assert_number(second, "end_line", 3);
	assert_number(second, "end_column", 6);
	json_decref(json);
}

static void test_no_place(void **state)
{
	struct world *world = *state;

	fw_diag_note(&world->diags, fw_diag_error(&world->diags, NOWHERE, "file", "cannot read"), NOWHERE, "why");
	json_t *json = parsed(world);
	const json_t *first = json_array_get(json, 0);
	assert_text(first, "message", "cannot read");
	assert_text(member(first, "note"), "message", "why");
	assert_null(json_object_get(first, "line"));
	assert_true(json_is_array(member(first, "included_from")));
	json_decref(json);
}

static void test_included(void **state)
{
	struct world *world = *state;
	const uint32_t top = add_source(world, "top", FW_STR("\n\ninclude a\n")).source;
	const uint32_t a = fw_sources_add(&world->sources, "a\xff", FW_STR("\ninclude b\n"), (struct fw_span){ top, 2, 9 });
	const uint32_t b = fw_sources_add(&world->sources, "b", FW_STR("bad\n"), (struct fw_span){ a, 1, 9 });

	fw_diag_error(&world->diags, (struct fw_span){ b, 0, 3 }, "syntax", "bad");
	json_t *json = parsed(world);
	const json_t *from = member(json_array_get(json, 0), "included_from");
	assert_int_equal(json_array_size(from), 2);
	assert_text(json_array_get(from, 0), "file", "a\xef\xbf\xbd");
	assert_number(json_array_get(from, 0), "line", 2);
	assert_text(json_array_get(from, 1), "file", "top");
	assert_number(json_array_get(from, 1), "line", 3);
	json_decref(json);
}

/* Only what is kept, as many as the text shows. */
static void test_limit(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 100; i++)
		fw_diag_error(&world->diags, NOWHERE, "syntax", "error %d", i);
	json_t *json = parsed(world);
	assert_int_equal(json_array_size(json), FW_DIAG_MAX_ERRORS);
	json_decref(json);
}

static const char *as_json(struct world *world, struct fw_str text)
{
	fw_buf_done(&world->text);
	fw_json_string(&world->text, text);
	assert_int_equal(world->text.error, 0);
	return world->text.data;
}

static void test_strings(void **state)
{
	struct world *world = *state;

	assert_string_equal(as_json(world, FW_STR("")), "\"\"");
	assert_string_equal(as_json(world, FW_STR("a/b")), "\"a/b\"");
	assert_string_equal(as_json(world, FW_STR("\"\\")), "\"\\\"\\\\\"");
	assert_string_equal(as_json(world, FW_STR("\t\n\0\x1f\x7f")), "\"\\u0009\\u000a\\u0000\\u001f\\u007f\"");
	assert_string_equal(as_json(world, FW_STR("\xc2\x9b\xe2\x80\xa8")), "\"\\u009b\\u2028\"");
	assert_string_equal(as_json(world, FW_STR("\xc3\xa4\xf0\x9f\x98\x80")), "\"\xc3\xa4\xf0\x9f\x98\x80\"");
	assert_string_equal(as_json(world, FW_STR("x\xffy")), "\"x\xef\xbf\xbdy\"");
	assert_string_equal(as_json(world, FW_STR("\xe2\x82")), "\"\xef\xbf\xbd\xef\xbf\xbd\""); /* cut off */
}

/* Every two bytes: JSON, and the same text where it was text. */
static void test_all_pairs(void **state)
{
	struct world *world = *state;

	for (unsigned int pair = 0; pair <= 0xffff; pair++) {
		const char bytes[2] = { (char)(pair >> 8), (char)(pair & 0xff) };
		const struct fw_str text = { bytes, 2 };
		const char *out = as_json(world, text);
		json_t *json = json_loadb(out, strlen(out), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (!json)
			fail_msg("%04x: %s", pair, out);
		if (fw_str_utf8_valid(text) == 2) {
			assert_int_equal(json_string_length(json), 2);
			assert_memory_equal(json_string_value(json), bytes, 2);
		} else {
			assert_non_null(memmem(json_string_value(json), json_string_length(json), "\xef\xbf\xbd", 3));
		}
		json_decref(json);
	}
}

static void test_unclean_words(void **state)
{
	struct world *world = *state;
	const uint32_t source = add_source(world, "n\x1b\"\xff", FW_STR("\xff\xfe\n")).source;
	const struct fw_span span = { source, 1, 1 };
	struct fw_diag *diag = fw_diag_error(&world->diags, span, "syntax", "m\n\"%s", "\x80");

	fw_diag_note(&world->diags, diag, span, "o\\");
	fw_diag_help(&world->diags, diag, "h\x01");
	json_t *json = parsed(world);
	const json_t *first = json_array_get(json, 0);
	assert_text(first, "file", "n\x1b\"\xef\xbf\xbd");
	assert_text(first, "message", "m\n\"\xef\xbf\xbd");
	assert_text(first, "help", "h\x01");
	assert_text(member(first, "note"), "message", "o\\");
	assert_number(first, "column", 2);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_nothing), WORLD_TEST(test_members), WORLD_TEST(test_no_place),	WORLD_TEST(test_included),
		WORLD_TEST(test_limit),	  WORLD_TEST(test_strings), WORLD_TEST(test_all_pairs), WORLD_TEST(test_unclean_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
