/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/xdp_accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/lines_abi.h"
#include "enforce/xdp_priv.h"

/* The packet program counts time in 2^30 ns, on the monotonic clock (CLOCK_MONOTONIC_COARSE). */
static uint32_t now_units(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)(((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec) >> 30);
}

static struct xdp_account account_of(const struct lines_account *a)
{
	struct xdp_account r = {
		.syn25 = a->syn25,
		.syn465 = a->syn465,
		.syn587 = a->syn587,
		.refused = a->refused,
	};

	if (a->family == 4)
		r.line = (struct prefix){ { a->key, FAMILY_V4 }, 32 };
	else
		r.line = (struct prefix){ { (addr_bits)a->key << 64, FAMILY_V6 }, 64 };
	memcpy(r.sketch, a->sketch, sizeof(r.sketch));
	return r;
}

/*
 * Head and body of a set are two map values: read the head before and after, and
 * again if who is in has changed meanwhile. Counts that grow between are no fault.
 */
static int set_read(struct xdp_filter *x, uint32_t set, struct lines_head *head,
		    struct lines_body *body)
{
	struct lines_head after;
	int heads = xdp_map_fd(x, MAP_HEADS);

	if (bpf_map_lookup_elem_flags(heads, &set, head, BPF_F_LOCK) < 0)
		return -errno;
	for (;;) {
		if (bpf_map_lookup_elem(xdp_map_fd(x, MAP_BODIES), &set, body) < 0 ||
		    bpf_map_lookup_elem_flags(heads, &set, &after, BPF_F_LOCK) < 0)
			return -errno;
		if (memcmp(head->tag, after.tag, sizeof(after.tag)) == 0)
			return 0;
		*head = after;
	}
}

int xdp_accounts(struct filter *f, xdp_account_fn fn, void *arg, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	uint32_t now = now_units();
	int r = 0;

	if (xdp_map_fd(x, MAP_HEADS) < 0)
		return why_set(why, -ENOENT, "lines are not accounted for");
	for (uint32_t set = 0; r == 0 && set < xdp_account_sets(x); set++) {
		struct lines_head head;
		struct lines_body body;

		r = set_read(x, set, &head, &body);
		if (r < 0)
			return why_set(why, r, "can not read the accounts: %s", strerror(-r));
		for (int i = 0; r == 0 && i < LINES_WAYS; i++) {
			if (!head.tag[i])
				continue;
			struct xdp_account a = account_of(&body.way[i]);

			a.idle_s = now > head.seen[i] ? now - head.seen[i] : 0;
			r = fn(arg, &a);
		}
	}
	return r;
}

struct told {
	xdp_account_fn fn;
	void *arg;
};

static int on_closed(void *arg, void *bytes, size_t len)
{
	struct told *t = arg;

	if (len < sizeof(struct lines_account))
		return 0;
	struct xdp_account a = account_of(bytes);
	return t->fn(t->arg, &a);
}

int xdp_accounts_closed(struct filter *f, xdp_account_fn fn, void *arg, struct why *why)
{
	struct told t = { fn, arg };
	int fd = xdp_map_fd(xdp_of(f), MAP_CLOSED);
	struct ring_buffer *ring = fd < 0 ? NULL : ring_buffer__new(fd, on_closed, &t, NULL);

	if (!ring)
		return why_set(why, -ENOENT, "lines are not accounted for");
	int r = ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return r < 0 ? r : 0;
}
