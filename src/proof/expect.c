/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/expect.c - expectations: a packet of the line that is decided otherwise refutes it. Where a whole direction is too big for one diagram, the
 * line's own packets are decided alone; where that is too big as well, the line is not proven, which is an error too. */
#include "proof/proof.h"

#include <errno.h>

struct hearing {
	struct fw_proof *proof;
	const struct fw_expect *expect;
	const struct fw_proof_direction *direction;
	struct fw_diags *diags;
	uint32_t decided; /* who decides each packet that the line speaks of */
};

static bool keeps_word(const struct fw_expect *expect, enum fw_verdict verdict)
{
	switch (expect->verdict) {
	case FW_ALLOW:
		return verdict == FW_ALLOW;
	case FW_REJECT:
		return verdict == FW_REJECT;
	case FW_DENY:
		return verdict != FW_ALLOW;
	}
	return false;
}

/* A leaf that breaks the expectation; what a built-in decides is outside of all of them. */
static bool is_broken(void *context, uint32_t value)
{
	const struct hearing *hearing = context;
	if (value == FW_DIAGRAM_NONE)
		return false;

	const struct fw_decider *decider = fw_vec_at(&hearing->direction->deciders, value >> FW_DECIDER_SHIFT);
	if (decider->kind == FW_DECIDER_BUILTIN && decider->builtin != FW_BUILTIN_PING)
		return false;
	return !keeps_word(hearing->expect, decider->verdict);
}

static bool says_lo(const struct fw_expect *expect)
{
	const struct fw_ifaces *on = &expect->match.on;

	for (size_t i = 0; !on->any && i < on->len; i++)
		if (!on->items[i].prefix && fw_str_equal(fw_str_from(on->items[i].name), FW_STR("lo")))
			return true;
	return false;
}

/* The packets that the line speaks of. */
static int make_region(struct hearing *hearing, uint32_t *ret_region)
{
	struct fw_space *space = &hearing->proof->space;
	uint32_t lo, region;
	int r = fw_space_match(space, &hearing->expect->match, fw_diagram_leaf(0), &region);

	if (r == 0 && !says_lo(hearing->expect)) {
		r = fw_space_lo(space, fw_diagram_leaf(0), &lo);
		if (r == 0)
			r = fw_diagram_without(space->diagram, region, lo, &region);
	}
	return r < 0 ? r : fw_diagram_restrict(space->diagram, region, hearing->direction->packets, ret_region);
}

static int decide_region(struct hearing *hearing)
{
	const bool whole = hearing->direction->taken == hearing->direction->deciders.len;
	uint32_t region;
	int r = make_region(hearing, &region);
	if (r < 0)
		return r;

	return whole ? fw_diagram_restrict(hearing->proof->space.diagram, hearing->direction->decided, region, &hearing->decided) :
		       fw_space_decide(&hearing->proof->space, &hearing->direction->deciders, &region, &hearing->decided);
}

static const char *words_of(const struct fw_decider *decider)
{
	switch (decider->kind) {
	case FW_DECIDER_BLOCK:
		return decider->block->text;
	case FW_DECIDER_RULE:
		return decider->rule->text;
	case FW_DECIDER_BUILTIN:
		return fw_builtin_name(decider->builtin);
	case FW_DECIDER_DEFAULT:
		return fw_verdict_name(decider->verdict);
	}
	return "";
}

/* The line that decided it, as a second place where there is one. */
static void tell_decider(struct hearing *hearing, struct fw_diag *diag, const struct fw_decider *decider)
{
	const struct fw_default *def = &hearing->proof->policy->defaults[hearing->expect->direction];

	switch (decider->kind) {
	case FW_DECIDER_BLOCK:
		fw_diag_note(hearing->diags, diag, decider->block->span, "decided here: %s", words_of(decider));
		return;
	case FW_DECIDER_RULE:
		fw_diag_note(hearing->diags, diag, decider->rule->span, "decided here: %s", words_of(decider));
		return;
	case FW_DECIDER_BUILTIN:
		fw_diag_help(hearing->diags, diag, "the built-in '%s' decides it", words_of(decider));
		return;
	case FW_DECIDER_DEFAULT:
		if (def->present)
			fw_diag_note(hearing->diags, diag, def->span, "no line takes it, and the default decides");
		else
			fw_diag_help(hearing->diags, diag, "no line takes it, and 'default %s %s' holds where nothing else is said",
				     fw_direction_name(hearing->expect->direction), words_of(decider));
		return;
	}
}

static const char *past(enum fw_verdict verdict)
{
	return verdict == FW_ALLOW ? "allowed" : verdict == FW_DENY ? "denied" : "rejected";
}

static int report(struct hearing *hearing, const struct fw_proof_point *point)
{
	const uint32_t leaf = fw_diagram_eval(hearing->proof->space.diagram, hearing->decided, point->values);
	const struct fw_decider *decider = fw_vec_at(&hearing->direction->deciders, leaf >> FW_DECIDER_SHIFT);
	struct fw_buf words FW_CLEANUP(fw_buf_done);

	fw_buf_init(&words, 1024);
	fw_proof_print_point(&hearing->proof->space, point, &words);
	if (words.error)
		return words.error;
	struct fw_diag *diag = fw_diag_error(hearing->diags, hearing->expect->span, "expect", "this does not hold: '%s' is %s", words.data,
					     past(decider->verdict));
	tell_decider(hearing, diag, decider);
	return 0;
}

static void report_unproven(const struct fw_expect *expect, struct fw_diags *diags)
{
	struct fw_diag *diag = fw_diag_error(diags, expect->span, "expect", "this could not be proven: the rules that it meets overlap in too many ways");

	fw_diag_help(diags, diag, "expect less at once: one service, one interface or one source in each line");
}

static int hear(struct hearing *hearing)
{
	const struct fw_diagram_want want = { is_broken, hearing };
	struct fw_proof_point point = { .direction = hearing->expect->direction };
	int r = decide_region(hearing);

	if (r == 0)
		r = fw_proof_witness(&hearing->proof->space, hearing->decided, &want, &point);
	if (r == 0)
		return report(hearing, &point);
	if (r == -E2BIG)
		report_unproven(hearing->expect, hearing->diags);
	return r == -ENOENT || r == -E2BIG ? 0 : r;
}

void fw_proof_give_up(const struct fw_policy *policy, struct fw_diags *diags)
{
	for (size_t i = 0; i < policy->expect_count; i++)
		report_unproven(&policy->expects[i], diags);
}

int fw_proof_expects(struct fw_proof *proof, struct fw_diags *diags)
{
	int r = 0;

	for (size_t i = 0; i < proof->policy->expect_count && r == 0; i++) {
		struct hearing hearing = { .proof = proof, .expect = &proof->policy->expects[i], .diags = diags };
		const uint32_t mark = fw_diagram_mark(proof->space.diagram);
		hearing.direction = &proof->directions[hearing.expect->direction];
		r = hear(&hearing);
		if (r == 0)
			r = fw_diagram_release(proof->space.diagram, mark, NULL, 0);
	}
	return r;
}
