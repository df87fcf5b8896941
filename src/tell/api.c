/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/api.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"

/* --- setters: one text → one member ---------------------------------------------------------- */

static int words(struct problem *p, const char *format, const char *text)
{
	snprintf(p->detail, sizeof(p->detail), format, text);
	return -EINVAL;
}

static bool number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
}

static int set_dry_run(struct api_request *r, const char *text, struct problem *p)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return words(p, "'%.40s' is neither true nor false", text);
	r->dry_run = strcmp(text, "true") == 0;
	return 0;
}

/* An entity tag (RFC 9110 8.8.3): the ruleset's hash in quotes. */
static int set_if_match(struct api_request *r, const char *text, struct problem *p)
{
	size_t len = strlen(text);

	if (len != 66 || text[0] != '"' || text[65] != '"')
		return words(p, "'%.70s' is not a ruleset's hash in quotes", text);
	for (unsigned i = 0; i < 32; i++) {
		unsigned byte;

		if (!isxdigit((unsigned char)text[1 + 2 * i]) ||
		    !isxdigit((unsigned char)text[2 + 2 * i]) ||
		    sscanf(text + 1 + 2 * i, "%2x", &byte) != 1)
			return words(p, "'%.70s' is not a ruleset's hash in quotes", text);
		r->if_match[i] = (uint8_t)byte;
	}
	r->has_if_match = true;
	return 0;
}

static int set_prefix(struct api_request *r, const char *text, struct problem *p)
{
	enum prefix_fault fault = prefix_parse(text, &r->prefix);

	if (fault != PREFIX_OK) {
		snprintf(p->detail, sizeof(p->detail), "'%.60s': %s", text,
			 prefix_fault_text(fault));
		return -EINVAL;
	}
	if (prefix_v4_mapped(r->prefix))
		return words(
		    p, "'%.60s' is IPv4 written as IPv6, which no packet carries: write it as IPv4",
		    text);
	r->has_prefix = true;
	return 0;
}

static int set_until(struct api_request *r, const char *text, struct problem *p)
{
	if (when_parse(text, &r->until))
		return 0;
	return words(p,
		     "'%.40s' is neither a date like 2026-12-31 nor a time like "
		     "2026-12-31T18:00:00Z",
		     text);
}

static int set_reason(struct api_request *r, const char *text, struct problem *p)
{
	if (text[strspn(text, " ")] == '\0')
		return words(p, "%sthere are only blanks in it", "");
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return words(p, "%sa control character has no place in it", "");
	snprintf(r->reason, sizeof(r->reason), "%s", text);
	return 0;
}

static int set_id(struct api_request *r, const char *text, struct problem *p)
{
	if (number(text, &r->id) && r->id > 0 && r->id <= INT64_MAX)
		return 0;
	return words(p, "'%.40s' is not a number from 1", text);
}

static int set_after(struct api_request *r, const char *text, struct problem *p)
{
	if (number(text, &r->after) && r->after <= INT64_MAX)
		return 0;
	return words(p, "'%.40s' is not a number from 0", text);
}

static int set_limit(struct api_request *r, const char *text, struct problem *p)
{
	uint64_t n;

	if (!number(text, &n) || n < 1 || n > API_PAGE_MAX)
		return words(p, "'%.40s' is not a number from 1 to 1000", text);
	r->limit = (uint32_t)n;
	return 0;
}

static int set_address(struct api_request *r, const char *text, struct problem *p)
{
	if (addr_parse(text, &r->address))
		return 0;
	return words(p, "'%.60s' is neither an IPv4 nor an IPv6 address", text);
}

static int set_port(struct api_request *r, const char *text, struct problem *p)
{
	uint64_t n;

	if (!number(text, &n) || n < 1 || n > 65535)
		return words(p, "'%.40s' is not a port from 1 to 65535", text);
	r->port = (uint16_t)n;
	return 0;
}

/* --- the table ------------------------------------------------------------------------------- */

/* clang-format off */
#define END { NULL, IN_PATH, TYPE_STRING, false, 0, 0, NULL, NULL }

static const struct api_field no_fields[] = { END };
static const struct api_field plan_fields[] = {
	{ "dry_run", IN_QUERY, TYPE_BOOLEAN, false, 0, 0,
	  "Only say what would change.", set_dry_run },
	{ "If-Match", IN_HEADER, TYPE_STRING, false, 66, 66,
	  "The hash of the ruleset in force when the caller looked, in quotes; refused with 412 if another is in force by now.", set_if_match },
	END
};
static const struct api_field exception_fields[] = {
	{ "prefix", IN_BODY, TYPE_STRING, true, 2, 51,
	  "The address or prefix that keeps port 25.", set_prefix },
	{ "until", IN_BODY, TYPE_STRING, true, 10, 20,
	  "The last day (2026-12-31) or second (2026-12-31T18:00:00Z) it holds, in UTC.", set_until },
	{ "reason", IN_BODY, TYPE_STRING, true, 1, API_REASON_MAX - 1,
	  "Why, in words for the journal.", set_reason },
	END
};
static const struct api_field id_fields[] = {
	{ "id", IN_PATH, TYPE_INTEGER, true, 1, INT64_MAX, "The exception's number.", set_id },
	END
};
static const struct api_field journal_fields[] = {
	{ "after", IN_QUERY, TYPE_INTEGER, false, 0, INT64_MAX,
	  "Entries behind this one.", set_after },
	{ "limit", IN_QUERY, TYPE_INTEGER, false, 1, API_PAGE_MAX,
	  "At most so many entries; 100 if not given.", set_limit },
	END
};
static const struct api_field why_fields[] = {
	{ "address", IN_PATH, TYPE_STRING, true, 2, 45, "The address asked about.", set_address },
	{ "port", IN_QUERY, TYPE_INTEGER, false, 1, 65535,
	  "The TCP destination port; 25 if not given.", set_port },
	END
};
static const struct api_field open_fields[] = {
	{ "reason", IN_BODY, TYPE_STRING, false, 1, API_REASON_MAX - 1,
	  "Why, in words for the journal.", set_reason },
	END
};

static const unsigned reads[] = { 200, 400, 500, 503, 0 };
static const unsigned pages[] = { 200, 400, 422, 500, 503, 0 };
static const unsigned finds[] = { 200, 400, 404, 422, 500, 503, 0 };
static const unsigned applies[] = { 200, 400, 412, 413, 415, 422, 500, 502, 503, 507, 0 };
static const unsigned adds[] = { 201, 400, 413, 415, 422, 500, 502, 503, 507, 0 };
static const unsigned removes[] = { 200, 400, 404, 422, 500, 502, 503, 507, 0 };
static const unsigned acts[] = { 200, 400, 413, 415, 422, 500, 502, 503, 507, 0 };

const struct api_route api_routes[] = {
	{ API_HEALTH, "GET", "/v1/health", "health",
	  "Whether every part of the daemon works", BODY_NONE, no_fields, reads },
	{ API_STATUS, "GET", "/v1/status", "status",
	  "What is in force, since when and by whom", BODY_NONE, no_fields, reads },
	{ API_PLAN_GET, "GET", "/v1/plan", "planGet",
	  "The plan in force, as it was written", BODY_NONE, no_fields, finds },
	{ API_PLAN_APPLY, "POST", "/v1/plan", "planApply",
	  "Put a plan in force, or say what that would change", BODY_YAML, plan_fields, applies },
	{ API_EXCEPTION_LIST, "GET", "/v1/exceptions", "exceptionList",
	  "The exceptions that hold now", BODY_NONE, no_fields, reads },
	{ API_EXCEPTION_ADD, "POST", "/v1/exceptions", "exceptionAdd",
	  "Let an address or prefix keep port 25", BODY_JSON, exception_fields, adds },
	{ API_EXCEPTION_REMOVE, "DELETE", "/v1/exceptions/{id}", "exceptionRemove",
	  "End an exception now", BODY_NONE, id_fields, removes },
	{ API_COUNTERS, "GET", "/v1/counters", "counters",
	  "What was refused and let through, by class, and what the daemon did", BODY_NONE, no_fields, reads },
	{ API_JOURNAL, "GET", "/v1/journal", "journal",
	  "What was found, decided and done, by whom, in order", BODY_NONE, journal_fields, pages },
	{ API_WHY, "GET", "/v1/why/{address}", "why",
	  "What happens to this address now, and because of what", BODY_NONE, why_fields, finds },
	{ API_OPEN, "POST", "/v1/open", "open",
	  "Open everything, until resumed", BODY_JSON_OPTIONAL, open_fields, acts },
	{ API_RESUME, "POST", "/v1/resume", "resume",
	  "Take the opening back: what is closed by the plan is closed again", BODY_JSON_OPTIONAL, open_fields, acts },
	{ API_RECONCILE, "POST", "/v1/reconcile", "reconcile",
	  "Compare what should be in force with what is, and put it right", BODY_NONE, no_fields, acts },
	{ API_OP_COUNT_, NULL, NULL, NULL, NULL, BODY_NONE, NULL, NULL },
};
/* clang-format on */

/* --- finding the route ----------------------------------------------------------------------- */

/* Where the path's variable part begins and what it is called; false if the path has another shape.
 */
static bool match(const char *pattern, const char *path, const char **ret_value)
{
	size_t fixed = strcspn(pattern, "{");

	*ret_value = NULL;
	if (pattern[fixed] == '\0')
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, fixed) != 0 || path[fixed] == '\0' || strchr(path + fixed, '/'))
		return false;
	*ret_value = path + fixed;
	return true;
}

int api_find(const char *method, const char *path, const struct api_route **ret,
	     char ret_allow[static 64], struct problem *p)
{
	const char *value;

	ret_allow[0] = '\0';
	for (const struct api_route *r = api_routes; r->path; r++) {
		if (!match(r->path, path, &value))
			continue;
		if (strcmp(r->method, method) == 0) {
			*ret = r;
			return 0;
		}
		size_t n = strlen(ret_allow);
		snprintf(ret_allow + n, 64 - n, "%s%s", n ? ", " : "", r->method);
	}
	if (*ret_allow)
		return problem_set(p, PROBLEM_METHOD, "", "%.100s takes %s, not %.20s", path,
				   ret_allow, method);
	return problem_set(p, PROBLEM_NOT_FOUND, "", "there is no %.100s; see porteiro-api(7)",
			   path);
}

size_t api_body_max(const struct api_route *route)
{
	return route->body == BODY_NONE   ? 0
	       : route->body == BODY_YAML ? API_PLAN_MAX
					  : API_BODY_MAX;
}

/* --- parsing --------------------------------------------------------------------------------- */

static const struct api_field *find_field(const struct api_route *route, enum api_in in,
					  const char *name)
{
	for (const struct api_field *f = route->fields; f->name; f++)
		if (f->in == in &&
		    (in == IN_HEADER ? strcasecmp(f->name, name) : strcmp(f->name, name)) == 0)
			return f;
	return NULL;
}

static int set_field(const struct api_field *f, const char *text, struct api_request *r,
		     struct problem *p)
{
	enum problem_kind kind = f->in == IN_HEADER ? PROBLEM_MALFORMED : PROBLEM_INVALID;
	int64_t len = (int64_t)strlen(text);

	/* What is too short, but there, says more about itself when it is read. */
	if (f->type == TYPE_STRING && len == 0 && f->least > 0)
		return problem_set(p, kind, f->name, "%s is empty", f->name);
	if (f->type == TYPE_STRING && len > f->most)
		return problem_set(p, kind, f->name,
				   "%s has %" PRId64 " characters; it takes %" PRId64
				   " to %" PRId64,
				   f->name, len, f->least, f->most);
	struct problem inner = { 0 };

	if (f->set(r, text, &inner) < 0)
		return problem_set(p, kind, f->name, "%s: %.180s", f->name, inner.detail);
	return 0;
}

static int parse_path(const struct api_route *route, const char *path, struct api_request *r,
		      struct problem *p)
{
	const char *value;

	if (!match(route->path, path, &value) || !value)
		return 0;
	for (const struct api_field *f = route->fields; f->name; f++)
		if (f->in == IN_PATH)
			return set_field(f, value, r, p);
	return 0;
}

static int parse_args(const struct api_route *route, const struct api_arg *args, size_t count,
		      struct api_request *r, struct problem *p)
{
	for (size_t i = 0; i < count; i++) {
		const struct api_field *f = find_field(route, args[i].in, args[i].name);

		if (!f && args[i].in == IN_HEADER)
			continue;
		if (!f)
			return problem_set(p, PROBLEM_MALFORMED, args[i].name,
					   "%s %s takes no parameter '%.40s'", route->method,
					   route->path, args[i].name);
		for (size_t k = 0; k < i; k++)
			if (find_field(route, args[k].in, args[k].name) == f)
				return problem_set(p, PROBLEM_MALFORMED, f->name,
						   "%s is given twice", f->name);
		/* "?dry_run" alone means yes. */
		const char *value = args[i].value             ? args[i].value
				    : f->type == TYPE_BOOLEAN ? "true"
							      : "";
		int e = set_field(f, value, r, p);
		if (e < 0)
			return e;
	}
	return 0;
}

static int parse_member(const struct api_field *f, json_t *value, struct api_request *r,
			struct problem *p)
{
	static const char *const names[] = { "a string", "a whole number", "true or false" };
	char digits[24];

	if (f->type == TYPE_STRING && json_is_string(value))
		return set_field(f, json_string_value(value), r, p);
	if (f->type == TYPE_INTEGER && json_is_integer(value)) {
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		return set_field(f, digits, r, p);
	}
	if (f->type == TYPE_BOOLEAN && json_is_boolean(value))
		return set_field(f, json_is_true(value) ? "true" : "false", r, p);
	return problem_set(p, PROBLEM_INVALID, f->name, "%s must be %s", f->name, names[f->type]);
}

static int parse_object(const struct api_route *route, json_t *object, struct api_request *r,
			struct problem *p)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const struct api_field *f = find_field(route, IN_BODY, name);

		if (!f)
			return problem_set(p, PROBLEM_INVALID, name, "%s %s knows no field '%.40s'",
					   route->method, route->path, name);
		int e = parse_member(f, value, r, p);
		if (e < 0)
			return e;
	}
	for (const struct api_field *f = route->fields; f->name; f++)
		if (f->in == IN_BODY && f->required && !json_object_get(object, f->name))
			return problem_set(p, PROBLEM_INVALID, f->name, "%s is missing", f->name);
	return 0;
}

static int parse_json(const struct api_route *route, const char *body, size_t len,
		      struct api_request *r, struct problem *p)
{
	json_error_t error;

	if (len == 0 && route->body == BODY_JSON_OPTIONAL)
		return 0;
	if (len == 0)
		return problem_set(p, PROBLEM_MALFORMED, "",
				   "the body is empty; it must be a JSON object");
	json_t *j = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	if (!j)
		return problem_set(p, PROBLEM_MALFORMED, "", "line %d, column %d: %.160s",
				   error.line, error.column, error.text);
	int e = json_is_object(j)
		    ? parse_object(route, j, r, p)
		    : problem_set(p, PROBLEM_MALFORMED, "", "the body must be a JSON object");
	json_decref(j);
	return e;
}

int api_parse(const struct api_route *route, const char *path, const struct api_arg *args,
	      size_t args_count, const char *body, size_t body_len, struct api_request *ret,
	      struct problem *p)
{
	struct api_request r = { .op = route->op, .limit = 100, .port = 25 };
	int e;

	if (body_len > api_body_max(route))
		return problem_set(p, PROBLEM_LARGE, "", "a body of %zu bytes; %zu are taken",
				   body_len, api_body_max(route));
	e = parse_path(route, path, &r, p);
	if (e < 0)
		return e;
	e = parse_args(route, args, args_count, &r, p);
	if (e < 0)
		return e;
	if (route->body == BODY_JSON || route->body == BODY_JSON_OPTIONAL)
		e = parse_json(route, body, body_len, &r, p);
	if (e < 0)
		return e;
	*ret = r;
	return 0;
}

/* --- between the processes ------------------------------------------------------------------- */

static void pack_addr(struct pack *p, struct addr a)
{
	uint8_t bytes[16] = { 0 };

	addr_to_bytes(a, bytes);
	pack_u8(p, (uint8_t)a.family);
	pack_raw(p, bytes, sizeof(bytes));
}

static struct addr unpack_addr(struct unpack *u)
{
	uint8_t family = unpack_u8(u), bytes[16];

	unpack_raw(u, bytes, sizeof(bytes));
	if (family >= FAMILY_COUNT_) {
		u->failed = true;
		family = FAMILY_V4;
	}
	return addr_from_bytes((enum family)family, bytes);
}

int api_request_pack(const struct api_request *r, struct pack *p)
{
	pack_u32(p, r->op);
	pack_string(p, r->by);
	pack_u64(p, r->asked_ns);
	pack_u8(p, r->dry_run);
	pack_u8(p, r->has_if_match);
	pack_raw(p, r->if_match, sizeof(r->if_match));
	pack_u8(p, r->has_prefix);
	pack_addr(p, r->prefix.addr);
	pack_u8(p, r->prefix.len);
	pack_i64(p, r->until.s);
	pack_string(p, r->reason);
	pack_u64(p, r->id);
	pack_u64(p, r->after);
	pack_u32(p, r->limit);
	pack_addr(p, r->address);
	pack_u16(p, r->port);
	return pack_result(p);
}

static struct prefix unpack_prefix(struct unpack *u)
{
	struct prefix p = { .addr = unpack_addr(u) };

	p.len = unpack_u8(u);
	unsigned bits = family_bits(p.addr.family);

	if (p.len > bits) {
		u->failed = true;
		p.len = 0;
	}
	unsigned host = bits - p.len;
	addr_bits mask = host >= 128 ? ~(addr_bits)0 : ((addr_bits)1 << host) - 1;
	if (p.addr.bits & mask)
		u->failed = true;
	return p;
}

int api_request_unpack(struct unpack *u, struct api_request *ret)
{
	struct api_request r = { 0 };

	r.op = (enum api_op)unpack_below(u, API_OP_COUNT_);
	unpack_string(u, r.by, sizeof(r.by));
	r.asked_ns = unpack_u64(u);
	r.dry_run = unpack_u8(u) != 0;
	r.has_if_match = unpack_u8(u) != 0;
	unpack_raw(u, r.if_match, sizeof(r.if_match));
	r.has_prefix = unpack_u8(u) != 0;
	r.prefix = unpack_prefix(u);
	r.until.s = unpack_i64(u);
	unpack_string(u, r.reason, sizeof(r.reason));
	r.id = unpack_u64(u);
	r.after = unpack_u64(u);
	r.limit = unpack_u32(u);
	r.address = unpack_addr(u);
	r.port = unpack_u16(u);
	if (r.limit > API_PAGE_MAX || r.id > INT64_MAX || r.after > INT64_MAX ||
	    (r.op == API_EXCEPTION_ADD && (!r.has_prefix || !*r.reason)))
		u->failed = true;
	int e = unpack_end(u);
	if (e < 0)
		return e;
	*ret = r;
	return 0;
}

/* --- the table as JSON ----------------------------------------------------------------------- */

static json_t *field_json(const struct api_field *f)
{
	static const char *const in[] = { "path", "query", "header", "body" };
	static const char *const type[] = { "string", "integer", "boolean" };

	return json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:s}", "name", f->name, "in", in[f->in],
			 "type", type[f->type], "required", f->required, "least",
			 (json_int_t)f->least, "most", (json_int_t)f->most, "sentence",
			 f->sentence);
}

json_t *api_routes_json(void)
{
	static const char *const bodies[] = { "none", "json", "json-optional", "yaml" };
	json_t *all = json_array();

	for (const struct api_route *r = api_routes; r->path; r++) {
		json_t *fields = json_array(), *statuses = json_array();

		for (const struct api_field *f = r->fields; f->name; f++)
			json_array_append_new(fields, field_json(f));
		for (const unsigned *s = r->statuses; *s; s++)
			json_array_append_new(statuses, json_integer(*s));
		json_array_append_new(
		    all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "method", r->method,
				   "path", r->path, "name", r->name, "summary", r->summary, "body",
				   bodies[r->body], "fields", fields, "statuses", statuses));
	}
	return all;
}
