/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/helper.h - connection tracking helpers: which there are, and what they are attached to. */
#ifndef FW_POLICY_HELPER_H
#define FW_POLICY_HELPER_H

#include "policy/resolve.h"

/* The helpers of a service that is part of another or of a rule, onto r->helper_parts. -ENOMEM. */
int fw_helper_add(struct resolver *r, const struct fw_what *what);
/* r->helper_parts into what->helpers. No port of a protocol has two helpers: the first of the table wins. -ENOMEM. */
int fw_helper_finish(struct resolver *r, struct fw_what *what);
/* The helper that a service's definition names, for all its ports of the protocols that the helper reads, in place of those of the services it
 * is made of. */
int fw_helper_resolve(struct resolver *r, const struct fw_ast_word *word, struct fw_service *service);

#endif
