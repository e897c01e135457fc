/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench/replay.c - sends batches that record.c wrote, in a loop of nothing else: what the kernel takes for them, whoever sends them. Prints the
 * milliseconds from sending to the acknowledgement, one line a batch. In a namespace as fresh as the one where they were recorded, for a batch names
 * the generation that it was made for; never in the first one. */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel.h"

static void fail(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t last_seq(const uint8_t *bytes, size_t len)
{
	uint32_t seq = 0;

	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= len;) {
		struct nlmsghdr head;
		memcpy(&head, bytes + at, sizeof(head));
		if (head.nlmsg_len < sizeof(head))
			break;
		if (head.nlmsg_flags & NLM_F_ACK)
			seq = head.nlmsg_seq;
		at += NLMSG_ALIGN(head.nlmsg_len);
	}
	return seq;
}

/* Reads answers until the one to `seq`; anything but success ends the program. */
static void await(int fd, uint32_t seq)
{
	static _Alignas(struct nlmsghdr) char buffer[65536];

	for (;;) {
		ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
		if (got < 0)
			fail("receiving");
		for (struct nlmsghdr *answer = (void *)buffer; NLMSG_OK(answer, (size_t)got); answer = NLMSG_NEXT(answer, got)) {
			const struct nlmsgerr *error = NLMSG_DATA(answer);
			if (answer->nlmsg_type != NLMSG_ERROR)
				continue;
			if (error->error) {
				errno = -error->error;
				fail("the kernel");
			}
			if (answer->nlmsg_seq == seq)
				return;
		}
	}
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void replay(int fd, const uint8_t *bytes, uint32_t len)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const int room = (int)(2 * len + 65536);

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		fail("making room");
	const double begin = now_ms();
	if (sendto(fd, bytes, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) != (ssize_t)len)
		fail("sending");
	await(fd, last_seq(bytes, len));
	printf("%.3f %u\n", now_ms() - begin, len);
}

int main(int argc, char **argv)
{
	uint32_t len;

	if (argc != 2 || fw_netns_is_root() != 0) {
		fprintf(stderr, "usage: replay FILE, not in the first network namespace\n");
		return 64;
	}
	FILE *file = fopen(argv[1], "rb");
	const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (!file || fd < 0)
		fail(argv[1]);
	while (fread(&len, sizeof(len), 1, file) == 1) {
		uint8_t *bytes = malloc(len);
		if (!bytes || fread(bytes, len, 1, file) != 1)
			fail(argv[1]);
		replay(fd, bytes, len);
		free(bytes);
	}
	return 0;
}
