/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax/words.c - owns the words of the language, each once, in a table sorted by name; everything that asks whether a word is one, or
 * which was meant, asks here. Knows nothing of where a word may stand. */
#include "base/misspell.h"
#include "syntax/words.h"

struct word {
	struct fw_str name;
	enum fw_keyword keyword;
	unsigned int roles;
};

#define WORD(name, keyword, roles) { { (name), sizeof(name) - 1 }, FW_KEYWORD_##keyword, (roles) }

static const struct word words[] = {
	WORD("allow", ALLOW, FW_WORD_VERDICT | FW_WORD_STATEMENT),
	WORD("any", ANY, FW_WORD_VALUE),
	WORD("as", AS, FW_WORD_CLAUSE),
	WORD("block", BLOCK, FW_WORD_STATEMENT),
	WORD("burst", BURST, FW_WORD_DETAIL),
	WORD("connections", CONNECTIONS, FW_WORD_CLAUSE),
	WORD("default", DEFAULT, FW_WORD_STATEMENT),
	WORD("deny", DENY, FW_WORD_VERDICT | FW_WORD_STATEMENT),
	WORD("during", DURING, FW_WORD_CLAUSE),
	WORD("dynamic", DYNAMIC, FW_WORD_VALUE),
	WORD("except", EXCEPT, FW_WORD_VALUE),
	WORD("expect", EXPECT, FW_WORD_STATEMENT),
	WORD("exposed", EXPOSED, FW_WORD_DETAIL),
	WORD("file", FILE, FW_WORD_VALUE),
	WORD("forward", FORWARD, FW_WORD_DIRECTION),
	WORD("from", FROM, FW_WORD_CLAUSE),
	WORD("group", GROUP, FW_WORD_STATEMENT),
	WORD("helper", HELPER, FW_WORD_DETAIL),
	WORD("in", IN, FW_WORD_DIRECTION),
	WORD("include", INCLUDE, FW_WORD_STATEMENT),
	WORD("label", LABEL, FW_WORD_CLAUSE),
	WORD("leaving", LEAVING, FW_WORD_CLAUSE),
	WORD("log", LOG, FW_WORD_CLAUSE),
	WORD("on", ON, FW_WORD_CLAUSE),
	WORD("option", OPTION, FW_WORD_STATEMENT),
	WORD("out", OUT, FW_WORD_DIRECTION),
	WORD("over", OVER, FW_WORD_CLAUSE),
	WORD("per", PER, FW_WORD_DETAIL),
	WORD("rate", RATE, FW_WORD_CLAUSE),
	WORD("reject", REJECT, FW_WORD_VERDICT | FW_WORD_STATEMENT),
	WORD("service", SERVICE, FW_WORD_STATEMENT),
	WORD("size", SIZE, FW_WORD_DETAIL),
	WORD("source", SOURCE, FW_WORD_DETAIL),
	WORD("source-port", SOURCE_PORT, FW_WORD_CLAUSE),
	WORD("timeout", TIMEOUT, FW_WORD_DETAIL),
	WORD("to", TO, FW_WORD_CLAUSE),
	WORD("until", UNTIL, FW_WORD_CLAUSE),
	WORD("user", USER, FW_WORD_DETAIL),
	WORD("zone", ZONE, FW_WORD_STATEMENT),
};

/* What other firewalls and plain habit call our words. */
static const struct word synonyms[] = {
	WORD("accept", ALLOW, 0),	WORD("permit", ALLOW, 0),	   WORD("pass", ALLOW, 0),
	WORD("open", ALLOW, 0),		WORD("drop", DENY, 0),		   WORD("discard", DENY, 0),
	WORD("refuse", REJECT, 0),	WORD("input", IN, 0),		   WORD("incoming", IN, 0),
	WORD("inbound", IN, 0),		WORD("ingress", IN, 0),		   WORD("output", OUT, 0),
	WORD("outgoing", OUT, 0),	WORD("outbound", OUT, 0),	   WORD("egress", OUT, 0),
	WORD("route", FORWARD, 0),	WORD("routed", FORWARD, 0),	   WORD("src", FROM, 0),
	WORD("source", FROM, 0),	WORD("saddr", FROM, 0),		   WORD("dst", TO, 0),
	WORD("destination", TO, 0),	WORD("daddr", TO, 0),		   WORD("iif", ON, 0),
	WORD("iifname", ON, 0),		WORD("interface", ON, 0),	   WORD("dev", ON, 0),
	WORD("oif", LEAVING, 0),	WORD("oifname", LEAVING, 0),	   WORD("via", LEAVING, 0),
	WORD("sport", SOURCE_PORT, 0),	WORD("family", OVER, 0),	   WORD("user", AS, 0),
	WORD("limit", RATE, 0),		WORD("connlimit", CONNECTIONS, 0), WORD("time", DURING, 0),
	WORD("expires", UNTIL, 0),	WORD("comment", LABEL, 0),	   WORD("name", LABEL, 0),
	WORD("policy", DEFAULT, 0),	WORD("alias", GROUP, 0),	   WORD("set", OPTION, 0),
	WORD("test", EXPECT, 0),	WORD("assert", EXPECT, 0),	   WORD("not", EXCEPT, 0),
};

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Below 0, 0 or above: where `word` stands to the lower-case `name`. */
static int compare(struct fw_str word, struct fw_str name)
{
	size_t len = word.len < name.len ? word.len : name.len;

	for (size_t i = 0; i < len; i++) {
		int difference = fold(word.data[i]) - name.data[i];

		if (difference)
			return difference;
	}
	return word.len < name.len ? -1 : word.len > name.len;
}

static const struct word *find(struct fw_str word)
{
	size_t low = 0, high = FW_ARRAY_SIZE(words);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(word, words[middle].name);

		if (order == 0)
			return &words[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

enum fw_keyword fw_words_find(struct fw_str word)
{
	const struct word *found = find(word);

	return found ? found->keyword : FW_KEYWORD_NONE;
}

static const struct word *by_keyword(enum fw_keyword keyword)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(words); i++) {
		if (words[i].keyword == keyword)
			return &words[i];
	}
	return NULL;
}

unsigned int fw_words_roles(enum fw_keyword keyword)
{
	const struct word *word = by_keyword(keyword);

	return word ? word->roles : 0;
}

const char *fw_words_nearest(struct fw_str word, unsigned int roles)
{
	struct fw_misspell near;

	for (size_t i = 0; i < FW_ARRAY_SIZE(synonyms); i++) {
		const struct word *ours = by_keyword(synonyms[i].keyword);

		if (ours && (ours->roles & roles) && fw_str_equal_fold(word, synonyms[i].name))
			return ours->name.data;
	}
	fw_misspell_init(&near, word);
	for (size_t i = 0; i < FW_ARRAY_SIZE(words); i++) {
		if (words[i].roles & roles)
			fw_misspell_offer(&near, words[i].name);
	}
	return near.best.len ? near.best.data : NULL;
}

bool fw_is_reserved_word(struct fw_str word)
{
	const struct word *found = find(word);

	return found && !(found->roles & FW_WORD_DETAIL);
}

const char *fw_verdict_name(enum fw_verdict verdict)
{
	static const char *const names[] = { [FW_ALLOW] = "allow", [FW_DENY] = "deny", [FW_REJECT] = "reject" };

	return names[verdict];
}

const char *fw_direction_name(enum fw_direction direction)
{
	static const char *const names[] = { [FW_IN] = "in", [FW_OUT] = "out", [FW_FORWARD] = "forward" };

	return names[direction];
}

const char *fw_unit_name(enum fw_unit unit)
{
	static const char *const names[] = {
		[FW_SECOND] = "second", [FW_MINUTE] = "minute", [FW_HOUR] = "hour", [FW_DAY] = "day",
	};

	return names[unit];
}

uint32_t fw_unit_seconds(enum fw_unit unit)
{
	static const uint32_t seconds[] = { [FW_SECOND] = 1, [FW_MINUTE] = 60, [FW_HOUR] = 3600, [FW_DAY] = 86400 };

	return seconds[unit];
}

const char *fw_clause_name(enum fw_clause_kind kind)
{
	const struct word *word = by_keyword((enum fw_keyword)((int)FW_KEYWORD_FROM + (int)kind));

	return word ? word->name.data : "";
}
