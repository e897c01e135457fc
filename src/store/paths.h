/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store/paths.h - inside of the store, for its own files only. */
#ifndef FW_STORE_PATHS_H
#define FW_STORE_PATHS_H

#include "store/store.h"

struct fw_store {
	char *state_dir, *run_dir;
	char *netns; /* or NULL */
	int lock_fd; /* -1: not held */
};

char *fw_store_path(const char *folder, const char *name); /* "folder/name" on the heap, or NULL */
void fw_store_unlink(const char *folder, const char *name); /* without memory: it is called where there may be none left */

#endif
