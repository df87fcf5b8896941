/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdp_tool: the packet filter by hand, for the network tests and the benchmarks.
 *
 *     xdp_tool PIN_DIR|- [OPTION=VALUE]... < commands
 *
 * Commands, one a line; each is answered by one line of JSON:
 *     segment NAME PREFIX MODE [strict] [inbound=MODE]    collect for `load`
 *     smarthost PREFIX | exception PREFIX | spread PREFIX N LEN
 *     load | compare | clear
 *     put PREFIX MODE                                     in place
 *     attach IFNAME [uplink] [native|generic|tc] [fix] | detach IFNAME | where
 *     open | resume | is_open | remove
 *     counters | stats
 *     run xdp|tc|ip HEX | repeat N HEX | bare N HEX       `bare`: a program that only passes
 * An error is {"error": TEXT, "code": N}. `spread` makes N exceptions of LEN bits,
 * at random but always the same, in a prefix.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "decide/compile.h"
#include "enforce/xdp.h"
#include "enforce/xdp_run.h"

#define WORDS_MAX    8
#define SEGMENTS_MAX 256

static struct {
	struct filter *filter;
	const char *dir;
	struct segment segment[SEGMENTS_MAX];
	unsigned segments;
	struct smarthost smarthost[SEGMENTS_MAX];
	unsigned smarthosts;
	struct exception *exception;
	size_t exceptions, room;
	struct ruleset *rules;
} tool;

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int bad(struct why *why, const char *word)
{
	return why_set(why, -EINVAL, "can not read '%s'", word ? word : "");
}

static struct plan_prefix *one_prefix(const char *text)
{
	struct plan_prefix *p = calloc(1, sizeof(*p));

	if (!p || !text || prefix_parse(text, &p->prefix) != PREFIX_OK) {
		free(p);
		return NULL;
	}
	return p;
}

static int do_segment(char **word, struct why *why)
{
	struct segment *s = &tool.segment[tool.segments];

	if (tool.segments == SEGMENTS_MAX || !word[1] || !word[2] || !word[3])
		return bad(why, word[1]);
	*s = (struct segment){ .name = strdup(word[1]),
			       .treatment = TREATMENT_CLOSED,
			       .prefixes = one_prefix(word[2]),
			       .prefixes_count = 1 };
	if (!s->prefixes || !mode_parse(word[3], &s->mode))
		return bad(why, word[3]);
	for (char **w = word + 4; *w; w++) {
		if (strcmp(*w, "strict") == 0)
			s->strict = true;
		else if (strncmp(*w, "inbound=", 8) != 0 || !mode_parse(*w + 8, &s->inbound))
			return bad(why, *w);
	}
	tool.segments++;
	puts("{}");
	return 0;
}

static int do_smarthost(char **word, struct why *why)
{
	struct smarthost *s = &tool.smarthost[tool.smarthosts];

	*s = (struct smarthost){ .name = strdup("s"),
				 .prefixes = one_prefix(word[1]),
				 .prefixes_count = 1 };
	if (tool.smarthosts == SEGMENTS_MAX - 1 || !s->prefixes)
		return bad(why, word[1]);
	tool.smarthosts++;
	puts("{}");
	return 0;
}

static int except(struct prefix p, struct why *why)
{
	if (tool.exceptions == tool.room) {
		size_t room = tool.room ? tool.room * 2 : 64;
		struct exception *more = realloc(tool.exception, room * sizeof(*more));

		if (!more)
			return why_set(why, -ENOMEM, "out of memory");
		tool.exception = more;
		tool.room = room;
	}
	tool.exception[tool.exceptions] = (struct exception){ .id = tool.exceptions + 1,
							      .prefix = p,
							      .until.s = wall_now().s + 86400,
							      .reason = "test",
							      .by = "test" };
	tool.exceptions++;
	return 0;
}

static int do_exception(char **word, struct why *why)
{
	struct prefix p;

	if (!word[1] || prefix_parse(word[1], &p) != PREFIX_OK || except(p, why) < 0)
		return bad(why, word[1]);
	puts("{}");
	return 0;
}

static uint64_t rnd(void)
{
	static uint64_t seed = 88172645463325252ULL;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int do_spread(char **word, struct why *why)
{
	struct prefix in, p;
	unsigned len, bits;
	unsigned long n;

	if (!word[1] || !word[2] || !word[3] || prefix_parse(word[1], &in) != PREFIX_OK)
		return bad(why, word[1]);
	n = strtoul(word[2], NULL, 10);
	len = (unsigned)strtoul(word[3], NULL, 10);
	bits = family_bits(in.addr.family);
	if (len <= in.len || len > bits || len - in.len > 63)
		return bad(why, word[3]);
	for (; n > 0; n--) {
		p = in;
		p.len = (uint8_t)len;
		p.addr.bits |= (addr_bits)(rnd() >> (64 - (len - in.len))) << (bits - len);
		if (except(p, why) < 0)
			return -ENOMEM;
	}
	puts("{}");
	return 0;
}

static int do_load(char **word, struct why *why)
{
	struct plan plan = { .operator_ = { .name = strdup("test") },
			     .segments = tool.segment,
			     .segments_count = tool.segments,
			     .smarthosts = tool.smarthost,
			     .smarthosts_count = tool.smarthosts };
	struct compile_input in = { .plan = &plan,
				    .exceptions = tool.exception,
				    .exceptions_count = tool.exceptions };
	double start = milliseconds(), compiled;
	int r;

	(void)word;
	ruleset_free(tool.rules);
	tool.rules = NULL;
	r = compile(&in, wall_now(), &tool.rules, why);
	free(plan.operator_.name);
	if (r < 0)
		return r;
	compiled = milliseconds();
	r = tool.filter->ops->load(tool.filter, tool.rules, why);
	if (r == 0)
		printf("{\"compile_ms\": %.3f, \"load_ms\": %.3f}\n", compiled - start,
		       milliseconds() - compiled);
	return r;
}

static int do_clear(char **word, struct why *why)
{
	(void)word;
	(void)why;
	tool.segments = tool.smarthosts = 0;
	tool.exceptions = 0;
	puts("{}");
	return 0;
}

static int do_compare(char **word, struct why *why)
{
	struct filter_drift d;
	int r;

	(void)word;
	if (!tool.rules)
		return why_set(why, -EINVAL, "load first");
	r = tool.filter->ops->compare(tool.filter, tool.rules, wall_now(), &d, why);
	if (r == 0)
		printf(
		    "{\"ranges\": %zu, \"addresses\": %.0f, \"objects\": %zu, \"first\": \"%s\"}\n",
		    d.ranges, d.addresses, d.objects, d.first);
	return r;
}

static int do_put(char **word, struct why *why)
{
	struct class c = { .segment = "put", .cause = CAUSE_EXCEPTION };
	struct prefix p;
	double start = milliseconds();
	int r;

	if (!tool.rules || !word[1] || prefix_parse(word[1], &p) != PREFIX_OK || !word[2] ||
	    !mode_parse(word[2], &c.mode))
		return bad(why, word[1]);
	if (c.mode != MODE_OFF)
		c.cause = CAUSE_SEGMENT;
	r = tool.filter->ops->put(tool.filter, tool.rules, p, &c, why);
	if (r == 0)
		printf("{\"ms\": %.4f}\n", milliseconds() - start);
	return r;
}

static int do_attach(char **word, struct why *why)
{
	struct xdp_at at = { .ifname = word[1] };
	enum xdp_how how = XDP_ANY;
	int r;

	if (!word[1])
		return bad(why, NULL);
	for (char **w = word + 2; *w; w++) {
		if (strcmp(*w, "uplink") == 0)
			at.side = FILTER_UPLINK;
		else if (strcmp(*w, "fix") == 0)
			at.fix = true;
		for (int h = XDP_NATIVE; h < XDP_HOW_COUNT_; h++)
			if (strcmp(*w, xdp_how_name((enum xdp_how)h)) == 0)
				at.how = (enum xdp_how)h;
	}
	r = xdp_attach(tool.filter, &at, &how, why);
	if (r == 0)
		printf("{\"how\": \"%s\"}\n", xdp_how_name(how));
	return r;
}

static int do_detach(char **word, struct why *why)
{
	int r = word[1] ? xdp_detach(tool.filter, word[1], why) : bad(why, NULL);

	if (r == 0)
		puts("{}");
	return r;
}

static int print_where(void *arg, const struct xdp_where *w)
{
	int *n = arg;

	printf("%s\"%s\": {\"how\": \"%s\", \"side\": \"%s\", \"alive\": %s}", (*n)++ ? ", " : "",
	       w->ifname, xdp_how_name(w->how), w->side == FILTER_UPLINK ? "uplink" : "subscriber",
	       w->alive ? "true" : "false");
	return 0;
}

static int do_where(char **word, struct why *why)
{
	int n = 0, r;

	(void)word;
	printf("{");
	r = xdp_where(tool.filter, print_where, &n, why);
	puts("}");
	return r < 0 ? r : 0;
}

static int do_open(char **word, struct why *why)
{
	int r = xdp_set_open(tool.dir, strcmp(word[0], "open") == 0, why);

	if (r == 0)
		puts("{}");
	return r;
}

static int do_is_open(char **word, struct why *why)
{
	bool open = false;
	int r = xdp_is_open(tool.dir, &open, why);

	(void)word;
	if (r == 0)
		printf("{\"open\": %s}\n", open ? "true" : "false");
	return r;
}

static int do_remove(char **word, struct why *why)
{
	int r = xdp_remove(tool.dir, why);

	(void)word;
	if (r == 0)
		puts("{}");
	return r;
}

static int print_count(void *arg, const struct filter_count *c)
{
	int *n = arg;

	printf(
	    "%s\"%s\": {\"rejected\": %lu, \"dropped\": %lu, \"monitored\": %lu, \"passed\": %lu}",
	    (*n)++ ? ", " : "", c->class, c->rejected, c->dropped, c->monitored, c->passed);
	return 0;
}

static int do_counters(char **word, struct why *why)
{
	int n = 0, r;

	(void)word;
	printf("{");
	r = tool.filter->ops->counters(tool.filter, print_count, &n, why);
	puts("}");
	return r;
}

static int do_stats(char **word, struct why *why)
{
	struct xdp_stat s[FILTER_STAT_COUNT];
	int r = xdp_stats(tool.filter, s, why);

	(void)word;
	if (r < 0)
		return r;
	for (int i = 0; i < FILTER_STAT_COUNT; i++)
		printf("%s\"%s\": %lu", i ? ", " : "{", s[i].name, s[i].n);
	puts("}");
	return 0;
}

static int do_run(char **word, struct why *why)
{
	static uint8_t frame[XDP_RUN_BYTES];
	static struct xdp_ran ran;
	const bool repeat = strcmp(word[0], "repeat") == 0;
	struct xdp_run run = { .frame = frame };
	unsigned byte;
	int r;

	if (!word[1] || !word[2])
		return bad(why, NULL);
	if (repeat)
		run.repeat = (uint32_t)strtoul(word[1], NULL, 10);
	else
		run.at = strcmp(word[1], "tc") == 0   ? RUN_TC
			 : strcmp(word[1], "ip") == 0 ? RUN_TC_IP
						      : RUN_XDP;
	for (const char *h = word[2]; sscanf(h, "%2x", &byte) == 1 && run.len < sizeof(frame);
	     h += 2)
		frame[run.len++] = (uint8_t)byte;
	r = xdp_run(tool.filter, &run, &ran, why);
	if (r < 0)
		return r;
	printf("{\"action\": %d, \"ns\": %u, \"out\": \"", (int)ran.action, ran.ns);
	for (size_t i = 0; i < ran.out_len; i++)
		printf("%02x", ran.out[i]);
	puts("\"}");
	return 0;
}

/* The least that a program can do, for comparison. */
static int bare_program(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static int fd = -1;

	if (fd < 0)
		fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "bare", "GPL", pass, 2, NULL);
	return fd;
}

static int do_bare(char **word, struct why *why)
{
	uint8_t frame[256], out[512];
	uint32_t len = 0;
	unsigned byte;
	int r;

	if (!word[1] || !word[2])
		return bad(why, NULL);
	for (const char *h = word[2]; sscanf(h, "%2x", &byte) == 1 && len < sizeof(frame); h += 2)
		frame[len++] = (uint8_t)byte;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = atoi(word[1]));
	r = bpf_prog_test_run_opts(bare_program(), &opts);
	if (r < 0)
		return why_set(why, r, "cannot run: %s", strerror(-r));
	printf("{\"ns\": %u}\n", opts.duration);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **word, struct why *why);
} commands[] = {
	{ "segment", do_segment },     { "smarthost", do_smarthost },
	{ "exception", do_exception }, { "spread", do_spread },
	{ "load", do_load },           { "clear", do_clear },
	{ "compare", do_compare },     { "put", do_put },
	{ "attach", do_attach },       { "detach", do_detach },
	{ "where", do_where },         { "open", do_open },
	{ "resume", do_open },         { "is_open", do_is_open },
	{ "remove", do_remove },       { "counters", do_counters },
	{ "stats", do_stats },         { "run", do_run },
	{ "repeat", do_run },          { "bare", do_bare },
};

static void command(char *line)
{
	char *word[WORDS_MAX + 1] = { NULL }, *rest = line;
	struct why why = { 0 };
	int r = -EINVAL;

	for (int i = 0; i < WORDS_MAX; i++) {
		word[i] = strtok_r(i ? NULL : line, " \n", &rest);
		if (!word[i])
			break;
	}
	why_set(&why, r, "no such command");
	for (size_t i = 0; word[0] && i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(word[0], commands[i].name) == 0)
			r = commands[i].run(word, &why);
	if (r < 0)
		printf("{\"error\": \"%s\", \"code\": %d}\n", why.text, r);
	fflush(stdout);
}

static int set_option(struct xdp_options *o, const char *text)
{
	unsigned long n = strtoul(text + strcspn(text, "=") + 1, NULL, 10);

	if (strncmp(text, "resets=", 7) == 0)
		o->resets_per_s = (uint32_t)n;
	else if (strncmp(text, "spare=", 6) == 0)
		o->spare_lines = (uint32_t)n;
	else if (strncmp(text, "lines=", 6) == 0)
		o->lines = (uint32_t)n, o->lines_off = n == 0;
	else if (strncmp(text, "tracing=", 8) == 0)
		o->tracing = n != 0;
	else
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	struct xdp_options o = XDP_OPTIONS;
	struct why why = { 0 };
	char *line = NULL;
	size_t room = 0;

	if (argc < 2)
		return 2;
	o.pin_dir = tool.dir = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
	for (int i = 2; i < argc; i++) {
		if (!strchr(argv[i], '=') || set_option(&o, argv[i]) < 0) {
			fprintf(stderr, "xdp_tool: unknown option %s\n", argv[i]);
			return 2;
		}
	}
	if (xdp_filter_open(&o, &tool.filter, &why) < 0) {
		printf("{\"error\": \"%s\", \"code\": %d}\n", why.text, why.code);
		return 1;
	}
	puts("{}");
	fflush(stdout);
	while (getline(&line, &room, stdin) > 0)
		command(line);
	free(line);
	filter_free(tool.filter);
	ruleset_free(tool.rules);
	return 0;
}
