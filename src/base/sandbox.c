/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

/* What any of our roles needs: memory, its own descriptors, time, a loop, an end. */
static const char *const common[] = {
	"brk",
	"mmap",
	"munmap",
	"mremap",
	"madvise",
	"mprotect",
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"close",
	"fstat",
	"newfstatat",
	"stat",
	"lstat",
	"lseek",
	"fcntl",
	"dup",
	"dup3",
	"sendmsg",
	"recvmsg",
	"sendto",
	"recvfrom",
	"shutdown",
	"getsockopt",
	"getsockname",
	"poll",
	"select",
	"pselect6",
	"ppoll",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd2",
	"pipe2",
	"timerfd_create",
	"timerfd_settime",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getrandom",
	"futex",
	"sched_yield",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"restart_syscall",
	"exit",
	"exit_group",
	"tgkill",
	"kill",
	"prctl",
	"set_robust_list",
	"rseq",
	"prlimit64",
	"uname",
	"sysinfo",
	"memfd_create",
	"ftruncate",
	"openat",
	"open",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"getrlimit",
	"sched_getaffinity",
	"membarrier",
	"statx",
	"getcwd",
	"umask",
	"ioctl",
	NULL,
};

/* Never, in no role: the process dies, so that an attempt is seen. */
static const char *const deadly[] = {
	"execve",      "execveat",     "ptrace",        "process_vm_readv", "process_vm_writev",
	"init_module", "finit_module", "delete_module", "kexec_load",       "kexec_file_load",
	"mount",       "umount2",      "pivot_root",    "chroot",           "setns",
	"unshare",     "reboot",       "swapon",        "swapoff",          NULL,
};

static int drop_user(const struct sandbox *s, struct why *why)
{
	if (s->uid == 0 || geteuid() != 0)
		return 0;
	/* Keep the permitted set over setuid: keep_caps() cuts it down to what is named. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(s->gid, s->gid, s->gid) < 0 || setresuid(s->uid, s->uid, s->uid) < 0)
		return why_set(why, -errno, "cannot become user %u, group %u", s->uid, s->gid);
	return 0;
}

static void drop_bounding(const struct sandbox *s)
{
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		const int *c = s->caps;

		while (*c >= 0 && *c != cap)
			c++;
		if (*c < 0) /* fails without CAP_SETPCAP: then there is nothing to gain either */
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
}

static int keep_caps(const struct sandbox *s, struct why *why)
{
	cap_t now = cap_get_proc(), keep = cap_init();
	int r = 0;

	if (!now || !keep) {
		r = -ENOMEM;
		goto out;
	}
	for (const int *c = s->caps; *c >= 0; c++) {
		cap_value_t value = *c;
		cap_flag_value_t has = CAP_CLEAR;

		(void)cap_get_flag(now, value, CAP_PERMITTED, &has);
		if (has != CAP_SET)
			continue; /* not ours to keep; the role will say what it can not do */
		cap_set_flag(keep, CAP_PERMITTED, 1, &value, CAP_SET);
		cap_set_flag(keep, CAP_EFFECTIVE, 1, &value, CAP_SET);
	}
	if (cap_set_proc(keep) < 0)
		r = why_set(why, -errno, "cannot drop capabilities");
out:
	cap_free(now);
	cap_free(keep);
	return r;
}

#define LANDLOCK_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_WRITE                                                    \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |    \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM)
/* All that the first version of Landlock (5.13) knows, so that the rest is refused. */
#define LANDLOCK_ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static const uint64_t rights[] = {
	[SANDBOX_LIST] = LANDLOCK_ACCESS_FS_READ_DIR,
	[SANDBOX_READ] = LANDLOCK_READ,
	[SANDBOX_WRITE] = LANDLOCK_READ | LANDLOCK_WRITE,
};

static int allow_path(int ruleset, const struct sandbox_path *p, struct why *why)
{
	own_fd int fd = open(p->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr attr = {
		.allowed_access = rights[p->access],
		.parent_fd = fd,
	};
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : why_set(why, -errno, "cannot open %s", p->path);
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		attr.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
		return why_set(why, -errno, "Landlock refuses %s", p->path);
	return 0;
}

static int enter_landlock(const struct sandbox *s, const char **missing, struct why *why)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ALL };
	own_fd int ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);

	if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		*missing = "Landlock";
		return 0;
	}
	if (ruleset < 0)
		return why_set(why, -errno, "cannot make a Landlock ruleset");
	for (unsigned i = 0; i < s->paths_count; i++) {
		int r = allow_path(ruleset, &s->paths[i], why);
		if (r < 0)
			return r;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return why_set(why, -errno, "cannot enter Landlock");
	return 0;
}

static int add_rules(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
	for (; names && *names; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		/* A call this machine does not have needs no rule. */
		if (number == __NR_SCMP_ERROR)
			continue;
		int r = seccomp_rule_add(ctx, action, number, 0);
		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

static int enter_seccomp(const struct sandbox *s, struct why *why)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? 0 : -ENOMEM;

	if (r == 0)
		r = add_rules(ctx, SCMP_ACT_ALLOW, common);
	if (r == 0)
		r = add_rules(ctx, SCMP_ACT_ALLOW, s->syscalls);
	if (r == 0)
		r = add_rules(ctx, SCMP_ACT_KILL_PROCESS, deadly);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return r == 0 ? 0 : why_set(why, r, "cannot load the system call filter");
}

int sandbox_enter(const struct sandbox *s, const char **ret_missing, struct why *why)
{
	const char *missing = NULL;
	int r;

	drop_bounding(s); /* while we still may */
	r = drop_user(s, why);
	if (r < 0)
		return r;
	r = keep_caps(s, why);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return why_set(why, -errno, "cannot give up new privileges");
	/* The identity just taken off must not be readable through /proc by others of that user. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	r = enter_landlock(s, &missing, why);
	if (r < 0)
		return r;
	r = enter_seccomp(s, why);
	if (r < 0)
		return r;
	*ret_missing = missing;
	return 0;
}
