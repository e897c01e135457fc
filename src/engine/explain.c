/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/explain.c - questions about packets: explain one policy, compare two. */
#include <errno.h>
#include <string.h>

#include "engine/internal.h"

static int parse(struct fw_session *session, const struct fw_engine_question *question, struct fw_query *ret_query, size_t *ret_used)
{
	struct fw_query_error error = { 0 };
	const struct fw_query_words words = { .words = question->words, .count = question->count,
					      .local_now = session->now + fw_local_utc_offset(session->now), .user_id = fw_engine_user_id };
	int r = fw_query_parse(session->arena, &words, ret_query, ret_used, &error);

	if (r == -EINVAL)
		fw_fail(session, FW_OUTCOME_USAGE, error.help, "%s", error.message);
	return r;
}

bool fw_engine_names_policy(struct fw_session *session, const struct fw_engine_question *question)
{
	struct fw_query query;
	size_t used;

	if (parse(session, question, &query, &used) < 0)
		return true;
	return used < question->count;
}

static enum fw_outcome running_policy(struct fw_session *session, const struct fw_policy **ret_policy)
{
	struct fw_running running;
	enum fw_outcome outcome = fw_read_running(session, FW_SNAPSHOT_RULES, true, &running);

	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	if (!running.policy)
		return fw_fail(session, FW_OUTCOME_REFUSED, "name a policy as the last word", "no policy runs here whose text is known");
	*ret_policy = running.policy;
	return FW_OUTCOME_DONE;
}

static enum fw_outcome policy_of(struct fw_session *session, const struct fw_engine_question *question, size_t used,
				 const struct fw_policy **ret_policy)
{
	struct fw_loaded loaded;
	if (used == question->count)
		return running_policy(session, ret_policy);
	if (used + 1 < question->count)
		return fw_fail(session, FW_OUTCOME_USAGE, "from, to, port, source-port, on, leaving, as, at, and last the policy", "'%s' is no part of a packet",
			       question->words[used]);

	int r = fw_engine_load(session, question->words[used], &loaded);
	if (r != 0)
		return fw_fail_compile(session, r, "reading the policy");
	fw_diags_init(&session->diags, session->arena, &session->sources); /* its warnings are not asked for */
	*ret_policy = loaded.policy;
	return FW_OUTCOME_DONE;
}

enum fw_outcome fw_engine_explain(struct fw_session *session, const struct fw_engine_question *question, struct fw_engine_answer *ret_answer)
{
	struct fw_query query;
	size_t used;
	int r = parse(session, question, &query, &used);
	if (r < 0)
		return r == -EINVAL ? FW_OUTCOME_USAGE : fw_fail_compile(session, r, "reading the packet");

	enum fw_outcome outcome = policy_of(session, question, used, &ret_answer->policy);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;
	ret_answer->direction = query.direction;
	r = fw_explain(session->arena, ret_answer->policy, &query, &ret_answer->explained);
	return r == 0 ? FW_OUTCOME_DONE : fw_fail_compile(session, r, "explaining");
}

enum fw_outcome fw_engine_diff(struct fw_session *session, const char *const paths[2], struct fw_engine_diff *ret_diff)
{
	int r = 0;

	for (unsigned int i = 0; i < 2 && r == 0; i++) {
		struct fw_loaded loaded;
		r = fw_engine_load(session, paths[i], &loaded);
		if (r == 0)
			ret_diff->policies[i] = loaded.policy;
	}
	if (r != 0)
		return fw_fail_compile(session, r, "reading the policies");
	fw_diags_init(&session->diags, session->arena, &session->sources); /* their warnings are not asked for */
	r = fw_differences(session->arena, ret_diff->policies, session->now + fw_local_utc_offset(session->now), &ret_diff->differences);
	if (r != 0)
		return fw_fail_compile(session, r, "comparing");
	return ret_diff->differences.len > 0 ? FW_OUTCOME_DIFFERS : FW_OUTCOME_DONE;
}
