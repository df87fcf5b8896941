/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/declaration.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/cmocka.h"

/* What `porteiro index --json` prints, with things in it that must stay at home. */
static const char index_json[] =
    "{\"quiet_days\":0,\"window\":{\"from\":\"2026-10-01\",\"to\":\"2026-10-30\"},"
    "\"users\":{\"active\":1000,\"base\":1500,\"list\":[\"maria@provedor.example\"]},"
    "\"by_channel\":{\"legacy25\":70,\"587\":500,\"465\":300,\"webmail\":125,\"other\":5},"
    "\"messages\":{\"legacy25\":700,\"587\":9000,\"465\":7000,\"webmail\":300,\"other\":5,"
    "\"unclassified\":12},"
    "\"index\":{\"active\":0.93,\"worst_case\":0.918},"
    "\"lines\":{\"read\":90000,\"understood\":80000,\"ignored\":9990,\"malformed\":10},"
    "\"accounts\":{\"maria@provedor.example\":\"legacy25\"},\"key\":\"9f2c1d\"}";

static struct tally index_tally(void)
{
	json_t *j = json_loads(index_json, 0, NULL);
	struct tally t;
	struct why why = { 0 };

	assert_non_null(j);
	if (tally_read(j, &t, &why) < 0)
		fail_msg("%s", why.text);
	json_decref(j);
	return t;
}

static struct wall at(const char *text)
{
	struct wall w;

	assert_true(wall_parse(text, &w));
	return w;
}

/* A chain of two days, the second of which is declared. */
struct fixture {
	struct signkey key;
	struct record_chain *chain;
	struct declaration d;
	char *text;
};

static char *chain_text(void)
{
	struct tally day = index_tally(), next = index_tally();
	struct record one, two;
	char *a, *b, *both;

	strcpy(day.from, "2026-09-30");
	strcpy(day.to, "2026-10-29");
	assert_int_equal(record_line(NULL, &day, &a, &one, NULL), 0);
	assert_int_equal(record_line(&one, &next, &b, &two, NULL), 0);
	assert_true(asprintf(&both, "%s%s", a, b) > 0);
	free(a);
	free(b);
	return both;
}

static void fixture_up(struct fixture *f)
{
	own_mem char *lines = chain_text();
	struct why why = { 0 };

	memset(f, 0, sizeof(*f));
	assert_int_equal(signkey_new(&f->key), 0);
	assert_int_equal(record_chain_parse(lines, strlen(lines), &f->chain, NULL), 0);
	f->d = (struct declaration){ .name = "Provedor Ação Ltda",
				     .domain = "provedor.example",
				     .serial = 3,
				     .issued = at("2026-10-31"),
				     .expires = at("2026-12-31"),
				     .tally = f->chain->records[1].tally,
				     .records = 2,
				     .method_version = "0.1.0" };
	strcpy(f->d.head, f->chain->records[1].hash);
	if (declaration_write(&f->d, &f->key, &f->text, &why) < 0)
		fail_msg("%s", why.text);
}

static void fixture_down(struct fixture *f)
{
	record_chain_free(f->chain);
	free(f->text);
}

static enum declaration_fault verdict(const char *text, const struct declaration_trust *trust,
				      struct why *why)
{
	struct declaration d;
	enum declaration_fault fault = declaration_read(text, strlen(text), &d, why);

	return fault == DECLARATION_OK ? declaration_judge(&d, trust, why) : fault;
}

static void a_good_one_is_accepted_and_says_what_it_was_made_of(void **state)
{
	struct fixture f;
	struct declaration d;
	struct why why = { 0 };
	(void)state;

	fixture_up(&f);
	struct declaration_trust trust = {
		.key = &f.key.pub, .records = f.chain, .serial_seen = 2, .now = at("2026-11-20")
	};
	assert_int_equal(verdict(f.text, &trust, &why), DECLARATION_OK);
	assert_int_equal(declaration_read(f.text, strlen(f.text), &d, NULL), DECLARATION_OK);
	assert_true(tally_equal(&d.tally, &f.d.tally));
	assert_string_equal(d.name, "Provedor Ação Ltda");
	assert_int_equal(d.tally.migrated, 930);
	assert_string_equal(d.digest, f.d.digest);
	fixture_down(&f);
}

static char *replaced(const char *text, const char *old, const char *new)
{
	const char *p = strstr(text, old);
	char *out;

	if (!p)
		fail_msg("no %s in %s", old, text);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(p - text), text, new, p + strlen(old)) > 0);
	return out;
}

static void a_bad_one_is_refused_with_its_reason(void **state)
{
	struct fixture f;
	struct signkey other;
	(void)state;

	fixture_up(&f);
	assert_int_equal(signkey_new(&other), 0);
	struct declaration_trust good = { .now = at("2026-11-20") };
	struct declaration_trust keyed = good, late = good, early = good, seen = good;

	keyed.key = &other.pub;
	late.now = at("2026-12-31");
	early.now = at("2026-10-29");
	seen.serial_seen = 3;
	const struct {
		const char *old, *new;
		const struct declaration_trust *trust;
		enum declaration_fault fault;
		const char *says;
	} rows[] = {
		/* clang-format off */
		{ "\"active\":1000", "\"active\":1001", &good,  DECLARATION_ALTERED,   "does not fit" },
		{ "\"serial\":3",    "\"serial\":4",    &good,  DECLARATION_ALTERED,   "does not fit" },
		{ "2026-12-31T",     "2027-12-31T",     &good,  DECLARATION_ALTERED,   "does not fit" },
		{ "Provedor",        "Provider",        &good,  DECLARATION_ALTERED,   "does not fit" },
		{ "\"signature\":",  "\"signatur\":",   &good,  DECLARATION_ALTERED,   "no signature" },
		{ "\"465\":300",     "\"465\":-3",      &good,  DECLARATION_MALFORMED, "by_channel.465" },
		{ ",\"webmail\":125", "",                &good,  DECLARATION_MALFORMED, "by_channel.webmail" },
		{ "{",               "{\"type\":1,",    &good,  DECLARATION_MALFORMED, "duplicate" },
		{ "{",               "",                &good,  DECLARATION_MALFORMED, "line 1" },
		{ "",                "",                &keyed, DECLARATION_WRONG_KEY, "signed with key" },
		{ "",                "",                &late,  DECLARATION_EXPIRED,   "until 2026-12-31" },
		{ "",                "",                &early, DECLARATION_NOT_YET,   "dated 2026-10-31" },
		{ "",                "",                &seen,  DECLARATION_REPLAYED,  "serial 3 was seen" },
		/* clang-format on */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		own_mem char *text = replaced(f.text, rows[i].old, rows[i].new);
		struct why why = { 0 };

		assert_int_equal(verdict(text, rows[i].trust, &why), rows[i].fault);
		if (!strstr(why.text, rows[i].says))
			fail_msg("row %zu says: %s", i, why.text);
	}
	fixture_down(&f);
}

/* A provider may sign what does not add up: it is refused all the same. */
static char *sign_anyway(const struct fixture *f, const char *old, const char *new)
{
	own_mem char *text = replaced(f->text, old, new), *form = NULL;
	json_t *j = json_loads(text, 0, NULL);
	uint8_t signature[SIGNATURE_BYTES];
	char b[SIGNATURE_BYTES * 2], *out;

	assert_non_null(j);
	json_object_del(j, "signature");
	form = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(3));
	signkey_sign(&f->key, form, strlen(form), signature);
	sodium_bin2base64(b, sizeof(b), signature, sizeof(signature),
			  sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(j, "signature", json_string(b));
	out = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(3));
	json_decref(j);
	return out;
}

static void what_is_signed_but_wrong_is_refused_too(void **state)
{
	static const struct {
		const char *old, *new;
		enum declaration_fault fault;
		const char *says;
	} rows[] = {
		/* clang-format off */
		{ "", "", DECLARATION_OK, "" },
		{ "\"active\":0.93", "\"active\":0.95", DECLARATION_INCONSISTENT, "the index says 0.9500" },
		{ "\"migrated\":930", "\"migrated\":1001", DECLARATION_INCONSISTENT, "can not be" },
		{ "\"migrated_worst\":918", "\"migrated_worst\":931", DECLARATION_INCONSISTENT, "in the worst case" },
		{ "\"migrated_worst\":918", "\"migrated_worst\":900", DECLARATION_INCONSISTENT, "the worst case says" },
		{ "\"known\":1000", "\"known\":990", DECLARATION_INCONSISTENT, "its counts say 0.9394" },
		{ "\"webmail\":125}", "\"webmail\":3}", DECLARATION_INCONSISTENT, "fewer than" },
		{ "\"worst_case\":0.918", "\"worst_case\":0.94", DECLARATION_INCONSISTENT, "the worst case says" },
		{ "\"legacy25\":70,\"other\":5,\"unclassified\":0", "\"legacy25\":71,\"other\":5,\"unclassified\":0", DECLARATION_INCONSISTENT, "more than the 1000" },
		{ "\"587\":500", "\"587\":1001", DECLARATION_INCONSISTENT, "channel 587 has" },
		{ "\"587\":500", "\"587\":400", DECLARATION_INCONSISTENT, "fewer than" },
		{ "\"read\":90000", "\"read\":8", DECLARATION_INCONSISTENT, "more lines" },
		{ "\"to\":\"2026-10-30\"", "\"to\":\"2026-11-01\"", DECLARATION_INCONSISTENT, "after it was issued" },
		{ "\"serial\":3", "\"serial\":0", DECLARATION_INCONSISTENT, "serial 0" },
		{ "provedor.example", "Provedor_", DECLARATION_INCONSISTENT, "is not a domain" },
		{ "{\"by_channel\"", "{\"accounts\":[\"maria\"],\"by_channel\"", DECLARATION_MALFORMED, "members a declaration does not have" },
		{ "\"active\":1000", "\"active\":1000,\"list\":[]", DECLARATION_MALFORMED, "members" },
		{ "\"count\":2", "\"count\":3", DECLARATION_RECORDS, "2 days by then" },
		{ "\"read\":90000", "\"read\":90001", DECLARATION_RECORDS, "other counts" },
		/* clang-format on */
	};
	struct fixture f;
	(void)state;

	fixture_up(&f);
	struct declaration_trust trust = { .key = &f.key.pub,
					   .records = f.chain,
					   .now = at("2026-11-20") };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		own_mem char *text = sign_anyway(&f, rows[i].old, rows[i].new);
		struct why why = { 0 };
		enum declaration_fault fault = verdict(text, &trust, &why);

		if (fault != rows[i].fault || !strstr(why.text, rows[i].says))
			fail_msg("row %zu: fault %d: %s", i, fault, why.text);
	}
	fixture_down(&f);
}

static void nobody_is_named(void **state)
{
	struct fixture f;
	(void)state;

	fixture_up(&f);
	own_mem char *lines = chain_text();
	assert_null(strstr(f.text, "maria"));
	assert_null(strstr(f.text, "9f2c1d"));
	assert_null(strstr(lines, "maria"));
	assert_null(strstr(lines, "9f2c1d"));
	fixture_down(&f);
}

static void a_changed_day_breaks_the_chain(void **state)
{
	static const struct {
		const char *old, *new, *says;
	} rows[] = {
		/* clang-format off */
		{ "\"malformed\":10", "\"malformed\":11", "line 1: it was altered" },
		{ "\"number\":1", "\"number\":2", "line 1: it was altered" },
		{ "}\n", "}", "line 1: end of file" },
		{ "porteiro-record", "record", "line 1: it is not a porteiro-record" },
		/* clang-format on */
	};
	own_mem char *lines = chain_text();
	struct why why = { 0 };
	own(record_chain) struct record_chain *c = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		own_mem char *text = replaced(lines, rows[i].old, rows[i].new);

		assert_int_equal(record_chain_parse(text, strlen(text), &c, &why), -EINVAL);
		if (!strstr(why.text, rows[i].says))
			fail_msg("row %zu: %s", i, why.text);
	}
	/* The first day left out, the last one cut, a day twice. */
	const char *second = strchr(lines, '\n') + 1;
	assert_int_equal(record_chain_parse(second, strlen(second), &c, &why), -EINVAL);
	assert_non_null(strstr(why.text, "does not follow"));
	assert_int_equal(record_chain_parse(lines, strlen(lines) - 1, &c, &why), -EINVAL);
	assert_non_null(strstr(why.text, "line 2: it is cut off"));
	assert_int_equal(record_chain_parse(lines, strlen(lines), &c, &why), 0);
	struct tally again = c->records[1].tally;
	struct record r;
	char *line;
	assert_int_equal(record_line(&c->records[1], &again, &line, &r, &why), -EINVAL);
	assert_non_null(strstr(why.text, "already recorded"));
}

static void keys_are_read_as_they_were_written(void **state)
{
	struct signkey k, again;
	struct signkey_public p;
	char text[SIGNKEY_TEXT_MAX], zone[2 * SIGNKEY_TEXT_MAX];
	struct why why = { 0 };
	(void)state;

	assert_int_equal(signkey_new(&k), 0);
	signkey_text(&k, text);
	assert_int_equal(signkey_parse(text, &again, &why), 0);
	assert_memory_equal(&k, &again, sizeof(k));
	text[25] = text[25] == 'A' ? 'B' : 'A';
	assert_int_equal(signkey_parse(text, &again, &why), -EINVAL);
	assert_int_equal(signkey_parse("porteiro-key 1\n", &again, &why), -EINVAL);

	signkey_public_text(&k.pub, text);
	assert_int_equal(signkey_public_parse(text, &p, &why), 0);
	assert_memory_equal(&p, &k.pub, sizeof(p));
	signkey_public_txt(&k.pub, text);
	snprintf(zone, sizeof(zone), "_porteiro.provedor.example. 3600 IN TXT \"%s\"", text);
	assert_int_equal(signkey_public_parse(zone, &p, &why), 0);
	assert_memory_equal(&p, &k.pub, sizeof(p));
	assert_int_equal(signkey_public_parse("v=DKIM1; k=ed25519; p=AAAA", &p, &why), -EINVAL);
	assert_int_equal(signkey_public_parse("porteiro-ed25519:AAAA", &p, &why), -EINVAL);
	assert_int_equal(signkey_public_parse("", &p, &why), -EINVAL);
}

static void days_and_times_are_real_ones(void **state)
{
	static const struct {
		const char *text;
		_Bool ok;
	} rows[] = {
		{ "2026-02-28", 1 },           { "2026-02-29", 0 },
		{ "2028-02-29", 1 },           { "2026-13-01", 0 },
		{ "2026-00-10", 0 },           { "26-01-01", 0 },
		{ "2026-01-01T00:00:00Z", 1 }, { "2026-01-01T24:00:00Z", 0 },
		{ "2026-01-01 x", 0 },         { "", 0 },
		{ "2026-1--01", 0 },
	};
	struct wall w;
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (wall_parse(rows[i].text, &w) != rows[i].ok)
			fail_msg("%s", rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_is_accepted_and_says_what_it_was_made_of),
		cmocka_unit_test(a_bad_one_is_refused_with_its_reason),
		cmocka_unit_test(what_is_signed_but_wrong_is_refused_too),
		cmocka_unit_test(nobody_is_named),
		cmocka_unit_test(a_changed_day_breaks_the_chain),
		cmocka_unit_test(keys_are_read_as_they_were_written),
		cmocka_unit_test(days_and_times_are_real_ones),
	};

	return cmocka_run_group_tests_name("declaration", tests, NULL, NULL);
}
