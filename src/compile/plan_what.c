/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_what.c - protocols and ports: one look-up of both together for single ports, then protocols one by one, behind which ranges of
 * ports and ICMP types lie. What a protocol decides for a packet whose port cannot be read is its rest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/bounds.h"
#include "compile/plan_dispatch.h"
#include "net/proto.h"

#define PROTOCOLS 256
#define ICMP 1
#define ICMPV6 58

struct what {
	struct fw_dispatcher *d;
	struct fw_node *node;
	uint32_t subs[PROTOCOLS];  /* below the protocol */
	uint32_t rests[PROTOCOLS]; /* where its port is none that is told apart */
	bool apart[PROTOCOLS];     /* it has ranges of ports, or ICMP types */
	uint32_t rest;             /* of most protocols */
	struct fw_vec ports;       /* struct fw_what_port */
};

static bool is_icmp(unsigned int proto)
{
	return proto == ICMP || proto == ICMPV6;
}

static bool has_ports(unsigned int proto)
{
	const struct fw_proto *known = fw_proto_by_number((uint8_t)proto);

	return known && known->has_ports;
}

static const char *proto_name(unsigned int proto, char buffer[8])
{
	const struct fw_proto *known = fw_proto_by_number((uint8_t)proto);

	if (known)
		return known->name;
	snprintf(buffer, 8, "ip%u", proto);
	return buffer;
}

/* --- what there is --- */

static void add_port(struct what *w, unsigned int proto, uint64_t port, uint32_t ref)
{
	struct fw_what_port *item = w->d->p->error ? NULL : fw_vec_push(&w->ports);

	if (item)
		*item = (struct fw_what_port){ .proto = (uint8_t)proto, .port = (uint16_t)port, .ref = ref };
	else
		w->d->p->error = -ENOMEM;
}

static bool is_wide(struct fw_range range)
{
	return range.high.lo - range.low.lo >= FW_BOUND_PORT_RANGE;
}

static void list_ports(struct what *w, unsigned int proto)
{
	const size_t count = fw_diagram_edge_count(w->d->space->diagram, w->subs[proto]);

	for (size_t i = 0; i < count; i++) {
		uint32_t child;
		const struct fw_range range = fw_diagram_edge(w->d->space->diagram, w->subs[proto], i, &child);
		if (child == w->rests[proto])
			continue;
		if (is_wide(range))
			w->apart[proto] = true;
		for (uint64_t port = range.low.lo; !is_wide(range) && port <= range.high.lo; port++)
			add_port(w, proto, port, child);
	}
}

static void read_protocol(struct what *w, unsigned int proto, uint32_t ref)
{
	const uint32_t sub = fw_dispatch_child(w->d, ref, FW_LEVEL_PROTO, proto);
	const bool tells = has_ports(proto) || is_icmp(proto);

	w->subs[proto] = sub;
	w->rests[proto] = fw_dispatch_child(w->d, sub, FW_LEVEL_PORT, tells ? FW_SPACE_NO_PORT : 0);
	if (!tells || !fw_dispatch_asks(w->d, sub, FW_LEVEL_PORT))
		return;
	if (is_icmp(proto))
		w->apart[proto] = true;
	else
		list_ports(w, proto);
}

/* What most protocols have in common, the lowest of equals. */
static uint32_t commonest(const uint32_t *refs)
{
	uint32_t best = refs[0];
	size_t best_count = 0;

	for (size_t i = 0; i < PROTOCOLS; i++) {
		size_t count = 0;
		for (size_t k = 0; k < PROTOCOLS; k++)
			count += refs[k] == refs[i];
		if (count > best_count || (count == best_count && refs[i] < best)) {
			best = refs[i];
			best_count = count;
		}
	}
	return best;
}

/* --- single ports --- */

static void look_up_ports(struct what *w)
{
	struct fw_dispatcher *d = w->d;
	struct fw_tables tables = { .key = FW_RS_KEY_WHAT, .fields = { FW_FIELD_PROTO, FW_FIELD_DPORT }, .field_count = 2 };

	tables.name = fw_plan_name(d->p, "%s-what", d->name);
	for (size_t i = 0; i < w->ports.len && !d->p->error; i++) {
		const struct fw_what_port *port = fw_vec_at(&w->ports, i);
		struct fw_key key;
		char buffer[8];
		if (port->shared && !port->node)
			continue;
		fw_key_what(&key, port->proto, port->port);
		const struct fw_target target = port->node ? (struct fw_target){ .kind = FW_TARGET_NODE, .node = port->node } :
			fw_dispatch_target(d, port->ref, "%s-%s-%u", d->name, proto_name(port->proto, buffer), port->port);
		fw_tables_add(d, &tables, &key, target);
	}
	fw_tables_branch(d, w->node, NULL, &tables);
}

static bool is_behind_branch(const struct fw_what_port *port)
{
	return port->shared && !port->node;
}

static void ask_ports(struct what *w)
{
	const size_t before = w->node->branches.len;
	size_t shared = 0;

	fw_dispatch_share(w->d, w->node, &w->ports, FW_LEVEL_FROM4);
	fw_dispatch_share(w->d, w->node, &w->ports, FW_LEVEL_TO4);
	for (size_t i = 0; i < w->ports.len; i++)
		shared += is_behind_branch(fw_vec_at(&w->ports, i));
	const size_t between = w->node->branches.len;
	look_up_ports(w);
	/* the more ports, the earlier */
	for (size_t i = between; w->ports.len - shared >= shared && i < w->node->branches.len; i++)
		fw_node_move_last(w->node, before);
}

/* --- protocols --- */

static void build_types(struct what *w, struct fw_node *node, unsigned int proto)
{
	struct fw_dispatcher *d = w->d;
	const enum fw_family family = proto == ICMP ? FW_IPV4 : FW_IPV6;
	struct fw_guard guard = fw_guard_family(d->p, family);
	const struct fw_number_branches numbers = {
		.ref = w->subs[proto], .level = FW_LEVEL_PORT, .rest = w->rests[proto], .guard = &guard, .one_family = true, .family = family,
		.field = proto == ICMP ? FW_FIELD_ICMP_TYPE : FW_FIELD_ICMPV6_TYPE, .max = UINT8_MAX,
	};

	guard.atoms[guard.len++] = fw_atom_value(d->p, FW_FIELD_PROTO, proto);
	fw_dispatch_numbers(d, node, &numbers);
}

static void build_ranges(struct what *w, struct fw_node *node, unsigned int proto)
{
	const struct fw_guard guard = { { fw_atom_value(w->d->p, FW_FIELD_PROTO, proto) }, 1 };
	const struct fw_number_branches numbers = {
		.ref = w->subs[proto], .level = FW_LEVEL_PORT, .rest = w->rests[proto], .guard = &guard, .field = FW_FIELD_DPORT, .max = UINT16_MAX,
	};

	fw_dispatch_numbers(w->d, node, &numbers);
}

static struct fw_target proto_target(struct what *w, unsigned int proto)
{
	struct fw_dispatcher *d = w->d;
	char buffer[8];
	const char *name = proto_name(proto, buffer);

	if (!w->apart[proto])
		return fw_dispatch_target(d, w->rests[proto], "%s-%s-rest", d->name, name);
	struct fw_node *node = fw_node_new(d->p, fw_plan_name(d->p, "%s-%s", d->name, name));
	struct fw_node **slot = node ? fw_vec_push(&d->made) : NULL;
	if (!slot) {
		d->p->error = -ENOMEM;
		return (struct fw_target){ .kind = FW_TARGET_BACK };
	}
	*slot = node;
	if (is_icmp(proto))
		build_types(w, node, proto);
	else
		build_ranges(w, node, proto);
	fw_node_rest(d->p, node, fw_dispatch_target(d, w->rests[proto], "%s-%s-rest", d->name, name));
	return (struct fw_target){ .kind = FW_TARGET_NODE, .node = node };
}

static bool differs(const struct what *w, unsigned int proto)
{
	return w->apart[proto] || w->rests[proto] != w->rest;
}

static void look_up_protocols(struct what *w)
{
	struct fw_tables tables = { .key = FW_RS_KEY_PROTO, .fields = { FW_FIELD_PROTO }, .field_count = 1 };

	tables.name = fw_plan_name(w->d->p, "%s-protocol", w->d->name);
	for (unsigned int proto = 0; proto < PROTOCOLS && !w->d->p->error; proto++) {
		struct fw_key key = { .bytes = { (uint8_t)proto }, .len = 1 };
		if (differs(w, proto))
			fw_tables_add(w->d, &tables, &key, proto_target(w, proto));
	}
	fw_tables_branch(w->d, w->node, NULL, &tables);
}

static void test_protocols(struct what *w)
{
	for (unsigned int proto = 0; proto < PROTOCOLS && !w->d->p->error; proto++) {
		if (!differs(w, proto))
			continue;
		const struct fw_atom atom = fw_atom_value(w->d->p, FW_FIELD_PROTO, proto);
		fw_node_branch(w->d->p, w->node, NULL, &atom, proto_target(w, proto));
	}
}

static void ask_protocols(struct what *w)
{
	size_t count = 0;

	for (unsigned int proto = 0; proto < PROTOCOLS; proto++)
		count += differs(w, proto);
	if (count > FW_BOUND_PROTOCOL_TESTS)
		look_up_protocols(w);
	else
		test_protocols(w);
	fw_node_rest(w->d->p, w->node, fw_dispatch_target(w->d, w->rest, "%s-rest", w->d->name));
}

void fw_dispatch_what(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	struct what w = { .d = d, .node = node };

	fw_vec_init(&w.ports, NULL, sizeof(struct fw_what_port));
	for (unsigned int proto = 0; proto < PROTOCOLS && !d->p->error; proto++)
		read_protocol(&w, proto, ref);
	if (!d->p->error) {
		w.rest = commonest(w.rests);
		ask_ports(&w);
		ask_protocols(&w);
	}
	fw_vec_done(&w.ports);
}
