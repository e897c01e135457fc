/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/addresses.c - ADDRS: words to address sets and groups. A word that starts with a digit or holds ':' is an address, any other a
 * group; groups are kept as references, so that a big one stands once however many rules name it. */
#include <errno.h>
#include <string.h>

#include "policy/resolve.h"

static void help_corrected(struct fw_diags *diags, struct fw_diag *diag, enum fw_family family, struct fw_range range)
{
	FW_CLEANUP(fw_buf_done) struct fw_buf text;

	fw_buf_init(&text, 256);
	fw_addr_print(&text, family, range);
	if (!text.error)
		fw_diag_help(diags, diag, "write %s", text.data);
}

static void help_swapped(struct fw_diags *diags, struct fw_diag *diag, struct fw_str text)
{
	const char *dash = memchr(text.data, '-', text.len);
	size_t before = dash ? (size_t)(dash - text.data) : 0;

	if (dash)
		fw_diag_help(diags, diag, "write %.*s-%.*s", (int)(text.len - before - 1), dash + 1, (int)before, text.data);
}

struct address fw_addresses_parse(struct fw_str text)
{
	struct address address = { 0 };

	address.error = fw_addr_parse(text, &address.family, &address.range);
	return address;
}

void fw_addresses_report(struct fw_diags *diags, struct fw_span span, struct fw_str text, struct address address)
{
	struct fw_diag *diag;

	switch (address.error) {
	case FW_ADDR_OK:
		break;
	case FW_ADDR_BAD:
		diag = fw_diag_error(diags, span, "address", "'%.*s' is no address, prefix or range", SHOW(text));
		break;
	case FW_ADDR_LENGTH:
		diag = fw_diag_error(diags, span, "address", "'%.*s' has no valid prefix length", SHOW(text));
		fw_diag_help(diags, diag, "a prefix length is 0-32 for IPv4 and 0-128 for IPv6");
		break;
	case FW_ADDR_HOST_BITS:
		diag = fw_diag_error(diags, span, "host-bits", "'%.*s' has bits set beyond its prefix length", SHOW(text));
		help_corrected(diags, diag, address.family, address.range);
		break;
	case FW_ADDR_ORDER:
		diag = fw_diag_error(diags, span, "address", "the range '%.*s' ends before it starts", SHOW(text));
		help_swapped(diags, diag, text);
		break;
	case FW_ADDR_MIXED:
		fw_diag_error(diags, span, "address", "the range '%.*s' mixes IPv4 and IPv6", SHOW(text));
		break;
	}
}

bool fw_addresses_is_literal(const struct fw_ast_word *word)
{
	struct fw_str text = word->text;

	return text.len > 0 && ((text.data[0] >= '0' && text.data[0] <= '9') || memchr(text.data, ':', text.len));
}

int fw_addresses_add_literal(struct resolver *r, const struct fw_ast_word *word)
{
	struct address address = fw_addresses_parse(word->text);
	struct fw_range *added;

	if (address.error != FW_ADDR_OK) {
		fw_addresses_report(r->diags, word->span, word->text, address);
		return FW_REPORTED;
	}
	added = fw_vec_push(&r->ranges[address.family]);
	if (!added)
		return -ENOMEM;
	*added = address.range;
	return 0;
}

int fw_addresses_take(struct resolver *r, struct fw_iset ret_sets[FW_FAMILIES])
{
	for (size_t family = 0; family < FW_FAMILIES; family++) {
		size_t len = r->ranges[family].len;
		struct fw_range *copy;

		ret_sets[family] = (struct fw_iset){ 0 };
		if (len == 0)
			continue;
		copy = fw_arena_alloc(r->arena, len, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, r->ranges[family].items, len * sizeof(*copy));
		ret_sets[family] = fw_iset_normalise(copy, len);
		r->ranges[family].len = 0;
	}
	return 0;
}

int fw_addresses_all(struct resolver *r, struct fw_iset ret_sets[FW_FAMILIES])
{
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		struct fw_range *all = fw_arena_alloc(r->arena, 1, sizeof(*all));

		if (!all)
			return -ENOMEM;
		all->high = fw_family_max((enum fw_family)i);
		ret_sets[i] = (struct fw_iset){ all, 1 };
	}
	return 0;
}

static int add_group(struct resolver *r, const struct fw_ast_word *word)
{
	struct group_def *group = fw_symbols_group(r, word);
	const struct fw_group **added;

	if (!group)
		return FW_REPORTED;
	if (group->taken_by == r->list_number)
		return 0;
	group->taken_by = r->list_number;
	added = fw_vec_push(&r->found);
	if (!added)
		return -ENOMEM;
	*added = &group->out;
	return 0;
}

static int take_groups(struct resolver *r, const struct fw_group *const **ret_groups, size_t *ret_count)
{
	size_t len = r->found.len;
	const struct fw_group **copy;

	*ret_count = len;
	if (len == 0)
		return 0;
	copy = fw_arena_alloc(r->arena, len, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, r->found.items, len * sizeof(const struct fw_group *));
	*ret_groups = copy;
	r->found.len = 0;
	return 0;
}

/* Every word, so that all of a list's errors are told; FW_REPORTED where one had any. */
static int read_list(struct resolver *r, const struct fw_ast_list *list)
{
	int result = 0;

	r->ranges[FW_IPV4].len = r->ranges[FW_IPV6].len = r->found.len = 0;
	r->list_number++;
	for (size_t i = 0; i < list->len; i++) {
		const struct fw_ast_word *word = &list->words[i];
		int one = fw_addresses_is_literal(word) ? fw_addresses_add_literal(r, word) : add_group(r, word);

		if (one < 0)
			return one;
		if (one)
			result = one;
	}
	return result;
}

unsigned int fw_addresses_families(const struct fw_addrs *addrs)
{
	unsigned int families = 0;

	if (addrs->any)
		return FW_FAMILY_BOTH;
	for (unsigned int family = 0; family < FW_FAMILIES; family++) {
		bool has = addrs->literals[family].len > 0;

		for (size_t i = 0; i < addrs->group_count && !has; i++)
			has = addrs->groups[i]->kind == FW_GROUP_DYNAMIC || addrs->groups[i]->addresses[family].len > 0;
		if (has)
			families |= 1u << family;
	}
	/* Nothing but empty groups: matches nothing, of either family. */
	return families ? families : FW_FAMILY_BOTH;
}

int fw_addresses_resolve(struct resolver *r, const struct fw_ast_operands *operands, struct fw_addrs *ret_addrs)
{
	struct fw_addrs addrs = { .any = operands->any };
	int result = read_list(r, &operands->list), other;

	if (!result)
		result = fw_addresses_take(r, addrs.literals);
	if (!result)
		result = take_groups(r, &addrs.groups, &addrs.group_count);
	if (result < 0)
		return result;
	other = read_list(r, &operands->except);
	if (!other)
		other = fw_addresses_take(r, addrs.except_literals);
	if (!other)
		other = take_groups(r, &addrs.except_groups, &addrs.except_group_count);
	if (result || other)
		return other < 0 ? other : FW_REPORTED;
	addrs.families = fw_addresses_families(&addrs);
	*ret_addrs = addrs;
	return 0;
}
