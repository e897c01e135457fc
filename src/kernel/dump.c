/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/dump.c - asks for dumps of our table, for the elements of a set, and for the head of one. */
#include "kernel/dump.h"

#include <errno.h>

#include "kernel/send.h"

struct nlmsghdr *fw_dump_request(struct fw_nl *nl, char *buffer, uint16_t message, uint16_t table_attribute)
{
	struct nlmsghdr *request = fw_nl_nf_message(nl, buffer, fw_nf_type(message), NLM_F_DUMP);

	/* Kernels that filter send less; the readers filter in any case. */
	mnl_attr_put_strz(request, table_attribute, FW_TABLE_NAME);
	return request;
}

int fw_dump_elements(struct fw_nl *nl, const char *set, fw_nl_reader *reader, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_dump_request(nl, buffer, NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_TABLE);

	if (!fw_send_name_ok(set))
		return -ENOENT;
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set);
	return fw_nl_talk(nl, request, reader, data, NULL);
}

int fw_dump_set_head(struct fw_nl *nl, const char *set, struct fw_read_set_head *ret_head)
{
	_Alignas(struct nlmsghdr) char buffer[FW_NL_REQUEST];
	struct nlmsghdr *request = fw_nl_nf_message(nl, buffer, fw_nf_type(NFT_MSG_GETSET), NLM_F_ACK);

	*ret_head = (struct fw_read_set_head){ .counted = false };
	if (!fw_send_name_ok(set))
		return -ENOENT;
	mnl_attr_put_strz(request, NFTA_SET_TABLE, FW_TABLE_NAME);
	mnl_attr_put_strz(request, NFTA_SET_NAME, set);
	return fw_nl_talk(nl, request, fw_read_set_head, ret_head, NULL);
}
