/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: rulesets as bytes, as they lie in the run folder. What is read can be written, and that reads the same. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz.h"
#include "ruleset/diff.h"
#include "ruleset/pack.h"

#define BUDGET ((size_t)256 << 20)

static void check_again(struct fw_arena *arena, const struct fw_ruleset *first)
{
	struct fw_buf out FW_CLEANUP(fw_buf_done);
	struct fw_ruleset *second = NULL;
	struct fw_changes changes;

	fw_buf_init(&out, BUDGET);
	fw_ruleset_pack(first, &out);
	if (out.error || fw_ruleset_unpack(arena, fw_buf_str(&out), &second) == -ENOMEM)
		return;
	FUZZ_CHECK(second != NULL);
	FUZZ_CHECK(first->chains.len == second->chains.len && first->sets.len == second->sets.len && first->objects.len == second->objects.len);
	(void)fw_ruleset_diff(arena, first, second, &changes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_ruleset *ruleset = NULL;
	int r;

	if (!arena)
		return 0;
	r = fw_ruleset_unpack(arena, (struct fw_str){ (const char *)data, size }, &ruleset);
	FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -ENOMEM);
	if (r == 0)
		check_again(arena, ruleset);
	fw_arena_free(arena);
	return 0;
}
