/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/expr_table.c - the table of expressions and their attributes. Data only. Attributes that are not here make an expression
 * unknown when it is read. */
#include "kernel/expr_table.h"

#include "kernel/nf.h"

#include <libnftnl/expr.h>

#define AT(member) offsetof(struct fw_rs_expr, member)
#define ROW(kind_name, table) { kind_name, table, FW_ARRAY_SIZE(table) }

static const struct fw_expr_field payload_fields[] = {
	{ NFTA_PAYLOAD_DREG, NFTNL_EXPR_PAYLOAD_DREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(payload.dreg) },
	{ NFTA_PAYLOAD_BASE, NFTNL_EXPR_PAYLOAD_BASE, FW_FIELD_U32, FW_FIELD_NEEDED, AT(payload.base) },
	{ NFTA_PAYLOAD_OFFSET, NFTNL_EXPR_PAYLOAD_OFFSET, FW_FIELD_U32, FW_FIELD_NEEDED, AT(payload.offset) },
	{ NFTA_PAYLOAD_LEN, NFTNL_EXPR_PAYLOAD_LEN, FW_FIELD_U32, FW_FIELD_NEEDED, AT(payload.len) },
};

static const struct fw_expr_field meta_fields[] = {
	{ NFTA_META_KEY, NFTNL_EXPR_META_KEY, FW_FIELD_U32, FW_FIELD_NEEDED, AT(meta.key) },
	{ NFTA_META_DREG, NFTNL_EXPR_META_DREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(meta.dreg) },
};

static const struct fw_expr_field ct_fields[] = {
	{ NFTA_CT_KEY, NFTNL_EXPR_CT_KEY, FW_FIELD_U32, FW_FIELD_NEEDED, AT(ct.key) },
	{ NFTA_CT_DREG, NFTNL_EXPR_CT_DREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(ct.dreg) },
};

static const struct fw_expr_field fib_fields[] = {
	{ NFTA_FIB_FLAGS, NFTNL_EXPR_FIB_FLAGS, FW_FIELD_U32, FW_FIELD_NEEDED, AT(fib.flags) },
	{ NFTA_FIB_RESULT, NFTNL_EXPR_FIB_RESULT, FW_FIELD_U32, FW_FIELD_NEEDED, AT(fib.result) },
	{ NFTA_FIB_DREG, NFTNL_EXPR_FIB_DREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(fib.dreg) },
};

static const struct fw_expr_field cmp_fields[] = {
	{ NFTA_CMP_SREG, NFTNL_EXPR_CMP_SREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(cmp.sreg) },
	{ NFTA_CMP_OP, NFTNL_EXPR_CMP_OP, FW_FIELD_U32, FW_FIELD_NEEDED, AT(cmp.op) },
	{ NFTA_CMP_DATA, NFTNL_EXPR_CMP_DATA, FW_FIELD_DATA, FW_FIELD_NEEDED, AT(cmp.data) },
};

static const struct fw_expr_field bitwise_fields[] = {
	{ NFTA_BITWISE_SREG, NFTNL_EXPR_BITWISE_SREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(bitwise.sreg) },
	{ NFTA_BITWISE_DREG, NFTNL_EXPR_BITWISE_DREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(bitwise.dreg) },
	{ NFTA_BITWISE_MASK, NFTNL_EXPR_BITWISE_MASK, FW_FIELD_DATA, FW_FIELD_NEEDED, AT(bitwise.mask) },
	{ NFTA_BITWISE_XOR, NFTNL_EXPR_BITWISE_XOR, FW_FIELD_DATA, FW_FIELD_NEEDED, AT(bitwise.xor_bits) },
	{ NFTA_BITWISE_LEN, NFTNL_EXPR_BITWISE_LEN, FW_FIELD_SPECIAL, FW_FIELD_NEEDED, 0 },
	{ NFTA_BITWISE_OP, NFTNL_EXPR_BITWISE_OP, FW_FIELD_ZERO, FW_FIELD_OPTIONAL, 0 },
};

static const struct fw_expr_field byteorder_fields[] = {
	{ NFTA_BYTEORDER_SREG, NFTNL_EXPR_BYTEORDER_SREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(byteorder.sreg) },
	{ NFTA_BYTEORDER_DREG, NFTNL_EXPR_BYTEORDER_DREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(byteorder.dreg) },
	{ NFTA_BYTEORDER_OP, NFTNL_EXPR_BYTEORDER_OP, FW_FIELD_U32, FW_FIELD_NEEDED, AT(byteorder.op) },
	{ NFTA_BYTEORDER_LEN, NFTNL_EXPR_BYTEORDER_LEN, FW_FIELD_U32, FW_FIELD_NEEDED, AT(byteorder.len) },
	{ NFTA_BYTEORDER_SIZE, NFTNL_EXPR_BYTEORDER_SIZE, FW_FIELD_U32, FW_FIELD_NEEDED, AT(byteorder.size) },
};

static const struct fw_expr_field range_fields[] = {
	{ NFTA_RANGE_SREG, NFTNL_EXPR_RANGE_SREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(range.sreg) },
	{ NFTA_RANGE_OP, NFTNL_EXPR_RANGE_OP, FW_FIELD_U32, FW_FIELD_NEEDED, AT(range.op) },
	{ NFTA_RANGE_FROM_DATA, NFTNL_EXPR_RANGE_FROM_DATA, FW_FIELD_DATA, FW_FIELD_NEEDED, AT(range.from) },
	{ NFTA_RANGE_TO_DATA, NFTNL_EXPR_RANGE_TO_DATA, FW_FIELD_DATA, FW_FIELD_NEEDED, AT(range.to) },
};

static const struct fw_expr_field lookup_fields[] = {
	{ NFTA_LOOKUP_SET, NFTNL_EXPR_LOOKUP_SET, FW_FIELD_NAME, FW_FIELD_NEEDED, AT(lookup.set) },
	{ NFTA_LOOKUP_SREG, NFTNL_EXPR_LOOKUP_SREG, FW_FIELD_U32, FW_FIELD_NEEDED, AT(lookup.sreg) },
	{ NFTA_LOOKUP_DREG, NFTNL_EXPR_LOOKUP_DREG, FW_FIELD_SPECIAL, FW_FIELD_OPTIONAL, 0 },
	{ NFTA_LOOKUP_FLAGS, NFTNL_EXPR_LOOKUP_FLAGS, FW_FIELD_FLAG, FW_FIELD_OPTIONAL, AT(lookup.invert) },
};

static const struct fw_expr_field dynset_fields[] = {
	{ NFTA_DYNSET_SET_NAME, NFTNL_EXPR_DYNSET_SET_NAME, FW_FIELD_NAME, FW_FIELD_NEEDED, AT(dynset.set) },
	{ NFTA_DYNSET_OP, NFTNL_EXPR_DYNSET_OP, FW_FIELD_U32, FW_FIELD_NEEDED, AT(dynset.op) },
	{ NFTA_DYNSET_SREG_KEY, NFTNL_EXPR_DYNSET_SREG_KEY, FW_FIELD_U32, FW_FIELD_NEEDED, AT(dynset.sreg) },
	{ NFTA_DYNSET_TIMEOUT, NFTNL_EXPR_DYNSET_TIMEOUT, FW_FIELD_U64, FW_FIELD_OPTIONAL, AT(dynset.timeout_ms) },
	{ NFTA_DYNSET_EXPR, NFTNL_EXPR_DYNSET_EXPR, FW_FIELD_NEST, FW_FIELD_OPTIONAL, AT(dynset.expr) },
	{ NFTA_DYNSET_FLAGS, NFTNL_EXPR_DYNSET_FLAGS, FW_FIELD_SPECIAL, FW_FIELD_OPTIONAL, 0 },
	{ NFTA_DYNSET_PAD, 0, FW_FIELD_PAD, FW_FIELD_OPTIONAL, 0 },
};

static const struct fw_expr_field verdict_fields[] = {
	{ NFTA_IMMEDIATE_DREG, NFTNL_EXPR_IMM_DREG, FW_FIELD_SPECIAL, FW_FIELD_NEEDED, 0 },
	{ NFTA_IMMEDIATE_DATA, NFTNL_EXPR_IMM_DATA, FW_FIELD_NEST, FW_FIELD_NEEDED, 0 },
};

static const struct fw_expr_field counter_fields[] = {
	{ NFTA_COUNTER_PACKETS, NFTNL_EXPR_CTR_PACKETS, FW_FIELD_U64, FW_FIELD_OPTIONAL, AT(counter.packets) },
	{ NFTA_COUNTER_BYTES, NFTNL_EXPR_CTR_BYTES, FW_FIELD_U64, FW_FIELD_OPTIONAL, AT(counter.bytes) },
	{ NFTA_COUNTER_PAD, 0, FW_FIELD_PAD, FW_FIELD_OPTIONAL, 0 },
};

static const struct fw_expr_field limit_fields[] = {
	{ NFTA_LIMIT_RATE, NFTNL_EXPR_LIMIT_RATE, FW_FIELD_U64, FW_FIELD_NEEDED, AT(limit.rate) },
	{ NFTA_LIMIT_UNIT, NFTNL_EXPR_LIMIT_UNIT, FW_FIELD_U64, FW_FIELD_NEEDED, AT(limit.unit_s) },
	{ NFTA_LIMIT_BURST, NFTNL_EXPR_LIMIT_BURST, FW_FIELD_U32, FW_FIELD_OPTIONAL, AT(limit.burst) },
	{ NFTA_LIMIT_FLAGS, NFTNL_EXPR_LIMIT_FLAGS, FW_FIELD_FLAG, FW_FIELD_OPTIONAL, AT(limit.over) },
	{ NFTA_LIMIT_TYPE, NFTNL_EXPR_LIMIT_TYPE, FW_FIELD_ZERO, FW_FIELD_OPTIONAL, 0 }, /* NFT_LIMIT_PKTS */
	{ NFTA_LIMIT_PAD, 0, FW_FIELD_PAD, FW_FIELD_OPTIONAL, 0 },
};

static const struct fw_expr_field connlimit_fields[] = {
	{ NFTA_CONNLIMIT_COUNT, NFTNL_EXPR_CONNLIMIT_COUNT, FW_FIELD_U32, FW_FIELD_NEEDED, AT(connlimit.count) },
	{ NFTA_CONNLIMIT_FLAGS, NFTNL_EXPR_CONNLIMIT_FLAGS, FW_FIELD_FLAG, FW_FIELD_OPTIONAL, AT(connlimit.over) },
};

static const struct fw_expr_field objref_fields[] = {
	/* Either a type and a name, or a set and a register: what is not said is not sent. */
	{ NFTA_OBJREF_IMM_TYPE, NFTNL_EXPR_OBJREF_IMM_TYPE, FW_FIELD_SPECIAL, FW_FIELD_OPTIONAL, 0 },
	{ NFTA_OBJREF_IMM_NAME, NFTNL_EXPR_OBJREF_IMM_NAME, FW_FIELD_NAME, FW_FIELD_OPTIONAL, AT(objref.name) },
	{ NFTA_OBJREF_SET_NAME, NFTNL_EXPR_OBJREF_SET_NAME, FW_FIELD_NAME, FW_FIELD_OPTIONAL, AT(objref.set) },
	{ NFTA_OBJREF_SET_SREG, NFTNL_EXPR_OBJREF_SET_SREG, FW_FIELD_U32, FW_FIELD_OPTIONAL, AT(objref.sreg) },
	{ NFTA_OBJREF_SET_ID, NFTNL_EXPR_OBJREF_SET_ID, FW_FIELD_SPECIAL, FW_FIELD_OPTIONAL, 0 },
};

static const struct fw_expr_field log_fields[] = {
	/* Sent though it be 0: with a group it is NFLOG, without one the kernel's log. */
	{ NFTA_LOG_GROUP, NFTNL_EXPR_LOG_GROUP, FW_FIELD_U16, FW_FIELD_NEEDED, AT(log.group) },
	{ NFTA_LOG_PREFIX, NFTNL_EXPR_LOG_PREFIX, FW_FIELD_NAME, FW_FIELD_OPTIONAL, AT(log.prefix) },
	{ NFTA_LOG_SNAPLEN, NFTNL_EXPR_LOG_SNAPLEN, FW_FIELD_U32, FW_FIELD_OPTIONAL, AT(log.snaplen) },
	{ NFTA_LOG_QTHRESHOLD, NFTNL_EXPR_LOG_QTHRESHOLD, FW_FIELD_U16, FW_FIELD_OPTIONAL, AT(log.qthreshold) },
};

static const struct fw_expr_field reject_fields[] = {
	{ NFTA_REJECT_TYPE, NFTNL_EXPR_REJECT_TYPE, FW_FIELD_U32, FW_FIELD_NEEDED, AT(reject.type) },
	{ NFTA_REJECT_ICMP_CODE, NFTNL_EXPR_REJECT_CODE, FW_FIELD_U8, FW_FIELD_OPTIONAL, AT(reject.code) },
};

static const struct fw_expr_row rows[] = {
	[FW_RS_PAYLOAD] = ROW("payload", payload_fields),
	[FW_RS_META] = ROW("meta", meta_fields),
	[FW_RS_CT] = ROW("ct", ct_fields),
	[FW_RS_FIB] = ROW("fib", fib_fields),
	[FW_RS_CMP] = ROW("cmp", cmp_fields),
	[FW_RS_BITWISE] = ROW("bitwise", bitwise_fields),
	[FW_RS_BYTEORDER] = ROW("byteorder", byteorder_fields),
	[FW_RS_RANGE] = ROW("range", range_fields),
	[FW_RS_LOOKUP] = ROW("lookup", lookup_fields),
	[FW_RS_DYNSET] = ROW("dynset", dynset_fields),
	[FW_RS_VERDICT] = ROW("immediate", verdict_fields),
	[FW_RS_COUNTER] = ROW("counter", counter_fields),
	[FW_RS_LIMIT] = ROW("limit", limit_fields),
	[FW_RS_CONNLIMIT] = ROW("connlimit", connlimit_fields),
	[FW_RS_OBJREF] = ROW("objref", objref_fields),
	[FW_RS_LOG] = ROW("log", log_fields),
	[FW_RS_REJECT] = ROW("reject", reject_fields),
};

const struct fw_expr_row *fw_expr_row(enum fw_rs_expr_kind kind)
{
	return (size_t)kind < FW_ARRAY_SIZE(rows) ? &rows[kind] : NULL;
}

bool fw_expr_kind_by_name(struct fw_str name, enum fw_rs_expr_kind *ret_kind)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		if (!fw_str_equal(name, fw_str_from(rows[i].name)))
			continue;
		*ret_kind = (enum fw_rs_expr_kind)i;
		return true;
	}
	return false;
}
