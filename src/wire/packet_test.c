/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/packet.h"

#include <stdio.h>
#include <string.h>

#include "base/cmocka.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Frames are written as hex, from pieces; blanks between bytes do not count. */
#define MACS    "020000000001 020000000002 "
#define IP4     "0800 "
#define IP6     "86dd "
#define VLAN    "8100 0064 "
#define QINQ    "88a8 0065 "
#define OLDQ    "9100 0066 "
#define PPPOE   "8864 11 00 0007 0000 "
#define PPP4    PPPOE "0021 "
#define PPP6    PPPOE "0057 "
#define PPP4S   PPPOE "21 "
#define PPP6S   PPPOE "57 "
#define ADDRS4  "c0000201 c6336407 "
#define ADDRS6  "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define PORTS   "9c40 0019 "
#define TCP_SYN PORTS "01020304 05060708 50 02 ffff 0000 0000 "
#define HEAD4   "45 00 0028 0000 0000 40 06 0000 " ADDRS4
#define HEAD6   "60000000 0014 06 40 " ADDRS6

static size_t frame_of(const char *hex, uint8_t *ret, size_t room)
{
	size_t n = 0;
	unsigned byte;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex++, "%2x", &byte), 1);
		assert_true(n < room);
		ret[n++] = (uint8_t)byte;
	}
	return n;
}

static struct packet parsed(const char *hex)
{
	uint8_t frame[512];

	return packet_parse(frame, frame_of(hex, frame, sizeof(frame)));
}

static void everything_of_one_syn_is_read(void **state)
{
	struct packet p = parsed(MACS QINQ VLAN PPP4 "46 00 0034 0000 4000 40 06 0000 " ADDRS4
						     "01010101 9c40 0019 01020304 05060708"
						     "60 17 ffff 0000 0000 02040578 11223344");
	char text[ADDR_TEXT_MAX];
	(void)state;

	assert_int_equal(p.kind, PACKET_TCP);
	assert_string_equal(addr_text(p.src, text), "192.0.2.1");
	assert_string_equal(addr_text(p.dst, text), "198.51.100.7");
	assert_int_equal(p.sport, 40000);
	assert_int_equal(p.dport, 25);
	assert_true(p.port_known && p.syn && p.ack && p.rst && p.fin);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.ack_seq, 0x05060708);
	assert_int_equal(p.ip_offset, 30);
	assert_int_equal(p.tcp_offset, 54);
	assert_int_equal(p.payload, 4);

	p = parsed(MACS IP6 "60000000 001a 06 40 " ADDRS6 "9c40 0019 01020304 05060708"
			    "50 10 ffff 0000 0000 112233445566");
	assert_int_equal(p.kind, PACKET_TCP);
	assert_string_equal(addr_text(p.src, text), "2001:db8::1");
	assert_string_equal(addr_text(p.dst, text), "2001:db8::2");
	assert_true(!p.syn && p.ack && !p.rst && !p.fin);
	assert_int_equal(p.ip_offset, 14);
	assert_int_equal(p.tcp_offset, 54);
	assert_int_equal(p.payload, 6);
}

struct row {
	const char *what, *hex;
	enum packet_kind kind;
	int dport; /* -1: not known */
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct packet p = parsed(rows[i].hex);
		int dport = p.port_known ? p.dport : -1;

		if (p.kind != rows[i].kind || dport != rows[i].dport)
			fail_msg("%s: kind %d, port %d", rows[i].what, p.kind, dport);
	}
}

static void every_encapsulation(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ "plain 4",            MACS IP4 HEAD4 TCP_SYN,             PACKET_TCP, 25 },
		{ "plain 6",            MACS IP6 HEAD6 TCP_SYN,             PACKET_TCP, 25 },
		{ "VLAN 4",             MACS VLAN IP4 HEAD4 TCP_SYN,        PACKET_TCP, 25 },
		{ "VLAN 6",             MACS VLAN IP6 HEAD6 TCP_SYN,        PACKET_TCP, 25 },
		{ "QinQ 4",             MACS QINQ VLAN IP4 HEAD4 TCP_SYN,   PACKET_TCP, 25 },
		{ "QinQ 6",             MACS QINQ VLAN IP6 HEAD6 TCP_SYN,   PACKET_TCP, 25 },
		{ "old QinQ 4",         MACS OLDQ VLAN IP4 HEAD4 TCP_SYN,   PACKET_TCP, 25 },
		{ "two 802.1Q tags",    MACS VLAN VLAN IP4 HEAD4 TCP_SYN,   PACKET_TCP, 25 },
		{ "inner 802.1ad tag",  MACS VLAN QINQ IP6 HEAD6 TCP_SYN,   PACKET_TCP, 25 },
		{ "three tags",         MACS QINQ VLAN VLAN IP4 HEAD4 TCP_SYN, PACKET_OTHER, -1 },
		{ "PPPoE 4",            MACS PPP4 HEAD4 TCP_SYN,            PACKET_TCP, 25 },
		{ "PPPoE 6",            MACS PPP6 HEAD6 TCP_SYN,            PACKET_TCP, 25 },
		{ "compressed 4",       MACS PPP4S HEAD4 TCP_SYN,           PACKET_TCP, 25 },
		{ "compressed 6",       MACS PPP6S HEAD6 TCP_SYN,           PACKET_TCP, 25 },
		{ "QinQ PPPoE 4",       MACS QINQ VLAN PPP4 HEAD4 TCP_SYN,  PACKET_TCP, 25 },
		{ "QinQ PPPoE 6",       MACS QINQ VLAN PPP6 HEAD6 TCP_SYN,  PACKET_TCP, 25 },
		{ "PPPoE, odd version", MACS "8864 22 09 0007 0000 0021 " HEAD4 TCP_SYN, PACKET_TCP, 25 },
		{ "PPPoE, LCP",         MACS PPPOE "c021 " HEAD4 TCP_SYN,   PACKET_OTHER, -1 },
		{ "PPPoE, swapped",     MACS PPPOE "2100 " HEAD4 TCP_SYN,   PACKET_UNPARSED, -1 },
		{ "PPPoE, long zero",   MACS PPPOE "0121 " HEAD4 TCP_SYN,   PACKET_OTHER, -1 },
		{ "PPPoE discovery",    MACS "8863 11 00 0007 0000 0021 " HEAD4 TCP_SYN, PACKET_OTHER, -1 },
		{ "tag in PPPoE",       MACS PPPOE "8100 0064 0800 " HEAD4 TCP_SYN, PACKET_OTHER, -1 },
		{ "MPLS",               MACS "8847 00010140 " HEAD4 TCP_SYN, PACKET_OTHER, -1 },
		{ "ARP",                MACS "0806 " HEAD4 TCP_SYN,         PACKET_OTHER, -1 },
		{ "802.3 length",       MACS "0028 " HEAD4 TCP_SYN,         PACKET_OTHER, -1 },
		{ "padded",             MACS IP4 HEAD4 TCP_SYN "000000000000", PACKET_TCP, 25 },
		{ "nothing",            "",                                 PACKET_OTHER, -1 },
		{ "half a MAC",         "0200",                             PACKET_OTHER, -1 },
		{ "no type",            MACS,                               PACKET_OTHER, -1 },
		{ "half a tag",         MACS "8100 00",                     PACKET_OTHER, -1 },
		{ "half a PPPoE",       MACS "8864 11 00 0007 0000",        PACKET_OTHER, -1 },
		{ "half a protocol",    MACS PPPOE "00",                    PACKET_OTHER, -1 },
		{ "only a claim 4",     MACS IP4,                           PACKET_UNPARSED, -1 },
		{ "only a claim 6",     MACS IP6,                           PACKET_UNPARSED, -1 },
		{ "only a PPP claim",   MACS PPP4S,                         PACKET_UNPARSED, -1 },
		/* clang-format on */
	};
	(void)state;

	check(rows, COUNT(rows));
}

#define WITH4(version_ihl, total, fragment, protocol) \
	MACS IP4 version_ihl " 00 " total " 0000 " fragment " 40 " protocol " 0000 " ADDRS4

static void every_ip4_header(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ "UDP",                   WITH4("45", "0028", "0000", "11") TCP_SYN, PACKET_OTHER, -1 },
		{ "AH is not walked",      WITH4("45", "0028", "0000", "33") TCP_SYN, PACKET_OTHER, -1 },
		{ "version 6",             WITH4("65", "0028", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "four words",            WITH4("44", "0028", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "no words",              WITH4("40", "0028", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "total below header",    WITH4("45", "0013", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "total 0",               WITH4("45", "0000", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "total below options",   WITH4("46", "0017", "0000", "06") "01010101 " TCP_SYN, PACKET_UNPARSED, -1 },
		{ "options beyond frame",  WITH4("4f", "0050", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "60 bytes of header",    WITH4("4f", "0050", "0000", "06") "00000000 00000000 00000000 00000000"
		                           "00000000 00000000 00000000 00000000 00000000 00000000" TCP_SYN, PACKET_TCP, 25 },
		{ "TCP cut by total",      WITH4("45", "0027", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "no TCP at all",         WITH4("45", "0014", "0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "total beyond frame",    WITH4("45", "05dc", "0000", "06") TCP_SYN, PACKET_TCP, 25 },
		{ "don't fragment",        WITH4("45", "0028", "4000", "06") TCP_SYN, PACKET_TCP, 25 },
		{ "evil bit",              WITH4("45", "0028", "8000", "06") TCP_SYN, PACKET_TCP, 25 },
		{ "first fragment, whole", WITH4("45", "0028", "2000", "06") TCP_SYN, PACKET_TCP, 25 },
		{ "first fragment of 16",  WITH4("45", "0024", "2000", "06") TCP_SYN, PACKET_HIDDEN, 25 },
		{ "first fragment of 8",   WITH4("45", "001c", "2000", "06") TCP_SYN, PACKET_HIDDEN, 25 },
		{ "first fragment of 4",   WITH4("45", "0018", "2000", "06") TCP_SYN, PACKET_HIDDEN, 25 },
		{ "first fragment of 3",   WITH4("45", "0017", "2000", "06") TCP_SYN, PACKET_HIDDEN, -1 },
		{ "first fragment of 0",   WITH4("45", "0014", "2000", "06") TCP_SYN, PACKET_HIDDEN, -1 },
		{ "first, frame ends",     WITH4("45", "0028", "2000", "06") PORTS,   PACKET_HIDDEN, 25 },
		{ "first fragment of UDP", WITH4("45", "0014", "2000", "11") TCP_SYN, PACKET_OTHER, -1 },
		{ "second fragment",       WITH4("45", "0028", "2001", "06") TCP_SYN, PACKET_OTHER, -1 },
		{ "last fragment",         WITH4("45", "0028", "1fff", "06") TCP_SYN, PACKET_OTHER, -1 },
		{ "broken later fragment", WITH4("45", "0013", "0001", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		/* clang-format on */
	};
	(void)state;

	check(rows, COUNT(rows));
}

/* IPv6 with a payload of `length` that begins with a header of type `next`. */
#define WITH6(length, next) MACS IP6 "60000000 " length " " next " 40 " ADDRS6
/* Extension headers of 8, 16 and 24 bytes: the next one's type, then length. */
#define EXT8(next)               next " 00 010400000000 "
#define EXT16(next)              next " 01 010c00000000 0000000000000000 "
#define AUTH16(next)             next " 02 0000 00000001 00000001 00000000 "
#define FRAGMENT(next, at, more) next " ff " at more " 00000007 "

static void every_ip6_chain(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ "version 4",             MACS IP6 "40000000 0014 06 40 " ADDRS6 TCP_SYN, PACKET_UNPARSED, -1 },
		{ "39 bytes",              MACS IP6 "60000000 0014 06 40 20010db8000000000000000000000001"
		                           "20010db80000000000000000000000", PACKET_UNPARSED, -1 },
		{ "UDP",                   WITH6("0014", "11") TCP_SYN, PACKET_OTHER, -1 },
		{ "no next header",        WITH6("0014", "3b") TCP_SYN, PACKET_OTHER, -1 },
		{ "ESP",                   WITH6("0014", "32") TCP_SYN, PACKET_OTHER, -1 },
		{ "IPv4 within",           WITH6("0014", "04") TCP_SYN, PACKET_OTHER, -1 },
		{ "payload beyond frame",  WITH6("05dc", "06") TCP_SYN, PACKET_TCP, 25 },
		{ "payload cuts TCP",      WITH6("0013", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "payload 0",             WITH6("0000", "06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "payload 0, hop-by-hop", WITH6("0000", "00") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "payload 0, destination",WITH6("0000", "3c") EXT8("06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "hop-by-hop",            WITH6("001c", "00") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "routing",               WITH6("001c", "2b") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "destination, 16",       WITH6("0024", "3c") EXT16("06") TCP_SYN, PACKET_TCP, 25 },
		{ "mobility",              WITH6("001c", "87") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "authentication",        WITH6("0024", "33") AUTH16("06") TCP_SYN, PACKET_TCP, 25 },
		{ "a chain of four",       WITH6("003c", "00") EXT8("2b") EXT8("3c") EXT16("3c") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "eight headers",         WITH6("0054", "3c") EXT8("3c") EXT8("3c") EXT8("3c") EXT8("3c") EXT8("3c")
		                           EXT8("3c") EXT8("3c") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "nine headers",          WITH6("005c", "3c") EXT8("3c") EXT8("3c") EXT8("3c") EXT8("3c") EXT8("3c")
		                           EXT8("3c") EXT8("3c") EXT8("3c") EXT8("06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "eight, then UDP",       WITH6("0054", "3c") EXT8("3c") EXT8("3c") EXT8("3c") EXT8("3c") EXT8("3c")
		                           EXT8("3c") EXT8("3c") EXT8("11") TCP_SYN, PACKET_OTHER, -1 },
		{ "cut header",            WITH6("0007", "3c") EXT8("06"), PACKET_UNPARSED, -1 },
		{ "header beyond frame",   WITH6("00ff", "3c") "06 1f 000000000000", PACKET_UNPARSED, -1 },
		{ "header beyond payload", WITH6("0008", "3c") EXT16("06") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "beyond, then UDP",      WITH6("0008", "3c") EXT16("11") TCP_SYN, PACKET_OTHER, -1 },
		{ "atomic fragment",       WITH6("001c", "2c") FRAGMENT("06", "000", "0") TCP_SYN, PACKET_TCP, 25 },
		{ "atomic, reserved bits", WITH6("001c", "2c") FRAGMENT("06", "000", "6") TCP_SYN, PACKET_TCP, 25 },
		{ "atomic, TCP cut",       WITH6("0018", "2c") FRAGMENT("06", "000", "0") TCP_SYN, PACKET_UNPARSED, -1 },
		{ "first fragment",        WITH6("001c", "2c") FRAGMENT("06", "000", "1") TCP_SYN, PACKET_TCP, 25 },
		{ "first fragment of 16",  WITH6("0018", "2c") FRAGMENT("06", "000", "1") TCP_SYN, PACKET_HIDDEN, 25 },
		{ "first fragment of 0",   WITH6("0008", "2c") FRAGMENT("06", "000", "1") TCP_SYN, PACKET_HIDDEN, -1 },
		{ "first, of UDP",         WITH6("0008", "2c") FRAGMENT("11", "000", "1") TCP_SYN, PACKET_OTHER, -1 },
		{ "later fragment",        WITH6("001c", "2c") FRAGMENT("06", "000", "8") TCP_SYN, PACKET_OTHER, -1 },
		{ "last fragment",         WITH6("001c", "2c") FRAGMENT("06", "fff", "8") TCP_SYN, PACKET_OTHER, -1 },
		{ "chain before fragment", WITH6("0024", "00") EXT8("2c") FRAGMENT("06", "000", "1") TCP_SYN, PACKET_TCP, 25 },
		{ "chain behind fragment", WITH6("0024", "2c") FRAGMENT("3c", "000", "1") EXT8("06") TCP_SYN, PACKET_TCP, 25 },
		{ "chain cut in fragment", WITH6("000c", "2c") FRAGMENT("3c", "000", "1") EXT8("06") TCP_SYN, PACKET_HIDDEN, -1 },
		{ "chain fills fragment",  WITH6("0010", "2c") FRAGMENT("3c", "000", "1") EXT8("06") TCP_SYN, PACKET_HIDDEN, -1 },
		{ "fragment in fragment",  WITH6("0024", "2c") FRAGMENT("2c", "000", "0") FRAGMENT("06", "000", "1") TCP_SYN, PACKET_TCP, 25 },
		{ "hidden in the second",  WITH6("0018", "2c") FRAGMENT("2c", "000", "1") FRAGMENT("06", "000", "0") TCP_SYN, PACKET_HIDDEN, 25 },
		{ "later in first",        WITH6("0024", "2c") FRAGMENT("2c", "000", "1") FRAGMENT("06", "000", "8") TCP_SYN, PACKET_OTHER, -1 },
		/* clang-format on */
	};
	(void)state;

	check(rows, COUNT(rows));
}

/* Flags and lengths that no stack sends, read as they stand. */
static void odd_tcp_headers(void **state)
{
	struct packet p;
	(void)state;

	p = parsed(MACS IP4 HEAD4 PORTS "00000000 00000000 40 02 ffff 0000 0000");
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.payload, 0);
	p = parsed(MACS IP4 HEAD4 PORTS "00000000 00000000 f0 02 ffff 0000 0000");
	assert_true(p.kind == PACKET_TCP && p.syn && p.payload == 0);
	p = parsed(WITH4("45", "05dc", "0000", "06") PORTS
		   "00000000 00000000 00 10 ffff 0000 0000");
	assert_int_equal(p.payload, 1460); /* by the IP length, though the frame ends before */
	p = parsed(MACS IP4 HEAD4 PORTS "00000000 00000000 50 ed ffff 0000 0000");
	assert_true(p.fin && !p.syn && p.rst && !p.ack);
	p = parsed(MACS IP4 HEAD4 PORTS "00000000 00000000 50 12 ffff 0000 0000");
	assert_true(!p.fin && p.syn && !p.rst && p.ack);
}

/*
 * Cut after every byte: nothing is read that is not there (the sanitizers
 * watch), IP is never more than unparsed, and the kinds come in one order.
 */
static void cut_after_every_byte(void **state)
{
	static const struct {
		const char *hex;
		size_t claims, tcp_end; /* from when on it claims to be IP, and is whole */
		enum packet_kind between;
	} rows[] = {
		{ MACS QINQ VLAN PPP4 HEAD4 TCP_SYN, 30, 70, PACKET_UNPARSED },
		{ MACS QINQ VLAN PPP6S HEAD6 TCP_SYN, 29, 89, PACKET_UNPARSED },
		{ WITH6("0044", "00") EXT8("2b") EXT8("3c") EXT16("2c") FRAGMENT("3c", "000", "0")
		      EXT8("06") TCP_SYN,
		  14, 122, PACKET_UNPARSED },
	};
	(void)state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t whole[512];
		size_t len = frame_of(rows[i].hex, whole, sizeof(whole));

		assert_int_equal(len, rows[i].tcp_end);
		for (size_t n = 0; n <= len; n++) {
			uint8_t *cut = test_malloc(n + 1);

			memcpy(cut, whole, n);
			assert_int_equal(packet_parse(cut, n).kind,
					 n < rows[i].claims    ? PACKET_OTHER
					 : n < rows[i].tcp_end ? rows[i].between
							       : PACKET_TCP);
			test_free(cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_of_one_syn_is_read),
		cmocka_unit_test(every_encapsulation),
		cmocka_unit_test(every_ip4_header),
		cmocka_unit_test(every_ip6_chain),
		cmocka_unit_test(odd_tcp_headers),
		cmocka_unit_test(cut_after_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
