/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/expr_table.h - one row for each kind of expression, one for each of its attributes: what the sender writes and the
 * reader takes apart again, so that both mean the same by construction. What does not fit a row (verdicts, nested expressions,
 * lengths that follow from data) is done beside it by sender and reader. */
#ifndef FW_KERNEL_EXPR_TABLE_H
#define FW_KERNEL_EXPR_TABLE_H

#include "ruleset/ruleset.h"

enum fw_field_type {
	FW_FIELD_U8,
	FW_FIELD_U16,
	FW_FIELD_U32,
	FW_FIELD_U64,
	FW_FIELD_DATA,    /* struct fw_rs_data */
	FW_FIELD_NAME,    /* const char * */
	FW_FIELD_FLAG,    /* bool: bit 0 of 32 bits */
	FW_FIELD_SPECIAL, /* 32 bits or nested, seen to by hand; not sent by the row */
	FW_FIELD_ZERO,    /* 32 bits that must be 0 where the kernel tells them; not sent */
	FW_FIELD_NEST,    /* as SPECIAL, nested */
	FW_FIELD_PAD,
};

enum fw_field_need {
	FW_FIELD_NEEDED,
	FW_FIELD_OPTIONAL, /* absent means 0 or NULL, and 0 or NULL is not sent */
};

struct fw_expr_field {
	uint16_t attribute; /* NFTA_* of the kernel */
	uint16_t builder;   /* NFTNL_EXPR_* of libnftnl */
	enum fw_field_type type;
	enum fw_field_need need;
	size_t offset; /* in struct fw_rs_expr */
};

struct fw_expr_row {
	const char *name; /* the kernel's */
	const struct fw_expr_field *fields;
	size_t field_count;
};
#define FW_EXPR_FIELDS_MAX 10

const struct fw_expr_row *fw_expr_row(enum fw_rs_expr_kind kind);            /* NULL: FW_RS_UNKNOWN */
bool fw_expr_kind_by_name(struct fw_str name, enum fw_rs_expr_kind *ret_kind); /* false: none of ours */

#endif
