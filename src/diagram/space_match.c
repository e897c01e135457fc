/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space_match.c - conditions of a policy as functions, made from the last field to the first: each step puts a box of a few fields
 * around what was made before. Errors are sticky, so that a chain of steps is checked once. */
#include <errno.h>
#include <string.h>

#include "diagram/space.h"

#define YES 1u /* leaf value of a mask */

struct maker {
	struct fw_space *space;
	int error; /* the first: -ENOMEM or -E2BIG */
};

static const struct fw_range range_one[] = { { { 0, 1 }, { 0, 1 } } };
static const struct fw_iset set_one = { range_one, 1 };

static uint32_t box(struct maker *m, const struct fw_diagram_side *sides, size_t count, uint32_t inside)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (!m->error && count == 0)
		return inside;
	if (!m->error)
		m->error = fw_diagram_box(m->space->diagram, sides, count, inside, &ref);
	return ref;
}

static uint32_t box_one(struct maker *m, uint32_t level, struct fw_iset set, uint32_t inside)
{
	const struct fw_diagram_side side = { level, set };

	return box(m, &side, 1, inside);
}

static uint32_t over(struct maker *m, uint32_t a, uint32_t b)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (a == FW_DIAGRAM_NONE_REF || b == FW_DIAGRAM_NONE_REF)
		return a == FW_DIAGRAM_NONE_REF ? b : a;
	if (!m->error)
		m->error = fw_diagram_over(m->space->diagram, a, b, &ref);
	return ref;
}

static uint32_t without(struct maker *m, uint32_t a, uint32_t mask)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (!m->error)
		m->error = fw_diagram_without(m->space->diagram, a, mask, &ref);
	return ref;
}

static uint32_t restricted(struct maker *m, uint32_t a, uint32_t mask)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (!m->error)
		m->error = fw_diagram_restrict(m->space->diagram, a, mask, &ref);
	return ref;
}

static struct fw_iset one_number(struct maker *m, uint64_t number)
{
	struct fw_range *range = fw_arena_alloc(m->space->arena, 1, sizeof(*range));

	if (!range) {
		m->error = -ENOMEM;
		return (struct fw_iset){ 0 };
	}
	range->low.lo = range->high.lo = number;
	return (struct fw_iset){ range, 1 };
}

static struct fw_iset subtract(struct maker *m, struct fw_iset a, struct fw_iset b)
{
	struct fw_iset result = a;

	if (!m->error && a.len > 0 && b.len > 0)
		m->error = fw_iset_subtract(m->space->arena, a, b, &result);
	return result;
}

static struct fw_iset join(struct maker *m, struct fw_iset a, struct fw_iset b)
{
	struct fw_iset result = a.len > 0 ? a : b;

	if (!m->error && a.len > 0 && b.len > 0)
		m->error = fw_iset_union(m->space->arena, a, b, &result);
	return result;
}

static struct fw_iset everything(struct maker *m, uint64_t hi, uint64_t lo)
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

static struct fw_iset classes_of_all(struct maker *m, const struct fw_iface *items, size_t len)
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

static struct fw_iset iface_set(struct maker *m, const struct fw_ifaces *ifaces)
{
	const struct fw_iset positive = ifaces->any ? everything(m, 0, m->space->class_count - 1) :
						      classes_of_all(m, ifaces->items, ifaces->len);

	return subtract(m, positive, classes_of_all(m, ifaces->except, ifaces->except_len));
}

static uint32_t add_ifaces(struct maker *m, const struct fw_match *match, uint32_t inside)
{
	struct fw_diagram_side sides[2];
	size_t count = 0;

	if (!says_nothing(&match->on))
		sides[count++] = (struct fw_diagram_side){ FW_LEVEL_ON, iface_set(m, &match->on) };
	if (!says_nothing(&match->leaving))
		sides[count++] = (struct fw_diagram_side){ FW_LEVEL_LEAVING, iface_set(m, &match->leaving) };
	return box(m, sides, count, inside);
}

/* --- addresses --- */

static uint32_t atom_level(const struct maker *m, enum fw_atom_of of, const struct fw_group *group)
{
	for (size_t i = 0; i < m->space->atom_count; i++) {
		const struct fw_space_atom *atom = &m->space->atoms[i];
		if (atom->of == of && fw_str_equal(atom->group->name, group->name)) /* of any of the policies */
			return FW_LEVEL_ATOMS + (uint32_t)i;
	}
	return FW_LEVEL_ATOMS; /* not reached: the space was made of the policies in hand */
}

static bool has_atoms(const struct maker *m, const struct fw_group *const *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fw_space_is_atom(m->space, groups[i]))
			return true;
	return false;
}

static struct fw_iset with_groups(struct maker *m, struct fw_iset literals, const struct fw_group *const *groups, size_t count, enum fw_family family)
{
	struct fw_iset set = literals;

	for (size_t i = 0; i < count; i++)
		if (!fw_space_is_atom(m->space, groups[i]))
			set = join(m, set, groups[i]->addresses[family]);
	return set;
}

/* What lists say without the groups that are conditions of their own. */
static struct fw_iset positive_set(struct maker *m, const struct fw_addrs *addrs, enum fw_family family)
{
	const struct fw_u128 max = fw_family_max(family);

	if (addrs->any)
		return everything(m, max.hi, max.lo);
	return with_groups(m, addrs->literals[family], addrs->groups, addrs->group_count, family);
}

static struct fw_iset negative_set(struct maker *m, const struct fw_addrs *addrs, enum fw_family family)
{
	return with_groups(m, addrs->except_literals[family], addrs->except_groups, addrs->except_group_count, family);
}

/* `base` where it decides, and where the address is in one of the groups that are conditions of their own. */
static uint32_t add_members(struct maker *m, uint32_t base, const struct fw_group *const *groups, size_t count, enum fw_atom_of of)
{
	for (size_t i = 0; i < count; i++)
		if (fw_space_is_atom(m->space, groups[i]))
			base = over(m, base, box_one(m, atom_level(m, of, groups[i]), set_one, fw_diagram_leaf(YES)));
	return base;
}

/* An address of one family, members of dynamic groups included, as a mask. */
static uint32_t address_mask(struct maker *m, const struct fw_addrs *addrs, enum fw_family family, enum fw_atom_of of)
{
	const uint32_t level = of == FW_ATOM_OF_FROM ? fw_level_from(family) : fw_level_to(family), yes = fw_diagram_leaf(YES);
	uint32_t positive = addrs->any ? yes : box_one(m, level, positive_set(m, addrs, family), yes);
	uint32_t negative = box_one(m, level, negative_set(m, addrs, family), yes);

	positive = add_members(m, positive, addrs->groups, addrs->group_count, of);
	negative = add_members(m, negative, addrs->except_groups, addrs->except_group_count, of);
	return without(m, positive, negative);
}

static bool says_no_address(const struct fw_addrs *addrs, enum fw_family family)
{
	return addrs->any && addrs->except_literals[family].len == 0 && addrs->except_group_count == 0;
}

static bool needs_mask(const struct maker *m, const struct fw_addrs *addrs)
{
	return has_atoms(m, addrs->groups, addrs->group_count) || has_atoms(m, addrs->except_groups, addrs->except_group_count);
}

static struct fw_iset static_set(struct maker *m, const struct fw_addrs *addrs, enum fw_family family)
{
	return subtract(m, positive_set(m, addrs, family), negative_set(m, addrs, family));
}

static uint32_t add_addresses(struct maker *m, const struct fw_match *match, enum fw_family family, uint32_t inside)
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
	uint32_t ref = box(m, sides, count, inside);
	for (size_t i = 0; i < FW_ARRAY_SIZE(ends); i++)
		if (needs_mask(m, ends[i].addrs))
			ref = restricted(m, ref, address_mask(m, ends[i].addrs, family, ends[i].of));
	return ref;
}

/* Both families, or those of `families`. */
static uint32_t add_families(struct maker *m, unsigned int families, const uint32_t by_family[FW_FAMILIES])
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (families == FW_FAMILY_BOTH && by_family[FW_IPV4] == by_family[FW_IPV6])
		return by_family[FW_IPV4];
	for (unsigned int i = 0; i < FW_FAMILIES; i++)
		if (families & FW_FAMILY_BIT(i))
			ref = over(m, ref, box_one(m, FW_LEVEL_FAMILY, one_number(m, i), by_family[i]));
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

static uint32_t tail_for(struct maker *m, struct tails *tails, unsigned int families)
{
	families &= tails->match->families;
	if (!tails->made[families])
		tails->refs[families] = add_ifaces(m, tails->match, add_families(m, families, tails->by_family));
	tails->made[families] = true;
	return tails->refs[families];
}

static uint32_t add_what(struct maker *m, struct tails *tails)
{
	const struct fw_what *what = &tails->match->what;
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (what->any)
		return tail_for(m, tails, FW_FAMILY_BOTH);
	for (size_t i = 0; i < what->proto_count; i++) {
		const struct fw_what_proto *proto = &what->protos[i];
		const struct fw_diagram_side sides[] = { { FW_LEVEL_PROTO, one_number(m, proto->proto) }, { FW_LEVEL_PORT, proto->values } };
		const uint32_t tail = tail_for(m, tails, proto->families);
		ref = over(m, ref, box(m, sides, proto->all ? 1 : 2, tail));
	}
	return ref;
}

static uint32_t add_during(struct maker *m, const struct fw_match *match, uint32_t inside)
{
	for (size_t i = 0; match->has_during && i < m->space->atom_count; i++) {
		const struct fw_ast_during *during = &m->space->atoms[i].during;
		if (m->space->atoms[i].of == FW_ATOM_OF_TIME && during->start_minute == match->during.start_minute &&
		    during->end_minute == match->during.end_minute && during->days == match->during.days)
			return box_one(m, FW_LEVEL_ATOMS + (uint32_t)i, set_one, inside);
	}
	return inside;
}

static uint32_t add_sender(struct maker *m, const struct fw_match *match, uint32_t inside)
{
	struct fw_diagram_side sides[2];
	size_t count = 0;

	if (match->source_ports.len > 0)
		sides[count++] = (struct fw_diagram_side){ FW_LEVEL_SOURCE_PORT, match->source_ports };
	if (match->owners.ids.len > 0)
		sides[count++] = (struct fw_diagram_side){ match->owners.kind == FW_OWNER_USER ? FW_LEVEL_UID : FW_LEVEL_GID, match->owners.ids };
	return box(m, sides, count, inside);
}

/* Before its end. */
static uint32_t add_until(struct maker *m, const struct fw_match *match, uint32_t inside)
{
	const int64_t end = fw_until_local(&match->until);
	struct fw_range *before = fw_arena_alloc(m->space->arena, 1, sizeof(*before));

	if (!before)
		m->error = -ENOMEM;
	if (!before || end <= 0)
		return FW_DIAGRAM_NONE_REF;
	before->high.lo = (uint64_t)end - 1;
	return box_one(m, FW_LEVEL_UNTIL, (struct fw_iset){ before, 1 }, inside);
}

static uint32_t add_times(struct maker *m, const struct fw_match *match, uint32_t inside)
{
	inside = add_during(m, match, inside);
	if (!match->has_until)
		return inside;
	if (m->space->as_compiled)
		return add_until(m, match, inside);
	return fw_until_local(&match->until) > m->space->local_now ? inside : FW_DIAGRAM_NONE_REF;
}

static uint32_t make_match(struct maker *m, const struct fw_match *match, uint32_t inside)
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
	struct maker m = { .space = space };
	const uint32_t ref = make_match(&m, match, inside);

	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

static uint32_t make_lo(struct maker *m, uint32_t inside)
{
	static const struct fw_iface lo = { .name = "lo" };

	return box_one(m, FW_LEVEL_ON, classes_of_all(m, &lo, 1), inside);
}

int fw_space_lo(struct fw_space *space, uint32_t inside, uint32_t *ret_ref)
{
	struct maker m = { .space = space };
	const uint32_t ref = make_lo(&m, inside);

	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

/* --- packets --- */

static const struct fw_range owned[] = { { { 0, 0 }, { 0, FW_SPACE_NO_OWNER - 1 } } };
static const struct fw_range unowned[] = { { { 0, FW_SPACE_NO_OWNER }, { 0, FW_SPACE_NO_OWNER } } };

static uint32_t make_owners(struct maker *m, uint32_t inside)
{
	const struct fw_diagram_side with[] = { { FW_LEVEL_UID, { owned, 1 } }, { FW_LEVEL_GID, { owned, 1 } } };
	const struct fw_diagram_side none[] = { { FW_LEVEL_UID, { unowned, 1 } }, { FW_LEVEL_GID, { unowned, 1 } } };

	return over(m, box(m, with, 2, inside), box(m, none, 2, inside));
}

#define ONE(n) { { 0, (n) }, { 0, (n) } }
#define SPAN(a, b) { { 0, (a) }, { 0, (b) } }

static uint32_t make_packets(struct maker *m, enum fw_direction direction, uint32_t inside)
{
	static const struct fw_range icmp[] = { ONE(1), ONE(58) }, ported[] = { ONE(6), ONE(17), ONE(33), ONE(132), ONE(136) };
	static const struct fw_range others[] = { ONE(0), SPAN(2, 5), SPAN(7, 16), SPAN(18, 32), SPAN(34, 57), SPAN(59, 131), SPAN(133, 135),
						  SPAN(137, 255) };
	static const struct fw_range types[] = { SPAN(0, UINT8_MAX) }, zero[] = { ONE(0) };
	const uint32_t owners = direction == FW_OUT ? make_owners(m, inside) : inside;
	const uint32_t portless = box_one(m, FW_LEVEL_SOURCE_PORT, (struct fw_iset){ zero, 1 }, owners);
	const struct fw_diagram_side of_icmp[] = { { FW_LEVEL_PROTO, { icmp, FW_ARRAY_SIZE(icmp) } }, { FW_LEVEL_PORT, { types, 1 } } };
	const struct fw_diagram_side of_others[] = { { FW_LEVEL_PROTO, { others, FW_ARRAY_SIZE(others) } }, { FW_LEVEL_PORT, { zero, 1 } } };
	const uint32_t with_ports = box_one(m, FW_LEVEL_PROTO, (struct fw_iset){ ported, FW_ARRAY_SIZE(ported) }, owners);

	return over(m, with_ports, over(m, box(m, of_icmp, 2, portless), box(m, of_others, 2, portless)));
}

int fw_space_packets(struct fw_space *space, enum fw_direction direction, uint32_t inside, uint32_t *ret_ref)
{
	struct maker m = { .space = space };
	const uint32_t ref = make_packets(&m, direction, inside);

	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

/* --- deciders --- */

/* The addresses of a block on one side. */
static uint32_t make_blocked(struct maker *m, const struct fw_addrs *addrs, enum fw_atom_of of, uint32_t inside)
{
	uint32_t by_family[FW_FAMILIES];

	for (unsigned int i = 0; i < FW_FAMILIES; i++) {
		const enum fw_family family = (enum fw_family)i;
		const enum fw_level level = of == FW_ATOM_OF_FROM ? fw_level_from(family) : fw_level_to(family);
		by_family[i] = m->space->members_in_blocks && needs_mask(m, addrs) ? restricted(m, inside, address_mask(m, addrs, family, of)) :
										   box_one(m, level, static_set(m, addrs, family), inside);
	}
	return add_families(m, FW_FAMILY_BOTH, by_family);
}

/* A block takes the source of what arrives and the destination of what leaves. */
static uint32_t make_block(struct maker *m, const struct fw_block *block, enum fw_direction direction, uint32_t inside)
{
	uint32_t ref = FW_DIAGRAM_NONE_REF;

	if (direction != FW_OUT)
		ref = make_blocked(m, &block->addresses, FW_ATOM_OF_FROM, inside);
	if (direction != FW_IN)
		ref = over(m, ref, make_blocked(m, &block->addresses, FW_ATOM_OF_TO, inside));
	return m->space->without_loopback ? ref : without(m, ref, make_lo(m, fw_diagram_leaf(YES)));
}

static void add_side(struct fw_diagram_side *sides, size_t *count, enum fw_level level, struct fw_iset set)
{
	if (set.len > 0)
		sides[(*count)++] = (struct fw_diagram_side){ level, set };
}

static uint32_t make_builtin(struct maker *m, const struct fw_builtin_case *row, uint32_t inside)
{
	struct fw_diagram_side sides[8];
	size_t count = 0;

	if (row->on_lo)
		return make_lo(m, inside);
	add_side(sides, &count, FW_LEVEL_PROTO, row->protos);
	add_side(sides, &count, FW_LEVEL_PORT, row->ports);
	if (row->one_family)
		add_side(sides, &count, FW_LEVEL_FAMILY, one_number(m, row->family));
	add_side(sides, &count, fw_level_from(row->family), row->from);
	add_side(sides, &count, fw_level_to(row->family), row->to);
	add_side(sides, &count, FW_LEVEL_SOURCE_PORT, row->source_ports);
	if (row->hop_limit_255)
		add_side(sides, &count, FW_LEVEL_HOP_LIMIT, set_one);
	return box(m, sides, count, inside);
}

int fw_space_loopback(struct fw_space *space, enum fw_direction direction, uint32_t inside, uint32_t *ret_ref)
{
	struct maker m = { .space = space };
	uint32_t ref = FW_DIAGRAM_NONE_REF;
	size_t count;
	const struct fw_builtin_case *rows = fw_builtin_cases(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].builtin == FW_BUILTIN_LOOPBACK && rows[i].directions & 1u << direction)
			ref = over(&m, ref, make_builtin(&m, &rows[i], inside));
	if (!m.error)
		*ret_ref = ref;
	return m.error;
}

int fw_space_only_real(struct fw_space *space, enum fw_direction direction, uint32_t ref, uint32_t *ret_real)
{
	uint32_t packets, loopback;
	int r = fw_space_packets(space, direction, fw_diagram_leaf(YES), &packets);

	if (r == 0 && space->without_loopback)
		r = fw_space_loopback(space, direction, fw_diagram_leaf(YES), &loopback);
	if (r == 0 && space->without_loopback)
		r = fw_diagram_without(space->diagram, packets, loopback, &packets);
	return r < 0 ? r : fw_diagram_restrict(space->diagram, ref, packets, ret_real);
}

struct lister {
	struct maker m;
	const struct fw_policy *policy;
	enum fw_direction direction;
	struct fw_vec *list;
};

/* The next decider; its leaf is its number. NULL without memory. */
static struct fw_decider *add_decider(struct lister *l, enum fw_decider_kind kind, enum fw_verdict verdict)
{
	struct fw_decider *decider = l->m.error ? NULL : fw_vec_push(l->list);

	if (!decider && !l->m.error)
		l->m.error = -ENOMEM;
	if (decider)
		*decider = (struct fw_decider){ .kind = kind, .verdict = verdict, .box = fw_diagram_leaf((uint32_t)(l->list->len - 1) << FW_DECIDER_SHIFT) };
	return decider;
}

static void list_blocks(struct lister *l)
{
	for (size_t i = 0; i < l->policy->block_count; i++) {
		struct fw_decider *decider = add_decider(l, FW_DECIDER_BLOCK, FW_DENY);
		if (!decider)
			return;
		decider->block = &l->policy->blocks[i];
		decider->box = make_block(&l->m, decider->block, l->direction, decider->box);
	}
}

static void list_builtins(struct lister *l, bool after_rules)
{
	size_t count;
	const struct fw_builtin_case *rows = fw_builtin_cases(&count);

	for (size_t i = 0; i < count; i++) {
		const struct fw_builtin_case *row = &rows[i];
		/* a packet that opens a connection is in none of these states */
		if (row->states || !(row->directions & 1u << l->direction) || l->policy->options.builtin_off[row->builtin] ||
		    (row->builtin == FW_BUILTIN_PING) != after_rules || (l->m.space->without_loopback && row->builtin == FW_BUILTIN_LOOPBACK))
			continue;
		struct fw_decider *decider = add_decider(l, FW_DECIDER_BUILTIN, row->verdict);
		if (!decider)
			return;
		decider->builtin = row->builtin;
		decider->box = make_builtin(&l->m, row, decider->box);
	}
}

static void list_rules(struct lister *l)
{
	for (size_t i = 0; i < l->policy->rule_count[l->direction]; i++) {
		const struct fw_rule *rule = l->policy->rules[l->direction][i];
		struct fw_decider *decider = add_decider(l, FW_DECIDER_RULE, rule->verdict);
		if (!decider)
			return;
		decider->rule = rule;
		decider->box = make_match(&l->m, &rule->match, decider->box);
	}
}

int fw_space_deciders(struct fw_space *space, const struct fw_policy *policy, enum fw_direction direction, struct fw_vec *ret_deciders)
{
	struct lister l = { .m.space = space, .policy = policy, .direction = direction, .list = ret_deciders };

	fw_vec_init(ret_deciders, space->arena, sizeof(struct fw_decider));
	if (!space->as_compiled)
		list_blocks(&l);
	list_builtins(&l, false);
	list_rules(&l);
	list_builtins(&l, true);
	add_decider(&l, FW_DECIDER_DEFAULT, policy->defaults[direction].verdict);
	return l.m.error;
}

int fw_space_blocks(struct fw_space *space, const struct fw_policy *policy, enum fw_atom_of of, struct fw_vec *ret_deciders)
{
	struct lister l = { .m.space = space, .policy = policy, .list = ret_deciders };

	fw_vec_init(ret_deciders, space->arena, sizeof(struct fw_decider));
	for (size_t i = 0; i < policy->block_count; i++) {
		struct fw_decider *decider = add_decider(&l, FW_DECIDER_BLOCK, FW_DENY);
		if (!decider)
			break;
		decider->block = &policy->blocks[i];
		decider->box = make_blocked(&l.m, &decider->block->addresses, of, decider->box);
	}
	return l.m.error;
}
