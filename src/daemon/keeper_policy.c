/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/keeper_policy.c - what runs, and what it counted, from the engine to the front. Only what changed since it was last told is told. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/hash.h"
#include "daemon/keeper.h"

#define SESSION_BUDGET ((size_t)1280 << 20)
#define DEFAULT_LOG_GROUP 86
#define COST_FACTOR 2000 /* reading counters takes a two-thousandth of the time at most .. */
#define POLL_MIN_US (5 * 1000000ull) /* .. and happens so often at most, and .. */
#define POLL_MAX_US (30 * 1000000ull) /* .. at least, but when somebody asks */
#define MEMBERS_TOLD 65536

struct fw_session *fw_keeper_session(const struct fw_keeper *keeper)
{
	struct fw_session *session = fw_session_new(SESSION_BUDGET, time(NULL));

	(void)keeper;
	if (!session)
		return NULL;
	if (fw_session_attach(session, NULL) != FW_OUTCOME_DONE) {
		fw_keeper_say(LOG_ERR, "%s", session->message);
		fw_session_free(session);
		return NULL;
	}
	return session;
}

/* --- what runs --- */

struct teller {
	struct fw_keeper *keeper;
	size_t index;
	int error;
};

static void tell_line(struct teller *t, const struct fw_status_line *line)
{
	const struct fw_message_line record = { line->owner, line->direction, line->verdict, line->line };
	const char *const strings[] = { line->id, line->name, line->file, line->text, line->label };
	struct fw_keeper *keeper = t->keeper;
	char key[FW_LINE_KEY_MAX];

	if (t->error < 0)
		return;
	fw_line_key(line->owner, line->id, key);
	char *copy = fw_arena_copy(keeper->arena, fw_str_from(key));
	t->error = copy ? fw_map_set(&keeper->lines, fw_str_from(copy), &keeper->counted[t->index]) : -ENOMEM;
	keeper->counted[t->index].now.index = t->index;
	t->index++;
	if (t->error == 0)
		t->error = fw_channel_send_strings(&keeper->channel, FW_MESSAGE_LINE, &record, strings, FW_ARRAY_SIZE(strings));
}

static void tell_lines(struct teller *t, const struct fw_vec *list)
{
	for (size_t i = 0; i < list->len; i++)
		tell_line(t, fw_vec_at(list, i));
}

static uint64_t epoch_of(const struct fw_status *status)
{
	struct fw_digest digest;
	char boot[64] = "";
	uint64_t dev = 0, inode = 0;

	(void)fw_store_boot_id(boot);
	(void)fw_netns_identity(&dev, &inode);
	fw_digest_init(&digest);
	fw_digest_string(&digest, fw_str_from(boot));
	fw_digest_number(&digest, inode);
	fw_digest_number(&digest, status->table);
	return fw_digest_end(&digest).lo >> 1; /* SQLite's integers have a sign */
}

static int begin_policy(struct fw_keeper *keeper, size_t lines)
{
	fw_arena_free(keeper->arena);
	keeper->line_count = 0;
	keeper->arena = fw_arena_new(SESSION_BUDGET);
	if (!keeper->arena)
		return -ENOMEM;
	fw_map_init(&keeper->lines, keeper->arena);
	keeper->counted = fw_arena_alloc(keeper->arena, lines + 1, sizeof(*keeper->counted));
	keeper->line_count = lines;
	keeper->serial++;
	return keeper->counted ? 0 : -ENOMEM;
}

static int tell_status(struct fw_keeper *keeper, const struct fw_status *status)
{
	const size_t lines = status->active ? status->blocks.len + status->rules.len + status->builtins.len + status->defaults.len : 0;
	struct teller t = { .keeper = keeper };
	int r = begin_policy(keeper, lines);
	if (r < 0)
		return r;

	const struct fw_message_policy record = { .serial = keeper->serial, .generation = status->generation, .epoch = epoch_of(status),
						  .applied_at = status->applied_at, .horizon = status->horizon, .active = status->active,
						  .in_sync = status->in_sync, .lines = (uint32_t)lines, .log_group = keeper->log_group };
	const char *const strings[] = { status->policy, status->user, status->drift };
	t.error = fw_channel_send_strings(&keeper->channel, FW_MESSAGE_POLICY, &record, strings, FW_ARRAY_SIZE(strings));
	if (lines > 0) {
		tell_lines(&t, &status->blocks);
		tell_lines(&t, &status->rules);
		tell_lines(&t, &status->builtins);
		tell_lines(&t, &status->defaults);
	}
	return t.error < 0 ? t.error : fw_channel_send(&keeper->channel, FW_MESSAGE_POLICY_END, NULL, -1);
}

/* Listens where the policy sends its events. That somebody else does is told once, and tried again at the next look. */
static int listen_to(struct fw_keeper *keeper, uint16_t group)
{
	struct fw_message_nflog record = { .group = group };
	int fd FW_CLEANUP(fw_close_fd) = -1;

	if (keeper->listens && keeper->log_group == group)
		return 0;
	record.error = fw_nflog_open(group, &fd);
	if (record.error == 0)
		fw_keeper_say(LOG_INFO, "listening to NFLOG group %u", (unsigned int)group);
	else if (!keeper->told_busy)
		fw_keeper_say(LOG_WARNING, "NFLOG group %u: %s: there are no events, only counters", (unsigned int)group,
			      record.error == -EBUSY ? "another program listens to it" : strerror((int)-record.error));
	keeper->told_busy = record.error < 0;
	keeper->listens = record.error == 0;
	keeper->log_group = group;
	return fw_channel_send(&keeper->channel, FW_MESSAGE_NFLOG, &record, fd);
}

static int look(struct fw_keeper *keeper, struct fw_session *session)
{
	struct fw_status status = { .active = false };
	const enum fw_outcome outcome = fw_engine_status(session, &status);

	if (outcome != FW_OUTCOME_DONE && outcome != FW_OUTCOME_OUT_OF_SYNC) {
		fw_keeper_say(LOG_WARNING, "finding out what runs: %s", session->message);
		return 0;
	}
	keeper->look_again = status.active && status.generation == 0; /* its text may be on its way into the state folder */
	int r = listen_to(keeper, status.log_group ? status.log_group : DEFAULT_LOG_GROUP);
	return r < 0 ? r : tell_status(keeper, &status);
}

int fw_keeper_look(struct fw_keeper *keeper)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = fw_keeper_session(keeper);
	const uint64_t begin = fw_keeper_now_us();
	if (!session)
		return 0;

	int r = look(keeper, session);
	fw_session_free(session);
	session = NULL;
	malloc_trim(0); /* what reading a policy takes is not needed until the next one */
	keeper->looked_us = fw_keeper_now_us();
	keeper->look_cost_us = keeper->looked_us - begin;
	return r < 0 ? r : fw_keeper_poll(keeper);
}

/* --- what it counted --- */

static void add_count(struct fw_keeper *keeper, const struct fw_count *count)
{
	char key[FW_LINE_KEY_MAX];
	fw_line_key(count->tag.owner, count->tag.id, key);
	struct fw_counted *counted = fw_map_get(&keeper->lines, fw_str_from(key));
	if (!counted)
		return;

	struct fw_message_count *now = &counted->now;
	if (count->tag.role == FW_RS_ROLE_HIT) {
		now->handle += count->handle;
		now->packets += count->packets;
		now->bytes += count->bytes;
	} else if (count->tag.role == FW_RS_ROLE_OVER) {
		now->over_handle += count->handle;
		now->over_packets += count->packets;
	} else if (count->tag.role == FW_RS_ROLE_SHARED) {
		now->shared_packets += count->packets;
	}
}

static int tell_changed(struct fw_keeper *keeper)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < keeper->line_count; i++) {
		struct fw_counted *counted = &keeper->counted[i];
		const bool is_gone = counted->told.handle != 0 && counted->now.handle == 0; /* with its line: what it counted last stays true */
		if (is_gone || memcmp(&counted->now, &counted->told, sizeof(counted->now)) == 0)
			continue;
		counted->told = counted->now;
		r = fw_channel_add(&keeper->channel, FW_MESSAGE_COUNTS, &counted->now);
	}
	return r < 0 ? r : fw_channel_flush(&keeper->channel, FW_MESSAGE_COUNTS);
}

static int read_counts(struct fw_keeper *keeper)
{
	struct fw_vec counts FW_CLEANUP(fw_vec_done);
	uint32_t generation;

	fw_vec_init(&counts, NULL, sizeof(struct fw_count));
	int r = fw_kernel_counts(keeper->kernel, &counts, &generation);
	for (size_t i = 0; r == 0 && i < keeper->line_count; i++)
		keeper->counted[i].now = (struct fw_message_count){ .index = i };
	for (size_t i = 0; r == 0 && i < counts.len; i++)
		add_count(keeper, fw_vec_at(&counts, i));
	return r;
}

int fw_keeper_poll(struct fw_keeper *keeper)
{
	struct fw_message_counts_end end = { .serial = keeper->serial };
	struct timespec now;
	const uint64_t begin = fw_keeper_now_us();

	end.error = read_counts(keeper);
	clock_gettime(CLOCK_REALTIME, &now);
	end.time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	int r = end.error == 0 ? tell_changed(keeper) : 0;
	keeper->polled_us = fw_keeper_now_us();
	keeper->poll_cost_us = keeper->polled_us - begin;
	const uint64_t every = keeper->poll_cost_us * COST_FACTOR;
	keeper->poll_every_us = every < POLL_MIN_US ? POLL_MIN_US : every > POLL_MAX_US ? POLL_MAX_US : every;
	return r < 0 ? r : fw_channel_send(&keeper->channel, FW_MESSAGE_COUNTS_END, &end, -1);
}

/* --- dynamic groups --- */

static struct fw_message_done done_of(const struct fw_message_ask *ask, enum fw_outcome outcome)
{
	return (struct fw_message_done){ .ticket = ask->ticket, .outcome = outcome };
}

static int tell_done(struct fw_keeper *keeper, const struct fw_message_done *done, const char *message, const char *hint)
{
	const char *const strings[] = { message, hint };

	return fw_channel_send_strings(&keeper->channel, FW_MESSAGE_DONE, done, strings, FW_ARRAY_SIZE(strings));
}

static struct fw_message_member member_of(const struct fw_banned *banned)
{
	const struct fw_member *member = &banned->member;
	struct fw_message_member record = { .hi = member->address.hi, .lo = member->address.lo, .timeout_ms = member->timeout_ms,
					    .expires_ms = member->expires_ms, .family = member->family, .length = member->length };

	memcpy(record.group, banned->group, strnlen(banned->group, sizeof(record.group) - 1));
	return record;
}

static const char *group_of(const struct fw_message_ask *ask, char ret_group[FW_MESSAGE_GROUP_MAX])
{
	memcpy(ret_group, ask->group, FW_MESSAGE_GROUP_MAX);
	ret_group[FW_MESSAGE_GROUP_MAX - 1] = '\0';
	return ret_group[0] ? ret_group : NULL;
}

int fw_keeper_tell_members(struct fw_keeper *keeper, const struct fw_message_ask *ask)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = fw_keeper_session(keeper);
	struct fw_message_done done = done_of(ask, FW_OUTCOME_REFUSED);
	char group[FW_MESSAGE_GROUP_MAX];
	struct fw_vec banned = { 0 };
	if (!session)
		return tell_done(keeper, &done, "out of memory", NULL);

	done.outcome = fw_engine_bans(session, group_of(ask, group), &banned);
	if (done.outcome != FW_OUTCOME_DONE)
		return tell_done(keeper, &done, session->message, session->hint);
	int r = 0;
	for (size_t i = 0; r == 0 && i < banned.len && i < MEMBERS_TOLD; i++) {
		const struct fw_message_member record = member_of(fw_vec_at(&banned, i));
		r = fw_channel_add(&keeper->channel, FW_MESSAGE_MEMBERS, &record);
	}
	if (r == 0)
		r = fw_channel_flush(&keeper->channel, FW_MESSAGE_MEMBERS);
	done.total = banned.len;
	return r < 0 ? r : fw_channel_send(&keeper->channel, FW_MESSAGE_MEMBERS_END, &done, -1);
}

/* The front read an address of a client; what comes here is numbers, made a text again by our own printer. */
static bool address_text(const struct fw_message_ban *message, struct fw_buf *text)
{
	if (message->family > FW_IPV6 || message->length > fw_family_bits(message->family))
		return false;
	fw_addr_print(text, message->family, fw_range_prefix(message->family, (struct fw_u128){ message->hi, message->lo }, message->length));
	return !text->error;
}

int fw_keeper_ban(struct fw_keeper *keeper, const struct fw_message_ban *message, bool add)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = fw_keeper_session(keeper);
	struct fw_buf text FW_CLEANUP(fw_buf_done);
	struct fw_message_done done = done_of(&message->ask, FW_OUTCOME_REFUSED);
	char name[FW_MESSAGE_GROUP_MAX];
	const char *group = NULL;

	fw_buf_init(&text, 256);
	if (!session || !address_text(message, &text))
		return tell_done(keeper, &done, session ? "no address" : "out of memory", NULL);
	const struct fw_ban ban = { .address = text.data, .group = group_of(&message->ask, name), .has_timeout = add && message->has_timeout,
				    .timeout_s = message->timeout_s };
	done.outcome = add ? fw_engine_ban(session, &ban, &group, &done.timeout_s) : fw_engine_unban(session, &ban, &group);
	if (group)
		memcpy(done.group, group, strnlen(group, sizeof(done.group) - 1));
	fw_keeper_say(LOG_NOTICE, "%s %s by a client of the socket: %s", add ? "ban" : "unban", text.data,
		      done.outcome == FW_OUTCOME_DONE ? "done" : session->message);
	return tell_done(keeper, &done, session->message, session->hint);
}
