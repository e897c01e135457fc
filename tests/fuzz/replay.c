/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/fuzz/replay.c - runs one fuzz target over the files named, without libFuzzer: a corpus becomes a test for any compiler. */
#include <string.h>

#include "base/file.h"
#include "fuzz.h"

#define INPUT_MAX ((size_t)64 << 20)

/* The input in memory of its exact size, so that a sanitizer sees a read past its end. */
static void run(const char *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		char *data = NULL;
		size_t len;
		int result = fw_file_read(argv[i], INPUT_MAX, &data, &len);

		if (result) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-result));
			failed = 1;
			continue;
		}
		run(data, len);
		free(data);
	}
	printf("%s: %d inputs\n", argv[0], argc - 1);
	return failed;
}
