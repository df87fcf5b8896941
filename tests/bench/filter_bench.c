/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter_bench: how fast refused connection attempts are refused.
 *
 *     filter_bench FAMILY PREFIXES ROUNDS SUBJECT...
 *
 * FAMILY is v4 or v6; SUBJECT is porteiro, porteiro-plain (no line accounting), bare,
 * trie:OBJECT (the same program over the kernel's LPM trie), nft or other (whatever XDP
 * program another tool has put there by the commands in $BENCH_OTHER). Makes a network
 * namespace of its own with a veth pair; one end gets generated SYNs, at the other
 * stands the subject. Subjects take turns; one JSON line per subject and round.
 *
 * packets are those that the receiving end took off its ring; cpu_s is the time of this
 * thread and of the kernel's for its CPU, in which both ends run, so that others on the
 * machine disturb the figure little. See doc/performance.md.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>

#include "decide/compile.h"
#include "enforce/table.h"
#include "enforce/xdp.h"
#include "frame.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "gen.skel.h"
#pragma GCC diagnostic pop

#define OUT_IF  "bench-a"
#define IN_IF   "bench-b"
#define BATCH_N 1500000
#define ROUND_S 0.6

static struct gen_bpf *gen;
static bool v6;
static struct prefix *spread;
static size_t prefixes;

static void die(const char *what)
{
	fprintf(stderr, "filter_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void shell(const char *command)
{
	if (system(command) != 0)
		die(command);
}

static double now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t rnd(void)
{
	static uint64_t seed = 0x9e3779b97f4a7c15ULL;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void make_prefixes(void)
{
	spread = calloc(prefixes, sizeof(*spread));
	if (!spread)
		die("out of memory");
	for (size_t i = 0; i < prefixes; i++) {
		if (v6)
			spread[i] = (struct prefix){ { (addr_bits)0x20010db8 << 96 |
							   (addr_bits)(uint32_t)rnd() << 64,
						       FAMILY_V6 },
						     64 };
		else
			spread[i] =
			    (struct prefix){ { 10U << 24 | (rnd() & 0xffffff), FAMILY_V4 }, 32 };
	}
}

static struct ruleset *make_rules(double *ret_s)
{
	struct prefix closed =
	    v6 ? (struct prefix){ { (addr_bits)0x20010db8 << 96, FAMILY_V6 }, 32 }
	       : (struct prefix){ { 10U << 24, FAMILY_V4 }, 8 };
	struct plan_prefix p = { closed, 1 };
	struct segment s = { .name = (char *)"homes",
			     .treatment = TREATMENT_CLOSED,
			     .mode = MODE_DROP,
			     .prefixes = &p,
			     .prefixes_count = 1 };
	struct plan plan = { .segments = &s, .segments_count = 1 };
	struct exception *e = calloc(prefixes, sizeof(*e));
	struct compile_input in = { .plan = &plan, .exceptions = e, .exceptions_count = prefixes };
	struct ruleset *rs = NULL;
	struct why why = { 0 };

	if (!e)
		die("out of memory");
	for (size_t i = 0; i < prefixes; i++) {
		e[i].id = i + 1;
		e[i].prefix = spread[i];
		e[i].until.s = wall_now().s + 86400;
	}
	double start = now_s(CLOCK_MONOTONIC);
	if (compile(&in, wall_now(), &rs, &why) < 0) {
		fprintf(stderr, "filter_bench: %s\n", why.text);
		exit(1);
	}
	*ret_s = now_s(CLOCK_MONOTONIC) - start;
	free(e);
	return rs;
}

struct subject {
	const char *name;
	struct filter *filter;
	int prog; /* what to put at the interface, -1: not by us */
};

static void load_porteiro(struct subject *s, bool lines)
{
	struct xdp_options o = XDP_OPTIONS;
	struct why why = { 0 };
	double compile_s, start;
	struct ruleset *rs = make_rules(&compile_s);

	o.pin_dir = NULL;
	o.lines_off = !lines;
	if (xdp_filter_open(&o, &s->filter, &why) < 0)
		goto failed;
	start = now_s(CLOCK_MONOTONIC);
	if (s->filter->ops->load(s->filter, rs, &why) < 0)
		goto failed;
	printf("{\"bench\": \"load\", \"subject\": \"%s\", \"family\": \"%s\", \"prefixes\": %zu, "
	       "\"compile_s\": %.4f, \"load_s\": %.4f}\n",
	       s->name, v6 ? "v6" : "v4", prefixes, compile_s, now_s(CLOCK_MONOTONIC) - start);
	start = now_s(CLOCK_MONOTONIC);
	struct class open = { .segment = "homes", .cause = CAUSE_EXCEPTION };
	if (s->filter->ops->put(s->filter, rs, spread[0], &open, &why) < 0)
		goto failed;
	printf("{\"bench\": \"put\", \"subject\": \"%s\", \"family\": \"%s\", \"prefixes\": %zu, "
	       "\"ms\": %.4f}\n",
	       s->name, v6 ? "v6" : "v4", prefixes, (now_s(CLOCK_MONOTONIC) - start) * 1e3);
	ruleset_free(rs);
	return;
failed:
	fprintf(stderr, "filter_bench: %s\n", why.text);
	exit(1);
}

/* Classes for the trie's numbers to mean something: 1 passes, 2 drops. */
static void load_trie_classes(struct bpf_object *o)
{
	static struct class classes[3] = { [2] = { .cause = CAUSE_SEGMENT, .mode = MODE_DROP } };
	static struct interval4 v4[1];
	static struct interval6 v6_[1];
	struct ruleset rs = { .classes = classes,
			      .classes_count = 3,
			      .v4 = v4,
			      .v4_count = 1,
			      .v6 = v6_,
			      .v6_count = 1 };
	uint32_t counter[3] = { 0, 1, 2 }, zero = 0;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd =
	    bpf_map_create(BPF_MAP_TYPE_ARRAY, "lines", 4, sizeof(struct filter_page), 1, &opts);
	struct table *t = NULL;

	if (table_build(&rs, counter, (struct table_clock){ wall_now(), mono_now() }, &t) < 0)
		die("table");
	if (bpf_map_update_elem(fd, &zero, t->line, 0) < 0) /* malloc()ed as a whole page */
		die("table lines");
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(o, "filter_tables"), &zero, &fd,
				0) < 0)
		die("tables");
	close(fd);
	table_free(t);
}

struct trie_key {
	uint32_t bits;
	uint8_t addr[16];
};

static void load_trie(struct subject *s, const char *object)
{
	struct bpf_object *o = bpf_object__open(object);
	struct bpf_program *p;
	uint32_t row[2] = { 2, 1 }; /* class numbers as in trie's classes: drop, pass */

	if (!o)
		die(object);
	bpf_object__for_each_program(p, o)
	    bpf_program__set_autoload(p, strcmp(bpf_program__name(p), "xdp_subscriber") == 0);
	if (bpf_object__load(o) < 0)
		die("cannot load the trie program");
	load_trie_classes(o);
	int fd = bpf_object__find_map_fd_by_name(o, "filter_trie");
	struct trie_key k = { .bits = v6 ? 32 : 96 + 8, .addr = { [10] = 0xff, 0xff, 10 } };
	if (v6)
		memcpy(k.addr, (uint8_t[16]){ 0x20, 1, 0x0d, 0xb8 }, 16);
	if (bpf_map_update_elem(fd, &k, &row[0], 0) < 0)
		die("trie");
	double start = now_s(CLOCK_MONOTONIC);
	for (size_t i = 0; i < prefixes; i++) {
		k.bits = v6 ? 64 : 128;
		addr_to_bytes(spread[i].addr, v6 ? k.addr : k.addr + 12);
		if (bpf_map_update_elem(fd, &k, &row[1], 0) < 0)
			die("trie");
	}
	printf(
	    "{\"bench\": \"load\", \"subject\": \"trie\", \"family\": \"%s\", \"prefixes\": %zu, "
	    "\"load_s\": %.4f}\n",
	    v6 ? "v6" : "v4", prefixes, now_s(CLOCK_MONOTONIC) - start);
	s->prog = bpf_program__fd(bpf_object__find_program_by_name(o, "xdp_subscriber"));
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(*(const struct prefix *)a, *(const struct prefix *)b);
}

static void write_nft(const char *path)
{
	FILE *f = fopen(path, "w");
	char text[PREFIX_TEXT_MAX];
	struct prefix *sorted = malloc(prefixes * sizeof(*sorted));

	if (!f || !sorted)
		die(path);
	memcpy(sorted, spread, prefixes * sizeof(*sorted));
	qsort(sorted, prefixes, sizeof(*sorted), compare_prefixes);
	fprintf(f,
		"table inet bench {\n set homes { type %s; flags interval; elements = { %s } }\n",
		v6 ? "ipv6_addr" : "ipv4_addr", v6 ? "2001:db8::/32" : "10.0.0.0/8");
	fprintf(f, " set excepted { type %s; flags interval; elements = {\n",
		v6 ? "ipv6_addr" : "ipv4_addr");
	for (size_t i = 0; i < prefixes; i++)
		if (i == 0 || prefix_compare(sorted[i], sorted[i - 1]) != 0)
			fprintf(f, "%s,\n", prefix_text(sorted[i], text));
	fprintf(f,
		"} }\n chain prerouting { type filter hook prerouting priority raw;\n"
		"  tcp dport 25 tcp flags & syn == syn %s saddr @homes %s saddr != @excepted "
		"counter drop\n"
		" }\n}\n",
		v6 ? "ip6" : "ip", v6 ? "ip6" : "ip");
	fclose(f);
	free(sorted);
}

static void load_nft(struct subject *s)
{
	char path[] = "/tmp/porteiro-bench-XXXXXX", command[64];
	int fd = mkstemp(path);

	if (fd < 0)
		die(path);
	close(fd);
	write_nft(path);
	snprintf(command, sizeof(command), "nft -f %s", path);
	double start = now_s(CLOCK_MONOTONIC);
	shell(command);
	printf("{\"bench\": \"load\", \"subject\": \"nft\", \"family\": \"%s\", \"prefixes\": %zu, "
	       "\"load_s\": %.4f}\n",
	       v6 ? "v6" : "v4", prefixes, now_s(CLOCK_MONOTONIC) - start);
	unlink(path);
	s->prog = -1;
}

static void place(const struct subject *s)
{
	unsigned ifindex = if_nametoindex(IN_IF);
	struct why why = { 0 };

	if (s->filter) {
		if (xdp_attach(s->filter,
			       &(struct xdp_at){ .ifname = IN_IF, .fix = true, .how = XDP_NATIVE },
			       NULL, &why) < 0) {
			fprintf(stderr, "filter_bench: %s\n", why.text);
			exit(1);
		}
		return;
	}
	if (strcmp(s->name, "other") == 0 && system(getenv("BENCH_OTHER")) != 0)
		die("other");
	if (s->prog >= 0 && bpf_xdp_attach((int)ifindex, s->prog, XDP_FLAGS_DRV_MODE, NULL) < 0)
		die("attach");
}

/* An unpinned filter lets go of its link when it is detached like this. */
static void displace(const struct subject *s)
{
	if (s->filter)
		xdp_let_go(s->filter);
	else if (s->prog >= 0)
		bpf_xdp_attach((int)if_nametoindex(IN_IF), -1, XDP_FLAGS_DRV_MODE, NULL);
	else if (strcmp(s->name, "other") == 0)
		shell(getenv("BENCH_OTHER_OFF"));
}

static uint64_t received(void)
{
	static struct ethtool_gstrings *names;
	static uint32_t count;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { .ifr_name = IN_IF };
	uint64_t sum = 0;

	if (!names) {
		struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

		ifr.ifr_data = (void *)&info;
		if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
			die("ethtool");
		count = info.n_stats;
		names = calloc(1, sizeof(*names) + count * ETH_GSTRING_LEN);
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_STATS;
		names->len = count;
		ifr.ifr_data = (void *)names;
		if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
			die("ethtool names");
	}
	struct ethtool_stats *stats = calloc(1, sizeof(*stats) + count * sizeof(uint64_t));
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = count;
	ifr.ifr_data = (void *)stats;
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		die("ethtool statistics");
	for (uint32_t i = 0; i < count; i++) {
		const char *name = (char *)names->data + i * ETH_GSTRING_LEN;

		if (strncmp(name, "rx_queue_", 9) == 0 && strstr(name, "xdp_packets"))
			sum += stats->data[i];
	}
	free(stats);
	close(fd);
	return sum;
}

/* nft sees only what is addressed to the host; what XDP lets through ends early in the stack. */
static void address_frame(const struct subject *s, struct frame *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { .ifr_name = IN_IF };

	if (strcmp(s->name, "nft") == 0 && ioctl(fd, SIOCGIFHWADDR, &ifr) == 0)
		memcpy(f->bytes, ifr.ifr_hwaddr.sa_data, 6);
	close(fd);
}

/* The kernel's own thread for what is left over of packet work on this CPU: seconds so far. */
static double ksoftirqd_s(void)
{
	static int pid;
	char path[64], want[32], comm[32] = "";
	unsigned long long ns = 0;

	snprintf(want, sizeof(want), "ksoftirqd/%d", sched_getcpu());
	for (int i = 2; !pid && i < 4096; i++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", i);
		own_file FILE *f = fopen(path, "r");
		if (f && fscanf(f, "%31s", comm) == 1 && strcmp(comm, want) == 0)
			pid = i;
	}
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	own_file FILE *f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		die("ksoftirqd");
	return (double)ns / 1e9;
}

/* Both ends of the wire on one CPU, whose time can then be told. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("affinity");
}

static struct frame template_frame(void)
{
	struct frame_spec spec = { .v6 = v6,
				   .src = v6 ? "2001:db8::1" : "10.0.0.1",
				   .flags = TCP_SYN };
	struct frame f;

	frame_make(&spec, &f);
	return f;
}

static void run(const struct subject *s)
{
	struct xdp_md ctx = { 0 };
	struct frame f = template_frame();

	address_frame(s, &f);
	ctx.data_end = (uint32_t)f.len;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.bytes, .data_size_in = (uint32_t)f.len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = BATCH_N,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	double wall, cpu;
	uint64_t packets;

	place(s);
	bpf_prog_test_run_opts(bpf_program__fd(gen->progs.gen), &opts); /* warm up */
	packets = received();
	wall = now_s(CLOCK_MONOTONIC);
	cpu = now_s(CLOCK_THREAD_CPUTIME_ID) + ksoftirqd_s();
	while (now_s(CLOCK_MONOTONIC) - wall < ROUND_S)
		if (bpf_prog_test_run_opts(bpf_program__fd(gen->progs.gen), &opts) < 0)
			die("live frames");
	cpu = now_s(CLOCK_THREAD_CPUTIME_ID) + ksoftirqd_s() - cpu;
	wall = now_s(CLOCK_MONOTONIC) - wall;
	packets = received() - packets;
	displace(s);
	printf("{\"bench\": \"round\", \"subject\": \"%s\", \"family\": \"%s\", \"prefixes\": %zu, "
	       "\"packets\": %lu, \"wall_s\": %.4f, \"cpu_s\": %.4f, \"mpps\": %.3f}\n",
	       s->name, v6 ? "v6" : "v4", prefixes, packets, wall, cpu,
	       (double)packets / cpu / 1e6);
	fflush(stdout);
}

static uint32_t header_sum(void)
{
	struct frame f = template_frame();
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < 20; i += 2) {
		memcpy(&word, f.bytes + f.ip + i, sizeof(word));
		if (i < 10 || i > 14)
			sum += word;
	}
	return sum;
}

static void make_wire(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		die("unshare");
	/* For tools that pin: a BPF file system that nobody else sees. */
	shell("mount --make-rprivate / && mount -t bpf bpf /sys/fs/bpf");
	shell("ip link add " OUT_IF " type veth peer name " IN_IF " && ip link set " OUT_IF
	      " up && ip link set " IN_IF " up && ip link set lo up"
	      " && ethtool -K " IN_IF " gro on >/dev/null");
	gen = gen_bpf__open();
	if (!gen)
		die("generator");
	gen->rodata->gen_ifindex = if_nametoindex(OUT_IF);
	gen->rodata->gen_v6 = v6;
	gen->rodata->gen_sum = header_sum();
	if (gen_bpf__load(gen) < 0)
		die("generator");
}

int main(int argc, char **argv)
{
	struct subject subject[16] = { 0 };
	int n = 0, rounds;

	if (argc < 5) {
		fprintf(stderr, "usage: filter_bench v4|v6 PREFIXES ROUNDS SUBJECT...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	v6 = strcmp(argv[1], "v6") == 0;
	prefixes = strtoul(argv[2], NULL, 10);
	rounds = atoi(argv[3]);
	stay_here();
	make_wire();
	make_prefixes();
	for (int i = 4; i < argc && n < 16; i++, n++) {
		struct subject *s = &subject[n];

		s->name = argv[i];
		s->prog = -1;
		if (strncmp(s->name, "porteiro", 8) == 0) {
			load_porteiro(s, strcmp(s->name, "porteiro") == 0);
		} else if (strcmp(s->name, "bare") == 0) {
			s->prog = bpf_program__fd(gen->progs.bare_drop);
		} else if (strncmp(s->name, "trie:", 5) == 0) {
			s->name = "trie";
			load_trie(s, argv[i] + 5);
		} else if (strcmp(s->name, "nft") == 0) {
			load_nft(s);
		} else if (strcmp(s->name, "nft-load") == 0) {
			load_nft(s);
			n--; /* no rounds */
		}
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++)
			run(&subject[i]);
	return 0;
}
