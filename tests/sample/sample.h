/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sample: random rulesets and addresses for tests, the same for the same seed.
 *
 * Prefixes lie crowded in 10.0.0.0/8 and 2001:db8::/32, so that they nest and
 * touch; every mode, strictness, inbound mode, exceptions, restrictions and
 * smarthosts occur. The ruleset is what compile() makes of it.
 */
#pragma once

#include <stdint.h>

#include "model/ruleset.h"

/* A small generator of its own: rand() differs between libraries. */
uint32_t sample_random(uint64_t *state);

/* `prefixes` in segments, a third as many exceptions, a quarter restrictions. */
struct ruleset *sample_ruleset(uint64_t seed, unsigned prefixes, struct wall now);
/* A prefix in the crowd, often one that the ruleset has a border at. */
struct prefix sample_prefix(const struct ruleset *rs, uint64_t seed);
/* A class of the ruleset, or an exception's. */
struct class sample_class(const struct ruleset *rs, uint64_t seed);
/* An address of this family in the crowd, half of them at a border. */
struct addr sample_addr(const struct ruleset *rs, enum family f, uint64_t *state);
