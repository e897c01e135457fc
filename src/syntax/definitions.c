/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/definitions.c - services, groups and zones: NAME = what it stands for. Whether a name is taken is asked elsewhere. */
#include "syntax/parser.h"

#define NAME_MAX_LEN 63

static bool is_name_byte(char c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

	return letter || (!first && ((c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-'));
}

static const char *name_problem(struct fw_str name)
{
	if (name.len > NAME_MAX_LEN)
		return "a name has at most 63 bytes";
	if (!is_name_byte(name.data[0], true))
		return "a name starts with a letter or '_'";
	for (size_t i = 1; i < name.len; i++) {
		if (!is_name_byte(name.data[i], false))
			return "a name has letters, digits, '_', '.', '+' and '-' only";
	}
	return NULL;
}

/* KEYWORD NAME = */
static bool parse_name(struct fw_parser *p, const char *expected, struct fw_ast_word *ret_name)
{
	const char *problem;

	fw_parser_advance(p);
	if (p->token.kind != FW_TOKEN_WORD) {
		struct fw_diag *diag = fw_parser_expected(p, expected);

		if (p->token.kind == FW_TOKEN_STRING)
			fw_parser_help(p, diag, "write it without quotes");
		return false;
	}
	*ret_name = fw_parser_word(p);
	problem = name_problem(ret_name->text);
	if (problem)
		fw_parser_error(p, p->token.span, problem);
	fw_parser_advance(p);
	if (fw_parser_take(p, FW_TOKEN_EQUALS))
		return true;
	fw_parser_expected(p, "'=' after the name");
	return false;
}

static bool report_twice(struct fw_parser *p, const char *message)
{
	fw_parser_error(p, p->token.span, message);
	return false;
}

/* Services */

static bool parse_helper(struct fw_parser *p, struct fw_stmt *stmt)
{
	if (stmt->service.helper.text.len)
		return report_twice(p, "a second 'helper'");
	fw_parser_advance(p);
	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_expected(p, "the name of a connection tracking helper");
		return false;
	}
	stmt->service.helper = fw_parser_word(p);
	fw_parser_advance(p);
	return true;
}

static bool parse_exposed(struct fw_parser *p, struct fw_stmt *stmt)
{
	if (stmt->service.exposed)
		return report_twice(p, "a second 'exposed'");
	stmt->service.exposed = true;
	fw_parser_advance(p);
	return true;
}

static bool parse_description(struct fw_parser *p, struct fw_stmt *stmt)
{
	if (stmt->service.description.text.len)
		return report_twice(p, "a second description");
	return fw_parser_string(p, "a text", &stmt->service.description);
}

bool fw_stmt_parse_service(struct fw_parser *p, struct fw_stmt *stmt)
{
	bool good;

	stmt->kind = FW_STMT_SERVICE;
	good = parse_name(p, "the name of a service", &stmt->service.name) &&
	       fw_parser_list(p, FW_LIST_ITEMS, &stmt->service.items);
	while (good && !fw_parser_at_end(p)) {
		if (fw_parser_is(p, FW_KEYWORD_HELPER))
			good = parse_helper(p, stmt);
		else if (fw_parser_is(p, FW_KEYWORD_EXPOSED))
			good = parse_exposed(p, stmt);
		else if (p->token.kind == FW_TOKEN_STRING)
			good = parse_description(p, stmt);
		else
			break;
	}
	return good;
}

/* Groups */

static bool parse_file_group(struct fw_parser *p, struct fw_ast_group *group)
{
	group->kind = FW_GROUP_FILE;
	fw_parser_advance(p);
	if (!fw_parser_string(p, "the path of a file in quotes", &group->file))
		return false;
	if (!fw_parser_is(p, FW_KEYWORD_EXCEPT) && p->token.kind != FW_TOKEN_COMMA)
		return true;
	fw_parser_help(p, fw_parser_expected(p, "the end of the line"),
		       "a group from a file is only that; a second group can list it: group OTHER = THIS except ADDRESS");
	return false;
}

static bool parse_timeout(struct fw_parser *p, struct fw_ast_group *group)
{
	struct fw_ast_word word;

	if (group->timeout_s)
		return report_twice(p, "a second 'timeout'");
	fw_parser_advance(p);
	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_expected(p, "a duration such as 1h");
		return false;
	}
	word = fw_parser_word(p);
	p->bad |= fw_values_duration(p->diags, &word, &group->timeout_s) != 0;
	fw_parser_advance(p);
	return true;
}

static bool parse_size(struct fw_parser *p, struct fw_ast_group *group)
{
	struct fw_ast_word word;

	if (group->size)
		return report_twice(p, "a second 'size'");
	fw_parser_advance(p);
	if (p->token.kind != FW_TOKEN_WORD) {
		fw_parser_expected(p, "a number of addresses");
		return false;
	}
	word = fw_parser_word(p);
	p->bad |= fw_values_number(p->diags, &word, "the size", &group->size) != 0;
	fw_parser_advance(p);
	return true;
}

static bool parse_dynamic_group(struct fw_parser *p, struct fw_ast_group *group)
{
	bool good = true;

	group->kind = FW_GROUP_DYNAMIC;
	fw_parser_advance(p);
	while (good && !fw_parser_at_end(p)) {
		if (fw_parser_is(p, FW_KEYWORD_TIMEOUT)) {
			good = parse_timeout(p, group);
		} else if (fw_parser_is(p, FW_KEYWORD_SIZE)) {
			good = parse_size(p, group);
		} else {
			fw_parser_suggest(p, fw_parser_expected(p, "timeout, size or the end of the line"), FW_WORD_DETAIL);
			return false;
		}
	}
	return good;
}

bool fw_stmt_parse_group(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_GROUP;
	if (!parse_name(p, "the name of a group", &stmt->group.name))
		return false;
	if (fw_parser_is(p, FW_KEYWORD_FILE))
		return parse_file_group(p, &stmt->group);
	if (fw_parser_is(p, FW_KEYWORD_DYNAMIC))
		return parse_dynamic_group(p, &stmt->group);
	stmt->group.kind = FW_GROUP_LIST;
	return fw_parser_operands(p, FW_LIST_ADDRS, &stmt->group.addresses);
}

/* Zones */

bool fw_stmt_parse_zone(struct fw_parser *p, struct fw_stmt *stmt)
{
	stmt->kind = FW_STMT_ZONE;
	return parse_name(p, "the name of a zone", &stmt->zone.name) &&
	       fw_parser_operands(p, FW_LIST_IFACES, &stmt->zone.interfaces);
}
