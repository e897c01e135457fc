/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/reader.c - the thread that empties the NFLOG socket. It does nothing else, so that a flood waits in the kernel no longer than it must; what it
 * makes of packets goes to the board. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/front.h"

#define NAMES 64         /* interfaces whose names are remembered */
#define NAME_SECONDS 10  /* for so long: an index may get another name */

struct reading { /* the thread's own */
	struct fw_reader *reader;
	struct fw_nflog *nflog;
	int64_t now_us;
	struct name {
		uint32_t index;
		int64_t until_us;
		char name[16];
	} names[NAMES];
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void name_interface(struct reading *r, uint32_t index, char ret_name[16])
{
	struct name *name = &r->names[index % NAMES];
	char text[IF_NAMESIZE] = "";

	if (index == 0)
		return;
	if (name->index != index || name->until_us < r->now_us) {
		if (!if_indextoname(index, text))
			text[0] = '\0'; /* gone by now */
		*name = (struct name){ .index = index, .until_us = r->now_us + NAME_SECONDS * 1000000 };
		memcpy(name->name, text, sizeof(text));
	}
	memcpy(ret_name, name->name, sizeof(name->name));
}

static void take(const struct fw_nflog_packet *packet, void *data)
{
	struct reading *r = data;
	struct fw_board *board = r->reader->board;
	struct fw_event_prefix prefix;
	struct fw_event event;

	struct fw_board_line *line = fw_event_parse_prefix(packet->prefix, &prefix) ? fw_board_find_log(board, prefix.key) : NULL;
	if (!line) {
		board->unknown++;
		return;
	}
	fw_event_make(packet, &prefix, r->now_us, &event);
	name_interface(r, packet->in, event.in);
	name_interface(r, packet->out, event.out);
	fw_board_add_event(board, &event, line);
}

static void take_socket(struct reading *r)
{
	struct fw_reader *reader = r->reader;
	uint64_t wakes;

	(void)!read(reader->wake_fd, &wakes, sizeof(wakes));
	(void)pthread_mutex_lock(&reader->lock);
	const int fd = reader->next_fd;
	const bool has_next = reader->has_next;
	reader->next_fd = -1;
	reader->has_next = false;
	(void)pthread_mutex_unlock(&reader->lock);
	if (!has_next)
		return;
	fw_nflog_reader_free(r->nflog);
	r->nflog = NULL;
	if (fd >= 0 && fw_nflog_reader_new(fd, &r->nflog) < 0)
		r->nflog = NULL;
}

static void empty_socket(struct reading *r)
{
	int count;

	do {
		fw_board_lock_politely(r->reader->board);
		r->now_us = now_us();
		count = fw_nflog_read(r->nflog, take, r, &r->reader->board->tally);
		fw_board_unlock(r->reader->board);
	} while (count > 0);
	if (count < 0) {
		fw_nflog_reader_free(r->nflog);
		r->nflog = NULL;
	}
}

static void *run(void *data)
{
	struct reading r = { .reader = data };

	for (;;) {
		struct pollfd fds[2] = { { .fd = r.reader->wake_fd, .events = POLLIN },
					 { .fd = r.nflog ? fw_nflog_fd(r.nflog) : -1, .events = POLLIN } };
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			take_socket(&r);
		else if (fds[1].revents)
			empty_socket(&r);
	}
}

int fw_reader_start(struct fw_reader *reader, struct fw_board *board)
{
	*reader = (struct fw_reader){ .board = board, .next_fd = -1, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (reader->wake_fd < 0)
		return -errno;
	int r = pthread_mutex_init(&reader->lock, NULL);
	if (r == 0)
		r = pthread_create(&reader->thread, NULL, run, reader);
	return -r;
}

void fw_reader_listen(struct fw_reader *reader, int fd)
{
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&reader->lock);
	fw_close_fd(&reader->next_fd);
	reader->next_fd = fd;
	reader->has_next = true;
	(void)pthread_mutex_unlock(&reader->lock);
	(void)!write(reader->wake_fd, &one, sizeof(one));
}
