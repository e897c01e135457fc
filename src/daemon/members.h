/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/members.h - requests about dynamic groups, which the keeper answers. */
#ifndef FW_DAEMON_MEMBERS_H
#define FW_DAEMON_MEMBERS_H

#include "daemon/route.h"

/* Suspends the request until the answer is in its `out`, with a status. `group` NULL: all. */
enum MHD_Result fw_members_ask(struct fw_request *request, const char *group);
/* What its body says: a ban, or an unban. */
enum MHD_Result fw_members_change(struct fw_request *request, bool add);
enum MHD_Result fw_route_fail(struct fw_request *request, unsigned int status, const char *message, const char *hint);

#endif
