/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka: the unit-test library with the headers it forgets to include. Tests only. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* IWYU pragma: export */
