/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_print.c - a plan as text, for tests and for people who ask why. One line a step, its cases below it; keys of tables are
 * bytes. */
#include <inttypes.h>
#include <linux/netfilter.h>

#include "compile/plan.h"
#include "net/addr.h"

static void print_number(struct fw_buf *out, const struct fw_field_info *info, struct fw_range range)
{
	if (info->key == FW_RS_KEY_IPV4 || info->key == FW_RS_KEY_IPV6) {
		fw_addr_print(out, info->key == FW_RS_KEY_IPV4 ? FW_IPV4 : FW_IPV6, range);
		return;
	}
	fw_buf_printf(out, "%" PRIu64, range.low.lo);
	if (range.high.lo != range.low.lo)
		fw_buf_printf(out, "-%" PRIu64, range.high.lo);
}

static void print_values(struct fw_buf *out, const struct fw_field_info *info, struct fw_iset values)
{
	for (size_t i = 0; i < values.len; i++) {
		fw_buf_puts(out, i ? ", " : "");
		print_number(out, info, values.ranges[i]);
	}
}

static void print_atom(struct fw_buf *out, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	if (atom->field == FW_FIELD_FAMILY) {
		fw_buf_puts(out, atom->values.ranges[0].low.lo == NFPROTO_IPV4 ? "ipv4" : "ipv6");
		return;
	}
	fw_buf_printf(out, "%s%s ", info->name, atom->invert ? " not" : "");
	switch (atom->kind) {
	case FW_ATOM_IN:
		print_values(out, info, atom->values);
		return;
	case FW_ATOM_NAMES:
		for (size_t i = 0; i < atom->name_count; i++)
			fw_buf_printf(out, "%s%s", i ? ", " : "", atom->names[i]);
		return;
	case FW_ATOM_PREFIX:
		fw_buf_printf(out, "%s*", atom->name);
		return;
	case FW_ATOM_SET:
		fw_buf_printf(out, "@%s", atom->name);
		if (atom->bits < 8u * info->width)
			fw_buf_printf(out, "/%u", atom->bits);
		return;
	case FW_ATOM_BITS:
		fw_buf_printf(out, "has %" PRIu64, atom->number);
		return;
	case FW_ATOM_BELOW:
		fw_buf_printf(out, "below %" PRIu64, atom->number);
		return;
	}
}

static void print_atoms(struct fw_buf *out, const struct fw_atom *atoms, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		fw_buf_puts(out, i ? "; " : "");
		print_atom(out, &atoms[i]);
	}
}

static void print_case(struct fw_buf *out, const struct fw_case *c)
{
	fw_buf_puts(out, c->atom_count ? "    if " : c->clause_count ? "    if" : "    if anything");
	print_atoms(out, c->atoms, c->atom_count);
	fw_buf_putc(out, '\n');
	for (size_t i = 0; i < c->clause_count; i++) {
		for (size_t k = 0; k < c->clauses[i].len; k++) {
			fw_buf_puts(out, k ? "          or " : "      and ");
			print_atoms(out, c->clauses[i].terms[k].atoms, c->clauses[i].terms[k].len);
			fw_buf_putc(out, '\n');
		}
	}
}

static void print_steps(struct fw_buf *out, const struct fw_vec *steps)
{
	for (size_t i = 0; i < steps->len; i++) {
		const struct fw_step *step = fw_vec_at(steps, i);
		fw_buf_printf(out, "  %s\n", step->leaf ? step->leaf->name : "(passes)");
		for (size_t k = 0; k < step->case_count; k++)
			print_case(out, &step->cases[k]);
		if (!step->case_count)
			fw_buf_puts(out, "    never\n");
	}
}

/* --- nodes and tables --- */

static void print_target(struct fw_buf *out, const struct fw_target *target)
{
	switch (target->kind) {
	case FW_TARGET_BACK:
		fw_buf_puts(out, "back");
		return;
	case FW_TARGET_LEAF:
		fw_buf_puts(out, target->leaf->name);
		return;
	case FW_TARGET_NODE:
		fw_buf_printf(out, "node %s", target->node->name);
		return;
	}
}

static void print_branch(struct fw_buf *out, const struct fw_branch *branch)
{
	fw_buf_puts(out, branch->atom_count || branch->table ? "  if " : "  else ");
	print_atoms(out, branch->atoms, branch->atom_count);
	if (branch->table)
		fw_buf_printf(out, "%sin table %s", branch->atom_count ? "; " : "", branch->table->name);
	if (!branch->table || branch->table->kind == FW_TABLE_SET) {
		fw_buf_puts(out, branch->atom_count || branch->table ? ": " : "");
		print_target(out, &branch->target);
	}
	fw_buf_putc(out, '\n');
}

static void print_node(struct fw_buf *out, const char *what, const struct fw_node *node)
{
	fw_buf_printf(out, "%s %s\n", what, node->name);
	for (size_t i = 0; i < node->branches.len; i++)
		print_branch(out, fw_vec_at(&node->branches, i));
}

static void print_table(struct fw_buf *out, const struct fw_table *table)
{
	static const char *const kinds[] = { [FW_TABLE_SET] = "set", [FW_TABLE_VERDICTS] = "targets", [FW_TABLE_COUNTERS] = "counters" };

	fw_buf_printf(out, "table %s: %s by ", table->name, kinds[table->kind]);
	for (size_t i = 0; i < table->field_count; i++)
		fw_buf_printf(out, "%s%s", i ? ", " : "", fw_field_info(table->fields[i])->name);
	fw_buf_printf(out, "/%u, %zu %s\n", table->bits, table->keys.len, table->interval ? "ranges" : "keys");
	for (size_t i = 0; i < table->keys.len; i++) {
		const uint8_t *key = (const uint8_t *)table->keys.items + i * table->keys.size;
		fw_buf_puts(out, "  ");
		for (size_t k = 0; k < table->keys.size; k++)
			fw_buf_printf(out, "%02x", key[k]);
		if (table->kind != FW_TABLE_SET) {
			fw_buf_puts(out, ": ");
			print_target(out, fw_vec_at(&table->targets, i));
		}
		fw_buf_putc(out, '\n');
	}
}

static void print_hook(struct fw_buf *out, const struct fw_hook *hook)
{
	fw_buf_printf(out, "hook %s (%s where nothing decides)\n", hook->name, hook->drop ? "drops" : "accepts");
	print_steps(out, &hook->steps);
	if (hook->invalid.len)
		fw_buf_puts(out, " of what is invalid\n");
	print_steps(out, &hook->invalid);
	for (size_t i = 0; i < hook->parts.len; i++)
		print_node(out, " part", *(const struct fw_node *const *)fw_vec_at(&hook->parts, i));
	if (hook->last.len)
		fw_buf_puts(out, " of what is left\n");
	print_steps(out, &hook->last);
}

static void print_rate(struct fw_buf *out, const struct fw_rate *rate)
{
	fw_buf_printf(out, " %" PRIu32 "/%s burst %" PRIu32 "%s", rate->count, fw_unit_name(rate->unit), rate->burst,
		      rate->per_source ? " per source" : "");
}

static void print_leaf(struct fw_buf *out, const struct fw_leaf *leaf)
{
	fw_buf_printf(out, "leaf %s: %s", leaf->name, fw_verdict_name(leaf->verdict));
	if (leaf->verdict == FW_REJECT)
		fw_buf_printf(out, "%s%s", leaf->takes_tcp ? " tcp" : "", leaf->takes_other ? " others" : "");
	if (leaf->connections)
		fw_buf_printf(out, "; connections %" PRIu32 "%s", leaf->connections, leaf->connections_per_source ? " per source" : "");
	if (leaf->rate.count) {
		fw_buf_puts(out, "; rate");
		print_rate(out, &leaf->rate);
	}
	for (size_t i = 0; i < leaf->helper_count; i++)
		fw_buf_printf(out, "; helper %s", leaf->helpers[i].helper);
	if (leaf->log.on) {
		fw_buf_printf(out, "; log%s", leaf->log_unicast_only ? " unicast" : "");
		print_rate(out, &leaf->log.rate);
	}
	fw_buf_putc(out, '\n');
}

static void print_set(struct fw_buf *out, const struct fw_plan_set *set)
{
	static const char *const kinds[] = { [FW_PLAN_GROUP] = "group", [FW_PLAN_PREFIXES] = "prefixes", [FW_PLAN_MEMBERS] = "members", [FW_PLAN_DURING] = "times" };
	fw_buf_printf(out, "set %s: %s", set->name, kinds[set->kind]);
	if (set->kind == FW_PLAN_MEMBERS)
		fw_buf_printf(out, ", at most %" PRIu32 ", for %" PRIu32 " s\n", set->size, set->timeout_s);
	else
		fw_buf_printf(out, ", %zu ranges\n", set->values.len);
}

void fw_plan_print(const struct fw_plan *plan, struct fw_buf *out)
{
	for (size_t i = 0; i < plan->sets.len; i++)
		print_set(out, fw_vec_at(&plan->sets, i));
	for (size_t i = 0; i < plan->leaves.len; i++)
		print_leaf(out, *(const struct fw_leaf *const *)fw_vec_at(&plan->leaves, i));
	for (size_t i = 0; i < plan->tables.len; i++)
		print_table(out, *(const struct fw_table *const *)fw_vec_at(&plan->tables, i));
	for (size_t i = 0; i < plan->nodes.len; i++)
		print_node(out, "node", *(const struct fw_node *const *)fw_vec_at(&plan->nodes, i));
	for (size_t i = 0; i < FW_HOOKS; i++)
		if (plan->hooks[i].needed)
			print_hook(out, &plan->hooks[i]);
}
