# SPDX-License-Identifier: BSD-2-Clause
"""porteiro lint-mail: proofs, and changes that make one; porteiro stragglers: the list for the campaign."""
import csv
import io
import json
import os
import subprocess

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]

MASTER = """# ==========================================================================
smtp      inet  n       -       y       -       -       smtpd
  -o smtpd_sasl_auth_enable=yes
submission inet n       -       y       -       -       smtpd
  -o { smtpd_sasl_auth_enable = yes }
  -o smtpd_tls_security_level=encrypt
465       inet  n       -       y       -       -       smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
127.0.0.1:10025 inet n  -       y       -       -       smtpd
pickup    unix  n       -       y       60      1       pickup
"""


def run(verb, *args):
    return subprocess.run([PORTEIRO, verb, *map(str, args)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TZ": "UTC"})


def lint(*args):
    done = run("lint-mail", "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def master(tmp_path):
    path = tmp_path / "master.cf"
    path.write_text(MASTER)
    return path


def test_the_diff_for_postfix_applies_and_proves_the_ports(master):
    code, (got,) = lint("--master", master)
    assert code == 1 and not got["proven"]
    assert [(x["service"], x["port"], x["verdict"]) for x in got["listeners"]] == [
        ("smtp", 25, "shared"), ("submission", 587, "shared"), ("465", 465, "shared"),
        ("127.0.0.1:10025", 10025, "inner hop")]
    patched = subprocess.run(["patch", "-p0", str(master)], input=got["change"], text=True, capture_output=True)
    assert patched.returncode == 0, patched.stdout
    code, (got,) = lint("--master", master)
    assert code == 0 and got["proven"] and got["change"] is None
    assert got["tags"] == {"postfix/smtpd": 25, "postfix/submission/smtpd": 587, "postfix/submissions/smtpd": 465}


def test_commands_when_postconf_was_asked(master):
    text = subprocess.run([PORTEIRO, "lint-mail", "--master", str(master)], capture_output=True, text=True).stdout
    assert "+  -o syslog_name=postfix/submission\n" in text and "+  -o syslog_name=postfix/submissions\n" in text


def test_without_a_login_on_25_one_untagged_listener_is_proof(tmp_path):
    path = tmp_path / "master.cf"
    path.write_text("smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n"
                    "submission inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n")
    code, (got,) = lint("--master", path)
    assert code == 0
    assert [(x["service"], x["verdict"], x["login"]) for x in got["listeners"]] == [
        ("smtp", "no login", False), ("submission", "proven", True)]
    assert got["tags"] == {"postfix/smtpd": 587}
    # A login for all services, set in main.cf, takes the proof away.
    main = tmp_path / "main.cf"
    main.write_text("smtpd_sasl_auth_enable = yes\nsyslog_name = postfix-mx\n")
    code, (got,) = lint("--master", path, "--main", main)
    assert code == 1 and {x["logged_as"] for x in got["listeners"]} == {"postfix-mx/smtpd"}


def test_exim(tmp_path):
    path = tmp_path / "exim"
    path.write_text("daemon_smtp_ports = 25 : 465 : 587\nlog_selector = +smtp_protocol_error\n")
    code, (got,) = lint("--exim", path)
    assert code == 1 and "+log_selector = +smtp_protocol_error +incoming_interface\n" in got["change"]
    assert [x["port"] for x in got["listeners"]] == [25, 465, 587]
    path.write_text("daemon_smtp_ports = 25 : 465 : 587\nlog_selector = +incoming_interface +incoming_port\n")
    code, (got,) = lint("--exim", path)
    assert code == 0 and got["proven"]
    path.write_text("log_selector = +all -incoming_interface\n")
    assert lint("--exim", path)[0] == 1


def test_dovecot_of_two_generations(tmp_path):
    path = tmp_path / "dovecot"
    path.write_text("# 2.3.19.1 (x): /etc/dovecot/dovecot.conf\nprotocols = imap submission\n"
                    "service submission-login {\n  inet_listener submission {\n    port = 587\n  }\n"
                    "  inet_listener submissions {\n    port = 465\n    ssl = yes\n  }\n}\n")
    code, (got,) = lint("--dovecot", path)
    assert code == 1 and " lport=%a\n" in got["change"] and [x["port"] for x in got["listeners"]] == [587, 465]
    path.write_text(path.read_text() + "login_log_format_elements = user=<%u> lport=%a\n")
    assert lint("--dovecot", path)[0] == 0
    path.write_text("dovecot_config_version = 2.4.1\nprotocols = imap submission\n")
    code, (got,) = lint("--dovecot", path)
    assert code == 1 and "lport=%{local_port}" in got["change"]
    path.write_text("# 2.3.19.1 (x)\nprotocols = submission\n")  # 587 alone: the service's name says it
    assert lint("--dovecot", path)[0] == 0


def test_mistakes_are_refused(tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("")
    for args, want in ((["--master", "/nonexistent"], "/nonexistent"), (["--master", empty], "is this master.cf?"),
                       (["--exim", empty], "is this exim -bP?"), (["--dovecot", empty], "is this doveconf -n?"),
                       (["--main", empty], "--main needs --master"), (["x"], "not expected")):
        done = run("lint-mail", *args)
        assert done.returncode == 2 and want in done.stderr, args


LOG = """\
Nov 18 08:00:00 mx postfix/submission/smtpd[1]: A0000001: client=a[192.0.2.1], sasl_method=PLAIN, sasl_username=ana
Nov 18 09:00:00 mx postfix/smtpd[2]: A0000002: client=b[192.0.2.2], sasl_method=PLAIN, sasl_username=bia
Nov 19 09:00:00 mx postfix/smtpd[2]: A0000003: client=b[192.0.2.2], sasl_method=PLAIN, sasl_username=bia
Nov 19 09:00:00 mx postfix/smtpd[2]: A0000003: client=b[192.0.2.2], sasl_method=PLAIN, sasl_username=bia
Nov 20 09:00:00 mx postfix/submission/smtpd[2]: A0000004: client=b[192.0.2.3], sasl_method=PLAIN, sasl_username=bia
Nov 20 10:00:00 mx postfix/smtpd[2]: A0000005: client=c[192.0.2.4], sasl_method=PLAIN, sasl_username==cmd()
Nov  1 10:00:00 mx exim[9]: 1xUtyh-00016L-1b <= d@p H=(DESKTOP-7X) [192.0.2.5]:9 I=[192.0.2.9]:25 P=esmtpa A=plain:davi S=5
Nov  1 10:00:00 mx exim[9]: 1xUtyh-00016L-1c <= d@p H=(BRN30055C) [192.0.2.6]:9 I=[192.0.2.9]:25 P=esmtpa A=plain:scan S=5
Nov  2 10:00:00 mx exim[9]: 1xUtyh-00016L-1d <= d@p H=(pc) [192.0.2.5]:9 I=[192.0.2.9]:25 P=esmtpa A=plain:eva S=5
Nov  3 10:00:00 mx exim[9]: 1xUtyh-00016L-1e <= d@p H=(pc) [192.0.2.5]:9 I=[192.0.2.9]:587 P=esmtpa A=plain:eva S=5
"""


def test_stragglers_are_those_on_25_and_no_others(tmp_path):
    log = tmp_path / "log"
    log.write_text(LOG + "".join(
        f"Nov {d} {h:02}:00:00 mx postfix/smtpd[2]: B{d}{h:06}: client=c[192.0.2.7], sasl_method=PLAIN, sasl_username=pbx\n"
        for d in (18, 19, 20) for h in range(24)))
    done = run("stragglers", "--json", log)
    assert done.returncode == 1
    rows = {r["account"]: r for r in json.loads(done.stdout)["stragglers"]}
    assert set(rows) == {"bia", "=cmd()", "davi", "scan", "pbx"}  # ana never was, eva has left 25
    assert rows["bia"]["messages_on_25"] == 2 and rows["bia"]["also_uses"] == ["587"]
    assert rows["bia"]["last_on_25"].endswith("-11-19")
    assert rows["davi"]["program"] == "outlook" and rows["davi"]["kind"] == "person"
    assert rows["scan"]["program"] == "printer" and rows["scan"]["kind"] == "device"
    assert rows["pbx"]["kind"] == "server"
    table = list(csv.DictReader(io.StringIO(run("stragglers", "--csv", log).stdout)))
    assert len(table) == 5 and table[0]["last_on_25"] >= table[-1]["last_on_25"]
    assert "'=cmd()" in [r["account"] for r in table]  # no formula for the spreadsheet
    config = tmp_path / "site.yaml"
    config.write_text("servers: [bia]\n")
    rows = {r["account"]: r for r in json.loads(run("stragglers", "--json", "-c", config, log).stdout)["stragglers"]}
    assert rows["bia"]["kind"] == "server"
    assert run("stragglers", "--until", "2026-10-01", log).returncode == 0  # nobody left: the answer is no straggler
