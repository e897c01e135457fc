/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/lower_atom.c - one test of one field as expressions, in the spelling that nft 1.0.6 makes of the same words: a range is two
 * comparisons, its opposite one; several values are a constant set named by a hash of its contents. Everything goes through register 1. */
#include "compile/lower.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

void fw_exprs_init(struct fw_exprs *exprs)
{
	exprs->len = 0; /* the items are written as they are added: there are many, and most rules have few */
	exprs->full = false;
}

struct fw_rs_expr *fw_exprs_add(struct fw_exprs *exprs, enum fw_rs_expr_kind kind)
{
	if (exprs->len == FW_RULE_EXPRS_MAX) {
		exprs->full = true;
		exprs->len--;
	}
	struct fw_rs_expr *e = &exprs->items[exprs->len++];
	*e = (struct fw_rs_expr){ .kind = kind };
	return e;
}

void fw_exprs_load(struct fw_exprs *exprs, enum fw_field field)
{
	fw_exprs_load_to(exprs, field, NFT_REG_1);
}

void fw_exprs_load_to(struct fw_exprs *exprs, enum fw_field field, uint32_t dreg)
{
	const struct fw_field_info *info = fw_field_info(field);
	struct fw_rs_expr *e = fw_exprs_add(exprs, info->load);
	if (info->load == FW_RS_PAYLOAD) {
		e->payload.base = info->arg[0];
		e->payload.offset = info->arg[1];
		e->payload.len = info->width;
		e->payload.dreg = dreg;
	} else if (info->load == FW_RS_META) {
		e->meta.key = info->arg[0];
		e->meta.dreg = dreg;
	} else if (info->load == FW_RS_CT) {
		e->ct.key = info->arg[0];
		e->ct.dreg = dreg;
	} else {
		e->fib.flags = info->arg[0];
		e->fib.result = info->arg[1];
		e->fib.dreg = dreg;
	}
}

static struct fw_rs_expr *add_bitwise(struct fw_exprs *exprs, unsigned int width)
{
	struct fw_rs_expr *e = fw_exprs_add(exprs, FW_RS_BITWISE);
	e->bitwise.sreg = e->bitwise.dreg = NFT_REG_1;
	e->bitwise.mask.len = e->bitwise.xor_bits.len = (uint8_t)width;
	return e;
}

void fw_exprs_mask(struct fw_exprs *exprs, uint32_t reg, unsigned int width, unsigned int bits)
{
	struct fw_rs_expr *e = add_bitwise(exprs, width);
	e->bitwise.sreg = e->bitwise.dreg = reg;
	for (unsigned int i = 0; i < bits && i < 8 * width; i++)
		e->bitwise.mask.bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

void fw_exprs_lookup(struct fw_exprs *exprs, const char *set, bool invert)
{
	struct fw_rs_expr *e = fw_exprs_add(exprs, FW_RS_LOOKUP);
	e->lookup.set = set;
	e->lookup.sreg = NFT_REG_1;
	e->lookup.invert = invert;
}

void fw_exprs_verdict(struct fw_exprs *exprs, int32_t code, const char *chain)
{
	struct fw_rs_expr *e = fw_exprs_add(exprs, FW_RS_VERDICT);
	e->verdict = (struct fw_rs_verdict){ code, chain };
}

void fw_exprs_hton(struct fw_exprs *exprs, unsigned int width)
{
	struct fw_rs_expr *e = fw_exprs_add(exprs, FW_RS_BYTEORDER);
	e->byteorder.op = NFT_BYTEORDER_HTON;
	e->byteorder.sreg = e->byteorder.dreg = NFT_REG_1;
	e->byteorder.len = e->byteorder.size = width;
}

static void put_big_endian(uint8_t *bytes, struct fw_u128 value, unsigned int width)
{
	for (unsigned int i = 0; i < width; i++) {
		unsigned int shift = 8 * (width - 1 - i);
		uint64_t word = shift >= 64 ? value.hi >> (shift - 64) : value.lo >> shift;
		bytes[i] = (uint8_t)word;
	}
}

static struct fw_rs_data data_of(struct fw_u128 value, unsigned int width)
{
	struct fw_rs_data data = { .len = (uint8_t)width };
	put_big_endian(data.bytes, value, width);
	return data;
}

static struct fw_rs_data host_data(uint64_t value, unsigned int width)
{
	struct fw_rs_data data = { .len = (uint8_t)width };
	uint32_t word = (uint32_t)value;
	if (width == sizeof(word))
		memcpy(data.bytes, &word, sizeof(word));
	else
		memcpy(data.bytes, &value, sizeof(value));
	return data;
}

static void add_cmp(struct fw_exprs *exprs, uint32_t op, struct fw_rs_data data)
{
	struct fw_rs_expr *e = fw_exprs_add(exprs, FW_RS_CMP);
	e->cmp.op = op;
	e->cmp.sreg = NFT_REG_1;
	e->cmp.data = data;
}

/* Where the rule loads the port at `offset` and compares it with one value; SIZE_MAX: nowhere. */
static size_t find_port(const struct fw_exprs *exprs, uint32_t offset)
{
	for (size_t i = 0; i + 1 < exprs->len; i++) {
		const struct fw_rs_expr *load = &exprs->items[i], *test = &exprs->items[i + 1];
		if (load->kind != FW_RS_PAYLOAD || load->payload.base != NFT_PAYLOAD_TRANSPORT_HEADER)
			continue;
		if (load->payload.offset == offset && load->payload.len == 2 && test->kind == FW_RS_CMP && test->cmp.op == NFT_CMP_EQ)
			return i;
	}
	return SIZE_MAX;
}

void fw_exprs_merge_ports(struct fw_exprs *exprs)
{
	size_t source = find_port(exprs, 0), destination = find_port(exprs, 2);
	if (source == SIZE_MAX || destination == SIZE_MAX)
		return;
	struct fw_rs_data both = { .len = 4 };
	memcpy(both.bytes, exprs->items[source + 1].cmp.data.bytes, 2);
	memcpy(both.bytes + 2, exprs->items[destination + 1].cmp.data.bytes, 2);
	size_t first = source < destination ? source : destination, second = source < destination ? destination : source;
	exprs->items[first].payload.offset = 0;
	exprs->items[first].payload.len = 4;
	exprs->items[first + 1].cmp.data = both;
	exprs->len -= 2;
	memmove(&exprs->items[second], &exprs->items[second + 2], (exprs->len - second) * sizeof(exprs->items[0]));
}

/* --- sets --- */

uint8_t *fw_lower_elements(struct fw_lowering *l, enum fw_rs_key key, struct fw_iset values, bool interval)
{
	uint32_t width = fw_rs_key_len(key), size = interval ? 2 * width : width;
	uint8_t *keys = fw_arena_alloc(l->arena, values.len + 1, size);
	for (size_t i = 0; keys && i < values.len; i++) {
		put_big_endian(keys + i * size, values.ranges[i].low, width);
		if (interval)
			put_big_endian(keys + i * size + width, values.ranges[i].high, width);
	}
	if (!keys)
		fw_lower_no_memory(l);
	return keys;
}

/* The constant set of these elements; made where it is not there yet. */
static const char *constant_set(struct fw_lowering *l, enum fw_rs_key key, bool interval, const uint8_t *keys, size_t len)
{
	char hex[FW_HASH_HEX];
	size_t size = fw_rs_key_len(key) * (interval ? 2 : 1);
	struct fw_hash hash = fw_hash128((struct fw_str){ (const char *)keys, len * size });
	fw_hash_hex(hash, hex);
	/* The type is part of the name: the same bytes can be members of two kinds of sets. */
	char *name = fw_arena_printf(l->arena, "set-%s%s-%.16s", fw_rs_key_nft_name(key), interval ? "-r" : "", hex);
	struct fw_rs_set *set = name ? fw_ruleset_set(l->rs, name) : NULL;
	if (set)
		return set->name;
	set = name ? fw_ruleset_add_set(l->rs, name) : NULL;
	if (!set) {
		fw_lower_no_memory(l);
		return "";
	}
	set->kind = FW_RS_SET_CONSTANT;
	set->key = key;
	set->interval = interval;
	set->elements = (struct fw_rs_elements){ .keys = keys, .len = len };
	set->size = interval ? 0 : (uint32_t)len; /* it is all that it will ever hold */
	set->origin = l->span;
	return name;
}

static bool all_single(struct fw_iset values)
{
	for (size_t i = 0; i < values.len; i++)
		if (fw_u128_compare(values.ranges[i].low, values.ranges[i].high) != 0)
			return false;
	return true;
}

/* --- atoms --- */

static void lower_several(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	/* Members in the host's order cannot be compared byte by byte: intervals, big-endian. */
	bool interval = info->host_order || !all_single(atom->values);
	if (info->host_order)
		fw_exprs_hton(exprs, info->width);
	uint8_t *keys = fw_lower_elements(l, info->key, atom->values, interval);
	if (keys)
		fw_exprs_lookup(exprs, constant_set(l, info->key, interval, keys, atom->values.len), atom->invert);
}

static void lower_range(struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	const struct fw_range *range = &atom->values.ranges[0];
	if (info->host_order)
		fw_exprs_hton(exprs, info->width);
	if (!atom->invert) {
		add_cmp(exprs, NFT_CMP_GTE, data_of(range->low, info->width));
		add_cmp(exprs, NFT_CMP_LTE, data_of(range->high, info->width));
		return;
	}
	struct fw_rs_expr *e = fw_exprs_add(exprs, FW_RS_RANGE);
	e->range.op = NFT_RANGE_NEQ;
	e->range.sreg = NFT_REG_1;
	e->range.from = data_of(range->low, info->width);
	e->range.to = data_of(range->high, info->width);
}

static bool is_prefix(const struct fw_atom *atom, unsigned int *ret_bits)
{
	enum fw_rs_key key = fw_field_info(atom->field)->key;
	if (key != FW_RS_KEY_IPV4 && key != FW_RS_KEY_IPV6)
		return false;
	return fw_range_is_prefix(key == FW_RS_KEY_IPV4 ? FW_IPV4 : FW_IPV6, atom->values.ranges[0], ret_bits);
}

static void lower_in(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	uint32_t op = atom->invert ? NFT_CMP_NEQ : NFT_CMP_EQ;
	unsigned int bits = 0;
	bool prefix = atom->values.len == 1 && is_prefix(atom, &bits);
	if (prefix && bits == 0 && !atom->invert)
		return; /* every address */
	fw_exprs_load(exprs, atom->field);
	if (atom->values.len != 1) {
		lower_several(l, exprs, atom);
	} else if (all_single(atom->values)) {
		struct fw_u128 value = atom->values.ranges[0].low;
		add_cmp(exprs, op, info->host_order ? host_data(value.lo, info->width) : data_of(value, info->width));
	} else if (prefix) {
		fw_exprs_mask(exprs, NFT_REG_1, info->width, bits);
		add_cmp(exprs, op, data_of(atom->values.ranges[0].low, info->width));
	} else {
		lower_range(exprs, atom);
	}
}


/* Names as sorted elements. */
static uint8_t *name_elements(struct fw_lowering *l, const struct fw_atom *atom, size_t width)
{
	uint8_t *keys = fw_arena_alloc(l->arena, atom->name_count, width);
	if (!keys) {
		fw_lower_no_memory(l);
		return NULL;
	}
	for (size_t i = 0; i < atom->name_count; i++) {
		uint8_t key[FW_RS_DATA_MAX] = { 0 };
		memcpy(key, atom->names[i], strnlen(atom->names[i], width));
		size_t at = i;
		for (; at > 0 && memcmp(keys + (at - 1) * width, key, width) > 0; at--)
			memcpy(keys + at * width, keys + (at - 1) * width, width);
		memcpy(keys + at * width, key, width);
	}
	return keys;
}

static void lower_names(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	fw_exprs_load(exprs, atom->field);
	if (atom->name_count > 1) {
		uint8_t *keys = name_elements(l, atom, info->width);
		if (keys)
			fw_exprs_lookup(exprs, constant_set(l, info->key, false, keys, atom->name_count), atom->invert);
		return;
	}
	struct fw_rs_data data = { .len = info->width };
	memcpy(data.bytes, atom->names[0], strnlen(atom->names[0], info->width));
	add_cmp(exprs, atom->invert ? NFT_CMP_NEQ : NFT_CMP_EQ, data);
}

static void lower_prefix(struct fw_exprs *exprs, const struct fw_atom *atom)
{
	struct fw_rs_data data = { .len = (uint8_t)strnlen(atom->name, FW_RS_DATA_MAX) };
	memcpy(data.bytes, atom->name, data.len);
	fw_exprs_load(exprs, atom->field);
	add_cmp(exprs, atom->invert ? NFT_CMP_NEQ : NFT_CMP_EQ, data);
}

static void lower_set(struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	fw_exprs_load(exprs, atom->field);
	if (atom->bits < 8u * info->width)
		fw_exprs_mask(exprs, NFT_REG_1, info->width, atom->bits);
	if (info->host_order)
		fw_exprs_hton(exprs, info->width);
	fw_exprs_lookup(exprs, atom->name, atom->invert);
}

static void lower_bits(struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	fw_exprs_load(exprs, atom->field);
	struct fw_rs_expr *e = add_bitwise(exprs, info->width);
	struct fw_u128 bits = { 0, atom->number };
	e->bitwise.mask = info->host_order ? host_data(atom->number, info->width) : data_of(bits, info->width);
	add_cmp(exprs, atom->invert ? NFT_CMP_EQ : NFT_CMP_NEQ, (struct fw_rs_data){ .len = info->width });
}

static void lower_below(struct fw_exprs *exprs, const struct fw_atom *atom)
{
	const struct fw_field_info *info = fw_field_info(atom->field);
	fw_exprs_load(exprs, atom->field);
	if (info->host_order)
		fw_exprs_hton(exprs, info->width);
	add_cmp(exprs, NFT_CMP_LT, data_of((struct fw_u128){ 0, atom->number }, info->width));
}

void fw_lower_atom(struct fw_lowering *l, struct fw_exprs *exprs, const struct fw_atom *atom)
{
	switch (atom->kind) {
	case FW_ATOM_IN:
		lower_in(l, exprs, atom);
		return;
	case FW_ATOM_NAMES:
		lower_names(l, exprs, atom);
		return;
	case FW_ATOM_PREFIX:
		lower_prefix(exprs, atom);
		return;
	case FW_ATOM_SET:
		lower_set(exprs, atom);
		return;
	case FW_ATOM_BITS:
		lower_bits(exprs, atom);
		return;
	case FW_ATOM_BELOW:
		lower_below(exprs, atom);
		return;
	}
}
