/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/ast.h - what was written: statements of the policy language (fwctl-policy(5)), every node with its span.
 * Lives in the arena of the parse; never changed afterwards. Names are not resolved here. */
#ifndef FW_SYNTAX_AST_H
#define FW_SYNTAX_AST_H

#include "diag/diag.h"

enum fw_verdict { FW_ALLOW, FW_DENY, FW_REJECT };
enum fw_direction { FW_IN, FW_OUT, FW_FORWARD };
#define FW_DIRECTIONS 3

enum fw_unit { FW_SECOND, FW_MINUTE, FW_HOUR, FW_DAY };

struct fw_ast_word { /* a word as written, or a string with its escapes taken out */
	struct fw_str text;
	struct fw_span span;
	bool quoted;
};

struct fw_ast_list { /* comma-separated */
	const struct fw_ast_word *words;
	size_t len;
	struct fw_span span;
};

struct fw_ast_operands { /* ADDRS, IFACES, PORTS, NAMES: LIST [except LIST], or `any` (list empty) */
	bool any;
	struct fw_ast_list list;
	struct fw_ast_list except; /* len 0: none */
	struct fw_span span;
};

struct fw_ast_rate { /* N/UNIT [burst N] [per source] */
	uint32_t count;
	enum fw_unit unit;
	uint32_t burst; /* 0: left out */
	bool per_source;
	struct fw_span span;
};

enum fw_clause_kind {
	FW_CLAUSE_FROM,
	FW_CLAUSE_TO,
	FW_CLAUSE_ON,
	FW_CLAUSE_LEAVING,
	FW_CLAUSE_SOURCE_PORT,
	FW_CLAUSE_OVER,
	FW_CLAUSE_AS,
	FW_CLAUSE_RATE,
	FW_CLAUSE_CONNECTIONS,
	FW_CLAUSE_DURING,
	FW_CLAUSE_UNTIL,
	FW_CLAUSE_LOG,
	FW_CLAUSE_LABEL,
};
#define FW_CLAUSE_KINDS 13 /* canonical order of the clauses is the order of this enum */

enum fw_owner { FW_OWNER_USER, FW_OWNER_GROUP };

struct fw_ast_during { /* minutes of the local day, 0-1439, end up to 1440; end <= start passes midnight */
	uint16_t start_minute, end_minute;
	uint8_t days; /* bit 0 Monday .. bit 6 Sunday; 127: all */
	bool has_days;
};

struct fw_ast_until { /* local time */
	int16_t year;
	uint8_t month, day, hour, minute;
	bool has_time;
};

struct fw_ast_log {
	bool has_text, has_rate;
	struct fw_ast_word text;
	struct fw_ast_rate rate;
};

struct fw_ast_clause {
	enum fw_clause_kind kind;
	struct fw_span span, keyword;
	union {
		struct fw_ast_operands operands; /* from, to, on, leaving, source-port */
		struct {
			enum fw_owner kind;
			struct fw_ast_list names;
		} owner; /* as */
		int over; /* 4 or 6 */
		struct fw_ast_rate rate;
		struct {
			uint32_t count;
			bool per_source;
		} connections;
		struct fw_ast_during during;
		struct fw_ast_until until;
		struct fw_ast_log log;
		struct fw_ast_word label;
	};
};

struct fw_ast_clauses {
	const struct fw_ast_clause *items; /* in the order written, each kind at most once */
	size_t len;
};

enum fw_stmt_kind {
	FW_STMT_DEFAULT,
	FW_STMT_RULE,
	FW_STMT_EXPECT,
	FW_STMT_BLOCK,
	FW_STMT_SCOPE,
	FW_STMT_INCLUDE,
	FW_STMT_OPTION,
	FW_STMT_SERVICE,
	FW_STMT_GROUP,
	FW_STMT_ZONE,
	FW_STMT_ERROR, /* could not be parsed; was reported; kept so that followers stay quiet */
};

struct fw_ast_rule { /* rules and expects */
	enum fw_verdict verdict;
	struct fw_span verdict_span;
	bool has_direction;
	enum fw_direction direction;
	struct fw_span direction_span;
	bool any; /* WHAT is `any` */
	struct fw_ast_list what;
	struct fw_ast_clauses clauses;
};

enum fw_group_kind { FW_GROUP_LIST, FW_GROUP_FILE, FW_GROUP_DYNAMIC };

struct fw_ast_group {
	struct fw_ast_word name;
	enum fw_group_kind kind;
	struct fw_ast_operands addresses; /* LIST */
	struct fw_ast_word file;          /* FILE */
	uint32_t timeout_s;               /* DYNAMIC; 0: none */
	uint32_t size;                    /* DYNAMIC; 0: left out */
};

struct fw_stmt;

struct fw_ast_block_body {
	const struct fw_stmt *const *items;
	size_t len;
};

struct fw_stmt {
	enum fw_stmt_kind kind;
	struct fw_span span; /* without the line's comment; a scope: its head up to `{` */
	union {
		struct {
			bool has_direction;
			enum fw_direction direction;
			enum fw_verdict verdict;
			bool has_log;
			struct fw_ast_log log;
		} def;
		struct fw_ast_rule rule; /* RULE, EXPECT */
		struct {
			struct fw_ast_operands addresses;
			bool log;
		} block;
		struct {
			bool has_direction;
			enum fw_direction direction;
			struct fw_span direction_span;
			struct fw_ast_clauses clauses;
			struct fw_ast_block_body body;
			struct fw_span close; /* the `}` */
		} scope;
		struct fw_ast_word include; /* path or pattern */
		struct {
			struct fw_ast_word name;
			struct fw_ast_word values[2]; /* `builtin NAME off`, `log-rate N/UNIT`: words as written */
			size_t value_count;
		} option;
		struct {
			struct fw_ast_word name;
			struct fw_ast_list items;
			struct fw_ast_word helper;      /* len 0: none */
			struct fw_ast_word description; /* len 0: none */
			bool exposed;
		} service;
		struct fw_ast_group group;
		struct {
			struct fw_ast_word name;
			struct fw_ast_operands interfaces;
		} zone;
	};
};

struct fw_ast_comment { /* from its `#` to the last byte that is no blank */
	struct fw_span span;
	bool own_line; /* nothing that counts stands before it on its line */
};

struct fw_ast_file {
	uint32_t source;
	struct fw_ast_block_body body;
	const struct fw_ast_comment *comments; /* all of them, in the order of the text: for the formatter */
	size_t comment_count;
	bool has_errors; /* something was reported while this file was parsed */
};

/* Words that mean something to the language, for checks of names, "did you mean", completion and the manual. */
const char *fw_verdict_name(enum fw_verdict verdict);
const char *fw_direction_name(enum fw_direction direction);
const char *fw_unit_name(enum fw_unit unit);
uint32_t fw_unit_seconds(enum fw_unit unit);
const char *fw_clause_name(enum fw_clause_kind kind);
/* True for statement and clause words, `any`, `file`, `dynamic`, `except`, ... (case folded): no group or zone may be named so. */
bool fw_is_reserved_word(struct fw_str word);

#endif
