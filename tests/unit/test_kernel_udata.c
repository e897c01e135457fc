/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User data of rules: written and read back; bounds; bytes of others. */
#include "test_kernel.h"

#include "kernel/udata.h"

static const struct fw_rs_tag tag = { .owner = FW_RS_BUILTIN, .role = FW_RS_ROLE_HIT, .id = "in/loopback" };

static struct fw_udata again(const struct fw_udata *udata, uint8_t bytes[FW_UDATA_MAX])
{
	size_t len = 0;

	assert_int_equal(fw_udata_encode(udata, bytes, &len), 0);
	return fw_udata_decode((struct fw_str){ (const char *)bytes, len });
}

static void test_round_trip(void **state)
{
	struct fw_udata udata = { .tag = tag, .comment = FW_STR("a comment"), .blob = FW_STR("\0\1\2") }, back;
	uint8_t bytes[FW_UDATA_MAX];

	(void)state;
	back = again(&udata, bytes);
	assert_int_equal(back.tag.owner, tag.owner);
	assert_int_equal(back.tag.role, tag.role);
	assert_string_equal(back.tag.id, tag.id);
	assert_true(fw_str_equal(back.comment, udata.comment));
	assert_true(fw_str_equal(back.blob, udata.blob));
}

static void test_layout(void **state)
{
	static const uint8_t wanted[] = { 0x00, 2, 'c', 0, 0x80, 13, FW_RS_BUILTIN, FW_RS_ROLE_HIT, 'i', 'n', '/', 'l', 'o', 'o', 'p', 'b', 'a', 'c', 'k', 0x81, 1, 'b' };
	struct fw_udata udata = { .tag = tag, .comment = FW_STR("c"), .blob = FW_STR("b") };
	uint8_t bytes[FW_UDATA_MAX];
	size_t len;

	(void)state;
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), 0);
	assert_int_equal(len, sizeof(wanted));
	assert_memory_equal(bytes, wanted, len);
}

static void test_empty(void **state)
{
	struct fw_udata udata = { .blob = FW_STR("") }, back;
	uint8_t bytes[FW_UDATA_MAX];
	size_t len = 1;

	(void)state;
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), 0);
	assert_int_equal(len, 0);
	back = fw_udata_decode(FW_STR(""));
	assert_null(back.comment.data);
	assert_int_equal(back.tag.owner, FW_RS_NOBODY);
	assert_int_equal(back.blob.len, 0);
	udata.comment = FW_STR(""); /* an empty comment is one */
	back = again(&udata, bytes);
	assert_non_null(back.comment.data);
}

static void test_bounds(void **state)
{
	static char text[300];
	struct fw_udata udata = { .blob = { text, 254 } };
	uint8_t bytes[FW_UDATA_MAX];
	size_t len;

	(void)state;
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), 0);
	assert_int_equal(len, FW_UDATA_MAX);
	udata.blob.len = 255;
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), -E2BIG);
	udata.blob.len = 251;
	udata.tag.owner = FW_RS_MANIFEST; /* four bytes of its own */
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), -E2BIG);
	udata.blob.len = 250;
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), 0);
	memset(text, 'x', sizeof(text));
	udata = (struct fw_udata){ .comment = { text, 128 }, .blob = FW_STR("") };
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), -E2BIG);
	udata.comment.len = 127;
	assert_int_equal(fw_udata_encode(&udata, bytes, &len), 0);
}

/* What is not ours is kept whole, as what makes it differ. */
static void test_foreign(void **state)
{
	const struct fw_str foreign[] = {
		FW_STR("\x01\x01x"),			/* another type */
		FW_STR("\x00\x02xx"),			/* a comment without its NUL */
		FW_STR("\x00\x03x\0\0"),		/* with two */
		FW_STR("\x00\x00"),			/* of nothing */
		FW_STR("\x81\x05xx"),			/* longer than there is */
		FW_STR("\x81"),				/* half a head */
		FW_STR("\x80\x01\x01"),			/* a tag without a role */
		FW_STR("\x80\x02\x06\x00"),		/* of nobody we know */
		FW_STR("\x80\x02\x01\x04"),		/* in no role we know */
		FW_STR("\x80\x03\x01\x01\0"),		/* an id with a NUL */
		FW_STR("\x80\x22\x01\x01" "01234567890123456789012345678901"), /* too long an id */
	};

	(void)state;
	for (size_t i = 0; i < FW_ARRAY_SIZE(foreign); i++) {
		struct fw_udata udata = fw_udata_decode(foreign[i]);

		assert_true(fw_str_equal(udata.blob, foreign[i]));
		assert_int_equal(udata.tag.owner, FW_RS_NOBODY);
		assert_null(udata.comment.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_layout),  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
