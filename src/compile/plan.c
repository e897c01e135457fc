/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan.c - a policy's order as hooks, steps and leaves: blocks, built-ins, rules, ping, default. Every decision is made in a leaf
 * of the deciding line, which says nothing of lines and order, so that its state stays when others move around it. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "compile/plan_dispatch.h"

#define PRIORITY_RAW (-300) /* before connection tracking, behind the reassembly of fragments */
#define PRIORITY_FILTER 0
#define STATE_RELATED 4u /* linux/netfilter/nf_conntrack_common.h, NF_CT_STATE_BIT */
#define TCP_RST 4u
#define LOOPBACK 1 /* the number of lo in every network namespace (net/flow.h of the kernel, LOOPBACK_IFINDEX) */
#define DIAGRAM_EDGES_MAX (8u << 20)
#define DIAGRAM_BYTES_MAX ((size_t)512 << 20)

static void init_hooks(struct fw_plan *plan, struct fw_arena *arena)
{
	static const struct {
		const char *name;
		uint32_t hook;
		int32_t priority;
	} hooks[FW_HOOKS] = {
		[FW_HOOK_RAW_PREROUTING] = { "raw-prerouting", NF_INET_PRE_ROUTING, PRIORITY_RAW },
		[FW_HOOK_RAW_FORWARD] = { "raw-forward", NF_INET_FORWARD, PRIORITY_RAW },
		[FW_HOOK_RAW_OUTPUT] = { "raw-output", NF_INET_LOCAL_OUT, PRIORITY_RAW },
		[FW_HOOK_INPUT] = { "input", NF_INET_LOCAL_IN, PRIORITY_FILTER },
		[FW_HOOK_FORWARD] = { "forward", NF_INET_FORWARD, PRIORITY_FILTER },
		[FW_HOOK_OUTPUT] = { "output", NF_INET_LOCAL_OUT, PRIORITY_FILTER },
	};
	for (size_t i = 0; i < FW_HOOKS; i++) {
		plan->hooks[i] = (struct fw_hook){ .name = hooks[i].name, .hook = hooks[i].hook, .priority = hooks[i].priority };
		fw_vec_init(&plan->hooks[i].steps, arena, sizeof(struct fw_step));
		fw_vec_init(&plan->hooks[i].invalid, arena, sizeof(struct fw_step));
		fw_vec_init(&plan->hooks[i].last, arena, sizeof(struct fw_step));
		fw_vec_init(&plan->hooks[i].parts, arena, sizeof(struct fw_node *));
	}
}

static void set_id(struct fw_leaf *leaf, enum fw_rs_owner owner, const char *id)
{
	leaf->tag = (struct fw_rs_tag){ .owner = owner, .role = FW_RS_ROLE_HIT };
	size_t len = strlen(id);
	memcpy(leaf->tag.id, id, len < FW_RS_ID_MAX ? len : FW_RS_ID_MAX - 1);
}

/* --- blocks --- */

static void plan_block_leaf(struct fw_planner *p, const struct fw_block *block)
{
	p->span = block->span;
	struct fw_leaf *leaf = fw_plan_leaf(p, fw_arena_printf(p->arena, "block-%s", block->id), block->id);
	if (!leaf)
		return;
	fw_plan_remember_leaf(p, leaf);
	set_id(leaf, FW_RS_BLOCK, block->id);
	leaf->comment = block->text;
	leaf->verdict = FW_DENY;
	leaf->word = "block";
	leaf->log.on = block->log;
	leaf->log.rate = p->policy->options.log_rate;
	leaf->span = block->span;
}

/* What passes by lo is no block's business. */
static void pass_loopback(struct fw_planner *p, struct fw_hook *hook, enum fw_field field)
{
	struct fw_vec cases;
	struct fw_case_builder b;
	fw_cases_init(p, &cases);
	fw_case_begin(&b, p);
	fw_case_atom(&b, fw_atom_value(p, field, LOOPBACK));
	fw_case_end(&b, &cases);
	fw_plan_step(p, &hook->steps, &cases, NULL);
}

static void plan_raw(struct fw_planner *p, struct fw_space *space)
{
	struct fw_hook *hooks = p->plan->hooks;
	for (size_t i = 0; i < p->policy->block_count; i++)
		plan_block_leaf(p, &p->policy->blocks[i]);
	p->span = (struct fw_span){ 0 };
	if (p->policy->block_count) {
		pass_loopback(p, &hooks[FW_HOOK_RAW_PREROUTING], FW_FIELD_IIF);
		pass_loopback(p, &hooks[FW_HOOK_RAW_OUTPUT], FW_FIELD_OIF);
	}
	fw_plan_dispatch_blocks(p, space, &hooks[FW_HOOK_RAW_PREROUTING], FW_ATOM_OF_FROM);
	fw_plan_dispatch_blocks(p, space, &hooks[FW_HOOK_RAW_FORWARD], FW_ATOM_OF_TO);
	fw_plan_dispatch_blocks(p, space, &hooks[FW_HOOK_RAW_OUTPUT], FW_ATOM_OF_TO);
	fw_plan_martians(p, &hooks[FW_HOOK_RAW_PREROUTING]);
}

/* --- rules --- */

static bool takes_proto(const struct fw_what *what, bool tcp)
{
	if (what->any)
		return true;
	for (size_t i = 0; i < what->proto_count; i++)
		if ((what->protos[i].proto == 6) == tcp)
			return true;
	return false;
}

static struct fw_leaf *plan_rule(struct fw_planner *p, const struct fw_rule *rule)
{
	p->span = rule->span;
	struct fw_leaf *leaf = fw_plan_leaf(p, fw_arena_printf(p->arena, "rule-%s", rule->id), rule->id);
	if (!leaf)
		return NULL;
	set_id(leaf, FW_RS_RULE, rule->id);
	leaf->comment = rule->text;
	leaf->direction = rule->direction;
	leaf->verdict = rule->verdict;
	leaf->word = fw_verdict_name(rule->verdict);
	leaf->log = rule->log;
	leaf->rate = rule->rate;
	leaf->connections = rule->connections;
	leaf->connections_per_source = rule->connections_per_source;
	leaf->families = rule->match.families;
	leaf->takes_tcp = takes_proto(&rule->match.what, true);
	leaf->takes_other = takes_proto(&rule->match.what, false);
	leaf->helpers = rule->match.what.helpers;
	leaf->helper_count = rule->verdict == FW_ALLOW ? rule->match.what.helper_count : 0;
	leaf->span = rule->span;
	leaf->rate_span = rule->rate_span;
	return leaf;
}

/* --- defaults --- */

static void plan_default(struct fw_planner *p, enum fw_direction direction)
{
	const struct fw_default *def = &p->policy->defaults[direction];
	const char *where = fw_direction_name(direction);
	char *name = fw_arena_printf(p->arena, "default-%s", where);
	struct fw_leaf *leaf = fw_plan_leaf(p, name, name);
	if (!leaf)
		return;
	fw_plan_remember_leaf(p, leaf);
	set_id(leaf, FW_RS_DEFAULT, where);
	leaf->comment = fw_arena_printf(p->arena, "default %s %s", where, fw_verdict_name(def->verdict));
	leaf->verdict = def->verdict;
	leaf->word = fw_verdict_name(def->verdict);
	leaf->log = def->log;
	leaf->log_unicast_only = !def->log_said;
	leaf->takes_tcp = leaf->takes_other = true;
	leaf->span = def->span;
	fw_plan_hook_of(p->plan, direction)->drop = def->verdict != FW_ALLOW;
}

/* --- answers of reject --- */

static bool resets_any(const struct fw_policy *policy)
{
	for (int direction = 0; direction < FW_DIRECTIONS; direction++) {
		bool used = direction != FW_FORWARD || policy->has_forward;
		if (used && policy->defaults[direction].verdict == FW_REJECT)
			return true;
		for (size_t i = 0; i < policy->rule_count[direction]; i++) {
			const struct fw_rule *rule = policy->rules[direction][i];
			if (rule->verdict == FW_REJECT && takes_proto(&rule->match.what, true))
				return true;
		}
	}
	return false;
}

/* The reset that a rejection makes leaves through the output hook, as a packet of the rejected connection that conntrack calls related. It is
 * part of that decision: no rule for outgoing packets may swallow it. (The ICMP errors are icmp-errors' business.) */
static void pass_resets(struct fw_planner *p)
{
	static const struct fw_range tcp[] = { { { 0, 6 }, { 0, 6 } } };
	static const struct fw_atom atoms[] = {
		{ .field = FW_FIELD_CT_STATE, .kind = FW_ATOM_BITS, .number = STATE_RELATED },
		{ .field = FW_FIELD_PROTO, .kind = FW_ATOM_IN, .values = { tcp, 1 } },
		{ .field = FW_FIELD_TCP_FLAGS, .kind = FW_ATOM_BITS, .number = TCP_RST },
	};
	struct fw_vec cases;
	struct fw_case_builder b;
	fw_cases_init(p, &cases);
	fw_case_begin(&b, p);
	for (size_t i = 0; i < FW_ARRAY_SIZE(atoms); i++)
		fw_case_atom(&b, atoms[i]);
	fw_case_end(&b, &cases);
	fw_plan_step(p, &fw_plan_hook_of(p->plan, FW_OUT)->steps, &cases, NULL);
}

static void plan_direction(struct fw_planner *p, struct fw_space *space, enum fw_direction direction)
{
	fw_plan_builtins(p, direction);
	if (direction == FW_OUT && resets_any(p->policy))
		pass_resets(p);
	p->rule_leaves[direction] = p->error ? NULL : fw_arena_alloc(p->arena, p->policy->rule_count[direction] + 1, sizeof(struct fw_leaf *));
	if (!p->rule_leaves[direction]) {
		p->error = p->error ? p->error : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < p->policy->rule_count[direction] && !p->error; i++)
		p->rule_leaves[direction][i] = plan_rule(p, p->policy->rules[direction][i]);
	plan_default(p, direction);
	p->span = p->policy->defaults[direction].span;
	fw_plan_dispatch(p, space, direction);
}

static void plan_all(struct fw_planner *p, struct fw_space *space)
{
	fw_plan_member_sets(p);
	plan_raw(p, space);
	plan_direction(p, space, FW_IN);
	if (p->policy->has_forward)
		plan_direction(p, space, FW_FORWARD);
	plan_direction(p, space, FW_OUT);
}

int fw_plan_make(struct fw_arena *arena, const struct fw_policy *policy, const struct fw_compile_env *env, struct fw_plan **ret_plan)
{
	const struct fw_space_init init = {
		.policies = &policy, .policy_count = 1, .limits = { DIAGRAM_EDGES_MAX, DIAGRAM_BYTES_MAX },
		.members_in_blocks = true, .without_loopback = true, .as_compiled = true,
	};
	struct fw_space space FW_CLEANUP(fw_space_done) = { 0 };
	struct fw_plan *plan = fw_arena_alloc(arena, 1, sizeof(*plan));
	if (!plan)
		return -ENOMEM;
	struct fw_planner p = { .arena = arena, .policy = policy, .env = env, .plan = plan };
	init_hooks(plan, arena);
	fw_vec_init(&plan->leaves, arena, sizeof(struct fw_leaf *));
	fw_vec_init(&plan->nodes, arena, sizeof(struct fw_node *));
	fw_vec_init(&plan->tables, arena, sizeof(struct fw_table *));
	fw_vec_init(&plan->sets, arena, sizeof(struct fw_plan_set));
	fw_map_init(&p.sets, arena);
	fw_map_init(&p.leaves, arena);
	plan->log_group = policy->options.log_group;
	p.error = fw_space_init(&space, arena, &init);
	if (!p.error)
		plan_all(&p, &space);
	if (p.error)
		return p.error;
	*ret_plan = plan;
	return 0;
}
