/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/internal.h - what the files behind kernel.h share. */
#ifndef FW_KERNEL_INTERNAL_H
#define FW_KERNEL_INTERNAL_H

#include <string.h>

#include "kernel/kernel.h"
#include "kernel/netlink.h"

struct fw_kernel {
	struct fw_nl netfilter;   /* nf_tables and conntrack */
	struct fw_nl diag, route; /* closed where *_error is set */
	int diag_error, route_error;
	size_t ask_ranges_from, ask_keys_from; /* sets of so many elements are asked for, smaller ones dumped: that is as quick */
	bool dormant; /* the last snapshot found our table switched off: the next commit wakes it */
};

/* Measured on 6.18: an answer takes 2 to 5 us; a dump of 100,000 ranges or of 350,000 keys as long as asking for them. */
#define FW_KERNEL_ASK_RANGES_FROM 75000
#define FW_KERNEL_ASK_KEYS_FROM 350000

/* Items past a vector's length are zero. */
static inline void fw_kernel_truncate(struct fw_vec *vec, size_t len)
{
	if (vec->len > len)
		memset(fw_vec_at(vec, len), 0, (vec->len - len) * vec->size);
	vec->len = len;
}

/* A snapshot or another picture that somebody disturbed is taken again this often. */
#define FW_KERNEL_TRIES 10

#endif
