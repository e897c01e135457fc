/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/zones.c - interfaces and zones. A zone is a list of interfaces under a name; it hides an interface of that name, except in
 * its own definition, where the name is the interface's. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/resolve.h"

#define IFACE_MAX 15 /* bytes, IFNAMSIZ less the NUL */

static const char *iface_problem(struct fw_str name)
{
	assert(name.len > 0); /* the parser takes no empty names */
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c == '*' && i + 1 < name.len)
			return "has a '*' that is not at its end";
		if (c <= ' ' || c == '/' || c == ':' || c == 0x7f)
			return "holds a byte that no interface name has";
	}
	if (name.len - (name.data[name.len - 1] == '*') > IFACE_MAX)
		return "is longer than the 15 bytes of an interface name";
	if (fw_str_equal(name, FW_STR(".")) || fw_str_equal(name, FW_STR("..")))
		return "is no interface name";
	return NULL;
}

static int add_iface(struct resolver *r, const struct fw_ast_word *word)
{
	const char *problem = iface_problem(word->text);
	struct fw_iface *added;
	size_t len = word->text.len;

	if (problem) {
		fw_diag_error(r->diags, word->span, "interface", "'%.*s' %s", SHOW(word->text), problem);
		return FW_REPORTED;
	}
	added = fw_vec_push(&r->ifaces);
	if (!added)
		return -ENOMEM;
	*added = (struct fw_iface){ .prefix = word->text.data[len - 1] == '*' };
	memcpy(added->name, word->text.data, len - added->prefix);
	return 0;
}

static int add_zone(struct resolver *r, const struct zone_def *zone)
{
	if (zone->node.broken)
		return FW_REPORTED;
	for (size_t i = 0; i < zone->out.len; i++) {
		struct fw_iface *added = fw_vec_push(&r->ifaces);

		if (!added)
			return -ENOMEM;
		*added = zone->out.items[i];
	}
	if (zone->out.any) {
		struct fw_iface *all = fw_vec_push(&r->ifaces);

		if (!all)
			return -ENOMEM;
		*all = (struct fw_iface){ .prefix = true };
	}
	return 0;
}

/* By name; a pattern before the names that it covers. */
static int compare_ifaces(const void *a, const void *b)
{
	const struct fw_iface *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (int)right->prefix - (int)left->prefix;
}

static bool covers(const struct fw_iface *a, const struct fw_iface *b)
{
	return a->prefix ? strncmp(a->name, b->name, strlen(a->name)) == 0 : !b->prefix && strcmp(a->name, b->name) == 0;
}

/* Moves r->ifaces into the arena, sorted, without those that others cover. */
static int take_ifaces(struct resolver *r, const struct fw_iface **ret_items, size_t *ret_len)
{
	struct fw_iface *all = r->ifaces.items, *items;
	size_t len = 0;

	*ret_items = NULL;
	*ret_len = 0;
	if (r->ifaces.len == 0)
		return 0;
	qsort(all, r->ifaces.len, sizeof(*all), compare_ifaces);
	items = fw_arena_alloc(r->arena, r->ifaces.len, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < r->ifaces.len; i++) {
		if (len == 0 || !covers(&items[len - 1], &all[i]))
			items[len++] = all[i];
	}
	r->ifaces.len = 0;
	*ret_items = items;
	*ret_len = len;
	return 0;
}

static int read_list(struct resolver *r, const struct fw_ast_list *list, const struct zone_def *self)
{
	int result = 0;

	r->ifaces.len = 0;
	for (size_t i = 0; i < list->len; i++) {
		struct zone_def *zone = fw_symbols_zone(r, list->words[i].text);
		int one;

		if (zone && zone != self) {
			zone->used = true;
			one = add_zone(r, zone);
		} else {
			one = add_iface(r, &list->words[i]);
		}
		if (one < 0)
			return one;
		if (one)
			result = one;
	}
	return result;
}

static int resolve_operands(struct resolver *r, const struct fw_ast_operands *operands, const struct zone_def *self,
			    struct fw_ifaces *ret_ifaces)
{
	struct fw_ifaces ifaces = { .any = operands->any };
	int result = read_list(r, &operands->list, self), other;

	if (!result)
		result = take_ifaces(r, &ifaces.items, &ifaces.len);
	if (result < 0)
		return result;
	other = read_list(r, &operands->except, self);
	if (!other)
		other = take_ifaces(r, &ifaces.except, &ifaces.except_len);
	if (result || other)
		return other < 0 ? other : FW_REPORTED;
	if (ifaces.len > 0 && ifaces.items[0].prefix && ifaces.items[0].name[0] == '\0') { /* "*" */
		ifaces.any = true;
		ifaces.len = 0;
	}
	*ret_ifaces = ifaces;
	return 0;
}

int fw_ifaces_resolve(struct resolver *r, const struct fw_ast_operands *operands, struct fw_ifaces *ret_ifaces)
{
	return resolve_operands(r, operands, NULL, ret_ifaces);
}

static int find_deps(struct resolver *r, struct zone_def *def)
{
	const struct fw_ast_list *list = &def->stmt->zone.interfaces.list;
	struct node **deps = fw_arena_alloc(r->arena, list->len ? list->len : 1, sizeof(*deps));
	size_t found = 0;

	if (!deps)
		return -ENOMEM;
	for (size_t i = 0; i < list->len; i++) {
		struct zone_def *dep = fw_symbols_zone(r, list->words[i].text);

		if (dep && dep != def)
			deps[found++] = &dep->node;
	}
	def->node.deps = deps;
	def->node.dep_count = found;
	return 0;
}

static int resolve_zone(struct resolver *r, struct node *node)
{
	struct zone_def *def = (struct zone_def *)node;
	const struct fw_ast_operands *operands = &def->stmt->zone.interfaces;
	struct fw_diag *diag;

	if (operands->except.len == 0)
		return resolve_operands(r, operands, def, &def->out);
	diag = fw_diag_error(r->diags, operands->except.span, "zone", "a zone has no 'except'");
	fw_diag_help(r->diags, diag, "write it where the zone is used: on %.*s except ...", SHOW(def->node.name));
	return FW_REPORTED;
}

int fw_zones_resolve(struct resolver *r)
{
	for (size_t i = 0; i < r->zones.len; i++) {
		struct zone_def *def = *(struct zone_def **)fw_vec_at(&r->zones, i);
		int result = def->stmt ? find_deps(r, def) : 0;

		if (result)
			return result;
	}
	return fw_order_resolve(r, &r->zones, "holds", resolve_zone, 0);
}
