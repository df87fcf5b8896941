/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing elements: one batch of messages, which the kernel takes whole or
 * refuses whole.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "enforce/nft_netlink.h"

#define MESSAGE_BYTES 32768 /* a message ends above this; an element list fits 16 bits */
#define ELEMENT_BYTES 512   /* no element is longer */

struct batch {
	struct nft_link *link;
	uint8_t family;
	char *bytes;
	size_t len, room;
	size_t acks;          /* messages to be answered */
	struct nlmsghdr *msg; /* open element list, if any */
	struct nlattr *nest;  /* in it */
	const struct nft_names *names;
	int64_t now_ms;
};

static int batch_room(struct batch *b, size_t bytes)
{
	size_t at = b->msg ? (size_t)((char *)b->msg - b->bytes) : 0;
	size_t nest = b->nest ? (size_t)((char *)b->nest - b->bytes) : 0;

	if (b->room - b->len >= bytes)
		return 0;
	size_t room = b->room * 2 + bytes;
	char *more = realloc(b->bytes, room);
	if (!more)
		return -ENOMEM;
	b->bytes = more;
	b->room = room;
	if (b->msg)
		b->msg = (struct nlmsghdr *)(void *)(more + at);
	if (b->nest)
		b->nest = (struct nlattr *)(void *)(more + nest);
	return 0;
}

static struct nlmsghdr *message(struct batch *b, uint16_t type, uint16_t flags, uint8_t family,
				uint16_t res_id)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(b->bytes + b->len);
	struct nfgenmsg *g;

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlmsg_seq = ++b->link->seq;
	g = mnl_nlmsg_put_extra_header(msg, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	return msg;
}

static int batch_mark(struct batch *b, uint16_t type)
{
	if (batch_room(b, 64) < 0)
		return -ENOMEM;
	b->len += message(b, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	return 0;
}

static void list_close(struct batch *b)
{
	if (!b->msg)
		return;
	mnl_attr_nest_end(b->msg, b->nest);
	b->len += NLMSG_ALIGN(b->msg->nlmsg_len);
	b->msg = NULL;
	b->nest = NULL;
}

static void list_open(struct batch *b, uint16_t type, const char *set)
{
	uint16_t flags = NLM_F_ACK | (type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0);

	b->msg = message(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, b->family, 0);
	mnl_attr_put_strz(b->msg, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(b->msg, NFTA_SET_ELEM_LIST_SET, set);
	b->nest = mnl_attr_nest_start(b->msg, NFTA_SET_ELEM_LIST_ELEMENTS);
	b->acks++;
}

/* Room for one more element in a list of this kind. */
static int list_ready(struct batch *b, uint16_t type, const char *set)
{
	if (b->msg && b->msg->nlmsg_len > MESSAGE_BYTES)
		list_close(b);
	if (batch_room(b, (b->msg ? b->msg->nlmsg_len : 512) + ELEMENT_BYTES) < 0)
		return -ENOMEM;
	if (!b->msg)
		list_open(b, type, set);
	return 0;
}

static void put_key(struct batch *b, enum family f, addr_bits key)
{
	struct nlattr *nest = mnl_attr_nest_start(b->msg, NFTA_SET_ELEM_KEY);
	uint8_t bytes[16];

	addr_to_bytes((struct addr){ .bits = key, .family = f }, bytes);
	mnl_attr_put(b->msg, NFTA_DATA_VALUE, f == FAMILY_V4 ? 4 : 16, bytes);
	mnl_attr_nest_end(b->msg, nest);
}

static void put_verdict(struct batch *b, struct nft_map m, uint32_t to)
{
	struct nlattr *data = mnl_attr_nest_start(b->msg, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(b->msg, NFTA_DATA_VERDICT);
	char chain[NFT_NAME_MAX];

	if (to == NFT_TO_NONE)
		snprintf(chain, sizeof(chain), NFT_NONE);
	else
		nft_chain_name(m, nft_names_at(b->names, to), chain);
	mnl_attr_put_u32(b->msg, NFTA_VERDICT_CODE, htonl((uint32_t)NFT_GOTO));
	mnl_attr_put_strz(b->msg, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(b->msg, verdict);
	mnl_attr_nest_end(b->msg, data);
}

/* What nft writes on an interval that reaches the last address: there is no end to store. */
static void put_openness(struct batch *b)
{
	static const uint8_t open_interval[] = { 1, 4, 1, 0, 0, 0 };

	mnl_attr_put(b->msg, NFTA_SET_ELEM_USERDATA, sizeof(open_interval), open_interval);
}

static void put_start(struct batch *b, const struct nft_change *c, const struct nft_element *e,
		      bool add)
{
	struct nlattr *nest = mnl_attr_nest_start(b->msg, NFTA_LIST_ELEM);

	put_key(b, c->map.family, e->first);
	if (c->is_map && add)
		put_verdict(b, c->map, e->to);
	if (add && e->until.s != 0)
		mnl_attr_put_u64(b->msg, NFTA_SET_ELEM_TIMEOUT,
				 htobe64((uint64_t)(e->until.s * 1000 - b->now_ms)));
	if (e->last == family_last(c->map.family))
		put_openness(b);
	mnl_attr_nest_end(b->msg, nest);
}

static void put_end(struct batch *b, const struct nft_change *c, addr_bits behind)
{
	struct nlattr *nest = mnl_attr_nest_start(b->msg, NFTA_LIST_ELEM);

	mnl_attr_put_u32(b->msg, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_key(b, c->map.family, behind);
	mnl_attr_nest_end(b->msg, nest);
}

static int put_elements(struct batch *b, const struct nft_change *c, bool add)
{
	const struct nft_elements *l = add ? &c->missing : &c->surplus;
	uint16_t type = add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;

	for (size_t i = 0; i < l->count; i++) {
		const struct nft_element *e = &l->at[i];

		if (add && e->until.s != 0 && e->until.s * 1000 <= b->now_ms)
			continue; /* ended while we were on the way */
		if (list_ready(b, type, c->set) < 0)
			return -ENOMEM;
		put_start(b, c, e, add);
		if (e->last != family_last(c->map.family))
			put_end(b, c, e->last + 1);
	}
	list_close(b);
	return 0;
}

/* One answer a message; the first refusal is what counts, the rest follow from it. */
static int collect(struct batch *b, uint32_t first_seq)
{
	static char buffer[65536];
	int result = 0;

	while (b->acks > 0) {
		ssize_t n = mnl_socket_recvfrom(b->link->socket, buffer, sizeof(buffer));
		int left = (int)n;

		if (n < 0)
			return -errno;
		for (const struct nlmsghdr *m = (void *)buffer; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

			if (m->nlmsg_type != NLMSG_ERROR || m->nlmsg_seq < first_seq)
				continue;
			if (e->error != 0 && result == 0)
				result = e->error;
			/* A batch refused as a whole is answered once, for its first message. */
			if (m->nlmsg_seq == first_seq && e->error != 0)
				return result;
			b->acks--;
		}
	}
	return result;
}

static int batch_send(struct batch *b, uint32_t first_seq)
{
	int room = (int)b->len * 2 + 65536;

	/* The batch must fit the socket at once; root may go above the system's limit. */
	setsockopt(mnl_socket_get_fd(b->link->socket), SOL_SOCKET, SO_SNDBUFFORCE, &room,
		   sizeof(room));
	if (mnl_socket_sendto(b->link->socket, b->bytes, b->len) < 0)
		return -errno;
	return collect(b, first_seq);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int nft_link_change(struct nft_link *l, enum nft_place place, const struct nft_change *c, size_t n,
		    const struct nft_names *names, struct why *why)
{
	struct batch b = {
		.link = l, .family = netlink_family(place), .names = names, .now_ms = now_ms()
	};
	uint32_t first_seq = l->seq + 1;
	int r = batch_mark(&b, NFNL_MSG_BATCH_BEGIN);

	for (size_t i = 0; i < n && r == 0; i++)
		r = put_elements(&b, &c[i], false);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_elements(&b, &c[i], true);
	if (r == 0)
		r = batch_mark(&b, NFNL_MSG_BATCH_END);
	if (r == 0)
		r = batch_send(&b, first_seq);
	free(b.bytes);
	if (r < 0)
		return why_set(why, r, "the kernel refused a change of nft table " NFT_TABLE ": %s",
			       strerror(-r));
	return 0;
}

static void put_type(struct batch *b, uint16_t ether_type)
{
	struct nlattr *nest = mnl_attr_nest_start(b->msg, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(b->msg, NFTA_SET_ELEM_KEY);

	mnl_attr_put_u16(b->msg, NFTA_DATA_VALUE, htons(ether_type));
	mnl_attr_nest_end(b->msg, key);
	mnl_attr_nest_end(b->msg, nest);
}

int nft_link_open(struct nft_link *l, enum nft_place place, bool open, const struct nft_seen *is,
		  struct why *why)
{
	struct batch b = { .link = l, .family = netlink_family(place) };
	uint16_t type = open ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
	uint32_t first_seq = l->seq + 1;
	int r;

	if (is->open4 == open && is->open6 == open)
		return 0;
	r = batch_mark(&b, NFNL_MSG_BATCH_BEGIN);
	if (r == 0)
		r = list_ready(&b, type, "open_all");
	if (r == 0) {
		if (is->open4 != open)
			put_type(&b, 0x0800);
		if (is->open6 != open)
			put_type(&b, 0x86dd);
		list_close(&b);
		r = batch_mark(&b, NFNL_MSG_BATCH_END);
	}
	if (r == 0)
		r = batch_send(&b, first_seq);
	free(b.bytes);
	if (r < 0)
		return why_set(why, r, "cannot change set open_all of nft table " NFT_TABLE ": %s",
			       strerror(-r));
	return 0;
}
