/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/warnings.c - rules that match nothing, that are never reached, and that change nothing. Each is told only where it is so for every
 * packet: a condition that no packet's fields tell (a time of day, a member of a dynamic group) may hold or not. */
#include "proof/proof.h"

#include <errno.h>

#define MAX_NAMED 3 /* covering lines that a warning names */

struct seen { /* of one decider, over all packets */
	bool decides; /* some packet */
	bool matters; /* for some packet the next one would do otherwise */
};

struct review {
	struct fw_proof *proof;
	struct fw_diags *diags;
	const struct fw_proof_direction *direction;
	struct seen *seen;
};

static const struct fw_decider *decider_at(const struct review *review, size_t number)
{
	return fw_vec_at(&review->direction->deciders, number);
}

static enum fw_proof_next own_next(const struct fw_decider *decider)
{
	return decider->verdict == FW_ALLOW ? FW_NEXT_ALLOW : decider->verdict == FW_DENY ? FW_NEXT_DENY : FW_NEXT_REJECT;
}

static int note_leaves(struct review *review)
{
	struct fw_diagram_leaves leaves;
	int r = fw_diagram_leaves(review->proof->space.diagram, review->direction->decided, review->proof->arena, &leaves);

	for (size_t i = 0; r == 0 && i < leaves.len; i++) {
		if (leaves.values[i] == FW_DIAGRAM_NONE)
			continue;
		const uint32_t number = leaves.values[i] >> FW_DECIDER_SHIFT, next = leaves.values[i] & ((1u << FW_DECIDER_SHIFT) - 1);
		review->seen[number].decides = true;
		if (next != own_next(decider_at(review, number)))
			review->seen[number].matters = true;
	}
	return r;
}

static void print_cover(const struct review *review, const struct fw_decider *decider, struct fw_buf *out)
{
	struct fw_sources *sources = review->proof->policy->sources;

	switch (decider->kind) {
	case FW_DECIDER_BLOCK:
		fw_buf_printf(out, "'%s' (line %u)", decider->block->text, fw_sources_place(sources, decider->block->span).line);
		return;
	case FW_DECIDER_RULE:
		fw_buf_printf(out, "'%s' (line %u)", decider->rule->text, fw_sources_place(sources, decider->rule->span).line);
		return;
	case FW_DECIDER_BUILTIN:
		fw_buf_printf(out, "the built-in '%s'", fw_builtin_name(decider->builtin));
		return;
	case FW_DECIDER_DEFAULT:
		fw_buf_puts(out, "the default");
		return;
	}
}

static bool is_builtin(const struct review *review, uint32_t leaf)
{
	return decider_at(review, leaf >> FW_DECIDER_SHIFT)->kind == FW_DECIDER_BUILTIN;
}

/* The first few deciders of a set of leaves, in their order: lines of the policy, or built-ins. */
static size_t print_covers(const struct review *review, const struct fw_diagram_leaves *leaves, bool builtins, struct fw_buf *out)
{
	const struct fw_decider *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < leaves->len; i++) {
		if (leaves->values[i] == FW_DIAGRAM_NONE || is_builtin(review, leaves->values[i]) != builtins)
			continue;
		const struct fw_decider *decider = decider_at(review, leaves->values[i] >> FW_DECIDER_SHIFT);
		if (decider == last || (last && builtins && decider->builtin == last->builtin))
			continue;
		if (count < MAX_NAMED) {
			fw_buf_puts(out, count ? ", " : "");
			print_cover(review, decider, out);
		}
		last = decider;
		count++;
	}
	if (count > MAX_NAMED)
		fw_buf_printf(out, " and %zu more", count - MAX_NAMED);
	return count;
}

static int warn_shadowed(struct review *review, const struct fw_decider *decider, uint32_t region)
{
	struct fw_diagram *diagram = review->proof->space.diagram;
	struct fw_diagram_leaves leaves;
	struct fw_buf covers FW_CLEANUP(fw_buf_done);
	uint32_t decided;
	int r = fw_diagram_restrict(diagram, review->direction->decided, region, &decided);
	if (r == 0)
		r = fw_diagram_leaves(diagram, decided, review->proof->arena, &leaves);
	if (r < 0)
		return r;

	fw_buf_init(&covers, 4096);
	/* built-ins take some of nearly everything: they are named where they do it alone */
	if (print_covers(review, &leaves, false, &covers) == 0)
		print_covers(review, &leaves, true, &covers);
	fw_diag_warning(review->diags, decider->rule->span, "shadowed", "this never decides a packet: all that it matches is decided before, by %s",
			covers.data ? covers.data : "");
	return covers.error == -ENOMEM ? -ENOMEM : 0;
}

static bool may_be_redundant(const struct fw_rule *rule)
{
	return !rule->log.on && !rule->label && !rule->rate.count && !rule->connections && rule->match.what.helper_count == 0;
}

static int review_rule(struct review *review, size_t number)
{
	struct fw_diagram *diagram = review->proof->space.diagram;
	const struct fw_decider *decider = decider_at(review, number);
	const struct fw_match *match = &decider->rule->match;
	uint32_t region;

	/* one that has ended matches nothing, and is not expected to */
	if (match->has_until && fw_until_local(&match->until) <= review->proof->space.local_now)
		return 0;
	if (review->seen[number].decides) {
		if (review->direction->has_next && !review->seen[number].matters && may_be_redundant(decider->rule))
			fw_diag_warning(review->diags, decider->rule->span, "redundant", "without this line every packet would be decided the same");
		return 0;
	}
	int r = fw_diagram_restrict(diagram, decider->box, review->direction->packets, &region);
	if (r < 0)
		return r;
	if (region != FW_DIAGRAM_NONE_REF)
		return warn_shadowed(review, decider, region);
	fw_diag_warning(review->diags, decider->rule->span, "empty", "this can match no packet: its lists and what they except leave nothing");
	return 0;
}

static int review_direction(struct review *review)
{
	const size_t count = review->direction->deciders.len;

	review->seen = fw_arena_alloc(review->proof->arena, count, sizeof(*review->seen));
	if (!review->seen)
		return -ENOMEM;
	int r = note_leaves(review);
	for (size_t i = 0; i < count && i < review->direction->taken && r == 0; i++) {
		const uint32_t mark = fw_diagram_mark(review->proof->space.diagram);
		if (decider_at(review, i)->kind != FW_DECIDER_RULE)
			continue;
		r = review_rule(review, i);
		if (r == 0)
			r = fw_diagram_release(review->proof->space.diagram, mark, NULL, 0);
	}
	return r == -E2BIG ? 0 : r;
}

int fw_proof_warnings(struct fw_proof *proof, struct fw_diags *diags)
{
	int r = 0;

	for (unsigned int d = 0; d < FW_DIRECTIONS && r == 0; d++) {
		struct review review = { .proof = proof, .diags = diags, .direction = &proof->directions[d] };
		r = review_direction(&review);
	}
	return r;
}
