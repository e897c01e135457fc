/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/keeper_start.c - from the command line to two processes: namespace, lock, sockets, the front in a process of its own, rights given up. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/front.h"
#include "daemon/keeper.h"

#define BACKLOG 128
#define CHANNEL_BUFFER (1 << 20)
#define CHANNEL_PATIENCE_S 10 /* a front that takes nothing for so long hangs */

static int fail(int status, const char *what, const char *why)
{
	fw_keeper_say(LOG_ERR, "%s: %s", what, why);
	return status;
}

/* --- namespace, kernel, lock --- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int attach(struct fw_keeper *keeper)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = fw_session_new((size_t)1 << 20, 0);
	if (!session)
		return fail(FW_OUTCOME_REFUSED, "starting", "out of memory");

	const enum fw_outcome outcome = fw_session_attach(session, keeper->options->netns);
	if (outcome != FW_OUTCOME_DONE) {
		fw_keeper_say(LOG_ERR, "%s", session->message);
		if (session->hint[0])
			fw_keeper_say(LOG_ERR, "  help: %s", session->hint);
		return (int)outcome;
	}
	if (fw_store_netns(session->store))
		snprintf(keeper->netns, sizeof(keeper->netns), "%s", last_part(fw_store_netns(session->store)));
	keeper->lock_fd = fw_store_daemon_lock(session->store);
	if (keeper->lock_fd == -EWOULDBLOCK)
		return fail(FW_OUTCOME_REFUSED, "another fwctld runs in this network namespace", "it is enough (`systemctl status fwctld`)");
	if (keeper->lock_fd < 0)
		return fail(FW_OUTCOME_REFUSED, "taking the lock", strerror(-keeper->lock_fd));
	keeper->kernel = session->kernel;
	session->kernel = NULL;
	const int r = fw_monitor_open(&keeper->monitor);
	return r < 0 ? fail(FW_OUTCOME_REFUSED, "following changes of nf_tables", strerror(-r)) : 0;
}

/* --- the Unix socket --- */

int fw_socket_of_systemd(int type)
{
	const int count = sd_listen_fds(1);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++)
		if (sd_is_socket_unix(fd, type, 1, NULL, 0) > 0) {
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
			(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
			return fd;
		}
	return -ENOENT;
}

static int default_path(const struct fw_keeper *keeper, char *ret_path, size_t size)
{
	const char *given = keeper->options->socket ? keeper->options->socket : secure_getenv("FWCTL_SOCKET");

	const int len = given ? snprintf(ret_path, size, "%s", given) :
				snprintf(ret_path, size, "%s/%s.sock", FW_DAEMON_SOCKET_DIR, keeper->netns[0] ? keeper->netns : "fwctld");
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

/* The lock says that nobody listens there any more. Nobody may connect before the modes are right. */
static int bind_socket(int fd, const struct sockaddr_un *address, gid_t gid)
{
	const mode_t mask = umask(0177);

	(void)unlink(address->sun_path);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && (chown(address->sun_path, 0, gid) < 0 || chmod(address->sun_path, 0660) < 0))
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	return r;
}

static int open_socket(const struct fw_keeper *keeper, gid_t gid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r = default_path(keeper, address.sun_path, sizeof(address.sun_path));
	if (r < 0)
		return r;
	if (!keeper->options->socket && !secure_getenv("FWCTL_SOCKET"))
		r = fw_file_make_dirs(FW_DAEMON_SOCKET_DIR, 0755);
	if (r < 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_socket(fd, &address, gid);
	if (r < 0)
		fw_close_fd(&fd);
	return r < 0 ? r : fd;
}

/* --- the front --- */

static void default_history(const struct fw_keeper *keeper, char *ret_path, size_t size)
{
	const char *given = keeper->options->history ? keeper->options->history : secure_getenv("FWCTL_HISTORY");

	if (given)
		snprintf(ret_path, size, "%s", given);
	else if (keeper->netns[0])
		snprintf(ret_path, size, "%s/%s/history.db", FW_DAEMON_HISTORY_DIR, keeper->netns);
	else
		snprintf(ret_path, size, "%s/history.db", FW_DAEMON_HISTORY_DIR);
}

/* The front's folder is its own; that it is there and whose it is, is seen to while somebody may. Below a folder of another, nobody follows a link. */
static int prepare_folder(const char *path, uid_t uid, gid_t gid)
{
	char folder[PATH_MAX];
	const int len = snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (len < 0 || (size_t)len >= sizeof(folder) || !slash || slash == folder)
		return -EINVAL;

	*slash = '\0';
	int r = fw_file_make_dirs(folder, 0711);
	if (r < 0)
		return r;
	int fd FW_CLEANUP(fw_close_fd) = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid == uid)
		return 0;
	if (fchown(fd, uid, gid) < 0)
		return -errno;
	return fchmod(fd, 0700) < 0 ? -errno : 0;
}

_Noreturn static void become_front(struct fw_keeper *keeper, int channel_fd, const char *history)
{
	char fds[32];
	int r = fw_privileges_become(keeper->front_uid, keeper->front_gid);

	snprintf(fds, sizeof(fds), "%d,%d", channel_fd, keeper->listen_fd);
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0 && (fcntl(channel_fd, F_SETFD, 0) < 0 || fcntl(keeper->listen_fd, F_SETFD, 0) < 0))
		r = -errno;
	char *const arguments[] = { (char[]){ "fwctld" }, (char[]){ FW_FRONT_OPTION }, fds, (char *)(uintptr_t)history, NULL };
	if (r == 0) {
		execv("/proc/self/exe", arguments);
		r = -errno;
	}
	fprintf(stderr, "fwctld: starting the front: %s\n", strerror(-r));
	_exit(FW_OUTCOME_REFUSED);
}

static void tune_channel(int fd)
{
	const struct timeval patience = { .tv_sec = CHANNEL_PATIENCE_S };
	const int bytes = CHANNEL_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static int spawn_front(struct fw_keeper *keeper, const char *history)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;

	keeper->front = fork();
	if (keeper->front == 0)
		become_front(keeper, pair[1], history);
	const int r = keeper->front < 0 ? -errno : 0;
	fw_close_fd(&pair[1]);
	if (r < 0) {
		fw_close_fd(&pair[0]);
		return r;
	}
	tune_channel(pair[0]);
	return fw_channel_init(&keeper->channel, pair[0], FW_KEEPER);
}

/* Whose process the front is. Where fwctld was built and not installed, and nobody said whose, it is nobody's, and root alone may ask it. */
static int find_front(struct fw_keeper *keeper)
{
	const struct fw_config *config = &keeper->config;
	const bool is_default = strcmp(config->user, "fwctl") == 0 && strcmp(config->group, "fwctl") == 0;
	int r = fw_privileges_find(config->user, config->group, &keeper->front_uid, &keeper->front_gid);

	keeper->socket_gid = keeper->front_gid;
	if (r == -ENOENT && is_default && !keeper->options->is_unit) {
		r = fw_privileges_find("nobody", "nogroup", &keeper->front_uid, &keeper->front_gid);
		keeper->socket_gid = 0;
		fw_keeper_say(LOG_WARNING, "there is no user and group fwctl (`systemd-sysusers` makes them): the front runs as nobody, and only root may ask it");
	}
	if (r < 0)
		return fail(1, "the settings 'user' and 'group'", r == -ENOENT ? "there is none of that name (`systemd-sysusers` makes fwctl)" : strerror(-r));
	return keeper->front_uid == 0 ? fail(1, "the setting 'user'", "it must not be root") : 0;
}

static int start_front(struct fw_keeper *keeper)
{
	char history[PATH_MAX];
	const int status = find_front(keeper);
	if (status != 0)
		return status;

	keeper->listen_fd = fw_socket_of_systemd(SOCK_STREAM);
	if (keeper->listen_fd == -ENOENT)
		keeper->listen_fd = open_socket(keeper, keeper->socket_gid);
	if (keeper->listen_fd < 0)
		return fail(FW_OUTCOME_REFUSED, "making the socket", strerror(-keeper->listen_fd));
	default_history(keeper, history, sizeof(history));
	int r = prepare_folder(history, keeper->front_uid, keeper->front_gid);
	if (r < 0)
		fw_keeper_say(LOG_WARNING, "%s: its folder: %s", history, strerror(-r)); /* the front says what it cannot keep */
	r = spawn_front(keeper, history);
	return r < 0 ? fail(FW_OUTCOME_REFUSED, "starting the front", strerror(-r)) : 0;
}

/* --- settings --- */

static int open_listener(const struct fw_config *config)
{
	const int on = 1;
	int fd = socket(config->listen.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &config->listen.any, config->listen.any.sa_family == AF_INET ? sizeof(config->listen.ipv4) : sizeof(config->listen.ipv6)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	const int r = -errno;
	fw_close_fd(&fd);
	return r;
}

/* An address that stays keeps its socket: nobody may listen there twice. */
static void renew_listener(struct fw_keeper *keeper)
{
	const struct fw_config *config = &keeper->config;
	const bool same = config->has_listen && keeper->tcp_fd >= 0 && memcmp(&config->listen, &keeper->tcp_of.listen, sizeof(config->listen)) == 0;
	if (same)
		return;

	fw_close_fd(&keeper->tcp_fd);
	keeper->tcp_fd = config->has_listen ? open_listener(config) : -1;
	keeper->tcp_of = *config;
	if (config->has_listen && keeper->tcp_fd < 0)
		fw_keeper_say(LOG_WARNING, "the setting 'listen': %s: there is no page", strerror(-keeper->tcp_fd));
}

int fw_keeper_send_settings(struct fw_keeper *keeper)
{
	const struct fw_config *config = &keeper->config;

	renew_listener(keeper);
	const struct fw_message_settings record = { config->limits.keep_s, config->limits.max_bytes, config->journal, keeper->tcp_fd >= 0 };
	return fw_channel_send(&keeper->channel, FW_MESSAGE_SETTINGS, &record, keeper->tcp_fd >= 0 ? keeper->tcp_fd : -1);
}

/* The front is started by the service manager, as the user that its unit names. */
static int expect_front(struct fw_keeper *keeper)
{
	const int status = find_front(keeper);
	if (status != 0)
		return status;

	keeper->listen_fd = fw_socket_of_systemd(SOCK_SEQPACKET);
	return keeper->listen_fd < 0 ? fail(FW_OUTCOME_USAGE, "--part keeper", "it is for fwctld.service, with its socket") : 0;
}

int fw_keeper_accept(struct fw_keeper *keeper)
{
	struct ucred who = { .uid = UINT32_MAX };
	socklen_t len = sizeof(who);
	int fd = accept4(keeper->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;

	if (keeper->channel.fd >= 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != keeper->front_uid) {
		fw_close_fd(&fd);
		return -EPERM;
	}
	tune_channel(fd);
	return fw_channel_init(&keeper->channel, fd, FW_KEEPER);
}

/* Under a service manager that left no more than that, there is nothing to give up, and nothing with which it could be. */
static int give_rights_up(const struct fw_keeper *keeper)
{
	const int r = fw_privileges_keep_net_admin();

	return r == -EPERM && keeper->options->is_unit ? 0 : r;
}

int fw_keeper_start(struct fw_keeper *keeper)
{
	int status = attach(keeper);

	if (status == 0)
		status = keeper->options->is_unit ? expect_front(keeper) : start_front(keeper);
	if (status != 0)
		return status;
	const int r = give_rights_up(keeper);
	return r < 0 ? fail(FW_OUTCOME_REFUSED, "giving up rights", strerror(-r)) : 0;
}
