/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailsite: what a mail provider says about its servers, so that logs can be read rightly.
 *
 * Which tag and which port is which channel, which networks are its own, where
 * the webmail stands, how accounts are written. Read from YAML (see
 * doc/mail-logs.md); every key has a default, and a file that is wrong says
 * where. What nothing is said about is not guessed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"
#include "base/why.h"
#include "model/account.h"
#include "model/addr.h"
#include "model/channel.h"

#define MAILSITE_BYTES_MAX   (4 * 1024 * 1024) /* of the YAML file */
#define MAILSITE_ALIAS_BYTES (1024L * 1024 * 1024)

/* Where the messages of a listener are counted. */
enum place {
	PLACE_CHANNEL, /* in .channel */
	PLACE_PLAIN,   /* the tag says nothing: its source decides, see classify/index.h */
	PLACE_UNKNOWN, /* a tag or port that nobody explained: unclassified, and reported by name */
	PLACE_IGNORE,  /* nowhere: an inner hop (content filter), or counted from another log */
};

struct placing {
	enum place place;
	enum channel channel;
};

struct mailsite_name {
	char *name;
	struct placing placing;
};

struct mailsite_nets {
	struct prefix *prefix;
	size_t count;
};

struct mailsite {
	struct mailsite_name
	    *tags; /* "postfix/smtpd", "submission", "MTA-v4", a connector's name */
	size_t tags_count;
	struct {
		uint16_t port;
		struct placing placing;
	} * ports;
	size_t ports_count;
	struct mailsite_nets own, dynamic, webmail;
	uint32_t *webmail_uids;
	size_t webmail_uids_count;
	char **domains; /* whose addresses are accounts here, lower case */
	size_t domains_count;
	char **servers; /* accounts of customers' servers and devices, as written */
	size_t servers_count;
	char *timezone; /* NULL: days as printed */
	int window_days, quiet_days;
	bool keep_plus; /* maria+lista is not maria */
	struct account_rules *accounts;
	uint8_t key[ACCOUNT_KEY_BYTES];
	bool key_given;
};

/* Defaults only; the key is random until one is given. */
int mailsite_new(struct mailsite **ret);
/* -EINVAL and the line for what is wrong; files named in it are relative to it. */
int mailsite_load(const char *path, struct mailsite **ret, struct why *why);
void mailsite_free(struct mailsite *s);
OWNABLE(mailsite)

/* "TAG=25|587|465|webmail|other|ignore", as on the command line. */
int mailsite_tag(struct mailsite *s, struct slice text, struct why *why);
/* "PORT=CHANNEL". */
int mailsite_port(struct mailsite *s, struct slice text, struct why *why);
/* Bare user names get this domain; forgets aliases added before. */
int mailsite_realm(struct mailsite *s, const char *realm, struct why *why);
int mailsite_network(struct mailsite_nets *nets, struct slice text, struct why *why);

/* A syslog tag like "postfix/submission/smtpd". */
struct placing mailsite_place_tag(const struct mailsite *s, struct slice tag);
/* A daemon, service or connector by its name; PLACE_UNKNOWN when nothing is known. */
struct placing mailsite_place_name(const struct mailsite *s, struct slice name);
/* 25, 465 and 587 are what they are unless configured; other ports are unknown. */
struct placing mailsite_place_port(const struct mailsite *s, uint16_t port);

bool mailsite_holds(const struct mailsite_nets *nets, struct slice address);
/* The address belongs to an account of this provider; true for all when no domain is named. */
bool mailsite_local(const struct mailsite *s, struct slice address);
