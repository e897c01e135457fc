/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/rules.c - items to rules, blocks, expects and defaults, in the order of the text, and their ids. Linear in their number. */
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"

const char *fw_rules_text(struct resolver *r, const struct item *item, enum fw_direction direction)
{
	struct fw_buf *text = &r->text;

	text->len = 0;
	fw_format_rule(text, item->stmt, direction, item->scope ? item->scope->chain : NULL, item->scope ? item->scope->depth : 0);
	return text->error ? NULL : fw_arena_copy(r->arena, fw_buf_str(text));
}

/* Who has an id: the text and how many equal ones were seen, so that many equal lines cost no more than many different ones. */
struct id_owner {
	const char *text, *kind;
	unsigned int next; /* the next ordinal to try */
	uint64_t id;
};

/* Owner's id with this ordinal; *ret_taken is who has it already, or NULL where it is the owner's now. */
static int try_id(struct resolver *r, struct id_owner *owner, unsigned int ordinal, struct id_owner **ret_taken)
{
	struct fw_str key = { (const char *)&owner->id, sizeof(owner->id) };
	struct fw_buf *text = &r->text;
	int result;

	text->len = 0;
	fw_buf_puts(text, owner->text);
	fw_buf_putc(text, '\n');
	fw_buf_puts(text, owner->kind);
	if (ordinal == 0)
		fw_buf_puts(text, " 0");
	else
		fw_buf_printf(text, " %u", ordinal);
	if (text->error)
		return text->error;
	owner->id = fw_hash128(fw_buf_str(text)).hi;
	result = fw_map_put(&r->ids, key, owner);
	*ret_taken = result == -EEXIST ? fw_map_get(&r->ids, key) : NULL;
	return result == -EEXIST ? 0 : result;
}

/* The first digits of what fw_hash_hex prints. */
static void print_id(uint64_t id, char ret_id[FW_ID_LEN + 1])
{
	for (size_t i = 0; i < FW_ID_LEN; i++)
		ret_id[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
	ret_id[FW_ID_LEN] = '\0';
}

int fw_rules_id(struct resolver *r, const char *text, const char *kind, char ret_id[FW_ID_LEN + 1])
{
	struct id_owner *owner = fw_arena_alloc(r->arena, 1, sizeof(*owner)), *taken = NULL;
	unsigned int ordinal = 0;

	if (!owner)
		return -ENOMEM;
	*owner = (struct id_owner){ .text = text, .kind = kind, .next = 1 };
	do {
		int result = try_id(r, owner, ordinal, &taken);

		if (result)
			return result;
		if (taken && ordinal == 0 && strcmp(taken->text, text) == 0 && strcmp(taken->kind, kind) == 0)
			ordinal = taken->next++;
		else
			ordinal++; /* two texts with one hash */
	} while (taken);
	print_id(owner->id, ret_id);
	return 0;
}

static struct fw_span span_of(const struct fw_ast_clause *clause)
{
	return clause ? clause->span : (struct fw_span){ 0 };
}

static int resolve_log(struct resolver *r, const struct fw_ast_log *ast, struct fw_log *ret_log)
{
	*ret_log = (struct fw_log){ .on = true, .rate = r->policy->options.log_rate };
	if (ast->has_rate)
		ret_log->rate = (struct fw_rate){ .count = ast->rate.count, .unit = ast->rate.unit,
						  .burst = ast->rate.burst ? ast->rate.burst : ast->rate.count };
	if (!ast->has_text)
		return 0;
	ret_log->text = fw_arena_copy(r->arena, ast->text.text);
	return ret_log->text ? 0 : -ENOMEM;
}

/* The clauses that say what happens to a packet. */
static int resolve_actions(struct resolver *r, const struct fw_ast_clause *const clauses[FW_CLAUSE_KINDS], struct fw_rule *rule)
{
	const struct fw_ast_clause *rate = clauses[FW_CLAUSE_RATE], *connections = clauses[FW_CLAUSE_CONNECTIONS];

	if (rate)
		rule->rate = (struct fw_rate){ rate->rate.count, rate->rate.unit, rate->rate.burst ? rate->rate.burst : rate->rate.count,
					       rate->rate.per_source };
	if (connections) {
		rule->connections = connections->connections.count;
		rule->connections_per_source = connections->connections.per_source;
	}
	if (clauses[FW_CLAUSE_LABEL]) {
		rule->label = fw_arena_copy(r->arena, clauses[FW_CLAUSE_LABEL]->label.text);
		if (!rule->label)
			return -ENOMEM;
	}
	rule->rate_span = span_of(rate);
	rule->connections_span = span_of(connections);
	rule->log_span = span_of(clauses[FW_CLAUSE_LOG]);
	rule->during_span = span_of(clauses[FW_CLAUSE_DURING]);
	rule->owner_span = span_of(clauses[FW_CLAUSE_AS]);
	return clauses[FW_CLAUSE_LOG] ? resolve_log(r, &clauses[FW_CLAUSE_LOG]->log, &rule->log) : 0;
}

static int add_rule(struct resolver *r, const struct item *item)
{
	const struct fw_ast_clause *clauses[FW_CLAUSE_KINDS];
	struct fw_rule *rule = fw_arena_alloc(r->arena, 1, sizeof(*rule)), **slot;
	int result = rule ? fw_match_resolve(r, item, &rule->direction, clauses, &rule->match) : -ENOMEM;

	if (!result)
		result = resolve_actions(r, clauses, rule);
	if (result)
		return result;
	rule->verdict = item->stmt->rule.verdict;
	rule->span = item->stmt->span;
	rule->what_span = item->stmt->rule.what.span;
	rule->text = fw_rules_text(r, item, rule->direction);
	slot = fw_vec_push(&r->rules[rule->direction]);
	if (!rule->text || !slot)
		return -ENOMEM;
	*slot = rule;
	result = fw_rules_id(r, rule->text, fw_direction_name(rule->direction), rule->id);
	return result ? result : fw_warn_exposed(r, rule, &item->stmt->rule);
}

static int add_expect(struct resolver *r, const struct item *item)
{
	const struct fw_ast_clause *clauses[FW_CLAUSE_KINDS];
	struct fw_expect *expect = fw_vec_push(&r->expects);
	int result = expect ? fw_match_resolve(r, item, &expect->direction, clauses, &expect->match) : -ENOMEM;

	if (result)
		return result;
	expect->verdict = item->stmt->rule.verdict;
	expect->span = item->stmt->span;
	expect->text = fw_rules_text(r, item, expect->direction);
	return expect->text ? 0 : -ENOMEM;
}

static int add_block(struct resolver *r, const struct item *item)
{
	struct fw_block *block = fw_vec_push(&r->blocks);

	return block ? fw_blocks_resolve(r, item, block) : -ENOMEM;
}

static int set_default(struct resolver *r, const struct fw_stmt *stmt)
{
	enum fw_direction direction = stmt->def.has_direction ? stmt->def.direction : FW_IN;
	struct fw_default *def = &r->policy->defaults[direction];
	struct fw_diag *diag;

	if (def->present) {
		diag = fw_diag_error(r->diags, stmt->span, "duplicate", "a second default for '%s'", fw_direction_name(direction));
		fw_diag_note(r->diags, diag, def->span, "the first is here");
		return FW_REPORTED;
	}
	*def = (struct fw_default){ .present = true, .verdict = stmt->def.verdict, .log_said = stmt->def.has_log, .span = stmt->span };
	return stmt->def.has_log ? resolve_log(r, &stmt->def.log, &def->log) : 0;
}

static int resolve_item(struct resolver *r, const struct item *item)
{
	switch (item->stmt->kind) {
	case FW_STMT_RULE:
		return add_rule(r, item);
	case FW_STMT_EXPECT:
		return add_expect(r, item);
	case FW_STMT_BLOCK:
		return add_block(r, item);
	case FW_STMT_DEFAULT:
		return set_default(r, item->stmt);
	case FW_STMT_SCOPE:
	case FW_STMT_INCLUDE:
	case FW_STMT_OPTION:
	case FW_STMT_SERVICE:
	case FW_STMT_GROUP:
	case FW_STMT_ZONE:
	case FW_STMT_ERROR:
		break;
	}
	return 0;
}

/* What the language says where the policy is silent. */
static void fill_defaults(struct resolver *r)
{
	static const enum fw_verdict own[FW_DIRECTIONS] = { [FW_IN] = FW_DENY, [FW_OUT] = FW_ALLOW, [FW_FORWARD] = FW_DENY };
	struct fw_policy *policy = r->policy;

	policy->has_forward = policy->defaults[FW_FORWARD].present || r->rules[FW_FORWARD].len > 0;
	for (size_t i = 0; i < FW_DIRECTIONS; i++) {
		struct fw_default *def = &policy->defaults[i];

		if (!def->present)
			def->verdict = i == FW_FORWARD && !policy->has_forward ? FW_ALLOW : own[i];
		if (!def->log_said && def->verdict != FW_ALLOW && policy->options.log_default)
			def->log = (struct fw_log){ .on = true, .rate = policy->options.log_rate };
	}
}

int fw_rules_resolve(struct resolver *r)
{
	for (size_t i = 0; i < r->items.len; i++) {
		int result = resolve_item(r, fw_vec_at(&r->items, i));

		if (result < 0)
			return result;
	}
	fill_defaults(r);
	return 0;
}
