# SPDX-License-Identifier: BSD-2-Clause
"""The nft filter alone: differences, reading back, repair, restrictions, the switch, bridges."""
import json
import os
import subprocess
import threading

import pytest

import box
from box import RELAY, SEGMENTS, WORLD, Network, Nft, home, plan
from net import attempt, attempts, connect, says, wait_for

CLOSED = "s1/segment/reject/off/syn"
EXCEPTED = "s1/exception/off/off/syn"
EQUAL = {"ranges": 0, "addresses": 0, "objects": 0, "first": ""}


def table(network):
    return network.box.run("nft", "list", "table", "inet", "porteiro").stdout


def test_a_difference_is_sent_and_counters_go_on(network, nft):
    assert nft.load()["whole"]
    assert nft.compare() == EQUAL
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"
    before = nft.counters()[CLOSED]["rejected"]
    assert before >= 1

    assert nft.load() == {"whole": False, "elements": 0, "chains": 0}
    sent = nft.load(exceptions=[home(4, 1)])
    # The range is cut in three; the class of exceptions is new.
    assert sent == {"whole": False, "elements": 4, "chains": 1}
    assert nft.compare() == EQUAL
    assert attempt(network.home, home(4, 1), WORLD[4]) == "open"
    assert nft.counters()[CLOSED]["rejected"] == before
    assert nft.counters()[EXCEPTED]["passed"] == 1

    assert nft.load()["elements"] == 4
    assert nft.compare() == EQUAL
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"
    assert nft.counters()[CLOSED]["rejected"] == before + 1
    assert nft.counters()[EXCEPTED]["passed"] == 1, "a class that is gone keeps its count"


def test_counters_survive_another_plan(network, nft):
    nft.load()
    attempt(network.home, home(4, 1), WORLD[4])
    nft.load(text=plan([(1, "reject", True, "reject"), *SEGMENTS[1:]]))
    nft.load(text=plan())
    assert nft.counters()[CLOSED]["rejected"] == 1


@pytest.mark.parametrize("v", [4, 6])
def test_an_exception_in_place(network, nft, v):
    nft.load()
    for host in (2, 3):
        assert attempt(network.home, home(v, 1, host), WORLD[v]) == "refused"
        assert nft.put(home(v, 1, host))["elements"] > 0
        assert attempt(network.home, home(v, 1, host), WORLD[v]) == "open"
        assert nft.compare() == EQUAL
    assert nft.load() == {"whole": False, "elements": 4, "chains": 0}


def test_put_on_a_table_that_was_changed_asks_for_a_load(network, nft):
    nft.load()
    network.box.run("nft", "delete", "element", "inet", "porteiro", "from/syn/base4", "{ 10.1.1.0/24 }")
    r = nft.tool("except", nft.path, home(4, 1), check=False)
    assert r.returncode == 2
    nft.load(exceptions=[home(4, 1)])
    assert nft.compare() == EQUAL


@pytest.mark.parametrize("v", [4, 6])
def test_a_restriction_ends_by_itself(network, nft, v):
    nft.load()
    assert attempt(network.home, home(v, 4), WORLD[v]) == "open"
    nft.restrict(home(v, 4), "reject", 3)
    assert attempt(network.home, home(v, 4), WORLD[v]) == "refused"
    assert attempt(network.home, home(v, 4, 3), WORLD[v]) == "open"
    # No process of ours runs now.
    wait_for(lambda: attempt(network.home, home(v, 4), WORLD[v]) == "open")
    assert nft.compare() == EQUAL


def test_restrictions_of_a_load_end_too(network, nft):
    nft.load(restrictions=[f"{home(4, 4)}=drop=3", f"{home(4, 4, 3)}=reject=86400"])
    assert nft.compare()["ranges"] == 0
    assert attempts(network.home, [(home(4, 4), WORLD[4]), (home(4, 4, 3), WORLD[4])]) == ["silent", "refused"]
    wait_for(lambda: attempt(network.home, home(4, 4), WORLD[4]) == "open")
    assert attempt(network.home, home(4, 4, 3), WORLD[4]) == "refused"


def test_the_switch_needs_no_daemon_and_survives_loads(network, nft):
    nft.load()
    network.box.run("nft", "add", "element", "inet", "porteiro", "open_all", "{ ip, ip6 }")  # as the manual says
    assert nft.is_open()
    rows = [(home(v, m), WORLD[v]) for v in (4, 6) for m in (1, 2, 5)]
    assert set(attempts(network.home, rows)) == {"open"}
    assert nft.compare() == EQUAL
    nft.load(text=plan(SEGMENTS[:3]))
    network.box.run("nft", "add", "rule", "inet", "porteiro", "gate/in", "accept")
    assert nft.load()["whole"]
    network.box.run("nft", "add", "table", "inet", "porteiro", "{ flags dormant; }")  # forces a new table
    assert nft.load()["whole"]
    assert nft.is_open()
    nft.resume()
    assert not nft.is_open()
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"


def test_open_before_anything_was_loaded(network, nft):
    nft.open()
    assert nft.is_open()
    nft.load()
    assert attempt(network.home, home(4, 1), WORLD[4]) == "open"
    nft.resume()
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"


TAMPERING = [
    ("delete element inet porteiro from/syn/base4 { 10.1.1.0/24 }", 1, 0, "10.1.1.0 to 10.1.1.255 in from/syn/base4 leads nowhere"),
    ("delete element inet porteiro from/syn/base6 { 2001:db8:1:1::/64 }", 1, 0, "2001:db8:1:1::"),
    ("add element inet porteiro from/syn/base4 { 172.16.0.1 : goto from/syn/" + CLOSED + " }", 1, 0, "172.16.0.1 in"),
    ("add element inet porteiro from/syn/base4 { 172.16.0.1 : drop }", 1, 0, "somebody else's"),
    ("add element inet porteiro smarthosts4 { 198.51.100.1 }", 0, 1, "smarthost 198.51.100.1 is there and does not belong"),
    ("flush set inet porteiro smarthosts4", 0, 1, "smarthost 192.0.2.26 is not there"),
    ("flush map inet porteiro from/syn/base4", 1, 0, "leads nowhere"),
    ("add rule inet porteiro gate/in accept", 0, 1, "chain gate/in has 6 rules where 5 belong"),
    ("insert rule inet porteiro gate/syn drop", 0, 1, "chain gate/syn has 8 rules where 7 belong"),
    ("flush chain inet porteiro from/syn/" + CLOSED, 0, 1, "chain from/syn/" + CLOSED + " has 0 rules where 2 belong"),
    ("replace rule inet porteiro gate/in handle HANDLE tcp dport 26 goto gate/port25", 0, 1, "chain gate/in is not as it was written"),
    ("add chain inet porteiro mine { type filter hook forward priority 0; policy drop; }", 0, 1, "chain mine was put there by somebody else"),
    ("add set inet porteiro other { type ipv4_addr; }", 0, 1, "set other was put there by somebody else"),
    ("add chain inet porteiro gate/in { policy drop; }", 0, 1, "chain gate/in is not as it was written"),
    ("add table inet porteiro { flags dormant; }", 0, 1, "dormant"),
    ("flush table inet porteiro", 0, None, "has 0 rules"),
    ("delete table inet porteiro", 2, None, "nft table porteiro is not there"),
]


@pytest.mark.parametrize("command,ranges,objects,words", TAMPERING, ids=[t[0][:60] for t in TAMPERING])
def test_what_somebody_else_changed_is_seen_said_and_put_right(network, nft, command, ranges, objects, words):
    nft.load()
    handle = [line.split()[-1] for line in network.box.run("nft", "-a", "list", "chain", "inet", "porteiro", "gate/in")
              .stdout.splitlines() if "dport 25 goto" in line][0]
    network.box.run("nft", *command.replace("HANDLE", handle).split())
    drift = nft.compare()
    assert drift["ranges"] == ranges and words in drift["first"]
    assert drift["objects"] == objects or (objects is None and drift["objects"] > 0)
    nft.load()
    assert nft.compare() == EQUAL
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"


def test_counting_is_no_change(network, nft):
    nft.load()
    attempts(network.home, [(home(v, m), WORLD[v]) for v in (4, 6) for m in (1, 3, 4)])
    assert nft.compare() == EQUAL


def test_a_table_of_another_version_is_taken_over(network, nft):
    """Upgrade in place: what stands there was written by other hands; nothing opens, counters go on."""
    text = network.box.run(os.environ["PORTEIRO_BIN"], "compile", "--for", "nft", nft.path).stdout
    network.box.run("nft", "-f", "-", stdin=text.replace("jump gate/watch/syn", "continue"))
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"
    assert nft.compare()["objects"] > 0
    assert nft.load()["whole"]
    assert nft.compare() == EQUAL
    assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"
    assert nft.counters()[CLOSED]["rejected"] == 2


def test_the_printed_table_is_what_nft_takes(network, nft):
    """Also with the words of nft's own language as names of segments."""
    words = ["drop", "accept", "tcp", "fwd", "map", "type", "hook", "ip6", "meta", "25"]
    text = plan(SEGMENTS)
    for i, word in enumerate(words[:len(SEGMENTS)], 1):
        text = text.replace(f"name: s{i}\n", f"name: {word}\n" if word != "25" else f"name: \"25\"\n")
    nft.plan(text)
    for place in ("nft", "nft-prerouting"):
        out = network.box.run(os.environ["PORTEIRO_BIN"], "compile", "--for", place, nft.path).stdout
        network.box.run("nft", "-c", "-f", "-", stdin=out)
        network.box.run("nft", "-f", "-", stdin=out)
        assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"


def test_subscribers_by_interface(network, tmp_path):
    """Segments' addresses that come in elsewhere are not subscribers; the world is not refused as a source."""
    f = Nft(network, tmp_path, interfaces=("other*",))
    try:
        f.load(text=plan())
        assert attempt(network.home, home(4, 1), WORLD[4]) == "open"
        f.options[-1] = "s*"
        assert f.load()["whole"]
        assert f.compare() == EQUAL
        assert attempt(network.home, home(4, 1), WORLD[4]) == "refused"
    finally:
        network.box.run("nft", "flush", "ruleset")


def test_other_tables_are_left_alone(network, nft):
    network.box.run("nft", "add table inet mine; add chain inet mine gate/in; add rule inet mine gate/in drop")
    before = network.box.run("nft", "list", "table", "inet", "mine").stdout
    nft.load()
    network.box.run("nft", "delete", "table", "inet", "porteiro")
    nft.load()
    assert nft.compare() == EQUAL
    assert network.box.run("nft", "list", "table", "inet", "mine").stdout == before


def test_a_bad_load_changes_nothing(network, nft):
    nft.load()
    before = table(network)
    r = nft.tool("-p", "bridge", "load", nft.path, check=False)
    if r.returncode == 0:
        pytest.skip("this kernel can reject on a bridge")
    assert "nftables: " in r.stderr
    assert table(network) == before
    assert network.box.run("nft", "list", "tables", "bridge").stdout == ""


def test_many_ranges(network, nft):
    """20,000 exceptions: whole once, then differences only."""
    lines = plan().replace("    prefixes: " + json.dumps(box.prefixes(4)),
                           "    prefixes: " + json.dumps(box.prefixes(4) + [f"10.64.{i >> 7}.{(i & 127) * 2}/32" for i in range(20000)]))
    assert nft.load(text=lines.replace('["10.1.1.0/24"', '["10.64.0.0/10", "10.1.1.0/24"'))["whole"]
    assert nft.compare() == EQUAL
    assert nft.put("10.64.0.1") == {"whole": False, "elements": 2, "chains": 1}
    assert nft.compare() == EQUAL
    assert nft.load() == {"whole": False, "elements": 2, "chains": 0}


def test_loads_under_traffic(network, nft):
    """Whole tables and differences take turns while two clients knock as fast as they can."""
    nft.load()
    answers, stop = [], threading.Event()

    def knock():
        seen = set()
        while not stop.is_set():
            seen.add(attempt(network.home, home(4, 1), WORLD[4]))
        answers.append(seen)

    threads = [threading.Thread(target=knock) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        whole = 0
        for i in range(16):
            if i % 4 == 0:  # forces a new table
                network.box.run("nft", "add", "rule", "inet", "porteiro", "gate/notes", "return")
                network.box.run("nft", "flush", "chain", "inet", "porteiro", "gate/none")
                network.box.run("nft", "add", "rule", "inet", "porteiro", "gate/none", "return")
            whole += nft.load(exceptions=[home(4, 1, 3)] if i % 2 else [])["whole"]
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert whole >= 4
    assert answers == [{"refused"}] * 2


@pytest.fixture(scope="module")
def bridge():
    n = None
    try:
        n = Network(bridged=True)
        yield n
    finally:
        if n:
            n.close()


def test_on_a_bridge(bridge, tmp_path):
    """Reject too where the kernel has nft_reject_bridge (Debian 12's has; tests/kernel)."""
    f = Nft(bridge, tmp_path, place="bridge")
    f.plan(plan())
    rejects = f.tool("load", f.path, check=False).returncode == 0
    segments = SEGMENTS if rejects else [
        (m, "drop" if mode == "reject" else mode, s, "drop" if i == "reject" else i) for m, mode, s, i in SEGMENTS]
    wants = {m: {"reject": "refused", "drop": "silent"}.get(mode, "open") for m, mode, _, _ in segments}
    sessions = {(m, v): connect(bridge.home, home(v, m), WORLD[v], 587) for m in (1, 6) for v in (4, 6)}
    f.load(text=plan(segments), exceptions=[home(4, 1, 3)])
    assert f.compare() == EQUAL
    rows = [(home(v, m), WORLD[v]) for v in (4, 6) for m in wants]
    assert attempts(bridge.home, rows) == [wants[m] for v in (4, 6) for m in wants]
    assert attempts(bridge.home, [(home(v, 1), RELAY[v]) for v in (4, 6)]) == ["open"] * 2
    assert attempts(bridge.home, [(home(4, 1, 3), WORLD[4])]) == ["open"]
    assert attempts(bridge.home, [(home(v, m), WORLD[v], 587) for v in (4, 6) for m in wants]) == ["open"] * 18
    assert {says(s) for s in sessions.values()} == {"talks"}
    f.put(home(4, 1))
    assert attempt(bridge.home, home(4, 1), WORLD[4]) == "open"
    f.open()
    assert set(attempts(bridge.home, rows)) == {"open"}


def test_what_can_not_be_is_said(network, nft, tmp_path):
    r = nft.tool("-i", "a\" accept; #", "load", nft.path, check=False)
    assert r.returncode == 2 and "is not the name of an interface" in r.stderr
    r = subprocess.run(["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "nsenter",
                        f"--net=/var/run/netns/{network.box.name}", "true"], check=False)
    assert r.returncode == 0
    r = network.box.run("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", box.NFT_TOOL, "load", nft.path, check=False)
    assert r.returncode == 2 and r.stderr.startswith("nft_tool: ")
