/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/read_elements.c - elements of a set, one by one, and gathered into a ruleset: sorted, the two elements of a range joined
 * again with the end inclusive. A gathered item is its key, then a byte that is 0 for an end and 1 for a start: so memcmp alone
 * sorts by key, and puts the end of a range before a start at the same place. Owns the items while it gathers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/foreign.h"
#include "kernel/read.h"

static const struct fw_attr_policy list_policy[] = {
	{ NFTA_SET_ELEM_LIST_TABLE, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_SET_ELEM_LIST_SET, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_SET_ELEM_LIST_ELEMENTS, FW_ATTR_NESTED, 0 },
};
static const struct fw_read_sort list_sort = { NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_TABLE, list_policy, FW_ARRAY_SIZE(list_policy) };

static const struct fw_attr_policy element_policy[] = {
	{ NFTA_SET_ELEM_KEY, FW_ATTR_NESTED, 0 },
	{ NFTA_SET_ELEM_DATA, FW_ATTR_NESTED, 0 },
	{ NFTA_SET_ELEM_FLAGS, FW_ATTR_U32, 0 },
	{ NFTA_SET_ELEM_TIMEOUT, FW_ATTR_U64, 0 },
	{ NFTA_SET_ELEM_EXPIRATION, FW_ATTR_U64, 0 },
	{ NFTA_SET_ELEM_USERDATA, FW_ATTR_BINARY, NFT_USERDATA_MAXLEN },
	{ NFTA_SET_ELEM_EXPR, FW_ATTR_NESTED, 0 },
	{ NFTA_SET_ELEM_OBJREF, FW_ATTR_STRING, FW_NFT_NAME_MAX },
	{ NFTA_SET_ELEM_EXPRESSIONS, FW_ATTR_NESTED, 0 },
};

static const struct fw_attr_policy key_policy[] = {
	{ NFTA_DATA_VALUE, FW_ATTR_BINARY, FW_RS_DATA_MAX },
};

static int read_key(const struct nlattr *attr, size_t key_len, struct fw_read_element *element)
{
	struct fw_attrs attrs;
	int r;

	r = fw_attrs_parse_nested(attr, key_policy, FW_ARRAY_SIZE(key_policy), &attrs);
	if (r < 0)
		return r;
	element->key = fw_attrs_bytes(&attrs, NFTA_DATA_VALUE);
	return element->key.len == key_len ? 0 : -EBADMSG;
}

static int read_element(const struct nlattr *attr, size_t key_len, struct fw_read_element *ret_element)
{
	struct fw_attrs attrs;
	uint32_t flags;
	int r;

	r = fw_attrs_parse_nested(attr, element_policy, FW_ARRAY_SIZE(element_policy), &attrs);
	if (r < 0)
		return r;
	flags = fw_attrs_be32(&attrs, NFTA_SET_ELEM_FLAGS, 0);
	*ret_element = (struct fw_read_element){
		.end = flags & NFT_SET_ELEM_INTERVAL_END,
		.foreign = attrs.unknown || flags & ~(uint32_t)NFT_SET_ELEM_INTERVAL_END || !attrs.at[NFTA_SET_ELEM_KEY],
		.data = attrs.at[NFTA_SET_ELEM_DATA],
		.object = fw_attrs_string(&attrs, NFTA_SET_ELEM_OBJREF),
		.timeout_ms = fw_attrs_be64(&attrs, NFTA_SET_ELEM_TIMEOUT, 0),
		.expires_ms = fw_attrs_be64(&attrs, NFTA_SET_ELEM_EXPIRATION, 0),
	};
	return ret_element->foreign ? 0 : read_key(attrs.at[NFTA_SET_ELEM_KEY], key_len, ret_element);
}

static int read_list(const struct nlattr *list, size_t key_len, fw_read_element_fn *each, void *data)
{
	struct fw_attr_iter iter = fw_attr_iter_nested(list);
	struct fw_read_element element;
	const struct nlattr *attr;
	int r;

	while ((attr = fw_attr_next(&iter))) {
		r = read_element(attr, key_len, &element);
		if (!r)
			r = each(&element, data);
		if (r < 0)
			return r;
	}
	return iter.left ? -EBADMSG : 0;
}

int fw_read_elements(const struct nlmsghdr *message, const char *set, size_t key_len, fw_read_element_fn *each, void *data)
{
	struct fw_attrs attrs;
	bool ours;
	int r;

	r = fw_read_attrs(message, &list_sort, &attrs, &ours);
	if (r < 0 || !ours)
		return r;
	if (!fw_str_equal(fw_attrs_string(&attrs, NFTA_SET_ELEM_LIST_SET), fw_str_from(set)) || !attrs.at[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	return read_list(attrs.at[NFTA_SET_ELEM_LIST_ELEMENTS], key_len, each, data);
}

void fw_read_gather_init(struct fw_read_gather *gather, struct fw_ruleset *ruleset, const struct fw_rs_set *set)
{
	*gather = (struct fw_read_gather){ .ruleset = ruleset, .name = set->name, .interval = set->interval, .data = set->data };
	gather->key_len = fw_rs_key_len(set->key);
	gather->stride = gather->key_len + 1 + (set->data != FW_RS_NO_DATA ? sizeof(struct fw_read_datum) : 0);
}

void fw_read_gather_empty(struct fw_read_gather *gather)
{
	gather->len = 0;
	gather->foreign = false;
}

void fw_read_gather_done(struct fw_read_gather *gather)
{
	free(gather->items);
	gather->items = NULL;
}

static uint8_t *push(struct fw_read_gather *gather)
{
	size_t cap = gather->cap ? gather->cap * 2 : 256;
	uint8_t *items;

	if (gather->len == gather->cap) {
		items = reallocarray(gather->items, cap, gather->stride);
		if (!items)
			return NULL;
		gather->items = items;
		gather->cap = cap;
	}
	return gather->items + gather->len++ * gather->stride;
}

/* What the element of a map leads to; *ret_known is false where that is nothing of ours. */
static int read_datum(const struct fw_read_gather *gather, const struct fw_read_element *element, bool *ret_known, struct fw_read_datum *ret_datum)
{
	bool is_verdict = false;
	int r;

	*ret_known = element->end || (gather->data == FW_RS_NO_DATA && !element->data && !element->object.len);
	if (gather->data == FW_RS_VERDICTS && element->data) {
		r = fw_read_verdict(gather->ruleset, element->data, &is_verdict, &ret_datum->verdict);
		*ret_known |= is_verdict;
		return r;
	}
	if (gather->data != FW_RS_COUNTERS || !element->object.len)
		return 0;
	ret_datum->object = fw_read_name(gather->ruleset, element->object);
	*ret_known = true;
	return ret_datum->object ? 0 : -ENOMEM;
}

static int gather_element(const struct fw_read_element *element, void *data)
{
	struct fw_read_gather *gather = data;
	struct fw_read_datum datum = { .object = NULL };
	bool known = false;
	uint8_t *item;
	int r;

	r = read_datum(gather, element, &known, &datum);
	if (r < 0)
		return r;
	if (element->foreign || !known || (element->end && !gather->interval)) {
		gather->foreign = true;
		return 0;
	}
	item = push(gather);
	if (!item)
		return -ENOMEM;
	memcpy(item, element->key.data, gather->key_len);
	item[gather->key_len] = !element->end;
	if (gather->data != FW_RS_NO_DATA)
		memcpy(item + gather->key_len + 1, &datum, sizeof(datum));
	return 0;
}

int fw_read_gather_message(const struct nlmsghdr *message, void *gather)
{
	struct fw_read_gather *to = gather;

	return fw_read_elements(message, to->name, to->key_len, gather_element, to);
}

static int compare_items(const void *a, const void *b, void *len)
{
	return memcmp(a, b, *(const size_t *)len);
}

static void key_before(uint8_t *key, size_t len)
{
	while (len-- > 0)
		if (key[len]--)
			return;
}

/* Where a range ends, inclusive: before the next item, whichever it is, for that is what a look-up finds from there on; at the
 * highest key behind the last. */
static void put_high(const struct fw_read_gather *gather, size_t index, uint8_t *high)
{
	if (index + 1 == gather->len) {
		memset(high, 0xff, gather->key_len);
		return;
	}
	memcpy(high, gather->items + (index + 1) * gather->stride, gather->key_len);
	key_before(high, gather->key_len);
}

static bool is_start(const struct fw_read_gather *gather, size_t index)
{
	return gather->items[index * gather->stride + gather->key_len];
}

static size_t count_starts(const struct fw_read_gather *gather)
{
	size_t count = 0;

	for (size_t i = 0; i < gather->len; i++)
		count += is_start(gather, i);
	return count;
}

/* Where the elements of the ruleset go; verdicts or objects are NULL where the set has none. */
struct filling {
	uint8_t *keys;
	struct fw_rs_verdict *verdicts;
	const char **objects;
};

static void fill_datum(const uint8_t *bytes, struct filling *to)
{
	struct fw_read_datum datum;

	if (!to->verdicts && !to->objects)
		return;
	memcpy(&datum, bytes, sizeof(datum));
	if (to->verdicts)
		*to->verdicts++ = datum.verdict;
	if (to->objects)
		*to->objects++ = datum.object;
}

static void fill(const struct fw_read_gather *gather, struct filling to)
{
	for (size_t i = 0; i < gather->len; i++) {
		const uint8_t *item = gather->items + i * gather->stride;

		if (!is_start(gather, i))
			continue;
		memcpy(to.keys, item, gather->key_len);
		to.keys += gather->key_len;
		if (gather->interval) {
			put_high(gather, i, to.keys);
			to.keys += gather->key_len;
		}
		fill_datum(item + gather->key_len + 1, &to);
	}
}

/* Two starts at one place: no set holds that, but a dump over a hash that grows tells of some elements twice. */
static bool has_twins(const struct fw_read_gather *gather)
{
	for (size_t i = 1; i < gather->len; i++) {
		const uint8_t *item = gather->items + i * gather->stride;

		if (is_start(gather, i) && memcmp(item - gather->stride, item, gather->key_len + 1) == 0)
			return true;
	}
	return false;
}

int fw_read_gather_finish(struct fw_read_gather *gather, struct fw_rs_set *set)
{
	struct fw_arena *arena = gather->ruleset->arena;
	size_t compared = gather->key_len + 1, count, width = gather->key_len * (gather->interval ? 2 : 1);
	struct filling to = { .keys = NULL };

	if (gather->foreign) {
		fw_foreign_mark_set(set);
		return 0;
	}
	if (!gather->len)
		return 0;
	qsort_r(gather->items, gather->len, gather->stride, compare_items, &compared);
	if (has_twins(gather))
		return -EAGAIN;
	count = count_starts(gather);
	to.keys = fw_arena_alloc(arena, count ? count : 1, width);
	if (gather->data == FW_RS_VERDICTS)
		to.verdicts = fw_arena_alloc(arena, count ? count : 1, sizeof(*to.verdicts));
	if (gather->data == FW_RS_COUNTERS)
		to.objects = fw_arena_alloc(arena, count ? count : 1, sizeof(*to.objects));
	if (!to.keys || (gather->data == FW_RS_VERDICTS && !to.verdicts) || (gather->data == FW_RS_COUNTERS && !to.objects))
		return -ENOMEM;
	set->elements = (struct fw_rs_elements){ .keys = to.keys, .len = count, .verdicts = to.verdicts, .objects = to.objects };
	fill(gather, to);
	return 0;
}
