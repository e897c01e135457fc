/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/check.c - the use cases that need no kernel: check, fmt, and show of a policy. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "engine/internal.h"
#include "proof/proof.h"
#include "syntax/parse.h"

int fw_prove(struct fw_session *session, const struct fw_policy *policy, bool with_warnings)
{
	struct fw_proof proof FW_CLEANUP(fw_proof_done) = { 0 };
	if (!with_warnings && policy->expect_count == 0)
		return 0;

	int r = fw_proof_init(&proof, session->arena, policy, session->now + fw_local_utc_offset(session->now));
	if (r == -E2BIG) {
		fw_proof_give_up(policy, &session->diags);
		r = 0;
	} else if (r == 0) {
		r = fw_proof_expects(&proof, &session->diags);
		if (r == 0 && with_warnings)
			r = fw_proof_warnings(&proof, &session->diags);
	}
	return r == 0 && session->diags.errors > 0 ? FW_REPORTED : r;
}

enum fw_outcome fw_engine_check(struct fw_session *session, const char *path, struct fw_policy **ret_policy,
				struct fw_ruleset **ret_ruleset)
{
	struct fw_loaded loaded;
	struct fw_ruleset *ruleset;

	int r = fw_engine_load(session, path, &loaded);
	if (r != 0)
		return fw_fail_compile(session, r, "reading the policy");
	r = fw_prove(session, loaded.policy, true);
	if (r != 0)
		return fw_fail_compile(session, r, "proving the expectations");
	const struct fw_aim aim = { .policy = loaded.policy, .clock = session->now };
	r = fw_compile_beside(session, &aim, NULL, &ruleset);
	if (r != 0)
		return fw_fail_compile(session, r, "compiling the policy");
	if (ret_policy)
		*ret_policy = loaded.policy;
	if (ret_ruleset)
		*ret_ruleset = ruleset;
	return FW_OUTCOME_DONE;
}

enum fw_outcome fw_engine_services(struct fw_session *session, const struct fw_service *const **ret_services, size_t *ret_count)
{
	int r = fw_policy_services(session->arena, &session->diags, ret_services, ret_count);

	return r ? fw_fail_compile(session, r, "reading the catalogue") : FW_OUTCOME_DONE;
}

static int read_text(struct fw_session *session, const char *path, struct fw_str *ret_text)
{
	char *heap FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;
	const bool is_stdin = strcmp(path, "-") == 0;
	int r = is_stdin ? fw_file_read_fd(0, FW_PARSE_MAX_TEXT, &heap, &len) : fw_file_read(path, FW_PARSE_MAX_TEXT, &heap, &len);
	if (r < 0)
		return r;

	const char *text = fw_arena_copy(session->arena, (struct fw_str){ heap, len });
	if (!text)
		return -ENOMEM;
	*ret_text = (struct fw_str){ text, len };
	return 0;
}

enum fw_outcome fw_engine_format(struct fw_session *session, const char *path, struct fw_buf *out)
{
	struct fw_str text;
	int r = read_text(session, path, &text);
	if (r == -EFBIG)
		return fw_fail(session, FW_OUTCOME_POLICY, NULL, "%s: larger than %u MiB", path, FW_PARSE_MAX_TEXT >> 20);
	if (r < 0)
		return fw_fail(session, FW_OUTCOME_POLICY, NULL, "%s: %s", path, strerror(-r));

	struct fw_ast_file *file;
	const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
	const uint32_t source = fw_sources_add(&session->sources, name, text, (struct fw_span){ 0 });
	r = source ? fw_parse(session->arena, &session->diags, source, &file) : -ENOMEM;
	if (r == 0 && session->diags.errors > 0)
		r = FW_REPORTED;
	if (r == 0)
		r = fw_format(session->arena, &session->sources, file, out);
	if (r == 0)
		r = out->error;
	return r ? fw_fail_compile(session, r, "formatting the policy") : FW_OUTCOME_DONE;
}

/* Where the text of what runs is known, big sets are asked for what they should hold, not dumped. */
static enum fw_outcome read_all(struct fw_session *session, struct fw_running *running)
{
	struct fw_ruleset *want;
	enum fw_outcome outcome = fw_read_running(session, FW_SNAPSHOT_RULES, true, running);

	if (outcome != FW_OUTCOME_DONE || !running->policy)
		return outcome == FW_OUTCOME_DONE ? fw_read_running(session, FW_SNAPSHOT_ALL, false, running) : outcome;
	const struct fw_aim aim = { .policy = running->policy, .clock = running->generation.compiled_for };
	return fw_read_beside(session, &aim, running, &want);
}

enum fw_outcome fw_engine_show(struct fw_session *session, const char *path, struct fw_ruleset **ret_ruleset)
{
	struct fw_running running;
	if (path)
		return fw_engine_check(session, path, NULL, ret_ruleset);

	enum fw_outcome outcome = read_all(session, &running);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	if (!running.ruleset)
		return fw_fail(session, FW_OUTCOME_OUT_OF_SYNC, "fwctl apply POLICY", "no policy is applied here");
	*ret_ruleset = running.ruleset;
	return FW_OUTCOME_DONE;
}
