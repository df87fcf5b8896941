/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memfd.h"
#include "base/mono.h"
#include "base/own.h"
#include "prog/event.h"
#include "prog/user.h"
#include "prog/web.h"

#define ARGS_MAX 32

/* --- answering ------------------------------------------------------------------------------- */

static void set_answer(struct request *q, unsigned status, const char *type, char *body, size_t len)
{
	free(q->answer);
	q->answer = body;
	q->answer_len = body ? len : 0;
	q->status = status;
	snprintf(q->type, sizeof(q->type), "%s", type);
	q->state = REQUEST_ANSWERED;
}

/* `faults` is taken. */
static void set_problem(struct request *q, json_t *faults)
{
	json_t *j = problem_json(&q->problem);

	if (j && faults)
		json_object_set(j, "faults", faults);
	json_decref(faults);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	set_answer(q, problem_status(q->problem.kind), "application/problem+json", text,
		   text ? strlen(text) : 0);
}

static enum MHD_Result queue(struct request *q)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(q->answer_len, q->answer, MHD_RESPMEM_MUST_FREE);

	if (!r)
		return MHD_NO; /* q still owns the answer */
	q->answer = NULL;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, q->type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (*q->allow && q->status == 405)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, q->allow);
	enum MHD_Result done = MHD_queue_response(q->connection, q->status, r);
	MHD_destroy_response(r);
	return done;
}

/* --- the request ----------------------------------------------------------------------------- */

static int refuse(struct request *q)
{
	q->refused = true;
	q->web->held -= q->room;
	free(q->body);
	q->body = NULL;
	q->len = q->room = 0;
	return -EINVAL;
}

static bool is_type(const char *given, const char *wanted)
{
	size_t n = strlen(wanted);

	return strncasecmp(given, wanted, n) == 0 &&
	       (given[n] == '\0' || given[n] == ';' || given[n] == ' ');
}

static int check_type(struct request *q)
{
	const char *type = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_TYPE);

	if (q->route->body == BODY_NONE || (q->route->body == BODY_JSON_OPTIONAL && !type))
		return 0;
	bool yaml = q->route->body == BODY_YAML;
	if (type && (yaml ? is_type(type, "application/yaml") ||
				is_type(type, "application/x-yaml") || is_type(type, "text/yaml")
			  : is_type(type, "application/json")))
		return 0;
	return problem_set(&q->problem, PROBLEM_MEDIA, "Content-Type",
			   "%s %s takes Content-Type: %s, not %.60s", q->route->method,
			   q->route->path, yaml ? "application/yaml" : "application/json",
			   type ? type : "none");
}

static void begin(struct request *q, const char *method, const char *path)
{
	if (strlen(path) >= sizeof(q->path))
		problem_set(&q->problem, PROBLEM_NOT_FOUND, "", "there is no path so long");
	else if (api_find(method, path, &q->route, q->allow, &q->problem) == 0 &&
		 check_type(q) == 0) {
		strcpy(q->path, path);
		return;
	}
	(void)refuse(q);
}

static int keep(struct request *q, const char *bytes, size_t len)
{
	struct web *w = q->web;

	if (q->len + len > api_body_max(q->route)) {
		problem_set(&q->problem, PROBLEM_LARGE, "", "the body is larger than %zu bytes",
			    api_body_max(q->route));
		return refuse(q);
	}
	if (q->len + len > q->room) {
		size_t room = (q->len + len) * 2;
		uint8_t *larger =
		    w->held - q->room + room > WEB_HELD_MAX ? NULL : realloc(q->body, room);

		if (!larger) {
			say(EV_REQUESTS_LIMITED, LOG_N("bytes", w->held));
			problem_set(&q->problem, PROBLEM_UNAVAILABLE, "",
				    "too much is being sent at once; try again");
			return refuse(q);
		}
		w->held += room - q->room;
		q->room = room;
		q->body = larger;
	}
	memcpy(q->body + q->len, bytes, len);
	q->len += len;
	return 0;
}

struct args {
	struct api_arg at[ARGS_MAX];
	size_t count;
	bool over;
};

static enum MHD_Result add_arg(void *arg, enum MHD_ValueKind kind, const char *name,
			       const char *value)
{
	struct args *a = arg;

	if (a->count == ARGS_MAX) {
		a->over = true;
		return MHD_NO;
	}
	a->at[a->count++] =
	    (struct api_arg){ kind == MHD_HEADER_KIND ? IN_HEADER : IN_QUERY, name, value };
	return MHD_YES;
}

static int parse(struct request *q, struct api_request *ret)
{
	struct args a = { 0 };

	MHD_get_connection_values(q->connection, MHD_GET_ARGUMENT_KIND, add_arg, &a);
	MHD_get_connection_values(q->connection, MHD_HEADER_KIND, add_arg, &a);
	if (a.over)
		return problem_set(&q->problem, PROBLEM_MALFORMED, "",
				   "more than %d parameters and headers", ARGS_MAX);
	int r = api_parse(q->route, q->path, a.at, a.count, (const char *)q->body, q->len, ret,
			  &q->problem);
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (r == 0 && info)
		user_of_peer(info->connect_fd, ret->by, sizeof(ret->by));
	ret->asked_ns = (uint64_t)mono_now().ns;
	return r;
}

/* Why the engine does not answer, in the words of whoever knows. */
static int engine_away(struct request *q)
{
	const char *why = q->web->role_why[ROLE_ENGINE];

	return problem_set(&q->problem, PROBLEM_UNAVAILABLE, "", "the engine: %.180s",
			   *why ? why : "it is being started");
}

static int forward(struct request *q, const struct api_request *r, int fd)
{
	own_pack struct pack p = { 0 };

	pack_u64(&p, q->number);
	int e = api_request_pack(r, &p);
	if (e == 0)
		e = link_send(&q->web->engine, MSG_REQUEST, p.bytes, p.len, fd);
	return e < 0 ? engine_away(q) : 0;
}

/* The whole request is there: to the engine with it, or answer the problem. */
static void process(struct request *q)
{
	struct api_request r;
	json_t *faults = NULL;
	own_fd int fd = -1;
	int e = q->refused ? -EINVAL : parse(q, &r);

	if (e == 0 && q->route->body == BODY_YAML) {
		fd = web_pack_plan(q->body ? (const char *)q->body : "", q->len, "plan",
				   &q->problem, &faults);
		e = fd < 0 ? fd : 0;
	}
	if (e == 0)
		e = forward(q, &r, fd);
	if (e < 0) {
		set_problem(q, faults);
		return;
	}
	q->state = REQUEST_WAITING;
	MHD_suspend_connection(q->connection);
}

static struct request *request_new(struct web *w, struct MHD_Connection *c)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->web = w;
	q->connection = c;
	q->number = ++w->last_number;
	q->next = w->requests;
	w->requests = q;
	return q;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_len, void **req_cls)
{
	struct request *q = *req_cls;

	(void)version;
	if (!q) {
		q = *req_cls = request_new(cls, c);
		if (!q)
			return MHD_NO;
		begin(q, method, url);
		return MHD_YES;
	}
	if (*upload_len) {
		if (!q->refused)
			(void)keep(q, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	if (q->state == REQUEST_READING)
		process(q);
	return q->state == REQUEST_ANSWERED ? queue(q) : MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **req_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct web *w = cls;
	struct request *q = *req_cls;

	(void)c;
	(void)code;
	if (!q)
		return;
	for (struct request **at = &w->requests; *at; at = &(*at)->next)
		if (*at == q) {
			*at = q->next;
			break;
		}
	w->held -= q->room;
	free(q->body);
	free(q->answer);
	free(q);
	*req_cls = NULL;
}

void web_answer(struct web *w, uint64_t number, unsigned status, const char *type, const void *body,
		size_t len)
{
	for (struct request *q = w->requests; q; q = q->next) {
		if (q->number != number || q->state != REQUEST_WAITING)
			continue;
		char *copy = malloc(len + 1);

		if (copy)
			memcpy(copy, body, len);
		set_answer(q, copy ? status : 500, type, copy, len);
		MHD_resume_connection(q->connection);
		break;
	}
	web_run(w);
}

void web_engine_lost(struct web *w)
{
	for (struct request *q = w->requests; q; q = q->next) {
		if (q->state != REQUEST_WAITING)
			continue;
		problem_set(&q->problem, PROBLEM_UNAVAILABLE, "",
			    "the engine ended while it had this request: ask for the status "
			    "whether it was done");
		set_problem(q, NULL);
		MHD_resume_connection(q->connection);
	}
	web_run(w);
}

/* --- libmicrohttpd on our loop --------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
	web_run(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int what)
{
	(void)status;
	(void)what;
	web_run(poll->data);
}

static unsigned connections(struct web *w)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(w->http, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

void web_run(struct web *w)
{
	MHD_UNSIGNED_LONG_LONG ms;
	unsigned before;

	if (!w->http)
		return;
	/* At its limit libmicrohttpd stops listening, and looks whether it may again only at the
	 * beginning of a run: what ended in one run needs another, or nobody is let in for good. */
	do {
		before = connections(w);
		MHD_run(w->http);
	} while (connections(w) < before);
	if (MHD_get_timeout(w->http, &ms) == MHD_YES)
		uv_timer_start(&w->timer, on_timer, ms, 0);
	else
		uv_timer_stop(&w->timer);
}

static void no_log(void *cls, const char *format, va_list args)
{
	/* What libmicrohttpd has to say is about single clients: it is in their answers. */
	(void)cls;
	(void)format;
	(void)args;
}

int web_listen(struct web *w, int fd, struct why *why)
{
	w->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				   NULL, NULL, on_access, w, MHD_OPTION_EXTERNAL_LOGGER, no_log,
				   NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				   (unsigned)WEB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				   (unsigned)WEB_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				   (size_t)32768, MHD_OPTION_NOTIFY_COMPLETED, on_completed, w,
				   MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!w->http)
		return why_set(why, -EIO, "libmicrohttpd does not start");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->http, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return why_set(why, -EIO, "libmicrohttpd has no epoll descriptor");
	int r = uv_poll_init(&w->base.loop, &w->poll, info->epoll_fd);
	w->poll.data = w;
	if (r == 0)
		r = uv_poll_start(&w->poll, UV_READABLE, on_ready);
	if (r < 0)
		return why_set(why, r, "cannot watch libmicrohttpd's descriptor");
	web_run(w);
	return 0;
}
