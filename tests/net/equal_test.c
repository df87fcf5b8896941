/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random packets and rulesets through the reference interpreter, the
 * packet program in the kernel, and nft in the kernel: one verdict.
 *
 * For nft the frames are really sent: into one end of a veth pair whose other
 * end is routed to a second pair. What comes out at the far ends says whether a
 * packet was forwarded, answered with a reset, or swallowed; what tells monitor
 * from pass, and one class from another, are the counters, which must come to
 * the reference's sums. Frames that Linux itself would not forward are not made:
 * equal_frame.h lists them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../packets/bpf_need.h"
#include "base/cmocka.h"
#include "decide/verdict.h"
#include "enforce/nft.h"
#include "enforce/xdp.h"
#include "enforce/xdp_run.h"
#include "equal_frame.h"
#include "net_need.h"
#include "sample.h"

#define RULESETS 24
#define FRAMES   1500 /* for each ruleset */
#define PREFIXES 60
#define CHUNK    64
#define SENTINEL 65535

/* sub and up are the far ends, s0 and u0 those of the box that forwards. */
static const uint8_t box_mac[6] = { 2, 0, 0, 0, 0, 2 };

static const char lay_wires[] =
    "set -e; "
    "ip link add s0 address 02:00:00:00:00:02 type veth peer name sub address 02:00:00:00:00:01; "
    "ip link add u0 address 02:00:00:00:00:02 type veth peer name up address 02:00:00:00:00:03; "
    "for i in s0 sub u0 up; do sysctl -qw net.ipv6.conf.$i.disable_ipv6=0 "
    "net.ipv6.conf.$i.accept_dad=0 net.ipv4.conf.$i.rp_filter=0 "
    "net.ipv4.conf.$i.send_redirects=0; done; "
    "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.send_redirects=0 "
    "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; "
    "for i in lo s0 sub u0 up; do ip link set dev $i up; done; "
    "ip -4 addr add 192.168.255.1/32 dev s0; "
    "for f in 4 6; do n=$([ $f = 4 ] && echo 192.168.255.9 || echo fe80::9); "
    "o=$([ $f = 4 ] && echo 192.168.255.8 || echo fe80::8); "
    "ip -$f neigh add $n dev s0 lladdr 02:00:00:00:00:99 nud permanent; "
    "ip -$f neigh add $o dev u0 lladdr 02:00:00:00:00:99 nud permanent; "
    "ip -$f route add default via $o dev u0 onlink; "
    "ip -$f route add $([ $f = 4 ] && echo 10.0.0.0/8 || echo 2001:db8::/32) via $n dev s0 onlink; "
    "done";

struct port {
	int fd;
	int ifindex;
};
static struct port subscriber, uplink;

/* What was seen of each frame, by its id. */
static struct {
	bool forwarded, reset;
} seen[SENTINEL + 1];

static struct port port_open(const char *name)
{
	struct port p = { .fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)),
			  .ifindex = (int)if_nametoindex(name) };
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = p.ifindex };
	int bytes = 64 << 20;

	assert_true(p.fd >= 0 && p.ifindex > 0);
	assert_int_equal(setsockopt(p.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)), 0);
	assert_int_equal(bind(p.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return p;
}

/* A reset made by the box: its address pair is turned round, and its port tells the frame. */
static void note_tcp(const uint8_t *tcp, const uint8_t *end, uint32_t id)
{
	bool reset = tcp + 20 <= end && tcp[13] & 0x04 && (tcp[0] << 8 | tcp[1]) == 25;

	if (reset && id == 0)
		seen[tcp[2] << 8 | tcp[3]].reset = true;
}

/*
 * The kernel's resets carry identification 0 and flow label 0, as they are no
 * copies; what is forwarded carries the frame's id.
 */
static void note(const uint8_t *f, size_t len)
{
	unsigned type = (unsigned)(f[12] << 8 | f[13]);
	const uint8_t *ip = f + 14, *end = f + len;
	uint32_t id;

	if (type == ETH_P_IP && len >= 34) {
		id = (uint32_t)(ip[4] << 8 | ip[5]);
		if (id == 0 && ip[9] == 6)
			note_tcp(ip + (ip[0] & 15) * 4, end, id);
		else
			seen[id].forwarded = true;
	} else if (type == ETH_P_IPV6 && len >= 54) {
		id = (uint32_t)(ip[1] & 15) << 16 | (uint32_t)(ip[2] << 8 | ip[3]);
		if (id == 0 && ip[6] == 6)
			note_tcp(ip + 40, end, id);
		else if (id <= SENTINEL && id > 0)
			seen[id].forwarded = true;
	}
}

static void drain(const struct port *p)
{
	uint8_t bytes[2048];
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_len)) > 0)
		if (from.sll_pkttype != PACKET_OUTGOING && n >= 14)
			note(bytes, (size_t)n);
}

static void inject(const struct port *p, const struct equal_frame *f)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = p->ifindex,
				  .sll_halen = 6 };

	memcpy(to.sll_addr, box_mac, 6);
	assert_int_equal(sendto(p->fd, f->bytes, f->len, 0, (struct sockaddr *)&to, sizeof(to)),
			 f->len);
}

/* Frames keep their order: when the last one has come through, so has everything else. */
static void settle(const struct port *p)
{
	static const uint8_t udp[] = {
		/* from 198.18.0.1 port 9 to 198.18.0.2 port 9, identification SENTINEL */
		2, 0,  0,  0, 0, 2,   2,  0, 0, 0,   0,  1, 8, 0, 0x45, 0, 0, 28, 0xff, 0xff, 0,
		0, 64, 17, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2, 0, 9,    0, 9, 0,  8,    0,    0
	};
	struct equal_frame f = { .len = sizeof(udp) };
	struct mono end = mono_add(mono_now(), SPAN_S(10));
	uint32_t sum = 0;

	memcpy(f.bytes, udp, sizeof(udp));
	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t)(udp[i] << 8 | udp[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	f.bytes[24] = (uint8_t)(~sum >> 8);
	f.bytes[25] = (uint8_t)~sum;
	seen[SENTINEL].forwarded = false;
	inject(p, &f);
	while (!seen[SENTINEL].forwarded) {
		struct pollfd fds[] = { { subscriber.fd, POLLIN, 0 }, { uplink.fd, POLLIN, 0 } };

		assert_true(mono_now().ns < end.ns);
		poll(fds, 2, 100);
		drain(&subscriber);
		drain(&uplink);
	}
}

/* Counters by class name; sums of many rulesets, as neither side ever resets them. */
struct sums {
	struct nft_names *names;
	struct filter_count at[4096];
};

static struct filter_count *sum_of(struct sums *s, const char *class)
{
	int i = nft_names_add(s->names, class);

	assert_true(i >= 0 && i < 4096);
	snprintf(s->at[i].class, sizeof(s->at[i].class), "%s", class);
	return &s->at[i];
}

static struct sums expected, counted;

static int count_class(void *arg, const struct filter_count *c)
{
	*sum_of(arg, c->class) = *c;
	return 0;
}

static void expect(const struct ruleset *rs, struct judgement j, struct wall now)
{
	char name[CLASS_NAME_MAX];
	struct filter_count *c =
	    sum_of(&expected, class_name(ruleset_class_at(rs, j.class, now), name));

	c->rejected += j.verdict == VERDICT_REJECT;
	c->dropped += j.verdict == VERDICT_DROP;
	c->monitored += j.verdict == VERDICT_MONITOR;
}

static void check_counters(struct filter *nft, const char *what)
{
	struct why why = { 0 };

	assert_int_equal(nft->ops->counters(nft, count_class, &counted, &why), 0);
	for (size_t i = 0; i < nft_names_count(expected.names); i++) {
		const struct filter_count *e = &expected.at[i];
		const struct filter_count *c = sum_of(&counted, e->class);

		if (e->rejected != c->rejected || e->dropped != c->dropped ||
		    e->monitored != c->monitored)
			fail_msg("%s: class %s: nft counted %llu rejected, %llu dropped, %llu "
				 "monitored; the reference %llu, %llu, %llu",
				 what, e->class, (unsigned long long)c->rejected,
				 (unsigned long long)c->dropped, (unsigned long long)c->monitored,
				 (unsigned long long)e->rejected, (unsigned long long)e->dropped,
				 (unsigned long long)e->monitored);
	}
}

static void dump(const struct equal_frame *f)
{
	for (size_t i = 0; i < f->len; i++)
		fprintf(stderr, "%02x%s", f->bytes[i],
			i % 16 == 15 || i + 1 == f->len ? "\n" : " ");
}

static void check_seen(const struct equal_frame *f, struct judgement j, const char *what)
{
	bool passes = j.verdict == VERDICT_PASS || j.verdict == VERDICT_MONITOR;
	bool reset = j.verdict == VERDICT_REJECT && f->answerable;

	if (seen[f->id].forwarded == passes && seen[f->id].reset == reset)
		return;
	dump(f);
	fail_msg("%s, frame %u: the reference says %s, nft %s%s", what, f->id,
		 verdict_name(j.verdict),
		 seen[f->id].forwarded ? "forwarded it" : "did not forward it",
		 seen[f->id].reset ? " and sent a reset" : "");
}

static void check_program(struct filter *xdp, const struct equal_frame *f, enum side side,
			  struct judgement j, const char *what)
{
	struct xdp_run run = { .frame = f->bytes,
			       .len = f->len,
			       .side = side == SIDE_UPLINK ? FILTER_UPLINK : FILTER_SUBSCRIBER };
	struct xdp_ran ran;
	struct why why = { 0 };

	if (xdp_run(xdp, &run, &ran, &why) < 0)
		fail_msg("%s: %s", what, why.text);
	if (ran.saw.verdict == (uint8_t)j.verdict)
		return;
	dump(f);
	fail_msg("%s, frame %u: the reference says %s, the packet program %u", what, f->id,
		 verdict_name(j.verdict), ran.saw.verdict);
}

struct tried {
	struct equal_frame frame;
	struct judgement judgement;
};

static unsigned verdicts[VERDICT_COUNT_], kinds[PACKET_COUNT_];

static void run_frames(const struct ruleset *rs, struct filter *xdp, uint64_t *random,
		       struct wall now, const char *what)
{
	static struct tried tried[FRAMES];
	const struct port *from = &subscriber;

	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < FRAMES; i++) {
		struct tried *t = &tried[i];
		struct packet p;

		if (i % CHUNK == 0)
			from = sample_random(random) % 4 ? &subscriber : &uplink;
		enum side side = from == &subscriber ? SIDE_SUBSCRIBER : SIDE_UPLINK;

		equal_frame_make(rs, random, i + 1, box_mac, &t->frame);
		p = packet_parse(t->frame.bytes, t->frame.len);
		t->judgement = verdict_of(rs, &p, side, now);
		verdicts[t->judgement.verdict]++;
		kinds[p.kind]++;
		expect(rs, t->judgement, now);
		check_program(xdp, &t->frame, side, t->judgement, what);
		inject(from, &t->frame);
		if (i % CHUNK == CHUNK - 1 || i + 1 == FRAMES)
			settle(from);
	}
	for (unsigned i = 0; i < FRAMES; i++)
		check_seen(&tried[i].frame, tried[i].judgement, what);
}

static void three_ways_one_verdict(void **state)
{
	static const char *const interfaces[] = { "s0" };
	struct xdp_options xo = { .tracing = true, .spare_lines = 64, .lines_off = true };
	(void)state;

	for (int place = NFT_FORWARD; place <= NFT_PREROUTING; place++) {
		struct nft_options no = { .place = (enum nft_place)place,
					  .subscribers = interfaces,
					  .subscribers_count = 1 };
		own(filter) struct filter *nft = NULL, *xdp = NULL;
		struct why why = { 0 };

		net_do("nft flush ruleset");
		memset(expected.at, 0, sizeof(expected.at));
		memset(counted.at, 0, sizeof(counted.at));
		assert_int_equal(nft_new(&no, &nft, &why), 0);
		assert_int_equal(xdp_filter_open(&xo, &xdp, &why), 0);
		for (unsigned seed = 0; seed < RULESETS / 2; seed++) {
			struct wall now = wall_now();
			uint64_t random = seed * 2 + (unsigned)place;
			own(ruleset) struct ruleset *rs = sample_ruleset(random, PREFIXES, now);
			char what[64];

			snprintf(what, sizeof(what), "%s, ruleset %u", nft_place_name(no.place),
				 seed);
			if (nft->ops->load(nft, rs, &why) < 0 || xdp->ops->load(xdp, rs, &why) < 0)
				fail_msg("%s: %s", what, why.text);
			run_frames(rs, xdp, &random, now, what);
			check_counters(nft, what);
		}
	}
}

/* The samples must hold what they are made to test. */
static void every_verdict_and_kind_was_there(void **state)
{
	(void)state;
	for (int v = 0; v < VERDICT_COUNT_; v++) {
		print_message("%s %u\n", verdict_name((enum verdict)v), verdicts[v]);
		assert_true(verdicts[v] > RULESETS * FRAMES / 100);
	}
	for (int k = 0; k < PACKET_COUNT_; k++)
		assert_true(kinds[k] > RULESETS * FRAMES / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_ways_one_verdict),
		cmocka_unit_test(every_verdict_and_kind_was_there),
	};
	struct xdp_options xo = { .tracing = true, .spare_lines = 64, .lines_off = true };
	own(filter) struct filter *probe = NULL;
	int r = net_need();

	if (r == 0)
		r = bpf_need(&xo, &probe);
	if (r != 0)
		return r;
	net_do(lay_wires);
	subscriber = port_open("sub");
	uplink = port_open("up");
	if (nft_names_new(&expected.names) < 0 || nft_names_new(&counted.names) < 0)
		return 1;
	r = cmocka_run_group_tests_name("equal", tests, NULL, NULL);
	nft_names_free(expected.names);
	nft_names_free(counted.names);
	return r;
}
