/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/store.h - what outlives a command: applied generations under the state folder, what is known of the kernel under the run folder, and the
 * lock that lets one command change things at a time. Each network namespace has folders of its own. Every file is written by a rename, and
 * where it means something after a reboot, a power cut leaves the old or the new. */
#ifndef FW_STORE_STORE_H
#define FW_STORE_STORE_H

#include "base/hash.h"
#include "base/vec.h"

#define FW_STORE_STATE_DIR "/var/lib/fwctl"
#define FW_STORE_RUN_DIR "/run/fwctl"
#define FW_STORE_KEEP 20                 /* generations kept besides the running one */
#define FW_STORE_MAX_GENERATION (1u << 30) /* bytes of one generation file */

struct fw_store;

/* `netns` NULL: the machine's own namespace; else the name under which its state is kept apart (no '/'). The folders come from the environment
 * (FWCTL_STATE_DIR, FWCTL_RUN_DIR: for tests) or are the ones above. Nothing is made on disk yet. 0, -EINVAL (name) or -ENOMEM. */
int fw_store_open(const char *netns, struct fw_store **ret_store);
void fw_store_close(struct fw_store *store); /* gives the lock back */
const char *fw_store_state_dir(const struct fw_store *store);
const char *fw_store_netns(const struct fw_store *store); /* NULL: the machine's own */
/* The lock of the one fwctld of a namespace, held as long as the descriptor is open: the descriptor; -EWOULDBLOCK: another has it; -errno. */
int fw_store_daemon_lock(struct fw_store *store);

/* Waits up to timeout_ms for other commands that change things. 0, -EBUSY after that, -errno. */
int fw_store_lock(struct fw_store *store, unsigned int timeout_ms);

struct fw_generation_file {
	const char *path; /* as the policy's reader opened it */
	struct fw_str text;
};
struct fw_generation_id { /* a user or group name as it was resolved */
	const char *name;
	uint32_t id;
	bool group;
};
struct fw_generation {
	uint64_t number;
	char policy_hash[FW_HASH_HEX];
	const char *path;      /* of the policy, as given */
	int64_t applied_at;    /* Unix seconds */
	int64_t compiled_for;  /* the clock that `during` was compiled with */
	const char *user;      /* who: login name or uid */
	const struct fw_generation_file *files; /* [0]: the policy */
	size_t file_count;
	const struct fw_generation_id *ids;
	size_t id_count;
};

/* 0; -errno; -EILSEQ where a name or path is not UTF-8. The number must be new or the one to be replaced. */
int fw_store_write_generation(struct fw_store *store, const struct fw_generation *generation);
/* 0; -ENOENT; -EBADMSG where the file is not whole. */
int fw_store_read_generation(struct fw_store *store, struct fw_arena *arena, uint64_t number, struct fw_generation *ret_generation);
void fw_store_remove_generation(struct fw_store *store, uint64_t number);
/* Numbers on disk, ascending (uint64_t pushed to ret_numbers). 0 (none: empty) or -errno. */
int fw_store_generations(struct fw_store *store, struct fw_vec *ret_numbers);
/* The running one by number, from the `current` file: 0, -ENOENT, -EBADMSG. */
int fw_store_current(struct fw_store *store, uint64_t *ret_number);
int fw_store_set_current(struct fw_store *store, uint64_t number); /* 0: nothing runs */
/* Drops all but the newest FW_STORE_KEEP and `current`, and what a killed process left half written. Under the lock. Best effort. */
void fw_store_prune(struct fw_store *store, uint64_t current);

/* What was last seen to be true of the kernel; true as long as boot, namespace and nf_tables generation are the same. */
struct fw_known {
	char boot_id[64];
	uint64_t netns_dev, netns_inode;
	uint32_t kernel_generation;
	uint64_t generation;
	char ruleset_hash[FW_HASH_HEX];
	char source_hash[FW_HASH_HEX]; /* what it was compiled of; all zeros: more than that */
};
int fw_store_read_known(struct fw_store *store, struct fw_known *ret_known); /* 0 or -errno: nothing is known */
int fw_store_write_known(struct fw_store *store, const struct fw_known *known);
void fw_store_forget(struct fw_store *store); /* the memory below with it */
/* A few bytes beside it that make reading the kernel needless, of at most FW_STORE_MAX_MEMORY; whoever writes them says in them what they belong to. 0 or -errno. */
#define FW_STORE_MAX_MEMORY ((size_t)16 << 20)
int fw_store_read_memory(struct fw_store *store, char **ret_bytes, size_t *ret_len); /* heap, the caller frees */
int fw_store_write_memory(struct fw_store *store, struct fw_str bytes);
void fw_store_drop_memory(struct fw_store *store);
int fw_store_boot_id(char ret_id[64]); /* /proc/sys/kernel/random/boot_id */

#endif
