/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/services.c - service definitions, the catalogue's and the policy's, to ports and helpers; the list of all of them. */
#include <errno.h>
#include <stdlib.h>

#include "policy/helper.h"
#include "policy/resolve.h"

/* The services among the items. What is none is told when the items are read. */
static int find_deps(struct resolver *r, struct service_def *def)
{
	const struct fw_ast_list *items = &def->stmt->service.items;
	struct node **deps = fw_arena_alloc(r->arena, items->len ? items->len : 1, sizeof(*deps));
	size_t found = 0;

	if (!deps)
		return -ENOMEM;
	for (size_t i = 0; i < items->len; i++) {
		struct service_def *dep = fw_symbols_service(r, items->words[i].text, def);

		if (dep)
			deps[found++] = &dep->node;
	}
	def->node.deps = deps;
	def->node.dep_count = found;
	return 0;
}

static int resolve_service(struct resolver *r, struct node *node)
{
	struct service_def *def = (struct service_def *)node;
	const struct fw_stmt *stmt = def->stmt;
	int result = fw_what_resolve(r, &stmt->service.items, def, &def->out.what);

	if (def->out.exposed)
		def->exposes = &def->out;
	for (size_t i = 0; i < node->dep_count && !def->exposes; i++)
		def->exposes = ((struct service_def *)node->deps[i])->exposes;
	if (stmt->service.description.text.len > 0) {
		def->out.description = fw_arena_copy(r->arena, stmt->service.description.text);
		if (!def->out.description)
			return -ENOMEM;
	}
	if (!result && stmt->service.helper.text.len > 0)
		result = fw_helper_resolve(r, &stmt->service.helper, &def->out);
	return result;
}

int fw_services_resolve(struct resolver *r)
{
	for (size_t i = 0; i < r->services.len; i++) {
		struct service_def *def = *(struct service_def **)fw_vec_at(&r->services, i);
		int result = def->stmt ? find_deps(r, def) : 0;

		if (result)
			return result;
	}
	return fw_order_resolve(r, &r->services, "holds", resolve_service, r->catalogue_services);
}

static int compare_services(const void *a, const void *b)
{
	const struct fw_service *const *left = a, *const *right = b;

	return fw_str_compare((*left)->name, (*right)->name);
}

int fw_services_sorted(struct resolver *r, const struct fw_service *const **ret_services, size_t *ret_count)
{
	size_t len = r->service_names.len;
	const struct fw_service **list = fw_arena_alloc(r->arena, len ? len : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		list[i] = &((struct service_def *)r->service_names.entries[i].value)->out;
	qsort(list, len, sizeof(*list), compare_services);
	*ret_services = list;
	*ret_count = len;
	return 0;
}
