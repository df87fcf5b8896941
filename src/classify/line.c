/* SPDX-License-Identifier: BSD-2-Clause */
#include "classify/line.h"

#include <math.h>
#include <stdbool.h>

#define HALF_DAY_S       43200
#define HALVES_HALF_WEEK 7  /* half days in half a week */
#define HALVES_MONTH     60 /* and in 30 days */
#define SKETCH_BITS      256
#define GAPS_MIN         4 /* fewer say nothing about regularity */

/*
 * SPRT (Wald) on first contacts, as threshold random walk for scan detection
 * (Jung et al. 2004): a failure multiplies the odds by theta1/theta0, a success
 * by (1-theta1)/(1-theta0); theta0 = 0.2, theta1 = 0.8. Below ln(beta/(1-alpha))
 * with beta = 0.01 the line is acquitted and starts anew.
 */
#define STEP_FAILED   1.3862944f  /* ln(0.8 / 0.2) */
#define STEP_REACHED  -1.3862944f /* ln(0.2 / 0.8) */
#define ACQUITTED     -4.6051702f /* ln(0.01) */
#define SUSPICION_MAX 20.0f

static uint64_t hash(struct addr a, uint64_t key)
{
	uint64_t h = key ^ (uint64_t)a.bits;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	h ^= (uint64_t)(a.bits >> 64) + a.family;
	h = (h ^ h >> 29) * 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

static bool sketch_has(const struct sketch *s, uint64_t h)
{
	return s->bits[h >> 6 & 3] >> (h & 63) & 1;
}

static void sketch_add(struct sketch *s, uint64_t h)
{
	s->bits[h >> 6 & 3] |= (uint64_t)1 << (h & 63);
}

static struct sketch sketch_or(const struct sketch *a, const struct sketch *b)
{
	struct sketch s;

	for (int i = 0; i < SKETCH_WORDS; i++)
		s.bits[i] = a->bits[i] | b->bits[i];
	return s;
}

static uint32_t count_linear(unsigned set, unsigned size)
{
	/* A sketch with no free bit has a ceiling, not a count. */
	double empty = set < size ? size - set : 0.5;

	return (uint32_t)lround(-(double)size * log(empty / size));
}

uint32_t sketch_count(const struct sketch *s)
{
	unsigned set = 0;

	for (int i = 0; i < SKETCH_WORDS; i++)
		set += (unsigned)__builtin_popcountll(s->bits[i]);
	return count_linear(set, SKETCH_BITS);
}

void line_init(struct line *l)
{
	*l = (struct line){ 0 };
}

static uint16_t more(uint16_t n)
{
	return n < UINT16_MAX ? (uint16_t)(n + 1) : n;
}

static void day_turn(struct line *l, bool adjacent)
{
	l->day[1] = adjacent ? l->day[0] : (struct sketch){ 0 };
	l->day[0] = (struct sketch){ 0 };
	l->attempts[1] = adjacent ? l->attempts[0] : 0;
	l->failed[1] = adjacent ? l->failed[0] : 0;
	l->outcomes[1] = adjacent ? l->outcomes[0] : 0;
	l->submissions[1] = adjacent ? l->submissions[0] : 0;
	l->attempts[0] = l->failed[0] = l->outcomes[0] = l->submissions[0] = 0;
	l->quarter_most = 0;
}

static void week_turn(struct line *l, bool adjacent)
{
	l->week[1] = adjacent ? l->week[0] : (struct sketch){ 0 };
	l->week[0] = (struct sketch){ 0 };
	if (!adjacent)
		l->hours_days = 0;
}

/* Bring the windows to where `now` is; a time before them counts as the present. */
static void windows_turn(struct line *l, int64_t now_s)
{
	uint32_t half = (uint32_t)(now_s / HALF_DAY_S);
	uint16_t hour = (uint16_t)(now_s / 3600);

	if (half < l->half)
		return;
	if (hour != l->hour) {
		l->hour = hour;
		l->hour_servers = 0;
		l->exchangers = 0;
		l->quarter_count = 0;
	}
	if (half == l->half)
		return;
	day_turn(l, half == l->half + 1);
	if (half / HALVES_HALF_WEEK > l->half / HALVES_HALF_WEEK)
		week_turn(l, half / HALVES_HALF_WEEK == l->half / HALVES_HALF_WEEK + 1);
	if (half / HALVES_MONTH > l->half / HALVES_MONTH) {
		l->month = (struct sketch){ 0 };
		l->fetch = (struct sketch){ 0 };
		l->inbound = 0;
	}
	l->half = half;
}

static void gap_note(struct line *l, uint32_t now_s)
{
	if (l->last_s && now_s > l->last_s && l->gaps < UINT16_MAX) {
		float gap = (float)(now_s - l->last_s), before = gap - l->gap_mean;

		l->gaps++;
		l->gap_mean += before / (float)l->gaps;
		l->gap_squares += before * (gap - l->gap_mean);
	}
	l->last_s = now_s;
}

static uint8_t more8(uint8_t n)
{
	return n < UINT8_MAX ? (uint8_t)(n + 1) : n;
}

static void quarter_note(struct line *l, uint32_t now_s)
{
	uint8_t quarter = (uint8_t)(now_s / 900 % 4);

	if (quarter != l->quarter_of_hour) {
		l->quarter_of_hour = quarter;
		l->quarter_count = 0;
	}
	l->quarter_count = more8(l->quarter_count);
	if (l->quarter_count > l->quarter_most)
		l->quarter_most = l->quarter_count;
}

static void outcome_note(struct line *l, enum contact_outcome outcome, bool first)
{
	if (outcome == CONTACT_UNKNOWN)
		return;
	l->outcomes[0] = more(l->outcomes[0]);
	if (outcome == CONTACT_FAILED)
		l->failed[0] = more(l->failed[0]);
	if (!first)
		return;
	l->suspicion += outcome == CONTACT_FAILED ? STEP_FAILED : STEP_REACHED;
	if (l->suspicion <= ACQUITTED)
		l->suspicion = 0;
	if (l->suspicion > SUSPICION_MAX)
		l->suspicion = SUSPICION_MAX;
}

static void smtp_note(struct line *l, const struct contact *c, uint64_t h, uint16_t provider,
		      uint32_t now_s)
{
	bool first = !sketch_has(&l->month, h);

	if (!sketch_has(&l->day[0], h))
		l->hour_servers = more8(l->hour_servers);
	sketch_add(&l->day[0], h);
	sketch_add(&l->week[0], h);
	sketch_add(&l->month, h);
	l->attempts[0] = more(l->attempts[0]);
	outcome_note(l, c->outcome, first);
	quarter_note(l, now_s);
	gap_note(l, now_s);
	l->hours_days |= 1u << (now_s / 3600 % 24) | 1u << (24 + now_s / 86400 % 7);
	if (provider)
		l->provider = provider;
}

void line_note(struct line *l, const struct contact *c, uint64_t hash_key, uint16_t provider,
	       struct wall now)
{
	uint64_t h = hash(c->other, hash_key);

	windows_turn(l, now.s);
	if (c->inbound) {
		if (c->port == 25 && c->outcome != CONTACT_FAILED)
			l->inbound |= 1u << (h & 31);
		return;
	}
	if (c->port == 25) {
		smtp_note(l, c, h, provider, (uint32_t)now.s);
		return;
	}
	if (port_fetches_mail(c->port) || port_submits_mail(c->port))
		sketch_add(&l->fetch, h);
	if (port_submits_mail(c->port))
		l->submissions[0] = more(l->submissions[0]);
}

void line_note_exchanger(struct line *l, uint64_t name_hash, struct wall now)
{
	windows_turn(l, now.s);
	l->exchangers |= (uint64_t)1 << (name_hash & 63);
}

static bool sketches_meet(const struct sketch *a, const struct sketch *b)
{
	for (int i = 0; i < SKETCH_WORDS; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

static float gap_variation(const struct line *l)
{
	if (l->gaps < GAPS_MIN || l->gap_mean <= 0)
		return -1;
	return sqrtf(l->gap_squares / (float)l->gaps) / l->gap_mean;
}

struct line_figures line_figures(const struct line *l, struct wall now)
{
	struct line w = *l;

	windows_turn(&w, now.s);
	struct sketch day = sketch_or(&w.day[0], &w.day[1]);
	struct sketch week = sketch_or(&w.week[0], &w.week[1]);

	return (struct line_figures){
		.servers_day = sketch_count(&day),
		.servers_week = sketch_count(&week),
		.attempts = (uint32_t)w.attempts[0] + w.attempts[1],
		.failed = (uint32_t)w.failed[0] + w.failed[1],
		.outcomes = (uint32_t)w.outcomes[0] + w.outcomes[1],
		.connections_quarter = w.quarter_most,
		.inbound_peers = count_linear((unsigned)__builtin_popcount(w.inbound), 32),
		.servers_hour = w.hour_servers,
		.exchangers = count_linear((unsigned)__builtin_popcountll(w.exchangers), 64),
		.hours = (uint32_t)__builtin_popcount(w.hours_days & 0xffffff),
		.days = (uint32_t)__builtin_popcount(w.hours_days >> 24),
		.submissions = (uint32_t)w.submissions[0] + w.submissions[1],
		.suspicion = w.suspicion,
		.gap_variation = gap_variation(&w),
		.provider = w.provider,
		.fetches_there = sketches_meet(&week, &w.fetch),
	};
}
