/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/clauses.c - clauses to conditions, and scope blocks: what a scope says is resolved once and folded into all that it encloses. */
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"

static int resolve_source_ports(struct resolver *r, const struct fw_ast_list *list, struct fw_iset *ret_ports)
{
	struct fw_range *ranges = fw_arena_alloc(r->arena, list->len, sizeof(*ranges));
	int result = 0;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < list->len; i++)
		result |= fw_what_parse_ports(r, list->words[i].text, list->words[i].span, &ranges[i]);
	if (!result)
		*ret_ports = fw_iset_normalise(ranges, list->len);
	return result;
}

/* -1 is no id: the kernel keeps it for "unchanged". */
static int ask_owner(struct resolver *r, enum fw_owner kind, const struct fw_ast_word *word, const char *key, uint64_t *ret_id)
{
	const char *what = kind == FW_OWNER_USER ? "user" : "group";
	uint32_t id;
	int result;

	result = fw_str_parse_u64(word->text, UINT32_MAX - 1, ret_id);
	if (result == 0)
		return 0;
	if (result == -ERANGE) {
		fw_diag_error(r->diags, word->span, "unknown-owner", "'%.*s' is no id: 0-4294967294", SHOW(word->text));
		return FW_REPORTED;
	}
	result = fw_env_user_id(r->env, kind, key + 1, &id);
	if (result == 0) {
		*ret_id = id;
		return 0;
	}
	if (result == -ENOMEM)
		return result;
	if (result == -ENOENT)
		fw_diag_error(r->diags, word->span, "unknown-owner", "this host has no %s '%.*s'", what, SHOW(word->text));
	else
		fw_diag_error(r->diags, word->span, "unknown-owner", "cannot look up %s '%.*s': %s", what, SHOW(word->text),
			      strerror(-result));
	return FW_REPORTED;
}

struct owner {
	int result;
	uint64_t id;
};

/* Each name is asked for once: the answer takes a walk through files. */
static int resolve_owner(struct resolver *r, enum fw_owner kind, const struct fw_ast_word *word, struct fw_range *ret_range)
{
	const char *key = fw_arena_printf(r->arena, "%c%.*s", kind == FW_OWNER_USER ? 'u' : 'g', (int)word->text.len, word->text.data);
	struct owner *owner = key ? fw_map_get(&r->owners, fw_str_from(key)) : NULL;

	if (!key)
		return -ENOMEM;
	if (!owner || owner->result) { /* a failure is reported at each place */
		struct owner *fresh = fw_arena_alloc(r->arena, 1, sizeof(*fresh));

		if (!fresh)
			return -ENOMEM;
		fresh->result = ask_owner(r, kind, word, key, &fresh->id);
		if (fresh->result < 0 || fw_map_set(&r->owners, fw_str_from(key), fresh))
			return -ENOMEM;
		owner = fresh;
	}
	*ret_range = (struct fw_range){ { 0, owner->id }, { 0, owner->id } };
	return owner->result;
}

static int resolve_owners(struct resolver *r, const struct fw_ast_clause *clause, struct fw_owners *ret_owners)
{
	const struct fw_ast_list *names = &clause->owner.names;
	struct fw_range *ranges = fw_arena_alloc(r->arena, names->len, sizeof(*ranges));
	int result = 0;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < names->len; i++) {
		int one = resolve_owner(r, clause->owner.kind, &names->words[i], &ranges[i]);

		if (one < 0)
			return one;
		if (one)
			result = one;
	}
	if (!result)
		*ret_owners = (struct fw_owners){ clause->owner.kind, fw_iset_normalise(ranges, names->len) };
	return result;
}

int fw_clauses_resolve(struct resolver *r, const struct fw_ast_clause *clause, struct fw_match *match)
{
	switch (clause->kind) {
	case FW_CLAUSE_FROM:
		return fw_addresses_resolve(r, &clause->operands, &match->from);
	case FW_CLAUSE_TO:
		return fw_addresses_resolve(r, &clause->operands, &match->to);
	case FW_CLAUSE_ON:
		return fw_ifaces_resolve(r, &clause->operands, &match->on);
	case FW_CLAUSE_LEAVING:
		return fw_ifaces_resolve(r, &clause->operands, &match->leaving);
	case FW_CLAUSE_SOURCE_PORT:
		return resolve_source_ports(r, &clause->operands.list, &match->source_ports);
	case FW_CLAUSE_OVER:
		match->families &= FW_FAMILY_BIT(clause->over == 4 ? FW_IPV4 : FW_IPV6);
		return 0;
	case FW_CLAUSE_AS:
		return resolve_owners(r, clause, &match->owners);
	case FW_CLAUSE_DURING:
		match->has_during = true;
		match->during = clause->during;
		return 0;
	case FW_CLAUSE_UNTIL:
		match->has_until = true;
		match->until = clause->until;
		return 0;
	case FW_CLAUSE_RATE:
	case FW_CLAUSE_CONNECTIONS:
	case FW_CLAUSE_LOG:
	case FW_CLAUSE_LABEL:
		return 0;
	}
	return 0;
}

static void inherit(struct scope *scope)
{
	const struct scope *outer = scope->parent;

	scope->match = (struct fw_match){ .families = FW_FAMILY_BOTH,
					  .from = { .any = true, .families = FW_FAMILY_BOTH },
					  .to = { .any = true, .families = FW_FAMILY_BOTH },
					  .on = { .any = true },
					  .leaving = { .any = true } };
	if (!outer)
		return;
	scope->match = outer->match;
	scope->broken = outer->broken;
	scope->has_direction = outer->has_direction;
	scope->direction = outer->direction;
	scope->direction_span = outer->direction_span;
	memcpy(scope->clauses, outer->clauses, sizeof(scope->clauses));
}

static void add_direction(struct resolver *r, struct scope *scope)
{
	const struct fw_stmt *stmt = scope->stmt;
	struct fw_diag *diag;

	if (!stmt->scope.has_direction)
		return;
	if (scope->has_direction) {
		diag = fw_diag_error(r->diags, stmt->scope.direction_span, "scope", "an enclosing block gives the direction already");
		fw_diag_note(r->diags, diag, scope->direction_span, "it is given here");
		return;
	}
	scope->has_direction = true;
	scope->direction = stmt->scope.direction;
	scope->direction_span = stmt->scope.direction_span;
}

bool fw_scopes_clause_is_new(struct resolver *r, const struct scope *scope, const struct fw_ast_clause *clause)
{
	struct fw_diag *diag;

	if (!scope || !scope->clauses[clause->kind])
		return true;
	diag = fw_diag_error(r->diags, clause->span, "scope", "an enclosing block gives '%s' already", fw_clause_name(clause->kind));
	fw_diag_note(r->diags, diag, scope->clauses[clause->kind]->span, "it is given here");
	return false;
}

static int extend_chain(struct resolver *r, struct scope *scope)
{
	const struct fw_ast_clauses **chain = fw_arena_alloc(r->arena, scope->depth, sizeof(*chain));

	if (!chain)
		return -ENOMEM;
	if (scope->parent)
		memcpy(chain, scope->parent->chain, scope->parent->depth * sizeof(*chain));
	chain[scope->depth - 1] = &scope->stmt->scope.clauses;
	scope->chain = chain;
	return 0;
}

static int resolve_scope(struct resolver *r, struct scope *scope)
{
	const struct fw_ast_clauses *clauses = &scope->stmt->scope.clauses;

	inherit(scope);
	add_direction(r, scope);
	for (size_t i = 0; i < clauses->len; i++) {
		const struct fw_ast_clause *clause = &clauses->items[i];
		int result;

		if (!fw_scopes_clause_is_new(r, scope, clause))
			continue;
		scope->clauses[clause->kind] = clause;
		result = fw_clauses_resolve(r, clause, &scope->match);
		if (result < 0)
			return result;
		scope->broken |= result != 0;
	}
	return extend_chain(r, scope);
}

int fw_scopes_resolve(struct resolver *r)
{
	for (size_t i = 0; i < r->scopes.len; i++) {
		int result = resolve_scope(r, *(struct scope **)fw_vec_at(&r->scopes, i));

		if (result)
			return result;
	}
	return 0;
}
