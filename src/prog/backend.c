/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/backend.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "enforce/nft.h"
#include "enforce/xdp.h"

/* What stands where, next to what should. */
struct standing {
	const struct conf *conf;
	bool found[CONF_INTERFACES_MAX];
	char surplus[16][IFNAMSIZ]; /* more are found the next time */
	size_t surplus_count;
};

static const enum xdp_how hows[ATTACH_COUNT_] = {
	[ATTACH_AUTO] = XDP_ANY,
	[ATTACH_NATIVE] = XDP_NATIVE,
	[ATTACH_GENERIC] = XDP_GENERIC,
	[ATTACH_TC] = XDP_TC,
};

static enum filter_side side_of(const struct conf_interface *i)
{
	return i->side == CONF_UPLINK ? FILTER_UPLINK : FILTER_SUBSCRIBER;
}

static int on_where(void *arg, const struct xdp_where *where)
{
	struct standing *s = arg;

	for (uint32_t i = 0; i < s->conf->interfaces_count; i++) {
		const struct conf_interface *want = &s->conf->interface[i];
		enum xdp_how how = hows[want->attach];

		if (strcmp(want->name, where->ifname) != 0)
			continue;
		s->found[i] = where->alive && (how == XDP_ANY || how == where->how) &&
			      where->side == side_of(want);
		return 0;
	}
	if (s->surplus_count < sizeof(s->surplus) / sizeof(*s->surplus))
		snprintf(s->surplus[s->surplus_count++], IFNAMSIZ, "%s", where->ifname);
	return 0;
}

static void count(struct filter_drift *d, const char *ifname, const char *what)
{
	d->objects++;
	if (!*d->first)
		snprintf(d->first, sizeof(d->first), "interface %s %s", ifname, what);
}

static int attach_one(const struct conf *c, const struct conf_interface *i, struct filter *f,
		      struct filter_drift *drift, struct why *why)
{
	const struct xdp_at at = {
		.ifname = i->name,
		.side = side_of(i),
		.how = hows[i->attach],
		.fix = c->vlan_offload_off,
	};

	if (!if_nametoindex(i->name))
		return 0;
	int r = xdp_attach(f, &at, NULL, why);
	if (r == -ENODEV) /* it has gone since */
		return 0;
	if (r == 0)
		count(drift, i->name, "was not filtered");
	return r;
}

static int attach_xdp(const struct conf *c, struct filter *f, struct filter_drift *drift,
		      struct why *why)
{
	struct standing s = { .conf = c };
	int r = xdp_where(f, on_where, &s, why), bad = 0;
	struct why first = { 0 };

	if (r < 0)
		return r;
	for (size_t i = 0; i < s.surplus_count; i++) {
		r = xdp_detach(f, s.surplus[i], why);
		if (r < 0)
			return r;
		count(drift, s.surplus[i], "was filtered, and is none of ours");
	}
	/* One interface that can not be filtered must not keep the others open. */
	for (uint32_t i = 0; i < c->interfaces_count; i++) {
		r = s.found[i] ? 0 : attach_one(c, &c->interface[i], f, drift, why);
		if (r < 0 && bad == 0) {
			bad = r;
			first = *why;
		}
	}
	if (bad < 0 && why)
		*why = first;
	return bad;
}

int backend_attach(const struct conf *c, struct filter *f, struct filter_drift *drift,
		   struct why *why)
{
	return c->backend == BACKEND_XDP ? attach_xdp(c, f, drift, why) : 0;
}

static int open_xdp(const struct conf *c, struct filter **ret, struct why *why)
{
	struct xdp_options o = XDP_OPTIONS;

	o.pin_dir = c->pin_dir;
	o.resets_per_s = c->reset_rate;
	return xdp_filter_open(&o, ret, why);
}

static int open_nft(const struct conf *c, struct filter **ret, struct why *why)
{
	static const enum nft_place places[PLACE_COUNT_] = { NFT_FORWARD, NFT_PREROUTING,
							     NFT_BRIDGE };
	const char *subscribers[CONF_INTERFACES_MAX];
	struct nft_options o = { .place = places[c->nft_place], .subscribers = subscribers };

	for (uint32_t i = 0; i < c->interfaces_count; i++)
		if (c->interface[i].side == CONF_SUBSCRIBER)
			subscribers[o.subscribers_count++] = c->interface[i].name;
	return nft_new(&o, ret, why);
}

int backend_open(const struct conf *c, struct filter **ret, struct why *why)
{
	return c->backend == BACKEND_XDP ? open_xdp(c, ret, why) : open_nft(c, ret, why);
}

int backend_set_open(const struct conf *c, bool open, struct why *why)
{
	own(filter) struct filter *f = NULL;

	if (c->backend == BACKEND_XDP)
		return xdp_set_open(c->pin_dir, open, why);
	int r = backend_open(c, &f, why);
	return r < 0 ? r : f->ops->set_open(f, open, why);
}
