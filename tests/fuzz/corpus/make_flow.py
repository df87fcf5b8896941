#!/usr/bin/env python3
"""Write the seeds of tests/fuzz/corpus/flow: small datagrams of each format, made here."""
import pathlib
import struct

out = pathlib.Path(__file__).parent / "flow"


def seed(name, *datagrams):
    (out / name).write_bytes(b"".join(struct.pack(">H", len(d)) + d for d in datagrams))


def sets(*pairs):
    return b"".join(struct.pack(">HH", i, len(b) + 4) + b for i, b in pairs)


record5 = struct.pack(">IIIHHIIIIHHBBBBHHBBH", 0x0A000001, 0xC6336401, 0, 1, 2, 3, 180, 10, 20,
                      40000, 25, 0, 2, 6, 0, 0, 0, 0, 0, 0)
v5 = struct.pack(">HHIIIIHH", 5, 2, 1000, 1700000000, 0, 7, 0, 0x4064) + record5 * 2
seed("v5", v5)
seed("v5-cut", v5[:60])

template = struct.pack(">HHHHHHHH", 300, 3, 8, 4, 12, 4, 11, 2)
data = struct.pack(">IIH", 0x0A000001, 0xC6336401, 25)
options = struct.pack(">HHHHHHH", 301, 4, 4, 1, 4, 50, 4)
v9 = struct.pack(">HHIIII", 9, 3, 1000, 1700000000, 1, 1)
seed("v9", v9 + sets((0, template), (1, options), (301, b"\0\0\0\1\0\0\3\xe8"), (300, data + b"\0\0")))
seed("v9-data-first", v9 + sets((300, data)), v9 + sets((0, template)), v9 + sets((300, data)))


def ipfix(body):
    return struct.pack(">HHIII", 10, 16 + len(body), 1700000000, 0, 1) + body


variable = struct.pack(">HHHHHHIHH", 400, 3, 82, 65535, 0x8002, 4, 29305, 11, 2)
seed("ipfix-variable", ipfix(sets((2, variable), (400, b"\2lo\0\0\0\5\0\x19"))))
seed("ipfix-withdraw", ipfix(sets((2, template), (2, struct.pack(">HH", 300, 0)), (300, data))))
nat = struct.pack(">HHHHHHHHHH", 500, 4, 225, 4, 361, 2, 362, 2, 230, 1)
seed("ipfix-nat", ipfix(sets((2, nat), (500, b"\xcb\0\x71\5\4\0\7\xff\x10"))))

frame = bytes(12) + b"\x81\0\0\x0a\x08\0" + b"\x45" + bytes(8) + b"\6" + bytes(2) + b"\x0a\0\0\1\xc6\x33\x64\1" + \
    struct.pack(">HHIIBB", 40000, 25, 0, 0, 0x50, 2)
raw = struct.pack(">IIII", 1, 60, 4, len(frame)) + frame
sample = struct.pack(">IIIIIIII", 1, 1, 512, 512, 0, 1, 2, 1) + struct.pack(">II", 1, len(raw)) + raw
seed("sflow", struct.pack(">IIIIIII", 5, 1, 0xC0000201, 0, 1, 1000, 1) + struct.pack(">II", 1, len(sample)) + sample)
seed("junk", b"\0\7nonsense", b"", b"\0")
