/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench/packet.c - what deciding a packet costs: frames are injected into the receive path of an interface (BPF_PROG_TEST_RUN of an XDP program
 * with live frames), go through whatever is loaded, and what is let in is counted and dropped by a netfilter program behind it. The processor
 * time of this thread is what all of it took, as everything runs in its context.
 *
 *   packet IFACE FRAMES COUNT [RATE]      RATE: packets a second, else as fast as it goes. FRAMES: a file of records of 64 bytes: the length of the headers, then IP and TCP or UDP header
 *
 * Works in the network namespace that it is started in, never in the first one. Prints JSON: ns of processor time for a packet, how many
 * came through, and how often the thread lost the processor. BPF by its system call alone (bpf(2), linux/bpf.h of 6.4 and later). */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernel/kernel.h"

#define RECORD 64
#define HEADERS_MAX 60
#define BATCH 64
/* newer than the headers of Debian 12 */
#define PROG_TYPE_NETFILTER 32
#define ATTACH_NETFILTER 45
#define BEFORE_CONFIRM 1000 /* conntrack confirms behind it (INT_MAX): what is dropped here is seen for the first time, each time */

static void fail(const char *what)
{
	fprintf(stderr, "packet: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(int command, void *attr, size_t size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

static int map_new(uint32_t value_size, uint32_t entries)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = value_size, .max_entries = entries };
	int fd = bpf(BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		fail("making a map");
	return fd;
}

static void map_put(int fd, uint32_t key, const void *value)
{
	union bpf_attr attr = { .map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)value };

	if (bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)) < 0)
		fail("filling a map");
}

static uint64_t map_get(int fd)
{
	uint32_t key = 0;
	uint64_t value = 0;
	union bpf_attr attr = { .map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value };

	if (bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) < 0)
		fail("reading a map");
	return value;
}

struct program {
	struct bpf_insn insns[64];
	size_t len;
};

static void add(struct program *p, uint8_t code, unsigned int dst, unsigned int src, int16_t off, int32_t imm)
{
	p->insns[p->len++] = (struct bpf_insn){ .code = code, .dst_reg = dst & 15u, .src_reg = src & 15u, .off = off, .imm = imm };
}

static void load_map(struct program *p, unsigned int dst, int fd)
{
	add(p, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	add(p, 0, 0, 0, 0, 0);
}

/* r0 = &map[*(u32 *)(r10 - 4)], or the end of the program with r0 = 0 */
static void look_up(struct program *p, int fd)
{
	load_map(p, BPF_REG_1, fd);
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
	add(p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4);
	add(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
	add(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 1, 0);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int program_load(const struct program *p, uint32_t type, uint32_t attach)
{
	static char log[65536];
	union bpf_attr attr = { .prog_type = type, .insns = (uintptr_t)p->insns, .insn_cnt = (uint32_t)p->len, .license = (uintptr_t) "GPL",
				.expected_attach_type = attach, .log_buf = (uintptr_t)log, .log_size = sizeof(log), .log_level = 1 };
	int fd = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0) {
		fprintf(stderr, "%s", log);
		fail("loading a program");
	}
	return fd;
}

/* Counts in map[0] and drops. */
static int dropper(int counter)
{
	struct program p = { .len = 0 };

	add(&p, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0);
	look_up(&p, counter);
	add(&p, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0);
	add(&p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 1);
	add(&p, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_1, 0, 0);
	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0); /* NF_DROP */
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return program_load(&p, PROG_TYPE_NETFILTER, ATTACH_NETFILTER);
}

/* The next record of `frames` over the headers of the packet, and on into the stack. */
static int injector(int position, int frames, uint32_t count, uint32_t header_len)
{
	struct program p = { .len = 0 };

	add(&p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0);
	add(&p, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0);
	look_up(&p, position);
	add(&p, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0);
	add(&p, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_1, -4, 0);
	add(&p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 1);
	add(&p, BPF_JMP | BPF_JLT | BPF_K, BPF_REG_1, 0, 1, (int32_t)count);
	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 0);
	add(&p, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_1, 0, 0);
	look_up(&p, frames);
	add(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_6, offsetof(struct xdp_md, data), 0);
	add(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_8, BPF_REG_6, offsetof(struct xdp_md, data_end), 0);
	add(&p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_7, 0, 0);
	add(&p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, (int32_t)(ETH_HLEN + header_len));
	add(&p, BPF_JMP | BPF_JLE | BPF_X, BPF_REG_1, BPF_REG_8, 2, 0);
	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_ABORTED);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (uint32_t at = 0; at < header_len; at += 4) {
		add(&p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_0, (int16_t)at, 0);
		add(&p, BPF_STX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_1, (int16_t)(ETH_HLEN + at), 0);
	}
	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return program_load(&p, BPF_PROG_TYPE_XDP, BPF_XDP);
}

struct netfilter_link { /* the part of union bpf_attr that BPF_LINK_CREATE reads, linux/bpf.h of 6.4 */
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint32_t family, hook;
	int32_t priority;
	uint32_t netfilter_flags;
};

static void attach_dropper(int program, uint32_t family)
{
	struct netfilter_link link = { .prog_fd = (uint32_t)program, .attach_type = ATTACH_NETFILTER, .family = family, .hook = 1, /* NF_INET_LOCAL_IN */
				       .priority = BEFORE_CONFIRM };

	if (bpf(BPF_LINK_CREATE, &link, sizeof(link)) < 0)
		fail("attaching to netfilter");
}

/* A queue of a veth takes frames once it has a program of its own. */
static void open_queue(unsigned int ifindex)
{
	struct program p = { .len = 0 };
	union bpf_attr attr = { .link_create = { .attach_type = BPF_XDP } };

	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	attr.link_create.prog_fd = (uint32_t)program_load(&p, BPF_PROG_TYPE_XDP, BPF_XDP);
	attr.link_create.target_ifindex = ifindex;
	if (bpf(BPF_LINK_CREATE, &attr, sizeof(attr)) < 0)
		fail("attaching to the interface");
}

static void own_address(const char *iface, uint8_t ret_address[ETH_ALEN])
{
	struct ifreq request = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		fail(iface);
	memcpy(ret_address, request.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
}

static void inject(int program, unsigned int ifindex, const uint8_t *frame, uint32_t count)
{
	struct xdp_md context = { .data_end = ETH_ZLEN, .ingress_ifindex = ifindex };
	union bpf_attr attr = { .test = { .prog_fd = (uint32_t)program, .repeat = count, .data_in = (uintptr_t)frame, .data_size_in = ETH_ZLEN + 16,
					  .ctx_in = (uintptr_t)&context, .ctx_size_in = sizeof(context), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
					  .batch_size = BATCH } };

	context.data_end = attr.test.data_size_in;
	if (bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0)
		fail("injecting");
}

/* `rate` a second, a quarter of that every quarter of a second, as fast as it goes (a call takes the kernel some 25 ms besides); 0: all at once. */
static void inject_paced(int program, unsigned int ifindex, const uint8_t *frame, uint32_t count, uint32_t rate)
{
	struct timespec next;

	if (rate < 4) {
		inject(program, ifindex, frame, count);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint32_t left = count; left > 0;) {
		const uint32_t slice = left < rate / 4 ? left : rate / 4;
		inject(program, ifindex, frame, slice);
		left -= slice;
		next.tv_nsec += 250000000;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint8_t *read_frames(const char *path, uint32_t *ret_count)
{
	FILE *file = fopen(path, "rb");
	uint8_t *frames = NULL;
	size_t count = 0;

	if (!file)
		fail(path);
	for (;;) {
		frames = realloc(frames, (count + 1) * RECORD);
		if (!frames)
			fail("memory");
		if (fread(frames + count * RECORD, RECORD, 1, file) != 1)
			break;
		count++;
	}
	fclose(file);
	if (!count) {
		errno = EINVAL;
		fail(path);
	}
	*ret_count = (uint32_t)count;
	return frames;
}

int main(int argc, char **argv)
{
	uint8_t frame[ETH_ZLEN + 16] = { 0 };
	struct rusage before, after;
	uint32_t records;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: packet IFACE FRAMES COUNT [RATE]\n");
		return 64;
	}
	if (fw_netns_is_root() != 0) {
		fprintf(stderr, "packet: not in the first network namespace\n");
		return 1;
	}
	const unsigned int ifindex = if_nametoindex(argv[1]);
	const uint32_t count = (uint32_t)strtoul(argv[3], NULL, 10), rate = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	const uint8_t *frames = read_frames(argv[2], &records);
	const uint32_t header_len = frames[0];
	if (!ifindex || header_len > HEADERS_MAX || header_len % 4)
		fail(argv[1]);

	int counter = map_new(8, 1), position = map_new(8, 1), table = map_new(HEADERS_MAX, records);
	for (uint32_t i = 0; i < records; i++)
		map_put(table, i, frames + i * RECORD + 1);
	own_address(argv[1], frame);
	frame[ETH_ALEN] = 2; /* some other station */
	const bool is_ipv6 = frames[1] >> 4 == 6;
	frame[12] = is_ipv6 ? 0x86 : 0x08;
	frame[13] = is_ipv6 ? 0xdd : 0x00;
	open_queue(ifindex);
	int drop = dropper(counter);
	attach_dropper(drop, 2);  /* NFPROTO_IPV4 */
	attach_dropper(drop, 10); /* NFPROTO_IPV6 */
	int program = injector(position, table, records, header_len);

	inject_paced(program, ifindex, frame, count / 20 + 1, rate); /* to warm up */
	const uint64_t came_before = map_get(counter);
	getrusage(RUSAGE_SELF, &before);
	const double begin = cpu_ns();
	inject_paced(program, ifindex, frame, count, rate);
	const double end = cpu_ns();
	getrusage(RUSAGE_SELF, &after);
	printf("{\"ns\":%.1f,\"passed\":%llu,\"count\":%u,\"preempted\":%ld}\n", (end - begin) / count,
	       (unsigned long long)(map_get(counter) - came_before), count, after.ru_nivcsw - before.ru_nivcsw);
	return 0;
}
