/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy/catalogue.c - the shipped services (policies/services.conf), compiled into the program: a policy needs no file but its own.
 * Also the way to the catalogue without a policy. */
#include <errno.h>

#include "policy/resolve.h"

/* Bytes above 127 do not fit a plain char everywhere. */
static const unsigned char text[] = {
#include "catalogue_text.inc"
};

struct fw_str fw_catalogue_text(void)
{
	return (struct fw_str){ (const char *)text, sizeof(text) };
}

static int resolve_catalogue(struct resolver *r, const struct fw_service *const **ret_services, size_t *ret_count)
{
	int result = fw_load_catalogue(r);

	if (!result)
		result = fw_services_resolve(r);
	if (result)
		return result;
	if (r->diags->errors)
		return FW_REPORTED;
	return fw_services_sorted(r, ret_services, ret_count);
}

int fw_policy_services(struct fw_arena *arena, struct fw_diags *diags, const struct fw_service *const **ret_services,
		       size_t *ret_count)
{
	struct resolver r;
	int result = fw_resolver_init(&r, arena, diags, NULL);

	if (!result)
		result = resolve_catalogue(&r, ret_services, ret_count);
	fw_resolver_done(&r);
	return result;
}
