/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space.c - the fields of a space: what the policies in hand tell apart. Interface names become classes, of which every pattern of the
 * policies takes some as a whole; membership in a dynamic group and times of day become conditions of their own. Conditions as functions:
 * space_match.c. */
#include "diagram/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"

struct collector {
	struct fw_space *space;
	struct fw_vec ifaces; /* struct fw_iface */
	struct fw_vec atoms;  /* struct fw_space_atom */
	struct fw_map group_atoms; /* "FROM or TO, name" -> itself */
	int error;
};

static void add_iface(struct collector *c, const struct fw_iface *iface)
{
	struct fw_iface *slot = fw_vec_push(&c->ifaces);

	if (slot)
		*slot = *iface;
	else
		c->error = -ENOMEM;
}

static void add_ifaces(struct collector *c, const struct fw_ifaces *ifaces)
{
	for (size_t i = 0; i < ifaces->len; i++)
		add_iface(c, &ifaces->items[i]);
	for (size_t i = 0; i < ifaces->except_len; i++)
		add_iface(c, &ifaces->except[i]);
}

static void add_atom(struct collector *c, const struct fw_space_atom *atom)
{
	struct fw_space_atom *slot = fw_vec_push(&c->atoms);

	if (slot)
		*slot = *atom;
	else
		c->error = -ENOMEM;
}

bool fw_space_is_atom(const struct fw_space *space, const struct fw_group *group)
{
	const bool big = group->addresses[FW_IPV4].len > FW_SPACE_BIG_GROUP || group->addresses[FW_IPV6].len > FW_SPACE_BIG_GROUP;

	return group->kind == FW_GROUP_DYNAMIC || (space->as_compiled && big);
}

static void add_groups(struct collector *c, const struct fw_group *const *groups, size_t count, enum fw_atom_of of)
{
	for (size_t i = 0; i < count && !c->error; i++) {
		if (!fw_space_is_atom(c->space, groups[i]))
			continue;
		char *key = fw_arena_printf(c->space->arena, "%d%s", (int)of, groups[i]->name.data);
		const int r = key ? fw_map_put(&c->group_atoms, fw_str_from(key), key) : -ENOMEM;
		if (r == 0)
			add_atom(c, &(struct fw_space_atom){ .of = of, .group = groups[i] });
		else if (r != -EEXIST)
			c->error = r;
	}
}

static bool same_during(const struct fw_ast_during *a, const struct fw_ast_during *b)
{
	return a->start_minute == b->start_minute && a->end_minute == b->end_minute && a->days == b->days;
}

static void add_during(struct collector *c, const struct fw_ast_during *during)
{
	for (size_t i = 0; i < c->atoms.len; i++) {
		const struct fw_space_atom *atom = fw_vec_at(&c->atoms, i);
		if (atom->of == FW_ATOM_OF_TIME && same_during(&atom->during, during))
			return;
	}
	add_atom(c, &(struct fw_space_atom){ .of = FW_ATOM_OF_TIME, .during = *during });
}

static void collect_addrs(struct collector *c, const struct fw_addrs *addrs, enum fw_atom_of of)
{
	add_groups(c, addrs->groups, addrs->group_count, of);
	add_groups(c, addrs->except_groups, addrs->except_group_count, of);
}

static void collect_match(struct collector *c, const struct fw_match *match)
{
	add_ifaces(c, &match->on);
	add_ifaces(c, &match->leaving);
	collect_addrs(c, &match->from, FW_ATOM_OF_FROM);
	collect_addrs(c, &match->to, FW_ATOM_OF_TO);
	if (match->has_during)
		add_during(c, &match->during);
}

static void collect_policy(struct collector *c, const struct fw_policy *policy)
{
	for (size_t d = 0; d < FW_DIRECTIONS; d++)
		for (size_t i = 0; i < policy->rule_count[d] && !c->error; i++)
			collect_match(c, &policy->rules[d][i]->match);
	for (size_t i = 0; !c->space->as_compiled && i < policy->expect_count && !c->error; i++)
		collect_match(c, &policy->expects[i].match);
	for (size_t i = 0; c->space->members_in_blocks && i < policy->block_count && !c->error; i++)
		for (unsigned int of = FW_ATOM_OF_FROM; of <= FW_ATOM_OF_TO; of++)
			collect_addrs(c, &policy->blocks[i].addresses, (enum fw_atom_of)of);
}

/* A pattern stands before the names that begin with it. */
static int compare_ifaces(const void *a, const void *b)
{
	const struct fw_iface *left = a, *right = b;
	const int order = strcmp(left->name, right->name);

	return order ? order : (int)right->prefix - (int)left->prefix;
}

static void make_classes(struct collector *c)
{
	static const struct fw_iface all = { .name = "", .prefix = true }, lo = { .name = "lo" };
	struct fw_iface *items;
	size_t len = 0;

	add_iface(c, &all);
	add_iface(c, &lo);
	if (c->error)
		return;
	items = c->ifaces.items;
	qsort(items, c->ifaces.len, sizeof(*items), compare_ifaces);
	for (size_t i = 0; i < c->ifaces.len; i++)
		if (i == 0 || compare_ifaces(&items[i], &items[len - 1]) != 0)
			items[len++] = items[i];
	c->space->classes = items;
	c->space->class_count = len;
}

static int make_diagram(struct fw_space *space, struct fw_diagram_limits limits)
{
	const uint64_t last_class = space->class_count - 1, last_port = space->as_compiled ? FW_SPACE_NO_PORT : UINT16_MAX;
	struct fw_diagram_field fields[FW_DIAGRAM_FIELDS_MAX] = {
		[FW_LEVEL_PROTO] = { "protocol", { 0, UINT8_MAX } },
		[FW_LEVEL_PORT] = { "port", { 0, last_port } },
		[FW_LEVEL_ON] = { "on", { 0, last_class } },
		[FW_LEVEL_LEAVING] = { "leaving", { 0, last_class } },
		[FW_LEVEL_FAMILY] = { "family", { 0, FW_FAMILIES - 1 } },
		[FW_LEVEL_FROM4] = { "from", { 0, UINT32_MAX } },
		[FW_LEVEL_FROM6] = { "from", { UINT64_MAX, UINT64_MAX } },
		[FW_LEVEL_TO4] = { "to", { 0, UINT32_MAX } },
		[FW_LEVEL_TO6] = { "to", { UINT64_MAX, UINT64_MAX } },
		[FW_LEVEL_SOURCE_PORT] = { "source-port", { 0, last_port } },
		[FW_LEVEL_UID] = { "user", { 0, UINT32_MAX } },
		[FW_LEVEL_GID] = { "group", { 0, UINT32_MAX } },
		[FW_LEVEL_HOP_LIMIT] = { "hop-limit", { 0, 1 } },
		[FW_LEVEL_UNTIL] = { "until", { 0, INT64_MAX } },
	};
	const size_t count = FW_LEVEL_ATOMS + space->atom_count;
	if (count > FW_DIAGRAM_FIELDS_MAX)
		return -EOVERFLOW;

	for (size_t i = FW_LEVEL_ATOMS; i < count; i++)
		fields[i] = (struct fw_diagram_field){ "condition", { 0, 1 } };
	space->diagram = fw_diagram_new(fields, count, limits);
	return space->diagram ? 0 : -ENOMEM;
}

int fw_space_init(struct fw_space *space, struct fw_arena *arena, const struct fw_space_init *init)
{
	struct collector c = { .space = space };

	*space = (struct fw_space){ .arena = arena, .local_now = init->local_now, .members_in_blocks = init->members_in_blocks,
				   .without_loopback = init->without_loopback, .as_compiled = init->as_compiled };
	fw_vec_init(&c.ifaces, arena, sizeof(struct fw_iface));
	fw_vec_init(&c.atoms, arena, sizeof(struct fw_space_atom));
	fw_map_init(&c.group_atoms, arena);
	for (size_t i = 0; i < init->policy_count && !c.error; i++)
		collect_policy(&c, init->policies[i]);
	if (init->question && !c.error)
		collect_match(&c, init->question);
	if (!c.error)
		make_classes(&c);
	if (c.error)
		return c.error;
	space->atoms = c.atoms.items;
	space->atom_count = c.atoms.len;
	return make_diagram(space, init->limits);
}

void fw_space_done(struct fw_space *space)
{
	fw_diagram_free(space->diagram);
	space->diagram = NULL;
}

static bool class_takes(const struct fw_iface *class, const char *name)
{
	return class->prefix ? strncmp(class->name, name, strlen(class->name)) == 0 : strcmp(class->name, name) == 0;
}

size_t fw_space_class_of(const struct fw_space *space, const char *name)
{
	size_t best = 0;

	/* the last that takes it is the most exact: a pattern stands before what begins with it, and a name after its pattern */
	for (size_t i = 0; i < space->class_count; i++)
		if (class_takes(&space->classes[i], name))
			best = i;
	return best;
}

/* stem0, stem1, .., stem: the first that is of the class. */
static bool name_from(const struct fw_space *space, size_t class_number, const char *stem, char ret_name[16])
{
	static const char suffixes[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const size_t size = sizeof(space->classes[0].name), len = strnlen(stem, size - 1);

	memset(ret_name, 0, size);
	memcpy(ret_name, stem, len);
	for (size_t i = 0; len + 1 < size && suffixes[i]; i++) {
		ret_name[len] = suffixes[i];
		if (fw_space_class_of(space, ret_name) == class_number)
			return true;
	}
	ret_name[len] = '\0';
	return fw_space_class_of(space, ret_name) == class_number;
}

void fw_space_class_name(const struct fw_space *space, size_t class_number, char ret_name[16])
{
	static const char *const others[] = { "eth", "ens", "wan", "ppp", "if", "port", "x-" };
	const struct fw_iface *class = &space->classes[class_number];

	if (!class->prefix) {
		memcpy(ret_name, class->name, sizeof(class->name));
		return;
	}
	if (class->name[0]) {
		name_from(space, class_number, class->name, ret_name);
		return;
	}
	for (size_t i = 0; i < FW_ARRAY_SIZE(others); i++)
		if (name_from(space, class_number, others[i], ret_name))
			return;
}
