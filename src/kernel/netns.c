/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/netns.c - network namespaces: entering one, and telling which one the calling thread is in. Owns nothing. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "kernel/kernel.h"

#define NETNS_FOLDER "/run/netns/"
#define OWN_NETNS "/proc/thread-self/ns/net" /* the thread's: setns changes no other's */
#define ROOT_NETNS "/proc/1/ns/net"
#define FW_NS_GET_ID _IOR(0xb7, 13, uint64_t) /* NS_GET_ID, linux/nsfs.h of 6.18 */
#define FIRST_NETNS_INODE 0xEFFFFFF9U         /* NET_NS_INIT_INO, the same */

static int open_netns(const char *name_or_path)
{
	struct fw_buf path FW_CLEANUP(fw_buf_done);
	int fd;

	fw_buf_init(&path, 4096);
	if (!strchr(name_or_path, '/'))
		fw_buf_puts(&path, NETNS_FOLDER);
	fw_buf_puts(&path, name_or_path);
	if (path.error)
		return path.error == -E2BIG ? -ENAMETOOLONG : path.error;
	fd = open(path.data, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fw_netns_enter(const char *name_or_path)
{
	int fd FW_CLEANUP(fw_close_fd) = -1;

	if (!*name_or_path)
		return -ENOENT;
	fd = open_netns(name_or_path);
	if (fd < 0)
		return fd;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

int fw_netns_identity(uint64_t *ret_dev, uint64_t *ret_inode)
{
	struct stat own;

	if (stat(OWN_NETNS, &own) < 0)
		return -errno;
	*ret_dev = own.st_dev;
	*ret_inode = own.st_ino;
	return 0;
}

/* Kernels that give namespaces ids (6.18) also number the first ones for good. */
static bool first_netns_is_numbered(void)
{
	int fd FW_CLEANUP(fw_close_fd) = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	uint64_t id;

	return fd >= 0 && ioctl(fd, FW_NS_GET_ID, &id) == 0;
}

int fw_netns_is_root(void)
{
	struct stat own, root;
	int error;

	if (stat(OWN_NETNS, &own) < 0)
		return -errno;
	if (stat(ROOT_NETNS, &root) == 0)
		return own.st_dev == root.st_dev && own.st_ino == root.st_ino;
	error = -errno; /* process 1 may be out of our reach */
	return first_netns_is_numbered() ? own.st_ino == FIRST_NETNS_INODE : error;
}

void fw_kernel_interface_name(uint32_t index, char ret_name[16])
{
	char name[IF_NAMESIZE] = "";

	if (index == 0 || !if_indextoname(index, name))
		name[0] = '\0';
	memcpy(ret_name, name, sizeof(name));
}
