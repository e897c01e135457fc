/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/session.c - the things that one command works with, and how its failures are put. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/internal.h"

#define NETNS_FOLDER "/run/netns"

struct fw_session *fw_session_new(size_t budget, int64_t now)
{
	struct fw_session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;

	session->arena = fw_arena_new(budget);
	if (!session->arena) {
		free(session);
		return NULL;
	}
	session->now = now;
	fw_sources_init(&session->sources, session->arena);
	fw_diags_init(&session->diags, session->arena, &session->sources);
	return session;
}

void fw_session_free(struct fw_session *session)
{
	if (!session)
		return;
	fw_kernel_close(session->kernel);
	fw_store_close(session->store);
	fw_arena_free(session->arena);
	free(session);
}

void fw_session_freep(struct fw_session **session)
{
	fw_session_free(*session);
}

enum fw_outcome fw_fail(struct fw_session *session, enum fw_outcome outcome, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(session->message, sizeof(session->message), format, args);
	va_end(args);
	snprintf(session->hint, sizeof(session->hint), "%s", hint ? hint : "");
	return outcome;
}

enum fw_outcome fw_fail_compile(struct fw_session *session, int error, const char *doing)
{
	if (error == FW_REPORTED)
		return FW_OUTCOME_POLICY;
	if (error == -E2BIG || (error == -ENOMEM && fw_arena_over_budget(session->arena)))
		return fw_fail(session, FW_OUTCOME_POLICY, "make it smaller, or share what repeats in groups",
			       "%s: the policy is too big for the memory that it may take", doing);
	if (error == -EOVERFLOW)
		return fw_fail(session, FW_OUTCOME_POLICY, "put members that are allowed the same into one group",
			       "%s: more than 1,000 different dynamic groups and times", doing);
	return fw_fail(session, FW_OUTCOME_REFUSED, NULL, "%s: %s", doing, strerror(-error));
}

static const char *hint_for(int error)
{
	if (error == -EPERM || error == -EACCES)
		return "run it as root, or with CAP_NET_ADMIN in this namespace";
	if (error == -EPROTONOSUPPORT)
		return "the kernel needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET (module nf_tables)";
	if (error == -EBUSY)
		return "another fwctl is changing the policy; try again when it is done";
	if (error == -ENOSPC)
		return "free some space on that file system and try again";
	return NULL;
}

enum fw_outcome fw_fail_errno(struct fw_session *session, int error, const char *doing)
{
	const char *what = strerror(-error);

	if (error == -EPERM)
		what = "not permitted: CAP_NET_ADMIN is missing";
	if (error == -EPROTONOSUPPORT)
		what = "this kernel has no nf_tables";
	if (error == -ERESTART || error == -EAGAIN)
		what = "another program keeps changing nf_tables; gave up after several tries";
	if (error == -EBADMSG)
		what = "an answer that does not make sense";
	return fw_fail(session, FW_OUTCOME_REFUSED, hint_for(error), "%s: %s", doing, what);
}

enum fw_outcome fw_fail_commit(struct fw_session *session, const struct fw_kernel_error *error)
{
	const char *what = error->what[0] ? error->what : strerror(-error->error);

	/* without CAP_NET_ADMIN not even the generation can be asked for, and that was before */
	if (error->error == -EPERM)
		return fw_fail(session, FW_OUTCOME_REFUSED, "end the program that took it for itself (owner flag)",
			       "the kernel refused: table 'fwctl' belongs to another program");
	if (error->origin.source == 0)
		return error->what[0] ? fw_fail(session, FW_OUTCOME_REFUSED, hint_for(error->error), "the kernel refused: %s", what) :
					fw_fail_errno(session, error->error, "the kernel refused");

	struct fw_diag *diag = fw_diag_error(&session->diags, error->origin, "kernel", "the kernel refused what this line needs: %s", what);
	if (error->error == -EOPNOTSUPP || error->error == -ENOENT)
		fw_diag_help(&session->diags, diag, "this kernel lacks a feature of nf_tables that the line uses");
	return FW_OUTCOME_REFUSED;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* The name that `ip netns` has for the present namespace, else one made of its inode: it names the state, so that nothing may be guessed. */
static int name_namespace(char *ret_name, size_t size)
{
	uint64_t dev = 0, inode = 0;
	int r = fw_netns_identity(&dev, &inode);
	if (r < 0)
		return r;

	snprintf(ret_name, size, "ns-%" PRIu64, inode);
	DIR *folder FW_CLEANUP(close_folder) = opendir(NETNS_FOLDER);
	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *entry; (entry = readdir(folder));) {
		struct stat st;
		if (entry->d_name[0] == '.' || fstatat(dirfd(folder), entry->d_name, &st, 0) < 0)
			continue;
		if (st.st_dev == dev && st.st_ino == inode) {
			snprintf(ret_name, size, "%s", entry->d_name);
			return 0;
		}
	}
	return 0;
}

int fw_engine_netns_name(const char *netns, char *ret_name, size_t size)
{
	if (netns && !strchr(netns, '/')) {
		snprintf(ret_name, size, "%s", netns);
		return 0;
	}
	int r = netns ? fw_netns_enter(netns) : 0;
	if (r < 0)
		return r;
	ret_name[0] = '\0';
	return fw_netns_is_root() == 0 ? name_namespace(ret_name, size) : 0; /* who cannot tell is no administrator of another one */
}

static enum fw_outcome enter(struct fw_session *session, const char *netns)
{
	int r = netns ? fw_netns_enter(netns) : 0;

	if (r == -ENOENT)
		return fw_fail(session, FW_OUTCOME_REFUSED, "`ip netns list` shows the namespaces there are",
			       "there is no network namespace '%s'", netns);
	if (r < 0)
		return fw_fail(session, FW_OUTCOME_REFUSED, hint_for(r), "network namespace '%s': %s", netns, strerror(-r));
	return FW_OUTCOME_DONE;
}

static bool is_test_run(void)
{
	const char *value = getenv("FWCTL_TEST");

	return value && strcmp(value, "1") == 0;
}

enum fw_outcome fw_session_attach(struct fw_session *session, const char *netns)
{
	enum fw_outcome outcome = enter(session, netns);
	if (outcome != FW_OUTCOME_DONE)
		return outcome;

	int is_root = fw_netns_is_root();
	if (is_root < 0 && !netns && getenv("INVOCATION_ID"))
		is_root = 1; /* a unit that may not look at process 1 runs where that one does */
	if (is_test_run() && is_root != 0)
		return fw_fail(session, FW_OUTCOME_REFUSED, "use a namespace made for the test: ip netns add NAME; fwctl --netns NAME ...",
			       "FWCTL_TEST=1 is set, and this is the machine's own network namespace");

	char name[NAME_MAX + 1];
	int r = name_namespace(name, sizeof(name));
	if (r == 0)
		r = fw_store_open(is_root == 1 ? NULL : name, &session->store);
	if (r < 0)
		return fw_fail_errno(session, r, "opening the state folder");
	r = fw_kernel_open(&session->kernel);
	return r < 0 ? fw_fail_errno(session, r, "talking to nf_tables") : FW_OUTCOME_DONE;
}

int32_t fw_local_utc_offset(int64_t utc)
{
	const time_t instant = utc;
	struct tm local;

	return localtime_r(&instant, &local) ? (int32_t)local.tm_gmtoff : 0;
}
