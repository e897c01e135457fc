/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/plan_node.c - nodes of a decision diagram as nodes of the plan: one for each function, whoever leads to it. What most packets have in
 * common is the rest, which needs no test; a few values are tested one by one, many are looked up. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/bounds.h"
#include "compile/plan_dispatch.h"

#define NAME_MAX_LEN 120 /* longer ones are cut by a hash: the kernel takes 255 */
#define HOP_LIMIT 255
#define NS_PER_S 1000000000u

static const char *make_name(struct fw_planner *p, const char *format, va_list args) FW_PRINTF(2, 0);
static const char *make_name(struct fw_planner *p, const char *format, va_list args)
{
	char text[512], hex[FW_HASH_HEX];
	const int len = vsnprintf(text, sizeof(text), format, args);

	if (len > NAME_MAX_LEN) {
		fw_hash_hex(fw_hash128(fw_str_from(text)), hex);
		memcpy(text + NAME_MAX_LEN - 16, hex, 16);
		text[NAME_MAX_LEN] = '\0';
	}
	const char *name = p->error ? NULL : fw_arena_copy(p->arena, fw_str_from(text));
	if (!name && !p->error)
		p->error = -ENOMEM;
	return name;
}

const char *fw_plan_name(struct fw_planner *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *name = make_name(p, format, args);
	va_end(args);
	return name;
}

/* --- nodes and branches --- */

struct fw_node *fw_node_new(struct fw_planner *p, const char *name)
{
	struct fw_node *node = p->error || !name ? NULL : fw_arena_alloc(p->arena, 1, sizeof(*node));

	if (!node) {
		p->error = p->error ? p->error : -ENOMEM;
		return NULL;
	}
	*node = (struct fw_node){ .name = name, .span = p->span };
	fw_vec_init(&node->branches, p->arena, sizeof(struct fw_branch));
	return node;
}

struct fw_guard fw_guard_family(struct fw_planner *p, enum fw_family family)
{
	return (struct fw_guard){ { fw_atom_family(p, family) }, 1 };
}

static struct fw_branch *add_branch(struct fw_planner *p, struct fw_node *node, const struct fw_guard *guard, const struct fw_atom *atom)
{
	const size_t guards = guard ? guard->len : 0, count = guards + (atom ? 1 : 0);
	struct fw_atom *atoms = p->error || !count ? NULL : fw_arena_alloc(p->arena, count, sizeof(*atoms));
	struct fw_branch *branch = p->error || !node || (count && !atoms) ? NULL : fw_vec_push(&node->branches);

	if (!branch) {
		p->error = p->error ? p->error : -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < guards; i++)
		atoms[i] = guard->atoms[i];
	if (atom)
		atoms[guards] = *atom;
	branch->atoms = atoms;
	branch->atom_count = count;
	return branch;
}

void fw_node_branch(struct fw_planner *p, struct fw_node *node, const struct fw_guard *guard, const struct fw_atom *atom, struct fw_target target)
{
	struct fw_branch *branch = add_branch(p, node, guard, atom);

	if (!branch)
		return;
	branch->target = target;
	if (target.kind == FW_TARGET_LEAF && !fw_leaf_is_plain(target.leaf))
		target.leaf->has_chain = true;
}

void fw_node_table(struct fw_planner *p, struct fw_node *node, const struct fw_guard *guard, struct fw_table *table)
{
	if (!table)
		return;
	fw_table_end(p, table);
	struct fw_branch *branch = add_branch(p, node, guard, NULL);
	if (branch)
		branch->table = table;
}

void fw_node_move_last(struct fw_node *node, size_t at)
{
	struct fw_branch *branches = node->branches.items;

	if (at >= node->branches.len)
		return;
	const struct fw_branch last = branches[node->branches.len - 1];
	memmove(branches + at + 1, branches + at, (node->branches.len - 1 - at) * sizeof(*branches));
	branches[at] = last;
}

void fw_node_rest(struct fw_planner *p, struct fw_node *node, struct fw_target target)
{
	if (target.kind != FW_TARGET_BACK)
		fw_node_branch(p, node, NULL, NULL, target);
}

/* --- the diagram --- */

bool fw_dispatch_asks(const struct fw_dispatcher *d, uint32_t ref, uint32_t level)
{
	return !fw_diagram_is_leaf(ref) && fw_diagram_level(d->space->diagram, ref) == level;
}

uint32_t fw_dispatch_child(const struct fw_dispatcher *d, uint32_t ref, uint32_t level, uint64_t value)
{
	if (!fw_dispatch_asks(d, ref, level))
		return ref;
	size_t low = 0, high = fw_diagram_edge_count(d->space->diagram, ref) - 1;
	uint32_t child;
	while (low < high) {
		const size_t middle = (low + high) / 2;
		if (fw_diagram_edge(d->space->diagram, ref, middle, &child).high.lo < value)
			low = middle + 1;
		else
			high = middle;
	}
	fw_diagram_edge(d->space->diagram, ref, low, &child);
	return child;
}

enum fw_family fw_level_family(uint32_t level)
{
	return level == FW_LEVEL_FROM4 || level == FW_LEVEL_TO4 ? FW_IPV4 : FW_IPV6;
}

enum fw_field fw_level_field(uint32_t level)
{
	if (level == FW_LEVEL_FROM4 || level == FW_LEVEL_FROM6)
		return level == FW_LEVEL_FROM4 ? FW_FIELD_SADDR4 : FW_FIELD_SADDR6;
	return level == FW_LEVEL_TO4 ? FW_FIELD_DADDR4 : FW_FIELD_DADDR6;
}

/* --- numbers --- */

struct number_edge {
	struct fw_range range;
	uint32_t child;
};

/* Edges that do not lead to the rest, up to the highest value that occurs. */
static size_t gather(struct fw_dispatcher *d, const struct fw_number_branches *n, struct number_edge *edges, size_t max)
{
	const size_t count = fw_diagram_edge_count(d->space->diagram, n->ref);
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t child;
		struct fw_range range = fw_diagram_edge(d->space->diagram, n->ref, i, &child);
		if (child == n->rest || range.low.lo > n->max)
			continue;
		if (range.high.lo > n->max)
			range.high.lo = n->max;
		if (len < max)
			edges[len] = (struct number_edge){ range, child };
		len++;
	}
	return len;
}

static struct fw_target number_target(struct fw_dispatcher *d, const struct fw_number_branches *n, const struct fw_node *node,
				      const struct number_edge *edge)
{
	uint32_t ref = edge->child;

	if (n->one_family)
		ref = fw_dispatch_child(d, ref, FW_LEVEL_FAMILY, n->family);
	return fw_dispatch_target(d, ref, "%s-%llu", node->name, (unsigned long long)edge->range.low.lo);
}

static struct fw_iset one_range(struct fw_planner *p, struct fw_range range)
{
	struct fw_range *copy = p->error ? NULL : fw_arena_alloc(p->arena, 1, sizeof(*copy));

	if (!copy) {
		p->error = p->error ? p->error : -ENOMEM;
		return (struct fw_iset){ NULL, 0 };
	}
	*copy = range;
	return (struct fw_iset){ copy, 1 };
}

static void number_table(struct fw_dispatcher *d, struct fw_node *node, const struct fw_number_branches *n, size_t count)
{
	const struct fw_field_info *info = fw_field_info(n->field);
	struct number_edge *edges = malloc(count * sizeof(*edges));
	struct fw_tables tables = { .key = info->key, .fields = { n->field }, .field_count = 1 };

	if (!edges) {
		d->p->error = -ENOMEM;
		return;
	}
	gather(d, n, edges, count);
	tables.name = fw_plan_name(d->p, "%s-%s", node->name, info->name);
	/* what is in the host's order is no sorted key by itself, and compared as ranges */
	tables.interval = info->host_order;
	for (size_t i = 0; i < count; i++)
		tables.interval |= edges[i].range.low.lo != edges[i].range.high.lo;
	for (size_t i = 0; i < count && !d->p->error; i++) {
		struct fw_key key = { .len = 0 };
		fw_key_number(&key, edges[i].range.low, info->width, false);
		if (tables.interval)
			fw_key_number(&key, edges[i].range.high, info->width, false);
		fw_tables_add(d, &tables, &key, number_target(d, n, node, &edges[i]));
	}
	free(edges);
	fw_tables_branch(d, node, n->guard, &tables);
}

void fw_dispatch_numbers(struct fw_dispatcher *d, struct fw_node *node, const struct fw_number_branches *n)
{
	struct number_edge edges[FW_BOUND_TESTS + 1];
	const size_t count = d->p->error ? 0 : gather(d, n, edges, FW_BOUND_TESTS);

	if (count > FW_BOUND_TESTS) {
		number_table(d, node, n, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct fw_atom atom = fw_atom_in(n->field, one_range(d->p, edges[i].range));
		fw_node_branch(d->p, node, n->guard, &atom, number_target(d, n, node, &edges[i]));
	}
}

/* --- interfaces --- */

struct faces { /* of one node */
	struct fw_dispatcher *d;
	struct fw_node *node;
	uint32_t ref, level;
	enum fw_field field;
};

static uint32_t face_child(const struct faces *f, size_t class)
{
	return fw_dispatch_child(f->d, f->ref, f->level, class);
}

/* What the class would be without a test of its own: the pattern around it. */
static uint32_t around(const struct faces *f, size_t class)
{
	const struct fw_iface *classes = f->d->space->classes;

	for (size_t i = class; i-- > 0;)
		if (classes[i].prefix && strncmp(classes[i].name, classes[class].name, strlen(classes[i].name)) == 0)
			return face_child(f, i);
	return face_child(f, 0);
}

static bool needs_test(const struct faces *f, size_t class)
{
	return class > 0 && face_child(f, class) != around(f, class);
}

static struct fw_target face_target(const struct faces *f, size_t class)
{
	return fw_dispatch_target(f->d, face_child(f, class), "%s-if%zu", f->node->name, class);
}

static void test_face(const struct faces *f, size_t class)
{
	const struct fw_iface *iface = &f->d->space->classes[class];
	const char **names = f->d->p->error ? NULL : fw_arena_alloc(f->d->p->arena, 1, sizeof(*names));
	const char *name = names ? fw_arena_copy(f->d->p->arena, fw_str_from(iface->name)) : NULL;

	if (!name) {
		f->d->p->error = -ENOMEM;
		return;
	}
	names[0] = name;
	const struct fw_atom exact = { .field = f->field, .kind = FW_ATOM_NAMES, .names = names, .name_count = 1 };
	const struct fw_atom prefix = { .field = f->field, .kind = FW_ATOM_PREFIX, .name = name };
	fw_node_branch(f->d->p, f->node, NULL, iface->prefix ? &prefix : &exact, face_target(f, class));
}

static void look_up_faces(const struct faces *f)
{
	const struct fw_iface *classes = f->d->space->classes;
	struct fw_tables tables = { .key = FW_RS_KEY_IFNAME, .fields = { f->field }, .field_count = 1 };

	tables.name = fw_plan_name(f->d->p, "%s-%s", f->node->name, fw_field_info(f->field)->name);
	for (size_t i = 0; i < f->d->space->class_count; i++) {
		if (classes[i].prefix || !needs_test(f, i))
			continue;
		struct fw_key key = { .len = sizeof(classes[i].name) };
		memcpy(key.bytes, classes[i].name, strnlen(classes[i].name, key.len));
		fw_tables_add(f->d, &tables, &key, face_target(f, i));
	}
	fw_tables_branch(f->d, f->node, NULL, &tables);
}

/* Names before the patterns that they begin with, long patterns before short ones. */
static void build_faces(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	struct faces f = { .d = d, .node = node, .ref = ref, .level = fw_diagram_level(d->space->diagram, ref) };
	const struct fw_iface *classes = d->space->classes;
	size_t names = 0;

	f.field = f.level == FW_LEVEL_LEAVING || d->direction == FW_OUT ? FW_FIELD_OIFNAME : FW_FIELD_IIFNAME;
	for (size_t i = 0; i < d->space->class_count; i++)
		names += !classes[i].prefix && needs_test(&f, i);
	if (names > FW_BOUND_TESTS)
		look_up_faces(&f);
	for (size_t i = 0; names <= FW_BOUND_TESTS && i < d->space->class_count; i++)
		if (!classes[i].prefix && needs_test(&f, i))
			test_face(&f, i);
	for (size_t len = sizeof(classes[0].name); len-- > 1;)
		for (size_t i = 1; i < d->space->class_count; i++)
			if (classes[i].prefix && strlen(classes[i].name) == len && needs_test(&f, i))
				test_face(&f, i);
	fw_node_rest(d->p, node, face_target(&f, 0));
}

/* --- family and addresses --- */

static void build_addresses(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	const uint32_t rest = fw_dispatch_addresses(d, node, ref, fw_diagram_level(d->space->diagram, ref));

	fw_node_rest(d->p, node, fw_dispatch_target(d, rest, "%s-rest", node->name));
}

static bool asks_addresses(const struct fw_dispatcher *d, uint32_t ref, enum fw_family family)
{
	return fw_dispatch_asks(d, ref, fw_level_from(family)) || fw_dispatch_asks(d, ref, fw_level_to(family));
}

/* One family's addresses are asked on the spot. */
static uint32_t build_family_part(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref, enum fw_family family)
{
	if (!asks_addresses(d, ref, family))
		return ref;
	return fw_dispatch_addresses(d, node, ref, fw_diagram_level(d->space->diagram, ref));
}

static void build_family(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	const uint32_t rest4 = build_family_part(d, node, fw_dispatch_child(d, ref, FW_LEVEL_FAMILY, FW_IPV4), FW_IPV4);
	const struct fw_guard ipv4 = fw_guard_family(d->p, FW_IPV4);
	const size_t before = node->branches.len;
	const uint32_t rest6 = build_family_part(d, node, fw_dispatch_child(d, ref, FW_LEVEL_FAMILY, FW_IPV6), FW_IPV6);

	if (rest4 != rest6) {
		const struct fw_target target = fw_dispatch_target(d, rest4, "%s-ipv4", node->name);
		fw_node_branch(d->p, node, &ipv4, NULL, target);
		fw_node_move_last(node, before);
	}
	fw_node_rest(d->p, node, fw_dispatch_target(d, rest6, "%s-rest", node->name));
}

/* --- who sends, and when --- */

static void build_numbers(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	static const struct {
		enum fw_level level;
		enum fw_field field;
		uint64_t unknown; /* a test does not match there */
	} rows[] = {
		{ FW_LEVEL_SOURCE_PORT, FW_FIELD_SPORT, FW_SPACE_NO_PORT },
		{ FW_LEVEL_UID, FW_FIELD_SKUID, FW_SPACE_NO_OWNER },
		{ FW_LEVEL_GID, FW_FIELD_SKGID, FW_SPACE_NO_OWNER },
	};
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		if (!fw_dispatch_asks(d, ref, rows[i].level))
			continue;
		const uint32_t rest = fw_dispatch_child(d, ref, rows[i].level, rows[i].unknown);
		const struct fw_number_branches numbers = {
			.ref = ref, .level = rows[i].level, .rest = rest, .field = rows[i].field, .max = rows[i].unknown - 1,
		};
		fw_dispatch_numbers(d, node, &numbers);
		fw_node_rest(d->p, node, fw_dispatch_target(d, rest, "%s-rest", node->name));
	}
}

static void build_hop_limit(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	const struct fw_guard ipv6 = fw_guard_family(d->p, FW_IPV6);
	const struct fw_atom atom = fw_atom_value(d->p, FW_FIELD_HOPLIMIT6, HOP_LIMIT);
	const uint32_t yes = fw_dispatch_child(d, ref, FW_LEVEL_HOP_LIMIT, 1), no = fw_dispatch_child(d, ref, FW_LEVEL_HOP_LIMIT, 0);

	fw_node_branch(d->p, node, &ipv6, &atom, fw_dispatch_target(d, yes, "%s-hop", node->name));
	fw_node_rest(d->p, node, fw_dispatch_target(d, no, "%s-rest", node->name));
}

/* The instant at which an `until` of the policy ends whose local time this is. */
static int64_t until_utc(const struct fw_dispatcher *d, int64_t local)
{
	const struct fw_policy *policy = d->p->policy;

	for (size_t i = 0; i < policy->rule_count[d->direction]; i++) {
		const struct fw_match *match = &policy->rules[d->direction][i]->match;
		if (match->has_until && fw_until_local(&match->until) == local)
			return fw_compile_until(d->p->env, &match->until);
	}
	return local;
}

static void build_until(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	const size_t count = fw_diagram_edge_count(d->space->diagram, ref);

	for (size_t i = 0; i < count; i++) {
		uint32_t child;
		const struct fw_range range = fw_diagram_edge(d->space->diagram, ref, i, &child);
		const struct fw_target target = fw_dispatch_target(d, child, "%s-until%zu", node->name, i);
		const int64_t end = i + 1 < count ? until_utc(d, (int64_t)range.high.lo + 1) : INT64_MAX;
		const struct fw_atom atom = { .field = FW_FIELD_TIME, .kind = FW_ATOM_BELOW, .number = (uint64_t)end * NS_PER_S };
		if (i + 1 == count || end >= (int64_t)(UINT64_MAX / NS_PER_S)) {
			fw_node_rest(d->p, node, target);
			return;
		}
		if (end > 0)
			fw_node_branch(d->p, node, NULL, &atom, target);
	}
}

/* --- conditions that are no interval --- */

static void test_condition(struct fw_dispatcher *d, struct fw_node *node, const struct fw_space_atom *condition, struct fw_target yes)
{
	if (condition->of != FW_ATOM_OF_TIME) {
		fw_dispatch_group(d, node, condition, yes);
		return;
	}
	const char *name = fw_plan_during_set(d->p, &condition->during);
	const struct fw_atom atom = { .field = FW_FIELD_TIME, .kind = FW_ATOM_SET, .name = name, .bits = 64 };
	fw_node_branch(d->p, node, NULL, &atom, yes);
}

/* Where it does not hold, the next one is asked on the spot: jumps within jumps are few. */
static void build_conditions(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	while (!d->p->error && !fw_diagram_is_leaf(ref)) {
		const uint32_t level = fw_diagram_level(d->space->diagram, ref), number = level - FW_LEVEL_ATOMS;
		const uint32_t yes = fw_dispatch_child(d, ref, level, 1);
		test_condition(d, node, &d->space->atoms[number],
			       fw_dispatch_target(d, yes, "%s-yes%u", node->name, number));
		ref = fw_dispatch_child(d, ref, level, 0);
	}
	fw_node_rest(d->p, node, fw_dispatch_target(d, ref, "%s", node->name));
}

/* --- all of them --- */

static void build(struct fw_dispatcher *d, struct fw_node *node, uint32_t ref)
{
	const uint32_t level = fw_diagram_level(d->space->diagram, ref);

	if (level <= FW_LEVEL_PORT)
		fw_dispatch_what(d, node, ref);
	else if (level <= FW_LEVEL_LEAVING)
		build_faces(d, node, ref);
	else if (level == FW_LEVEL_FAMILY)
		build_family(d, node, ref);
	else if (level <= FW_LEVEL_TO6)
		build_addresses(d, node, ref);
	else if (level <= FW_LEVEL_GID)
		build_numbers(d, node, ref);
	else if (level == FW_LEVEL_HOP_LIMIT)
		build_hop_limit(d, node, ref);
	else if (level == FW_LEVEL_UNTIL)
		build_until(d, node, ref);
	else
		build_conditions(d, node, ref);
}

static struct fw_target leaf_target(struct fw_dispatcher *d, uint32_t ref)
{
	const uint32_t value = fw_diagram_value(ref);

	if (value == FW_DIAGRAM_NONE)
		return (struct fw_target){ .kind = FW_TARGET_BACK };
	return fw_dispatch_leaf(d, value >> FW_DECIDER_SHIFT);
}

static struct fw_target new_node(struct fw_dispatcher *d, uint32_t ref, const char *name)
{
	struct fw_node *node = fw_node_new(d->p, name);
	struct fw_node **slot = node ? fw_vec_push(&d->made) : NULL;

	if (!slot || fw_refs_put(&d->nodes, ref, (uint32_t)d->made.len) < 0) {
		d->p->error = -ENOMEM;
		return (struct fw_target){ .kind = FW_TARGET_BACK };
	}
	*slot = node;
	build(d, node, ref);
	return (struct fw_target){ .kind = FW_TARGET_NODE, .node = node };
}

struct fw_target fw_dispatch_target(struct fw_dispatcher *d, uint32_t ref, const char *format, ...)
{
	va_list args;

	if (d->p->error)
		return (struct fw_target){ .kind = FW_TARGET_BACK };
	if (fw_diagram_is_leaf(ref))
		return leaf_target(d, ref);
	const uint32_t number = fw_refs_get(&d->nodes, ref);
	if (number)
		return (struct fw_target){ .kind = FW_TARGET_NODE, .node = *(struct fw_node **)fw_vec_at(&d->made, number - 1) };
	va_start(args, format);
	const char *name = make_name(d->p, format, args);
	va_end(args);
	return new_node(d, ref, name);
}
