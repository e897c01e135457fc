/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/space.h - packets that open a connection as points of a decision diagram: what the fields are for the policies in hand, and what
 * policies say as functions over them. One space may serve several policies, which are then compared in it. */
#ifndef FW_DIAGRAM_SPACE_H
#define FW_DIAGRAM_SPACE_H

#include "base/vec.h"
#include "diagram/diagram.h"
#include "policy/policy.h"

enum fw_level { /* the fields of a packet, in the order in which they are asked */
	FW_LEVEL_PROTO,
	FW_LEVEL_PORT,    /* destination port, or the ICMP type */
	FW_LEVEL_ON,      /* number of the interface's class: it arrives on (in, forward) or leaves by (out) */
	FW_LEVEL_LEAVING, /* the same, where forwarded packets leave by */
	FW_LEVEL_FAMILY,  /* enum fw_family */
	FW_LEVEL_FROM4,
	FW_LEVEL_FROM6,
	FW_LEVEL_TO4,
	FW_LEVEL_TO6,
	FW_LEVEL_SOURCE_PORT,
	FW_LEVEL_UID, /* of the socket that sends it, or FW_SPACE_NO_OWNER; the two are that together */
	FW_LEVEL_GID,
	FW_LEVEL_HOP_LIMIT, /* 1: it is 255 */
	FW_LEVEL_UNTIL,     /* as_compiled: the local clock, in seconds since 1970 */
	FW_LEVEL_ATOMS,     /* the first of the conditions that are no interval: 1 where it holds */
};
#define FW_SPACE_NO_OWNER UINT32_MAX
#define FW_SPACE_NO_PORT (UINT16_MAX + 1) /* as_compiled: port, source port or ICMP type of a packet that is cut short before it */

enum fw_atom_of { FW_ATOM_OF_FROM, FW_ATOM_OF_TO, FW_ATOM_OF_TIME };
struct fw_space_atom {
	enum fw_atom_of of;
	const struct fw_group *group; /* FROM, TO: the address is a member of it */
	struct fw_ast_during during; /* TIME */
};

static inline enum fw_level fw_level_from(enum fw_family family)
{
	return family == FW_IPV4 ? FW_LEVEL_FROM4 : FW_LEVEL_FROM6;
}

static inline enum fw_level fw_level_to(enum fw_family family)
{
	return family == FW_IPV4 ? FW_LEVEL_TO4 : FW_LEVEL_TO6;
}

/* Who decides: the leaf value of a decision is its number, moved up by FW_DECIDER_SHIFT bits, which are its user's. */
#define FW_DECIDER_SHIFT 3
enum fw_decider_kind { FW_DECIDER_BLOCK, FW_DECIDER_BUILTIN, FW_DECIDER_RULE, FW_DECIDER_DEFAULT };
struct fw_decider {
	enum fw_decider_kind kind;
	enum fw_verdict verdict;
	const struct fw_block *block;
	const struct fw_rule *rule;
	enum fw_builtin builtin;
	uint32_t box; /* where it applies, whoever decides before it: its own leaf there */
};

struct fw_space {
	struct fw_arena *arena;
	struct fw_diagram *diagram;
	const struct fw_iface *classes; /* sorted; class 0 holds every name that no other class does */
	size_t class_count;
	const struct fw_space_atom *atoms; /* number i is level FW_LEVEL_ATOMS + i */
	size_t atom_count;
	int64_t local_now; /* seconds since 1970 by the local clock: an `until` that is not after it has ended */
	bool members_in_blocks, without_loopback, as_compiled;
};

struct fw_space_init {
	const struct fw_policy *const *policies;
	size_t policy_count;
	const struct fw_match *question; /* that is asked in the space besides; or NULL */
	struct fw_diagram_limits limits;
	int64_t local_now;
	/* Dynamic groups in blocks have unknown members, as they have elsewhere; otherwise none. */
	bool members_in_blocks;
	/* The built-in `loopback` is left out, and blocks take packets on lo: simpler to put into words, and the same for every packet
	 * that goes over a wire. */
	bool without_loopback;
	/* As a compiler has to see packets: ports may be unreadable, `until` is a field, big groups of addresses are conditions of their own,
	 * like dynamic ones, expectations do not count, and blocks are asked for apart from the other deciders. */
	bool as_compiled;
};
#ifndef FW_COMPILE_EAGER
#define FW_SPACE_BIG_GROUP 8192u /* ranges of one family; as_compiled */
#else
#define FW_SPACE_BIG_GROUP 1u
#endif
/* 0; -ENOMEM; -EOVERFLOW: more conditions that are no interval than a diagram has fields for. To be ended with fw_space_done. */
int fw_space_init(struct fw_space *space, struct fw_arena *arena, const struct fw_space_init *init);
void fw_space_done(struct fw_space *space); /* for FW_CLEANUP too; a zeroed one is fine */

/* `inside` (a leaf) where the match holds, undecided elsewhere. Results here and below as in diagram.h. */
int fw_space_match(struct fw_space *space, const struct fw_match *match, uint32_t inside, uint32_t *ret_ref);
/* `inside` at the points that are packets at all: ICMP types have 8 bits, protocols without ports no port, and
 * a socket, which only outgoing packets have, has both owners. What is said of all packets is said of these. */
int fw_space_packets(struct fw_space *space, enum fw_direction direction, uint32_t inside, uint32_t *ret_ref);
/* Packets that go over the interface lo. */
int fw_space_lo(struct fw_space *space, uint32_t inside, uint32_t *ret_ref);
/* Packets that the built-in `loopback` decides. */
int fw_space_loopback(struct fw_space *space, enum fw_direction direction, uint32_t inside, uint32_t *ret_ref);
/* `ref` at the points that are packets; without the built-in `loopback`, those that it decides are not in question. */
int fw_space_only_real(struct fw_space *space, enum fw_direction direction, uint32_t ref, uint32_t *ret_real);
/* Blocks, built-ins (as far as they take packets that open a connection), rules, ping and default of a direction in the order in which they
 * decide, each with its box. The last takes everything. The list is in the space's arena. A limit is a decision of its rule. */
int fw_space_deciders(struct fw_space *space, const struct fw_policy *policy, enum fw_direction direction, struct fw_vec *ret_deciders);

/* as_compiled: the blocks alone, by the source of what arrives (FROM) or the destination of what leaves (TO), on lo too. What none takes is undecided. */
int fw_space_blocks(struct fw_space *space, const struct fw_policy *policy, enum fw_atom_of of, struct fw_vec *ret_deciders);
/* Is membership in this group a condition of its own, and not its addresses? */
bool fw_space_is_atom(const struct fw_space *space, const struct fw_group *group);

/* Who of `deciders` (struct fw_decider, of this space) decides each packet; of `region` only, where it is not NULL: each is cut to it first. */
int fw_space_decide(struct fw_space *space, const struct fw_vec *deciders, const uint32_t *region, uint32_t *ret_decided);

/* An interface name of the class that no other class has, for people. */
void fw_space_class_name(const struct fw_space *space, size_t class_number, char ret_name[16]);
/* The class of an interface. */
size_t fw_space_class_of(const struct fw_space *space, const char *name);

#endif
