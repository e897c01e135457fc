/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/bans.c - members of dynamic groups: ban, unban, bans. The kernel's sets are the members; which groups there are is read from their names. A prefix length
 * that no member had yet needs sets and look-ups of its own: the running policy is compiled again with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

#define LOCK_TIMEOUT_MS 30000

/* One of the sets in which a group's members are. */
struct member_set {
	const char *name, *group;
	enum fw_family family;
	unsigned int length;
	uint64_t timeout_ms;
	uint32_t size;
};

static int member_sets(struct fw_session *session, const struct fw_ruleset *ruleset, struct fw_vec *ret_sets)
{
	for (size_t i = 0; i < ruleset->sets.len; i++) {
		const struct fw_rs_set *set = fw_vec_at(&ruleset->sets, i);
		struct member_set item = { .name = set->name, .timeout_ms = set->timeout_ms, .size = set->size };
		char group[64];
		if (!fw_compile_parse_member_set(set->name, group, &item.family, &item.length))
			continue;
		item.group = fw_arena_copy(session->arena, fw_str_from(group));
		struct member_set *slot = item.group ? fw_vec_push(ret_sets) : NULL;
		if (!slot)
			return -ENOMEM;
		*slot = item;
	}
	return 0;
}

static enum fw_outcome read_sets(struct fw_session *session, struct fw_ruleset **ret_ruleset, struct fw_vec *ret_sets)
{
	uint32_t generation;
	int r = fw_kernel_snapshot(session->kernel, session->arena, 0, ret_ruleset, &generation);
	if (r < 0)
		return fw_fail_errno(session, r, "reading the sets of the kernel");
	if (!*ret_ruleset)
		return fw_fail(session, FW_OUTCOME_REFUSED, "fwctl apply POLICY", "no policy is applied here, so there is no group to change");

	fw_vec_init(ret_sets, session->arena, sizeof(struct member_set));
	r = member_sets(session, *ret_ruleset, ret_sets);
	return r < 0 ? fw_fail_errno(session, r, "reading the sets of the kernel") : FW_OUTCOME_DONE;
}

static const char *only_group(const struct fw_vec *sets, bool *ret_several)
{
	const char *found = NULL;

	*ret_several = false;
	for (size_t i = 0; i < sets->len; i++) {
		const struct member_set *set = fw_vec_at(sets, i);
		*ret_several = *ret_several || (found && strcmp(found, set->group) != 0);
		found = set->group;
	}
	return found;
}

/* Does one of the first `count` sets belong to it? */
static bool has_group(const struct fw_vec *sets, size_t count, const char *group)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(((const struct member_set *)fw_vec_at(sets, i))->group, group) == 0)
			return true;
	return false;
}

/* "the dynamic groups here: a, b", each once. NULL: there are none. */
static const char *list_groups(struct fw_session *session, const struct fw_vec *sets)
{
	const char *text = NULL;

	for (size_t i = 0; i < sets->len; i++) {
		const char *group = ((const struct member_set *)fw_vec_at(sets, i))->group;
		if (!has_group(sets, i, group))
			text = fw_arena_printf(session->arena, "%s%s%s", text ? text : "the dynamic groups here: ", text ? ", " : "", group);
	}
	return text;
}

static enum fw_outcome choose_group(struct fw_session *session, const struct fw_vec *sets, const char *wanted, const char **ret_group)
{
	bool several;
	const char *only = only_group(sets, &several);

	if (wanted && !has_group(sets, sets->len, wanted))
		return fw_fail(session, FW_OUTCOME_USAGE, list_groups(session, sets), "the running policy has no dynamic group '%s'", wanted);
	if (!wanted && !only)
		return fw_fail(session, FW_OUTCOME_USAGE, "write `group banned = dynamic` and `block banned` into the policy and apply it",
			       "the running policy has no dynamic group");
	if (!wanted && several)
		return fw_fail(session, FW_OUTCOME_USAGE, list_groups(session, sets), "say which one with --group: the running policy has more than one dynamic group");
	*ret_group = wanted ? wanted : only;
	return FW_OUTCOME_DONE;
}

static enum fw_outcome parse_member(struct fw_session *session, const char *text, struct fw_member *ret_member)
{
	struct fw_range range;
	struct fw_member member = { 0 };
	const enum fw_addr_error error = fw_addr_parse(fw_str_from(text), &member.family, &range);

	if (error == FW_ADDR_HOST_BITS) {
		struct fw_buf buf FW_CLEANUP(fw_buf_done);
		fw_buf_init(&buf, 128);
		fw_addr_print(&buf, member.family, range);
		return fw_fail(session, FW_OUTCOME_USAGE, NULL, "'%s' has bits set beyond its prefix length; the prefix is %s", text, buf.data ? buf.data : "");
	}
	if (error != FW_ADDR_OK || !fw_range_is_prefix(member.family, range, &member.length))
		return fw_fail(session, FW_OUTCOME_USAGE, "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48", "'%s' is no address or prefix", text);
	member.address = range.low;
	*ret_member = member;
	return FW_OUTCOME_DONE;
}

static const struct member_set *find_set(const struct fw_vec *sets, const char *group, const struct fw_member *member)
{
	for (size_t i = 0; i < sets->len; i++) {
		const struct member_set *set = fw_vec_at(sets, i);
		if (strcmp(set->group, group) == 0 && set->family == member->family && set->length == member->length)
			return set;
	}
	return NULL;
}

/* Any set of the group: the default timeout and the size are the same in all. */
static const struct member_set *any_set(const struct fw_vec *sets, const char *group)
{
	for (size_t i = 0; i < sets->len; i++) {
		const struct member_set *set = fw_vec_at(sets, i);
		if (strcmp(set->group, group) == 0)
			return set;
	}
	return NULL;
}

static size_t count_members(struct fw_session *session, const struct fw_vec *sets, const char *group)
{
	size_t total = 0;

	for (size_t i = 0; i < sets->len; i++) {
		const struct member_set *set = fw_vec_at(sets, i);
		size_t count = 0;
		if (strcmp(set->group, group) == 0 && fw_kernel_set_count(session->kernel, set->name, &count) == 0)
			total += count;
	}
	return total;
}

/* Makes the sets and look-ups for a prefix length that no member had yet. */
static enum fw_outcome make_length(struct fw_session *session, const char *group, const struct fw_member *member)
{
	const struct fw_extra_length extra = { group, member->family, member->length };

	for (unsigned int attempt = 0; attempt < FW_RETRIES; attempt++) {
		struct fw_running running;
		struct fw_ruleset *want;
		struct fw_changes changes;
		struct fw_kernel_error error = { 0 };
		uint32_t generation;
		enum fw_outcome outcome = fw_read_running(session, FW_SNAPSHOT_RULES, true, &running);
		if (outcome == FW_OUTCOME_DONE && !running.policy)
			outcome = fw_fail(session, FW_OUTCOME_REFUSED, "fwctl apply",
					  "a member with the prefix length %u needs the text of the running policy, and the state folder has it not", member->length);
		const struct fw_aim aim = { .policy = running.policy, .clock = session->now, .extra = &extra, .may_recall = true };
		if (outcome == FW_OUTCOME_DONE)
			outcome = fw_read_beside(session, &aim, &running, &want);
		if (outcome != FW_OUTCOME_DONE)
			return outcome;
		int r = fw_changes_to(session, &running, want, &changes);
		if (r == -ESTALE)
			continue;
		if (r != 0)
			return fw_fail_compile(session, r, "comparing with what runs");
		r = fw_kernel_commit(session->kernel, &changes, running.kernel_generation, &generation, &error);
		if (r == 0)
			fw_remember(session, generation, running.generation.number, want, NULL);
		if (r != -ERESTART)
			return r == 0 ? FW_OUTCOME_DONE : fw_fail_commit(session, &error);
	}
	return fw_fail_errno(session, -ERESTART, "making room for a new prefix length");
}

static enum fw_outcome full(struct fw_session *session, const char *group, uint32_t size)
{
	return fw_fail(session, FW_OUTCOME_REFUSED, "unban some, or give the group a larger size in the policy", "the group '%s' is full (%u members)", group, size);
}

static enum fw_outcome add_member(struct fw_session *session, const char *group, const struct fw_member *member)
{
	struct fw_known before;
	struct fw_kernel_error error = { 0 };
	char name[256];
	const bool was_known = fw_known_holds(session, &before);

	fw_compile_member_set_name(group, member->family, member->length, name, sizeof(name));
	int r = fw_kernel_member_add(session->kernel, name, member, &error);
	if (r == -ENFILE)
		return fw_fail(session, FW_OUTCOME_REFUSED, "unban some, or give the group a larger size in the policy", "the group '%s' is full", group);
	if (r < 0) {
		error.error = error.error ? error.error : r;
		return fw_fail_commit(session, &error);
	}
	if (was_known)
		fw_remember_members(session, &before);
	return FW_OUTCOME_DONE;
}

static bool is_member(struct fw_session *session, const struct member_set *set, const struct fw_member *member)
{
	struct fw_vec members;

	fw_vec_init(&members, session->arena, sizeof(struct fw_member));
	if (fw_kernel_members(session->kernel, set->name, set->family, set->length, &members) < 0)
		return false;
	for (size_t i = 0; i < members.len; i++)
		if (fw_u128_compare(((const struct fw_member *)fw_vec_at(&members, i))->address, member->address) == 0)
			return true;
	return false;
}

static enum fw_outcome lock(struct fw_session *session)
{
	int r = fw_store_lock(session->store, LOCK_TIMEOUT_MS);

	return r < 0 ? fw_fail_errno(session, r, "taking the lock of the run folder") : FW_OUTCOME_DONE;
}

/* What ban and unban begin with: the member, the lock, the sets of the running policy and the group that is meant. */
static enum fw_outcome begin_change(struct fw_session *session, const struct fw_ban *ban, struct fw_member *ret_member, struct fw_vec *ret_sets,
				    const char **ret_group)
{
	struct fw_ruleset *ruleset;
	enum fw_outcome outcome = parse_member(session, ban->address, ret_member);

	if (outcome == FW_OUTCOME_DONE)
		outcome = lock(session);
	if (outcome == FW_OUTCOME_DONE)
		outcome = read_sets(session, &ruleset, ret_sets);
	return outcome == FW_OUTCOME_DONE ? choose_group(session, ret_sets, ban->group, ret_group) : outcome;
}

enum fw_outcome fw_engine_ban(struct fw_session *session, const struct fw_ban *ban, const char **ret_group, uint64_t *ret_timeout_s)
{
	struct fw_member member;
	struct fw_vec sets;
	enum fw_outcome outcome = begin_change(session, ban, &member, &sets, ret_group);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	const struct member_set *sample = any_set(&sets, *ret_group), *set = find_set(&sets, *ret_group, &member);
	if (sample->size > 0 && count_members(session, &sets, *ret_group) >= sample->size && !(set && is_member(session, set, &member)))
		return full(session, *ret_group, sample->size);
	member.timeout_ms = ban->has_timeout ? ban->timeout_s * 1000 : sample->timeout_ms;
	*ret_timeout_s = member.timeout_ms / 1000;
	if (!set)
		outcome = make_length(session, *ret_group, &member);
	return outcome == FW_OUTCOME_DONE ? add_member(session, *ret_group, &member) : outcome;
}

static enum fw_outcome delete_member(struct fw_session *session, const char *group, const struct fw_member *member)
{
	struct fw_known before;
	struct fw_kernel_error error = { 0 };
	char name[256];
	const bool was_known = fw_known_holds(session, &before);

	fw_compile_member_set_name(group, member->family, member->length, name, sizeof(name));
	int r = fw_kernel_member_delete(session->kernel, name, member, &error);
	if (r == 0 && was_known)
		fw_remember_members(session, &before);
	if (r < 0 && r != -ENOENT) {
		error.error = error.error ? error.error : r;
		return fw_fail_commit(session, &error);
	}
	return r == 0 ? FW_OUTCOME_DONE : FW_OUTCOME_USAGE;
}

enum fw_outcome fw_engine_unban(struct fw_session *session, const struct fw_ban *ban, const char **ret_group)
{
	struct fw_member member;
	struct fw_vec sets;
	enum fw_outcome outcome = begin_change(session, ban, &member, &sets, ret_group);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	outcome = find_set(&sets, *ret_group, &member) ? delete_member(session, *ret_group, &member) : FW_OUTCOME_USAGE;
	if (outcome == FW_OUTCOME_USAGE)
		return fw_fail(session, outcome, "`fwctl bans` lists the members", "'%s' is no member of the group '%s'", ban->address, *ret_group);
	return outcome;
}

enum fw_outcome fw_engine_bans(struct fw_session *session, const char *group, struct fw_vec *ret_banned)
{
	struct fw_ruleset *ruleset;
	struct fw_vec sets;
	enum fw_outcome outcome = read_sets(session, &ruleset, &sets);

	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	if (group && !has_group(&sets, sets.len, group))
		return fw_fail(session, FW_OUTCOME_USAGE, list_groups(session, &sets), "the running policy has no dynamic group '%s'", group);
	fw_vec_init(ret_banned, session->arena, sizeof(struct fw_banned));
	for (size_t i = 0; i < sets.len; i++) {
		const struct member_set *set = fw_vec_at(&sets, i);
		struct fw_vec members;
		if (group && strcmp(set->group, group) != 0)
			continue;
		fw_vec_init(&members, session->arena, sizeof(struct fw_member));
		int r = fw_kernel_members(session->kernel, set->name, set->family, set->length, &members);
		if (r < 0)
			return fw_fail_errno(session, r, "reading the members");
		for (size_t k = 0; k < members.len; k++) {
			struct fw_banned *slot = fw_vec_push(ret_banned);
			if (!slot)
				return fw_fail_errno(session, -ENOMEM, "reading the members");
			*slot = (struct fw_banned){ set->group, *(const struct fw_member *)fw_vec_at(&members, k) };
		}
	}
	return FW_OUTCOME_DONE;
}
