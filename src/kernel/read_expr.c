/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_expr.c - expressions of the kernel, in the spelling in which they were sent (kernel/expr_table.h). An expression
 * that says anything ours cannot say is FW_RS_UNKNOWN with its name, so that it equals none of ours; one with attributes of a
 * wrong length is no answer of a kernel. */
#include "kernel/read.h"

#include <errno.h>
#include <string.h>

#include "kernel/expr_table.h"

/* An expression while it is read. */
struct reading {
	struct fw_ruleset *ruleset;
	const struct fw_expr_row *row;
	struct fw_attrs attrs;
	struct fw_rs_expr *expr;
	bool known; /* so far, our expression says all that the kernel's does */
};

static struct fw_attr_policy field_policy(const struct fw_expr_field *field)
{
	struct fw_attr_policy policy = { .attribute = field->attribute, .max = FW_NFT_NAME_MAX };

	switch (field->type) {
	case FW_FIELD_U8:
		policy.type = FW_ATTR_U8;
		break;
	case FW_FIELD_U16:
		policy.type = FW_ATTR_U16;
		break;
	case FW_FIELD_U32:
	case FW_FIELD_FLAG:
	case FW_FIELD_SPECIAL:
	case FW_FIELD_ZERO:
		policy.type = FW_ATTR_U32;
		break;
	case FW_FIELD_U64:
		policy.type = FW_ATTR_U64;
		break;
	case FW_FIELD_DATA:
	case FW_FIELD_NEST:
		policy.type = FW_ATTR_NESTED;
		break;
	case FW_FIELD_NAME:
		policy.type = FW_ATTR_STRING;
		break;
	case FW_FIELD_PAD:
		policy.type = FW_ATTR_BINARY;
		break;
	}
	return policy;
}

static const struct fw_attr_policy value_policy[] = {
	{ NFTA_DATA_VALUE, FW_ATTR_BINARY, FW_RS_DATA_MAX },
};

static int read_value(const struct nlattr *attr, struct fw_rs_data *data, bool *known)
{
	struct fw_attrs attrs;
	struct fw_str value;
	int r;

	r = fw_attrs_parse_nested(attr, value_policy, FW_ARRAY_SIZE(value_policy), &attrs);
	if (r < 0)
		return r;
	value = fw_attrs_bytes(&attrs, NFTA_DATA_VALUE);
	if (!value.len)
		*known = false;
	memcpy(data->bytes, value.data, value.len);
	data->len = (uint8_t)value.len;
	return 0;
}

static int read_name(struct reading *reading, uint16_t attribute, const char **name)
{
	*name = fw_read_name(reading->ruleset, fw_attrs_string(&reading->attrs, attribute));
	return *name ? 0 : -ENOMEM;
}

static void read_number(struct reading *reading, const struct fw_expr_field *field, void *at)
{
	uint32_t word;

	if (field->type == FW_FIELD_U8) {
		*(uint8_t *)at = fw_attrs_u8(&reading->attrs, field->attribute, 0);
	} else if (field->type == FW_FIELD_U16) {
		*(uint16_t *)at = fw_attrs_be16(&reading->attrs, field->attribute, 0);
	} else if (field->type == FW_FIELD_U32) {
		*(uint32_t *)at = fw_attrs_be32(&reading->attrs, field->attribute, 0);
	} else if (field->type == FW_FIELD_U64) {
		*(uint64_t *)at = fw_attrs_be64(&reading->attrs, field->attribute, 0);
	} else {
		word = fw_attrs_be32(&reading->attrs, field->attribute, 0);
		reading->known &= word <= (field->type == FW_FIELD_FLAG);
		if (field->type == FW_FIELD_FLAG)
			*(bool *)at = word & 1;
	}
}

static int read_field(struct reading *reading, const struct fw_expr_field *field)
{
	const struct nlattr *attr = reading->attrs.at[field->attribute];
	void *at = (char *)reading->expr + field->offset;

	if (!attr) {
		reading->known &= field->need == FW_FIELD_OPTIONAL;
		return 0;
	}
	switch (field->type) {
	case FW_FIELD_U8:
	case FW_FIELD_U16:
	case FW_FIELD_U32:
	case FW_FIELD_U64:
	case FW_FIELD_FLAG:
	case FW_FIELD_ZERO:
		read_number(reading, field, at);
		return 0;
	case FW_FIELD_DATA:
		return read_value(attr, at, &reading->known);
	case FW_FIELD_NAME:
		return read_name(reading, field->attribute, at);
	case FW_FIELD_SPECIAL:
	case FW_FIELD_NEST:
	case FW_FIELD_PAD:
		return 0;
	}
	return -EBADMSG;
}

static int read_verdict(struct reading *reading)
{
	const struct nlattr *data = reading->attrs.at[NFTA_IMMEDIATE_DATA];
	bool is_verdict = false;
	int r = 0;

	if (data)
		r = fw_read_verdict(reading->ruleset, data, &is_verdict, &reading->expr->verdict);
	if (!is_verdict || fw_attrs_be32(&reading->attrs, NFTA_IMMEDIATE_DREG, NFT_REG_1) != NFT_REG_VERDICT)
		reading->known = false;
	return r;
}

static void read_bitwise(struct reading *reading)
{
	const struct fw_rs_expr *expr = reading->expr;
	uint32_t len = fw_attrs_be32(&reading->attrs, NFTA_BITWISE_LEN, 0);

	if (len != expr->bitwise.mask.len || len != expr->bitwise.xor_bits.len)
		reading->known = false;
}

static void read_lookup(struct reading *reading)
{
	if (!reading->attrs.at[NFTA_LOOKUP_DREG])
		return;
	reading->expr->lookup.has_dreg = true;
	reading->expr->lookup.dreg = fw_attrs_be32(&reading->attrs, NFTA_LOOKUP_DREG, 0);
}

/* A name, or a set to ask for one; of a set it is known by its own data what its objects are: counters. */
static void read_objref(struct reading *reading)
{
	struct fw_rs_expr *expr = reading->expr;

	expr->objref.type = expr->objref.set ? NFT_OBJECT_COUNTER : fw_attrs_be32(&reading->attrs, NFTA_OBJREF_IMM_TYPE, 0);
	if (!expr->objref.set == !expr->objref.name)
		reading->known = false;
}

static const struct fw_attr_policy expr_policy[] = {
	{ NFTA_EXPR_NAME, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_EXPR_DATA, FW_ATTR_NESTED, 0 },
};

static int parse_expr(const struct nlattr *element, struct fw_attrs *ret_attrs)
{
	int r = fw_attrs_parse_nested(element, expr_policy, FW_ARRAY_SIZE(expr_policy), ret_attrs);

	if (r < 0)
		return r;
	return ret_attrs->at[NFTA_EXPR_NAME] ? 0 : -EBADMSG;
}

/* The stateful expression of a set's element: one level, for the kernel nests no deeper and the depth of a message is anybody's. */
static int read_dynset(struct reading *reading)
{
	const struct nlattr *nest = reading->attrs.at[NFTA_DYNSET_EXPR];
	enum fw_rs_expr_kind kind = FW_RS_UNKNOWN;
	struct fw_rs_expr *inner;
	struct fw_attrs attrs;
	int r;

	reading->expr->dynset.expr = NULL;
	if (fw_attrs_be32(&reading->attrs, NFTA_DYNSET_FLAGS, 0) & ~(uint32_t)NFT_DYNSET_F_EXPR)
		reading->known = false;
	if (!nest)
		return 0;
	r = parse_expr(nest, &attrs);
	if (r < 0)
		return r;
	if (!fw_expr_kind_by_name(fw_attrs_string(&attrs, NFTA_EXPR_NAME), &kind) || kind == FW_RS_DYNSET || !attrs.at[NFTA_EXPR_DATA]) {
		reading->known = false;
		return 0;
	}
	inner = fw_arena_alloc(reading->ruleset->arena, 1, sizeof(*inner));
	if (!inner)
		return -ENOMEM;
	reading->expr->dynset.expr = inner;
	r = fw_read_expr_fields(reading->ruleset, kind, attrs.at[NFTA_EXPR_DATA], inner, &reading->known);
	return r;
}

static int read_special(struct reading *reading)
{
	if (reading->expr->kind == FW_RS_VERDICT)
		return read_verdict(reading);
	if (reading->expr->kind == FW_RS_DYNSET)
		return read_dynset(reading);
	if (reading->expr->kind == FW_RS_BITWISE)
		read_bitwise(reading);
	if (reading->expr->kind == FW_RS_LOOKUP)
		read_lookup(reading);
	if (reading->expr->kind == FW_RS_OBJREF)
		read_objref(reading);
	return 0;
}

static int parse_fields(struct reading *reading, const struct nlattr *fields)
{
	struct fw_attr_policy policy[FW_EXPR_FIELDS_MAX];
	int r;

	for (size_t i = 0; i < reading->row->field_count; i++)
		policy[i] = field_policy(&reading->row->fields[i]);
	r = fw_attrs_parse_nested(fields, policy, reading->row->field_count, &reading->attrs);
	if (reading->attrs.unknown)
		reading->known = false;
	return r;
}

int fw_read_expr_fields(struct fw_ruleset *ruleset, enum fw_rs_expr_kind kind, const struct nlattr *fields, struct fw_rs_expr *ret_expr, bool *ret_known)
{
	struct reading reading = { .ruleset = ruleset, .row = fw_expr_row(kind), .expr = ret_expr, .known = true };
	int r;

	*ret_expr = (struct fw_rs_expr){ .kind = kind };
	r = parse_fields(&reading, fields);
	for (size_t i = 0; !r && i < reading.row->field_count; i++)
		r = read_field(&reading, &reading.row->fields[i]);
	if (!r)
		r = read_special(&reading);
	*ret_known &= reading.known;
	return r;
}

static int unknown_expr(struct fw_ruleset *ruleset, struct fw_str name, struct fw_rs_expr *ret_expr)
{
	*ret_expr = (struct fw_rs_expr){ .kind = FW_RS_UNKNOWN };
	ret_expr->unknown = fw_arena_copy(ruleset->arena, name);
	return ret_expr->unknown ? 0 : -ENOMEM;
}

int fw_read_expr(struct fw_ruleset *ruleset, const struct nlattr *element, struct fw_rs_expr *ret_expr)
{
	enum fw_rs_expr_kind kind;
	struct fw_attrs attrs;
	struct fw_str name;
	bool known = true;
	int r;

	r = parse_expr(element, &attrs);
	if (r < 0)
		return r;
	name = fw_attrs_string(&attrs, NFTA_EXPR_NAME);
	if (!attrs.at[NFTA_EXPR_DATA] || !fw_expr_kind_by_name(name, &kind))
		return unknown_expr(ruleset, name, ret_expr);
	r = fw_read_expr_fields(ruleset, kind, attrs.at[NFTA_EXPR_DATA], ret_expr, &known);
	if (r < 0 || known)
		return r;
	return unknown_expr(ruleset, name, ret_expr);
}
