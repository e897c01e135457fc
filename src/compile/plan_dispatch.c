/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_dispatch.c - from rules to parts of a hook: a decision diagram of all of them, or where that would grow out of proportion, of as many
 * in a row as bear it, one part after the other. Every part is at most so many times as big as what its rules say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/bounds.h"
#include "compile/plan_dispatch.h"

#define DEPTH_MAX 11      /* nodes one behind the other: the kernel takes 16 chains, and some are a leaf's */

/* --- leaves of deciders --- */

/* `rule`: how many rules stood before it. */
static struct fw_leaf *decider_leaf(struct fw_planner *p, const struct fw_decider *decider, enum fw_direction direction, size_t rule)
{
	switch (decider->kind) {
	case FW_DECIDER_BLOCK:
		return fw_plan_leaf_named(p, fw_plan_name(p, "block-%s", decider->block->id));
	case FW_DECIDER_RULE:
		return p->rule_leaves[direction][rule];
	case FW_DECIDER_BUILTIN:
		return fw_plan_builtin_leaf(p, decider->builtin, direction);
	case FW_DECIDER_DEFAULT:
		return fw_plan_leaf_named(p, fw_plan_name(p, "default-%s", fw_direction_name(direction)));
	}
	return NULL;
}

/* Deciders that have one leaf are one: the first of them. */
static uint32_t canonical(void *context, uint32_t value)
{
	const uint32_t *first = context;

	return value == FW_DIAGRAM_NONE ? value : first[value >> FW_DECIDER_SHIFT] << FW_DECIDER_SHIFT;
}

/* --- broadcasts are never blocked, and only the routing table knows them --- */

static struct fw_target unless_broadcast(struct fw_dispatcher *d, struct fw_leaf *leaf)
{
	const struct fw_guard ipv4 = fw_guard_family(d->p, FW_IPV4);
	const struct fw_atom broadcast = fw_atom_value(d->p, FW_FIELD_DADDR_TYPE, 3 /* linux/rtnetlink.h, RTN_BROADCAST */);
	struct fw_node *node = fw_node_new(d->p, fw_plan_name(d->p, "%s-%s", d->name, leaf->name));
	struct fw_node **slot = node ? fw_vec_push(&d->made) : NULL;

	if (!slot) {
		d->p->error = -ENOMEM;
		return (struct fw_target){ .kind = FW_TARGET_BACK };
	}
	*slot = node;
	fw_node_branch(d->p, node, &ipv4, &broadcast, (struct fw_target){ .kind = FW_TARGET_BACK });
	fw_node_rest(d->p, node, (struct fw_target){ .kind = FW_TARGET_LEAF, .leaf = leaf });
	return (struct fw_target){ .kind = FW_TARGET_NODE, .node = node };
}

struct fw_target fw_dispatch_leaf(struct fw_dispatcher *d, uint32_t decider)
{
	struct fw_target *target = &d->targets[decider];

	if (target->kind == FW_TARGET_BACK && d->by_destination)
		*target = unless_broadcast(d, d->leaves[decider]);
	else if (target->kind == FW_TARGET_BACK)
		*target = (struct fw_target){ .kind = FW_TARGET_LEAF, .leaf = d->leaves[decider] };
	return *target;
}

/* --- parts --- */

struct dividing { /* of a hook's deciders into parts */
	struct fw_dispatcher *d;
	struct fw_hook *hook;
	uint32_t *boxes, *first; /* of the deciders: where each applies; the first with its leaf */
	size_t count;
	size_t box_edges;        /* of all boxes together */
	bool undecided_goes_on;  /* after the last part too */
};

/* How many chains a packet goes through at most; long ways end the count. */
static unsigned int depth(struct fw_dispatcher *d, struct fw_refs *known, uint32_t ref)
{
	if (fw_diagram_is_leaf(ref))
		return 0;
	const uint32_t before = fw_refs_get(known, ref);
	if (before)
		return before;
	const uint32_t level = fw_diagram_level(d->space->diagram, ref);
	const size_t count = fw_diagram_edge_count(d->space->diagram, ref);
	unsigned int deepest = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t child;
		fw_diagram_edge(d->space->diagram, ref, i, &child);
		const unsigned int below = depth(d, known, child);
		/* conditions that do not hold, and ports below their protocol, take no chain */
		const bool here = (level >= FW_LEVEL_ATOMS && i == 0) || level == FW_LEVEL_PROTO || level == FW_LEVEL_FAMILY;
		if (below + !here > deepest)
			deepest = below + !here;
	}
	if (fw_refs_put(known, ref, deepest ? deepest : 1) < 0)
		d->p->error = -ENOMEM;
	return deepest;
}

static bool is_too_deep(struct fw_dispatcher *d, uint32_t ref)
{
	struct fw_refs known FW_CLEANUP(fw_refs_done) = { 0 };

	return depth(d, &known, ref) > DEPTH_MAX;
}

/* The deciders from..from+count in one diagram. False where it grows too much. */
static bool decide(struct dividing *v, size_t from, size_t count, uint32_t *ret_ref)
{
	struct fw_diagram *diagram = v->d->space->diagram;
	const size_t share = v->count ? v->box_edges * count / v->count : 0;
	uint32_t ref;

	/* once only, or many small parts would make much of it */
	const size_t free_edges = count == v->count ? FW_BOUND_EDGES_FREE : 0;
	if (count > 1) /* one rule is what it is */
		fw_diagram_limit_edges(diagram, fw_diagram_counts(diagram).edges + FW_BOUND_GROWTH * share + free_edges);
	int r = fw_diagram_over_all(diagram, v->boxes + from, count, &ref);
	if (r == 0)
		r = fw_diagram_map(diagram, ref, canonical, v->first, &ref);
	fw_diagram_limit_edges(diagram, SIZE_MAX);
	if (r == -ENOMEM && !fw_diagram_over_budget(diagram))
		v->d->p->error = r;
	if (r < 0)
		return false;
	*ret_ref = ref;
	return count == 1 || !is_too_deep(v->d, ref);
}

/* All but the first of a part are chains of their own. */
static void keep_node(struct fw_planner *p, const struct fw_node *node, const struct fw_node *first)
{
	if (node == first)
		return;
	const struct fw_node **slot = fw_vec_push(&p->plan->nodes);
	if (slot)
		*slot = node;
	else
		p->error = -ENOMEM;
}

static void add_part(struct dividing *v, uint32_t ref)
{
	struct fw_dispatcher *d = v->d;
	const struct fw_node **slot = d->p->error ? NULL : fw_vec_push(&v->hook->parts);
	const char *base = d->name;

	if (!slot) {
		d->p->error = d->p->error ? d->p->error : -ENOMEM;
		return;
	}
	if (v->hook->parts.len > 1)
		d->name = fw_plan_name(d->p, "%s.%zu", base, v->hook->parts.len);
	const struct fw_target target = fw_dispatch_target(d, ref, "%s", d->name);
	struct fw_node *node = NULL;
	if (target.kind != FW_TARGET_NODE) {
		node = fw_node_new(d->p, d->name);
		fw_node_rest(d->p, node, target);
	}
	*slot = node ? node : target.node;
	d->name = base;
	/* the nodes of the next part are its own: names tell them apart */
	for (size_t i = 0; i < d->made.len && !d->p->error; i++)
		keep_node(d->p, *(struct fw_node **)fw_vec_at(&d->made, i), target.node);
	d->made.len = 0;
	fw_refs_done(&d->nodes);
}

/* Halves what grows too much. */
static void divide(struct dividing *v, size_t from, size_t count)
{
	const uint32_t mark = fw_diagram_mark(v->d->space->diagram);
	uint32_t ref;

	if (v->d->p->error || count == 0)
		return;
	if (decide(v, from, count, &ref)) {
		add_part(v, ref);
	} else if (count == 1) {
		v->d->p->error = v->d->p->error ? v->d->p->error : -E2BIG;
	} else {
		fw_diagram_release(v->d->space->diagram, mark, NULL, 0);
		divide(v, from, count / 2);
		divide(v, from + count / 2, count - count / 2);
		return;
	}
	fw_diagram_release(v->d->space->diagram, mark, NULL, 0);
}

static int read_deciders(struct dividing *v)
{
	struct fw_dispatcher *d = v->d;
	struct fw_refs firsts FW_CLEANUP(fw_refs_done) = { 0 };
	size_t rules = 0;

	v->count = d->deciders.len;
	v->boxes = fw_arena_alloc(d->p->arena, v->count + 1, sizeof(*v->boxes));
	v->first = fw_arena_alloc(d->p->arena, v->count + 1, sizeof(*v->first));
	d->leaves = fw_arena_alloc(d->p->arena, v->count + 1, sizeof(*d->leaves));
	d->targets = fw_arena_alloc(d->p->arena, v->count + 1, sizeof(*d->targets));
	if (!v->boxes || !v->first || !d->leaves || !d->targets)
		return -ENOMEM;
	for (size_t i = 0; i < v->count && !d->p->error; i++) {
		const struct fw_decider *decider = fw_vec_at(&d->deciders, i);
		v->boxes[i] = decider->box;
		d->leaves[i] = decider_leaf(d->p, decider, d->direction, rules);
		rules += decider->kind == FW_DECIDER_RULE;
		if (!d->leaves[i])
			return d->p->error ? d->p->error : -ENOMEM;
		const uint32_t first = fw_refs_get(&firsts, d->leaves[i]->number);
		v->first[i] = first ? first - 1 : (uint32_t)i;
		if (!first && fw_refs_put(&firsts, d->leaves[i]->number, (uint32_t)i + 1) < 0)
			return -ENOMEM;
	}
	return d->p->error;
}

static bool has_many_plain(const struct fw_dispatcher *d)
{
	size_t count = 0;

	for (size_t i = 0; i < d->deciders.len && count <= FW_BOUND_COUNTERS_FROM; i++)
		count += fw_leaf_is_plain(d->leaves[i]);
	return count > FW_BOUND_COUNTERS_FROM;
}

static void run(struct fw_dispatcher *d, struct fw_hook *hook, size_t edges_before)
{
	struct dividing v = { .d = d, .hook = hook };

	d->p->error = read_deciders(&v);
	v.box_edges = fw_diagram_counts(d->space->diagram).edges - edges_before;
	d->counters = !d->p->error && has_many_plain(d);
	d->prefer = v.count && !d->p->error ? fw_diagram_leaf(v.first[v.count - 1] << FW_DECIDER_SHIFT) : FW_DIAGRAM_NONE_REF;
	if (d->by_destination || hook->priority < 0)
		d->prefer = FW_DIAGRAM_NONE_REF;
	fw_vec_init(&d->made, NULL, sizeof(struct fw_node *));
	fw_lpm_init(&d->lpm);
	divide(&v, 0, v.count);
	hook->needed = true;
	fw_lpm_done(&d->lpm);
	fw_vec_done(&d->made);
	fw_refs_done(&d->nodes);
}

void fw_plan_dispatch(struct fw_planner *p, struct fw_space *space, enum fw_direction direction)
{
	/* no hook's chain may have such a name */
	static const char *const names[FW_DIRECTIONS] = { [FW_IN] = "in", [FW_OUT] = "out", [FW_FORWARD] = "forwarded" };
	struct fw_dispatcher d = { .p = p, .space = space, .direction = direction, .name = names[direction] };
	const uint32_t mark = fw_diagram_mark(space->diagram);
	const size_t edges = fw_diagram_counts(space->diagram).edges;

	if (p->error)
		return;
	p->error = fw_space_deciders(space, p->policy, direction, &d.deciders);
	if (!p->error)
		run(&d, fw_plan_hook_of(p->plan, direction), edges);
	fw_diagram_release(space->diagram, mark, NULL, 0);
}

void fw_plan_dispatch_blocks(struct fw_planner *p, struct fw_space *space, struct fw_hook *hook, enum fw_atom_of of)
{
	struct fw_dispatcher d = { .p = p, .space = space, .direction = FW_IN, .by_destination = of == FW_ATOM_OF_TO };
	const uint32_t mark = fw_diagram_mark(space->diagram);
	const size_t edges = fw_diagram_counts(space->diagram).edges;

	if (p->error || !p->policy->block_count)
		return;
	d.name = fw_plan_name(p, "%s-blocks", hook->name);
	p->error = fw_space_blocks(space, p->policy, of, &d.deciders);
	if (!p->error)
		run(&d, hook, edges);
	fw_diagram_release(space->diagram, mark, NULL, 0);
}
