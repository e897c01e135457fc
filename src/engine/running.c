/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/running.c - what runs: the kernel's table, the manifest in it, and the generation in the store that has the manifest's hash. The kernel
 * is the truth; the store only knows the texts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

/* 1 and the generation where it has that hash; 0: it has not, or is not readable; -ENOMEM. */
static int generation_has_hash(struct fw_session *session, uint64_t number, const char *hash, struct fw_generation *ret_generation)
{
	struct fw_generation generation;
	int r = fw_store_read_generation(session->store, session->arena, number, &generation);

	if (r < 0 || strcmp(generation.policy_hash, hash) != 0)
		return r == -ENOMEM ? r : 0;
	*ret_generation = generation;
	return 1;
}

static int find_generation(struct fw_session *session, const char *hash, struct fw_generation *ret_generation)
{
	uint64_t current;
	struct fw_vec numbers;
	int r = fw_store_current(session->store, &current);

	if (r == 0)
		r = generation_has_hash(session, current, hash, ret_generation);
	if (r == 1 || r == -ENOMEM)
		return r;
	fw_vec_init(&numbers, session->arena, sizeof(uint64_t));
	r = fw_store_generations(session->store, &numbers);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (size_t i = numbers.len; i-- > 0 && r == 0;)
		r = generation_has_hash(session, *(const uint64_t *)fw_vec_at(&numbers, i), hash, ret_generation);
	return r;
}

/* Manifest, generation and, where asked for, the policy of a table. 0 or -ENOMEM. */
static int identify(struct fw_session *session, bool with_policy, struct fw_running *running)
{
	int r = running->ruleset ? fw_manifest_decode(running->ruleset, session->arena, &running->manifest) : -ENOENT;

	running->has_manifest = r == 0;
	if (r == 0) {
		char hash[FW_HASH_HEX];
		fw_hash_hex(running->manifest.policy_hash, hash);
		r = find_generation(session, hash, &running->generation);
		running->has_generation = r == 1;
	}
	/* a text that does not read any more (another version of fwctl wrote it) is as good as none */
	if (with_policy && running->has_generation) {
		r = fw_engine_load_generation(session, &running->generation, &running->policy);
		running->policy = r == 0 ? running->policy : NULL;
	}
	return r == -ENOMEM ? r : 0;
}

enum fw_outcome fw_read_running(struct fw_session *session, unsigned int flags, bool with_policy, struct fw_running *ret_running)
{
	struct fw_running running = { 0 };
	int r = fw_kernel_snapshot(session->kernel, session->arena, flags | FW_SNAPSHOT_MANIFEST, &running.ruleset, &running.kernel_generation);

	if (r == 0)
		r = identify(session, with_policy, &running);
	if (r < 0)
		return fw_fail_errno(session, r, "reading the rules of the kernel");
	*ret_running = running;
	return FW_OUTCOME_DONE;
}

static struct fw_member_lengths *lengths_of(struct fw_arena *arena, struct fw_vec *list, const char *group)
{
	for (size_t i = 0; i < list->len; i++) {
		struct fw_member_lengths *item = fw_vec_at(list, i);
		if (strcmp(item->group, group) == 0)
			return item;
	}
	struct fw_member_lengths *item = fw_vec_push(list);
	if (!item)
		return NULL;
	item->group = fw_arena_copy(arena, fw_str_from(group));
	return item->group ? item : NULL;
}

static int add_length(struct fw_arena *arena, struct fw_vec *list, const struct fw_extra_length *length)
{
	struct fw_member_lengths *item = lengths_of(arena, list, length->group);
	if (!item)
		return -ENOMEM;

	if (length->family == FW_IPV4)
		item->ipv4 |= UINT64_C(1) << length->length;
	else
		item->ipv6[length->length / 64] |= UINT64_C(1) << (length->length % 64);
	return 0;
}

static int lengths_in_use(struct fw_session *session, const struct fw_ruleset *have, struct fw_vec *list)
{
	for (size_t i = 0; have && i < have->sets.len; i++) {
		const struct fw_rs_set *set = fw_vec_at(&have->sets, i);
		char group[64];
		struct fw_extra_length length = { .group = group };
		size_t count = 0;
		if (!fw_compile_parse_member_set(set->name, group, &length.family, &length.length))
			continue;
		/* a length without members is dropped at the next chance; the host lengths are always there */
		if (length.length != fw_family_bits(length.family) &&
		    fw_kernel_set_count(session->kernel, set->name, &count) == 0 && count == 0)
			continue;
		int r = add_length(session->arena, list, &length);
		if (r < 0)
			return r;
	}
	return 0;
}

static int32_t offset_at(void *clock, int64_t utc)
{
	(void)clock;
	return fw_local_utc_offset(utc);
}

int fw_compile_beside(struct fw_session *session, const struct fw_aim *aim, const struct fw_ruleset *have, struct fw_ruleset **ret_ruleset)
{
	struct fw_compile_env env = { .now = aim->clock, .utc_offset = offset_at };
	struct fw_vec lengths;

	fw_vec_init(&lengths, session->arena, sizeof(struct fw_member_lengths));
	int r = lengths_in_use(session, have, &lengths);
	if (r == 0 && aim->extra)
		r = add_length(session->arena, &lengths, aim->extra);
	if (r < 0)
		return r;
	env.lengths = lengths.items;
	env.length_count = lengths.len;
	return fw_compile(session->arena, aim->policy, &env, &session->diags, ret_ruleset);
}

/* What is known of the kernel, where that is all that there is: 0, -ENOENT or -ENOMEM. */
static int recall(struct fw_session *session, struct fw_running *ret_running)
{
	struct fw_running running = { 0 };
	struct fw_known known;
	struct fw_memory *memory = fw_arena_alloc(session->arena, 1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;

	int r = fw_known_holds(session, &known) ? fw_memory_read(session, &known, memory) : -ENOENT;
	if (r < 0)
		return r;
	running.ruleset = memory->ruleset;
	running.kernel_generation = known.kernel_generation;
	running.memory = memory;
	*ret_running = running;
	return 0;
}

/* -ENOENT: nothing is remembered. */
static int remembered_beside(struct fw_session *session, const struct fw_aim *aim, struct fw_running *running, struct fw_ruleset **ret_want)
{
	int r = recall(session, running);
	if (r == 0)
		r = fw_compile_beside(session, aim, running->ruleset, ret_want);
	if (r != 0)
		return r;

	const struct fw_hash frame = fw_plan_frame(aim->policy);
	const bool told_alike = frame.hi == running->memory->frame.hi && frame.lo == running->memory->frame.lo;
	return identify(session, !aim->only_told || !told_alike, running);
}

/* The chain of `have` whose rules a change names by their handles, or NULL. */
static struct fw_rs_chain *named_by_handles(const struct fw_ruleset *have, const struct fw_change *change)
{
	if (change->kind != FW_CHANGE_DEL_RULE && (change->kind != FW_CHANGE_ADD_RULE || !change->before))
		return NULL;
	return fw_ruleset_chain(have, change->chain->name);
}

/* A chain has its handles when its first rule has. */
static int read_handles(struct fw_session *session, const struct fw_ruleset *have, const struct fw_changes *changes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < changes->list.len; i++) {
		struct fw_rs_chain *chain = named_by_handles(have, fw_vec_at(&changes->list, i));
		const struct fw_rs_rule *first = chain && chain->rules.len > 0 ? fw_vec_at(&chain->rules, 0) : NULL;
		if (first && !first->handle)
			r = fw_kernel_read_handles(session->kernel, session->arena, chain);
	}
	return r;
}

int fw_changes_to(struct fw_session *session, const struct fw_running *running, const struct fw_ruleset *want, struct fw_changes *ret_changes)
{
	int r = fw_ruleset_diff(session->arena, running->ruleset, want, ret_changes);

	if (r == 0 && running->memory)
		r = read_handles(session, running->ruleset, ret_changes);
	if (r == -ESTALE)
		fw_store_forget(session->store);
	return r;
}

enum fw_outcome fw_read_beside(struct fw_session *session, const struct fw_aim *aim, struct fw_running *ret_running,
			       struct fw_ruleset **ret_want)
{
	const int remembered = aim->may_recall ? remembered_beside(session, aim, ret_running, ret_want) : -ENOENT;
	if (remembered == 0)
		return FW_OUTCOME_DONE;
	if (remembered != -ENOENT)
		return fw_fail_compile(session, remembered, "compiling the policy");
	for (unsigned int attempt = 0; attempt < FW_RETRIES; attempt++) {
		struct fw_running running = { 0 };
		struct fw_ruleset *heads = NULL;
		struct fw_picture picture = { 0 };
		uint32_t generation;
		int r = fw_kernel_snapshot(session->kernel, session->arena, 0, &heads, &generation);
		if (r < 0)
			return fw_fail_errno(session, r, "reading the sets of the kernel");
		r = fw_compile_beside(session, aim, heads, ret_want);
		if (r != 0)
			return fw_fail_compile(session, r, "compiling the policy");
		r = fw_kernel_snapshot_like(session->kernel, session->arena, FW_SNAPSHOT_ALL, *ret_want, &picture);
		if (r == 0 && picture.generation != generation)
			continue;
		running.ruleset = picture.ruleset;
		running.kernel_generation = generation;
		if (r == 0)
			r = identify(session, true, &running);
		if (r < 0)
			return fw_fail_errno(session, r, "reading the rules of the kernel");
		*ret_running = running;
		return FW_OUTCOME_DONE;
	}
	return fw_fail_errno(session, -ERESTART, "reading the rules of the kernel");
}
