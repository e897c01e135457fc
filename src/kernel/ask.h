/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/ask.h - does a set in the kernel hold exactly these elements? Without a dump, whose time grows with the square of their number. */
#ifndef FW_KERNEL_ASK_H
#define FW_KERNEL_ASK_H

#include "kernel/netlink.h"
#include "ruleset/ruleset.h"

/* `set`: no map, no timeouts. *ret_same is false also where this kernel cannot be asked. 0 or -errno. */
int fw_ask_same_elements(struct fw_nl *nl, const struct fw_rs_set *set, bool *ret_same);

#endif
