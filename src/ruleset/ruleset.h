/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/ruleset.h - one nf_tables table as plain data: what the compiler makes and what the kernel is read back into. No sockets.
 * Values are those of linux/netfilter/nf_tables.h (NFT_*), so that both sides mean the same by construction; bytes are as the kernel
 * holds them in registers and elements. Everything lives in one arena.
 *
 * Conventions that keep a comparison simple:
 * - no anonymous sets: a constant set of literals is named by a hash of its contents ("set-..."), so same name, same members;
 * - an object's immutable attributes are part of its name, so that "the same name with other attributes" does not happen in our table;
 * - runtime contents (members of dynamic groups, rate and connection tables, counter values, handles) are no part of equality. */
#ifndef FW_RULESET_RULESET_H
#define FW_RULESET_RULESET_H

#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "diag/diag.h"

#define FW_TABLE_NAME "fwctl" /* family inet */
#define FW_RS_DATA_MAX 64     /* bytes of a key or of register data */

enum fw_rs_expr_kind {
	FW_RS_PAYLOAD,   /* load: dreg <- packet[base + offset, len] */
	FW_RS_META,      /* load */
	FW_RS_CT,        /* load */
	FW_RS_FIB,       /* load */
	FW_RS_CMP,
	FW_RS_BITWISE,   /* dreg <- (sreg & mask) ^ xor */
	FW_RS_BYTEORDER,
	FW_RS_RANGE,
	FW_RS_LOOKUP,    /* set, or map with dreg */
	FW_RS_DYNSET,
	FW_RS_VERDICT,   /* immediate verdict */
	FW_RS_COUNTER,
	FW_RS_LIMIT,
	FW_RS_CONNLIMIT,
	FW_RS_OBJREF,    /* a named object: counter, limit, ct helper */
	FW_RS_LOG,
	FW_RS_REJECT,
	FW_RS_UNKNOWN,   /* read from a kernel, not ours: `unknown` is its name */
};

struct fw_rs_data {
	uint8_t bytes[FW_RS_DATA_MAX];
	uint8_t len;
};

struct fw_rs_verdict {
	int32_t code;      /* NF_ACCEPT, NF_DROP, NFT_CONTINUE, NFT_JUMP, NFT_GOTO, NFT_RETURN */
	const char *chain; /* NFT_JUMP, NFT_GOTO */
};

struct fw_rs_limit {
	uint64_t rate;
	uint64_t unit_s; /* 1, 60, 3600, 86400 */
	uint32_t burst;
	bool over; /* NFT_LIMIT_F_INV: matches what is over */
};

struct fw_rs_expr {
	enum fw_rs_expr_kind kind;
	union {
		struct {
			uint32_t base, offset, len, dreg; /* NFT_PAYLOAD_*_HEADER; NFT_REG_* */
		} payload;
		struct {
			uint32_t key, dreg;
		} meta;
		struct {
			uint32_t key, dreg;
		} ct;
		struct {
			uint32_t flags, result, dreg;
		} fib;
		struct {
			uint32_t op, sreg; /* NFT_CMP_* */
			struct fw_rs_data data;
		} cmp;
		struct {
			uint32_t sreg, dreg;
			struct fw_rs_data mask, xor_bits;
		} bitwise;
		struct {
			uint32_t op, sreg, dreg, len, size;
		} byteorder;
		struct {
			uint32_t op, sreg; /* NFT_RANGE_EQ, _NEQ */
			struct fw_rs_data from, to;
		} range;
		struct {
			const char *set;
			uint32_t sreg, dreg;
			bool has_dreg, invert;
		} lookup;
		struct {
			const char *set;
			uint32_t op, sreg; /* NFT_DYNSET_OP_ADD, _UPDATE */
			uint64_t timeout_ms; /* 0: the set's */
			const struct fw_rs_expr *expr; /* stateful expression of the element, or NULL */
		} dynset;
		struct fw_rs_verdict verdict;
		struct {
			uint64_t packets, bytes;
		} counter;
		struct fw_rs_limit limit;
		struct {
			uint32_t count;
			bool over;
		} connlimit;
		struct {
			uint32_t type; /* NFT_OBJECT_* */
			const char *name; /* or NULL, and then: */
			const char *set;  /* a map to objects, asked with the register: where it has no such key, the rule does not match */
			uint32_t sreg;
		} objref;
		struct {
			uint16_t group;
			const char *prefix;
			uint32_t snaplen; /* bytes copied, 0: all */
			uint16_t qthreshold;
		} log;
		struct {
			uint32_t type; /* NFT_REJECT_* */
			uint8_t code;
		} reject;
		const char *unknown;
	};
};

/* Whose packets a counter counts. Kept in the user data of the rule or the named counter, so that `status` sums by it, however the ruleset is
 * cut. */
enum fw_rs_owner { FW_RS_NOBODY, FW_RS_RULE, FW_RS_BLOCK, FW_RS_BUILTIN, FW_RS_DEFAULT, FW_RS_MANIFEST };
enum fw_rs_role {
	FW_RS_ROLE_NONE,
	FW_RS_ROLE_HIT,    /* its counter counts packets that the owner decided */
	FW_RS_ROLE_OVER,   /* ... dropped by the owner as over its limit (not among HIT) */
	FW_RS_ROLE_SHARED, /* ... limited together because the table of sources was full (also in HIT or OVER) */
};
#define FW_RS_ID_MAX 32
struct fw_rs_tag {
	enum fw_rs_owner owner;
	enum fw_rs_role role;
	char id[FW_RS_ID_MAX]; /* rule or block: its id; builtin: "in/loopback"; default: "in" */
};

struct fw_rs_rule {
	const struct fw_rs_expr *exprs;
	size_t expr_count;
	struct fw_rs_tag tag;
	const char *comment; /* shown by `nft list`; at most 127 bytes; or NULL */
	struct fw_str blob;  /* MANIFEST: further user data; else empty */
	uint64_t handle;     /* from the kernel; 0: none */
	struct fw_span origin; /* the policy text that asked for it, or source 0 */
};

struct fw_rs_chain {
	const char *name;
	bool base;
	uint32_t hook;    /* NF_INET_* */
	int32_t priority;
	bool policy_drop;
	struct fw_vec rules; /* struct fw_rs_rule */
	uint64_t handle;
	struct fw_span origin;
};

/* Kinds of keys, as nft names the types (for printing; TYPEs 7 ipv4_addr, 8 ipv6_addr, 12 inet_proto, 13 inet_service, ... of libnftables'
 * datatype numbers go to NFTA_SET_KEY_TYPE so that `nft list` shows the members in words). */
enum fw_rs_key { FW_RS_KEY_IPV4, FW_RS_KEY_IPV6, FW_RS_KEY_SERVICE, FW_RS_KEY_PROTO, FW_RS_KEY_ICMP_TYPE, FW_RS_KEY_ICMPV6_TYPE, FW_RS_KEY_IFNAME,
		 FW_RS_KEY_UID, FW_RS_KEY_GID, FW_RS_KEY_TIME, FW_RS_KEY_MARK,
		 /* concatenations: each part is padded with zeros to four bytes, as it lies in registers */
		 FW_RS_KEY_WHAT,      /* inet_proto . inet_service: protocol and destination port */
		 FW_RS_KEY_WHAT_IPV4, /* ... . ipv4_addr */
		 FW_RS_KEY_WHAT_IPV6, /* ... . ipv6_addr */ };
#define FW_RS_PARTS_MAX 3
uint32_t fw_rs_key_len(enum fw_rs_key key);       /* bytes, those of a concatenation's padding included */
uint32_t fw_rs_key_nft_type(enum fw_rs_key key);  /* libnftables' number */
const char *fw_rs_key_nft_name(enum fw_rs_key key); /* "inet_proto . inet_service" */
/* The parts of a concatenation; a plain key is its own only part. Returns their number. */
size_t fw_rs_key_parts(enum fw_rs_key key, enum fw_rs_key ret_parts[FW_RS_PARTS_MAX]);

/* Elements side by side: `len` times key_len bytes, or with `interval` 2 * key_len bytes: low and high, both inclusive, big-endian so that
 * memcmp orders them; sorted, disjoint and not adjacent. */
struct fw_rs_elements {
	const uint8_t *keys;
	size_t len;
	const struct fw_rs_verdict *verdicts; /* FW_RS_VERDICTS: one for each; else NULL */
	const char *const *objects;           /* FW_RS_COUNTERS: the name of one for each; else NULL */
};

enum fw_rs_data_kind { /* what the elements of a map lead to */
	FW_RS_NO_DATA,  /* a plain set */
	FW_RS_VERDICTS,
	FW_RS_COUNTERS, /* named counters */
};

enum fw_rs_set_kind {
	FW_RS_SET_CONSTANT, /* its elements are what the policy says, and compared */
	FW_RS_SET_MEMBERS,  /* members of a dynamic group: changed by ban and unban, left alone by apply */
	FW_RS_SET_METERS,   /* filled by packets: rate and connection tables */
};

struct fw_rs_set {
	const char *name;
	enum fw_rs_set_kind kind;
	enum fw_rs_key key;
	enum fw_rs_data_kind data;
	bool interval;
	bool has_timeout;        /* NFT_SET_TIMEOUT */
	bool dynamic;            /* NFT_SET_EVAL: dynset updates it */
	uint64_t timeout_ms;     /* default of its elements, 0: none */
	uint32_t gc_interval_ms; /* 0: the kernel's */
	uint32_t size;           /* 0: unlimited */
	struct fw_rs_elements elements; /* CONSTANT */
	uint64_t handle;
	struct fw_span origin;
};

enum fw_rs_object_kind { FW_RS_OBJECT_LIMIT, FW_RS_OBJECT_COUNTER, FW_RS_OBJECT_CT_HELPER };
struct fw_rs_object {
	const char *name;
	enum fw_rs_object_kind kind;
	union {
		struct fw_rs_limit limit;
		struct {
			uint64_t packets, bytes;
		} counter;
		struct {
			const char *helper;
			uint8_t l4proto;
			uint16_t l3proto; /* NFPROTO_INET, _IPV4, _IPV6 */
		} ct_helper;
	};
	struct fw_rs_tag tag;
	const char *comment; /* as a rule's; or NULL. No part of equality: a kernel changes it only with the counts */
	uint64_t handle;
	struct fw_span origin;
};

struct fw_ruleset {
	struct fw_arena *arena;
	struct fw_vec chains, sets, objects; /* structs; order of creation */
	struct fw_map chains_by_name, sets_by_name, objects_by_name; /* name -> index + 1 as pointer-sized integer */
	uint64_t table_handle;
};

void fw_ruleset_init(struct fw_ruleset *rs, struct fw_arena *arena);
/* Add by name (copied); the new zeroed object with its name set, or NULL: no memory, or errno EEXIST. Pointers move with further additions: keep names. */
struct fw_rs_chain *fw_ruleset_add_chain(struct fw_ruleset *rs, const char *name);
struct fw_rs_set *fw_ruleset_add_set(struct fw_ruleset *rs, const char *name);
struct fw_rs_object *fw_ruleset_add_object(struct fw_ruleset *rs, const char *name);
struct fw_rs_chain *fw_ruleset_chain(const struct fw_ruleset *rs, const char *name); /* or NULL */
struct fw_rs_set *fw_ruleset_set(const struct fw_ruleset *rs, const char *name);
struct fw_rs_object *fw_ruleset_object(const struct fw_ruleset *rs, const char *name);
/* Appends a rule with copies of `exprs`. The new rule or NULL. */
struct fw_rs_rule *fw_ruleset_add_rule(struct fw_ruleset *rs, struct fw_rs_chain *chain, const struct fw_rs_expr *exprs, size_t count);

/* What makes two rules the same: expressions (without counter values), tag, comment, blob. */
struct fw_hash fw_rs_rule_hash(const struct fw_rs_rule *rule);
bool fw_rs_chain_same_head(const struct fw_rs_chain *a, const struct fw_rs_chain *b); /* base, hook, priority */
bool fw_rs_set_same_head(const struct fw_rs_set *a, const struct fw_rs_set *b);
bool fw_rs_object_same(const struct fw_rs_object *a, const struct fw_rs_object *b); /* kind, attributes, tag */

/* The manifest: what runs, told by the kernel alone. Stored as user data of the rules of a chain "manifest" that nothing jumps to. */
struct fw_manifest_line {
	enum fw_rs_owner owner; /* RULE, BLOCK */
	char id[FW_RS_ID_MAX];
	uint16_t file; /* index into files */
	uint32_t line;
};
struct fw_manifest {
	struct fw_hash policy_hash;
	int64_t horizon; /* until when (Unix seconds) `during` is compiled, 0: no such rule */
	const char *const *files; /* [0]: the policy */
	size_t file_count;
	const struct fw_manifest_line *lines;
	size_t line_count;
};
#define FW_MANIFEST_CHAIN "manifest"
int fw_manifest_encode(struct fw_ruleset *rs, const struct fw_manifest *manifest); /* adds the chain; 0 or -ENOMEM */
/* 0; -ENOENT: no manifest; -EBADMSG: not ours or cut short. */
int fw_manifest_decode(const struct fw_ruleset *rs, struct fw_arena *arena, struct fw_manifest *ret_manifest);

/* The whole table as `nft -f` reads it ("table inet fwctl { ... }"); the manifest is left out. The result loads with nft 1.0.6. */
void fw_ruleset_print_nft(const struct fw_ruleset *rs, struct fw_buf *out);
void fw_ruleset_print_json(const struct fw_ruleset *rs, struct fw_buf *out); /* our own plain shape, stable */

#endif
