/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a real kernel refuses and who is told so; other writers; strangers' work in our table. */
#include "live.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const struct fw_span line_seven = { .source = 1, .offset = 70, .len = 7 };

static struct fw_ruleset *simple(struct live *live)
{
	struct fw_ruleset *rs = live_ruleset(live);

	live_base(rs, "input", NF_INET_LOCAL_IN, 0);
	LIVE_RULE(rs, "input", LIVE_META(NFT_META_L4PROTO), LIVE_EQ(17), LIVE_COUNTER, LIVE_VERDICT(NF_ACCEPT));
	return rs;
}

/* The kernel's error lands on the change that it refused, and nothing has changed. */
static void expect_refusal(struct live *live, const struct fw_ruleset *rs, int error, const char *what)
{
	struct fw_kernel_error refused;
	uint32_t before, after;

	assert_int_equal(fw_kernel_generation(live->kernel, &before), 0);
	assert_int_equal(live_try(live, rs, &refused), error);
	assert_int_equal(refused.error, error);
	assert_memory_equal(&refused.origin, &line_seven, sizeof(line_seven));
	assert_non_null(refused.change);
	live_expect_line(refused.what, what);
	assert_int_equal(fw_kernel_generation(live->kernel, &after), 0);
	assert_int_equal(before, after);
	assert_null(live_snapshot(live, &after));
}

static void test_bad_rule(void **state)
{
	struct fw_ruleset *rs = simple(*state);

	LIVE_RULE(rs, "input", LIVE_LOAD(17, 0, 4), LIVE_VERDICT(NF_DROP))->origin = line_seven; /* no such header */
	LIVE_RULE(rs, "input", LIVE_LOAD(18, 0, 4), LIVE_VERDICT(NF_DROP));
	expect_refusal(*state, rs, -EOPNOTSUPP, "rule in chain 'input': ");
}

static void test_missing_chain(void **state)
{
	struct fw_ruleset *rs = simple(*state);

	LIVE_RULE(rs, "input", LIVE_GOTO(NFT_JUMP, "nowhere"))->origin = line_seven;
	expect_refusal(*state, rs, -ENOENT, "rule in chain 'input': ");
}

static void test_loop_of_chains(void **state)
{
	struct fw_ruleset *rs = simple(*state);
	struct fw_kernel_error refused;

	live_chain(rs, "a");
	live_chain(rs, "b");
	LIVE_RULE(rs, "input", LIVE_GOTO(NFT_JUMP, "a"));
	LIVE_RULE(rs, "a", LIVE_GOTO(NFT_JUMP, "b"));
	LIVE_RULE(rs, "b", LIVE_GOTO(NFT_JUMP, "a"));
	assert_int_equal(live_try(*state, rs, &refused), -EMLINK); /* found on the way down, 16 deep */
	assert_int_equal(refused.error, -EMLINK);
	live_expect_line(refused.what, "Too many links");
}

static void test_count_in_a_set_with_timeout(void **state)
{
	static const struct fw_rs_expr count = { .kind = FW_RS_CONNLIMIT, .connlimit = { .count = 3 } };
	struct fw_ruleset *rs = simple(*state);
	struct fw_rs_set *set = live_set(rs, "conn-a", FW_RS_KEY_IPV4);

	set->kind = FW_RS_SET_METERS;
	set->dynamic = set->has_timeout = true;
	set->timeout_ms = 1000;
	set->size = 100;
	LIVE_RULE(rs, "input", LIVE_LOAD(NFT_PAYLOAD_NETWORK_HEADER, 12, 4),
		  { .kind = FW_RS_DYNSET, .dynset = { .set = "conn-a", .op = NFT_DYNSET_OP_ADD, .sreg = NFT_REG_1, .expr = &count } })
		->origin = line_seven;
	expect_refusal(*state, rs, -EOPNOTSUPP, "rule in chain 'input': ");
}

static void test_full_constant_set(void **state)
{
	static const uint8_t hosts[] = { 192, 0, 2, 1, 192, 0, 2, 2, 192, 0, 2, 3 };
	struct fw_ruleset *rs = simple(*state);
	struct fw_rs_set *set = live_set(rs, "set-a", FW_RS_KEY_IPV4);

	set->size = 2;
	set->elements = (struct fw_rs_elements){ .keys = hosts, .len = 3 };
	set->origin = line_seven;
	expect_refusal(*state, rs, -ENFILE, "elements of set 'set-a': ");
}

static void test_what_cannot_be_sent(void **state)
{
	struct fw_ruleset *rs = simple(*state);

	LIVE_RULE(rs, "input", { .kind = FW_RS_UNKNOWN, .unknown = "xfrm" })->origin = line_seven;
	expect_refusal(*state, rs, -EINVAL, "rule in chain 'input': ");
	rs = simple(*state);
	LIVE_RULE(rs, "input", { .kind = FW_RS_CMP, .cmp = { .data = { .len = 65 } } })->origin = line_seven;
	expect_refusal(*state, rs, -EINVAL, "rule in chain 'input': ");
}

/* More errors than the receive buffer holds. */
static void test_flood_of_errors(void **state)
{
	struct fw_ruleset *rs = simple(*state);

	for (int i = 0; i < 40000; i++)
		LIVE_RULE(rs, "input", LIVE_LOAD(17, 0, 4))->origin = i ? (struct fw_span){ .source = 0 } : line_seven;
	expect_refusal(*state, rs, -EOPNOTSUPP, "rule in chain 'input': ");
	live_round_trip(*state, simple(*state)); /* nothing is left in the socket */
}

static void test_race(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = simple(live);
	uint32_t generation, after;
	struct fw_changes changes = live_changes(live, rs, &generation);
	struct fw_kernel_error error;

	live_must("nft add table inet other");
	assert_int_equal(fw_kernel_commit(live->kernel, &changes, generation, &after, &error), -ERESTART);
	assert_null(live_snapshot(live, &generation));
	assert_int_equal(fw_kernel_commit(live->kernel, &changes, generation, &after, &error), 0);
	assert_int_equal(after, generation + 1);
	assert_int_equal(fw_kernel_generation(live->kernel, &generation), 0);
	assert_int_equal(after, generation);
}

static void test_no_changes(void **state)
{
	struct live *live = *state;
	uint32_t generation, after;
	struct fw_changes changes;
	struct fw_kernel_error error;

	live_round_trip(live, simple(live));
	changes = live_changes(live, simple(live), &generation);
	assert_int_equal(changes.list.len, 0);
	assert_int_equal(fw_kernel_commit(live->kernel, &changes, generation, &after, &error), 0);
	assert_int_equal(after, generation);
}

/* A writer that never rests: a snapshot is of one moment, or says that it could not be. */
static void *write_on_and_on(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		(void)!system("nft add rule inet fwctl input udp dport 1; nft flush chain inet fwctl input");
	return NULL;
}

static void test_snapshot_under_writes(void **state)
{
	struct live *live = *state;
	bool stop = false;
	pthread_t writer;
	size_t pictures = 0;

	live_round_trip(live, simple(live));
	assert_int_equal(pthread_create(&writer, NULL, write_on_and_on, &stop), 0);
	for (int i = 0; i < 300; i++) {
		struct fw_ruleset *have = NULL;
		uint32_t generation;
		int r = fw_kernel_snapshot(live->kernel, live->arena, FW_SNAPSHOT_ALL, &have, &generation);

		assert_true(r == 0 || r == -EAGAIN);
		pictures += r == 0;
		if (r == 0)
			assert_true(fw_ruleset_chain(have, "input")->rules.len <= 2);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_true(pictures > 0);
}

/* What others add to our table comes back as a difference, and goes when ours is applied. */
static void test_strangers(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *have;
	const struct fw_rs_rule *rule;
	uint32_t generation;

	live_round_trip(live, simple(live));
	live_must("nft 'add chain inet fwctl other; add rule inet fwctl other meta mark set 1; add rule inet fwctl input tcp option mss size set 1200;"
		  "add set inet fwctl pairs { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 22 } };"
		  "add map inet fwctl marks { type ipv4_addr : mark; elements = { 192.0.2.1 : 5 } };"
		  "add quota inet fwctl much { 5 mbytes }; add chain inet fwctl nat { type nat hook output priority 0; };"
		  "add rule inet fwctl other numgen inc mod 2 0 accept'");
	have = live_snapshot(live, &generation);
	rule = fw_vec_at(&fw_ruleset_chain(have, "other")->rules, 0);
	assert_int_equal(rule->exprs[rule->expr_count - 1].kind, FW_RS_UNKNOWN);
	assert_string_equal(rule->exprs[rule->expr_count - 1].unknown, "meta");
	rule = fw_vec_at(&fw_ruleset_chain(have, "other")->rules, 1);
	assert_string_equal(rule->exprs[0].unknown, "numgen");
	assert_non_null(fw_ruleset_set(have, "pairs"));
	assert_non_null(fw_ruleset_object(have, "much"));
	assert_int_not_equal(live_changes(live, simple(live), &generation).list.len, 0);
	live_round_trip(live, simple(live));
	assert_null(strstr(live_output(live, "nft list table inet fwctl"), "pairs"));
}

static void test_elements_of_strangers(void **state)
{
	static const uint8_t range[] = { 192, 0, 2, 5, 192, 0, 2, 9 };
	struct live *live = *state;
	struct fw_ruleset *rs = simple(live), *have;
	uint32_t generation;

	live_set(rs, "set-a", FW_RS_KEY_IPV4)->interval = true;
	fw_ruleset_set(rs, "set-a")->elements = (struct fw_rs_elements){ .keys = range, .len = 1 };
	live_round_trip(live, rs);
	live_must("nft add element inet fwctl set-a { 192.0.2.10-192.0.2.12, 198.51.100.0/24, 255.255.255.0/24 }");
	have = live_snapshot(live, &generation);
	assert_int_equal(fw_ruleset_set(have, "set-a")->elements.len, 4); /* neighbours stay two, as the kernel has them */
	live_round_trip(live, rs);
	live_must("nft 'delete element inet fwctl set-a { 192.0.2.5-192.0.2.9 }; add element inet fwctl set-a { 192.0.2.0-192.0.2.255 }'");
	live_round_trip(live, rs);
}

/* A table that was switched off decides nothing; the next apply wakes it. */
static void test_dormant(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = simple(live), *have;
	uint32_t generation;

	fw_ruleset_chain(rs, "input")->policy_drop = true;
	live_round_trip(live, rs);
	live_must("nft add table inet fwctl '{ flags dormant; }'");
	have = live_snapshot(live, &generation);
	assert_false(fw_ruleset_chain(have, "input")->policy_drop);
	live_round_trip(live, rs);
	assert_null(strstr(live_output(live, "nft list table inet fwctl"), "dormant"));
}

/* A big batch, over the default send buffer by far. */
static void test_big_batch(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = simple(live);
	size_t count = 400000;
	uint8_t *keys = fw_arena_alloc(live->arena, count, 16);
	struct fw_rs_set *set = live_set(rs, "set-big", FW_RS_KEY_IPV6);

	for (size_t i = 0; i < count; i++) {
		uint8_t *key = keys + i * 16;

		key[0] = 0xfd;
		key[13] = (uint8_t)(i >> 16);
		key[14] = (uint8_t)(i >> 8);
		key[15] = (uint8_t)i;
	}
	set->size = 500000;
	set->elements = (struct fw_rs_elements){ .keys = keys, .len = count };
	live_apply(live, rs);
}

static void drop_net_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { .effective = 0 } };

	if (syscall(SYS_capset, &head, none) < 0)
		_exit(100);
}

/* In a child, for what it gives up does not come back. */
static int without_privileges(int (*run)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		drop_net_admin();
		_exit(-run());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static int try_open(void)
{
	struct fw_kernel *kernel = NULL;
	int r = fw_kernel_open(&kernel);

	fw_kernel_close(kernel);
	return r;
}

static int try_addresses(void)
{
	struct fw_vec members FW_CLEANUP(fw_vec_done);
	int r;

	fw_vec_init(&members, NULL, sizeof(struct fw_member));
	r = fw_kernel_own_addresses(&members);
	if (r < 0)
		return r;
	return members.len == 2 ? 0 : -EIO; /* 127.0.0.1 and ::1 */
}

static void test_no_privileges(void **state)
{
	(void)state;
	live_must("ip link set lo up");
	assert_int_equal(without_privileges(try_open), -EPERM);
	assert_int_equal(without_privileges(try_addresses), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_bad_rule),
		LIVE_TEST(test_missing_chain),
		LIVE_TEST(test_loop_of_chains),
		LIVE_TEST(test_count_in_a_set_with_timeout),
		LIVE_TEST(test_full_constant_set),
		LIVE_TEST(test_what_cannot_be_sent),
		LIVE_TEST(test_flood_of_errors),
		LIVE_TEST(test_race),
		LIVE_TEST(test_no_changes),
		LIVE_TEST(test_snapshot_under_writes),
		LIVE_TEST(test_strangers),
		LIVE_TEST(test_elements_of_strangers),
		LIVE_TEST(test_dormant),
		LIVE_TEST(test_big_batch),
		LIVE_TEST(test_no_privileges),
	};

	live_refuse_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
