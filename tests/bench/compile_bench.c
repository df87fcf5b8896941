/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile_bench: how long a plan of N prefixes takes to become a ruleset, and
 * in how much memory, plan and result included. One JSON line per size and shape.
 *
 * Half of the prefixes are IPv4, half IPv6, in random order, divided among 100
 * segments. "disjoint": /32 and /64 at random in a /8 and a /32. "nested":
 * lengths from /12 to /32 and from /36 to /64, so that most lie in others. Each
 * figure is the median of five runs in processes of their own; the memory is
 * the largest of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decide/compile.h"

#define SEGMENTS 100
#define RUNS     5

struct result {
	double seconds;
	long rss_kb;
	size_t intervals;
};

static uint64_t state = 1;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static struct prefix random_prefix(bool nested)
{
	enum family f = next_random() % 2 ? FAMILY_V6 : FAMILY_V4;
	unsigned top = f == FAMILY_V4 ? 8 : 32, len = f == FAMILY_V4 ? 32 : 64;
	addr_bits bits = f == FAMILY_V4 ? 10 : 0x20010db8;

	if (nested)
		len -= (unsigned)(next_random() % (len - top - 3));
	bits = bits << (len - top) | (next_random() & (((uint64_t)1 << (len - top)) - 1));
	return (struct prefix){ { bits << (family_bits(f) - len), f }, (uint8_t)len };
}

/* By the prefix itself: one that is drawn twice does not contradict itself. */
static unsigned segment_of(struct prefix p)
{
	uint64_t h =
	    ((uint64_t)(p.addr.bits >> 64) ^ (uint64_t)p.addr.bits ^ p.len) * 0x9e3779b97f4a7c15u;

	return (unsigned)(h >> 32) % SEGMENTS;
}

/* Freed by the end of the process. */
static void plan_fill(struct plan *plan, size_t count, bool nested)
{
	struct segment *s = calloc(SEGMENTS, sizeof(*s));

	for (unsigned i = 0; s && i < SEGMENTS; i++) {
		s[i].name = malloc(16);
		s[i].prefixes = malloc((count / SEGMENTS * 2 + 64) * sizeof(*s->prefixes));
		if (!s[i].name || !s[i].prefixes)
			exit(2);
		snprintf(s[i].name, 16, "segment-%u", i);
		s[i].treatment = i % 3 ? TREATMENT_CLOSED : TREATMENT_OPEN;
		s[i].mode = MODE_REJECT;
	}
	if (!s)
		exit(2);
	for (size_t i = 0; i < count; i++) {
		struct prefix p = random_prefix(nested);
		struct segment *to = &s[segment_of(p)];

		if (to->prefixes_count < count / SEGMENTS * 2 + 64)
			to->prefixes[to->prefixes_count++].prefix = p;
	}
	*plan = (struct plan){ .segments = s, .segments_count = SEGMENTS };
}

static struct result measure(size_t count, bool nested)
{
	struct ruleset *rs = NULL;
	struct why why = { 0 };
	struct rusage usage;
	struct plan plan;

	plan_fill(&plan, count, nested);
	struct mono begin = mono_now();
	if (compile(&(struct compile_input){ .plan = &plan }, (struct wall){ 0 }, &rs, &why) < 0) {
		fprintf(stderr, "compile_bench: %s\n", why.text);
		exit(2);
	}
	struct span took = mono_since(begin, mono_now());
	getrusage(RUSAGE_SELF, &usage);
	return (struct result){ (double)took.ns / 1e9, usage.ru_maxrss,
				rs->v4_count + rs->v6_count };
}

/* In a process of its own, so that its memory is its own. */
static int measure_apart(size_t count, bool nested, uint64_t seed, struct result *ret)
{
	int pipes[2], status;

	fflush(stdout);
	if (pipe(pipes) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		state = seed;
		struct result r = measure(count, nested);
		_exit(write(pipes[1], &r, sizeof(r)) == sizeof(r) ? 0 : 2);
	}
	close(pipes[1]);
	ssize_t got = child < 0 ? -1 : read(pipes[0], ret, sizeof(*ret));
	close(pipes[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0 || got != sizeof(*ret))
		return -1;
	return 0;
}

static int by_seconds(const void *x, const void *y)
{
	const struct result *a = x, *b = y;

	return a->seconds < b->seconds ? -1 : a->seconds > b->seconds;
}

int main(void)
{
	static const size_t sizes[] = { 1000, 65536, 1000000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (int nested = 0; nested < 2; nested++) {
			struct result r[RUNS];
			long rss_kb = 0;

			for (int k = 0; k < RUNS; k++) {
				if (measure_apart(sizes[i], nested, (uint64_t)k + 1, &r[k]) < 0) {
					fputs("compile_bench: a run failed\n", stderr);
					return 2;
				}
				if (r[k].rss_kb > rss_kb)
					rss_kb = r[k].rss_kb;
			}
			qsort(r, RUNS, sizeof(*r), by_seconds);
			printf("{\"bench\":\"compile\",\"shape\":\"%s\",\"prefixes\":%zu,"
			       "\"intervals\":%zu,\"seconds\":%.4f,\"rss_mb\":%.1f}\n",
			       nested ? "nested" : "disjoint", sizes[i], r[RUNS / 2].intervals,
			       r[RUNS / 2].seconds, (double)rss_kb / 1024);
		}
	return 0;
}
