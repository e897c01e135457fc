/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/status.c - what runs, with hits: counters of the kernel summed by the owner in their user data, put beside the policy's lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

/* Hits by owner and id. The ids are those of the tags that were added: these must live on. */
struct tally {
	struct fw_arena *arena;
	struct fw_map by_id[FW_RS_MANIFEST + 1];
};

static void tally_init(struct tally *tally, struct fw_arena *arena)
{
	tally->arena = arena;
	for (size_t i = 0; i < FW_ARRAY_SIZE(tally->by_id); i++)
		fw_map_init(&tally->by_id[i], arena);
}

/* NULL: nothing was counted. */
static const struct fw_hits *find_hits(const struct tally *tally, enum fw_rs_owner owner, const char *id)
{
	return fw_map_get(&tally->by_id[owner], fw_str_from(id));
}

static struct fw_hits *hits_of(struct tally *tally, const struct fw_rs_tag *tag)
{
	struct fw_map *map = &tally->by_id[tag->owner];
	struct fw_hits *hits = fw_map_get(map, fw_str_from(tag->id));
	if (hits)
		return hits;

	hits = fw_arena_alloc(tally->arena, 1, sizeof(*hits));
	return hits && fw_map_put(map, fw_str_from(tag->id), hits) == 0 ? hits : NULL;
}

static int add_counter(struct tally *tally, const struct fw_rs_tag *tag, uint64_t packets, uint64_t bytes)
{
	struct fw_hits *hits = hits_of(tally, tag);
	if (!hits)
		return -ENOMEM;
	switch (tag->role) {
	case FW_RS_ROLE_HIT:
		hits->packets += packets;
		hits->bytes += bytes;
		break;
	case FW_RS_ROLE_OVER:
		hits->over_packets += packets;
		hits->over_bytes += bytes;
		break;
	case FW_RS_ROLE_SHARED:
		hits->shared_packets += packets;
		break;
	case FW_RS_ROLE_NONE:
		break;
	}
	return 0;
}

static int add_rule_counters(struct tally *tally, const struct fw_rs_rule *rule)
{
	for (size_t i = 0; i < rule->expr_count; i++) {
		const struct fw_rs_expr *expr = &rule->exprs[i];
		if (expr->kind != FW_RS_COUNTER || rule->tag.owner == FW_RS_NOBODY)
			continue;
		int r = add_counter(tally, &rule->tag, expr->counter.packets, expr->counter.bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_counts(struct tally *tally, const struct fw_vec *counts)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < counts->len; i++) {
		const struct fw_count *count = fw_vec_at(counts, i);
		r = add_counter(tally, &count->tag, count->packets, count->bytes);
	}
	return r;
}

static int add_all_counters(struct tally *tally, const struct fw_ruleset *ruleset)
{
	int r = 0;

	for (size_t i = 0; i < ruleset->chains.len; i++) {
		const struct fw_rs_chain *chain = fw_vec_at(&ruleset->chains, i);
		for (size_t k = 0; r == 0 && k < chain->rules.len; k++)
			r = add_rule_counters(tally, fw_vec_at(&chain->rules, k));
	}
	for (size_t i = 0; r == 0 && i < ruleset->objects.len; i++) {
		const struct fw_rs_object *object = fw_vec_at(&ruleset->objects, i);
		if (object->kind == FW_RS_OBJECT_COUNTER && object->tag.owner != FW_RS_NOBODY)
			r = add_counter(tally, &object->tag, object->counter.packets, object->counter.bytes);
	}
	return r;
}

/* What was read of the kernel. */
struct found {
	struct fw_running running;
	struct fw_vec counts; /* struct fw_count; none of those are in running.ruleset */
};

static void found_done(struct found *found)
{
	fw_vec_done(&found->counts);
}

struct builder {
	struct fw_session *session;
	const struct fw_running *running;
	struct tally tally;
	struct fw_map texts; /* id -> comment in the kernel, where the policy's text is lost */
	struct fw_status *status;
	int error;
};

static struct fw_status_line *add_line(struct builder *b, struct fw_vec *list, enum fw_rs_owner owner, const char *id)
{
	static const struct fw_hits none;
	struct fw_status_line *line = fw_vec_push(list);
	const struct fw_hits *hits = find_hits(&b->tally, owner, id);

	if (!line) {
		b->error = -ENOMEM;
		return NULL;
	}
	line->owner = owner;
	line->id = id;
	line->hits = hits ? *hits : none;
	return line;
}

/* Files are shown relative to the folder of the policy, as a person in that folder would name them. */
static const char *shown_file(const struct builder *b, const char *file)
{
	const char *policy = b->status->policy;
	const char *slash = strrchr(policy, '/');
	const size_t folder = slash ? (size_t)(slash - policy) + 1 : 0;

	return file && strncmp(file, policy, folder) == 0 ? file + folder : file;
}

static void place_line(struct builder *b, struct fw_status_line *line, struct fw_span span)
{
	const struct fw_place place = fw_sources_place(b->running->policy->sources, span);

	line->file = shown_file(b, place.file);
	line->line = place.line;
}

static void add_policy_blocks(struct builder *b)
{
	const struct fw_policy *policy = b->running->policy;

	for (size_t i = 0; i < policy->block_count; i++) {
		struct fw_status_line *line = add_line(b, &b->status->blocks, FW_RS_BLOCK, policy->blocks[i].id);
		if (!line)
			return;
		line->text = policy->blocks[i].text;
		line->verdict = FW_DENY;
		place_line(b, line, policy->blocks[i].span);
	}
}

static void add_policy_rules(struct builder *b, enum fw_direction direction)
{
	const struct fw_policy *policy = b->running->policy;

	if (fw_vec_reserve(&b->status->rules, b->status->rules.len + policy->rule_count[direction]) < 0)
		b->error = -ENOMEM;
	for (size_t i = 0; !b->error && i < policy->rule_count[direction]; i++) {
		const struct fw_rule *rule = policy->rules[direction][i];
		struct fw_status_line *line = add_line(b, &b->status->rules, FW_RS_RULE, rule->id);
		if (!line)
			return;
		line->text = rule->text;
		line->label = rule->label;
		line->direction = direction;
		line->verdict = rule->verdict;
		place_line(b, line, rule->span);
	}
}

/* Without the policy's text the manifest and the comments of counters still tell what runs. */
static void add_manifest_lines(struct builder *b)
{
	const struct fw_manifest *manifest = &b->running->manifest;

	for (size_t i = 0; i < manifest->line_count; i++) {
		const struct fw_manifest_line *item = &manifest->lines[i];
		const bool block = item->owner == FW_RS_BLOCK;
		struct fw_status_line *line = add_line(b, block ? &b->status->blocks : &b->status->rules, item->owner, item->id);
		if (!line)
			return;
		line->file = item->file < manifest->file_count ? shown_file(b, manifest->files[item->file]) : NULL;
		line->line = item->line;
		line->text = fw_map_get(&b->texts, fw_str_from(item->id));
	}
}

static void collect_text(struct builder *b, const struct fw_rs_tag *tag, const char *comment)
{
	char *text = comment ? fw_arena_copy(b->session->arena, fw_str_from(comment)) : NULL;

	if (text && fw_map_put(&b->texts, fw_str_from(tag->id), text) == -ENOMEM)
		b->error = -ENOMEM;
}

static void collect_texts(struct builder *b)
{
	const struct fw_ruleset *ruleset = b->running->ruleset;

	for (size_t i = 0; i < ruleset->objects.len; i++) {
		const struct fw_rs_object *object = fw_vec_at(&ruleset->objects, i);
		collect_text(b, &object->tag, object->comment);
	}
	for (size_t i = 0; i < ruleset->chains.len; i++) {
		const struct fw_rs_chain *chain = fw_vec_at(&ruleset->chains, i);
		for (size_t k = 0; k < chain->rules.len; k++) {
			const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, k);
			collect_text(b, &rule->tag, rule->comment);
		}
	}
}

static bool tells_builtin(const struct builder *b, enum fw_builtin builtin, enum fw_direction direction)
{
	const struct fw_policy *policy = b->running->policy;

	if (!fw_builtin_applies(builtin, direction))
		return false;
	if (!policy)
		return true;
	return !policy->options.builtin_off[builtin] && (direction != FW_FORWARD || policy->has_forward);
}

static void add_builtins(struct builder *b)
{
	for (unsigned int d = 0; d < FW_DIRECTIONS; d++)
		for (unsigned int i = 0; i < FW_BUILTINS; i++) {
			if (!tells_builtin(b, i, d))
				continue;
			const char *id = fw_arena_printf(b->session->arena, "%s/%s", fw_direction_name(d), fw_builtin_name(i));
			struct fw_status_line *line = id ? add_line(b, &b->status->builtins, FW_RS_BUILTIN, id) : NULL;
			if (!line) {
				b->error = -ENOMEM;
				return;
			}
			line->name = fw_builtin_name(i);
			line->direction = d;
			line->verdict = i == FW_BUILTIN_INVALID ? FW_DENY : FW_ALLOW;
		}
}

static enum fw_verdict default_verdict(const struct fw_running *running, enum fw_direction direction)
{
	static const char *const chains[] = { [FW_IN] = "input", [FW_OUT] = "output", [FW_FORWARD] = "forward" };
	if (running->policy)
		return running->policy->defaults[direction].verdict;

	const struct fw_rs_chain *chain = fw_ruleset_chain(running->ruleset, chains[direction]);
	return chain && chain->policy_drop ? FW_DENY : FW_ALLOW;
}

static void add_defaults(struct builder *b)
{
	for (unsigned int d = 0; d < FW_DIRECTIONS; d++) {
		if (d == FW_FORWARD && !fw_ruleset_chain(b->running->ruleset, "forward"))
			continue;
		struct fw_status_line *line = add_line(b, &b->status->defaults, FW_RS_DEFAULT, fw_direction_name(d));
		if (!line)
			return;
		line->direction = d;
		line->verdict = default_verdict(b->running, d);
	}
}

static void fill(struct builder *b)
{
	const struct fw_running *running = b->running;

	if (running->policy) {
		add_policy_blocks(b);
		for (unsigned int d = 0; d < FW_DIRECTIONS; d++)
			add_policy_rules(b, d);
	} else if (running->has_manifest) {
		collect_texts(b);
		add_manifest_lines(b);
	}
	add_builtins(b);
	add_defaults(b);
}

/* Does the kernel hold what was compiled? Compiles the running policy again, for the clock of then, and compares all of it. */
static const char *find_drift(struct fw_session *session, struct fw_running *running)
{
	const struct fw_aim aim = { .policy = running->policy, .clock = running->generation.compiled_for };
	struct fw_running all;
	struct fw_ruleset *want;
	struct fw_changes changes;

	if (!running->policy)
		return "the text of the running policy is not in the state folder, so nothing can be compared";
	if (fw_read_beside(session, &aim, &all, &want) != FW_OUTCOME_DONE)
		return "the kernel's table could not be read back";
	if (!all.ruleset)
		return "the table was deleted while it was read";
	if (fw_ruleset_diff(session->arena, all.ruleset, want, &changes) < 0)
		return "there is not enough memory to compare the kernel's table";
	if (changes.list.len > 0)
		return fw_arena_printf(session->arena, "somebody else changed the table inet %s (differences: %zu)", FW_TABLE_NAME, changes.list.len);
	fw_remember(session, all.kernel_generation, running->generation.number, want, NULL);
	return NULL;
}

static enum fw_outcome build(struct fw_session *session, const struct found *found, struct fw_status *status)
{
	struct builder b = { .session = session, .running = &found->running, .status = status };

	tally_init(&b.tally, session->arena);
	fw_map_init(&b.texts, session->arena);
	int r = add_counts(&b.tally, &found->counts);
	if (r == 0)
		r = add_all_counters(&b.tally, found->running.ruleset);
	if (r == 0)
		fill(&b);
	if (r < 0 || b.error)
		return fw_fail_errno(session, -ENOMEM, "adding up the hits");
	return FW_OUTCOME_DONE;
}

static uint16_t log_group_of_chain(const struct fw_rs_chain *chain)
{
	for (size_t k = 0; k < chain->rules.len; k++) {
		const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, k);
		for (size_t n = 0; n < rule->expr_count; n++)
			if (rule->exprs[n].kind == FW_RS_LOG)
				return rule->exprs[n].log.group;
	}
	return 0;
}

/* The one that rules log to, or 0. */
static uint16_t log_group_of(const struct fw_ruleset *ruleset)
{
	uint16_t group = 0;

	for (size_t i = 0; group == 0 && i < ruleset->chains.len; i++)
		group = log_group_of_chain(fw_vec_at(&ruleset->chains, i));
	return group;
}

static void describe_generation(const struct fw_running *running, struct fw_status *status)
{
	if (running->has_generation) {
		status->policy = running->generation.path;
		status->generation = running->generation.number;
		status->applied_at = running->generation.applied_at;
		status->user = running->generation.user;
	} else if (running->has_manifest && running->manifest.file_count > 0) {
		status->policy = running->manifest.files[0];
	}
	status->horizon = running->manifest.horizon;
	status->log_group = running->policy ? running->policy->options.log_group : log_group_of(running->ruleset);
	status->table = running->ruleset->table_handle;
	status->kernel_generation = running->kernel_generation;
}

static void status_init(struct fw_session *session, struct fw_status *status)
{
	*status = (struct fw_status){ .policy = "", .user = "" };
	fw_vec_init(&status->defaults, session->arena, sizeof(struct fw_status_line));
	fw_vec_init(&status->builtins, session->arena, sizeof(struct fw_status_line));
	fw_vec_init(&status->blocks, session->arena, sizeof(struct fw_status_line));
	fw_vec_init(&status->rules, session->arena, sizeof(struct fw_status_line));
}

static enum fw_outcome nothing_runs(struct fw_session *session, struct fw_status *status)
{
	uint64_t current = 0;

	/* flushed on purpose, or never applied: nothing is what should run */
	status->in_sync = fw_store_current(session->store, &current) < 0 || current == 0;
	if (status->in_sync)
		return FW_OUTCOME_DONE;
	status->generation = current;
	status->drift = "a policy was applied, but the kernel holds nothing of it (a reboot, or another program deleted the table)";
	return FW_OUTCOME_OUT_OF_SYNC;
}

/* Counts of the same moment as what runs. 0; -EAGAIN: they are of another; -errno. */
static int read_counts(struct fw_session *session, struct found *found)
{
	uint32_t generation;
	int r = fw_kernel_counts(session->kernel, &found->counts, &generation);

	return r == 0 && generation != found->running.kernel_generation ? -EAGAIN : r;
}

/* What runs, with its counts: those of named counters, and no rule but those of the manifest. Where no such counter is, the table is an older
 * fwctl's, whose rules count: then all of them are read, as where the policy is lost and its texts are only there. */
static enum fw_outcome find(struct fw_session *session, struct found *found)
{
	int r = -EAGAIN;

	for (unsigned int attempt = 0; r == -EAGAIN && attempt < FW_RETRIES; attempt++) {
		enum fw_outcome outcome = fw_read_running(session, 0, true, &found->running);
		if (outcome != FW_OUTCOME_DONE || !found->running.ruleset)
			return outcome;
		if (!found->running.policy)
			break;
		found->counts.len = 0;
		r = read_counts(session, found);
	}
	if (r < 0 && found->running.policy)
		return fw_fail_errno(session, r, "reading the counters of the kernel");
	return found->counts.len > 0 ? FW_OUTCOME_DONE : fw_read_running(session, FW_SNAPSHOT_RULES, true, &found->running);
}

enum fw_outcome fw_engine_status(struct fw_session *session, struct fw_status *ret_status)
{
	struct found found FW_CLEANUP(found_done) = { .counts.len = 0 };
	struct fw_running *running = &found.running;
	struct fw_known known;
	const bool is_known = fw_known_holds(session, &known);
	fw_vec_init(&found.counts, NULL, sizeof(struct fw_count));
	enum fw_outcome outcome = find(session, &found);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	status_init(session, ret_status);
	if (!running->ruleset)
		return nothing_runs(session, ret_status);
	ret_status->active = true;
	describe_generation(running, ret_status);
	outcome = build(session, &found, ret_status);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	if (!is_known || known.kernel_generation != running->kernel_generation)
		ret_status->drift = find_drift(session, running);
	ret_status->in_sync = !ret_status->drift;
	return ret_status->in_sync ? FW_OUTCOME_DONE : FW_OUTCOME_OUT_OF_SYNC;
}
