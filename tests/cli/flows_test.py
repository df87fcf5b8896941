# SPDX-License-Identifier: BSD-2-Clause
"""porteiro flows against what nfdump and tshark say of the same export traffic."""
import csv
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
DATA = pathlib.Path(os.environ["PORTEIRO_SRC"]).parent / "shared" / "data"
PORTS = ("25", "465", "587")

# Where we differ from nfdump's count of flows, and why we are right.
EXPLAINED = {
    "flows/logstash-codec-netflow/netflow5*.dat":
        (2, "the header says two records; nfdump reads on through the 1,728 bytes as if they were thirty"),
    "flows/tcpdump/sflow_multiple_counter_30_pdus.pcap":
        (7, "25 sFlow datagrams without a flow sample, and 5 of NetFlow v5 with 7 records that a "
            "collector for sFlow alone does not see"),
}


def run(*args):
    return subprocess.run([PORTEIRO, "flows", *map(str, args)], capture_output=True, text=True, timeout=60)


def expected():
    """path or glob -> facts, for export traffic."""
    groups = {}
    table = DATA / "EXPECTED.tsv"
    if table.exists():
        with open(table, newline="", encoding="utf-8") as f:
            for path, _tool, fact, value, _note in csv.reader(f, delimiter="\t"):
                if path.startswith("flows/"):
                    groups.setdefault(path, {})[fact] = value
    return {path: facts for path, facts in groups.items() if "nfdump_flows" in facts}


def files_of(group, groups):
    """The files of a group, templates before options templates before data; a longer glob claims its own."""
    found = set(glob.glob(str(DATA / group)))
    for other in groups:
        if other != group and len(other) > len(group) and other.startswith(group.split("*")[0]):
            found -= set(glob.glob(str(DATA / other)))

    def order(path):
        name = os.path.basename(path)
        template = "tpl" in name and "data" not in name
        return (1 if "opttpl" in name else 0) if template else 2, name

    return sorted(found, key=order)


@pytest.fixture(scope="module")
def groups():
    found = expected()
    if not found:
        pytest.skip("no shared data beside the source tree")
    return found


def test_counts_equal_nfdump_or_the_difference_is_explained(groups):
    for group, facts in groups.items():
        files = files_of(group, groups)
        assert len(files) == int(facts["files"]), group
        r = run("--json", *files)
        assert r.returncode == 0, (group, r.stderr)
        got = json.loads(r.stdout)
        want, why = EXPLAINED.get(group, (int(facts["nfdump_flows"]), "nfdump"))
        assert got["records"] == want, (group, why)
        for port in PORTS:
            assert got["to_port"][port]["records"] == int(facts["nfdump_flows_dport" + port]), (group, port)


def test_every_explained_difference_is_still_a_difference(groups):
    for group, (want, _why) in EXPLAINED.items():
        assert int(groups[group]["nfdump_flows"]) != want


def test_records_are_one_json_line_each(groups):
    for group in groups:
        files = files_of(group, groups)
        total = json.loads(run("--json", *files).stdout)["records"]
        lines = run("--records", *files).stdout.splitlines()
        assert len(lines) == total, group
        for line in lines:
            assert json.loads(line)["flows"] >= 0


def test_the_same_packets_through_every_exporter_give_the_same_ports(groups):
    """softflowd and pmacct saw the same capture; v5, v9 and IPFIX of it must agree."""
    for port in PORTS:
        seen = set()
        for group in groups:
            if "derived-exports" in group and "sflow" not in group:
                to = json.loads(run("--json", *files_of(group, groups)).stdout)["to_port"][port]
                seen.add((to["records"], to["sources"], to["destinations"]))
        assert len(seen) == 1, (port, seen)


def test_what_is_no_export_is_told(tmp_path):
    empty = tmp_path / "empty.dat"
    empty.write_bytes(b"")
    large = tmp_path / "large.dat"
    large.write_bytes(b"x" * 70000)
    for path, reason in ((empty, "empty"), (large, "too long"), (tmp_path / "none", "No such file")):
        r = run("--json", path)
        assert r.returncode == 2 and r.stdout == ""
        assert str(path) in r.stderr and reason in r.stderr
    assert run().returncode == 2
    assert run("--help").returncode == 0


def test_a_payload_that_is_not_ours_is_malformed_not_fatal(tmp_path):
    junk = tmp_path / "junk.dat"
    junk.write_bytes(b"\x00\x63junk")
    got = json.loads(run("--json", junk).stdout)
    assert got["records"] == 0
    assert got["exporters"][0]["protocol"] == "unknown"
    assert got["exporters"][0]["malformed"] == 1


def udp_payloads(pcap):
    """The UDP payloads of an Ethernet capture of IPv4, in order."""
    data = pcap.read_bytes()
    at = 24
    while at < len(data):
        length = int.from_bytes(data[at + 8:at + 12], "little")
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        header = (frame[14] & 15) * 4
        if frame[12:14] == b"\x08\x00" and frame[23] == 17:
            yield frame[14 + header + 8:14 + int.from_bytes(frame[16:18], "big")]


def listen(tmp_path, *args):
    """porteiro flows --listen on a free port of the loopback; the process and the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    p = subprocess.Popen([PORTEIRO, "flows", "--json", "--address", "127.0.0.1", "--listen", str(port), *args],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert p.stderr.readline() == "porteiro: listening\n"
    return p, port


def stop(p):
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=20)
    assert p.returncode == 0, err
    return json.loads(out), err


def test_live_and_offline_say_the_same(tmp_path):
    exports = sorted((DATA / "flows" / "derived-exports").glob("*.pcap"))
    if not exports:
        pytest.skip("no shared data beside the source tree")
    for export in exports:
        offline = json.loads(run("--json", export).stdout)
        p, port = listen(tmp_path)
        sent = list(udp_payloads(export))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for payload in sent:
                s.sendto(payload, ("127.0.0.1", port))
        live, err = stop(p)
        assert live["records"] == offline["records"], export
        assert live["to_port"] == offline["to_port"], export
        assert live["exporters"][0]["address"] == "127.0.0.1"
        assert f"{len(sent)} datagrams, 0 dropped" in err


def test_strangers_are_counted_not_decoded(tmp_path):
    p, port = listen(tmp_path, "--exporter", "127.0.0.2/32")
    v5 = bytes.fromhex("00050001") + bytes(20) + bytes(48)
    for source in ("127.0.0.2", "127.0.0.3"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.sendto(v5, ("127.0.0.1", port))
    got, err = stop(p)
    assert got["records"] == 1 and [e["address"] for e in got["exporters"]] == ["127.0.0.2"]
    assert "1 from strangers" in err


def test_an_archive_of_nfcapd_is_read(tmp_path):
    if not shutil.which("nfcapd") or not shutil.which("nfdump"):
        pytest.skip("nfdump is not installed")
    export = DATA / "flows" / "derived-exports" / "shared-smtp-mix__softflowd-v9.pcap"
    if not export.exists():
        pytest.skip("no shared data beside the source tree")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    p = subprocess.Popen(["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(tmp_path)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while f":{port:04X} " not in pathlib.Path("/proc/net/udp").read_text(encoding="ascii"):
            assert time.monotonic() < deadline, "nfcapd does not listen"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for payload in udp_payloads(export):
                s.sendto(payload, ("127.0.0.1", port))
        queue = f":{port:04X} "  # empty again: all taken
        while any(queue in line and " 00000000:00000000 " not in line
                  for line in pathlib.Path("/proc/net/udp").read_text(encoding="ascii").splitlines()):
            assert time.monotonic() < deadline
    finally:
        p.terminate()
        p.wait(timeout=20)
    archive = next(f for f in tmp_path.iterdir() if f.name.startswith("nfcapd.2"))
    got = json.loads(run("--json", archive).stdout)
    direct = json.loads(run("--json", export).stdout)
    assert got["records"] == direct["records"]
    assert got["to_port"] == direct["to_port"]


def test_bad_listening_is_told():
    assert run("--listen", "0").returncode == 2
    assert run("--listen", "99999").returncode == 2
    assert run("--listen", "2055", "file").returncode == 2
    r = run("--listen", "2055", "--address", "192.0.2.1", "--seconds", "1")
    assert r.returncode == 2 and "192.0.2.1 UDP port 2055" in r.stderr
