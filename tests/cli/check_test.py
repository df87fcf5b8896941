# SPDX-License-Identifier: BSD-2-Clause
"""porteiro check, from the outside."""
import json

from command import PLAN, porteiro


def test_a_good_plan_is_good(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    p = porteiro("check", path)
    assert p.returncode == 0 and p.stderr == ""
    assert p.stdout == (f"{path}: good: 2 segments (1 closed), 2 IPv4 and 1 IPv6 prefixes, "
                        "1 smarthost, 0 waves\n")


def test_warnings_leave_it_good():
    p = porteiro("check", "-", stdin=PLAN.replace("      - 2001:db8::/32\n", ""))
    assert p.returncode == 0
    assert p.stdout.splitlines()[0] == (
        "-:4: warning: the closed segment 'homes' has no IPv6 prefixes; "
        "add them, unless its lines have no IPv6: port 25 stays open there")
    assert "-: good, with 1 warning:" in p.stdout


def test_every_error_is_named_with_its_place(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("192.0.2.0/24", "192.0.2.1/24").replace("kind: business", "kind: shop"))
    p = porteiro("check", path)
    assert p.returncode == 1 and p.stderr == ""
    assert p.stdout == (
        f"{path}:8: error: host bits are set in '192.0.2.1/24'; "
        "write 192.0.2.0/24 for the network, or 192.0.2.1/32 for the one address\n"
        f"{path}:11: error: 'kind' can not be 'shop'; write residential, business or infrastructure\n"
        f"{path}: not good: 2 errors\n")


def test_json_says_the_same(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("kind: business", "kind: buisness"))
    p = porteiro("check", "--json", path)
    assert p.returncode == 1
    assert json.loads(p.stdout) == {
        "plan": str(path), "good": False, "errors": 1, "warnings": 0, "segments": [],
        "faults": [{"level": "error", "line": 11, "wrong": "'kind' can not be 'buisness'",
                    "right": "did you mean 'business'? It is one of: residential, business or infrastructure"}]}


def test_json_of_a_good_plan_shows_what_was_left_out():
    o = json.loads(porteiro("check", "--json", "-", stdin=PLAN).stdout)
    assert o["good"] is True and o["faults"] == []
    assert o["segments"][0] == {
        "name": "homes", "kind": "residential", "addressing": "dynamic", "place": "Beira", "treatment": "closed",
        "mode": "reject", "strict": False, "inbound": "off", "prefixes": 2, "line": 4}
    assert o["segments"][1]["treatment"] == "open"


def test_json_is_valid_whatever_the_plan_says():
    odd = 'operator: {name: "a"}\n"\\u2028\\"é' + "🚪" * 90 + '": 1\n'
    p = porteiro("check", "--json", "-", stdin=odd)
    assert p.returncode == 1
    assert len(json.loads(p.stdout)["faults"]) == 2


def test_what_can_not_be_read_is_an_input_error(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        p = porteiro("check", path)
        assert p.returncode == 2 and p.stdout == ""
        assert p.stderr.startswith(f"porteiro check: cannot read the plan {path}: ")


def test_wrong_use_is_told():
    for args in ([], ["--what", "x"], ["a", "b"]):
        p = porteiro("check", *args)
        assert p.returncode == 2 and "usage: porteiro check" in p.stderr
    p = porteiro("check", "--help")
    assert p.returncode == 0 and p.stdout.startswith("usage: porteiro check")


def test_a_full_disk_is_told(tmp_path):
    import subprocess
    from command import PORTEIRO
    with open("/dev/full", "w") as full:
        p = subprocess.run([PORTEIRO, "check", "-"], input=PLAN, text=True, stdout=full,
                           stderr=subprocess.PIPE, timeout=60)
    assert p.returncode == 2 and "can not write" in p.stderr
