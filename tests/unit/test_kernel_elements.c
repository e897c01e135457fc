/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of sets: streamed into messages, gathered from them; ranges cut into two elements and joined again. */
#include "test_kernel.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(test_hash),	   BENCH_TEST(test_ranges),	 BENCH_TEST(test_whole_range), BENCH_TEST(test_map),
		BENCH_TEST(test_bytes),	   BENCH_TEST(test_stream),	 BENCH_TEST(test_no_elements), BENCH_TEST(test_any_order),
		BENCH_TEST(test_twins),	   BENCH_TEST(test_foreign_elements), BENCH_TEST(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
