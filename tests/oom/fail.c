/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded: lets one allocation of a program fail, or all from one on. OOM_AT: its number, from 1 (0 or absent: none); OOM_ALL: set where all
 * that follow fail too; OOM_COUNT: a file that is told at the end how many allocations there were. Allocations of libraries count as well;
 * those before main, of the loader, do not. A program with the address sanitizer allocates as it does without this file. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* The sanitizer's, where the program has it: those that it would have put in place of the C library's. */
__attribute__((weak)) void *__interceptor_malloc(size_t size);
__attribute__((weak)) void *__interceptor_calloc(size_t count, size_t size);
__attribute__((weak)) void *__interceptor_realloc(void *old, size_t size);
__attribute__((weak)) void *__interceptor_memalign(size_t alignment, size_t size);

/* Asked for by the sanitizer: it need not stand first; setlocale of the C library forgets a name when it has no memory. */
const char *__asan_default_options(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void);

static unsigned long at, count;
static int all, counting;

const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

const char *__lsan_default_suppressions(void)
{
	return "leak:_nl_normalize_codeset\n";
}

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
	if (fails())
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	if (fails())
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(number, size) : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}

static void *aligned(size_t alignment, size_t size)
{
	if (fails())
		return NULL;
	return __interceptor_memalign ? __interceptor_memalign(alignment, size) : __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	*result = aligned(alignment, size);
	return *result ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(alignment, size);
}
