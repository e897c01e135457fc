/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/describe.c - how a policy differs from the running one, in the words of the policy: statements by their id, groups by their addresses,
 * defaults, built-ins, options, order. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

struct item {
	struct fw_statement statement;
	bool matched; /* the other policy has it, or its line is told */
};

struct side {
	struct fw_vec items; /* struct item, in the order of decision */
	struct fw_map by_id; /* id -> index + 1 */
};

/* Found by its id only where there is somebody to look for it. */
static int add_item(struct side *side, const struct fw_statement *statement, bool findable)
{
	struct item *slot = fw_vec_push(&side->items);
	if (!slot)
		return -ENOMEM;

	slot->statement = *statement;
	int r = findable ? fw_map_put(&side->by_id, fw_str_from(statement->id), (void *)(uintptr_t)side->items.len) : 0;
	return r == -EEXIST ? 0 : r;
}

static int add_statement(struct fw_vec *list, const struct fw_policy *policy, const char *id, const char *text, struct fw_span span)
{
	const struct fw_place place = fw_sources_place(policy->sources, span);
	struct fw_statement *slot = fw_vec_push(list);
	if (!slot)
		return -ENOMEM;

	*slot = (struct fw_statement){ .id = id, .text = text, .file = place.file, .line = place.line };
	return 0;
}

int fw_statements_of(const struct fw_policy *policy, struct fw_vec *ret_statements)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < policy->block_count; i++)
		r = add_statement(ret_statements, policy, policy->blocks[i].id, policy->blocks[i].text, policy->blocks[i].span);
	for (size_t d = 0; d < FW_DIRECTIONS; d++)
		for (size_t i = 0; r == 0 && i < policy->rule_count[d]; i++)
			r = add_statement(ret_statements, policy, policy->rules[d][i]->id, policy->rules[d][i]->text, policy->rules[d][i]->span);
	return r;
}

static int statements_of_manifest(const struct fw_manifest *manifest, struct fw_vec *ret_statements)
{
	for (size_t i = 0; i < manifest->line_count; i++) {
		const struct fw_manifest_line *line = &manifest->lines[i];
		const char *file = line->file < manifest->file_count ? manifest->files[line->file] : NULL;
		struct fw_statement *slot = fw_vec_push(ret_statements);
		if (!slot)
			return -ENOMEM;
		*slot = (struct fw_statement){ .id = line->id, .text = "a rule whose text is not known any more", .file = file, .line = line->line };
	}
	return 0;
}

/* What runs, as far as it is known. */
static int statements_of_running(const struct fw_running *running, struct fw_vec *ret_statements)
{
	if (running->policy)
		return fw_statements_of(running->policy, ret_statements);
	if (running->memory) {
		ret_statements->items = (void *)(uintptr_t)running->memory->statements; /* only read */
		ret_statements->len = ret_statements->cap = running->memory->statement_count;
		return 0;
	}
	return running->has_manifest ? statements_of_manifest(&running->manifest, ret_statements) : 0;
}

static bool same_id(const struct fw_vec *a, size_t i, const struct fw_vec *b, size_t k)
{
	return strcmp(((const struct fw_statement *)fw_vec_at(a, i))->id, ((const struct fw_statement *)fw_vec_at(b, k))->id) == 0;
}

/* Both sides without the statements that they begin and end with in common: about those nothing is told. */
static int fill_sides(const struct fw_vec *old, const struct fw_vec *new, struct side *have, struct side *want)
{
	size_t from = 0, old_end = old->len, new_end = new->len;
	int r = 0;

	while (from < old_end && from < new_end && same_id(old, from, new, from))
		from++;
	while (old_end > from && new_end > from && same_id(old, old_end - 1, new, new_end - 1))
		old_end--, new_end--;
	for (size_t i = from; r == 0 && i < old_end; i++)
		r = add_item(have, fw_vec_at(old, i), new_end > from);
	for (size_t i = from; r == 0 && i < new_end; i++)
		r = add_item(want, fw_vec_at(new, i), old_end > from);
	return r;
}

static void side_init(struct side *side, struct fw_arena *arena)
{
	fw_vec_init(&side->items, arena, sizeof(struct item));
	fw_map_init(&side->by_id, arena);
}

struct describer {
	struct fw_session *session;
	struct fw_plan *plan;
	int error;
};

static void tell(struct describer *d, char sign, const struct fw_statement *at, const char *text)
{
	struct fw_plan_line *line = fw_vec_push(&d->plan->lines);

	if (!line || !text) {
		d->error = -ENOMEM;
		return;
	}
	*line = (struct fw_plan_line){ sign, at ? at->file : NULL, at ? at->line : 0, text };
}

static struct item *find(const struct side *side, const char *id)
{
	const uintptr_t index = (uintptr_t)fw_map_get(&side->by_id, fw_str_from(id));

	return index ? fw_vec_at(&side->items, index - 1) : NULL;
}

static bool same_place(const struct fw_statement *a, const struct fw_statement *b)
{
	return a->line == b->line && a->file && b->file && strcmp(a->file, b->file) == 0;
}

/* A rule that went from the line where a new one stands was changed. Both lists are in order, so one walk beside the other finds them. */
static struct item *gone_from_place(struct fw_map *gone_by_place, const struct fw_statement *added)
{
	char key[512];

	snprintf(key, sizeof(key), "%s:%u", added->file ? added->file : "", added->line);
	struct item *item = fw_map_get(gone_by_place, fw_str_from(key));
	return item && !item->matched && same_place(&item->statement, added) ? item : NULL;
}

static void index_gone(struct describer *d, struct side *have, const struct side *want, struct fw_map *ret_places)
{
	for (size_t i = 0; i < have->items.len; i++) {
		struct item *item = fw_vec_at(&have->items, i);
		item->matched = find(want, item->statement.id) != NULL;
		if (item->matched)
			continue;
		const char *key = fw_arena_printf(d->session->arena, "%s:%u", item->statement.file ? item->statement.file : "", item->statement.line);
		if (!key || fw_map_set(ret_places, fw_str_from(key), item) < 0)
			d->error = -ENOMEM;
	}
}

static void tell_statements(struct describer *d, struct side *have, const struct side *want)
{
	struct fw_map places;

	fw_map_init(&places, d->session->arena);
	index_gone(d, have, want, &places);
	for (size_t i = 0; i < want->items.len; i++) {
		const struct fw_statement *new = &((const struct item *)fw_vec_at(&want->items, i))->statement;
		if (find(have, new->id))
			continue;
		struct item *old = gone_from_place(&places, new);
		if (old) {
			old->matched = true;
			tell(d, '~', new, fw_arena_printf(d->session->arena, "%s  ->  %s", old->statement.text, new->text));
		} else {
			tell(d, '+', new, new->text);
		}
	}
	for (size_t i = 0; i < have->items.len; i++) {
		const struct item *item = fw_vec_at(&have->items, i);
		if (!item->matched)
			tell(d, '-', &item->statement, item->statement.text);
	}
}

static void tell_order(struct describer *d, const struct side *have, const struct side *want)
{
	uintptr_t last = 0;

	for (size_t i = 0; i < want->items.len; i++) {
		const struct fw_statement *item = &((const struct item *)fw_vec_at(&want->items, i))->statement;
		const uintptr_t index = (uintptr_t)fw_map_get(&have->by_id, fw_str_from(item->id));
		if (index && index < last) {
			tell(d, '~', item, fw_arena_printf(d->session->arena, "%s  (stands elsewhere in the order)", item->text));
			return;
		}
		last = index ? index : last;
	}
}

static void tell_defaults(struct describer *d, const struct fw_policy *have, const struct fw_policy *want)
{
	for (unsigned int i = 0; i < FW_DIRECTIONS; i++) {
		const struct fw_default *old = &have->defaults[i], *new = &want->defaults[i];
		if (i == FW_FORWARD && !have->has_forward && !want->has_forward)
			continue;
		const bool appears = i == FW_FORWARD && have->has_forward != want->has_forward;
		if (!appears && old->verdict == new->verdict && old->log.on == new->log.on)
			continue;
		tell(d, '~', NULL,
		     fw_arena_printf(d->session->arena, "default %s %s%s  ->  %s%s", fw_direction_name(i),
				     appears && !have->has_forward ? "(left alone)" : fw_verdict_name(old->verdict),
				     old->log.on ? " log" : "",
				     appears && !want->has_forward ? "(left alone)" : fw_verdict_name(new->verdict),
				     new->log.on ? " log" : ""));
	}
}

static void tell_options(struct describer *d, const struct fw_options *have, const struct fw_options *want)
{
	for (unsigned int i = 0; i < FW_BUILTINS; i++)
		if (have->builtin_off[i] != want->builtin_off[i])
			tell(d, '~', NULL, fw_arena_printf(d->session->arena, "built-in %s  ->  %s", fw_builtin_name(i),
							   want->builtin_off[i] ? "off" : "on"));
	if (have->log_group != want->log_group)
		tell(d, '~', NULL, fw_arena_printf(d->session->arena, "option log-group %u  ->  %u", have->log_group, want->log_group));
}

static const struct fw_group *find_group(const struct fw_policy *policy, struct fw_str name)
{
	for (size_t i = 0; i < policy->group_count; i++)
		if (fw_str_equal(policy->groups[i]->name, name))
			return policy->groups[i];
	return NULL;
}

static int count_difference(struct fw_arena *arena, const struct fw_group *a, const struct fw_group *b, size_t *ret_count)
{
	*ret_count = 0;
	for (unsigned int f = 0; f < FW_FAMILIES; f++) {
		struct fw_iset rest;
		int r = fw_iset_subtract(arena, a->addresses[f], b->addresses[f], &rest);
		if (r < 0)
			return r;
		*ret_count += rest.len;
	}
	return 0;
}

static void tell_group(struct describer *d, const struct fw_group *old, const struct fw_group *new)
{
	size_t more, less;

	if (!old) {
		tell(d, '+', NULL, fw_arena_printf(d->session->arena, "group %s", new->name.data));
		return;
	}
	if (old->kind == FW_GROUP_DYNAMIC || new->kind == FW_GROUP_DYNAMIC) {
		if (old->kind != new->kind || old->size != new->size || old->timeout_s != new->timeout_s)
			tell(d, '~', NULL, fw_arena_printf(d->session->arena, "group %s", new->name.data));
		return;
	}
	if (count_difference(d->session->arena, new, old, &more) < 0 || count_difference(d->session->arena, old, new, &less) < 0)
		d->error = -ENOMEM;
	else if (more + less > 0)
		tell(d, '~', NULL, fw_arena_printf(d->session->arena, "group %s  (ranges of addresses: %zu more, %zu less)", new->name.data, more, less));
}

static void tell_groups(struct describer *d, const struct fw_policy *have, const struct fw_policy *want)
{
	for (size_t i = 0; i < want->group_count; i++)
		tell_group(d, find_group(have, want->groups[i]->name), want->groups[i]);
	for (size_t i = 0; i < have->group_count; i++)
		if (!find_group(want, have->groups[i]->name))
			tell(d, '-', NULL, fw_arena_printf(d->session->arena, "group %s", have->groups[i]->name.data));
}

/* What tell_defaults, tell_options and tell_groups look at: where it is the same, they have nothing to tell. */
struct fw_hash fw_plan_frame(const struct fw_policy *policy)
{
	struct fw_digest digest;

	fw_digest_init(&digest);
	fw_digest_number(&digest, policy->has_forward);
	for (unsigned int i = 0; i < FW_DIRECTIONS; i++)
		fw_digest_number(&digest, (uint64_t)policy->defaults[i].verdict << 1 | policy->defaults[i].log.on);
	for (unsigned int i = 0; i < FW_BUILTINS; i++)
		fw_digest_number(&digest, policy->options.builtin_off[i]);
	fw_digest_number(&digest, policy->options.log_group);
	for (size_t i = 0; i < policy->group_count; i++) {
		const struct fw_group *group = policy->groups[i];
		fw_digest_string(&digest, group->name);
		fw_digest_number(&digest, group->kind);
		fw_digest_number(&digest, group->size);
		fw_digest_number(&digest, group->timeout_s);
		for (unsigned int f = 0; f < FW_FAMILIES; f++)
			fw_digest_string(&digest, (struct fw_str){ (const char *)group->addresses[f].ranges,
									 group->addresses[f].len * sizeof(struct fw_range) });
	}
	return fw_digest_end(&digest);
}

static bool only_manifest(const struct fw_changes *changes)
{
	for (size_t i = 0; i < changes->list.len; i++) {
		const struct fw_change *change = fw_vec_at(&changes->list, i);
		if (!change->chain || strcmp(change->chain->name, FW_MANIFEST_CHAIN) != 0)
			return false;
	}
	return true;
}

static void tell_rest(struct describer *d)
{
	const struct fw_changes *changes = &d->plan->changes;

	if (d->plan->lines.len > 0 || changes->list.len == 0)
		return;
	if (only_manifest(changes))
		tell(d, '~', NULL, "lines of the file have moved; no packet is decided differently");
	else
		tell(d, '~', NULL, fw_arena_printf(d->session->arena, "the kernel's table is made to hold what the policy says again (changes: %zu)",
						   changes->list.len));
}

int fw_plan_describe(struct fw_session *session, const struct fw_running *running, const struct fw_policy *want, struct fw_plan *plan)
{
	struct describer d = { .session = session, .plan = plan };
	struct side have_side, want_side;
	struct fw_vec old, new; /* struct fw_statement */

	fw_vec_init(&old, session->arena, sizeof(struct fw_statement));
	fw_vec_init(&new, session->arena, sizeof(struct fw_statement));
	side_init(&have_side, session->arena);
	side_init(&want_side, session->arena);
	int r = statements_of_running(running, &old);
	if (r == 0)
		r = fw_statements_of(want, &new);
	if (r == 0)
		r = fill_sides(&old, &new, &have_side, &want_side);
	if (r < 0)
		return r;

	tell_statements(&d, &have_side, &want_side);
	tell_order(&d, &have_side, &want_side);
	if (running->policy) {
		tell_defaults(&d, running->policy, want);
		tell_options(&d, &running->policy->options, &want->options);
		tell_groups(&d, running->policy, want);
	}
	tell_rest(&d);
	return d.error;
}

void fw_plan_count(struct fw_plan *plan)
{
	for (size_t i = 0; i < plan->changes.list.len; i++) {
		const struct fw_change *change = fw_vec_at(&plan->changes.list, i);
		if (change->kind == FW_CHANGE_ADD_RULE)
			plan->rules_added++;
		else if (change->kind == FW_CHANGE_DEL_RULE)
			plan->rules_deleted++;
		else if (change->kind == FW_CHANGE_ADD_ELEMENTS)
			plan->elements_added += change->elements.len;
		else if (change->kind == FW_CHANGE_DEL_ELEMENTS)
			plan->elements_deleted += change->elements.len;
		else
			plan->objects++;
	}
}
