/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/test_syntax_random.c - random policies in random layouts: comments, blank lines, joined lines and mixed case wherever they may stand.
 * What comes out of the formatter says the same, keeps every comment and is laid out as itself. Seeds count from 1; the failing one is
 * printed. */
#include "../fuzz/ast_equal.h"
#include "test_syntax.h"

#define POLICIES 3000

struct maker {
	struct fw_buf out;
	uint64_t state;
	unsigned int comments;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static unsigned int below(struct maker *m, unsigned int bound)
{
	uint64_t z = (m->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned int)((z ^ (z >> 31)) % bound);
}

static void comment(struct maker *m)
{
	fw_buf_printf(&m->out, "# c%u, = { \\", m->comments++);
	fw_buf_puts(&m->out, below(m, 4) ? "\n" : " \t\r\n");
}

/* Between two words of a statement. */
static void gap(struct maker *m)
{
	unsigned int choice = below(m, 12);

	fw_buf_puts(&m->out, choice == 1 ? "\t  " : " ");
	if (choice == 0) {
		fw_buf_puts(&m->out, "\\\n  ");
	} else if (choice == 2) {
		fw_buf_puts(&m->out, "\\ ");
		comment(m);
	}
}

/* Behind a ',' or '='. */
static void list_gap(struct maker *m)
{
	unsigned int lines = below(m, 3) ? 0 : below(m, 4);

	if (below(m, 2))
		fw_buf_putc(&m->out, ' ');
	for (; lines > 0; lines--) {
		if (below(m, 2))
			comment(m);
		else
			fw_buf_puts(&m->out, below(m, 2) ? "\n   " : " \r\n");
	}
}

static void keyword(struct maker *m, const char *text)
{
	for (; *text; text++) {
		bool upper = *text >= 'a' && *text <= 'z' && below(m, 20) == 0;

		fw_buf_putc(&m->out, upper ? (char)(*text - 'a' + 'A') : *text);
	}
}

static const char *pick(struct maker *m, const char *const *words, size_t count)
{
	return words[below(m, (unsigned int)count)];
}

#define PICK(m, ...) pick((m), (const char *const[]){ __VA_ARGS__ }, FW_ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

enum list { WHAT, ADDRS, IFACES, PORTS, OWNERS };

static const char *item(struct maker *m, enum list kind)
{
	switch (kind) {
	case WHAT:
		return PICK(m, "ssh", "HTTP", "8080/tcp", "1:2/UDP", "5-6/tcp+udp", "gre", "47/ip", "echo-request/icmp", "log", "my_app");
	case ADDRS:
		return PICK(m, "office", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.0-10.0.0.255", "2001:DB8::0:1", "::/0", "192.0.2.1/32",
			    "source", "10.0.0.1/8");
	case IFACES:
		return PICK(m, "eth0", "wg*", "lan", "\"any\"", "\"odd \\\"name\\\\\"", "user");
	case PORTS:
		return PICK(m, "53", "1024:65535", "1-2");
	case OWNERS:
		return PICK(m, "root", "1000", "\"a b\"", "Www-data");
	}
	return "";
}

static void list(struct maker *m, enum list kind)
{
	unsigned int count = below(m, 20) ? 1 + below(m, 4) : 40;

	for (unsigned int i = 0; i < count; i++) {
		if (i > 0) {
			if (below(m, 10) == 0)
				gap(m);
			fw_buf_putc(&m->out, ',');
			list_gap(m);
		}
		fw_buf_puts(&m->out, item(m, kind));
	}
}

static void operands(struct maker *m, enum list kind)
{
	if (below(m, 5))
		list(m, kind);
	else
		keyword(m, "any");
	if (below(m, 3))
		return;
	gap(m);
	keyword(m, "except");
	gap(m);
	list(m, kind);
}

static void rate(struct maker *m)
{
	fw_buf_printf(&m->out, "%s%u/", below(m, 5) ? "" : "0", 1 + below(m, 100));
	keyword(m, PICK(m, "second", "minute", "hour", "day"));
}

static void words(struct maker *m, const char *first, const char *second)
{
	gap(m);
	keyword(m, first);
	gap(m);
	fw_buf_puts(&m->out, second);
}

static void during(struct maker *m)
{
	unsigned int days = below(m, 5);

	fw_buf_puts(&m->out, PICK(m, "00:00-24:00", "22:15-06:00", "08:00-08:00"));
	for (unsigned int i = 0; i < days; i++) {
		if (i == 0)
			gap(m);
		else
			fw_buf_putc(&m->out, ',');
		if (i > 0)
			list_gap(m);
		keyword(m, PICK(m, "mon", "tue", "sat", "sun", "mon-fri", "fri-mon", "wed-thu", "sun-sat"));
	}
}

static void log_words(struct maker *m)
{
	if (below(m, 2)) {
		gap(m);
		fw_buf_puts(&m->out, PICK(m, "\"text\"", "\"a # \\\"b\\\" \\\\\"", "\"{ , = }\""));
	}
	if (below(m, 2)) {
		gap(m);
		keyword(m, "rate");
		gap(m);
		rate(m);
	}
}

static void limit(struct maker *m, bool is_rate)
{
	if (is_rate)
		rate(m);
	else
		fw_buf_printf(&m->out, "%u", 1 + below(m, 99));
	if (is_rate && below(m, 2))
		words(m, "burst", "7");
	if (below(m, 2))
		words(m, "per", "source");
}

static void clause(struct maker *m, enum fw_clause_kind kind)
{
	keyword(m, fw_clause_name(kind));
	if (kind != FW_CLAUSE_LOG)
		gap(m);
	switch (kind) {
	case FW_CLAUSE_FROM:
	case FW_CLAUSE_TO:
		operands(m, ADDRS);
		break;
	case FW_CLAUSE_ON:
	case FW_CLAUSE_LEAVING:
		operands(m, IFACES);
		break;
	case FW_CLAUSE_SOURCE_PORT:
		list(m, PORTS);
		break;
	case FW_CLAUSE_OVER:
		keyword(m, PICK(m, "ipv4", "ipv6"));
		break;
	case FW_CLAUSE_AS:
		keyword(m, PICK(m, "user", "group"));
		gap(m);
		list(m, OWNERS);
		break;
	case FW_CLAUSE_RATE:
	case FW_CLAUSE_CONNECTIONS:
		limit(m, kind == FW_CLAUSE_RATE);
		break;
	case FW_CLAUSE_DURING:
		during(m);
		break;
	case FW_CLAUSE_UNTIL:
		fw_buf_puts(&m->out, PICK(m, "\"2028-02-29\"", "\"2026-12-31 23:59\""));
		break;
	case FW_CLAUSE_LOG:
		log_words(m);
		break;
	case FW_CLAUSE_LABEL:
		fw_buf_puts(&m->out, PICK(m, "\"l\"", "\"a long label that takes some of the width of the line, and a bit more\""));
		break;
	}
}

/* Each kind below `kinds` at most once, in any order; the limits only where they are asked for. */
static void clauses(struct maker *m, unsigned int kinds, bool limits, bool first_gap)
{
	unsigned int start = below(m, kinds), step = below(m, 2) ? 1 : kinds - 1;

	for (unsigned int i = 0; i < kinds; i++) {
		enum fw_clause_kind kind = (enum fw_clause_kind)((start + i * step) % kinds);

		if (below(m, 4) || (!limits && (kind == FW_CLAUSE_RATE || kind == FW_CLAUSE_CONNECTIONS)))
			continue;
		/* A rate behind a log would be the log's. */
		if (kind == FW_CLAUSE_LOG && limits)
			continue;
		if (first_gap)
			gap(m);
		first_gap = true;
		clause(m, kind);
	}
}

static void rule(struct maker *m, bool expect)
{
	bool allow = below(m, 2);

	if (expect) {
		keyword(m, "expect");
		gap(m);
	}
	keyword(m, allow ? "allow" : PICK(m, "deny", "reject"));
	gap(m);
	if (below(m, 2)) {
		keyword(m, PICK(m, "in", "out", "forward"));
		gap(m);
	}
	if (below(m, 6))
		list(m, WHAT);
	else
		keyword(m, "any");
	clauses(m, expect ? FW_CLAUSE_AS + 1 : FW_CLAUSE_KINDS, allow && !expect, true);
}

static void definition(struct maker *m, const char *kind, const char *name)
{
	keyword(m, kind);
	gap(m);
	fw_buf_puts(&m->out, name);
	gap(m);
	fw_buf_putc(&m->out, '=');
	list_gap(m);
}

static void group(struct maker *m)
{
	unsigned int kind = below(m, 4);

	definition(m, "group", "Office");
	if (kind == 0) {
		keyword(m, "dynamic");
		words(m, "size", "0100");
		words(m, "timeout", PICK(m, "45s", "3600s", "24h", "14d", "2w"));
	} else if (kind == 1) {
		keyword(m, "file");
		gap(m);
		fw_buf_puts(&m->out, "\"a b.txt\"");
	} else {
		operands(m, ADDRS);
	}
}

static void service(struct maker *m)
{
	definition(m, "service", "My_App");
	list(m, WHAT);
	if (below(m, 2)) {
		gap(m);
		fw_buf_puts(&m->out, "\"what it is\"");
	}
	if (below(m, 2))
		words(m, "helper", "ftp");
	if (below(m, 2)) {
		gap(m);
		keyword(m, "exposed");
	}
}

static void top_level(struct maker *m)
{
	unsigned int kind = below(m, 7);

	if (kind == 0) {
		keyword(m, "default");
		words(m, PICK(m, "in", "out", "forward"), PICK(m, "allow", "deny", "reject"));
		words(m, "log", "\"x\"");
	} else if (kind == 1) {
		keyword(m, "block");
		gap(m);
		operands(m, ADDRS);
	} else if (kind == 2) {
		keyword(m, "option");
		words(m, "builtin", PICK(m, "ping", "dhcp-client"));
		gap(m);
		keyword(m, "off");
	} else if (kind == 3) {
		definition(m, "zone", "Lan");
		operands(m, IFACES);
	} else if (kind == 4) {
		service(m);
	} else {
		group(m);
	}
}

static void line_end(struct maker *m)
{
	unsigned int choice = below(m, 6);

	if (choice == 0) {
		fw_buf_putc(&m->out, ' ');
		comment(m);
	} else {
		fw_buf_puts(&m->out, choice == 1 ? " \t\r\n" : "\n");
	}
}

static void between(struct maker *m)
{
	for (unsigned int lines = below(m, 4); lines > 1; lines--) {
		if (below(m, 2))
			comment(m);
		else
			fw_buf_puts(&m->out, "  \n");
	}
}

static void body(struct maker *m, unsigned int depth)
{
	for (unsigned int count = below(m, 5); count > 0; count--) {
		unsigned int kind = below(m, 8);

		between(m);
		if (kind == 0 && depth < 4) {
			keyword(m, PICK(m, "in", "out", "forward"));
			clauses(m, FW_CLAUSE_AS + 1, false, true);
			gap(m);
			fw_buf_putc(&m->out, '{');
			line_end(m);
			body(m, depth + 1);
			fw_buf_putc(&m->out, '}');
		} else if (kind == 1) {
			keyword(m, "include");
			gap(m);
			fw_buf_puts(&m->out, "\"x.conf\"");
		} else if (kind < 4 && depth == 0) {
			top_level(m);
		} else {
			rule(m, kind == 4);
		}
		line_end(m);
	}
	between(m);
}

static char *make_policy(uint64_t seed, unsigned int *ret_comments)
{
	struct maker m = { .state = seed };
	char *text;
	int error;

	fw_buf_init(&m.out, (size_t)1 << 24);
	body(&m, 0);
	fw_buf_putc(&m.out, '\0');
	text = fw_buf_take(&m.out, &error);
	assert_non_null(text);
	*ret_comments = m.comments;
	return text;
}

/* Every comment of the first stands in the second; both lists hold as many. */
static void assert_comments_kept(const struct parsed *a, const struct parsed *b)
{
	assert_int_equal(a->file->comment_count, b->file->comment_count);
	for (size_t i = 0; i < a->file->comment_count; i++) {
		struct fw_str wanted = fw_span_text(&a->sources, a->file->comments[i].span);
		size_t found = 0;

		for (size_t j = 0; j < b->file->comment_count; j++)
			found += fw_str_equal(wanted, fw_span_text(&b->sources, b->file->comments[j].span));
		assert_int_equal(found, 1);
	}
}

static void check_policy(uint64_t seed)
{
	unsigned int comments;
	char *text = make_policy(seed, &comments), *once, *twice;
	struct parsed before, after;

	once = format_text("random", fw_str_from(text));
	twice = format_text("random", fw_str_from(once));
	if (strcmp(once, twice) != 0)
		print_error("seed %llu:\n%s\nbecomes\n%s\n", (unsigned long long)seed, text, once);
	assert_string_equal(once, twice);
	parse_good(&before, text);
	parse_good(&after, once);
	if (!same_body(&before.file->body, &after.file->body))
		print_error("seed %llu:\n%s\nbecomes\n%s\n", (unsigned long long)seed, text, once);
	assert_true(same_body(&before.file->body, &after.file->body));
	assert_int_equal(before.file->comment_count, comments);
	assert_comments_kept(&before, &after);
	parsed_done(&before);
	parsed_done(&after);
	free(text);
	free(once);
	free(twice);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= POLICIES; seed++)
		check_policy(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
