/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/write.c - statements to words, each in its one canonical form: what folds case in lower case, clauses in the order of their enum,
 * addresses and ranges as they are printed everywhere. What is written here parses to the same meaning. */
#include <errno.h>
#include <string.h>

#include "net/addr.h"
#include "syntax/parse.h"
#include "syntax/write.h"

#define NO_SPAN ((struct fw_span){ 0 })

typedef void word_printer(struct fw_buf *out, const struct fw_ast_word *word);
typedef const struct fw_ast_clause *clause_table[FW_CLAUSE_KINDS];

static void begin(struct fw_writer *w, struct fw_span span)
{
	struct fw_piece *piece;

	if (w->started)
		fw_buf_putc(w->out, ' ');
	w->started = true;
	if (!w->pieces || w->out->error)
		return;
	piece = fw_vec_push(w->pieces);
	if (!piece) {
		w->out->error = -ENOMEM;
		return;
	}
	*piece = (struct fw_piece){ .start = w->out->len, .source_end = span.source ? span.offset + span.len : 0 };
}

static void put(struct fw_writer *w, struct fw_span span, const char *word)
{
	begin(w, span);
	fw_buf_puts(w->out, word);
}

static struct fw_piece *last_piece(struct fw_writer *w)
{
	return w->pieces && w->pieces->len ? fw_vec_at(w->pieces, w->pieces->len - 1) : NULL;
}

/* The last piece ends in ',' or '='. */
static void go_on(struct fw_writer *w, const char *mark)
{
	struct fw_piece *piece = last_piece(w);

	fw_buf_puts(w->out, mark);
	if (piece)
		piece->goes_on = true;
}

/* The first word of a clause, or of something like one. */
static void put_part(struct fw_writer *w, struct fw_span span, const char *word)
{
	struct fw_piece *piece;

	put(w, span, word);
	piece = last_piece(w);
	if (piece)
		piece->part = true;
}

/* Words */

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static void print_folded(struct fw_buf *out, const struct fw_ast_word *word)
{
	for (size_t i = 0; i < word->text.len; i++)
		fw_buf_putc(out, fold(word->text.data[i]));
}

static bool starts_with_digit(struct fw_str s)
{
	return s.len && s.data[0] >= '0' && s.data[0] <= '9';
}

/* Services and ports: all of it folds case, and ranges are LOW-HIGH. */
static void print_port(struct fw_buf *out, const struct fw_ast_word *word)
{
	if (!starts_with_digit(word->text)) {
		print_folded(out, word);
		return;
	}
	for (size_t i = 0; i < word->text.len; i++)
		fw_buf_putc(out, word->text.data[i] == ':' ? '-' : fold(word->text.data[i]));
}

static void print_plain(struct fw_buf *out, const struct fw_ast_word *word)
{
	if (!word->quoted) {
		fw_buf_add(out, word->text);
		return;
	}
	fw_buf_putc(out, '"');
	for (size_t i = 0; i < word->text.len; i++) {
		if (word->text.data[i] == '"' || word->text.data[i] == '\\')
			fw_buf_putc(out, '\\');
		fw_buf_putc(out, word->text.data[i]);
	}
	fw_buf_putc(out, '"');
}

static bool is_address(struct fw_str s)
{
	return starts_with_digit(s) || (s.len && memchr(s.data, ':', s.len));
}

static void print_address(struct fw_buf *out, const struct fw_ast_word *word)
{
	enum fw_family family;
	struct fw_range range;

	if (is_address(word->text) && fw_addr_parse(word->text, &family, &range) == FW_ADDR_OK)
		fw_addr_print(out, family, range);
	else
		print_plain(out, word);
}

static void put_word(struct fw_writer *w, const struct fw_ast_word *word, word_printer *print)
{
	begin(w, word->span);
	print(w->out, word);
}

static void put_list(struct fw_writer *w, const struct fw_ast_list *list, word_printer *print)
{
	for (size_t i = 0; i < list->len; i++) {
		put_word(w, &list->words[i], print);
		if (i + 1 < list->len)
			go_on(w, ",");
	}
}

static void put_operands(struct fw_writer *w, const struct fw_ast_operands *operands, word_printer *print)
{
	if (operands->any)
		put(w, NO_SPAN, "any");
	put_list(w, &operands->list, print);
	if (operands->except.len) {
		put_part(w, NO_SPAN, "except");
		put_list(w, &operands->except, print);
	}
}

/* Clauses */

static void put_rate(struct fw_writer *w, const struct fw_ast_rate *rate)
{
	begin(w, NO_SPAN);
	fw_buf_printf(w->out, "%u/%s", rate->count, fw_unit_name(rate->unit));
	if (rate->burst) {
		begin(w, NO_SPAN);
		fw_buf_printf(w->out, "burst %u", rate->burst);
	}
	if (rate->per_source)
		put(w, NO_SPAN, "per source");
}

#define DAYS 7
#define ALL_DAYS 127

static bool has_day(uint8_t days, unsigned int day)
{
	return days & (1u << (day % DAYS));
}

/* A run of three days or more is a range, even where it goes over the end of the week. */
static void put_days(struct fw_writer *w, uint8_t days)
{
	static const char *const names[DAYS] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	unsigned int first = 0, run;

	if (days == ALL_DAYS) {
		put(w, NO_SPAN, "mon-sun");
		return;
	}
	while (has_day(days, first + DAYS - 1))
		first++;
	for (unsigned int day = first, put_any = 0; day < first + DAYS; day += run) {
		for (run = 0; day + run < first + DAYS && has_day(days, day + run); run++)
			;
		if (run == 0) {
			run = 1;
			continue;
		}
		run = run < 3 ? 1 : run;
		if (put_any++)
			go_on(w, ",");
		put(w, NO_SPAN, names[day % DAYS]);
		if (run > 1)
			fw_buf_printf(w->out, "-%s", names[(day + run - 1) % DAYS]);
	}
}

static void put_during(struct fw_writer *w, const struct fw_ast_during *during)
{
	begin(w, NO_SPAN);
	fw_buf_printf(w->out, "%02u:%02u-%02u:%02u", during->start_minute / 60u, during->start_minute % 60u, during->end_minute / 60u,
		      during->end_minute % 60u);
	if (during->has_days)
		put_days(w, during->days);
}

static void put_until(struct fw_writer *w, const struct fw_ast_until *until)
{
	begin(w, NO_SPAN);
	fw_buf_printf(w->out, "\"%04d-%02u-%02u", until->year, until->month, until->day);
	if (until->has_time)
		fw_buf_printf(w->out, " %02u:%02u", until->hour, until->minute);
	fw_buf_putc(w->out, '"');
}

static void put_log(struct fw_writer *w, const struct fw_ast_log *log)
{
	if (log->has_text)
		put_word(w, &log->text, print_plain);
	if (log->has_rate) {
		put(w, NO_SPAN, "rate");
		put_rate(w, &log->rate);
	}
}

static void put_connections(struct fw_writer *w, const struct fw_ast_clause *clause)
{
	begin(w, NO_SPAN);
	fw_buf_printf(w->out, "%u", clause->connections.count);
	if (clause->connections.per_source)
		put(w, NO_SPAN, "per source");
}

static void put_operand_clause(struct fw_writer *w, const struct fw_ast_clause *clause)
{
	bool addresses = clause->kind == FW_CLAUSE_FROM || clause->kind == FW_CLAUSE_TO;

	put_operands(w, &clause->operands, clause->kind == FW_CLAUSE_SOURCE_PORT ? print_port : addresses ? print_address : print_plain);
}

static void put_clause(struct fw_writer *w, const struct fw_ast_clause *clause)
{
	put_part(w, clause->keyword, fw_clause_name(clause->kind));
	switch (clause->kind) {
	case FW_CLAUSE_FROM:
	case FW_CLAUSE_TO:
	case FW_CLAUSE_ON:
	case FW_CLAUSE_LEAVING:
	case FW_CLAUSE_SOURCE_PORT:
		put_operand_clause(w, clause);
		break;
	case FW_CLAUSE_OVER:
		put(w, NO_SPAN, clause->over == 4 ? "ipv4" : "ipv6");
		break;
	case FW_CLAUSE_AS:
		put(w, NO_SPAN, clause->owner.kind == FW_OWNER_USER ? "user" : "group");
		put_list(w, &clause->owner.names, print_plain);
		break;
	case FW_CLAUSE_RATE:
		put_rate(w, &clause->rate);
		break;
	case FW_CLAUSE_CONNECTIONS:
		put_connections(w, clause);
		break;
	case FW_CLAUSE_DURING:
		put_during(w, &clause->during);
		break;
	case FW_CLAUSE_UNTIL:
		put_until(w, &clause->until);
		break;
	case FW_CLAUSE_LOG:
		put_log(w, &clause->log);
		break;
	case FW_CLAUSE_LABEL:
		put_word(w, &clause->label, print_plain);
		break;
	}
}

static void sort_clauses(clause_table table, const struct fw_ast_clauses *clauses)
{
	for (size_t i = 0; i < clauses->len; i++) {
		if (!table[clauses->items[i].kind])
			table[clauses->items[i].kind] = &clauses->items[i];
	}
}

static void put_clauses(struct fw_writer *w, clause_table table)
{
	for (size_t i = 0; i < FW_CLAUSE_KINDS; i++) {
		if (table[i])
			put_clause(w, table[i]);
	}
}

/* Statements */

static void put_rule(struct fw_writer *w, const struct fw_stmt *stmt, const char *direction, clause_table clauses)
{
	const struct fw_ast_rule *rule = &stmt->rule;

	if (stmt->kind == FW_STMT_EXPECT)
		put(w, NO_SPAN, "expect");
	put(w, rule->verdict_span, fw_verdict_name(rule->verdict));
	if (direction)
		put(w, rule->direction_span, direction);
	if (rule->any)
		put(w, NO_SPAN, "any");
	put_list(w, &rule->what, print_port);
	put_clauses(w, clauses);
}

static void put_default(struct fw_writer *w, const struct fw_stmt *stmt)
{
	put(w, NO_SPAN, "default");
	put(w, NO_SPAN, fw_direction_name(stmt->def.direction));
	put(w, NO_SPAN, fw_verdict_name(stmt->def.verdict));
	if (stmt->def.has_log) {
		put(w, NO_SPAN, "log");
		put_log(w, &stmt->def.log);
	}
}

static void put_block(struct fw_writer *w, const struct fw_stmt *stmt)
{
	put(w, NO_SPAN, "block");
	put_operands(w, &stmt->block.addresses, print_address);
	if (stmt->block.log)
		put(w, NO_SPAN, "log");
}

static void put_scope(struct fw_writer *w, const struct fw_stmt *stmt)
{
	clause_table table = { 0 };

	if (stmt->scope.has_direction)
		put(w, stmt->scope.direction_span, fw_direction_name(stmt->scope.direction));
	sort_clauses(table, &stmt->scope.clauses);
	put_clauses(w, table);
	put(w, NO_SPAN, "{");
}

static void put_option(struct fw_writer *w, const struct fw_stmt *stmt)
{
	put(w, NO_SPAN, "option");
	put_word(w, &stmt->option.name, print_folded);
	for (size_t i = 0; i < stmt->option.value_count; i++)
		put_word(w, &stmt->option.values[i], print_folded);
}

static void put_name(struct fw_writer *w, const char *keyword, const struct fw_ast_word *name, word_printer *print)
{
	put(w, NO_SPAN, keyword);
	put_word(w, name, print);
	go_on(w, " =");
}

static void put_service(struct fw_writer *w, const struct fw_stmt *stmt)
{
	put_name(w, "service", &stmt->service.name, print_folded);
	put_list(w, &stmt->service.items, print_port);
	if (stmt->service.helper.text.len) {
		put_part(w, NO_SPAN, "helper");
		put_word(w, &stmt->service.helper, print_plain);
	}
	if (stmt->service.exposed)
		put_part(w, NO_SPAN, "exposed");
	if (stmt->service.description.text.len) {
		put_part(w, stmt->service.description.span, "");
		print_plain(w->out, &stmt->service.description);
	}
}

/* The largest unit that leaves no rest. */
static void put_duration(struct fw_writer *w, uint32_t seconds)
{
	static const struct {
		uint32_t seconds;
		char letter;
	} units[] = { { 604800, 'w' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (seconds % units[i].seconds)
		i++;
	begin(w, NO_SPAN);
	fw_buf_printf(w->out, "%u%c", seconds / units[i].seconds, units[i].letter);
}

static void put_dynamic(struct fw_writer *w, const struct fw_ast_group *group)
{
	put(w, NO_SPAN, "dynamic");
	if (group->timeout_s) {
		put(w, NO_SPAN, "timeout");
		put_duration(w, group->timeout_s);
	}
	if (group->size) {
		begin(w, NO_SPAN);
		fw_buf_printf(w->out, "size %u", group->size);
	}
}

static void put_group(struct fw_writer *w, const struct fw_ast_group *group)
{
	put_name(w, "group", &group->name, print_plain);
	switch (group->kind) {
	case FW_GROUP_LIST:
		put_operands(w, &group->addresses, print_address);
		break;
	case FW_GROUP_FILE:
		put(w, NO_SPAN, "file");
		put_word(w, &group->file, print_plain);
		break;
	case FW_GROUP_DYNAMIC:
		put_dynamic(w, group);
		break;
	}
}

void fw_write_stmt(struct fw_writer *w, const struct fw_stmt *stmt)
{
	clause_table table = { 0 };

	switch (stmt->kind) {
	case FW_STMT_DEFAULT:
		put_default(w, stmt);
		break;
	case FW_STMT_RULE:
	case FW_STMT_EXPECT:
		sort_clauses(table, &stmt->rule.clauses);
		put_rule(w, stmt, stmt->rule.has_direction ? fw_direction_name(stmt->rule.direction) : NULL, table);
		break;
	case FW_STMT_BLOCK:
		put_block(w, stmt);
		break;
	case FW_STMT_SCOPE:
		put_scope(w, stmt);
		break;
	case FW_STMT_INCLUDE:
		put(w, NO_SPAN, "include");
		put_word(w, &stmt->include, print_plain);
		break;
	case FW_STMT_OPTION:
		put_option(w, stmt);
		break;
	case FW_STMT_SERVICE:
		put_service(w, stmt);
		break;
	case FW_STMT_GROUP:
		put_group(w, &stmt->group);
		break;
	case FW_STMT_ZONE:
		put_name(w, "zone", &stmt->zone.name, print_plain);
		put_operands(w, &stmt->zone.interfaces, print_plain);
		break;
	case FW_STMT_ERROR:
		break;
	}
}

void fw_write_folded(struct fw_writer *w, const struct fw_stmt *stmt, enum fw_direction direction,
		     const struct fw_ast_clauses *const *extra, size_t extra_count)
{
	clause_table table = { 0 };

	if (stmt->kind != FW_STMT_RULE && stmt->kind != FW_STMT_EXPECT) {
		fw_write_stmt(w, stmt);
		return;
	}
	for (size_t i = 0; i < extra_count; i++)
		sort_clauses(table, extra[i]);
	sort_clauses(table, &stmt->rule.clauses);
	put_rule(w, stmt, direction == FW_IN ? NULL : fw_direction_name(direction), table);
}

void fw_format_rule(struct fw_buf *out, const struct fw_stmt *stmt, enum fw_direction direction,
		    const struct fw_ast_clauses *const *extra, size_t extra_count)
{
	struct fw_writer writer = { .out = out };

	fw_write_folded(&writer, stmt, direction, extra, extra_count);
}
