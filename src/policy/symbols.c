/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/symbols.c - the three name spaces: services, groups, zones. Each name is defined once, but for a policy's service that redefines the
 * catalogue's: that one wins everywhere and keeps the other behind it. A definition that did not parse still defines its name, as a
 * broken one, so that its uses are not reported too. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"

/* Case folded, '_' as '-'. False: longer than any name. */
static bool fold_service(struct fw_str name, char ret_key[FW_NAME_MAX])
{
	if (name.len > FW_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		ret_key[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	return true;
}

struct service_def *fw_symbols_service(const struct resolver *r, struct fw_str name, const struct service_def *by)
{
	char key[FW_NAME_MAX];
	struct service_def *def;

	if (!fold_service(name, key))
		return NULL;
	def = fw_map_get(&r->service_names, (struct fw_str){ key, name.len });
	return def && def == by ? def->hidden : def;
}

struct zone_def *fw_symbols_zone(const struct resolver *r, struct fw_str name)
{
	return fw_map_get(&r->zone_names, name);
}

static void report_unknown_group(struct resolver *r, const struct fw_ast_word *word)
{
	struct fw_diag *diag = fw_diag_error(r->diags, word->span, "unknown-group", "unknown group '%.*s'", SHOW(word->text));
	struct fw_misspell near;

	if (!fw_resolver_wants_help(r))
		return;
	fw_misspell_init(&near, word->text);
	for (size_t i = 0; i < r->group_names.len; i++)
		fw_misspell_offer(&near, r->group_names.entries[i].key);
	if (fw_resolver_suggest(r, diag, &near))
		return;
	if (fw_symbols_zone(r, word->text))
		fw_diag_help(r->diags, diag, "'%.*s' is a zone: write on %.*s", SHOW(word->text), SHOW(word->text));
	else if (memchr(word->text.data, '.', word->text.len))
		fw_diag_help(r->diags, diag, "names of hosts are not looked up: write the address");
}

struct group_def *fw_symbols_group(struct resolver *r, const struct fw_ast_word *word)
{
	struct group_def *def = fw_map_get(&r->group_names, word->text);

	if (!def) {
		report_unknown_group(r, word);
		return NULL;
	}
	def->out.used = true;
	return def->node.broken ? NULL : def;
}

static void report_twice(struct resolver *r, const char *kind, const struct node *node, struct fw_span first)
{
	struct fw_diag *diag = fw_diag_error(r->diags, node->span, "duplicate", "%s '%.*s' is defined twice", kind, SHOW(node->name));

	fw_diag_note(r->diags, diag, first, "first defined here");
}

static int add(struct fw_vec *vec, void *pointer)
{
	void **slot = fw_vec_push(vec);

	if (!slot)
		return -ENOMEM;
	*slot = pointer;
	return 0;
}

/* The node's name in the map; the one that is there already wins, and the new one is reported. */
static int enter(struct resolver *r, struct fw_map *map, const char *kind, struct node *node)
{
	int result = fw_map_put(map, node->name, node);
	struct node *first;

	if (result != -EEXIST)
		return result;
	first = fw_map_get(map, node->name);
	if (!first->broken || !node->broken)
		report_twice(r, kind, node, first->span);
	return 0;
}

static void check_name(struct resolver *r, const char *kind, struct node *node)
{
	bool protocol = fw_proto_by_name(node->name) != NULL;

	if (!protocol && !fw_is_reserved_word(node->name))
		return;
	fw_diag_error(r->diags, node->span, "reserved-name", "'%.*s' cannot be the name of a %s: it is a %s", SHOW(node->name), kind,
		      protocol ? "protocol" : "word of the language");
	node->broken = true;
}

static int define_group(struct resolver *r, const struct fw_stmt *stmt, const struct fw_ast_word *name)
{
	struct group_def *def = fw_arena_alloc(r->arena, 1, sizeof(*def));
	int result;

	if (!def)
		return -ENOMEM;
	def->node = (struct node){ .name = name->text, .span = name->span, .broken = !stmt };
	def->stmt = stmt;
	def->out.name.data = fw_arena_copy(r->arena, name->text);
	if (!def->out.name.data)
		return -ENOMEM;
	def->out.name.len = name->text.len;
	def->out.span = name->span;
	if (stmt) {
		def->out.kind = stmt->group.kind;
		def->out.timeout_s = stmt->group.timeout_s;
		def->out.size = stmt->group.size ? stmt->group.size : FW_GROUP_SIZE;
		check_name(r, "group", &def->node);
	}
	result = enter(r, &r->group_names, "group", &def->node);
	return result ? result : add(&r->groups, def);
}

static int define_zone(struct resolver *r, const struct fw_stmt *stmt, const struct fw_ast_word *name)
{
	struct zone_def *def = fw_arena_alloc(r->arena, 1, sizeof(*def));
	int result;

	if (!def)
		return -ENOMEM;
	def->node = (struct node){ .name = name->text, .span = name->span, .broken = !stmt };
	def->stmt = stmt;
	if (stmt)
		check_name(r, "zone", &def->node);
	result = enter(r, &r->zone_names, "zone", &def->node);
	return result ? result : add(&r->zones, def);
}

/* The policy's own definition in place of the catalogue's. */
static int redefine_service(struct resolver *r, struct service_def *def, struct fw_str key)
{
	struct service_def *first = fw_map_get(&r->service_names, key);

	if (r->in_catalogue || !first->out.from_catalogue) {
		if (!first->node.broken || !def->node.broken)
			report_twice(r, "service", &def->node, first->node.span);
		return 0;
	}
	def->hidden = first;
	return fw_map_set(&r->service_names, key, def);
}

static int define_service(struct resolver *r, const struct fw_stmt *stmt, const struct fw_ast_word *name)
{
	struct service_def *def = fw_arena_alloc(r->arena, 1, sizeof(*def));
	char folded[FW_NAME_MAX];
	struct fw_str key;
	int result;

	if (!fold_service(name->text, folded)) /* the parser has said so */
		return 0;
	key = (struct fw_str){ fw_arena_copy(r->arena, (struct fw_str){ folded, name->text.len }), name->text.len };
	if (!def || !key.data)
		return -ENOMEM;
	def->node = (struct node){ .name = name->text, .span = name->span, .broken = !stmt };
	def->stmt = stmt;
	def->out.name.data = fw_arena_copy(r->arena, name->text);
	if (!def->out.name.data)
		return -ENOMEM;
	def->out.name.len = name->text.len;
	def->out.span = name->span;
	def->out.from_catalogue = r->in_catalogue;
	def->out.exposed = stmt && stmt->service.exposed;
	if (fw_str_equal_fold(name->text, FW_STR("any"))) {
		fw_diag_error(r->diags, name->span, "reserved-name", "'any' cannot be the name of a service: it is a word of the language");
		return 0;
	}
	result = fw_map_put(&r->service_names, key, def);
	if (result == -EEXIST)
		result = redefine_service(r, def, key);
	return result ? result : add(&r->services, def);
}

static struct fw_str next_word(const char **cursor, const char *end)
{
	const char *start;

	while (*cursor < end && (**cursor == ' ' || **cursor == '\t'))
		(*cursor)++;
	start = *cursor;
	while (*cursor < end && (isalnum((unsigned char)**cursor) || (**cursor && strchr("_.:+/*@%-", **cursor))))
		(*cursor)++;
	return (struct fw_str){ start, (size_t)(*cursor - start) };
}

/* A statement that did not parse: `group NAME ...` still says which name was meant. */
static int define_broken(struct resolver *r, const struct fw_stmt *stmt)
{
	struct fw_str text = fw_span_text(r->sources, stmt->span);
	const char *cursor = text.data, *end = text.data + text.len;
	struct fw_str keyword = next_word(&cursor, end);
	struct fw_ast_word name = { .text = next_word(&cursor, end), .span = stmt->span };

	if (name.text.len == 0)
		return 0;
	name.span.offset += (uint32_t)(name.text.data - text.data);
	name.span.len = (uint32_t)name.text.len;
	if (fw_str_equal_fold(keyword, FW_STR("group")))
		return define_group(r, NULL, &name);
	if (fw_str_equal_fold(keyword, FW_STR("zone")))
		return define_zone(r, NULL, &name);
	if (fw_str_equal_fold(keyword, FW_STR("service")))
		return define_service(r, NULL, &name);
	return 0;
}

int fw_symbols_define(struct resolver *r, const struct fw_stmt *stmt)
{
	switch (stmt->kind) {
	case FW_STMT_GROUP:
		return define_group(r, stmt, &stmt->group.name);
	case FW_STMT_ZONE:
		return define_zone(r, stmt, &stmt->zone.name);
	case FW_STMT_SERVICE:
		return define_service(r, stmt, &stmt->service.name);
	case FW_STMT_ERROR:
		return define_broken(r, stmt);
	case FW_STMT_DEFAULT:
	case FW_STMT_RULE:
	case FW_STMT_EXPECT:
	case FW_STMT_BLOCK:
	case FW_STMT_SCOPE:
	case FW_STMT_INCLUDE:
	case FW_STMT_OPTION:
		break;
	}
	return 0;
}
