/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/order.c - resolves things that are defined by each other, what they depend on first, and reports cycles. Walks without recursion:
 * how deep groups nest is the user's affair, not the stack's. Knows nodes only. */
#include <errno.h>

#include "policy/resolve.h"

#define SHOWN_NAMES 8 /* of a long cycle */

static void report_cycle(struct resolver *r, struct node *last, struct node *first, const char *verb)
{
	struct fw_buf *path = &r->text;
	size_t length = 1;
	struct node *node;

	last->broken = first->broken = true;
	if (!fw_resolver_wants_help(r)) { /* the walk below is long for long cycles: not for errors that are only counted */
		fw_diag_error(r->diags, first->span, "cycle", "definitions go in a circle");
		return;
	}
	/* The parents lead from the last back to the first: number them so that the text can run forwards. */
	for (node = last; node != first; node = node->parent)
		length++;
	path->len = 0;
	for (size_t i = length; i > 0; i--) {
		if (length - i == SHOWN_NAMES) {
			fw_buf_puts(path, "... ");
			break;
		}
		node = last;
		for (size_t back = 1; back < i; back++)
			node = node->parent;
		fw_buf_printf(path, "'%.*s' %s ", SHOW(node->name), verb);
	}
	fw_buf_printf(path, "'%.*s'", SHOW(first->name));
	fw_diag_error(r->diags, first->span, "cycle", "definitions go in a circle: %.*s", (int)path->len,
		      path->data ? path->data : "");
}

/* Goes into the next dependency that is new, or finishes the node and goes back to its parent. */
static int step(struct resolver *r, struct node **node, const char *verb,
		int (*resolve)(struct resolver *r, struct node *node))
{
	struct node *here = *node;
	int result = 0;

	if (here->next < here->dep_count) {
		struct node *dep = here->deps[here->next++];

		if (dep->mark == NODE_OPEN && !here->broken)
			report_cycle(r, here, dep, verb);
		if (dep->mark != NODE_NEW)
			return 0;
		dep->mark = NODE_OPEN;
		dep->parent = here;
		*node = dep;
		return 0;
	}
	here->mark = NODE_DONE;
	if (!here->broken)
		result = resolve(r, here);
	if (result == FW_REPORTED)
		here->broken = true;
	*node = here->parent;
	return result < 0 ? result : 0;
}

int fw_order_resolve(struct resolver *r, const struct fw_vec *nodes, const char *verb,
		     int (*resolve)(struct resolver *r, struct node *node), size_t first)
{
	for (size_t i = 0; i < nodes->len; i++) {
		struct node *node = *(struct node **)fw_vec_at(nodes, (first + i) % nodes->len);

		if (node->mark != NODE_NEW)
			continue;
		node->mark = NODE_OPEN;
		node->parent = NULL;
		while (node) {
			int result = step(r, &node, verb, resolve);

			if (result)
				return result;
		}
	}
	return 0;
}
