# SPDX-License-Identifier: BSD-2-Clause
"""The example plans pass `porteiro check` without a word, and mean what their comments say."""
import glob
import json
import os
import random
import ipaddress
import subprocess

import pytest
from command import SRC, porteiro

PREFIXES = os.path.join(SRC, "..", "shared", "data", "prefixes", "country-ip-blocks")


def carrier_plan(*lists):
    return subprocess.run([os.path.join(SRC, "tools", "carrier-plan.py"), *lists], check=True, text=True,
                          capture_output=True, timeout=60).stdout


def checked(text):
    p = porteiro("check", "--json", "-", stdin=text)
    assert p.returncode == 0, p.stdout
    return json.loads(p.stdout)


@pytest.mark.parametrize("path", glob.glob(os.path.join(SRC, "doc", "examples", "*.yaml")))
def test_an_example_has_no_fault(path):
    p = porteiro("check", "--json", path)
    assert p.returncode == 0 and json.loads(p.stdout)["faults"] == []


@pytest.mark.parametrize("address, verdict, segment", [
    ("192.0.2.7", "reject", "homes-valley"),
    ("2001:db8:5::7", "reject", "homes-valley"),
    ("100.64.3.3", "monitor", "homes-hills"),
    ("192.0.2.200", "pass", "business"),
    ("192.0.2.66", "pass", "school"),
    ("198.51.100.1", "pass", "own"),
    ("2001:db8:7000::1", "pass", "reserve"),
    ("203.0.113.1", "pass", None),
])
def test_the_small_one_means_what_it_says(address, verdict, segment):
    o = json.loads(porteiro("why", "--json", os.path.join(SRC, "doc/examples/wisp.yaml"), address).stdout)
    assert (o["verdict"], o["segment"]) == (verdict, segment)


def test_a_carrier_of_invented_prefixes(tmp_path):
    pick = random.Random(25)
    nets = [f"{ipaddress.ip_address(0x0b000000 + i * 1024)}/{pick.choice([22, 23, 24])}" for i in range(3000)]
    nets += [f"2001:{i:x}::/32" for i in range(0x1000, 0x1600)]
    lines = tmp_path / "country.cidr"
    lines.write_text("# a country\n" + "\n".join(nets) + "\n11.0.0.0/32 # inside another\n")
    text = carrier_plan(lines)
    o = checked(text)
    assert o["faults"] == [] and sum(s["prefixes"] for s in o["segments"]) == len(nets)
    assert text == carrier_plan(lines)


def test_a_bad_list_is_named(tmp_path):
    bad = tmp_path / "bad.cidr"
    bad.write_text("11.0.0.0/24\n11.0.1.1/24\n")
    p = subprocess.run([os.path.join(SRC, "tools", "carrier-plan.py"), bad], text=True, capture_output=True)
    assert p.returncode == 1 and p.stdout == "" and f"{bad}:2: " in p.stderr


@pytest.mark.parametrize("country", ["br", "pt"])
def test_a_carrier_of_a_whole_country(country):
    lists = [os.path.join(PREFIXES, family, country + ".cidr") for family in ("ipv4", "ipv6")]
    if not all(map(os.path.exists, lists)):
        pytest.skip(f"no prefix lists at {PREFIXES}")
    o = checked(carrier_plan(*lists))
    total = sum(len(open(path).read().split()) for path in lists)
    assert o["errors"] == 0 and sum(s["prefixes"] for s in o["segments"]) == total
    assert all("no IPv6 prefixes" in f["wrong"] for f in o["faults"])
