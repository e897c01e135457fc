/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lower_leaf.c - a leaf as chains: what is over a limit, then the helper, the log and the verdict with its counter. Nothing here
 * may depend on lines, order or other rules: a leaf whose text is the same is the same byte for byte, and keeps its state. */
#include "compile/lower.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define COMMENT_MAX 127
#define LOG_PREFIX_MAX 127
#define LOG_SNAPLEN 128
#define TCP 6
#define UDP 17
#define RTN_BROADCAST_TYPE 3 /* linux/rtnetlink.h */

/* Text as the kernel and nft take it: at most `max` bytes, whole characters, nothing that nft cannot have in quotes. */
static const char *plain_text(struct fw_lowering *l, struct fw_str text, size_t max)
{
	if (text.len > max) {
		text.len = max;
		while (text.len && ((unsigned char)text.data[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	char *copy = fw_arena_copy(l->arena, text);
	if (!copy) {
		fw_lower_no_memory(l);
		return "";
	}
	for (char *c = copy; *c; c++) {
		if (*c == '"')
			*c = '\'';
		else if (*c == '$' || (unsigned char)*c < ' ' || *c == 0x7f) /* nft looks for variables */
			*c = '?';
	}
	return copy;
}

static const char *state_name(struct fw_lowering *l, const char *prefix, const struct fw_leaf *leaf)
{
	char *name = fw_arena_printf(l->arena, "%s-%s", prefix, leaf->key);
	if (!name)
		fw_lower_no_memory(l);
	return name ? name : "";
}

/* --- log --- */

/* The limit is an object, so that the leaf and its over-limit chain share one. */
static const char *log_limit(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	const char *name = state_name(l, "log", leaf);
	if (fw_ruleset_object(l->rs, name))
		return name;
	struct fw_rs_object *object = fw_ruleset_add_object(l->rs, name);
	if (!object) {
		fw_lower_no_memory(l);
		return name;
	}
	object->kind = FW_RS_OBJECT_LIMIT;
	object->limit = (struct fw_rs_limit){ leaf->log.rate.count, fw_unit_seconds(leaf->log.rate.unit), leaf->log.rate.burst, false };
	object->tag = leaf->tag;
	object->tag.role = FW_RS_ROLE_NONE;
	object->origin = leaf->span;
	return name;
}

static void add_log(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_leaf *leaf, const char *word)
{
	const char *text = leaf->log.text;
	char *prefix = fw_arena_printf(l->arena, "fwctl %s %s%s%s", leaf->key, word, text ? " " : "", text ? text : "");
	struct fw_rs_expr *limit = fw_exprs_add(exprs, FW_RS_OBJREF);
	limit->objref.type = NFT_OBJECT_LIMIT;
	limit->objref.name = log_limit(l, leaf);
	struct fw_rs_expr *log = fw_exprs_add(exprs, FW_RS_LOG);
	log->log.group = l->plan->log_group;
	log->log.prefix = plain_text(l, fw_str_from(prefix), LOG_PREFIX_MAX);
	log->log.snaplen = LOG_SNAPLEN;
	if (!prefix)
		fw_lower_no_memory(l);
}

static void lower_log(struct fw_lowering *l, const char *chain, const struct fw_leaf *leaf, const char *word)
{
	if (!leaf->log.on)
		return;
	struct fw_exprs exprs;
	fw_exprs_init(&exprs);
	add_log(l, &exprs, leaf, word);
	fw_lower_rule(l, chain, &exprs);
}

/* Only what is for one host: an address is one of many where it is multicast, or where the routing table says broadcast. */
static void lower_unicast_log(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	static const struct fw_range ipv4[] = { { { 0, NFPROTO_IPV4 }, { 0, NFPROTO_IPV4 } } };
	static const struct fw_range ipv6[] = { { { 0, NFPROTO_IPV6 }, { 0, NFPROTO_IPV6 } } };
	static const struct fw_range multicast4[] = { { { 0, 0xe0000000 }, { 0, 0xefffffff } } };
	static const struct fw_range multicast6[] = { { { 0xff00000000000000, 0 }, { UINT64_MAX, UINT64_MAX } } };
	static const struct fw_range broadcast[] = { { { 0, RTN_BROADCAST_TYPE }, { 0, RTN_BROADCAST_TYPE } } };
	static const struct fw_atom atoms[] = {
		{ .field = FW_FIELD_FAMILY, .kind = FW_ATOM_IN, .values = { ipv4, 1 } },
		{ .field = FW_FIELD_DADDR4, .kind = FW_ATOM_IN, .invert = true, .values = { multicast4, 1 } },
		{ .field = FW_FIELD_DADDR_TYPE, .kind = FW_ATOM_IN, .invert = true, .values = { broadcast, 1 } },
		{ .field = FW_FIELD_FAMILY, .kind = FW_ATOM_IN, .values = { ipv6, 1 } },
		{ .field = FW_FIELD_DADDR6, .kind = FW_ATOM_IN, .invert = true, .values = { multicast6, 1 } },
	};
	struct fw_exprs exprs4, exprs6;
	fw_exprs_init(&exprs4);
	fw_exprs_init(&exprs6);
	for (size_t i = 0; i < FW_ARRAY_SIZE(atoms); i++)
		fw_lower_atom(l, i < 3 ? &exprs4 : &exprs6, &atoms[i]);
	add_log(l, &exprs4, leaf, leaf->word);
	add_log(l, &exprs6, leaf, leaf->word);
	fw_lower_rule(l, leaf->name, &exprs4);
	fw_lower_rule(l, leaf->name, &exprs6);
}

/* --- helpers --- */

static bool is_ipv4_only(const char *helper)
{
	static const char *const names[] = { "irc", "pptp", "snmp", "netbios-ns" };
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++)
		if (strcmp(names[i], helper) == 0)
			return true;
	return false;
}

static const char *helper_object(struct fw_lowering *l, const struct fw_what_helper *helper)
{
	bool ipv4 = is_ipv4_only(helper->helper);
	char *name = fw_arena_printf(l->arena, "helper-%s-%s%s", helper->helper, helper->proto == TCP ? "tcp" : "udp", ipv4 ? "-4" : "");
	if (name && fw_ruleset_object(l->rs, name))
		return name;
	struct fw_rs_object *object = name ? fw_ruleset_add_object(l->rs, name) : NULL;
	if (!object) {
		fw_lower_no_memory(l);
		return "";
	}
	object->kind = FW_RS_OBJECT_CT_HELPER;
	object->ct_helper.helper = helper->helper;
	object->ct_helper.l4proto = helper->proto;
	object->ct_helper.l3proto = ipv4 ? NFPROTO_IPV4 : NFPROTO_INET;
	object->origin = l->span;
	return name;
}

static void lower_helper(struct fw_lowering *l, const char *chain, const struct fw_what_helper *helper)
{
	if (helper->proto != TCP && helper->proto != UDP)
		return;
	struct fw_range proto[] = { { { 0, helper->proto }, { 0, helper->proto } } };
	const struct fw_atom atoms[] = {
		{ .field = FW_FIELD_PROTO, .kind = FW_ATOM_IN, .values = { proto, 1 } },
		{ .field = FW_FIELD_DPORT, .kind = FW_ATOM_IN, .values = helper->ports },
	};
	struct fw_exprs exprs;
	fw_exprs_init(&exprs);
	for (size_t i = 0; i < FW_ARRAY_SIZE(atoms); i++)
		fw_lower_atom(l, &exprs, &atoms[i]);
	struct fw_rs_expr *set = fw_exprs_add(&exprs, FW_RS_OBJREF);
	set->objref.type = NFT_OBJECT_CT_HELPER;
	set->objref.name = helper_object(l, helper);
	fw_lower_rule(l, chain, &exprs);
}

/* --- counters --- */

void fw_exprs_counter(struct fw_exprs *exprs, const char *name)
{
	struct fw_rs_expr *counter = fw_exprs_add(exprs, FW_RS_OBJREF);
	counter->objref.type = NFT_OBJECT_COUNTER;
	counter->objref.name = name;
}

struct fw_rs_object *fw_lower_counter(struct fw_lowering *l, const char *name, const struct fw_leaf *leaf, enum fw_rs_role role)
{
	struct fw_rs_object *object = l->error ? NULL : fw_ruleset_add_object(l->rs, name);
	if (!object) {
		fw_lower_no_memory(l);
		return NULL;
	}
	object->kind = FW_RS_OBJECT_COUNTER;
	object->tag = leaf->tag;
	object->tag.role = role;
	object->origin = leaf->span;
	return object;
}

/* The counter of a leaf has its name. */
static void add_hits(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	struct fw_rs_object *object = fw_lower_counter(l, leaf->name, leaf, FW_RS_ROLE_HIT);
	if (object && leaf->comment)
		object->comment = plain_text(l, fw_str_from(leaf->comment), COMMENT_MAX);
}

void fw_exprs_leaf(struct fw_exprs *exprs, const struct fw_leaf *leaf)
{
	if (!fw_leaf_is_plain(leaf)) {
		fw_exprs_verdict(exprs, NFT_GOTO, leaf->name);
		return;
	}
	fw_exprs_counter(exprs, leaf->name);
	fw_exprs_verdict(exprs, leaf->verdict == FW_ALLOW ? NF_ACCEPT : NF_DROP, NULL);
}

/* --- verdicts --- */

static void lower_verdict(struct fw_lowering *l, const struct fw_leaf *leaf, int32_t code)
{
	struct fw_exprs exprs;
	fw_exprs_init(&exprs);
	fw_exprs_counter(&exprs, leaf->name);
	fw_exprs_verdict(&exprs, code, NULL);
	fw_lower_rule(l, leaf->name, &exprs);
}

/* A reset for TCP, an ICMP error for the rest; rules only for what can get here. */
static void lower_reject(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	static const struct fw_range tcp[] = { { { 0, TCP }, { 0, TCP } } };
	static const struct fw_atom is_tcp = { .field = FW_FIELD_PROTO, .kind = FW_ATOM_IN, .values = { tcp, 1 } };
	if (leaf->takes_tcp) {
		struct fw_exprs exprs;
		fw_exprs_init(&exprs);
		fw_lower_atom(l, &exprs, &is_tcp);
		fw_exprs_counter(&exprs, leaf->name);
		fw_exprs_add(&exprs, FW_RS_REJECT)->reject.type = NFT_REJECT_TCP_RST;
		fw_lower_rule(l, leaf->name, &exprs);
	}
	if (!leaf->takes_other)
		return;
	struct fw_exprs exprs;
	fw_exprs_init(&exprs);
	fw_exprs_counter(&exprs, leaf->name);
	struct fw_rs_expr *reject = fw_exprs_add(&exprs, FW_RS_REJECT);
	reject->reject.type = NFT_REJECT_ICMPX_UNREACH;
	reject->reject.code = NFT_REJECT_ICMPX_PORT_UNREACH;
	fw_lower_rule(l, leaf->name, &exprs);
}

/* Dropped by the rule, but counted apart. */
static void lower_over(struct fw_lowering *l, const struct fw_leaf *leaf, const char *over)
{
	fw_lower_chain(l, over);
	fw_lower_counter(l, over, leaf, FW_RS_ROLE_OVER);
	lower_log(l, over, leaf, "over");
	struct fw_exprs exprs;
	fw_exprs_init(&exprs);
	fw_exprs_counter(&exprs, over);
	fw_exprs_verdict(&exprs, NF_DROP, NULL);
	fw_lower_rule(l, over, &exprs);
}

static void lower_chain(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	fw_lower_chain(l, leaf->name);
	if (leaf->connections || leaf->rate.count) {
		const char *over = state_name(l, "over", leaf);
		lower_over(l, leaf, over);
		fw_lower_gates(l, leaf, over);
	}
	for (size_t i = 0; i < leaf->helper_count; i++)
		lower_helper(l, leaf->name, &leaf->helpers[i]);
	if (leaf->log.on && leaf->log_unicast_only)
		lower_unicast_log(l, leaf);
	else
		lower_log(l, leaf->name, leaf, leaf->word);
	switch (leaf->verdict) {
	case FW_ALLOW:
		lower_verdict(l, leaf, NF_ACCEPT);
		break;
	case FW_DENY:
		lower_verdict(l, leaf, NF_DROP);
		break;
	case FW_REJECT:
		lower_reject(l, leaf);
		break;
	}
}

void fw_lower_leaf(struct fw_lowering *l, const struct fw_leaf *leaf)
{
	l->span = leaf->span;
	add_hits(l, leaf);
	/* what is limited or logged keeps its state while its rule is there, whether a packet can get to it or not */
	if (leaf->has_chain || !fw_leaf_is_plain(leaf))
		lower_chain(l, leaf);
}
