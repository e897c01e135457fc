/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded: lets one allocation of a program fail, or all from one on. OOM_AT: its number, from 1 (0 or absent: none); OOM_ALL: set where all
 * that follow fail too; OOM_COUNT: a file that is told at the end how many allocations there were. Allocations of libraries count as well;
 * those before main, of the loader, do not. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static unsigned long at, count;
static int all, counting;

__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv("OOM_AT");

	at = number ? strtoul(number, NULL, 10) : 0;
	all = getenv("OOM_ALL") != NULL;
	counting = 1;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("OOM_COUNT");
	FILE *file;

	counting = 0;
	file = path ? fopen(path, "w") : NULL;
	if (!file)
		return;
	fprintf(file, "%lu\n", count);
	fclose(file);
}

static int fails(void)
{
	if (!counting)
		return 0;
	count++;
	if (at == 0 || (all ? count < at : count != at))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	*result = fails() ? NULL : __libc_memalign(alignment, size);
	return *result ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}
