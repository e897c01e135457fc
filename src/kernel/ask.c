/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/ask.c - compares a set with the elements that it should hold: their number is the same, and each of them, asked for by its
 * key, is there; so there are no others. The kernel answers each key with a message, in the order of the request. */
#include "kernel/ask.h"

#include <errno.h>
#include <string.h>

#include "kernel/dump.h"
#include "kernel/read.h"
#include "kernel/send.h"

/* Ranges or keys in one request: it is one message then (fw_send_elements), and its answers fit into the receive buffer. */
#define ASKED_AT_ONCE 500

/* A request while its answers come. */
struct asking {
	const struct fw_rs_set *set;
	size_t key_len, stride;
	const uint8_t *at; /* the next key or range that is to be answered */
	bool at_end;       /* its end is */
	size_t answers;
	bool same;
};

static void step(struct asking *asking, bool has_end)
{
	asking->answers++;
	asking->at_end = has_end && !asking->at_end;
	if (!asking->at_end)
		asking->at += asking->stride;
}

static int take_element(const struct fw_read_element *element, void *data)
{
	struct asking *asking = data;
	uint8_t next[FW_RS_DATA_MAX];
	const uint8_t *wanted = asking->at;
	bool has_end = asking->set->interval && fw_send_next_key(asking->at + asking->key_len, asking->key_len, next);

	if (asking->at_end)
		wanted = next;
	/* Ranges answer with the element at or before the key that was asked for. */
	if (element->foreign || element->end != asking->at_end || memcmp(element->key.data, wanted, asking->key_len) != 0)
		asking->same = false;
	step(asking, has_end);
	return 0;
}

static int take_message(const struct nlmsghdr *message, void *data)
{
	struct asking *asking = data;

	return asking->same ? fw_read_elements(message, asking->set->name, asking->key_len, take_element, asking) : 0;
}

static bool is_open(const struct fw_rs_set *set, size_t index)
{
	size_t len = fw_rs_key_len(set->key);
	uint8_t next[FW_RS_DATA_MAX];

	return set->interval && !fw_send_next_key(set->elements.keys + (2 * index + 1) * len, len, next);
}

static int talk(struct fw_nl *nl, const struct fw_rs_set *set, const struct fw_rs_elements *some, struct asking *asking)
{
	struct fw_batch batch FW_CLEANUP(fw_batch_done);
	struct nlmsghdr *request;
	int r;

	fw_batch_init(&batch, fw_nl_next_seq(nl));
	r = fw_send_elements(&batch, NFT_MSG_GETSETELEM, set, some);
	if (r < 0)
		return r;
	request = (void *)batch.data;
	request->nlmsg_flags |= NLM_F_ACK;
	return fw_nl_talk(nl, request, take_message, asking, NULL);
}

static int ask_some(struct fw_nl *nl, const struct fw_rs_set *set, size_t from, size_t count, bool *ret_same)
{
	struct asking asking = { .set = set, .key_len = fw_rs_key_len(set->key), .same = true };
	struct fw_rs_elements some = { .len = count };
	size_t answers = set->interval ? 2 * count : count;
	int r;

	asking.stride = asking.key_len * (set->interval ? 2 : 1);
	some.keys = asking.at = set->elements.keys + from * asking.stride;
	if (is_open(set, from + count - 1))
		answers--;
	r = talk(nl, set, &some, &asking);
	*ret_same = !r && asking.same && asking.answers == answers;
	return r == -ENOMEM ? r : 0; /* whatever else, the dump will tell */
}

/* The kernel counts the elements of ranges in pairs, so that one more start, of a range without an end, would not be seen. */
static int ask_for_open_range(struct fw_nl *nl, const struct fw_rs_set *set, bool *ret_same)
{
	uint8_t highest[2 * FW_RS_DATA_MAX];
	struct fw_rs_elements top = { .keys = highest, .len = 1 };
	struct asking asking = { .set = set, .same = false }; /* no answer is of interest */
	int r;

	memset(highest, 0xff, sizeof(highest));
	r = talk(nl, set, &top, &asking);
	*ret_same = r == -ENOENT;
	return r == -ENOMEM ? r : 0;
}

static int same_number(struct fw_nl *nl, const struct fw_rs_set *set, bool *ret_same)
{
	struct fw_read_set_head head;
	size_t len = set->elements.len;
	int r = fw_dump_set_head(nl, set->name, &head);

	if (r < 0)
		return r;
	if (is_open(set, len - 1))
		len--; /* (2 * len - 1) / 2 */
	*ret_same = head.counted && head.count == len;
	return 0;
}

int fw_ask_same_elements(struct fw_nl *nl, const struct fw_rs_set *set, bool *ret_same)
{
	size_t len = set->elements.len;
	bool same = false;
	int r = 0;

	*ret_same = false;
	if (len)
		r = same_number(nl, set, &same);
	for (size_t from = 0; !r && same && from < len; from += ASKED_AT_ONCE)
		r = ask_some(nl, set, from, len - from < ASKED_AT_ONCE ? len - from : ASKED_AT_ONCE, &same);
	if (!r && same && set->interval && !is_open(set, len - 1))
		r = ask_for_open_range(nl, set, &same);
	*ret_same = !r && same;
	return r;
}
