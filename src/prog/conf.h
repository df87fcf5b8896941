/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf: what /etc/porteiro/porteirod.conf says.
 *
 * Lines of `key = value`, '#' to the end of a line is a comment. The table of
 * keys (conf_keys) is the only place where a key is named: the parser,
 * `porteirod --show-defaults` and the manual's list come from it.
 *
 * A struct conf is plain bytes without pointers, so that the process which
 * parses the file (no privileges, no store) can hand the result to the others.
 * conf_check() says whether such bytes are a configuration at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/why.h"

#define CONF_INTERFACES_MAX 256
#define CONF_PATH_MAX       256
#define CONF_SOCKET_MAX     100 /* a Unix socket's path fits 108 bytes */
#define CONF_FILE_MAX       (256 * 1024)
#define CONF_DEFAULT_PATH   "/etc/porteiro/porteirod.conf"

enum conf_backend { BACKEND_XDP, BACKEND_NFT, BACKEND_COUNT_ };
enum conf_place { PLACE_FORWARD, PLACE_PREROUTING, PLACE_BRIDGE, PLACE_COUNT_ };
enum conf_side { CONF_SUBSCRIBER, CONF_UPLINK, CONF_SIDE_COUNT_ };
enum conf_attach { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC, ATTACH_TC, ATTACH_COUNT_ };

struct conf_interface {
	char name[16];
	enum conf_side side;
	enum conf_attach attach;
};

struct conf {
	char state_dir[CONF_PATH_MAX];
	char socket[CONF_SOCKET_MAX];
	char socket_group[33]; /* "": the group of `user` */
	char user[33];         /* "": porteiro, if there is such a user */
	enum conf_backend backend;
	enum conf_place nft_place;
	char pin_dir[CONF_PATH_MAX];
	char plan[CONF_PATH_MAX]; /* "": only `porteiro apply` changes the plan */
	uint32_t reconcile_s;
	bool vlan_offload_off;
	uint32_t reset_rate; /* resets a second and CPU; 0: no limit */
	enum log_level log;
	struct conf_interface interface[CONF_INTERFACES_MAX];
	uint32_t interfaces_count;
};

/* What a reload must do for a change of the key to take effect. */
enum conf_reload { RELOAD_NOW, RELOAD_RESTART, RELOAD_COUNT_ };

struct conf_key {
	const char *name;
	const char *type;  /* for people: "path", "seconds 5 to 86400", "xdp | nft" */
	const char *value; /* the default as it would be written; NULL: none, may be repeated */
	enum conf_reload reload;
	const char *sentence;
	int (*parse)(struct conf *c, const char *text, struct why *why);
};

extern const struct conf_key conf_keys[]; /* ends with a row whose name is NULL */

void conf_defaults(struct conf *ret);
/* The whole file; -EINVAL with "name:line: …" in `why`. `name` is for messages only. */
int conf_parse(const char *bytes, size_t len, const char *name, struct conf *ret, struct why *why);
/* Bytes from another process: strings end, enums and counts are in range. */
bool conf_check(const struct conf *c);
const char *conf_reload_text(enum conf_reload r);
/* The name of the first key that needs a restart and differs; NULL if none. */
const char *conf_needs_restart(const struct conf *before, const struct conf *after);

const char *conf_backend_name(enum conf_backend b);
const char *conf_side_name(enum conf_side s);
const char *conf_attach_name(enum conf_attach a);
