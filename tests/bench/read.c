/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a policy takes from text to meaning, within one process: read POLICY TIMES prints milliseconds, one run a line. Each run begins with an
 * arena of its own; the catalogue of services is read in each, as it is at every start of fwctl. `read - TIMES` reads the catalogue alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/policy.h"

#define BUDGET ((size_t)2 << 30)

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int read_once(const char *path)
{
	struct fw_arena *arena = fw_arena_new(BUDGET);
	struct fw_sources sources;
	struct fw_diags diags;
	struct fw_policy *policy;
	const struct fw_service *const *services;
	size_t count;
	if (!arena)
		return -ENOMEM;

	fw_sources_init(&sources, arena);
	fw_diags_init(&diags, arena, &sources);
	const double begin = now_ms();
	const int r = strcmp(path, "-") == 0 ? fw_policy_services(arena, &diags, &services, &count) :
					       fw_policy_load(arena, &diags, &(struct fw_policy_env){ 0 }, path, &policy);
	const double end = now_ms();
	fw_arena_free(arena);
	if (r == 0)
		printf("%.3f\n", end - begin);
	return r;
}

int main(int argc, char **argv)
{
	const int times = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;

	for (int i = 0; i < times; i++) {
		if (read_once(argv[1]) != 0) {
			fprintf(stderr, "%s: does not read\n", argv[1]);
			return 1;
		}
	}
	return times > 0 ? 0 : 64;
}
