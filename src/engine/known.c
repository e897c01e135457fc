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

void fw_remember(struct fw_session *session, uint32_t kernel_generation, uint64_t generation, struct fw_hash fingerprint)
{
	struct fw_known known;

	if (!here(session, &known) || known.kernel_generation != kernel_generation) {
		fw_store_forget(session->store);
		return;
	}
	known.generation = generation;
	fw_hash_hex(fingerprint, known.ruleset_hash);
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
	if (fw_store_write_known(session->store, &now) < 0)
		fw_store_forget(session->store);
}

/* A running hash: the hash of (hash so far, next part). */
struct digest {
	struct fw_hash hash;
};

static void absorb(struct digest *digest, struct fw_str part)
{
	const struct fw_hash hash = fw_hash128(part);
	const uint64_t words[] = { digest->hash.hi, digest->hash.lo, hash.hi, hash.lo };

	digest->hash = fw_hash128((struct fw_str){ (const char *)words, sizeof(words) });
}

static void absorb_number(struct digest *digest, uint64_t number)
{
	absorb(digest, (struct fw_str){ (const char *)&number, sizeof(number) });
}

static void absorb_chain(struct digest *digest, const struct fw_rs_chain *chain)
{
	absorb(digest, fw_str_from(chain->name));
	absorb_number(digest, (uint64_t)chain->base << 32 | chain->hook << 1 | chain->policy_drop);
	absorb_number(digest, (uint64_t)chain->priority);
	for (size_t i = 0; i < chain->rules.len; i++) {
		const struct fw_hash hash = fw_rs_rule_hash(fw_vec_at(&chain->rules, i));
		absorb(digest, (struct fw_str){ (const char *)&hash, sizeof(hash) });
	}
}

static void absorb_data(struct digest *digest, const struct fw_rs_elements *elements)
{
	for (size_t i = 0; elements->verdicts && i < elements->len; i++) {
		absorb_number(digest, (uint64_t)(int64_t)elements->verdicts[i].code);
		absorb(digest, fw_str_from(elements->verdicts[i].chain ? elements->verdicts[i].chain : ""));
	}
	for (size_t i = 0; elements->objects && i < elements->len; i++)
		absorb(digest, fw_str_from(elements->objects[i]));
}

static void absorb_set(struct digest *digest, const struct fw_rs_set *set)
{
	const size_t key = fw_rs_key_len(set->key) * (set->interval ? 2 : 1);

	absorb(digest, fw_str_from(set->name));
	absorb_number(digest, (uint64_t)set->kind << 32 | (uint64_t)set->key << 8 | (uint64_t)set->interval << 3 |
				      (uint64_t)set->data << 4 | (uint64_t)set->has_timeout << 1 | set->dynamic);
	absorb_number(digest, set->timeout_ms);
	absorb_number(digest, (uint64_t)set->gc_interval_ms << 32 | set->size);
	if (set->kind != FW_RS_SET_CONSTANT)
		return;
	absorb(digest, (struct fw_str){ (const char *)set->elements.keys, set->elements.len * key });
	absorb_data(digest, &set->elements);
}

struct fw_hash fw_ruleset_fingerprint(const struct fw_ruleset *ruleset)
{
	struct digest digest = { { 0, 0 } };

	for (size_t i = 0; i < ruleset->chains.len; i++)
		absorb_chain(&digest, fw_vec_at(&ruleset->chains, i));
	for (size_t i = 0; i < ruleset->sets.len; i++)
		absorb_set(&digest, fw_vec_at(&ruleset->sets, i));
	for (size_t i = 0; i < ruleset->objects.len; i++) {
		const struct fw_rs_object *object = fw_vec_at(&ruleset->objects, i);
		absorb(&digest, fw_str_from(object->name));
		absorb_number(&digest, object->kind == FW_RS_OBJECT_LIMIT ? object->limit.rate << 20 | object->limit.unit_s : 0);
		absorb_number(&digest, object->kind == FW_RS_OBJECT_LIMIT ? object->limit.burst : 0);
	}
	return digest.hash;
}
