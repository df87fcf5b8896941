/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT_MAX (INT64_C(1) << 53) /* what a JSON number holds exactly */
#define ROUNDING  0.00005            /* an index printed with four decimals is off by no more */

const char *const tally_channel_names[TALLY_CHANNEL_COUNT_] = {
#define X(id, name) [TALLY_##id] = name,
	TALLY_CHANNELS(X)
#undef X
};

static const char *const line_names[LINES_COUNT_] = {
	[LINES_READ] = "read",
	[LINES_UNDERSTOOD] = "understood",
	[LINES_IGNORED] = "ignored",
	[LINES_MALFORMED] = "malformed",
};

_Bool day_valid(const char *text)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d, n = 0;

	if (strlen(text) != DAY_TEXT - 1 || strspn(text, "0123456789-") != DAY_TEXT - 1)
		return 0;
	if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || n != DAY_TEXT - 1)
		return 0;
	if (y < 1970 || m < 1 || m > 12 || d < 1)
		return 0;
	_Bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return d <= days[m - 1] + (m == 2 && leap);
}

static int read_count(const json_t *in, const char *object, const char *name, int64_t *ret,
		      struct why *why)
{
	const json_t *v = json_object_get(json_object_get(in, object), name);

	if (!v)
		return why_set(why, -EINVAL, "%s.%s is missing", object, name);
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > COUNT_MAX)
		return why_set(why, -EINVAL, "%s.%s is not a count", object, name);
	*ret = json_integer_value(v);
	return 0;
}

/* The same, but it may be missing or null: then `*ret` stays. */
static int read_optional(const json_t *in, const char *object, const char *name, int64_t *ret,
			 struct why *why)
{
	const json_t *v = json_object_get(json_object_get(in, object), name);

	return !v || json_is_null(v) ? 0 : read_count(in, object, name, ret, why);
}

static int read_share(const json_t *in, const char *name, double *ret, struct why *why)
{
	const json_t *v = json_object_get(json_object_get(in, "index"), name);

	if (!json_is_number(v))
		return why_set(why, -EINVAL, "index.%s is missing or no number", name);
	*ret = json_number_value(v);
	if (!(*ret >= 0 && *ret <= 1))
		return why_set(why, -EINVAL, "index.%s is not between 0 and 1", name);
	return 0;
}

/* Days only: `porteiro index` may print a time of day behind it. */
static int read_day(const json_t *in, const char *name, char ret[DAY_TEXT], struct why *why)
{
	const char *text = json_string_value(json_object_get(json_object_get(in, "window"), name));

	if (!text)
		return why_set(why, -EINVAL, "window.%s is missing", name);
	if (strlen(text) >= DAY_TEXT && text[DAY_TEXT - 1] != 'T')
		return why_set(why, -EINVAL, "window.%s is not a day", name);
	snprintf(ret, DAY_TEXT, "%.10s", text);
	if (!day_valid(ret))
		return why_set(why, -EINVAL, "window.%s is not a day", name);
	return 0;
}

static int read_counts(const json_t *j, struct tally *t, struct why *why)
{
	int r = 0;

	for (int c = 0; r == 0 && c < TALLY_UNCLASSIFIED; c++)
		r = read_count(j, "by_channel", tally_channel_names[c], &t->users[c], why);
	if (r == 0)
		r = read_optional(j, "by_channel", "unclassified", &t->users[TALLY_UNCLASSIFIED],
				  why);
	for (int c = 0; r == 0 && c < TALLY_CHANNEL_COUNT_; c++)
		r = read_count(j, "messages", tally_channel_names[c], &t->messages[c], why);
	for (int l = 0; r == 0 && l < LINES_COUNT_; l++)
		r = read_count(j, "lines", line_names[l], &t->lines[l], why);
	return r;
}

static int read_users(const json_t *j, struct tally *t, struct why *why)
{
	const json_t *quiet = json_object_get(j, "quiet_days");
	int r = read_count(j, "users", "active", &t->active, why);

	if (quiet && (!json_is_integer(quiet) || json_integer_value(quiet) < 0 ||
		      json_integer_value(quiet) > COUNT_MAX))
		return why_set(why, -EINVAL, "quiet_days is no count");
	t->quiet_days = json_integer_value(quiet);
	t->known = t->active;
	if (r == 0)
		r = read_optional(j, "users", "base", &t->base, why);
	if (r == 0)
		r = read_optional(j, "users", "known", &t->known, why);
	t->migrated = t->known - t->users[TALLY_LEGACY25];
	t->migrated_worst = llround(t->worst_case * (double)t->active);
	if (r == 0)
		r = read_optional(j, "users", "migrated", &t->migrated, why);
	if (r == 0)
		r = read_optional(j, "users", "migrated_worst", &t->migrated_worst, why);
	return r;
}

int tally_read(const json_t *j, struct tally *ret, struct why *why)
{
	struct tally t = { .base = -1 };
	int r;

	if (!json_is_object(j))
		return why_set(why, -EINVAL, "it is not a JSON object");
	if ((r = read_day(j, "from", t.from, why)) < 0 || (r = read_day(j, "to", t.to, why)) < 0 ||
	    (r = read_counts(j, &t, why)) < 0 || (r = read_share(j, "active", &t.index, why)) < 0 ||
	    (r = read_share(j, "worst_case", &t.worst_case, why)) < 0 ||
	    (r = read_users(j, &t, why)) < 0)
		return r;
	*ret = t;
	return 0;
}

static int check_channels(const struct tally *t, struct why *why)
{
	int64_t sum = 0;

	for (int c = 0; c < TALLY_CHANNEL_COUNT_; c++) {
		if (t->users[c] > t->active)
			return why_set(why, -EINVAL,
				       "channel %s has %" PRId64 " users, but only %" PRId64
				       " are active",
				       tally_channel_names[c], t->users[c], t->active);
		sum += t->users[c];
	}
	if (sum < t->active)
		return why_set(why, -EINVAL,
			       "the channels have %" PRId64 " users together, fewer than the "
			       "%" PRId64 " active",
			       sum, t->active);
	if (t->migrated > sum - t->users[TALLY_LEGACY25] - t->users[TALLY_UNCLASSIFIED])
		return why_set(why, -EINVAL,
			       "%" PRId64 " users migrated, more than the new channels have",
			       t->migrated);
	return 0;
}

static int check_users(const struct tally *t, struct why *why)
{
	if (t->active == 0)
		return why_set(why, -EINVAL, "nobody is active: there is no index of nothing");
	if (t->known == 0)
		return why_set(why, -EINVAL, "nothing is known of anybody: there is no index");
	if (t->known > t->active || t->migrated > t->known || t->migrated < 0)
		return why_set(why, -EINVAL,
			       "%" PRId64 " migrated of %" PRId64 " known of %" PRId64
			       " active can not be",
			       t->migrated, t->known, t->active);
	if (t->migrated_worst > t->migrated)
		return why_set(why, -EINVAL,
			       "more users migrated in the worst case (%" PRId64 ") than at all "
			       "(%" PRId64 ")",
			       t->migrated_worst, t->migrated);
	if (t->quiet_days == 0 && t->migrated + t->users[TALLY_LEGACY25] > t->active)
		return why_set(why, -EINVAL,
			       "%" PRId64 " migrated and %" PRId64 " on port 25 are more than the "
			       "%" PRId64 " active",
			       t->migrated, t->users[TALLY_LEGACY25], t->active);
	return check_channels(t, why);
}

int tally_check(const struct tally *t, struct why *why)
{
	int r = check_users(t, why);
	if (r < 0)
		return r;

	double share = (double)t->migrated / (double)t->known;
	double worst = (double)t->migrated_worst / (double)t->active;
	if (strcmp(t->from, t->to) > 0)
		return why_set(why, -EINVAL, "the window ends before it begins");
	if (fabs(share - t->index) > ROUNDING)
		return why_set(why, -EINVAL, "the index says %.4f, its counts say %.4f", t->index,
			       share);
	if (fabs(worst - t->worst_case) > ROUNDING + 0.5 / (double)t->active)
		return why_set(why, -EINVAL, "the worst case says %.4f, its counts say %.4f",
			       t->worst_case, worst);
	if (t->worst_case > t->index + ROUNDING)
		return why_set(why, -EINVAL, "the worst case, %.4f, is better than the index, %.4f",
			       t->worst_case, t->index);
	if (t->lines[LINES_UNDERSTOOD] + t->lines[LINES_IGNORED] + t->lines[LINES_MALFORMED] >
	    t->lines[LINES_READ])
		return why_set(why, -EINVAL, "more lines were sorted than were read");
	return 0;
}

static json_t *counts_json(const char *const *names, const int64_t *counts, int n)
{
	json_t *j = json_object();

	for (int i = 0; i < n; i++)
		json_object_set_new(j, names[i], json_integer(counts[i]));
	return j;
}

json_t *tally_json(const struct tally *t)
{
	json_t *base = t->base < 0 ? json_null() : json_integer(t->base);

	return json_pack(
	    "{s:{s:s,s:s}, s:{s:I,s:I,s:I,s:I,s:o}, s:I, s:o, s:o, s:o, s:{s:f,s:f}}", "window",
	    "from", t->from, "to", t->to, "users", "active", (json_int_t)t->active, "known",
	    (json_int_t)t->known, "migrated", (json_int_t)t->migrated, "migrated_worst",
	    (json_int_t)t->migrated_worst, "base", base, "quiet_days", (json_int_t)t->quiet_days,
	    "by_channel", counts_json(tally_channel_names, t->users, TALLY_CHANNEL_COUNT_),
	    "messages", counts_json(tally_channel_names, t->messages, TALLY_CHANNEL_COUNT_),
	    "lines", counts_json(line_names, t->lines, LINES_COUNT_), "index", "active", t->index,
	    "worst_case", t->worst_case);
}

_Bool tally_equal(const struct tally *a, const struct tally *b)
{
	return strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0 &&
	       a->active == b->active && a->known == b->known && a->base == b->base &&
	       a->migrated == b->migrated && a->migrated_worst == b->migrated_worst &&
	       a->quiet_days == b->quiet_days &&
	       memcmp(a->users, b->users, sizeof(a->users)) == 0 &&
	       memcmp(a->messages, b->messages, sizeof(a->messages)) == 0 &&
	       memcmp(a->lines, b->lines, sizeof(a->lines)) == 0 && a->index == b->index &&
	       a->worst_case == b->worst_case;
}
