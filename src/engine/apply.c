/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/apply.c - plan, apply, renew and flush: read what runs, compare with what shall run, send the difference as one transaction. Order of events: the generation
 * is on disk before the commit and goes again where the commit fails; after the commit the kernel is the truth, and the rest is a pointer. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/internal.h"

#define LOCK_TIMEOUT_MS 30000

/* Everything that an apply carries from reading to committing. */
struct work {
	struct fw_loaded loaded;
	struct fw_running running;
	struct fw_ruleset *want;
	struct fw_plan plan;
	int64_t clock; /* that `during` is compiled for */
	bool compares_packets; /* also what the difference is to packets */
};

/* What is remembered and turns out not to be so is read once more. */
static enum fw_outcome find_changes(struct fw_session *session, struct work *work, struct fw_changes *ret_changes)
{
	const struct fw_aim aim = { .policy = work->loaded.policy, .clock = work->clock, .may_recall = true, .only_told = !work->compares_packets };
	int r = -ESTALE;

	for (unsigned int attempt = 0; r == -ESTALE && attempt < 2; attempt++) {
		enum fw_outcome outcome = fw_read_beside(session, &aim, &work->running, &work->want);
		if (outcome != FW_OUTCOME_DONE)
			return outcome;
		r = fw_changes_to(session, &work->running, work->want, ret_changes);
	}
	return r < 0 ? fw_fail_compile(session, r, "comparing with what runs") : FW_OUTCOME_DONE;
}

static enum fw_outcome compare(struct fw_session *session, struct work *work)
{
	struct fw_plan plan = { 0 };
	enum fw_outcome outcome = find_changes(session, work, &plan.changes);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	int r = 0;
	plan.first = !work->running.ruleset;
	plan.generation = work->running.has_generation ? work->running.generation.number : 0;
	fw_vec_init(&plan.lines, session->arena, sizeof(struct fw_plan_line));
	if (plan.changes.list.len > 0)
		r = fw_plan_describe(session, &work->running, work->loaded.policy, &plan);
	if (r < 0)
		return fw_fail_compile(session, r, "comparing with what runs");
	fw_plan_count(&plan);
	work->plan = plan;
	return FW_OUTCOME_DONE;
}

static enum fw_outcome load(struct fw_session *session, const char *path, struct work *work)
{
	int r = fw_engine_load(session, path, &work->loaded);

	return r ? fw_fail_compile(session, r, "reading the policy") : FW_OUTCOME_DONE;
}

static enum fw_outcome prove(struct fw_session *session, const struct work *work)
{
	int r = fw_prove(session, work->loaded.policy, false);

	return r ? fw_fail_compile(session, r, "proving the expectations") : FW_OUTCOME_DONE;
}

/* The same comparison as `diff`, of what runs and what shall run. */
static enum fw_outcome compare_packets(struct fw_session *session, struct work *work)
{
	struct fw_plan *plan = &work->plan;
	int r;

	if (plan->first || !work->running.policy) {
		plan->packets = plan->first ? FW_PACKETS_FIRST : FW_PACKETS_UNKNOWN;
		return FW_OUTCOME_DONE;
	}
	plan->diff.policies[0] = work->running.policy;
	plan->diff.policies[1] = work->loaded.policy;
	r = fw_differences(session->arena, plan->diff.policies, session->now + fw_local_utc_offset(session->now), &plan->diff.differences);
	plan->packets = r == 0 ? FW_PACKETS_COMPARED : FW_PACKETS_TOO_BIG;
	return r == -ENOMEM && !fw_arena_over_budget(session->arena) ? fw_fail_errno(session, r, "comparing") : FW_OUTCOME_DONE;
}

enum fw_outcome fw_engine_plan(struct fw_session *session, const char *path, struct fw_plan *ret_plan)
{
	struct work work = { .clock = session->now, .compares_packets = true };
	enum fw_outcome outcome = load(session, path, &work);

	if (outcome == FW_OUTCOME_DONE)
		outcome = prove(session, &work);
	if (outcome == FW_OUTCOME_DONE)
		outcome = compare(session, &work);
	if (outcome == FW_OUTCOME_DONE && work.plan.changes.list.len > 0)
		outcome = compare_packets(session, &work);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	*ret_plan = work.plan;
	return work.plan.changes.list.len > 0 ? FW_OUTCOME_DIFFERS : FW_OUTCOME_DONE;
}

/* Nobody wrote since the last apply, and it made this very ruleset, of this very text, which was proven then: nothing needs to be read back. */
static bool runs_already(struct fw_session *session, struct work *work)
{
	const struct fw_aim aim = { .policy = work->loaded.policy, .clock = work->clock };
	struct fw_known known;
	struct fw_ruleset *heads = NULL, *want = NULL;
	uint32_t generation;
	char hash[FW_HASH_HEX];

	if (!fw_known_holds(session, &known) || known.generation == 0)
		return false;
	work->running.generation.number = known.generation;
	if (fw_source_of(&work->loaded, hash))
		return strcmp(hash, known.source_hash) == 0;
	/* what depends on the clock may be another ruleset by now */
	if (fw_kernel_snapshot(session->kernel, session->arena, 0, &heads, &generation) < 0 || !heads ||
	    generation != known.kernel_generation ||
	    fw_compile_beside(session, &aim, heads, &want) != 0)
		return false;
	fw_hash_hex(fw_ruleset_fingerprint(want), hash);
	return strcmp(hash, known.ruleset_hash) == 0;
}

static const char *who(struct fw_session *session)
{
	struct passwd entry, *found = NULL;
	char text[4096];
	const char *sudo = getenv("SUDO_USER");
	char *name;

	if (sudo && *sudo)
		name = fw_arena_printf(session->arena, "%.64s", sudo);
	else if (getuid() == 0) /* no look-up where there is no question */
		name = fw_arena_copy(session->arena, FW_STR("root"));
	else if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) == 0 && found)
		name = fw_arena_copy(session->arena, fw_str_from(found->pw_name));
	else
		name = fw_arena_printf(session->arena, "%u", getuid());
	if (name)
		fw_str_hide_controls(name); /* and what is no UTF-8, which the store would not take */
	return name;
}

/* 0 or -errno: a number that is guessed may be that of the generation that runs. */
static int next_number(struct fw_session *session, uint64_t *ret_number)
{
	struct fw_vec numbers;
	uint64_t current = 0, last = 0;

	fw_vec_init(&numbers, session->arena, sizeof(uint64_t));
	int r = fw_store_generations(session->store, &numbers);
	if (r < 0)
		return r;
	if (numbers.len > 0)
		last = *(const uint64_t *)fw_vec_at(&numbers, numbers.len - 1);
	r = fw_store_current(session->store, &current);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && current > last)
		last = current;
	*ret_number = last + 1;
	return 0;
}

static int write_generation(struct fw_session *session, const struct work *work, uint64_t number)
{
	const struct fw_policy *policy = work->loaded.policy;
	struct fw_generation generation = { .number = number,
					    .path = policy->path,
					    .applied_at = time(NULL),
					    .compiled_for = work->clock,
					    .user = who(session),
					    .file_count = policy->file_count,
					    .ids = work->loaded.ids.items,
					    .id_count = work->loaded.ids.len };
	struct fw_generation_file *files = fw_arena_alloc(session->arena, policy->file_count, sizeof(*files));
	if (!files)
		return -ENOMEM;

	for (size_t i = 0; i < policy->file_count; i++)
		files[i] = (struct fw_generation_file){ policy->files[i].path, policy->files[i].text };
	generation.files = files;
	fw_hash_hex(policy->hash, generation.policy_hash);
	return fw_store_write_generation(session->store, &generation);
}

static void pause_before_retry(unsigned int attempt)
{
	const struct timespec pause = { .tv_nsec = 1000000L << (attempt < 6 ? attempt : 6) };

	nanosleep(&pause, NULL);
}

/* Commits what differs; where somebody wrote in between, reads again and compares anew. */
static enum fw_outcome commit(struct fw_session *session, struct work *work, uint32_t *ret_generation)
{
	for (unsigned int attempt = 0; attempt < FW_RETRIES; attempt++) {
		struct fw_kernel_error error = { 0 };
		if (work->plan.changes.list.len == 0) {
			*ret_generation = work->running.kernel_generation;
			return FW_OUTCOME_DONE;
		}
		int r = fw_kernel_commit(session->kernel, &work->plan.changes, work->running.kernel_generation, ret_generation, &error);
		if (r == 0)
			return FW_OUTCOME_DONE;
		if (r != -ERESTART)
			return fw_fail_commit(session, &error);
		pause_before_retry(attempt);
		enum fw_outcome outcome = compare(session, work);
		if (outcome != FW_OUTCOME_DONE)
			return outcome;
	}
	return fw_fail_errno(session, -ERESTART, "committing the policy");
}

static void settle(struct fw_session *session, const struct work *work, uint64_t number, uint32_t kernel_generation)
{
	/* what follows is a pointer and a memory: the policy runs, and a later command finds it by the manifest's hash */
	if (fw_store_set_current(session->store, number) == 0)
		fw_store_prune(session->store, number);
	fw_remember(session, kernel_generation, number, work->want, &work->loaded);
}

static enum fw_outcome commit_generation(struct fw_session *session, struct work *work, struct fw_applied *applied)
{
	uint32_t kernel_generation = 0;
	uint64_t number;
	int r = next_number(session, &number);
	if (r < 0)
		return fw_fail_errno(session, r, "writing the generation to the state folder");
	r = write_generation(session, work, number);
	if (r < 0) {
		fw_store_remove_generation(session->store, number); /* it may have its name already */
		return fw_fail_errno(session, r, "writing the generation to the state folder");
	}

	if (work->plan.first)
		applied->adopted = fw_adopt_connections(session, work->loaded.policy);
	enum fw_outcome outcome = commit(session, work, &kernel_generation);
	if (outcome != FW_OUTCOME_DONE) {
		fw_store_remove_generation(session->store, number);
		return outcome;
	}
	settle(session, work, number, kernel_generation);
	applied->generation = number;
	applied->changed = true;
	return FW_OUTCOME_DONE;
}

static size_t count_rules(const struct fw_policy *policy)
{
	size_t count = 0;

	for (size_t d = 0; d < FW_DIRECTIONS; d++)
		count += policy->rule_count[d];
	return count;
}

static enum fw_outcome lock(struct fw_session *session)
{
	int r = fw_store_lock(session->store, LOCK_TIMEOUT_MS);

	return r < 0 ? fw_fail_errno(session, r, "taking the lock of the run folder") : FW_OUTCOME_DONE;
}

enum fw_outcome fw_engine_apply(struct fw_session *session, const char *path, struct fw_applied *ret_applied)
{
	struct work work = { .clock = session->now };
	struct fw_applied applied = { 0 };
	enum fw_outcome outcome = load(session, path, &work);

	if (outcome == FW_OUTCOME_DONE)
		outcome = lock(session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	applied.rules = count_rules(work.loaded.policy);
	if (runs_already(session, &work)) {
		applied.generation = work.running.generation.number;
		*ret_applied = applied;
		return FW_OUTCOME_DONE;
	}

	outcome = prove(session, &work);
	if (outcome == FW_OUTCOME_DONE)
		outcome = compare(session, &work);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	applied.generation = work.plan.generation;
	if (work.plan.changes.list.len > 0 || !work.running.has_generation)
		outcome = commit_generation(session, &work, &applied);
	else
		fw_remember(session, work.running.kernel_generation, applied.generation, work.want, &work.loaded);
	applied.plan = work.plan;
	if (outcome == FW_OUTCOME_DONE)
		*ret_applied = applied;
	return outcome;
}

static enum fw_outcome renew_running(struct fw_session *session, struct work *work, struct fw_applied *applied)
{
	uint32_t kernel_generation = 0;
	enum fw_outcome outcome = commit(session, work, &kernel_generation);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	struct fw_generation generation = work->running.generation;
	generation.compiled_for = work->clock;
	int r = fw_store_write_generation(session->store, &generation);
	if (r < 0)
		return fw_fail_errno(session, r, "writing the generation to the state folder");
	fw_remember(session, kernel_generation, generation.number, work->want, NULL);
	applied->changed = work->plan.changes.list.len > 0;
	return FW_OUTCOME_DONE;
}

enum fw_outcome fw_engine_renew(struct fw_session *session, struct fw_applied *ret_applied)
{
	struct work work = { .clock = session->now };
	struct fw_applied applied = { 0 };
	enum fw_outcome outcome = lock(session);

	if (outcome == FW_OUTCOME_DONE)
		outcome = fw_read_running(session, FW_SNAPSHOT_RULES, true, &work.running);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	*ret_applied = applied;
	if (!work.running.ruleset)
		return FW_OUTCOME_DONE;
	if (!work.running.policy)
		return fw_fail(session, FW_OUTCOME_REFUSED, "fwctl apply", "the text of the running policy is not in the state folder");

	work.loaded.policy = work.running.policy;
	applied.generation = work.running.generation.number;
	outcome = compare(session, &work);
	if (outcome == FW_OUTCOME_DONE)
		outcome = renew_running(session, &work, &applied);
	applied.plan = work.plan;
	*ret_applied = applied;
	return outcome;
}

static enum fw_outcome commit_flush(struct fw_session *session, size_t *ret_objects)
{
	for (unsigned int attempt = 0; attempt < FW_RETRIES; attempt++) {
		struct fw_running running;
		struct fw_changes changes;
		struct fw_kernel_error error = { 0 };
		uint32_t generation;
		enum fw_outcome outcome = fw_read_running(session, FW_SNAPSHOT_RULES, false, &running);
		if (outcome != FW_OUTCOME_DONE)
			return outcome;
		*ret_objects = running.ruleset ? running.ruleset->chains.len + running.ruleset->sets.len + running.ruleset->objects.len : 0;
		if (!running.ruleset)
			return FW_OUTCOME_DONE;
		int r = fw_ruleset_flush(session->arena, running.ruleset, &changes);
		if (r < 0)
			return fw_fail_errno(session, r, "flushing");
		r = fw_kernel_commit(session->kernel, &changes, running.kernel_generation, &generation, &error);
		if (r != -ERESTART)
			return r == 0 ? FW_OUTCOME_DONE : fw_fail_commit(session, &error);
		pause_before_retry(attempt);
	}
	return fw_fail_errno(session, -ERESTART, "flushing");
}

enum fw_outcome fw_engine_flush(struct fw_session *session, size_t *ret_objects)
{
	enum fw_outcome outcome = lock(session);

	if (outcome == FW_OUTCOME_DONE)
		outcome = commit_flush(session, ret_objects);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	fw_store_forget(session->store);
	uint64_t current = 0;
	int r = fw_store_current(session->store, &current);
	if (r == -ENOMEM || (r == 0 && current != 0))
		r = fw_store_set_current(session->store, 0);
	else
		r = 0;
	return r < 0 ? fw_fail_errno(session, r, "all is flushed, but noting so in the state folder") : FW_OUTCOME_DONE;
}
