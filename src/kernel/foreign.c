/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/foreign.c - marks for what others put into our table. Pure. */
#include "kernel/foreign.h"

#define FAMILY_BASE 0x8000U /* no NFPROTO_* is near it */

void fw_foreign_mark_set(struct fw_rs_set *set)
{
	set->kind = FW_RS_SET_CONSTANT;
	set->interval = set->dynamic = true;
	set->data = FW_RS_VERDICTS;
	set->elements = (struct fw_rs_elements){ .len = 0 };
}

bool fw_foreign_is_set(const struct fw_rs_set *set)
{
	return set->interval && set->data == FW_RS_VERDICTS && set->dynamic;
}

void fw_foreign_mark_chain(struct fw_rs_chain *chain)
{
	chain->priority = INT32_MIN;
}

void fw_foreign_mark_object(struct fw_rs_object *object, uint32_t type)
{
	object->kind = FW_RS_OBJECT_CT_HELPER;
	object->ct_helper.helper = "";
	object->ct_helper.l4proto = 0;
	object->ct_helper.l3proto = (uint16_t)(FAMILY_BASE | (type & 0xff));
}

uint32_t fw_foreign_object_type(const struct fw_rs_object *object)
{
	if (object->kind != FW_RS_OBJECT_CT_HELPER || !(object->ct_helper.l3proto & FAMILY_BASE))
		return 0;
	return object->ct_helper.l3proto & 0xff;
}
