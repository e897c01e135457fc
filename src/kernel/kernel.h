/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/kernel.h - the one seam to netlink: read our table, commit changes to it, look at what surrounds it. The only user of libmnl and
 * libnftnl. Works in the network namespace of the calling thread at fw_kernel_open. Tests put a fake behind this header. */
#ifndef FW_KERNEL_KERNEL_H
#define FW_KERNEL_KERNEL_H

#include <sys/types.h>

#include "net/addr.h"
#include "ruleset/diff.h"

struct fw_kernel;

/* 0; -EPERM: CAP_NET_ADMIN is missing; -EPROTONOSUPPORT: no nf_tables in this kernel; -errno. */
int fw_kernel_open(struct fw_kernel **ret_kernel);
void fw_kernel_close(struct fw_kernel *kernel);
void fw_kernel_closep(struct fw_kernel **kernel); /* for FW_CLEANUP */

/* Enters a network namespace: a name of `ip netns` or a path. 0 or -errno. */
int fw_netns_enter(const char *name_or_path);
/* Is the calling thread in the namespace of process 1? 1 yes, 0 no, -errno where it cannot be told. */
int fw_netns_is_root(void);
/* Device and inode of the namespace: its identity while it lives. */
int fw_netns_identity(uint64_t *ret_dev, uint64_t *ret_inode);

/* The namespace's nf_tables generation: changes with every commit of anybody. */
int fw_kernel_generation(struct fw_kernel *kernel, uint32_t *ret_generation);

enum fw_snapshot_flags {
	/* Without any: chains and the heads of sets. */
	FW_SNAPSHOT_ELEMENTS = 1, /* of CONSTANT sets too (without: elements.len is 0) */
	FW_SNAPSHOT_RULES = 2,    /* and named objects */
	FW_SNAPSHOT_ALL = 3,
	FW_SNAPSHOT_MANIFEST = 4, /* the rules of the chain FW_MANIFEST_CHAIN */
};
/* Our table as the kernel holds it, consistent (dumps are begun again when the generation moved, bounded: -EAGAIN after that). *ret_ruleset is NULL where the table
 * does not exist. Sets' kinds are told by their names and flags. -EBADMSG: an answer that no kernel should give. */
int fw_kernel_snapshot(struct fw_kernel *kernel, struct fw_arena *arena, unsigned int flags, struct fw_ruleset **ret_ruleset,
		       uint32_t *ret_generation);

struct fw_picture {
	struct fw_ruleset *ruleset; /* NULL: no table */
	uint32_t generation;
};
/* The same for a comparison with `like`: a big CONSTANT set that holds exactly the elements of like's set of that name shares them (so `like` must outlive the
 * picture). It is asked for them instead of dumped, whose time grows with the square of their number: for a million ranges, minutes instead of seconds. `like` may be NULL. */
int fw_kernel_snapshot_like(struct fw_kernel *kernel, struct fw_arena *arena, unsigned int flags, const struct fw_ruleset *like,
			    struct fw_picture *ret_picture);

/* Fills in the handles of the rules of a chain that was not read but remembered. 0; -ESTALE: the kernel holds others, or no such chain; as fw_kernel_snapshot. */
int fw_kernel_read_handles(struct fw_kernel *kernel, struct fw_arena *arena, struct fw_rs_chain *chain);

/* What the named counters of our table counted, those that have a tag: all that `status` asks of 10,000 of them. */
struct fw_count {
	struct fw_rs_tag tag;
	uint64_t packets, bytes;
	uint64_t handle; /* the kernel's: another counter of that name, made later, has another */
};
/* Pushes them to ret_counts; none where there is no table. 0; -EAGAIN: somebody kept writing; as fw_kernel_snapshot. */
int fw_kernel_counts(struct fw_kernel *kernel, struct fw_vec *ret_counts, uint32_t *ret_generation);

struct fw_kernel_error {
	int error;                      /* -errno of the first cause */
	const struct fw_change *change; /* or NULL */
	struct fw_span origin;          /* of that change; source 0: none */
	char what[160];                 /* in words: "set 'group-x': ...", the kernel's own extended message where it gave one */
	uint32_t attribute;             /* offset of the attribute that the kernel names (NLMSGERR_ATTR_OFFS), 0: none */
};

/* Sends the changes as one atomic batch, valid only for `generation`. 0; -ERESTART: somebody wrote in between (nothing changed); -errno with *ret_error filled
 * (nothing changed). *ret_generation: the new one. */
int fw_kernel_commit(struct fw_kernel *kernel, const struct fw_changes *changes, uint32_t generation, uint32_t *ret_generation,
		     struct fw_kernel_error *ret_error);

/* Members of dynamic groups. */
struct fw_member {
	enum fw_family family;
	struct fw_u128 address;
	unsigned int length;
	uint64_t timeout_ms, expires_ms; /* 0: for good */
};
/* Adds or renews one member in a set that is there (delete and add in one batch where it is a member already: its end is set anew). 0; -ENFILE: the set is full, or as
 * fw_kernel_commit. -ENOENT: no such set (a new prefix length: compile again with it). */
int fw_kernel_member_add(struct fw_kernel *kernel, const char *set, const struct fw_member *member, struct fw_kernel_error *ret_error);
int fw_kernel_member_delete(struct fw_kernel *kernel, const char *set, const struct fw_member *member, struct fw_kernel_error *ret_error); /* -ENOENT: no member */
/* All members of a set (struct fw_member pushed to ret_members); the family and length are the caller's to tell by name. */
int fw_kernel_members(struct fw_kernel *kernel, const char *set, enum fw_family family, unsigned int length, struct fw_vec *ret_members);
/* Number of elements of a set, where the kernel says it (6.18: NFTA_SET_COUNT), else counted. */
int fw_kernel_set_count(struct fw_kernel *kernel, const char *set, size_t *ret_count);

/* Connections that were open before connection tracking was switched on in this namespace: the first packet of such a connection after the first apply may come from either side,
 * and would be taken for a new connection in the wrong direction. */
struct fw_socket { /* an established TCP or connected UDP socket, by sock_diag */
	enum fw_family family;
	uint8_t proto;
	struct fw_u128 local, remote;
	uint16_t local_port, remote_port;
	uint32_t uid;
	uint32_t interface; /* bound to, or 0 */
	bool accepted; /* TCP: its local port has a listener here, so the peer opened it */
};
int fw_kernel_sockets(struct fw_kernel *kernel, struct fw_vec *ret_sockets); /* struct fw_socket */
/* A conntrack entry for such a connection, in the direction in which it was opened, established and assured, with window checks lenient. 0; -EEXIST: tracked already; -errno. */
int fw_kernel_track(struct fw_kernel *kernel, const struct fw_socket *socket);
/* Interface by which a packet to `address` would leave (route lookup), name in ret_name; -ENOENT. */
int fw_kernel_route_interface(struct fw_kernel *kernel, enum fw_family family, struct fw_u128 address, char ret_name[16]);
/* The name of an interface by its index; "" where there is none. */
void fw_kernel_interface_name(uint32_t index, char ret_name[16]);
/* Addresses of this host (struct fw_member with length = host), for the warning [self]. Needs no privilege and no nf_tables: its own socket. */
int fw_kernel_own_addresses(struct fw_vec *ret_members);

#endif
