/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the filter stands: XDP links, pinned by interface name; tc filters,
 * which stay by themselves, with the program pinned as a note that they are ours.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "enforce/xdp_priv.h"

#define LINK_PIN "link-"
#define TC_PIN   "tc-"
/* Any map of ours under this name and the interface's says: it is an uplink. */
#define UPLINK_PIN "uplink-"
/* Among tc filters at an interface ours is found by these; low, so that it is asked early. */
#define TC_PRIORITY 25
#define TC_HANDLE   25

const char *xdp_how_name(enum xdp_how how)
{
	static const char *const names[XDP_HOW_COUNT_] = { "any", "native", "generic", "tc" };

	return names[how];
}

static int interface_type(const char *ifname, struct why *why)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return why_set(why, -errno, "%s: %s", ifname, strerror(errno));
	return ifr.ifr_hwaddr.sa_family;
}

struct link {
	int fd;
	uint32_t ifindex; /* 0: the interface is gone */
};

/* The pinned link of a name; 0 and fd < 0 if there is none. */
static int link_open(const struct xdp_filter *x, const char *ifname, struct link *ret)
{
	struct bpf_link_info info = { 0 };
	uint32_t bytes = sizeof(info);
	char path[PIN_BYTES];
	int r;

	*ret = (struct link){ .fd = -1 };
	if (!x->dir)
		return 0;
	r = pin_path(path, x->dir, LINK_PIN, ifname);
	if (r < 0)
		return r;
	own_fd int fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &bytes) < 0)
		return -errno;
	*ret = (struct link){ take_fd(&fd), info.xdp.ifindex };
	return 0;
}

static bool link_alive(const struct link *l, const char *ifname)
{
	return l->fd >= 0 && l->ifindex && l->ifindex == if_nametoindex(ifname);
}

static int link_forget(const struct xdp_filter *x, const char *ifname, struct link *l)
{
	char path[PIN_BYTES];
	int r = pin_path(path, x->dir, LINK_PIN, ifname);

	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = -errno;
	if (l->fd >= 0) {
		(void)bpf_link_detach(l->fd); /* where it is dead, closing does it */
		close(l->fd);
		l->fd = -1;
	}
	return r;
}

/* A pinned link stands for the process; an unpinned one is kept by the filter. */
static int link_keep(struct xdp_filter *x, int fd, const char *ifname)
{
	char path[PIN_BYTES];
	int r;

	if (!x->dir) {
		if (x->links_n == XDP_UNPINNED_MAX) {
			close(fd);
			return -ENOSPC;
		}
		x->link[x->links_n++] = fd;
		return 0;
	}
	r = pin_path(path, x->dir, LINK_PIN, ifname);
	if (r == 0)
		r = pin_replace(fd, path);
	close(fd);
	return r;
}

static int attach_link(struct xdp_filter *x, const struct xdp_at *at, enum xdp_how how, int ifindex,
		       struct why *why)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = how == XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	int prog = xdp_program_fd(x, how, at->side, true, why), fd, r;

	if (prog < 0)
		return prog;
	fd = bpf_link_create(prog, ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return why_set(why, -errno, "%s XDP at %s: %s", xdp_how_name(how), at->ifname,
			       errno == EBUSY ? "another XDP program is there" : strerror(errno));
	r = link_keep(x, fd, at->ifname);
	return r < 0 ? why_set(why, r, "cannot keep the link at %s: %s", at->ifname, strerror(-r))
		     : 0;
}

static int tc_attach(int ifindex, int prog, bool replace)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .prog_fd = prog, .flags = replace ? BPF_TC_F_REPLACE : 0);
	int r = bpf_tc_hook_create(&hook);

	if (r < 0 && r != -EEXIST)
		return r;
	return bpf_tc_attach(&hook, &opts);
}

static int tc_detach(const char *ifname)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(ifname),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	if (!hook.ifindex)
		return 0;
	int r = bpf_tc_detach(&hook, &opts);
	return r == -ENOENT || r == -EINVAL ? 0 : r;
}

/* The program that runs at tc there; 0 if none of ours does. */
static uint32_t tc_program(const char *ifname)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(ifname),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	return hook.ifindex && bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

static int attach_tc(struct xdp_filter *x, const struct xdp_at *at, int ifindex, bool l2,
		     struct why *why)
{
	int prog = xdp_program_fd(x, XDP_TC, at->side, l2, why), r;
	char path[PIN_BYTES];

	if (prog < 0)
		return prog;
	r = tc_attach(ifindex, prog, true);
	if (r < 0)
		return why_set(why, r, "tc at %s: %s", at->ifname, strerror(-r));
	r = x->dir ? pin_path(path, x->dir, TC_PIN, at->ifname) ?: pin_replace(prog, path) : 0;
	return r < 0 ? why_set(why, r, "cannot note tc at %s: %s", at->ifname, strerror(-r)) : 0;
}

static int detach_tc(const struct xdp_filter *x, const char *ifname)
{
	char path[PIN_BYTES];
	int r = pin_path(path, x->dir, TC_PIN, ifname);

	if (r < 0 || access(path, F_OK) < 0)
		return r;
	r = tc_detach(ifname);
	if (r == 0 && unlink(path) < 0)
		r = -errno;
	return r;
}

static bool wanted(const struct xdp_at *at, enum xdp_how how)
{
	return at->how == XDP_ANY || at->how == how;
}

/* Native where the driver can, else generic, else tc; without Ethernet only tc. */
static int attach_best(struct xdp_filter *x, const struct xdp_at *at, int ifindex, int type,
		       enum xdp_how *ret, struct why *why)
{
	int r = -EOPNOTSUPP;

	if (type != ARPHRD_ETHER && at->how != XDP_ANY && at->how != XDP_TC)
		return why_set(why, r, "%s has no Ethernet header: only tc can filter there",
			       at->ifname);
	if (type == ARPHRD_ETHER && at->how != XDP_TC) {
		r = offload_check(at->ifname, at->fix, why);
		if (r < 0)
			return r;
		r = -EOPNOTSUPP;
		for (enum xdp_how how = XDP_NATIVE; how <= XDP_GENERIC; how++) {
			if (r == 0 || r == -EBUSY || !wanted(at, how))
				continue;
			*ret = how;
			r = attach_link(x, at, how, ifindex, why);
		}
	}
	if (r == 0 || r == -EBUSY || !wanted(at, XDP_TC))
		return r;
	*ret = XDP_TC;
	return attach_tc(x, at, ifindex, type == ARPHRD_ETHER, why);
}

static enum xdp_how link_how(const char *ifname)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	int r = bpf_xdp_query((int)if_nametoindex(ifname), 0, &q);

	return r == 0 && q.attach_mode == XDP_ATTACHED_SKB ? XDP_GENERIC : XDP_NATIVE;
}

/* 1: a link that does what is asked already stood there, and runs our program now. */
static int attach_again(struct xdp_filter *x, const struct xdp_at *at, enum xdp_how *ret,
			struct why *why)
{
	struct link l;
	int r = link_open(x, at->ifname, &l), prog;

	if (r < 0 || l.fd < 0)
		return r;
	own_fd int fd = l.fd;
	*ret = link_how(at->ifname);
	if (!link_alive(&l, at->ifname) || !wanted(at, *ret))
		return 0;
	r = offload_check(at->ifname, at->fix, why);
	if (r < 0)
		return r;
	prog = xdp_program_fd(x, *ret, at->side, true, why);
	if (prog < 0)
		return prog;
	return bpf_link_update(fd, prog, NULL) < 0 ? 0 : 1;
}

/*
 * Which side an interface is must outlive us, so that an upgrade puts the right program there.
 * The kernel would tell by the program's name, but to ask takes CAP_SYS_ADMIN.
 */
static int side_note(struct xdp_filter *x, const char *ifname, enum filter_side side)
{
	char path[PIN_BYTES];
	int r = x->dir ? pin_path(path, x->dir, UPLINK_PIN, ifname) : 0;

	if (r < 0 || !x->dir)
		return r;
	if (side == FILTER_UPLINK)
		return pin_replace(xdp_map_fd(x, MAP_OPEN), path);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static enum filter_side side_noted(const struct xdp_filter *x, const char *ifname)
{
	char path[PIN_BYTES];

	return pin_path(path, x->dir, UPLINK_PIN, ifname) == 0 && access(path, F_OK) == 0
		   ? FILTER_UPLINK
		   : FILTER_SUBSCRIBER;
}

int xdp_attach(struct filter *f, const struct xdp_at *at, enum xdp_how *ret_how, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	int type = interface_type(at->ifname, why), ifindex = (int)if_nametoindex(at->ifname);
	enum xdp_how how = XDP_ANY;
	int r;

	if (type < 0 || !ifindex)
		return type < 0 ? type : why_set(why, -ENODEV, "%s: no such interface", at->ifname);
	if (strlen(at->ifname) >= IF_NAMESIZE)
		return why_set(why, -EINVAL, "%s is no name of an interface", at->ifname);
	r = attach_again(x, at, &how, why);
	if (r == 0)
		r = x->dir ? xdp_detach(f, at->ifname, why) : 0;
	if (r == 0)
		r = attach_best(x, at, ifindex, type, &how, why);
	if (r >= 0) {
		int noted = side_note(x, at->ifname, at->side);
		if (noted < 0)
			return why_set(why, noted, "cannot note which side %s is: %s", at->ifname,
				       strerror(-noted));
	}
	if (r >= 0 && ret_how)
		*ret_how = how;
	return r < 0 ? r : 0;
}

void xdp_let_go(struct filter *f)
{
	struct xdp_filter *x = xdp_of(f);

	while (x->links_n > 0)
		close(x->link[--x->links_n]);
}

int xdp_detach(struct filter *f, const char *ifname, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	struct link l;
	int r;

	if (!x->dir)
		return why_set(why, -EINVAL, "an unpinned filter ends with its process");
	r = link_open(x, ifname, &l);
	if (r == 0 && l.fd >= 0)
		r = link_forget(x, ifname, &l);
	if (r == 0)
		r = detach_tc(x, ifname);
	if (r == 0)
		r = side_note(x, ifname, FILTER_SUBSCRIBER);
	return r < 0 ? why_set(why, r, "cannot take the filter from %s: %s", ifname, strerror(-r))
		     : 0;
}

struct asking {
	struct xdp_filter *x;
	xdp_where_fn fn;
	void *arg;
};

static int where_link(void *arg, const char *ifname)
{
	struct asking *a = arg;
	struct xdp_where w = { .ifname = ifname };
	struct link l;
	int r = link_open(a->x, ifname, &l);

	if (r < 0 || l.fd < 0)
		return r;
	w.alive = link_alive(&l, ifname);
	w.side = side_noted(a->x, ifname);
	w.how = link_how(ifname);
	close(l.fd);
	return a->fn(a->arg, &w);
}

static int where_tc(void *arg, const char *ifname)
{
	struct asking *a = arg;
	uint32_t id = tc_program(ifname);
	struct xdp_where w = { ifname, side_noted(a->x, ifname), XDP_TC, id != 0 };

	return a->fn(a->arg, &w);
}

int xdp_where(struct filter *f, xdp_where_fn fn, void *arg, struct why *why)
{
	struct xdp_filter *x = xdp_of(f);
	struct asking a = { x, fn, arg };
	int r = 0;

	if (!x->dir)
		return 0;
	r = pin_each(x->dir, LINK_PIN, where_link, &a);
	if (r == 0)
		r = pin_each(x->dir, TC_PIN, where_tc, &a);
	return r < 0 ? why_set(why, r, "cannot list what is pinned in %s: %s", x->dir, strerror(-r))
		     : r;
}

/* Our programs in the place of those that run there: in one step, nothing passes unseen. */
static int update_one(void *arg, const struct xdp_where *w)
{
	struct xdp_filter *x = arg;
	struct link l = { .fd = -1 };
	bool l2 = true;
	int prog, r;

	if (!w->alive)
		return 0;
	if (w->how == XDP_TC)
		l2 = interface_type(w->ifname, NULL) == ARPHRD_ETHER;
	prog = xdp_program_fd(x, w->how, w->side, l2, NULL);
	if (prog < 0)
		return prog;
	if (w->how == XDP_TC)
		return attach_tc(x, &(struct xdp_at){ .ifname = w->ifname, .side = w->side },
				 (int)if_nametoindex(w->ifname), l2, NULL);
	r = link_open(x, w->ifname, &l);
	if (r == 0 && l.fd >= 0) {
		r = bpf_link_update(l.fd, prog, NULL) < 0 ? -errno : 0;
		close(l.fd);
	}
	return r == -ENOLINK ? 0 : r; /* it vanished just now */
}

int xdp_links_update(struct xdp_filter *x, struct why *why)
{
	int r = xdp_where(&x->filter, update_one, x, why);

	return r < 0
		   ? why_set(why, r, "cannot put the new packet program in place: %s", strerror(-r))
		   : 0;
}
