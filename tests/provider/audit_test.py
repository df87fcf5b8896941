# SPDX-License-Identifier: BSD-2-Clause
"""porteiro audit: for each check a provider that fails it and nothing else."""
import concurrent.futures
import csv
import io
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

import pytest

import mailhost

PORTEIRO = os.environ["PORTEIRO"]

# What is wrong there → which check says so, and how. Everything else must stay as it is on a good one.
FAULTS = {
    "silent": ({"reach587": "failed"}, None),  # the rest can not be looked at
    "nostarttls": ({"starttls587": "failed"}, None),
    "badstarttls": ({"starttls587": "failed"}, None),
    "authclear": ({"authclear": "failed"}, {}),
    "authclearhidden": ({"authclear": "failed"}, {}),
    "noauth587": ({"noauth587": "failed", "relay": "failed"}, {}),
    "openrelay": ({"relay": "failed"}, {}),
    "percent": ({"relay": "failed"}, {}),
    "quoted": ({"relay": "failed"}, {}),
    "route": ({"relay": "failed"}, {}),
    "spoofrelay": ({"relay": "failed"}, {}),
    "relay465": ({"relay": "failed"}, {}),
    "catchall": ({}, {}),  # every user of the domain is taken: no relay
    "localauth": ({"localauth": "failed"}, {}),
    "clear465": ({"implicit465": "failed"}, None),
    "noauth465": ({"auth465": "failed"}, {}),
    "mechs465": ({"auth465": "failed"}, {}),
    "auth25": ({"auth25": "failed"}, {}),
    "auth25tls": ({"auth25": "failed"}, {}),
    "localfrom25": ({"localfrom25": "warned"}, {}),
    "expired": ({"cert": "failed"}, {}),
    "soon": ({"cert": "warned"}, {}),
    "wrongname": ({"cert": "failed"}, {"ehloname": "warned"}),
    "shortkey": ({"cert": "failed"}, {}),
    "sha1": ({"cert": "failed"}, {}),
    "oldtls": ({"tlsold": "failed"}, {}),
    "no13": ({"tlsold": "warned"}, {}),
    "anon": ({"ciphers": "warned"}, {}),
    "inject": ({"inject": "failed"}, {}),
    "starttlsagain": ({"reset": "failed"}, {}),
    "CRAM-MD5": ({"mechs": "warned"}, {}),
    "ANONYMOUS": ({"mechs": "failed"}, {}),
    "noplain": ({"mechs": "failed"}, None),
    "anypass": ({"wrongpass": "failed"}, None),
    "fastwrong": ({"wrongpass": "warned"}, {}),
    "wrongcode": ({"wrongpass": "failed", "utf8auth": "warned"}, {}),
    "telltale": ({"wrongpass": "failed"}, {}),
    "cancel": ({"authrules": "failed"}, {}),
    "base64": ({"authrules": "failed"}, {}),
    "authtwice": ({"authrules": "failed"}, {}),
    "noenhanced": ({"enhanced": "warned"}, {}),
    "notsaid": ({"enhanced": "warned"}, {}),
    "nosize": ({"size": "failed"}, {}),
    "size0": ({"size": "failed"}, {}),
    "sizeignored": ({"size": "failed"}, {}),
    "nopipelining": ({"extensions": "warned"}, {}),
    "ehloname": ({"ehloname": "warned"}, {}),
    "anysender": ({"sender": "warned"}, {}),
    "smuggle": ({"smuggling": "failed"}, {}),
    "idle": ({"idle": "warned"}, {}),
    "nosrv": ({"srv": "failed"}, {}),
    "nosubmissions": ({"srv": "warned"}, {}),
    "srvorder": ({"srv": "warned"}, {}),
    "srv25": ({"srv": "failed"}, {}),
    "srvsmtp": ({"srv": "failed"}, {}),
    "noautoconfig": ({"autoconfig": "failed"}, {"help": "skipped"}),
    "autoconfig25": ({"autoconfig": "failed"}, {}),
    "autoconfigplain": ({"autoconfig": "failed"}, {}),
    "autoconfigdead": ({"autoconfig": "failed"}, {}),
    "autoconfigxml": ({"autoconfig": "failed"}, {"help": "skipped"}),
    "noautodiscover": ({"autodiscover": "warned"}, {}),
    "spa": ({"autodiscover": "warned"}, {}),
    "applepassword": ({"mobileconfig": "warned"}, {}),
    "help25": ({"help": "warned"}, {}),
    "helpempty": ({"help": "warned"}, {}),
    "no6": ({"parity": "warned"}, {}),
    "parity": ({"parity": "warned"}, {"auth465": None}),
    "vrfy": ({"disclosure": "warned"}, {}),
    "disclosure": ({"disclosure": "noted"}, {}),
    "utf8": ({"utf8auth": "warned"}, {}),
    "norcpt": ({"arrives": "failed", "smuggling": "skipped"}, {}),
}
BAD_CERTS = {"expired": {"days": 1}, "soon": {"days": 5}, "wrongname": {"names": ["other.example"]}, "shortkey": {"bits": 1024},
             "sha1": {"digest": "sha1"}}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    d = tmp_path_factory.mktemp("certs")
    (d / "password").write_text(mailhost.PASSWORD + "\n")
    return d


@pytest.fixture(scope="session")
def certs(folder):
    return mailhost.certificates(folder)


def audit(host, folder, *more, login=True, name=mailhost.HOST, timeout=60):
    args = [PORTEIRO, "audit", name, "--domain", mailhost.DOMAIN, "--ca", folder / "root.pem", "--resolver",
            f"{mailhost.ADDRESS}:{host.port['dns']}", "--https-port", host.port["https"],
            "--mobileconfig", f"https://{mailhost.DOMAIN}:{host.port['https']}/mail.mobileconfig"]
    for n in "25", "465", "587":
        args += [f"--port{n}", host.port[n]]
    if login:
        args += ["--user", mailhost.USER, "--password-file", folder / "password"]
    return subprocess.run([str(a) for a in [*args, *more]], text=True, capture_output=True, timeout=timeout)


def checks(p):
    assert p.returncode in (0, 1), p.stderr
    return {c["id"]: c for c in json.loads(p.stdout)["checks"]}


@pytest.fixture(scope="session")
def all_results(folder, certs):
    """Every provider audited, several at a time: they wait more than they work."""
    bad = {f: mailhost.certificates(folder, name=f, **kw) for f, kw in BAD_CERTS.items()}

    def one(fault):
        more = ["--now", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3 * 86400))] if fault == "expired" else []
        with mailhost.MailHost(certs, fault, bad.get(fault)) as host:
            return checks(audit(host, folder, "--json", "--timeout", "20", *more))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        names = [None, *FAULTS]
        return dict(zip(names, pool.map(one, names)))


def test_a_good_provider_is_good(all_results):
    statuses = {i: c["status"] for i, c in all_results[None].items()}
    assert len(statuses) == 40 and sorted(c["number"] for c in all_results[None].values()) == list(range(1, 41))
    assert {i for i, s in statuses.items() if s not in ("passed", "noted")} == {"headers", "received"}
    assert {i for i, s in statuses.items() if s == "noted"} == {"idle", "pacc", "dane", "vantage"}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_and_only_it(all_results, fault):
    wanted, others = FAULTS[fault]
    good, now = all_results[None], all_results[fault]
    for check, status in wanted.items():
        assert now[check]["status"] == status, now[check]
        assert now[check]["seen"]
        if status in ("failed", "warned"):
            assert now[check]["source"] and now[check]["fix"], check
    if others is None:  # the fault hides other checks: they may be skipped, not failed for another reason
        return
    changed = {i: c["status"] for i, c in now.items() if i not in wanted and c["status"] != good[i]["status"]}
    assert {i: s for i, s in changed.items() if others.get(i, "no") not in (s, None)} == {}, \
        {i: now[i]["seen"] for i in changed}


def test_every_check_that_can_fail_from_outside_does_in_some_test():
    unreachable = {"close", "headers", "received", "pacc", "dane", "vantage"}
    with open(os.path.join(os.environ["PORTEIRO_SRC"], "src/model/audit_checks.def"), encoding="utf-8") as f:
        ids = {line.split("(")[1].split(",")[0].lower() for line in f if line.startswith("CHECK(")}
    assert len(ids) == 40
    assert ids - {c for w, _ in FAULTS.values() for c in w} <= unreachable


def test_no_message_without_a_login_and_one_with(folder, certs):
    with mailhost.MailHost(certs) as host:
        good = checks(audit(host, folder, "--json", login=False))
        assert not host.messages
        assert good["smuggling"]["status"] == "skipped" and "--user" in good["smuggling"]["seen"]
        audit(host, folder, "--json")
        assert len(host.messages) == 2  # one for each address, to the user's own mailbox
        assert b"porteiro audit" in host.messages[0]


def test_grades(folder, certs):
    grades = {}
    for fault in None, "openrelay", "size0":
        with mailhost.MailHost(certs, fault) as host:
            p = audit(host, folder, "--json", login=False)
            grades[fault] = json.loads(p.stdout)["grade"]
            assert p.returncode == (0 if fault is None else 1)
    assert grades == {None: "A", "openrelay": "F", "size0": "C"}


def test_the_other_forms(folder, certs):
    with mailhost.MailHost(certs, "auth25") as host:
        text = audit(host, folder, login=False).stdout
        assert "FAIL   9  Port 25 offers no login" in text and "smtpd_sasl_auth_enable = no" in text and "RFC 8314" in text
        junit = ET.fromstring(audit(host, folder, "--junit", login=False).stdout)
        assert junit.get("tests") == "40" and junit.get("failures") == "1"
        assert len(junit.findall("testcase")) == 40
        assert "offers AUTH" in junit.find("testcase/failure").get("message")
        page = audit(host, folder, "--html", login=False).stdout
        assert "<script" not in page and "Grade C" in page and "OpenSMTPD" in page
        ET.fromstring(page.split("\n", 1)[1].replace('<meta charset="utf-8">', "").replace(
            '<meta name="viewport" content="width=device-width, initial-scale=1">', ""))


def test_a_league(folder, certs):
    """A good one, one that does not exist, and a name that would be a formula in a spreadsheet."""
    with mailhost.MailHost(certs) as host:
        (folder / "batch").write_text(
            f"# providers\nnone.invalid - =cmd()\n\n{mailhost.HOST} {mailhost.DOMAIN} Provedor \"Um\" <b>\n")
        args = [PORTEIRO, "audit", "--batch", folder / "batch", "--ca", folder / "root.pem", "--https-port", host.port["https"],
                "--resolver", f"{mailhost.ADDRESS}:{host.port['dns']}"]
        for n in "25", "465", "587":
            args += [f"--port{n}", host.port[n]]

        def league(how):
            return subprocess.run([str(a) for a in [*args, how]], text=True, capture_output=True, timeout=60)
        rows = list(csv.DictReader(io.StringIO(league("--csv").stdout)))
        assert [r["grade"] for r in rows] == ["A", "-"]
        assert rows[0]["provider"] == 'Provedor "Um" <b>' and rows[1]["provider"] == "'=cmd()"
        assert "no address" in rows[1]["note"]
        page = league("--html").stdout
        assert "Provedor &quot;Um&quot; &lt;b&gt;" in page
        many = json.loads(league("--json").stdout)
        assert many[0]["grade"] == "A" and many[1]["error"]
    p = subprocess.run([PORTEIRO, "audit", "--batch", folder / "none"], text=True, capture_output=True)
    assert p.returncode == 2 and "cannot read" in p.stderr


class Hostile:
    """One listener for all three ports; `talk` gets the connection."""

    def __init__(self, talk):
        self.talk, self.count, self.stop = talk, 0, False

    def __enter__(self):
        self.s = socket.socket()
        self.s.bind((mailhost.ADDRESS, 0))
        self.s.listen(64)
        self.port = self.s.getsockname()[1]
        threading.Thread(target=self.loop, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.s.close()

    def loop(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        try:
            self.talk(self, c)
        except OSError:
            pass
        finally:
            c.close()


def endless_banner(h, c):
    while not h.stop:
        c.sendall(b"220-" + b"x" * 500 + b"\r\n")


def endless_line(h, c):
    while not h.stop:
        c.sendall(b"2" * 65536)


def huge_ehlo(h, c):
    c.sendall(b"220 x.example ESMTP\r\n")
    c.recv(1000)
    while not h.stop:
        c.sendall(b"250-X" + b"y" * 300 + b"\r\n")


def slow_drip(h, c):
    for b in b"220 x.example ESMTP" * 100:
        c.sendall(bytes([b]))
        time.sleep(0.2)


def tls_garbage(h, c):
    c.sendall(b"220 x.example\r\n")
    c.recv(1000)
    c.sendall(b"250-x.example\r\n250 STARTTLS\r\n")
    while c.recv(1000):
        c.sendall(b"220 go\r\n" + os.urandom(3000))


def not_smtp(h, c):
    c.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")


def binary(h, c):
    c.sendall(os.urandom(5000).replace(b"\0", b"\r\n\0"))


def hang_up(h, c):
    pass


def never_ending_auth(h, c):
    c.sendall(b"220 x.example\r\n")
    while c.recv(1000):
        c.sendall(b"334 AAAA\r\n")


@pytest.mark.parametrize("talk", [endless_banner, endless_line, huge_ehlo, slow_drip, tls_garbage, not_smtp, binary, hang_up,
                                  never_ending_auth], ids=lambda t: t.__name__)
def test_a_hostile_server_is_survived_in_bounded_time_and_connections(talk):
    with Hostile(talk) as h:
        began = time.monotonic()
        p = subprocess.run([PORTEIRO, "audit", mailhost.ADDRESS, "--json", "--timeout", "6", *[
            a for n in ("25", "465", "587") for a in (f"--port{n}", str(h.port))]], capture_output=True, timeout=40)
        took = time.monotonic() - began
    assert p.returncode == 1, p.stderr
    report = json.loads(p.stdout)
    assert report["grade"] == "F" and took < 25, took
    assert h.count <= 11
    assert len(p.stdout) < 60000


def test_bad_usage_says_what_is_wrong(tmp_path):
    for args, says in [
        (["audit"], "give one host"), (["audit", "a b"], "blanks or brackets"), (["audit", "h\r\nRCPT"], "blanks"),
        (["audit", "h", "--port587", "0"], "not a number"), (["audit", "h", "--user", "u"], "needs --password-file"),
        (["audit", "h", "--csv"], "goes with --batch"), (["audit", "h", "--relay", "nobody"], "not an address"),
        (["audit", "h.invalid", "--resolver", "nonsense"], "not a resolver"), (["audit", "h", "--ca", "/nonexistent"], ""),
        (["audit", "h", "--password-file", "x"], "needs --user"), (["audit", "h", "--from", "a<b>"], "brackets"),
        (["audit", "127.0.0.2", "--ca", "/nonexistent"], "trusted certificates"),
    ]:
        p = subprocess.run([PORTEIRO, *args], text=True, capture_output=True, timeout=30)
        assert p.returncode == 2 and says in p.stderr, (args, p.stderr)
