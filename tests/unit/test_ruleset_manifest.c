/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest: what is written is read again, one changed line changes one rule, and anything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "ruleset/diff.h"

#define BUDGET (64u << 20)
#define USERDATA_MAX 256

static void fill_line(struct fw_manifest_line *line, uint32_t number, uint16_t file)
{
	*line = (struct fw_manifest_line){ .owner = number % 7 ? FW_RS_RULE : FW_RS_BLOCK, .line = number * 3 + 1, .file = file };
	unsigned long long id = number * 0x9e3779b97f4a7c15u;
	if (number % 11)
		snprintf(line->id, sizeof(line->id), "%016llx", id);
	else
		snprintf(line->id, sizeof(line->id), "odd id %u", number);
}

static struct fw_manifest make_manifest(struct fw_arena *arena, uint32_t lines)
{
	static const char *const files[] = { "policy.conf", "", "policy.d/a.conf" };
	struct fw_manifest_line *items = fw_arena_alloc(arena, lines + 1, sizeof(*items));
	for (uint32_t i = 0; i < lines; i++)
		fill_line(&items[i], i, (uint16_t)(i / 50 % 3));
	if (lines > 2) {
		items[1].line = UINT32_MAX;
		items[2].line = 0;
	}
	return (struct fw_manifest){ { 0x0123456789abcdef, 0xfedcba9876543210 }, 1800000000, files, 3, items, lines };
}

static struct fw_ruleset *encode(struct fw_arena *arena, const struct fw_manifest *manifest)
{
	struct fw_ruleset *rs = fw_arena_alloc(arena, 1, sizeof(*rs));
	fw_ruleset_init(rs, arena);
	assert_int_equal(fw_manifest_encode(rs, manifest), 0);
	return rs;
}

static void assert_same(const struct fw_manifest *a, const struct fw_manifest *b)
{
	assert_true(a->policy_hash.hi == b->policy_hash.hi && a->policy_hash.lo == b->policy_hash.lo);
	assert_true(a->horizon == b->horizon);
	assert_int_equal(a->file_count, b->file_count);
	for (size_t i = 0; i < a->file_count; i++)
		assert_string_equal(a->files[i], b->files[i]);
	assert_int_equal(a->line_count, b->line_count);
	for (size_t i = 0; i < a->line_count; i++) {
		assert_string_equal(a->lines[i].id, b->lines[i].id);
		assert_int_equal(a->lines[i].owner, b->lines[i].owner);
		assert_int_equal(a->lines[i].file, b->lines[i].file);
		assert_int_equal(a->lines[i].line, b->lines[i].line);
	}
}

static void test_round_trip(void **state)
{
	(void)state;
	const uint32_t sizes[] = { 0, 1, 2, 3, 17, 100, 5000 };
	for (size_t i = 0; i < FW_ARRAY_SIZE(sizes); i++) {
		struct fw_arena *arena = fw_arena_new(BUDGET);
		struct fw_manifest in = make_manifest(arena, sizes[i]), out;
		struct fw_ruleset *rs = encode(arena, &in);
		const struct fw_rs_chain *chain = fw_ruleset_chain(rs, FW_MANIFEST_CHAIN);
		for (size_t k = 0; k < chain->rules.len; k++) {
			const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, k);
			assert_true(rule->blob.len + 2 + 2 + 2 <= USERDATA_MAX); /* blob, its head, the tag with its own */
		}
		assert_int_equal(fw_manifest_decode(rs, arena, &out), 0);
		assert_same(&in, &out);
		fw_arena_free(arena);
	}
}

static void test_long_file_name(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	char name[4096];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	const char *files[] = { name, "b" };
	struct fw_manifest in = { .files = files, .file_count = 2 }, out;
	assert_int_equal(fw_manifest_decode(encode(arena, &in), arena, &out), 0);
	assert_same(&in, &out);
	fw_arena_free(arena);
}

static void test_no_manifest(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_ruleset rs;
	struct fw_manifest out;
	fw_ruleset_init(&rs, arena);
	assert_int_equal(fw_manifest_decode(&rs, arena, &out), -ENOENT);
	fw_ruleset_add_chain(&rs, FW_MANIFEST_CHAIN);
	assert_int_equal(fw_manifest_decode(&rs, arena, &out), -ENOENT);
	fw_arena_free(arena);
}

/* One line inserted in the middle: the head (its count), and the records around it. */
static void test_insertion_is_local(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_manifest a = make_manifest(arena, 2000), b = make_manifest(arena, 2001);
	struct fw_manifest_line *lines = fw_arena_alloc(arena, 2001, sizeof(*lines));
	for (size_t i = 0; i < 2001; i++) {
		lines[i] = a.lines[i < 1000 ? i : i - 1];
		lines[i].line += i > 1000;
	}
	fill_line(&lines[1000], 99999, lines[999].file);
	lines[1000].line = lines[999].line + 1;
	b.lines = lines;
	struct fw_changes changes;
	assert_int_equal(fw_ruleset_diff(arena, encode(arena, &a), encode(arena, &b), &changes), 0);
	assert_true(changes.list.len >= 4);
	assert_true(changes.list.len <= 12);
	fw_arena_free(arena);
}

/* Cut anywhere, or with any byte changed: refused or read, never past the end (run under the sanitizers). */
static void test_damaged(void **state)
{
	(void)state;
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_manifest in = make_manifest(arena, 40), out;
	struct fw_ruleset *rs = encode(arena, &in);
	struct fw_rs_chain *chain = fw_ruleset_chain(rs, FW_MANIFEST_CHAIN);
	size_t refused = 0;
	for (size_t i = 0; i < chain->rules.len; i++) {
		struct fw_rs_rule *rule = fw_vec_at(&chain->rules, i);
		const struct fw_str whole = rule->blob;
		for (size_t len = 0; len < whole.len; len++) {
			char *copy = fw_arena_copy(arena, whole);
			copy[len] = (char)(copy[len] ^ 0x55);
			rule->blob = (struct fw_str){ copy, whole.len };
			refused += fw_manifest_decode(rs, arena, &out) == -EBADMSG;
			rule->blob = (struct fw_str){ fw_arena_copy(arena, (struct fw_str){ whole.data, len }), len };
			assert_int_equal(fw_manifest_decode(rs, arena, &out), -EBADMSG);
		}
		rule->blob = whole;
	}
	assert_true(refused > 0);
	chain->rules.len--;
	assert_int_equal(fw_manifest_decode(rs, arena, &out), -EBADMSG);
	fw_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	  cmocka_unit_test(test_long_file_name), cmocka_unit_test(test_no_manifest),
		cmocka_unit_test(test_insertion_is_local), cmocka_unit_test(test_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
