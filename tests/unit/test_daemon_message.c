/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between keeper and front: what one sends the other gets; what is not due, or not as long as its kind says, is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/message.h"

struct ends {
	struct fw_channel keeper, front;
};

static int setup(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fw_channel_init(&ends->keeper, pair[0], FW_KEEPER), 0);
	assert_int_equal(fw_channel_init(&ends->front, pair[1], FW_FRONT), 0);
	*state = ends;
	return 0;
}

static int teardown(void **state)
{
	struct ends *ends = *state;

	fw_channel_done(&ends->keeper);
	fw_channel_done(&ends->front);
	free(ends);
	return 0;
}

static void there_and_back(void **state)
{
	struct ends *ends = *state;
	const struct fw_message_line line = { 1, 2, 0, 77 };
	const char *const strings[] = { "0123", NULL, "policy.conf", "", "a \"label\"" };
	struct fw_message message;
	char *got[5];

	assert_int_equal(fw_channel_send_strings(&ends->keeper, FW_MESSAGE_LINE, &line, strings, 5), 0);
	assert_int_equal(fw_channel_receive(&ends->front, &message), 1);
	assert_int_equal(message.kind, FW_MESSAGE_LINE);
	assert_memory_equal(message.body, &line, sizeof(line));
	assert_int_equal(fw_message_strings(&message, got, 5), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_true(strings[i] ? strcmp(got[i], strings[i]) == 0 : got[i] == NULL);
		free(got[i]);
	}
	assert_int_equal(fw_message_strings(&message, got, 4), -EBADMSG);
	assert_int_equal(fw_message_strings(&message, got, 0), -EBADMSG);
	assert_int_equal(fw_channel_send(&ends->front, FW_MESSAGE_POLL, NULL, -1), 0);
	assert_int_equal(fw_channel_receive(&ends->keeper, &message), 1);
	assert_int_equal(message.kind, FW_MESSAGE_POLL);
	assert_int_equal(fw_channel_receive(&ends->keeper, &message), 0);
}

static void many_records(void **state)
{
	struct ends *ends = *state;
	struct fw_message message;
	uint64_t next = 0;

	for (uint64_t i = 0; i < 3000; i++) {
		const struct fw_message_count count = { .index = i, .packets = i * 3 };
		assert_int_equal(fw_channel_add(&ends->keeper, FW_MESSAGE_COUNTS, &count), 0);
	}
	assert_int_equal(fw_channel_flush(&ends->keeper, FW_MESSAGE_COUNTS), 0);
	assert_int_equal(fw_channel_flush(&ends->keeper, FW_MESSAGE_COUNTS), 0);
	while (fw_channel_receive(&ends->front, &message) == 1) {
		const struct fw_message_count *counts = message.body;
		assert_true(message.count > 0);
		for (uint32_t i = 0; i < message.count; i++, next++)
			assert_true(counts[i].index == next && counts[i].packets == next * 3);
	}
	assert_int_equal(next, 3000);
}

static void long_string(void **state)
{
	struct ends *ends = *state;
	const struct fw_message_done done = { .ticket = 1 };
	char *text = malloc(20000);
	struct fw_message message;
	char *got[2];

	memset(text, 'a', 20000);
	text[FW_MESSAGE_STRING_MAX - 1] = (char)0xc3; /* two bytes of UTF-8, that the end would part */
	text[FW_MESSAGE_STRING_MAX] = (char)0xa4;
	text[19999] = '\0';
	assert_int_equal(fw_channel_send_strings(&ends->keeper, FW_MESSAGE_DONE, &done, (const char *const[]){ text, "hint" }, 2), 0);
	assert_int_equal(fw_channel_receive(&ends->front, &message), 1);
	assert_int_equal(fw_message_strings(&message, got, 2), 0);
	assert_int_equal(strlen(got[0]), FW_MESSAGE_STRING_MAX - 1);
	assert_string_equal(got[1], "hint");
	free(got[0]);
	free(got[1]);
	free(text);
}

static void descriptors(void **state)
{
	struct ends *ends = *state;
	const struct fw_message_nflog nflog = { .group = 86 };
	struct fw_message message;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fw_channel_send(&ends->keeper, FW_MESSAGE_NFLOG, &nflog, fd), 0);
	assert_int_equal(fw_channel_receive(&ends->front, &message), 1);
	assert_true(message.fd >= 0 && message.fd != fd && fcntl(message.fd, F_GETFD) == FD_CLOEXEC);
	close(message.fd);
	/* where none may come, none is taken */
	assert_int_equal(fw_channel_send(&ends->keeper, FW_MESSAGE_POLICY_END, NULL, fd), 0);
	assert_int_equal(fw_channel_receive(&ends->front, &message), -EBADMSG);
	close(fd);
}

static void refuse(struct ends *ends, const void *bytes, size_t len)
{
	struct fw_message message;

	assert_int_equal(send(ends->front.fd, bytes, len, 0), len);
	assert_int_equal(fw_channel_receive(&ends->keeper, &message), -EBADMSG);
}

/* All kinds and lengths that a front that was taken over may send: nothing comes through but what is due. */
static void not_due(void **state)
{
	struct ends *ends = *state;
	uint32_t words[64] = { 0 };
	struct fw_message message;

	refuse(ends, words, 4);
	for (uint32_t kind = 0; kind < FW_MESSAGE_KINDS + 3; kind++)
		for (size_t len = 8; len <= sizeof(words); len += 4) {
			words[0] = kind;
			words[1] = 1;
			const bool due = (kind >= FW_MESSAGE_READY && kind <= FW_MESSAGE_POLL && len == 8) ||
					 (kind == FW_MESSAGE_ASK_MEMBERS && len == 8 + sizeof(struct fw_message_ask)) ||
					 ((kind == FW_MESSAGE_BAN || kind == FW_MESSAGE_UNBAN) && len == 8 + sizeof(struct fw_message_ban));
			if (!due) {
				refuse(ends, words, len);
				continue;
			}
			assert_int_equal(send(ends->front.fd, words, len, 0), len);
			assert_int_equal(fw_channel_receive(&ends->keeper, &message), 1);
		}
	words[0] = FW_MESSAGE_POLL;
	words[1] = UINT32_MAX;
	refuse(ends, words, 8);
	char *big = calloc(1, FW_MESSAGE_MAX * 2);
	refuse(ends, big, FW_MESSAGE_MAX * 2);
	free(big);
	fw_channel_done(&ends->front);
	assert_int_equal(fw_channel_receive(&ends->keeper, &message), -ECONNRESET);
}

/* A front never waits for its keeper. */
static void full(void **state)
{
	struct ends *ends = *state;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < 100000; i++)
		r = fw_channel_send(&ends->front, FW_MESSAGE_POLL, NULL, -1);
	assert_int_equal(r, -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, setup, teardown), cmocka_unit_test_setup_teardown(many_records, setup, teardown),
		cmocka_unit_test_setup_teardown(long_string, setup, teardown),    cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(not_due, setup, teardown),        cmocka_unit_test_setup_teardown(full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
