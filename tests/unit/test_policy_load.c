/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading: includes in place, files once, bounds, the hash of what was read, the real environment. */
#include <unistd.h>

#include "test_policy.h"

#include "base/file.h"

static const char *first_error(const struct world *world)
{
	const struct fw_diag *diag = world->diags.list.len ? fw_vec_at(&world->diags.list, 0) : NULL;

	return diag ? diag->message : "(none)";
}

static void test_includes_in_place(void **state)
{
	struct world *world = *state;
	const struct fw_policy *policy;

	world->files = (const struct world_file[]){
		{ "policy.conf", "allow ssh\ninclude \"policy.d/*\"\non lan {\n include \"./lan.conf\"\n}\nallow smtp\n" },
		{ "policy.d/10-a.conf", "allow http\ninclude \"sub/x\"\n" },
		{ "policy.d/20-b.conf", "zone lan = eth1\nallow https\n" },
		{ "policy.d/sub/x", "allow dns\n" },
		{ "lan.conf", "allow mysql\nexpect allow mysql\n" },
		{ 0 },
	};
	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, "policy.conf", &world->policy), 0);
	policy = world->policy;
	assert_int_equal(policy->rule_count[FW_IN], 6 + 1); /* the pattern finds sub/x too, which is then read twice */
	assert_string_equal(policy->rules[FW_IN][0]->text, "allow ssh");
	assert_string_equal(policy->rules[FW_IN][1]->text, "allow http");
	assert_string_equal(policy->rules[FW_IN][2]->text, "allow dns");
	assert_string_equal(policy->rules[FW_IN][3]->text, "allow https");
	assert_string_equal(policy->rules[FW_IN][5]->text, "allow mysql on lan");
	assert_string_equal(policy->rules[FW_IN][6]->text, "allow smtp");
	assert_int_equal(policy->file_count, 5);
	assert_string_equal(policy->files[0].path, "policy.conf");
	assert_int_equal(world->reads, 5);
	assert_string_equal(fw_sources_place(&world->sources, policy->rules[FW_IN][5]->span).file, "lan.conf");
}

static void test_relative_to_the_including_file(void **state)
{
	struct world *world = *state;

	world->files = (const struct world_file[]){
		{ "/etc/fwctl/policy.conf", "include \"d/a.conf\"\ngroup g = file \"g.txt\"\nallow ssh from g, h\n" },
		{ "/etc/fwctl/d/a.conf", "group h = file \"g.txt\"\ninclude \"/srv/b.conf\"\n" },
		{ "/etc/fwctl/g.txt", "192.0.2.1\n" },
		{ "/etc/fwctl/d/g.txt", "192.0.2.2\n" },
		{ "/srv/b.conf", "allow http\n" },
		{ 0 },
	};
	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, "/etc/fwctl/policy.conf", &world->policy), 0);
	assert_string_equal(addresses_text(world, world->policy->groups[0]->addresses), "192.0.2.2");
	assert_string_equal(addresses_text(world, world->policy->groups[1]->addresses), "192.0.2.1");
}

static void test_standard_input(void **state)
{
	struct world *world = *state;

	world->files = (const struct world_file[]){ { "-", "allow ssh\ninclude \"-\"\n" }, { "./-", "allow http\n" }, { 0 } };
	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, "-", &world->policy), 0);
	assert_string_equal(world->policy->files[0].path, "<stdin>");
	assert_string_equal(fw_sources_place(&world->sources, world->policy->rules[FW_IN][0]->span).file, "<stdin>");
	assert_int_equal(world->policy->rule_count[FW_IN], 2);
}

static void test_missing_top(void **state)
{
	struct world *world = *state;

	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, "nowhere.conf", &world->policy), FW_REPORTED);
	assert_string_equal(first_error(world), "cannot read 'nowhere.conf': No such file or directory");
}

/* Each level includes the next eight times: 8^15 reads, were they not counted. */
static void test_include_bomb(void **state)
{
	static char names[16][8], texts[16][256];
	static struct world_file files[17];
	struct world *world = *state;

	for (int i = 0; i < 16; i++)
		memcpy(names[i], (char[]){ 'f', (char)('a' + i), '\0' }, 3);
	for (int i = 0; i < 15; i++) {
		for (size_t j = 0; j < 8; j++)
			snprintf(texts[i] + strlen(texts[i]), 32, "include \"%s\"\n", names[i + 1]);
		files[i] = (struct world_file){ names[i], texts[i] };
	}
	files[15] = (struct world_file){ names[15], "allow ssh\n" };
	world->files = files;
	assert_int_equal(try_load(world, "include \"fa\"\n"), FW_REPORTED);
	assert_int_equal(world->diags.errors, 1);
	assert_non_null(strstr(first_error(world), "more than 4096 files"));
}

static void test_total_size(void **state)
{
	enum { SIZE = 30 << 20 };
	struct world *world = *state;
	char *big = malloc(SIZE + 1);

	assert_non_null(big);
	memset(big, '\n', SIZE);
	big[SIZE] = '\0';
	world->files = (const struct world_file[]){ { "big", big }, { 0 } };
	assert_int_equal(try_load(world, "include \"big\"\ninclude \"big\"\ninclude \"big\"\ninclude \"big\"\n"), FW_REPORTED);
	assert_int_equal(world->diags.errors, 1);
	assert_non_null(strstr(first_error(world), "larger than 64 MiB"));
	assert_int_equal(world->reads, 1);
	free(big);
}

static void test_too_large(void **state)
{
	struct world *world = *state;
	size_t size = ((size_t)32 << 20) + 1;
	char *big = malloc(size);

	assert_non_null(big);
	memset(big, '\n', size);
	assert_int_equal(fw_policy_load_text(world->arena, &world->diags, &world->env, &(struct fw_policy_file){ "big.conf", { big, size } }, &world->policy),
			 FW_REPORTED);
	assert_string_equal(first_error(world), "'big.conf' is larger than 32 MiB");
	free(big);
}

static struct fw_hash hash_of(struct world *world, const struct world_file *files, const char *path)
{
	world->files = files;
	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, path, &world->policy), 0);
	return world->policy->hash;
}

static bool same(struct fw_hash a, struct fw_hash b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static void test_hash(void **state)
{
	static const char *const top = "group g = file \"g\"\nallow ssh from g\n";
	struct world *world = *state;
	struct fw_hash here = hash_of(world, (const struct world_file[]){ { "p", top }, { "g", "192.0.2.1\n" }, { 0 } }, "p");
	struct fw_hash there = hash_of(world, (const struct world_file[]){ { "/a/p", top }, { "/a/g", "192.0.2.1\n" }, { 0 } }, "/a/p");
	struct fw_hash other = hash_of(world, (const struct world_file[]){ { "p", top }, { "g", "192.0.2.2\n" }, { 0 } }, "p");

	assert_true(same(here, there));
	assert_false(same(here, other));
}

/* A second load into the same sources: spans and paths of both stay right. */
static void test_two_policies(void **state)
{
	struct world *world = *state;
	const struct fw_policy *first, *second;

	world->files = (const struct world_file[]){ { "a/g", "192.0.2.1\n" }, { "b/g", "192.0.2.2\n" },
						    { "a/p", "group g = file \"g\"\nallow ssh from g\n" },
						    { "b/p", "group g = file \"g\"\nallow ssh from g\n" }, { 0 } };
	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, "a/p", &world->policy), 0);
	first = world->policy;
	assert_int_equal(fw_policy_load(world->arena, &world->diags, &world->env, "b/p", &world->policy), 0);
	second = world->policy;
	assert_string_equal(addresses_text(world, first->groups[0]->addresses), "192.0.2.1");
	assert_string_equal(addresses_text(world, second->groups[0]->addresses), "192.0.2.2");
	assert_string_equal(fw_sources_place(&world->sources, second->rules[FW_IN][0]->span).file, "b/p");
}

static void write_file(const char *path, const char *text)
{
	assert_int_equal(fw_file_write_atomic(path, fw_str_from(text), 0644), 0);
}

/* No environment given: real files, patterns, users. */
static void test_real_environment(void **state)
{
	struct world *world = *state;
	char folder[] = "/tmp/fwctl-test-XXXXXX", path[64];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/policy[1].conf", folder);
	write_file(path, "include \"b*.conf\"\ninclude \"none.d/*.conf\"\nallow out http as user root\n");
	snprintf(path, sizeof(path), "%s/b2.conf", folder);
	write_file(path, "allow https\n");
	snprintf(path, sizeof(path), "%s/b1.conf", folder);
	write_file(path, "allow http\n");
	snprintf(path, sizeof(path), "%s/policy[1].conf", folder);
	assert_int_equal(fw_policy_load(world->arena, &world->diags, NULL, path, &world->policy), 0);
	assert_int_equal(world->policy->rule_count[FW_IN], 2);
	assert_string_equal(world->policy->rules[FW_IN][0]->text, "allow http");
	assert_int_equal(world->policy->rules[FW_OUT][0]->match.owners.ids.ranges[0].low.lo, 0);
	assert_int_equal(try_load(world, "allow out http as user \"no such user\"\n"), FW_REPORTED);
	unlink(path);
	snprintf(path, sizeof(path), "%s/b1.conf", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/b2.conf", folder);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_includes_in_place), WORLD_TEST(test_relative_to_the_including_file),
		WORLD_TEST(test_standard_input),    WORLD_TEST(test_missing_top),
		WORLD_TEST(test_include_bomb),	    WORLD_TEST(test_total_size),
		WORLD_TEST(test_too_large),	    WORLD_TEST(test_hash),
		WORLD_TEST(test_two_policies),	    WORLD_TEST(test_real_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
