/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of sets: streamed into messages, gathered from them; ranges cut into two elements and joined again. */
#include "test_kernel.h"

#include <endian.h>

#include "kernel/foreign.h"

static const struct fw_rs_set hash = { .name = "set-a", .key = FW_RS_KEY_IPV4 };
static const struct fw_rs_set ranges = { .name = "set-a", .key = FW_RS_KEY_SERVICE, .interval = true };

static struct fw_rs_elements elements(const uint8_t *keys, size_t len)
{
	return (struct fw_rs_elements){ .keys = keys, .len = len };
}

static int gather(struct bench *bench, const struct fw_rs_set *head, struct fw_rs_set *ret_set)
{
	struct fw_read_gather gather FW_CLEANUP(fw_read_gather_done);
	int r;

	*ret_set = *head;
	fw_read_gather_init(&gather, &bench->ruleset, head);
	r = bench_read(&bench->batch, fw_read_gather_message, &gather);
	return r < 0 ? r : fw_read_gather_finish(&gather, ret_set);
}

static void round_trip(struct bench *bench, const struct fw_rs_set *head, struct fw_rs_elements wanted)
{
	struct fw_rs_set read;
	size_t width = (size_t)fw_rs_key_len(head->key) * (head->interval ? 2 : 1);

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, head, &wanted), 0);
	assert_int_equal(gather(bench, head, &read), 0);
	assert_int_equal(read.elements.len, wanted.len);
	assert_memory_equal(read.elements.keys, wanted.keys, width * wanted.len);
	for (size_t i = 0; wanted.verdicts && i < wanted.len; i++) {
		assert_int_equal(read.elements.verdicts[i].code, wanted.verdicts[i].code);
		assert_true(fw_str_equal(fw_str_from(read.elements.verdicts[i].chain), fw_str_from(wanted.verdicts[i].chain)));
	}
	for (size_t i = 0; wanted.objects && i < wanted.len; i++)
		assert_string_equal(read.elements.objects[i], wanted.objects[i]);
	assert_true(!read.elements.objects == !wanted.objects && !read.elements.verdicts == !wanted.verdicts);
}

static void test_hash(void **state)
{
	static const uint8_t keys[] = { 192, 0, 2, 1, 192, 0, 2, 2, 255, 255, 255, 255 };

	round_trip(*state, &hash, elements(keys, 3));
}

static void test_ranges(void **state)
{
	static const uint8_t keys[] = { 0, 0, 0, 0, 0, 2, 0, 9, 1, 0, 1, 255, 255, 0, 255, 255 };

	round_trip(*state, &ranges, elements(keys, 4));
}

static void test_whole_range(void **state)
{
	static const uint8_t keys[] = { 0, 0, 255, 255 };

	round_trip(*state, &ranges, elements(keys, 1));
}

static void test_map(void **state)
{
	static const struct fw_rs_set map = { .name = "map-a", .key = FW_RS_KEY_SERVICE, .interval = true, .data = FW_RS_VERDICTS };
	static const struct fw_rs_verdict verdicts[] = { { .code = NFT_GOTO, .chain = "leaf" }, { .code = NF_ACCEPT }, { .code = NF_DROP } };
	static const uint8_t keys[] = { 0, 1, 0, 5, 0, 6, 0, 9, 255, 255, 255, 255 }; /* neighbours with two verdicts */

	round_trip(*state, &map, (struct fw_rs_elements){ .keys = keys, .len = 3, .verdicts = verdicts });
}

static const struct fw_rs_set counter_map = { .name = "map-a", .key = FW_RS_KEY_WHAT_IPV4, .data = FW_RS_COUNTERS };
static const uint8_t what_keys[] = { 6, 0, 0, 0, 0, 22, 0, 0, 10, 0, 0, 0, 6, 0, 0, 0, 0, 22, 0, 0, 10, 0, 1, 0, 17, 0, 0, 0, 0, 53, 0, 0, 10, 0, 0, 0 };
static const char *const what_counters[] = { "rule-a", "rule-b", "rule-a" };

static void test_map_to_counters(void **state)
{
	round_trip(*state, &counter_map, (struct fw_rs_elements){ .keys = what_keys, .len = 3, .objects = what_counters });
}

static void test_ranges_to_counters(void **state)
{
	static const struct fw_rs_set map = { .name = "map-a", .key = FW_RS_KEY_SERVICE, .interval = true, .data = FW_RS_COUNTERS };
	static const uint8_t keys[] = { 0, 1, 0, 5, 0, 6, 0, 9, 255, 255, 255, 255 };

	round_trip(*state, &map, (struct fw_rs_elements){ .keys = keys, .len = 3, .objects = what_counters });
}

static void test_concatenated_verdicts(void **state)
{
	static const struct fw_rs_set map = { .name = "map-a", .key = FW_RS_KEY_WHAT_IPV6, .data = FW_RS_VERDICTS };
	static const struct fw_rs_verdict verdicts[] = { { .code = NF_ACCEPT }, { .code = NFT_GOTO, .chain = "leaf" } };
	static const uint8_t keys[48] = { [0] = 6, [5] = 22, [8] = 0x20, [9] = 1, [24] = 6, [29] = 22, [32] = 0x20, [33] = 2 };

	round_trip(*state, &map, (struct fw_rs_elements){ .keys = keys, .len = 2, .verdicts = verdicts });
}

/* An element to delete is its key alone: its counter may be gone by then. */
static void test_deletes_keys(void **state)
{
	struct fw_rs_elements three = { .keys = what_keys, .len = 3, .objects = what_counters };
	struct bench *bench = *state;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_DELSETELEM, &counter_map, &three), 0);
	assert_null(memmem(bench->batch.data, bench->batch.len, "rule-", 5));
	assert_non_null(memmem(bench->batch.data, bench->batch.len, what_keys + 24, 12));
}

static void test_bad_counters(void **state)
{
	const char *objects[] = { "" };
	struct fw_rs_elements one = { .keys = what_keys, .len = 1, .objects = objects };
	struct bench *bench = *state;
	char long_name[300];

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &counter_map, &one), -EINVAL);
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = '\0';
	objects[0] = long_name;
	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &counter_map, &one), -EINVAL);
	assert_int_equal(bench->batch.len, 0);
}

/* The attribute that begins with these bytes. */
static struct nlattr *find_attr(struct bench *bench, const void *bytes, size_t len)
{
	char *at = memmem(bench->batch.data, bench->batch.len, bytes, len);

	assert_non_null(at);
	return (void *)at;
}

/* What no kernel sends: keys and names of wrong lengths; what another kind of map holds. */
static void test_hostile_counters(void **state)
{
	static const uint8_t name[] = { 11, 0, NFTA_SET_ELEM_OBJREF, 0, 'r', 'u', 'l', 'e' }, value[] = { 16, 0, NFTA_DATA_VALUE, 0, 6, 0, 0, 0 };
	static const struct fw_rs_set as_verdicts = { .name = "map-a", .key = FW_RS_KEY_WHAT_IPV4, .data = FW_RS_VERDICTS };
	static const struct fw_rs_set as_set = { .name = "map-a", .key = FW_RS_KEY_WHAT_IPV4 };
	struct fw_rs_elements one = { .keys = what_keys, .len = 1, .objects = what_counters };
	struct bench *bench = *state;
	struct fw_rs_set read;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &counter_map, &one), 0);
	assert_int_equal(gather(bench, &as_verdicts, &read), 0);
	assert_true(fw_foreign_is_set(&read));
	assert_int_equal(gather(bench, &as_set, &read), 0);
	assert_true(fw_foreign_is_set(&read));
	find_attr(bench, name, sizeof(name))->nla_len = 4; /* of no name */
	assert_int_equal(gather(bench, &counter_map, &read), -EBADMSG);
	bench->batch.len = 0;
	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &counter_map, &one), 0);
	find_attr(bench, name, sizeof(name))->nla_len = 200; /* past its element */
	assert_int_equal(gather(bench, &counter_map, &read), -EBADMSG);
	bench->batch.len = 0;
	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &counter_map, &one), 0);
	find_attr(bench, value, sizeof(value))->nla_len = 12; /* a part less */
	assert_int_equal(gather(bench, &counter_map, &read), -EBADMSG);
}

/* Exactly what goes over the wire for one range. */
static void test_bytes(void **state)
{
	static const uint8_t keys[] = { 0, 22, 0, 25 }, start[] = { 20, 0, 1, 0x80, 16, 0, 1, 0x80, 6, 0, 1, 0, 0, 22, 0, 0 };
	struct fw_rs_elements one = elements(keys, 1);
	struct bench *bench = *state;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_DELSETELEM, &ranges, &one), 0);
	assert_int_equal(bench_count(&bench->batch), 1);
	assert_null(memmem(bench->batch.data, bench->batch.len, start, sizeof(start))); /* lengths are of what is nested */
	assert_non_null(memmem(bench->batch.data, bench->batch.len, (const uint8_t[]){ 6, 0, 1, 0, 0, 22 }, 6));
	assert_non_null(memmem(bench->batch.data, bench->batch.len, (const uint8_t[]){ 8, 0, 3, 0, 0, 0, 0, NFT_SET_ELEM_INTERVAL_END }, 8));
	assert_non_null(memmem(bench->batch.data, bench->batch.len, (const uint8_t[]){ 6, 0, 1, 0, 0, 26 }, 6));
}

static int count_elements(const struct fw_read_element *element, void *data)
{
	size_t *counts = data; /* starts, ends */

	counts[element->end]++;
	return 0;
}

/* Many: no message is over its bound, none holds half a range, none is empty. */
static void test_stream(void **state)
{
	struct bench *bench = *state;
	size_t len = 20000, left, messages = 0;
	uint8_t *keys = fw_arena_alloc(bench->arena, len, 4);
	struct fw_rs_elements many = elements(keys, len);
	const struct nlmsghdr *message;
	const char *at;

	for (size_t i = 0; i < len; i++) {
		keys[i * 4] = keys[i * 4 + 2] = (uint8_t)(i * 3 >> 8);
		keys[i * 4 + 1] = keys[i * 4 + 3] = (uint8_t)(i * 3);
	}
	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &ranges, &many), 0);
	at = bench->batch.data;
	left = bench->batch.len;
	while ((message = fw_nl_next(&at, &left))) {
		size_t counts[2] = { 0, 0 };

		assert_true(message->nlmsg_len < 65536);
		assert_int_equal(fw_read_elements(message, "set-a", 2, count_elements, counts), 0);
		assert_true(counts[0] > 0);
		assert_int_equal(counts[0], counts[1]);
		messages++;
	}
	assert_in_range(messages, 2, 100);
}

static void test_no_elements(void **state)
{
	struct fw_rs_elements none = { .len = 0 };
	struct bench *bench = *state;
	struct fw_rs_set read;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &hash, &none), 0);
	assert_int_equal(bench->batch.len, 0);
	assert_int_equal(gather(bench, &hash, &read), 0);
	assert_int_equal(read.elements.len, 0);
}

/* The kernel's order is its own, and a range may come in any. */
static void test_any_order(void **state)
{
	static const uint8_t first[] = { 0, 80, 0, 90 }, second[] = { 0, 22, 0, 25 }, wanted[] = { 0, 22, 0, 25, 0, 80, 0, 90 };
	struct fw_rs_elements one = elements(first, 1), two = elements(second, 1);
	struct bench *bench = *state;
	struct fw_rs_set read;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &ranges, &one), 0);
	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &ranges, &two), 0);
	assert_int_equal(gather(bench, &ranges, &read), 0);
	assert_int_equal(read.elements.len, 2);
	assert_memory_equal(read.elements.keys, wanted, sizeof(wanted));
}

static void test_twins(void **state)
{
	static const uint8_t keys[] = { 192, 0, 2, 1, 192, 0, 2, 1 };
	struct fw_rs_elements twice = elements(keys, 2);
	struct bench *bench = *state;
	struct fw_rs_set read;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &hash, &twice), 0);
	assert_int_equal(gather(bench, &hash, &read), -EAGAIN);
}

/* Elements that are none of ours: keys of another length are no answer; a verdict's lack, or an end where there are no ranges,
 * marks the set. */
static void test_foreign_elements(void **state)
{
	static const struct fw_rs_set map = { .name = "set-a", .key = FW_RS_KEY_IPV4, .data = FW_RS_VERDICTS };
	static const struct fw_rs_set other = { .name = "set-a", .key = FW_RS_KEY_IPV6 };
	static const struct fw_rs_set plain = { .name = "set-a", .key = FW_RS_KEY_SERVICE };
	static const uint8_t keys[] = { 192, 0, 2, 1 }, ports[] = { 0, 1, 0, 2 };
	struct fw_rs_elements one = elements(keys, 1), range = elements(ports, 1);
	struct bench *bench = *state;
	struct fw_rs_set read;

	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &hash, &one), 0);
	assert_int_equal(gather(bench, &other, &read), -EBADMSG);
	assert_int_equal(gather(bench, &map, &read), 0);
	assert_true(fw_foreign_is_set(&read));
	bench->batch.len = 0;
	assert_int_equal(fw_send_elements(&bench->batch, NFT_MSG_NEWSETELEM, &ranges, &range), 0);
	assert_int_equal(gather(bench, &plain, &read), 0);
	assert_true(fw_foreign_is_set(&read));
}

static void test_heads(void **state)
{
	static const struct fw_rs_set sets[] = {
		{ .name = "set-a", .key = FW_RS_KEY_IPV6, .interval = true },
		{ .name = "map-a", .key = FW_RS_KEY_SERVICE, .data = FW_RS_VERDICTS, .size = 12 },
		{ .name = "dyn-a-4-32", .key = FW_RS_KEY_IPV4, .kind = FW_RS_SET_MEMBERS, .has_timeout = true },
		{ .name = "rate-a", .key = FW_RS_KEY_IPV4, .kind = FW_RS_SET_METERS, .has_timeout = true, .dynamic = true, .timeout_ms = 60000, .gc_interval_ms = 1000 },
		{ .name = "conn-a", .key = FW_RS_KEY_IFNAME, .kind = FW_RS_SET_METERS, .dynamic = true, .size = 100 },
		{ .name = "rate-x", .key = FW_RS_KEY_UID },
		{ .name = "what", .key = FW_RS_KEY_WHAT, .data = FW_RS_VERDICTS, .size = 30 },
		{ .name = "what-4", .key = FW_RS_KEY_WHAT_IPV4, .data = FW_RS_COUNTERS, .size = 100 },
		{ .name = "what-6", .key = FW_RS_KEY_WHAT_IPV6 },
		{ .name = "ports", .key = FW_RS_KEY_SERVICE, .data = FW_RS_COUNTERS, .interval = true },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < FW_ARRAY_SIZE(sets); i++)
		assert_int_equal(fw_send_set(&bench->batch, &sets[i]), 0);
	assert_int_equal(bench_read(&bench->batch, fw_read_set, &bench->read), 0);
	for (size_t i = 0; i < FW_ARRAY_SIZE(sets); i++) {
		const struct fw_rs_set *read = fw_ruleset_set(&bench->ruleset, sets[i].name);

		assert_true(fw_rs_set_same_head(read, &sets[i]));
		assert_int_equal(read->kind, sets[i].kind);
		assert_int_equal(read->size, sets[i].size);
	}
	assert_int_equal(bench_read(&bench->batch, fw_read_set, &bench->read), 0);
	assert_true(bench->read.torn); /* told twice */
}

/* Maps to objects that are no counters, or to two things at once. */
static void test_foreign_heads(void **state)
{
	static const struct fw_rs_set map = { .name = "map-a", .key = FW_RS_KEY_WHAT, .data = FW_RS_COUNTERS };
	static const uint8_t type[] = { 8, 0, NFTA_SET_OBJ_TYPE, 0, 0, 0, 0 }, flags[] = { 8, 0, NFTA_SET_FLAGS, 0, 0, 0, 0 };
	struct bench *bench = *state;

	assert_int_equal(fw_send_set(&bench->batch, &map), 0);
	((uint8_t *)find_attr(bench, type, sizeof(type)))[7] = NFT_OBJECT_LIMIT;
	assert_int_equal(bench_read(&bench->batch, fw_read_set, &bench->read), 0);
	assert_true(fw_foreign_is_set(fw_ruleset_set(&bench->ruleset, "map-a")));
	fw_ruleset_init(&bench->ruleset, bench->arena);
	((uint8_t *)find_attr(bench, type, sizeof(type)))[7] = NFT_OBJECT_COUNTER;
	((uint8_t *)find_attr(bench, flags, sizeof(flags)))[7] = NFT_SET_OBJECT | NFT_SET_MAP;
	mnl_attr_put_u32((void *)bench->batch.data, NFTA_SET_DATA_TYPE, htobe32((uint32_t)NFT_DATA_VERDICT)); /* the only message */
	bench->batch.len = ((const struct nlmsghdr *)(const void *)bench->batch.data)->nlmsg_len;
	assert_int_equal(bench_read(&bench->batch, fw_read_set, &bench->read), 0);
	assert_true(fw_foreign_is_set(fw_ruleset_set(&bench->ruleset, "map-a")));
	fw_ruleset_init(&bench->ruleset, bench->arena);
	((uint8_t *)find_attr(bench, flags, sizeof(flags)))[7] = NFT_SET_OBJECT;
	assert_int_equal(bench_read(&bench->batch, fw_read_set, &bench->read), 0);
	assert_true(fw_rs_set_same_head(fw_ruleset_set(&bench->ruleset, "map-a"), &map));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_hash),	   BENCH_TEST(test_ranges),	 BENCH_TEST(test_whole_range), BENCH_TEST(test_map),
		BENCH_TEST(test_bytes),	   BENCH_TEST(test_stream),	 BENCH_TEST(test_no_elements), BENCH_TEST(test_any_order),
		BENCH_TEST(test_twins),	   BENCH_TEST(test_foreign_elements), BENCH_TEST(test_heads),
		BENCH_TEST(test_map_to_counters), BENCH_TEST(test_ranges_to_counters), BENCH_TEST(test_concatenated_verdicts),
		BENCH_TEST(test_deletes_keys), BENCH_TEST(test_bad_counters), BENCH_TEST(test_hostile_counters), BENCH_TEST(test_foreign_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
