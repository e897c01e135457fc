/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain of four fields with eight cells each, which is small enough to ask every point. A field's cells are 1 << shift numbers wide,
 * so that all widths of upper ends are met: 3, 23, 43 and 128 bits. Functions are checked against plain tables of 4096 leaf values. */
#ifndef TEST_DIAGRAM_H
#define TEST_DIAGRAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "diagram/diagram.h"

#define FIELDS 4
#define CELLS 8
#define POINTS 4096
#define RULES_MAX 40
#define NO_LIMITS ((struct fw_diagram_limits){ 1u << 24, 1u << 30 })

static const unsigned int shifts[FIELDS] = { 0, 20, 40, 125 };

struct rule {
	uint8_t cells[FIELDS]; /* a bit each */
	uint32_t leaf;
};

struct table {
	uint32_t leaf[POINTS];
};

static inline uint64_t next_random(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline uint32_t below(uint64_t *state, uint32_t end)
{
	return (uint32_t)(next_random(state) % end);
}

static inline struct fw_u128 shift_left(uint64_t value, unsigned int by)
{
	if (by == 0)
		return (struct fw_u128){ 0, value };
	return by >= 64 ? (struct fw_u128){ value << (by - 64), 0 } : (struct fw_u128){ value >> (64 - by), value << by };
}

/* The lowest and the highest number of a cell. */
static inline struct fw_range cell(size_t field, unsigned int number)
{
	return (struct fw_range){ shift_left(number, shifts[field]), fw_u128_prev(shift_left(number + 1u, shifts[field])) };
}

static inline unsigned int cell_of(size_t field, struct fw_u128 value)
{
	return shifts[field] >= 64 ? (unsigned int)(value.hi >> (shifts[field] - 64)) : (unsigned int)(value.lo >> shifts[field]);
}

static inline unsigned int point_cell(unsigned int point, size_t field)
{
	return point >> (3 * field) & 7;
}

static inline struct fw_diagram *world_new(struct fw_diagram_limits limits)
{
	static const char *const names[FIELDS] = { "one", "two", "three", "four" };
	struct fw_diagram_field fields[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		fields[i] = (struct fw_diagram_field){ names[i], cell(i, CELLS - 1).high };
	return fw_diagram_new(fields, FIELDS, limits);
}

static inline struct rule random_rule(uint64_t *state, uint32_t leaf)
{
	struct rule rule = { .leaf = leaf };

	for (size_t i = 0; i < FIELDS; i++) {
		unsigned int low = below(state, CELLS), high = below(state, CELLS);

		if (below(state, 3) == 0)
			rule.cells[i] = 0xff;
		else if (below(state, 4) == 0)
			rule.cells[i] = (uint8_t)next_random(state); /* any set, the empty one too */
		else
			for (unsigned int c = low < high ? low : high; c <= (low < high ? high : low); c++)
				rule.cells[i] |= (uint8_t)(1u << c);
	}
	return rule;
}

static inline bool rule_has(const struct rule *rule, unsigned int point)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (!(rule->cells[i] >> point_cell(point, i) & 1))
			return false;
	}
	return true;
}

static inline int rule_box(struct fw_diagram *d, const struct rule *rule, uint32_t *ret_ref)
{
	struct fw_range ranges[FIELDS][CELLS];
	struct fw_diagram_side sides[FIELDS];
	size_t count = 0;

	for (size_t i = 0; i < FIELDS; i++) {
		size_t len = 0;

		for (unsigned int c = 0; c < CELLS; c++) {
			if (rule->cells[i] >> c & 1)
				ranges[i][len++] = cell(i, c);
		}
		if (rule->cells[i] != 0xff)
			sides[count++] = (struct fw_diagram_side){ (uint32_t)i, fw_iset_normalise(ranges[i], len) };
	}
	return fw_diagram_box(d, sides, count, fw_diagram_leaf(rule->leaf), ret_ref);
}

/* What an ordered list says: the first rule that has the point. */
static inline void list_table(const struct rule *rules, size_t count, struct table *ret_table)
{
	for (unsigned int p = 0; p < POINTS; p++) {
		ret_table->leaf[p] = FW_DIAGRAM_NONE;
		for (size_t i = 0; i < count; i++) {
			if (rule_has(&rules[i], p)) {
				ret_table->leaf[p] = rules[i].leaf;
				break;
			}
		}
	}
}

static inline uint32_t list_build(struct fw_diagram *d, const struct rule *rules, size_t count)
{
	uint32_t refs[RULES_MAX], ref;

	assert_true(count <= RULES_MAX);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(rule_box(d, &rules[i], &refs[i]), 0);
	assert_int_equal(fw_diagram_over_all(d, refs, count, &ref), 0);
	return ref;
}

static inline size_t random_list(uint64_t *state, struct rule rules[RULES_MAX])
{
	size_t count = 1 + below(state, RULES_MAX);

	for (size_t i = 0; i < count; i++)
		rules[i] = random_rule(state, below(state, 2) ? (uint32_t)i : below(state, 4));
	return count;
}

/* Every point, at the lowest and at the highest corner of its cells. */
static inline void check_table(const struct fw_diagram *d, uint32_t ref, const struct table *table)
{
	for (unsigned int p = 0; p < POINTS; p++) {
		struct fw_u128 low[FIELDS], high[FIELDS];

		for (size_t i = 0; i < FIELDS; i++) {
			low[i] = cell(i, point_cell(p, i)).low;
			high[i] = cell(i, point_cell(p, i)).high;
		}
		assert_int_equal(fw_diagram_eval(d, ref, low), table->leaf[p]);
		assert_int_equal(fw_diagram_eval(d, ref, high), table->leaf[p]);
	}
}

#endif
