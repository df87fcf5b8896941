# SPDX-License-Identifier: BSD-2-Clause
"""
porteiro replay, from the outside, against counts that are not ours: EXPECTED.tsv beside the captures in
../shared/data was made with tshark.
"""
import csv
import json
import os
import pathlib
import struct

import pytest
from command import SRC, porteiro

DATA = pathlib.Path(SRC).parent / "shared" / "data"

ALL_CLOSED = """\
operator: {name: Test}
segments:
  - name: all
    kind: residential
    prefixes: [0.0.0.0/0, "::/0"]
    mode: drop
"""

NOT_ETHERNET = {
    "pcap/arkime/smtp-html.pcap": 0,
    "pcap/suricata-verify/smtp-pipelining/input.pcap": 0,
    "pcap/suricata-verify/smtp-rset/input.pcap": 0,
    "pcap/tcpdump/LINKTYPE_IPV6.pcap": 229,
    "pcap/tcpdump/LINKTYPE_IPV6_invalid.pcap": 229,
    "pcap/tcpdump/RADIUS-RFC3162.pcap": 113,
    "pcap/tcpdump/RADIUS-RFC4675.pcap": 113,
    "pcap/tcpdump/RADIUS-RFC5176-2.pcap": 113,
    "pcap/tcpdump/RADIUS-RFC5580.pcap": 113,
    "pcap/zeek/radius/radius_localhost.pcap": 0,
}

# Where we count other SYNs than tshark, and why. Anything not in this table must be equal.
MPLS = "MPLS between subscriber and filter is not among the encapsulations that Porteiro reads (wire/packet.h)"
IN_SECOND_FRAGMENT = ("fragments of 8 bytes: the flags of each SYN are in the second one; tshark reassembles, the filter "
                      "drops the first, which shows port 25 and hides the flags")
DIFFERENT = {
    "pcap/derived-encap/arkime-smtp-data-250__mpls.pcap": MPLS,
    "pcap/derived-encap/arkime-smtp-subject-8859-b__mpls.pcap": MPLS,
    "pcap/derived-encap/arkime-smtp-data-250__qinq-pppoe-ip4frag8.pcap": IN_SECOND_FRAGMENT,
    "pcap/derived-encap/arkime-smtp-subject-8859-b__qinq-pppoe-ip4frag8.pcap": IN_SECOND_FRAGMENT,
}


def expected():
    """{capture: {fact: count}}"""
    facts = {}
    if not (DATA / "EXPECTED.tsv").exists():
        return facts
    with open(DATA / "EXPECTED.tsv", newline="") as f:
        for path, _tool, fact, value, *_ in csv.reader(f, delimiter="\t"):
            if path.startswith("pcap/") and fact.startswith(("syn", "frames")):
                facts.setdefault(path, {})[fact] = int(value)
    return facts


EXPECTED = expected()
needs_data = pytest.mark.skipif(not EXPECTED, reason=f"{DATA} is not there")


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(ALL_CLOSED)
    return path


def replay(plan, *files):
    p = porteiro("replay", plan, "--json", *files)
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)


@needs_data
def test_the_table_of_captures_is_complete():
    assert len(EXPECTED) > 100
    assert set(NOT_ETHERNET) <= set(EXPECTED) and set(DIFFERENT) <= set(EXPECTED)


@needs_data
@pytest.mark.parametrize("path", sorted(set(EXPECTED) - set(NOT_ETHERNET) - set(DIFFERENT)))
def test_syns_are_those_of_tshark(plan, path):
    facts = EXPECTED[path]
    if path.endswith(".gz"):
        pytest.skip("compressed: replay reads captures, not archives")
    got = replay(plan, DATA / path)

    syn25 = {fact.split("src=")[1]: n for fact, n in facts.items() if fact.startswith("syn dport=25 ")}
    assert sum(got["syn"].values()) == facts["syn_to_smtp_total"]
    assert {s["address"]: s["syn25"] for s in got["sources"] if s["syn25"]} == syn25
    assert got["syn"]["25"] == sum(syn25.values())
    for port in ("465", "587"):
        assert got["syn"][port] == sum(n for f, n in facts.items() if f.startswith(f"syn dport={port} "))
    assert got["frames"] == facts["frames"]
    assert sum(got["verdict"].values()) == got["frames"]
    assert got["verdict"]["drop"] == sum(s["refused"] for s in got["sources"])


@needs_data
@pytest.mark.parametrize("path", sorted(DIFFERENT))
def test_where_we_count_otherwise(plan, path):
    facts, got = EXPECTED[path], replay(plan, DATA / path)
    to_25 = sum(n for f, n in facts.items() if f.startswith("syn dport=25 "))

    assert facts["syn_to_smtp_total"] > 0 and sum(got["syn"].values()) == 0, DIFFERENT[path]
    if DIFFERENT[path] is MPLS:
        assert got["unparsed"] == 0 and got["verdict"]["pass"] == got["frames"]
    else:  # one frame with a TCP header each: those towards port 25 are refused, the SYN among them
        assert got["unparsed"] == facts["frames_tcp_25_465_587"]
        assert (got["verdict"]["drop"] >= to_25) if to_25 else (got["verdict"]["drop"] == 0)


@needs_data
@pytest.mark.parametrize("path", sorted(NOT_ETHERNET))
def test_other_link_types_are_refused(plan, path):
    p = porteiro("replay", plan, "--json", DATA / path)
    assert p.returncode == 2 and p.stdout == ""
    assert p.stderr == (f"porteiro replay: {DATA / path}: offset 0: link type {NOT_ETHERNET[path]}; "
                        "only Ethernet (1) can be replayed\n")


def frame(src, dst, port, flags=2, protocol=6):
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, flags, 0xffff, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, protocol, 0, bytes(src), bytes(dst))
    return bytes.fromhex("020000000001 020000000002 0800") + ip + tcp


def capture(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for data in frames:
            f.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)
    return path


HOME, SHOP, SERVER, RELAY = (192, 0, 2, 7), (192, 0, 2, 130), (203, 0, 113, 9), (198, 51, 100, 25)
FRAMES = [
    frame(HOME, SERVER, 25), frame(HOME, SERVER, 25), frame(HOME, SERVER, 587), frame(HOME, SERVER, 465),
    frame(HOME, SERVER, 25, flags=0x10), frame(HOME, RELAY, 25), frame(SHOP, SERVER, 25),
    frame(SHOP, SERVER, 25, flags=0x12), frame(HOME, SERVER, 80), frame(HOME, SERVER, 25, protocol=17),
    frame(SERVER, HOME, 25), frame(HOME, SERVER, 25)[:40],
]


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("operator: {name: Test}\n"
                    "segments:\n"
                    "  - {name: homes, kind: residential, prefixes: [192.0.2.0/25], mode: reject, inbound: drop}\n"
                    "  - {name: shops, kind: business, prefixes: [192.0.2.128/25]}\n"
                    "smarthosts:\n"
                    "  - {name: relay, prefixes: [198.51.100.25]}\n")
    return path


def test_the_object_is_exactly_this(small, tmp_path):
    p = porteiro("replay", small, "--json", capture(tmp_path / "a.pcap", FRAMES))
    assert p.returncode == 0
    assert p.stdout == (
        '{"frames":12,"unparsed":1,"syn":{"25":5,"465":1,"587":1},'
        '"verdict":{"pass":9,"monitor":0,"reject":2,"drop":1},'
        '"sources":[{"address":"192.0.2.7","syn25":3,"refused":2},{"address":"192.0.2.130","syn25":1,"refused":0},'
        '{"address":"203.0.113.9","syn25":1,"refused":1}]}\n')


def test_seen_from_the_uplink_only_inbound_is_refused(small, tmp_path):
    p = porteiro("replay", small, "--side", "uplink", "--json", capture(tmp_path / "a.pcap", FRAMES))
    assert json.loads(p.stdout)["verdict"] == {"pass": 11, "monitor": 0, "reject": 0, "drop": 1}


def test_several_files_are_one_total(small, tmp_path):
    a, b = capture(tmp_path / "a.pcap", FRAMES), capture(tmp_path / "b.pcap", FRAMES[:2])
    assert replay(small, a, b)["frames"] == 14
    assert replay(small, a, b)["sources"][0] == {"address": "192.0.2.7", "syn25": 5, "refused": 4}


def test_an_exception_counts(small, tmp_path):
    (tmp_path / "exceptions").write_text("192.0.2.7, 2999-12-31, school\n")
    p = porteiro("replay", small, "--json", "--exceptions", tmp_path / "exceptions",
                 capture(tmp_path / "a.pcap", FRAMES))
    assert json.loads(p.stdout)["verdict"] == {"pass": 12, "monitor": 0, "reject": 0, "drop": 0}


def test_text_says_the_same(small, tmp_path):
    p = porteiro("replay", small, capture(tmp_path / "a.pcap", FRAMES))
    words = [line.split() for line in p.stdout.splitlines()]
    assert ["frames", "12"] in words and ["reject", "2"] in words and ["SYN", "to", "25", "5"] in words
    assert ["192.0.2.7", "3", "2"] in words


def test_sources_come_in_order_v4_first(plan, tmp_path):
    v6 = bytes.fromhex("020000000001 020000000002 86dd 60000000 0014 06 40"
                       "00000000000000000000000000000001 20010db8000000000000000000000002"
                       "9c40 0019 00000001 00000000 5002 ffff 0000 0000")
    frames = [v6] + [frame((n * 37 % 256, 0, 0, 1), SERVER, 25) for n in range(1, 200)]
    got = [s["address"] for s in replay(plan, capture(tmp_path / "a.pcap", frames))["sources"]]
    assert len(got) == 200 and got[-1] == "::1"
    assert got[:-1] == sorted(got[:-1], key=lambda a: int(a.split(".")[0]))


def test_a_cut_capture_counts_up_to_the_cut(small, tmp_path):
    path = capture(tmp_path / "a.pcap", FRAMES)
    os.truncate(path, path.stat().st_size - 3)
    p = porteiro("replay", small, "--json", path)
    assert p.returncode == 0 and json.loads(p.stdout)["frames"] == 11
    assert p.stderr == f"porteiro replay: {path}: it ends inside a record; all before counts\n"


def test_bad_input_is_named_and_prints_nothing(small, tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"not a capture")
    for args, wanted in [
        ((small, bad), f"porteiro replay: {bad}: not a capture: it begins with 6e6f7420\n"),
        ((small, tmp_path / "absent"), f"porteiro replay: {tmp_path / 'absent'}: No such file or directory\n"),
        ((small, "--with", "magic", bad), "porteiro replay: --with can not be 'magic'\n"),
        ((small, "--side", "left", bad), "porteiro replay: --side can not be 'left'\n"),
    ]:
        p = porteiro("replay", "--json", *args)
        assert (p.returncode, p.stdout, p.stderr) == (2, "", wanted)
    assert porteiro("replay", small).returncode == 2
    assert porteiro("replay", tmp_path / "absent", bad).returncode == 2
    assert porteiro("replay", "--help").stdout.startswith("usage: porteiro replay PLAN")
