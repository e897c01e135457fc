/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/engine.h - the use cases: check, plan, apply, status, show, ban, flush, renew. No argv, no stdout: results are data, failures an outcome
 * (which is the exit status), a message and diagnostics. */
#ifndef FW_ENGINE_ENGINE_H
#define FW_ENGINE_ENGINE_H

#include "compile/compile.h"
#include "kernel/kernel.h"
#include "proof/explain.h"
#include "store/store.h"

#define FW_DEFAULT_POLICY "/etc/fwctl/policy.conf"

enum fw_outcome { /* exit statuses of fwctl(8) */
	FW_OUTCOME_DONE = 0,
	FW_OUTCOME_POLICY = 1,      /* the policy has errors */
	FW_OUTCOME_DIFFERS = 2,     /* plan found changes */
	FW_OUTCOME_REFUSED = 3,     /* the kernel or the system refused or may not be asked */
	FW_OUTCOME_OUT_OF_SYNC = 4, /* the kernel does not run what it should */
	FW_OUTCOME_USAGE = 64,
};

/* What one command works with. Everything it reads and makes lives in `arena`. */
struct fw_session {
	struct fw_arena *arena;
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_store *store;   /* after _attach */
	struct fw_kernel *kernel; /* after _attach */
	int64_t now;              /* Unix seconds at the start */
	char message[768];        /* why the outcome is not DONE, where diagnostics do not say it; "" else */
	char hint[256];           /* what to do about it; "" else */
};

/* `budget`: bytes that a policy and all that is made of it may take. NULL: no memory. */
struct fw_session *fw_session_new(size_t budget, int64_t now);
void fw_session_free(struct fw_session *session);
void fw_session_freep(struct fw_session **session); /* for FW_CLEANUP */
/* Enters `netns` (NULL: stays), opens that namespace's store and the kernel. Refuses the namespace of process 1 while the environment has FWCTL_TEST=1.
 * DONE or REFUSED. */
enum fw_outcome fw_session_attach(struct fw_session *session, const char *netns);

/* The name under which a namespace's state and socket are kept: "" for the machine's own. NULL: the one of this process. Needs no right but to enter it, where it
 * is given as a path. 0 or -errno. */
int fw_engine_netns_name(const char *netns, char *ret_name, size_t size);

/* Reads and compiles; no kernel. DONE or POLICY. `path` "-": standard input. Outputs may be NULL. */
enum fw_outcome fw_engine_check(struct fw_session *session, const char *path, struct fw_policy **ret_policy,
				struct fw_ruleset **ret_ruleset);
/* The canonical text of one file into `out`. */
enum fw_outcome fw_engine_format(struct fw_session *session, const char *path, struct fw_buf *out);

/* The running policy, told by the kernel, with what the store knows of it. */
struct fw_running {
	struct fw_ruleset *ruleset; /* NULL: fwctl has nothing in the kernel */
	uint32_t kernel_generation;
	bool has_manifest, has_generation;
	struct fw_manifest manifest;
	struct fw_generation generation;
	struct fw_policy *policy; /* read again from the generation, or NULL */
	const struct fw_memory *memory; /* where the ruleset was not read from the kernel, as nobody wrote since; else NULL */
};

/* What two policies decide differently. */
struct fw_engine_diff {
	const struct fw_policy *policies[2];
	struct fw_vec differences; /* struct fw_difference */
};

/* What a plan or an apply changes, in the words of the policy. */
struct fw_plan_line {
	char sign; /* '+', '-', '~' */
	const char *file;  /* or NULL */
	uint32_t line;     /* 0: none */
	const char *text;
};
enum fw_plan_packets { /* what is known of the packets that would be decided differently */
	FW_PACKETS_NOT_ASKED,
	FW_PACKETS_FIRST,   /* nothing runs yet: all of the policy is new */
	FW_PACKETS_UNKNOWN, /* the running policy's text is not in the state folder */
	FW_PACKETS_TOO_BIG, /* comparing passes a bound */
	FW_PACKETS_COMPARED,
};
struct fw_plan {
	struct fw_vec lines;  /* struct fw_plan_line */
	struct fw_changes changes; /* what would be sent */
	size_t rules_added, rules_deleted, elements_added, elements_deleted, objects; /* counted from changes */
	uint64_t generation;  /* that runs, or 0 */
	bool first;           /* nothing runs yet */
	enum fw_plan_packets packets;
	struct fw_engine_diff diff; /* COMPARED */
};
/* What changes for packets is asked too. DONE (nothing to do), DIFFERS, POLICY, REFUSED. */
enum fw_outcome fw_engine_plan(struct fw_session *session, const char *path, struct fw_plan *ret_plan);

struct fw_applied {
	bool changed;        /* false: the kernel held it already, nothing was sent */
	uint64_t generation; /* that runs now */
	size_t rules;        /* of the policy, all directions */
	size_t adopted;      /* connections that were open before the first apply and were made known to connection tracking */
	struct fw_plan plan;
};
enum fw_outcome fw_engine_apply(struct fw_session *session, const char *path, struct fw_applied *ret_applied);
/* The running policy compiled for the present clock (moves the horizon of `during`). DONE, also where nothing runs. */
enum fw_outcome fw_engine_renew(struct fw_session *session, struct fw_applied *ret_applied);

struct fw_hits {
	uint64_t packets, bytes;
	uint64_t over_packets, over_bytes; /* over the rule's limits */
	uint64_t shared_packets;           /* limited together: the table of sources was full */
};
struct fw_status_line {
	enum fw_rs_owner owner;
	const char *id;    /* rules, blocks */
	const char *name;  /* built-ins */
	const char *file;  /* rules, blocks */
	uint32_t line;
	const char *text, *label; /* label: or NULL */
	enum fw_direction direction;
	enum fw_verdict verdict;
	struct fw_hits hits;
};
struct fw_status {
	bool active;          /* something of fwctl is in the kernel */
	const char *policy;   /* path as given to apply; "" unknown */
	uint64_t generation;  /* 0: unknown */
	int64_t applied_at;   /* Unix seconds, 0: unknown */
	const char *user;
	bool in_sync;
	const char *drift;    /* why not in sync, or NULL */
	int64_t horizon;      /* `during` is compiled until then, 0: no such rule */
	uint16_t log_group;   /* NFLOG group of its events; 0: the policy's text is lost, and its rules were not read */
	uint64_t table;       /* handle of the kernel's table: another one, made later, has another */
	uint32_t kernel_generation;
	struct fw_vec defaults, builtins, blocks, rules; /* struct fw_status_line */
};
/* DONE, OUT_OF_SYNC (the result is filled), REFUSED. */
enum fw_outcome fw_engine_status(struct fw_session *session, struct fw_status *ret_status);

/* The ruleset of a policy as it would be sent, or (path NULL) what the kernel holds. */
enum fw_outcome fw_engine_show(struct fw_session *session, const char *path, struct fw_ruleset **ret_ruleset);

struct fw_ban {
	const char *address;     /* "192.0.2.7", "10.0.0.0/8" */
	const char *group;       /* NULL: the only dynamic one */
	bool has_timeout;
	uint64_t timeout_s;
};
enum fw_outcome fw_engine_ban(struct fw_session *session, const struct fw_ban *ban, const char **ret_group, uint64_t *ret_timeout_s);
enum fw_outcome fw_engine_unban(struct fw_session *session, const struct fw_ban *ban, const char **ret_group);
struct fw_banned {
	const char *group;
	struct fw_member member;
};
enum fw_outcome fw_engine_bans(struct fw_session *session, const char *group, struct fw_vec *ret_banned);

/* Which line decides the packets that `words` describe (proof/query.h); a last word that is no part of that is the policy, and without one the
 * running policy answers (the session is attached then). DONE, POLICY, USAGE, REFUSED. */
struct fw_engine_question {
	char *const *words;
	size_t count;
};
struct fw_engine_answer {
	const struct fw_policy *policy;
	enum fw_direction direction;
	struct fw_explained explained;
};
/* Does the question name its policy? Then no kernel is needed. */
bool fw_engine_names_policy(struct fw_session *session, const struct fw_engine_question *question);
enum fw_outcome fw_engine_explain(struct fw_session *session, const struct fw_engine_question *question, struct fw_engine_answer *ret_answer);

/* The catalogue, sorted by name. */
enum fw_outcome fw_engine_services(struct fw_session *session, const struct fw_service *const **ret_services, size_t *ret_count);

/* DONE: nothing, they are proven equal; DIFFERS; POLICY; REFUSED. */
enum fw_outcome fw_engine_diff(struct fw_session *session, const char *const paths[2], struct fw_engine_diff *ret_diff);

/* *ret_objects: how many chains, sets and objects were taken out (0: there was nothing). */
enum fw_outcome fw_engine_flush(struct fw_session *session, size_t *ret_objects);

#endif
