# SPDX-License-Identifier: BSD-2-Clause
"""porteiro flows against what nfdump and tshark say of the same export traffic."""
import csv
import glob
import json
import os
import pathlib
import subprocess

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
