/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes and errors of netlink, from bytes: good ones, and every way in which lengths can lie. */
#include "test_kernel.h"

#include <arpa/inet.h>

static const struct fw_attr_policy policy[] = {
	{ 1, FW_ATTR_U8, 0 },	    { 2, FW_ATTR_U16, 0 },    { 3, FW_ATTR_U32, 0 },	{ 4, FW_ATTR_U64, 0 },
	{ 5, FW_ATTR_STRING, 4 }, { 6, FW_ATTR_BINARY, 4 }, { 7, FW_ATTR_NESTED, 0 },
};

static int parse(const void *bytes, size_t len, struct fw_attrs *attrs)
{
	return fw_attrs_parse((struct fw_attr_iter){ bytes, len }, policy, FW_ARRAY_SIZE(policy), attrs);
}

static void test_values(void **state)
{
	_Alignas(4) static const uint8_t bytes[] = {
		5, 0, 1, 0, 0x12, 0, 0, 0, 6, 0, 2, 0, 0x12, 0x34, 0, 0, 8, 0, 3, 0, 1, 2, 3, 4, 12, 0, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8,
		7, 0, 5, 0, 'a', 'b', 0, 0, 6, 0, 6, 0, 'x', 0, 0, 0, 4, 0, 7, 0x80,
	};
	struct fw_attrs attrs;

	(void)state;
	assert_int_equal(parse(bytes, sizeof(bytes), &attrs), 0);
	assert_false(attrs.unknown);
	assert_int_equal(fw_attrs_u8(&attrs, 1, 0), 0x12);
	assert_int_equal(fw_attrs_be16(&attrs, 2, 0), 0x1234);
	assert_int_equal(fw_attrs_be32(&attrs, 3, 0), 0x01020304);
	assert_int_equal(fw_attrs_host32(&attrs, 3, 0), htonl(0x01020304));
	assert_true(fw_attrs_be64(&attrs, 4, 0) == 0x0102030405060708);
	assert_true(fw_str_equal(fw_attrs_string(&attrs, 5), FW_STR("ab")));
	assert_int_equal(fw_attrs_bytes(&attrs, 6).len, 2);
	assert_non_null(attrs.at[7]); /* NLA_F_NESTED is no part of the number */
}

static void test_absent(void **state)
{
	struct fw_attrs attrs;

	(void)state;
	assert_int_equal(parse("", 0, &attrs), 0);
	assert_int_equal(fw_attrs_u8(&attrs, 1, 7), 7);
	assert_int_equal(fw_attrs_be16(&attrs, 2, 7), 7);
	assert_int_equal(fw_attrs_be32(&attrs, 3, 7), 7);
	assert_int_equal(fw_attrs_be64(&attrs, 4, 7), 7);
	assert_int_equal(fw_attrs_string(&attrs, 5).len, 0);
}

static void test_unknown(void **state)
{
	_Alignas(4) static const uint8_t other[] = { 4, 0, 9, 0 }, high[] = { 4, 0, 0xff, 0x3f };
	struct fw_attrs attrs;

	(void)state;
	assert_int_equal(parse(other, sizeof(other), &attrs), 0);
	assert_true(attrs.unknown);
	assert_int_equal(parse(high, sizeof(high), &attrs), 0);
	assert_true(attrs.unknown);
}

static void test_lies(void **state)
{
	/* attributes with a wrong length for their type; with less than a head; with more than there is; a rest that is none */
	_Alignas(4) static const uint8_t lies[][12] = {
		{ 12, 6, 0, 1, 0, 1, 2 },		  { 12, 5, 0, 2, 0, 1 },		{ 12, 4, 0, 3, 0 },
		{ 12, 8, 0, 4, 0, 1, 2, 3, 4 },		  { 12, 9, 0, 5, 0, 'a', 'b', 'c', 'd', 'e' }, { 12, 9, 0, 6, 0, 1, 2, 3, 4, 5 },
		{ 4, 3, 0, 1, 0 },			  { 4, 0, 0, 1, 0 },			{ 8, 12, 0, 4, 0, 1, 2, 3, 4 },
		{ 6, 4, 0, 7, 0, 1, 1 },
	};
	_Alignas(4) uint8_t bytes[12];
	struct fw_attrs attrs;

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(lies); i++) {
		size_t len = lies[i][0] < 11 ? lies[i][0] : 11;

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, lies[i] + 1, 11);
		if (i < 6) /* the attribute alone, whatever it says of itself */
			len = bytes[0];
		assert_int_equal(parse(bytes, len, &attrs), -EBADMSG);
	}
}

/* A message of an error: its head, the error, the head of what it answers, and whatever is behind. */
struct answer {
	struct nlmsghdr head;
	struct nlmsgerr body;
	uint8_t tail[64];
};

static struct answer answer(int error, uint16_t flags, const void *tail, size_t len)
{
	struct answer a = { .head = { .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = flags, .nlmsg_seq = 77 }, .body = { .error = error } };

	a.body.msg.nlmsg_len = sizeof(a.body.msg);
	memcpy(a.tail, tail, len);
	a.head.nlmsg_len = (uint32_t)(offsetof(struct answer, tail) + len);
	return a;
}

static void test_errors(void **state)
{
	_Alignas(4) static const uint8_t words[] = { 7, 0, 1, 0, 'n', 'o', 0, 0, 8, 0, 2, 0, 0x24, 0, 0, 0 };
	_Alignas(4) static const uint8_t quoted[] = { 1, 2, 3, 4, 6, 0, 1, 0, 'x', 0, 0, 0 };
	struct fw_nl_error error;
	struct answer a = answer(0, 0, "", 0);

	(void)state;
	assert_int_equal(fw_nl_read_error(&a.head, &error), 0);
	assert_int_equal(error.error, 0);
	assert_int_equal(error.seq, 77);
	a = answer(-EBUSY, NLM_F_CAPPED | NLM_F_ACK_TLVS, words, sizeof(words));
	assert_int_equal(fw_nl_read_error(&a.head, &error), 0);
	assert_int_equal(error.error, -EBUSY);
	assert_string_equal(error.text, "no");
	assert_int_equal(error.attribute, 0x24);
	a = answer(-EINVAL, NLM_F_ACK_TLVS, quoted, sizeof(quoted));
	a.body.msg.nlmsg_len = sizeof(a.body.msg) + 4; /* the request had four bytes more */
	assert_int_equal(fw_nl_read_error(&a.head, &error), 0);
	assert_string_equal(error.text, "x");
}

static void test_bad_errors(void **state)
{
	_Alignas(4) static const uint8_t words[] = { 17, 0, 1, 0, 'n', 'o', 0, 0 };
	struct fw_nl_error error;
	struct answer a = answer(1, 0, "", 0);

	(void)state;
	assert_int_equal(fw_nl_read_error(&a.head, &error), -EBADMSG); /* no error is positive */
	a = answer(INT32_MIN, 0, "", 0);
	assert_int_equal(fw_nl_read_error(&a.head, &error), -EBADMSG);
	a = answer(-1, 0, "", 0);
	a.head.nlmsg_len -= 1;
	assert_int_equal(fw_nl_read_error(&a.head, &error), -EBADMSG);
	a = answer(-1, NLM_F_CAPPED | NLM_F_ACK_TLVS, words, sizeof(words));
	assert_int_equal(fw_nl_read_error(&a.head, &error), -EBADMSG);
	a = answer(-1, NLM_F_ACK_TLVS, words, sizeof(words));
	a.body.msg.nlmsg_len = 0xffffffff;
	assert_int_equal(fw_nl_read_error(&a.head, &error), -EBADMSG);
}

static void test_messages(void **state)
{
	_Alignas(4) struct nlmsghdr heads[3] = { { .nlmsg_len = 16 }, { .nlmsg_len = 16 }, { .nlmsg_len = 17 } };
	const char *at = (const char *)heads;
	size_t left = sizeof(heads);

	(void)state;
	assert_ptr_equal(fw_nl_next(&at, &left), &heads[0]);
	assert_ptr_equal(fw_nl_next(&at, &left), &heads[1]);
	assert_null(fw_nl_next(&at, &left)); /* longer than what is there */
	heads[2].nlmsg_len = 15;
	assert_null(fw_nl_next(&at, &left));
	left = 15;
	assert_null(fw_nl_next(&at, &left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_absent),	  cmocka_unit_test(test_unknown),  cmocka_unit_test(test_lies),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_bad_errors), cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
