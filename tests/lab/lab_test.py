# SPDX-License-Identifier: BSD-2-Clause
"""The whole lab under a name of its own: every cell of its table, its figures, that nothing
leaves it and nothing stays behind."""
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
MUST = set(os.environ.get("PORTEIRO_MUST_RUN", "").split(","))
NAME = f"lab-test-{os.getpid()}"
WHO = ("ana", "bento", "padaria", "carla")
HOMES = ("ana", "bento", "carla")
STAGES = ["before", "closed", "exception", "daemon dead", "open --all", "resume"]
SPACES = ("box", "internet", "correio", "ponto") + WHO


def lab(what, *args, name=NAME, **kw):
    return subprocess.run([PORTEIRO, "lab", what, "--name", name, *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=240, **kw)


if os.geteuid() != 0:
    reason = "needs root, for network namespaces and BPF"
    print(reason)
    pytest.exit(reason, returncode=1 if MUST & {"bpf", "net"} else 77)


def traces(name):
    """What a lab leaves on the machine."""
    places = [("/run/netns", f"{name}-*"), ("/etc/netns", f"{name}-*"), ("/run", name), ("/sys/fs/bpf", name)]
    return [str(p) for folder, glob in places for p in pathlib.Path(folder).glob(glob)]


@pytest.fixture(scope="module")
def story():
    done = lab("up", "--json")
    try:
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        yield json.loads(done.stdout)
    finally:
        lab("down")


def refused(stage, who):
    """Who must be refused port 25 at a stage."""
    return {
        "before": False, "open --all": False,
        "closed": who in HOMES, "resume": who in ("bento", "carla"),
        "exception": who in ("bento", "carla"), "daemon dead": who in ("bento", "carla"),
    }[stage]


def test_stages_in_order(story):
    assert [s["stage"] for s in story["stages"]] == STAGES


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("who", WHO)
def test_cells(story, stage, who):
    """Port 25 as the policy says, at once; 465 and 587 always deliver; both families."""
    sessions = [o for s in story["stages"] if s["stage"] == stage for o in s["sessions"] if o["who"] == who]
    assert {(o["family"], o["port"]) for o in sessions} == {(f, p) for f in ("v4", "v6") for p in (25, 465, 587)}
    for o in sessions:
        want = "refused" if o["port"] == 25 and refused(stage, who) else "delivered"
        assert o["result"] == want, o
        if want == "refused":
            assert o["ms"] < 900, "a refusal comes at once, not after a retransmission"


def test_mail_is_in_the_mailboxes(story):
    """As many messages lie in the two mailboxes as sessions say they delivered."""
    said = sum(o["result"] == "delivered" for s in story["stages"] for o in s["sessions"])
    probes = len(WHO)  # after the restart, by IPv4 to port 25
    boxes = [pathlib.Path("/run", NAME, p, "mail/caixa/new") for p in ("correio", "ponto")]
    assert sum(len(list(b.iterdir())) for b in boxes) == said + probes
    assert all(any(b.iterdir()) for b in boxes)


def test_authenticated(story):
    """What came by 465 and 587 was let through for a customer's name, checked by Dovecot, under TLS."""
    log = "".join(pathlib.Path("/run", NAME, p, "mail.log").read_text() for p in ("correio", "ponto"))
    by_auth = sum("sasl_username=" in l and "sasl_method=PLAIN" in l for l in log.splitlines())
    said = sum(o["port"] != 25 for s in story["stages"] for o in s["sessions"])
    assert by_auth == said


def test_figures(story):
    f = story["figures"]
    assert f["killed"] >= 3, "parent, enforce and engine at least"
    assert f["open_after_restart"] is True
    assert all(0 < f[name] < 5000 for name in ("exception_ms", "exception_api_ms", "open_ms"))


def test_the_bot_is_counted(story):
    bot = story["figures"]["bot"]
    assert bot["attempts"] == 500
    assert bot["ends"] == {"refused": 500}
    assert bot["counted"] == 500


def test_no_way_out(story):
    """Every interface of the lab is loopback or a wire to another of its namespaces, and what is not
    addressed to the lab has no route."""
    ids = {}
    for s in SPACES:
        links = json.loads(subprocess.check_output(["ip", "-n", f"{NAME}-{s}", "-d", "-j", "link"]))
        known = {n["nsid"]: n["name"] for n in
                 json.loads(subprocess.check_output(["ip", "-n", f"{NAME}-{s}", "-j", "netns", "list-id"]) or "[]")
                 if "name" in n}
        ids[s] = known
        for l in links:
            if l["ifname"] == "lo":
                continue
            assert l["linkinfo"]["info_kind"] == "veth", l
            assert known.get(l["link_netnsid"], "").startswith(NAME + "-"), f"{s} {l['ifname']} leads out of the lab"
    for s in SPACES:
        for address in ("9.9.9.9", "2620:fe::fe"):
            probe = subprocess.run(["ip", "netns", "exec", f"{NAME}-{s}", "python3", "-c",
                                    "import socket,sys; socket.create_connection((sys.argv[1], 53), 2)", address],
                                   capture_output=True, text=True)
            assert "unreachable" in probe.stderr.lower() or "no route" in probe.stderr.lower(), (s, probe.stderr)


def test_show(story):
    """show repeats what is in force now, as JSON and as a table."""
    now = json.loads(lab("show", "--json").stdout)
    assert now["daemon"] is True
    by_port_25 = {o["who"]: o["result"] for o in now["now"] if o["port"] == 25}
    assert by_port_25 == {"ana": "delivered", "bento": "refused", "padaria": "delivered", "carla": "refused"}
    text = lab("show").stdout
    assert "Bento, at home" in text and "refused" in text and "\033[" not in text


def test_down_leaves_nothing(story):
    """Last: it takes the lab away."""
    assert traces(NAME)
    done = lab("down", "--json")
    assert json.loads(done.stdout) == {"lab": NAME, "removed": True}
    assert traces(NAME) == []
    assert lab("show").returncode == 1


def test_interrupted():
    """Ctrl-C in the middle of building takes down what was built so far."""
    name = NAME + "-i"
    p = subprocess.Popen([PORTEIRO, "lab", "up", "--name", name], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while not pathlib.Path("/run/netns", f"{name}-ponto").exists():
            assert p.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
        assert p.returncode == 2 and "taken down" in err
        assert traces(name) == []
    finally:
        p.kill()
        p.wait()
        lab("down", name=name)


@pytest.mark.parametrize("args", [["sideways"], ["up", "--name", "../x"], ["up", "--name", "A"], []])
def test_usage(args):
    done = subprocess.run([PORTEIRO, "lab", *args], capture_output=True, text=True)
    assert done.returncode == 2 and "usage: porteiro lab" in done.stderr
