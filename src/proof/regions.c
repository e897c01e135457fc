/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof/regions.c - boxes of a leaf as words, and the words of limits. */
#include "proof/regions.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "proof/words.h"

#define TEXT_MAX 4096

struct collecting {
	struct fw_space *space;
	const struct fw_policy *policy;
	struct fw_vec *words;
};

static int add_region(void *context, const struct fw_iset *sets, uint32_t value)
{
	struct collecting *c = context;
	struct fw_buf text FW_CLEANUP(fw_buf_done);
	const char **slot;

	(void)value;
	fw_buf_init(&text, TEXT_MAX);
	fw_words_region(c->space, c->policy, sets, &text);
	slot = text.error == -ENOMEM ? NULL : fw_vec_push(c->words);
	if (!slot)
		return -ENOMEM;
	*slot = fw_arena_copy(c->space->arena, fw_buf_str(&text));
	return *slot ? 0 : -ENOMEM;
}

int fw_regions_collect(struct fw_space *space, const struct fw_policy *policy, uint32_t ref, uint32_t value, struct fw_regions *ret_regions)
{
	struct collecting c = { space, policy, &ret_regions->words };
	const struct fw_diagram_walker walker = { add_region, &c };
	const struct fw_diagram_want want = fw_diagram_want_value(&value);

	fw_vec_init(&ret_regions->words, space->arena, sizeof(const char *));
	int r = fw_diagram_regions(space->diagram, ref, &want, FW_EXPLAIN_REGIONS, &walker);
	ret_regions->more = r == -E2BIG;
	return r == -E2BIG ? 0 : r;
}

static bool same_rate(const struct fw_rate *a, const struct fw_rate *b)
{
	return a->count == b->count && (a->count == 0 || (a->unit == b->unit && a->burst == b->burst && a->per_source == b->per_source));
}

static bool same_helpers(const struct fw_what *a, const struct fw_what *b)
{
	if (a->helper_count != b->helper_count)
		return false;
	for (size_t i = 0; i < a->helper_count; i++)
		if (strcmp(a->helpers[i].helper, b->helpers[i].helper) != 0 || a->helpers[i].proto != b->helpers[i].proto ||
		    !fw_iset_equal(a->helpers[i].ports, b->helpers[i].ports))
			return false;
	return true;
}

bool fw_decides_same(const struct fw_decider *a, const struct fw_decider *b)
{
	static const struct fw_rule plain;
	const struct fw_rule *x = a->rule ? a->rule : &plain, *y = b->rule ? b->rule : &plain;

	return a->verdict == b->verdict && same_rate(&x->rate, &y->rate) && x->connections == y->connections &&
	       x->connections_per_source == y->connections_per_source && (a->verdict != FW_ALLOW || same_helpers(&x->match.what, &y->match.what));
}

void fw_words_limits(const struct fw_decider *decider, struct fw_buf *out)
{
	const struct fw_rule *rule = decider->rule;

	if (rule && rule->rate.count)
		fw_buf_printf(out, "%" PRIu32 "/%s%s, burst %" PRIu32, rule->rate.count, fw_unit_name(rule->rate.unit),
			      rule->rate.per_source ? " per source" : "", rule->rate.burst);
	if (rule && rule->connections)
		fw_buf_printf(out, "%sat most %" PRIu32 " open at once%s", rule->rate.count ? "; " : "", rule->connections,
			      rule->connections_per_source ? " per source" : "");
}
