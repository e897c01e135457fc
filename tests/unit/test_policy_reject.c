/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every diagnostic of src/policy, as a user sees it: each tests/reject/policy/NAME.conf gives exactly NAME.expected. Files that a case reads are
 * in files/ beside it; the rest of the world is made up (world_* in test_policy.h). Run from the top folder; FWCTL_UPDATE=1 writes the
 * expected texts anew, for a person to read through. */
#include <glob.h>

#include "test_policy.h"

#include "base/file.h"

#define FOLDER "tests/reject/policy/"
#define MAX_CASES 512

static int case_read(void *context, const char *path, size_t max, char **ret_text, size_t *ret_len)
{
	char full[512];

	(void)context;
	if (strstr(path, "forbidden"))
		return -EACCES;
	if (strstr(path, "huge"))
		return -EFBIG;
	snprintf(full, sizeof(full), FOLDER "%s", path);
	return fw_file_read(full, max, ret_text, ret_len);
}

static int case_glob(void *context, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	char full[512];
	glob_t found = { 0 };

	(void)context;
	if (strstr(pattern, "forbidden"))
		return -EACCES;
	snprintf(full, sizeof(full), FOLDER "%s", pattern);
	*ret_count = glob(full, 0, NULL, &found) ? 0 : found.gl_pathc;
	*ret_paths = calloc(*ret_count + 1, sizeof(char *));
	for (size_t i = 0; i < *ret_count; i++)
		(*ret_paths)[i] = strdup(found.gl_pathv[i] + strlen(FOLDER));
	globfree(&found);
	return 0;
}

static int case_user(void *context, enum fw_owner kind, const char *name, uint32_t *ret_id)
{
	return strcmp(name, "unreachable") == 0 ? -EIO : world_user(context, kind, name, ret_id);
}

static void render(struct world *world, struct fw_buf *out)
{
	fw_buf_init(out, 1u << 20);
	fw_diags_sort(&world->diags);
	fw_diags_render_text(&world->diags, false, out);
	assert_int_equal(out->error, 0);
}

static void compare(const char *conf, struct fw_str got)
{
	char path[512], *want = NULL;
	size_t len = 0;

	snprintf(path, sizeof(path), "%.*s.expected", (int)(strlen(conf) - strlen(".conf")), conf);
	if (getenv("FWCTL_UPDATE"))
		assert_int_equal(fw_file_write_atomic(path, got, 0644), 0);
	assert_int_equal(fw_file_read(path, 1u << 20, &want, &len), 0);
	if (!fw_str_equal(got, (struct fw_str){ want, len }))
		fail_msg("%s\n--- got\n%.*s--- want\n%s", path, (int)got.len, got.data, want);
	free(want);
}

static void test_case(void **state)
{
	const char *conf = *state;
	struct world *world = NULL;
	struct fw_buf out;
	void *made = NULL;
	char *text = NULL;
	size_t len = 0;
	int result;

	assert_int_equal(world_setup(&made), 0);
	world = made;
	world->env.read_file = case_read;
	world->env.glob = case_glob;
	world->env.user_id = case_user;
	assert_int_equal(fw_file_read(conf, 1u << 20, &text, &len), 0);
	result = fw_policy_load_text(world->arena, &world->diags, &world->env, &(struct fw_policy_file){ conf + strlen(FOLDER), { text, len } },
				     &world->policy);
	render(world, &out);
	/* Errors refuse the policy, and each is told; warnings never do. */
	assert_int_equal(result, world->diags.errors ? FW_REPORTED : 0);
	assert_true(world->diags.errors + world->diags.warnings > 0);
	compare(conf, fw_buf_str(&out));
	fw_buf_done(&out);
	free(text);
	world_teardown(&made);
}

int main(void)
{
	struct CMUnitTest tests[MAX_CASES];
	glob_t found = { 0 };
	int failed;

	if (glob(FOLDER "*.conf", 0, NULL, &found) || found.gl_pathc == 0 || found.gl_pathc > MAX_CASES) {
		fprintf(stderr, "no cases in " FOLDER ": run from the top folder\n");
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){ found.gl_pathv[i], test_case, NULL, NULL, found.gl_pathv[i] };
	for (size_t i = found.gl_pathc; i < MAX_CASES; i++)
		tests[i] = (struct CMUnitTest){ 0 };
	failed = _cmocka_run_group_tests("policy_reject", tests, found.gl_pathc, NULL, NULL);
	globfree(&found);
	return failed != 0;
}
