/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/explain.c - the deciders cut to the packets of a question, combined: each leaf that is left is an answer. */
#include "proof/explain.h"

#include <errno.h>

#include "proof/decide.h"
#include "proof/regions.h"

#define MAX_EDGES ((size_t)1 << 23)
#define MAX_BYTES ((size_t)512 << 20)

struct asking {
	struct fw_arena *arena;
	const struct fw_policy *policy;
	const struct fw_query *query;
	struct fw_space space;
	struct fw_vec deciders;
	uint32_t region;  /* the packets of the question: leaf 0 */
	uint32_t decided; /* who decides each */
};

/* Are all addresses that the question names here loopback addresses? */
static bool names_loopback(const struct fw_addrs *addrs)
{
	const struct fw_iset ipv4 = addrs->literals[FW_IPV4], ipv6 = addrs->literals[FW_IPV6];

	return (ipv4.len > 0 && ipv4.ranges[0].low.lo >> 24 == 127 && ipv4.ranges[0].high.lo >> 24 == 127) ||
	       (ipv6.len > 0 && fw_u128_compare(ipv6.ranges[0].high, (struct fw_u128){ 0, 1 }) <= 0);
}

static int begin(struct asking *a)
{
	const struct fw_match *match = &a->query->match;
	const bool loopback = a->policy->options.builtin_off[FW_BUILTIN_LOOPBACK] || a->query->says_lo || names_loopback(&match->from) || names_loopback(&match->to);
	const struct fw_space_init init = { .policies = &a->policy, .policy_count = 1, .question = match, .limits = { MAX_EDGES, MAX_BYTES },
					    .local_now = a->query->local, .members_in_blocks = true, .without_loopback = !loopback };
	int r = fw_space_init(&a->space, a->arena, &init);

	return r < 0 ? r : fw_space_deciders(&a->space, a->policy, a->query->direction, &a->deciders);
}

/* Where the question says a time, the times of day of the policy hold or do not. */
static int fix_times(struct asking *a)
{
	int r = 0;

	for (size_t i = 0; a->query->has_time && i < a->space.atom_count && r == 0; i++) {
		const struct fw_space_atom *atom = &a->space.atoms[i];
		if (atom->of != FW_ATOM_OF_TIME)
			continue;
		const uint64_t holds = fw_during_holds(&atom->during, a->query->local);
		const struct fw_range range = { { 0, holds }, { 0, holds } };
		const struct fw_diagram_side side = { FW_LEVEL_ATOMS + (uint32_t)i, { &range, 1 } };
		uint32_t mask;
		r = fw_diagram_box(a->space.diagram, &side, 1, fw_diagram_leaf(0), &mask);
		if (r == 0)
			r = fw_diagram_restrict(a->space.diagram, a->region, mask, &a->region);
	}
	return r;
}

static int make_region(struct asking *a)
{
	int r = fw_space_match(&a->space, &a->query->match, fw_diagram_leaf(0), &a->region);

	return r < 0 ? r : fix_times(a);
}

static int add_answer(struct asking *a, uint32_t leaf, struct fw_vec *answers)
{
	struct fw_answer *answer = fw_vec_push(answers);
	if (!answer)
		return -ENOMEM;

	answer->decider = fw_vec_at(&a->deciders, leaf >> FW_DECIDER_SHIFT);
	return fw_regions_collect(&a->space, a->policy, a->decided, leaf, &answer->where);
}

static int add_answers(struct asking *a, struct fw_vec *answers)
{
	struct fw_diagram_leaves leaves = { 0 };
	uint32_t real;
	int r = fw_space_only_real(&a->space, a->query->direction, a->decided, &real);

	if (r == 0)
		r = fw_diagram_leaves(a->space.diagram, real, a->arena, &leaves);
	for (size_t i = 0; r == 0 && i < leaves.len; i++)
		if (leaves.values[i] != FW_DIAGRAM_NONE)
			r = add_answer(a, leaves.values[i], answers);
	return r;
}

/* --- why not --- */

/* Conditions of a rule, each copied alone into a match that says nothing else. */
static void only_what(struct fw_match *to, const struct fw_match *from)
{
	to->what = from->what;
}

static void only_family(struct fw_match *to, const struct fw_match *from)
{
	to->families = from->families;
}

static void only_from(struct fw_match *to, const struct fw_match *from)
{
	to->from = from->from;
	to->families = from->from.families;
}

static void only_to(struct fw_match *to, const struct fw_match *from)
{
	to->to = from->to;
	to->families = from->to.families;
}

static void only_on(struct fw_match *to, const struct fw_match *from)
{
	to->on = from->on;
}

static void only_leaving(struct fw_match *to, const struct fw_match *from)
{
	to->leaving = from->leaving;
}

static void only_source_port(struct fw_match *to, const struct fw_match *from)
{
	to->source_ports = from->source_ports;
}

static void only_owner(struct fw_match *to, const struct fw_match *from)
{
	to->owners = from->owners;
}

static void only_during(struct fw_match *to, const struct fw_match *from)
{
	to->has_during = from->has_during;
	to->during = from->during;
}

static void only_until(struct fw_match *to, const struct fw_match *from)
{
	to->has_until = from->has_until;
	to->until = from->until;
}

static const struct {
	void (*only)(struct fw_match *to, const struct fw_match *from);
	const char *why;
} conditions[] = {
	{ only_until, "it has ended" },
	{ only_what, "for another service or port" },
	{ only_from, "from another source" },
	{ only_to, "to another destination" },
	{ only_on, "on another interface" },
	{ only_leaving, "leaving by another interface" },
	{ only_source_port, "from another source port" },
	{ only_owner, "for another owner" },
	{ only_family, "for the other family" },
	{ only_during, "at another time" },
};

static int find_reason(struct asking *a, const struct fw_match *match, const char **ret_why)
{
	static const struct fw_match all = { .families = FW_FAMILY_BOTH, .what.any = true, .from = { .any = true, .families = FW_FAMILY_BOTH },
					     .to = { .any = true, .families = FW_FAMILY_BOTH }, .on.any = true, .leaving.any = true };

	*ret_why = "its conditions do not hold together";
	for (size_t i = 0; i < FW_ARRAY_SIZE(conditions); i++) {
		struct fw_match alone = all;
		uint32_t box;
		conditions[i].only(&alone, match);
		int r = fw_space_match(&a->space, &alone, fw_diagram_leaf(0), &box);
		if (r == 0)
			r = fw_diagram_restrict(a->space.diagram, box, a->region, &box);
		if (r < 0)
			return r;
		if (box == FW_DIAGRAM_NONE_REF) {
			*ret_why = conditions[i].why;
			return 0;
		}
	}
	return 0;
}

static int add_passed(struct asking *a, const struct fw_decider *decider, struct fw_vec *passed)
{
	struct fw_passed *slot = fw_vec_push(passed);
	const uint32_t mark = fw_diagram_mark(a->space.diagram);
	if (!slot)
		return -ENOMEM;

	*slot = (struct fw_passed){ decider, "from or to another address" };
	int r = decider->rule ? find_reason(a, &decider->rule->match, &slot->why) : 0;
	return r < 0 ? r : fw_diagram_release(a->space.diagram, mark, NULL, 0);
}

/* Lines of the policy that come before the one that decides. */
static int add_all_passed(struct asking *a, const struct fw_decider *last, struct fw_vec *passed)
{
	int r = 0;

	for (size_t i = 0; i < a->deciders.len && r == 0; i++) {
		const struct fw_decider *decider = fw_vec_at(&a->deciders, i);
		if (decider == last)
			break;
		if (decider->kind == FW_DECIDER_RULE || decider->kind == FW_DECIDER_BLOCK)
			r = add_passed(a, decider, passed);
	}
	return r;
}

static int explain(struct asking *a, struct fw_explained *explained)
{
	int r = begin(a);

	if (r == 0)
		r = make_region(a);
	if (r == 0)
		r = fw_space_decide(&a->space, &a->deciders, &a->region, &a->decided);
	if (r == 0)
		r = add_answers(a, &explained->answers);
	if (r == 0 && explained->answers.len == 1)
		r = add_all_passed(a, ((const struct fw_answer *)fw_vec_at(&explained->answers, 0))->decider, &explained->passed);
	return r;
}

int fw_explain(struct fw_arena *arena, const struct fw_policy *policy, const struct fw_query *query, struct fw_explained *ret_explained)
{
	struct asking a = { .arena = arena, .policy = policy, .query = query };
	struct fw_explained explained;

	fw_vec_init(&explained.answers, arena, sizeof(struct fw_answer));
	fw_vec_init(&explained.passed, arena, sizeof(struct fw_passed));
	int r = explain(&a, &explained);
	fw_space_done(&a.space);
	if (r == 0)
		*ret_explained = explained;
	return r;
}
