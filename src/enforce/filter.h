/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter: a place that refuses packets, whatever it is made of.
 *
 * Each back end (xdp, nft) gives one `struct filter`; the daemon and the tests
 * know only this. A filter is a function of the ruleset loaded last: it judges
 * nothing and stores nothing beyond it. The kernel is the truth of what is in
 * force; compare() reads it back.
 *
 * Not thread-safe. All calls return 0 or a negative errno with `why` filled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/own.h"
#include "base/why.h"
#include "model/addr.h"
#include "model/ruleset.h"

/* What stands in the kernel beside what the ruleset says. All zero: equal. */
struct filter_drift {
	size_t ranges;    /* address ranges with another treatment, v4 and v6 */
	double addresses; /* in them */
	size_t objects;   /* other things missing, surplus or changed: chains, links, smarthosts */
	char first[200];  /* the first difference, in words; "" when equal */
};

/* Counters of one class, summed over CPUs; they survive loads and restarts. */
struct filter_count {
	char class[CLASS_NAME_MAX];            /* class_name() */
	uint64_t rejected, dropped, monitored; /* packets */
	uint64_t passed; /* SYNs to port 25 that were looked up and let through */
};
typedef int (*filter_count_fn)(void *arg, const struct filter_count *count);

struct filter;
struct filter_ops {
	const char *name; /* "xdp", "nft" */
	/* Put the whole ruleset in force at once: every packet sees the old one or the new one. */
	int (*load)(struct filter *f, const struct ruleset *rs, struct why *why);
	/*
	 * Give the addresses of `prefix` this class now, in place, without a load: for one
	 * exception. `rs` is what is in force; the class is one of rs->classes or a new one.
	 * -ENOSPC when it does not fit in place: the caller loads instead.
	 */
	int (*put)(struct filter *f, const struct ruleset *rs, struct prefix prefix,
		   const struct class *class, struct why *why);
	/* Read the kernel back against the ruleset, restrictions as of `now`. */
	int (*compare)(struct filter *f, const struct ruleset *rs, struct wall now,
		       struct filter_drift *ret, struct why *why);
	/* Open everything, or take that back. Stays until taken back, also across restarts. */
	int (*set_open)(struct filter *f, bool open, struct why *why);
	int (*is_open)(struct filter *f, bool *ret, struct why *why);
	/* One call of `fn` per class that has ever counted; stops when it returns non-zero. */
	int (*counters)(struct filter *f, filter_count_fn fn, void *arg, struct why *why);
	/* Let go of descriptors; what is in force stays in force. */
	void (*free)(struct filter *f);
};

struct filter {
	const struct filter_ops *ops;
};

static inline void filter_free(struct filter *f)
{
	if (f)
		f->ops->free(f);
}
OWNABLE(filter)
