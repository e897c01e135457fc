/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset/manifest.c - what runs, written into the kernel beside the rules: a chain that nothing jumps to, whose rules carry records in
 * their user data. Nothing else may depend on its contents.
 *
 * A blob is one type byte, then:
 *   'H' version(1) policy hash (16) horizon (8) number of files (4) number of lines (4) - the first rule
 *   'F' length(2) name, a part of it where it is long: 'f' blobs continue the name before
 *   'L' records: flags(1), line as a zigzag difference to the record before (varint), file (varint, where flags say it changed),
 *       id: 8 bytes where it is 16 hexadecimal digits, else its length and bytes
 * Numbers are big-endian. Blobs of lines end where an id's hash says so, or when full, so that one inserted rule changes one blob. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "ruleset/ruleset.h"

#define BLOB_MAX 200 /* beside the tag in 256 bytes of user data */
#define RECORD_MAX (1 + 5 + 3 + 1 + FW_RS_ID_MAX)
#define VERSION 1
#define HEAD_LEN (1 + 1 + 16 + 8 + 4 + 4)
#define HEX_ID_LEN 16

enum { LINE_BLOCK = 1, LINE_HEX = 2, LINE_FILE = 4 };

struct blob {
	uint8_t bytes[BLOB_MAX];
	size_t len;
};

static void put_number(struct blob *blob, uint64_t number, size_t len)
{
	for (size_t i = len; i-- > 0;)
		blob->bytes[blob->len++] = (uint8_t)(number >> (8 * i));
}

static void put_varint(struct blob *blob, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		blob->bytes[blob->len++] = (uint8_t)(number | 0x80);
	blob->bytes[blob->len++] = (uint8_t)number;
}

static int add_blob(struct fw_ruleset *rs, struct fw_rs_chain *chain, const struct blob *blob)
{
	const struct fw_rs_expr end = { .kind = FW_RS_VERDICT, .verdict = { .code = NFT_RETURN } };
	struct fw_rs_rule *rule = fw_ruleset_add_rule(rs, chain, &end, 1);
	if (!rule)
		return -ENOMEM;
	char *copy = fw_arena_copy(rs->arena, (struct fw_str){ (const char *)blob->bytes, blob->len });
	if (!copy)
		return -ENOMEM;
	rule->blob = (struct fw_str){ copy, blob->len };
	rule->tag.owner = FW_RS_MANIFEST;
	return 0;
}

static int add_head(struct fw_ruleset *rs, struct fw_rs_chain *chain, const struct fw_manifest *manifest)
{
	struct blob blob = { .len = 0 };
	put_number(&blob, 'H', 1);
	put_number(&blob, VERSION, 1);
	put_number(&blob, manifest->policy_hash.hi, 8);
	put_number(&blob, manifest->policy_hash.lo, 8);
	put_number(&blob, (uint64_t)manifest->horizon, 8);
	put_number(&blob, manifest->file_count, 4);
	put_number(&blob, manifest->line_count, 4);
	return add_blob(rs, chain, &blob);
}

static int add_file(struct fw_ruleset *rs, struct fw_rs_chain *chain, const char *name)
{
	struct fw_str rest = fw_str_from(name);
	char type = 'F';
	do {
		struct blob blob = { .len = 0 };
		size_t part = rest.len < BLOB_MAX - 3 ? rest.len : BLOB_MAX - 3;
		put_number(&blob, (uint8_t)type, 1);
		put_number(&blob, rest.len, 2); /* what is still to come, this part included */
		memcpy(blob.bytes + blob.len, rest.data, part);
		blob.len += part;
		int r = add_blob(rs, chain, &blob);
		if (r < 0)
			return r;
		rest.data += part;
		rest.len -= part;
		type = 'f';
	} while (rest.len);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex_id(const char *id, uint64_t *ret_number)
{
	uint64_t number = 0;
	if (strlen(id) != HEX_ID_LEN)
		return false;
	for (size_t i = 0; i < HEX_ID_LEN; i++) {
		int digit = hex_digit(id[i]);
		if (digit < 0)
			return false;
		number = number << 4 | (unsigned int)digit;
	}
	*ret_number = number;
	return true;
}

/* The place that the next record is told relative to. */
struct place {
	uint32_t line;
	uint16_t file;
};

static void put_line(struct blob *blob, const struct fw_manifest_line *line, struct place *before)
{
	uint64_t number = 0;
	bool hex = parse_hex_id(line->id, &number);
	bool moved = line->file != before->file;
	uint8_t flags = (uint8_t)((line->owner == FW_RS_BLOCK ? LINE_BLOCK : 0) | (hex ? LINE_HEX : 0) | (moved ? LINE_FILE : 0));
	put_number(blob, flags, 1);
	int64_t difference = (int64_t)line->line - (int64_t)before->line;
	put_varint(blob, difference < 0 ? (uint64_t)(-difference) * 2 - 1 : (uint64_t)difference * 2);
	if (moved)
		put_varint(blob, line->file);
	if (hex) {
		put_number(blob, number, 8);
	} else {
		size_t len = strnlen(line->id, FW_RS_ID_MAX - 1);
		put_number(blob, len, 1);
		memcpy(blob->bytes + blob->len, line->id, len);
		blob->len += len;
	}
	*before = (struct place){ line->line, line->file };
}

static int add_lines(struct fw_ruleset *rs, struct fw_rs_chain *chain, const struct fw_manifest *manifest)
{
	struct place before = { 0, 0 };
	struct blob blob = { .bytes = { 'L' }, .len = 1 };
	for (size_t i = 0; i < manifest->line_count; i++) {
		const struct fw_manifest_line *line = &manifest->lines[i];
		put_line(&blob, line, &before);
		bool cut = fw_hash64(fw_str_from(line->id)) % 16 == 0;
		if (!cut && blob.len + RECORD_MAX <= BLOB_MAX && i + 1 < manifest->line_count)
			continue;
		int r = add_blob(rs, chain, &blob);
		if (r < 0)
			return r;
		blob.len = 1;
	}
	return 0;
}

int fw_manifest_encode(struct fw_ruleset *rs, const struct fw_manifest *manifest)
{
	struct fw_rs_chain *chain = fw_ruleset_add_chain(rs, FW_MANIFEST_CHAIN);
	if (!chain)
		return -ENOMEM;
	int r = add_head(rs, chain, manifest);
	for (size_t i = 0; r == 0 && i < manifest->file_count; i++)
		r = add_file(rs, chain, manifest->files[i]);
	return r < 0 ? r : add_lines(rs, chain, manifest);
}

/* Reading: what comes from the kernel may be anything. */
struct reader {
	const uint8_t *at, *end;
	bool bad; /* asked for more than there was; sticky */
};

static uint64_t get_number(struct reader *r, size_t len)
{
	uint64_t number = 0;
	if ((size_t)(r->end - r->at) < len) {
		r->bad = true;
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		number = number << 8 | *r->at++;
	return number;
}

static uint64_t get_varint(struct reader *r)
{
	uint64_t number = 0;
	for (unsigned int shift = 0; shift < 63; shift += 7) {
		uint64_t byte = get_number(r, 1);
		number |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
	r->bad = true;
	return 0;
}

struct decoder {
	struct fw_arena *arena;
	const struct fw_rs_chain *chain;
	size_t next; /* rule */
	const char **files;
	struct fw_manifest_line *lines;
	size_t file_count, line_count; /* as the head says */
	size_t line;                   /* read so far */
	struct place place;
};

static bool open_blob(const struct decoder *d, size_t index, char type, struct reader *ret_reader)
{
	if (index >= d->chain->rules.len)
		return false;
	const struct fw_rs_rule *rule = fw_vec_at(&d->chain->rules, index);
	const uint8_t *bytes = (const uint8_t *)rule->blob.data;
	if (rule->tag.owner != FW_RS_MANIFEST || rule->blob.len < 1 || bytes[0] != (uint8_t)type)
		return false;
	*ret_reader = (struct reader){ bytes + 1, bytes + rule->blob.len, false };
	return true;
}

static int read_head(struct decoder *d, struct fw_manifest *manifest)
{
	struct reader r;
	if (!open_blob(d, d->next++, 'H', &r) || get_number(&r, 1) != VERSION)
		return -EBADMSG;
	manifest->policy_hash.hi = get_number(&r, 8);
	manifest->policy_hash.lo = get_number(&r, 8);
	manifest->horizon = (int64_t)get_number(&r, 8);
	d->file_count = (size_t)get_number(&r, 4);
	d->line_count = (size_t)get_number(&r, 4);
	/* A blob holds one file or lines of three bytes and more: what is beyond that cannot be true, and is not allocated. */
	if (r.bad || r.at != r.end || d->file_count > d->chain->rules.len || d->line_count / (BLOB_MAX / 3) > d->chain->rules.len)
		return -EBADMSG;
	return 0;
}

static int read_file(struct decoder *d, const char **ret_name)
{
	FW_CLEANUP(fw_buf_done) struct fw_buf name;
	fw_buf_init(&name, UINT16_MAX);
	size_t left = 0;
	char type = 'F';
	do {
		struct reader r;
		if (!open_blob(d, d->next++, type, &r))
			return -EBADMSG;
		size_t said = (size_t)get_number(&r, 2);
		size_t part = (size_t)(r.end - r.at);
		if (r.bad || part > said || (type == 'f' && (said != left || !part)))
			return -EBADMSG;
		fw_buf_add(&name, (struct fw_str){ (const char *)r.at, part });
		left = said - part;
		type = 'f';
	} while (left);
	*ret_name = fw_arena_copy(d->arena, fw_buf_str(&name));
	return name.error || !*ret_name ? -ENOMEM : 0;
}

static int read_id(struct reader *r, bool hex, char id[FW_RS_ID_MAX])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t first = get_number(r, hex ? 8 : 1);
	size_t len = hex ? HEX_ID_LEN : (size_t)first;
	if (r->bad || len >= FW_RS_ID_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++)
		id[i] = hex ? digits[first >> (60 - 4 * i) & 15] : (char)get_number(r, 1);
	id[len] = '\0';
	return r->bad ? -EBADMSG : 0;
}

static int read_line(struct decoder *d, struct reader *r, struct fw_manifest_line *line)
{
	unsigned int flags = (unsigned int)get_number(r, 1);
	uint64_t zigzag = get_varint(r);
	int64_t difference = zigzag & 1 ? -(int64_t)(zigzag / 2) - 1 : (int64_t)(zigzag / 2);
	int64_t number = (int64_t)d->place.line + difference;
	uint64_t file = flags & LINE_FILE ? get_varint(r) : d->place.file;
	if (r->bad || number < 0 || number > UINT32_MAX || file >= d->file_count)
		return -EBADMSG;
	d->place = (struct place){ (uint32_t)number, (uint16_t)file };
	line->owner = flags & LINE_BLOCK ? FW_RS_BLOCK : FW_RS_RULE;
	line->file = d->place.file;
	line->line = d->place.line;
	return read_id(r, flags & LINE_HEX, line->id);
}

static int read_lines(struct decoder *d)
{
	while (d->line < d->line_count) {
		struct reader r;
		if (!open_blob(d, d->next++, 'L', &r) || r.at == r.end)
			return -EBADMSG;
		while (r.at < r.end) {
			if (d->line == d->line_count)
				return -EBADMSG;
			int error = read_line(d, &r, &d->lines[d->line++]);
			if (error < 0)
				return error;
		}
	}
	return d->next == d->chain->rules.len ? 0 : -EBADMSG;
}

int fw_manifest_decode(const struct fw_ruleset *rs, struct fw_arena *arena, struct fw_manifest *ret_manifest)
{
	struct decoder d = { .arena = arena, .chain = fw_ruleset_chain(rs, FW_MANIFEST_CHAIN) };
	if (!d.chain || !d.chain->rules.len)
		return -ENOENT;
	struct fw_manifest manifest = { 0 };
	int r = read_head(&d, &manifest);
	if (r < 0)
		return r;
	d.files = fw_arena_alloc(arena, d.file_count + 1, sizeof(*d.files));
	d.lines = fw_arena_alloc(arena, d.line_count + 1, sizeof(*d.lines));
	if (!d.files || !d.lines)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < d.file_count; i++)
		r = read_file(&d, &d.files[i]);
	if (r == 0)
		r = read_lines(&d);
	if (r < 0)
		return r;
	manifest.files = d.files;
	manifest.file_count = d.file_count;
	manifest.lines = d.lines;
	manifest.line_count = d.line_count;
	*ret_manifest = manifest;
	return 0;
}
