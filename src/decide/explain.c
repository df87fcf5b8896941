/* SPDX-License-Identifier: BSD-2-Clause */
#include "decide/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"

/* Append to the sentence; what does not fit is cut. */
static void say(struct explanation *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct explanation *e, const char *format, ...)
{
	size_t len = strlen(e->sentence);
	va_list args;

	va_start(args, format);
	vsnprintf(e->sentence + len, sizeof(e->sentence) - len, format, args);
	va_end(args);
}

static const struct smarthost *smarthost_find(const struct plan *p, struct addr a, unsigned *line)
{
	for (unsigned i = 0; i < p->smarthosts_count; i++) {
		const struct smarthost *s = &p->smarthosts[i];

		for (unsigned j = 0; j < s->prefixes_count; j++) {
			if (!prefix_holds(s->prefixes[j].prefix, a))
				continue;
			*line = s->prefixes[j].line;
			return s;
		}
	}
	return NULL;
}

/* The record behind the verdict: of several, the one that holds longest. */
static const struct exception *exception_find(const struct compile_input *in, struct addr a,
					      struct wall now)
{
	const struct exception *best = NULL;

	for (size_t i = 0; i < in->exceptions_count; i++) {
		const struct exception *x = &in->exceptions[i];

		if (x->until.s >= now.s && prefix_holds(x->prefix, a) &&
		    (!best || x->until.s > best->until.s))
			best = x;
	}
	return best;
}

static const struct restriction *restriction_find(const struct compile_input *in, struct addr a,
						  struct wall now)
{
	const struct restriction *best = NULL;

	for (size_t i = 0; i < in->restrictions_count; i++) {
		const struct restriction *x = &in->restrictions[i];

		if (x->until.s >= now.s && prefix_holds(x->prefix, a) &&
		    (!best || x->until.s > best->until.s))
			best = x;
	}
	return best;
}

static void say_segment(struct explanation *e)
{
	const struct segment *s = e->segment;

	if (!s) {
		say(e, "the segment '%s'", e->class.segment);
		return;
	}
	say(e, "segment '%s' (%s, %s%s%s)", s->name, segment_kind_name(s->kind),
	    segment_addressing_name(s->addressing), s->place ? ", " : "", s->place ? s->place : "");
}

static void say_mode(struct explanation *e, enum mode mode)
{
	switch (mode) {
	case MODE_OFF:
		say(e, ", but its mode is off, so nothing is refused yet");
		break;
	case MODE_MONITOR:
		say(e, " in mode monitor, which only counts what it would refuse");
		break;
	case MODE_DROP:
		say(e, " in mode drop: attempts get no answer");
		break;
	default:
		say(e, " in mode reject: a TCP reset answers each attempt at once");
	}
}

static void say_exception(struct explanation *e)
{
	const struct exception *x = e->exception;
	char until[WHEN_TEXT_MAX];

	say(e, ": an exception lets it");
	if (e->segment) {
		say(e, ", although ");
		say_segment(e);
		say(e, " is %s", treatment_name(e->segment->treatment));
	}
	if (x)
		say(e, ". Exception %llu holds until %s: %s", (unsigned long long)x->id,
		    when_text(x->until, until), *x->reason ? x->reason : "no reason given");
}

static void say_restriction(struct explanation *e)
{
	const struct restriction *x = e->restriction;
	char until[WHEN_TEXT_MAX];

	say(e, ": the line is restricted");
	say_mode(e, e->class.mode);
	say(e, ", until %s", when_text(e->class.until, until));
	if (x)
		say(e, ". Restriction %llu: %s", (unsigned long long)x->id,
		    *x->reason ? x->reason : "no reason given");
}

static void say_cause(struct explanation *e)
{
	switch (e->cause) {
	case CAUSE_EXCEPTION:
		say_exception(e);
		break;
	case CAUSE_RESTRICTION:
		say_restriction(e);
		break;
	case CAUSE_SEGMENT:
		say(e, ": ");
		say_segment(e);
		if (e->segment && e->segment->treatment == TREATMENT_OPEN) {
			say(e, " is open");
			break;
		}
		say(e, " is closed");
		say_mode(e, e->class.mode);
		break;
	default:
		say(e, ": no segment holds it, and what no segment holds is left alone");
	}
	say(e, ".");
}

static void explain_port(struct explanation *e, const struct question *q, const char *address)
{
	e->verdict = VERDICT_PASS;
	if (q->port == 465 || q->port == 587)
		say(e,
		    "%s may use port %u: that is the submission port, and Porteiro never "
		    "touches it, whatever the plan says.",
		    address, q->port);
	else
		say(e, "%s may use port %u: Porteiro can refuse nothing but TCP port 25.", address,
		    q->port);
}

static bool explain_smarthost(struct explanation *e, const struct compile_input *in,
			      const struct ruleset *rs, const struct question *q,
			      const char *address)
{
	char to[ADDR_TEXT_MAX];

	if (!q->to_given || !ruleset_is_smarthost(rs, q->to))
		return false;
	e->verdict = VERDICT_PASS;
	e->smarthost = smarthost_find(in->plan, q->to, &e->line);
	say(e,
	    "%s may use port 25 of %s: that is the smarthost '%s', which stays open to everyone.",
	    address, addr_text(q->to, to), e->smarthost ? e->smarthost->name : "?");
	return true;
}

/* Is the packet refused, or counted, for what it is sent to? */
static bool explain_inbound(struct explanation *e, const struct compile_input *in,
			    const struct ruleset *rs, const struct question *q, struct wall now,
			    const char *address)
{
	char to[ADDR_TEXT_MAX];
	struct packet p = { .kind = PACKET_TCP,
			    .src = q->address,
			    .dst = q->to,
			    .port_known = true,
			    .dport = SMTP_PORT,
			    .syn = true };
	struct judgement j;

	if (!q->to_given || q->to.family != q->address.family)
		return false;
	j = verdict_of(rs, &p, SIDE_SUBSCRIBER, now);
	if (!j.inbound || j.verdict == VERDICT_PASS)
		return false;
	e->verdict = j.verdict;
	e->inbound = true;
	e->class = *ruleset_class_at(rs, j.class, now);
	e->cause = e->class.cause;
	if (plan_find(in->plan, q->to, &e->segment, &e->prefix))
		e->line = e->prefix->line;
	say(e, "%s %s port 25 of %s: ", address,
	    j.verdict == VERDICT_MONITOR ? "may use" : "is refused", addr_text(q->to, to));
	say_segment(e);
	say(e, " is closed inbound");
	say_mode(e, e->class.inbound);
	say(e, ".");
	return true;
}

static void explain_source(struct explanation *e, const struct compile_input *in,
			   const struct ruleset *rs, const struct question *q, struct wall now,
			   const char *address)
{
	static const enum verdict verdicts[MODE_COUNT_] = {
		[MODE_OFF] = VERDICT_PASS,
		[MODE_MONITOR] = VERDICT_MONITOR,
		[MODE_REJECT] = VERDICT_REJECT,
		[MODE_DROP] = VERDICT_DROP,
	};
	char to[ADDR_TEXT_MAX];

	e->class = *ruleset_class_at(rs, ruleset_class(rs, q->address), now);
	e->cause = e->class.cause;
	e->verdict = verdicts[e->class.mode];
	if (plan_find(in->plan, q->address, &e->segment, &e->prefix))
		e->line = e->prefix->line;
	if (e->cause == CAUSE_EXCEPTION)
		e->exception = exception_find(in, q->address, now);
	if (e->cause == CAUSE_RESTRICTION)
		e->restriction = restriction_find(in, q->address, now);
	say(e, "%s %s port 25", address,
	    e->verdict == VERDICT_REJECT || e->verdict == VERDICT_DROP ? "is refused" : "may use");
	if (q->to_given)
		say(e, " of %s", addr_text(q->to, to));
	say_cause(e);
	if (!q->to_given && in->plan->smarthosts_count && e->verdict != VERDICT_PASS)
		say(e, " Smarthosts stay open to it.");
}

struct explanation explain(const struct compile_input *in, const struct ruleset *rs,
			   const struct question *q, struct wall now)
{
	struct explanation e = { .cause = CAUSE_NONE };
	char address[ADDR_TEXT_MAX];

	addr_text(q->address, address);
	if (q->port != SMTP_PORT)
		explain_port(&e, q, address);
	else if (!explain_smarthost(&e, in, rs, q, address) &&
		 !explain_inbound(&e, in, rs, q, now, address))
		explain_source(&e, in, rs, q, now, address);
	return e;
}
