/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/privileges.c - giving rights up. What is given up does not come back: neither by a child nor by a program that is executed. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/keeper.h"

static int set_capabilities(uint32_t set)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = { { .effective = set, .permitted = set }, { 0 } };

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* The bounding set shrinks where CAP_SETPCAP is there; without it the service manager has seen to that. */
static void drop_bounding(unsigned int keep)
{
	for (unsigned int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != keep)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int fw_privileges_keep_net_admin(void)
{
	drop_bounding(CAP_NET_ADMIN);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return set_capabilities(1u << CAP_NET_ADMIN);
}

int fw_privileges_find(const char *user, const char *group, uid_t *ret_uid, gid_t *ret_gid)
{
	errno = 0;
	const struct passwd *who = getpwnam(user);
	if (!who)
		return errno ? -errno : -ENOENT;
	const uid_t uid = who->pw_uid;
	const struct group *which = getgrnam(group);
	if (!which)
		return errno ? -errno : -ENOENT;
	*ret_uid = uid;
	*ret_gid = which->gr_gid;
	return 0;
}

int fw_privileges_become(uid_t uid, gid_t gid)
{
	drop_bounding(UINT32_MAX);
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return set_capabilities(0);
}
