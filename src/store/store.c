/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/store.c - the folders, the lock, the pointer to the running generation and what is known of the kernel. Invariant: every file
 * is replaced by a rename; a file that does not parse is as good as none. */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/paths.h"

#define SMALL_MAX 4096 /* bytes of a file that is not a generation */

static const char *folder_from_env(const char *variable, const char *otherwise)
{
	const char *value = secure_getenv(variable);

	return value && value[0] == '/' ? value : otherwise;
}

static char *folder_path(const char *root, const char *netns)
{
	char *path = NULL;
	int length = netns ? asprintf(&path, "%s/netns/%s", root, netns) : asprintf(&path, "%s", root);

	return length < 0 ? NULL : path;
}

static bool is_folder_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int fw_store_open(const char *netns, struct fw_store **ret_store)
{
	if (netns && !is_folder_name(netns))
		return -EINVAL;

	struct fw_store *store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->lock_fd = -1;
	store->state_dir = folder_path(folder_from_env("FWCTL_STATE_DIR", FW_STORE_STATE_DIR), netns);
	store->run_dir = folder_path(folder_from_env("FWCTL_RUN_DIR", FW_STORE_RUN_DIR), netns);
	store->netns = netns ? strdup(netns) : NULL;
	if (!store->state_dir || !store->run_dir || (netns && !store->netns)) {
		fw_store_close(store);
		return -ENOMEM;
	}
	*ret_store = store;
	return 0;
}

void fw_store_close(struct fw_store *store)
{
	if (!store)
		return;
	fw_close_fd(&store->lock_fd);
	free(store->state_dir);
	free(store->run_dir);
	free(store->netns);
	free(store);
}

const char *fw_store_state_dir(const struct fw_store *store)
{
	return store->state_dir;
}

const char *fw_store_netns(const struct fw_store *store)
{
	return store->netns;
}

int fw_store_daemon_lock(struct fw_store *store)
{
	int r = fw_file_make_dirs(store->run_dir, 0755);
	char *path FW_CLEANUP(fw_free_ptr) = r == 0 ? fw_store_path(store->run_dir, "fwctld.lock") : NULL;
	if (!path)
		return r < 0 ? r : -ENOMEM;

	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = -errno;
	fw_close_fd(&fd);
	return r;
}

char *fw_store_path(const char *folder, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

void fw_store_unlink(const char *folder, const char *name)
{
	char path[PATH_MAX]; /* a longer one cannot have been opened */
	const int length = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (length > 0 && length < (int)sizeof(path))
		(void)unlink(path);
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for_lock(int fd, unsigned int timeout_ms)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	const int64_t end = monotonic_ms() + timeout_ms;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (monotonic_ms() >= end)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int fw_store_lock(struct fw_store *store, unsigned int timeout_ms)
{
	if (store->lock_fd >= 0)
		return 0;
	int r = fw_file_make_dirs(store->run_dir, 0755);
	if (r < 0)
		return r;

	char *path FW_CLEANUP(fw_free_ptr) = fw_store_path(store->run_dir, "lock");
	if (!path)
		return -ENOMEM;
	int fd FW_CLEANUP(fw_close_fd) = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = wait_for_lock(fd, timeout_ms);
	if (r < 0)
		return r;
	store->lock_fd = fd;
	fd = -1;
	return 0;
}

static int read_small_file(const char *folder, const char *name, char **ret_text, size_t *ret_len)
{
	char *path FW_CLEANUP(fw_free_ptr) = fw_store_path(folder, name);

	return path ? fw_file_read(path, SMALL_MAX, ret_text, ret_len) : -ENOMEM;
}


int fw_store_current(struct fw_store *store, uint64_t *ret_number)
{
	char *text FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;
	int r = read_small_file(store->state_dir, "current", &text, &len);
	if (r < 0)
		return r;
	if (len == 0 || text[len - 1] != '\n')
		return -EBADMSG;
	return fw_str_parse_u64((struct fw_str){ text, len - 1 }, UINT64_MAX, ret_number) < 0 ? -EBADMSG : 0;
}

int fw_store_set_current(struct fw_store *store, uint64_t number)
{
	char text[SMALL_MAX];
	char *path FW_CLEANUP(fw_free_ptr) = fw_store_path(store->state_dir, "current");
	if (!path)
		return -ENOMEM;

	snprintf(text, sizeof(text), "%" PRIu64 "\n", number);
	int r = fw_file_make_dirs(store->state_dir, 0755);
	return r < 0 ? r : fw_file_write_atomic(path, fw_str_from(text), 0600);
}

#define KNOWN_FORMAT "boot %63s\nnamespace %" SCNu64 " %" SCNu64 "\nkernel %" SCNu32 "\ngeneration %" SCNu64 "\nruleset %32s\nsource %32s\n"

static void known_to_text(const struct fw_known *known, char ret_text[SMALL_MAX])
{
	snprintf(ret_text, SMALL_MAX, "boot %s\nnamespace %" PRIu64 " %" PRIu64 "\nkernel %" PRIu32 "\ngeneration %" PRIu64 "\nruleset %s\nsource %s\n",
		 known->boot_id, known->netns_dev, known->netns_inode, known->kernel_generation, known->generation, known->ruleset_hash,
		 known->source_hash);
}

/* scanf lets much pass (signs, numbers too large, what follows): only what would be written so is taken. */
int fw_store_read_known(struct fw_store *store, struct fw_known *ret_known)
{
	char *text FW_CLEANUP(fw_free_ptr) = NULL;
	struct fw_known known = { 0 };
	char written[SMALL_MAX];
	size_t len = 0;
	int r = read_small_file(store->run_dir, "known", &text, &len);
	if (r < 0)
		return r;

	if (sscanf(text, KNOWN_FORMAT, known.boot_id, &known.netns_dev, &known.netns_inode, &known.kernel_generation,
		   &known.generation, known.ruleset_hash, known.source_hash) != 7)
		return -EBADMSG;
	known_to_text(&known, written);
	if (!fw_str_equal((struct fw_str){ text, len }, fw_str_from(written)))
		return -EBADMSG;
	*ret_known = known;
	return 0;
}

/* What the run folder holds is of this boot only. */
static int write_run_file(struct fw_store *store, const char *name, struct fw_str bytes)
{
	char *path FW_CLEANUP(fw_free_ptr) = fw_store_path(store->run_dir, name);
	if (!path)
		return -ENOMEM;

	int r = fw_file_make_dirs(store->run_dir, 0755);
	return r < 0 ? r : fw_file_write_volatile(path, bytes, 0600);
}

int fw_store_write_known(struct fw_store *store, const struct fw_known *known)
{
	char text[SMALL_MAX];

	known_to_text(known, text);
	return write_run_file(store, "known", fw_str_from(text));
}

void fw_store_forget(struct fw_store *store)
{
	fw_store_unlink(store->run_dir, "known");
	fw_store_drop_memory(store);
}

int fw_store_read_memory(struct fw_store *store, char **ret_bytes, size_t *ret_len)
{
	char *path FW_CLEANUP(fw_free_ptr) = fw_store_path(store->run_dir, "memory");

	return path ? fw_file_read(path, FW_STORE_MAX_MEMORY, ret_bytes, ret_len) : -ENOMEM;
}

int fw_store_write_memory(struct fw_store *store, struct fw_str bytes)
{
	return write_run_file(store, "memory", bytes);
}

void fw_store_drop_memory(struct fw_store *store)
{
	fw_store_unlink(store->run_dir, "memory");
}

/* A unit that is not shown /proc/sys is told by %b of systemd, without dashes. */
static int boot_id_of_unit(char ret_id[64])
{
	const char *id = secure_getenv("FWCTL_BOOT_ID");

	if (!id || strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32)
		return -ENOENT;
	snprintf(ret_id, 64, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16, id + 20);
	return 0;
}

int fw_store_boot_id(char ret_id[64])
{
	int fd FW_CLEANUP(fw_close_fd) = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return boot_id_of_unit(ret_id);

	ssize_t got = read(fd, ret_id, 63);
	if (got <= 0)
		return got < 0 ? -errno : -EIO;
	ret_id[got] = '\0';
	ret_id[strcspn(ret_id, "\n")] = '\0';
	return 0;
}
