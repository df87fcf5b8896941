/* SPDX-License-Identifier: BSD-2-Clause */
/* A capture file: read to its end or to an error with words, without holding more than a frame. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "wire/packet.h"
#include "wire/pcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	own(pcap) struct pcap *p = NULL;
	struct pcap_frame frame;
	struct why why = { 0 };
	int r;

	if (bytes == 0)
		return 0; /* fmemopen() opens nothing */
	own_file FILE *f = fmemopen((void *)(uintptr_t)data, bytes, "r");
	assert(f);
	r = pcap_new(f, &p, &why);
	if (r == 0)
		while ((r = pcap_next(p, &frame, &why)) > 0) {
			assert(frame.len <= PCAP_FRAME_MAX && frame.len <= bytes);
			packet_parse(frame.bytes, frame.len);
		}
	if (r < 0)
		assert(why.text[0]);
	else
		assert(pcap_offset(p) <= bytes);
	return 0;
}
