/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/nf.h - the kernel's headers that this module speaks, and the constants that those of Linux 6.1 lack (values:
 * linux/netfilter/nf_tables.h of 6.18). */
#ifndef FW_KERNEL_NF_H
#define FW_KERNEL_NF_H

#include <netinet/in.h> /* before linux/in.h, which then leaves out what is there */
#include <stdio.h>      /* libnftnl/expr.h wants it */

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/base.h"

#define FW_NFTA_SET_TYPE 19  /* name of the back end, 6.12 */
#define FW_NFTA_SET_COUNT 20 /* number of elements, 6.15 */
#define FW_NFT_NAME_MAX (NFT_NAME_MAXLEN - 1)
#define FW_NFT_RULE_MAX_EXPRS 128   /* NFT_RULE_MAXEXPRS, not exported */
#define FW_NFT_LOG_PREFIX_MAX 127   /* NF_LOG_PREFIXLEN with its NUL */

static inline uint16_t fw_nf_type(uint16_t message)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}

#endif
