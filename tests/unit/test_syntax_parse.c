/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/test_syntax_parse.c - what the parser makes of texts: nodes, spans, values, recovery, bounds. */
#include <errno.h>
#include <time.h>

#include "syntax/words.h"
#include "test_syntax.h"

#define assert_str(s, expected) assert_true(fw_str_equal((s), fw_str_from(expected)))

static const struct fw_stmt *first(const struct parsed *t)
{
	assert_true(t->file->body.len >= 1);
	return t->file->body.items[0];
}

/* The only clause of the only statement, a rule. */
static const struct fw_ast_clause *only_clause(struct parsed *t, const char *text)
{
	const struct fw_stmt *stmt;

	parse_good(t, text);
	stmt = first(t);
	assert_int_equal(stmt->kind, FW_STMT_RULE);
	assert_int_equal(stmt->rule.clauses.len, 1);
	return &stmt->rule.clauses.items[0];
}

static void test_one_line(void **state)
{
	struct parsed t;
	const struct fw_stmt *stmt;

	(void)state;
	parse_good(&t, "allow ftp, ssh");
	stmt = first(&t);
	assert_int_equal(t.file->body.len, 1);
	assert_int_equal(stmt->kind, FW_STMT_RULE);
	assert_int_equal(stmt->rule.verdict, FW_ALLOW);
	assert_false(stmt->rule.has_direction);
	assert_false(stmt->rule.any);
	assert_int_equal(stmt->rule.what.len, 2);
	assert_str(stmt->rule.what.words[0].text, "ftp");
	assert_str(stmt->rule.what.words[1].text, "ssh");
	assert_str(fw_span_text(&t.sources, stmt->rule.what.words[1].span), "ssh");
	assert_str(fw_span_text(&t.sources, stmt->rule.what.span), "ftp, ssh");
	assert_str(fw_span_text(&t.sources, stmt->span), "allow ftp, ssh");
	parsed_done(&t);
}

static void test_spans_leave_out_comments(void **state)
{
	struct parsed t;

	(void)state;
	parse_good(&t, "# one\n  deny out smtp from a # two\n");
	assert_str(fw_span_text(&t.sources, first(&t)->span), "deny out smtp from a");
	assert_str(fw_span_text(&t.sources, first(&t)->rule.clauses.items[0].span), "from a");
	assert_str(fw_span_text(&t.sources, first(&t)->rule.direction_span), "out");
	assert_int_equal(t.file->comment_count, 2);
	assert_true(t.file->comments[0].own_line);
	assert_false(t.file->comments[1].own_line);
	assert_str(fw_span_text(&t.sources, t.file->comments[1].span), "# two");
	parsed_done(&t);
}

static void test_operands(void **state)
{
	struct parsed t;
	const struct fw_ast_clause *clause = only_clause(&t, "allow ssh from a, 10.0.0.0/8 except b, c");

	(void)state;
	assert_int_equal(clause->kind, FW_CLAUSE_FROM);
	assert_false(clause->operands.any);
	assert_int_equal(clause->operands.list.len, 2);
	assert_int_equal(clause->operands.except.len, 2);
	assert_str(clause->operands.except.words[1].text, "c");
	assert_str(fw_span_text(&t.sources, clause->operands.span), "a, 10.0.0.0/8 except b, c");
	parsed_done(&t);
	clause = only_clause(&t, "allow ssh FROM ANY EXCEPT blocklist");
	assert_true(clause->operands.any);
	assert_int_equal(clause->operands.list.len, 0);
	assert_int_equal(clause->operands.except.len, 1);
	parsed_done(&t);
	clause = only_clause(&t, "allow ssh on \"any\", wg*");
	assert_false(clause->operands.any);
	assert_true(clause->operands.list.words[0].quoted);
	assert_str(clause->operands.list.words[0].text, "any");
	parsed_done(&t);
}

static void test_rate_and_log(void **state)
{
	struct parsed t;
	const struct fw_ast_clauses *clauses;

	(void)state;
	parse_good(&t, "allow ssh rate 6/minute burst 9 per source log \"t\" rate 5/hour");
	clauses = &first(&t)->rule.clauses;
	assert_int_equal(clauses->len, 2);
	assert_int_equal(clauses->items[0].rate.count, 6);
	assert_int_equal(clauses->items[0].rate.unit, FW_MINUTE);
	assert_int_equal(clauses->items[0].rate.burst, 9);
	assert_true(clauses->items[0].rate.per_source);
	assert_str(clauses->items[1].log.text.text, "t");
	assert_true(clauses->items[1].log.has_rate);
	assert_int_equal(clauses->items[1].log.rate.count, 5);
	assert_int_equal(clauses->items[1].log.rate.unit, FW_HOUR);
	parsed_done(&t);
}

static void test_during(void **state)
{
	static const struct {
		const char *text;
		unsigned int start, end, days;
		bool has_days;
	} cases[] = {
		{ "allow ssh during 00:00-24:00", 0, 1440, 127, false },
		{ "allow ssh during 22:30-06:00 mon-fri", 1350, 360, 31, true },
		{ "allow ssh during 08:00-08:00 sat, sun", 480, 480, 96, true },
		{ "allow ssh during 08:00-17:00 fri-mon", 480, 1020, 113, true },
		{ "allow ssh during 08:00-17:00 tue-mon", 480, 1020, 127, true },
		{ "allow ssh during 08:00-17:00 SUN", 480, 1020, 64, true },
		{ "allow ssh during 08:00-17:00 mon-mon", 480, 1020, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct parsed t;
		const struct fw_ast_during *during = &only_clause(&t, cases[i].text)->during;

		assert_int_equal(during->start_minute, cases[i].start);
		assert_int_equal(during->end_minute, cases[i].end);
		assert_int_equal(during->days, cases[i].days);
		assert_int_equal(during->has_days, cases[i].has_days);
		parsed_done(&t);
	}
}

static void test_until(void **state)
{
	struct parsed t;
	const struct fw_ast_until *until = &only_clause(&t, "allow ssh until \"2028-02-29 23:59\"")->until;

	(void)state;
	assert_int_equal(until->year, 2028);
	assert_int_equal(until->month, 2);
	assert_int_equal(until->day, 29);
	assert_int_equal(until->hour, 23);
	assert_int_equal(until->minute, 59);
	assert_true(until->has_time);
	parsed_done(&t);
	until = &only_clause(&t, "allow ssh until \"2000-02-29\"")->until;
	assert_false(until->has_time);
	parsed_done(&t);
}

static void test_owner_over_connections(void **state)
{
	struct parsed t;
	const struct fw_ast_clause *clause = only_clause(&t, "allow out ssh as group wheel, 1000, \"a b\"");

	(void)state;
	assert_int_equal(clause->owner.kind, FW_OWNER_GROUP);
	assert_int_equal(clause->owner.names.len, 3);
	assert_str(clause->owner.names.words[2].text, "a b");
	parsed_done(&t);
	assert_int_equal(only_clause(&t, "allow ssh over IPv6")->over, 6);
	parsed_done(&t);
	clause = only_clause(&t, "allow ssh connections 3 per source");
	assert_int_equal(clause->connections.count, 3);
	assert_true(clause->connections.per_source);
	parsed_done(&t);
}

static void test_strings(void **state)
{
	struct parsed t;

	(void)state;
	assert_str(only_clause(&t, "allow ssh label \"a \\\"b\\\" \\\\ # c\"")->label.text, "a \"b\" \\ # c");
	parsed_done(&t);
}

static void test_definitions(void **state)
{
	struct parsed t;
	const struct fw_stmt *const *items;

	(void)state;
	parse_good(&t, "service app = 1/tcp, http helper ftp exposed \"what\"\n"
		       "group g = dynamic timeout 2h size 5\n"
		       "group f = file \"f.txt\"\n"
		       "zone lan = eth1, \"odd name\" except eth2\n"
		       "option builtin ping off\n");
	items = t.file->body.items;
	assert_int_equal(t.file->body.len, 5);
	assert_int_equal(items[0]->service.items.len, 2);
	assert_str(items[0]->service.helper.text, "ftp");
	assert_str(items[0]->service.description.text, "what");
	assert_true(items[0]->service.exposed);
	assert_int_equal(items[1]->group.kind, FW_GROUP_DYNAMIC);
	assert_int_equal(items[1]->group.timeout_s, 7200);
	assert_int_equal(items[1]->group.size, 5);
	assert_int_equal(items[2]->group.kind, FW_GROUP_FILE);
	assert_str(items[2]->group.file.text, "f.txt");
	assert_int_equal(items[3]->zone.interfaces.list.len, 2);
	assert_int_equal(items[3]->zone.interfaces.except.len, 1);
	assert_int_equal(items[4]->option.value_count, 2);
	assert_str(items[4]->option.values[1].text, "off");
	parsed_done(&t);
}

static void test_services_may_be_called_like_clauses(void **state)
{
	struct parsed t;

	(void)state;
	parse_good(&t, "service log = 1/tcp\nallow log\nallow log log\ndeny log, on\nallow out out\n");
	assert_str(t.file->body.items[1]->rule.what.words[0].text, "log");
	assert_int_equal(t.file->body.items[2]->rule.clauses.len, 1);
	assert_int_equal(t.file->body.items[3]->rule.what.len, 2);
	assert_int_equal(t.file->body.items[4]->rule.direction, FW_OUT);
	parsed_done(&t);
}

static void test_scopes(void **state)
{
	struct parsed t;
	const struct fw_stmt *outer, *inner;

	(void)state;
	parse_good(&t, "on lan out { # c\n  allow ssh\n  over ipv6 {\n  }\n}\nallow http\n");
	assert_int_equal(t.file->body.len, 2);
	outer = first(&t);
	assert_int_equal(outer->kind, FW_STMT_SCOPE);
	assert_int_equal(outer->scope.direction, FW_OUT);
	assert_int_equal(outer->scope.clauses.len, 1);
	assert_int_equal(outer->scope.body.len, 2);
	assert_str(fw_span_text(&t.sources, outer->span), "on lan out");
	assert_str(fw_span_text(&t.sources, outer->scope.close), "}");
	inner = outer->scope.body.items[1];
	assert_int_equal(inner->kind, FW_STMT_SCOPE);
	assert_int_equal(inner->scope.body.len, 0);
	assert_true(inner->scope.close.offset < outer->scope.close.offset);
	parsed_done(&t);
}

static void test_continuation(void **state)
{
	struct parsed t;

	(void)state;
	parse_good(&t, "allow a, # x\n\n # y\n b\ngroup g =\n\n 10.0.0.1\ndeny c \\ # z\n log\ndeny d \\\n\nallow e\n");
	assert_int_equal(t.file->body.len, 5);
	assert_int_equal(t.file->body.items[0]->rule.what.len, 2);
	assert_int_equal(t.file->body.items[1]->kind, FW_STMT_GROUP);
	assert_int_equal(t.file->body.items[2]->rule.clauses.len, 1);
	assert_int_equal(t.file->body.items[3]->rule.clauses.len, 0);
	parsed_done(&t);
}

static void test_no_continuation_in_comment(void **state)
{
	struct parsed t;

	(void)state;
	parse_good(&t, "allow a # b,\nallow c # d \\\nallow e # f =\nallow g");
	assert_int_equal(t.file->body.len, 4);
	parsed_done(&t);
}

/* Bad lines in the middle leave the others whole, and their names known. */
static void test_recovery(void **state)
{
	struct parsed t;
	const struct fw_stmt *const *items;

	(void)state;
	parse_text(&t, "p", FW_STR("allow ssh\nalow http\ngroup g = 5 6\non a {\n deny\n allow x\n}\nonn b {\n allow y\n}\nallow z\n"));
	items = t.file->body.items;
	assert_int_equal(t.diags.errors, 4);
	assert_true(t.file->has_errors);
	assert_int_equal(t.file->body.len, 6);
	assert_int_equal(items[0]->kind, FW_STMT_RULE);
	assert_int_equal(items[1]->kind, FW_STMT_ERROR);
	assert_int_equal(items[2]->kind, FW_STMT_ERROR);
	assert_str(fw_span_text(&t.sources, items[2]->span), "group g = 5 6");
	assert_int_equal(items[3]->kind, FW_STMT_SCOPE);
	assert_int_equal(items[3]->scope.body.len, 2);
	assert_int_equal(items[3]->scope.body.items[0]->kind, FW_STMT_ERROR);
	assert_int_equal(items[4]->kind, FW_STMT_ERROR);
	assert_int_equal(items[5]->kind, FW_STMT_RULE);
	parsed_done(&t);
}

static void test_parse_rate(void **state)
{
	struct parsed t;
	struct fw_ast_rate rate;
	struct fw_ast_word word;

	(void)state;
	parse_good(&t, "option log-rate 7/day");
	word = first(&t)->option.values[0];
	assert_int_equal(fw_parse_rate(&t.diags, &word, &rate), 0);
	assert_int_equal(rate.count, 7);
	assert_int_equal(rate.unit, FW_DAY);
	word.text.len--;
	assert_int_equal(fw_parse_rate(&t.diags, &word, &rate), FW_REPORTED);
	assert_int_equal(t.diags.errors, 1);
	parsed_done(&t);
}

static void test_words(void **state)
{
	(void)state;
	for (int kind = 0; kind < FW_CLAUSE_KINDS; kind++) {
		struct fw_str name = fw_str_from(fw_clause_name((enum fw_clause_kind)kind));

		assert_int_equal(fw_words_find(name), (int)FW_KEYWORD_FROM + kind);
		assert_true(fw_is_reserved_word(name));
	}
	for (int keyword = FW_KEYWORD_ALLOW; keyword <= FW_KEYWORD_USER; keyword++)
		assert_int_not_equal(fw_words_roles((enum fw_keyword)keyword), 0);
	assert_string_equal(fw_verdict_name(FW_REJECT), "reject");
	assert_string_equal(fw_direction_name(FW_FORWARD), "forward");
	assert_string_equal(fw_unit_name(FW_HOUR), "hour");
	assert_int_equal(fw_unit_seconds(FW_DAY), 86400);
	assert_true(fw_is_reserved_word(FW_STR("Dynamic")));
	assert_true(fw_is_reserved_word(FW_STR("except")));
	assert_false(fw_is_reserved_word(FW_STR("source")));
	assert_false(fw_is_reserved_word(FW_STR("office")));
	assert_false(fw_is_reserved_word(FW_STR("")));
	assert_string_equal(fw_words_nearest(FW_STR("DROP"), FW_WORD_VERDICT), "deny");
	assert_string_equal(fw_words_nearest(FW_STR("leavng"), FW_WORD_CLAUSE), "leaving");
	assert_null(fw_words_nearest(FW_STR("zzzzzz"), FW_WORD_CLAUSE));
}

/* Texts that grow with `count`, to see that time and memory grow no faster. */
static char *repeat(const char *head, const char *part, size_t count, size_t *ret_len)
{
	size_t head_len = strlen(head), part_len = strlen(part);
	char *text = malloc(head_len + count * part_len + 1);

	assert_non_null(text);
	memcpy(text, head, head_len);
	for (size_t i = 0; i < count; i++)
		memcpy(text + head_len + i * part_len, part, part_len);
	*ret_len = head_len + count * part_len;
	text[*ret_len] = '\0';
	return text;
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Far above what it takes, for slow hosts and sanitizers; far below what anything quadratic would take. */
#define LONG_MS 20000

static void test_hostile_sizes(void **state)
{
	static const struct {
		const char *head, *part;
		size_t count;
		bool good;
	} cases[] = {
		{ "", "allow ssh from 10.0.0.0/8 log\n", 100000, true },
		{ "allow a", ",a", 1000000, true },
		{ "group g = a", ", # c\n a", 300000, true },
		{ "allow ssh label \"", "x", 4000000, false },
		{ "allow ", "x", 4000000, true },
		{ "allow ssh", " from a", 500000, false },
		{ "", "{", 1000000, false },
		{ "", "in {\n", 500000, false },
		{ "", "}\n", 500000, false },
		{ "", "x\n", 500000, false },
		{ "", "\\\n", 500000, true },
		{ "", "\n", 4000000, true },
		{ "", "#\n", 1000000, true },
		{ "allow ssh", " \\\n", 1000000, true },
		{ "", "\xff\n", 500000, false },
		{ "", "\x80", 1000000, false },
		{ "", "\"\\\"\n", 300000, false },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(cases); i++) {
		struct parsed t;
		size_t len;
		char *text = repeat(cases[i].head, cases[i].part, cases[i].count, &len);
		double start = milliseconds();

		parse_text(&t, "big", (struct fw_str){ text, len });
		free(parsed_messages(&t));
		assert_int_equal(t.file->has_errors, !cases[i].good);
		assert_true(milliseconds() - start < LONG_MS);
		parsed_done(&t);
		free(text);
	}
}

static void test_too_large(void **state)
{
	struct parsed t;
	size_t len;
	char *text = repeat("", "#\n", FW_PARSE_MAX_TEXT / 2 + 1, &len);

	(void)state;
	parse_text(&t, "big", (struct fw_str){ text, len });
	assert_int_equal(t.diags.errors, 1);
	assert_int_equal(t.file->body.len, 0);
	parsed_done(&t);
	free(text);
}

/* A budget that ends anywhere gives -ENOMEM or the result, and nothing else. */
static void test_small_budgets(void **state)
{
	static const char text[] = "allow ssh, http from a except b label \"x\\\"\"\non lan {\n deny x\n}\ngroup g = a\nalow\n";

	(void)state;
	for (size_t budget = 0; budget < 65536; budget += 64) {
		struct fw_arena *arena = fw_arena_new(budget), *other = fw_arena_new(1 << 20);
		struct fw_sources sources;
		struct fw_diags diags;
		struct fw_ast_file *file = NULL;
		uint32_t source;
		int result;

		assert_non_null(arena);
		assert_non_null(other);
		fw_sources_init(&sources, other);
		fw_diags_init(&diags, other, &sources);
		source = fw_sources_add(&sources, "p", FW_STR(text), (struct fw_span){ 0 });
		result = fw_parse(arena, &diags, source, &file);
		assert_true(result == -ENOMEM ? !file : result == 0 && file->body.len == 4);
		if (budget < 512)
			assert_int_equal(result, -ENOMEM);
		fw_arena_free(arena);
		fw_arena_free(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_spans_leave_out_comments),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_rate_and_log),
		cmocka_unit_test(test_during),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_owner_over_connections),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_services_may_be_called_like_clauses),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_no_continuation_in_comment),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_parse_rate),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_hostile_sizes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_small_budgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
