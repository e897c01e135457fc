/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/send_expr.c - an expression of a ruleset as libnftnl's. Driven by kernel/expr_table.h; what no row can say is in the
 * functions named after it. Checks every length, for libnftnl does not. */
#include "kernel/send.h"

#include <errno.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "kernel/expr_table.h"

static void free_expr(struct nftnl_expr **expr)
{
	if (*expr)
		nftnl_expr_free(*expr);
}

bool fw_send_name_ok(const char *name)
{
	return name && *name && strnlen(name, FW_NFT_NAME_MAX + 1) <= FW_NFT_NAME_MAX;
}

static const void *member(const struct fw_rs_expr *expr, size_t offset)
{
	return (const char *)expr + offset;
}

static bool put_number(const struct fw_expr_field *field, uint64_t value, struct nftnl_expr *to)
{
	if (field->need == FW_FIELD_OPTIONAL && !value)
		return true;
	if (field->type == FW_FIELD_U8)
		nftnl_expr_set_u8(to, field->builder, (uint8_t)value);
	else if (field->type == FW_FIELD_U16)
		nftnl_expr_set_u16(to, field->builder, (uint16_t)value);
	else if (field->type == FW_FIELD_U64)
		nftnl_expr_set_u64(to, field->builder, value);
	else
		nftnl_expr_set_u32(to, field->builder, (uint32_t)value);
	return true;
}

static bool put_data(const struct fw_expr_field *field, const struct fw_rs_data *data, struct nftnl_expr *to)
{
	if (!data->len || data->len > FW_RS_DATA_MAX)
		return false;
	return nftnl_expr_set(to, field->builder, data->bytes, data->len) == 0;
}

static bool put_name(const struct fw_expr_field *field, const char *name, struct nftnl_expr *to)
{
	if (!name && field->need == FW_FIELD_OPTIONAL)
		return true;
	return fw_send_name_ok(name) && nftnl_expr_set_str(to, field->builder, name) == 0;
}

/* False: the value cannot be sent (or libnftnl had no memory for it). */
static bool put_field(const struct fw_expr_field *field, const struct fw_rs_expr *from, struct nftnl_expr *to)
{
	const void *at = member(from, field->offset);

	switch (field->type) {
	case FW_FIELD_U8:
		return put_number(field, *(const uint8_t *)at, to);
	case FW_FIELD_U16:
		return put_number(field, *(const uint16_t *)at, to);
	case FW_FIELD_U32:
		return put_number(field, *(const uint32_t *)at, to);
	case FW_FIELD_U64:
		return put_number(field, *(const uint64_t *)at, to);
	case FW_FIELD_DATA:
		return put_data(field, at, to);
	case FW_FIELD_NAME:
		return put_name(field, *(const char *const *)at, to);
	case FW_FIELD_FLAG:
		return put_number(field, *(const bool *)at, to);
	case FW_FIELD_SPECIAL:
	case FW_FIELD_ZERO:
	case FW_FIELD_NEST:
	case FW_FIELD_PAD:
		return true;
	}
	return false;
}

static int put_verdict(const struct fw_rs_expr *from, struct nftnl_expr *to)
{
	const struct fw_rs_verdict *verdict = &from->verdict;
	bool jumps = verdict->code == NFT_JUMP || verdict->code == NFT_GOTO;

	nftnl_expr_set_u32(to, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(to, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict->code);
	if (!jumps)
		return 0;
	if (!fw_send_name_ok(verdict->chain))
		return -EINVAL;
	return nftnl_expr_set_str(to, NFTNL_EXPR_IMM_CHAIN, verdict->chain) ? -ENOMEM : 0;
}

static int put_bitwise(const struct fw_rs_expr *from, struct nftnl_expr *to)
{
	if (from->bitwise.mask.len != from->bitwise.xor_bits.len)
		return -EINVAL;
	nftnl_expr_set_u32(to, NFTNL_EXPR_BITWISE_LEN, from->bitwise.mask.len);
	return 0;
}

static int put_dynset(const struct fw_rs_expr *from, struct nftnl_expr *to)
{
	struct nftnl_expr *inner = NULL;
	int r;

	if (!from->dynset.expr)
		return 0;
	if (from->dynset.expr->kind == FW_RS_DYNSET) /* the kernel nests none; and no recursion without end */
		return -EINVAL;
	r = fw_send_expr(from->dynset.expr, &inner);
	if (r < 0)
		return r;
	nftnl_expr_add_expr(to, NFTNL_EXPR_DYNSET_EXPRESSIONS, inner); /* takes it */
	return 0;
}

static int put_special(const struct fw_rs_expr *from, struct nftnl_expr *to)
{
	if (from->kind == FW_RS_VERDICT)
		return put_verdict(from, to);
	if (from->kind == FW_RS_BITWISE)
		return put_bitwise(from, to);
	if (from->kind == FW_RS_DYNSET)
		return put_dynset(from, to);
	if (from->kind == FW_RS_LOOKUP && from->lookup.has_dreg)
		nftnl_expr_set_u32(to, NFTNL_EXPR_LOOKUP_DREG, from->lookup.dreg);
	if (from->kind == FW_RS_OBJREF && !from->objref.set)
		nftnl_expr_set_u32(to, NFTNL_EXPR_OBJREF_IMM_TYPE, from->objref.type);
	if (from->kind == FW_RS_OBJREF && !from->objref.set == !from->objref.name)
		return -EINVAL;
	if (from->kind == FW_RS_LOG && from->log.prefix && strlen(from->log.prefix) > FW_NFT_LOG_PREFIX_MAX)
		return -E2BIG;
	return 0;
}

int fw_send_expr(const struct fw_rs_expr *expr, struct nftnl_expr **ret_expr)
{
	const struct fw_expr_row *row = fw_expr_row(expr->kind);
	struct nftnl_expr *to FW_CLEANUP(free_expr) = NULL;
	int r;

	if (!row)
		return -EINVAL;
	to = nftnl_expr_alloc(row->name);
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < row->field_count; i++)
		if (!put_field(&row->fields[i], expr, to))
			return -EINVAL;
	r = put_special(expr, to);
	if (r < 0)
		return r;
	*ret_expr = to;
	to = NULL;
	return 0;
}
