/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A load whose memory ends anywhere: the answer is -E2BIG, never a policy that is not whole, and nothing is read that is not there (run under
 * the sanitizers). The texts use every part of the language and most diagnostics. */
#include "test_policy.h"

#define STEP 700

static const struct world_file files[] = {
	{ "a.conf", "allow http\ninclude \"b.conf\"\n" },
	{ "b.conf", "deny smtp log \"mail\" rate 1/hour\n" },
	{ "list.txt", "192.0.2.0/24\n192.0.2.7\n2001:db8::/32\n2001:db7::/32\n10.0.0.0-10.0.0.9\n" },
	{ "bad.txt", "192.0.2.0/23\nx\n9.9.9.9-1.1.1.1\n10.0.0.1/8\n" },
	{ 0 },
};

static const char good[] = "default in reject log\n"
			   "default forward deny\n"
			   "option log-rate 5/second\n"
			   "service app = 47001/tcp, ftp, echo-request/icmp helper ftp exposed \"an app\"\n"
			   "service ssh = ssh, 2222/tcp\n"
			   "group all = list, 198.51.100.0/24, other except 10.0.0.4, list2\n"
			   "group list = file \"list.txt\"\n"
			   "group list2 = file \"list.txt\"\n"
			   "group other = 203.0.113.9, 203.0.113.1-203.0.113.7\n"
			   "group b = dynamic timeout 1h\n"
			   "zone lan = eth0, inner, wg*\n"
			   "zone inner = eth1\n"
			   "block b, all, 224.0.0.0/3 except 192.0.2.7 log\n"
			   "include \"a.c*\"\n"
			   "allow app, 23/tcp\n"
			   "allow ftp from all, b, 203.0.113.1 except other on lan except eth1 rate 6/minute per source label \"l\"\n"
			   "allow 25/tcp connections 100 source-port 1-3, 7\n"
			   "forward {\n  from any except list {\n    allow icmp, ssh leaving ppp*\n  }\n}\n"
			   "allow out any source-port 53 as user www, 7\n"
			   "expect allow ssh from 203.0.113.1\n";

static const char bad[] = "group a = b\ngroup b = a\ngroup g = file \"bad.txt\"\ngroup d = dynamic\ngroup e = d\n"
			  "service s = t, sssh\nservice t = s helper fpt\nzone z = eth0 except eth1\noption colour red\n"
			  "allow htpp from nowhere on a/b source-port 9-1\nallow out ssh as user nobody\ninclude \"none\"\n"
			  "allow icmp from 2001:db8::/32\nallow 8080\nallow 7/icmpp, 80/gre\ndefault in deny\ndefault in deny\n";

/* Loads with more and more memory until it is enough; returns what came of it then. */
static int load_until_enough(struct world *world, const char *text, size_t *ret_failed)
{
	int result = -E2BIG;

	*ret_failed = 0;
	for (size_t budget = 0; result == -E2BIG; budget += STEP) {
		fw_arena_free(world->arena);
		world->arena = fw_arena_new(budget);
		assert_non_null(world->arena);
		world->policy = NULL;
		fw_sources_init(&world->sources, world->arena);
		fw_diags_init(&world->diags, world->arena, &world->sources);
		result = try_load(world, text);
		assert_true((result == 0) == (world->policy != NULL));
		*ret_failed += result == -E2BIG;
	}
	return result;
}

static void test_good(void **state)
{
	struct world *world = *state;
	size_t failed;

	world->files = files;
	assert_int_equal(load_until_enough(world, good, &failed), 0);
	assert_true(failed > 100);
	assert_int_equal(world->policy->rule_count[FW_FORWARD], 1);
}

static void test_bad(void **state)
{
	struct world *world = *state;
	size_t failed;

	world->files = files;
	assert_int_equal(load_until_enough(world, bad, &failed), FW_REPORTED);
	assert_true(failed > 100);
	assert_true(world->diags.errors > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = { WORLD_TEST(test_good), WORLD_TEST(test_bad) };

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
