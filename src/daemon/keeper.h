/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/keeper.h - the process with CAP_NET_ADMIN: what its files share. */
#ifndef FW_DAEMON_KEEPER_H
#define FW_DAEMON_KEEPER_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "daemon/config.h"
#include "daemon/message.h"
#include "engine/engine.h"
#include "engine/event.h"
#include "kernel/events.h"

struct fw_keeper_options { /* the command line */
	const char *netns, *config, *socket, *history; /* NULL: as fwctld(8) says */
	bool is_unit; /* the front is a unit of its own, which connects to a socket of systemd's: `--part keeper` */
	bool is_front; /* `--part front` */
};

struct fw_counted { /* a line's counters added up, as they were told last */
	struct fw_message_count now, told;
};

struct fw_keeper {
	const struct fw_keeper_options *options;
	struct fw_config config;
	sd_event *loop;
	struct fw_kernel *kernel;
	struct fw_monitor *monitor;
	struct fw_channel channel;
	pid_t front;
	char netns[64]; /* name of the state's folder, "": the machine's own */
	int lock_fd, listen_fd; /* of the Unix socket for clients; where the front is a unit, of the one for it */
	int tcp_fd; /* of `listen`, -1: none; the front has it too */
	struct fw_config tcp_of; /* the settings that it was opened for */
	uid_t front_uid;
	gid_t front_gid, socket_gid; /* who besides root may ask: 0, nobody */
	sd_event_source *channel_source;
	int exit_status;

	uint64_t serial; /* of the policy that was told */
	struct fw_map lines; /* key -> index + 1 */
	struct fw_arena *arena; /* what belongs to the policy */
	struct fw_counted *counted;
	size_t line_count;
	uint16_t log_group; /* that is listened to, 0: none yet */
	bool listens, told_busy;
	bool look_again; /* the text of what runs was not found; after LOOKS_AGAIN times it is taken for lost */
	unsigned int looks;

	sd_event_source *poll, *look; /* timers: read the counters; find out what runs */
	uint64_t polled_us, poll_cost_us, poll_every_us; /* monotonic */
	uint64_t looked_us, look_cost_us;
	uint64_t alive_us; /* when the front was last heard of */
	bool front_ready;
};

/* Everything before the loop: kernel, lock, sockets, the front. 0, or the exit status (told). */
int fw_keeper_start(struct fw_keeper *keeper);
void fw_keeper_done(struct fw_keeper *keeper);
int fw_keeper_run(const struct fw_keeper_options *options); /* the whole life; the exit status */

/* Gives up everything but CAP_NET_ADMIN. 0 or -errno. */
int fw_privileges_keep_net_admin(void);
/* Becomes user and group without any capability. 0 or -errno; -ENOENT: no such user or group. */
int fw_privileges_find(const char *user, const char *group, uid_t *ret_uid, gid_t *ret_gid);
int fw_privileges_become(uid_t uid, gid_t gid);

/* A front that connects to the socket of its own (is_unit). 0 or -errno: nobody, or somebody else. */
int fw_keeper_accept(struct fw_keeper *keeper);
int fw_keeper_send_settings(struct fw_keeper *keeper);
/* Finds out what runs and tells it, and what it counted. 0 or -errno of the channel. */
int fw_keeper_look(struct fw_keeper *keeper);
/* Reads the counters and tells those that changed. */
int fw_keeper_poll(struct fw_keeper *keeper);
/* Answers of the front's questions about dynamic groups. */
int fw_keeper_tell_members(struct fw_keeper *keeper, const struct fw_message_ask *ask);
int fw_keeper_ban(struct fw_keeper *keeper, const struct fw_message_ban *ban, bool add);

/* A session of the engine in the namespace that the keeper is in. NULL: told. */
struct fw_session *fw_keeper_session(const struct fw_keeper *keeper);
uint64_t fw_keeper_now_us(void); /* CLOCK_MONOTONIC */
void fw_keeper_say(int priority, const char *format, ...) FW_PRINTF(2, 3); /* to standard error, as the journal reads it */

#endif
