/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/match.c - what a rule or an expect describes: WHAT, clauses and enclosing scopes together, and whether they fit each other:
 * direction, address families, protocols with ports. Which clause may stand where at all is the parser's. */
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"

static int effective_direction(struct resolver *r, const struct item *item, enum fw_direction *ret_direction)
{
	const struct fw_ast_rule *rule = &item->stmt->rule;
	const struct scope *scope = item->scope;
	struct fw_diag *diag;

	*ret_direction = rule->has_direction ? rule->direction : scope && scope->has_direction ? scope->direction : FW_IN;
	if (!rule->has_direction || !scope || !scope->has_direction)
		return 0;
	diag = fw_diag_error(r->diags, rule->direction_span, "scope", "an enclosing block gives the direction already");
	fw_diag_note(r->diags, diag, scope->direction_span, "it is given here");
	return FW_REPORTED;
}

/* At the clause, or, where a scope brought it, at the rule with a note. */
static int report_misfit(struct resolver *r, const struct item *item, const struct fw_ast_clause *clause, const char *why)
{
	bool own = !item->scope || item->scope->clauses[clause->kind] != clause;
	struct fw_diag *diag = fw_diag_error(r->diags, own ? clause->span : item->stmt->rule.verdict_span, "clause", "'%s' is %s",
					     fw_clause_name(clause->kind), why);

	if (!own)
		fw_diag_note(r->diags, diag, clause->span, "an enclosing block gives it here");
	return FW_REPORTED;
}

static int check_clauses(struct resolver *r, const struct item *item, enum fw_direction direction,
			 const struct fw_ast_clause *const clauses[FW_CLAUSE_KINDS])
{
	int result = 0;

	if (clauses[FW_CLAUSE_LEAVING] && direction != FW_FORWARD)
		result = report_misfit(r, item, clauses[FW_CLAUSE_LEAVING], direction == FW_OUT ?
				       "for forward rules only: 'on' is the interface that an out rule's packet leaves by" :
				       "for forward rules only");
	if (clauses[FW_CLAUSE_AS] && direction != FW_OUT)
		result = report_misfit(r, item, clauses[FW_CLAUSE_AS], "for out rules only: what comes in has no local owner yet");
	return result;
}

static int resolve_clauses(struct resolver *r, const struct item *item, const struct fw_ast_clause *clauses[FW_CLAUSE_KINDS],
			   struct fw_match *match)
{
	const struct fw_ast_clauses *own = &item->stmt->rule.clauses;
	int result = item->scope && item->scope->broken ? FW_REPORTED : 0;

	for (size_t i = 0; i < own->len; i++) {
		const struct fw_ast_clause *clause = &own->items[i];
		int one = FW_REPORTED;

		if (fw_scopes_clause_is_new(r, item->scope, clause)) {
			clauses[clause->kind] = clause;
			one = fw_clauses_resolve(r, clause, match);
		}
		if (one < 0)
			return one;
		if (one)
			result = one;
	}
	return result;
}

static const char *family_name(unsigned int families)
{
	return families == FW_FAMILY_BIT(FW_IPV4) ? "IPv4" : families == FW_FAMILY_BIT(FW_IPV6) ? "IPv6" : "both";
}

static unsigned int what_families(const struct fw_what *what)
{
	unsigned int families = what->any ? FW_FAMILY_BOTH : 0;

	for (size_t i = 0; i < what->proto_count; i++)
		families |= what->protos[i].families;
	return families;
}

/* Says which part brings which family, but for those that have both. */
static int report_no_family(struct resolver *r, const struct item *item, const struct fw_match *match)
{
	const struct {
		const char *part;
		unsigned int families;
	} parts[] = {
		{ "what it matches", what_families(&match->what) },
		{ "'from'", match->from.families },
		{ "'to'", match->to.families },
		{ "'over'", match->families },
	};
	struct fw_diag *diag = fw_diag_error(r->diags, item->stmt->span, "families", "this applies to neither IPv4 nor IPv6");
	struct fw_buf *text = &r->text;

	text->len = 0;
	for (size_t i = 0; i < FW_ARRAY_SIZE(parts); i++) {
		if (parts[i].families != FW_FAMILY_BOTH)
			fw_buf_printf(text, "%s%s is %s only", text->len ? ", " : "", parts[i].part, family_name(parts[i].families));
	}
	fw_diag_help(r->diags, diag, "%.*s", (int)text->len, text->data ? text->data : "");
	return FW_REPORTED;
}

/* The rows of WHAT that are left for the families; shared where all of them are. */
static int cut_families(struct resolver *r, unsigned int families, struct fw_what *what)
{
	struct fw_what_proto *rows;
	size_t kept = 0, i;

	for (i = 0; i < what->proto_count && (what->protos[i].families & families) == what->protos[i].families; i++)
		;
	if (i == what->proto_count)
		return 0;
	rows = fw_arena_alloc(r->arena, what->proto_count, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (i = 0; i < what->proto_count; i++) {
		rows[kept] = what->protos[i];
		rows[kept].families &= families;
		kept += rows[kept].families != 0;
	}
	what->protos = rows;
	what->proto_count = kept;
	return 0;
}

static int settle_families(struct resolver *r, const struct item *item, struct fw_match *match)
{
	unsigned int families = match->families & match->from.families & match->to.families & what_families(&match->what);

	if (families == 0)
		return report_no_family(r, item, match);
	match->families = families;
	return cut_families(r, families, &match->what);
}

/* A packet without ports has no source port: protocols without ports are taken out, and `any` becomes those that have some. */
static int settle_source_ports(struct resolver *r, const struct item *item, const struct fw_ast_clause *clause, struct fw_match *match)
{
	struct fw_what *what = &match->what;
	struct fw_what_proto *rows = fw_arena_alloc(r->arena, what->any ? 256 : what->proto_count, sizeof(*rows));
	size_t kept = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < (what->any ? 256 : what->proto_count); i++) {
		uint8_t number = what->any ? (uint8_t)i : what->protos[i].proto;
		const struct fw_proto *proto = fw_proto_by_number(number);

		if (!proto || !proto->has_ports)
			continue;
		rows[kept++] = what->any ? (struct fw_what_proto){ number, FW_FAMILY_BOTH, true, { 0 } } : what->protos[i];
	}
	if (kept == 0)
		return report_misfit(r, item, clause, "for protocols with ports: tcp, udp, sctp, dccp and udplite");
	what->any = false;
	what->protos = rows;
	what->proto_count = kept;
	return 0;
}

static int resolve_what(struct resolver *r, const struct fw_ast_rule *rule, struct fw_what *ret_what)
{
	if (!rule->any)
		return fw_what_resolve(r, &rule->what, NULL, ret_what);
	*ret_what = (struct fw_what){ .any = true };
	return 0;
}

static void start(const struct item *item, const struct fw_ast_clause *clauses[FW_CLAUSE_KINDS], struct fw_match *match)
{
	if (item->scope) {
		memcpy(clauses, item->scope->clauses, sizeof(item->scope->clauses));
		*match = item->scope->match;
		return;
	}
	memset(clauses, 0, sizeof(item->scope->clauses));
	*match = (struct fw_match){ .families = FW_FAMILY_BOTH };
	match->from.any = match->to.any = match->on.any = match->leaving.any = true;
	match->from.families = match->to.families = FW_FAMILY_BOTH;
}

int fw_match_resolve(struct resolver *r, const struct item *item, enum fw_direction *ret_direction,
		     const struct fw_ast_clause *ret_clauses[FW_CLAUSE_KINDS], struct fw_match *ret_match)
{
	int direction = effective_direction(r, item, ret_direction), what, clauses, fit;

	start(item, ret_clauses, ret_match);
	what = resolve_what(r, &item->stmt->rule, &ret_match->what);
	if (what < 0)
		return what;
	clauses = resolve_clauses(r, item, ret_clauses, ret_match);
	if (clauses < 0)
		return clauses;
	fit = direction ? 0 : check_clauses(r, item, *ret_direction, ret_clauses);
	if (direction || what || clauses || fit)
		return FW_REPORTED;
	if (ret_clauses[FW_CLAUSE_SOURCE_PORT]) {
		fit = settle_source_ports(r, item, ret_clauses[FW_CLAUSE_SOURCE_PORT], ret_match);
		if (fit)
			return fit;
	}
	return settle_families(r, item, ret_match);
}
