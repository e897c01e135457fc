/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/top.h - the live table of `fwctl top`: its rows, apart from how they are drawn. */
#ifndef FW_CLI_TOP_H
#define FW_CLI_TOP_H

#include "cli/client.h"

#define FW_TOP_READINGS 30

struct fw_top_row {
	char key[FW_LINE_KEY_MAX];
	char place[96], text[256], source[64];
	enum fw_verdict verdict;
	uint64_t packets;
	double rates[FW_TOP_READINGS]; /* packets a second; rates[reading % FW_TOP_READINGS] is the newest */
	int64_t last_hit;
	uint64_t reading; /* in which it was seen last */
	size_t order;     /* of the policy */
};
enum fw_top_sort { FW_TOP_BY_RATE, FW_TOP_BY_PACKETS, FW_TOP_BY_LAST, FW_TOP_BY_ORDER };
struct fw_top {
	struct fw_cli *cli;
	struct fw_map rows;     /* key -> struct fw_top_row, on the heap */
	struct fw_vec shown;    /* struct fw_top_row *: of the last reading, filtered and sorted */
	uint64_t reading;       /* count of readings */
	int64_t read_us;        /* monotonic, of the last */
	double passed;          /* seconds between the last two */
	bool daemon;            /* the last reading came from fwctld, else from the kernel */
	char error[256];        /* why there was none, or "" */
	enum fw_top_sort sort;
	char filter[64];        /* only rows that hold this */
};
void fw_top_init(struct fw_top *top, struct fw_cli *cli);
void fw_top_done(struct fw_top *top);
void fw_top_read(struct fw_top *top); /* one reading; `error` says how it went */
void fw_top_arrange(struct fw_top *top); /* filter and sort */
double fw_top_rate(const struct fw_top *top, const struct fw_top_row *row);
/* Blocks of eight heights for the last readings, oldest first. */
#define FW_TOP_SPARK_BYTES (3 * FW_TOP_READINGS + 1)
void fw_top_spark(const struct fw_top *top, const struct fw_top_row *row, unsigned int width, char ret_text[FW_TOP_SPARK_BYTES]);

/* The screen: until the user has enough. */
enum fw_outcome fw_top_screen(struct fw_top *top);

#endif
