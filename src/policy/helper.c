/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/helper.c - connection tracking helpers. The table holds the kernel's names (net/netfilter/nf_conntrack_*.c) and the protocols that
 * each of them reads. */
#include "policy/helper.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/what.h"

#define PROTO_TCP 6
#define PROTO_UDP 17
#define TCP 1u
#define UDP 2u

static const struct {
	struct fw_str name;
	unsigned int protos;
} helpers[] = {
	{ { "ftp", 3 }, TCP },        { { "tftp", 4 }, UDP },  { { "irc", 3 }, TCP },  { { "sip", 3 }, TCP | UDP },
	{ { "pptp", 4 }, TCP },       { { "RAS", 3 }, UDP },   { { "Q.931", 5 }, TCP }, { { "snmp", 4 }, UDP },
	{ { "amanda", 6 }, UDP },     { { "sane", 4 }, TCP },  { { "netbios-ns", 10 }, UDP },
};

static bool reads(size_t helper, uint8_t proto)
{
	return helpers[helper].protos & (proto == PROTO_TCP ? TCP : proto == PROTO_UDP ? UDP : 0);
}

static int add_part(struct resolver *r, size_t helper, uint8_t proto, struct fw_range ports)
{
	struct helper_part *part = fw_vec_push(&r->helper_parts);

	if (!part)
		return -ENOMEM;
	*part = (struct helper_part){ helper, proto, ports };
	return 0;
}

static size_t row_of(const char *name)
{
	size_t row = 0;

	while (row < FW_ARRAY_SIZE(helpers) && helpers[row].name.data != name)
		row++;
	return row;
}

int fw_helper_add(struct resolver *r, const struct fw_what *what)
{
	for (size_t i = 0; i < what->helper_count; i++) {
		const struct fw_what_helper *helper = &what->helpers[i];

		for (size_t j = 0; j < helper->ports.len; j++) {
			if (add_part(r, row_of(helper->helper), helper->proto, helper->ports.ranges[j]))
				return -ENOMEM;
		}
	}
	return 0;
}

static int compare_parts(const void *a, const void *b)
{
	const struct helper_part *left = a, *right = b;

	if (left->proto != right->proto)
		return (int)left->proto - (int)right->proto;
	return (left->helper > right->helper) - (left->helper < right->helper);
}

/* The ports of `parts`, less those that `rows` before it have on the same protocol. */
static int finish_helper(struct resolver *r, const struct helper_part *parts, size_t len, struct fw_what_helper *rows, size_t before)
{
	struct fw_range *ranges = fw_arena_alloc(r->arena, len, sizeof(*ranges));
	struct fw_what_helper row = { .helper = helpers[parts->helper].name.data, .proto = parts->proto };

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		ranges[i] = parts[i].ports;
	row.ports = fw_iset_normalise(ranges, len);
	for (size_t i = 0; i < before; i++) {
		if (rows[i].proto == row.proto && fw_iset_subtract(r->arena, row.ports, rows[i].ports, &row.ports))
			return -ENOMEM;
	}
	rows[before] = row;
	return 0;
}

int fw_helper_finish(struct resolver *r, struct fw_what *what)
{
	struct helper_part *parts = r->helper_parts.items;
	size_t len = r->helper_parts.len, count = 0, end;
	struct fw_what_helper *rows;

	if (len == 0)
		return 0;
	qsort(parts, len, sizeof(*parts), compare_parts);
	rows = fw_arena_alloc(r->arena, FW_ARRAY_SIZE(helpers) * 2, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < len; i = end) {
		for (end = i; end < len && compare_parts(&parts[end], &parts[i]) == 0; end++)
			;
		if (finish_helper(r, &parts[i], end - i, rows, count))
			return -ENOMEM;
		count += rows[count].ports.len > 0;
	}
	what->helpers = rows;
	what->helper_count = count;
	return 0;
}

static bool find(struct resolver *r, const struct fw_ast_word *word, size_t *ret_row)
{
	struct fw_misspell near;
	struct fw_diag *diag;

	fw_misspell_init(&near, word->text);
	for (size_t i = 0; i < FW_ARRAY_SIZE(helpers); i++) {
		if (fw_str_equal_fold(helpers[i].name, word->text)) {
			*ret_row = i;
			return true;
		}
		fw_misspell_offer(&near, helpers[i].name);
	}
	diag = fw_diag_error(r->diags, word->span, "unknown-helper", "unknown connection tracking helper '%.*s'", SHOW(word->text));
	fw_resolver_suggest(r, diag, &near);
	return false;
}

int fw_helper_resolve(struct resolver *r, const struct fw_ast_word *word, struct fw_service *service)
{
	static const struct fw_range all_ports = { { 0, 0 }, { 0, UINT16_MAX } };
	const struct fw_what *what = &service->what;
	size_t row;

	if (!find(r, word, &row))
		return FW_REPORTED;
	service->helper = helpers[row].name.data;
	r->helper_parts.len = 0;
	for (size_t i = 0; i < what->proto_count; i++) {
		const struct fw_what_proto *proto = &what->protos[i];

		if (!reads(row, proto->proto))
			continue;
		if (proto->all && add_part(r, row, proto->proto, all_ports))
			return -ENOMEM;
		for (size_t j = 0; j < proto->values.len; j++) {
			if (add_part(r, row, proto->proto, proto->values.ranges[j]))
				return -ENOMEM;
		}
	}
	if (r->helper_parts.len > 0)
		return fw_helper_finish(r, &service->what);
	fw_diag_error(r->diags, word->span, "helper", "helper '%s' reads %s, and this service has no port of it", service->helper,
		      helpers[row].protos == TCP ? "tcp" : helpers[row].protos == UDP ? "udp" : "tcp and udp");
	return FW_REPORTED;
}
