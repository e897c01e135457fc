/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/misspell.c - restricted Damerau-Levenshtein distance (insert, delete, change, swap of neighbours) over three rows. */
#include "base/misspell.h"

#include <string.h>

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t cell(struct fw_str a, struct fw_str b, const size_t rows[3][FW_MISSPELL_MAX + 1], const size_t at[2])
{
	const size_t i = at[0], k = at[1];
	const size_t *before = rows[(i + 2) % 3], *row = rows[i % 3], *before_that = rows[(i + 1) % 3];
	const bool same = fold(a.data[i - 1]) == fold(b.data[k - 1]);
	size_t best = least(least(before[k], row[k - 1]) + 1, before[k - 1] + !same);

	if (i > 1 && k > 1 && fold(a.data[i - 1]) == fold(b.data[k - 2]) && fold(a.data[i - 2]) == fold(b.data[k - 1]))
		best = least(best, before_that[k - 2] + 1);
	return best;
}

size_t fw_misspell_distance(struct fw_str a, struct fw_str b)
{
	size_t rows[3][FW_MISSPELL_MAX + 1];

	if (a.len > FW_MISSPELL_MAX || b.len > FW_MISSPELL_MAX)
		return SIZE_MAX;
	for (size_t k = 0; k <= b.len; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= a.len; i++) {
		rows[i % 3][0] = i;
		for (size_t k = 1; k <= b.len; k++)
			rows[i % 3][k] = cell(a, b, (const size_t(*)[FW_MISSPELL_MAX + 1])rows, (const size_t[]){ i, k });
	}
	return rows[a.len % 3][b.len];
}

void fw_misspell_init(struct fw_misspell *m, struct fw_str wanted)
{
	*m = (struct fw_misspell){ .wanted = wanted, .best_distance = SIZE_MAX };
}

void fw_misspell_offer(struct fw_misspell *m, struct fw_str candidate)
{
	const size_t longer = m->wanted.len > candidate.len ? m->wanted.len : candidate.len;
	const size_t shorter = m->wanted.len + candidate.len - longer;
	size_t limit = longer / 3 < 1 ? 1 : longer / 3;

	limit = limit > 3 ? 3 : limit;
	if (longer - shorter > limit)
		return;
	const size_t distance = fw_misspell_distance(m->wanted, candidate);
	if (distance <= limit && distance < m->best_distance) {
		m->best = candidate;
		m->best_distance = distance;
	}
}
