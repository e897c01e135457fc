/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/booking.h - from the board into the history; the historian's. */
#ifndef FW_DAEMON_BOOKING_H
#define FW_DAEMON_BOOKING_H

#include "daemon/front.h"

/* What the history says of counters, once after it was opened. 0 or -errno. */
int fw_booking_read_seen(struct fw_historian *historian);
/* Books what is new: all or nothing. 0 or -errno: it is tried again the next time. */
int fw_booking_book(struct fw_historian *historian);
/* Another database: lines get numbers anew, and what was booked before is not booked again. */
void fw_booking_lose_numbers(struct fw_historian *historian);
/* Lets go of lines and strings that nobody needs any more. */
void fw_booking_sweep(struct fw_historian *historian);

#endif
