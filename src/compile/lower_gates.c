/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lower_gates.c - limits. A gate matches what is over and sends it away; what goes on is within.
 *
 * Per source: an element of a table for each source holds its limit. Where the table is full the update makes no element and the rule does
 * not match: a source that is not in the table then shares one limit of the same size, and is counted as such. That test is a look-up that
 * must miss: one that hits would run the element's limit a second time. Counting and limiting are two rules, as the limit ends its rule.
 * Tables of connection counts have no timeouts: the kernel refuses both together, and empties them by itself.
 * A count is asked for the first packet of a connection only, the one that conntrack has not confirmed: a connection that was let in is one of
 * those that count, and kernels differ in whether its further packets bring a count up to date that a refused one had raised. What arrives on
 * lo was confirmed on its way out: there every packet asks. */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "compile/lower.h"

#define TABLE_SIZE 65536
#define GC_INTERVAL_MS 10000u
#define IPV6_SOURCE_BITS 64
#define NS_PER_S 1000000000u

struct gate {
	const struct fw_leaf *leaf;
	const char *over;
	struct fw_rs_expr state; /* LIMIT or CONNLIMIT */
	const char *table;       /* "rate", "conn" */
	uint32_t op;             /* of the table's update */
	uint64_t timeout_ms;     /* of its elements; 0: none */
	const char *chain;       /* where it stands */
};

/* Loads what a source is counted by: its address, or its /64. */
static void load_source(struct fw_lowering *l, struct fw_exprs *exprs, enum fw_family family)
{
	struct fw_range proto[] = { { { 0, family == FW_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6 }, { 0, family == FW_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6 } } };
	const struct fw_atom is_family = { .field = FW_FIELD_FAMILY, .kind = FW_ATOM_IN, .values = { proto, 1 } };
	fw_lower_atom(l, exprs, &is_family);
	fw_exprs_load(exprs, family == FW_IPV4 ? FW_FIELD_SADDR4 : FW_FIELD_SADDR6);
	if (family == FW_IPV6)
		fw_exprs_mask(exprs, NFT_REG_1, 16, IPV6_SOURCE_BITS);
}

static const char *add_table(struct fw_lowering *l, const struct gate *gate, enum fw_family family)
{
	char *name = fw_arena_printf(l->arena, "%s-%s-%d", gate->table, gate->leaf->key, family == FW_IPV4 ? 4 : 6);
	struct fw_rs_set *set = name ? fw_ruleset_add_set(l->rs, name) : NULL;
	if (!set) {
		fw_lower_no_memory(l);
		return "";
	}
	set->kind = FW_RS_SET_METERS;
	set->key = family == FW_IPV4 ? FW_RS_KEY_IPV4 : FW_RS_KEY_IPV6;
	set->dynamic = true;
	set->size = TABLE_SIZE;
	set->origin = gate->leaf->span;
	if (gate->timeout_ms) {
		set->has_timeout = true;
		set->timeout_ms = gate->timeout_ms;
		set->gc_interval_ms = gate->timeout_ms < GC_INTERVAL_MS ? (uint32_t)gate->timeout_ms : GC_INTERVAL_MS;
	}
	return name;
}

/* Of sources that share a limit because the table is full: one counter for all tables of a leaf. */
static const char *shared_counter(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	char *name = fw_arena_printf(l->arena, "shared-%s", leaf->key);

	if (!name)
		fw_lower_no_memory(l);
	else if (!fw_ruleset_object(l->rs, name))
		fw_lower_counter(l, name, leaf, FW_RS_ROLE_SHARED);
	return name ? name : "";
}

static void lower_table_gate(struct fw_lowering *l, const struct gate *gate, enum fw_family family)
{
	const char *set = add_table(l, gate, family);
	struct fw_rs_expr *state = fw_arena_alloc(l->arena, 1, sizeof(*state));
	if (!state) {
		fw_lower_no_memory(l);
		return;
	}
	*state = gate->state;
	struct fw_exprs update, count, shared;
	fw_exprs_init(&update);
	fw_exprs_init(&count);
	fw_exprs_init(&shared);
	load_source(l, &update, family);
	struct fw_rs_expr *dynset = fw_exprs_add(&update, FW_RS_DYNSET);
	dynset->dynset.set = set;
	dynset->dynset.op = gate->op;
	dynset->dynset.sreg = NFT_REG_1;
	dynset->dynset.expr = state;
	fw_exprs_verdict(&update, NFT_GOTO, gate->over);
	fw_lower_rule(l, gate->chain, &update);

	load_source(l, &count, family);
	fw_exprs_lookup(&count, set, true);
	fw_exprs_counter(&count, shared_counter(l, gate->leaf));
	fw_lower_rule(l, gate->chain, &count);

	load_source(l, &shared, family);
	fw_exprs_lookup(&shared, set, true);
	*fw_exprs_add(&shared, gate->state.kind) = gate->state;
	fw_exprs_verdict(&shared, NFT_GOTO, gate->over);
	fw_lower_rule(l, gate->chain, &shared);
}

static void lower_gate(struct fw_lowering *l, const struct gate *gate, bool per_source)
{
	for (int family = 0; per_source && family < FW_FAMILIES; family++)
		if (gate->leaf->families & FW_FAMILY_BIT(family))
			lower_table_gate(l, gate, (enum fw_family)family);
	if (per_source)
		return;
	struct fw_exprs exprs;
	fw_exprs_init(&exprs);
	*fw_exprs_add(&exprs, gate->state.kind) = gate->state;
	fw_exprs_verdict(&exprs, NFT_GOTO, gate->over);
	fw_lower_rule(l, gate->chain, &exprs);
}

/* When an idle bucket is full again: after that an element says nothing any more. */
static uint64_t refill_ms(const struct fw_rate *rate)
{
	uint64_t total_s = (uint64_t)rate->burst * fw_unit_seconds(rate->unit);
	uint64_t seconds = total_s / rate->count + (total_s % rate->count != 0);
	return (seconds ? seconds : 1) * 1000;
}

/* The kernel keeps a bucket in nanoseconds of 64 bits. */
static bool fits_kernel(const struct fw_rate *rate)
{
	uint64_t cost_ns = (uint64_t)fw_unit_seconds(rate->unit) * NS_PER_S / rate->count;
	return !cost_ns || rate->burst <= INT64_MAX / cost_ns;
}

static void jump(struct fw_lowering *l, const struct fw_leaf *leaf, const char *chain, bool from_lo)
{
	static const char *const lo[] = { "lo" };
	static const struct fw_atom is_lo = { .field = FW_FIELD_IIFNAME, .kind = FW_ATOM_NAMES, .names = lo, .name_count = 1 };
	const struct fw_atom status = { .field = FW_FIELD_CT_STATUS, .kind = FW_ATOM_BITS, .number = IPS_CONFIRMED, .invert = !from_lo };
	struct fw_exprs exprs;

	fw_exprs_init(&exprs);
	if (from_lo)
		fw_lower_atom(l, &exprs, &is_lo);
	fw_lower_atom(l, &exprs, &status);
	fw_exprs_verdict(&exprs, NFT_JUMP, chain);
	fw_lower_rule(l, leaf->name, &exprs);
}

static void lower_connections(struct fw_lowering *l, const struct fw_leaf *leaf, const char *over)
{
	struct gate gate = { .leaf = leaf, .over = over, .table = "conn", .op = NFT_DYNSET_OP_ADD };

	gate.state = (struct fw_rs_expr){ .kind = FW_RS_CONNLIMIT, .connlimit = { leaf->connections, true } };
	gate.chain = fw_arena_printf(l->arena, "conn-%s", leaf->key);
	if (!gate.chain) {
		fw_lower_no_memory(l);
		return;
	}
	fw_lower_chain(l, gate.chain);
	lower_gate(l, &gate, leaf->connections_per_source);
	jump(l, leaf, gate.chain, false);
	if (leaf->direction == FW_IN)
		jump(l, leaf, gate.chain, true);
}

static void lower_rate(struct fw_lowering *l, const struct fw_leaf *leaf, const char *over)
{
	struct gate gate = { .leaf = leaf, .over = over, .table = "rate", .op = NFT_DYNSET_OP_UPDATE, .chain = leaf->name };

	if (!fits_kernel(&leaf->rate)) {
		struct fw_diag *diag = fw_diag_error(l->diags, leaf->rate_span, "limit", "this burst takes longer to refill than the kernel can count");
		fw_diag_help(l->diags, diag, "write a smaller burst");
		l->error = l->error ? l->error : FW_REPORTED;
		return;
	}
	gate.state = (struct fw_rs_expr){ .kind = FW_RS_LIMIT };
	gate.state.limit = (struct fw_rs_limit){ leaf->rate.count, fw_unit_seconds(leaf->rate.unit), leaf->rate.burst, true };
	gate.timeout_ms = refill_ms(&leaf->rate);
	lower_gate(l, &gate, leaf->rate.per_source);
}

void fw_lower_gates(struct fw_lowering *l, const struct fw_leaf *leaf, const char *over)
{
	if (leaf->connections)
		lower_connections(l, leaf, over);
	if (leaf->rate.count)
		lower_rate(l, leaf, over);
}
