/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/commit.h - a batch to the kernel and back. */
#ifndef FW_KERNEL_COMMIT_H
#define FW_KERNEL_COMMIT_H

#include "kernel/batch.h"
#include "kernel/kernel.h"
#include "kernel/netlink.h"

/* Ends the batch and sends it. `before`: the generation before it. 0 with the one after it; or -errno, of the kernel where
 * ret_error->error is set: nothing changed then. */
int fw_commit_batch(struct fw_kernel *kernel, struct fw_batch *batch, uint32_t before, uint32_t *ret_generation, struct fw_nl_error *ret_error);
/* The same in words. */
void fw_commit_describe(const struct fw_change *change, int error, const struct fw_nl_error *kernel_error, struct fw_kernel_error *ret_error);

#endif
