/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/point.c - a packet that shows something: chosen of plain numbers, and put into the words that `fwctl explain` takes. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>

#include "net/proto.h"
#include "proof/proof.h"

#define PLAIN_SOURCE_PORT 40000u
#define SOURCES 3

static const struct fw_u128 sources[FW_FAMILIES][SOURCES] = { /* documentation and private addresses: RFC 5737, 3849, 1918, 4193 */
	[FW_IPV4] = { { 0, 0xc6336407 }, { 0, 0xcb007107 }, { 0, 0x0a000007 } },
	[FW_IPV6] = { { 0x20010db800000001, 7 }, { 0x20010db8ffff0000, 7 }, { 0xfd00000000000000, 7 } },
};

static const struct fw_u128 targets[FW_FAMILIES] = { [FW_IPV4] = { 0, 0xc0000201 }, [FW_IPV6] = { 0x20010db800000000, 1 } };

/* TCP from the source of that number, without a socket, an interface that no pattern names; IPv4 where there is a choice. */
static void plain_values(struct fw_u128 values[FW_DIAGRAM_FIELDS_MAX], size_t source)
{

	for (size_t i = 0; i < FW_DIAGRAM_FIELDS_MAX; i++)
		values[i] = (struct fw_u128){ 0, 0 };
	values[FW_LEVEL_PROTO].lo = IPPROTO_TCP;
	values[FW_LEVEL_PORT].lo = 80;
	for (unsigned int i = 0; i < FW_FAMILIES; i++) {
		values[fw_level_from((enum fw_family)i)] = sources[i][source];
		values[fw_level_to((enum fw_family)i)] = targets[i];
	}
	values[FW_LEVEL_SOURCE_PORT].lo = PLAIN_SOURCE_PORT;
	values[FW_LEVEL_UID].lo = FW_SPACE_NO_OWNER;
	values[FW_LEVEL_GID].lo = FW_SPACE_NO_OWNER;
}

static enum fw_family family_of(const struct fw_u128 *values)
{
	return values[FW_LEVEL_FAMILY].lo == FW_IPV4 ? FW_IPV4 : FW_IPV6;
}

int fw_proof_witness(struct fw_space *space, uint32_t ref, const struct fw_diagram_want *want, struct fw_proof_point *ret_point)
{
	int r = 0;

	for (size_t i = 0; i < SOURCES && r == 0; i++) {
		struct fw_u128 nice[FW_DIAGRAM_FIELDS_MAX];
		plain_values(nice, i);
		r = fw_diagram_witness(space->diagram, ref, want, nice, ret_point->values);
		const enum fw_level from = fw_level_from(r == 0 ? family_of(ret_point->values) : FW_IPV4);
		if (r == 0 && fw_u128_compare(ret_point->values[from], nice[from]) == 0)
			return 0;
	}
	return r;
}

static bool has_ports(const struct fw_u128 *values)
{
	const struct fw_proto *proto = fw_proto_by_number((uint8_t)values[FW_LEVEL_PROTO].lo);

	return proto && proto->has_ports;
}

static void print_proto(const struct fw_u128 *values, struct fw_buf *out)
{
	const uint8_t number = (uint8_t)values[FW_LEVEL_PROTO].lo, type = (uint8_t)values[FW_LEVEL_PORT].lo;
	const struct fw_proto *proto = fw_proto_by_number(number);
	const struct fw_icmp_type *icmp = fw_icmp_type_by_number(number, type);

	if (icmp)
		fw_buf_printf(out, "%s/%s", icmp->name, proto->name);
	else if (number == IPPROTO_ICMP || number == IPPROTO_ICMPV6)
		fw_buf_printf(out, "%u/%s", type, proto->name);
	else if (proto)
		fw_buf_puts(out, proto->name);
	else
		fw_buf_printf(out, "%u/ip", number);
}

static void print_addresses(const struct fw_u128 *values, struct fw_buf *out)
{
	const enum fw_family family = family_of(values);
	const struct fw_u128 from = values[fw_level_from(family)], to = values[fw_level_to(family)];

	fw_buf_puts(out, " from ");
	fw_addr_print(out, family, (struct fw_range){ from, from });
	fw_buf_puts(out, " to ");
	fw_addr_print(out, family, (struct fw_range){ to, to });
}

static void print_iface(const struct fw_space *space, uint64_t class_number, const char *word, struct fw_buf *out)
{
	char name[16];

	fw_space_class_name(space, class_number, name);
	fw_buf_printf(out, " %s %s", word, name);
}

static void print_atoms(const struct fw_space *space, const struct fw_u128 *values, struct fw_buf *out)
{
	for (size_t i = 0; i < space->atom_count; i++) {
		const struct fw_space_atom *atom = &space->atoms[i];
		if (values[FW_LEVEL_ATOMS + i].lo == 0)
			continue;
		if (atom->of == FW_ATOM_OF_TIME)
			fw_buf_printf(out, " (at a time between %02u:%02u and %02u:%02u)", atom->during.start_minute / 60,
				      atom->during.start_minute % 60, atom->during.end_minute / 60, atom->during.end_minute % 60);
		else
			fw_buf_printf(out, " (%s a member of '%s')", atom->of == FW_ATOM_OF_FROM ? "from" : "to", atom->group->name.data);
	}
}

void fw_proof_print_point(const struct fw_space *space, const struct fw_proof_point *point, struct fw_buf *out)
{
	const struct fw_u128 *values = point->values;

	fw_buf_printf(out, "%s ", fw_direction_name(point->direction));
	print_proto(values, out);
	print_addresses(values, out);
	if (has_ports(values))
		fw_buf_printf(out, " port %" PRIu64, values[FW_LEVEL_PORT].lo);
	if (has_ports(values) && values[FW_LEVEL_SOURCE_PORT].lo != PLAIN_SOURCE_PORT)
		fw_buf_printf(out, " source-port %" PRIu64, values[FW_LEVEL_SOURCE_PORT].lo);
	print_iface(space, values[FW_LEVEL_ON].lo, "on", out);
	if (point->direction == FW_FORWARD)
		print_iface(space, values[FW_LEVEL_LEAVING].lo, "leaving", out);
	if (point->direction == FW_OUT && values[FW_LEVEL_UID].lo != FW_SPACE_NO_OWNER)
		fw_buf_printf(out, " as user %" PRIu64, values[FW_LEVEL_UID].lo);
	if (point->direction == FW_OUT && values[FW_LEVEL_GID].lo != FW_SPACE_NO_OWNER && values[FW_LEVEL_GID].lo != 0)
		fw_buf_printf(out, " as group %" PRIu64, values[FW_LEVEL_GID].lo);
	print_atoms(space, values, out);
}
