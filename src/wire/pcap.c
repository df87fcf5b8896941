/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/pcap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/bytes.h"

#define LINKTYPE_ETHERNET 1

/* draft-ietf-opsawg-pcap: the magic number in the file's own byte order. */
#define MAGIC_US       0xa1b2c3d4u
#define MAGIC_NS       0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u /* record headers of 24 bytes */
#define HEAD_BYTES     24

/* draft-ietf-opsawg-pcapng */
#define BLOCK_SECTION      0x0a0d0d0au
#define BLOCK_INTERFACE    1
#define BLOCK_PACKET_OLD   2
#define BLOCK_SIMPLE       3
#define BLOCK_ENHANCED     6
#define BYTE_ORDER_MAGIC   0x1a2b3c4du
#define BLOCK_BYTES_MIN    12 /* type, length, and length again */
#define OPTION_TSRESOL     9
#define RESOLUTION_DEFAULT 6 /* microseconds */

struct interface {
	uint16_t link;
	uint32_t snap;      /* 0: no limit */
	uint8_t resolution; /* if_tsresol: 10^-n s, or 2^-n with the top bit set */
};

struct pcap {
	FILE *file;
	uint64_t offset;
	uint64_t record; /* where the present record or block began */
	bool ng;
	bool begun; /* pcapng: the type of the first block has been read */
	bool big;   /* big-endian */
	bool cut;
	size_t record_bytes; /* pcap: of a record header */
	bool nanoseconds;    /* pcap: of its time stamps */
	struct interface *interfaces;
	size_t interfaces_count, interfaces_room;
	uint8_t frame[PCAP_FRAME_MAX];
};

enum got { GOT_ALL, GOT_NOTHING, GOT_SOME };

static uint16_t u16(const struct pcap *p, const uint8_t *b)
{
	return p->big ? be16(b) : le16(b);
}

static uint32_t u32(const struct pcap *p, const uint8_t *b)
{
	return p->big ? be32(b) : le32(b);
}

static enum got take_bytes(struct pcap *p, uint8_t *to, size_t n)
{
	size_t got = fread(to, 1, n, p->file);

	p->offset += got;
	return got == n ? GOT_ALL : got == 0 ? GOT_NOTHING : GOT_SOME;
}

/* Bytes that must be there because the record has begun; false at the end of a cut file. */
static bool take_rest(struct pcap *p, uint8_t *to, size_t n)
{
	p->cut = n > 0 && take_bytes(p, to, n) != GOT_ALL;
	return !p->cut;
}

static bool skip(struct pcap *p, size_t n)
{
	uint8_t scrap[4096];

	for (size_t piece; n > 0; n -= piece) {
		piece = n < sizeof(scrap) ? n : sizeof(scrap);
		if (!take_rest(p, scrap, piece))
			return false;
	}
	return true;
}

/* The end, which is fine, or the end of a file that can not be read further, which is not. */
static int end(const struct pcap *p, struct why *why)
{
	if (ferror(p->file))
		return why_set(why, -EIO, "can not be read beyond offset %" PRIu64, p->offset);
	return 0;
}

static int bad(const struct pcap *p, struct why *why, const char *what, uint64_t value)
{
	return why_set(why, -EBADMSG, "offset %" PRIu64 ": %s %" PRIu64, p->record, what, value);
}

static int not_ethernet(const struct pcap *p, unsigned link, struct why *why)
{
	return why_set(why, -EBADMSG,
		       "offset %" PRIu64 ": link type %u; only Ethernet (%d) can be replayed",
		       p->record, link, LINKTYPE_ETHERNET);
}

static int next_pcap(struct pcap *p, struct pcap_frame *ret, struct why *why)
{
	uint8_t head[HEAD_BYTES];

	p->record = p->offset;
	switch (take_bytes(p, head, p->record_bytes)) {
	case GOT_NOTHING:
		return end(p, why);
	case GOT_SOME:
		p->cut = true;
		return end(p, why);
	case GOT_ALL:
		break;
	}

	uint32_t len = u32(p, head + 8);
	if (len > PCAP_FRAME_MAX)
		return bad(p, why, "a frame can not have captured bytes of", len);
	if (!take_rest(p, p->frame, len))
		return end(p, why);
	int64_t fraction = u32(p, head + 4) / (p->nanoseconds ? 1000000 : 1000);
	*ret = (struct pcap_frame){ p->frame, len, (int64_t)u32(p, head) * 1000 + fraction };
	return 1;
}

/* A time stamp in units of the interface's resolution → milliseconds. */
static int64_t stamp_ms(uint64_t units, uint8_t resolution)
{
	uint64_t per_second = 1;
	unsigned n = resolution & 0x7f;

	if (n > (resolution & 0x80 ? 63u : 19u)) /* beyond any clock */
		return 0;
	for (unsigned i = 0; i < n; i++)
		per_second *= resolution & 0x80 ? 2 : 10;
	uint64_t seconds = units / per_second;
	double part = (double)(units % per_second) / (double)per_second;

	return seconds > INT64_MAX / 2000 ? 0 : (int64_t)(seconds * 1000 + (uint64_t)(part * 1000));
}

static int add_interface(struct pcap *p, struct interface i, struct why *why)
{
	if (p->interfaces_count == PCAP_INTERFACES_MAX)
		return bad(p, why, "more interfaces than", PCAP_INTERFACES_MAX);
	if (p->interfaces_count == p->interfaces_room) {
		size_t room = 2 * p->interfaces_room + 4;
		struct interface *more = realloc(p->interfaces, room * sizeof(*more));

		if (!more)
			return why_set(why, -ENOMEM, "out of memory");
		p->interfaces = more;
		p->interfaces_room = room;
	}
	p->interfaces[p->interfaces_count++] = i;
	return 0;
}

/* A block as its header declares it; `left` are the bytes of its body not yet read. */
struct block {
	uint32_t type, length;
	size_t left;
};

/* Read `n` bytes of the body. 1, or 0 at the end of a cut file, or an error if the body is short.
 */
static int body(struct pcap *p, struct block *b, uint8_t *to, size_t n, struct why *why)
{
	if (n > b->left)
		return bad(p, why, "a block is too short for what it should hold:", b->length);
	if (!take_rest(p, to, n))
		return end(p, why);
	b->left -= n;
	return 1;
}

/* Skip the rest of the block and compare the length that stands behind it with that before. */
static int finish(struct pcap *p, const struct block *b, struct why *why)
{
	uint8_t again[4];

	if (!skip(p, b->left) || !take_rest(p, again, sizeof(again)))
		return end(p, why);
	if (u32(p, again) != b->length)
		return bad(p, why, "the length of a block is not repeated at its end:", b->length);
	return 1;
}

/*
 * Head and length of a block; for a section header the byte order as well, as
 * its length can not be read before. 1, 0 at the end, or an error.
 */
static int open_block(struct pcap *p, struct block *ret, struct why *why)
{
	uint8_t head[8] = { 0x0a, 0x0d, 0x0d, 0x0a }, magic[4];
	size_t body_read = 0, have = p->begun ? 4 : 0;

	p->record = p->offset - have;
	p->begun = false;
	switch (take_bytes(p, head + have, sizeof(head) - have)) {
	case GOT_NOTHING:
		p->cut = have > 0;
		return end(p, why);
	case GOT_SOME:
		p->cut = true;
		return end(p, why);
	case GOT_ALL:
		break;
	}
	ret->type = u32(p, head);
	if (ret->type == BLOCK_SECTION) { /* a palindrome: the same in both orders */
		if (!take_rest(p, magic, sizeof(magic)))
			return end(p, why);
		body_read = sizeof(magic);
		if (be32(magic) != BYTE_ORDER_MAGIC && le32(magic) != BYTE_ORDER_MAGIC)
			return bad(p, why, "a section with byte-order magic", be32(magic));
		p->big = be32(magic) == BYTE_ORDER_MAGIC;
		p->interfaces_count = 0;
	}
	ret->length = u32(p, head + 4);
	if (ret->length < BLOCK_BYTES_MIN + body_read || ret->length % 4 != 0)
		return bad(p, why, "a block can not have a length of", ret->length);
	ret->left = ret->length - BLOCK_BYTES_MIN - body_read;
	return 1;
}

static int read_section(struct pcap *p, struct block *b, struct why *why)
{
	uint8_t version[4];
	int r = body(p, b, version, sizeof(version), why);

	if (r > 0 && u16(p, version) != 1)
		return bad(p, why, "pcapng of major version", u16(p, version));
	return r;
}

/* Look through an interface's options (code, length, value padded to 4) for its resolution. */
static int read_resolution(struct pcap *p, struct block *b, uint8_t *ret, struct why *why)
{
	uint8_t fields[4];

	while (b->left >= sizeof(fields)) {
		int r = body(p, b, fields, sizeof(fields), why);
		if (r <= 0)
			return r;
		uint16_t code = u16(p, fields);
		size_t len = ((size_t)u16(p, fields + 2) + 3) & ~(size_t)3;
		if (len > b->left)
			break; /* finish() skips what is left */
		if (code == OPTION_TSRESOL && len == sizeof(fields)) {
			r = body(p, b, fields, sizeof(fields), why);
			if (r <= 0)
				return r;
			*ret = fields[0];
			continue;
		}
		if (!skip(p, len))
			return end(p, why);
		b->left -= len;
	}
	return 1;
}

static int read_interface(struct pcap *p, struct block *b, struct why *why)
{
	uint8_t fields[8];
	int r = body(p, b, fields, sizeof(fields), why);

	if (r <= 0)
		return r;
	struct interface i = { u16(p, fields), u32(p, fields + 4), RESOLUTION_DEFAULT };
	r = read_resolution(p, b, &i.resolution, why);
	if (r <= 0)
		return r;
	r = add_interface(p, i, why);
	return r < 0 ? r : 1;
}

/* Where packet blocks say what they hold. */
static int read_packet(struct pcap *p, struct block *b, struct pcap_frame *ret, struct why *why)
{
	uint8_t fields[20];
	bool simple = b->type == BLOCK_SIMPLE;
	uint32_t number = 0, len;
	int r = body(p, b, fields, simple ? 4 : sizeof(fields), why);

	if (r <= 0)
		return r;
	if (!simple)
		number = b->type == BLOCK_ENHANCED ? u32(p, fields) : u16(p, fields);
	if (number >= p->interfaces_count)
		return bad(p, why, "a packet of an interface that is not described:", number);

	const struct interface *i = &p->interfaces[number];
	if (i->link != LINKTYPE_ETHERNET)
		return not_ethernet(p, i->link, why);
	len = u32(p, simple ? fields : fields + 12);
	if (simple && i->snap != 0 && len > i->snap) /* it only tells the length on the wire */
		len = i->snap;
	if (len > PCAP_FRAME_MAX)
		return bad(p, why, "a frame can not have captured bytes of", len);
	uint64_t units = simple ? 0 : (uint64_t)u32(p, fields + 4) << 32 | u32(p, fields + 8);
	int64_t time_ms = stamp_ms(units, i->resolution);
	r = body(p, b, p->frame, len, why);
	*ret = (struct pcap_frame){ p->frame, len, time_ms };
	return r;
}

static int next_ng(struct pcap *p, struct pcap_frame *ret, struct why *why)
{
	for (;;) {
		struct pcap_frame frame = { NULL, 0, 0 };
		struct block b;
		int r = open_block(p, &b, why);

		if (r > 0 && b.type == BLOCK_SECTION)
			r = read_section(p, &b, why);
		else if (r > 0 && b.type == BLOCK_INTERFACE)
			r = read_interface(p, &b, why);
		else if (r > 0 && (b.type == BLOCK_ENHANCED || b.type == BLOCK_SIMPLE ||
				   b.type == BLOCK_PACKET_OLD))
			r = read_packet(p, &b, &frame, why);
		if (r > 0)
			r = finish(p, &b, why);
		if (r <= 0)
			return r;
		if (frame.bytes) {
			*ret = frame;
			return 1;
		}
	}
}

int pcap_next(struct pcap *p, struct pcap_frame *ret, struct why *why)
{
	return p->ng ? next_ng(p, ret, why) : next_pcap(p, ret, why);
}

bool pcap_is_cut(const struct pcap *p)
{
	return p->cut;
}

uint64_t pcap_offset(const struct pcap *p)
{
	return p->offset;
}

/* The file header of a pcap whose first four bytes have been read. */
static int open_pcap(struct pcap *p, uint8_t head[HEAD_BYTES], struct why *why)
{
	if (!take_rest(p, head + 4, HEAD_BYTES - 4))
		return why_set(why, -EBADMSG, "it ends in its own header, at offset %" PRIu64,
			       p->offset);
	p->record_bytes = u32(p, head) == MAGIC_MODIFIED ? 24 : 16;
	p->nanoseconds = u32(p, head) == MAGIC_NS;
	if (u16(p, head + 4) != 2)
		return bad(p, why, "pcap of major version", u16(p, head + 4));
	/* The upper bits tell of a frame check sequence, which hurts nobody. */
	unsigned link = u32(p, head + 20) & 0x03ffffffu;
	return link == LINKTYPE_ETHERNET ? 0 : not_ethernet(p, link, why);
}

static bool is_pcap_magic(uint32_t magic)
{
	return magic == MAGIC_US || magic == MAGIC_NS || magic == MAGIC_MODIFIED;
}

static int open_any(struct pcap *p, struct why *why)
{
	uint8_t head[HEAD_BYTES];
	enum got got = take_bytes(p, head, 4);

	if (ferror(p->file))
		return why_set(why, -EIO, "can not be read");
	if (got != GOT_ALL)
		return why_set(why, -EBADMSG, "not a capture: it has %" PRIu64 " bytes", p->offset);
	if (is_pcap_magic(be32(head)) || is_pcap_magic(le32(head))) {
		p->big = is_pcap_magic(be32(head));
		return open_pcap(p, head, why);
	}
	if (be32(head) == BLOCK_SECTION) {
		p->ng = p->begun = true;
		return 0;
	}
	if (be16(head) == 0x1f8b)
		return why_set(why, -EBADMSG, "it is compressed; unpack it with gunzip first");
	return why_set(why, -EBADMSG, "not a capture: it begins with %08" PRIx32, be32(head));
}

int pcap_new(FILE *file, struct pcap **ret, struct why *why)
{
	own(pcap) struct pcap *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return why_set(why, -ENOMEM, "out of memory");
	p->file = file;
	r = open_any(p, why);
	if (r < 0)
		return r;

	*ret = take(p);
	return 0;
}

void pcap_free(struct pcap *p)
{
	if (!p)
		return;
	free(p->interfaces);
	free(p);
}
