/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * porteiro lease: bring in who had which address, and forget it again. Needs no
 * daemon. A file is one change: all of its good rows, or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/when.h"
#include "prog/verbs.h"
#include "store/lease_store.h"
#include "wire/lease_read.h"

#define FAULTS_SHOWN   20
#define PROGRESS_EVERY 100000

static const char help[] =
    "usage: porteiro lease import --store FILE --format FORMAT [--map MAP] [--zone ZONE]\n"
    "                             [--at TIME] [--json] FILE...\n"
    "       porteiro lease forget --store FILE --before TIME [--json]\n\n"
    "Brings in who had which address, for `porteiro who`. The same file may come again,\n"
    "and a later one of the same source; what is known already is not added twice.\n\n"
    "  --store FILE     where leases are kept; made if it is not there\n"
    "  --format FORMAT  csv (with --map), radacct, kea, splynx, mkauth: tables with a header;\n"
    "                   isc: dhcpd.leases; detail: FreeRADIUS detail files\n"
    "  --map MAP        columns, as line=login,address=ip,from=begin,until=end; also seen,\n"
    "                   session, ports, prefix, delegated, and source=table|radius|dhcp|cgnat\n"
    "  --zone ZONE      of times that name none, as -03:00 (default: UTC)\n"
    "  --at TIME        the date of a table without dates (default: that of the file)\n"
    "  --before TIME    forget what ended before\n"
    "  --json           one JSON object\n";

struct import {
	struct lease_store *store;
	const char *path, *format;
	struct lease_map map;
	struct lease_read_options options;
	bool has_at, json, tty;
	uint64_t added, changed, known, leases, faults, idle;
	uint64_t shown;
	struct wall before;
	const char *store_path;
};

static int on_lease(void *arg, const struct lease *l)
{
	struct import *im = arg;
	enum lease_added added;
	int r = lease_store_add(im->store, l, &added);

	if (r < 0)
		return r;
	im->added += added == LEASE_ADDED;
	im->changed += added == LEASE_CHANGED;
	im->known += added == LEASE_KNOWN;
	im->leases++;
	if (im->tty && im->leases % PROGRESS_EVERY == 0)
		fprintf(stderr, "\r%s: %" PRIu64 " leases", im->path, im->leases);
	return 0;
}

static void on_fault(void *arg, size_t line, const char *text)
{
	struct import *im = arg;

	if (im->shown++ < FAULTS_SHOWN)
		fprintf(stderr, "%s:%zu: %s\n", im->path, line, text);
}

static int read_bytes(struct import *im, struct slice bytes, struct why *why)
{
	struct lease_sink sink = { .lease = on_lease, .fault = on_fault, .arg = im };
	int r;

	if (strcmp(im->format, "isc") == 0)
		r = lease_read_isc(bytes, &sink);
	else if (strcmp(im->format, "detail") == 0)
		r = lease_read_detail(bytes, &sink);
	else
		r = lease_read_csv(bytes, &im->map, &im->options, &sink, why);
	im->faults += sink.faults;
	im->idle += sink.idle;
	return r;
}

/* The file in memory; its date is that of a table without dates. */
static int read_file(struct import *im, struct why *why)
{
	own_fd int fd = open(im->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return why_set(why, -EINVAL, "not a file");
	if (!im->has_at)
		im->options.now_s = st.st_mtim.tv_sec;
	if (st.st_size == 0)
		return read_bytes(im, SLICE(""), why);
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return why_set(why, -errno, "%s", strerror(errno));
	int r = read_bytes(im, (struct slice){ bytes, (size_t)st.st_size }, why);
	munmap(bytes, (size_t)st.st_size);
	return r;
}

static int import_file(struct import *im)
{
	struct why why = { 0 };
	int r = lease_store_begin(im->store);

	if (r == 0)
		r = read_file(im, &why);
	if (r == 0)
		r = lease_store_commit(im->store);
	if (im->tty && im->leases >= PROGRESS_EVERY)
		fputc('\n', stderr);
	if (r == 0)
		return EXIT_DONE;
	lease_store_rollback(im->store);
	fprintf(stderr, "porteiro lease: %s: %s\n", im->path,
		why.code ? why.text : lease_store_why(im->store));
	return EXIT_USAGE;
}

static void say_import(const struct import *im)
{
	if (im->shown > FAULTS_SHOWN)
		fprintf(stderr, "porteiro lease: and %" PRIu64 " more faults\n",
			im->shown - FAULTS_SHOWN);
	if (im->json) {
		json_t *j =
		    json_pack("{s:I, s:I, s:I, s:I, s:I}", "added", (json_int_t)im->added,
			      "changed", (json_int_t)im->changed, "known", (json_int_t)im->known,
			      "idle", (json_int_t)im->idle, "faults", (json_int_t)im->faults);
		json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(j);
		return;
	}
	printf("%" PRIu64 " leases added, %" PRIu64 " changed, %" PRIu64 " known before; %" PRIu64
	       " rows say of nobody that he had an address, %" PRIu64 " can not be read\n",
	       im->added, im->changed, im->known, im->idle, im->faults);
}

static int import(struct import *im, char **paths)
{
	int r = EXIT_DONE;

	im->tty = isatty(STDERR_FILENO);
	for (; *paths && r == EXIT_DONE; paths++) {
		im->path = *paths;
		r = import_file(im);
	}
	if (r != EXIT_DONE)
		return r;
	say_import(im);
	return im->faults ? EXIT_NO : EXIT_DONE;
}

static int forget(struct import *im)
{
	uint64_t count;

	if (lease_store_forget(im->store, im->before, &count) < 0) {
		fprintf(stderr, "porteiro lease: %s: %s\n", im->store_path,
			lease_store_why(im->store));
		return EXIT_USAGE;
	}
	printf(im->json ? "{\"forgotten\":%" PRIu64 "}\n" : "%" PRIu64 " leases forgotten\n",
	       count);
	return EXIT_DONE;
}

/* --- the command line ---------------------------------------------------------------------- */

static int wrong(const char *option, const char *given, const char *what)
{
	fprintf(stderr, "porteiro lease: %s %s: %s\n", option, given, what);
	return EXIT_USAGE;
}

static int zone_set(struct import *im, const char *text)
{
	int h, m, end = 0;

	if (sscanf(text, "%*1[+-]%2d:%2d%n", &h, &m, &end) != 2 || text[end] || h > 14 || m > 59)
		return wrong("--zone", text, "of the form -03:00");
	im->options.zone_s = (text[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return 0;
}

static int at_set(struct import *im, const char *text)
{
	struct wall at;

	if (!when_parse(text, &at))
		return wrong("--at", text, "not a day or instant (2027-06-30T12:00:00Z)");
	im->options.now_s = at.s;
	im->has_at = true;
	return 0;
}

static int format_set(struct import *im, const char *text)
{
	const struct lease_map *map = lease_map_preset(text);

	im->format = text;
	if (map)
		im->map = *map;
	else if (strcmp(text, "csv") != 0 && strcmp(text, "isc") != 0 &&
		 strcmp(text, "detail") != 0)
		return wrong("--format", text, "csv, radacct, kea, splynx, mkauth, isc or detail");
	return 0;
}

static int option_set(struct import *im, int option)
{
	struct why why = { 0 };

	switch (option) {
	case 's':
		im->store_path = optarg;
		return 0;
	case 'f':
		return format_set(im, optarg);
	case 'm':
		return lease_map_parse(optarg, &im->map, &why) < 0 ? wrong("--map", "", why.text)
								   : 0;
	case 'z':
		return zone_set(im, optarg);
	case 'a':
		return at_set(im, optarg);
	case 'b':
		return when_parse(optarg, &im->before)
			   ? 0
			   : wrong("--before", optarg,
				   "not a day or instant (2027-06-30T12:00:00Z)");
	case 'j':
		im->json = true;
		return 0;
	case 'h':
		fputs(help, stdout);
		return -1;
	default:
		fputs(help, stderr);
		return EXIT_USAGE;
	}
}

static int options_read(int argc, char **argv, struct import *im)
{
	static const struct option options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "format", required_argument, NULL, 'f' },
		{ "map", required_argument, NULL, 'm' },
		{ "zone", required_argument, NULL, 'z' },
		{ "at", required_argument, NULL, 'a' },
		{ "before", required_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		int r = option_set(im, o);

		if (r != 0)
			return r;
	}
	return 0;
}

/* Is the command line whole? */
static int usage_check(const struct import *im, const char *what, int files)
{
	bool importing = what && strcmp(what, "import") == 0;
	bool forgetting = what && strcmp(what, "forget") == 0;

	if ((!importing && !forgetting) || !im->store_path || (importing && files == 0) ||
	    (forgetting && (files > 0 || im->before.s <= 0))) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (importing && !im->format)
		return wrong("--format", "", "is missing");
	if (importing && strcmp(im->format, "csv") == 0 && !im->map.line)
		return wrong("--format", "csv", "needs --map");
	return 0;
}

int verb_lease(int argc, char **argv)
{
	struct import im = { 0 };
	own(lease_store) struct lease_store *store = NULL;
	struct why why = { 0 };
	int r = options_read(argc, argv, &im);

	if (r != 0)
		return r < 0 ? EXIT_DONE : r;
	const char *what = argv[optind];
	r = usage_check(&im, what, argc - optind - 1);
	if (r != 0)
		return r;
	bool importing = strcmp(what, "import") == 0;
	if (lease_store_open(im.store_path, importing, &store, &why) < 0) {
		fprintf(stderr, "porteiro lease: %s\n", why.text);
		return EXIT_USAGE;
	}
	im.store = store;
	return importing ? import(&im, argv + optind + 1) : forget(&im);
}
