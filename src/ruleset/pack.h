/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/pack.h - a ruleset as bytes and back, quick to read: what the kernel is known to hold, kept beside that knowledge. Not for other hosts or versions
 * of fwctl (enumerators are written as they are); whoever keeps it keeps a hash of it, too. */
#ifndef FW_RULESET_PACK_H
#define FW_RULESET_PACK_H

#include "base/buf.h"
#include "ruleset/ruleset.h"

/* Everything that fw_ruleset_diff looks at. Runtime values (handles, counts), objects' comments and places in the text are left out. Reports through out->error. */
void fw_ruleset_pack(const struct fw_ruleset *ruleset, struct fw_buf *out);
/* `packed` must outlive the ruleset, which points into it. Handles are 0. 0; -EBADMSG: not what fw_ruleset_pack writes; -ENOMEM. */
int fw_ruleset_unpack(struct fw_arena *arena, struct fw_str packed, struct fw_ruleset **ret_ruleset);

#endif
