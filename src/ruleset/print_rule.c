/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/print_rule.c - one rule in nft's words. Walks the expressions and remembers what the registers hold, as every rule of ours
 * loads, shapes and tests one value after the other, or the parts of a concatenation side by side. The spelling is the one from which nft 1.0.6 makes the same expressions again. */
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "ruleset/print.h"

#define IPPROTO_ICMP_NUMBER 1
#define IPPROTO_ICMPV6_NUMBER 58

struct operand { /* what the register holds */
	char text[64];
	enum fw_rs_value value;
	bool masked;
	struct fw_rs_data mask;
};

struct printer {
	struct fw_buf *out;
	struct operand reg; /* loaded last */
	struct operand before[FW_RS_PARTS_MAX - 1]; /* the parts of a concatenation before it */
	size_t before_count;
	uint8_t proto; /* the last `meta l4proto` that was asked for, 0: none */
};

static void set_operand(struct printer *p, const char *text, enum fw_rs_value value)
{
	p->reg = (struct operand){ .value = value };
	size_t len = strlen(text);
	memcpy(p->reg.text, text, len < sizeof(p->reg.text) ? len + 1 : 0);
}

struct payload_name {
	uint32_t base, offset, len;
	const char *text;
	enum fw_rs_value value;
};
static const struct payload_name payload_names[] = {
	{ NFT_PAYLOAD_NETWORK_HEADER, 12, 4, "ip saddr", FW_RS_VALUE_IPV4 },
	{ NFT_PAYLOAD_NETWORK_HEADER, 16, 4, "ip daddr", FW_RS_VALUE_IPV4 },
	{ NFT_PAYLOAD_NETWORK_HEADER, 8, 16, "ip6 saddr", FW_RS_VALUE_IPV6 },
	{ NFT_PAYLOAD_NETWORK_HEADER, 24, 16, "ip6 daddr", FW_RS_VALUE_IPV6 },
	{ NFT_PAYLOAD_NETWORK_HEADER, 7, 1, "ip6 hoplimit", FW_RS_VALUE_NUMBER },
	{ NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, "th sport", FW_RS_VALUE_NUMBER },
	{ NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, "th dport", FW_RS_VALUE_NUMBER },
	{ NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1, "tcp flags", FW_RS_VALUE_NUMBER },
};

static void load_payload(struct printer *p, const struct fw_rs_expr *e)
{
	bool first_byte = e->payload.base == NFT_PAYLOAD_TRANSPORT_HEADER && e->payload.offset == 0 && e->payload.len == 1;
	if (first_byte && (p->proto == IPPROTO_ICMP_NUMBER || p->proto == IPPROTO_ICMPV6_NUMBER)) {
		set_operand(p, p->proto == IPPROTO_ICMP_NUMBER ? "icmp type" : "icmpv6 type", FW_RS_VALUE_NUMBER);
		return;
	}
	for (size_t i = 0; i < FW_ARRAY_SIZE(payload_names); i++) {
		const struct payload_name *name = &payload_names[i];
		if (name->base != e->payload.base || name->offset != e->payload.offset || name->len != e->payload.len)
			continue;
		set_operand(p, name->text, name->value);
		return;
	}
	static const char *const bases[] = { "@ll", "@nh", "@th" };
	if (e->payload.base == NFT_PAYLOAD_TRANSPORT_HEADER && e->payload.offset == 0 && e->payload.len == 4) {
		set_operand(p, "th sport", FW_RS_VALUE_PORTS);
		return;
	}
	char text[sizeof(p->reg.text)]; /* no memory is needed, and so none can be lacking */
	(void)snprintf(text, sizeof(text), "%s,%" PRIu32 ",%" PRIu32, e->payload.base < FW_ARRAY_SIZE(bases) ? bases[e->payload.base] : "@ih",
		       e->payload.offset * 8, e->payload.len * 8);
	set_operand(p, text, FW_RS_VALUE_RAW);
}

struct key_name {
	uint32_t key;
	const char *text;
	enum fw_rs_value value;
};
static const struct key_name meta_names[] = {
	{ NFT_META_NFPROTO, "meta nfproto", FW_RS_VALUE_FAMILY }, { NFT_META_L4PROTO, "meta l4proto", FW_RS_VALUE_NUMBER },
	{ NFT_META_IIFNAME, "iifname", FW_RS_VALUE_NAME },	  { NFT_META_OIFNAME, "oifname", FW_RS_VALUE_NAME },
	{ NFT_META_SKUID, "meta skuid", FW_RS_VALUE_HOST },	  { NFT_META_SKGID, "meta skgid", FW_RS_VALUE_HOST },
	{ NFT_META_TIME_NS, "meta time", FW_RS_VALUE_RAW },	  { NFT_META_MARK, "meta mark", FW_RS_VALUE_HOST },
	{ NFT_META_IIF, "meta iif", FW_RS_VALUE_HOST },	  { NFT_META_OIF, "meta oif", FW_RS_VALUE_HOST },
	{ NFT_META_LEN, "meta length", FW_RS_VALUE_HOST },
};
static const struct key_name ct_names[] = {
	{ NFT_CT_STATE, "ct state", FW_RS_VALUE_HOST },
	{ NFT_CT_STATUS, "ct status", FW_RS_VALUE_HOST },
	{ NFT_CT_HELPER, "ct helper", FW_RS_VALUE_NAME },
	{ NFT_CT_MARK, "ct mark", FW_RS_VALUE_HOST },
};

static void load_key(struct printer *p, const struct key_name *names, size_t count, uint32_t key)
{
	set_operand(p, "meta unknown", FW_RS_VALUE_RAW);
	for (size_t i = 0; i < count; i++)
		if (names[i].key == key)
			set_operand(p, names[i].text, names[i].value);
}

static void load_fib(struct printer *p, const struct fw_rs_expr *e)
{
	set_operand(p, e->fib.flags & NFTA_FIB_F_SADDR ? "fib saddr type" : "fib daddr type", FW_RS_VALUE_HOST);
}

/* From here on the register is big-endian, as intervals need it. */
static void swap_operand(struct printer *p)
{
	bool is_time = strcmp(p->reg.text, "meta time") == 0;
	p->reg.value = is_time ? FW_RS_VALUE_TIME : FW_RS_VALUE_NUMBER;
}

static void print_part(struct printer *p, const struct operand *part)
{
	const bool several = p->before_count > 0;
	fw_buf_printf(p->out, "%s%s", part->masked && several ? "(" : "", part->text);
	if (!part->masked)
		return;
	fw_buf_puts(p->out, " & ");
	fw_rs_print_value(p->out, part->value, part->mask.bytes, part->mask.len);
	fw_buf_puts(p->out, several ? ")" : "");
}

/* The left side of a test, with its mask. */
static void print_operand(struct printer *p)
{
	for (size_t i = 0; i < p->before_count; i++) {
		print_part(p, &p->before[i]);
		fw_buf_puts(p->out, " . ");
	}
	print_part(p, &p->reg);
}

static bool print_state(struct printer *p, const struct fw_rs_expr *e)
{
	static const char *const names[] = { "invalid", "established", "related", "new" };
	uint32_t bits = 0;
	memcpy(&bits, p->reg.mask.bytes, sizeof(bits));
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++) {
		if (bits != 1u << i || e->cmp.op != NFT_CMP_NEQ)
			continue;
		fw_buf_printf(p->out, "ct state %s", names[i]);
		return true;
	}
	return false;
}

/* One comparison; a low and a high bound of the same register are one range. Returns how many expressions that were. */
static size_t print_cmp(struct printer *p, const struct fw_rs_expr *e, size_t left)
{
	static const char *const operators[] = {
		[NFT_CMP_EQ] = "== ", [NFT_CMP_NEQ] = "!= ", [NFT_CMP_LT] = "< ", [NFT_CMP_LTE] = "<= ", [NFT_CMP_GT] = "> ", [NFT_CMP_GTE] = ">= ",
	};
	if (strcmp(p->reg.text, "ct state") == 0 && p->reg.masked && print_state(p, e))
		return 1;
	if (strcmp(p->reg.text, "meta l4proto") == 0 && e->cmp.op == NFT_CMP_EQ)
		p->proto = e->cmp.data.bytes[0];
	print_operand(p);
	fw_buf_putc(p->out, ' ');
	bool bounds = left > 1 && e->cmp.op == NFT_CMP_GTE && e[1].kind == FW_RS_CMP && e[1].cmp.op == NFT_CMP_LTE;
	if (bounds) {
		/* Not print_interval: nft would make a mask of a range that is a prefix. */
		fw_rs_print_value(p->out, p->reg.value, e->cmp.data.bytes, e->cmp.data.len);
		fw_buf_putc(p->out, '-');
		fw_rs_print_value(p->out, p->reg.value, e[1].cmp.data.bytes, e[1].cmp.data.len);
		return 2;
	}
	if (e->cmp.op != NFT_CMP_EQ || p->reg.masked)
		fw_buf_puts(p->out, e->cmp.op < FW_ARRAY_SIZE(operators) ? operators[e->cmp.op] : "?");
	fw_rs_print_value(p->out, p->reg.value, e->cmp.data.bytes, e->cmp.data.len);
	return 1;
}

static void print_range(struct printer *p, const struct fw_rs_expr *e)
{
	print_operand(p);
	fw_buf_puts(p->out, e->range.op == NFT_RANGE_NEQ ? " != " : " ");
	fw_rs_print_value(p->out, p->reg.value, e->range.from.bytes, e->range.from.len);
	fw_buf_putc(p->out, '-');
	fw_rs_print_value(p->out, p->reg.value, e->range.to.bytes, e->range.to.len);
}

static void print_lookup(struct printer *p, const struct fw_rs_expr *e)
{
	print_operand(p);
	fw_buf_printf(p->out, " %s@%s", e->lookup.has_dreg ? "vmap " : e->lookup.invert ? "!= " : "", e->lookup.set);
}

static void print_connlimit(struct printer *p, const struct fw_rs_expr *e)
{
	fw_buf_printf(p->out, "ct count %s%" PRIu32, e->connlimit.over ? "over " : "", e->connlimit.count);
}

static void print_dynset(struct printer *p, const struct fw_rs_expr *e)
{
	fw_buf_printf(p->out, "%s @%s { ", e->dynset.op == NFT_DYNSET_OP_UPDATE ? "update" : "add", e->dynset.set);
	print_operand(p);
	if (e->dynset.timeout_ms)
		fw_buf_printf(p->out, " timeout %" PRIu64 "s", e->dynset.timeout_ms / 1000);
	const struct fw_rs_expr *state = e->dynset.expr;
	if (state && state->kind == FW_RS_LIMIT) {
		fw_buf_puts(p->out, " limit ");
		fw_rs_print_limit(p->out, &state->limit);
	} else if (state && state->kind == FW_RS_CONNLIMIT) {
		fw_buf_putc(p->out, ' ');
		print_connlimit(p, state);
	}
	fw_buf_puts(p->out, " }");
}

static void print_objref(struct printer *p, const struct fw_rs_expr *e)
{
	const char *how = e->objref.type == NFT_OBJECT_COUNTER ? "counter name " :
			  e->objref.type == NFT_OBJECT_LIMIT   ? "limit name " :
								 "ct helper set ";
	fw_buf_puts(p->out, how);
	if (!e->objref.set) {
		fw_rs_print_quoted(p->out, e->objref.name);
		return;
	}
	print_operand(p);
	fw_buf_printf(p->out, " map @%s", e->objref.set);
}

static void print_log(struct printer *p, const struct fw_rs_expr *e)
{
	fw_buf_puts(p->out, "log prefix ");
	fw_rs_print_quoted(p->out, e->log.prefix ? e->log.prefix : "");
	fw_buf_printf(p->out, " group %u", e->log.group);
	if (e->log.snaplen)
		fw_buf_printf(p->out, " snaplen %" PRIu32, e->log.snaplen);
	if (e->log.qthreshold)
		fw_buf_printf(p->out, " queue-threshold %u", e->log.qthreshold);
}

static void print_reject(struct printer *p, const struct fw_rs_expr *e)
{
	if (e->reject.type == NFT_REJECT_TCP_RST)
		fw_buf_puts(p->out, "reject with tcp reset");
	else if (e->reject.type == NFT_REJECT_ICMPX_UNREACH && e->reject.code == NFT_REJECT_ICMPX_PORT_UNREACH)
		fw_buf_puts(p->out, "reject with icmpx port-unreachable");
	else
		fw_buf_printf(p->out, "reject with icmp%s %u", e->reject.type == NFT_REJECT_ICMPX_UNREACH ? "x" : "", e->reject.code);
}

/* A load into another register than the first is a further part of a concatenation. */
static void begin_part(struct printer *p, uint32_t dreg)
{
	if (dreg == NFT_REG_1)
		p->before_count = 0;
	else if (p->before_count < FW_ARRAY_SIZE(p->before))
		p->before[p->before_count++] = p->reg;
}

/* True where the expression only changes the register: nothing is to be written yet. */
static bool load_operand(struct printer *p, const struct fw_rs_expr *e)
{
	switch ((int)e->kind) {
	case FW_RS_PAYLOAD:
		begin_part(p, e->payload.dreg);
		load_payload(p, e);
		return true;
	case FW_RS_META:
		begin_part(p, e->meta.dreg);
		load_key(p, meta_names, FW_ARRAY_SIZE(meta_names), e->meta.key);
		return true;
	case FW_RS_CT:
		begin_part(p, e->ct.dreg);
		load_key(p, ct_names, FW_ARRAY_SIZE(ct_names), e->ct.key);
		return true;
	case FW_RS_FIB:
		begin_part(p, e->fib.dreg);
		load_fib(p, e);
		return true;
	case FW_RS_BITWISE:
		p->reg.masked = true;
		p->reg.mask = e->bitwise.mask;
		return true;
	case FW_RS_BYTEORDER:
		swap_operand(p);
		return true;
	}
	return false;
}

static void print_statement(struct printer *p, const struct fw_rs_expr *e)
{
	switch ((int)e->kind) {
	case FW_RS_RANGE:
		print_range(p, e);
		return;
	case FW_RS_LOOKUP:
		print_lookup(p, e);
		return;
	case FW_RS_DYNSET:
		print_dynset(p, e);
		return;
	case FW_RS_VERDICT:
		fw_rs_print_verdict(p->out, &e->verdict);
		return;
	case FW_RS_COUNTER:
		fw_buf_puts(p->out, "counter");
		return;
	case FW_RS_LIMIT:
		fw_buf_puts(p->out, "limit ");
		fw_rs_print_limit(p->out, &e->limit);
		return;
	case FW_RS_CONNLIMIT:
		print_connlimit(p, e);
		return;
	case FW_RS_OBJREF:
		print_objref(p, e);
		return;
	case FW_RS_LOG:
		print_log(p, e);
		return;
	case FW_RS_REJECT:
		print_reject(p, e);
		return;
	}
	fw_buf_printf(p->out, "# %s", e->unknown ? e->unknown : "?");
}

void fw_rs_print_rule(struct fw_buf *out, const struct fw_rs_rule *rule)
{
	struct printer p = { .out = out };
	bool first = true;
	for (size_t i = 0; i < rule->expr_count;) {
		const struct fw_rs_expr *e = &rule->exprs[i];
		if (load_operand(&p, e)) {
			i++;
			continue;
		}
		if (!first)
			fw_buf_putc(out, ' ');
		first = false;
		if (e->kind == FW_RS_CMP) {
			i += print_cmp(&p, e, rule->expr_count - i);
			continue;
		}
		print_statement(&p, e);
		i++;
	}
}
