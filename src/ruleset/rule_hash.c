/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/rule_hash.c - what makes two rules the same, as one number: a plain serialisation of everything but runtime values (counters,
 * handles, places in the text), hashed. Fields are written with their widths and strings with their ends, so that no two rules share one. */
#include "ruleset/ruleset.h"

#include <string.h>

static void put_string(struct fw_digest *sink, const char *string)
{
	fw_digest_number(sink, string != NULL);
	fw_digest_string(sink, fw_str_from(string ? string : ""));
}

static void put_data(struct fw_digest *sink, const struct fw_rs_data *data)
{
	fw_digest_number(sink, data->len);
	fw_digest_bytes(sink, data->bytes, data->len);
}

static void put_limit(struct fw_digest *sink, const struct fw_rs_limit *limit)
{
	fw_digest_number(sink, limit->rate);
	fw_digest_number(sink, limit->unit_s);
	fw_digest_number(sink, limit->burst);
	fw_digest_number(sink, limit->over);
}

static void put_expr(struct fw_digest *sink, const struct fw_rs_expr *e);

/* Loads, and what works on registers alone. */
static void put_register_expr(struct fw_digest *sink, const struct fw_rs_expr *e)
{
	uint64_t words[5] = { 0 };
	if (e->kind == FW_RS_PAYLOAD) {
		words[0] = e->payload.base;
		words[1] = e->payload.offset;
		words[2] = e->payload.len;
		words[3] = e->payload.dreg;
	} else if (e->kind == FW_RS_META || e->kind == FW_RS_CT) {
		words[0] = e->kind == FW_RS_META ? e->meta.key : e->ct.key;
		words[1] = e->kind == FW_RS_META ? e->meta.dreg : e->ct.dreg;
	} else if (e->kind == FW_RS_FIB) {
		words[0] = e->fib.flags;
		words[1] = e->fib.result;
		words[2] = e->fib.dreg;
	} else if (e->kind == FW_RS_BYTEORDER) {
		words[0] = e->byteorder.op;
		words[1] = e->byteorder.sreg;
		words[2] = e->byteorder.dreg;
		words[3] = e->byteorder.len;
		words[4] = e->byteorder.size;
	}
	fw_digest_bytes(sink, words, sizeof(words));
}

static void put_test(struct fw_digest *sink, const struct fw_rs_expr *e)
{
	if (e->kind == FW_RS_CMP) {
		fw_digest_number(sink, e->cmp.op);
		fw_digest_number(sink, e->cmp.sreg);
		put_data(sink, &e->cmp.data);
	} else if (e->kind == FW_RS_BITWISE) {
		fw_digest_number(sink, e->bitwise.sreg);
		fw_digest_number(sink, e->bitwise.dreg);
		put_data(sink, &e->bitwise.mask);
		put_data(sink, &e->bitwise.xor_bits);
	} else if (e->kind == FW_RS_RANGE) {
		fw_digest_number(sink, e->range.op);
		fw_digest_number(sink, e->range.sreg);
		put_data(sink, &e->range.from);
		put_data(sink, &e->range.to);
	} else if (e->kind == FW_RS_LOOKUP) {
		put_string(sink, e->lookup.set);
		fw_digest_number(sink, e->lookup.sreg);
		fw_digest_number(sink, e->lookup.has_dreg ? e->lookup.dreg + 1 : 0);
		fw_digest_number(sink, e->lookup.invert);
	}
}

static void put_dynset(struct fw_digest *sink, const struct fw_rs_expr *e)
{
	put_string(sink, e->dynset.set);
	fw_digest_number(sink, e->dynset.op);
	fw_digest_number(sink, e->dynset.sreg);
	fw_digest_number(sink, e->dynset.timeout_ms);
	if (e->dynset.expr)
		put_expr(sink, e->dynset.expr);
}

static void put_log(struct fw_digest *sink, const struct fw_rs_expr *e)
{
	fw_digest_number(sink, e->log.group);
	put_string(sink, e->log.prefix);
	fw_digest_number(sink, e->log.snaplen);
	fw_digest_number(sink, e->log.qthreshold);
}

static void put_expr(struct fw_digest *sink, const struct fw_rs_expr *e)
{
	fw_digest_number(sink, e->kind);
	switch (e->kind) {
	case FW_RS_PAYLOAD:
	case FW_RS_META:
	case FW_RS_CT:
	case FW_RS_FIB:
	case FW_RS_BYTEORDER:
		put_register_expr(sink, e);
		return;
	case FW_RS_CMP:
	case FW_RS_BITWISE:
	case FW_RS_RANGE:
	case FW_RS_LOOKUP:
		put_test(sink, e);
		return;
	case FW_RS_DYNSET:
		put_dynset(sink, e);
		return;
	case FW_RS_VERDICT:
		fw_digest_number(sink, (uint64_t)(int64_t)e->verdict.code);
		put_string(sink, e->verdict.chain);
		return;
	case FW_RS_COUNTER: /* its values are no part of what the rule is */
		return;
	case FW_RS_LIMIT:
		put_limit(sink, &e->limit);
		return;
	case FW_RS_CONNLIMIT:
		fw_digest_number(sink, e->connlimit.count);
		fw_digest_number(sink, e->connlimit.over);
		return;
	case FW_RS_OBJREF:
		fw_digest_number(sink, e->objref.type);
		put_string(sink, e->objref.name);
		put_string(sink, e->objref.set);
		fw_digest_number(sink, e->objref.sreg);
		return;
	case FW_RS_LOG:
		put_log(sink, e);
		return;
	case FW_RS_REJECT:
		fw_digest_number(sink, e->reject.type);
		fw_digest_number(sink, e->reject.code);
		return;
	case FW_RS_UNKNOWN:
		put_string(sink, e->unknown);
		return;
	}
}

struct fw_hash fw_rs_rule_hash(const struct fw_rs_rule *rule)
{
	struct fw_digest sink;
	fw_digest_init(&sink);
	fw_digest_number(&sink, rule->tag.owner);
	fw_digest_number(&sink, rule->tag.role);
	put_string(&sink, rule->tag.id);
	put_string(&sink, rule->comment);
	fw_digest_number(&sink, rule->blob.len);
	fw_digest_bytes(&sink, rule->blob.data, rule->blob.len);
	for (size_t i = 0; i < rule->expr_count; i++)
		put_expr(&sink, &rule->exprs[i]);
	return fw_digest_end(&sink);
}
