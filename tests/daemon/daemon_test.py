# SPDX-License-Identifier: BSD-2-Clause
"""porteirod on a box between a home and the internet: what a person asks of it is so on the wire."""
import json
import os
import random
import signal
import statistics
import subprocess
import threading
import time

import pytest
from box import CLOSED, OPEN, PLAN, PORTEIROD, Box, Watch, box, wait_for  # noqa: F401

ROLES = ["enforce", "engine", "web"]


def closed(box):
    a = box.apply()
    assert a.status == 200, a
    return box


def test_a_plan_is_in_force_when_apply_answers(box):
    box.start()
    assert box.connect() == "open"
    dry = box.request("POST", "/v1/plan?dry_run", CLOSED, {"Content-Type": "application/yaml"})
    assert dry.status == 200 and dry.json["applied"] is False
    assert dry.json["difference"]["v4"]["closed"] == 256
    assert dry.json["difference"]["segments"]["homes"]["closed"] >= 256
    assert box.connect() == "open", "a dry run changes nothing"
    assert closed(box)
    assert box.connect() == "refused"
    assert box.connect("2001:db8:1::10") == "refused"
    assert box.connect(port=465) == box.connect(port=587) == "open"
    assert box.get("/v1/status").json["ruleset"]["closed_v4"] == 256


def test_the_verbs_say_and_do_it(box, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(CLOSED)
    box.start()
    p = box.porteiro("apply", "--dry-run", str(plan))
    assert p.returncode == 0 and "closes 256 addresses" in p.stdout and "Applied" not in p.stdout
    p = box.porteiro("apply", str(plan))
    assert p.returncode == 0 and "Applied as plan" in p.stdout, p
    p = box.porteiro("exception", "add", "192.0.2.11", "--reason", "mail server", "--until", "2030-12-31", "--json")
    added = json.loads(p.stdout)
    assert p.returncode == 0 and added["in_force_ms"] > 0 and added["by"] == "root"
    assert "mail server" in box.porteiro("exception", "list").stdout
    assert box.connect("192.0.2.11") == "open" and box.connect() == "refused"
    assert "an exception lets it" in box.porteiro("why", "192.0.2.11").stdout
    p = box.porteiro("why", "192.0.2.10", "--json")
    assert json.loads(p.stdout)["verdict"] == "reject"
    assert box.porteiro("exception", "remove", str(added["id"])).returncode == 0
    assert box.connect("192.0.2.11") == "refused"
    assert box.porteiro("exception", "remove", str(added["id"])).returncode == 2
    p = box.porteiro("exception", "add", "192.0.2.77/24", "--reason", "x", "--until", "2030-01-01")
    assert p.returncode == 2 and "prefix" in p.stderr and "host bits" in p.stderr
    p = box.porteiro("status")
    assert p.returncode == 0 and "Rede Exemplo" in p.stdout and "256 IPv4" in p.stdout
    counted = json.loads(box.porteiro("counters", "--json").stdout)
    refused = [c for c in counted["classes"] if c["class"].startswith("homes/segment/reject")]
    assert refused and refused[0]["rejected"] > 0
    p = box.porteiro("journal", "--verify")
    assert p.returncode == 0 and "whole" in p.stdout
    assert [e for e in box.journal("exception.add") if e["by"] == "root"]


def test_a_plan_with_faults_changes_nothing_and_names_the_lines(box):
    closed(box.start())
    before = box.get("/v1/status").json["ruleset"]["hash"]
    a = box.apply(CLOSED.replace("192.0.2.0/24", "192.0.2.1/24"))
    assert a.status == 422 and a.json["field"] == "plan" and a.json["faults"][0]["line"] == 8, a
    assert a.headers["Content-Type"] == "application/problem+json"
    assert box.get("/v1/status").json["ruleset"]["hash"] == before
    assert box.connect() == "refused"


def test_an_exception_is_in_force_within_ten_milliseconds(box):
    closed(box.start())
    box.allow("192.0.2.200")  # the first of a class makes room for it
    wait_for(lambda: box.journal("ruleset.compile")[-1]["cause"])
    ms = []
    for n in range(20):
        a = box.allow(f"192.0.2.{100 + n}")
        assert a.status == 201, a
        ms.append(a.json["in_force_ms"])
    assert statistics.median(ms) <= 10, ms
    assert box.allow("192.0.2.11").status == 201
    assert box.connect("192.0.2.11") == "open"
    # Compiled in the background, and the kernel holds just that.
    r = box.post("/v1/reconcile").json
    assert r["ranges"] == r["objects"] == 0, r
    assert not box.events("drift")


def test_an_exception_ends_by_itself(box):
    closed(box.start())
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    a = box.allow("192.0.2.11", until)
    assert a.status == 201 and box.connect("192.0.2.11") == "open"
    wait_for(lambda: box.connect("192.0.2.11") == "refused")
    ended = box.journal("exception.expire")[0]
    assert ended["cause"] == a.json["id"] and ended["by"] == "porteirod"
    assert box.get("/v1/exceptions").json == {"exceptions": []}


def test_open_works_with_the_daemon_dead_and_over_its_restart(box):
    closed(box.start())
    box.stop(signal.SIGKILL)
    assert box.connect() == "refused", "the rules outlive the daemon"
    p = box.porteiro("open", "--all", "--config", box.conf)
    assert p.returncode == 0 and "without the daemon" in p.stdout, p
    assert box.connect() == "open"
    box.start()
    assert box.connect() == "open"
    status = box.get("/v1/status").json
    assert status["open"] is True
    entry = [e for e in box.journal("open") if e["id"] == status["open_entry"]]
    assert entry[0]["by"] == "root"
    p = box.porteiro("resume", "--reason", "all is well")
    assert p.returncode == 0 and box.connect() == "refused"
    assert json.loads(box.journal("resume")[-1]["body"])["reason"] == "all is well"
    box.stop()
    box.start()
    assert box.connect() == "refused" and box.get("/v1/status").json["open"] is False


def test_open_works_where_the_switch_itself_is_gone(box):
    if box.backend != "xdp":
        pytest.skip("the nft switch is part of its table")
    closed(box.start())
    box.stop(signal.SIGKILL)
    for name in os.listdir(box.pins):
        if name.startswith("open"):
            os.unlink(os.path.join(box.pins, name))
    assert box.connect() == "refused"
    p = box.porteiro("open", "--all", "--config", box.conf)
    assert p.returncode == 0, p
    assert box.connect() == "open"


def test_open_through_the_daemon_stays_over_a_restart(box):
    closed(box.start())
    a = box.post("/v1/open", {"reason": "mail breaks"})
    assert a.status == 200 and a.json["open"] and box.connect() == "open"
    assert box.get("/v1/why/192.0.2.10").json["cause"] == "open"
    # A plan applied meanwhile does not close.
    assert box.apply(CLOSED.replace("192.0.2.0/24", "192.0.2.0/25")).status == 200
    assert box.connect() == "open"
    box.stop()
    box.start()
    assert box.connect() == "open"
    assert box.post("/v1/resume").json["changed"] is True
    assert box.connect() == "refused"


def test_resume_with_the_daemon_dead_stays_over_its_restart(box):
    closed(box.start())
    assert box.post("/v1/open", {"reason": "mail breaks"}).status == 200
    box.stop(signal.SIGKILL)
    assert box.connect() == "open"
    p = box.porteiro("resume", "--config", box.conf, "--reason", "não era nós")
    assert p.returncode == 0 and "without the daemon" in p.stdout and box.connect() == "refused", p
    box.start()
    assert box.connect() == "refused" and box.get("/v1/status").json["open"] is False
    entry = box.journal("resume")[-1]
    assert entry["by"] == "root" and json.loads(entry["body"])["reason"] == "não era nós"
    assert entry["cause"] == box.journal("open")[-1]["id"]
    # Of two words the last counts, whatever the store says.
    box.stop(signal.SIGKILL)
    for verb in ("open", "resume", "open"):
        all_ = ["--all"] if verb == "open" else []
        assert box.porteiro(verb, *all_, "--config", box.conf, "--reason", "again").returncode == 0
    box.start()
    assert box.connect() == "open" and box.get("/v1/status").json["open"] is True
    assert json.loads(box.journal("open")[-1]["body"])["reason"] == "again"


def test_restart_and_another_binary_change_nothing_in_force(box, tmp_path):
    closed(box.start())
    assert box.allow("192.0.2.11").status == 201
    watch = Watch(box)
    box.stop()
    box.start()
    newer = tmp_path / "porteirod"
    newer.write_bytes(open(PORTEIROD, "rb").read())
    newer.chmod(0o755)
    # While the old one runs the new one refuses to start, and says why.
    second = box.run("box", str(newer), "--config", box.conf, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1 and "another porteirod" in second.stderr
    box.stop()
    box.start(binary=str(newer))
    assert watch.end() > 10
    assert box.get("/v1/exceptions").json["exceptions"][0]["prefix"] == "192.0.2.11/32"
    assert not box.events("drift")


def test_any_role_may_be_killed_at_any_moment(box):
    closed(box.start())
    assert box.allow("192.0.2.11").status == 201
    watch = Watch(box)
    rng = random.Random(25)
    stop = threading.Event()
    answered = []

    def load():
        n = 0
        while not stop.is_set():
            n += 1
            try:
                a = box.allow(f"192.0.2.{50 + n % 100}")
                answered.append((a.status, f"192.0.2.{50 + n % 100}/32"))
            except OSError:  # the web role was killed while it had this
                pass

    t = threading.Thread(target=load)
    t.start()
    try:
        for n in range(9):
            role = ROLES[n % 3]
            pid = wait_for(lambda: box.role(role))
            time.sleep(rng.random() * 0.3)  # not a wait for anything: a random moment
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: box.role(role) not in (None, pid))
    finally:
        stop.set()
        t.join()
    wait_for(box.answers)
    assert watch.end() > 20
    assert {s for s, _ in answered} <= {201, 502, 503}, answered
    # Whatever was answered with "in force" is kept and in force; nothing differs from the kernel.
    kept = {x["prefix"] for x in box.get("/v1/exceptions").json["exceptions"]}
    assert {p for s, p in answered if s == 201} <= kept
    r = box.post("/v1/reconcile").json
    assert r["ranges"] == r["objects"] == 0, r
    assert box.porteiro("journal", "--verify").returncode == 0
    # The journal decides the same again, from the first plan to the last exception.
    box.stop()
    p = box.run("box", PORTEIROD, "--config", box.conf, "--replay", capture_output=True, text=True, timeout=60)
    assert p.returncode == 0 and "all the same" in p.stdout, p


def test_the_parent_may_be_killed(box):
    closed(box.start())
    assert box.allow("192.0.2.11").status == 201
    watch = Watch(box)
    box.stop(signal.SIGKILL)
    box.start()
    assert watch.end() > 5
    assert not box.events("drift")


def test_what_somebody_else_changed_is_found_and_put_right(box):
    closed(box.start())
    assert box.connect() == "refused"
    box.tamper()
    # The xdp filter hears of its interface and may be faster than we are.
    p = box.porteiro("reconcile")
    assert p.returncode == 0 and (box.backend == "xdp" or "Put right" in p.stdout), (p, box.logged())
    assert box.connect() == "refused"
    found = box.journal("drift.find")[-1]
    assert json.loads(found["body"])["ranges"] + json.loads(found["body"])["objects"] > 0
    assert box.journal("drift.repair")[-1]["cause"] == found["id"]
    counts = box.get("/v1/counters").json["daemon"]
    assert counts["drifts"] == counts["repairs"] == 1


def test_of_two_applies_that_saw_the_same_one_is_refused(box):
    closed(box.start())
    seen = box.get("/v1/status").json["ruleset"]["hash"]
    plans = [CLOSED.replace("192.0.2.0/24", f"192.0.2.0/{n}") for n in (25, 26)]
    got = []

    def go(plan):
        got.append(box.apply(plan, **{"If-Match": f'"{seen}"'}).status)

    threads = [threading.Thread(target=go, args=(p,)) for p in plans]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == [200, 412]
    assert len(box.journal("plan.apply")) == 2
    # Without If-Match both are done, one after the other, each journalled with its effect.
    threads = [threading.Thread(target=lambda p=p: got.append(box.apply(p).status)) for p in plans]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got[2:] == [200, 200]
    assert len(box.journal("plan.apply")) == len(box.journal("effect.load")) == 4
    last = json.loads(box.journal("plan.apply")[-1]["body"])["after"]
    assert box.get("/v1/status").json["ruleset"]["hash"] == last


def test_a_full_disk_changes_nothing_but_opening_still_works(box):
    os.mkdir(box.state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", box.state], check=True)
    closed(box.start())
    statuses = []
    fill = os.path.join(box.state, "fill")
    fd = os.open(fill, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(fd, b"x" * 4096)
    except OSError:
        os.close(fd)
    before = box.get("/v1/status").json
    for n in range(200):
        a = box.allow(f"192.0.2.{20 + n % 200}", reason="r" * 150)
        statuses.append(a.status)
        if a.status == 507:
            break
    assert statuses[-1] == 507 and set(statuses[:-1]) <= {201}, statuses
    assert a.json["type"] == "urn:porteiro:problem:full"
    refused = f"192.0.2.{20 + n % 200}"
    assert box.get(f"/v1/why/{refused}").json["verdict"] == "reject"
    r = box.post("/v1/reconcile").json
    assert r["ranges"] == r["objects"] == 0, r
    assert box.apply(OPEN).status == 507
    assert box.connect() == "refused" and box.get("/v1/status").json["plan"] == before["plan"]
    a = box.post("/v1/open", {"reason": "the disk is full"})
    assert a.status == 200 and a.json["journalled"] is False and box.connect() == "open"
    os.unlink(fill)
    assert box.post("/v1/resume").status == 200 and box.connect() == "refused"
    assert box.porteiro("journal", "--verify").returncode == 0


def test_a_damaged_store_stops_the_engine_and_not_the_filter(box):
    closed(box.start())
    box.stop()
    db = os.path.join(box.state, "porteiro.db")
    good = open(db, "rb").read()
    with open(db, "r+b") as f:
        f.seek(0)
        f.write(b"not a database, whatever it was before" * 200)
    box.start(wait=False)
    a = wait_for(lambda: os.path.exists(box.socket) and "store" in box.get("/v1/status").body and box.get("/v1/status"))
    assert a.status == 503 and "store" in a.json["detail"], a
    assert box.events("store-refused")
    assert box.connect() == "refused", "what is in force stays in force"
    p = box.porteiro("open", "--all", "--config", box.conf)
    assert p.returncode == 0 and box.connect() == "open"
    with open(db, "wb") as f:
        f.write(good)
    wait_for(box.answers)
    assert box.get("/v1/status").json["open"] is True


def test_a_changed_journal_is_noticed(box):
    closed(box.start())
    for n in range(3):
        box.allow(f"192.0.2.{30 + n}")
    box.stop()
    import sqlite3
    db = sqlite3.connect(os.path.join(box.state, "porteiro.db"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("UPDATE journal SET by = 'nobody' WHERE kind = 'plan.apply'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM journal WHERE id = 2")
    db.execute("DROP TRIGGER journal_is_append_only_update")
    db.execute("UPDATE journal SET by = 'nobody' WHERE kind = 'plan.apply'")
    db.commit()
    db.close()
    box.start()
    p = box.porteiro("journal", "--verify")
    assert p.returncode == 1 and "NOT whole at entry 2" in p.stdout, p


def test_a_reload_is_a_transaction(box, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(CLOSED)
    os.chmod(tmp_path, 0o755)
    box.write_conf(f"plan = {plan}\n")
    box.start(wait=False)
    wait_for(lambda: box.events("reloaded"))
    assert box.connect() == "refused", "the first start applies the plan that is configured"
    assert box.journal("plan.apply")[0]["by"] == "reload"

    def reload(event):
        n = len(box.events(event))
        box.parent.send_signal(signal.SIGHUP)
        wait_for(lambda: len(box.events(event)) > n)
        return box.events(event)[-1]

    plan.write_text(CLOSED.replace("192.0.2.0/24", "192.0.2.300/24"))
    assert "192.0.2.300" in reload("reload-refused") and box.connect() == "refused"
    plan.write_text(OPEN)
    box.write_conf(f"plan = {plan}\nlog = loud\n")
    assert "loud" in reload("reload-refused") and box.connect() == "refused"
    box.write_conf(f"plan = {plan}\nsocket_group = daemon\n")
    said = reload("reload-refused")
    assert "socket_group" in said and box.connect() == "refused"
    box.write_conf(f"plan = {plan}\n")
    reload("reloaded")
    assert box.connect() == "open"


def test_roles_hold_no_more_than_they_need(box):
    closed(box.start())
    net_admin, bpf, perfmon = 12, 39, 38
    may = {"web": 0, "engine": 0,
           "enforce": 1 << net_admin | (1 << bpf | 1 << perfmon if box.backend == "xdp" else 0)}
    for role in ROLES:
        with open(f"/proc/{box.role(role)}/status", encoding="ascii") as f:
            status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        for kind in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"):
            assert int(status[kind], 16) & ~may[role] == 0, (role, kind, status[kind])
        assert status["Uid"].split()[0] == "65534", role
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", role


def test_an_interface_may_come_and_go(box):
    if box.backend != "xdp":
        pytest.skip("the nft table stands at no interface")
    closed(box.start())
    assert box.connect() == "refused"
    box.ip("link", "del", "sub0", ns="box")
    box.ip("link", "add", "sub0", "netns", box.ns["box"], "type", "veth", "peer", "name", "eth0", "netns",
           box.ns["home"])
    for ns, link, v4 in (("home", "eth0", "192.0.2.10/24"), ("box", "sub0", "192.0.2.1/24")):
        box.ip("addr", "add", v4, "dev", link, ns=ns)
        box.ip("link", "set", link, "up", ns=ns)
    box.ip("route", "add", "default", "via", "192.0.2.1", ns="home")
    wait_for(lambda: box.connect(port=587) == "open")
    wait_for(lambda: box.connect() == "refused")


def test_the_socket_belongs_to_its_group(box):
    box.write_conf("socket_group = daemon\n")
    box.start()
    st = os.stat(box.socket)
    assert st.st_mode & 0o777 == 0o660
    import grp
    assert st.st_gid == grp.getgrnam("daemon").gr_gid
    a = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=daemon", "curl", "-sS",
                        "--unix-socket", box.socket, "--json", '{"reason":"by hand"}', "http://x/v1/open"],
                       capture_output=True, text=True, timeout=30)
    assert json.loads(a.stdout)["open"] is True, a
    assert box.journal("open")[-1]["by"] == "nobody"
    a = subprocess.run(["setpriv", "--reuid=daemon", "--regid=nogroup", "--clear-groups", "curl", "-sS",
                        "--unix-socket", box.socket, "http://x/v1/status"], capture_output=True, text=True, timeout=30)
    assert a.returncode != 0 and not a.stdout
