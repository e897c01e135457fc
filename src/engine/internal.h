/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/internal.h - what the use cases share; for the engine's own files only. */
#ifndef FW_ENGINE_INTERNAL_H
#define FW_ENGINE_INTERNAL_H

#include "engine/engine.h"

#define FW_RETRIES 10 /* lost races against other writers of nf_tables before giving up */

/* Sets message and hint; returns the outcome, so that a failure is one line. */
enum fw_outcome fw_fail(struct fw_session *session, enum fw_outcome outcome, const char *hint, const char *format, ...)
	FW_PRINTF(4, 5);
/* The outcome of an -errno of reading or compiling (FW_REPORTED included). `doing`: "reading the policy". */
enum fw_outcome fw_fail_compile(struct fw_session *session, int error, const char *doing);
/* The outcome of an -errno of the kernel or the store. */
enum fw_outcome fw_fail_errno(struct fw_session *session, int error, const char *doing);
/* A refused commit: a diagnostic at the policy line that caused it, where there is one. */
enum fw_outcome fw_fail_commit(struct fw_session *session, const struct fw_kernel_error *error);

/* A policy with the names that it looked up, as a generation needs them. */
struct fw_loaded {
	struct fw_policy *policy;
	struct fw_vec ids; /* struct fw_generation_id */
};
int fw_engine_load(struct fw_session *session, const char *path, struct fw_loaded *ret_loaded);
/* The same from a generation's texts; names keep the numbers that they had. Diagnostics are not the session's: they were told at apply. */
int fw_engine_load_generation(struct fw_session *session, const struct fw_generation *generation, struct fw_policy **ret_policy);

/* A user or group of this host, by name or number, as fw_policy_env asks for it. */
int fw_engine_user_id(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id);
/* Proves the expectations of a policy and, where asked for, warns of rules that do nothing. 0; FW_REPORTED; -errno. */
int fw_prove(struct fw_session *session, const struct fw_policy *policy, bool with_warnings);

/* Makes this prefix length of a dynamic group exist besides those that its members have. */
struct fw_extra_length {
	const char *group;
	enum fw_family family;
	unsigned int length;
};
/* What the kernel shall hold. */
struct fw_aim {
	const struct fw_policy *policy;
	int64_t clock; /* that `during` is compiled for */
	const struct fw_extra_length *extra; /* or NULL */
	bool may_recall; /* what nobody changed since need not be read from the kernel */
	bool only_told;  /* the running policy is wanted for what is told of the difference only */
};
/* Compiles with the prefix lengths that the members of dynamic groups have in `have` (NULL: none). */
int fw_compile_beside(struct fw_session *session, const struct fw_aim *aim, const struct fw_ruleset *have, struct fw_ruleset **ret_ruleset);

/* What runs; `flags`: of fw_kernel_snapshot. The policy is read again only where `with_policy`. */
enum fw_outcome fw_read_running(struct fw_session *session, unsigned int flags, bool with_policy, struct fw_running *ret_running);
/* All of what runs, and beside it what shall run, of the same generation of the kernel. A big set that is in both is never dumped. What is recalled
 * has no handles, counts and comments of objects. */
enum fw_outcome fw_read_beside(struct fw_session *session, const struct fw_aim *aim, struct fw_running *ret_running,
			       struct fw_ruleset **ret_want);

/* What a ruleset was compiled of, as a number; false (and all zeros): it depends on more than that, as on the clock. */
bool fw_source_of(const struct fw_loaded *loaded, char ret_hash[FW_HASH_HEX]);

/* Identity of everything that a ruleset says (not what it counted). */
struct fw_hash fw_ruleset_fingerprint(const struct fw_ruleset *ruleset);

/* Is what was last known of the kernel still true? Then *ret_known is filled. */
bool fw_known_holds(struct fw_session *session, struct fw_known *ret_known);
/* Remembers that the kernel at `kernel_generation` holds `ruleset`, compiled of `loaded` (NULL: not known). Best effort: what is not known is read. */
void fw_remember(struct fw_session *session, uint32_t kernel_generation, uint64_t generation, const struct fw_ruleset *ruleset,
		 const struct fw_loaded *loaded);
/* A rule or block as it is told. */
struct fw_statement {
	const char *id, *text, *file;
	uint32_t line;
};
int fw_statements_of(const struct fw_policy *policy, struct fw_vec *ret_statements); /* blocks, then rules in the order of decision; 0 or -ENOMEM */
/* Identity of the rest of what is told: defaults, options, groups. */
struct fw_hash fw_plan_frame(const struct fw_policy *policy);

/* What runs, kept in the run folder so that it need not be read from the kernel, as long as fw_known_holds. */
struct fw_memory {
	struct fw_ruleset *ruleset; /* rules without handles */
	struct fw_hash frame;
	const struct fw_statement *statements;
	size_t statement_count;
};
/* Best effort: a ruleset that is quicker read than kept leaves none. */
void fw_memory_write(struct fw_session *session, const struct fw_known *known, const struct fw_policy *policy, const struct fw_ruleset *ruleset);
/* 0; -ENOENT: there is none of what is known; -ENOMEM. */
int fw_memory_read(struct fw_session *session, const struct fw_known *known, struct fw_memory *ret_memory);
/* The changes from what runs to `want`, ready to be sent. 0; -ESTALE: what runs was remembered, and is not so (it is forgotten); as fw_ruleset_diff. */
int fw_changes_to(struct fw_session *session, const struct fw_running *running, const struct fw_ruleset *want, struct fw_changes *ret_changes);

/* This very program: another one, as after an upgrade, may compile otherwise. */
struct fw_program {
	uint64_t device, inode, size, changed_s, changed_ns;
};
bool fw_this_program(struct fw_program *ret_program);

/* After a commit of members: what was known before it stays known, where nobody else wrote in between. */
void fw_remember_members(struct fw_session *session, const struct fw_known *before);

/* The lines of a plan: how `want` differs from what runs, in words. 0 or -ENOMEM. */
int fw_plan_describe(struct fw_session *session, const struct fw_running *running, const struct fw_policy *want, struct fw_plan *plan);
void fw_plan_count(struct fw_plan *plan);

/* Makes connections that were open before the first apply, and that `policy` allows, known to connection tracking; how many. */
size_t fw_adopt_connections(struct fw_session *session, const struct fw_policy *policy);

int32_t fw_local_utc_offset(int64_t utc);

#endif
