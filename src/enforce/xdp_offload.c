/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offloads that would hide packets from XDP: tags that the card takes off a
 * frame are not in it, and a frame that the card glued together from several
 * shows one header for all of them.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "enforce/xdp_priv.h"

/* The kernel's names of features, and what ethtool -K calls them. */
static const struct {
	const char *name, *option, *harm;
} hiding[] = {
	{ "rx-vlan-hw-parse", "rxvlan",
	  "the card takes VLAN tags off before the filter sees them" },
	{ "rx-vlan-stag-hw-parse", "rx-vlan-stag-hw-parse",
	  "the card takes outer VLAN tags off before the filter sees them" },
	{ "rx-lro", "lro", "the card joins packets before the filter sees them" },
	{ "rx-gro-hw", "rx-gro-hw", "the card joins packets before the filter sees them" },
};
#define HIDING (sizeof(hiding) / sizeof(*hiding))

struct device {
	int fd;
	const char *ifname;
	uint32_t features;
	struct ethtool_gstrings *names;
};

static int ask(const struct device *d, void *request)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", d->ifname);
	ifr.ifr_data = request;
	return ioctl(d->fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static int read_names(struct device *d)
{
	own_mem struct ethtool_sset_info *info = calloc(1, sizeof(*info) + sizeof(uint32_t));
	int r;

	if (!info)
		return -ENOMEM;
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_FEATURES;
	r = ask(d, info);
	if (r < 0)
		return r;
	d->features = info->data[0];
	d->names = calloc(1, sizeof(*d->names) + d->features * ETH_GSTRING_LEN);
	if (!d->names)
		return -ENOMEM;
	d->names->cmd = ETHTOOL_GSTRINGS;
	d->names->string_set = ETH_SS_FEATURES;
	d->names->len = d->features;
	return ask(d, d->names);
}

static int feature_index(const struct device *d, const char *name)
{
	for (uint32_t i = 0; i < d->features; i++)
		if (strncmp((char *)d->names->data + i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN) ==
		    0)
			return (int)i;
	return -1;
}

/* 1: on, 0: off or unknown to this device. */
static int feature_on(const struct device *d, int index)
{
	const uint32_t blocks = (d->features + 31) / 32;
	own_mem struct ethtool_gfeatures *g =
	    calloc(1, sizeof(*g) + blocks * sizeof(g->features[0]));
	int r;

	if (!g)
		return -ENOMEM;
	g->cmd = ETHTOOL_GFEATURES;
	g->size = blocks;
	r = ask(d, g);
	if (r < 0)
		return r;
	return g->features[index / 32].active >> (index % 32) & 1;
}

static int feature_off(const struct device *d, int index)
{
	const uint32_t blocks = (d->features + 31) / 32;
	own_mem struct ethtool_sfeatures *s =
	    calloc(1, sizeof(*s) + blocks * sizeof(s->features[0]));

	if (!s)
		return -ENOMEM;
	s->cmd = ETHTOOL_SFEATURES;
	s->size = blocks;
	s->features[index / 32].valid = 1U << (index % 32);
	return ask(d, s);
}

static int check_one(const struct device *d, size_t i, bool fix, struct why *why)
{
	int index = feature_index(d, hiding[i].name);
	int on = index < 0 ? 0 : feature_on(d, index);

	if (on > 0 && fix) {
		(void)feature_off(d, index); /* the next line tells whether it is off now */
		on = feature_on(d, index);
	}
	if (on < 0)
		return why_set(why, on, "cannot ask %s for its offloads: %s", d->ifname,
			       strerror(-on));
	if (on > 0 && fix)
		return why_set(why, -EPERM, "%s: %s, and this can not be switched off", d->ifname,
			       hiding[i].harm);
	if (on > 0)
		return why_set(why, -EPERM, "%s: %s; switch it off: ethtool -K %s %s off",
			       d->ifname, hiding[i].harm, d->ifname, hiding[i].option);
	return 0;
}

int offload_check(const char *ifname, bool fix, struct why *why)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct device d = { .fd = fd, .ifname = ifname };
	int r;

	if (fd < 0)
		return why_set(why, -errno, "cannot open a socket: %s", strerror(errno));
	r = read_names(&d);
	/* A device without such features hides nothing. */
	r = r == -EOPNOTSUPP ? 0
	    : r < 0 ? why_set(why, r, "cannot ask %s for its offloads: %s", ifname, strerror(-r))
		    : 0;
	for (size_t i = 0; r == 0 && d.names && i < HIDING; i++)
		r = check_one(&d, i, fix, why);
	free(d.names);
	return r;
}
