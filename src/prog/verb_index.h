/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_index: `porteiro index`, and the verbs that read the same logs. */
#pragma once

int verb_index(int argc, char **argv);
int verb_stragglers(int argc, char **argv);
int verb_lint_mail(int argc, char **argv);
int verb_listen_mail(int argc, char **argv);
