/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/options.c - `option NAME VALUE`. Each may be said once; they hold for the whole policy, wherever they stand. */
#include <errno.h>

#include "policy/resolve.h"

#define LOG_GROUP 86u
#define LOG_RATE 10u

enum option_name { OPTION_BUILTIN, OPTION_LOG_GROUP, OPTION_LOG_RATE, OPTION_LOG_DEFAULT };
#define OPTIONS 4

static const struct {
	struct fw_str name;
	size_t values;
	const char *usage;
} options[OPTIONS] = {
	[OPTION_BUILTIN] = { { "builtin", 7 }, 2, "option builtin NAME off" },
	[OPTION_LOG_GROUP] = { { "log-group", 9 }, 1, "option log-group N" },
	[OPTION_LOG_RATE] = { { "log-rate", 8 }, 1, "option log-rate N/UNIT" },
	[OPTION_LOG_DEFAULT] = { { "log-default", 11 }, 1, "option log-default off" },
};

/* Where each was said first, for the error about a second. */
struct said {
	struct fw_span option[OPTIONS], builtin[FW_BUILTINS];
};

static bool find_option(struct resolver *r, const struct fw_ast_word *word, enum option_name *ret_option)
{
	struct fw_diag *diag;
	struct fw_misspell near;

	fw_misspell_init(&near, word->text);
	for (size_t i = 0; i < OPTIONS; i++) {
		if (fw_str_equal_fold(options[i].name, word->text)) {
			*ret_option = (enum option_name)i;
			return true;
		}
		fw_misspell_offer(&near, options[i].name);
	}
	diag = fw_diag_error(r->diags, word->span, "unknown-option", "unknown option '%.*s'", SHOW(word->text));
	if (!fw_resolver_suggest(r, diag, &near))
		fw_diag_help(r->diags, diag, "options are builtin, log-group, log-rate and log-default");
	return false;
}

static bool find_builtin(struct resolver *r, const struct fw_ast_word *word, enum fw_builtin *ret_builtin)
{
	struct fw_diag *diag;
	struct fw_misspell near;

	fw_misspell_init(&near, word->text);
	for (size_t i = 0; i < FW_BUILTINS; i++) {
		struct fw_str name = fw_str_from(fw_builtin_name((enum fw_builtin)i));

		if (fw_str_equal_fold(name, word->text)) {
			*ret_builtin = (enum fw_builtin)i;
			return true;
		}
		fw_misspell_offer(&near, name);
	}
	diag = fw_diag_error(r->diags, word->span, "unknown-builtin", "unknown built-in '%.*s'", SHOW(word->text));
	if (!fw_resolver_suggest(r, diag, &near))
		fw_diag_help(r->diags, diag, "fwctl-policy(5) lists the built-in rules");
	return false;
}

/* True where this was not said before. */
static bool once(struct resolver *r, struct fw_span *first, struct fw_span here)
{
	struct fw_diag *diag;

	if (!first->source) {
		*first = here;
		return true;
	}
	diag = fw_diag_error(r->diags, here, "duplicate", "this option stands here for the second time");
	fw_diag_note(r->diags, diag, *first, "first said here");
	return false;
}

static void require_off(struct resolver *r, const struct fw_ast_word *word, const char *usage)
{
	struct fw_diag *diag;

	if (fw_str_equal_fold(word->text, FW_STR("off")))
		return;
	diag = fw_diag_error(r->diags, word->span, "option", "expected 'off' instead of '%.*s'", SHOW(word->text));
	fw_diag_help(r->diags, diag, "it is on where nothing is said; write %s", usage);
}

static void read_builtin(struct resolver *r, const struct fw_stmt *stmt, struct said *said)
{
	enum fw_builtin builtin;

	if (!find_builtin(r, &stmt->option.values[0], &builtin) ||
	    !once(r, &said->builtin[builtin], stmt->option.values[0].span))
		return;
	require_off(r, &stmt->option.values[1], options[OPTION_BUILTIN].usage);
	r->policy->options.builtin_off[builtin] = true;
}

static void read_log_group(struct resolver *r, const struct fw_ast_word *word)
{
	uint64_t group;

	if (fw_str_parse_u64(word->text, UINT16_MAX, &group) == 0)
		r->policy->options.log_group = (uint16_t)group;
	else
		fw_diag_error(r->diags, word->span, "option", "'%.*s' is no log group: 0-65535", SHOW(word->text));
}

static void read_log_rate(struct resolver *r, const struct fw_ast_word *word)
{
	struct fw_ast_rate rate;

	if (fw_parse_rate(r->diags, word, &rate))
		return;
	r->policy->options.log_rate =
		(struct fw_rate){ .count = rate.count, .unit = rate.unit, .burst = rate.burst ? rate.burst : rate.count };
}

static void read_option(struct resolver *r, const struct fw_stmt *stmt, struct said *said)
{
	enum option_name option;
	struct fw_diag *diag;

	if (!find_option(r, &stmt->option.name, &option))
		return;
	if (stmt->option.value_count != options[option].values) {
		diag = fw_diag_error(r->diags, stmt->span, "option", "option %s takes %s", options[option].name.data,
				     options[option].values == 1 ? "one value" : "a name and 'off'");
		fw_diag_help(r->diags, diag, "write %s", options[option].usage);
		return;
	}
	if (option == OPTION_BUILTIN) {
		read_builtin(r, stmt, said);
		return;
	}
	if (!once(r, &said->option[option], stmt->span))
		return;
	if (option == OPTION_LOG_GROUP) {
		read_log_group(r, &stmt->option.values[0]);
	} else if (option == OPTION_LOG_RATE) {
		read_log_rate(r, &stmt->option.values[0]);
	} else {
		require_off(r, &stmt->option.values[0], options[option].usage);
		r->policy->options.log_default = false;
	}
}

int fw_options_resolve(struct resolver *r)
{
	struct said said = { 0 };

	r->policy->options = (struct fw_options){
		.log_group = LOG_GROUP,
		.log_rate = { .count = LOG_RATE, .unit = FW_SECOND, .burst = LOG_RATE },
		.log_default = true,
	};
	for (size_t i = 0; i < r->options.len; i++)
		read_option(r, *(const struct fw_stmt **)fw_vec_at(&r->options, i), &said);
	return 0;
}
