/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of dynamic groups in a real kernel: in, renewed, out, full, listed, counted. */
#include "live.h"

#define SET4 "dyn-bad-4-32"
#define SET24 "dyn-bad-4-24"
#define SET6 "dyn-bad-6-128"

static void add_group_set(struct fw_ruleset *rs, const char *name, enum fw_rs_key key, uint32_t size)
{
	struct fw_rs_set *set = live_set(rs, name, key);

	set->kind = FW_RS_SET_MEMBERS;
	set->has_timeout = true;
	set->size = size;
}

static struct fw_ruleset *groups(struct live *live)
{
	struct fw_ruleset *rs = live_ruleset(live);

	add_group_set(rs, SET4, FW_RS_KEY_IPV4, 4);
	add_group_set(rs, SET24, FW_RS_KEY_IPV4, 0);
	add_group_set(rs, SET6, FW_RS_KEY_IPV6, 100);
	return rs;
}

static struct fw_member host4(uint32_t address, uint64_t timeout_ms)
{
	return (struct fw_member){ .family = FW_IPV4, .address = { .lo = address }, .length = 32, .timeout_ms = timeout_ms };
}

static int add(struct live *live, const char *set, struct fw_member member)
{
	struct fw_kernel_error error = { .error = 0 };
	int r = fw_kernel_member_add(live->kernel, set, &member, &error);

	assert_int_equal(error.error, r);
	assert_true(r == 0 || strstr(error.what, set));
	return r;
}

static int take_out(struct live *live, const char *set, struct fw_member member)
{
	struct fw_kernel_error error = { .error = 0 };

	return fw_kernel_member_delete(live->kernel, set, &member, &error);
}

static struct fw_vec listed(struct live *live, const char *set, enum fw_family family, unsigned int length)
{
	struct fw_vec members;

	fw_vec_init(&members, live->arena, sizeof(struct fw_member));
	assert_int_equal(fw_kernel_members(live->kernel, set, family, length, &members), 0);
	return members;
}

static void test_in_and_out(void **state)
{
	struct live *live = *state;
	struct fw_vec members;
	const struct fw_member *first, *second;
	size_t count = 0;

	live_apply(live, groups(live));
	assert_int_equal(add(live, SET4, host4(0xc0000202, 0)), 0);
	assert_int_equal(add(live, SET4, host4(0xc0000201, 3600000)), 0);
	members = listed(live, SET4, FW_IPV4, 32);
	assert_int_equal(members.len, 2);
	first = fw_vec_at(&members, 0);
	second = fw_vec_at(&members, 1);
	assert_int_equal(first->address.lo, 0xc0000201);
	assert_int_equal(first->timeout_ms, 3600000);
	assert_in_range(first->expires_ms, 3590000, 3600000);
	assert_int_equal(second->address.lo, 0xc0000202);
	assert_int_equal(second->timeout_ms, 0);
	assert_int_equal(second->expires_ms, 0);
	assert_int_equal(fw_kernel_set_count(live->kernel, SET4, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(take_out(live, SET4, *first), 0);
	assert_int_equal(take_out(live, SET4, *first), -ENOENT);
	assert_int_equal(listed(live, SET4, FW_IPV4, 32).len, 1);
	live_round_trip(live, groups(live)); /* members are no difference */
	assert_int_equal(listed(live, SET4, FW_IPV4, 32).len, 1);
}

/* Banned again: the end is set anew, in both directions, and to "for good" and back. */
static void test_renewal(void **state)
{
	static const uint64_t ends_ms[] = { 60000, 3600000, 5000, 0, 60000 };
	struct live *live = *state;

	live_apply(live, groups(live));
	for (size_t i = 0; i < FW_ARRAY_SIZE(ends_ms); i++) {
		struct fw_vec members;
		const struct fw_member *member;

		assert_int_equal(add(live, SET4, host4(0xc0000201, ends_ms[i])), 0);
		members = listed(live, SET4, FW_IPV4, 32);
		assert_int_equal(members.len, 1);
		member = fw_vec_at(&members, 0);
		assert_int_equal(member->timeout_ms, ends_ms[i]);
		assert_in_range(member->expires_ms, ends_ms[i] ? ends_ms[i] - 4000 : 0, ends_ms[i]);
	}
}

/* A group's own timeout is what its members have unless they say otherwise, and "for good" says so. */
static void test_default_timeout(void **state)
{
	static const uint64_t ends_ms[] = { 3600000, 0, 60000, 3600000 };
	struct live *live = *state;
	struct fw_ruleset *rs = groups(live);

	fw_ruleset_set(rs, SET4)->timeout_ms = 3600000;
	live_apply(live, rs);
	for (size_t i = 0; i < FW_ARRAY_SIZE(ends_ms); i++) {
		struct fw_vec members;
		const struct fw_member *member;

		assert_int_equal(add(live, SET4, host4(0xc0000201, ends_ms[i])), 0);
		members = listed(live, SET4, FW_IPV4, 32);
		member = fw_vec_at(&members, 0);
		assert_int_equal(member->timeout_ms, ends_ms[i]);
		assert_in_range(member->expires_ms, ends_ms[i] ? ends_ms[i] - 4000 : 0, ends_ms[i]);
	}
}

static void test_expiration_is_kept(void **state)
{
	struct live *live = *state;
	struct fw_member moved = host4(0xc0000201, 3600000);
	struct fw_vec members;

	live_apply(live, groups(live));
	moved.expires_ms = 60000;
	assert_int_equal(add(live, SET4, moved), 0);
	members = listed(live, SET4, FW_IPV4, 32);
	assert_in_range(((const struct fw_member *)fw_vec_at(&members, 0))->expires_ms, 50000, 60000);
}

static void test_full(void **state)
{
	struct live *live = *state;

	live_apply(live, groups(live));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(add(live, SET4, host4(0xc0000201 + i, 0)), 0);
	assert_int_equal(add(live, SET4, host4(0xc0000299, 0)), -ENFILE);
	assert_int_equal(add(live, SET4, host4(0xc0000201, 5000)), 0); /* one that is there is renewed all the same */
	assert_int_equal(take_out(live, SET4, host4(0xc0000202, 0)), 0);
	assert_int_equal(add(live, SET4, host4(0xc0000299, 0)), 0);
}

/* Another size is set in place: the members stay. */
static void test_resize(void **state)
{
	struct live *live = *state;
	struct fw_ruleset *rs = groups(live);

	live_apply(live, rs);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(add(live, SET4, host4(0xc0000201 + i, 0)), 0);
	rs = groups(live);
	fw_ruleset_set(rs, SET4)->size = 6;
	live_round_trip(live, rs);
	assert_int_equal(listed(live, SET4, FW_IPV4, 32).len, 4);
	assert_int_equal(add(live, SET4, host4(0xc0000299, 0)), 0);
}

static void test_missing_set(void **state)
{
	struct live *live = *state;
	struct fw_vec members;
	size_t count;

	fw_vec_init(&members, live->arena, sizeof(struct fw_member));
	assert_int_equal(add(live, SET4, host4(0xc0000201, 0)), -ENOENT); /* no table */
	live_apply(live, groups(live));
	assert_int_equal(add(live, "dyn-other-4-32", host4(0xc0000201, 0)), -ENOENT);
	assert_int_equal(fw_kernel_members(live->kernel, "dyn-other-4-32", FW_IPV4, 32, &members), -ENOENT);
	assert_int_equal(fw_kernel_set_count(live->kernel, "dyn-other-4-32", &count), -ENOENT);
}

static void test_prefixes_and_ipv6(void **state)
{
	struct live *live = *state;
	struct fw_member net = host4(0xc0000263, 0), host6 = { .family = FW_IPV6, .address = { .hi = 0x20010db800000000, .lo = 7 }, .length = 128 };
	struct fw_vec members;

	live_apply(live, groups(live));
	net.length = 24;
	assert_int_equal(add(live, SET24, net), 0);
	members = listed(live, SET24, FW_IPV4, 24);
	assert_int_equal(((const struct fw_member *)fw_vec_at(&members, 0))->address.lo, 0xc0000200); /* host bits cleared */
	assert_int_equal(add(live, SET6, host6), 0);
	members = listed(live, SET6, FW_IPV6, 128);
	assert_memory_equal(&((const struct fw_member *)fw_vec_at(&members, 0))->address, &host6.address, sizeof(host6.address));
}

static void test_many(void **state)
{
	struct live *live = *state;
	struct fw_vec members;
	size_t count = 0;

	live_apply(live, groups(live));
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(add(live, SET24, host4(0x0a000000 + (i << 8), i % 2 ? 0 : 100000)), 0);
	assert_int_equal(fw_kernel_set_count(live->kernel, SET24, &count), 0);
	assert_int_equal(count, 3000);
	members = listed(live, SET24, FW_IPV4, 24);
	assert_int_equal(members.len, 3000);
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(((const struct fw_member *)fw_vec_at(&members, i))->address.lo, 0x0a000000 + (i << 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_in_and_out),    LIVE_TEST(test_renewal),	      LIVE_TEST(test_default_timeout), LIVE_TEST(test_expiration_is_kept), LIVE_TEST(test_full),
		LIVE_TEST(test_resize), LIVE_TEST(test_missing_set), LIVE_TEST(test_prefixes_and_ipv6), LIVE_TEST(test_many),
	};

	live_refuse_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
