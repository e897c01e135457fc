/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/cmd_services.c - services: the catalogue, with the range of the port space (RFC 6335) that each port lies in. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "net/proto.h"

#define PROTO_ICMP 1
#define PROTO_ICMPV6 58
#define MAX_ITEMS 4096 /* bytes of a service's items in words */

/* Calls `tell` for each item of a service in words: "21/tcp", "6660-6669/tcp", "gre", "8/icmp". */
struct teller {
	void (*tell)(void *context, const char *item);
	void *context;
};

static void tell_values(const struct teller *teller, const struct fw_what_proto *proto, const char *name)
{
	for (size_t i = 0; i < proto->values.len; i++) {
		const struct fw_range *range = &proto->values.ranges[i];
		char item[64];
		if (range->low.lo == range->high.lo)
			snprintf(item, sizeof(item), "%" PRIu64 "/%s", range->low.lo, name);
		else
			snprintf(item, sizeof(item), "%" PRIu64 "-%" PRIu64 "/%s", range->low.lo, range->high.lo, name);
		teller->tell(teller->context, item);
	}
}

static void tell_items(const struct fw_service *service, const struct teller *teller)
{
	for (size_t i = 0; i < service->what.proto_count; i++) {
		const struct fw_what_proto *proto = &service->what.protos[i];
		const struct fw_proto *known = fw_proto_by_number(proto->proto);
		char name[32];
		if (!known)
			snprintf(name, sizeof(name), "%u/ip", proto->proto);
		else
			snprintf(name, sizeof(name), "%s", known->name);
		if (proto->all)
			teller->tell(teller->context, name);
		else
			tell_values(teller, proto, name);
	}
}

static void add_to_list(void *context, const char *item)
{
	json_array_append_new(context, json_string(item));
}

static void add_to_text(void *context, const char *item)
{
	struct fw_buf *text = context;

	if (text->len > 0)
		fw_buf_puts(text, ", ");
	fw_buf_puts(text, item);
}

/* Which of the three ranges of the port space the service's ports lie in, as bits. */
/* Bits of the ranges of the port table that some of these ports lie in. */
static unsigned int ranges_met(struct fw_range ports)
{
	static const uint64_t starts[] = { 0, 1024, 49152, 65536 };
	unsigned int bits = 0;

	for (unsigned int r = 0; r + 1 < FW_ARRAY_SIZE(starts); r++)
		if (ports.low.lo < starts[r + 1] && ports.high.lo >= starts[r])
			bits |= 1u << r;
	return bits;
}

static unsigned int ranges_of(const struct fw_service *service)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < service->what.proto_count; i++) {
		const struct fw_what_proto *proto = &service->what.protos[i];
		if (proto->proto == PROTO_ICMP || proto->proto == PROTO_ICMPV6)
			continue;
		for (size_t k = 0; k < proto->values.len; k++)
			bits |= ranges_met(proto->values.ranges[k]);
	}
	return bits;
}

static const char *range_name(unsigned int index)
{
	static const uint16_t samples[] = { 0, 1024, 49152 };

	return fw_port_range_name(samples[index]);
}

static json_t *service_json(const struct fw_service *service)
{
	const unsigned int bits = ranges_of(service);
	json_t *items = json_array(), *ranges = json_array();

	tell_items(service, &(struct teller){ add_to_list, items });
	for (unsigned int r = 0; r < 3; r++)
		if (bits & (1u << r))
			json_array_append_new(ranges, json_string(range_name(r)));
	return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "name", fw_json_text(service->name.data), "items", items, "helper",
			 fw_json_text(service->helper), "exposed", service->exposed, "description", fw_json_text(service->description),
			 "ranges", ranges);
}

static void service_row(struct fw_table *table, const struct fw_service *service)
{
	struct fw_buf items FW_CLEANUP(fw_buf_done), ranges FW_CLEANUP(fw_buf_done);
	const unsigned int bits = ranges_of(service);

	fw_buf_init(&items, MAX_ITEMS);
	fw_buf_init(&ranges, MAX_ITEMS);
	tell_items(service, &(struct teller){ add_to_text, &items });
	for (unsigned int r = 0; r < 3; r++)
		if (bits & (1u << r))
			add_to_text(&ranges, range_name(r));
	fw_table_cell(table, FW_CYAN, "%.*s", (int)service->name.len, service->name.data);
	fw_table_cell(table, FW_PLAIN, "%s", fw_cli_text(&items));
	fw_table_cell(table, FW_DIM, "%s", ranges.error || ranges.len ? fw_cli_text(&ranges) : "-");
	fw_table_cell(table, FW_YELLOW, "%s%s%s", service->helper ? "helper " : "", service->helper ? service->helper : "",
		      service->exposed ? (service->helper ? ", exposed" : "exposed") : "");
	fw_table_cell(table, FW_PLAIN, "%s", service->description ? service->description : "");
}

/* WORD is part of the name or the description, or a port ("22", "22/tcp"). */
static bool matches(const struct fw_service *service, const char *word)
{
	const struct fw_str digits = { word, strcspn(word, "/") };
	uint64_t port;

	if (strcasestr(service->name.data, word) || (service->description && strcasestr(service->description, word)))
		return true;
	if (fw_str_parse_u64(digits, 65535, &port) < 0)
		return false;
	for (size_t i = 0; i < service->what.proto_count; i++) {
		const struct fw_what_proto *proto = &service->what.protos[i];
		const struct fw_proto *known = fw_proto_by_number(proto->proto);
		if (word[digits.len] == '/' && !(known && strcasecmp(known->name, word + digits.len + 1) == 0))
			continue;
		if (known && known->has_ports && fw_iset_contains(proto->values, (struct fw_u128){ 0, port }))
			return true;
	}
	return false;
}

enum fw_outcome fw_cmd_services(struct fw_cli *cli)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = NULL;
	struct fw_table table FW_CLEANUP(fw_table_done);
	const struct fw_service *const *services = NULL;
	const char *word = cli->arg_count > 0 ? cli->args[0] : "";
	size_t count = 0, shown = 0;

	fw_table_init(&table, 5, 0);
	enum fw_outcome outcome = fw_cli_session(cli, false, &session);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	outcome = fw_engine_services(session, &services, &count);
	if (outcome != FW_OUTCOME_DONE)
		return fw_cli_finish(cli, session, outcome, NULL);

	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		if (!matches(services[i], word))
			continue;
		shown++;
		if (cli->json)
			json_array_append_new(list, service_json(services[i]));
		else
			service_row(&table, services[i]);
	}
	fw_table_print(cli, &table, "");
	if (shown == 0)
		snprintf(session->message, sizeof(session->message), "the catalogue has nothing that matches '%s'", word);
	return fw_cli_finish(cli, session, shown ? FW_OUTCOME_DONE : FW_OUTCOME_USAGE, json_pack("{s:o}", "services", list));
}
