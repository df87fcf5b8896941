/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * own: who frees what, visible at the declaration and at the hand-over.
 *
 *     own(plan) struct plan *p = NULL;    freed by plan_free() at end of scope
 *     *ret = take(p);                     handed over: p is NULL from here on
 *
 * A type becomes ownable by writing OWNABLE(type) after type_free(), which
 * must accept NULL. A pointer parameter is borrowed unless the function's name
 * says otherwise (_take, _adopt).
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define own(type) __attribute__((cleanup(type##_freep)))

#define OWNABLE(type)                                    \
	static inline void type##_freep(struct type **p) \
	{                                                \
		type##_free(*p);                         \
	}

#define take(p)                             \
	__extension__({                     \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

static inline void own_mem_freep(void *p)
{
	free(*(void **)p);
}

static inline void own_fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void own_file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define own_mem  __attribute__((cleanup(own_mem_freep)))   /* malloc()ed memory of any type */
#define own_fd   __attribute__((cleanup(own_fd_closep)))   /* int fd = -1 */
#define own_file __attribute__((cleanup(own_file_closep))) /* FILE *f = NULL */

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
