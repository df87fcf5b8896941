/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every capture at hand past both judges: the packet program in the kernel sees
 * in each frame what the reference sees, and the totals are the same text.
 * Captures stand in ../shared/data/pcap beside the sources.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmocka.h"
#include "bpf_need.h"
#include "decide/compile.h"
#include "model/plan.h"
#include "prog/replay.h"
#include "wire/pcap.h"

#define CAPTURES_MAX 1024

static char *captures[CAPTURES_MAX];
static size_t captures_count;

/* What all addresses are, by both families; the sides differ in what they ask. */
static const struct {
	const char *what, *plan;
	enum side side;
} plans[] = {
	{ "drop",
	  "segments: [{name: all, kind: residential, prefixes: [0.0.0.0/0, '::/0'], mode: drop}]",
	  SIDE_SUBSCRIBER },
	{ "strict reject, half of the world",
	  "segments:\n"
	  "  - {name: low, kind: residential, strict: true, prefixes: [0.0.0.0/1, '::/1']}\n"
	  "  - {name: high, kind: residential, mode: monitor, inbound: drop,\n"
	  "     prefixes: [128.0.0.0/1, '8000::/1']}\n"
	  "smarthosts: [{name: relay, prefixes: [74.53.140.153]}]",
	  SIDE_SUBSCRIBER },
	{ "inbound",
	  "segments:\n"
	  "  - {name: all, kind: residential, inbound: reject, prefixes: [0.0.0.0/0, '::/0']}",
	  SIDE_UPLINK },
};
#define PLANS (sizeof(plans) / sizeof(*plans))

static int remember(const char *path, const struct stat *s, int type, struct FTW *f)
{
	const char *dot = strrchr(path, '.');

	(void)s;
	(void)f;
	if (type != FTW_F || !dot || (strcmp(dot, ".pcap") != 0 && strcmp(dot, ".pcapng") != 0))
		return 0;
	if (captures_count < CAPTURES_MAX)
		captures[captures_count++] = strdup(path);
	return 0;
}

static struct ruleset *compiled(const char *text)
{
	own(plan) struct plan *p = NULL;
	struct ruleset *rs = NULL;
	struct why why = { 0 };
	char whole[1024];

	snprintf(whole, sizeof(whole), "operator: {name: Test}\n%s\n", text);
	if (plan_parse(whole, strlen(whole), "plan", &p, NULL, &why) < 0 ||
	    compile(&(struct compile_input){ .plan = p }, wall_now(), &rs, &why) < 0)
		fail_msg("%s", why.text);
	return rs;
}

/* Both judges as one, which looks at each frame twice and lets no difference pass. */
struct both {
	struct replay_judge judge; /* first */
	struct replay_judge *reference, *program;
	struct replay_totals *totals; /* what the program saw; the reference's go the usual way */
	const char *capture;
	size_t frame; /* from 1, as Wireshark counts */
};

static bool needs_source(const struct replay_observation *o)
{
	return o->syn_port == 25 || o->verdict == VERDICT_REJECT || o->verdict == VERDICT_DROP;
}

static int both_observe(struct replay_judge *j, const uint8_t *frame, size_t len,
			struct replay_observation *ret, struct why *why)
{
	struct both *b = (struct both *)j;
	struct replay_observation p = { 0 };
	int r;

	b->frame++;
	r = b->reference->observe(b->reference, frame, len, ret, why);
	if (r == 0)
		r = b->program->observe(b->program, frame, len, &p, why);
	if (r < 0)
		return r;
	if (p.verdict != ret->verdict || p.unparsed != ret->unparsed ||
	    p.syn_port != ret->syn_port ||
	    (needs_source(ret) && (p.src.family != ret->src.family || p.src.bits != ret->src.bits)))
		fail_msg("%s, frame %zu: the program says %s%s, the reference %s%s", b->capture,
			 b->frame, verdict_name(p.verdict), p.unparsed ? ", unparsed" : "",
			 verdict_name(ret->verdict), ret->unparsed ? ", unparsed" : "");
	return replay_totals_add(b->totals, &p);
}

static char *totals_text(struct replay_totals *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(replay_totals_json(t, f), 0);
	fclose(f);
	return text;
}

/* True if it was Ethernet, the only link type there is to replay. */
static bool replay_both(struct both *b)
{
	own(replay_totals) struct replay_totals *reference = NULL, *program = NULL;
	struct why why = { 0 };
	bool cut;

	assert_int_equal(replay_totals_new(&reference), 0);
	assert_int_equal(replay_totals_new(&program), 0);
	b->totals = program;
	b->frame = 0;
	int r = replay_file(b->capture, &b->judge, reference, &cut, &why);
	if (r < 0) {
		if (r != -EBADMSG || !strstr(why.text, "only Ethernet"))
			fail_msg("%s: %s", b->capture, why.text);
		return false;
	}
	own_mem char *x = totals_text(reference), *y = totals_text(program);
	assert_string_equal(x, y);
	return true;
}

static void both_judges_print_the_same(void **state)
{
	size_t ethernet = 0;
	(void)state;

	for (size_t i = 0; i < PLANS; i++) {
		own(replay_judge) struct replay_judge *reference = NULL, *program = NULL;
		own(ruleset) struct ruleset *rs = compiled(plans[i].plan);
		struct wall now = wall_now();
		struct why why = { 0 };

		assert_int_equal(replay_reference_new(rs, plans[i].side, now, &reference, &why), 0);
		if (replay_xdp_new(rs, plans[i].side, now, &program, &why) < 0)
			fail_msg("%s", why.text);
		for (size_t k = 0; k < captures_count; k++) {
			struct both b = { .judge = { both_observe, NULL },
					  .reference = reference,
					  .program = program,
					  .capture = captures[k] };

			ethernet += replay_both(&b);
		}
	}
	assert_true(ethernet > PLANS * captures_count / 2);
	printf("%zu captures under %zu plans\n", captures_count, PLANS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_judges_print_the_same),
	};
	const struct xdp_options o = { .tracing = true };
	const char *src = getenv("PORTEIRO_SRC");
	own(filter) struct filter *f = NULL;
	char folder[4096];
	int code = bpf_need(&o, &f);

	if (code != 0)
		return code;
	snprintf(folder, sizeof(folder), "%s/../shared/data/pcap", src ? src : ".");
	nftw(folder, remember, 16, FTW_PHYS);
	if (captures_count == 0) {
		fprintf(stderr, "there are no captures in %s\n", folder);
		return TEST_SKIPPED;
	}
	code = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < captures_count; i++)
		free(captures[i]);
	return code;
}
