/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/lease_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmocka.h"

static uint64_t random_state;

static uint32_t dice(uint32_t sides)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % sides;
}

static struct lease random_lease(void)
{
	struct lease l = { .ports = LEASE_PORTS_ALL };
	bool v6 = dice(4) == 0;
	int64_t length = dice(dice(10) ? 300 : 5000);

	l.place.addr = (struct addr){ dice(4), v6 ? FAMILY_V6 : FAMILY_V4 };
	l.place.len = v6 ? 56 : 32;
	if (v6)
		l.place.addr.bits <<= 72;
	if (!v6 && dice(3) == 0) {
		l.ports = dice(2) ? 512 : 1000;
		l.port_low = dice(6) * 500;
	}
	l.from = 10000 + dice(3000);
	l.end = (enum lease_end)dice(LEASE_END_COUNT_);
	l.source = (enum lease_source)dice(LEASE_SOURCE_COUNT_);
	l.until =
	    l.end == LEASE_STANDING || l.end == LEASE_UNKNOWN ? LEASE_FOREVER : l.from + length;
	l.seen = l.end == LEASE_STANDING || l.end == LEASE_PROMISED ? l.from : l.from + length;
	if (l.end == LEASE_STANDING)
		l.source = LEASE_TABLE;
	else if (l.source == LEASE_TABLE)
		l.source = LEASE_RADIUS;
	snprintf(l.line, sizeof(l.line), "line%u", dice(5));
	return l;
}

static bool same_place(const struct lease *a, const struct lease *b)
{
	return prefix_compare(a->place, b->place) == 0 && a->port_low == b->port_low &&
	       a->ports == b->ports && a->source == b->source;
}

/* What a person would do with the whole list. */
static void scan(const struct lease *list, size_t count, struct addr a, int port, struct wall at,
		 const struct lease_terms *terms, struct lease_answer *ret)
{
	*ret = (struct lease_answer){ 0 };
	for (size_t i = 0; i < count; i++) {
		const struct lease *l = &list[i];
		int64_t next = LEASE_FOREVER;

		if (!prefix_holds(l->place, a))
			continue;
		if (port >= 0 && l->ports != LEASE_PORTS_ALL &&
		    ((uint32_t)port < l->port_low || (uint32_t)port >= l->port_low + l->ports))
			continue;
		for (size_t j = 0; j < count; j++)
			if (same_place(l, &list[j]) && list[j].from > l->from &&
			    list[j].from < next)
				next = list[j].from;
		lease_answer_add(ret, l, lease_judge(l, next, at, terms));
	}
}

static enum lease_certainty certainty_of(const struct lease_answer *a, const char *line)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->candidate[i].lease.line, line) == 0)
			return a->candidate[i].certainty;
	return LEASE_OUT;
}

static void same_answer(const struct lease_answer *got, const struct lease_answer *want)
{
	assert_int_equal(got->verdict, want->verdict);
	assert_int_equal(got->count, want->count);
	for (size_t i = 0; i < want->count; i++)
		assert_int_equal(certainty_of(got, want->candidate[i].lease.line),
				 want->candidate[i].certainty);
}

/* The reference's own list: reports of the same lease merged as the header says. */
static void list_add(struct lease *list, size_t *count, const struct lease *l)
{
	const struct lease *before = NULL;

	for (size_t i = 0; i < *count; i++) {
		if (!same_place(&list[i], l))
			continue;
		if (list[i].from == l->from && strcmp(list[i].line, l->line) == 0) {
			lease_merge(&list[i], l);
			return;
		}
		if (list[i].from <= l->from && (!before || list[i].from > before->from))
			before = &list[i];
	}
	/* Standing leases of one place and start by several lines are not drawn below. */
	if (l->end == LEASE_STANDING && before && before->end == LEASE_STANDING &&
	    strcmp(before->line, l->line) == 0) {
		lease_merge(&list[before - list], l);
		return;
	}
	list[(*count)++] = *l;
}

static bool standing_clash(const struct lease *list, size_t count, const struct lease *l)
{
	for (size_t i = 0; i < count; i++)
		if (l->end == LEASE_STANDING && same_place(&list[i], l) && list[i].from == l->from)
			return true;
	return false;
}

static void random_history(uint64_t seed)
{
	enum { LEASES = 400 };
	static struct lease list[LEASES];
	static struct lease_answer got, want;
	own(lease_store) struct lease_store *s = NULL;
	enum lease_added added;
	size_t count = 0;

	random_state = seed * 2654435761u + 88172645463325252ULL;
	assert_int_equal(lease_store_open(":memory:", true, &s, NULL), 0);
	for (int i = 0; i < LEASES; i++) {
		struct lease l = random_lease();

		if (standing_clash(list, count, &l))
			continue;
		assert_int_equal(lease_store_add(s, &l, &added), 0);
		list_add(list, &count, &l);
	}
	for (int i = 0; i < 500; i++) {
		bool v6 = dice(4) == 0;
		struct addr a = { dice(5), v6 ? FAMILY_V6 : FAMILY_V4 };
		int port = dice(3) ? (int)dice(4000) : -1;
		struct wall at = { 9900 + dice(9000) };
		struct lease_terms terms = { dice(3) * 5, dice(3) * 200 };

		if (v6)
			a.bits = a.bits << 72 | dice(1000);
		assert_int_equal(lease_store_who(s, a, port, at, &terms, &got), 0);
		scan(list, count, a, port, at, &terms, &want);
		same_answer(&got, &want);
	}
}

static void answers_are_those_of_a_scan(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		random_history(seed);
}

static struct lease session(const char *line, int64_t from, int64_t seen, enum lease_end end)
{
	struct lease l = { .place = { { 0xc0000207, FAMILY_V4 }, 32 },
			   .ports = LEASE_PORTS_ALL,
			   .from = from,
			   .seen = seen,
			   .until = end == LEASE_REPORTED ? seen : LEASE_FOREVER,
			   .end = end,
			   .source = LEASE_RADIUS };

	snprintf(l.line, sizeof(l.line), "%s", line);
	snprintf(l.session, sizeof(l.session), "nas1/%s", line);
	return l;
}

static void reports_of_a_session_are_one_lease_whatever_their_order(void **state)
{
	struct lease reports[] = { session("ana", 1000, 1000, LEASE_UNKNOWN),
				   session("ana", 998, 1600, LEASE_UNKNOWN),
				   session("ana", 1001, 2000, LEASE_REPORTED) };
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 } };
	static struct lease_answer a;
	(void)state;

	for (size_t o = 0; o < 3; o++) {
		own(lease_store) struct lease_store *s = NULL;
		enum lease_added added;
		uint64_t count;

		assert_int_equal(lease_store_open(":memory:", true, &s, NULL), 0);
		for (int i = 0; i < 3; i++)
			assert_int_equal(lease_store_add(s, &reports[orders[o][i]], &added), 0);
		for (int i = 0; i < 3; i++) { /* the same file again */
			assert_int_equal(lease_store_add(s, &reports[i], &added), 0);
			assert_int_equal(added, LEASE_KNOWN);
		}
		assert_int_equal(lease_store_count(s, &count), 0);
		assert_int_equal(count, 1);
		assert_int_equal(lease_store_who(s, reports[0].place.addr, -1,
						 (struct wall){ 1700 }, &lease_terms_default, &a),
				 0);
		assert_int_equal(a.verdict, LEASE_FOUND);
		assert_int_equal(a.candidate[0].certainty, LEASE_SURE);
		assert_int_equal(a.candidate[0].lease.from, 998);
	}
}

static bool file_holds(const char *path, const char *text)
{
	own_file FILE *f = fopen(path, "rb");
	own_mem char *bytes = malloc(1 << 20);
	size_t n = f && bytes ? fread(bytes, 1, 1 << 20, f) : 0;

	return n && memmem(bytes, n, text, strlen(text));
}

static void what_is_forgotten_leaves_no_bytes(void **state)
{
	char path[] = "/tmp/lease_store_test.XXXXXX", wal[64], shm[64];
	own_fd int fd = mkstemp(path);
	own(lease_store) struct lease_store *s = NULL;
	struct lease old = session("customer-of-old", 1000, 2000, LEASE_REPORTED);
	struct lease lost = session("stop-was-lost", 1000, 2000, LEASE_UNKNOWN);
	struct lease fresh = session("customer-of-now", 9000, 9500, LEASE_REPORTED);
	enum lease_added added;
	uint64_t gone;
	(void)state;

	assert_true(fd >= 0);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	snprintf(shm, sizeof(shm), "%s-shm", path);
	assert_int_equal(lease_store_open(path, true, &s, NULL), 0);
	assert_int_equal(lease_store_add(s, &old, &added), 0);
	assert_int_equal(lease_store_add(s, &lost, &added), 0);
	assert_int_equal(lease_store_add(s, &fresh, &added), 0);
	assert_true(file_holds(wal, "customer-of-old") || file_holds(path, "customer-of-old"));
	assert_int_equal(lease_store_forget(s, (struct wall){ 5000 }, &gone), 0);
	assert_int_equal(gone, 2);
	assert_false(file_holds(path, "customer-of-old") || file_holds(wal, "customer-of-old"));
	assert_false(file_holds(path, "stop-was-lost") || file_holds(wal, "stop-was-lost"));
	assert_true(file_holds(path, "customer-of-now"));
	unlink(path);
	unlink(wal);
	unlink(shm);
}

static void another_file_is_refused(void **state)
{
	char path[] = "/tmp/lease_store_test.XXXXXX";
	own_fd int fd = mkstemp(path);
	struct lease_store *s = NULL;
	struct why why = { 0 };
	(void)state;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "this is no database, whatever its name says\n", 44), 44);
	assert_int_equal(lease_store_open(path, true, &s, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, path));
	unlink(path);
	assert_int_equal(lease_store_open(path, false, &s, &why), -ENOENT);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_a_scan),
		cmocka_unit_test(reports_of_a_session_are_one_lease_whatever_their_order),
		cmocka_unit_test(what_is_forgotten_leaves_no_bytes),
		cmocka_unit_test(another_file_is_refused),
	};

	return cmocka_run_group_tests_name("lease_store", tests, NULL, NULL);
}
