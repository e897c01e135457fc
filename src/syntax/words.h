/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/words.h - inside of src/syntax: the words of the language, and what people write instead of them. */
#ifndef FW_SYNTAX_WORDS_H
#define FW_SYNTAX_WORDS_H

#include "syntax/ast.h"

enum fw_keyword {
	FW_KEYWORD_NONE,
	FW_KEYWORD_ALLOW, /* verdicts, in the order of enum fw_verdict */
	FW_KEYWORD_DENY,
	FW_KEYWORD_REJECT,
	FW_KEYWORD_IN, /* directions, in the order of enum fw_direction */
	FW_KEYWORD_OUT,
	FW_KEYWORD_FORWARD,
	FW_KEYWORD_FROM, /* clauses, in the order of enum fw_clause_kind */
	FW_KEYWORD_TO,
	FW_KEYWORD_ON,
	FW_KEYWORD_LEAVING,
	FW_KEYWORD_SOURCE_PORT,
	FW_KEYWORD_OVER,
	FW_KEYWORD_AS,
	FW_KEYWORD_RATE,
	FW_KEYWORD_CONNECTIONS,
	FW_KEYWORD_DURING,
	FW_KEYWORD_UNTIL,
	FW_KEYWORD_LOG,
	FW_KEYWORD_LABEL,
	FW_KEYWORD_BLOCK, /* the other statements */
	FW_KEYWORD_DEFAULT,
	FW_KEYWORD_EXPECT,
	FW_KEYWORD_GROUP,
	FW_KEYWORD_INCLUDE,
	FW_KEYWORD_OPTION,
	FW_KEYWORD_SERVICE,
	FW_KEYWORD_ZONE,
	FW_KEYWORD_ANY,
	FW_KEYWORD_BURST,
	FW_KEYWORD_DYNAMIC,
	FW_KEYWORD_EXCEPT,
	FW_KEYWORD_EXPOSED,
	FW_KEYWORD_FILE,
	FW_KEYWORD_HELPER,
	FW_KEYWORD_PER,
	FW_KEYWORD_SIZE,
	FW_KEYWORD_SOURCE,
	FW_KEYWORD_TIMEOUT,
	FW_KEYWORD_USER,
};

/* What a word can be; a set of these is asked for. */
#define FW_WORD_VERDICT 1u
#define FW_WORD_DIRECTION 2u
#define FW_WORD_CLAUSE 4u
#define FW_WORD_STATEMENT 8u /* what a line can start with, verdicts among them */
#define FW_WORD_VALUE 16u    /* any, file, dynamic, except: reserved like all those above */
#define FW_WORD_DETAIL 32u   /* words inside clauses and definitions: a name may be like them */

/* Case folded; FW_KEYWORD_NONE for all that is no word of the language. */
enum fw_keyword fw_words_find(struct fw_str word);
unsigned int fw_words_roles(enum fw_keyword keyword);
/* The word of one of the `roles` that was likely meant, by spelling or because other firewalls call it so; NULL: none. */
const char *fw_words_nearest(struct fw_str word, unsigned int roles);

#endif
