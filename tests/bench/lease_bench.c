/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lease_bench: what it costs to ask who had an address, among millions of leases.
 *
 *     lease_bench [LEASES [LINES]]
 *
 * LINES addresses (default 50,000) with LEASES leases between them (default
 * 10,000,000), one behind the other, each line moving to another address. Beside
 * these a hundredth as many blocks of ports, so that two kinds of place are
 * asked. The file is made in $TMPDIR and removed. One JSON line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/lease_store.h"

#define START_S  1700000000
#define LEASE_S  86400
#define LOOK_UPS 200000

/* CPU time of this process: others may be busy beside it. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t state = 88172645463325252ULL;

static uint64_t dice(uint64_t sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % sides;
}

static struct lease lease_at(uint64_t address, uint64_t day, uint64_t lines)
{
	struct lease l = { .place = { { 0x0a000000 + address, FAMILY_V4 }, 32 },
			   .ports = LEASE_PORTS_ALL,
			   .source = LEASE_RADIUS,
			   .end = LEASE_REPORTED };

	l.from = START_S + (int64_t)day * LEASE_S;
	l.until = l.seen = l.from + LEASE_S - 60;
	snprintf(l.line, sizeof(l.line), "line%" PRIu64, (address + day) % lines);
	return l;
}

static int fill(struct lease_store *s, uint64_t leases, uint64_t lines)
{
	enum lease_added added;
	uint64_t days = leases / lines;

	for (uint64_t a = 0; a < lines; a++) {
		int r = a % 1000 == 0 ? lease_store_begin(s) : 0;

		for (uint64_t d = 0; r == 0 && d < days; d++) {
			struct lease l = lease_at(a, d, lines);

			r = lease_store_add(s, &l, &added);
			if (r == 0 && d % 100 == 0) {
				l.place.addr.bits += 0x01000000;
				l.ports = 512;
				l.port_low = (uint32_t)(1024 + d % 7 * 512);
				r = lease_store_add(s, &l, &added);
			}
		}
		if (r == 0 && (a % 1000 == 999 || a + 1 == lines))
			r = lease_store_commit(s);
		if (r < 0)
			return r;
	}
	return 0;
}

/* CPU seconds a look-up, or -1: every answer is checked. */
static double look_up(struct lease_store *s, uint64_t days, uint64_t lines)
{
	static struct lease_answer answer;
	double begin = seconds();

	for (int i = 0; i < LOOK_UPS; i++) {
		uint64_t a = dice(lines), d = dice(days);
		struct lease want = lease_at(a, d, lines);
		struct wall at = { want.from + 100 };

		if (lease_store_who(s, want.place.addr, 1500, at, &lease_terms_default, &answer) <
			0 ||
		    answer.verdict != LEASE_FOUND ||
		    strcmp(answer.candidate[0].lease.line, want.line) != 0)
			return -1;
	}
	return (seconds() - begin) / LOOK_UPS;
}

int main(int argc, char **argv)
{
	uint64_t leases = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	uint64_t lines = argc > 2 ? strtoull(argv[2], NULL, 10) : 50000;
	const char *folder = getenv("TMPDIR");
	own(lease_store) struct lease_store *s = NULL;
	struct why why = { 0 };
	char path[256], other[272];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "%s/lease_bench.%d", folder ? folder : "/tmp", getpid());
	if (!lines || leases < lines || lease_store_open(path, true, &s, &why) < 0) {
		fprintf(stderr, "lease_bench: %s\n", why.code ? why.text : "LEASES >= LINES > 0");
		return 2;
	}
	double begin = seconds();
	int r = fill(s, leases, lines);
	double filled = seconds() - begin, each = r < 0 ? -1 : look_up(s, leases / lines, lines);

	stat(path, &st);
	if (each > 0)
		printf("{\"bench\":\"lease\",\"leases\":%" PRIu64
		       ",\"add_per_cpu_s\":%.0f,\"look_up_cpu_us\":%.2f,\"bytes_each\":%.1f}\n",
		       leases, (double)leases / filled, each * 1e6,
		       (double)st.st_size / (double)leases);
	else
		fprintf(stderr, "lease_bench: %s\n", r < 0 ? lease_store_why(s) : "wrong answer");
	unlink(path);
	snprintf(other, sizeof(other), "%s-wal", path);
	unlink(other);
	snprintf(other, sizeof(other), "%s-shm", path);
	unlink(other);
	return each > 0 ? 0 : 1;
}
