/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/pcap.h"

#include <errno.h>
#include <string.h>

#include "base/cmocka.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* A capture under construction, in either byte order. */
struct capture {
	uint8_t bytes[8192];
	size_t len;
	bool big;
};

static void u8s(struct capture *c, const void *bytes, size_t n)
{
	assert_true(c->len + n <= sizeof(c->bytes));
	memcpy(c->bytes + c->len, bytes, n);
	c->len += n;
}

static void number(struct capture *c, uint32_t value, unsigned bytes)
{
	uint8_t b[4];

	for (unsigned i = 0; i < bytes; i++)
		b[c->big ? bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
	u8s(c, b, bytes);
}

static void pcap_head(struct capture *c, uint32_t magic, uint32_t link)
{
	number(c, magic, 4);
	number(c, 2, 2);
	number(c, 4, 2);
	for (int i = 0; i < 2; i++)
		number(c, 0, 4);
	number(c, 65535, 4);
	number(c, link, 4);
}

static void pcap_record(struct capture *c, const char *frame, size_t extra_header)
{
	number(c, 1, 4);
	number(c, 2, 4);
	number(c, (uint32_t)strlen(frame), 4);
	number(c, (uint32_t)strlen(frame) + 100, 4);
	for (size_t i = 0; i < extra_header; i++)
		number(c, 0xff, 1);
	u8s(c, frame, strlen(frame));
}

/* One pcapng block around a body of a multiple of four bytes. */
static void block(struct capture *c, uint32_t type, const struct capture *body)
{
	number(c, type, 4);
	number(c, (uint32_t)body->len + 12, 4);
	u8s(c, body->bytes, body->len);
	number(c, (uint32_t)body->len + 12, 4);
}

static void section(struct capture *c)
{
	struct capture b = { .big = c->big };

	number(&b, 0x1a2b3c4d, 4);
	number(&b, 1, 2);
	number(&b, 0, 2);
	number(&b, 0xffffffff, 4);
	number(&b, 0xffffffff, 4);
	block(c, 0x0a0d0d0a, &b);
}

static void interface(struct capture *c, uint16_t link, uint32_t snap)
{
	struct capture b = { .big = c->big };

	number(&b, link, 2);
	number(&b, 0, 2);
	number(&b, snap, 4);
	block(c, 1, &b);
}

static void padded(struct capture *b, const char *frame)
{
	u8s(b, frame, strlen(frame));
	while (b->len % 4)
		number(b, 0, 1);
}

static void enhanced(struct capture *c, uint32_t iface, const char *frame)
{
	struct capture b = { .big = c->big };

	number(&b, iface, 4);
	number(&b, 0, 4);
	number(&b, 0, 4);
	number(&b, (uint32_t)strlen(frame), 4);
	number(&b, 1500, 4);
	padded(&b, frame);
	number(&b, 0, 4); /* an option: end of options */
	block(c, 6, &b);
}

static void simple(struct capture *c, uint32_t wire_len, const char *frame)
{
	struct capture b = { .big = c->big };

	number(&b, wire_len, 4);
	padded(&b, frame);
	block(c, 3, &b);
}

static void old_packet(struct capture *c, uint16_t iface, const char *frame)
{
	struct capture b = { .big = c->big };

	number(&b, iface, 2);
	number(&b, 7, 2); /* drops */
	number(&b, 0, 4);
	number(&b, 0, 4);
	number(&b, (uint32_t)strlen(frame), 4);
	number(&b, 1500, 4);
	padded(&b, frame);
	block(c, 2, &b);
}

static void unknown(struct capture *c)
{
	struct capture b = { .big = c->big };

	for (int i = 0; i < 1200; i++)
		number(&b, 0xdeadbeef, 4);
	block(c, 0xbad, &b);
}

/* All frames joined by spaces; then "!" if the file was cut, or the error. */
static const char *read_all(const struct capture *c, size_t len)
{
	static char out[512];
	own_file FILE *f = len ? fmemopen((void *)(uintptr_t)c->bytes, len, "r") : tmpfile();
	own(pcap) struct pcap *p = NULL;
	struct pcap_frame frame;
	struct why why = { 0 };
	size_t at = 0;
	int r;

	assert_non_null(f);
	out[0] = '\0';
	if (pcap_new(f, &p, &why) < 0)
		return strcpy(out, why.text);
	while ((r = pcap_next(p, &frame, &why)) > 0)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%.*s ", (int)frame.len,
				       (const char *)frame.bytes);
	if (r < 0)
		snprintf(out + at, sizeof(out) - at, "%s", why.text);
	else if (pcap_is_cut(p))
		snprintf(out + at, sizeof(out) - at, "!");
	return out;
}

static void every_kind_of_pcap(void **state)
{
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34 };
	(void)state;

	for (size_t i = 0; i < 2 * COUNT(magics); i++) {
		struct capture c = { .big = i % 2 };
		uint32_t magic = magics[i / 2];

		pcap_head(&c, magic, i < 4 ? 1 : 0x24000001);
		pcap_record(&c, "one", magic == 0xa1b2cd34 ? 8 : 0);
		pcap_record(&c, "", magic == 0xa1b2cd34 ? 8 : 0);
		pcap_record(&c, "three", magic == 0xa1b2cd34 ? 8 : 0);
		assert_string_equal(read_all(&c, c.len), "one  three ");
	}
}

static void every_block_of_pcapng(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct capture c = { .big = big };

		section(&c);
		interface(&c, 1, 4);
		interface(&c, 113, 0); /* of no packet: does no harm */
		enhanced(&c, 0, "enhanced");
		unknown(&c);
		simple(&c, 60, "simp"); /* cut by the interface's snapshot length */
		old_packet(&c, 0, "old");
		c.big =
		    !big; /* a section of its own, in the other order, with interfaces of its own */
		section(&c);
		interface(&c, 1, 0);
		simple(&c, 5, "other");
		assert_string_equal(read_all(&c, c.len), "enhanced simp old other ");
	}
}

/* However the file is cut, there is no error and no frame that was not whole. */
static void a_cut_file_gives_its_whole_frames(void **state)
{
	struct capture c = { 0 }, ng = { .big = true };
	size_t head, first, ng_head;
	(void)state;

	pcap_head(&c, 0xa1b2c3d4, 1);
	head = c.len;
	pcap_record(&c, "one", 0);
	first = c.len;
	pcap_record(&c, "two", 0);
	for (size_t len = head; len < c.len; len++)
		assert_string_equal(read_all(&c, len), len == head    ? ""
						       : len < first  ? "!"
						       : len == first ? "one "
								      : "one !");

	section(&ng);
	ng_head = ng.len;
	interface(&ng, 1, 0);
	for (size_t len = 4; len < ng.len; len++)
		assert_string_equal(read_all(&ng, len), len == ng_head ? "" : "!");
	first = ng.len;
	enhanced(&ng, 0, "one");
	for (size_t len = first + 1; len < ng.len; len++)
		assert_string_equal(read_all(&ng, len), "!");
}

static void errors_say_where_and_what(void **state)
{
	struct capture c[12] = { 0 };
	const char *want[12];
	size_t n = 0;
	(void)state;

	want[n++] = "not a capture: it has 0 bytes";
	u8s(&c[n], "GET / HTTP/1.1\r\n", 16);
	want[n++] = "not a capture: it begins with 47455420";
	u8s(&c[n], "\x1f\x8b\x08\x00", 4);
	want[n++] = "it is compressed; unpack it with gunzip first";
	number(&c[n], 0xa1b2c3d4, 4);
	number(&c[n], 2, 2);
	want[n++] = "it ends in its own header, at offset 6";
	pcap_head(&c[n], 0xa1b2c3d4, 113);
	want[n++] = "offset 0: link type 113; only Ethernet (1) can be replayed";
	pcap_head(&c[n], 0xa1b2c3d4, 1);
	pcap_record(&c[n], "one", 0);
	number(&c[n], 0, 4);
	number(&c[n], 0, 4);
	number(&c[n], PCAP_FRAME_MAX + 1, 4);
	number(&c[n], 0, 4);
	want[n++] = "one offset 43: a frame can not have captured bytes of 262145";
	section(&c[n]);
	interface(&c[n], 113, 0);
	enhanced(&c[n], 0, "one");
	want[n++] = "offset 48: link type 113; only Ethernet (1) can be replayed";
	section(&c[n]);
	enhanced(&c[n], 0, "one");
	want[n++] = "offset 28: a packet of an interface that is not described: 0";
	section(&c[n]);
	number(&c[n], 6, 4);
	number(&c[n], 13, 4);
	want[n++] = "offset 28: a block can not have a length of 13";
	section(&c[n]);
	interface(&c[n], 1, 0);
	simple(&c[n], 9, "one");
	want[n++] = "offset 48: a block is too short for what it should hold: 20";
	section(&c[n]);
	interface(&c[n], 1, 0);
	c[n].bytes[c[n].len - 4] ^= 1;
	want[n++] = "offset 28: the length of a block is not repeated at its end: 20";
	section(&c[n]);
	c[n].bytes[8] = 0;
	want[n++] = "offset 0: a section with byte-order magic 3943194";
	assert_int_equal(n, COUNT(c));

	for (size_t i = 0; i < n; i++)
		assert_string_equal(read_all(&c[i], c[i].len), want[i]);
}

static int64_t first_time(const uint8_t *bytes, size_t len)
{
	own_file FILE *f = fmemopen((void *)bytes, len, "r");
	own(pcap) struct pcap *p = NULL;
	struct pcap_frame frame;

	assert_int_equal(pcap_new(f, &p, NULL), 0);
	assert_int_equal(pcap_next(p, &frame, NULL), 1);
	return frame.time_ms;
}

static void time_stamps_are_milliseconds(void **state)
{
	/* One frame of one byte at 2.5 s. */
	uint8_t pcap[] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0,  0,
			   0,    0,    0,    0,    4, 0, 1, 0, 0, 0, 2, 0, 0,  0,
			   0x20, 0xa1, 7,    0,    1, 0, 0, 0, 1, 0, 0, 0, 'x' };
	uint8_t ng[] = { 0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
			 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0,
			 /* interface: a name, then if_tsresol */
			 1, 0, 0, 0, 36, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 'e', 0, 0, 0,
			 9, 0, 1, 0, 1, 0, 0, 0, 36, 0, 0, 0,
			 /* packet at 25 units */
			 6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0,
			 1, 0, 0, 0, 'x', 0, 0, 0, 36, 0, 0, 0 };
	(void)state;

	assert_int_equal(first_time(pcap, sizeof(pcap)), 2500);
	pcap[0] = 0x4d; /* the same number in nanoseconds */
	pcap[1] = 0x3c;
	assert_int_equal(first_time(pcap, sizeof(pcap)), 2000);
	assert_int_equal(first_time(ng, sizeof(ng)), 2500); /* tenths of a second */
	ng[56] = 0x81;                                      /* halves */
	assert_int_equal(first_time(ng, sizeof(ng)), 12500);
	ng[56] = 0x7f; /* 10^-127 s: no clock has that */
	assert_int_equal(first_time(ng, sizeof(ng)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_pcap),
		cmocka_unit_test(every_block_of_pcapng),
		cmocka_unit_test(a_cut_file_gives_its_whole_frames),
		cmocka_unit_test(errors_say_where_and_what),
		cmocka_unit_test(time_stamps_are_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
