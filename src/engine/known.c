/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine/known.c - what needs not be read back: as long as boot, namespace and nf_tables generation are the same, nobody wrote. */
#include <stdio.h>
#include <string.h>

#include "engine/internal.h"

static bool here(struct fw_session *session, struct fw_known *ret_known)
{
	struct fw_known known = { 0 };

	if (fw_store_boot_id(known.boot_id) < 0 || fw_netns_identity(&known.netns_dev, &known.netns_inode) < 0 ||
	    fw_kernel_generation(session->kernel, &known.kernel_generation) < 0)
		return false;
	*ret_known = known;
	return true;
}

bool fw_known_holds(struct fw_session *session, struct fw_known *ret_known)
{
	struct fw_known known, now;

	if (fw_store_read_known(session->store, &known) < 0 || !here(session, &now))
		return false;
	if (strcmp(known.boot_id, now.boot_id) != 0 || known.netns_dev != now.netns_dev || known.netns_inode != now.netns_inode ||
	    known.kernel_generation != now.kernel_generation)
		return false;
	*ret_known = known;
	return true;
}

void fw_remember(struct fw_session *session, uint32_t kernel_generation, uint64_t generation, const struct fw_ruleset *ruleset,
		 const struct fw_loaded *loaded)
{
	struct fw_known known;

	if (!here(session, &known) || known.kernel_generation != kernel_generation) {
		fw_store_forget(session->store);
		return;
	}
	known.generation = generation;
	fw_hash_hex(fw_ruleset_fingerprint(ruleset), known.ruleset_hash);
	if (loaded)
		fw_source_of(loaded, known.source_hash);
	else
		fw_hash_hex((struct fw_hash){ 0, 0 }, known.source_hash);
	if (loaded)
		fw_memory_write(session, &known, loaded->policy, ruleset);
	if (fw_store_write_known(session->store, &known) < 0)
		fw_store_forget(session->store);
}

void fw_remember_members(struct fw_session *session, const struct fw_known *before)
{
	struct fw_known now;

	if (!here(session, &now) || now.kernel_generation != before->kernel_generation + 1)
		return;
	now.generation = before->generation;
	memcpy(now.ruleset_hash, before->ruleset_hash, sizeof(now.ruleset_hash));
	memcpy(now.source_hash, before->source_hash, sizeof(now.source_hash));
	if (fw_store_write_known(session->store, &now) < 0)
		fw_store_forget(session->store);
}

static void absorb_name(struct fw_digest *digest, const char *name)
{
	fw_digest_string(digest, fw_str_from(name ? name : ""));
}

static void absorb_chain(struct fw_digest *digest, const struct fw_rs_chain *chain)
{
	absorb_name(digest, chain->name);
	fw_digest_number(digest, (uint64_t)chain->base << 32 | chain->hook << 1 | chain->policy_drop);
	fw_digest_number(digest, (uint64_t)chain->priority);
	fw_digest_number(digest, chain->rules.len);
	for (size_t i = 0; i < chain->rules.len; i++) {
		const struct fw_hash hash = fw_rs_rule_hash(fw_vec_at(&chain->rules, i));
		fw_digest_bytes(digest, &hash, sizeof(hash));
	}
}

static void absorb_data(struct fw_digest *digest, const struct fw_rs_elements *elements)
{
	for (size_t i = 0; elements->verdicts && i < elements->len; i++) {
		fw_digest_number(digest, (uint64_t)(int64_t)elements->verdicts[i].code);
		absorb_name(digest, elements->verdicts[i].chain);
	}
	for (size_t i = 0; elements->objects && i < elements->len; i++)
		absorb_name(digest, elements->objects[i]);
}

static void absorb_set(struct fw_digest *digest, const struct fw_rs_set *set)
{
	const size_t key = fw_rs_key_len(set->key) * (set->interval ? 2 : 1);

	absorb_name(digest, set->name);
	fw_digest_number(digest, (uint64_t)set->kind << 32 | (uint64_t)set->key << 8 | (uint64_t)set->data << 4 | (uint64_t)set->interval << 3 |
				      (uint64_t)set->has_timeout << 1 | set->dynamic);
	fw_digest_number(digest, set->timeout_ms);
	fw_digest_number(digest, (uint64_t)set->gc_interval_ms << 32 | set->size);
	if (set->kind != FW_RS_SET_CONSTANT)
		return;
	fw_digest_string(digest, (struct fw_str){ (const char *)set->elements.keys, set->elements.len * key });
	absorb_data(digest, &set->elements);
}

/* What fw_rs_object_same compares. */
static void absorb_object(struct fw_digest *digest, const struct fw_rs_object *object)
{
	absorb_name(digest, object->name);
	fw_digest_number(digest, (uint64_t)object->kind << 16 | (uint64_t)object->tag.owner << 8 | object->tag.role);
	absorb_name(digest, object->tag.id);
	if (object->kind == FW_RS_OBJECT_LIMIT) {
		fw_digest_number(digest, object->limit.rate);
		fw_digest_number(digest, object->limit.unit_s);
		fw_digest_number(digest, (uint64_t)object->limit.burst << 1 | object->limit.over);
	} else if (object->kind == FW_RS_OBJECT_CT_HELPER) {
		absorb_name(digest, object->ct_helper.helper);
		fw_digest_number(digest, (uint64_t)object->ct_helper.l3proto << 8 | object->ct_helper.l4proto);
	}
}

struct fw_hash fw_ruleset_fingerprint(const struct fw_ruleset *ruleset)
{
	struct fw_digest digest;

	fw_digest_init(&digest);
	for (size_t i = 0; i < ruleset->chains.len; i++)
		absorb_chain(&digest, fw_vec_at(&ruleset->chains, i));
	for (size_t i = 0; i < ruleset->sets.len; i++)
		absorb_set(&digest, fw_vec_at(&ruleset->sets, i));
	for (size_t i = 0; i < ruleset->objects.len; i++)
		absorb_object(&digest, fw_vec_at(&ruleset->objects, i));
	return fw_digest_end(&digest);
}
