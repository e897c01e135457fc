/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/warn.c - warnings that need no reasoning over packets: exposed services, what is defined and never used, catalogue services that
 * are redefined. (Empty groups: groups.c; blocked addresses of this host: blocks.c.) */
#include <errno.h>

#include "policy/resolve.h"

static bool is_all_of(const struct fw_addrs *addrs, enum fw_family family)
{
	struct fw_u128 max = fw_family_max(family);
	bool all = addrs->any || fw_iset_is_all(addrs->literals[family], max);

	for (size_t i = 0; i < addrs->group_count && !all; i++)
		all = fw_iset_is_all(addrs->groups[i]->addresses[family], max);
	/* A dynamic group takes nothing away: it may have no members. */
	for (size_t i = 0; i < addrs->except_group_count && all; i++)
		all = addrs->except_groups[i]->addresses[family].len == 0;
	return all && addrs->except_literals[family].len == 0;
}

/* Incoming, from everywhere. */
static bool faces_the_world(const struct fw_rule *rule)
{
	if (rule->verdict != FW_ALLOW || rule->direction != FW_IN || !rule->match.on.any || rule->match.on.except_len > 0)
		return false;
	for (unsigned int i = 0; i < FW_FAMILIES; i++) {
		if (rule->match.families & FW_FAMILY_BIT(i) && is_all_of(&rule->match.from, (enum fw_family)i))
			return true;
	}
	return false;
}

static bool ranges_meet(struct fw_iset a, struct fw_iset b)
{
	size_t i = 0, j = 0;

	while (i < a.len && j < b.len) {
		if (fw_u128_compare(a.ranges[i].high, b.ranges[j].low) < 0)
			i++;
		else if (fw_u128_compare(b.ranges[j].high, a.ranges[i].low) < 0)
			j++;
		else
			return true;
	}
	return false;
}

static bool whats_meet(const struct fw_what *a, const struct fw_what *b)
{
	for (size_t i = 0; i < a->proto_count; i++) {
		for (size_t j = 0; j < b->proto_count; j++) {
			const struct fw_what_proto *left = &a->protos[i], *right = &b->protos[j];

			if (left->proto == right->proto && (left->all || right->all || ranges_meet(left->values, right->values)))
				return true;
		}
	}
	return false;
}

/* Every service that is marked itself, so that a port tells its name. */
static int list_exposed(struct resolver *r)
{
	if (r->exposed_listed)
		return 0;
	r->exposed_listed = true;
	for (size_t i = 0; i < r->services.len; i++) {
		const struct service_def *def = *(struct service_def **)fw_vec_at(&r->services, i);
		const struct fw_service **slot = def->out.exposed ? fw_vec_push(&r->exposed) : NULL;

		if (slot)
			*slot = &def->out;
		else if (def->out.exposed)
			return -ENOMEM;
	}
	return 0;
}

struct finding {
	const struct fw_service *service; /* the first, or NULL */
	size_t more;
};

static int find_by_port(struct resolver *r, const struct fw_what *what, struct finding *finding)
{
	int result = list_exposed(r);

	for (size_t i = 0; !result && i < r->exposed.len; i++) {
		const struct fw_service *service = *(const struct fw_service **)fw_vec_at(&r->exposed, i);

		if (!whats_meet(what, &service->what))
			continue;
		if (finding->service)
			finding->more++;
		else
			finding->service = service;
	}
	return result;
}

/* What the catalogue names and does not mark may share a port with what it does: its ports are not asked for. */
static int find_exposed(struct resolver *r, const struct fw_ast_word *word, struct finding *ret_finding)
{
	const struct service_def *named = fw_symbols_service(r, word->text, NULL);
	const struct fw_ast_list alone = { word, 1, word->span };
	struct fw_what what;
	int result;

	*ret_finding = (struct finding){ .service = named ? named->exposes : NULL };
	if (ret_finding->service || (named && named->out.from_catalogue))
		return 0;
	if (named)
		return find_by_port(r, &named->out.what, ret_finding);
	result = fw_what_resolve(r, &alone, NULL, &what);
	return result ? result : find_by_port(r, &what, ret_finding);
}

static void warn_exposed(struct resolver *r, const struct fw_ast_word *word, const struct finding *finding)
{
	static const char why[] = "should not face the world, and this allows it from everywhere";
	struct fw_str name = finding->service->name;
	struct fw_diag *diag;

	if (fw_symbols_service(r, word->text, NULL) == fw_symbols_service(r, name, NULL))
		diag = fw_diag_warning(r->diags, word->span, "exposed", "'%.*s' %s", SHOW(name), why);
	else if (finding->more == 0)
		diag = fw_diag_warning(r->diags, word->span, "exposed", "'%.*s' takes in '%.*s', which %s", SHOW(word->text), SHOW(name), why);
	else
		diag = fw_diag_warning(r->diags, word->span, "exposed", "'%.*s' takes in %zu services that should not face the world, '%.*s' among them, "
				       "and this allows them from everywhere", SHOW(word->text), finding->more + 1, SHOW(name));
	fw_diag_help(r->diags, diag, "say who needs it, with 'from ADDRESSES' or 'on INTERFACES'");
}

int fw_warn_exposed(struct resolver *r, const struct fw_rule *rule, const struct fw_ast_rule *ast)
{
	struct finding finding;

	if (ast->any || !faces_the_world(rule))
		return 0;
	for (size_t i = 0; i < ast->what.len; i++) {
		const struct fw_ast_word *word = &ast->what.words[i];
		int result = find_exposed(r, word, &finding);

		if (result)
			return result;
		if (finding.service)
			warn_exposed(r, word, &finding);
	}
	return 0;
}

/* Not where there are errors: a line that has one may be the one that uses it. */
static void warn_unused(struct resolver *r, const char *kind, const struct node *node, bool used)
{
	if (!used && r->diags->errors == 0)
		fw_diag_warning(r->diags, node->span, "unused", "%s '%.*s' is never used", kind, SHOW(node->name));
}

static int push(struct fw_vec *vec, struct service_def *def)
{
	struct service_def **slot = fw_vec_push(vec);

	if (!slot)
		return -ENOMEM;
	*slot = def;
	return 0;
}

static int use_deps(struct fw_vec *todo, const struct service_def *def)
{
	for (size_t i = 0; i < def->node.dep_count; i++) {
		struct service_def *dep = (struct service_def *)def->node.deps[i];

		if (dep->used)
			continue;
		dep->used = true;
		if (push(todo, dep))
			return -ENOMEM;
	}
	return 0;
}

/* A service is used where a rule names it, a definition of the policy does, or a catalogue bundle that is used itself. */
static int spread_use(struct resolver *r, struct fw_vec *todo)
{
	for (size_t i = 0; i < r->services.len; i++) {
		struct service_def *def = *(struct service_def **)fw_vec_at(&r->services, i);

		if ((def->used || !def->out.from_catalogue) && use_deps(todo, def))
			return -ENOMEM;
	}
	while (todo->len > 0) {
		struct service_def *def = *(struct service_def **)fw_vec_at(todo, todo->len - 1);

		todo->len--;
		if (use_deps(todo, def))
			return -ENOMEM;
	}
	return 0;
}

static int warn_services(struct resolver *r)
{
	struct fw_vec todo;
	int result;

	fw_vec_init(&todo, NULL, sizeof(struct service_def *));
	result = spread_use(r, &todo);
	fw_vec_done(&todo);
	for (size_t i = 0; !result && i < r->services.len; i++) {
		const struct service_def *def = *(struct service_def **)fw_vec_at(&r->services, i);

		if (def->hidden)
			fw_diag_warning(r->diags, def->node.span, "overrides", "this redefines service '%.*s' of the catalogue",
					SHOW(def->hidden->node.name));
		if (!def->out.from_catalogue)
			warn_unused(r, "service", &def->node, def->used);
	}
	return result;
}

int fw_warn_all(struct resolver *r)
{
	for (size_t i = 0; i < r->groups.len; i++) {
		const struct group_def *def = *(struct group_def **)fw_vec_at(&r->groups, i);

		warn_unused(r, "group", &def->node, def->out.used);
	}
	for (size_t i = 0; i < r->zones.len; i++) {
		const struct zone_def *def = *(struct zone_def **)fw_vec_at(&r->zones, i);

		warn_unused(r, "zone", &def->node, def->used);
	}
	return warn_services(r);
}
