/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/keeper.c - the loop of the process with CAP_NET_ADMIN: timers, changes of nf_tables, what the front asks, signals, the service manager. It ends when the
 * front does. */
#include "daemon/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define LOOK_SOON_US 50000ull      /* after a change: others may follow at once */
#define LOOK_AGAIN_US 300000ull
#define LOOKS_AGAIN 5
#define LOOK_COST_FACTOR 20        /* looking takes a twentieth of the time at most */
#define ALIVE_MAX_US (20 * 1000000ull)

uint64_t fw_keeper_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* To the journal with its level, to a terminal without. */
void fw_keeper_say(int priority, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fw_str_hide_controls(text);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", priority, text);
	else
		fprintf(stderr, "fwctld: %s\n", text);
}

/* A front that is a unit of its own is started anew by itself; its NFLOG socket went with it. */
static void lose_front(struct fw_keeper *keeper)
{
	keeper->channel_source = sd_event_source_unref(keeper->channel_source);
	fw_channel_done(&keeper->channel);
	keeper->front_ready = false;
	keeper->listens = false;
}

/* A failure that nothing can be done about: the service manager starts both anew. */
static int give_up(struct fw_keeper *keeper, const char *what, int error)
{
	if (keeper->exit_status == 0)
		fw_keeper_say(LOG_ERR, "%s: %s", what, strerror(-error));
	keeper->exit_status = FW_OUTCOME_REFUSED;
	return sd_event_exit(keeper->loop, 0);
}

static int check(struct fw_keeper *keeper, const char *what, int r)
{
	if (r >= 0)
		return 0;
	if (!keeper->options->is_unit)
		return give_up(keeper, what, r);
	fw_keeper_say(LOG_WARNING, "%s: %s; waiting for a new front", what, strerror(-r));
	lose_front(keeper);
	return 0;
}

static const char *config_path(const struct fw_keeper *keeper)
{
	return keeper->options->config ? keeper->options->config : FW_DAEMON_CONFIG;
}

/* --- timers --- */

static void arm(sd_event_source *timer, uint64_t at_us)
{
	(void)sd_event_source_set_time(timer, at_us);
	(void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* Hits are told by the minute: a reading falls on the end of each. */
static void arm_poll(struct fw_keeper *keeper)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	const uint64_t into_us = (uint64_t)(wall.tv_sec % 60) * 1000000 + (uint64_t)wall.tv_nsec / 1000;
	const uint64_t to_minute = 60 * 1000000ull - into_us;
	const uint64_t every = keeper->poll_every_us;
	arm(keeper->poll, keeper->polled_us + (to_minute < every + every / 2 ? to_minute : every));
}

static int on_poll(sd_event_source *source, uint64_t now, void *data)
{
	struct fw_keeper *keeper = data;

	(void)source;
	(void)now;
	const int r = keeper->channel.fd >= 0 ? fw_keeper_poll(keeper) : 0;
	if (keeper->channel.fd >= 0)
		arm_poll(keeper);
	return check(keeper, "telling the front what was counted", r);
}

static int on_look(sd_event_source *source, uint64_t now, void *data)
{
	struct fw_keeper *keeper = data;

	(void)now;
	const int r = keeper->channel.fd >= 0 ? fw_keeper_look(keeper) : 0;
	if (keeper->channel.fd >= 0)
		arm_poll(keeper);
	keeper->looks = keeper->look_again ? keeper->looks + 1 : 0;
	if (keeper->look_again && keeper->looks < LOOKS_AGAIN)
		arm(source, fw_keeper_now_us() + LOOK_AGAIN_US);
	return check(keeper, "telling the front what runs", r);
}

/* What is due already is not put off by the next change. */
static void look_soon(struct fw_keeper *keeper)
{
	if (sd_event_source_get_enabled(keeper->look, NULL) > 0)
		return;
	const uint64_t soon = fw_keeper_now_us() + LOOK_SOON_US, fair = keeper->looked_us + LOOK_COST_FACTOR * keeper->look_cost_us;

	arm(keeper->look, soon > fair ? soon : fair);
}

/* --- changes --- */

static int tell_change(struct fw_keeper *keeper, const struct fw_transaction *transaction)
{
	struct fw_message_change record = { .time = time(NULL), .pid = transaction->pid, .ours = transaction->ours };

	memcpy(record.program, transaction->program, sizeof(transaction->program));
	return fw_channel_send(&keeper->channel, FW_MESSAGE_CHANGE, &record, -1);
}

static int on_change(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct fw_keeper *keeper = data;
	struct fw_transaction transaction;

	(void)source;
	(void)fd;
	(void)events;
	const int r = fw_monitor_read(keeper->monitor, &transaction);
	if (r == 0)
		return 0;
	look_soon(keeper);
	if (r < 0)
		return r == -ENOBUFS ? 0 : give_up(keeper, "following changes of nf_tables", r);
	if (keeper->channel.fd < 0)
		return 0;
	return check(keeper, "telling the front of a change", tell_change(keeper, &transaction));
}

/* --- the front --- */

/* Who asks gets what the kernel has now; but reading takes half of the time at most: who asks too soon after the last one waits as long as that took. */
static int poll_on_demand(struct fw_keeper *keeper)
{
	const uint64_t fair = keeper->polled_us + keeper->poll_cost_us;

	if (fw_keeper_now_us() < fair) {
		arm(keeper->poll, fair);
		return 0;
	}
	const int r = fw_keeper_poll(keeper);
	arm_poll(keeper);
	return r;
}

static void front_is_ready(struct fw_keeper *keeper)
{
	if (!keeper->front_ready && !keeper->options->is_unit)
		(void)sd_notify(0, "READY=1\nSTATUS=Counting");
	keeper->front_ready = true;
}

static int take(struct fw_keeper *keeper, const struct fw_message *message)
{
	switch (message->kind) {
	case FW_MESSAGE_READY:
		front_is_ready(keeper);
		return 0;
	case FW_MESSAGE_ALIVE:
		return 0;
	case FW_MESSAGE_POLL:
		return poll_on_demand(keeper);
	case FW_MESSAGE_ASK_MEMBERS:
		return fw_keeper_tell_members(keeper, message->body);
	case FW_MESSAGE_BAN:
		return fw_keeper_ban(keeper, message->body, true);
	case FW_MESSAGE_UNBAN:
		return fw_keeper_ban(keeper, message->body, false);
	case FW_MESSAGE_NONE:
	case FW_MESSAGE_SETTINGS:
	case FW_MESSAGE_POLICY:
	case FW_MESSAGE_LINE:
	case FW_MESSAGE_POLICY_END:
	case FW_MESSAGE_COUNTS:
	case FW_MESSAGE_COUNTS_END:
	case FW_MESSAGE_CHANGE:
	case FW_MESSAGE_NFLOG:
	case FW_MESSAGE_MEMBERS:
	case FW_MESSAGE_MEMBERS_END:
	case FW_MESSAGE_DONE:
	case FW_MESSAGE_KINDS:
		break;
	}
	return -EBADMSG;
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct fw_keeper *keeper = data;
	struct fw_message message = { .fd = -1 };

	(void)source;
	(void)fd;
	(void)events;
	int r = fw_channel_receive(&keeper->channel, &message);
	if (r == 0)
		return 0;
	if (r == -ECONNRESET)
		return check(keeper, "the front has ended", -EPIPE);
	if (r > 0) {
		keeper->alive_us = fw_keeper_now_us();
		r = take(keeper, &message);
	}
	return check(keeper, "talking to the front", r);
}

/* --- signals and the service manager --- */

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct fw_keeper *keeper = data;
	char error[512], stamp[64];

	(void)source;
	(void)info;
	snprintf(stamp, sizeof(stamp), "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)fw_keeper_now_us());
	(void)sd_notify(0, stamp);
	struct fw_config config = keeper->config;
	fw_config_defaults(&config);
	int r = fw_config_read(config_path(keeper), !keeper->options->config, &config, error);
	if (r < 0)
		fw_keeper_say(LOG_ERR, "%s; the settings are as they were", error);
	else
		keeper->config = config;
	r = r < 0 || keeper->channel.fd < 0 ? 0 : fw_keeper_send_settings(keeper);
	(void)sd_notify(0, "READY=1");
	return check(keeper, "telling the front of settings", r);
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct fw_keeper *keeper = data;

	(void)source;
	(void)info;
	(void)sd_notify(0, "STOPPING=1");
	return sd_event_exit(keeper->loop, 0);
}

/* The watchdog is fed as long as the front says that it lives. */
static int on_watchdog(sd_event_source *source, uint64_t now, void *data)
{
	struct fw_keeper *keeper = data;

	if (!keeper->front_ready || fw_keeper_now_us() - keeper->alive_us < ALIVE_MAX_US)
		(void)sd_notify(0, "WATCHDOG=1");
	(void)now;
	arm(source, fw_keeper_now_us() + 5 * 1000000ull);
	return 0;
}

static int add_signals(struct fw_keeper *keeper)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	int r = sd_event_add_signal(keeper->loop, NULL, SIGTERM, on_end, keeper);
	if (r >= 0)
		r = sd_event_add_signal(keeper->loop, NULL, SIGINT, on_end, keeper);
	return r >= 0 ? sd_event_add_signal(keeper->loop, NULL, SIGHUP, on_reload, keeper) : r;
}

/* All that a front needs to know, from the beginning. */
static int begin_front(struct fw_keeper *keeper)
{
	int r = sd_event_add_io(keeper->loop, &keeper->channel_source, keeper->channel.fd, EPOLLIN, on_channel, keeper);

	keeper->line_count = 0; /* it was told of none yet */
	if (r >= 0)
		r = fw_keeper_send_settings(keeper);
	arm(keeper->look, 0);
	keeper->alive_us = fw_keeper_now_us();
	return r;
}

static bool has_hung_up(int fd)
{
	struct pollfd state = { .fd = fd, .events = 0 };

	return fd >= 0 && poll(&state, 1, 0) == 1 && state.revents & POLLHUP;
}

static int on_front(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct fw_keeper *keeper = data;

	(void)source;
	(void)fd;
	(void)events;
	if (has_hung_up(keeper->channel.fd)) /* the one before; its end was not read yet */
		lose_front(keeper);
	const int r = fw_keeper_accept(keeper);
	return r < 0 ? 0 : check(keeper, "telling a new front of settings", begin_front(keeper));
}

static int add_sources(struct fw_keeper *keeper)
{
	int r = keeper->options->is_unit ? sd_event_add_io(keeper->loop, NULL, keeper->listen_fd, EPOLLIN, on_front, keeper) : 0;

	if (r >= 0)
		r = sd_event_add_io(keeper->loop, NULL, fw_monitor_fd(keeper->monitor), EPOLLIN, on_change, keeper);
	if (r >= 0)
		r = sd_event_add_time(keeper->loop, &keeper->poll, CLOCK_MONOTONIC, fw_keeper_now_us() + 1000000, 10000, on_poll, keeper);
	if (r >= 0)
		r = sd_event_add_time(keeper->loop, &keeper->look, CLOCK_MONOTONIC, 0, 10000, on_look, keeper);
	if (r >= 0)
		r = sd_event_add_time(keeper->loop, NULL, CLOCK_MONOTONIC, fw_keeper_now_us(), 100000, on_watchdog, keeper);
	return r;
}

static int run(struct fw_keeper *keeper)
{
	int r = sd_event_new(&keeper->loop);

	if (r >= 0)
		r = add_signals(keeper);
	if (r >= 0)
		r = add_sources(keeper);
	if (r >= 0 && !keeper->options->is_unit)
		r = begin_front(keeper);
	if (r >= 0 && keeper->options->is_unit)
		(void)sd_notify(0, "READY=1\nSTATUS=Waiting for the front");
	if (r >= 0)
		r = sd_event_loop(keeper->loop);
	if (r < 0)
		give_up(keeper, "running", r);
	return keeper->exit_status;
}

void fw_keeper_done(struct fw_keeper *keeper)
{
	fw_channel_done(&keeper->channel); /* the front ends by that */
	if (keeper->front > 0)
		(void)waitpid(keeper->front, NULL, 0);
	sd_event_source_unref(keeper->channel_source);
	sd_event_source_unref(keeper->poll);
	sd_event_source_unref(keeper->look);
	sd_event_unref(keeper->loop);
	fw_monitor_close(keeper->monitor);
	fw_kernel_close(keeper->kernel);
	fw_arena_free(keeper->arena);
	fw_close_fd(&keeper->listen_fd);
	fw_close_fd(&keeper->tcp_fd);
	fw_close_fd(&keeper->lock_fd);
}

int fw_keeper_run(const struct fw_keeper_options *options)
{
	struct fw_keeper keeper = { .options = options, .lock_fd = -1, .listen_fd = -1, .tcp_fd = -1, .channel = { .fd = -1 }, .poll_every_us = 5000000 };
	char error[512];

	fw_config_defaults(&keeper.config);
	if (fw_config_read(config_path(&keeper), !options->config, &keeper.config, error) < 0) {
		fw_keeper_say(LOG_ERR, "%s", error);
		return 1;
	}
	int status = fw_keeper_start(&keeper);
	if (status == 0)
		status = run(&keeper);
	fw_keeper_done(&keeper);
	return status;
}
