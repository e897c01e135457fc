/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/route.h - from a request to its answer. */
#ifndef FW_DAEMON_ROUTE_H
#define FW_DAEMON_ROUTE_H

#include "daemon/front.h"

/* MHD's callbacks. */
enum MHD_Result fw_route(void *server, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *data,
			 size_t *size, void **context);
void fw_route_completed(void *server, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code);

struct fw_peer fw_peer_of(int fd);
/* Suspends a request until what it waits for is there; it is then routed again. */
void fw_request_wait(struct fw_request *request, enum fw_wait what);
/* The one that waits with that ticket, or NULL. */
struct fw_request *fw_server_find(struct fw_server *server, uint64_t ticket);
void fw_server_resume(struct fw_server *server, struct fw_request *request);
/* To all streams, under the board's lock. */
void fw_streams_feed(struct fw_server *server, const struct fw_board *board);

/* The page's files: bytes and type of "/", "/page.css", "/page.js"; NULL: there is no such. */
struct fw_web_file {
	const char *path, *type;
	const unsigned char *bytes;
	size_t len;
};
const struct fw_web_file *fw_web_find(const char *path);

#endif
