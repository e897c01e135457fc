/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/words.c - a box of packets is told by what it leaves out: a field that may be anything is not mentioned. Long lists are cut. */
#include "proof/words.h"

#include <inttypes.h>
#include <string.h>

#include "net/proto.h"

#define MAX_ITEMS 6 /* of a list */
#define ICMP 1
#define ICMPV6 58

/* Between the items of a list; false where the list is long enough. */
static bool begin_item(struct fw_buf *out, size_t index, size_t count)
{
	if (index == MAX_ITEMS && count > MAX_ITEMS + 1) {
		fw_buf_printf(out, " and %zu more", count - MAX_ITEMS);
		return false;
	}
	fw_buf_puts(out, index ? ", " : "");
	return true;
}

static bool is_whole(const struct fw_space *space, const struct fw_iset *sets, uint32_t level)
{
	return fw_iset_is_all(sets[level], fw_diagram_field_max(space->diagram, level));
}

static bool is_number(struct fw_iset set, uint64_t number)
{
	return set.len == 1 && set.ranges[0].low.lo == number && set.ranges[0].high.lo == number;
}

static void print_numbers(struct fw_iset set, struct fw_buf *out)
{
	for (size_t i = 0; i < set.len && begin_item(out, i, set.len); i++) {
		const uint64_t low = set.ranges[i].low.lo, high = set.ranges[i].high.lo;
		fw_buf_printf(out, low == high ? "%" PRIu64 : "%" PRIu64 "-%" PRIu64, low, high);
	}
}

/* --- what --- */

static bool has_ports(struct fw_iset protos)
{
	for (size_t i = 0; i < protos.len; i++)
		for (uint64_t n = protos.ranges[i].low.lo; n <= protos.ranges[i].high.lo; n++) {
			const struct fw_proto *proto = fw_proto_by_number((uint8_t)n);
			if (!proto || !proto->has_ports)
				return false;
		}
	return true;
}

static void print_proto(uint64_t number, struct fw_buf *out)
{
	const struct fw_proto *proto = fw_proto_by_number((uint8_t)number);

	if (proto)
		fw_buf_puts(out, proto->name);
	else
		fw_buf_printf(out, "%" PRIu64 "/ip", number);
}

static size_t count_numbers(struct fw_iset set)
{
	size_t count = 0;

	for (size_t i = 0; i < set.len; i++)
		count += (size_t)(set.ranges[i].high.lo - set.ranges[i].low.lo) + 1;
	return count;
}

static void print_protos(struct fw_iset protos, const char *separator, struct fw_buf *out)
{
	const bool invert = count_numbers(protos) > 128;
	size_t printed = 0;

	if (invert)
		fw_buf_puts(out, "any protocol except ");
	for (uint64_t n = 0; n <= UINT8_MAX && printed <= MAX_ITEMS; n++) {
		if (fw_iset_contains(protos, (struct fw_u128){ 0, n }) == invert)
			continue;
		fw_buf_puts(out, printed == MAX_ITEMS ? ", .." : printed ? separator : "");
		if (printed++ < MAX_ITEMS)
			print_proto(n, out);
	}
}

static bool is_name_byte(char c)
{
	return c == '-' || c == '_' || c == '.' || c == '+' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_word(const char *text, struct fw_str word)
{
	for (const char *at = strstr(text, word.data); at; at = strstr(at + 1, word.data))
		if ((at == text || !is_name_byte(at[-1])) && !is_name_byte(at[word.len]))
			return true;
	return false;
}

static bool is_named(const struct fw_policy *policy, struct fw_str name)
{
	for (unsigned int d = 0; d < FW_DIRECTIONS; d++)
		for (size_t i = 0; i < policy->rule_count[d]; i++)
			if (has_word(policy->rules[d][i]->text, name))
				return true;
	return false;
}

/* A service that is exactly this, by a name that a rule of the policy gives it. */
static const struct fw_service *find_service(const struct fw_policy *policy, uint64_t proto, struct fw_iset ports)
{
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct fw_service *service = policy->services[i];
		if (service->what.proto_count == 1 && service->what.protos[0].proto == proto && !service->what.protos[0].all &&
		    fw_iset_equal(service->what.protos[0].values, ports) && is_named(policy, service->name))
			return service;
	}
	return NULL;
}

static void print_icmp(uint8_t proto, struct fw_iset types, struct fw_buf *out)
{
	for (size_t i = 0; i < types.len && begin_item(out, i, types.len); i++) {
		const uint64_t low = types.ranges[i].low.lo, high = types.ranges[i].high.lo;
		const struct fw_icmp_type *type = low == high ? fw_icmp_type_by_number(proto, (uint8_t)low) : NULL;
		if (type)
			fw_buf_puts(out, type->name);
		else
			fw_buf_printf(out, low == high ? "%" PRIu64 : "%" PRIu64 "-%" PRIu64, low, high);
		fw_buf_puts(out, proto == ICMP ? "/icmp" : "/icmpv6");
	}
}

static void print_what(const struct fw_space *space, const struct fw_policy *policy, const struct fw_iset *sets, struct fw_buf *out)
{
	const struct fw_iset protos = sets[FW_LEVEL_PROTO], ports = sets[FW_LEVEL_PORT];
	const bool one = count_numbers(protos) == 1, icmp = is_number(protos, ICMP) || is_number(protos, ICMPV6);
	const struct fw_service *service = one ? find_service(policy, protos.ranges[0].low.lo, ports) : NULL;

	if (is_whole(space, sets, FW_LEVEL_PROTO) && is_whole(space, sets, FW_LEVEL_PORT))
		fw_buf_puts(out, "any");
	else if (service)
		fw_buf_printf(out, "%.*s", (int)service->name.len, service->name.data);
	else if (icmp && count_numbers(ports) <= UINT8_MAX)
		print_icmp((uint8_t)protos.ranges[0].low.lo, ports, out);
	else if (!has_ports(protos) || is_whole(space, sets, FW_LEVEL_PORT))
		print_protos(protos, ", ", out);
	else {
		print_numbers(ports, out);
		fw_buf_putc(out, '/');
		print_protos(protos, "+", out);
	}
}

/* --- addresses --- */

/* Most of a family is told by what is not in it. In `ret_rest`, at most MAX_ITEMS + 1 ranges. */
static size_t complement(enum fw_family family, struct fw_iset set, struct fw_range ret_rest[MAX_ITEMS + 1])
{
	const struct fw_u128 max = fw_family_max(family);
	struct fw_u128 next = { 0, 0 };
	size_t count = 0;

	for (size_t i = 0; i < set.len && count <= MAX_ITEMS; i++) {
		if (fw_u128_compare(set.ranges[i].low, next) > 0)
			ret_rest[count++] = (struct fw_range){ next, fw_u128_prev(set.ranges[i].low) };
		next = fw_u128_next(set.ranges[i].high);
	}
	if (count <= MAX_ITEMS && set.len > 0 && fw_u128_compare(set.ranges[set.len - 1].high, max) < 0)
		ret_rest[count++] = (struct fw_range){ next, max };
	return count;
}

/* More than half of it, by the first bits. */
static bool is_most(enum fw_family family, struct fw_iset set)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < set.len; i++) {
		const struct fw_range *range = &set.ranges[i];
		covered += family == FW_IPV4 ? range->high.lo - range->low.lo : (range->high.hi >> 32) - (range->low.hi >> 32);
	}
	return covered > UINT32_MAX / 2;
}

static bool print_all_but(const char *clause, enum fw_family family, struct fw_iset set, struct fw_buf *out)
{
	struct fw_range rest[MAX_ITEMS + 1];
	const size_t count = is_most(family, set) ? complement(family, set, rest) : 0;
	if (count == 0 || count > MAX_ITEMS)
		return false;

	fw_buf_printf(out, "%s%s except ", clause, family == FW_IPV4 ? "any of ipv4" : "any of ipv6");
	for (size_t i = 0; i < count; i++) {
		fw_buf_puts(out, i ? ", " : "");
		fw_addr_print(out, family, rest[i]);
	}
	return true;
}

/* Where only one of the families is told, most of it may be told by the rest. */
static bool print_most(const struct fw_space *space, const struct fw_iset *sets, const char *clause, const enum fw_level levels[FW_FAMILIES],
		       struct fw_buf *out)
{
	for (unsigned int f = 0; f < FW_FAMILIES; f++)
		if (is_number(sets[FW_LEVEL_FAMILY], f) && !is_whole(space, sets, levels[f]))
			return print_all_but(clause, (enum fw_family)f, sets[levels[f]], out);
	return false;
}

static bool print_address(const struct fw_space *space, const struct fw_iset *sets, const char *clause, const enum fw_level levels[FW_FAMILIES],
			  struct fw_buf *out)
{
	if (print_most(space, sets, clause, levels, out))
		return true;

	size_t printed = 0, count = 0;

	for (unsigned int f = 0; f < FW_FAMILIES; f++)
		count += is_whole(space, sets, levels[f]) ? 0 : sets[levels[f]].len;
	for (unsigned int f = 0; f < FW_FAMILIES; f++) {
		const struct fw_iset set = sets[levels[f]];
		for (size_t i = 0; i < set.len && !is_whole(space, sets, levels[f]); i++) {
			fw_buf_puts(out, printed ? "" : clause);
			if (printed > MAX_ITEMS || !begin_item(out, printed, count))
				return true;
			fw_addr_print(out, (enum fw_family)f, set.ranges[i]);
			printed++;
		}
	}
	return printed > 0;
}

static void print_addresses(const struct fw_space *space, const struct fw_iset *sets, struct fw_buf *out)
{
	static const enum fw_level from[] = { FW_LEVEL_FROM4, FW_LEVEL_FROM6 }, to[] = { FW_LEVEL_TO4, FW_LEVEL_TO6 };
	const bool has_from = print_address(space, sets, " from ", from, out), has_to = print_address(space, sets, " to ", to, out);
	const bool icmp = is_number(sets[FW_LEVEL_PROTO], ICMP) || is_number(sets[FW_LEVEL_PROTO], ICMPV6);

	if (!is_whole(space, sets, FW_LEVEL_FAMILY) && !has_from && !has_to && !icmp)
		fw_buf_puts(out, is_number(sets[FW_LEVEL_FAMILY], FW_IPV4) ? " over ipv4" : " over ipv6");
}

/* --- interfaces --- */

/* Would the classes that are printed so far, with those that stand behind a star, say this one too? */
static bool covered(const struct fw_space *space, struct fw_iset set, size_t class_number)
{
	for (size_t i = class_number; i-- > 0;) {
		const struct fw_iface *class = &space->classes[i];
		if (class->prefix && strncmp(class->name, space->classes[class_number].name, strlen(class->name)) == 0)
			return fw_iset_contains(set, (struct fw_u128){ 0, i });
	}
	return false;
}

static void print_class(const struct fw_iface *class, struct fw_buf *out)
{
	fw_buf_puts(out, class->prefix && !class->name[0] ? "any" : class->name);
	fw_buf_puts(out, class->prefix && class->name[0] ? "*" : "");
}

static void print_ifaces(const struct fw_space *space, const struct fw_iset *sets, enum fw_level level, struct fw_buf *out)
{
	const char *clause = level == FW_LEVEL_ON ? " on " : " leaving ";
	if (is_whole(space, sets, level))
		return;

	for (unsigned int excepted = 0; excepted < 2; excepted++) {
		size_t printed = 0;
		for (size_t i = 0; i < space->class_count; i++) {
			const bool in = fw_iset_contains(sets[level], (struct fw_u128){ 0, i });
			if (in == (excepted == 1) || covered(space, sets[level], i) == in)
				continue;
			fw_buf_puts(out, printed++ ? ", " : excepted ? " except " : clause);
			print_class(&space->classes[i], out);
		}
	}
}

/* --- the rest --- */

/* The numbers between the ranges of a set that holds the last number. */
static struct fw_iset others_of(struct fw_iset set, struct fw_range ret_rest[MAX_ITEMS + 1])
{
	size_t count = 0;
	uint64_t next = 0;

	for (size_t i = 0; i < set.len && count <= MAX_ITEMS; i++) {
		if (set.ranges[i].low.lo > next)
			ret_rest[count++] = (struct fw_range){ { 0, next }, { 0, set.ranges[i].low.lo - 1 } };
		next = set.ranges[i].high.lo + 1;
	}
	return (struct fw_iset){ ret_rest, count };
}

static void print_owner(const struct fw_space *space, const struct fw_iset *sets, enum fw_level level, struct fw_buf *out)
{
	struct fw_range rest[MAX_ITEMS + 1];

	if (is_whole(space, sets, level) || (sets[level].len == 1 && sets[level].ranges[0].high.lo == FW_SPACE_NO_OWNER - 1 &&
					     sets[level].ranges[0].low.lo == 0))
		return;
	if (is_number(sets[level], FW_SPACE_NO_OWNER)) {
		fw_buf_puts(out, level == FW_LEVEL_UID ? " without a socket" : "");
		return;
	}
	const bool any_other = fw_iset_contains(sets[level], (struct fw_u128){ 0, FW_SPACE_NO_OWNER });
	fw_buf_printf(out, " as %s%s ", any_other ? "anybody but " : "", level == FW_LEVEL_UID ? "user" : "group");
	print_numbers(any_other ? others_of(sets[level], rest) : sets[level], out);
}

static void print_atom(const struct fw_space_atom *atom, bool holds, struct fw_buf *out)
{
	const struct fw_ast_during *during = &atom->during;

	if (atom->of == FW_ATOM_OF_TIME)
		fw_buf_printf(out, " %s %02u:%02u-%02u:%02u", holds ? "during" : "outside of", during->start_minute / 60u, during->start_minute % 60u,
			      during->end_minute / 60u, during->end_minute % 60u);
	else
		fw_buf_printf(out, " %s %s'%s'", atom->of == FW_ATOM_OF_FROM ? "from" : "to", holds ? "a member of " : "no member of ", atom->group->name.data);
}

void fw_words_region(const struct fw_space *space, const struct fw_policy *policy, const struct fw_iset *sets, struct fw_buf *out)
{
	print_what(space, policy, sets, out);
	print_addresses(space, sets, out);
	print_ifaces(space, sets, FW_LEVEL_ON, out);
	print_ifaces(space, sets, FW_LEVEL_LEAVING, out);
	if (has_ports(sets[FW_LEVEL_PROTO]) && !is_whole(space, sets, FW_LEVEL_SOURCE_PORT)) {
		fw_buf_puts(out, " source-port ");
		print_numbers(sets[FW_LEVEL_SOURCE_PORT], out);
	}
	print_owner(space, sets, FW_LEVEL_UID, out);
	print_owner(space, sets, FW_LEVEL_GID, out);
	if (!is_whole(space, sets, FW_LEVEL_HOP_LIMIT))
		fw_buf_puts(out, is_number(sets[FW_LEVEL_HOP_LIMIT], 1) ? " with hop limit 255" : " with a hop limit below 255");
	for (size_t i = 0; i < space->atom_count; i++)
		if (!is_whole(space, sets, FW_LEVEL_ATOMS + (uint32_t)i))
			print_atom(&space->atoms[i], is_number(sets[FW_LEVEL_ATOMS + i], 1), out);
}

void fw_words_decider(const struct fw_decider *decider, enum fw_direction direction, struct fw_buf *out)
{
	switch (decider->kind) {
	case FW_DECIDER_BLOCK:
		fw_buf_puts(out, decider->block->text);
		return;
	case FW_DECIDER_RULE:
		fw_buf_puts(out, decider->rule->text);
		return;
	case FW_DECIDER_BUILTIN:
		fw_buf_printf(out, "built-in %s", fw_builtin_name(decider->builtin));
		return;
	case FW_DECIDER_DEFAULT:
		fw_buf_printf(out, "default %s %s", fw_direction_name(direction), fw_verdict_name(decider->verdict));
		return;
	}
}

const char *fw_words_kind(enum fw_decider_kind kind)
{
	static const char *const names[] = { [FW_DECIDER_BLOCK] = "block", [FW_DECIDER_BUILTIN] = "builtin", [FW_DECIDER_RULE] = "rule",
					     [FW_DECIDER_DEFAULT] = "default" };

	return names[kind];
}

struct fw_span fw_words_span(const struct fw_policy *policy, const struct fw_decider *decider, enum fw_direction direction)
{
	switch (decider->kind) {
	case FW_DECIDER_BLOCK:
		return decider->block->span;
	case FW_DECIDER_RULE:
		return decider->rule->span;
	case FW_DECIDER_DEFAULT:
		return policy->defaults[direction].present ? policy->defaults[direction].span : (struct fw_span){ 0 };
	case FW_DECIDER_BUILTIN:
		break;
	}
	return (struct fw_span){ 0 };
}
