/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/fuzz/ast_equal.h - do two parsed texts say the same? Written apart from the formatter, field by field, places left out; clauses by kind,
 * since their order says nothing. Words are the same where the language says so: case, LOW:HIGH, other spellings of an address. */
#ifndef FW_TEST_AST_EQUAL_H
#define FW_TEST_AST_EQUAL_H

#include <string.h>

#include "net/addr.h"
#include "syntax/ast.h"

static inline bool same_word(const struct fw_ast_word *a, const struct fw_ast_word *b)
{
	return a->quoted == b->quoted && fw_str_equal(a->text, b->text);
}

static inline bool same_folded(const struct fw_ast_word *a, const struct fw_ast_word *b)
{
	return a->quoted == b->quoted && fw_str_equal_fold(a->text, b->text);
}

static inline bool same_port(const struct fw_ast_word *a, const struct fw_ast_word *b)
{
	if (a->text.len != b->text.len)
		return false;
	for (size_t i = 0; i < a->text.len; i++) {
		struct fw_str left = { a->text.data + i, 1 }, right = { b->text.data + i, 1 };
		bool range = left.data[0] == ':' && right.data[0] == '-' && a->text.data[0] >= '0' && a->text.data[0] <= '9';

		if (!range && !fw_str_equal_fold(left, right))
			return false;
	}
	return true;
}

static inline bool same_address(const struct fw_ast_word *a, const struct fw_ast_word *b)
{
	enum fw_family left, right;
	struct fw_range one, two;

	if (same_word(a, b))
		return true;
	return fw_addr_parse(a->text, &left, &one) == FW_ADDR_OK && fw_addr_parse(b->text, &right, &two) == FW_ADDR_OK &&
	       left == right && fw_u128_compare(one.low, two.low) == 0 && fw_u128_compare(one.high, two.high) == 0;
}

typedef bool same_word_fn(const struct fw_ast_word *a, const struct fw_ast_word *b);

static inline bool same_list(const struct fw_ast_list *a, const struct fw_ast_list *b, same_word_fn *same)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (!same(&a->words[i], &b->words[i]))
			return false;
	}
	return true;
}

static inline bool same_operands(const struct fw_ast_operands *a, const struct fw_ast_operands *b, same_word_fn *same)
{
	return a->any == b->any && same_list(&a->list, &b->list, same) && same_list(&a->except, &b->except, same);
}

static inline bool same_rate(const struct fw_ast_rate *a, const struct fw_ast_rate *b)
{
	return a->count == b->count && a->unit == b->unit && a->burst == b->burst && a->per_source == b->per_source;
}

static inline bool same_log(const struct fw_ast_log *a, const struct fw_ast_log *b)
{
	return a->has_text == b->has_text && a->has_rate == b->has_rate && (!a->has_text || same_word(&a->text, &b->text)) &&
	       (!a->has_rate || same_rate(&a->rate, &b->rate));
}

static inline bool same_during(const struct fw_ast_during *a, const struct fw_ast_during *b)
{
	return a->start_minute == b->start_minute && a->end_minute == b->end_minute && a->days == b->days && a->has_days == b->has_days;
}

static inline bool same_until(const struct fw_ast_until *a, const struct fw_ast_until *b)
{
	return a->year == b->year && a->month == b->month && a->day == b->day && a->hour == b->hour && a->minute == b->minute &&
	       a->has_time == b->has_time;
}

static inline bool same_clause(const struct fw_ast_clause *a, const struct fw_ast_clause *b)
{
	switch (a->kind) {
	case FW_CLAUSE_FROM:
	case FW_CLAUSE_TO:
		return same_operands(&a->operands, &b->operands, same_address);
	case FW_CLAUSE_ON:
	case FW_CLAUSE_LEAVING:
		return same_operands(&a->operands, &b->operands, same_word);
	case FW_CLAUSE_SOURCE_PORT:
		return same_operands(&a->operands, &b->operands, same_port);
	case FW_CLAUSE_OVER:
		return a->over == b->over;
	case FW_CLAUSE_AS:
		return a->owner.kind == b->owner.kind && same_list(&a->owner.names, &b->owner.names, same_word);
	case FW_CLAUSE_RATE:
		return same_rate(&a->rate, &b->rate);
	case FW_CLAUSE_CONNECTIONS:
		return a->connections.count == b->connections.count && a->connections.per_source == b->connections.per_source;
	case FW_CLAUSE_DURING:
		return same_during(&a->during, &b->during);
	case FW_CLAUSE_UNTIL:
		return same_until(&a->until, &b->until);
	case FW_CLAUSE_LOG:
		return same_log(&a->log, &b->log);
	case FW_CLAUSE_LABEL:
		return same_word(&a->label, &b->label);
	}
	return false;
}

static inline bool same_clauses(const struct fw_ast_clauses *a, const struct fw_ast_clauses *b)
{
	size_t same = 0;

	for (size_t i = 0; i < a->len; i++) {
		for (size_t j = 0; j < b->len; j++)
			same += a->items[i].kind == b->items[j].kind && same_clause(&a->items[i], &b->items[j]);
	}
	return a->len == b->len && same == a->len;
}

static inline bool same_rule(const struct fw_ast_rule *a, const struct fw_ast_rule *b)
{
	return a->verdict == b->verdict && a->has_direction == b->has_direction && a->direction == b->direction && a->any == b->any &&
	       same_list(&a->what, &b->what, same_port) && same_clauses(&a->clauses, &b->clauses);
}

static inline bool same_group(const struct fw_ast_group *a, const struct fw_ast_group *b)
{
	return same_word(&a->name, &b->name) && a->kind == b->kind && same_operands(&a->addresses, &b->addresses, same_address) &&
	       same_word(&a->file, &b->file) && a->timeout_s == b->timeout_s && a->size == b->size;
}

static inline bool same_option(const struct fw_stmt *a, const struct fw_stmt *b)
{
	bool same = same_folded(&a->option.name, &b->option.name) && a->option.value_count == b->option.value_count;

	for (size_t i = 0; same && i < a->option.value_count; i++)
		same = same_folded(&a->option.values[i], &b->option.values[i]);
	return same;
}

static inline bool same_service(const struct fw_stmt *a, const struct fw_stmt *b)
{
	return same_folded(&a->service.name, &b->service.name) && same_list(&a->service.items, &b->service.items, same_port) &&
	       same_word(&a->service.helper, &b->service.helper) && same_word(&a->service.description, &b->service.description) &&
	       a->service.exposed == b->service.exposed;
}

static inline bool same_body(const struct fw_ast_block_body *a, const struct fw_ast_block_body *b);

static inline bool same_scope(const struct fw_stmt *a, const struct fw_stmt *b)
{
	return a->scope.has_direction == b->scope.has_direction && a->scope.direction == b->scope.direction &&
	       same_clauses(&a->scope.clauses, &b->scope.clauses) && same_body(&a->scope.body, &b->scope.body);
}

static inline bool same_stmt(const struct fw_stmt *a, const struct fw_stmt *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case FW_STMT_DEFAULT:
		return a->def.direction == b->def.direction && a->def.verdict == b->def.verdict && a->def.has_log == b->def.has_log &&
		       same_log(&a->def.log, &b->def.log);
	case FW_STMT_RULE:
	case FW_STMT_EXPECT:
		return same_rule(&a->rule, &b->rule);
	case FW_STMT_BLOCK:
		return a->block.log == b->block.log && same_operands(&a->block.addresses, &b->block.addresses, same_address);
	case FW_STMT_SCOPE:
		return same_scope(a, b);
	case FW_STMT_INCLUDE:
		return same_word(&a->include, &b->include);
	case FW_STMT_OPTION:
		return same_option(a, b);
	case FW_STMT_SERVICE:
		return same_service(a, b);
	case FW_STMT_GROUP:
		return same_group(&a->group, &b->group);
	case FW_STMT_ZONE:
		return same_word(&a->zone.name, &b->zone.name) && same_operands(&a->zone.interfaces, &b->zone.interfaces, same_word);
	case FW_STMT_ERROR:
		break;
	}
	return false;
}

static inline bool same_body(const struct fw_ast_block_body *a, const struct fw_ast_block_body *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (!same_stmt(a->items[i], b->items[i]))
			return false;
	}
	return true;
}

#endif
