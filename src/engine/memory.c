/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/memory.c - what runs, kept in the run folder: reading that is several times quicker than asking the kernel for 10,000 rules and the policy's text for
 * their words. It holds as long as what is known of the kernel, and only for the ruleset that is named there.
 *
 * The file: a head; for each statement its line (4 bytes), id, text and file, each with a NUL; the ruleset as fw_ruleset_pack writes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"
#include "ruleset/pack.h"

#define ELEMENTS_MAX ((size_t)8 << 20) /* bytes of all elements; past that the kernel is read, and sets are asked rather than dumped */

struct head {
	struct fw_hash contents; /* of all that follows it */
	struct fw_program program;
	struct fw_hash frame;
	char ruleset_hash[FW_HASH_HEX + 7]; /* no padding */
	uint64_t statement_count, statements_len;
};

static bool is_small(const struct fw_ruleset *ruleset)
{
	size_t total = 0;

	for (size_t i = 0; i < ruleset->sets.len; i++) {
		const struct fw_rs_set *set = fw_vec_at(&ruleset->sets, i);
		total += set->elements.len * fw_rs_key_len(set->key) * (set->interval ? 2 : 1);
	}
	return total <= ELEMENTS_MAX;
}

static void put_string(struct fw_buf *out, const char *string)
{
	const char *text = string ? string : "";

	fw_buf_add(out, (struct fw_str){ text, strlen(text) + 1 });
}

static int put_statements(const struct fw_policy *policy, struct fw_buf *out, uint64_t *ret_count)
{
	struct fw_vec list FW_CLEANUP(fw_vec_done);

	fw_vec_init(&list, NULL, sizeof(struct fw_statement));
	int r = fw_statements_of(policy, &list);
	for (size_t i = 0; r == 0 && i < list.len; i++) {
		const struct fw_statement *statement = fw_vec_at(&list, i);
		fw_buf_add(out, (struct fw_str){ (const char *)&statement->line, sizeof(statement->line) });
		put_string(out, statement->id);
		put_string(out, statement->text);
		put_string(out, statement->file);
	}
	*ret_count = list.len;
	return r;
}

static struct fw_hash hash_of(struct fw_str bytes)
{
	const size_t from = sizeof(struct fw_hash);

	return fw_hash128((struct fw_str){ bytes.data + from, bytes.len - from });
}

void fw_memory_write(struct fw_session *session, const struct fw_known *known, const struct fw_policy *policy, const struct fw_ruleset *ruleset)
{
	struct fw_buf out FW_CLEANUP(fw_buf_done);
	struct head head;

	fw_buf_init(&out, FW_STORE_MAX_MEMORY);
	fw_store_drop_memory(session->store);
	memset(&head, 0, sizeof(head));
	if (!is_small(ruleset) || !fw_this_program(&head.program))
		return;
	fw_buf_add(&out, (struct fw_str){ (const char *)&head, sizeof(head) });
	if (put_statements(policy, &out, &head.statement_count) < 0)
		return;
	head.statements_len = out.len - sizeof(head);
	fw_ruleset_pack(ruleset, &out);
	if (out.error)
		return;
	head.frame = fw_plan_frame(policy);
	memcpy(head.ruleset_hash, known->ruleset_hash, sizeof(known->ruleset_hash));
	memcpy(out.data, &head, sizeof(head));
	head.contents = hash_of(fw_buf_str(&out));
	memcpy(out.data, &head, sizeof(head));
	(void)fw_store_write_memory(session->store, fw_buf_str(&out));
}

static bool take_string(struct fw_str *rest, const char **ret_string)
{
	const char *end = memchr(rest->data, '\0', rest->len);
	if (!end)
		return false;

	*ret_string = rest->data;
	rest->len -= (size_t)(end + 1 - rest->data);
	rest->data = end + 1;
	return true;
}

static bool take_statement(struct fw_str *rest, struct fw_statement *statement)
{
	if (rest->len < sizeof(statement->line))
		return false;
	memcpy(&statement->line, rest->data, sizeof(statement->line));
	rest->data += sizeof(statement->line);
	rest->len -= sizeof(statement->line);
	return take_string(rest, &statement->id) && take_string(rest, &statement->text) && take_string(rest, &statement->file);
}

static int read_statements(struct fw_session *session, struct fw_str bytes, uint64_t count, struct fw_memory *memory)
{
	if (count > bytes.len)
		return -ENOENT;
	struct fw_statement *statements = fw_arena_alloc(session->arena, count + 1, sizeof(*statements));
	if (!statements)
		return -ENOMEM;

	for (size_t i = 0; i < count; i++)
		if (!take_statement(&bytes, &statements[i]))
			return -ENOENT;
	memory->statements = statements;
	memory->statement_count = count;
	return bytes.len == 0 ? 0 : -ENOENT;
}

static bool belongs(const struct head *head, struct fw_str bytes, const struct fw_known *known)
{
	const struct fw_hash contents = hash_of(bytes);
	struct fw_program program;

	return head->contents.hi == contents.hi && head->contents.lo == contents.lo && fw_this_program(&program) &&
	       memcmp(&program, &head->program, sizeof(program)) == 0 &&
	       memcmp(head->ruleset_hash, known->ruleset_hash, sizeof(known->ruleset_hash)) == 0;
}

static int parse(struct fw_session *session, struct fw_str bytes, const struct fw_known *known, struct fw_memory *memory)
{
	struct head head;

	if (bytes.len < sizeof(head))
		return -ENOENT;
	memcpy(&head, bytes.data, sizeof(head));
	if (!belongs(&head, bytes, known) || head.statements_len > bytes.len - sizeof(head))
		return -ENOENT;
	memory->frame = head.frame;
	bytes.data += sizeof(head);
	bytes.len -= sizeof(head);
	int r = read_statements(session, (struct fw_str){ bytes.data, head.statements_len }, head.statement_count, memory);
	if (r < 0)
		return r;
	bytes.data += head.statements_len;
	bytes.len -= head.statements_len;
	r = fw_ruleset_unpack(session->arena, bytes, &memory->ruleset);
	return r == -EBADMSG ? -ENOENT : r;
}

int fw_memory_read(struct fw_session *session, const struct fw_known *known, struct fw_memory *ret_memory)
{
	char *bytes FW_CLEANUP(fw_free_ptr) = NULL;
	size_t len = 0;

	if (fw_store_read_memory(session->store, &bytes, &len) < 0)
		return -ENOENT;
	const char *copy = fw_arena_copy(session->arena, (struct fw_str){ bytes, len }); /* lives as long as the ruleset that points into it */
	return copy ? parse(session, (struct fw_str){ copy, len }, known, ret_memory) : -ENOMEM;
}
