/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_provider: the verbs of the mail provider's half, and what they share. */
#pragma once

#include "base/mono.h"
#include "base/why.h"
#include "prog/verbs.h"
#include "wire/record.h"
#include "wire/signkey.h"

int verb_audit(int argc, char **argv);
int verb_autoconfig(int argc, char **argv);
int verb_key(int argc, char **argv);
int verb_declare(int argc, char **argv);
int verb_verify(int argc, char **argv);

/* Read a key file. */
int key_load(const char *path, struct signkey *ret, struct why *why);

/* Read and check a file of daily records; an absent one is -ENOENT. */
int records_load(const char *path, struct record_chain **ret, struct why *why);
