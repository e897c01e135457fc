/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_share.c - tables that many ports share. Where each of many ports has addresses of its own, a chain with tables for each of them would
 * be as many sets as ports; instead protocol, port and the address cut to a length are one key, in one table for each length. A port asks
 * only the lengths that it has: those with the same lengths have one chain. Where the tables lead to chains, though, older kernels look at each of
 * their elements for each port when they check a ruleset; then all ports go through one chain, behind one branch. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "compile/bounds.h"
#include "compile/plan_dispatch.h"

#define LENGTHS_MAX 129

struct way { /* the tables that a port asks */
	uint64_t lengths[FW_FAMILIES][3];
	bool rests[FW_FAMILIES];
	struct fw_node *node;
};

struct share {
	struct fw_dispatcher *d;
	uint32_t levels[FW_FAMILIES];
	const char *name;
	struct fw_tables tables[FW_FAMILIES][LENGTHS_MAX];
	struct fw_tables rests[FW_FAMILIES];
	uint32_t rest[FW_FAMILIES]; /* of most ports */
	struct way ways[FW_BOUND_WAYS], all; /* `all`: every length that a port has */
	size_t way_count;
	uint32_t *way_of;   /* of the ports: number of its way + 1 */
	size_t verdicts;    /* entries that lead to chains */
};

static uint32_t side(const struct share *s, uint32_t ref, int family)
{
	return fw_dispatch_child(s->d, ref, FW_LEVEL_FAMILY, (uint64_t)family);
}

/* Edges of the addresses that are asked first; 0: they are none of these. */
static size_t edges_of(const struct share *s, uint32_t ref)
{
	size_t count = 0;

	if (!fw_dispatch_asks(s->d, ref, FW_LEVEL_FAMILY))
		return 0;
	for (int family = 0; family < FW_FAMILIES; family++)
		if (fw_dispatch_asks(s->d, side(s, ref, family), s->levels[family]))
			count += fw_diagram_edge_count(s->d->space->diagram, side(s, ref, family));
	return count;
}

/* How many ports have these addresses, as a number for each. */
static int count_uses(const struct fw_vec *ports, struct fw_refs *uses)
{
	for (size_t i = 0; i < ports->len; i++) {
		const struct fw_what_port *port = fw_vec_at(ports, i);
		if (!port->shared && fw_refs_put(uses, port->ref, fw_refs_get(uses, port->ref) + 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool fits(const struct share *s, const struct fw_what_port *port, const struct fw_refs *uses)
{
	const size_t edges = port->shared ? 0 : edges_of(s, port->ref), again = fw_refs_get(uses, port->ref) - 1;

	return edges > 0 && edges <= FW_BOUND_SHARED_EDGES && again * edges <= FW_BOUND_REPEATED_EDGES;
}

/* Marks the ports; false where they are too few. */
static bool mark(struct share *s, struct fw_vec *ports)
{
	struct fw_refs uses FW_CLEANUP(fw_refs_done) = { 0 };
	size_t count = 0;

	if (count_uses(ports, &uses) < 0)
		s->d->p->error = -ENOMEM;
	for (size_t i = 0; i < ports->len && !s->d->p->error; i++)
		count += fits(s, fw_vec_at(ports, i), &uses);
	for (size_t i = 0; count >= FW_BOUND_SHARED_PORTS && i < ports->len; i++) {
		struct fw_what_port *port = fw_vec_at(ports, i);
		if (fits(s, port, &uses)) /* of this sharing: not marked before */
			port->shared = port->marked = true;
	}
	return count >= FW_BOUND_SHARED_PORTS;
}

/* --- entries --- */

static void start_tables(struct share *s, struct fw_tables *tables, const char *name, int family)
{
	const bool is4 = family == FW_IPV4;

	*tables = (struct fw_tables){ .key = is4 ? FW_RS_KEY_WHAT_IPV4 : FW_RS_KEY_WHAT_IPV6, .name = name, .field_count = 3,
				      .fields = { FW_FIELD_PROTO, FW_FIELD_DPORT, fw_level_field(s->levels[family]) } };
}

static void add_entries(struct share *s, const struct fw_what_port *port, int family, struct way *way)
{
	const size_t width = family == FW_IPV4 ? 4 : 16, len = s->d->lpm.entries.len;
	struct fw_lpm_entry *entries = len ? malloc(len * sizeof(*entries)) : NULL;

	if (len && !entries) {
		s->d->p->error = -ENOMEM;
		return;
	}
	if (len)
		memcpy(entries, s->d->lpm.entries.items, len * sizeof(*entries));
	for (size_t i = 0; i < len && !s->d->p->error; i++) {
		struct fw_tables *tables = &s->tables[family][entries[i].length];
		struct fw_key key;
		if (!tables->name) {
			start_tables(s, tables, fw_plan_name(s->d->p, "%s-%d-%u", s->name, family == FW_IPV4 ? 4 : 6, entries[i].length), family);
			tables->bits = entries[i].length;
		}
		fw_key_what(&key, port->proto, port->port);
		fw_key_number(&key, entries[i].address, width, false);
		const struct fw_target target =
			fw_dispatch_target(s->d, entries[i].ref, "%s-%u-%u-%d-%zu", s->d->name, port->proto, port->port, family, i);
		s->verdicts += !s->d->counters || target.kind != FW_TARGET_LEAF || !fw_leaf_is_plain(target.leaf);
		fw_tables_add(s->d, tables, &key, target);
		way->lengths[family][entries[i].length / 64] |= UINT64_C(1) << entries[i].length % 64;
	}
	free(entries);
}

static void add_rest(struct share *s, const struct fw_what_port *port, int family, uint32_t ref, struct way *way)
{
	struct fw_tables *tables = &s->rests[family];
	struct fw_key key;

	if (ref == s->rest[family])
		return;
	way->rests[family] = true;
	s->verdicts++;
	if (!tables->name)
		*tables = (struct fw_tables){ .key = FW_RS_KEY_WHAT, .name = fw_plan_name(s->d->p, "%s-%d-rest", s->name, family == FW_IPV4 ? 4 : 6),
					      .fields = { FW_FIELD_PROTO, FW_FIELD_DPORT }, .field_count = 2 };
	fw_key_what(&key, port->proto, port->port);
	fw_tables_add(s->d, tables, &key, fw_dispatch_target(s->d, ref, "%s-%u-%u-%d-rest", s->d->name, port->proto, port->port, family));
}

static bool same_way(const struct way *a, const struct way *b)
{
	return memcmp(a->lengths, b->lengths, sizeof(a->lengths)) == 0 && memcmp(a->rests, b->rests, sizeof(a->rests)) == 0;
}

/* The number of the way + 1; 0: there are too many, and it asks all. */
static uint32_t number_way(struct share *s, const struct way *way)
{
	for (int family = 0; family < FW_FAMILIES; family++) {
		for (size_t i = 0; i < FW_ARRAY_SIZE(way->lengths[family]); i++)
			s->all.lengths[family][i] |= way->lengths[family][i];
		s->all.rests[family] |= way->rests[family];
	}
	for (size_t i = 0; i < s->way_count; i++)
		if (same_way(&s->ways[i], way))
			return (uint32_t)i + 1;
	if (s->way_count == FW_BOUND_WAYS)
		return 0;
	s->ways[s->way_count++] = *way;
	return (uint32_t)s->way_count;
}

static void add_port(struct share *s, const struct fw_what_port *port, size_t index)
{
	struct way way = { .node = NULL };

	for (int family = 0; family < FW_FAMILIES && !s->d->p->error; family++) {
		const struct fw_lpm_source source = { s->d->space->diagram, side(s, port->ref, family), s->levels[family],
						      (enum fw_family)family, s->rest[family] };
		s->d->p->error = fw_lpm_make(&s->d->lpm, &source);
		const uint32_t rest = s->d->lpm.rest; /* what entries lead to uses the scratch */
		add_entries(s, port, family, &way);
		add_rest(s, port, family, rest, &way);
	}
	s->way_of[index] = number_way(s, &way);
}

/* --- nodes --- */

static void add_family(struct share *s, const struct way *way, int family)
{
	const struct fw_guard guard = fw_guard_family(s->d->p, (enum fw_family)family);

	for (size_t length = LENGTHS_MAX; length-- > 0;)
		if (way->lengths[family][length / 64] >> length % 64 & 1)
			fw_tables_branch(s->d, way->node, &guard, &s->tables[family][length]);
	if (way->rests[family])
		fw_tables_branch(s->d, way->node, &guard, &s->rests[family]);
}

/* "in-from-4.8.16.24-6.64": the lengths that are asked. */
static const char *way_name(struct share *s, const struct way *way)
{
	FW_CLEANUP(fw_buf_done) struct fw_buf text;

	fw_buf_init(&text, 4096);
	for (int family = 0; family < FW_FAMILIES; family++) {
		fw_buf_puts(&text, family == FW_IPV4 ? "-4" : "-6");
		for (size_t length = 0; length < LENGTHS_MAX; length++)
			if (way->lengths[family][length / 64] >> length % 64 & 1)
				fw_buf_printf(&text, ".%zu", length);
		fw_buf_puts(&text, way->rests[family] ? ".rest" : "");
	}
	return fw_plan_name(s->d->p, "%s%s", s->name, text.data ? text.data : "");
}

static bool asks_family(const struct way *way, int family)
{
	return way->rests[family] || way->lengths[family][0] || way->lengths[family][1] || way->lengths[family][2];
}

static void build_way(struct share *s, struct way *way)
{
	struct fw_dispatcher *d = s->d;
	const struct fw_guard ipv4 = fw_guard_family(d->p, FW_IPV4);

	way->node = fw_node_new(d->p, way == &s->all ? fw_plan_name(d->p, "%s-all", s->name) : way_name(s, way));
	struct fw_node **slot = d->p->error ? NULL : fw_vec_push(&d->made);
	if (!slot) {
		d->p->error = d->p->error ? d->p->error : -ENOMEM;
		return;
	}
	*slot = way->node;
	add_family(s, way, FW_IPV4);
	if (asks_family(way, FW_IPV6) || s->rest[FW_IPV4] != s->rest[FW_IPV6])
		fw_node_branch(d->p, way->node, &ipv4, NULL, fw_dispatch_target(d, s->rest[FW_IPV4], "%s-4-rest", s->name));
	add_family(s, way, FW_IPV6);
	fw_node_rest(d->p, way->node, fw_dispatch_target(d, s->rest[FW_IPV6], "%s-6-rest", s->name));
}

/* All ports behind one branch. */
static void add_branch(struct share *s, struct fw_node *from, const struct fw_vec *ports)
{
	struct fw_planner *p = s->d->p;
	struct fw_table *set = fw_table_new(p, fw_plan_name(p, "%s-what", s->name), FW_TABLE_SET, FW_RS_KEY_WHAT);

	build_way(s, &s->all);
	fw_table_field(set, FW_FIELD_PROTO);
	fw_table_field(set, FW_FIELD_DPORT);
	for (size_t i = 0; i < ports->len; i++) {
		const struct fw_what_port *port = fw_vec_at(ports, i);
		struct fw_key key;
		fw_key_what(&key, port->proto, port->port);
		if (port->marked)
			fw_table_add(p, set, &key, (struct fw_target){ .kind = FW_TARGET_NODE, .node = s->all.node });
	}
	fw_node_table(p, from, NULL, set);
	if (p->error)
		return;
	struct fw_branch *branch = fw_vec_at(&from->branches, from->branches.len - 1);
	branch->target = (struct fw_target){ .kind = FW_TARGET_NODE, .node = s->all.node };
}

/* Each port goes its way. */
static void point_ports(struct share *s, struct fw_vec *ports)
{
	bool needs_all = false;

	for (size_t i = 0; i < s->way_count; i++)
		build_way(s, &s->ways[i]);
	for (size_t i = 0; i < ports->len; i++)
		needs_all |= ((struct fw_what_port *)fw_vec_at(ports, i))->marked && !s->way_of[i];
	if (needs_all)
		build_way(s, &s->all);
	for (size_t i = 0; i < ports->len; i++) {
		struct fw_what_port *port = fw_vec_at(ports, i);
		if (port->marked)
			port->node = s->way_of[i] ? s->ways[s->way_of[i] - 1].node : s->all.node;
	}
}

/* Tables are made while ways are built: each is ended once, whoever asks it. */
static void share_ports(struct share *s, struct fw_node *node, struct fw_vec *ports)
{
	size_t count = 0;

	if (!mark(s, ports))
		return;
	for (size_t i = 0; i < ports->len && !s->d->p->error; i++) {
		const struct fw_what_port *port = fw_vec_at(ports, i);
		if (port->marked)
			add_port(s, port, i);
		count += port->marked;
	}
	if (s->d->p->error)
		return;
	if (s->verdicts * count <= FW_BOUND_VISITS)
		point_ports(s, ports);
	else
		add_branch(s, node, ports);
	for (size_t i = 0; i < ports->len; i++)
		((struct fw_what_port *)fw_vec_at(ports, i))->marked = false;
}

void fw_dispatch_share(struct fw_dispatcher *d, struct fw_node *node, struct fw_vec *ports, uint32_t from_level)
{
	struct share *s = d->p->error ? NULL : calloc(1, sizeof(*s));

	if (!s) {
		d->p->error = d->p->error ? d->p->error : -ENOMEM;
		return;
	}
	s->d = d;
	s->levels[FW_IPV4] = from_level;
	s->levels[FW_IPV6] = from_level + 1;
	s->rest[FW_IPV4] = s->rest[FW_IPV6] = d->prefer;
	s->name = fw_plan_name(d->p, "%s-%s", d->name, from_level == FW_LEVEL_FROM4 ? "from" : "to");
	s->way_of = calloc(ports->len + 1, sizeof(*s->way_of));
	if (!s->way_of)
		d->p->error = -ENOMEM;
	if (!d->p->error)
		share_ports(s, node, ports);
	free(s->way_of);
	free(s);
}
