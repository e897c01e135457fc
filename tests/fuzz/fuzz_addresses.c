/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: the address-file reader. Besides not crashing: what it takes is sorted, disjoint and means the same when printed and read
 * again; what it refuses is told. */
#include <stdlib.h>

#include "fuzz.h"
#include "policy/addrfile.h"

#define BUDGET ((size_t)64 << 20)

static void check_sorted(struct fw_iset set)
{
	for (size_t i = 0; i < set.len; i++) {
		FUZZ_CHECK(fw_u128_compare(set.ranges[i].low, set.ranges[i].high) <= 0);
		if (i > 0)
			FUZZ_CHECK(fw_u128_compare(fw_u128_next(set.ranges[i - 1].high), set.ranges[i].low) < 0);
	}
}

static void print(struct fw_buf *out, const struct fw_iset sets[FW_FAMILIES])
{
	for (size_t family = 0; family < FW_FAMILIES; family++) {
		for (size_t i = 0; i < sets[family].len; i++) {
			fw_addr_print(out, (enum fw_family)family, sets[family].ranges[i]);
			fw_buf_putc(out, '\n');
		}
	}
	FUZZ_CHECK(out->error == 0);
}

static void check_again(struct fw_arena *arena, struct fw_diags *diags, const struct fw_iset sets[FW_FAMILIES])
{
	FW_CLEANUP(fw_buf_done) struct fw_buf text;
	struct fw_iset again[FW_FAMILIES];
	uint32_t source;

	fw_buf_init(&text, BUDGET);
	print(&text, sets);
	source = fw_sources_add(diags->sources, "again", fw_buf_str(&text), (struct fw_span){ 0 });
	FUZZ_CHECK(fw_addrfile_parse(arena, diags, source, fw_buf_str(&text), again) == 0);
	for (size_t family = 0; family < FW_FAMILIES; family++)
		FUZZ_CHECK(fw_iset_equal(sets[family], again[family]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FW_CLEANUP(fw_arena_freep) struct fw_arena *arena = fw_arena_new(BUDGET);
	FW_CLEANUP(fw_buf_done) struct fw_buf rendered;
	struct fw_str text = { (const char *)data, size };
	struct fw_iset sets[FW_FAMILIES];
	struct fw_sources sources;
	struct fw_diags diags;
	int result;

	FUZZ_CHECK(arena != NULL);
	fw_sources_init(&sources, arena);
	fw_diags_init(&diags, arena, &sources);
	result = fw_addrfile_parse(arena, &diags, fw_sources_add(&sources, "fuzz", text, (struct fw_span){ 0 }), text, sets);
	FUZZ_CHECK(result == 0 || result == FW_REPORTED);
	FUZZ_CHECK((result == FW_REPORTED) == (diags.errors > 0));
	fw_buf_init(&rendered, BUDGET);
	fw_diags_render_text(&diags, false, &rendered);
	if (result)
		return 0;
	check_sorted(sets[FW_IPV4]);
	check_sorted(sets[FW_IPV6]);
	check_again(arena, &diags, sets);
	return 0;
}
