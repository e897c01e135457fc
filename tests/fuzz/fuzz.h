/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/fuzz/fuzz.h - what every fuzz target offers: libFuzzer calls it in `make fuzz`, replay.c in `make fuzz-replay`. */
#ifndef FW_FUZZ_H
#define FW_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, but never compiled away. */
#define FUZZ_CHECK(condition)                                                                     \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

#endif
