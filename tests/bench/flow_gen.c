/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_gen: export traffic of many routers at a steady rate, over the loopback.
 *
 *     flow_gen PORT FORMAT EXPORTERS RECORDS RATE
 *
 * FORMAT is netflow5, netflow9, ipfix or sflow5; RATE is records a second. Each
 * exporter has an address of its own in 127.0.0.0/8 and sends its template
 * first. Records go to ports 25, 465 and 587 in turn: nothing can be passed
 * over. Prints how many records were sent.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DATAGRAM_MAX 1500
#define BATCH        32

enum format { NETFLOW5, NETFLOW9, IPFIX, SFLOW5, FORMATS };
static const char *const format_names[FORMATS] = { "netflow5", "netflow9", "ipfix", "sflow5" };
/* As many as fit a packet of 1,500 bytes. */
static const unsigned records_each[FORMATS] = { 30, 30, 30, 7 };

struct gen {
	enum format format;
	unsigned exporters;
	uint32_t *sequence; /* per exporter */
	uint64_t random;
};

struct out {
	uint8_t bytes[DATAGRAM_MAX];
	size_t len;
};

static void put(struct out *o, unsigned bytes, uint64_t n)
{
	while (bytes-- > 0)
		o->bytes[o->len++] = (uint8_t)(n >> (bytes * 8));
}

static uint32_t draw(struct gen *g)
{
	g->random = g->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(g->random >> 32);
}

static uint32_t line(struct gen *g)
{
	return 0x0a000000 | (draw(g) & 0xffff); /* 65,536 lines */
}

static uint16_t port(struct gen *g)
{
	static const uint16_t ports[] = { 25, 465, 587 };

	return ports[draw(g) % 3];
}

static void netflow5(struct gen *g, struct out *o, unsigned e, unsigned records)
{
	put(o, 2, 5);
	put(o, 2, records);
	put(o, 4, 1000000);
	put(o, 4, 1700000000);
	put(o, 4, 0);
	put(o, 4, g->sequence[e]);
	put(o, 4, 0x00004001); /* engine 0, sampled 1:1 */
	for (unsigned i = 0; i < records; i++) {
		put(o, 4, line(g));
		put(o, 4, draw(g) & 0x3ff);
		put(o, 8, 0);
		put(o, 4, 12);
		put(o, 4, 900);
		put(o, 8, 0x000f0000000f1000);
		put(o, 2, 40000);
		put(o, 2, port(g));
		put(o, 4, 0x001b0600);
		put(o, 8, 0);
	}
	g->sequence[e] += records;
}

/* source, destination, ports, protocol, flags, packets, bytes, times: 37 bytes */
static const uint16_t fields[][2] = { { 8, 4 },  { 12, 4 }, { 7, 2 },  { 11, 2 },
				      { 4, 1 },  { 6, 1 },  { 2, 4 },  { 1, 4 },
				      { 22, 4 }, { 21, 4 }, { 10, 4 }, { 61, 1 } };
#define FIELDS       (sizeof(fields) / sizeof(*fields))
#define RECORD_BYTES 35

static void template_set(const struct gen *g, struct out *o)
{
	put(o, 2, g->format == IPFIX ? 2 : 0);
	put(o, 2, 8 + FIELDS * 4);
	put(o, 2, 256);
	put(o, 2, FIELDS);
	for (size_t i = 0; i < FIELDS; i++) {
		put(o, 2, fields[i][0]);
		put(o, 2, fields[i][1]);
	}
}

static void data_set(struct gen *g, struct out *o, unsigned records)
{
	put(o, 2, 256);
	put(o, 2, 4 + records * RECORD_BYTES);
	for (unsigned i = 0; i < records; i++) {
		put(o, 4, line(g));
		put(o, 4, draw(g) & 0x3ff);
		put(o, 2, 40000);
		put(o, 2, port(g));
		put(o, 2, 0x061b);
		put(o, 4, 12);
		put(o, 4, 900);
		put(o, 8, 0x000f0000000f1000);
		put(o, 5, 1);
	}
}

static void templated(struct gen *g, struct out *o, unsigned e, unsigned records)
{
	bool first = g->sequence[e] == 0;

	put(o, 2, g->format == IPFIX ? 10 : 9);
	put(o, 2, 0);
	if (g->format == NETFLOW9)
		put(o, 4, 1000000);
	put(o, 4, 1700000000);
	put(o, 4, g->sequence[e]);
	put(o, 4, 1);
	if (first)
		template_set(g, o);
	data_set(g, o, records);
	size_t len = g->format == IPFIX ? o->len : records + first;
	o->bytes[2] = (uint8_t)(len >> 8);
	o->bytes[3] = (uint8_t)len;
	g->sequence[e] += g->format == IPFIX ? records : 1;
}

static void sflow5(struct gen *g, struct out *o, unsigned e, unsigned records)
{
	put(o, 4, 5);
	put(o, 4, 1);
	put(o, 4, 0x7f000001 + e);
	put(o, 4, 0);
	put(o, 4, ++g->sequence[e]);
	put(o, 4, 1000000);
	put(o, 4, records);
	for (unsigned i = 0; i < records; i++) {
		put(o, 4, 1);
		put(o, 4, 32 + 8 + 16 + 56);
		put(o, 4, i);
		put(o, 4, 1);
		put(o, 4, 1);
		put(o, 8, 1);
		put(o, 8, 1);
		put(o, 4, 1);
		put(o, 4, 1); /* raw packet header */
		put(o, 4, 16 + 56);
		put(o, 4, 1);
		put(o, 4, 60);
		put(o, 4, 4);
		put(o, 4, 54);
		put(o, 8, 0);
		put(o, 4, 0);
		put(o, 2, 0x0800);
		put(o, 4, 0x45000028);
		put(o, 4, 0);
		put(o, 4, 0x40060000);
		put(o, 4, line(g));
		put(o, 4, draw(g) & 0x3ff);
		put(o, 2, 40000);
		put(o, 2, port(g));
		put(o, 8, 0);
		put(o, 4, 0x50020000);
		put(o, 4, 0);
		put(o, 2, 0); /* to a multiple of four */
	}
}

static void datagram(struct gen *g, struct out *o, unsigned e, unsigned records)
{
	o->len = 0;
	if (g->format == NETFLOW5)
		netflow5(g, o, e, records);
	else if (g->format == SFLOW5)
		sflow5(g, o, e, records);
	else
		templated(g, o, e, records);
}

struct post {
	struct out out[BATCH];
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct sockaddr_in to;
};

/* Who it is from travels with each datagram (ip(7), IP_PKTINFO). */
static void address(struct post *p, unsigned i, unsigned exporter)
{
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(0x7f010000 + exporter) };
	struct msghdr *h = &p->message[i].msg_hdr;

	p->vector[i] = (struct iovec){ p->out[i].bytes, p->out[i].len };
	*h = (struct msghdr){ .msg_name = &p->to,
			      .msg_namelen = sizeof(p->to),
			      .msg_iov = &p->vector[i],
			      .msg_iovlen = 1,
			      .msg_control = p->control[i],
			      .msg_controllen = sizeof(p->control[i]) };
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void wait_until(double at)
{
	double left = at - seconds();

	if (left <= 0)
		return;
	struct timespec t = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };
	nanosleep(&t, NULL);
}

static uint64_t generate(struct gen *g, int fd, struct post *p, uint64_t records, double rate)
{
	unsigned each = records_each[g->format], e = 0;
	double begin = seconds();
	uint64_t sent = 0;

	while (sent < records) {
		for (unsigned i = 0; i < BATCH; i++, e = (e + 1) % g->exporters) {
			datagram(g, &p->out[i], e, each);
			address(p, i, e);
		}
		if (sendmmsg(fd, p->message, BATCH, 0) != BATCH) {
			perror("sendmmsg");
			exit(1);
		}
		sent += BATCH * each;
		wait_until(begin + (double)sent / rate);
	}
	return sent;
}

int main(int argc, char **argv)
{
	static struct post post;
	struct gen g = { .format = FORMATS, .random = 25 };

	for (int f = 0; argc == 6 && f < FORMATS; f++)
		if (strcmp(argv[2], format_names[f]) == 0)
			g.format = (enum format)f;
	if (g.format == FORMATS || (g.exporters = (unsigned)atoi(argv[3])) == 0) {
		fprintf(stderr, "usage: flow_gen PORT FORMAT EXPORTERS RECORDS RATE\n");
		return 2;
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	post.to = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_port = htons((uint16_t)atoi(argv[1])),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	g.sequence = calloc(g.exporters, sizeof(*g.sequence));
	if (fd < 0 || !g.sequence)
		return 1;
	printf("%llu\n", (unsigned long long)generate(&g, fd, &post, strtoull(argv[4], NULL, 10),
						      atof(argv[5])));
	return 0;
}
