/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile/bounds.h - from where on the compiler takes one way and not another, and how far it goes. Costs decide, never meaning: any numbers give a
 * ruleset that decides and counts the same. Tests build with FW_COMPILE_EAGER, where ways that are for big policies begin with the smallest. */
#ifndef FW_COMPILE_BOUNDS_H
#define FW_COMPILE_BOUNDS_H

#ifndef FW_COMPILE_EAGER
#define FW_BOUND_COUNTERS_FROM 256    /* plain rules, beyond which they are counted in tables and have no chains */
#define FW_BOUND_SHARED_PORTS 16      /* ports with addresses of their own, from which on they share tables */
#define FW_BOUND_SHARED_EDGES 4096    /* of one port's addresses in shared tables */
#define FW_BOUND_REPEATED_EDGES 32    /* edges that are written once more for each further port with the same addresses */
#define FW_BOUND_WAYS 64              /* chains through shared tables; further ports ask all lengths */
#define FW_BOUND_VISITS 1000000       /* of elements, when an older kernel checks a ruleset */
#define FW_BOUND_TESTS 4              /* values that are tested one by one */
#define FW_BOUND_ADDRESS_TESTS 6      /* prefixes or ranges that are */
#define FW_BOUND_PROTOCOL_TESTS 6     /* protocols that are */
#define FW_BOUND_PORT_RANGE 16        /* ports of a range that are looked up as single ones */
#define FW_BOUND_GROWTH 4             /* edges of a part for each edge of its rules .. */
#define FW_BOUND_EDGES_FREE 4096      /* .. and besides, where all rules are one part */
#define FW_BOUND_RANGES_COST 1        /* ranges cost so many times what they do */
#else
#define FW_BOUND_COUNTERS_FROM 0
#define FW_BOUND_SHARED_PORTS 1
#define FW_BOUND_SHARED_EDGES 4096
#define FW_BOUND_REPEATED_EDGES 4096
#define FW_BOUND_WAYS 2
#define FW_BOUND_VISITS 50
#define FW_BOUND_TESTS 0
#define FW_BOUND_ADDRESS_TESTS 0
#define FW_BOUND_PROTOCOL_TESTS 0
#define FW_BOUND_PORT_RANGE 3
#define FW_BOUND_GROWTH 1
#define FW_BOUND_EDGES_FREE 30
#define FW_BOUND_RANGES_COST 10
#endif

#endif
