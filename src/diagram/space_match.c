/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space_match.c - conditions of a policy as functions, made from the last field to the first: each step puts a box of a few fields
 * around what was made before. Errors are sticky, so that a chain of steps is checked once. */
#include <errno.h>
#include <string.h>

#include "diagram/space_make.h"

static const struct fw_range range_one[] = { { { 0, 1 }, { 0, 1 } } };
static const struct fw_iset set_one = { range_one, 1 };

static struct fw_iset subtract(struct fw_maker *m, struct fw_iset a, struct fw_iset b)
{
	struct fw_iset result = a;

	if (!m->error && a.len > 0 && b.len > 0)
		m->error = fw_iset_subtract(m->space->arena, a, b, &result);
	return result;
}

static struct fw_iset join(struct fw_maker *m, struct fw_iset a, struct fw_iset b)
{
	struct fw_iset result = a.len > 0 ? a : b;

	if (!m->error && a.len > 0 && b.len > 0)
		m->error = fw_iset_union(m->space->arena, a, b, &result);
	return result;
}

static struct fw_iset everything(struct fw_maker *m, uint64_t hi, uint64_t lo)
{
	struct fw_range *range = fw_arena_alloc(m->space->arena, 1, sizeof(*range));

	if (!range) {
		m->error = -ENOMEM;
		return (struct fw_iset){ 0 };
	}
	range->high = (struct fw_u128){ hi, lo };
	return (struct fw_iset){ range, 1 };
}

/* --- interfaces --- */

/* The classes that a pattern takes lie side by side. */
static struct fw_range classes_of(const struct fw_space *space, const struct fw_iface *iface)
{
	const size_t len = strlen(iface->name);
	size_t low = 0, high = space->class_count;

	while (low < high) { /* the first class that is not before the pattern */
		const size_t middle = (low + high) / 2;
		const struct fw_iface *class = &space->classes[middle];
		const int order = strcmp(class->name, iface->name);
		if (order < 0 || (order == 0 && class->prefix && !iface->prefix))
			low = middle + 1;
		else
			high = middle;
	}
	size_t last = low;
	while (iface->prefix && last + 1 < space->class_count && strncmp(space->classes[last + 1].name, iface->name, len) == 0)
		last++;
	return (struct fw_range){ { 0, low }, { 0, last } };
}

static struct fw_iset classes_of_all(struct fw_maker *m, const struct fw_iface *items, size_t len)
{
	struct fw_range *ranges = fw_arena_alloc(m->space->arena, len ? len : 1, sizeof(*ranges));

	if (!ranges) {
		m->error = -ENOMEM;
		return (struct fw_iset){ 0 };
	}
	for (size_t i = 0; i < len; i++)
		ranges[i] = classes_of(m->space, &items[i]);
	return fw_iset_normalise(ranges, len);
}

static bool says_nothing(const struct fw_ifaces *ifaces)
{
	return ifaces->any && ifaces->except_len == 0;
}

static struct fw_iset iface_set(struct fw_maker *m, const struct fw_ifaces *ifaces)
{
	const struct fw_iset positive = ifaces->any ? everything(m, 0, m->space->class_count - 1) :
						      classes_of_all(m, ifaces->items, ifaces->len);

	return subtract(m, positive, classes_of_all(m, ifaces->except, ifaces->except_len));
}

static uint32_t add_ifaces(struct fw_maker *m, const struct fw_match *match, uint32_t inside)
{
	struct fw_diagram_side sides[2];
	size_t count = 0;

	if (!says_nothing(&match->on))
		sides[count++] = (struct fw_diagram_side){ FW_LEVEL_ON, iface_set(m, &match->on) };
	if (!says_nothing(&match->leaving))
		sides[count++] = (struct fw_diagram_side){ FW_LEVEL_LEAVING, iface_set(m, &match->leaving) };
	return fw_make_box(m, sides, count, inside);
}

/* --- addresses --- */

static uint32_t atom_level(const struct fw_maker *m, enum fw_atom_of of, const struct fw_group *group)
{
	for (size_t i = 0; i < m->space->atom_count; i++) {
		const struct fw_space_atom *atom = &m->space->atoms[i];
		if (atom->of == of && fw_str_equal(atom->group->name, group->name)) /* of any of the policies */
			return FW_LEVEL_ATOMS + (uint32_t)i;
	}
	return FW_LEVEL_ATOMS; /* not reached: the space was made of the policies in hand */
}

static bool has_atoms(const struct fw_maker *m, const struct fw_group *const *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fw_space_is_atom(m->space, groups[i]))
			return true;
	return false;
}

static struct fw_iset with_groups(struct fw_maker *m, struct fw_iset literals, const struct fw_group *const *groups, size_t count, enum fw_family family)
{
	struct fw_iset set = literals;

	for (size_t i = 0; i < count; i++)
		if (!fw_space_is_atom(m->space, groups[i]))
			set = join(m, set, groups[i]->addresses[family]);
	return set;
}

/* What lists say without the groups that are conditions of their own. */
static struct fw_iset positive_set(struct fw_maker *m, const struct fw_addrs *addrs, enum fw_family family)
{
	const struct fw_u128 max = fw_family_max(family);

	if (addrs->any)
		return everything(m, max.hi, max.lo);
	return with_groups(m, addrs->literals[family], addrs->groups, addrs->group_count, family);
}

static struct fw_iset negative_set(struct fw_maker *m, const struct fw_addrs *addrs, enum fw_family family)
{
	return with_groups(m, addrs->except_literals[family], addrs->except_groups, addrs->except_group_count, family);
}

/* `base` where it decides, and where the address is in one of the groups that are conditions of their own. */
static uint32_t add_members(struct fw_maker *m, uint32_t base, const struct fw_group *const *groups, size_t count, enum fw_atom_of of)
{
	for (size_t i = 0; i < count; i++)
		if (fw_space_is_atom(m->space, groups[i]))
			base = fw_make_over(m, base, fw_make_box_one(m, atom_level(m, of, groups[i]), set_one, fw_diagram_leaf(FW_MAKE_YES)));
	return base;
}

/* An address of one family, members of dynamic groups included, as a mask. */
static uint32_t address_mask(struct fw_maker *m, const struct fw_addrs *addrs, enum fw_family family, enum fw_atom_of of)
{
	const uint32_t level = of == FW_ATOM_OF_FROM ? fw_level_from(family) : fw_level_to(family), yes = fw_diagram_leaf(FW_MAKE_YES);
	uint32_t positive = addrs->any ? yes : fw_make_box_one(m, level, positive_set(m, addrs, family), yes);
	uint32_t negative = fw_make_box_one(m, level, negative_set(m, addrs, family), yes);

	positive = add_members(m, positive, addrs->groups, addrs->group_count, of);
	negative = add_members(m, negative, addrs->except_groups, addrs->except_group_count, of);
	return fw_make_without(m, positive, negative);
}

static bool says_no_address(const struct fw_addrs *addrs, enum fw_family family)
{
	return addrs->any && addrs->except_literals[family].len == 0 && addrs->except_group_count == 0;
}

static bool needs_mask(const struct fw_maker *m, const struct fw_addrs *addrs)
{
	return has_atoms(m, addrs->groups, addrs->group_count) || has_atoms(m, addrs->except_groups, addrs->except_group_count);
}

static struct fw_iset static_set(struct fw_maker *m, const struct fw_addrs *addrs, enum fw_family family)
{
	return subtract(m, positive_set(m, addrs, family), negative_set(m, addrs, family));
}

static uint32_t add_addresses(struct fw_maker *m, const struct fw_match *match, enum fw_family family, uint32_t inside)
{
	const struct {
		const struct fw_addrs *addrs;
		enum fw_level level;
		enum fw_atom_of of;
	} ends[] = { { &match->from, fw_level_from(family), FW_ATOM_OF_FROM }, { &match->to, fw_level_to(family), FW_ATOM_OF_TO } };
	struct fw_diagram_side sides[FW_ARRAY_SIZE(ends)];
	size_t count = 0;

	for (size_t i = 0; i < FW_ARRAY_SIZE(ends); i++)
		if (!needs_mask(m, ends[i].addrs) && !says_no_address(ends[i].addrs, family))
			sides[count++] = (struct fw_diagram_side){ ends[i].level, static_set(m, ends[i].addrs, family) };
	uint32_t ref = fw_make_box(m, sides, count, inside);
	for (size_t i = 0; i < FW_ARRAY_SIZE(ends); i++)
		if (needs_mask(m, ends[i].addrs))
			ref = fw_make_restricted(m, ref, address_mask(m, ends[i].addrs, family, ends[i].of));
	return ref;
}

/* Both families, or those of `families`. */
static uint32_t add_families(struct fw_maker *m, unsigned int families, const uint32_t by_family[FW_FAMILIES])
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (families == FW_FAMILY_BOTH && by_family[FW_IPV4] == by_family[FW_IPV6])
		return by_family[FW_IPV4];
	for (unsigned int i = 0; i < FW_FAMILIES; i++)
		if (families & FW_FAMILY_BIT(i))
			ref = fw_make_over(m, ref, fw_make_box_one(m, FW_LEVEL_FAMILY, fw_make_one_number(m, i), by_family[i]));
	return ref;
}

/* --- what --- */

/* The part of a rule that is the same whatever it names, for each choice of families. */
struct tails {
	const struct fw_match *match;
	uint32_t by_family[FW_FAMILIES];
	uint32_t refs[FW_FAMILY_BOTH + 1];
	bool made[FW_FAMILY_BOTH + 1];
};

static uint32_t tail_for(struct fw_maker *m, struct tails *tails, unsigned int families)
{
	families &= tails->match->families;
	if (!tails->made[families])
		tails->refs[families] = add_ifaces(m, tails->match, add_families(m, families, tails->by_family));
	tails->made[families] = true;
	return tails->refs[families];
}

static uint32_t add_what(struct fw_maker *m, struct tails *tails)
{
	const struct fw_what *what = &tails->match->what;
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (what->any)
		return tail_for(m, tails, FW_FAMILY_BOTH);
	for (size_t i = 0; i < what->proto_count; i++) {
		const struct fw_what_proto *proto = &what->protos[i];
		const struct fw_diagram_side sides[] = { { FW_LEVEL_PROTO, fw_make_one_number(m, proto->proto) }, { FW_LEVEL_PORT, proto->values } };
		const uint32_t tail = tail_for(m, tails, proto->families);
		ref = fw_make_over(m, ref, fw_make_box(m, sides, proto->all ? 1 : 2, tail));
	}
	return ref;
}

static uint32_t add_during(struct fw_maker *m, const struct fw_match *match, uint32_t inside)
{
	for (size_t i = 0; match->has_during && i < m->space->atom_count; i++) {
		const struct fw_ast_during *during = &m->space->atoms[i].during;
		if (m->space->atoms[i].of == FW_ATOM_OF_TIME && during->start_minute == match->during.start_minute &&
		    during->end_minute == match->during.end_minute && during->days == match->during.days)
			return fw_make_box_one(m, FW_LEVEL_ATOMS + (uint32_t)i, set_one, inside);
	}
	return inside;
}

static uint32_t add_sender(struct fw_maker *m, const struct fw_match *match, uint32_t inside)
{
	struct fw_diagram_side sides[2];
	size_t count = 0;

	if (match->source_ports.len > 0)
		sides[count++] = (struct fw_diagram_side){ FW_LEVEL_SOURCE_PORT, match->source_ports };
	if (match->owners.ids.len > 0)
		sides[count++] = (struct fw_diagram_side){ match->owners.kind == FW_OWNER_USER ? FW_LEVEL_UID : FW_LEVEL_GID, match->owners.ids };
	return fw_make_box(m, sides, count, inside);
}

/* Before its end. */
static uint32_t add_until(struct fw_maker *m, const struct fw_match *match, uint32_t inside)
{
	const int64_t end = fw_until_local(&match->until);
	struct fw_range *before = fw_arena_alloc(m->space->arena, 1, sizeof(*before));

	if (!before)
		m->error = -ENOMEM;
	if (!before || end <= 0)
		return FW_DIAGRAM_NONE_REF;
	before->high.lo = (uint64_t)end - 1;
	return fw_make_box_one(m, FW_LEVEL_UNTIL, (struct fw_iset){ before, 1 }, inside);
}

static uint32_t add_times(struct fw_maker *m, const struct fw_match *match, uint32_t inside)
{
	inside = add_during(m, match, inside);
	if (!match->has_until)
		return inside;
	if (m->space->as_compiled)
		return add_until(m, match, inside);
	return fw_until_local(&match->until) > m->space->local_now ? inside : FW_DIAGRAM_NONE_REF;
}

uint32_t fw_make_match(struct fw_maker *m, const struct fw_match *match, uint32_t inside)
{
	struct tails tails = { .match = match };
	const uint32_t last = add_sender(m, match, add_times(m, match, inside));

	for (unsigned int i = 0; i < FW_FAMILIES; i++)
		if (match->families & FW_FAMILY_BIT(i))
			tails.by_family[i] = add_addresses(m, match, (enum fw_family)i, last);
	return add_what(m, &tails);
}

int fw_space_match(struct fw_space *space, const struct fw_match *match, uint32_t inside, uint32_t *ret_ref)
{
	struct fw_maker m = { .space = space };
	const uint32_t ref = fw_make_match(&m, match, inside);

	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

uint32_t fw_make_lo(struct fw_maker *m, uint32_t inside)
{
	static const struct fw_iface lo = { .name = "lo" };

	return fw_make_box_one(m, FW_LEVEL_ON, classes_of_all(m, &lo, 1), inside);
}

int fw_space_lo(struct fw_space *space, uint32_t inside, uint32_t *ret_ref)
{
	struct fw_maker m = { .space = space };
	const uint32_t ref = fw_make_lo(&m, inside);

	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

/* The addresses of a block on one side. */
uint32_t fw_make_blocked(struct fw_maker *m, const struct fw_addrs *addrs, enum fw_atom_of of, uint32_t inside)
{
	uint32_t by_family[FW_FAMILIES];

	for (unsigned int i = 0; i < FW_FAMILIES; i++) {
		const enum fw_family family = (enum fw_family)i;
		const enum fw_level level = of == FW_ATOM_OF_FROM ? fw_level_from(family) : fw_level_to(family);
		by_family[i] = m->space->members_in_blocks && needs_mask(m, addrs) ? fw_make_restricted(m, inside, address_mask(m, addrs, family, of)) :
										   fw_make_box_one(m, level, static_set(m, addrs, family), inside);
	}
	return add_families(m, FW_FAMILY_BOTH, by_family);
}
