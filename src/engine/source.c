/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/source.c - what a compilation depends on, as one number: the texts, the numbers of users and groups, and this very program. The clock and its
 * zone are no part of it, and neither is what depends on them: then there is no number, and one compiles and compares. */
#include <string.h>
#include <sys/stat.h>

#include "engine/internal.h"

bool fw_this_program(struct fw_program *ret_program)
{
	struct stat found;

	if (stat("/proc/self/exe", &found) < 0)
		return false;
	*ret_program = (struct fw_program){ found.st_dev, found.st_ino, (uint64_t)found.st_size, (uint64_t)found.st_ctim.tv_sec,
					 (uint64_t)found.st_ctim.tv_nsec };
	return true;
}

static bool asks_clock(const struct fw_policy *policy)
{
	for (size_t d = 0; d < FW_DIRECTIONS; d++)
		for (size_t i = 0; i < policy->rule_count[d]; i++)
			if (policy->rules[d][i]->match.has_during || policy->rules[d][i]->match.has_until)
				return true;
	return false;
}

bool fw_source_of(const struct fw_loaded *loaded, char ret_hash[FW_HASH_HEX])
{
	FW_CLEANUP(fw_buf_done) struct fw_buf text;
	struct fw_program program;

	memset(ret_hash, '0', FW_HASH_HEX - 1);
	ret_hash[FW_HASH_HEX - 1] = '\0';
	fw_buf_init(&text, 1u << 20);
	if (asks_clock(loaded->policy) || !fw_this_program(&program))
		return false;
	fw_buf_add(&text, (struct fw_str){ (const char *)&program, sizeof(program) });
	fw_buf_add(&text, (struct fw_str){ (const char *)&loaded->policy->hash, sizeof(loaded->policy->hash) });
	for (size_t i = 0; i < loaded->ids.len; i++) {
		const struct fw_generation_id *id = fw_vec_at(&loaded->ids, i);
		fw_buf_printf(&text, "%s=%u%s\n", id->name, id->id, id->group ? " group" : "");
	}
	if (text.error)
		return false;
	fw_hash_hex(fw_hash128(fw_buf_str(&text)), ret_hash);
	return true;
}
