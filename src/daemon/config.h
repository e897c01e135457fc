/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/config.h - fwctld.conf(5) and the command line of fwctld(8). */
#ifndef FW_DAEMON_CONFIG_H
#define FW_DAEMON_CONFIG_H

#include <limits.h>
#include <netinet/in.h>

#include "base/base.h"
#include "store/history.h"

#define FW_DAEMON_CONFIG "/etc/fwctl/fwctld.conf"
#define FW_DAEMON_SOCKET_DIR "/run/fwctld"
#define FW_DAEMON_HISTORY_DIR "/var/lib/fwctld"

struct fw_config {
	struct fw_history_limits limits;
	bool journal, has_listen;
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} listen; /* a loopback address */
	char user[64], group[64];
};

void fw_config_defaults(struct fw_config *config);
/* Reads the text of a file over what is there. 0, or -EINVAL with "FILE:LINE:COLUMN: error: ..." in ret_error. */
int fw_config_parse(const char *file, struct fw_str text, struct fw_config *config, char ret_error[512]);
/* The same of the file itself; `may_miss`: one that is not there says nothing. 0; -errno with words. */
int fw_config_read(const char *path, bool may_miss, struct fw_config *config, char ret_error[512]);

#endif
