/* SPDX-License-Identifier: BSD-2-Clause */
#include "enforce/nft_link.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "enforce/nft_netlink.h"

int nft_link_new(struct nft_link **ret, struct why *why)
{
	own(nft_link) struct nft_link *l = calloc(1, sizeof(*l));

	if (!l)
		return why_set(why, -ENOMEM, "out of memory");
	l->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!l->socket || mnl_socket_bind(l->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		return why_set(why, r, "cannot open a netlink socket to the kernel's nftables: %s",
			       strerror(-r));
	}
	/* The kernel answers at once; were it not to, an error is better than to wait for ever. */
	struct timeval patience = { .tv_sec = 10 };
	setsockopt(mnl_socket_get_fd(l->socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	*ret = take(l);
	return 0;
}

void nft_link_free(struct nft_link *l)
{
	if (!l)
		return;
	if (l->socket)
		mnl_socket_close(l->socket);
	free(l);
}

uint8_t netlink_family(enum nft_place place)
{
	return place == NFT_BRIDGE ? NFPROTO_BRIDGE : NFPROTO_INET;
}

struct attrs {
	const struct nlattr **a;
	uint16_t max;
};

static int attr_seen(const struct nlattr *attr, void *arg)
{
	struct attrs *t = arg;

	if (mnl_attr_get_type(attr) <= t->max)
		t->a[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void netlink_attrs(const struct nlmsghdr *msg, const struct nlattr **a, uint16_t max)
{
	struct attrs t = { a, max };

	mnl_attr_parse(msg, sizeof(struct nfgenmsg), attr_seen, &t);
}

void netlink_nested(const struct nlattr *nest, const struct nlattr **a, uint16_t max)
{
	struct attrs t = { a, max };

	mnl_attr_parse_nested(nest, attr_seen, &t);
}

static struct nlmsghdr *request(void *buffer, struct nft_link *l, uint8_t family, uint16_t type,
				uint16_t flags)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *g;

	msg->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlmsg_seq = ++l->seq;
	g = mnl_nlmsg_put_extra_header(msg, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return msg;
}

/* Send and hand every answer to `fn`, until the kernel says that it is done. */
static int converse(struct nft_link *l, const struct nlmsghdr *msg, mnl_cb_t fn, void *arg)
{
	static char buffer[65536]; /* the kernel's dumps come in pieces of at most 32 KiB */
	unsigned portid = mnl_socket_get_portid(l->socket);
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(l->socket, msg, msg->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(l->socket, buffer, sizeof(buffer));

		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)n, msg->nlmsg_seq, portid, fn, arg);
		if (r < 0 && errno == ESRCH) /* left over from a conversation broken off */
			r = MNL_CB_OK;
	}
	return r < 0 ? -errno : 0;
}

int netlink_dump(struct nft_link *l, enum nft_place place, uint16_t type, uint16_t table_attr,
		 uint16_t set_attr, const char *set, mnl_cb_t fn, void *arg)
{
	char buffer[512];
	struct nlmsghdr *msg = request(buffer, l, netlink_family(place), type, NLM_F_DUMP);

	if (table_attr)
		mnl_attr_put_strz(msg, table_attr, NFT_TABLE);
	if (set)
		mnl_attr_put_strz(msg, set_attr, set);
	return converse(l, msg, fn, arg);
}

static int generation_seen(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *a[NFTA_GEN_MAX + 1] = { 0 };

	netlink_attrs(msg, a, NFTA_GEN_MAX);
	if (a[NFTA_GEN_ID])
		*(uint32_t *)arg = ntohl(mnl_attr_get_u32(a[NFTA_GEN_ID]));
	return MNL_CB_STOP;
}

int netlink_generation(struct nft_link *l, uint32_t *ret)
{
	char buffer[64];

	return converse(l, request(buffer, l, AF_UNSPEC, NFT_MSG_GETGEN, 0), generation_seen, ret);
}

struct counting {
	nft_counter_fn fn;
	void *arg;
	int result;
};

static int counter_seen(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *a[NFTA_OBJ_MAX + 1] = { 0 }, *c[NFTA_COUNTER_MAX + 1] = { 0 };
	struct counting *k = arg;

	netlink_attrs(msg, a, NFTA_OBJ_MAX);
	if (k->result != 0 || !a[NFTA_OBJ_NAME] || !a[NFTA_OBJ_TYPE] || !a[NFTA_OBJ_DATA] ||
	    !a[NFTA_OBJ_TABLE] || strcmp(mnl_attr_get_str(a[NFTA_OBJ_TABLE]), NFT_TABLE) != 0 ||
	    ntohl(mnl_attr_get_u32(a[NFTA_OBJ_TYPE])) != NFT_OBJECT_COUNTER)
		return MNL_CB_OK;
	netlink_nested(a[NFTA_OBJ_DATA], c, NFTA_COUNTER_MAX);
	if (!c[NFTA_COUNTER_PACKETS] || !c[NFTA_COUNTER_BYTES])
		return MNL_CB_OK;
	k->result = k->fn(k->arg, mnl_attr_get_str(a[NFTA_OBJ_NAME]),
			  be64toh(mnl_attr_get_u64(c[NFTA_COUNTER_PACKETS])),
			  be64toh(mnl_attr_get_u64(c[NFTA_COUNTER_BYTES])));
	return MNL_CB_OK;
}

int nft_link_counters(struct nft_link *l, enum nft_place place, nft_counter_fn fn, void *arg,
		      struct why *why)
{
	struct counting k = { fn, arg, 0 };
	int r = netlink_dump(l, place, NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, 0, NULL, counter_seen, &k);

	if (r < 0 && r != -ENOENT)
		return why_set(why, r, "cannot read the counters of nft table " NFT_TABLE ": %s",
			       strerror(-r));
	return k.result;
}
