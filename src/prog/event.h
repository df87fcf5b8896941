/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event: everything porteirod says in its log, one row each.
 *
 * An id never changes its meaning and is never used again. The manual's list
 * (porteirod(8), EVENTS) is held against this table by a test.
 *
 * E00 the parent, E01 roles and messages, E02 decisions, E03 the filter, E04 the store.
 */
#pragma once

#include "base/log.h"

/* clang-format off */
#define EVENTS(X) \
	X(STARTED,          "E0001", "started",            INFO,    "All roles have been started; the version and the configuration file are given.") \
	X(STOPPING,         "E0002", "stopping",           INFO,    "The daemon was told to stop. What is in force stays in force.") \
	X(CANNOT_START,     "E0003", "cannot-start",       ERROR,   "The daemon can not start, for the reason given. Nothing was changed.") \
	X(ROLE_STARTED,     "E0010", "role-started",       INFO,    "A role runs, with the process id given.") \
	X(ROLE_ENDED,       "E0011", "role-ended",         WARNING, "A role ended without being told to; it is started again after the delay given. What is in force stays in force.") \
	X(ROLE_STUCK,       "E0012", "role-stuck",         ERROR,   "A role gave no sign of life for too long, or another one asked in vain; it is killed and started again.") \
	X(RELOADED,         "E0020", "reloaded",           INFO,    "The configuration and the plan were read again and are in force.") \
	X(RELOAD_REFUSED,   "E0021", "reload-refused",     ERROR,   "A reload was refused for the reason given; configuration and plan are what they were.") \
	X(NO_USER,          "E0022", "no-user",            WARNING, "There is no user porteiro: the roles keep the user who started the daemon, though no capabilities they do not need.") \
	X(SANDBOX_PARTIAL,  "E0101", "sandbox-partial",    WARNING, "The kernel lacks a part of the sandbox, which is named; the role runs without it.") \
	X(ROLE_FAILED,      "E0102", "role-failed",        ERROR,   "A role can not do its work, for the reason given; it ends and is tried again.") \
	X(MESSAGE_REFUSED,  "E0103", "message-refused",    ERROR,   "A role got a message that is none, from the role named; it hangs up on it.") \
	X(REQUESTS_LIMITED, "E0110", "requests-limited",   WARNING, "More requests are under way than the daemon holds; some were turned away.") \
	X(PLAN_APPLIED,     "E0201", "plan-applied",       INFO,    "A plan is in force; its number, by whom, and how many addresses it closes and opens are given.") \
	X(PLAN_REFUSED,     "E0202", "plan-refused",       WARNING, "A plan was not applied, for the reason given; what was in force still is.") \
	X(EXCEPTION_ADDED,  "E0203", "exception-added",    INFO,    "An address or prefix keeps port 25 from now on; until when, by whom and why are given.") \
	X(EXCEPTION_ENDED,  "E0204", "exception-ended",    INFO,    "An exception was removed, or its time has run out.") \
	X(RESTRICTION_ENDED,"E0205", "restriction-ended",  INFO,    "The time of a restriction has run out.") \
	X(OPENED,           "E0206", "opened",             WARNING, "Everything was opened: nothing is refused until porteiro resume.") \
	X(RESUMED,          "E0207", "resumed",            INFO,    "The opening was taken back: the plan is in force again.") \
	X(RULESET_LOADED,   "E0301", "ruleset-loaded",     INFO,    "The filter has a new ruleset; its hash and the time it took are given.") \
	X(FILTER_FAILED,    "E0302", "filter-failed",      ERROR,   "The filter refused a change, for the reason given; what was in force still is.") \
	X(DRIFT,            "E0303", "drift",              WARNING, "The kernel did not hold what should be in force: somebody changed it, or it was lost. The differences are counted and the first is named.") \
	X(REPAIRED,         "E0304", "repaired",           INFO,    "What should be in force is in force again.") \
	X(FILTER_READY,     "E0305", "filter-ready",       INFO,    "The filter's kernel objects are open.") \
	X(FILTER_ABSENT,    "E0306", "filter-absent",      ERROR,   "The filter's kernel objects can not be opened, for the reason given; tried again at each reconcile.") \
	X(STORE_OPENED,     "E0401", "store-opened",       INFO,    "The store is open; the last journal entry is given.") \
	X(STORE_REFUSED,    "E0402", "store-refused",      ERROR,   "The store can not be used, for the reason given: the engine does not start. What is in force stays in force.") \
	X(STORE_FAILED,     "E0403", "store-failed",       ERROR,   "Something could not be written to the store, for the reason given. What was asked for was not done, unless it was to open everything.")
/* clang-format on */

enum event {
#define X(name, id, text, level, help) EV_##name,
	EVENTS(X)
#undef X
	    EV_COUNT_
};

extern const struct log_event events[EV_COUNT_];

/* say(EV_OPENED, LOG_S("by", by)); */
#define say(event, ...) log_event(&events[event], __VA_ARGS__)
