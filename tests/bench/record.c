/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench/record.c - preloaded into a program, it writes every batch of nf_tables that is sent to the file that FWCTL_BENCH_RECORD names: a length of
 * four bytes and the bytes, one after the other. replay.c sends them again. */
#include <dlfcn.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void record(const void *bytes, size_t len)
{
	const struct nlmsghdr *first = bytes;
	const char *path = getenv("FWCTL_BENCH_RECORD");
	const uint32_t size = (uint32_t)len;
	FILE *file;

	if (!path || len < sizeof(*first) || first->nlmsg_type != NFNL_MSG_BATCH_BEGIN)
		return;
	file = fopen(path, "ab");
	if (!file || fwrite(&size, sizeof(size), 1, file) != 1 || fwrite(bytes, len, 1, file) != 1)
		abort();
	fclose(file);
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_len)
{
	ssize_t (*real)(int, const void *, size_t, int, __CONST_SOCKADDR_ARG, socklen_t);

	*(void **)&real = dlsym(RTLD_NEXT, "sendto");
	record(bytes, len);
	return real(fd, bytes, len, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int);

	*(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
	if (message->msg_iovlen == 1)
		record(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
	return real(fd, message, flags);
}
