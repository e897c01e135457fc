/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/internal.h - what the files behind kernel.h share. */
#ifndef FW_KERNEL_INTERNAL_H
#define FW_KERNEL_INTERNAL_H

#include "kernel/kernel.h"
#include "kernel/netlink.h"

struct fw_kernel {
	struct fw_nl netfilter;   /* nf_tables and conntrack */
	struct fw_nl diag, route; /* closed where *_error is set */
	int diag_error, route_error;
	bool dormant; /* the last snapshot found our table switched off: the next commit wakes it */
};

/* A snapshot or another picture that somebody disturbed is taken again this often. */
#define FW_KERNEL_TRIES 10

#endif
