# SPDX-License-Identifier: BSD-2-Clause
"""porteiro classify on personas whose truth is known, on labelled sets and on captures."""
import csv
import json
import os
import pathlib
import random
import subprocess

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
DATA = pathlib.Path(os.environ["PORTEIRO_SRC"]).parent / "shared" / "data"
START = 20000 * 86400  # a midnight


def run(*args):
    return subprocess.run([PORTEIRO, "classify", *map(str, args)], capture_output=True, text=True, timeout=60)


def classify(*args):
    r = run("--json", *args)
    assert r.returncode == 0, r.stderr
    return {e["address"]: e for e in json.loads(r.stdout)}


def server(rng):
    return f"198.{rng.randrange(18, 20)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def legacy_client(rng, line):
    """Three messages a day by 25, to where the mail is fetched every ten minutes."""
    for day in range(7):
        for _ in range(3):
            yield START + day * 86400 + rng.randrange(28800, 79200), line, "192.0.2.10", 25, "SF"
        for minute in range(480, 1320, 60):
            yield START + day * 86400 + minute * 60, line, "192.0.2.10", 993, "SF"


def migrated(rng, line):
    for day in range(7):
        for _ in range(3):
            yield START + day * 86400 + rng.randrange(28800, 79200), line, "192.0.2.10", 587, "SF"


def loud_bot(rng, line):
    for _ in range(2000):
        yield START + 6 * 86400 + rng.randrange(86400), line, server(rng), 25, "SF" if rng.random() < 0.2 else "S0"


def slow_bot(rng, line):
    """Four new servers an hour, most of which never answer."""
    for hour in range(24):
        for _ in range(4):
            at = START + 6 * 86400 + hour * 3600 + rng.randrange(3600)
            yield at, line, server(rng), 25, "SF" if rng.random() < 0.2 else "REJ"


def scanner(_rng, line):
    """A multifunction printer that reports every six hours."""
    for tick in range(28):
        yield START + tick * 21600 + 60, line, "203.0.113.9", 25, "SF"


def office_server(rng, line):
    for day in range(7):
        for _ in range(40):
            yield START + day * 86400 + rng.randrange(86400), server(rng), line, 25, "SF"
        for _ in range(30):
            at = START + day * 86400 + rng.randrange(86400)
            yield at, line, server(rng), 25, "SF" if rng.random() < 0.95 else "S0"


def web_only(rng, line):
    for _ in range(50):
        yield START + rng.randrange(7 * 86400), line, server(rng), 443, "SF"


PERSONAS = {
    legacy_client: "legacy-client",
    migrated: "migrated",
    loud_bot: "confirmed-bot",
    slow_bot: "confirmed-bot",
    scanner: "device",
    office_server: "mail-server",
    web_only: "no-port-25-seen",
}


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        w = csv.writer(f)
        w.writerow(("time", "source", "destination", "destination_port", "state"))
        w.writerows(sorted(rows))
        w.writerow((START + 7 * 86400 - 1, "10.255.255.255", "192.0.2.1", 443, "SF"))  # when the week ends


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    rng = random.Random(25)
    path = tmp_path_factory.mktemp("classify") / "week.csv"
    rows, truth = [], {}
    for number, (persona, want) in enumerate(PERSONAS.items()):
        for i in range(20):
            line = f"10.{number}.0.{i + 1}"
            truth[line] = want
            rows += persona(rng, line)
    write(path, rows)
    return path, truth


def test_every_persona_is_what_it_is(population):
    path, truth = population
    got = classify(path)
    wrong = {a: (got[a]["class"], got[a]["rule"], w) for a, w in truth.items() if got[a]["class"] != w}
    assert not wrong


def test_the_object_has_the_promised_keys(population):
    path, truth = population
    for entry in classify(path).values():
        assert list(entry) == ["address", "class", "rule", "distinct_servers", "attempts", "failed_ratio", "evidence"]
    bot = classify(path)[next(a for a, w in truth.items() if w == "confirmed-bot")]
    assert bot["distinct_servers"] > 100 and 0.7 < bot["failed_ratio"] < 0.9
    assert str(bot["distinct_servers"]) in bot["evidence"]


def test_evidence_speaks_three_languages(population):
    path, _ = population
    said = {lang: {e["evidence"] for e in classify("--lang", lang, path).values()}
            for lang in ("pt-BR", "pt-MZ", "en")}
    assert said["pt-BR"] != said["en"] and said["pt-BR"] != said["pt-MZ"]
    assert not any("{" in sentence for sentences in said.values() for sentence in sentences)


def test_sampling_convicts_nobody_by_failures(population):
    """At 1:1000 nobody saw whether a server answered; the loud bots still fan out."""
    path, truth = population
    for address, entry in classify("--sampling", 1000, path).items():
        assert entry["failed_ratio"] == 0
        if truth.get(address) == "confirmed-bot" and entry["class"] == "confirmed-bot":
            assert entry["rule"] == "fans-out-widely"


def test_only_internal_addresses_are_lines(population):
    path, _ = population
    got = classify("--internal", "10.0.0.0/24", "--internal", "10.2.0.0/24", path)
    assert got and all(a.startswith(("10.0.0.", "10.2.0.")) for a in got)


def test_labelled_sets_accuse_nobody_who_is_labelled_clean():
    """The sets with SMTP in them have probes from outside only: no line is a bot."""
    sets = sorted((DATA / "labelled_flows").glob("ctu-zeek-*/**/*conn.log*")) + \
        sorted((DATA / "labelled_flows").glob("slips/*.binetflow"))
    if not sets:
        pytest.skip("no shared data beside the source tree")
    for path in sets:
        internal = ("--internal", "147.32.0.0/16", "--internal", "10.0.0.0/8", "--internal", "fd00::/8")
        got = classify(*internal, path)
        assert got, path
        assert {e["class"] for e in got.values()} == {"no-port-25-seen"}, path


def test_captures_and_their_flow_export_agree():
    """The same packets as a capture and as NetFlow give the same classes."""
    mix = DATA / "pcap" / "derived-mix" / "smtp-mix-shared.pcap"
    if not mix.exists():
        pytest.skip("no shared data beside the source tree")
    packets = {a: e["class"] for a, e in classify(mix).items()}
    for export in (DATA / "flows" / "derived-exports").glob("*softflowd*"):
        flows = {a: e["class"] for a, e in classify("--flows", export).items()}
        assert {a: c for a, c in flows.items() if a in packets} == {a: packets[a] for a in flows if a in packets}


def test_bad_input_is_told(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,b,c\n1,2,3\n")
    r = run(table)
    assert r.returncode == 2 and str(table) in r.stderr and "source" in r.stderr
    table.write_text("")
    assert run(table).returncode == 2
    assert run("--internal", "10.0.0.1/8", table).returncode == 2
    assert run("--sampling", "x", table).returncode == 2
    assert run("--lang", "fr", table).returncode == 2
    assert run().returncode == 2
    assert run("--help").returncode == 0
    table.write_text("source,destination,destination_port\n10.0.0.1,192.0.2.1,25\nnonsense,192.0.2.1,25\n")
    r = run("--json", table)
    assert r.returncode == 0 and "line 3" in r.stderr and len(json.loads(r.stdout)) == 1
