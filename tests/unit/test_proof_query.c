/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a question: what each clause asks for, what ends it, what is refused with the word in the message, and a memory that ends
 * anywhere. */
#include "proof/query.h"
#include "test_policy.h"

#define BUDGET ((size_t)1 << 20)
#define NOW (INT64_C(1700000000)) /* 2023-11-14 22:13:20 */
#define MIDNIGHT (INT64_C(1699920000))
#define WORDS_MAX 32

struct asked {
	struct fw_arena *arena;
	char text[512], *words[WORDS_MAX];
	size_t count, used;
	struct fw_query query;
	struct fw_query_error error;
	int result;
};

/* A question whose words are parted by single blanks; '_' stands for a blank within a word. */
static struct asked ask_with(const char *question, size_t budget)
{
	struct asked asked = { .arena = fw_arena_new(budget), .used = 999 };
	struct fw_query_words input = { .local_now = NOW, .user_id = world_user };
	struct world world = { 0 };

	assert_non_null(asked.arena);
	assert_true(strlen(question) < sizeof(asked.text));
	memcpy(asked.text, question, strlen(question) + 1);
	for (char *at = asked.text; *question && at; asked.count++) {
		char *end = strchr(at, ' ');
		assert_true(asked.count < WORDS_MAX);
		asked.words[asked.count] = at;
		if (end)
			*end++ = '\0';
		for (; *at; at++)
			*at = *at == '_' ? ' ' : *at;
		at = end;
	}
	input.words = asked.words;
	input.count = asked.count;
	input.context = &world;
	asked.result = fw_query_parse(asked.arena, &input, &asked.query, &asked.used, &asked.error);
	return asked;
}

/* All of it is read; to be ended with fw_arena_free. */
static struct asked ask(const char *question)
{
	struct asked asked = ask_with(question, BUDGET);

	if (asked.result)
		print_error("%s: %s\n", question, asked.error.message);
	assert_int_equal(asked.result, 0);
	assert_int_equal(asked.used, asked.count);
	return asked;
}

static void assert_one(struct fw_iset set, uint64_t low, uint64_t high)
{
	assert_int_equal(set.len, 1);
	assert_int_equal(set.ranges[0].low.lo, low);
	assert_int_equal(set.ranges[0].high.lo, high);
	assert_int_equal(set.ranges[0].low.hi | set.ranges[0].high.hi, 0);
}

/* What is left out is anything. */
static void test_least(void **state)
{
	struct asked asked = ask("any");
	const struct fw_match *match = &asked.query.match;

	(void)state;
	assert_int_equal(asked.query.direction, FW_IN);
	assert_int_equal(asked.query.local, NOW);
	assert_false(asked.query.has_time);
	assert_false(asked.query.says_lo);
	assert_int_equal(match->families, FW_FAMILY_BOTH);
	assert_true(match->what.any && match->from.any && match->to.any && match->on.any && match->leaving.any);
	assert_int_equal(match->source_ports.len, 0);
	assert_int_equal(match->owners.ids.len, 0);
	assert_false(match->has_during || match->has_until);
	fw_arena_free(asked.arena);
}

static void test_protocols(void **state)
{
	static const struct {
		const char *question;
		unsigned int proto, families;
		int low, high; /* -1: all */
	} rows[] = {
		{ "tcp", 6, FW_FAMILY_BOTH, -1, -1 },
		{ "TCP", 6, FW_FAMILY_BOTH, -1, -1 },
		{ "gre", 47, FW_FAMILY_BOTH, -1, -1 },
		{ "47/ip", 47, FW_FAMILY_BOTH, -1, -1 },
		{ "0/ip", 0, FW_FAMILY_BOTH, -1, -1 },
		{ "255/ip", 255, FW_FAMILY_BOTH, -1, -1 },
		{ "1/ip", 1, 1u << FW_IPV4, -1, -1 },
		{ "icmp", 1, 1u << FW_IPV4, -1, -1 },
		{ "icmpv6", 58, 1u << FW_IPV6, -1, -1 },
		{ "echo-request/icmp", 1, 1u << FW_IPV4, 8, 8 },
		{ "echo-request/icmpv6", 58, 1u << FW_IPV6, 128, 128 },
		{ "8/icmp", 1, 1u << FW_IPV4, 8, 8 },
		{ "255/icmp", 1, 1u << FW_IPV4, 255, 255 },
		{ "22/tcp", 6, FW_FAMILY_BOTH, 22, 22 },
		{ "0/udp", 17, FW_FAMILY_BOTH, 0, 0 },
		{ "65535/udp", 17, FW_FAMILY_BOTH, 65535, 65535 },
		{ "6000-6063/tcp", 6, FW_FAMILY_BOTH, 6000, 6063 },
		{ "6000:6063/tcp", 6, FW_FAMILY_BOTH, 6000, 6063 },
		{ "tcp port 22", 6, FW_FAMILY_BOTH, 22, 22 },
		{ "sctp to port 1-65535", 132, FW_FAMILY_BOTH, 1, 65535 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct asked asked = ask(rows[i].question);
		const struct fw_what *what = &asked.query.match.what;
		assert_false(what->any);
		assert_int_equal(what->proto_count, 1);
		assert_int_equal(what->protos[0].proto, rows[i].proto);
		assert_int_equal(what->protos[0].families, rows[i].families);
		assert_int_equal(asked.query.match.families, rows[i].families);
		assert_int_equal(what->protos[0].all, rows[i].low < 0);
		if (rows[i].low >= 0)
			assert_one(what->protos[0].values, (uint64_t)rows[i].low, (uint64_t)rows[i].high);
		fw_arena_free(asked.arena);
	}
}

static void test_clauses(void **state)
{
	struct asked asked = ask("forward udp leaving eth1 on wan0 source-port 1000-1023 to 2001:db8::/32 from 2001:db8:1::7 port 53");
	const struct fw_match *match = &asked.query.match;

	(void)state;
	assert_int_equal(asked.query.direction, FW_FORWARD);
	assert_int_equal(match->families, FW_FAMILY_BIT(FW_IPV6));
	assert_false(match->from.any);
	assert_int_equal(match->from.families, FW_FAMILY_BIT(FW_IPV6));
	assert_int_equal(match->from.literals[FW_IPV4].len, 0);
	assert_int_equal(match->from.literals[FW_IPV6].len, 1);
	assert_int_equal(match->from.literals[FW_IPV6].ranges[0].low.hi, UINT64_C(0x20010db800010000));
	assert_int_equal(match->to.literals[FW_IPV6].ranges[0].high.hi, UINT64_C(0x20010db8ffffffff));
	assert_int_equal(match->on.len, 1);
	assert_string_equal(match->on.items[0].name, "wan0");
	assert_false(match->on.any || match->leaving.any || asked.query.says_lo);
	assert_string_equal(match->leaving.items[0].name, "eth1");
	assert_one(match->source_ports, 1000, 1023);
	assert_one(match->what.protos[0].values, 53, 53);
	fw_arena_free(asked.arena);
	asked = ask("any from any to any on lo");
	assert_true(asked.query.match.from.any && asked.query.match.to.any && asked.query.says_lo);
	fw_arena_free(asked.arena);
	asked = ask("out tcp from 192.0.2.1-192.0.2.9 on abcdefghijklmno");
	assert_one(asked.query.match.from.literals[FW_IPV4], 0xc0000201, 0xc0000209);
	fw_arena_free(asked.arena);
}

static void test_owners(void **state)
{
	static const struct {
		const char *question;
		enum fw_owner kind;
		uint64_t id;
	} rows[] = { { "out any as user www", FW_OWNER_USER, 33 }, { "out any as www", FW_OWNER_USER, 33 }, { "out any as group www", FW_OWNER_GROUP, 34 } };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct asked asked = ask(rows[i].question);
		assert_int_equal(asked.query.match.owners.kind, rows[i].kind);
		assert_one(asked.query.match.owners.ids, rows[i].id, rows[i].id);
		fw_arena_free(asked.arena);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *question;
		int64_t local;
	} rows[] = {
		{ "any at 00:00", MIDNIGHT },
		{ "any at 23:59", MIDNIGHT + 86340 },
		{ "any at 08:30", MIDNIGHT + 30600 },
		{ "any at 1970-01-01T00:00", 0 },
		{ "any at 2024-02-29T12:00", 1709208000 },
		{ "any at 2024-02-29_12:00", 1709208000 },
		{ "any at 2000-02-29T23:59", 951868740 },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct asked asked = ask(rows[i].question);
		assert_true(asked.query.has_time);
		assert_int_equal(asked.query.local, rows[i].local);
		fw_arena_free(asked.arena);
	}
}

/* The first word that is none of a question's: the policy. */
static void test_end(void **state)
{
	static const struct {
		const char *question;
		size_t used;
	} rows[] = { { "any policy.conf", 1 }, { "in tcp port 22 policy.conf", 4 }, { "tcp from 192.0.2.7 a b", 3 }, { "in tcp in", 2 } };

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct asked asked = ask_with(rows[i].question, BUDGET);
		assert_int_equal(asked.result, 0);
		assert_int_equal(asked.used, rows[i].used);
		fw_arena_free(asked.arena);
	}
}

/* The word that is wrong stands in the message; nothing else was touched. */
static void test_refused(void **state)
{
	static const struct {
		const char *question, *message;
	} rows[] = {
		{ "", "protocol is missing" },
		{ "in", "protocol is missing" },
		{ "htpp", "'htpp'" },
		{ "tcp/", "'tcp/'" },
		{ "22/tcp/udp", "'22/tcp/udp'" },
		{ "256/ip", "'256/ip'" },
		{ "-1/ip", "'-1/ip'" },
		{ "22/gre", "gre has no ports" },
		{ "/tcp", "''" },
		{ "65536/tcp", "'65536'" },
		{ "9-1/tcp", "'9-1'" },
		{ "1-/tcp", "'1-'" },
		{ "-/tcp", "'-'" },
		{ "0x16/tcp", "'0x16'" },
		{ "256/icmp", "'256'" },
		{ "echo-reqest/icmp", "'echo-reqest'" },
		{ "nd-router-advert/icmp", "'nd-router-advert'" },
		{ "tcp port", "port is missing" },
		{ "tcp port ssh", "'ssh'" },
		{ "tcp port 18446744073709551638", "'18446744073709551638'" },
		{ "any port 22", "protocol that has ports" },
		{ "icmp port 8", "protocol that has ports" },
		{ "gre to port 8", "protocol that has ports" },
		{ "tcp source-port", "port is missing" },
		{ "tcp source-port 1-2-3", "'1-2-3'" },
		{ "tcp from", "address is missing" },
		{ "tcp to", "address is missing" },
		{ "tcp from office", "'office'" },
		{ "tcp from 192.0.2.7/24", "'192.0.2.7/24'" },
		{ "tcp from 192.0.2.256", "'192.0.2.256'" },
		{ "tcp from 192.0.2.7 to 2001:db8::1", "one family" },
		{ "icmp from 2001:db8::1", "one family" },
		{ "echo-request/icmpv6 to 192.0.2.7", "one family" },
		{ "tcp on", "interface is missing" },
		{ "tcp on abcdefghijklmnop", "'abcdefghijklmnop'" },
		{ "tcp leaving eth0", "`leaving`" },
		{ "out tcp leaving eth0", "`leaving`" },
		{ "tcp as www", "`as`" },
		{ "forward tcp as www", "`as`" },
		{ "out tcp as", "missing" },
		{ "out tcp as user", "missing" },
		{ "out tcp as group nobody", "'nobody'" },
		{ "any at", "time is missing" },
		{ "any at 24:00", "'24:00'" },
		{ "any at 08:60", "'08:60'" },
		{ "any at 08:30x", "'08:30x'" },
		{ "any at +8:30", "'+8:30'" },
		{ "any at _8:30", "' 8:30'" },
		{ "any at 8:30", "'8:30'" },
		{ "any at 08:3", "'08:3'" },
		{ "any at now", "'now'" },
		{ "any at 2026-02-29T08:30", "'2026-02-29T08:30'" },
		{ "any at 2026-04-31T08:30", "'2026-04-31T08:30'" },
		{ "any at 2026-00-10T08:30", "'2026-00-10T08:30'" },
		{ "any at 2026-13-10T08:30", "'2026-13-10T08:30'" },
		{ "any at 2026-12-00T08:30", "'2026-12-00T08:30'" },
		{ "any at -999-12-01T08:30", "'-999-12-01T08:30'" },
		{ "any at 1969-12-31T08:30", "'1969-12-31T08:30'" },
		{ "any at 2026-12-24", "'2026-12-24'" },
		{ "any at 2026-12-24x08:30", "'2026-12-24x08:30'" },
		{ "tcp from 192.0.2.1 from 192.0.2.2", "twice" },
		{ "tcp port 22 to port 80", "twice" },
		{ "22/tcp port 80", "twice" },
		{ "tcp on eth0 on eth1", "twice" },
		{ "out tcp as www as group www", "twice" },
		{ "any at 08:00 at 09:00", "twice" },
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct asked asked = ask_with(rows[i].question, BUDGET);
		if (asked.result != -EINVAL || !strstr(asked.error.message, rows[i].message))
			print_error("%s: %d '%s'\n", rows[i].question, asked.result, asked.error.message);
		assert_int_equal(asked.result, -EINVAL);
		assert_non_null(strstr(asked.error.message, rows[i].message));
		assert_int_equal(asked.used, 999);
		fw_arena_free(asked.arena);
	}
}

/* A word of any length is named, as far as it fits. */
static void test_long_words(void **state)
{
	static const char *const before[] = { "", "tcp port ", "tcp from ", "tcp on ", "out tcp as ", "any at " };
	char question[400];

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(before); i++) {
		const size_t len = strlen(before[i]);
		memset(question, 'x', sizeof(question));
		memcpy(question, before[i], len);
		question[sizeof(question) - 1] = '\0';
		struct asked asked = ask_with(question, BUDGET);
		assert_int_equal(asked.result, -EINVAL);
		assert_true(strlen(asked.error.message) < sizeof(asked.error.message));
		assert_non_null(strstr(asked.error.message, "xxxx"));
		fw_arena_free(asked.arena);
	}
}

static void test_no_memory(void **state)
{
	static const char question[] = "out udp from 192.0.2.1 to 192.0.2.2 port 53 source-port 1000 on eth0 as www at 08:00";
	size_t failed = 0;
	int result = -ENOMEM;

	(void)state;
	for (size_t budget = 0; result == -ENOMEM; budget += 16) {
		struct asked asked = ask_with(question, budget);
		result = asked.result;
		failed += result == -ENOMEM;
		assert_int_equal(asked.used, result ? 999 : asked.count);
		fw_arena_free(asked.arena);
	}
	assert_int_equal(result, 0);
	assert_true(failed > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least), cmocka_unit_test(test_protocols), cmocka_unit_test(test_clauses), cmocka_unit_test(test_owners),
		cmocka_unit_test(test_times), cmocka_unit_test(test_end),	cmocka_unit_test(test_refused), cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
