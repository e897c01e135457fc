/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/ruleset.c - owns the table's containers: chains, sets and objects by name, rules in their order; and the one table of key types.
 * Everything is in the ruleset's arena and nothing is ever removed. It knows neither policies nor sockets. */
#include "ruleset/ruleset.h"

#include <errno.h>
#include <string.h>

struct key_type {
	const char *name;
	uint32_t len, nft_type; /* libnftables' enum datatypes */
};

static const struct key_type key_types[] = {
	[FW_RS_KEY_IPV4] = { "ipv4_addr", 4, 7 },
	[FW_RS_KEY_IPV6] = { "ipv6_addr", 16, 8 },
	[FW_RS_KEY_SERVICE] = { "inet_service", 2, 13 },
	[FW_RS_KEY_PROTO] = { "inet_proto", 1, 12 },
	[FW_RS_KEY_ICMP_TYPE] = { "icmp_type", 1, 14 },
	[FW_RS_KEY_ICMPV6_TYPE] = { "icmpv6_type", 1, 29 },
	[FW_RS_KEY_IFNAME] = { "ifname", 16, 41 },
	[FW_RS_KEY_UID] = { "uid", 4, 24 },
	[FW_RS_KEY_GID] = { "gid", 4, 25 },
	[FW_RS_KEY_TIME] = { "time", 8, 43 },
	[FW_RS_KEY_MARK] = { "mark", 4, 19 },
	/* a concatenation's number is those of its parts side by side, six bits each (libnftables' TYPE_BITS) */
	[FW_RS_KEY_WHAT] = { "inet_proto . inet_service", 8, 12 << 6 | 13 },
	[FW_RS_KEY_WHAT_IPV4] = { "inet_proto . inet_service . ipv4_addr", 12, 12 << 12 | 13 << 6 | 7 },
	[FW_RS_KEY_WHAT_IPV6] = { "inet_proto . inet_service . ipv6_addr", 24, 12 << 12 | 13 << 6 | 8 },
};

uint32_t fw_rs_key_len(enum fw_rs_key key)
{
	return key_types[key].len;
}

uint32_t fw_rs_key_nft_type(enum fw_rs_key key)
{
	return key_types[key].nft_type;
}

const char *fw_rs_key_nft_name(enum fw_rs_key key)
{
	return key_types[key].name;
}

size_t fw_rs_key_parts(enum fw_rs_key key, enum fw_rs_key ret_parts[FW_RS_PARTS_MAX])
{
	const bool is_what = key == FW_RS_KEY_WHAT || key == FW_RS_KEY_WHAT_IPV4 || key == FW_RS_KEY_WHAT_IPV6;

	ret_parts[0] = is_what ? FW_RS_KEY_PROTO : key;
	if (!is_what)
		return 1;
	ret_parts[1] = FW_RS_KEY_SERVICE;
	ret_parts[2] = key == FW_RS_KEY_WHAT_IPV4 ? FW_RS_KEY_IPV4 : FW_RS_KEY_IPV6;
	return key == FW_RS_KEY_WHAT ? 2 : 3;
}

void fw_ruleset_init(struct fw_ruleset *rs, struct fw_arena *arena)
{
	*rs = (struct fw_ruleset){ .arena = arena };
	fw_vec_init(&rs->chains, arena, sizeof(struct fw_rs_chain));
	fw_vec_init(&rs->sets, arena, sizeof(struct fw_rs_set));
	fw_vec_init(&rs->objects, arena, sizeof(struct fw_rs_object));
	fw_map_init(&rs->chains_by_name, arena);
	fw_map_init(&rs->sets_by_name, arena);
	fw_map_init(&rs->objects_by_name, arena);
}

/* Enters a copy of `name` into `map` as the next of `items` and makes that item. NULL: no memory, or errno EEXIST. */
static void *add_named(struct fw_ruleset *rs, struct fw_map *map, struct fw_vec *items, const char *name, const char **ret_name)
{
	struct fw_str key = fw_str_from(name);
	errno = ENOMEM;
	char *copy = fw_arena_copy(rs->arena, key);
	void *item = copy ? fw_vec_push(items) : NULL;
	if (!item)
		return NULL;
	/* The map holds index + 1, so that pointers into the vector may move. */
	int r = fw_map_put(map, (struct fw_str){ copy, key.len }, (void *)(uintptr_t)items->len);
	if (r < 0) {
		errno = -r;
		items->len--;
		return NULL;
	}
	*ret_name = copy;
	return item;
}

static void *get_named(const struct fw_map *map, const struct fw_vec *items, const char *name)
{
	uintptr_t number = (uintptr_t)fw_map_get(map, fw_str_from(name));
	return number ? fw_vec_at(items, (size_t)number - 1) : NULL;
}

struct fw_rs_chain *fw_ruleset_add_chain(struct fw_ruleset *rs, const char *name)
{
	const char *copy = NULL;
	struct fw_rs_chain *chain = add_named(rs, &rs->chains_by_name, &rs->chains, name, &copy);
	if (!chain)
		return NULL;
	chain->name = copy;
	fw_vec_init(&chain->rules, rs->arena, sizeof(struct fw_rs_rule));
	return chain;
}

struct fw_rs_set *fw_ruleset_add_set(struct fw_ruleset *rs, const char *name)
{
	const char *copy = NULL;
	struct fw_rs_set *set = add_named(rs, &rs->sets_by_name, &rs->sets, name, &copy);
	if (set)
		set->name = copy;
	return set;
}

struct fw_rs_object *fw_ruleset_add_object(struct fw_ruleset *rs, const char *name)
{
	const char *copy = NULL;
	struct fw_rs_object *object = add_named(rs, &rs->objects_by_name, &rs->objects, name, &copy);
	if (object)
		object->name = copy;
	return object;
}

struct fw_rs_chain *fw_ruleset_chain(const struct fw_ruleset *rs, const char *name)
{
	return get_named(&rs->chains_by_name, &rs->chains, name);
}

struct fw_rs_set *fw_ruleset_set(const struct fw_ruleset *rs, const char *name)
{
	return get_named(&rs->sets_by_name, &rs->sets, name);
}

struct fw_rs_object *fw_ruleset_object(const struct fw_ruleset *rs, const char *name)
{
	return get_named(&rs->objects_by_name, &rs->objects, name);
}

struct fw_rs_rule *fw_ruleset_add_rule(struct fw_ruleset *rs, struct fw_rs_chain *chain, const struct fw_rs_expr *exprs, size_t count)
{
	struct fw_rs_expr *copy = NULL;
	if (count) {
		copy = fw_arena_alloc(rs->arena, count, sizeof(*copy));
		if (!copy)
			return NULL;
		memcpy(copy, exprs, count * sizeof(*copy));
	}
	struct fw_rs_rule *rule = fw_vec_push(&chain->rules);
	if (!rule)
		return NULL;
	rule->exprs = copy;
	rule->expr_count = count;
	return rule;
}

bool fw_rs_chain_same_head(const struct fw_rs_chain *a, const struct fw_rs_chain *b)
{
	if (a->base != b->base)
		return false;
	return !a->base || (a->hook == b->hook && a->priority == b->priority);
}

bool fw_rs_set_same_head(const struct fw_rs_set *a, const struct fw_rs_set *b)
{
	if (a->kind != b->kind || a->key != b->key || a->interval != b->interval || a->data != b->data)
		return false;
	if (a->has_timeout != b->has_timeout || a->dynamic != b->dynamic)
		return false;
	/* A dynamic group keeps its members when only its size or default timeout change: those are set in place. */
	if (a->kind == FW_RS_SET_MEMBERS)
		return true;
	return a->timeout_ms == b->timeout_ms && a->gc_interval_ms == b->gc_interval_ms && a->size == b->size;
}

static bool same_limit(const struct fw_rs_limit *a, const struct fw_rs_limit *b)
{
	return a->rate == b->rate && a->unit_s == b->unit_s && a->burst == b->burst && a->over == b->over;
}

static bool same_tag(const struct fw_rs_tag *a, const struct fw_rs_tag *b)
{
	return a->owner == b->owner && a->role == b->role && strcmp(a->id, b->id) == 0;
}

bool fw_rs_object_same(const struct fw_rs_object *a, const struct fw_rs_object *b)
{
	if (a->kind != b->kind || !same_tag(&a->tag, &b->tag))
		return false;
	switch (a->kind) {
	case FW_RS_OBJECT_LIMIT:
		return same_limit(&a->limit, &b->limit);
	case FW_RS_OBJECT_COUNTER:
		return true;
	case FW_RS_OBJECT_CT_HELPER:
		return a->ct_helper.l4proto == b->ct_helper.l4proto && a->ct_helper.l3proto == b->ct_helper.l3proto &&
		       strcmp(a->ct_helper.helper, b->ct_helper.helper) == 0;
	}
	return false;
}
