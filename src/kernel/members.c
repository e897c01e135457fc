/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/members.c - members of dynamic groups: added, renewed, taken out, listed, counted. A member that is there is deleted and
 * added again in one batch, for the kernels of before 6.12 ignore a new timeout. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/commit.h"
#include "kernel/dump.h"
#include "kernel/internal.h"
#include "kernel/read.h"
#include "kernel/send.h"

static struct fw_send_member element_of(const char *set, const struct fw_member *member)
{
	struct fw_send_member element = { .set = set, .timeout_ms = member->timeout_ms, .expires_ms = member->expires_ms };
	struct fw_range prefix = fw_range_prefix(member->family, member->address, member->length);

	element.key_len = fw_addr_to_bytes(member->family, prefix.low, element.key);
	return element;
}

static int build(struct fw_batch *batch, const struct fw_send_member *element, bool take_out, bool put_in)
{
	struct fw_send_member key = { .set = element->set, .key_len = element->key_len };
	int r;

	memcpy(key.key, element->key, sizeof(key.key));
	r = fw_batch_begin(batch, 0);
	if (!r && take_out)
		r = fw_send_member(batch, NFT_MSG_DELSETELEM, 0, &key);
	if (!r && put_in)
		r = fw_send_member(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, element);
	return r;
}

static int exchange(struct fw_kernel *kernel, const struct fw_send_member *element, bool take_out, bool put_in, struct fw_nl_error *error)
{
	struct fw_batch batch FW_CLEANUP(fw_batch_done);
	uint32_t before, now;
	int r;

	*error = (struct fw_nl_error){ .error = 0 };
	r = fw_kernel_generation(kernel, &before);
	fw_batch_init(&batch, kernel->netfilter.seq);
	if (!r)
		r = build(&batch, element, take_out, put_in);
	return r < 0 ? r : fw_commit_batch(kernel, &batch, before, &now, error);
}

static int report(const char *set, int error, const struct fw_nl_error *kernel_error, struct fw_kernel_error *ret_error)
{
	struct fw_rs_set head = { .name = set };
	struct fw_change change = { .kind = FW_CHANGE_ADD_SET, .set = &head };

	if (!error)
		return 0;
	fw_commit_describe(&change, error, kernel_error, ret_error);
	ret_error->change = NULL; /* it lives here only */
	return error;
}

/* Whether it is a member is not asked but tried: between a question and a batch it may expire. */
int fw_kernel_member_add(struct fw_kernel *kernel, const char *set, const struct fw_member *member, struct fw_kernel_error *ret_error)
{
	struct fw_send_member element = element_of(set, member);
	struct fw_nl_error error = { .error = 0 };
	bool again = false;
	int r = -EAGAIN;

	for (int try = 0; try < FW_KERNEL_TRIES; try++) {
		r = exchange(kernel, &element, again, true, &error);
		if (!again && r == -EEXIST)
			again = true;
		else if (again && r == -ENOENT)
			again = false;
		else
			break;
	}
	return report(set, r, &error, ret_error);
}

int fw_kernel_member_delete(struct fw_kernel *kernel, const char *set, const struct fw_member *member, struct fw_kernel_error *ret_error)
{
	struct fw_send_member element = element_of(set, member);
	struct fw_nl_error error = { .error = 0 };
	int r = exchange(kernel, &element, true, false, &error);

	return report(set, r, &error, ret_error);
}

/* What a dump of a set's members is put into. */
struct listing {
	const char *set;
	enum fw_family family;
	unsigned int length;
	struct fw_vec *members; /* NULL: only counted */
	size_t key_len, count;
	uint64_t timeout_ms; /* the set's, which its elements do not repeat */
};

static int list_element(const struct fw_read_element *element, void *data)
{
	struct listing *listing = data;
	struct fw_member *member;
	uint64_t timeout_ms;

	if (element->foreign || element->end)
		return 0;
	listing->count++;
	if (!listing->members)
		return 0;
	timeout_ms = element->expires_ms && !element->timeout_ms ? listing->timeout_ms : element->timeout_ms;
	member = fw_vec_push(listing->members);
	if (!member)
		return -ENOMEM;
	*member = (struct fw_member){
		.family = listing->family,
		.address = fw_addr_from_bytes(listing->family, (const uint8_t *)element->key.data),
		.length = listing->length,
		.timeout_ms = timeout_ms,
		.expires_ms = element->expires_ms,
	};
	return 0;
}

static int list_message(const struct nlmsghdr *message, void *data)
{
	struct listing *listing = data;

	return fw_read_elements(message, listing->set, listing->key_len, list_element, listing);
}

static int list(struct fw_kernel *kernel, struct listing *listing)
{
	size_t had = listing->members ? listing->members->len : 0;
	int r = -EINTR;

	for (int try = 0; r == -EINTR && try < FW_KERNEL_TRIES; try++) {
		listing->count = 0;
		if (listing->members)
			fw_kernel_truncate(listing->members, had);
		r = fw_dump_elements(&kernel->netfilter, listing->set, list_message, listing);
	}
	return r == -EINTR ? -EAGAIN : r;
}

static int compare_members(const void *a, const void *b)
{
	const struct fw_member *left = a, *right = b;

	return fw_u128_compare(left->address, right->address);
}

/* A dump over a hash that grows tells of some twice. */
static void sort_once(struct fw_vec *members, size_t from)
{
	size_t kept = from;

	if (members->len - from < 2)
		return;
	qsort(fw_vec_at(members, from), members->len - from, members->size, compare_members);
	for (size_t i = from + 1; i < members->len; i++)
		if (compare_members(fw_vec_at(members, kept), fw_vec_at(members, i)) != 0)
			memmove(fw_vec_at(members, ++kept), fw_vec_at(members, i), members->size);
	fw_kernel_truncate(members, kept + 1);
}

int fw_kernel_members(struct fw_kernel *kernel, const char *set, enum fw_family family, unsigned int length, struct fw_vec *ret_members)
{
	struct listing listing = { .set = set, .family = family, .length = length, .members = ret_members };

	size_t had = ret_members->len;
	struct fw_read_set_head head;
	int r;

	r = fw_dump_set_head(&kernel->netfilter, set, &head);
	listing.key_len = fw_family_bits(family) / 8;
	listing.timeout_ms = head.timeout_ms;
	if (!r)
		r = list(kernel, &listing);
	if (!r)
		sort_once(ret_members, had);
	return r;
}

int fw_kernel_set_count(struct fw_kernel *kernel, const char *set, size_t *ret_count)
{
	struct listing listing = { .set = set };
	struct fw_read_set_head head;
	int r;

	r = fw_dump_set_head(&kernel->netfilter, set, &head);
	listing.key_len = head.key_len;
	if (!r && !head.counted)
		r = list(kernel, &listing);
	if (r < 0)
		return r;
	*ret_count = head.counted ? head.count : listing.count;
	return 0;
}
