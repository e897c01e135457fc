/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/words.h - kinds of packets and who decides them, in words. */
#ifndef FW_PROOF_WORDS_H
#define FW_PROOF_WORDS_H

#include "base/buf.h"
#include "diagram/space.h"

/* A box of packets, in the words of the language: "ssh from 10.0.0.0/9 on eth0". `sets` as fw_diagram_regions gives them; services are named
 * as `policy` knows them. */
void fw_words_region(const struct fw_space *space, const struct fw_policy *policy, const struct fw_iset *sets, struct fw_buf *out);

/* The text of the line that decides: "allow ssh from office", "built-in ping", "default in deny". */
void fw_words_decider(const struct fw_decider *decider, enum fw_direction direction, struct fw_buf *out);
/* "rule", "builtin", "block", "default". */
const char *fw_words_kind(enum fw_decider_kind kind);
/* Where it stands; source 0: nowhere. */
struct fw_span fw_words_span(const struct fw_policy *policy, const struct fw_decider *decider, enum fw_direction direction);

#endif
