# SPDX-License-Identifier: BSD-2-Clause
"""porteiro audit against real Postfix, Exim, Dovecot submission and OpenSMTPD, set up well and set up wrongly.

Each in namespaces of its own (realhost.py), so it needs root. What is wrong on purpose must be found; everything
else must be as it is on the same server set up well.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

import mailhost

HERE = pathlib.Path(__file__).parent
MUST = "net" in os.environ.get("PORTEIRO_MUST_RUN", "").split(",")

# How a server is set up wrongly → what the audit must say. Names are realhost.py's.
WRONG = {
    "postfix": {
        "authclear": {"authclear": "failed"},
        "barelf": {"smuggling": "failed"},
        "openrelay": {"relay": "failed"},
        "auth25": {"auth25": "failed"},
        "nosize": {"size": "failed"},
        "oldtls": {"tlsold": "failed"},
        "anon": {"ciphers": "warned"},
        "localfrom25": {"localfrom25": "warned"},
        "noauth587": {"localauth": "failed"},
        "anysender": {"sender": "warned"},
        "starttls465": {"implicit465": "failed"},
        "nostarttls": {"starttls587": "failed"},
    },
    "exim": {
        "authclear": {"authclear": "failed"},
        "openrelay": {"relay": "failed"},
        "auth25": {"auth25": "failed"},
        "noauth587": {"localauth": "failed"},
        "starttls465": {"implicit465": "failed"},
    },
    "dovecot": {"authclear": {"authclear": "failed"}},
    "opensmtpd": {"openrelay": {"relay": "failed"}},
}
# What these servers do not do, however they are set up.
KNOWN = {
    "postfix": {},
    "exim": {"enhanced": "warned", "wrongpass": "warned"},
    # No DSN, no sender check of its own; 2.3.19 ends a message at LF . CRLF (mended in 2.3.21).
    "dovecot": {"extensions": "warned", "sender": "warned", "smuggling": "failed"},
}
# Without DNS and a web server there is nothing to be found there.
ELSEWHERE = {"srv", "autoconfig", "autodiscover", "mobileconfig", "pacc", "help", "dane", "vantage", "parity", "idle", "close",
             "headers", "received", "disclosure"}
# These vary with what an unrelated fault hides.
HIDDEN_BY = {"nostarttls": None, "starttls465": {"auth465", "ciphers", "relay", "localauth"}, "authclear": {"mechs"},
             "oldtls": {"ciphers"}, "anon": {"tlsold"}, "noauth587": {"sender"},
             "openrelay": {"smuggling"}}  # Postfix lets its own networks end messages as they like


def unpacked(folder, package):
    """A Debian package's files, without installing it."""
    out = folder / package
    if not out.exists():
        p = subprocess.run(["apt-get", "download", "-q", package], cwd=folder, capture_output=True, text=True)
        debs = list(folder.glob(f"{package}_*.deb"))
        if not debs:
            return f"cannot download {package}: {p.stderr.strip()[-200:]}"
        subprocess.run(["dpkg", "-x", debs[0], out], check=True)
    return None


def lacking():
    if os.geteuid() != 0:
        return "needs root"
    p = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True)
    return f"no namespaces: {p.stderr.strip()}" if p.returncode else None


@pytest.fixture(scope="session")
def results(request):
    reason = lacking()
    if reason:
        pytest.fail(reason) if MUST else pytest.skip(reason)
    # Servers read this as users of their own; pytest's folders are root's alone.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="porteiro-servers-"))
    request.addfinalizer(lambda: shutil.rmtree(folder, ignore_errors=True))
    folder.chmod(0o755)
    certs = mailhost.certificates(folder)
    missing = {"exim": unpacked(folder, "exim4-daemon-light"), "opensmtpd": unpacked(folder, "opensmtpd")}

    def one(case):
        server, variant = case
        if missing.get(server):
            return missing[server]
        t = folder / f"{server}-{variant}"
        t.mkdir()
        for f in certs:
            shutil.copy(f, t / f.name)
        p = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
                            HERE / "realhost.py", server, variant, t], capture_output=True, text=True, timeout=150)
        if not p.stdout:
            return "it gave no report: " + p.stderr[-1500:]
        return {c["id"]: c for c in json.loads(p.stdout)["checks"]}
    cases = [(s, v) for s in WRONG for v in ["good", *WRONG[s]]]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return dict(zip(cases, pool.map(one, cases)))


def report(results, server, variant):
    r = results[server, variant]
    if isinstance(r, str):
        if r.startswith("cannot download") and not MUST:
            pytest.skip(r)
        pytest.fail(r)
    return r


@pytest.mark.parametrize("server", KNOWN)
def test_a_server_set_up_well_passes(results, server):
    r = report(results, server, "good")
    bad = {i: (c["status"], c["seen"]) for i, c in r.items() if c["status"] in ("failed", "warned") and i not in ELSEWHERE}
    assert {i: s for i, (s, _) in bad.items()} == KNOWN[server], bad
    assert r["arrives"]["status"] == "passed"
    if server != "exim":
        assert "SCRAM-SHA-256" in r["arrives"]["seen"]  # GNU SASL with Dovecot's auth


def test_opensmtpd_does_not_relay(results):
    """Debian 12's OpenSMTPD fails every handshake with its OpenSSL; what goes without TLS is tested, and that is said."""
    r = report(results, "opensmtpd", "good")
    assert r["relay"]["status"] == "passed" and r["auth25"]["status"] == "passed"
    assert r["authclear"]["status"] == "passed"
    assert r["starttls587"]["status"] == "failed" or r["arrives"]["status"] == "passed"


@pytest.mark.parametrize("server, variant", [(s, v) for s in WRONG for v in WRONG[s]])
def test_a_server_set_up_wrongly_fails_what_is_wrong(results, server, variant):
    good, now = report(results, server, "good"), report(results, server, variant)
    for check, status in WRONG[server][variant].items():
        assert now[check]["status"] == status, now[check]
        fix = "Postfix Exim Dovecot OpenSMTPD".split()["postfix exim dovecot opensmtpd".split().index(server)]
        assert now[check]["fix"].get(fix), now[check]
    hidden = HIDDEN_BY.get(variant, set())
    if hidden is None:
        return
    changed = {i: (good[i]["status"], c["status"], c["seen"]) for i, c in now.items()
               if c["status"] != good[i]["status"] and i not in WRONG[server][variant] and i not in ELSEWHERE | hidden}
    assert not changed
