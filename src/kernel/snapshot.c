/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/snapshot.c - our table as a ruleset: one dump for each sort of object, begun again when a generation moved under them. */
#include <errno.h>
#include <time.h>

#include "kernel/ask.h"
#include "kernel/dump.h"
#include "kernel/foreign.h"
#include "kernel/internal.h"
#include "kernel/read.h"

static int dump(struct fw_nl *nl, uint16_t message, uint16_t table_attribute, fw_nl_reader *reader, struct fw_read *read)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];

	return fw_nl_talk(nl, fw_dump_request(nl, buffer, message, table_attribute), reader, read, NULL);
}

/* What a picture is taken of. */
struct scope {
	unsigned int flags;
	const struct fw_ruleset *like; /* or NULL */
	size_t ask_ranges_from, ask_keys_from;
};

/* All of them, or of one chain. */
static int dump_rules(struct fw_nl *nl, const char *only_chain, struct fw_read *read)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_dump_request(nl, buffer, NFT_MSG_GETRULE, NFTA_RULE_TABLE);

	read->only_chain = only_chain;
	if (only_chain)
		mnl_attr_put_strz(request, NFTA_RULE_CHAIN, read->only_chain);
	return fw_nl_talk(nl, request, fw_read_rule, read, NULL);
}

static int read_table(struct fw_nl *nl, struct fw_read *read)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_nl_nf_message(nl, buffer, fw_nf_type(NFT_MSG_GETTABLE), NLM_F_ACK);
	int r;

	mnl_attr_put_strz(request, NFTA_TABLE_NAME, FW_TABLE_NAME);
	r = fw_nl_talk(nl, request, fw_read_table, read, NULL);
	return r == -ENOENT ? 0 : r;
}

static void pause_before(int try)
{
	struct timespec pause = { .tv_nsec = (long)try * 2 * 1000 * 1000 };

	(void)nanosleep(&pause, NULL);
}

/* A hash without a size grows in the background after a commit, and a dump meanwhile tells of some elements twice and of others
 * not at all, without a word. So the number of elements must be the one that the kernel knows, or where it says none, the same
 * twice. */
static bool may_grow(const struct fw_rs_set *set)
{
	return !set->interval && !set->size && !set->has_timeout;
}

static int expected_count(struct fw_nl *nl, const struct fw_rs_set *set, size_t *expected)
{
	struct fw_read_set_head head;
	int r = fw_dump_set_head(nl, set->name, &head);

	if (!r && head.counted)
		*expected = head.count;
	return r;
}

static int read_stable(struct fw_nl *nl, const struct fw_rs_set *set, struct fw_read_gather *gather)
{
	size_t expected = SIZE_MAX;
	int r;

	for (int try = 0; try < FW_KERNEL_TRIES; try++) {
		if (try)
			pause_before(try);
		fw_read_gather_empty(gather);
		r = fw_dump_elements(nl, set->name, fw_read_gather_message, gather);
		if (r < 0 || gather->foreign || !may_grow(set))
			return r;
		if (!try && gather->len)
			r = expected_count(nl, set, &expected);
		if (r < 0 || gather->len == expected || !gather->len)
			return r;
		if (expected == SIZE_MAX)
			expected = gather->len;
	}
	return -EAGAIN;
}

/* The set of `like` that this one may equal, if it is worth asking. */
static const struct fw_rs_set *likely(const struct scope *scope, const struct fw_rs_set *set)
{
	const struct fw_rs_set *like = scope->like ? fw_ruleset_set(scope->like, set->name) : NULL;

	if (!like || like->data != FW_RS_NO_DATA || like->has_timeout || !fw_rs_set_same_head(like, set))
		return NULL;
	return like->elements.len < (like->interval ? scope->ask_ranges_from : scope->ask_keys_from) ? NULL : like;
}

static int dump_set_elements(struct fw_nl *nl, struct fw_ruleset *ruleset, struct fw_rs_set *set)
{
	struct fw_read_gather gather FW_CLEANUP(fw_read_gather_done);
	int r;

	fw_read_gather_init(&gather, ruleset, set);
	r = read_stable(nl, set, &gather);
	return r < 0 ? r : fw_read_gather_finish(&gather, set);
}

static int read_set_elements(struct fw_nl *nl, const struct scope *scope, struct fw_ruleset *ruleset, struct fw_rs_set *set)
{
	const struct fw_rs_set *like = likely(scope, set);
	bool same = false;
	int r = 0;

	if (like)
		r = fw_ask_same_elements(nl, like, &same);
	if (r < 0)
		return r;
	if (!same)
		return dump_set_elements(nl, ruleset, set);
	set->elements = like->elements;
	return 0;
}

static bool is_readable(const struct fw_rs_set *set)
{
	return set->kind == FW_RS_SET_CONSTANT && !fw_foreign_is_set(set);
}

static int read_elements(struct fw_nl *nl, const struct scope *scope, struct fw_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->sets.len; i++) {
		struct fw_rs_set *set = fw_vec_at(&ruleset->sets, i);
		int r = is_readable(set) ? read_set_elements(nl, scope, ruleset, set) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_all(struct fw_nl *nl, const struct scope *scope, struct fw_read *read)
{
	int r;

	r = read_table(nl, read);
	if (r < 0 || !read->has_table)
		return r;
	r = dump(nl, NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, fw_read_chain, read);
	if (!r)
		r = dump(nl, NFT_MSG_GETSET, NFTA_SET_TABLE, fw_read_set, read);
	if (!r && scope->flags & FW_SNAPSHOT_RULES && scope->like)
		r = fw_vec_reserve(&read->ruleset->objects, scope->like->objects.len);
	if (!r && scope->flags & FW_SNAPSHOT_RULES)
		r = dump(nl, NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, fw_read_object, read);
	if (!r && scope->flags & (FW_SNAPSHOT_RULES | FW_SNAPSHOT_MANIFEST))
		r = dump_rules(nl, scope->flags & FW_SNAPSHOT_RULES ? NULL : FW_MANIFEST_CHAIN, read);
	if (!r && scope->flags & FW_SNAPSHOT_ELEMENTS)
		r = read_elements(nl, scope, read->ruleset);
	return r;
}

/* One try. -EAGAIN: somebody wrote meanwhile. */
static int take_picture(struct fw_kernel *kernel, const struct scope *scope, struct fw_read *read, uint32_t *ret_generation)
{
	uint32_t before, after;
	int result, r;

	r = fw_kernel_generation(kernel, &before);
	if (r < 0)
		return r;
	result = read_all(&kernel->netfilter, scope, read);
	if (result == -ENOMEM)
		return result;
	r = fw_kernel_generation(kernel, &after);
	if (r < 0)
		return r;
	if (before != after || result == -EINTR)
		return -EAGAIN;
	if (!result && read->torn) /* no commit explains it */
		return -EBADMSG;
	*ret_generation = before;
	return result;
}

int fw_kernel_snapshot_like(struct fw_kernel *kernel, struct fw_arena *arena, unsigned int flags, const struct fw_ruleset *like,
			    struct fw_picture *ret_picture)
{
	struct scope scope = { flags, like, kernel->ask_ranges_from, kernel->ask_keys_from };
	struct fw_ruleset *ruleset = fw_arena_alloc(arena, 1, sizeof(*ruleset));
	struct fw_read read = { .ruleset = ruleset };
	struct fw_picture picture = { .ruleset = NULL };
	int r = -EAGAIN;

	if (!ruleset)
		return -ENOMEM;
	for (int try = 0; r == -EAGAIN && try < FW_KERNEL_TRIES; try++) {
		if (try)
			pause_before(try);
		fw_ruleset_init(ruleset, arena);
		read = (struct fw_read){ .ruleset = ruleset };
		r = take_picture(kernel, &scope, &read, &picture.generation);
	}
	if (r < 0)
		return r;
	kernel->dormant = read.dormant;
	picture.ruleset = read.has_table ? ruleset : NULL;
	*ret_picture = picture;
	return 0;
}

int fw_kernel_snapshot(struct fw_kernel *kernel, struct fw_arena *arena, unsigned int flags, struct fw_ruleset **ret_ruleset,
		       uint32_t *ret_generation)
{
	struct fw_picture picture;
	int r = fw_kernel_snapshot_like(kernel, arena, flags, NULL, &picture);

	if (r < 0)
		return r;
	*ret_ruleset = picture.ruleset;
	*ret_generation = picture.generation;
	return 0;
}

static int dump_counts(struct fw_kernel *kernel, struct fw_vec *counts, uint32_t *ret_generation)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct fw_nl *nl = &kernel->netfilter;
	uint32_t before, after;
	int r;

	r = fw_kernel_generation(kernel, &before);
	if (!r)
		r = fw_nl_talk(nl, fw_dump_request(nl, buffer, NFT_MSG_GETOBJ, NFTA_OBJ_TABLE), fw_read_count, counts, NULL);
	if (!r)
		r = fw_kernel_generation(kernel, &after);
	if (r < 0)
		return r == -EINTR ? -EAGAIN : r;
	*ret_generation = after;
	return before == after ? 0 : -EAGAIN;
}

int fw_kernel_counts(struct fw_kernel *kernel, struct fw_vec *ret_counts, uint32_t *ret_generation)
{
	const size_t had = ret_counts->len;
	int r = -EAGAIN;

	for (int try = 0; r == -EAGAIN && try < FW_KERNEL_TRIES; try++) {
		if (try)
			pause_before(try);
		fw_kernel_truncate(ret_counts, had);
		r = dump_counts(kernel, ret_counts, ret_generation);
	}
	return r;
}

/* Rule by rule the same. */
static bool same_rules(const struct fw_rs_chain *a, const struct fw_rs_chain *b)
{
	if (a->rules.len != b->rules.len)
		return false;
	for (size_t i = 0; i < a->rules.len; i++) {
		const struct fw_hash x = fw_rs_rule_hash(fw_vec_at(&a->rules, i)), y = fw_rs_rule_hash(fw_vec_at(&b->rules, i));

		if (x.hi != y.hi || x.lo != y.lo)
			return false;
	}
	return true;
}

int fw_kernel_read_handles(struct fw_kernel *kernel, struct fw_arena *arena, struct fw_rs_chain *chain)
{
	struct fw_ruleset ruleset;
	struct fw_read read = { .ruleset = &ruleset };
	const struct fw_rs_chain *found;
	int r;

	fw_ruleset_init(&ruleset, arena);
	found = fw_ruleset_add_chain(&ruleset, chain->name);
	if (!found)
		return -ENOMEM;
	r = dump_rules(&kernel->netfilter, chain->name, &read);
	if (r < 0)
		return r == -EINTR || r == -ENOENT ? -ESTALE : r;
	if (!same_rules(found, chain))
		return -ESTALE;
	for (size_t i = 0; i < chain->rules.len; i++)
		((struct fw_rs_rule *)fw_vec_at(&chain->rules, i))->handle = ((const struct fw_rs_rule *)fw_vec_at(&found->rules, i))->handle;
	return 0;
}
