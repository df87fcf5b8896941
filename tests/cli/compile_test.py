# SPDX-License-Identifier: BSD-2-Clause
"""porteiro compile PLAN, from the outside."""
import json

import pytest
from command import PLAN, porteiro


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


@pytest.fixture
def exceptions(tmp_path):
    path = tmp_path / "exceptions"
    path.write_text("# who keeps port 25\n"
                    "192.0.2.7, 2999-12-31, mail server of the school\n"
                    "192.0.2.8, 2001-12-31, ended long ago\n")
    return path


def ranges(plan, *args):
    """{first-last: class name} of the IPv4 map"""
    rules = json.loads(porteiro("compile", "--json", plan, *args).stdout)
    return {(first, last): rules["classes"][i] for first, last, i in rules["v4"]}


def test_every_address_has_a_class(plan):
    p = porteiro("compile", plan)
    assert p.returncode == 0
    lines = p.stdout.splitlines()
    assert lines[0].startswith("ruleset ") and len(lines[0]) == len("ruleset ") + 64
    assert lines[1:] == [
        "# class INDEX SEGMENT/CAUSE/MODE/INBOUND/STRICT",
        "class 0 -",
        "class 1 homes/segment/reject/off/syn",
        "class 2 shops/segment/off/off/syn",
        "# FIRST-LAST CLASS, for every address; class 0 refuses nothing",
        "0.0.0.0-192.0.1.255 0",
        "192.0.2.0-192.0.2.127 1",
        "192.0.2.128-192.0.2.191 2",
        "192.0.2.192-192.0.2.255 1",
        "192.0.3.0-255.255.255.255 0",
        "::-2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 0",
        "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 1",
        "2001:db9::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0",
        "smarthost 198.51.100.25-198.51.100.25",
    ]


def test_json_says_the_same(plan):
    rules = json.loads(porteiro("compile", "--for", "json", plan).stdout)
    assert list(rules) == ["hash", "classes", "v4", "v6", "smarthosts"]
    assert rules["classes"][1] == {"segment": "homes", "cause": "segment", "mode": "reject", "inbound": "off",
                                   "strict": False}
    assert ["192.0.2.128", "192.0.2.191", 2] in rules["v4"]
    assert rules["smarthosts"] == [["198.51.100.25", "198.51.100.25"]]
    text = porteiro("compile", plan).stdout
    assert text.split()[1] == rules["hash"]


def test_an_exception_opens_one_line_until_it_ends(plan, exceptions):
    without, with_ = ranges(plan), ranges(plan, "--exceptions", exceptions)
    assert ("192.0.2.7", "192.0.2.7") not in without
    assert with_["192.0.2.7", "192.0.2.7"]["cause"] == "exception"
    assert with_["192.0.2.7", "192.0.2.7"]["mode"] == "off"
    assert with_["192.0.2.8", "192.0.2.127"]["mode"] == "reject"


def test_the_order_in_the_plan_does_not_change_the_hash(plan, tmp_path):
    turned = tmp_path / "turned.yaml"
    turned.write_text(PLAN.replace("      - 192.0.2.0/24\n      - 2001:db8::/32\n",
                                   "      - 2001:db8::/32\n      - 192.0.2.0/24\n"))
    assert turned.read_text() != PLAN
    assert porteiro("compile", plan).stdout == porteiro("compile", turned).stdout


@pytest.mark.parametrize("line, wanted", [
    ("192.0.2.7/24, 2999-12-31, x", "host bits are set: '192.0.2.7/24'"),
    ("192.0.2.7, someday, x", "not a day (2027-06-30) or instant (2027-06-30T12:00:00Z): 'someday'"),
    ("192.0.2.7, 2999-12-31", "not of the form 'prefix, until, reason'"),
])
def test_faults_of_exceptions_name_file_and_line(plan, tmp_path, line, wanted):
    path = tmp_path / "exceptions"
    path.write_text(f"# first line\n{line}\n")
    p = porteiro("compile", plan, "--exceptions", path)
    assert p.returncode == 2 and p.stdout == ""
    assert p.stderr.startswith(f"porteiro compile: {path}:2: {wanted}")


def test_a_bad_plan_gives_nothing_but_its_faults(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("192.0.2.128/26", "192.0.2.0/24"))
    p = porteiro("compile", path)
    assert p.returncode == 2 and p.stdout == ""
    assert f"{path}:12" in p.stderr


def test_usage(plan, tmp_path):
    assert porteiro("compile", "--help").stdout.startswith("usage: porteiro compile PLAN")
    assert porteiro("compile").returncode == 2
    assert porteiro("compile", plan, plan).returncode == 2
    assert porteiro("compile", tmp_path / "absent").returncode == 2
    assert porteiro("compile", plan, "--exceptions", tmp_path / "absent").returncode == 2
    p = porteiro("compile", plan, "--for", "cisco")
    assert p.returncode == 2 and "'cisco'" in p.stderr
