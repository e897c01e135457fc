/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: the readers of netlink messages. The first byte says from which socket the rest, messages one behind another,
 * is said to come: 0 netfilter, 1 sock_diag, 2 routing. Besides not crashing: what is read is what may be sent, and that reads
 * the same again; elements come sorted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "kernel/foreign.h"
#include "kernel/kernel.h"
#include "kernel/netlink.h"
#include "kernel/read.h"
#include "kernel/send.h"
#include "kernel/sockets.h"
#include "ruleset/diff.h"

#define BUDGET ((size_t)256 << 20)
#define SETS_READ 4 /* element messages are read for so many sets */

/* Bytes as they come from a socket: aligned, and nothing behind them. */
struct stream {
	char *bytes;
	const char *at;
	size_t left;
};

static void stream_rewind(struct stream *stream, size_t size)
{
	stream->at = stream->bytes;
	stream->left = size;
}

static bool expected(int r)
{
	return r == 0 || r == -EBADMSG || r == -ENOMEM;
}

static void read_error(const struct nlmsghdr *message)
{
	struct fw_nl_error error;
	int r = fw_nl_read_error(message, &error);

	FUZZ_CHECK(expected(r));
	if (r == 0)
		FUZZ_CHECK(error.error <= 0 && strnlen(error.text, sizeof(error.text)) < sizeof(error.text));
}

static void read_objects(struct stream *stream, struct fw_read *read)
{
	struct fw_vec counts FW_CLEANUP(fw_vec_done);
	const struct nlmsghdr *message;

	fw_vec_init(&counts, NULL, sizeof(struct fw_count));
	while ((message = fw_nl_next(&stream->at, &stream->left))) {
		if (message->nlmsg_type == NLMSG_ERROR) {
			read_error(message);
			continue;
		}
		FUZZ_CHECK(expected(fw_read_table(message, read)));
		FUZZ_CHECK(expected(fw_read_chain(message, read)));
		FUZZ_CHECK(expected(fw_read_set(message, read)));
		FUZZ_CHECK(expected(fw_read_object(message, read)));
		FUZZ_CHECK(expected(fw_read_rule(message, read)));
		FUZZ_CHECK(expected(fw_read_count(message, &counts)));
	}
}

static void check_sorted(const struct fw_rs_set *set)
{
	size_t len = fw_rs_key_len(set->key), stride = len * (set->interval ? 2 : 1);

	for (size_t i = 1; i < set->elements.len; i++) {
		const uint8_t *last = set->elements.keys + i * stride - len;

		FUZZ_CHECK(memcmp(last, last + len, len) < 0);
	}
	for (size_t i = 0; set->interval && i < set->elements.len; i++)
		FUZZ_CHECK(memcmp(set->elements.keys + i * stride, set->elements.keys + i * stride + len, len) <= 0);
}

static void read_elements(struct stream *stream, struct fw_ruleset *ruleset, struct fw_rs_set *set)
{
	struct fw_read_gather gather FW_CLEANUP(fw_read_gather_done);
	const struct nlmsghdr *message;
	int r = 0;

	fw_read_gather_init(&gather, ruleset, set);
	while (!r && (message = fw_nl_next(&stream->at, &stream->left)))
		r = fw_read_gather_message(message, &gather);
	FUZZ_CHECK(expected(r));
	if (r < 0)
		return;
	r = fw_read_gather_finish(&gather, set);
	FUZZ_CHECK(expected(r) || r == -EAGAIN);
	if (!fw_foreign_is_set(set))
		check_sorted(set);
}

/* The one rule that `ruleset` has in its chain of that name. */
static const struct fw_rs_rule *only_rule(const struct fw_ruleset *ruleset, const char *chain)
{
	const struct fw_rs_chain *found = fw_ruleset_chain(ruleset, chain);

	FUZZ_CHECK(found && found->rules.len == 1);
	return fw_vec_at(&found->rules, 0);
}

static void check_rule(struct fw_arena *arena, const char *chain, const struct fw_rs_rule *rule)
{
	struct fw_batch batch FW_CLEANUP(fw_batch_done);
	struct fw_hash hash = fw_rs_rule_hash(rule), again;
	struct fw_ruleset ruleset;
	struct fw_read read = { .ruleset = &ruleset };

	fw_batch_init(&batch, 1);
	if (fw_send_rule(&batch, chain, rule, 0) < 0)
		return; /* unknown, or past a bound */
	fw_ruleset_init(&ruleset, arena);
	FUZZ_CHECK(fw_ruleset_add_chain(&ruleset, chain) != NULL);
	FUZZ_CHECK(fw_read_rule((const void *)batch.data, &read) == 0);
	again = fw_rs_rule_hash(only_rule(&ruleset, chain));
	FUZZ_CHECK(hash.hi == again.hi && hash.lo == again.lo);
}

static void check_rules(struct fw_arena *arena, const struct fw_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chains.len; i++) {
		const struct fw_rs_chain *chain = fw_vec_at(&ruleset->chains, i);

		for (size_t j = 0; j < chain->rules.len; j++)
			check_rule(arena, chain->name, fw_vec_at(&chain->rules, j));
	}
}

static void fuzz_netfilter(struct fw_arena *arena, struct stream *stream, size_t size)
{
	struct fw_ruleset ruleset;
	struct fw_read read = { .ruleset = &ruleset };

	fw_ruleset_init(&ruleset, arena);
	read_objects(stream, &read);
	for (size_t i = 0; i < ruleset.sets.len && i < SETS_READ; i++) {
		struct fw_rs_set *set = fw_vec_at(&ruleset.sets, i);

		stream_rewind(stream, size);
		if (!fw_foreign_is_set(set))
			read_elements(stream, &ruleset, set);
	}
	check_rules(arena, &ruleset);
}

static void fuzz_sockets(struct stream *stream)
{
	uint8_t *listens FW_CLEANUP(fw_free_ptr) = calloc(1, FW_SOCKETS_LISTENS);
	struct fw_vec sockets FW_CLEANUP(fw_vec_done);
	struct fw_sockets_read read = { .sockets = &sockets, .listens = listens, .proto = 6 };
	const struct nlmsghdr *message;

	FUZZ_CHECK(listens != NULL);
	fw_vec_init(&sockets, NULL, sizeof(struct fw_socket));
	while ((message = fw_nl_next(&stream->at, &stream->left))) {
		read.listeners = message->nlmsg_seq & 1;
		FUZZ_CHECK(expected(fw_sockets_read_message(message, &read)));
	}
}

static void fuzz_routes(struct stream *stream)
{
	struct fw_vec members FW_CLEANUP(fw_vec_done);
	const struct nlmsghdr *message;
	char name[16] = "";
	uint32_t index;

	fw_vec_init(&members, NULL, sizeof(struct fw_member));
	while ((message = fw_nl_next(&stream->at, &stream->left))) {
		FUZZ_CHECK(expected(fw_address_read_message(message, &members)));
		FUZZ_CHECK(expected(fw_route_read_message(message, &index)));
		FUZZ_CHECK(expected(fw_link_read_message(message, name)));
		FUZZ_CHECK(memchr(name, '\0', sizeof(name)) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FW_CLEANUP(fw_arena_freep) struct fw_arena *arena = fw_arena_new(BUDGET);
	FW_CLEANUP(fw_free_ptr) char *bytes = malloc(size ? size : 1);
	struct stream stream = { .bytes = bytes };

	FUZZ_CHECK(arena != NULL && bytes != NULL);
	if (!size)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	stream_rewind(&stream, size - 1);
	if (data[0] == 0)
		fuzz_netfilter(arena, &stream, size - 1);
	else if (data[0] == 1)
		fuzz_sockets(&stream);
	else if (data[0] == 2)
		fuzz_routes(&stream);
	return 0;
}
