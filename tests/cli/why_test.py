# SPDX-License-Identifier: BSD-2-Clause
"""porteiro why PLAN ADDRESS, from the outside."""
import json

import pytest
from command import PLAN, porteiro


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


def test_a_refused_line_is_told_the_rule_and_its_place(plan):
    p = porteiro("why", plan, "192.0.2.7")
    assert p.returncode == 0
    assert p.stdout == (
        "192.0.2.7 is refused port 25: segment 'homes' (residential, dynamic, Beira) is closed in mode reject: "
        "a TCP reset answers each attempt at once. Smarthosts stay open to it.\n"
        f"{plan}:8: 192.0.2.0/24 of segment 'homes'\n")


def test_the_longer_prefix_counts(plan):
    p = porteiro("why", plan, "192.0.2.130")
    assert p.stdout == ("192.0.2.130 may use port 25: segment 'shops' (business, fixed) is open.\n"
                        f"{plan}:12: 192.0.2.128/26 of segment 'shops'\n")


def test_submission_is_never_touched(plan):
    for port in ("465", "587"):
        p = porteiro("why", plan, "192.0.2.7", "--port", port)
        assert p.returncode == 0
        assert p.stdout == (f"192.0.2.7 may use port {port}: that is the submission port, and Porteiro never touches "
                            "it, whatever the plan says.\n")


def test_no_port_but_25_is_ever_refused(plan):
    for port in (1, 24, 26, 80, 443, 2525, 65535):
        assert json.loads(porteiro("why", "--json", plan, "192.0.2.7", "--port", port).stdout)["verdict"] == "pass"


def test_a_smarthost_is_open_to_everyone(plan):
    p = porteiro("why", plan, "192.0.2.7", "--to", "198.51.100.25")
    assert p.stdout == ("192.0.2.7 may use port 25 of 198.51.100.25: that is the smarthost 'relay', which stays "
                        f"open to everyone.\n{plan}:16: smarthost 'relay'\n")


def test_an_address_of_nobody(plan):
    p = porteiro("why", plan, "203.0.113.1")
    assert p.stdout == ("203.0.113.1 may use port 25: no segment holds it, and what no segment holds is left "
                        "alone.\n")


def test_an_exception_is_told_with_its_reason(plan, tmp_path):
    exceptions = tmp_path / "exceptions"
    exceptions.write_text("192.0.2.7, 2099-06-30, mail server of the school\n192.0.2.8, 2001-01-01, over\n")
    p = porteiro("why", plan, "192.0.2.7", "--exceptions", exceptions)
    assert p.stdout.splitlines()[0] == (
        "192.0.2.7 may use port 25: an exception lets it, although segment 'homes' (residential, dynamic, Beira) is "
        "closed. Exception 1 holds until 2099-06-30T23:59:59Z: mail server of the school.")
    p = porteiro("why", plan, "192.0.2.8", "--exceptions", exceptions)
    assert "192.0.2.8 is refused port 25" in p.stdout
    exceptions.write_text("192.0.2.7 2099\n")
    p = porteiro("why", plan, "192.0.2.7", "--exceptions", exceptions)
    assert p.returncode == 2 and f"{exceptions}:1: " in p.stderr


def test_json(plan):
    o = json.loads(porteiro("why", "--json", plan, "2001:db8::7").stdout)
    sentence = o.pop("sentence")
    assert o == {"address": "2001:db8::7", "port": 25, "to": None, "verdict": "reject", "cause": "segment",
                 "for_destination": False, "segment": "homes", "smarthost": None, "mode": "reject", "inbound": "off",
                 "strict": False, "prefix": "2001:db8::/32", "plan": str(plan), "line": 9}
    assert sentence.startswith("2001:db8::7 is refused port 25: segment 'homes'")


def test_bad_input_is_named(plan, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(PLAN.replace("192.0.2.0/24", "192.0.2.0/33"))
    for args, said in (
            ([plan, "192.0.2"], "'192.0.2' is not an IPv4 or IPv6 address"),
            ([plan, "192.0.2.1", "--port", "0"], "'0' is not a port from 1 to 65535"),
            ([plan, "192.0.2.1", "--port", "25x"], "'25x' is not a port from 1 to 65535"),
            ([plan, "192.0.2.1", "--to", "mail"], "'mail' is not an IPv4 or IPv6 address"),
            ([plan, "192.0.2.1", "--to", "2001:db8::1"], "of the same family"),
            ([bad, "192.0.2.1"], f"{bad}:8: error: the length of '192.0.2.0/33' is not right"),
            ([tmp_path / "none", "192.0.2.1"], "No such file")):
        p = porteiro("why", *args)
        assert p.returncode == 2 and p.stdout == "" and said in p.stderr, (args, p)
