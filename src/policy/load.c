/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/load.c - reading: the catalogue, the top file, what it includes, address files. Collects the statements in the order of the text
 * (struct item) and hands definitions to symbols.c; resolves nothing. Each path is read once, so that a policy is made of one state of every
 * file, and what it includes is bounded in depth, files and bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/addrfile.h"
#include "policy/resolve.h"

/* The files that are being read, innermost first. */
struct chain {
	const char *path;
	const struct chain *up;
	size_t depth; /* 0: the top file */
};

static int walk(struct resolver *r, const struct fw_ast_block_body *body, const struct scope *scope, const struct chain *chain);

static int add_source(struct resolver *r, const char *path, struct fw_str text, struct fw_span at, uint32_t *ret_source)
{
	uint32_t source = fw_sources_add(r->sources, strcmp(path, "-") == 0 ? "<stdin>" : path, text, at);
	const char **slot = fw_vec_push(&r->paths);

	if (!source || !slot)
		return -ENOMEM;
	*slot = path;
	*ret_source = source;
	return 0;
}

static const char *path_of(const struct resolver *r, struct fw_span span)
{
	return *(const char *const *)fw_vec_at(&r->paths, span.source - r->first_source);
}

/* `name` as seen from the file that holds `span`. A pattern's folder is quoted, so that only what was written there is a pattern. */
static char *path_beside(struct resolver *r, struct fw_span span, struct fw_str name, bool pattern)
{
	const char *from = path_of(r, span), *slash = strrchr(from, '/');
	struct fw_buf *path = &r->text;

	while (name.len > 2 && memcmp(name.data, "./", 2) == 0) {
		name.data += 2;
		name.len -= 2;
	}
	path->len = 0;
	if (slash && !(name.len > 0 && name.data[0] == '/')) {
		for (const char *p = from; p <= slash; p++) {
			if (pattern && strchr("*?[\\", *p))
				fw_buf_putc(path, '\\');
			fw_buf_putc(path, *p);
		}
	}
	if (path->len == 0 && fw_str_equal(name, FW_STR("-"))) /* a file, not standard input */
		fw_buf_puts(path, "./");
	fw_buf_add(path, name);
	return path->error ? NULL : fw_arena_copy(r->arena, fw_buf_str(path));
}

static int report_unreadable(struct resolver *r, struct fw_span at, const char *path, int error, size_t max)
{
	if (error == -ENOMEM)
		return error;
	if (error == -EFBIG)
		fw_diag_error(r->diags, at, "too-large", "'%s' is larger than %zu MiB", path, max >> 20);
	else
		fw_diag_error(r->diags, at, "read", "cannot read '%s': %s", path,
			      error == -EINVAL ? "neither a file nor a pipe" : strerror(-error));
	return FW_REPORTED;
}

/* The text of a file, kept in the arena; a path that was read before is not read again. */
static int read_once(struct resolver *r, const char *path, struct fw_span at, size_t max, const struct fw_str **ret_text)
{
	FW_CLEANUP(fw_free_ptr) char *data = NULL;
	struct fw_str *text = fw_map_get(&r->texts, fw_str_from(path));
	struct fw_policy_file *file;
	size_t len = 0;
	int result;

	*ret_text = text;
	if (text)
		return 0;
	result = fw_env_read_file(r->env, path, max, &data, &len);
	if (result)
		return report_unreadable(r, at, path, result, max);
	text = fw_arena_alloc(r->arena, 1, sizeof(*text));
	file = fw_vec_push(&r->files);
	if (!text || !file)
		return -ENOMEM;
	text->data = fw_arena_copy(r->arena, (struct fw_str){ data, len });
	text->len = len;
	*file = (struct fw_policy_file){ strcmp(path, "-") == 0 ? "<stdin>" : path, *text };
	*ret_text = text;
	return text->data ? fw_map_put(&r->texts, fw_str_from(path), text) : -ENOMEM;
}

/* Counts a policy file against the total bounds. Past them nothing more is read, so that this is told once. */
static int count_file(struct resolver *r, struct fw_span at, const struct fw_str *text)
{
	r->file_reads++;
	r->text_bytes += text->len;
	if (r->file_reads > FW_POLICY_MAX_FILES)
		fw_diag_error(r->diags, at, "too-large", "the policy includes more than %d files", FW_POLICY_MAX_FILES);
	else if (r->text_bytes > FW_POLICY_MAX_TEXT)
		fw_diag_error(r->diags, at, "too-large", "the policy is larger than %u MiB, its includes counted",
			      FW_POLICY_MAX_TEXT >> 20);
	else
		return 0;
	r->stopped = true;
	return FW_REPORTED;
}

static int parse(struct resolver *r, uint32_t source, const struct scope *scope, const struct chain *chain)
{
	struct fw_ast_file *file;
	int result = fw_parse(r->arena, r->diags, source, &file);

	return result ? result : walk(r, &file->body, scope, chain);
}

static int load_file(struct resolver *r, const struct chain *chain, struct fw_span at, const struct scope *scope)
{
	const struct fw_str *text;
	uint32_t source;
	int result = read_once(r, chain->path, at, FW_PARSE_MAX_TEXT, &text);

	if (!result)
		result = count_file(r, at, text);
	if (!result)
		result = add_source(r, chain->path, *text, at, &source);
	if (!result)
		result = parse(r, source, scope, chain);
	return result;
}

/* True, reported, where `path` is being read already. */
static bool is_cycle(struct resolver *r, const char *path, struct fw_span at, const struct chain *chain)
{
	const struct chain *first = chain, *c;
	struct fw_buf names;

	while (first && strcmp(first->path, path) != 0)
		first = first->up;
	if (!first)
		return false;
	fw_buf_init(&names, 1u << 16);
	for (size_t depth = first->depth; depth <= chain->depth; depth++) {
		for (c = chain; c->depth != depth; c = c->up)
			;
		fw_buf_printf(&names, "'%s' includes ", c->path);
	}
	fw_buf_printf(&names, "'%s'", path);
	fw_diag_error(r->diags, at, "include-cycle", "includes go in a circle: %s", names.data ? names.data : "");
	fw_buf_done(&names);
	return true;
}

static int include_path(struct resolver *r, const char *path, struct fw_span at, const struct scope *scope, const struct chain *chain)
{
	struct chain inner = { path, chain, chain->depth + 1 };
	struct fw_diag *diag;

	if (r->stopped || is_cycle(r, path, at, chain))
		return 0;
	if (inner.depth > FW_POLICY_MAX_INCLUDES) {
		diag = fw_diag_error(r->diags, at, "include-depth", "includes nest more than %d levels deep", FW_POLICY_MAX_INCLUDES);
		fw_diag_help(r->diags, diag, "'%s' is included by '%s', that by '%s'", path, chain->path, chain->up->path);
		return 0;
	}
	return load_file(r, &inner, at, scope);
}

static void free_paths(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}

static int include_pattern(struct resolver *r, const struct fw_ast_word *word, const struct scope *scope, const struct chain *chain)
{
	const char *pattern = path_beside(r, word->span, word->text, true);
	char **paths = NULL;
	size_t count = 0;
	int result;

	if (!pattern)
		return -ENOMEM;
	result = fw_env_glob(r->env, pattern, &paths, &count);
	if (result)
		return report_unreadable(r, word->span, pattern, result, 0);
	for (size_t i = 0; i < count && result >= 0; i++) {
		const char *path = fw_arena_copy(r->arena, fw_str_from(paths[i]));

		result = path ? include_path(r, path, word->span, scope, chain) : -ENOMEM;
	}
	free_paths(paths, count);
	return result < 0 ? result : 0;
}

static int include(struct resolver *r, const struct fw_ast_word *word, const struct scope *scope, const struct chain *chain)
{
	const char *path;

	for (size_t i = 0; i < word->text.len; i++) {
		if (strchr("*?[", word->text.data[i]))
			return include_pattern(r, word, scope, chain);
	}
	path = path_beside(r, word->span, word->text, false);
	return path ? include_path(r, path, word->span, scope, chain) : -ENOMEM;
}

static int enter_scope(struct resolver *r, const struct fw_stmt *stmt, const struct scope *outer, const struct chain *chain)
{
	struct scope *scope = fw_arena_alloc(r->arena, 1, sizeof(*scope));
	struct scope **slot = fw_vec_push(&r->scopes);

	if (!scope || !slot)
		return -ENOMEM;
	*slot = scope;
	scope->parent = outer;
	scope->stmt = stmt;
	scope->depth = outer ? outer->depth + 1 : 1;
	return walk(r, &stmt->scope.body, scope, chain);
}

static int add_item(struct resolver *r, const struct fw_stmt *stmt, const struct scope *scope)
{
	struct item *item = fw_vec_push(&r->items);

	if (!item)
		return -ENOMEM;
	*item = (struct item){ stmt, scope };
	return 0;
}

static int add_option(struct resolver *r, const struct fw_stmt *stmt)
{
	const struct fw_stmt **slot = fw_vec_push(&r->options);

	if (!slot)
		return -ENOMEM;
	*slot = stmt;
	return 0;
}

/* Definitions, options, defaults and blocks hold for the whole policy: a scope around them would say something else. An include can bring
 * them there. */
static bool may_stand(struct resolver *r, const struct fw_stmt *stmt, const struct scope *scope)
{
	static const char *const names[] = {
		[FW_STMT_DEFAULT] = "default", [FW_STMT_BLOCK] = "block", [FW_STMT_OPTION] = "option",
		[FW_STMT_SERVICE] = "service", [FW_STMT_GROUP] = "group", [FW_STMT_ZONE] = "zone",
	};
	struct fw_diag *diag;

	if (!scope || stmt->kind >= FW_ARRAY_SIZE(names) || !names[stmt->kind])
		return true;
	diag = fw_diag_error(r->diags, stmt->span, "scope", "'%s' cannot stand inside a scope block", names[stmt->kind]);
	fw_diag_note(r->diags, diag, scope->stmt->span, "the block starts here");
	return false;
}

static int take(struct resolver *r, const struct fw_stmt *stmt, const struct scope *scope, const struct chain *chain)
{
	bool here = may_stand(r, stmt, scope);

	switch (stmt->kind) {
	case FW_STMT_SCOPE:
		return enter_scope(r, stmt, scope, chain);
	case FW_STMT_INCLUDE:
		return include(r, &stmt->include, scope, chain);
	case FW_STMT_RULE:
	case FW_STMT_EXPECT:
		return add_item(r, stmt, scope);
	case FW_STMT_DEFAULT:
	case FW_STMT_BLOCK:
		return here ? add_item(r, stmt, scope) : 0;
	case FW_STMT_OPTION:
		return here ? add_option(r, stmt) : 0;
	case FW_STMT_SERVICE:
	case FW_STMT_GROUP:
	case FW_STMT_ZONE:
	case FW_STMT_ERROR:
		return fw_symbols_define(r, stmt);
	}
	return 0;
}

static int walk(struct resolver *r, const struct fw_ast_block_body *body, const struct scope *scope, const struct chain *chain)
{
	for (size_t i = 0; i < body->len && !r->stopped; i++) {
		int result = take(r, body->items[i], scope, chain);

		if (result < 0)
			return result;
	}
	return 0;
}

int fw_load_catalogue(struct resolver *r)
{
	static const struct chain chain = { "<catalogue>", NULL, 0 };
	uint32_t source;
	int result = add_source(r, chain.path, fw_catalogue_text(), (struct fw_span){ 0 }, &source);

	r->in_catalogue = true;
	if (!result)
		result = parse(r, source, NULL, &chain);
	r->in_catalogue = false;
	r->catalogue_services = r->services.len;
	return result;
}

int fw_load_policy(struct resolver *r, const char *path, const struct fw_str *text)
{
	struct chain chain = { path, NULL, 0 };
	struct fw_str *copy;
	struct fw_policy_file *file;

	if (!text)
		return load_file(r, &chain, (struct fw_span){ 0 }, NULL);
	copy = fw_arena_alloc(r->arena, 1, sizeof(*copy));
	file = fw_vec_push(&r->files);
	if (!copy || !file)
		return -ENOMEM;
	if (text->len > FW_PARSE_MAX_TEXT)
		return report_unreadable(r, (struct fw_span){ 0 }, path, -EFBIG, FW_PARSE_MAX_TEXT);
	copy->data = fw_arena_copy(r->arena, *text);
	copy->len = text->len;
	*file = (struct fw_policy_file){ path, *copy };
	if (!copy->data || fw_map_put(&r->texts, fw_str_from(path), copy))
		return -ENOMEM;
	return load_file(r, &chain, (struct fw_span){ 0 }, NULL);
}

/* What reading an address file gave, for the next group that names it. */
struct reading {
	int result;
	struct fw_iset sets[FW_FAMILIES];
};

static int read_addresses(struct resolver *r, const char *path, struct fw_span at, struct reading *reading)
{
	const struct fw_str *text;
	uint32_t source;
	int result = read_once(r, path, at, FW_POLICY_MAX_ADDRESSES, &text);

	if (result)
		return result;
	r->address_bytes += text->len;
	if (r->address_bytes > (size_t)FW_POLICY_MAX_ADDRESSES * 2) {
		fw_diag_error(r->diags, at, "too-large", "the address files together are larger than %u MiB",
			      FW_POLICY_MAX_ADDRESSES >> 19);
		return FW_REPORTED;
	}
	result = add_source(r, path, *text, at, &source);
	return result ? result : fw_addrfile_parse(r->arena, r->diags, source, *text, reading->sets);
}

int fw_load_addresses(struct resolver *r, const struct fw_ast_word *word, struct fw_iset ret_sets[FW_FAMILIES])
{
	const char *path = path_beside(r, word->span, word->text, false);
	struct reading *reading = path ? fw_map_get(&r->readings, fw_str_from(path)) : NULL;

	if (!path)
		return -ENOMEM;
	if (!reading) {
		reading = fw_arena_alloc(r->arena, 1, sizeof(*reading));
		if (!reading || fw_map_put(&r->readings, fw_str_from(path), reading))
			return -ENOMEM;
		reading->result = read_addresses(r, path, word->span, reading);
	}
	memcpy(ret_sets, reading->sets, sizeof(reading->sets));
	return reading->result;
}
