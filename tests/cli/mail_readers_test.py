# SPDX-License-Identifier: BSD-2-Clause
"""Each mail server's log through porteiro index, and the collected logs against what other tools say of them."""
import csv
import glob
import json
import os
import pathlib
import re
import subprocess

import pytest

PORTEIRO = os.environ["PORTEIRO_BIN"]
DATA = pathlib.Path(os.environ["PORTEIRO_SRC"]).parent / "shared" / "data"
ZERO = {"legacy25": 0, "587": 0, "465": 0, "webmail": 0, "other": 0, "unclassified": 0}


def index(*args, text=None):
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run([PORTEIRO, "index", "--json", *map(str, args)], input=data, capture_output=True, timeout=120,
                          env={**os.environ, "TZ": "UTC"})
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def messages(text, *args, **want):
    got = index(*args, "-", text=text)
    expected = dict(ZERO)
    expected.update({k.lstrip("c"): v for k, v in want.items()})
    assert got["messages"] == expected, got
    return got


def test_exim_with_and_without_the_interface():
    head = "2026-11-21 22:54:39 "
    line = "1xUtyh-0001{n}L-1b <= maria@p.example H=(vm) [192.0.2.1]{port} P=esmtpsa X=TLS1.3:x:256 CV=no A=plain:maria@p.example S=514 id=x@y\n"
    bare = head + line.format(n=6, port="")
    assert messages(bare, unclassified=1)["users"]["active"] == 1
    told = "".join(head + line.format(n=n, port=f":59398 I=[192.0.2.9]:{port}") for n, port in
                   enumerate((25, 587, 465, 587)))
    messages(told, legacy25=1, c587=2, c465=1)
    messages(head + line.format(n=6, port=":1 I=[127.0.0.1]:5587"), "--port", "5587=587", c587=1)
    new = head + "10HmaX-000000005vi-0000 <= a@b H=x (y) [192.0.2.1]:9 I=[192.0.2.9]:587 P=esmtpa A=login:ana@p.example S=5\n"
    messages(new, c587=1)
    syslog = "Nov 21 22:54:39 mx exim[77]: " + new[20:]
    messages(syslog, c587=1)
    zone = new.replace("39 10", "39 +0000 [4711] 10")
    messages(zone, c587=1)


def test_exim_is_not_fooled():
    head = "2026-11-21 22:54:39 1xUtyh-00016L-1b <= a@b "
    rows = [
        # A HELO name, an ident, a certificate, a sender, a message id or a subject that looks like a login.
        ("H=(x) A=plain:victim) [192.0.2.1]:5 I=[192.0.2.9]:25 P=esmtp S=5", 0),
        ("H=(x) [192.0.2.1]:5 I=[192.0.2.9]:25 U=z P=esmtpa A=plain:victim P=esmtp S=5", 0),
        ('H=(x) [192.0.2.1]:5 I=[192.0.2.9]:25 P=esmtps X=T DN="/CN=a A=plain:victim P=esmtpa" S=5', 0),
        ("H=(x) [192.0.2.1]:5 I=[192.0.2.9]:25 P=esmtp S=5 id=x A=plain:victim P=esmtpa", 0),
        ('H=(x) [192.0.2.1]:5 I=[192.0.2.9]:25 P=esmtp S=5 T="x P=esmtpa A=plain:victim"', 0),
        ("H=(x) [192.0.2.1]:5 I=[192.0.2.9]:25 P=esmtpa A=plain:maria S=5", 1),
    ]
    for text, users in rows:
        assert index("-", text=head + text + "\n")["users"]["active"] == users, text
    quoted = '2026-11-21 22:54:39 1xUtyh-00016L-1b <= "a P=esmtpa A=x:victim b"@c H=(x) [192.0.2.1] P=esmtp S=5\n'
    assert index("-", text=quoted)["users"]["active"] == 0


def test_an_exim_login_without_a_name_is_nobodys():
    got = index("-", text="2026-11-21 22:54:39 1xUtyh-00016L-1b <= a@b H=(x) [192.0.2.1] P=esmtpa A=mylogin S=5\n")
    assert got["users"]["active"] == 0 and got["coverage"]["unattributed"] == 1


def test_sendmail_joins_login_and_message_by_process():
    log = "".join(f"Nov 21 10:00:0{n} mx sm-mta[{pid}]: {rest}\n" for n, (pid, rest) in enumerate((
        (100, "k4PK8N01: AUTH=server, relay=host [192.0.2.1], authid=maria@p.example, mech=PLAIN, bits=256"),
        (100, "k4PK8N01: from=<maria@p.example>, size=9, class=0, nrcpts=1, msgid=<a@b>, proto=ESMTPSA, daemon=MSA, relay=host [192.0.2.1]"),
        (100, "k4PK8N02: from=<maria@p.example>, size=9, class=0, nrcpts=1, msgid=<c@b>, proto=ESMTPSA, daemon=MSA, relay=host [192.0.2.1]"),
        (101, "k4PK8N03: AUTH=server, relay=[192.0.2.2], authid=bia, mech=LOGIN, bits=0"),
        (101, "k4PK8N03: from=<bia@p.example>, size=9, class=0, nrcpts=1, msgid=<d@b>, proto=ESMTPA, daemon=MTA, relay=[192.0.2.2]"),
        (102, "k4PK8N04: from=<x@other.example>, size=9, class=0, nrcpts=1, msgid=<e, proto=ESMTPA, daemon=MSA, relay=z [1.2.3.4]>, proto=ESMTP, daemon=MTA, relay=mx.other.example [198.51.100.7]"),
        (103, "k4PK8N05: AUTH=server, relay=[192.0.2.3], authid=caio, mech=LOGIN, bits=0"),
        (103, "k4PK8N05: from=<caio@p.example>, size=9, class=0, nrcpts=1, msgid=<f@b>, proto=ESMTPSA, daemon=TLSMTA, relay=[192.0.2.3]"),
    )))
    got = messages(log, c587=2, legacy25=1, c465=1)
    assert got["users"]["active"] == 3


def test_opensmtpd_by_log_and_by_report():
    session = "7f3a2c1d9b4e5f60"
    log = "".join(f"Nov 21 10:00:00 mx smtpd[5]: {session} smtp {rest}\n" for rest in (
        "connected address=192.0.2.1 host=a.b", "authentication user=maria@p.example result=ok",
        "message msgid=3a2b1c0d size=600 nrcpt=1 proto=ESMTP", "message msgid=3a2b1c0e size=600 nrcpt=1 proto=ESMTP",
        "disconnected reason=quit", "message msgid=3a2b1c0f size=600 nrcpt=1 proto=ESMTP"))
    messages(log, unclassified=2)
    report = "".join(f"report|0.7|1763719200.123456|smtp-in|{rest}\n" for rest in (
        f"link-connect|{session}|a.b|pass|192.0.2.1:4711|192.0.2.9:587", f"link-auth|{session}|pass|maria@p.example",
        f"tx-commit|{session}|3a2b1c0d|600", f"link-disconnect|{session}",
        "link-connect|7f3a2c1d9b4e5f61|a.b|pass|[2001:db8::1]:4711|[2001:db8::9]:465",
        "link-auth|7f3a2c1d9b4e5f61|bia|pass", "tx-commit|7f3a2c1d9b4e5f61|3a2b1c0f|600",
        "link-connect|7f3a2c1d9b4e5f62|a.b|pass|192.0.2.1:4711|192.0.2.9:25",
        "link-auth|7f3a2c1d9b4e5f62|fail|caio", "tx-commit|7f3a2c1d9b4e5f62|3a2b1c1f|600"))
    got = messages(report, c587=1, c465=1)
    assert got["window"]["from"] == "2025-11-21" and got["users"]["active"] == 2


def test_haraka_counts_when_the_session_ends():
    log = "".join(f"2026-11-21T10:00:00.000Z [{level}] [{uuid}] [{source}] {rest}\n" for level, uuid, source, rest in (
        ("NOTICE", "8F6C-1", "core", "connect ip=192.0.2.1 port=4711 local_ip=192.0.2.9 local_port=587"),
        ("INFO", "8F6C-1", "auth/flat_file", "authenticated user=maria@p.example method=PLAIN"),
        ("NOTICE", "8F6C-1", "core", "disconnect ip=192.0.2.1 rdns=NXDOMAIN helo=pc relay=Y early=N esmtp=Y tls=Y pipe=N errors=0 txns=3 rcpts=3/0/0 msgs=3/0/0 bytes=900 lr=\"\" time=1.0"),
        ("NOTICE", "8F6C-2", "core", "connect ip=192.0.2.2 port=4711 local_ip=192.0.2.9 local_port=25"),
        ("NOTICE", "8F6C-2", "core", "disconnect ip=192.0.2.2 rdns=x helo=x relay=N early=N esmtp=Y msgs=1/0/0 bytes=900")))
    assert messages(log, c587=3)["users"]["active"] == 1


EXCHANGE = """#Software: Microsoft Exchange Server
#Version: 15.0.0.0
#Log-type: SMTP Receive Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-11-21T10:00:00.000Z,EX1\\{connector},08DA{n},0,192.0.2.9:{port},192.0.2.1:53722,+,,
2026-11-21T10:00:01.000Z,EX1\\{connector},08DA{n},5,192.0.2.9:{port},192.0.2.1:53722,*,PROVEDOR\\{user},authenticated
2026-11-21T10:00:02.000Z,EX1\\{connector},08DA{n},9,192.0.2.9:{port},192.0.2.1:53722,>,"250 2.6.0 <{n}@p> [InternalId=1] Queued mail for delivery",
2026-11-21T10:00:03.000Z,EX1\\{connector},08DA{n},10,192.0.2.9:{port},192.0.2.1:53722,-,,Local
"""


def test_exchange_protocol_and_tracking_logs():
    log = "\ufeff" + "".join(EXCHANGE.format(connector=c, n=n, port=p, user=u) for n, (c, p, u) in enumerate((
        ("Client Frontend EX1", 587, "maria"), ("Default Frontend EX1", 25, "bia"),
        ("Client Proxy EX1", 465, "maria"), ("Default EX1", 2525, "bia"))))
    assert messages(log, c587=1, legacy25=1)["users"]["active"] == 2
    tracking = ("#Fields: date-time,client-ip,source-context,source,event-id,message-id,sender-address\n"
                '2026-11-21T10:00:00Z,,"MDB:x, ClientType:OWA, x",STOREDRIVER,SUBMIT,<a@b>,maria@p.example\n'
                '2026-11-21T10:00:00Z,,"MDB:x, ClientType:MOMT, x",STOREDRIVER,SUBMIT,<c@b>,bia@p.example\n'
                "2026-11-21T10:00:00Z,,,SMTP,RECEIVE,<a@b>,maria@p.example\n")
    got = index("--tag", "exchange-mailbox=other", "-", text=tracking)
    assert got["messages"]["webmail"] == 1 and got["messages"]["other"] == 1


def test_webmails_own_logs(tmp_path):
    roundcube = ("[21-Nov-2026 10:00:00 +0000]: <ab12> User maria@p.example [192.0.2.1]; Message <a@b> for x@y; 250: 2.0.0 Ok: queued as A1B2C3D4E5\n"
                 "[01-Dec-2025 10:00:00]: User bia@p.example [192.0.2.1]; Message <c@b> for x@y; 250: 2.0.0 Ok: queued as A1B2C3D4E6\n"
                 "[21-Nov-2026 10:00:00 +0000]: <ab12> User caio [192.0.2.1]; Message <a@b> for x@y; 550: no\n")
    got = messages(roundcube, "--since", "2025-11-01", webmail=2)
    assert got["window"]["to"] == "2026-11-21"
    sogo = ('Nov 21 10:00:00 sogod [25]: 192.0.2.1 "POST /SOGo/so/maria%40p.example/Mail/0/folderDrafts/newDraft1-1/send HTTP/1.1" 200 22/1500 0.5 - - 0\n'
            'Nov 21 10:00:00 sogod [25]: 192.0.2.1 "POST /SOGo/so/bia/Mail/0/folderDrafts/newDraft1-2/send HTTP/1.1" 403 22/1500 0.5 - - 0\n'
            'Nov 21 10:00:00 sogod [25]: 192.0.2.1 "GET /SOGo/so/bia/Mail/0/folderDrafts/newDraft1-2/send HTTP/1.1" 200 22/1500 0.5 - - 0\n')
    assert messages(sogo, webmail=1)["users"]["active"] == 1
    zimbra = ("2026-11-21 10:00:00,123 INFO  [qtp1-1:https://h/service/soap/SendMsgRequest] [name=maria@p.example;mid=3;oip=192.0.2.1;ua=ZimbraWebClient - FF100/8.8;] smtp - Sending message to MTA at h: Message-ID=<1@p>, origMsgId=, size=1, sender=maria@p.example, nrcpts=1, to=x@y\n"
              "2026-11-21 10:00:00,123 INFO  [ImapServer-1] [name=maria@p.example;] imap - LOGIN\n")
    assert messages(zimbra, webmail=1)["users"]["active"] == 1


def test_a_message_from_webmail_is_not_counted_again_at_the_server(tmp_path):
    web, mail = tmp_path / "sendmail.log", tmp_path / "mail.log"
    web.write_text("[20-Nov-2026 10:00:00 +0000]: <ab12> User maria@p.example [192.0.2.1]; Message <a@b> for x@y; 250: 2.0.0 Ok: queued as A1B2C3D4E5\n")
    mail.write_text("Nov 20 10:00:00 mx postfix/smtpd[1]: A1B2C3D4E5: client=web[192.0.2.80], sasl_method=LOGIN, sasl_username=maria@p.example\n"
                    "Nov 20 10:00:00 mx postfix/submission/smtpd[1]: A1B2C3D4E7: client=a[192.0.2.7], sasl_method=LOGIN, sasl_username=maria@p.example\n")
    os.utime(mail, (1795564800, 1795564800))  # 2026-11-25: stamps without a year are before it
    for order in ((web, mail), (mail, web)):
        got = index(*order)
        assert got["messages"]["webmail"] == 1 and got["messages"]["587"] == 1
        assert got["messages"]["legacy25"] == 0 and got["coverage"]["reinjected"] == 1


def test_the_journal_in_json_and_in_export_form():
    text = "A1B2C3D4E5: client=a[192.0.2.7], sasl_method=LOGIN, sasl_username=maria@p.example"
    base = {"__REALTIME_TIMESTAMP": "1763719200123456", "_HOSTNAME": "mx", "SYSLOG_IDENTIFIER": "postfix/smtps/smtpd", "_PID": "7"}
    as_bytes = dict(base, MESSAGE=list(text.replace("maria", "mari\u00e3").encode("latin-1")))
    log = json.dumps(dict(base, MESSAGE=text)) + "\n" + json.dumps(as_bytes) + "\n"
    assert messages(log, c465=2)["users"]["active"] == 2
    export = "".join(f"{k}={v}\n" for k, v in {"__CURSOR": "s=1", **base, "MESSAGE": text}.items())
    got = messages(export + "\n" + export.replace("maria", "bia"), c465=2)
    assert got["lines"]["read"] == 2 and got["window"]["from"] == "2025-11-21"


def test_the_generic_forms():
    table = ("time,user,channel,id,client\n2026-11-21 10:00:00,maria,587,m1,192.0.2.1\n2026-11-21 10:00:00,bia,legacy25,m2,\n"
             "2026-11-21 10:00:00,maria,587,m1,192.0.2.1\n2026-11-21 10:00:00,,587,m3,\nno time,x,587,m4,\n"
             '2026-11-21 10:00:00,"ca,io",webmail,m5,\n2026-11-21 10:00:00,davi,carrier pigeon,m6,\n')
    got = messages(table, c587=1, legacy25=1, webmail=1, unclassified=1)
    assert got["lines"] == {"read": 8, "understood": 5, "ignored": 1, "malformed": 2}
    assert got["coverage"]["unexplained"] == {"carrier pigeon": 1}
    rows = [{"time": "2026-11-21T10:00:00Z", "user": "mari\u00e3", "port": 465, "id": "m1"},
            {"time": "2026-11-21T10:00:00Z", "user": "bia", "channel": "587", "count": 5, "x": {"deep": [1, {"y": "}"}]}},
            {"time": "2026-11-21T10:00:00Z", "user": "caio", "port": "x"}]
    got = messages("".join(json.dumps(row) + "\n" for row in rows), c465=1, c587=5)
    assert got["lines"]["malformed"] == 1


# The collected logs: nothing crashes, the sums hold, and the counts are those that other tools find.

def maillogs():
    return sorted(p for p in glob.glob(str(DATA / "maillog" / "**"), recursive=True) if os.path.isfile(p))


@pytest.mark.skipif(not (DATA / "maillog").is_dir(), reason="no collected logs beside the source")
def test_every_collected_log_is_read():
    paths = maillogs()
    assert len(paths) > 400
    folders = {}
    for path in paths:
        folders.setdefault(os.path.dirname(path), []).append(path)
    for folder, files in folders.items():
        # A last line without newline is a line too.
        want = 0
        for path in files:
            data = pathlib.Path(path).read_bytes()
            want += data.count(b"\n") + (not data.endswith(b"\n") and len(data) > 0)
        lines = index("--since", "1990-01-01", *files)["lines"]
        assert lines["read"] == want, folder
        assert lines["read"] == lines["understood"] + lines["ignored"] + lines["malformed"], folder


@pytest.mark.skipif(not (DATA / "EXPECTED.tsv").exists(), reason="no collected logs beside the source")
def test_exim_testsuite_agrees_with_grep():
    facts = {}
    with open(DATA / "EXPECTED.tsv", newline="", encoding="utf-8") as f:
        for path, _tool, fact, value, _note in csv.reader(f, delimiter="\t"):
            if path.startswith("maillog/exim-testsuite"):
                facts[fact] = value
    paths = sorted(glob.glob(str(DATA / "maillog/exim-testsuite/log/*")))
    text = b"".join(pathlib.Path(p).read_bytes() for p in paths).decode("latin-1")
    head = r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?(?: \[\w+\])? \w{6}-\w{6,11}-\w{2,4} "
    received = len(re.findall(head + "<= ", text))
    done = len(re.findall(head + "Completed", text))
    failed = len(re.findall(r"(?m)^\d{4}-\S+ \S+ .{0,80}? authenticator failed for ", text))
    relay = len(re.findall(r"(?m)^\d{4}-\S+ \S+ H=.* rejected RCPT .*: relay not permitted", text))
    got = index("--since", "1990-01-01", "--until", "2026-12-31", *paths)
    assert got["lines"]["understood"] == received + done + failed + relay
    # grep finds " <= " anywhere, also in 7 lines that are not arrivals; nearly all of its 873 are ours.
    assert abs(received - int(facts["lines <= (received)"])) <= 10
    assert abs(done - int(facts["lines Completed"])) <= 10


@pytest.mark.skipif(not (DATA / "EXPECTED.tsv").exists(), reason="no collected logs beside the source")
def test_refused_logins_agree_with_grep():
    """sasl_auth_failed and dovecot_auth_failed of each file are among our refusals, and Relay access denied makes the rest."""
    with open(DATA / "EXPECTED.tsv", newline="", encoding="utf-8") as f:
        rows = [r for r in csv.reader(f, delimiter="\t") if r[0].startswith("maillog/crowdsec") and r[2].endswith("auth_failed")]
    assert len(rows) >= 5
    for path, _tool, fact, value, _note in rows:
        text = (DATA / path).read_text(encoding="latin-1")
        relay = len(re.findall("Relay access denied", text))
        got = index(DATA / path)["coverage"]["refused"]
        if fact == "dovecot_auth_failed":
            # grep also counts two workers' lines that name no session
            assert got == len(re.findall(r"\(auth failed", text)) and got <= int(value)
        else:
            assert got == int(value) + relay, path
