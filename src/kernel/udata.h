/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/udata.h - what we write into the user data of rules and objects: records of a type byte, a length byte and so many bytes, as libnftnl's udata has them.
 *   0x00  a comment with its NUL; shown by `nft list`
 *   0x80  a tag: owner byte, role byte, id without a NUL
 *   0x81  further data of a rule (a piece of the manifest)
 * The kernel keeps at most FW_UDATA_MAX bytes in all. */
#ifndef FW_KERNEL_UDATA_H
#define FW_KERNEL_UDATA_H

#include "ruleset/ruleset.h"

#define FW_UDATA_MAX 256

struct fw_udata {
	struct fw_rs_tag tag;
	struct fw_str comment; /* data NULL: none; without its NUL */
	struct fw_str blob;
};

/* 0 with *ret_len bytes in ret_bytes, or -E2BIG. An empty tag and an empty blob are left out. */
int fw_udata_encode(const struct fw_udata *udata, uint8_t ret_bytes[FW_UDATA_MAX], size_t *ret_len);
/* What is none of ours comes back whole as `blob`, so that it differs from all of ours. Comment and blob point into `bytes`. */
struct fw_udata fw_udata_decode(struct fw_str bytes);

#endif
