/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: names in a BPF file system, by which kernel objects outlive us.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

#include "enforce/xdp_priv.h"

/* "%" and "." as %25 and %2e: bpffs keeps dots for itself. */
static bool encode(char *to, size_t room, const char *from)
{
	for (; *from; from++) {
		int n = *from == '.' || *from == '%'
			    ? snprintf(to, room, "%%%02x", (unsigned char)*from)
			    : snprintf(to, room, "%c", *from);
		if (n < 0 || (size_t)n >= room)
			return false;
		to += n;
		room -= (size_t)n;
	}
	*to = '\0';
	return true;
}

static void decode(char *to, size_t room, const char *from)
{
	unsigned c;

	for (; *from && room > 1; room--) {
		if (*from == '%' && sscanf(from + 1, "%2x", &c) == 1) {
			*to++ = (char)c;
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

int pin_path(char ret[static PIN_BYTES], const char *dir, const char *kind, const char *name)
{
	char encoded[128];

	if (!encode(encoded, sizeof(encoded), name))
		return -ENAMETOOLONG;
	int n = snprintf(ret, PIN_BYTES, "%s/%s%s", dir, kind, encoded);
	return n < 0 || n >= PIN_BYTES ? -ENAMETOOLONG : 0;
}

static bool is_bpffs(const char *path)
{
	struct statfs s;

	return statfs(path, &s) == 0 && (unsigned long)s.f_type == (unsigned long)BPF_FS_MAGIC;
}

/* The file system is usually mounted by systemd; where it is not, at its usual place only. */
int pin_dir_make(const char *dir, struct why *why)
{
	static const char usual[] = "/sys/fs/bpf";

	if (strncmp(dir, usual, sizeof(usual) - 1) == 0 && !is_bpffs(usual) &&
	    mount("bpf", usual, "bpf", 0, NULL) < 0)
		return why_set(why, -errno, "cannot mount a BPF file system at %s: %s", usual,
			       strerror(errno));
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return why_set(why, -errno, "cannot make %s: %s", dir, strerror(errno));
	if (!is_bpffs(dir))
		return why_set(why, -ENOTSUP, "%s is not in a BPF file system", dir);
	return 0;
}

int pin_each(const char *dir, const char *kind, int (*fn)(void *arg, const char *name), void *arg)
{
	const size_t len = strlen(kind);
	struct dirent **entry;
	int n = scandir(dir, &entry, NULL, alphasort), r = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		char name[256];

		if (r == 0 && strncmp(entry[i]->d_name, kind, len) == 0) {
			decode(name, sizeof(name), entry[i]->d_name + len);
			r = fn(arg, name);
		}
		free(entry[i]);
	}
	free(entry);
	return r;
}

int pin_replace(int fd, const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}
