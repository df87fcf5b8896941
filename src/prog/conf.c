/* SPDX-License-Identifier: BSD-2-Clause */
#include "prog/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 512

static const char *const backends[BACKEND_COUNT_] = { "xdp", "nft" };
static const char *const places[PLACE_COUNT_] = { "forward", "prerouting", "bridge" };
static const char *const sides[CONF_SIDE_COUNT_] = { "subscriber", "uplink" };
static const char *const attaches[ATTACH_COUNT_] = { "auto", "native", "generic", "tc" };

static int set_string(char *ret, size_t room, const char *text, struct why *why)
{
	if (strlen(text) >= room)
		return why_set(why, -EINVAL, "longer than %zu characters", room - 1);
	snprintf(ret, room, "%s", text);
	return 0;
}

static int set_path(char *ret, size_t room, const char *text, struct why *why)
{
	if (*text != '/')
		return why_set(why, -EINVAL, "'%.100s' is not an absolute path", text);
	return set_string(ret, room, text, why);
}

static int set_word(const char *const *words, int count, const char *text, struct why *why)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	char list[120] = "";
	for (int i = 0; i < count; i++) {
		size_t n = strlen(list);
		snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", words[i]);
	}
	return why_set(why, -EINVAL, "'%.60s' is none of: %s", text, list);
}

static int set_number(uint32_t *ret, uint32_t least, uint32_t most, const char *text,
		      struct why *why)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || errno || n < least || n > most)
		return why_set(why, -EINVAL, "'%.60s' is not a number from %u to %u", text, least,
			       most);
	*ret = (uint32_t)n;
	return 0;
}

static int parse_state_dir(struct conf *c, const char *text, struct why *why)
{
	return set_path(c->state_dir, sizeof(c->state_dir), text, why);
}

static int parse_socket(struct conf *c, const char *text, struct why *why)
{
	return set_path(c->socket, sizeof(c->socket), text, why);
}

static int parse_socket_group(struct conf *c, const char *text, struct why *why)
{
	return set_string(c->socket_group, sizeof(c->socket_group), text, why);
}

static int parse_user(struct conf *c, const char *text, struct why *why)
{
	return set_string(c->user, sizeof(c->user), text, why);
}

static int parse_backend(struct conf *c, const char *text, struct why *why)
{
	int i = set_word(backends, BACKEND_COUNT_, text, why);

	if (i >= 0)
		c->backend = (enum conf_backend)i;
	return i < 0 ? i : 0;
}

static int parse_nft_place(struct conf *c, const char *text, struct why *why)
{
	int i = set_word(places, PLACE_COUNT_, text, why);

	if (i >= 0)
		c->nft_place = (enum conf_place)i;
	return i < 0 ? i : 0;
}

static int parse_pin_dir(struct conf *c, const char *text, struct why *why)
{
	return set_path(c->pin_dir, sizeof(c->pin_dir), text, why);
}

static int parse_plan(struct conf *c, const char *text, struct why *why)
{
	if (*text)
		return set_path(c->plan, sizeof(c->plan), text, why);
	c->plan[0] = '\0';
	return 0;
}

static int parse_reconcile(struct conf *c, const char *text, struct why *why)
{
	return set_number(&c->reconcile_s, 5, 86400, text, why);
}

static int parse_vlan_offload(struct conf *c, const char *text, struct why *why)
{
	static const char *const words[] = { "refuse", "off" };
	int i = set_word(words, 2, text, why);

	if (i >= 0)
		c->vlan_offload_off = i == 1;
	return i < 0 ? i : 0;
}

static int parse_reset_rate(struct conf *c, const char *text, struct why *why)
{
	return set_number(&c->reset_rate, 0, 10000000, text, why);
}

static int parse_log(struct conf *c, const char *text, struct why *why)
{
	const char *words[LOG_LEVEL_COUNT_];

	for (int i = 0; i < LOG_LEVEL_COUNT_; i++)
		words[i] = log_level_name((enum log_level)i);
	int i = set_word(words, LOG_LEVEL_COUNT_, text, why);

	if (i >= 0)
		c->log = (enum log_level)i;
	return i < 0 ? i : 0;
}

/* NAME SIDE [ATTACH] */
static int parse_interface(struct conf *c, const char *text, struct why *why)
{
	struct conf_interface i = { .attach = ATTACH_AUTO };
	char name[64] = "", side[64] = "", attach[64] = "", more[2] = "";
	int n = sscanf(text, "%63s %63s %63s %1s", name, side, attach, more);

	if (n < 2 || n > 3)
		return why_set(why, -EINVAL, "an interface is written NAME SIDE [ATTACH]");
	if (strlen(name) >= sizeof(i.name) || strchr(name, '/'))
		return why_set(why, -EINVAL, "'%s' is not the name of an interface", name);
	memcpy(i.name, name, strlen(name));
	int r = set_word(sides, CONF_SIDE_COUNT_, side, why);
	if (r < 0)
		return r;
	i.side = (enum conf_side)r;
	r = n == 3 ? set_word(attaches, ATTACH_COUNT_, attach, why) : ATTACH_AUTO;
	if (r < 0)
		return r;
	i.attach = (enum conf_attach)r;
	for (uint32_t k = 0; k < c->interfaces_count; k++)
		if (strcmp(c->interface[k].name, i.name) == 0)
			return why_set(why, -EINVAL, "interface '%s' is named twice", i.name);
	if (c->interfaces_count == CONF_INTERFACES_MAX)
		return why_set(why, -EINVAL, "more than %d interfaces", CONF_INTERFACES_MAX);
	c->interface[c->interfaces_count++] = i;
	return 0;
}

/* clang-format off */
const struct conf_key conf_keys[] = {
	{ "backend", "xdp | nft", "xdp", RELOAD_RESTART,
	  "What refuses the packets: an XDP program on the interfaces named, or a table of nftables.", parse_backend },
	{ "interface", "NAME subscriber|uplink [auto|native|generic|tc]", NULL, RELOAD_RESTART,
	  "An interface to filter on, the side it faces and how to attach; repeated for each. The nft back end needs none: then every packet may be a subscriber's.", parse_interface },
	{ "log", "debug | info | warning | error", "info", RELOAD_NOW,
	  "The least important events that are still logged.", parse_log },
	{ "nft_place", "forward | prerouting | bridge", "forward", RELOAD_RESTART,
	  "Where the nft back end looks: at what the machine routes, at all it receives, or at what it bridges.", parse_nft_place },
	{ "pin_dir", "absolute path", "/sys/fs/bpf/porteiro", RELOAD_RESTART,
	  "Directory on a BPF file system where the XDP back end pins its links and maps, so that they outlive the daemon.", parse_pin_dir },
	{ "plan", "absolute path, or nothing", "", RELOAD_NOW,
	  "A plan to apply at each reload, and at the first start; with nothing, only porteiro apply changes the plan.", parse_plan },
	{ "reconcile", "seconds, 5 to 86400", "60", RELOAD_NOW,
	  "How often what should be in force is compared with what the kernel has, and put right.", parse_reconcile },
	{ "reset_rate", "number, 0 to 10000000", "20000", RELOAD_RESTART,
	  "TCP resets the XDP back end sends at most, per second and CPU; beyond it the packet is dropped in silence. 0 sets no limit.", parse_reset_rate },
	{ "socket", "absolute path, at most 99 characters", "/run/porteiro/api.sock", RELOAD_RESTART,
	  "The Unix socket of the API.", parse_socket },
	{ "socket_group", "group name, or nothing", "", RELOAD_RESTART,
	  "The group whose members may use the API; with nothing, the group of user.", parse_socket_group },
	{ "state_dir", "absolute path", "/var/lib/porteiro", RELOAD_RESTART,
	  "Directory of the store.", parse_state_dir },
	{ "user", "user name, or nothing", "", RELOAD_RESTART,
	  "The user the roles run as when started by root; with nothing, porteiro if there is such a user.", parse_user },
	{ "vlan_offload", "refuse | off", "refuse", RELOAD_RESTART,
	  "What to do when a network card would hide VLAN tags from XDP: refuse to start on it, or turn that offload off.", parse_vlan_offload },
	{ NULL, NULL, NULL, RELOAD_NOW, NULL, NULL },
};
/* clang-format on */

void conf_defaults(struct conf *ret)
{
	struct why why;

	memset(ret, 0, sizeof(*ret)); /* padding too: these bytes travel */
	for (const struct conf_key *k = conf_keys; k->name; k++)
		if (k->value && k->parse(ret, k->value, &why) < 0)
			abort(); /* a default that is not valid: conf_test finds it */
}

static const struct conf_key *find(const char *name)
{
	for (const struct conf_key *k = conf_keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int parse_line(char *line, uint64_t *seen, struct conf *c, struct why *why)
{
	struct why inner = { 0 };

	line[strcspn(line, "#")] = '\0';
	char *name = trim(line), *equals = strchr(name, '=');
	if (!*name)
		return 0;
	if (!equals)
		return why_set(why, -EINVAL, "'%.60s' is not of the form key = value", name);
	*equals = '\0';
	name = trim(name);
	const struct conf_key *k = find(name);
	if (!k)
		return why_set(why, -EINVAL, "there is no key '%.60s'", name);
	uint64_t bit = (uint64_t)1 << (k - conf_keys);
	if (*seen & bit && k->value)
		return why_set(why, -EINVAL, "key '%s' is given twice", name);
	*seen |= bit;
	int r = k->parse(c, trim(equals + 1), &inner);
	return r < 0 ? why_set(why, r, "%s: %s", name, inner.text) : 0;
}

int conf_parse(const char *bytes, size_t len, const char *name, struct conf *ret, struct why *why)
{
	struct conf c;
	uint64_t seen = 0;
	unsigned number = 0;

	conf_defaults(&c);
	for (const char *at = bytes, *end = bytes + len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);
		char line[VALUE_MAX];
		struct why inner = { 0 };

		number++;
		if (n >= sizeof(line) || memchr(at, '\0', n))
			return why_set(why, -EINVAL, "%s:%u: line too long, or not text", name,
				       number);
		memcpy(line, at, n);
		line[n] = '\0';
		int r = parse_line(line, &seen, &c, &inner);
		if (r < 0)
			return why_set(why, r, "%s:%u: %s", name, number, inner.text);
		at += n + 1;
	}
	memcpy(ret, &c, sizeof(c));
	return 0;
}

static bool ends(const char *s, size_t room)
{
	return memchr(s, '\0', room) != NULL;
}

bool conf_check(const struct conf *c)
{
	if (!ends(c->state_dir, sizeof(c->state_dir)) || !ends(c->socket, sizeof(c->socket)) ||
	    !ends(c->socket_group, sizeof(c->socket_group)) || !ends(c->user, sizeof(c->user)) ||
	    !ends(c->pin_dir, sizeof(c->pin_dir)) || !ends(c->plan, sizeof(c->plan)))
		return false;
	if ((unsigned)c->backend >= BACKEND_COUNT_ || (unsigned)c->log >= LOG_LEVEL_COUNT_ ||
	    (unsigned)c->nft_place >= PLACE_COUNT_ || c->interfaces_count > CONF_INTERFACES_MAX ||
	    c->reconcile_s == 0)
		return false;
	for (uint32_t i = 0; i < c->interfaces_count; i++)
		if (!ends(c->interface[i].name, sizeof(c->interface[i].name)) ||
		    (unsigned)c->interface[i].side >= CONF_SIDE_COUNT_ ||
		    (unsigned)c->interface[i].attach >= ATTACH_COUNT_)
			return false;
	return true;
}

const char *conf_reload_text(enum conf_reload r)
{
	return r == RELOAD_NOW ? "at once" : "at the next start";
}

const char *conf_needs_restart(const struct conf *a, const struct conf *b)
{
	if (a->backend != b->backend)
		return "backend";
	if (a->interfaces_count != b->interfaces_count ||
	    memcmp(a->interface, b->interface, sizeof(a->interface)) != 0)
		return "interface";
	if (a->nft_place != b->nft_place)
		return "nft_place";
	if (strcmp(a->pin_dir, b->pin_dir) != 0)
		return "pin_dir";
	if (a->reset_rate != b->reset_rate)
		return "reset_rate";
	if (strcmp(a->socket, b->socket) != 0)
		return "socket";
	if (strcmp(a->socket_group, b->socket_group) != 0)
		return "socket_group";
	if (strcmp(a->state_dir, b->state_dir) != 0)
		return "state_dir";
	if (strcmp(a->user, b->user) != 0)
		return "user";
	return a->vlan_offload_off != b->vlan_offload_off ? "vlan_offload" : NULL;
}

const char *conf_backend_name(enum conf_backend b)
{
	return backends[b];
}

const char *conf_side_name(enum conf_side s)
{
	return sides[s];
}

const char *conf_attach_name(enum conf_attach a)
{
	return attaches[a];
}
