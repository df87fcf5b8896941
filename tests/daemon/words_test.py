# SPDX-License-Identifier: BSD-2-Clause
"""What is written about the daemon, held against its own tables; and its unit against systemd. No root."""
import os
import re
import shutil
import subprocess

import pytest

PORTEIROD = os.environ["PORTEIROD_BIN"]
SRC = os.environ["PORTEIRO_SRC"]


def say(*args):
    return subprocess.run([PORTEIROD, *args], capture_output=True, text=True, check=True, timeout=30).stdout


def page(name):
    with open(os.path.join(SRC, "man", name), encoding="utf-8") as f:
        text = f.read()
    return re.sub(r"\n\.[A-Z][a-z] ", "\n", text), text


def flat(text):
    return re.sub(r"\s+", " ", text)


def test_every_key_is_in_the_manual_with_its_sentence_and_default():
    plain, text = page("porteirod.conf.5")
    keys = re.findall(r"# (.*)\n# (.*); a change takes effect (.*)\.\n(?:# )?(\S+) = ?(.*)\n", say("--show-defaults"))
    assert len(keys) > 10
    assert re.findall(r"^\.It Ic (\S+)", text, re.M) == [k[3] for k in keys]
    for sentence, kind, _, name, default in keys:
        part = flat(plain.split(f"Ic {name}\n")[1].split("Ic ")[0])
        assert sentence in part and kind in part, name
        assert name == "interface" or not default or default in part, name


def test_the_defaults_are_a_valid_configuration(tmp_path):
    conf = tmp_path / "porteirod.conf"
    conf.write_text(say("--show-defaults"))
    p = subprocess.run([PORTEIROD, "-c", str(conf), "--check-config"], capture_output=True, text=True, timeout=30)
    assert p.returncode == 0 and "valid" in p.stdout, p
    conf.write_text("state_dir = var\n")
    p = subprocess.run([PORTEIROD, "-c", str(conf), "--check-config"], capture_output=True, text=True, timeout=30)
    assert p.returncode == 2 and f"{conf}:1: state_dir: 'var' is not an absolute path" in p.stderr, p


def test_every_event_is_in_the_manual():
    plain, text = page("porteirod.8")
    events = [line.split("\t") for line in say("--show-events").splitlines()]
    assert [tuple(e[:2]) for e in events] == re.findall(r"^\.It Li (E\d+) (\S+)", text, re.M)
    for _, name, level, sentence in events:
        assert flat(sentence) in flat(plain), name
        assert level in ("debug", "info", "warning", "error")


def test_every_route_and_field_is_in_the_manual():
    import json
    plain, text = page("porteiro-api.7")
    routes = json.loads(say("--show-api"))
    assert re.findall(r"^\.It Li ([A-Z]+ /\S+)", text, re.M) == [f"{r['method']} {r['path']}" for r in routes]
    for r in routes:
        part = plain.split(f"Li {r['method']} {r['path']}\n")[1].split("\nLi ")[0]
        assert flat(r["summary"]) in flat(part), r["name"]
        for f in r["fields"]:
            assert flat(f["sentence"]) in flat(part), (r["name"], f["name"])


def test_every_counter_of_the_daemon_has_its_line():
    with open(os.path.join(SRC, "src", "prog", "engine.h"), encoding="utf-8") as f:
        rows = re.findall(r"^\tX\((\w+), +\"([^\"]+)\"\)", f.read(), re.M)
    with open(os.path.join(SRC, "man", "porteiro.1"), encoding="utf-8") as f:
        manual = f.read()
    assert len(rows) > 8
    for name, text in rows:
        assert name in manual and flat(text) in flat(manual), name


def test_systemd_finds_no_fault_with_the_unit(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    with open(os.path.join(SRC, "dist", "porteirod.service"), encoding="utf-8") as f:
        unit = f.read().replace("@sbindir@/porteirod", PORTEIROD)
    (tmp_path / "porteirod.service").write_text(unit)
    p = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / "porteirod.service")],
                       capture_output=True, text=True, timeout=60)
    said = [line for line in p.stderr.splitlines() if "porteirod.service" in line]
    assert not said, said
