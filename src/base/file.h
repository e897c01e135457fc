/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/file.h - whole files, read with a limit and written so that a power cut leaves the old or the new. */
#ifndef FW_BASE_FILE_H
#define FW_BASE_FILE_H

#include <sys/types.h>

#include "base/base.h"

/* Reads all of a regular file or pipe (fd is not closed), at most `max` bytes: 0 with *ret_data (heap, NUL behind, caller frees);
 * -EFBIG over max; -EISDIR; -errno. Devices other than terminals and /dev/null are -EINVAL (an endless /dev/zero), and so is a FIFO
 * that is opened by its name. */
int fw_file_read_fd(int fd, size_t max, char **ret_data, size_t *ret_len);
int fw_file_read(const char *path, size_t max, char **ret_data, size_t *ret_len);
/* Writes a temporary file beside `path`, fsync, rename, fsync of the folder. 0 or -errno; on failure `path` is as it was. */
int fw_file_write_atomic(const char *path, struct fw_str text, mode_t mode);
/* The same without waiting for the disk, for what means nothing after a reboot: a power cut may leave anything. */
int fw_file_write_volatile(const char *path, struct fw_str text, mode_t mode);
/* mkdir -p with `mode` for what is made. 0 or -errno. */
int fw_file_make_dirs(const char *path, mode_t mode);

#endif
