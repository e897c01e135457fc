/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/what.c - WHAT: services, ports and protocols to sets of ports and types by protocol. Items are read into loose parts (r->parts,
 * r->helper_parts), which finish() sorts and merges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/helper.h"
#include "policy/resolve.h"
#include "policy/what.h"

#define PROTO_ICMP 1
#define PROTO_ICMPV6 58
#define PORT_MAX 65535

unsigned int fw_what_families(uint8_t proto)
{
	return proto == PROTO_ICMP ? FW_FAMILY_BIT(FW_IPV4) : proto == PROTO_ICMPV6 ? FW_FAMILY_BIT(FW_IPV6) : FW_FAMILY_BOTH;
}

static int add_part(struct resolver *r, uint8_t proto, bool all, struct fw_range range)
{
	struct what_part *part = fw_vec_push(&r->parts);

	if (!part)
		return -ENOMEM;
	*part = (struct what_part){ proto, all, range };
	return 0;
}

static int add_service(struct resolver *r, const struct fw_what *what)
{
	for (size_t i = 0; i < what->proto_count; i++) {
		const struct fw_what_proto *proto = &what->protos[i];

		if (proto->all && add_part(r, proto->proto, true, (struct fw_range){ 0 }))
			return -ENOMEM;
		for (size_t j = 0; j < proto->values.len; j++) {
			if (add_part(r, proto->proto, false, proto->values.ranges[j]))
				return -ENOMEM;
		}
	}
	return fw_helper_add(r, what);
}

/* The services database of this host knows the name: say what it means there, so that the policy means it everywhere. */
static bool help_system(struct resolver *r, struct fw_diag *diag, struct fw_str name)
{
	char word[FW_NAME_MAX + 1], item[FW_SYSTEM_SERVICE_MAX];

	if (name.len > FW_NAME_MAX)
		return false;
	memcpy(word, name.data, name.len);
	word[name.len] = '\0';
	if (!fw_env_system_service(r->env, word, item))
		return false;
	fw_diag_help(r->diags, diag, "only this system's services database knows it: write %s", item);
	return true;
}

static void report_unknown(struct resolver *r, const struct fw_ast_word *word)
{
	struct fw_diag *diag = fw_diag_error(r->diags, word->span, "unknown-service", "unknown service '%.*s'", SHOW(word->text));
	const struct fw_proto *protos;
	struct fw_misspell near;
	size_t count;

	if (!fw_resolver_wants_help(r) || help_system(r, diag, word->text))
		return;
	fw_misspell_init(&near, word->text);
	for (size_t i = 0; i < r->service_names.len; i++)
		fw_misspell_offer(&near, r->service_names.entries[i].key);
	protos = fw_proto_table(&count);
	for (size_t i = 0; i < count; i++)
		fw_misspell_offer(&near, fw_str_from(protos[i].name));
	fw_resolver_suggest(r, diag, &near);
}

static void report_unknown_protocol(struct resolver *r, struct fw_str name, struct fw_span span)
{
	struct fw_diag *diag = fw_diag_error(r->diags, span, "unknown-protocol", "unknown protocol '%.*s'", SHOW(name));
	const struct fw_proto *protos;
	struct fw_misspell near;
	size_t count;

	if (!fw_resolver_wants_help(r))
		return;
	protos = fw_proto_table(&count);
	fw_misspell_init(&near, name);
	for (size_t i = 0; i < count; i++)
		fw_misspell_offer(&near, fw_str_from(protos[i].name));
	fw_resolver_suggest(r, diag, &near);
}

/* A service in its own definition is the catalogue's, which knows none of that name. */
static void report_itself(struct resolver *r, const struct fw_ast_word *word)
{
	fw_diag_error(r->diags, word->span, "cycle", "service '%.*s' is defined by itself, and the catalogue has none of that name",
		      SHOW(word->text));
}

static bool is_number_or_range(struct fw_str text)
{
	bool separator = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if ((c == '-' || c == ':') && i > 0 && i + 1 < text.len && !separator)
			separator = true;
		else if (c < '0' || c > '9')
			return false;
	}
	return text.len > 0;
}

static int report_bad_port(struct resolver *r, struct fw_str text, struct fw_span span)
{
	struct fw_diag *diag;

	if (is_number_or_range(text)) {
		fw_diag_error(r->diags, span, "port", "'%.*s' is no port: ports are 0-65535", SHOW(text));
		return FW_REPORTED;
	}
	diag = fw_diag_error(r->diags, span, "port", "'%.*s' is no port and no range of ports", SHOW(text));
	if (fw_symbols_service(r, text, NULL))
		fw_diag_help(r->diags, diag, "it is a service, which has its protocol: write %.*s", SHOW(text));
	return FW_REPORTED;
}

int fw_what_parse_ports(struct resolver *r, struct fw_str text, struct fw_span span, struct fw_range *ret_range)
{
	size_t split = 0;
	uint64_t low, high;
	struct fw_diag *diag;

	while (split < text.len && text.data[split] != '-' && text.data[split] != ':')
		split++;
	if (fw_str_parse_u64((struct fw_str){ text.data, split }, PORT_MAX, &low))
		return report_bad_port(r, text, span);
	high = low;
	if (split < text.len &&
	    fw_str_parse_u64((struct fw_str){ text.data + split + 1, text.len - split - 1 }, PORT_MAX, &high))
		return report_bad_port(r, text, span);
	if (low > high) {
		diag = fw_diag_error(r->diags, span, "port", "the range '%.*s' ends before it starts", SHOW(text));
		fw_diag_help(r->diags, diag, "write %u-%u", (unsigned int)high, (unsigned int)low);
		return FW_REPORTED;
	}
	*ret_range = (struct fw_range){ { 0, low }, { 0, high } };
	return 0;
}

/* A number alone: which protocol? */
static int report_bare(struct resolver *r, const struct fw_ast_word *word)
{
	struct fw_range range;
	struct fw_diag *diag;
	char ports[16];
	struct fw_buf *text = &r->text;

	if (fw_what_parse_ports(r, word->text, word->span, &range))
		return FW_REPORTED;
	text->len = 0;
	fw_buf_printf(text, "%u", (unsigned int)range.low.lo);
	if (range.low.lo != range.high.lo)
		fw_buf_printf(text, "-%u", (unsigned int)range.high.lo);
	if (text->error || text->len >= sizeof(ports))
		return -ENOMEM;
	memcpy(ports, text->data, text->len + 1);
	diag = fw_diag_error(r->diags, word->span, "bare-port", "'%.*s' needs a protocol", SHOW(word->text));
	fw_diag_help(r->diags, diag, "write %s/tcp, %s/udp or %s/tcp+udp", ports, ports, ports);
	return FW_REPORTED;
}

static int add_named(struct resolver *r, const struct fw_ast_word *word, struct service_def *by)
{
	struct service_def *service = fw_symbols_service(r, word->text, by);
	const struct fw_proto *proto;

	if (service && service->node.broken)
		return FW_REPORTED;
	if (service) {
		service->used |= !by;
		return add_service(r, &service->out.what);
	}
	proto = fw_proto_by_name(word->text);
	if (proto)
		return add_part(r, proto->number, true, (struct fw_range){ 0 });
	if (is_number_or_range(word->text))
		return report_bare(r, word);
	if (fw_symbols_service(r, word->text, NULL))
		report_itself(r, word);
	else
		report_unknown(r, word);
	return FW_REPORTED;
}

/* 47/ip, rdp/ip */
static int add_ip(struct resolver *r, const struct fw_ast_word *word, struct fw_str left)
{
	const struct fw_proto *proto = fw_proto_by_name(left);
	uint64_t number;

	if (proto)
		return add_part(r, proto->number, true, (struct fw_range){ 0 });
	if (fw_str_parse_u64(left, UINT8_MAX, &number) == 0)
		return add_part(r, (uint8_t)number, true, (struct fw_range){ 0 });
	if (is_number_or_range(left))
		fw_diag_error(r->diags, word->span, "protocol", "'%.*s' is no protocol number: 0-255", SHOW(left));
	else
		report_unknown_protocol(r, left, word->span);
	return FW_REPORTED;
}

static void report_unknown_type(struct resolver *r, const struct fw_ast_word *word, struct fw_str name, const struct fw_proto *proto)
{
	struct fw_diag *diag = fw_diag_error(r->diags, word->span, "unknown-type", "'%.*s' is no type of %s", SHOW(name), proto->name);
	const struct fw_icmp_type *types;
	const struct fw_proto *other;
	struct fw_misspell near;
	size_t count;

	if (!fw_resolver_wants_help(r))
		return;
	other = fw_proto_by_number(proto->number == PROTO_ICMP ? PROTO_ICMPV6 : PROTO_ICMP);
	if (other && fw_icmp_type_by_name(other->number, name)) {
		fw_diag_help(r->diags, diag, "it is one of %s: write %.*s/%s", other->name, SHOW(name), other->name);
		return;
	}
	types = fw_icmp_type_table(&count);
	fw_misspell_init(&near, name);
	for (size_t i = 0; i < count; i++) {
		if (types[i].proto == proto->number)
			fw_misspell_offer(&near, fw_str_from(types[i].name));
	}
	fw_resolver_suggest(r, diag, &near);
}

/* echo-request/icmp, 8/icmp */
static int add_type(struct resolver *r, const struct fw_ast_word *word, struct fw_str left, const struct fw_proto *proto)
{
	const struct fw_icmp_type *type = fw_icmp_type_by_name(proto->number, left);
	uint64_t number;

	if (type)
		number = type->type;
	else if (fw_str_parse_u64(left, UINT8_MAX, &number)) {
		report_unknown_type(r, word, left, proto);
		return FW_REPORTED;
	}
	return add_part(r, proto->number, false, (struct fw_range){ { 0, number }, { 0, number } });
}

static int report_no_ports(struct resolver *r, const struct fw_ast_word *word, const struct fw_proto *proto)
{
	struct fw_diag *diag = fw_diag_error(r->diags, word->span, "protocol", "%s has no ports", proto->name);

	if (fw_what_families(proto->number) == FW_FAMILY_BOTH)
		fw_diag_help(r->diags, diag, "write %s", proto->name);
	else
		fw_diag_help(r->diags, diag, "write one type at a time, such as echo-request/%s", proto->name);
	return FW_REPORTED;
}

/* 8080/tcp, 5000-5010/tcp+udp */
static int add_ports(struct resolver *r, const struct fw_ast_word *word, struct fw_str left, struct fw_str right)
{
	struct fw_range range;
	int result = fw_what_parse_ports(r, left, word->span, &range);

	while (!result) {
		const char *plus = memchr(right.data, '+', right.len);
		struct fw_str name = { right.data, plus ? (size_t)(plus - right.data) : right.len };
		const struct fw_proto *proto = fw_proto_by_name(name);

		if (!proto)
			report_unknown_protocol(r, name, word->span);
		if (!proto || !proto->has_ports)
			return proto ? report_no_ports(r, word, proto) : FW_REPORTED;
		result = add_part(r, proto->number, false, range);
		if (!plus)
			break;
		right = (struct fw_str){ plus + 1, right.len - name.len - 1 };
	}
	return result;
}

static int add_item(struct resolver *r, const struct fw_ast_word *word, struct service_def *by)
{
	const char *slash = memchr(word->text.data, '/', word->text.len);
	const struct fw_proto *proto;
	struct fw_str left, right;

	if (!slash)
		return add_named(r, word, by);
	left = (struct fw_str){ word->text.data, (size_t)(slash - word->text.data) };
	right = (struct fw_str){ slash + 1, word->text.len - left.len - 1 };
	if (fw_str_equal_fold(right, FW_STR("ip")))
		return add_ip(r, word, left);
	proto = fw_proto_by_name(right);
	if (proto && fw_what_families(proto->number) != FW_FAMILY_BOTH)
		return add_type(r, word, left, proto);
	return add_ports(r, word, left, right);
}

static int compare_parts(const void *a, const void *b)
{
	const struct what_part *left = a, *right = b;

	return (int)left->proto - (int)right->proto;
}

/* The parts of one protocol, `len` of them, as one row. */
static int finish_proto(struct resolver *r, const struct what_part *parts, size_t len, struct fw_what_proto *ret_row)
{
	struct fw_range *ranges = fw_arena_alloc(r->arena, len, sizeof(*ranges));
	struct fw_what_proto row = { .proto = parts->proto, .families = fw_what_families(parts->proto) };

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		row.all |= parts[i].all;
		ranges[i] = parts[i].range;
	}
	if (!row.all)
		row.values = fw_iset_normalise(ranges, len);
	if (row.families == FW_FAMILY_BOTH && fw_iset_is_all(row.values, (struct fw_u128){ 0, PORT_MAX })) {
		row.all = true;
		row.values = (struct fw_iset){ 0 };
	}
	*ret_row = row;
	return 0;
}

static int finish(struct resolver *r, struct fw_what *what)
{
	struct what_part *parts = r->parts.items;
	size_t len = r->parts.len, rows = 0, end;
	struct fw_what_proto *protos;

	qsort(parts, len, sizeof(*parts), compare_parts);
	for (size_t i = 0; i < len; i++)
		rows += i == 0 || parts[i].proto != parts[i - 1].proto;
	protos = fw_arena_alloc(r->arena, rows, sizeof(*protos));
	if (!protos)
		return -ENOMEM;
	rows = 0;
	for (size_t i = 0; i < len; i = end) {
		for (end = i; end < len && parts[end].proto == parts[i].proto; end++)
			;
		if (finish_proto(r, &parts[i], end - i, &protos[rows++]))
			return -ENOMEM;
	}
	what->protos = protos;
	what->proto_count = rows;
	return fw_helper_finish(r, what);
}

/* One service alone, as most rules have it: what was made for the service is shared, not copied. */
static bool share_service(const struct resolver *r, const struct fw_ast_list *list, struct fw_what *ret_what)
{
	struct service_def *service = list->len == 1 ? fw_symbols_service(r, list->words[0].text, NULL) : NULL;

	if (!service || service->node.broken)
		return false;
	service->used = true;
	*ret_what = service->out.what;
	return true;
}

int fw_what_resolve(struct resolver *r, const struct fw_ast_list *list, struct service_def *by, struct fw_what *ret_what)
{
	struct fw_what what = { 0 };
	int result = 0;

	if (!by && share_service(r, list, ret_what))
		return 0;
	r->parts.len = r->helper_parts.len = 0;
	for (size_t i = 0; i < list->len; i++) {
		int one = add_item(r, &list->words[i], by);

		if (one < 0)
			return one;
		if (one)
			result = one;
	}
	if (!result)
		result = finish(r, &what);
	if (!result)
		*ret_what = what;
	return result;
}
