/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/pack.c - rulesets to bytes and back. One function for each struct walks its fields and does both, so that what is written is what is read: a field
 * is a number of seven bits a byte, or a string with its length and a NUL. Invariant: after a bad byte every number reads as 0 and every string as
 * absent, so that a walk ends by itself; counts are bounded by the bytes that are left. */
#include "ruleset/pack.h"

#include <errno.h>
#include <string.h>

#define VERSION 1

struct codec {
	struct fw_buf *out; /* NULL: reads */
	struct fw_arena *arena;
	const char *at, *end;
	int error;
};

static uint64_t fail(struct codec *c, int error)
{
	c->error = c->error ? c->error : error;
	c->at = c->end;
	return 0;
}

static uint64_t get(struct codec *c)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		const uint8_t byte = (uint8_t)*c->at++;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
	return fail(c, -EBADMSG);
}

static void put(struct codec *c, uint64_t number)
{
	char bytes[10];
	size_t len = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[len++] = (char)(number | 0x80);
	bytes[len++] = (char)number;
	fw_buf_add(c->out, (struct fw_str){ bytes, len });
}

/* A number of at most `max`. */
static uint64_t number(struct codec *c, uint64_t value, uint64_t max)
{
	if (c->out) {
		put(c, value);
		return value;
	}
	value = get(c);
	return value <= max ? value : fail(c, -EBADMSG);
}

static void flag(struct codec *c, bool *value)
{
	*value = number(c, *value, 1) != 0;
}

static void u8(struct codec *c, uint8_t *value)
{
	*value = (uint8_t)number(c, *value, UINT8_MAX);
}

static void u16(struct codec *c, uint16_t *value)
{
	*value = (uint16_t)number(c, *value, UINT16_MAX);
}

static void u32(struct codec *c, uint32_t *value)
{
	*value = (uint32_t)number(c, *value, UINT32_MAX);
}

static void i32(struct codec *c, int32_t *value)
{
	*value = (int32_t)(uint32_t)number(c, (uint32_t)*value, UINT32_MAX);
}

static void u64(struct codec *c, uint64_t *value)
{
	*value = number(c, *value, UINT64_MAX);
}

/* How many of something follow, each of at least one byte. */
static size_t count(struct codec *c, size_t value)
{
	return (size_t)number(c, value, c->out ? value : (uint64_t)(c->end - c->at));
}

static void bytes(struct codec *c, struct fw_str *value)
{
	value->len = count(c, value->len);
	if (c->out) {
		fw_buf_add(c->out, *value);
	} else if (value->len > (size_t)(c->end - c->at)) {
		fail(c, -EBADMSG);
		*value = FW_STR("");
	} else {
		value->data = c->at;
		c->at += value->len;
	}
}

/* NULL is another than "". */
static void string(struct codec *c, const char **value)
{
	struct fw_str text = c->out && *value ? (struct fw_str){ *value, strlen(*value) + 1 } : FW_STR("");

	bytes(c, &text);
	if (c->out)
		return;
	if (text.len && memchr(text.data, '\0', text.len) != text.data + text.len - 1) {
		fail(c, -EBADMSG);
		text.len = 0;
	}
	*value = text.len ? text.data : NULL;
}

static void name(struct codec *c, const char **value)
{
	string(c, value);
	if (!*value) {
		fail(c, -EBADMSG);
		*value = "";
	}
}

static void data(struct codec *c, struct fw_rs_data *value)
{
	struct fw_str text = { (const char *)value->bytes, value->len };

	bytes(c, &text);
	if (c->out)
		return;
	if (text.len > sizeof(value->bytes)) {
		fail(c, -EBADMSG);
		return;
	}
	memcpy(value->bytes, text.data, text.len);
	value->len = (uint8_t)text.len;
}

static void tag(struct codec *c, struct fw_rs_tag *value)
{
	const char *id = value->id;

	value->owner = (enum fw_rs_owner)number(c, value->owner, FW_RS_MANIFEST);
	value->role = (enum fw_rs_role)number(c, value->role, FW_RS_ROLE_SHARED);
	name(c, &id);
	if (c->out)
		return;
	if (strlen(id) >= sizeof(value->id))
		fail(c, -EBADMSG);
	else
		memcpy(value->id, id, strlen(id) + 1);
}

static void verdict(struct codec *c, struct fw_rs_verdict *value)
{
	i32(c, &value->code);
	string(c, &value->chain);
}

static void limit(struct codec *c, struct fw_rs_limit *value)
{
	u64(c, &value->rate);
	u64(c, &value->unit_s);
	u32(c, &value->burst);
	flag(c, &value->over);
}

static void load(struct codec *c, struct fw_rs_expr *e)
{
	if (e->kind == FW_RS_PAYLOAD) {
		u32(c, &e->payload.base);
		u32(c, &e->payload.offset);
		u32(c, &e->payload.len);
		u32(c, &e->payload.dreg);
	} else if (e->kind == FW_RS_META) {
		u32(c, &e->meta.key);
		u32(c, &e->meta.dreg);
	} else if (e->kind == FW_RS_CT) {
		u32(c, &e->ct.key);
		u32(c, &e->ct.dreg);
	} else if (e->kind == FW_RS_FIB) {
		u32(c, &e->fib.flags);
		u32(c, &e->fib.result);
		u32(c, &e->fib.dreg);
	}
}

static void test(struct codec *c, struct fw_rs_expr *e)
{
	if (e->kind == FW_RS_CMP) {
		u32(c, &e->cmp.op);
		u32(c, &e->cmp.sreg);
		data(c, &e->cmp.data);
	} else if (e->kind == FW_RS_BITWISE) {
		u32(c, &e->bitwise.sreg);
		u32(c, &e->bitwise.dreg);
		data(c, &e->bitwise.mask);
		data(c, &e->bitwise.xor_bits);
	} else if (e->kind == FW_RS_BYTEORDER) {
		u32(c, &e->byteorder.op);
		u32(c, &e->byteorder.sreg);
		u32(c, &e->byteorder.dreg);
		u32(c, &e->byteorder.len);
		u32(c, &e->byteorder.size);
	} else if (e->kind == FW_RS_RANGE) {
		u32(c, &e->range.op);
		u32(c, &e->range.sreg);
		data(c, &e->range.from);
		data(c, &e->range.to);
	}
}

static void reference(struct codec *c, struct fw_rs_expr *e)
{
	if (e->kind == FW_RS_LOOKUP) {
		name(c, &e->lookup.set);
		u32(c, &e->lookup.sreg);
		u32(c, &e->lookup.dreg);
		flag(c, &e->lookup.has_dreg);
		flag(c, &e->lookup.invert);
	} else if (e->kind == FW_RS_OBJREF) {
		u32(c, &e->objref.type);
		string(c, &e->objref.name);
		string(c, &e->objref.set);
		u32(c, &e->objref.sreg);
		if (!e->objref.name && !e->objref.set)
			fail(c, -EBADMSG);
	}
}

static void expr(struct codec *c, struct fw_rs_expr *e, unsigned int depth);

static void dynset(struct codec *c, struct fw_rs_expr *e, unsigned int depth)
{
	bool has_expr = c->out && e->dynset.expr;
	struct fw_rs_expr inner, *copy;

	name(c, &e->dynset.set);
	u32(c, &e->dynset.op);
	u32(c, &e->dynset.sreg);
	u64(c, &e->dynset.timeout_ms);
	flag(c, &has_expr);
	if (!c->out)
		e->dynset.expr = NULL;
	if (!has_expr)
		return;
	memset(&inner, 0, sizeof(inner));
	if (c->out)
		inner = *e->dynset.expr;
	expr(c, &inner, depth + 1);
	if (c->out)
		return;
	copy = fw_arena_alloc(c->arena, 1, sizeof(*copy));
	if (copy)
		*copy = inner;
	else
		fail(c, -ENOMEM);
	e->dynset.expr = copy;
}

static void action(struct codec *c, struct fw_rs_expr *e)
{
	if (e->kind == FW_RS_CONNLIMIT) {
		u32(c, &e->connlimit.count);
		flag(c, &e->connlimit.over);
	} else if (e->kind == FW_RS_LOG) {
		u16(c, &e->log.group);
		string(c, &e->log.prefix);
		u32(c, &e->log.snaplen);
		u16(c, &e->log.qthreshold);
	} else if (e->kind == FW_RS_REJECT) {
		u32(c, &e->reject.type);
		u8(c, &e->reject.code);
	}
}

static void expr(struct codec *c, struct fw_rs_expr *e, unsigned int depth)
{
	if (depth > 1) { /* an expression of an element has none itself */
		fail(c, -EBADMSG);
		return;
	}
	e->kind = (enum fw_rs_expr_kind)number(c, e->kind, FW_RS_UNKNOWN);
	switch (e->kind) {
	case FW_RS_PAYLOAD:
	case FW_RS_META:
	case FW_RS_CT:
	case FW_RS_FIB:
		load(c, e);
		return;
	case FW_RS_CMP:
	case FW_RS_BITWISE:
	case FW_RS_BYTEORDER:
	case FW_RS_RANGE:
		test(c, e);
		return;
	case FW_RS_LOOKUP:
	case FW_RS_OBJREF:
		reference(c, e);
		return;
	case FW_RS_DYNSET:
		dynset(c, e, depth);
		return;
	case FW_RS_VERDICT:
		verdict(c, &e->verdict);
		return;
	case FW_RS_COUNTER: /* what it counted is no part of what it is */
		return;
	case FW_RS_LIMIT:
		limit(c, &e->limit);
		return;
	case FW_RS_CONNLIMIT:
	case FW_RS_LOG:
	case FW_RS_REJECT:
		action(c, e);
		return;
	case FW_RS_UNKNOWN:
		name(c, &e->unknown);
		return;
	}
}

static void rule(struct codec *c, struct fw_rs_rule *value)
{
	struct fw_rs_expr *copies = NULL;

	tag(c, &value->tag);
	string(c, &value->comment);
	bytes(c, &value->blob);
	value->expr_count = count(c, value->expr_count);
	if (!c->out && value->expr_count)
		copies = fw_arena_alloc(c->arena, value->expr_count, sizeof(*copies));
	if (!c->out && value->expr_count && !copies) {
		fail(c, -ENOMEM);
		value->expr_count = 0;
	}
	for (size_t i = 0; i < value->expr_count; i++) {
		struct fw_rs_expr one;
		memset(&one, 0, sizeof(one)); /* all of the union */
		if (c->out)
			one = value->exprs[i];
		expr(c, &one, 0);
		if (copies)
			copies[i] = one;
	}
	if (!c->out)
		value->exprs = copies;
}

static void chain(struct codec *c, struct fw_rs_chain *value)
{
	flag(c, &value->base);
	u32(c, &value->hook);
	i32(c, &value->priority);
	flag(c, &value->policy_drop);

	const size_t rules = count(c, value->rules.len);
	for (size_t i = 0; i < rules && !c->error; i++) {
		struct fw_rs_rule *item = c->out ? fw_vec_at(&value->rules, i) : fw_vec_push(&value->rules);
		if (!item)
			fail(c, -ENOMEM);
		else
			rule(c, item);
	}
}

static void elements(struct codec *c, const struct fw_rs_set *set, struct fw_rs_elements *value)
{
	const size_t size = fw_rs_key_len(set->key) * (set->interval ? 2 : 1);
	struct fw_str keys = { (const char *)value->keys, value->len * size };
	struct fw_rs_verdict *verdicts = NULL;
	const char **objects = NULL;

	bytes(c, &keys);
	if (!c->out) {
		value->keys = (const uint8_t *)keys.data;
		value->len = keys.len / size;
		if (keys.len % size)
			fail(c, -EBADMSG);
		if (set->data == FW_RS_VERDICTS)
			value->verdicts = verdicts = fw_arena_alloc(c->arena, value->len + 1, sizeof(*verdicts));
		if (set->data == FW_RS_COUNTERS)
			value->objects = objects = fw_arena_alloc(c->arena, value->len + 1, sizeof(*objects));
		if ((set->data == FW_RS_VERDICTS && !verdicts) || (set->data == FW_RS_COUNTERS && !objects))
			fail(c, -ENOMEM);
	}
	for (size_t i = 0; set->data == FW_RS_VERDICTS && i < value->len && !c->error; i++) {
		struct fw_rs_verdict one = value->verdicts[i];
		verdict(c, &one);
		if (verdicts)
			verdicts[i] = one;
	}
	for (size_t i = 0; set->data == FW_RS_COUNTERS && i < value->len && !c->error; i++) {
		const char *one = value->objects[i];
		name(c, &one);
		if (objects)
			objects[i] = one;
	}
}

static void set(struct codec *c, struct fw_rs_set *value)
{
	value->kind = (enum fw_rs_set_kind)number(c, value->kind, FW_RS_SET_METERS);
	value->key = (enum fw_rs_key)number(c, value->key, FW_RS_KEY_WHAT_IPV6);
	value->data = (enum fw_rs_data_kind)number(c, value->data, FW_RS_COUNTERS);
	flag(c, &value->interval);
	flag(c, &value->has_timeout);
	flag(c, &value->dynamic);
	u64(c, &value->timeout_ms);
	u32(c, &value->gc_interval_ms);
	u32(c, &value->size);
	elements(c, value, &value->elements);
}

static void object(struct codec *c, struct fw_rs_object *value)
{
	value->kind = (enum fw_rs_object_kind)number(c, value->kind, FW_RS_OBJECT_CT_HELPER);
	tag(c, &value->tag);
	if (value->kind == FW_RS_OBJECT_LIMIT) {
		limit(c, &value->limit);
	} else if (value->kind == FW_RS_OBJECT_CT_HELPER) {
		name(c, &value->ct_helper.helper);
		u8(c, &value->ct_helper.l4proto);
		u16(c, &value->ct_helper.l3proto);
	}
}

/* A new one of that name, which no other may have. */
#define READ_NAMED(c, ruleset, what)                                                     \
	do {                                                                              \
		const char *read_name = NULL;                                             \
		name(c, &read_name);                                                      \
		struct fw_rs_##what *item = fw_ruleset_add_##what(ruleset, read_name);    \
		if (!item)                                                                \
			fail(c, errno == EEXIST ? -EBADMSG : -ENOMEM);                    \
		else                                                                      \
			what(c, item);                                                    \
	} while (0)

void fw_ruleset_pack(const struct fw_ruleset *ruleset, struct fw_buf *out)
{
	struct codec c = { .out = out };

	put(&c, VERSION);
	put(&c, ruleset->chains.len);
	put(&c, ruleset->sets.len);
	put(&c, ruleset->objects.len);
	for (size_t i = 0; i < ruleset->chains.len; i++) {
		struct fw_rs_chain one = *(const struct fw_rs_chain *)fw_vec_at(&ruleset->chains, i);
		name(&c, &one.name);
		chain(&c, &one);
	}
	for (size_t i = 0; i < ruleset->sets.len; i++) {
		struct fw_rs_set one = *(const struct fw_rs_set *)fw_vec_at(&ruleset->sets, i);
		name(&c, &one.name);
		set(&c, &one);
	}
	for (size_t i = 0; i < ruleset->objects.len; i++) {
		struct fw_rs_object one = *(const struct fw_rs_object *)fw_vec_at(&ruleset->objects, i);
		name(&c, &one.name);
		object(&c, &one);
	}
}

int fw_ruleset_unpack(struct fw_arena *arena, struct fw_str packed, struct fw_ruleset **ret_ruleset)
{
	struct codec c = { .arena = arena, .at = packed.data, .end = packed.data + packed.len };
	struct fw_ruleset *ruleset = fw_arena_alloc(arena, 1, sizeof(*ruleset));
	if (!ruleset)
		return -ENOMEM;

	fw_ruleset_init(ruleset, arena);
	if (get(&c) != VERSION)
		fail(&c, -EBADMSG);
	const size_t chains = count(&c, 0), sets = count(&c, 0), objects = count(&c, 0);
	if (fw_vec_reserve(&ruleset->objects, objects) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < chains && !c.error; i++)
		READ_NAMED(&c, ruleset, chain);
	for (size_t i = 0; i < sets && !c.error; i++)
		READ_NAMED(&c, ruleset, set);
	for (size_t i = 0; i < objects && !c.error; i++)
		READ_NAMED(&c, ruleset, object);
	if (!c.error && c.at != c.end)
		fail(&c, -EBADMSG);
	if (c.error)
		return c.error;
	*ret_ruleset = ruleset;
	return 0;
}
