/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap: the frames of a capture file, one after the other.
 *
 * Reads pcap (micro- and nanoseconds, both byte orders, also the variant with
 * longer record headers) and pcapng (several sections and interfaces, enhanced,
 * simple and old packet blocks; blocks it does not know are skipped). Ethernet
 * only: what was captured otherwise has no place where a subscriber could have
 * sent it.
 *
 * Streams: memory does not grow with the file. Trusts nothing in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/own.h"
#include "base/why.h"

#define PCAP_FRAME_MAX      262144 /* tcpdump's largest snapshot; a longer record is an error */
#define PCAP_INTERFACES_MAX 65536  /* in one section; more is an error */

struct pcap;

/* `file` is borrowed and read from where it stands. -EBADMSG if it is not a capture; -ENOMEM. */
int pcap_new(FILE *file, struct pcap **ret, struct why *why);
void pcap_free(struct pcap *p);
OWNABLE(pcap)

struct pcap_frame {
	const uint8_t *bytes; /* until the next call */
	size_t len;           /* captured; the frame may have been longer */
	int64_t time_ms;      /* since 1970 UTC; 0 where the block has none */
};

/* 1 and a frame; 0 at the end; -EBADMSG with `why` naming the offset; -EIO. */
int pcap_next(struct pcap *p, struct pcap_frame *ret, struct why *why);

/*
 * True once pcap_next() has come to the end and the file stops in the middle of
 * a record, as it does where the capturing program was stopped. All frames
 * before were whole.
 */
bool pcap_is_cut(const struct pcap *p);
/* Bytes read so far: where a cut file ends. */
uint64_t pcap_offset(const struct pcap *p);
