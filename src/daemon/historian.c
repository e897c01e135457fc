/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/historian.c - the thread of the database. A turn books what the board has and the history has not; what cannot be written stays on the board and is
 * written later. Then it answers questions, and drops what is old. It alone has the database open. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/booking.h"
#include "daemon/front.h"

#define JOBS_MAX 64
#define TURN_SECONDS 5       /* counts are booked so often at most .. */
#define IDLE_SECONDS 60      /* .. and what is old looked for, so often */
#define RETRY_SECONDS 10     /* where the database could not be opened */
#define STEP_SECONDS 120     /* a clock that differs by more has been set */
#define DISTRUST_SECONDS 3600

/* --- asking and answering, by the main thread --- */

void fw_historian_counted(struct fw_historian *historian)
{
	(void)pthread_mutex_lock(&historian->lock);
	historian->counted = true;
	(void)pthread_cond_signal(&historian->wake);
	(void)pthread_mutex_unlock(&historian->lock);
}

void fw_historian_set_limits(struct fw_historian *historian, const struct fw_history_limits *limits)
{
	(void)pthread_mutex_lock(&historian->lock);
	historian->limits = *limits;
	historian->limits_changed = true;
	(void)pthread_cond_signal(&historian->wake);
	(void)pthread_mutex_unlock(&historian->lock);
}

int fw_historian_ask(struct fw_historian *historian, struct fw_job *job)
{
	struct fw_job **link = &historian->jobs;
	int r = 0;

	(void)pthread_mutex_lock(&historian->lock);
	while (*link)
		link = &(*link)->next;
	if (historian->job_count < JOBS_MAX) {
		*link = job;
		historian->job_count++;
		(void)pthread_cond_signal(&historian->wake);
	} else {
		r = -EBUSY;
	}
	(void)pthread_mutex_unlock(&historian->lock);
	return r;
}

struct fw_job *fw_historian_answers(struct fw_historian *historian)
{
	(void)pthread_mutex_lock(&historian->lock);
	struct fw_job *done = historian->done;
	historian->done = NULL;
	(void)pthread_mutex_unlock(&historian->lock);
	return done;
}

void fw_job_free(struct fw_job *job)
{
	fw_buf_done(&job->out);
	free(job);
}

/* --- clocks --- */

static int64_t clock_seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec;
}

/* A clock that jumps forward and back again must not have made everything old in between. */
static void watch_clock(struct fw_historian *historian)
{
	const int64_t wall = clock_seconds(CLOCK_REALTIME), boot = clock_seconds(CLOCK_BOOTTIME);
	const int64_t step = (wall - historian->wall) - (boot - historian->boot);

	if (historian->boot > 0 && (step > STEP_SECONDS || step < -STEP_SECONDS)) {
		fprintf(stderr, "fwctld: the clock was set by %+lld seconds; nothing of the history goes for its age in the next hour\n", (long long)step);
		historian->distrust_until = boot + DISTRUST_SECONDS;
		if (historian->history)
			(void)fw_history_note_clock(historian->history, wall, step);
	}
	historian->wall = wall;
	historian->boot = boot;
}

/* --- turns --- */

static void say_error(struct fw_historian *historian, const char *what, int error)
{
	char text[sizeof(historian->error)] = "";

	if (error < 0)
		snprintf(text, sizeof(text), "%s: %s", what, error == -ENOSPC ? "the disk, or the history's own room, is full" : strerror(-error));
	(void)pthread_mutex_lock(&historian->lock);
	const bool is_new = strcmp(historian->error, text) != 0;
	memcpy(historian->error, text, sizeof(text));
	(void)pthread_mutex_unlock(&historian->lock);
	if (is_new && text[0])
		fprintf(stderr, "fwctld: history: %s; it is tried again\n", text);
	else if (is_new)
		fputs("fwctld: history: it is written again\n", stderr);
}

static void open_history(struct fw_historian *historian, const struct fw_history_limits *limits)
{
	char note[256] = "";
	const int r = fw_history_open(historian->path, limits, note, &historian->history);

	if (r < 0) {
		historian->history = NULL;
		say_error(historian, note[0] ? note : historian->path, r);
		return;
	}
	if (note[0])
		fprintf(stderr, "fwctld: history: %s\n", note);
	const int read = fw_booking_read_seen(historian);
	if (read < 0) {
		fw_history_close(historian->history);
		historian->history = NULL;
	}
	say_error(historian, "reading what was booked", read);
}

static void refresh_facts(struct fw_historian *historian)
{
	struct fw_history_facts facts;

	if (fw_history_facts(historian->history, &facts) < 0)
		return;
	(void)pthread_mutex_lock(&historian->lock);
	historian->facts = facts;
	(void)pthread_mutex_unlock(&historian->lock);
}

static void prune(struct fw_historian *historian)
{
	int r = 1;

	for (unsigned int i = 0; r == 1 && i < 200; i++)
		r = fw_history_prune(historian->history, historian->wall, historian->boot >= historian->distrust_until);
	if (r < 0)
		say_error(historian, "dropping what is old", r);
}

/* What the main thread wants, taken under the lock. */
struct wish {
	struct fw_history_limits limits;
	bool limits_changed, counted, ends;
	struct fw_job *jobs;
};

static void wait_for_wish(struct fw_historian *historian, int64_t until_boot, struct wish *ret_wish)
{
	const struct timespec until = { .tv_sec = until_boot };

	(void)pthread_mutex_lock(&historian->lock);
	while (!historian->ends && !historian->jobs && !historian->limits_changed && !historian->counted)
		if (pthread_cond_timedwait(&historian->wake, &historian->lock, &until) != 0)
			break;
	*ret_wish = (struct wish){ historian->limits, historian->limits_changed, historian->counted, historian->ends, historian->jobs };
	historian->limits_changed = false;
	historian->counted = false;
	historian->jobs = NULL;
	historian->job_count = 0;
	(void)pthread_mutex_unlock(&historian->lock);
}

static void answer(struct fw_historian *historian, struct fw_job *jobs)
{
	const uint64_t one = 1;
	struct fw_job *next;

	for (struct fw_job *job = jobs; job; job = next) {
		next = job->next;
		fw_hits_answer(historian, job);
		(void)pthread_mutex_lock(&historian->lock);
		job->next = historian->done;
		historian->done = job;
		(void)pthread_mutex_unlock(&historian->lock);
	}
	if (jobs)
		(void)!write(historian->done_fd, &one, sizeof(one));
}

struct turns { /* when what is due, by the boot clock */
	int64_t book, prune, open;
	bool owed; /* there are counts that were not booked yet */
};

static void book(struct fw_historian *historian, struct turns *turns)
{
	const int r = fw_booking_book(historian);

	say_error(historian, "writing", r);
	turns->book = historian->boot + TURN_SECONDS;
	turns->owed = r < 0;
	if (r == -ENOSPC)
		turns->prune = 0;
	if (r != -EBADMSG) {
		refresh_facts(historian);
		return;
	}
	fw_history_close(historian->history); /* damaged: opening it moves it aside */
	historian->history = NULL;
	fw_booking_lose_numbers(historian);
}

static void turn(struct fw_historian *historian, struct turns *turns, const struct wish *wish)
{
	watch_clock(historian);
	if (!historian->history && wish->limits.max_bytes > 0 && historian->boot >= turns->open) {
		open_history(historian, &wish->limits);
		turns->open = historian->boot + RETRY_SECONDS;
	} else if (historian->history && wish->limits_changed) {
		say_error(historian, "changing its limits", fw_history_set_limits(historian->history, &wish->limits));
		turns->prune = 0;
	}
	turns->owed = turns->owed || wish->counted;
	if (historian->history && ((turns->owed && historian->boot >= turns->book) || wish->jobs || wish->ends || historian->boot >= turns->prune))
		book(historian, turns);
	if (historian->history && historian->boot >= turns->prune) {
		prune(historian);
		turns->prune = historian->boot + IDLE_SECONDS;
	}
	fw_booking_sweep(historian);
	answer(historian, wish->jobs);
}

static void *run(void *data)
{
	struct fw_historian *historian = data;
	struct turns turns = { 0 };
	struct wish wish = { .ends = false };

	while (!wish.ends) {
		const int64_t now = clock_seconds(CLOCK_MONOTONIC), patience = !historian->history ? RETRY_SECONDS : turns.owed ? TURN_SECONDS : IDLE_SECONDS;
		wait_for_wish(historian, now + patience, &wish);
		turn(historian, &turns, &wish);
	}
	fw_history_close(historian->history);
	return NULL;
}

int fw_historian_start(struct fw_historian *historian, struct fw_board *board, const char *path)
{
	pthread_condattr_t attributes;

	*historian = (struct fw_historian){ .board = board, .path = path, .done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (historian->done_fd < 0)
		return -errno;
	fw_vec_init(&historian->seen, NULL, sizeof(struct fw_history_seen));
	int r = pthread_mutex_init(&historian->lock, NULL);
	if (r == 0)
		r = pthread_condattr_init(&attributes);
	if (r == 0)
		r = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(&historian->wake, &attributes);
	if (r == 0)
		r = pthread_create(&historian->thread, NULL, run, historian);
	return -r;
}

void fw_historian_stop(struct fw_historian *historian)
{
	(void)pthread_mutex_lock(&historian->lock);
	historian->ends = true;
	(void)pthread_cond_signal(&historian->wake);
	(void)pthread_mutex_unlock(&historian->lock);
	(void)pthread_join(historian->thread, NULL);
}
