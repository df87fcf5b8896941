/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/maillint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct out {
	char *text;
	size_t len;
	FILE *file;
};

void lint_report_done(struct lint_report *r)
{
	free(r->change);
	r->change = NULL;
}

const char *lint_verdict_name(enum lint_verdict v)
{
	static const char *const names[LINT_VERDICT_COUNT_] = {
		[LINT_PROVEN] = "proven",     [LINT_SHARED] = "shared",   [LINT_SILENT] = "silent",
		[LINT_NO_LOGIN] = "no login", [LINT_INNER] = "inner hop",
	};

	return names[v];
}

bool lint_good(const struct lint_report *r)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->listener[i].verdict == LINT_SHARED || r->listener[i].verdict == LINT_SILENT)
			return false;
	return r->count > 0;
}

static void copy(char *ret, size_t room, struct slice s)
{
	size_t n = slice_cut(s, room - 1).len;

	if (n)
		slice_copy(ret, s, n);
	ret[n] = '\0';
}

static struct slice line_of(struct slice *rest)
{
	struct slice l = slice_until(*rest, '\n');

	*rest = slice_from(*rest, l.len + 1);
	return l;
}

static struct slice word_of(struct slice *s)
{
	*s = slice_trim(*s);
	size_t n = 0;
	while (n < s->len && s->at[n] != ' ' && s->at[n] != '\t')
		n++;
	struct slice w = slice_cut(*s, n);
	*s = slice_from(*s, n);
	return w;
}

/* "name = value" of the last such line; empty when there is none. */
static struct slice setting(struct slice text, struct slice name)
{
	struct slice value = { "", 0 };

	while (text.len) {
		struct slice l = slice_trim(line_of(&text));
		if (!slice_starts(l, name))
			continue;
		struct slice rest = slice_trim(slice_from(l, name.len));
		if (rest.len && rest.at[0] == '=')
			value = slice_trim(slice_from(rest, 1));
	}
	return value;
}

static bool yes(struct slice s)
{
	return slice_is(s, SLICE("yes")) || slice_is(s, SLICE("true"));
}

/* The ports that have names in every services file. */
static uint16_t port_of(struct slice name)
{
	static const struct {
		struct slice name;
		uint16_t port;
	} names[] = { { { "smtp", 4 }, 25 },
		      { { "smtps", 5 }, 465 },
		      { { "submissions", 11 }, 465 },
		      { { "submission", 10 }, 587 },
		      { { "urd", 3 }, 465 } };
	unsigned v = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_is(name, names[i].name))
			return names[i].port;
	for (size_t i = 0; i < name.len && i < 6; i++) {
		if (name.at[i] < '0' || name.at[i] > '9')
			return 0;
		v = v * 10 + (unsigned)(name.at[i] - '0');
	}
	return v <= UINT16_MAX ? (uint16_t)v : 0;
}

/* Postfix */

/* A service of master.cf with its -o options, which may go on over several lines. */
struct service {
	struct slice name, command;
	struct slice syslog_name, sasl; /* of -o; at == NULL: not given */
	unsigned line;
};

static void option(struct service *s, struct slice o)
{
	if (o.len && o.at[0] == '{')
		o = slice_trim(slice_cut(slice_from(o, 1), o.len - 2));
	struct slice name = slice_trim(slice_until(o, '='));
	struct slice value = slice_trim(slice_from(o, slice_until(o, '=').len + 1));

	if (slice_is(name, SLICE("syslog_name")))
		s->syslog_name = value;
	else if (slice_is(name, SLICE("smtpd_sasl_auth_enable")))
		s->sasl = value;
}

/* The rest of a service's line, or a line that goes on: "smtpd -o name=value -o { name = value }".
 */
static void arguments(struct service *s, struct slice rest)
{
	struct slice w;

	while ((w = word_of(&rest)).len) {
		struct slice o;
		if (!slice_is(w, SLICE("-o")))
			continue;
		rest = slice_trim(rest);
		if (rest.len && rest.at[0] == '{') {
			size_t n = slice_until(rest, '}').len + 1;
			o = slice_cut(rest, n);
			rest = slice_from(rest, n);
		} else {
			o = word_of(&rest);
		}
		option(s, o);
	}
}

/* "${multi_instance_name?{$multi_instance_name}:{postfix}}" and "$service_name". */
static void expand(char *ret, size_t room, struct slice text, struct slice instance,
		   struct slice service)
{
	size_t n = 0;

	while (text.len && n + 1 < room) {
		struct slice put = slice_cut(text, 1);
		size_t used = 1;
		if (slice_starts(text, SLICE("$service_name"))) {
			put = service;
			used = 13;
		} else if (slice_starts(text, SLICE("${multi_instance_name?"))) {
			const char *end = memmem(text.at, text.len, "}}", 2);
			put = instance.len ? instance : SLICE("postfix");
			used = end ? (size_t)(end - text.at) + 2 : text.len;
		}
		for (size_t i = 0; i < put.len && n + 1 < room; i++)
			ret[n++] = put.at[i];
		text = slice_from(text, used);
	}
	ret[n] = '\0';
}

static void postfix_listener(struct lint_report *r, const struct service *s, struct slice main_cf)
{
	struct lint_listener *l = &r->listener[r->count];
	const char *colon = memrchr(s->name.at, ':', s->name.len);
	struct slice port = colon ? slice_from(s->name, (size_t)(colon - s->name.at) + 1) : s->name;
	struct slice name =
	    s->syslog_name.at ? s->syslog_name : setting(main_cf, SLICE("syslog_name"));
	struct slice sasl =
	    s->sasl.at ? s->sasl : setting(main_cf, SLICE("smtpd_sasl_auth_enable"));
	char syslog_name[LINT_NAME_MAX - 8];

	if (r->count == LINT_LISTENERS_MAX)
		return;
	if (!name.len)
		name = SLICE("${multi_instance_name?{$multi_instance_name}:{postfix}}");
	expand(syslog_name, sizeof(syslog_name), name,
	       setting(main_cf, SLICE("multi_instance_name")), port);
	*l = (struct lint_listener){ .port = port_of(port), .login = yes(sasl), .line = s->line };
	copy(l->service, sizeof(l->service), s->name);
	snprintf(l->tag, sizeof(l->tag), "%s/smtpd", syslog_name);
	if (slice_starts(s->name, SLICE("127.0.0.1:")) ||
	    slice_starts(s->name, SLICE("localhost:")) || slice_starts(s->name, SLICE("[::1]:")))
		l->verdict = LINT_INNER;
	else if (!l->login)
		l->verdict = LINT_NO_LOGIN;
	r->count++;
}

static void service_done(struct lint_report *r, const struct service *s, struct slice main_cf)
{
	if (s->name.len && slice_is(s->command, SLICE("smtpd")))
		postfix_listener(r, s, main_cf);
}

static int read_master(struct slice master, struct slice main_cf, struct lint_report *r,
		       struct why *why)
{
	struct service s = { .name = { "", 0 } };
	unsigned number = 0;

	while (master.len) {
		struct slice l = line_of(&master);
		number++;
		struct slice text = slice_trim(l);
		if (!text.len || text.at[0] == '#')
			continue;
		if (l.at[0] == ' ' || l.at[0] == '\t') {
			arguments(&s, text);
			continue;
		}
		service_done(r, &s, main_cf);
		s = (struct service){ .name = word_of(&text), .line = number };
		struct slice type = word_of(&text);
		for (int skip = 0; skip < 5; skip++)
			word_of(&text);
		s.command = word_of(&text);
		if (!s.command.len)
			return why_set(why, -EINVAL,
				       "master.cf: line %u: no service of eight fields", number);
		/* Behind postscreen the smtpd of type pass is the one on port 25. */
		if (slice_is(type, SLICE("pass")))
			s.name = SLICE("smtp");
		else if (!slice_is(type, SLICE("inet")))
			s.name = SLICE("");
		arguments(&s, text);
	}
	service_done(r, &s, main_cf);
	return 0;
}

static const char *wanted_name(uint16_t port)
{
	switch (port) {
	case 587:
		return "postfix/submission";
	case 465:
		return "postfix/submissions";
	default:
		return NULL;
	}
}

/* Two listeners with a login under one name: neither is proven; those not on 25 get a name. */
static void judge_postfix(struct lint_report *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct lint_listener *l = &r->listener[i];
		if (l->verdict == LINT_INNER || l->verdict == LINT_NO_LOGIN)
			continue;
		for (unsigned k = 0; k < r->count; k++) {
			struct lint_listener *o = &r->listener[k];
			if (k != i && o->login && o->port != l->port && strcmp(o->tag, l->tag) == 0)
				l->verdict = LINT_SHARED;
		}
		if (l->verdict != LINT_SHARED || l->port == 25)
			continue;
		if (wanted_name(l->port))
			snprintf(l->wanted, sizeof(l->wanted), "%s", wanted_name(l->port));
		else
			snprintf(l->wanted, sizeof(l->wanted), "postfix/port%u", l->port);
	}
}

/* Plain diff of master.cf, and the same as commands. */
static int postfix_change(struct slice master, const char *path, struct lint_report *r)
{
	struct out o = { 0 };
	unsigned number = 0, added = 0;
	bool any = false;

	for (unsigned i = 0; i < r->count; i++)
		any |= r->listener[i].wanted[0] != '\0';
	if (!any)
		return 0;
	o.file = open_memstream(&o.text, &o.len);
	if (!o.file)
		return -ENOMEM;
	if (path)
		fprintf(o.file, "--- %s\n+++ %s\n", path, path);
	while (path && master.len) {
		struct slice l = line_of(&master);
		number++;
		for (unsigned i = 0; i < r->count; i++) {
			if (r->listener[i].line != number || !r->listener[i].wanted[0])
				continue;
			fprintf(o.file, "@@ -%u,1 +%u,2 @@\n %.*s\n+  -o syslog_name=%s\n", number,
				number + added++, (int)l.len, l.at, r->listener[i].wanted);
		}
	}
	for (unsigned i = 0; !path && i < r->count; i++)
		if (r->listener[i].wanted[0])
			fprintf(o.file, "postconf -P '%s/inet/syslog_name=%s'\n",
				r->listener[i].service, r->listener[i].wanted);
	if (!path)
		fputs("postfix reload\n", o.file);
	if (fclose(o.file) != 0)
		return -ENOMEM;
	r->change = o.text;
	return 0;
}

int lint_postfix(struct slice master, struct slice main_cf, const char *path,
		 struct lint_report *ret, struct why *why)
{
	*ret = (struct lint_report){ .server = "postfix" };
	copy(ret->version, sizeof(ret->version), setting(main_cf, SLICE("mail_version")));
	int r = read_master(master, main_cf, ret, why);
	if (r < 0)
		return r;
	if (!ret->count)
		return why_set(why, -EINVAL, "no smtpd listener in it: is this master.cf?");
	judge_postfix(ret);
	return postfix_change(master, path, ret);
}

/* Exim */

static void exim_ports(struct lint_report *r, struct slice ports, bool told)
{
	size_t n = 0;

	while (n < ports.len && r->count < LINT_LISTENERS_MAX) {
		size_t start = n;
		while (n < ports.len && ports.at[n] != ':' && ports.at[n] != ' ' &&
		       ports.at[n] != ',')
			n++;
		struct slice port = { ports.at + start, n - start };
		n++;
		if (!port.len || (port.at[0] == '<' && port.len == 2))
			continue;
		struct lint_listener *l = &r->listener[r->count++];
		*l = (struct lint_listener){ .port = port_of(port), .login = true };
		l->verdict = told ? LINT_PROVEN : LINT_SILENT;
		copy(l->service, sizeof(l->service), port);
		snprintf(l->tag, sizeof(l->tag), told ? "I=[…]:%u" : "–", l->port);
	}
}

int lint_exim(struct slice text, struct lint_report *ret, struct why *why)
{
	struct slice selector = setting(text, SLICE("log_selector"));
	struct slice ports = setting(text, SLICE("daemon_smtp_ports"));
	/* Later words win: "+incoming_interface -incoming_interface" is off. */
	bool told = false;

	*ret = (struct lint_report){ .server = "exim" };
	for (struct slice s = selector, w; (w = word_of(&s)).len;) {
		if (slice_is(w, SLICE("+incoming_interface")) || slice_is(w, SLICE("+all")))
			told = true;
		else if (slice_is(w, SLICE("-incoming_interface")) || slice_is(w, SLICE("-all")))
			told = false;
	}
	if (!memmem(text.at, text.len, "log_selector", 12) && !ports.len)
		return why_set(
		    why, -EINVAL,
		    "neither log_selector nor daemon_smtp_ports in it: is this exim -bP?");
	exim_ports(ret, ports.len ? ports : SLICE("smtp"), told);
	if (told)
		return 0;
	if (asprintf(&ret->change,
		     "In the main section of Exim's configuration (Debian: a new file in\n"
		     "/etc/exim4/conf.d/main/, or MAIN_LOG_SELECTOR):\n\n"
		     "-log_selector = %.*s\n+log_selector = %.*s%s+incoming_interface\n",
		     (int)selector.len, selector.at, (int)selector.len, selector.at,
		     selector.len ? " " : "") < 0)
		return -ENOMEM;
	return 0;
}

/* Dovecot */

/* The ports of "service submission-login { inet_listener NAME { port = N } }". */
static void dovecot_ports(struct lint_report *r, struct slice text, bool told)
{
	bool inside = false;
	int depth = 0;

	while (text.len) {
		struct slice l = slice_trim(line_of(&text));
		if (slice_starts(l, SLICE("service "))) {
			inside = slice_starts(l, SLICE("service submission-login"));
			depth = 0;
		}
		depth += l.len && l.at[l.len - 1] == '{';
		depth -= slice_is(l, SLICE("}"));
		if (depth <= 0)
			inside = false;
		struct slice port = inside && slice_starts(l, SLICE("port"))
					? slice_trim(slice_from(l, slice_until(l, '=').len + 1))
					: (struct slice){ "", 0 };
		if (!port.len || slice_is(port, SLICE("0")) || r->count == LINT_LISTENERS_MAX)
			continue;
		struct lint_listener *o = &r->listener[r->count++];
		*o = (struct lint_listener){ .port = port_of(port), .login = true };
		o->verdict = told ? LINT_PROVEN : LINT_SHARED;
		copy(o->service, sizeof(o->service), port);
		snprintf(o->tag, sizeof(o->tag), told ? "lport=%u" : "submission-login", o->port);
	}
}

int lint_dovecot(struct slice text, struct lint_report *ret, struct why *why)
{
	struct slice elements = setting(text, SLICE("login_log_format_elements"));
	struct slice protocols = setting(text, SLICE("protocols"));
	bool v24 = setting(text, SLICE("dovecot_config_version")).len > 0;
	/* %a and %{lport} until 2.3, %{local_port} since 2.4 */
	bool told = memmem(elements.at, elements.len, "lport=", 6) != NULL;

	*ret = (struct lint_report){ .server = "dovecot" };
	copy(ret->version, sizeof(ret->version),
	     slice_starts(text, SLICE("# 2.")) ? slice_until(slice_from(text, 2), ' ')
					       : setting(text, SLICE("dovecot_config_version")));
	if (!memmem(text.at, text.len, "protocols", 9) && !elements.len)
		return why_set(why, -EINVAL, "no 'protocols' in it: is this doveconf -n?");
	if (protocols.len && !memmem(protocols.at, protocols.len, "submission", 10))
		return why_set(why, -EINVAL, "this Dovecot has no submission service to look at");
	dovecot_ports(ret, text, told);
	if (!ret->count) {
		/* Defaults: 587, and since 2.4 also 465. */
		struct slice defaults =
		    v24 ? SLICE("port = 587\nport = 465\n") : SLICE("port = 587\n");
		char block[128];
		snprintf(block, sizeof(block),
			 "service submission-login {\ninet_listener {\n%.*s}\n}\n",
			 (int)defaults.len, defaults.at);
		dovecot_ports(ret, slice_of(block), told);
	}
	/* One port only: the service's name alone proves it. */
	if (!told && ret->count == 1)
		ret->listener[0].verdict = LINT_PROVEN;
	if (told || ret->count == 1)
		return 0;
	const char *add = v24 ? "lport=%{local_port}" : "lport=%a";
	const char *standard =
	    v24 ? "user=<%{user}> method=%{mechanism} rip=%{remote_ip} "
		  "lip=%{local_ip} mpid=%{mail_pid} %{secured} session=<%{session}>"
		: "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>";
	if (asprintf(&ret->change,
		     "-login_log_format_elements = %.*s\n+login_log_format_elements = %.*s %s\n",
		     elements.len ? (int)elements.len : (int)strlen(standard),
		     elements.len ? elements.at : standard,
		     elements.len ? (int)elements.len : (int)strlen(standard),
		     elements.len ? elements.at : standard, add) < 0)
		return -ENOMEM;
	return 0;
}
