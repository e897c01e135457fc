/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/groups.c - groups: lists, files and dynamic ones, flattened to address sets. Groups that hold nothing are warned of here, where
 * they are defined. */
#include <errno.h>

#include "policy/resolve.h"

/* The groups that a list names, for the order in which to resolve. Unknown ones are reported here, once. */
static int find_deps(struct resolver *r, struct group_def *def)
{
	const struct fw_ast_operands *operands = &def->stmt->group.addresses;
	const struct fw_ast_list *lists[] = { &operands->list, &operands->except };
	size_t count = operands->list.len + operands->except.len, found = 0;
	struct node **deps = fw_arena_alloc(r->arena, count ? count : 1, sizeof(*deps));

	if (!deps)
		return -ENOMEM;
	for (size_t i = 0; i < FW_ARRAY_SIZE(lists); i++) {
		for (size_t j = 0; j < lists[i]->len; j++) {
			const struct fw_ast_word *word = &lists[i]->words[j];
			struct group_def *dep;

			if (fw_addresses_is_literal(word))
				continue;
			dep = fw_symbols_group(r, word);
			if (dep)
				deps[found++] = &dep->node;
			else
				def->node.broken = true;
		}
	}
	def->node.deps = deps;
	def->node.dep_count = found;
	return 0;
}

/* A vector of sets for each family. */
struct pile {
	struct fw_vec sets[FW_FAMILIES]; /* struct fw_iset */
};

static void pile_init(struct pile *pile)
{
	for (size_t i = 0; i < FW_FAMILIES; i++)
		fw_vec_init(&pile->sets[i], NULL, sizeof(struct fw_iset));
}

static void pile_done(struct pile *pile)
{
	for (size_t i = 0; i < FW_FAMILIES; i++)
		fw_vec_done(&pile->sets[i]);
}

static int pile_add(struct pile *pile, const struct fw_iset sets[FW_FAMILIES])
{
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		struct fw_iset *added = sets[i].len ? fw_vec_push(&pile->sets[i]) : NULL;

		if (added)
			*added = sets[i];
		else if (sets[i].len)
			return -ENOMEM;
	}
	return 0;
}

/* Sets 0 and 1 become set 0, 2 and 3 set 1 and so on. */
static int merge_pairs(struct resolver *r, struct fw_iset *sets, size_t *len)
{
	size_t merged = 0;

	for (size_t i = 0; i + 1 < *len; i += 2) {
		if (fw_iset_union(r->arena, sets[i], sets[i + 1], &sets[merged++]))
			return -ENOMEM;
	}
	if (*len % 2)
		sets[merged++] = sets[*len - 1];
	*len = merged;
	return 0;
}

/* The union: each range is copied as often as the pile can be halved. One set alone is not copied at all. */
static int pile_merge(struct resolver *r, struct pile *pile, struct fw_iset ret_sets[FW_FAMILIES])
{
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		struct fw_iset *sets = pile->sets[i].items;
		size_t len = pile->sets[i].len;

		while (len > 1) {
			if (merge_pairs(r, sets, &len))
				return -ENOMEM;
		}
		ret_sets[i] = len ? sets[0] : (struct fw_iset){ 0 };
	}
	return 0;
}

static int add_member(struct resolver *r, struct pile *pile, const struct fw_ast_word *word)
{
	const struct group_def *member = fw_map_get(&r->group_names, word->text);
	struct fw_diag *diag;

	if (!member || member->node.broken)
		return FW_REPORTED;
	if (member->out.kind != FW_GROUP_DYNAMIC)
		return pile_add(pile, member->out.addresses);
	diag = fw_diag_error(r->diags, word->span, "dynamic-group", "the dynamic group '%.*s' cannot stand in another group",
			     SHOW(word->text));
	fw_diag_help(r->diags, diag, "name it in the rules, beside this group");
	return FW_REPORTED;
}

static int fill_pile(struct resolver *r, struct pile *pile, const struct fw_ast_list *list)
{
	struct fw_iset literals[FW_FAMILIES];
	int result = 0;

	r->ranges[FW_IPV4].len = r->ranges[FW_IPV6].len = 0;
	for (size_t i = 0; i < list->len; i++) {
		const struct fw_ast_word *word = &list->words[i];
		int one = fw_addresses_is_literal(word) ? fw_addresses_add_literal(r, word) : add_member(r, pile, word);

		if (one < 0)
			return one;
		if (one)
			result = one;
	}
	if (result)
		return result;
	result = fw_addresses_take(r, literals);
	return result ? result : pile_add(pile, literals);
}

/* One list of a group's definition as one set a family. */
static int flatten(struct resolver *r, const struct fw_ast_list *list, struct fw_iset ret_sets[FW_FAMILIES])
{
	struct pile pile;
	int result;

	pile_init(&pile);
	result = fill_pile(r, &pile, list);
	if (!result)
		result = pile_merge(r, &pile, ret_sets);
	pile_done(&pile);
	return result;
}

static int resolve_list(struct resolver *r, struct group_def *def)
{
	const struct fw_ast_operands *operands = &def->stmt->group.addresses;
	struct fw_iset except[FW_FAMILIES];
	int result = operands->any ? fw_addresses_all(r, def->out.addresses) : flatten(r, &operands->list, def->out.addresses);
	int other = result < 0 ? 0 : flatten(r, &operands->except, except);

	if (result || other)
		return result < 0 || !other ? result : other;
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		if (except[i].len == 0)
			continue;
		if (fw_iset_subtract(r->arena, def->out.addresses[i], except[i], &def->out.addresses[i]))
			return -ENOMEM;
	}
	return 0;
}

static void warn_empty(struct resolver *r, const struct group_def *def)
{
	struct fw_str name = def->node.name;

	if (def->out.addresses[FW_IPV4].len || def->out.addresses[FW_IPV6].len)
		return;
	if (def->out.kind == FW_GROUP_FILE)
		fw_diag_warning(r->diags, def->stmt->group.file.span, "empty", "the file of group '%.*s' holds no address: it matches nothing",
				SHOW(name));
	else
		fw_diag_warning(r->diags, def->node.span, "empty", "group '%.*s' holds no address: it matches nothing", SHOW(name));
}

static int resolve_group(struct resolver *r, struct node *node)
{
	struct group_def *def = (struct group_def *)node;
	int result = 0;

	switch (def->out.kind) {
	case FW_GROUP_LIST:
		result = resolve_list(r, def);
		break;
	case FW_GROUP_FILE:
		result = fw_load_addresses(r, &def->stmt->group.file, def->out.addresses);
		break;
	case FW_GROUP_DYNAMIC:
		return 0;
	}
	if (!result)
		warn_empty(r, def);
	return result;
}

int fw_groups_resolve(struct resolver *r)
{
	for (size_t i = 0; i < r->groups.len; i++) {
		struct group_def *def = *(struct group_def **)fw_vec_at(&r->groups, i);
		int result = def->stmt && def->out.kind == FW_GROUP_LIST ? find_deps(r, def) : 0;

		if (result)
			return result;
	}
	return fw_order_resolve(r, &r->groups, "holds", resolve_group, 0);
}
