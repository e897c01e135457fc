/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/compile.h - policy to ruleset: a pure function. Stages, one pass a file: policy -> decision plan (what is tried in which order in
 * each hook, as data that can be printed) -> ruleset. Same policy and environment, same ruleset, byte for byte. */
#ifndef FW_COMPILE_COMPILE_H
#define FW_COMPILE_COMPILE_H

#include "policy/policy.h"
#include "ruleset/ruleset.h"

/* Prefix lengths that members of a dynamic group have now; the host lengths 32 and 128 are always there. Bit n of the array: length n. */
struct fw_member_lengths {
	const char *group;
	uint64_t ipv4;     /* bits 0-32 */
	uint64_t ipv6[3];  /* bits 0-128 */
};

struct fw_compile_env {
	int64_t now; /* Unix seconds: `during` is computed from the week before it on */
	void *clock;
	int32_t (*utc_offset)(void *clock, int64_t utc); /* seconds east of Greenwich at that instant; NULL: the process's zone (localtime_r) */
	const struct fw_member_lengths *lengths;
	size_t length_count;
};

/* `during` is compiled for this long, from the Monday before `now` on; the horizon is in the manifest, and `renew` moves it. */
#define FW_DURING_WEEKS 54

/* 0; FW_REPORTED (in diags, e.g. past a bound of the kernel); -ENOMEM. */
int fw_compile(struct fw_arena *arena, const struct fw_policy *policy, const struct fw_compile_env *env, struct fw_diags *diags,
	       struct fw_ruleset **ret_ruleset);

/* Name of the set that holds members of `group` with this prefix length: "dyn-GROUP-4-32". Shared with ban and unban. `size` bytes at ret_name, 256 are enough. */
void fw_compile_member_set_name(const char *group, enum fw_family family, unsigned int length, char *ret_name, size_t size);
/* The inverse, for reading a kernel's sets: false where `name` is no member set. The group's name is written escaped back to ret_group (64 bytes). */
bool fw_compile_parse_member_set(const char *name, char ret_group[64], enum fw_family *ret_family, unsigned int *ret_length);

/* Instants (Unix seconds, sorted, half-open [begin, end)) in `window` at which a `during` holds, by the local wall clock. In `arena`. */
struct fw_instant_range {
	int64_t begin, end;
};
struct fw_instants {
	const struct fw_instant_range *ranges;
	size_t len;
};
int fw_compile_during(struct fw_arena *arena, const struct fw_compile_env *env, const struct fw_ast_during *during,
		      struct fw_instant_range window, struct fw_instants *ret_instants);
/* `until` as Unix seconds (a local time that a clock change skips: the instant of the change; one that comes twice: the later). */
int64_t fw_compile_until(const struct fw_compile_env *env, const struct fw_ast_until *until);

#endif
