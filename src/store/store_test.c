/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cmocka.h"

static char dir[] = "/tmp/store-test-XXXXXX";
static char path[64];

static int fresh(void **state)
{
	char other[80];

	(void)state;
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end;
	     end++) {
		snprintf(other, sizeof(other), "%s%s", path, *end);
		unlink(other);
	}
	return 0;
}

static struct store *open_store(void)
{
	struct store *s = NULL;
	struct why why = { 0 };

	if (store_open(path, &s, &why) < 0)
		fail_msg("%s", why.text);
	return s;
}

static uint64_t note(struct store *s, const char *kind, uint64_t cause)
{
	uint64_t id = 0;

	assert_int_equal(store_journal_add(s, (struct wall){ 1000 }, kind, "ana", cause, "{}", &id),
			 0);
	return id;
}

static void raw(const char *sql, int want)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), want);
	sqlite3_close(db);
}

static int count_entry(void *arg, const struct journal_entry *e)
{
	unsigned *n = arg;

	assert_int_equal(e->id, ++*n);
	return 0;
}

static void the_journal_grows_and_stays_whole(void **state)
{
	own(store) struct store *s = open_store();
	struct journal_check check;
	struct why why = { 0 };
	uint8_t hash[32];
	uint64_t last;
	unsigned n = 0;
	(void)state;

	assert_int_equal(store_begin(s), 0);
	assert_int_equal(note(s, "open", 0), 1);
	assert_int_equal(note(s, "resume", 1), 2);
	assert_int_equal(store_commit(s), 0);
	/* What is rolled back leaves no gap. */
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(note(s, "open", 0), 3);
	store_rollback(s);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(note(s, "open", 0), 3);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_journal(s, 0, 0, count_entry, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(store_journal_verify(s, &check, &why), 0);
	assert_int_equal(store_journal_head(s, &last, hash), 0);
	assert_int_equal(last, 3);
	assert_memory_equal(hash, check.head, 32);
}

static void the_journal_can_not_be_changed_unseen(void **state)
{
	struct store *s = open_store();
	struct journal_check check;
	struct why why = { 0 };
	(void)state;

	assert_int_equal(store_begin(s), 0);
	note(s, "open", 0);
	note(s, "resume", 1);
	assert_int_equal(store_commit(s), 0);
	store_free(s);
	raw("UPDATE journal SET by = 'eve'", SQLITE_CONSTRAINT);
	raw("DELETE FROM journal WHERE id = 2", SQLITE_CONSTRAINT);
	raw("DROP TRIGGER journal_is_append_only_update; UPDATE journal SET by = 'eve' WHERE id = "
	    "2",
	    SQLITE_OK);
	s = open_store();
	assert_int_equal(store_journal_verify(s, &check, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "entry 2"));
	store_free(s);
}

static int take_exception(void *arg, const struct store_exception *x)
{
	struct store_exception *last = arg;

	*last = *x;
	return 0;
}

static void an_exception_names_the_entry_that_brought_and_ended_it(void **state)
{
	own(store) struct store *s = open_store();
	struct store_exception got = { 0 };
	struct exception x = { .until = { 5000 }, .reason = "mail server", .by = "ana" };
	(void)state;

	prefix_parse("2001:db8::/64", &x.prefix);
	assert_int_equal(store_begin(s), 0);
	x.id = note(s, "exception.add", 0);
	assert_int_equal(store_exception_add(s, &x, (struct wall){ 1000 }), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_exceptions(s, false, take_exception, &got), 0);
	assert_int_equal(got.e.id, x.id);
	assert_int_equal(prefix_compare(got.e.prefix, x.prefix), 0);
	assert_int_equal(got.e.until.s, 5000);
	assert_string_equal(got.e.reason, "mail server");

	assert_int_equal(store_begin(s), 0);
	uint64_t end = note(s, "exception.remove", x.id);
	assert_int_equal(store_exception_end(s, x.id, (struct wall){ 2000 }, end), 0);
	assert_int_equal(store_commit(s), 0);
	got.e.id = 0;
	assert_int_equal(store_exceptions(s, false, take_exception, &got), 0);
	assert_int_equal(got.e.id, 0);
	assert_int_equal(store_exceptions(s, true, take_exception, &got), 0);
	assert_int_equal(got.ended.s, 2000);
	assert_int_equal(got.ended_by, end);

	/* No entry, no exception: what is decided is in the journal first. */
	x.id = 77;
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_exception_add(s, &x, (struct wall){ 1000 }), -EEXIST);
	store_rollback(s);
}

static int take_restriction(void *arg, const struct restriction *x)
{
	struct restriction *last = arg;

	*last = *x;
	return 0;
}

static void restrictions_plans_and_the_opening_are_kept(void **state)
{
	struct store *s = open_store();
	struct restriction r = { .until = { 9 }, .mode = MODE_DROP, .reason = "bot" }, got = { 0 };
	struct store_plan p = { .by = "ana",
				.text = (char *)"a: b\n",
				.text_len = 5,
				.pack = (uint8_t *)"\0\1",
				.pack_len = 2 };
	bool open;
	uint64_t cause;
	(void)state;

	prefix_parse("192.0.2.1", &r.prefix);
	assert_int_equal(store_begin(s), 0);
	r.id = note(s, "restriction.add", 0);
	assert_int_equal(store_restriction_add(s, &r, (struct wall){ 1 }), 0);
	p.id = note(s, "plan.apply", 0);
	assert_int_equal(store_plan_add(s, &p), 0);
	assert_int_equal(store_set_opening(s, true, p.id), 0);
	assert_int_equal(store_commit(s), 0);
	store_free(s);

	s = open_store();
	own(store_plan) struct store_plan *kept = NULL;
	assert_int_equal(store_plan_get(s, 0, &kept), 0);
	assert_int_equal(kept->id, p.id);
	assert_string_equal(kept->text, "a: b\n");
	assert_memory_equal(kept->pack, "\0\1", 2);
	assert_int_equal(store_restrictions(s, false, take_restriction, &got), 0);
	assert_int_equal(got.mode, MODE_DROP);
	assert_int_equal(store_opening(s, &open, &cause), 0);
	assert_true(open);
	assert_int_equal(cause, p.id);
	store_free(s);
}

static void what_is_no_store_is_refused(void **state)
{
	struct store *s = NULL;
	struct why why = { 0 };
	(void)state;

	FILE *f = fopen(path, "w");
	fputs(
	    "this is no database, and it is longer than a header of one hundred bytes, so that it "
	    "is looked at as one",
	    f);
	fclose(f);
	assert_int_equal(store_open(path, &s, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "store"));

	fresh(NULL);
	raw("CREATE TABLE t (x); PRAGMA user_version = 1", SQLITE_OK);
	assert_int_equal(store_open(path, &s, &why), -EUCLEAN);

	fresh(NULL);
	store_free(open_store());
	raw("PRAGMA user_version = 9999", SQLITE_OK);
	assert_int_equal(store_open(path, &s, &why), -EPROTONOSUPPORT);
	assert_non_null(strstr(why.text, "later version"));
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_journal_grows_and_stays_whole, fresh),
		cmocka_unit_test_setup(the_journal_can_not_be_changed_unseen, fresh),
		cmocka_unit_test_setup(an_exception_names_the_entry_that_brought_and_ended_it,
				       fresh),
		cmocka_unit_test_setup(restrictions_plans_and_the_opening_are_kept, fresh),
		cmocka_unit_test_setup(what_is_no_store_is_refused, fresh),
	};

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/store", dir);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	fresh(NULL);
	rmdir(dir);
	return r;
}
