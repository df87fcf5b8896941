# SPDX-License-Identifier: BSD-2-Clause
"""porteiro lease and who: from the files of an operator to the line behind an address."""
import csv
import json
import pathlib

import pytest

from command import SRC, porteiro

DATA = pathlib.Path(SRC).parent / "shared" / "data"

RADACCT = """\
acctuniqueid,username,acctstarttime,acctupdatetime,acctstoptime,framedipaddress,framedipv6prefix,delegatedipv6prefix
s1,ana,2026-11-21 10:00:00,2026-11-21 11:00:00,2026-11-21 12:00:00,192.0.2.7,,2001:db8:7::/56
s2,bento,2026-11-21 12:00:30,2026-11-21 13:00:00,,192.0.2.7,,
s3,caio,2026-11-21 15:00:00,2026-11-21 15:30:00,2026-11-21 16:00:00,192.0.2.7,,
s4,dora,2026-11-21 10:00:00,,2026-11-21 12:00:00,192.0.2.8,,
s5,ema,2026-11-21 11:00:00,,2026-11-21 13:00:00,192.0.2.8,,
s6,fabio,yesterday,,,192.0.2.9,,
"""
CGNAT = """\
t0,t1,inside,outside,block
2026-11-21 10:00:00,2026-11-21 12:00:00,100.64.0.7,203.0.113.1,1024-2047
2026-11-21 10:00:00,2026-11-21 12:00:00,100.64.0.8,203.0.113.1,2048-3071
2026-11-21 10:00:00,2026-11-21 12:00:00,100.64.0.9,203.0.113.1,3072-4095
"""
INSIDE = "login,ip\ngil,100.64.0.7\nhugo,100.64.0.8\n"


def bring(store, path, *options):
    p = porteiro("lease", "import", "--json", "--store", store, *options, path)
    return p, json.loads(p.stdout) if p.stdout else None


@pytest.fixture
def store(tmp_path):
    (tmp_path / "radacct.csv").write_text(RADACCT)
    (tmp_path / "cgnat.csv").write_text(CGNAT)
    (tmp_path / "inside.csv").write_text(INSIDE)
    path = tmp_path / "leases.db"
    p, said = bring(path, tmp_path / "radacct.csv", "--format", "radacct")
    assert p.returncode == 1 and said == {"added": 6, "changed": 0, "known": 0, "idle": 0, "faults": 1}
    assert "radacct.csv:7: from: not a time: 'yesterday'" in p.stderr
    p, _ = bring(path, tmp_path / "cgnat.csv", "--format", "csv", "--map",
                 "line=inside,address=outside,ports=block,from=t0,until=t1,source=cgnat")
    assert p.returncode == 0, p
    p, _ = bring(path, tmp_path / "inside.csv", "--format", "mkauth", "--at", "2026-11-01T00:00:00Z")
    assert p.returncode == 0, p
    return path


def who(store, address, at, *options):
    p = porteiro("who", "--json", "--store", store, "--at", f"2026-11-21T{at}Z", *options, address)
    answer = json.loads(p.stdout)
    assert p.returncode == (0 if answer["answer"] == "found" else 1), p
    assert (answer["line"] is not None) == (answer["answer"] == "found")
    return answer


@pytest.mark.parametrize("why, address, at, options, line, certainty", [
    ("within a session", "192.0.2.7", "11:00:00", (), "ana", "sure"),
    ("by the delegated prefix", "2001:db8:7:12::5", "11:00:00", (), "ana", "sure"),
    ("a second before it ended", "192.0.2.7", "11:59:59", (), "ana", "near"),
    ("the Stop was lost, heard of later", "192.0.2.7", "12:30:00", (), "bento", "sure"),
    ("the Stop was lost, an interim report is due", "192.0.2.7", "14:00:00", (), "bento", "presumed"),
    ("the Stop was lost, and silence", "192.0.2.7", "14:40:00", (), None, None),
    ("longer interim time asked for", "192.0.2.7", "14:40:00", ("--interim", 7200), "bento", "presumed"),
    ("the next session ends one without Stop", "192.0.2.7", "15:10:00", ("--interim", 86400), "caio", "sure"),
    ("before anybody", "192.0.2.7", "09:00:00", (), None, None),
    ("port block, and the line inside", "203.0.113.1", "11:00:00", ("--port", 1500), "gil", "sure"),
    ("its neighbour", "203.0.113.1", "11:00:00", ("--port", 2048), "hugo", "sure"),
    ("a block whose inside nobody knows", "203.0.113.1", "11:00:00", ("--port", 3072), None, None),
    ("a port of no block", "203.0.113.1", "11:00:00", ("--port", 80), None, None),
])
def test_one_line_or_nobody(store, why, address, at, options, line, certainty):
    answer = who(store, address, at, *options)
    assert answer["line"] == line, (why, answer)
    if line:
        assert [c["certainty"] for c in answer["candidates"]] == [certainty], why
    else:
        assert answer["answer"] == "nobody", (why, answer)


@pytest.mark.parametrize("address, at, options, lines", [
    ("192.0.2.8", "11:30:00", (), {"dora", "ema"}),  # two reported sessions overlap
    ("192.0.2.7", "12:00:10", ("--skew", 30), {"ana", "bento"}),  # either, if the clocks differ
    ("203.0.113.1", "11:00:00", (), {"100.64.0.7", "100.64.0.8", "100.64.0.9"}),  # no port: anybody behind it
])
def test_two_lines_are_never_guessed_between(store, address, at, options, lines):
    answer = who(store, address, at, *options)
    assert answer["answer"] == "ambiguous" and {c["line"] for c in answer["candidates"]} == lines


def test_the_same_file_again_changes_nothing_and_a_later_one_adds(store, tmp_path):
    _, said = bring(store, tmp_path / "radacct.csv", "--format", "radacct")
    assert (said["added"], said["changed"], said["known"]) == (0, 0, 6)
    later = RADACCT.replace("2026-11-21 13:00:00,,192.0.2.7", "2026-11-21 13:30:00,2026-11-21 13:40:00,192.0.2.7")
    (tmp_path / "later.csv").write_text(later)
    _, said = bring(store, tmp_path / "later.csv", "--format", "radacct")
    assert (said["added"], said["changed"], said["known"]) == (0, 1, 5)
    assert who(store, "192.0.2.7", "14:00:00")["answer"] == "nobody"


def test_local_times_are_told_by_the_zone(tmp_path):
    (tmp_path / "radacct.csv").write_text(RADACCT)
    bring(tmp_path / "l.db", tmp_path / "radacct.csv", "--format", "radacct", "--zone", "-03:00")
    assert who(tmp_path / "l.db", "192.0.2.7", "14:00:00")["line"] == "ana"


def test_forgetting(store):
    p = porteiro("lease", "forget", "--json", "--store", store, "--before", "2026-11-21T12:30:00Z")
    assert p.returncode == 0 and json.loads(p.stdout) == {"forgotten": 6}
    assert who(store, "192.0.2.7", "11:00:00")["answer"] == "nobody"
    assert who(store, "192.0.2.7", "12:40:00")["line"] == "bento"


def test_errors_change_nothing(store, tmp_path):
    before = store.read_bytes()
    (tmp_path / "other.csv").write_text("name,address\nana,192.0.2.7\n")
    for args, said in (
            (("--format", "radacct", tmp_path / "other.csv"), "no column 'username'"),
            (("--format", "radacct", tmp_path / "absent.csv"), "No such file"),
            (("--format", "ixc", tmp_path / "other.csv"), "--format ixc"),
            (("--format", "csv", tmp_path / "other.csv"), "needs --map"),
            (("--format", "radacct", "--zone", "BRT", tmp_path / "other.csv"), "--zone BRT"),
    ):
        p = porteiro("lease", "import", "--store", store, *args)
        assert p.returncode == 2 and said in p.stderr, p
    assert porteiro("who", "--store", store, "192.0.2.7").returncode == 2
    p = porteiro("who", "--store", tmp_path / "none.db", "--at", "2026-11-21", "192.0.2.7")
    assert p.returncode == 2 and not (tmp_path / "none.db").exists()
    assert store.read_bytes() == before


def test_text_answers(store):
    p = porteiro("who", "--store", store, "--at", "2026-11-21T14:00:00Z", "192.0.2.7")
    assert p.stdout == ("bento had 192.0.2.7 at 2026-11-21T14:00:00Z\n  bento: presumed: its end was not reported; "
                        "radius, from 2026-11-21T12:00:30Z on, last heard of at 2026-11-21T13:00:00Z\n")
    p = porteiro("who", "--store", store, "--at", "2026-11-21T11:00:00Z", "--port", "1500", "203.0.113.1")
    assert p.stdout.startswith("203.0.113.1 port 1500 was 100.64.0.7 inside\ngil had 203.0.113.1 at ")


def facts(name):
    with open(DATA / "EXPECTED.tsv", newline="", encoding="utf-8") as f:
        return {row[2]: row[3] for row in csv.reader(f, delimiter="\t") if row and row[0] == f"access/{name}"}


@pytest.mark.skipif(not DATA.exists(), reason="no ../shared/data")
@pytest.mark.parametrize("name, held", [
    ("isc-dhcp-leases/debian7.leases", 5), ("isc-dhcp-leases/dhcpd6-4.2.4.leases", 2),
    ("isc-dhcp-leases/options.leases", 1)])
def test_real_lease_files(tmp_path, name, held):
    want = facts(name)
    p, said = bring(tmp_path / "l.db", DATA / "access" / name, "--format", "isc")
    assert said["faults"] == 0, p
    # The one of debian7.leases that was abandoned is nobody's.
    assert said["added"] == held and said["added"] + said["idle"] == int(want["lease_blocks"])
    for place in want["addresses"].split():
        answer = porteiro("who", "--json", "--store", tmp_path / "l.db", "--at", "2000-01-01", place.split("/")[0])
        assert json.loads(answer.stdout)["answer"] == "nobody"


@pytest.mark.skipif(not DATA.exists(), reason="no ../shared/data")
def test_a_real_detail_record_without_an_address_is_nobody(tmp_path):
    p, said = bring(tmp_path / "l.db", DATA / "access" / "freeradius" / "detail" / "one.txt", "--format", "detail")
    assert p.returncode == 0 and (said["added"], said["idle"], said["faults"]) == (0, 1, 0)
