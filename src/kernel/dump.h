/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/dump.h - requests for dumps of our table and its sets. */
#ifndef FW_KERNEL_DUMP_H
#define FW_KERNEL_DUMP_H

#include "kernel/netlink.h"
#include "kernel/read.h"

struct nlmsghdr *fw_dump_request(struct fw_nl *nl, char *buffer, uint16_t message, uint16_t table_attribute);
/* All elements of one set, as fw_nl_talk. */
int fw_dump_elements(struct fw_nl *nl, const char *set, fw_nl_reader *reader, void *data);

/* 0; -ENOENT: no such set; -errno. */
int fw_dump_set_head(struct fw_nl *nl, const char *set, struct fw_read_set_head *ret_head);

#endif
