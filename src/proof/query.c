/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/query.c - the words of a question as a match: a table of keywords, each with the function that reads what follows it. */
#include "proof/query.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/proto.h"

#define DAY_S 86400
#define PROTO_ICMP 1
#define PROTO_ICMPV6 58

struct reader {
	struct fw_arena *arena;
	const struct fw_query_words *input;
	size_t at;
	struct fw_query *query;
	struct fw_query_error *error;
	bool has_port;
	struct fw_range port;
};

static int FW_PRINTF(3, 4) wrong(struct reader *r, const char *help, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error->message, sizeof(r->error->message), format, args);
	va_end(args);
	r->error->help = help;
	return -EINVAL;
}

static int twice(struct reader *r, const char *what)
{
	return wrong(r, NULL, "%s is given twice", what);
}

static const char *word(const struct reader *r)
{
	return r->at < r->input->count ? r->input->words[r->at] : NULL;
}

static bool take(struct reader *r, const char *wanted)
{
	if (!word(r) || strcmp(word(r), wanted) != 0)
		return false;
	r->at++;
	return true;
}

static struct fw_iset one_range(struct reader *r, struct fw_range range)
{
	struct fw_range *copy = fw_arena_alloc(r->arena, 1, sizeof(*copy));

	if (!copy)
		return (struct fw_iset){ 0 };
	*copy = range;
	return (struct fw_iset){ copy, 1 };
}

/* LOW, LOW-HIGH or LOW:HIGH. */
static int parse_ports(struct reader *r, struct fw_str text, struct fw_range *ret_range)
{
	size_t split = 0;
	uint64_t low, high;

	while (split < text.len && text.data[split] != '-' && text.data[split] != ':')
		split++;
	const struct fw_str rest = split < text.len ? (struct fw_str){ text.data + split + 1, text.len - split - 1 } : text;
	if (fw_str_parse_u64((struct fw_str){ text.data, split }, UINT16_MAX, &low) < 0 || fw_str_parse_u64(rest, UINT16_MAX, &high) < 0 || low > high)
		return wrong(r, "write a number from 0 to 65535, or LOW-HIGH", "'%.*s' is no port", (int)text.len, text.data);
	*ret_range = (struct fw_range){ { 0, low }, { 0, high } };
	return 0;
}

/* --- the protocol --- */

static int set_proto(struct reader *r, uint8_t number, bool all, struct fw_iset values)
{
	struct fw_what_proto *proto = fw_arena_alloc(r->arena, 1, sizeof(*proto));
	if (!proto || (!all && values.len == 0))
		return -ENOMEM;

	proto->proto = number;
	proto->families = number == PROTO_ICMP ? FW_FAMILY_BIT(FW_IPV4) : number == PROTO_ICMPV6 ? FW_FAMILY_BIT(FW_IPV6) : FW_FAMILY_BOTH;
	proto->all = all;
	proto->values = values;
	r->query->match.what = (struct fw_what){ .protos = proto, .proto_count = 1 };
	r->query->match.families &= proto->families;
	return 0;
}

static int parse_slashed(struct reader *r, struct fw_str before, const struct fw_proto *proto)
{
	struct fw_range range;

	if (proto->number == PROTO_ICMP || proto->number == PROTO_ICMPV6) {
		const struct fw_icmp_type *type = fw_icmp_type_by_name(proto->number, before);
		uint64_t number = type ? type->type : 0;
		if (!type && fw_str_parse_u64(before, UINT8_MAX, &number) < 0)
			return wrong(r, NULL, "'%.*s' is no type of %s", (int)before.len, before.data, proto->name);
		return set_proto(r, proto->number, false, one_range(r, (struct fw_range){ { 0, number }, { 0, number } }));
	}
	if (!proto->has_ports)
		return wrong(r, NULL, "%s has no ports", proto->name);
	int result = parse_ports(r, before, &range);
	return result < 0 ? result : set_proto(r, proto->number, false, one_range(r, range));
}

static int parse_proto(struct reader *r)
{
	const char *text = word(r);
	if (!text)
		return wrong(r, "tcp, udp, echo-request/icmp, .. or any", "a protocol is missing");

	const char *slash = strchr(text, '/');
	const struct fw_str after = fw_str_from(slash ? slash + 1 : text);
	const struct fw_proto *proto = fw_proto_by_name(after);
	uint64_t number;
	r->at++;
	if (strcmp(text, "any") == 0)
		return 0;
	if (slash && strcmp(slash, "/ip") == 0 && fw_str_parse_u64((struct fw_str){ text, (size_t)(slash - text) }, UINT8_MAX, &number) == 0)
		return set_proto(r, (uint8_t)number, true, (struct fw_iset){ 0 });
	if (!proto)
		return wrong(r, "write a protocol first: tcp, udp, echo-request/icmp, gre, 47/ip, or any", "'%s' is no protocol", text);
	return slash ? parse_slashed(r, (struct fw_str){ text, (size_t)(slash - text) }, proto) :
		       set_proto(r, proto->number, true, (struct fw_iset){ 0 });
}

/* --- clauses --- */

static int parse_port(struct reader *r)
{
	const char *text = word(r);
	if (!text)
		return wrong(r, NULL, "a port is missing");
	if (r->has_port)
		return twice(r, "a port");

	r->at++;
	r->has_port = true;
	return parse_ports(r, fw_str_from(text), &r->port);
}

static int parse_address(struct reader *r, struct fw_addrs *addrs)
{
	const char *text = word(r);
	enum fw_family family;
	struct fw_range range;
	if (!text)
		return wrong(r, NULL, "an address is missing");
	if (!addrs->any)
		return twice(r, "an address");

	r->at++;
	if (strcmp(text, "any") == 0)
		return 0;
	if (fw_addr_parse(fw_str_from(text), &family, &range) != FW_ADDR_OK)
		return wrong(r, "write 192.0.2.7, 192.0.2.0/24, 192.0.2.1-192.0.2.9 or 2001:db8::1", "'%s' is no address or prefix", text);
	addrs->any = false;
	addrs->families = FW_FAMILY_BIT(family);
	addrs->literals[family] = one_range(r, range);
	r->query->match.families &= addrs->families;
	return addrs->literals[family].len ? 0 : -ENOMEM;
}

static int parse_from(struct reader *r)
{
	return parse_address(r, &r->query->match.from);
}

static int parse_to(struct reader *r)
{
	return take(r, "port") ? parse_port(r) : parse_address(r, &r->query->match.to);
}

static int parse_source_port(struct reader *r)
{
	struct fw_range range = { 0 };
	const char *text = word(r);
	if (!text)
		return wrong(r, NULL, "a port is missing");
	if (r->query->match.source_ports.len > 0)
		return twice(r, "a source port");

	r->at++;
	int result = parse_ports(r, fw_str_from(text), &range);
	if (result < 0)
		return result;
	r->query->match.source_ports = one_range(r, range);
	return r->query->match.source_ports.len ? 0 : -ENOMEM;
}

static int parse_iface(struct reader *r, struct fw_ifaces *ifaces)
{
	const char *text = word(r);
	struct fw_iface *iface = fw_arena_alloc(r->arena, 1, sizeof(*iface));
	if (!text)
		return wrong(r, NULL, "an interface is missing");
	if (!ifaces->any)
		return twice(r, "an interface");
	if (!iface)
		return -ENOMEM;

	r->at++;
	if (strlen(text) == 0 || strlen(text) >= sizeof(iface->name))
		return wrong(r, NULL, "'%.40s' is no interface name", text);
	memcpy(iface->name, text, strlen(text));
	*ifaces = (struct fw_ifaces){ .items = iface, .len = 1 };
	return 0;
}

static int parse_on(struct reader *r)
{
	r->query->says_lo = word(r) && strcmp(word(r), "lo") == 0;
	return parse_iface(r, &r->query->match.on);
}

static int parse_leaving(struct reader *r)
{
	return parse_iface(r, &r->query->match.leaving);
}

static int parse_as(struct reader *r)
{
	const enum fw_owner kind = take(r, "group") ? FW_OWNER_GROUP : FW_OWNER_USER;
	uint32_t id = 0;

	if (kind == FW_OWNER_USER)
		take(r, "user");
	if (!word(r))
		return wrong(r, NULL, "a user or group is missing");
	if (r->query->match.owners.ids.len > 0)
		return twice(r, "an owner");
	if (r->input->user_id(r->input->context, kind, word(r), &id) < 0)
		return wrong(r, NULL, "'%s' is no %s here", word(r), kind == FW_OWNER_USER ? "user" : "group");
	r->at++;
	r->query->match.owners = (struct fw_owners){ kind, one_range(r, (struct fw_range){ { 0, id }, { 0, id } }) };
	return r->query->match.owners.ids.len ? 0 : -ENOMEM;
}

/* Exactly so many digits; moves past them. */
static bool take_digits(const char **text, unsigned int count, unsigned int *ret_value)
{
	unsigned int value = 0;

	for (; count > 0; count--, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = value * 10 + (unsigned int)(**text - '0');
	}
	*ret_value = value;
	return true;
}

/* HH:MM and nothing behind it, in seconds. */
static bool parse_clock(const char *text, int64_t *ret_second)
{
	unsigned int hour, minute;

	if (!take_digits(&text, 2, &hour) || *text++ != ':' || !take_digits(&text, 2, &minute) || *text || hour > 23 || minute > 59)
		return false;
	*ret_second = hour * 3600 + minute * 60;
	return true;
}

/* YYYY-MM-DD of the years that `until` takes, as the seconds at its beginning; moves past it. */
static bool parse_date(const char **text, int64_t *ret_second)
{
	unsigned int year, month, day;

	if (!take_digits(text, 4, &year) || *(*text)++ != '-' || !take_digits(text, 2, &month) || *(*text)++ != '-' || !take_digits(text, 2, &day) ||
	    year < 1970 || month - 1 > 11 || day < 1)
		return false;
	const struct fw_ast_until date = { .year = (int16_t)year, .month = (uint8_t)month, .day = (uint8_t)day };
	const struct fw_ast_until next_month = { .year = (int16_t)(year + month / 12), .month = (uint8_t)(month % 12 + 1), .day = 1 };
	*ret_second = fw_until_local(&date);
	return *ret_second < fw_until_local(&next_month);
}

static int parse_at(struct reader *r)
{
	const int64_t now = r->input->local_now;
	int64_t day = now - (now % DAY_S + DAY_S) % DAY_S, second;
	const char *text = word(r), *at = text;
	if (!text)
		return wrong(r, NULL, "a time is missing");
	if (r->query->has_time)
		return twice(r, "a time");

	r->at++;
	const bool has_date = strlen(text) == strlen("YYYY-MM-DDTHH:MM");
	if ((has_date && (!parse_date(&at, &day) || (*at != 'T' && *at != ' '))) || !parse_clock(at + has_date, &second))
		return wrong(r, "write 08:30 or 2026-12-24T08:30", "'%s' is no time", text);
	r->query->local = day + second;
	r->query->has_time = true;
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct reader *r);
} clauses[] = {
	{ "from", parse_from },	      { "to", parse_to },   { "port", parse_port }, { "source-port", parse_source_port },
	{ "on", parse_on },	      { "leaving", parse_leaving }, { "as", parse_as },	    { "at", parse_at },
};

static int parse_clauses(struct reader *r)
{
	bool found = true;
	int result = 0;

	while (found && result == 0) {
		found = false;
		for (size_t i = 0; i < FW_ARRAY_SIZE(clauses) && !found && result == 0; i++) {
			found = take(r, clauses[i].name);
			result = found ? clauses[i].parse(r) : 0;
		}
	}
	return result;
}

static void parse_direction(struct reader *r)
{
	for (unsigned int d = 0; d < FW_DIRECTIONS; d++)
		if (take(r, fw_direction_name((enum fw_direction)d))) {
			r->query->direction = (enum fw_direction)d;
			return;
		}
}

/* `port N` behind a protocol that has ports. */
static int add_port(struct reader *r)
{
	const struct fw_what_proto *proto = r->query->match.what.any ? NULL : r->query->match.what.protos;
	const struct fw_proto *known = proto ? fw_proto_by_number(proto->proto) : NULL;

	if (!r->has_port)
		return 0;
	if (!known || !known->has_ports)
		return wrong(r, "write tcp, udp, .. before it", "a port needs a protocol that has ports");
	if (!proto->all)
		return twice(r, "a port");
	return set_proto(r, proto->proto, false, one_range(r, r->port));
}

static int check(struct reader *r)
{
	if (r->query->match.families == 0)
		return wrong(r, NULL, "the addresses and the protocol are not of one family");
	if (!r->query->match.leaving.any && r->query->direction != FW_FORWARD)
		return wrong(r, "write `forward` first", "`leaving` is for forwarded packets");
	if (r->query->match.owners.ids.len > 0 && r->query->direction != FW_OUT)
		return wrong(r, "write `out` first", "`as` is for outgoing packets");
	return 0;
}

int fw_query_parse(struct fw_arena *arena, const struct fw_query_words *words, struct fw_query *ret_query, size_t *ret_used,
		   struct fw_query_error *ret_error)
{
	struct fw_query query = { .direction = FW_IN, .local = words->local_now };
	struct reader r = { .arena = arena, .input = words, .query = &query, .error = ret_error };

	query.match = (struct fw_match){ .families = FW_FAMILY_BOTH, .what.any = true, .from.any = true, .to.any = true, .on.any = true,
					 .leaving.any = true };
	query.match.from.families = query.match.to.families = FW_FAMILY_BOTH;
	parse_direction(&r);
	int result = parse_proto(&r);
	if (result == 0)
		result = parse_clauses(&r);
	if (result == 0)
		result = add_port(&r);
	if (result == 0)
		result = check(&r);
	if (result < 0)
		return result;
	*ret_query = query;
	*ret_used = r.at;
	return 0;
}
