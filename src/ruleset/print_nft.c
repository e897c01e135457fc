/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/print_nft.c - the table as `nft -f` reads it. What nft has no words for is left out: the manifest and the tags of rules. */
#include <inttypes.h>
#include <linux/netfilter.h>
#include <string.h>

#include "ruleset/print.h"

#define ELEMENTS_A_LINE 8

static void print_object(struct fw_buf *out, const struct fw_rs_object *object)
{
	switch (object->kind) {
	case FW_RS_OBJECT_LIMIT:
		fw_buf_printf(out, "\tlimit %s {\n\t\t", object->name);
		fw_rs_print_limit(out, &object->limit);
		fw_buf_puts(out, "\n\t}\n");
		return;
	case FW_RS_OBJECT_COUNTER:
		fw_buf_printf(out, "\tcounter %s {\n", object->name);
		if (object->comment) {
			fw_buf_puts(out, "\t\tcomment ");
			fw_rs_print_quoted(out, object->comment);
			fw_buf_putc(out, '\n');
		}
		fw_buf_puts(out, "\t}\n");
		return;
	case FW_RS_OBJECT_CT_HELPER:
		fw_buf_printf(out, "\tct helper %s {\n\t\ttype ", object->name);
		fw_rs_print_quoted(out, object->ct_helper.helper);
		fw_buf_printf(out, " protocol %s\n\t\tl3proto %s\n\t}\n", object->ct_helper.l4proto == 6 ? "tcp" : "udp",
			      object->ct_helper.l3proto == NFPROTO_INET	  ? "inet" :
			      object->ct_helper.l3proto == NFPROTO_IPV4 ? "ip" :
									  "ip6");
		return;
	}
}

static void print_element(struct fw_buf *out, const struct fw_rs_set *set, size_t index)
{
	uint32_t len = fw_rs_key_len(set->key);
	enum fw_rs_value value = fw_rs_key_value(set->key);
	if (set->interval) {
		const uint8_t *low = set->elements.keys + index * 2 * len;
		fw_rs_print_interval(out, value, low, low + len, len);
	} else {
		fw_rs_print_key(out, set->key, set->elements.keys + index * len);
	}
	if (set->data == FW_RS_VERDICTS && set->elements.verdicts) {
		fw_buf_puts(out, " : ");
		fw_rs_print_verdict(out, &set->elements.verdicts[index]);
	} else if (set->data == FW_RS_COUNTERS && set->elements.objects) {
		fw_buf_puts(out, " : ");
		fw_rs_print_quoted(out, set->elements.objects[index]);
	}
}

static void print_elements(struct fw_buf *out, const struct fw_rs_set *set)
{
	if (set->kind != FW_RS_SET_CONSTANT || !set->elements.len)
		return;
	fw_buf_puts(out, "\t\telements = {");
	for (size_t i = 0; i < set->elements.len; i++) {
		const char *before = i == 0 ? " " : i % ELEMENTS_A_LINE ? ", " : ",\n\t\t\t";
		fw_buf_puts(out, before);
		print_element(out, set, i);
	}
	fw_buf_puts(out, " }\n");
}

static void print_set(struct fw_buf *out, const struct fw_rs_set *set)
{
	static const char *const data[] = { [FW_RS_NO_DATA] = "", [FW_RS_VERDICTS] = " : verdict", [FW_RS_COUNTERS] = " : counter" };
	fw_buf_printf(out, "\t%s %s {\n", set->data == FW_RS_NO_DATA ? "set" : "map", set->name);
	/* `type time` is nft's relative time: the absolute one can only be named by example. */
	const char *type = set->key == FW_RS_KEY_TIME ? "typeof meta time" : NULL;
	fw_buf_printf(out, "\t\t%s%s%s\n", type ? "" : "type ", type ? type : fw_rs_key_nft_name(set->key), data[set->data]);
	if (set->size)
		fw_buf_printf(out, "\t\tsize %" PRIu32 "\n", set->size);
	const char *flags[3];
	size_t count = 0;
	if (set->dynamic)
		flags[count++] = "dynamic";
	if (set->interval)
		flags[count++] = "interval";
	if (set->has_timeout)
		flags[count++] = "timeout";
	for (size_t i = 0; i < count; i++)
		fw_buf_printf(out, "%s%s%s", i ? "," : "\t\tflags ", flags[i], i + 1 == count ? "\n" : "");
	if (set->timeout_ms)
		fw_buf_printf(out, "\t\ttimeout %" PRIu64 "s\n", set->timeout_ms / 1000);
	if (set->gc_interval_ms)
		fw_buf_printf(out, "\t\tgc-interval %" PRIu32 "s\n", set->gc_interval_ms / 1000);
	print_elements(out, set);
	fw_buf_puts(out, "\t}\n");
}

static void print_chain(struct fw_buf *out, const struct fw_rs_chain *chain)
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting", "ingress" };
	fw_buf_printf(out, "\tchain %s {\n", chain->name);
	if (chain->base)
		fw_buf_printf(out, "\t\ttype filter hook %s priority %" PRId32 "; policy %s;\n",
			      chain->hook < FW_ARRAY_SIZE(hooks) ? hooks[chain->hook] : "?", chain->priority,
			      chain->policy_drop ? "drop" : "accept");
	for (size_t i = 0; i < chain->rules.len; i++) {
		const struct fw_rs_rule *rule = fw_vec_at(&chain->rules, i);
		fw_buf_puts(out, "\t\t");
		fw_rs_print_rule(out, rule);
		if (rule->comment) {
			fw_buf_puts(out, " comment ");
			fw_rs_print_quoted(out, rule->comment);
		}
		fw_buf_putc(out, '\n');
	}
	fw_buf_puts(out, "\t}\n");
}

void fw_ruleset_print_nft(const struct fw_ruleset *rs, struct fw_buf *out)
{
	fw_buf_puts(out, "table inet " FW_TABLE_NAME " {\n");
	for (size_t i = 0; i < rs->objects.len; i++)
		print_object(out, fw_vec_at(&rs->objects, i));
	for (size_t i = 0; i < rs->sets.len; i++)
		print_set(out, fw_vec_at(&rs->sets, i));
	for (size_t i = 0; i < rs->chains.len; i++) {
		const struct fw_rs_chain *chain = fw_vec_at(&rs->chains, i);
		if (strcmp(chain->name, FW_MANIFEST_CHAIN) != 0)
			print_chain(out, chain);
	}
	fw_buf_puts(out, "}\n");
}
