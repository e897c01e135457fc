/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies made against the compiler: random ranges in every field, nested prefixes of every length, one port from many places, groups that overlap.
 * Their rulesets stay within bounds of size, of depth (a kernel allows 16 jumps) and of the visits of a kernel that walks every path anew to check
 * a ruleset, as older ones do; they have no loops, and are the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linux/netfilter/nf_tables.h>

#include "base/buf.h"
#include "compile/compile.h"

#define BUDGET ((size_t)1 << 30)
#define TEXT_MAX ((size_t)4 << 20)
#define DEPTH_MAX 14

/* Chains, rules, sets, elements and counters. Measured: 4,143 of them for 30 rules of random ranges, 46 a rule for 1,000; 870,000 visits for 300 rules
 * with groups. Bounds are twice that. */
#define SIZE_FREE ((size_t)8192)
#define SIZE_PER_RULE 92
#define VISITS_MAX 1740000.0

struct random {
	uint64_t state;
};

static unsigned int draw(struct random *r, unsigned int bound)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(r->state >> 33) % bound;
}

static void put_address(struct fw_buf *out, uint32_t address)
{
	fw_buf_printf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

static void put_range(struct random *r, struct fw_buf *out, bool ipv6)
{
	const uint32_t a = draw(r, 1u << 31) | draw(r, 2) << 31, b = draw(r, 1u << 31) | draw(r, 2) << 31, low = a < b ? a : b, high = a < b ? b : a;

	if (ipv6) {
		fw_buf_printf(out, "2001:db8:%x:%x::-2001:db8:%x:%x::", low >> 16, low & 0xffff, high >> 16, high & 0xffff);
		return;
	}
	put_address(out, low);
	fw_buf_putc(out, '-');
	put_address(out, high);
}

static void put_ports(struct random *r, struct fw_buf *out)
{
	const unsigned int a = 1 + draw(r, 65534), b = 1 + draw(r, 65534);

	fw_buf_printf(out, "%u-%u", a < b ? a : b, a < b ? b : a);
}

static void random_ranges(struct random *r, struct fw_buf *out, unsigned int rules)
{
	static const char *const protocols[] = { "tcp", "udp", "tcp+udp" };

	for (unsigned int i = 0; i < rules; i++) {
		const bool ipv6 = draw(r, 4) == 0;
		fw_buf_puts(out, draw(r, 2) ? "allow " : "deny ");
		put_ports(r, out);
		fw_buf_printf(out, "/%s from ", protocols[draw(r, 3)]);
		put_range(r, out, ipv6);
		fw_buf_puts(out, " to ");
		put_range(r, out, ipv6);
		fw_buf_puts(out, " source-port ");
		put_ports(r, out);
		fw_buf_putc(out, '\n');
	}
}

/* Each rule's prefix lies in the one before, over and over, and the verdicts take turns. */
static void nested_prefixes(struct random *r, struct fw_buf *out, unsigned int rules)
{
	for (unsigned int i = 0; i < rules; i++) {
		const unsigned int length = 32 - i % 32;
		const uint32_t address = (uint32_t)draw(r, 8) << 29 | 0x0a0b0c0d;
		fw_buf_printf(out, "%s %u/tcp from ", i % 2 ? "allow" : "deny", 1 + draw(r, 20));
		put_address(out, length == 32 ? address : address & ~(UINT32_MAX >> length));
		fw_buf_printf(out, "/%u\n", length);
	}
}

static void one_port(struct random *r, struct fw_buf *out, unsigned int rules)
{
	for (unsigned int i = 0; i < rules; i++) {
		fw_buf_puts(out, draw(r, 2) ? "allow 443/tcp from " : "deny 443/tcp from ");
		put_range(r, out, draw(r, 2));
		fw_buf_putc(out, '\n');
	}
}

static void groups(struct random *r, struct fw_buf *out, unsigned int rules)
{
	for (unsigned int i = 0; i < rules / 4; i++) {
		fw_buf_printf(out, "group g%u = ", i);
		for (unsigned int k = 0; k < 6; k++) {
			fw_buf_puts(out, k ? ", " : "");
			put_address(out, draw(r, 256) << 24 | draw(r, 4) << 22);
			fw_buf_printf(out, "/%u", 10 + draw(r, 1));
		}
		fw_buf_putc(out, '\n');
	}
	for (unsigned int i = 0; i < rules - rules / 4; i++)
		fw_buf_printf(out, "%s %u/tcp from g%u except g%u\n", draw(r, 2) ? "allow" : "deny", 1 + draw(r, 300), draw(r, rules / 4), draw(r, rules / 4));
}

struct graph {
	const struct fw_ruleset *ruleset;
	double *visits; /* of each chain; 0: not yet known, -1: being counted */
	unsigned int *depth;
};

static size_t index_of(const struct graph *g, const char *name)
{
	const struct fw_rs_chain *chain = fw_ruleset_chain(g->ruleset, name);

	assert_non_null(chain);
	return (size_t)(chain - (const struct fw_rs_chain *)g->ruleset->chains.items);
}

static double visit(struct graph *g, size_t at);

static double visit_verdict(struct graph *g, size_t from, const struct fw_rs_verdict *verdict)
{
	if (!verdict->chain)
		return 1;
	const size_t to = index_of(g, verdict->chain);
	const double visits = visit(g, to);
	if (g->depth[from] < g->depth[to] + 1)
		g->depth[from] = g->depth[to] + 1;
	return 1 + visits;
}

static double visit_expr(struct graph *g, size_t from, const struct fw_rs_expr *e)
{
	double visits = 1;

	if (e->kind == FW_RS_VERDICT)
		return visit_verdict(g, from, &e->verdict);
	const struct fw_rs_set *set = e->kind == FW_RS_LOOKUP ? fw_ruleset_set(g->ruleset, e->lookup.set) : NULL;
	for (size_t i = 0; set && set->elements.verdicts && i < set->elements.len; i++)
		visits += visit_verdict(g, from, &set->elements.verdicts[i]);
	return visits;
}

/* How many expressions and elements a kernel looks at that remembers nothing. */
static double visit(struct graph *g, size_t at)
{
	const struct fw_rs_chain *chain = fw_vec_at(&g->ruleset->chains, at);
	double visits = 1;

	assert_true(g->visits[at] >= 0); /* else a loop */
	if (g->visits[at] > 0)
		return g->visits[at];
	g->visits[at] = -1;
	for (size_t i = 0; i < chain->rules.len; i++) {
		const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, i);
		for (size_t k = 0; k < rule->expr_count; k++)
			visits += visit_expr(g, at, &rule->exprs[k]);
	}
	return g->visits[at] = visits;
}

static size_t size_of(const struct fw_ruleset *ruleset)
{
	size_t size = ruleset->chains.len + ruleset->sets.len + ruleset->objects.len;

	for (size_t i = 0; i < ruleset->chains.len; i++)
		size += ((const struct fw_rs_chain *)fw_vec_at(&ruleset->chains, i))->rules.len;
	for (size_t i = 0; i < ruleset->sets.len; i++)
		size += ((const struct fw_rs_set *)fw_vec_at(&ruleset->sets, i))->elements.len;
	return size;
}

static void check_graph(struct fw_arena *arena, const struct fw_ruleset *ruleset, const char *what, unsigned int rules)
{
	struct graph g = { .ruleset = ruleset };
	unsigned int depth = 0;
	double visits = 0;

	g.visits = fw_arena_alloc(arena, ruleset->chains.len, sizeof(*g.visits));
	g.depth = fw_arena_alloc(arena, ruleset->chains.len, sizeof(*g.depth));
	for (size_t i = 0; i < ruleset->chains.len; i++) {
		visit(&g, i);
		if (((const struct fw_rs_chain *)fw_vec_at(&ruleset->chains, i))->base)
			visits += g.visits[i];
		depth = depth > g.depth[i] ? depth : g.depth[i];
	}
	print_message("%-18s %5u rules: size %6zu, depth %2u, visits %.0f\n", what, rules, size_of(ruleset), depth, visits);
	assert_true(size_of(ruleset) <= SIZE_FREE + (size_t)SIZE_PER_RULE * rules);
	assert_true(depth <= DEPTH_MAX);
	assert_true(visits <= VISITS_MAX);
}

static int32_t utc(void *clock, int64_t instant)
{
	(void)clock;
	(void)instant;
	return 0;
}

/* The text as `nft -f` reads it; the caller frees. */
static char *compiled(struct fw_str text, const char *what, unsigned int rules)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	const struct fw_policy_file file = { "bounds.conf", text };
	const struct fw_policy_env env = { .user_id = NULL };
	const struct fw_compile_env compile_env = { .now = 1795000000, .utc_offset = utc };
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_policy *policy = NULL;
	struct fw_ruleset *ruleset = NULL;
	struct fw_buf out;
	int error;

	fw_sources_init(&sources, arena);
	fw_diags_init(&diags, arena, &sources);
	assert_int_equal(fw_policy_load_text(arena, &diags, &env, &file, &policy), 0);
	assert_int_equal(fw_compile(arena, policy, &compile_env, &diags, &ruleset), 0);
	check_graph(arena, ruleset, what, rules);
	fw_buf_init(&out, (size_t)256 << 20);
	fw_ruleset_print_nft(ruleset, &out);
	char *printed = fw_buf_take(&out, &error);
	assert_non_null(printed);
	fw_arena_free(arena);
	return printed;
}

typedef void make_fn(struct random *r, struct fw_buf *out, unsigned int rules);

static void check_policies(make_fn *make, const char *what)
{
	static const unsigned int sizes[] = { 30, 100, 300, 1000 };

	for (size_t i = 0; i < FW_ARRAY_SIZE(sizes); i++) {
		struct random r = { sizes[i] };
		struct fw_buf text;
		fw_buf_init(&text, TEXT_MAX);
		make(&r, &text, sizes[i]);
		assert_int_equal(text.error, 0);
		char *first = compiled(fw_buf_str(&text), what, sizes[i]), *second = compiled(fw_buf_str(&text), what, sizes[i]);
		assert_string_equal(first, second);
		free(first);
		free(second);
		fw_buf_done(&text);
	}
}

static void test_random_ranges(void **state)
{
	(void)state;
	check_policies(random_ranges, "random ranges");
}

static void test_nested_prefixes(void **state)
{
	(void)state;
	check_policies(nested_prefixes, "nested prefixes");
}

static void test_one_port(void **state)
{
	(void)state;
	check_policies(one_port, "one port");
}

static void test_groups(void **state)
{
	(void)state;
	check_policies(groups, "groups");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_ranges),
		cmocka_unit_test(test_nested_prefixes),
		cmocka_unit_test(test_one_port),
		cmocka_unit_test(test_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
