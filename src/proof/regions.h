/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/regions.h - inside proof only: boxes of a leaf as words. */
#ifndef FW_PROOF_REGIONS_H
#define FW_PROOF_REGIONS_H

#include "proof/explain.h"

/* The first FW_EXPLAIN_REGIONS boxes of `ref` whose leaf is `value`. 0 or -ENOMEM. */
int fw_regions_collect(struct fw_space *space, const struct fw_policy *policy, uint32_t ref, uint32_t value, struct fw_regions *ret_regions);

#endif
