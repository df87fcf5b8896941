# SPDX-License-Identifier: BSD-2-Clause
"""What subscribers see of each mode, over real TCP: one table of rows for both filters."""
import pytest

from box import RELAY, SEGMENTS, WORLD, Nft, Xdp, home, plan
from net import attempt, attempts, connect, need, says

REFUSALS = {"reject": "refused", "drop": "silent", "monitor": "open", "off": "open"}


@pytest.fixture(params=["nft", "nft-prerouting", "xdp"])
def closed(request, network, tmp_path):
    """A filter that is loaded, with .3 of segment 1 and 2 excepted."""
    kind = request.param
    if kind == "xdp":
        if network.box.run("sh", "-c", "findmnt -n /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf", check=False).returncode:
            need("bpf")
        f = Xdp(network, tmp_path)
    else:
        f = Nft(network, tmp_path, place=kind.replace("nft-", "") if "-" in kind else "forward")
        f.plan(plan())
    try:
        # Sessions that ran before anything was closed.
        f.running = {(m, v): connect(network.home, home(v, m), WORLD[v], 25) for m in (1, 2, 5, 6) for v in (4, 6)}
        f.load(exceptions=[home(v, m, 3) for m in (1, 2) for v in (4, 6)])
        yield f
    finally:
        for s in getattr(f, "running", {}).values():
            s.close()
        f.close()
        network.box.run("nft", "flush", "ruleset")


def check(network, rows):
    answers = attempts(network.home, [r[:3] for r in rows])
    wrong = [(r, a) for r, a in zip(rows, answers) if a != r[3]]
    assert not wrong


def test_port_25_by_mode_and_nothing_else(network, closed):
    rows = []
    for v in (4, 6):
        for m, mode, _, _ in SEGMENTS:
            rows.append((home(v, m), WORLD[v], 25, REFUSALS[mode]))
            rows.append((home(v, m), RELAY[v], 25, "open"))
            rows.append((home(v, m), WORLD[v], 465, "open"))
            rows.append((home(v, m), WORLD[v], 587, "open"))
        rows += [(home(v, m, 3), WORLD[v], 25, "open") for m in (1, 2)]
    check(network, rows)


def test_running_sessions_end_in_peace_unless_strict(closed):
    for v in (4, 6):
        for m, want in ((1, "talks"), (2, "talks"), (5, "reset"), (6, "silent")):
            assert says(closed.running[m, v]) == want, (m, v)


def test_inbound_is_a_switch_of_its_own(network, closed):
    rows = [(WORLD[v], home(v, m), 25, REFUSALS[inbound]) for v in (4, 6) for m, _, _, inbound in SEGMENTS]
    rows += [(WORLD[v], home(v, m), 587, "open") for v in (4, 6) for m, *_ in SEGMENTS]
    answers = attempts(network.world, [r[:3] for r in rows])
    assert not [(r, a) for r, a in zip(rows, answers) if a != r[3]]


def test_everything_opens_and_closes_again(network, closed):
    rows = [(home(v, m), WORLD[v], 25) for v in (4, 6) for m in (1, 2, 5, 6)]
    closed.open()
    assert set(attempts(network.home, rows)) == {"open"}
    closed.load(exceptions=[])  # a load does not close what a person has opened
    assert set(attempts(network.home, rows)) == {"open"}
    closed.resume()
    assert "open" not in attempts(network.home, rows)


def test_an_exception_comes_and_goes_with_a_load(network, closed):
    closed.load(exceptions=[])
    assert attempt(network.home, home(4, 1, 3), WORLD[4]) == "refused"
    closed.load(exceptions=[home(4, 1, 3)])
    assert attempt(network.home, home(4, 1, 3), WORLD[4]) == "open"
    assert attempt(network.home, home(4, 1, 2), WORLD[4]) == "refused"
