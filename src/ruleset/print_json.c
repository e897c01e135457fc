/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/print_json.c - the table as JSON in a plain shape of our own: names, attributes, elements and rules in nft's words, with the
 * tags that nft cannot show. Stable: fields are added, never changed. */
#include <inttypes.h>
#include <linux/netfilter.h>
#include <string.h>

#include "ruleset/print.h"

#define RULE_TEXT_MAX (64u << 10)

static void put_field(struct fw_buf *out, const char *name, const char *value)
{
	fw_buf_printf(out, "\"%s\":", name);
	fw_json_string(out, fw_str_from(value));
}

static void put_comma(struct fw_buf *out, size_t index)
{
	fw_buf_puts(out, index ? ",\n    " : "\n    ");
}

static const char *owner_name(enum fw_rs_owner owner)
{
	switch (owner) {
	case FW_RS_NOBODY:
		return NULL;
	case FW_RS_RULE:
		return "rule";
	case FW_RS_BLOCK:
		return "block";
	case FW_RS_BUILTIN:
		return "builtin";
	case FW_RS_DEFAULT:
		return "default";
	case FW_RS_MANIFEST:
		return "manifest";
	}
	return NULL;
}

static const char *role_name(enum fw_rs_role role)
{
	switch (role) {
	case FW_RS_ROLE_NONE:
		return "none";
	case FW_RS_ROLE_HIT:
		return "hit";
	case FW_RS_ROLE_OVER:
		return "over";
	case FW_RS_ROLE_SHARED:
		return "shared";
	}
	return "none";
}

/* A rule's text goes through a buffer of its own, to be written as a JSON string. */
static void put_rule(struct fw_buf *out, const struct fw_rs_rule *rule)
{
	FW_CLEANUP(fw_buf_done) struct fw_buf text;
	fw_buf_init(&text, RULE_TEXT_MAX);
	fw_rs_print_rule(&text, rule);
	if (text.error && !out->error)
		out->error = text.error;
	fw_buf_puts(out, "{\"rule\":");
	fw_json_string(out, fw_buf_str(&text));
	if (owner_name(rule->tag.owner)) {
		fw_buf_putc(out, ',');
		put_field(out, "owner", owner_name(rule->tag.owner));
		fw_buf_putc(out, ',');
		put_field(out, "id", rule->tag.id);
		fw_buf_putc(out, ',');
		put_field(out, "role", role_name(rule->tag.role));
	}
	if (rule->comment) {
		fw_buf_putc(out, ',');
		put_field(out, "comment", rule->comment);
	}
	fw_buf_putc(out, '}');
}

static void put_chain(struct fw_buf *out, const struct fw_rs_chain *chain)
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };
	fw_buf_putc(out, '{');
	put_field(out, "name", chain->name);
	if (chain->base) {
		fw_buf_putc(out, ',');
		put_field(out, "hook", chain->hook < FW_ARRAY_SIZE(hooks) ? hooks[chain->hook] : "other");
		fw_buf_printf(out, ",\"priority\":%" PRId32 ",", chain->priority);
		put_field(out, "policy", chain->policy_drop ? "drop" : "accept");
	}
	fw_buf_puts(out, ",\"rules\":[");
	for (size_t i = 0; i < chain->rules.len; i++) {
		fw_buf_puts(out, i ? ",\n      " : "\n      ");
		put_rule(out, fw_vec_at(&chain->rules, i));
	}
	fw_buf_puts(out, "]}");
}

static void put_elements(struct fw_buf *out, const struct fw_rs_set *set)
{
	uint32_t len = fw_rs_key_len(set->key);
	enum fw_rs_value value = fw_rs_key_value(set->key);
	uint32_t step = set->interval ? 2 * len : len;
	fw_buf_puts(out, ",\"elements\":[");
	for (size_t i = 0; i < set->elements.len; i++) {
		const uint8_t *low = set->elements.keys + i * step;
		if (i)
			fw_buf_putc(out, ',');
		bool quoted = value != FW_RS_VALUE_NAME; /* names bring their quotes */
		if (quoted)
			fw_buf_putc(out, '"');
		if (set->interval)
			fw_rs_print_interval(out, value, low, low + len, len);
		else
			fw_rs_print_key(out, set->key, low);
		if (quoted)
			fw_buf_putc(out, '"');
	}
	fw_buf_putc(out, ']');
}

/* What each element of a map leads to, in their order. */
static void put_data(struct fw_buf *out, const struct fw_rs_set *set)
{
	fw_buf_puts(out, set->data == FW_RS_VERDICTS ? ",\"verdicts\":[" : ",\"counters\":[");
	for (size_t i = 0; i < set->elements.len; i++) {
		fw_buf_puts(out, i ? ",\"" : "\"");
		if (set->data == FW_RS_VERDICTS)
			fw_rs_print_verdict(out, &set->elements.verdicts[i]);
		else
			fw_buf_puts(out, set->elements.objects[i]);
		fw_buf_putc(out, '"');
	}
	fw_buf_putc(out, ']');
}

static void put_set(struct fw_buf *out, const struct fw_rs_set *set)
{
	static const char *const kinds[] = {
		[FW_RS_SET_CONSTANT] = "constant", [FW_RS_SET_MEMBERS] = "members", [FW_RS_SET_METERS] = "meters"
	};
	fw_buf_putc(out, '{');
	put_field(out, "name", set->name);
	fw_buf_putc(out, ',');
	put_field(out, "kind", kinds[set->kind]);
	fw_buf_putc(out, ',');
	put_field(out, "key", fw_rs_key_nft_name(set->key));
	fw_buf_printf(out, ",\"interval\":%s,\"timeout\":%s", set->interval ? "true" : "false", set->has_timeout ? "true" : "false");
	if (set->timeout_ms)
		fw_buf_printf(out, ",\"timeout_ms\":%" PRIu64, set->timeout_ms);
	if (set->size)
		fw_buf_printf(out, ",\"size\":%" PRIu32, set->size);
	if (set->kind == FW_RS_SET_CONSTANT)
		put_elements(out, set);
	if (set->kind == FW_RS_SET_CONSTANT && set->data != FW_RS_NO_DATA)
		put_data(out, set);
	fw_buf_putc(out, '}');
}

static void put_object(struct fw_buf *out, const struct fw_rs_object *object)
{
	fw_buf_putc(out, '{');
	put_field(out, "name", object->name);
	fw_buf_putc(out, ',');
	switch (object->kind) {
	case FW_RS_OBJECT_LIMIT:
		fw_buf_printf(out, "\"kind\":\"limit\",\"rate\":%" PRIu64 ",\"unit_s\":%" PRIu64 ",\"burst\":%" PRIu32, object->limit.rate,
			      object->limit.unit_s, object->limit.burst);
		break;
	case FW_RS_OBJECT_COUNTER:
		fw_buf_puts(out, "\"kind\":\"counter\"");
		if (owner_name(object->tag.owner)) {
			fw_buf_putc(out, ',');
			put_field(out, "owner", owner_name(object->tag.owner));
			fw_buf_putc(out, ',');
			put_field(out, "id", object->tag.id);
			fw_buf_putc(out, ',');
			put_field(out, "role", role_name(object->tag.role));
		}
		if (object->comment) {
			fw_buf_putc(out, ',');
			put_field(out, "comment", object->comment);
		}
		break;
	case FW_RS_OBJECT_CT_HELPER:
		fw_buf_puts(out, "\"kind\":\"ct helper\",");
		put_field(out, "helper", object->ct_helper.helper);
		fw_buf_printf(out, ",\"protocol\":%u", object->ct_helper.l4proto);
		break;
	}
	fw_buf_putc(out, '}');
}

void fw_ruleset_print_json(const struct fw_ruleset *rs, struct fw_buf *out)
{
	fw_buf_puts(out, "{\n  \"family\":\"inet\",\n  \"table\":\"" FW_TABLE_NAME "\",\n  \"objects\":[");
	for (size_t i = 0; i < rs->objects.len; i++) {
		put_comma(out, i);
		put_object(out, fw_vec_at(&rs->objects, i));
	}
	fw_buf_puts(out, "],\n  \"sets\":[");
	for (size_t i = 0; i < rs->sets.len; i++) {
		put_comma(out, i);
		put_set(out, fw_vec_at(&rs->sets, i));
	}
	fw_buf_puts(out, "],\n  \"chains\":[");
	size_t shown = 0;
	for (size_t i = 0; i < rs->chains.len; i++) {
		const struct fw_rs_chain *chain = fw_vec_at(&rs->chains, i);
		if (strcmp(chain->name, FW_MANIFEST_CHAIN) == 0)
			continue;
		put_comma(out, shown++);
		put_chain(out, chain);
	}
	fw_buf_puts(out, "]\n}\n");
}
