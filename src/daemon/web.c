/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/web.c - the page, compiled into the program: it needs no files, and nobody can put another in its place. */
#include <string.h>

#include "daemon/route.h"

static const unsigned char page_html[] = {
#include "web_html.inc"
};
static const unsigned char page_css[] = {
#include "web_css.inc"
};
static const unsigned char page_js[] = {
#include "web_js.inc"
};

static const struct fw_web_file files[] = {
	{ "/", "text/html; charset=utf-8", page_html, sizeof(page_html) },
	{ "/page.css", "text/css; charset=utf-8", page_css, sizeof(page_css) },
	{ "/page.js", "text/javascript; charset=utf-8", page_js, sizeof(page_js) },
};

const struct fw_web_file *fw_web_find(const char *path)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(files); i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}
